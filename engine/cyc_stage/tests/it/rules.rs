//! What the file means where nothing is wrong: defaults, short forms, what may share a port.

use crate::{BASE, parse};
use cyc_color::signal::{Gamut, Signal, Transfer};
use cyc_core::profile::{FilterProfile, FreedProfile, OscProfile, Profile};
use cyc_core::{LossPolicy, Rate, Timecode};
use cyc_stage::stage::{
    ArtNet, Budget, Display, Genlock, GenlockSource, LabelSource, Midi, Monitor, OscTicks, Pacer, Protocol, Ptp, Rect,
    SerialEdge, SerialPulse, Sound, Stage, TimecodeOut, TimecodePlan, Transport,
};
use cyc_stage::{Code, Problems};
use nalgebra::Point3;

fn with(edits: &[(&str, &str)]) -> Result<Stage, Problems> {
    let mut text = BASE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is not in the file");
        text = text.replace(from, to);
    }
    parse(&text).map(|loaded| loaded.stage)
}

fn good(edits: &[(&str, &str)]) -> Stage {
    with(edits).unwrap_or_else(|problems| panic!("{problems}"))
}

fn codes(edits: &[(&str, &str)]) -> Vec<Code> {
    with(edits).map_or_else(|problems| problems.list.iter().map(|p| p.code).collect(), |_| Vec::new())
}

#[test]
fn defaults_are_the_promised_ones() {
    let stage = good(&[]);
    assert_eq!(stage.eye_point_m, Point3::new(0.0, 0.0, 1.6));
    assert_eq!((stage.genlock, stage.timecode), (Genlock::default(), TimecodePlan::default()));
    assert_eq!((stage.pacer, stage.budget, stage.control), (Pacer::default(), Budget::default(), None));
    assert_eq!(stage.feeds[0].filter, FilterProfile::default());
    assert!(stage.latency.late_latch && stage.latency.late_warp && !stage.latency.exposure_true);
    let wall = &stage.walls[0];
    assert_eq!(wall.size_px, [400, 200]);
    assert_eq!(wall.stage_from_wall, nalgebra::Isometry3::identity());
    let feed = &stage.feeds[0];
    assert_eq!(
        (feed.delay_nanos, feed.loss),
        (0, LossPolicy { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 })
    );
    assert_eq!(feed.profile, Profile::Freed(FreedProfile::default()));
    let camera = &stage.cameras[0];
    assert_eq!((camera.feed, camera.fixed_pose), (Some(0), None));
    assert_eq!((camera.inner.overscan, camera.inner.soft_edge), (1.25, 0.05));
    assert_eq!(camera.exposure.rate, Rate::new(24, 1).unwrap());
    let output = &stage.outputs[0];
    assert_eq!(output.size_px, [400, 200]);
    assert_eq!(output.regions[0].wall_px, Rect { x: 0, y: 0, width: 400, height: 200 });
    assert_eq!((output.latency_frames, output.signal), (0, Signal::default()));
    assert_eq!(good(&[("focal_length_mm = 35.0\n", "")]).cameras[0].focal_length_mm, 35.0);
}

#[test]
fn an_output_without_an_id_is_called_node_wall() {
    assert_eq!(good(&[("id = \"out\"\n", "")]).outputs[0].id, "n1-main");
    let two = "wall = \"main\"\n\n[[output]]\nnode = \"n1\"\nwall = \"main\"\n";
    assert_eq!(codes(&[("id = \"out\"\n", ""), ("wall = \"main\"\n", two)]), [Code::DuplicateId]);
}

#[test]
fn regions_pack_an_output() {
    let regions = "regions = [{ wall = \"main\", wall_px = { x = 0, y = 0, width = 400, height = 100 } }, \
                   { wall = \"main\", wall_px = { x = 0, y = 100, width = 400, height = 100 }, at_px = [400, 50] }]";
    let output = &good(&[("wall = \"main\"", regions)]).outputs[0];
    assert_eq!(output.size_px, [800, 150]);
    assert_eq!(output.regions[1].at_px, [400, 50]);
}

