//! On the beat: a stage that follows timecode, obeys commands on their frames, and goes on without its source.

use crate::{
    harness::{self, Call, Needs, scratch, write},
    live::{
        free_port,
        path::Path,
        senders::{Faults, Protocol, Sender, monotonic_nanos},
    },
    panorama::Panorama,
};
use libtest_mimic::Trial;
use serde_json::Value;
use std::{
    fs,
    net::UdpSocket,
    path::{Path as FilePath, PathBuf},
    time::Duration,
};

pub fn trials() -> Vec<Trial> {
    let alone: [(&str, fn()); 3] = [
        ("timecode_gives_beat_and_labels_and_commands_happen_on_their_frames", followed),
        ("a_source_that_is_not_there_is_named_and_the_stage_runs_free", missing),
        ("poses_are_for_the_exposure_and_the_sensor_lines", exposed),
    ];
    let alone = alone.map(|(name, test)| harness::trial(format!("beat::{name}"), Needs::GpuAlone, test));
    let doctor = harness::trial("beat::doctor_says_what_there_is", Needs::Gpu, doctor);
    let calibrate = harness::trial("beat::calibrate_finds_a_delay_and_writes_it", Needs::Nothing, calibrate);
    alone.into_iter().chain([doctor, calibrate]).collect()
}

/// A small stage with these tables before its wall, and a camera with these keys.
fn stage(folder: &FilePath, tables: &str, camera: &str) -> PathBuf {
    let text = format!(
        r#"format = 1
name = "beat"
frame_rate = "24"
eye_point_m = [0.0, 0.0, 1.5]

{tables}

[[wall]]
id = "wall"
panel = {{ width_px = 64, height_px = 64, pitch_mm = 25.0 }}
shape.flat = {{ columns = 3, rows = 2 }}
position_m = [0.0, 4.0, 0.0]

[[output]]
id = "wall"
node = "n"
wall = "wall"

[[camera]]
id = "cam-a"
focal_length_mm = 35.0
sensor = {{ width_mm = 36.0, height_mm = 20.25 }}
inner = {{ width_px = 128, height_px = 72, overscan = 1.2 }}
{camera}
"#
    );
    write(folder, "stage.toml", text)
}

fn run(folder: &FilePath, stage: &FilePath, seconds: f64) -> Call {
    let (_, environment) = Panorama::smooth(folder);
    let call = Call::new("run").arg(stage).arg("--headless").option("--seconds", seconds.to_string());
    let call = call.option("--environment", environment).option("--desk", "127.0.0.1:0");
    call.option("--report", folder.join("report.jsonl")).option("--events", folder.join("events.jsonl"))
}

fn lines(folder: &FilePath, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

/// An OSC message (OSC 1.0): strings and whole numbers.
fn osc(address: &str, text: Option<&str>, number: Option<i64>) -> Vec<u8> {
    let padded = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize((text.len() / 4 + 1) * 4, 0);
        bytes
    };
    let tags = format!(",{}{}", text.map_or("", |_| "s"), number.map_or("", |_| "h"));
    let text = text.map(padded).unwrap_or_default();
    [padded(address), padded(&tags), text, number.map_or_else(Vec::new, |n| n.to_be_bytes().to_vec())].concat()
}

/// Asks the stage for something; its first answer as ok, frame and text.
fn ask(socket: &UdpSocket, message: &[u8]) -> (bool, i64, String) {
    socket.send(message).unwrap();
    let mut bytes = [0; 1024];
    let length = socket.recv(&mut bytes).expect("the stage answers");
    let bytes = &bytes[..length];
    assert!(bytes.starts_with(b"/cyclorama/reply\0"), "{bytes:?}");
    let tags = bytes.windows(5).position(|w| w == b",sihs").expect("address, ok, frame, text");
    let after_tags = tags + 8;
    let subject = bytes[after_tags..].iter().position(|byte| *byte == 0).unwrap();
    let at = after_tags + (subject / 4 + 1) * 4;
    let ok = i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let frame = i64::from_be_bytes(bytes[at + 4..at + 12].try_into().unwrap());
    (ok == 1, frame, String::from_utf8_lossy(&bytes[at + 12..]).trim_end_matches('\0').to_owned())
}

