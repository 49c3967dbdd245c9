//! What goes wrong is said, with the place and the fix, and nothing is half-started.

use crate::{
    harness::{self, Call, Needs, render, root, scratch, write},
    oracle::{Pose, frame_line},
    panorama::Panorama,
    picture::write_png8,
};
use libtest_mimic::Trial;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let bare: [(&str, fn()); 5] = [
        ("wrong_stage_file", wrong_stage_file),
        ("missing_stage_file", missing_stage_file),
        ("wrong_frames", wrong_frames),
        ("unknown_node", unknown_node),
        ("no_gpu", no_gpu),
    ];
    let drawing: [(&str, fn()); 6] = [
        ("environments", environments),
        ("odd_sizes", odd_sizes),
        ("feed_port_in_use", feed_port_in_use),
        ("desk_port_in_use", desk_port_in_use),
        ("desk_stays_on_loopback", desk_stays_on_loopback),
        ("unwritable_files", unwritable_files),
    ];
    let bare = bare.map(|(name, test)| harness::trial(format!("bad_input::{name}"), Needs::Nothing, test));
    let drawing = drawing.map(|(name, test)| harness::trial(format!("bad_input::{name}"), Needs::Gpu, test));
    bare.into_iter().chain(drawing).collect()
}

/// The shipped minimal stage, and an input with one frame.
fn usual(folder: &Path) -> (PathBuf, PathBuf) {
    let poses = BTreeMap::from([("cam-a", Pose::at([0.0, -3.0, 1.6]))]);
    let input = write(folder, "frames.jsonl", frame_line(0, &poses, &BTreeMap::new()));
    (root().join("stage-configs/minimal.toml"), input)
}

/// Three mistakes at once, and the line of each.
const WRONG: &str = r#"format = 1
name = "wrong"
frame_rate = "23.98"

[[wall]]
id = "main"
panel = { width_px = 64, height_px = 64, pitch_mm = 12.5 }
shape.flat = { colums = 4, rows = 2 }

[[camera]]
id = "cam-a"
feed = "trk-b"
sensor = { width_mm = 36.0, height_mm = 20.25 }
inner = { width_px = 320, height_px = 180, overscan = 1.25 }

[[feed]]
id = "trk-a"
protocol.freed = { udp = "127.0.0.1:0", camera_id = 1 }

[[output]]
node = "n"
wall = "main"
"#;

fn wrong_stage_file() {
    let folder = scratch("bad_input-stage");
    let stage = write(&folder, "wrong.toml", WRONG);
    let (_, input) = usual(&folder);
    let (_, environment) = Panorama::smooth(&folder);
    let out = folder.join("out");
    let place = |line: u32| format!("{}:{line}:", stage.display());
    let places = [place(3), place(8), place(12)];
    let words: Vec<&str> =
        places.iter().map(String::as_str).chain(["did you mean", "columns", "trk-a", "24000/1001"]).collect();
    Call::new("check").arg(&stage).run().expect_code(2).expect_says(&words);
    Call::new("run").arg(&stage).option("--seconds", "1").run().expect_code(2).expect_says(&words);
    render(&stage, &input, &environment, &out).run().expect_code(2).expect_says(&words);
    assert!(!out.exists(), "a refused call has begun to write");
    let fine = Call::new("check").arg(root().join("stage-configs/minimal.toml")).run().expect_code(0);
    assert!(fine.stdout.contains("minimal.toml") && fine.stderr.is_empty(), "{fine:?}");
}

fn missing_stage_file() {
    let folder = scratch("bad_input-no-stage");
    let stage = folder.join("nowhere.toml");
    let name = stage.display().to_string();
    Call::new("check").arg(&stage).run().expect_code(2).expect_says(&[&name]);
    Call::new("run").arg(&stage).run().expect_code(2).expect_says(&[&name]);
    // A folder, and bytes that are no text.
    Call::new("check").arg(&folder).run().expect_code(2).expect_says(&[&folder.display().to_string()]);
    let bytes = write(&folder, "bytes.toml", [0xff, 0xfe, 0x00, 0x80]);
    Call::new("check").arg(&bytes).run().expect_code(2).expect_says(&["bytes.toml"]);
    Call::new("frobnicate").run().expect_code(2);
}