#[test]
fn the_soft_edge_default_fits_a_narrow_overscan() {
    let inner = good(&[("overscan = 1.25", "overscan = 1.0")]).cameras[0].inner;
    assert_eq!((inner.overscan, inner.soft_edge), (1.0, 0.0));
    let inner = good(&[("overscan = 1.25", "overscan = 1.02")]).cameras[0].inner;
    assert!((1.0 - inner.soft_edge) * inner.overscan >= 1.0 - 1e-12);
    // Exactly at the limit is allowed.
    assert_eq!(good(&[("overscan = 1.25", "overscan = 1.25, soft_edge = 0.2")]).cameras[0].inner.soft_edge, 0.2);
    assert_eq!(codes(&[("overscan = 1.25", "overscan = 1.25, soft_edge = 0.201")]), [Code::SoftEdge]);
}

#[test]
fn a_camera_may_stand_still_or_wait() {
    let feedless =
        [("feed = \"trk-a\"\nfocal_length_mm = 35.0\n", "position_m = [1, 2, 3]\nrotation_deg = { pan = 90 }\n")];
    let stage = good(&feedless);
    let pose = stage.cameras[0].fixed_pose.unwrap();
    assert_eq!(pose.position_m, Point3::new(1.0, 2.0, 3.0));
    let ahead = pose.orientation * nalgebra::Vector3::y();
    assert!((ahead - nalgebra::Vector3::new(-1.0, 0.0, 0.0)).norm() < 1e-12, "pan turns left: {ahead}");
    let waiting = good(&[("feed = \"trk-a\"\nfocal_length_mm = 35.0\n", "")]);
    assert_eq!((waiting.cameras[0].feed, waiting.cameras[0].fixed_pose), (None, None));
}

#[test]
fn signals_and_windows_are_read() {
    let signal = "wall = \"main\"\nsignal = { transfer = \"pq\", gamut = \"rec2020\", peak_nits = 1500, bits = 10, latency_frames = 2 }\nmonitor = \"DP-1\"\nposition_px = [-1920, 0]";
    let output = &good(&[("wall = \"main\"", signal)]).outputs[0];
    assert_eq!((output.signal.transfer, output.signal.gamut), (Transfer::Pq, Gamut::Rec2020));
    assert_eq!((output.signal.peak_nits, output.signal.bits, output.latency_frames), (1500.0, 10, 2));
    assert_eq!(output.window.monitor, Some(Monitor::Name("DP-1".into())));
    assert_eq!(output.window.position_px, Some([-1920, 0]));
    assert_eq!(good(&[("wall = \"main\"", "wall = \"main\"\nlatency_frames = 3")]).outputs[0].latency_frames, 3);
}

const FEED: &str = "protocol.freed = { udp = \"127.0.0.1:40000\", camera_id = 1 }";

#[test]
fn feeds_are_read() {
    let freed = good(&[(FEED, "protocol.freed = { udp = \"[::1]:40000\" }\ndelay_ms = -2.5\nprofile = \"zcam\"")]);
    let feed = &freed.feeds[0];
    assert_eq!(feed.delay_nanos, -2_500_000);
    assert_eq!(feed.profile, Profile::Freed(FreedProfile::named("zcam").unwrap()));
    let Protocol::Freed { transport: Transport::Udp(udp), camera_id: None } = &feed.protocol else {
        panic!("{feed:?}")
    };
    assert_eq!(udp.to_string(), "[::1]:40000");

    let osc = good(&[(FEED, "protocol.osc = { udp = \"0.0.0.0:9000\", address = \"/t/1\" }\nprofile = \"vrchat\"")]);
    assert_eq!(osc.feeds[0].profile, Profile::Osc(OscProfile::VrChat));

    let track = "protocol.opentrackio = { udp = \"239.135.1.1:55555\", interface = \"10.0.0.5\", source_number = 7 }\nprofile = { rotation_signs = [-1, 1, 1] }";
    let feed = good(&[(FEED, track)]).feeds[0].clone();
    let Protocol::OpenTrackIo { interface, source_number, .. } = feed.protocol else { panic!("{feed:?}") };
    assert_eq!((interface, source_number), (Some([10, 0, 0, 5].into()), Some(7)));
    assert!(matches!(feed.profile, Profile::OpenTrackIo(profile) if profile.rotation_signs == [-1.0, 1.0, 1.0]));
}