fn followed() {
    let folder = scratch("beat-followed");
    let (timecode, control) = (free_port(), free_port());
    let tables = format!(
        "[genlock]\nsource.artnet = {{ udp = \"127.0.0.1:{timecode}\" }}\n[timecode]\nsource.genlock = {{}}\n\
         [[timecode.out]]\nto.ltc = {{ file = \"out.wav\" }}\n[control]\nosc = \"127.0.0.1:{control}\"\n"
    );
    let stage = stage(&folder, &tables, "position_m = [0.0, 0.0, 1.6]");
    let source = Call::new("sim").arg("genlock").option("--to", format!("artnet:127.0.0.1:{timecode}"));
    let source = source.option("--rate", "24").option("--start", "05:00:00:00").option("--drift-ppm", "40");
    let _source = source.option("--jitter-us", "100").option("--seconds", "60").start();
    let mut running = run(&folder, &stage, 8.0).start();
    while running.line(Duration::from_secs(60)).is_some_and(|line| !line.starts_with("preview scale")) {}

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", control)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (ok, now, text) = ask(&socket, &osc("/cyclorama/slate", Some("12A take 3"), None));
    assert!(ok, "{text}");
    let at = now + 24;
    let (ok, frame, text) = ask(&socket, &osc("/cyclorama/pattern/at", Some("flat"), Some(at)));
    assert!(ok && frame == at, "{frame} {text}");
    let (ok, _, text) = ask(&socket, &osc("/cyclorama/pattern/at", Some("grid"), Some(1)));
    assert!(!ok && text.contains("frame"), "a frame that has passed: {text}");
    let (ok, _, text) = ask(&socket, &osc("/cyclorama/cue", Some("nowhere"), None));
    assert!(!ok && text.contains("nowhere"), "{text}");
    running.wait().expect_code(0);

    let (rows, events) = (lines(&folder, "report.jsonl"), lines(&folder, "events.jsonl"));
    let done = |name: &str| {
        let is_it = |event: &&Value| event["kind"] == "command_done" && event["command"]["command"] == name;
        events.iter().find(is_it).unwrap_or_else(|| panic!("{name} did not happen: {events:?}"))["frame"].as_i64()
    };
    assert_eq!(done("slate"), Some(now));
    let late = done("pattern").unwrap() - at;
    assert!((0..24).contains(&late), "the pattern came {late} frames late");
    assert!(events.iter().any(|event| event["kind"] == "command_refused"), "{events:?}");

    let labelled = rows.iter().filter(|row| row["timecode"].as_str().is_some_and(|label| label.starts_with("05:0")));
    assert!(labelled.count() > rows.len() / 2, "labels do not follow: {:?}", rows.last().map(|row| &row["timecode"]));
    let states: Vec<_> = rows.iter().filter_map(|row| row["sync"]["state"].as_str()).collect();
    assert!(states.iter().any(|state| ["acquiring", "locked"].contains(state)), "the beat hears nothing: {states:?}");
    for pair in rows.windows(2) {
        let number = |n: usize| pair[n]["frame"].as_u64().unwrap();
        let missed = pair[1]["missed"].as_u64().unwrap();
        assert_eq!(number(0) + 1 + missed, number(1), "a number is skipped or given twice");
    }
    assert!(fs::metadata(folder.join("out.wav")).unwrap().len() > 100_000, "no timecode left");
}

fn missing() {
    let folder = scratch("beat-missing");
    let tables = "[genlock]\nsource.serial = { device = \"/dev/no-such-port\", pulse = \"byte\" }\n";
    let stage = stage(&folder, tables, "position_m = [0.0, 0.0, 1.6]");
    run(&folder, &stage, 4.0).run().expect_code(0);
    let (rows, events) = (lines(&folder, "report.jsonl"), lines(&folder, "events.jsonl"));
    assert!(rows.len() > 48 && rows.iter().all(|row| row["sync"]["state"] == "free"), "{} frames", rows.len());
    let named = |event: &Value| event["message"].as_str().is_some_and(|text| text.contains("/dev/no-such-port"));
    assert!(events.iter().any(named), "{events:?}");
}