/// Lines that are no frame; each is the second line of its file.
fn wrong_frames() {
    let folder = scratch("bad_input-frames");
    let (stage, _) = usual(&folder);
    let (_, environment) = Panorama::smooth(&folder);
    let good: Value = {
        let poses = BTreeMap::from([("cam-a", Pose::at([0.0, -3.0, 1.6]))]);
        serde_json::from_str(&frame_line(0, &poses, &BTreeMap::new())).unwrap()
    };
    let changed = |path: &[&str], value: Value| {
        let mut line = good.clone();
        let place = path.iter().fold(&mut line, |place, key| &mut place[*key]);
        *place = value;
        line.to_string()
    };
    let camera = |key: &str, value: &str| changed(&["cameras", "cam-a", key], serde_json::from_str(value).unwrap());
    let with_nan = good.to_string().replace("35.0", "NaN");
    let cases = [
        (camera("orientation_wxyz", "[0, 0, 0, 0]"), vec!["orientation_wxyz", "[1, 0, 0, 0]", "cam-a"]),
        (camera("orientation_wxyz", "[1, 0, 0]"), vec!["orientation_wxyz", "4 numbers"]),
        (camera("position_m", "[0, null, 0]"), vec!["position_m"]),
        (camera("focal_length_mm", "-35"), vec!["focal_length_mm", "-35"]),
        (camera("focal_length_mm", "0"), vec!["focal_length_mm"]),
        (camera("quality", "\"excellent\""), vec!["excellent", "measured"]),
        (changed(&["cameras", "cam-x"], good["cameras"]["cam-a"].clone()), vec!["cam-x", "not in the stage", "cam-a"]),
        (changed(&["late"], serde_json::json!({ "cam-y": good["cameras"]["cam-a"] })), vec!["cam-y"]),
        (with_nan, vec!["cam-a"]),
        ("{\"frame\": 1".into(), vec!["EOF"]),
        ("hello".into(), vec![]),
    ];
    for (n, (line, words)) in cases.into_iter().enumerate() {
        let name = format!("wrong-{n}.jsonl");
        let input = write(&folder, &name, format!("{good}\n{line}\n"));
        let out = folder.join(format!("out-{n}"));
        let place = format!("{name}:2");
        let ended = render(&stage, &input, &environment, &out).run().expect_code(2).expect_says(&[&place]);
        ended.expect_says(&words);
        assert!(!out.exists(), "a refused input has begun to write: {line}");
    }
    let out = folder.join("out");
    let empty = write(&folder, "empty.jsonl", "\n\n");
    render(&stage, &empty, &environment, &out).run().expect_code(2).expect_says(&["empty.jsonl", "no frame"]);
    let missing = folder.join("missing.jsonl");
    render(&stage, &missing, &environment, &out).run().expect_code(2).expect_says(&["missing.jsonl"]);
    assert!(!out.exists());
}

fn unknown_node() {
    let volume = root().join("stage-configs/volume.toml");
    let call = Call::new("run").arg(&volume).option("--node", "render-9").option("--seconds", "1");
    call.run().expect_code(2).expect_says(&["render-9", "render-1", "render-2"]);
}

/// Drivers that are not there: the message names the package that helps.
fn no_gpu() {
    let folder = scratch("bad_input-no-gpu");
    let (stage, input) = usual(&folder);
    let (_, environment) = Panorama::smooth(&folder);
    let out = folder.join("out");
    let blind = |call: Call| {
        ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].into_iter().fold(call, |call, name| call.env(name, "/nonexistent"))
    };
    let words = ["GPU", "mesa-vulkan-drivers"];
    blind(render(&stage, &input, &environment, &out)).run().expect_code(1).expect_says(&words);
    assert!(!out.exists(), "a call without a GPU has begun to write");
    let run = Call::new("run").arg(&stage).arg("--headless").option("--seconds", "1").option("--desk", "127.0.0.1:0");
    blind(run).run().expect_code(1).expect_says(&words);
    blind(Call::new("demo").arg("--headless").option("--seconds", "1")).run().expect_code(1).expect_says(&words);
}