/// The codes when two feeds of these protocols stand side by side.
fn pair(first: &str, second: &str) -> Vec<Code> {
    let both = format!("{first}\n\n[[feed]]\nid = \"trk-b\"\n{second}");
    let found = codes(&[(FEED, &both)]);
    found.into_iter().filter(|code| *code != Code::UnusedFeed).collect()
}

#[test]
fn feeds_share_a_port_only_where_packets_say_whose_they_are() {
    let freed = |ip: &str, rest: &str| format!("protocol.freed = {{ udp = \"{ip}:4000\"{rest} }}");
    let track = |ip: &str, rest: &str| format!("protocol.opentrackio = {{ udp = \"{ip}:4000\"{rest} }}");
    let osc = |address: &str| format!("protocol.osc = {{ udp = \"127.0.0.1:4000\", address = \"{address}\" }}");
    let (ip, shared) = ("127.0.0.1", vec![Code::SharedPort]);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed(ip, ", camera_id = 2")), []);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed(ip, "")), shared);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed("127.0.0.2", ", camera_id = 1")), []);
    assert_eq!(pair(&freed(ip, ", camera_id = 1"), &freed("0.0.0.0", ", camera_id = 2")), shared);
    assert_eq!(pair(&track(ip, ", source_number = 1"), &track(ip, ", source_number = 2")), []);
    assert_eq!(pair(&track(ip, ""), &track(ip, ", source_number = 2")), shared);
    assert_eq!(pair(&track("239.135.1.1", ""), &track("239.135.1.2", "")), []);
    assert_eq!(pair(&osc("/a"), &osc("/b")), []);
    assert_eq!(pair(&osc("/a"), &osc("/a")), shared);
    assert_eq!(pair(&osc("/a"), &freed(ip, ", camera_id = 1")), shared);
}

/// The stage with these lines before its first wall.
fn headed(lines: &str) -> Stage {
    good(&[("[[wall]]", &format!("{lines}\n\n[[wall]]"))])
}

fn address(text: &str) -> std::net::SocketAddr {
    text.parse().unwrap()
}

#[test]
fn genlock_sources_are_read() {
    let source = |text: &str| headed(&format!("[genlock]\nsource.{text}")).genlock.source;
    let usual = Ptp { domain: 127, interface: None, device: None, management: "/var/run/ptp4l".into() };
    assert_eq!(source("ptp = {}"), GenlockSource::Ptp(usual));
    let ptp = "ptp = { domain = 0, interface = \"eno1\", device = \"/dev/ptp0\", management = \"/run/ptp\" }";
    let (interface, device) = (Some("eno1".into()), Some("/dev/ptp0".into()));
    assert_eq!(source(ptp), GenlockSource::Ptp(Ptp { domain: 0, interface, device, management: "/run/ptp".into() }));

    let device = |name: &str, channel| Sound::Device { name: name.into(), channel };
    assert_eq!(source("ltc = {}"), GenlockSource::Ltc(device("default", 0)));
    assert_eq!(source("ltc = { device = \"hw:1\", channel = 3 }"), GenlockSource::Ltc(device("hw:1", 3)));
    assert_eq!(source("mtc = { port = \"MOTU\" }"), GenlockSource::Mtc(Midi { port: "MOTU".into() }));
    let artnet = |udp, stream| GenlockSource::ArtNet(ArtNet { udp: address(udp), stream });
    assert_eq!(source("artnet = {}"), artnet("0.0.0.0:6454", 0));
    assert_eq!(source("artnet = { udp = \"10.0.0.5:6455\", stream = 255 }"), artnet("10.0.0.5:6455", 255));
    let osc = |udp, at: &str| GenlockSource::Osc(OscTicks { udp: address(udp), address: at.into() });
    assert_eq!(source("osc = { udp = \"0.0.0.0:7401\" }"), osc("0.0.0.0:7401", "/cyclorama/tick"));
    assert_eq!(source("osc = { udp = \"239.1.1.1:7401\", address = \"/t\" }"), osc("239.1.1.1:7401", "/t"));
    let serial = |device: &str, pulse, baud| GenlockSource::Serial(SerialPulse { device: device.into(), pulse, baud });
    assert_eq!(source("serial = { device = \"/dev/ttyS0\" }"), serial("/dev/ttyS0", SerialEdge::Byte, 38_400));
    assert_eq!(source("serial = { device = \"COM3\", pulse = \"dcd\" }"), serial("COM3", SerialEdge::Dcd, 38_400));
    let display = |card: &str, connector| GenlockSource::Display(Display { card: card.into(), connector });
    assert_eq!(source("display = {}"), display("/dev/dri/card0", None));
    let dp = Some("DP-1".into());
    assert_eq!(source("display = { card = \"/dev/dri/card1\", connector = \"DP-1\" }"), display("/dev/dri/card1", dp));
    assert_eq!(source("internal = {}"), GenlockSource::Internal);
}