fn exposed() {
    let folder = scratch("beat-exposed");
    let port = free_port();
    let tables = format!(
        "[latency]\nexposure_true = true\n\n[[feed]]\nid = \"trk\"\n\
         protocol.freed = {{ udp = \"127.0.0.1:{port}\", camera_id = 3 }}\n"
    );
    let stage = stage(&folder, &tables, "feed = \"trk\"\nshutter = { angle_deg = 180, readout_ms = 15 }");
    let path = Path { started: monotonic_nanos(), phase: 0.4 };
    let _sender = Sender::start(Protocol::Freed { camera_id: 3 }, port, path, Faults::default());
    run(&folder, &stage, 4.0).run().expect_code(0);
    let rows = lines(&folder, "report.jsonl");
    let known: Vec<_> = rows.iter().filter(|row| row["cameras"]["cam-a"]["quality"] != "lost").collect();
    assert!(known.len() > 48, "{} of {} frames know the camera", known.len(), rows.len());
    for row in known {
        let camera = &row["cameras"]["cam-a"];
        let nanos = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{row}"));
        // Half of 20.83 ms of shutter and half of 15 ms of readout.
        assert!((nanos(&camera["pose_for_ns"]) - nanos(&row["display_time_ns"]) - 17_916_667).abs() <= 1, "{row}");
        assert_eq!(camera["exposure_true"], true);
        let order = ["latched_ns", "late_latched_ns", "warped_ns"].map(|key| nanos(&camera[key]));
        assert!(order.is_sorted() && order[2] <= nanos(&row["presented_ns"]), "{row}");
        assert!(nanos(&camera["received_ns"]) <= order[2], "a packet from the future: {row}");
    }
}

fn doctor() {
    let folder = scratch("beat-doctor");
    let stage = stage(&folder, "[genlock]\nsource.ptp = {}\n", "position_m = [0.0, 0.0, 1.6]");
    let ended = Call::new("doctor").arg(&stage).run();
    let words = ["GPU", "real-time priority", "CLOCK_TAI", "PTP"];
    words.iter().for_each(|word| assert!(ended.stdout.contains(word), "no {word}: {}", ended.stdout));
    // No PTP daemon runs where tests do.
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("fix: "), "{}", ended.stdout);
    Call::new("doctor").arg(folder.join("none.toml")).run().expect_code(2);
}

fn calibrate() {
    let folder = scratch("beat-calibrate");
    let ports = [free_port(), free_port()];
    let feed = |id: &str, port: u16, delay: &str| {
        format!("[[feed]]\nid = \"{id}\"\nprotocol.freed = {{ udp = \"127.0.0.1:{port}\", camera_id = 1 }}\n{delay}\n")
    };
    // The second is right as it is; the stage file says it is 30 ms late.
    let tables = [feed("trk-a", ports[0], ""), feed("trk-b", ports[1], "delay_ms = 30.0  # by eye")].concat();
    let stage = stage(&folder, &tables, "feed = \"trk-a\"");
    let path = Path { started: monotonic_nanos(), phase: 0.4 };
    let send = |port| Sender::start(Protocol::Freed { camera_id: 1 }, port, path, Faults::default());
    let _senders = ports.map(send);
    let call = Call::new("calibrate").arg("delay").arg("feeds").arg(&stage).arg("--write");
    let call = call.option("--reference", "trk-a").option("--feed", "trk-b").option("--seconds", "12");
    let ended = call.run();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let text = fs::read_to_string(&stage).unwrap();
    let line = text.lines().find(|line| line.starts_with("delay_ms")).expect("the key stays");
    assert!(line.ends_with("# by eye"), "a comment is lost: {line}");
    let number = line.trim_start_matches("delay_ms = ").split(' ').next().and_then(|n| n.parse::<f64>().ok());
    assert!(number.is_some_and(|ms| ms.abs() < 3.0), "{line}\n{}", ended.stdout);
    assert!(folder.join("stage.toml.bak").exists());
}
