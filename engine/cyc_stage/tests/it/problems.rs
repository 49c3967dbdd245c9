//! Every problem code, with its message as it is printed.

use crate::{BASE, from_disk, no_files};
use cyc_stage::{Code, Problems};
use std::collections::BTreeSet;
use std::io::Error;
use std::path::Path;

const WALL: &str = "[[wall]]\nid = \"side\"\npanel = { width_px = 100, height_px = 100, pitch_mm = 5.0 }\nshape.flat = { columns = 2, rows = 2 }\n\n[[feed]]";
const FLAT: &str = "shape.flat = { columns = 4, rows = 2 }";
const LENS: &str = "focal_length_mm = 35.0";
const FREED: &str = "protocol.freed = { udp = \"127.0.0.1:40000\", camera_id = 1 }";

/// Name of the snapshot, the codes it must have, and what is replaced in the good file.
const CASES: &[(&str, &[Code], &[(&str, &str)])] = &[
    ("syntax", &[Code::Syntax], &[("frame_rate = \"24\"", "frame_rate = twenty-four")]),
    ("syntax_two_tables", &[Code::Syntax], &[("id = \"main\"", "id = \"main\"\nid = \"side\"")]),
    ("unknown_key", &[Code::MissingKey, Code::UnknownKey], &[("pitch_mm", "pitch")]),
    ("unknown_table", &[Code::UnknownKey], &[("[[feed]]", "[lights]\non = true\n\n[[feed]]")]),
    ("missing_key", &[Code::MissingKey], &[("sensor = { width_mm = 36.0, height_mm = 20.25 }\n", "")]),
    ("missing_top", &[Code::MissingKey, Code::MissingKey], &[("name = \"test\"\nframe_rate = \"24\"\n", "")]),
    ("wrong_type", &[Code::WrongType], &[("pitch_mm = 5.0", "pitch_mm = \"5.0\"")]),
    ("one_bracket", &[Code::WrongType], &[("[[feed]]", "[feed]")]),
    (
        "out_of_range",
        &[Code::OutOfRange, Code::OutOfRange],
        &[("overscan = 1.25", "overscan = 0.9"), ("pitch_mm = 5.0", "pitch_mm = 0")],
    ),
    ("not_finite", &[Code::OutOfRange], &[("name = \"test\"", "name = \"test\"\neye_point_m = [0.0, nan, 1.6]")]),
    ("bits", &[Code::OutOfRange], &[("wall = \"main\"", "wall = \"main\"\nsignal = { bits = 12 }")]),
    (
        "unknown_value",
        &[Code::UnknownValue],
        &[("wall = \"main\"", "wall = \"main\"\nsignal = { transfer = \"sRGB\" }")],
    ),
    ("unknown_shape", &[Code::UnknownValue], &[("shape.flat", "shape.curve")]),
    ("format_newer", &[Code::Format], &[("format = 1", "format = 2")]),
    ("format_older", &[Code::Format], &[("format = 1", "format = 0")]),
    ("duplicate_id", &[Code::DuplicateId], &[("[[feed]]", WALL), ("id = \"side\"", "id = \"main\"")]),
    (
        "duplicate_output",
        &[Code::DuplicateId],
        &[("id = \"out\"\n", "id = \"out\"\nnode = \"n1\"\nwall = \"main\"\n\n[[output]]\nid = \"out\"\n")],
    ),
    ("bad_id", &[Code::BadName], &[("id = \"out\"", "id = \"../out\"")]),
    ("bad_name", &[Code::BadName], &[("name = \"test\"", "name = \"\"")]),
    ("unknown_wall", &[Code::UnknownWall], &[("wall = \"main\"", "wall = \"mian\"")]),
    ("unknown_feed", &[Code::UnknownFeed], &[("feed = \"trk-a\"", "feed = \"trk-b\"")]),
    (
        "outside_wall",
        &[Code::OutsideWall],
        &[("wall = \"main\"", "wall = \"main\"\nwall_px = { x = 200, y = 0, width = 300, height = 200 }")],
    ),
    (
        "regions_collide",
        &[Code::RegionsCollide],
        &[
            ("[[feed]]", WALL),
            (
                "wall = \"main\"\n",
                "regions = [\n    { wall = \"main\" },\n    { wall = \"side\", at_px = [399, 0] },\n]\n",
            ),
        ],
    ),
    (
        "output_empty",
        &[Code::OutputSize],
        &[("wall = \"main\"", "wall = \"main\"\nwall_px = { x = 0, y = 0, width = 0, height = 200 }")],
    ),
    ("output_huge", &[Code::OutputSize], &[("columns = 4", "columns = 170")]),
    ("either_regions", &[Code::Either], &[("wall = \"main\"", "wall = \"main\"\nregions = [{ wall = \"main\" }]")]),
    ("either_none", &[Code::Either], &[("wall = \"main\"\n", "")]),
    (
        "either_shapes",
        &[Code::Either],
        &[(FLAT, "shape.flat = { columns = 4, rows = 2 }\nshape.arc = { columns = 4, rows = 2, radius_m = 5.0 }")],
    ),
    ("either_pose", &[Code::Either], &[("focal_length_mm = 35.0", "focal_length_mm = 35.0\nposition_m = [0, 0, 1]")]),
    ("soft_edge", &[Code::SoftEdge], &[("overscan = 1.25", "overscan = 1.1, soft_edge = 0.2")]),
    ("arc_radius", &[Code::ArcRadius], &[(FLAT, "shape.arc = { columns = 4, rows = 2, radius_m = 0.2 }")]),
    ("arc_full", &[Code::ArcFull], &[(FLAT, "shape.arc = { columns = 20, rows = 2, radius_m = -1.0 }")]),
    ("frame_rate", &[Code::FrameRate], &[("frame_rate = \"24\"", "frame_rate = 23.976")]),
    ("frame_rate_text", &[Code::FrameRate], &[("frame_rate = \"24\"", "frame_rate = \"fast\"")]),
    ("address", &[Code::Address], &[("127.0.0.1:40000", "localhost:40000")]),
    ("address_no_port", &[Code::Address], &[("127.0.0.1:40000", "127.0.0.1")]),
    ("address_multicast", &[Code::Address], &[("127.0.0.1:40000", "239.135.1.1:40000")]),
    ("address_osc", &[Code::Address], &[(FREED, "protocol.osc = { udp = \"0.0.0.0:9000\", address = \"tracker a\" }")]),
    (
        "shared_port",
        &[Code::SharedPort, Code::UnusedFeed],
        &[(
            "[[camera]]",
            "[[feed]]\nid = \"trk-b\"\nprotocol.freed = { udp = \"127.0.0.1:40000\", camera_id = 1 }\n\n[[camera]]",
        )],
    ),
    ("profile", &[Code::Profile], &[(FREED, "protocol.freed = { udp = \"127.0.0.1:40000\" }\nprofile = \"sonny\"")]),
    (
        "profile_axes",
        &[Code::Profile],
        &[(FREED, "protocol.freed = { udp = \"127.0.0.1:40000\" }\nprofile = { position_axes = [0, 1, 1] }")],
    ),
    ("loss", &[Code::Loss], &[(FREED, "protocol.freed = { udp = \"127.0.0.1:40000\" }\nloss = { predict_ms = 3000 }")]),
    (
        "mesh_missing",
        &[Code::MeshFile],
        &[(FLAT, "shape.mesh = { path = \"missing.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "mesh_broken",
        &[Code::MeshFile],
        &[(FLAT, "shape.mesh = { path = \"broken.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "mesh_no_uv",
        &[Code::MeshUv],
        &[(FLAT, "shape.mesh = { path = \"no-uv.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "mesh_uv_range",
        &[Code::MeshUvRange],
        &[(FLAT, "shape.mesh = { path = \"uv-range.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "mesh_overlap",
        &[Code::MeshUvRange],
        &[(FLAT, "shape.mesh = { path = \"overlap.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "mesh_degenerate",
        &[Code::MeshShape],
        &[(FLAT, "shape.mesh = { path = \"degenerate.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "mesh_thin",
        &[Code::ThinTriangles],
        &[(FLAT, "shape.mesh = { path = \"thin.obj\", width_px = 400, height_px = 200 }")],
    ),
    (
        "lens_file",
        &[Code::LensFile],
        &[("focal_length_mm = 35.0", "focal_length_mm = 35.0\nlens = \"lenses/prime-35.toml\"")],
    ),
    ("serial", &[Code::Serial], &[("udp = \"127.0.0.1:40000\"", "serial = \"/dev/ttyUSB0\"")]),
    ("genlock", &[Code::Source], &[("[[wall]]", "[genlock]\nsource.pttp = { domain = 127 }\n\n[[wall]]")]),
    (
        "genlock_values",
        &[Code::OutOfRange, Code::BadName, Code::BadName, Code::OutOfRange],
        &[(
            "[[wall]]",
            "[genlock]\nsource.ptp = { domain = 128, device = \"ptp0\", management = \"\" }\nphase_us = 2e6\n\n[[wall]]",
        )],
    ),
    (
        "genlock_keys",
        &[Code::MissingKey, Code::UnknownKey],
        &[("[[wall]]", "[genlock]\nsource.osc = { adress = \"/tick\" }\n\n[[wall]]")],
    ),
    (
        "genlock_two",
        &[Code::Either],
        &[("[[wall]]", "[genlock]\nsource.internal = {}\nsource.mtc = { port = \"MOTU\" }\n\n[[wall]]")],
    ),
    (
        "genlock_serial",
        &[Code::UnknownValue, Code::OutOfRange],
        &[(
            "[[wall]]",
            "[genlock]\nsource.serial = { device = \"/dev/ttyUSB0\", pulse = \"rts\", baud = 300 }\n\n[[wall]]",
        )],
    ),
    (
        "genlock_baud",
        &[Code::NoEffect],
        &[(
            "[[wall]]",
            "[genlock]\nsource.serial = { device = \"/dev/ttyUSB0\", pulse = \"cts\", baud = 9600 }\n\n[[wall]]",
        )],
    ),
    (
        "timecode_sound",
        &[Code::Either],
        &[("[[wall]]", "[timecode]\nsource.ltc = { device = \"hw:1\", file = \"house.wav\" }\n\n[[wall]]")],
    ),
    ("timecode_source", &[Code::Source], &[("[[wall]]", "[timecode]\nsource.timeofday = {}\n\n[[wall]]")]),
    ("timecode_genlock", &[Code::NoLabels], &[("[[wall]]", "[timecode]\nsource.genlock = {}\n\n[[wall]]")]),
    ("drop_frame", &[Code::Timecode], &[("[[wall]]", "[timecode]\ndrop_frame = true\n\n[[wall]]")]),
    (
        "drop_frame_30",
        &[Code::Timecode],
        &[("frame_rate = \"24\"", "frame_rate = \"30\""), ("[[wall]]", "[timecode]\ndrop_frame = true\n\n[[wall]]")],
    ),
    (
        "start_frames",
        &[Code::Timecode],
        &[("[[wall]]", "[timecode]\nsource.count = { start = \"01:00:00:24\" }\n\n[[wall]]")],
    ),
    (
        "start_dropped",
        &[Code::Timecode],
        &[
            ("frame_rate = \"24\"", "frame_rate = \"60000/1001\""),
            ("[[wall]]", "[timecode]\nsource.count = { start = \"10:01:00:00\" }\n\n[[wall]]"),
        ],
    ),
    ("start_text", &[Code::Timecode], &[("[[wall]]", "[timecode]\nsource.count = { start = \"1:00\" }\n\n[[wall]]")]),
    (
        "start_contradicts",
        &[Code::Timecode],
        &[
            ("frame_rate = \"24\"", "frame_rate = \"30000/1001\""),
            ("[[wall]]", "[timecode]\nsource.count = { start = \"01:00:00;00\" }\ndrop_frame = false\n\n[[wall]]"),
        ],
    ),
    (
        "time_of_day",
        &[Code::OutOfRange, Code::TimeOfDay],
        &[("[[wall]]", "[timecode]\nsource.time_of_day = { utc_offset_minutes = 900, jam = \"24:00\" }\n\n[[wall]]")],
    ),
    (
        "timecode_out",
        &[Code::Source, Code::Address, Code::MissingKey],
        &[(
            "[[wall]]",
            "[[timecode.out]]\nto.midi = {}\n\n[[timecode.out]]\nto.osc = { udp = \"0.0.0.0:9000\" }\n\n[[timecode.out]]\n\n[[wall]]",
        )],
    ),
    (
        "timecode_out_rate",
        &[Code::Timecode],
        &[("frame_rate = \"24\"", "frame_rate = \"13\""), ("[[wall]]", "[[timecode.out]]\nto.ltc = {}\n\n[[wall]]")],
    ),
    ("timecode_out_bracket", &[Code::WrongType], &[("[[wall]]", "[timecode.out]\nto.artnet = {}\n\n[[wall]]")]),
    ("shared_port_control", &[Code::SharedPort], &[("[[wall]]", "[control]\nosc = \"0.0.0.0:40000\"\n\n[[wall]]")]),
    (
        "shared_source",
        &[Code::SharedPort],
        &[("[[wall]]", "[genlock]\nsource.artnet = {}\n\n[timecode]\nsource.artnet = {}\n\n[[wall]]")],
    ),
    (
        "shared_out",
        &[Code::SharedPort, Code::SharedPort],
        &[(
            "[[wall]]",
            "[timecode]\nsource.artnet = {}\n\n[[timecode.out]]\nto.artnet = {}\n\n[[timecode.out]]\nto.mtc = { port = \"A\" }\n\n[[timecode.out]]\nto.mtc = { port = \"A\" }\n\n[[wall]]",
        )],
    ),
    (
        "pacer",
        &[Code::WrongType, Code::OutOfRange],
        &[("[[wall]]", "[pacer]\npriority = false\nspin_us = -1\n\n[[wall]]")],
    ),
    ("budget", &[Code::Budget], &[("[[wall]]", "[budget]\nrender_ms = 35\ncompose_ms = 6\nmargin_ms = 2\n\n[[wall]]")]),
    (
        "filter",
        &[Code::UnknownKey, Code::OutOfRange],
        &[(
            FREED,
            "protocol.freed = { udp = \"127.0.0.1:40000\" }\nfilter = { position_noise_m = 0.1, acceleration_m_s2 = 0 }",
        )],
    ),
    ("shutter", &[Code::Shutter], &[(LENS, "focal_length_mm = 35.0\nshutter = { angle_deg = 400 }")]),
    ("shutter_closed", &[Code::Shutter], &[(LENS, "focal_length_mm = 35.0\nshutter = { angle_deg = 0 }")]),
    ("torn", &[Code::Torn], &[(LENS, "focal_length_mm = 35.0\nshutter = { angle_deg = 270, readout_ms = 15 }")]),
    (
        "torn_readout",
        &[Code::Torn],
        &[
            ("frame_rate = \"24\"", "frame_rate = \"60\""),
            (LENS, "focal_length_mm = 35.0\nshutter = { readout_ms = 17 }"),
        ],
    ),
    (
        "torn_fast",
        &[Code::Torn],
        &[(LENS, "focal_length_mm = 35.0\nrate = \"48\"\nshutter = { angle_deg = 180, readout_ms = 15 }")],
    ),
    (
        "torn_phase",
        &[Code::Torn],
        &[(LENS, "focal_length_mm = 35.0\nshutter = { angle_deg = 270, phase_deg = 90, readout_ms = 15 }")],
    ),
    (
        "exposure_phase",
        &[Code::ExposurePhase],
        &[(LENS, "focal_length_mm = 35.0\nshutter = { angle_deg = 180, phase_deg = 90, readout_ms = 15 }")],
    ),
    (
        "bands",
        &[Code::Bands],
        &[
            (FLAT, "shape.flat = { columns = 4, rows = 2 }\nled = { refresh_hz = 3840, scan = 16 }"),
            (LENS, "focal_length_mm = 35.0\nshutter = { angle_deg = 172.8 }"),
        ],
    ),
    (
        "bands_1001",
        &[Code::Bands],
        &[
            ("frame_rate = \"24\"", "frame_rate = \"24000/1001\""),
            (FLAT, "shape.flat = { columns = 4, rows = 2 }\nled = { refresh_hz = 3840, scan = 16 }"),
            (LENS, "focal_length_mm = 35.0\nshutter = {}"),
        ],
    ),
    ("beating", &[Code::Beating], &[(LENS, "focal_length_mm = 35.0\nrate = \"25\"\nshutter = {}")]),
    ("beating_ntsc", &[Code::Beating], &[(LENS, "focal_length_mm = 35.0\nrate = \"24000/1001\"")]),
    ("protocol", &[Code::Protocol], &[(FREED, "protocol.natnet = { udp = \"0.0.0.0:1511\" }")]),
    ("unused_feed", &[Code::UnusedFeed], &[("feed = \"trk-a\"\n", "")]),
    ("no_focal_length", &[Code::NoFocalLength], &[("focal_length_mm = 35.0\n", "")]),
    ("unshown_wall", &[Code::UnshownWall], &[("[[feed]]", WALL)]),
    ("no_effect", &[Code::NoEffect], &[("[[wall]]", "[latency]\nexposure_true = true\n\n[[wall]]")]),
    (
        "latency_twice",
        &[Code::Either],
        &[("wall = \"main\"", "wall = \"main\"\nlatency_frames = 1\nsignal = { latency_frames = 2 }")],
    ),
    (
        "no_wall",
        &[Code::MissingKey, Code::UnknownWall],
        &[(
            "[[wall]]\nid = \"main\"\npanel = { width_px = 100, height_px = 100, pitch_mm = 5.0 }\nshape.flat = { columns = 4, rows = 2 }\n",
            "",
        )],
    ),
];

fn meshes(path: &Path) -> Result<Vec<u8>, Error> {
    let quad = "v 0 0 0\nv 2 0 0\nv 2 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n";
    let face = "f 1/1 2/2 3/3 4/4\n";
    let text = match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
        "broken.obj" => "v 0 0 zero\n".into(),
        "no-uv.obj" => "v 0 0 0\nv 2 0 0\nv 2 1 0\nf 1 2 3\n".into(),
        "uv-range.obj" => format!("{}{face}", quad.replace("vt 1 1", "vt 1.5 1")),
        "overlap.obj" => format!("{quad}{face}{face}"),
        "degenerate.obj" => format!("{}{face}", quad.replace("v 2 ", "v 0 ")),
        "thin.obj" => format!("{quad}{face}f 1/1 2/2 2/2\n"),
        _ => return no_files(path),
    };
    Ok(text.into_bytes())
}

/// What the loader says, errors or warnings.
fn problems_of(text: &str) -> Problems {
    match cyc_stage::parse(text, Path::new("stage-configs/test.toml"), &meshes) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    }
}

fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = BASE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is not in the file");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(problems_of(BASE).render(false), "");
}

#[test]
fn each_case_has_its_codes() {
    let mut wrong = Vec::new();
    for (name, codes, edits) in CASES {
        let problems = problems_of(&edited(edits));
        let found: Vec<Code> = problems.list.iter().map(|problem| problem.code).collect();
        if &found != codes {
            wrong.push(format!("{name}: {found:?}\n{problems}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_problem_prints_as_in_its_snapshot() {
    for (name, _, edits) in CASES {
        insta::assert_snapshot!(*name, problems_of(&edited(edits)).render(false));
    }
}

#[test]
fn each_code_has_a_case() {
    let covered: BTreeSet<Code> = CASES.iter().flat_map(|(_, codes, _)| codes.iter().copied()).collect();
    // `File` needs no text at all; see below.
    let missing: Vec<&Code> = Code::ALL.iter().filter(|c| !covered.contains(c) && **c != Code::File).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let ids: BTreeSet<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    assert_eq!(ids.len(), Code::ALL.len(), "two codes share a number");
}

#[test]
fn each_problem_names_path_line_and_column() {
    for (name, _, edits) in CASES {
        let problems = problems_of(&edited(edits));
        for problem in &problems.list {
            let (line, column) = problems.line_column(problem);
            let place = format!("stage-configs/test.toml:{line}:{column}");
            assert!(problems.render(false).lines().any(|l| l.contains(&place)), "{name}: {place}\n{problems}");
        }
    }
}

#[test]
fn places_count_characters_not_bytes() {
    let text =
        BASE.replace("name = \"test\"", "name = \"舞台\"\n# 舞台").replace("feed = \"trk-a\"", "\t feed = \"trk-é\"");
    let problems = problems_of(&text.replace('\n', "\r\n"));
    assert_eq!(problems.list.len(), 1, "{problems}");
    let at = problems.list.iter().map(|problem| problems.line_column(problem)).collect::<Vec<_>>();
    assert_eq!(at, [(17, 10)], "{problems}");
    assert!(problems.to_string().contains("stage-configs/test.toml:17:10"), "{problems}");
    assert!(!problems.to_string().contains('\u{240d}'), "a picture of a carriage return: {problems}");
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let problems = problems_of(&edited(&[("feed = \"trk-a\"", "feed = \"trk-b\"")]));
    assert!(!problems.render(false).contains('\x1b'));
    assert!(problems.render(true).contains('\x1b'));
}

#[test]
fn one_problem_hides_no_other() {
    let text = edited(&[
        ("name = \"test\"", "nmae = \"test\""),
        ("pitch_mm = 5.0", "pitch_mm = -1"),
        ("columns = 4", "columns = \"four\""),
        ("127.0.0.1:40000", "here"),
        ("feed = \"trk-a\"", "feed = \"trk-z\""),
        ("overscan = 1.25", "overscan = 1.25, soft_edge = 0.5"),
        ("wall = \"main\"", "wall = \"back\"\nsignal = { gamut = \"p4\", bits = 9 }"),
    ]);
    insta::assert_snapshot!("many", problems_of(&text).render(false));
}

#[test]
fn files_that_are_no_stage_files_are_named() {
    let read = |bytes: Result<&[u8], Error>| {
        let bytes = bytes.map(<[u8]>::to_vec).map_err(|error| error.kind());
        let reader = move |_: &Path| bytes.clone().map_err(Error::from);
        cyc_stage::load(Path::new("my/stage.toml"), &reader).unwrap_err().render(false)
    };
    let cases = [
        ("missing", read(Err(Error::from(std::io::ErrorKind::NotFound)))),
        ("directory", read(Err(Error::from(std::io::ErrorKind::IsADirectory)))),
        ("forbidden", read(Err(Error::from(std::io::ErrorKind::PermissionDenied)))),
        ("empty", read(Ok(b""))),
        ("only comments", read(Ok(b"# nothing\n\n"))),
        ("binary", read(Ok(b"format = 1\nname = \"\xff\xfe\"\n"))),
        ("enormous", read(Ok(&vec![b'#'; cyc_stage::MAX_STAGE_BYTES + 1]))),
    ];
    let all: Vec<String> = cases.iter().map(|(name, text)| format!("{name}\n{text}")).collect();
    insta::assert_snapshot!("no_stage_file", all.join("\n\n"));
    for (name, text) in cases {
        assert!(text.contains("[S001]") && text.contains("my/stage.toml:"), "{name}: {text}");
    }
}

#[test]
fn a_folder_on_disk_is_named_too() {
    let problems = cyc_stage::load(Path::new(env!("CARGO_MANIFEST_DIR")), &from_disk).unwrap_err();
    assert!(problems.to_string().contains("Is a directory"), "{problems}");
}

#[test]
fn hostile_names_reach_no_terminal() {
    let text = edited(&[("feed = \"trk-a\"", "feed = \"\\u001b[31mred\"")]);
    let problems = problems_of(&text);
    assert!(!problems.render(false).contains('\x1b'), "{problems}");
}