#[test]
fn a_genlock_phase_needs_no_source() {
    let genlock = headed("[genlock]\nphase_us = -2.5").genlock;
    assert_eq!(genlock, Genlock { source: GenlockSource::Internal, phase_nanos: -2500 });
}

#[test]
fn sound_files_lie_next_to_the_stage_file() {
    let text = BASE.replace("[[wall]]", "[genlock]\nsource.ltc = { file = \"in/house.wav\", channel = 1 }\n\n[[wall]]");
    let stage = cyc_stage::parse(&text, std::path::Path::new("shows/one.toml"), &crate::no_files).unwrap().stage;
    let expected = Sound::File { path: "shows/in/house.wav".into(), channel: 1 };
    assert_eq!(stage.genlock.source, GenlockSource::Ltc(expected));
}

#[test]
fn label_sources_are_read() {
    let source = |text: &str| headed(&format!("[timecode]\nsource.{text}")).timecode.source;
    assert_eq!(source("count = {}"), LabelSource::default());
    let day = |utc_offset_minutes, jam_minutes| LabelSource::TimeOfDay { utc_offset_minutes, jam_minutes };
    assert_eq!(source("time_of_day = {}"), day(0, 240));
    assert_eq!(source("time_of_day = { utc_offset_minutes = -210, jam = \"23:59\" }"), day(-210, 1439));
    assert_eq!(source("ltc = {}"), LabelSource::Ltc(Sound::Device { name: "default".into(), channel: 0 }));
    assert_eq!(source("mtc = { port = \"A\" }"), LabelSource::Mtc(Midi { port: "A".into() }));
    let artnet = ArtNet { udp: address("0.0.0.0:6454"), stream: 0 };
    assert_eq!(source("artnet = {}"), LabelSource::ArtNet(artnet));
    let osc = OscTicks { udp: address("0.0.0.0:1"), address: "/cyclorama/tick".into() };
    assert_eq!(source("osc = { udp = \"0.0.0.0:1\" }"), LabelSource::Osc(osc));
    let both = headed("[genlock]\nsource.ltc = {}\n\n[timecode]\nsource.genlock = {}");
    assert_eq!(both.timecode.source, LabelSource::Genlock);
}