fn environments() {
    let folder = scratch("bad_input-environments");
    let (stage, input) = usual(&folder);
    let (_, whole) = Panorama::smooth(&folder);
    let bytes = fs::read(&whole).unwrap();
    let half = write(&folder, "half.png", &bytes[..bytes.len() / 2]);
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2..].iter_mut().take(40).for_each(|byte| *byte ^= 0x5a);
    let broken = write(&folder, "broken.png", flipped);
    let text = write(&folder, "notes.png", "not a picture at all\n");
    let empty = write(&folder, "empty.exr", "");
    let glb = write(&folder, "cut.glb", b"glTF\x02\0\0\0\xff\0\0\0");
    let missing = folder.join("missing.hdr");
    let cases: [(&Path, &[&str]); 7] = [
        (&missing, &["missing.hdr", "cannot be read"]),
        (&half, &["half.png", "too early"]),
        (&broken, &["broken.png"]),
        (&text, &["notes.png", "unknown kind", "PNG"]),
        (&empty, &["empty.exr", "empty"]),
        (&glb, &["cut.glb"]),
        (&folder, &["folder"]),
    ];
    for (n, (environment, words)) in cases.into_iter().enumerate() {
        let out = folder.join(format!("out-{n}"));
        render(&stage, &input, environment, &out).run().expect_code(2).expect_says(words);
        assert!(!out.exists(), "{} is refused, but something was written", environment.display());
    }
    let run = Call::new("run").arg(&stage).option("--environment", &missing).option("--desk", "127.0.0.1:0");
    run.arg("--headless").option("--seconds", "1").run().expect_code(2).expect_says(&["missing.hdr"]);
}

fn odd_sizes() {
    let folder = scratch("bad_input-sizes");
    let (stage, input) = usual(&folder);
    let out = folder.join("out");
    let refused = |environment: &Path, words: &[&str]| {
        render(&stage, &input, environment, &out).run().expect_code(2).expect_says(words);
        assert!(!out.exists(), "{} is refused, but something was written", environment.display());
    };
    let one = folder.join("one.png");
    write_png8(&one, [1, 1], &[[200, 10, 10]]);
    refused(&one, &["one.png", "1 x 1"]);
    let square = folder.join("square.png");
    write_png8(&square, [64, 64], &[[9, 9, 9]; 64 * 64]);
    refused(&square, &["square.png", "64 x 64", "twice as wide"]);
    // Only the header of a picture that no GPU holds: it must be refused before its pixels are looked for.
    let huge = write(&folder, "huge.png", png_header(30_000, 15_000));
    refused(&huge, &["huge.png", "30000 x 15000"]);
}

/// Signature, IHDR (8-bit RGB) and an empty IDAT of a PNG.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", Vec::new())] {
        let body = [&kind[..], &data].concat();
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(&body);
        bytes.extend(crc32(&body).to_be_bytes());
    }
    bytes
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

fn feed_port_in_use() {
    let folder = scratch("bad_input-feed-port");
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = fs::read_to_string(root().join("stage-configs/minimal.toml")).unwrap();
    let feed =
        format!("[[feed]]\nid = \"trk-a\"\nprotocol.freed = {{ udp = \"127.0.0.1:{port}\", camera_id = 1 }}\n\n");
    let text =
        text.replace("[[camera]]\nid = \"cam-a\"\n", &format!("{feed}[[camera]]\nid = \"cam-a\"\nfeed = \"trk-a\"\n"));
    let stage = write(&folder, "stage.toml", text);
    let report = folder.join("report.jsonl");
    let run = Call::new("run").arg(&stage).arg("--headless").option("--seconds", "1").option("--report", &report);
    let ended = run.option("--desk", "127.0.0.1:0").run().expect_code(1);
    ended.expect_says(&["trk-a", &port.to_string()]);
    assert!(!report.exists(), "a refused run has begun to write");
}

fn desk_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = Call::new("run").arg(root().join("stage-configs/minimal.toml")).arg("--headless");
    run.option("--seconds", "1").option("--desk", &address).run().expect_code(1).expect_says(&[&address]);
}

fn desk_stays_on_loopback() {
    let run = Call::new("run").arg(root().join("stage-configs/minimal.toml")).arg("--headless");
    let ended = run.option("--seconds", "1").option("--desk", "0.0.0.0:0").run();
    assert!(matches!(ended.code, Some(1 | 2)), "the desk is open to the world: {ended:?}");
    ended.expect_says(&["0.0.0.0", "127.0.0.1"]);
}

/// Places where no file can be made, whoever asks: below a file.
fn unwritable_files() {
    let folder = scratch("bad_input-unwritable");
    let (stage, input) = usual(&folder);
    let (_, environment) = Panorama::smooth(&folder);
    let below = write(&folder, "a-file", "").join("below");
    let name = below.display().to_string();
    render(&stage, &input, &environment, &below).run().expect_code(2).expect_says(&[&name]);
    for option in ["--report", "--capture"] {
        let run = Call::new("run").arg(&stage).arg("--headless").option("--seconds", "1");
        let ended = run.option("--desk", "127.0.0.1:0").option(option, &below).run();
        ended.expect_code(1).expect_says(&[&name]);
    }
}