#[test]
fn counted_labels_are_dropped_as_the_stage_drops() {
    let start = |rate: &str, lines: &str| {
        let stage = good(&[("\"24\"", rate), ("[[wall]]", &format!("{lines}\n[[wall]]"))]);
        match stage.timecode.source {
            LabelSource::Count { start } => start.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let ntsc = "\"30000/1001\"";
    assert_eq!(start("\"24\"", ""), "01:00:00:00");
    assert_eq!(start(ntsc, ""), "01:00:00;00");
    assert_eq!(start(ntsc, "[timecode]"), "01:00:00;00");
    assert_eq!(start(ntsc, "[timecode]\ndrop_frame = false"), "01:00:00:00");
    assert_eq!(start(ntsc, "[timecode]\nsource.count = { start = \"10:00:00:00\" }"), "10:00:00;00");
    assert_eq!(start(ntsc, "[timecode]\nsource.count = { start = \"10:00:00;00\" }\ndrop_frame = true"), "10:00:00;00");
    let plain = "[timecode]\nsource.count = { start = \"10:01:00:00\" }\ndrop_frame = false";
    assert_eq!(start(ntsc, plain), "10:01:00:00");
    assert_eq!(start("\"120\"", "[timecode]\nsource.count = { start = \"00:00:00:119\" }"), "00:00:00:119");
    let start = Timecode { hours: 1, ..Timecode::default() };
    let expected = TimecodePlan { source: LabelSource::Count { start }, drop_frame: Some(false), out: Vec::new() };
    assert_eq!(headed("[timecode]\ndrop_frame = false").timecode, expected);
}

#[test]
fn timecode_destinations_are_read() {
    let lines = "[[timecode.out]]\nto.ltc = { file = \"out.wav\" }\n[[timecode.out]]\nto.mtc = { port = \"A\" }\n\
                 [[timecode.out]]\nto.artnet = {}\n[[timecode.out]]\nto.osc = { udp = \"10.0.0.5:9000\", every = 24 }";
    let osc = OscTicks { udp: address("10.0.0.5:9000"), address: "/cyclorama/tick".into() };
    let expected = [
        TimecodeOut::Ltc(Sound::File { path: "out.wav".into(), channel: 0 }),
        TimecodeOut::Mtc(Midi { port: "A".into() }),
        TimecodeOut::ArtNet(ArtNet { udp: address("255.255.255.255:6454"), stream: 0 }),
        TimecodeOut::Osc { to: osc, every: 24 },
    ];
    assert_eq!(headed(lines).timecode.out, expected);
    for (rate, fine) in
        [("24000/1001", true), ("48", true), ("50", true), ("120", true), ("47", false), ("47/2", false)]
    {
        let edits =
            [("\"24\"", format!("\"{rate}\"")), ("[[wall]]", "[[timecode.out]]\nto.artnet = {}\n[[wall]]".into())];
        let found = codes(&edits.each_ref().map(|(from, to)| (*from, to.as_str())));
        assert_eq!(found.is_empty(), fine, "{rate}: {found:?}");
    }
}

#[test]
fn pacer_budget_and_control_are_read() {
    let stage = headed("[pacer]\npriority = 0\ncpu = 3\nspin_us = 12.5\nlock_memory = false");
    assert_eq!(stage.pacer, Pacer { priority: None, cpu: Some(3), spin_nanos: 12_500, lock_memory: false });
    assert_eq!(headed("[pacer]\npriority = 99").pacer, Pacer { priority: Some(99), ..Pacer::default() });
    let stage =
        headed("[budget]\nreceive_to_use_ms = 30\npose_age_ms = 90\nmargin_ms = 2\nlatch_ms = 0.25\ndegrade = true");
    let expected = Budget {
        receive_to_use: Some(30_000_000),
        pose_age: Some(90_000_000),
        margin: Some(2_000_000),
        latch: Some(250_000),
        degrade: true,
        ..Budget::default()
    };
    assert_eq!(stage.budget, expected);
    assert_eq!(headed("[control]\nosc = \"127.0.0.1:7400\"").control, Some(address("127.0.0.1:7400")));
    assert_eq!(headed("[control]").control, None);
}

#[test]
fn filters_are_read_in_the_engines_units() {
    let lines = format!("{FEED}\nfilter = {{ position_noise_mm = 0.5, turn_acceleration_deg_s2 = 180 }}");
    let filter = good(&[(FEED, &lines)]).feeds[0].filter;
    let expected = FilterProfile {
        position_noise_m: 0.5e-3,
        turn_acceleration_rad_s2: std::f64::consts::PI,
        ..FilterProfile::default()
    };
    assert_eq!(filter, expected);
}

#[test]
fn ports_are_shared_only_by_what_can_be_told_apart() {
    let shared = |lines: &str| codes(&[("[[wall]]", &format!("{lines}\n\n[[wall]]"))]) == [Code::SharedPort];
    let artnet = |n| format!("[genlock]\nsource.artnet = {{}}\n\n[timecode]\nsource.artnet = {{ stream = {n} }}");
    assert!(shared(&artnet(0)) && !shared(&artnet(1)));
    let osc = |ip: &str, at: &str| {
        let source = |at| format!("source.osc = {{ udp = \"{ip}:7401\", address = \"{at}\" }}");
        format!("[genlock]\n{}\n\n[timecode]\n{}", source("/a"), source(at))
    };
    assert!(shared(&osc("0.0.0.0", "/a")) && shared(&osc("0.0.0.0", "/b")));
    assert!(shared(&osc("239.1.1.1", "/a")) && !shared(&osc("239.1.1.1", "/b")));
    let genlock = |port| format!("[genlock]\nsource.osc = {{ udp = \"0.0.0.0:{port}\" }}");
    assert!(shared(&genlock(40000)) && !shared(&genlock(40001)));
    let control = |ip: &str| format!("{}\n\n[control]\nosc = \"{ip}:7401\"", genlock(7401));
    assert!(shared(&control("127.0.0.1")));
    let same_ltc = "[genlock]\nsource.ltc = {}\n\n[timecode]\nsource.ltc = {}";
    assert!(shared(same_ltc) && !shared("[genlock]\nsource.ltc = {}\n\n[timecode]\nsource.ltc = { channel = 1 }"));
}

#[test]
fn a_stage_does_not_hear_itself() {
    let shared = |source: &str, to: &str| {
        let lines = format!("[timecode]\nsource.{source}\n\n[[timecode.out]]\nto.{to}\n\n[[wall]]");
        codes(&[("[[wall]]", &lines)]) == [Code::SharedPort]
    };
    assert!(shared("artnet = {}", "artnet = {}"));
    assert!(!shared("artnet = {}", "artnet = { stream = 1 }"));
    assert!(!shared("artnet = {}", "artnet = { udp = \"10.0.0.9:6454\" }"));
    assert!(shared("artnet = {}", "artnet = { udp = \"127.0.0.1:6454\" }"));
    assert!(!shared("artnet = { udp = \"10.0.0.5:6454\" }", "artnet = {}"));
    let osc = |ip: &str| format!("osc = {{ udp = \"{ip}:7401\" }}");
    assert!(shared(&osc("239.1.1.1"), &osc("239.1.1.1")) && !shared(&osc("0.0.0.0"), &osc("10.0.0.9")));
    assert!(shared("ltc = { file = \"a.wav\" }", "ltc = { file = \"a.wav\", channel = 1 }"));
    assert!(!shared("ltc = {}", "ltc = {}"), "in and out of one sound device");
}

#[test]
fn exposure_true_needs_a_shutter() {
    let latency = ("[[wall]]", "[latency]\nexposure_true = true\n\n[[wall]]");
    assert!(parse(&BASE.replace(latency.0, latency.1)).unwrap().warnings.list[0].code == Code::NoEffect);
    let text = BASE.replace(latency.0, latency.1).replace("overscan = 1.25 }", "overscan = 1.25 }\nshutter = {}");
    let loaded = parse(&text).unwrap();
    assert!(loaded.warnings.list.is_empty() && loaded.stage.latency.exposure_true, "{}", loaded.warnings);
}

#[test]
fn whole_numbers_are_numbers() {
    let stage = good(&[("pitch_mm = 5.0", "pitch_mm = 5"), ("width_mm = 36.0", "width_mm = 36")]);
    assert_eq!(stage.walls[0].panel.pitch_mm, 5.0);
    assert_eq!(codes(&[("columns = 4", "columns = 4.0")]), [Code::WrongType]);
}

#[test]
fn the_view_is_readable() {
    let view = serde_json::to_value(good(&[("wall = \"main\"", "wall = \"main\"\nmonitor = 1")])).unwrap();
    assert_eq!(view["frame_rate"], "24");
    assert_eq!(view["genlock"]["source"], serde_json::json!({ "internal": {} }));
    assert_eq!(view["timecode"]["source"]["count"]["start"], "01:00:00:00");
    assert_eq!(view["pacer"]["priority"], 60);
    assert_eq!(view["cameras"][0]["exposure"]["relation"], "same");
    assert_eq!(view["walls"][0]["corners_m"]["top_right"], serde_json::json!([1.0, 0.0, 1.0]));
    assert_eq!(view["cameras"][0]["feed"], "trk-a");
    assert_eq!(view["outputs"][0]["regions"][0]["wall"], "main");
    assert_eq!(view["outputs"][0]["monitor"], 1);
    assert_eq!(view["feeds"][0]["protocol"]["freed"]["udp"], "127.0.0.1:40000");
}

#[test]
fn only_released_formats_are_read() {
    for format in ["-9223372036854775808", "-1", "0", "2", "9223372036854775807"] {
        let format = format!("format = {format}");
        assert_eq!(codes(&[("format = 1", &format)]), [Code::Format], "{format}");
    }
    assert_eq!(codes(&[("format = 1", "format = \"1\"")]), [Code::WrongType]);
}
