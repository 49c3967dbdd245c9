//! Live: senders of our own move cameras along known paths; the report must show them there.
//!
//! Bounds are on places, not on durations: what is compared is the pose that the wall showed with where the path is
//! at the instant that the report says the pose is for.
//!
//! Map: [`senders`] (bytes of FreeD, OSC and OpenTrackIO, and threads that send them), [`path`] (where cameras are).

pub mod path;
pub mod senders;

use crate::{
    harness::{self, Call, Needs, scratch, write},
    oracle::{M3, V3, degrees_between, matrix_of_wxyz},
    panorama::Panorama,
    picture::{Picture, read_png},
};
use libtest_mimic::Trial;
use path::{Path, seconds_between};
use senders::{Faults, Protocol, Sender, monotonic_nanos};
use serde_json::Value;
use std::{
    fs,
    net::UdpSocket,
    path::{Path as FilePath, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 3] = [
        ("cameras_are_on_their_paths", clean),
        ("through_loss_jitter_and_garbage", faulty),
        ("silence_and_return", silence),
    ];
    tests.map(|(name, test)| harness::trial(format!("live::{name}"), Needs::GpuAlone, test)).into()
}

/// How far from its path the wall may show a camera: on every frame, and on the middle one. The same with 5 % loss,
/// 3 ms jitter and garbage.
const ALL_MM: f64 = 10.0;
const ALL_DEGREES: f64 = 0.5;
const MEDIAN_MM: f64 = 3.0;
const MEDIAN_DEGREES: f64 = 0.15;

/// A camera with its feed and its sender.
struct Fed {
    camera: &'static str,
    protocol: Protocol,
    path: Path,
    port: u16,
}

fn fed() -> Vec<Fed> {
    let protocols = [
        ("cam-f", Protocol::Freed { camera_id: 7 }),
        ("cam-o", Protocol::Osc { focal_length_mm: 41.0 }),
        ("cam-t", Protocol::OpenTrackIo { focal_length_mm: 43.0 }),
    ];
    let started = monotonic_nanos();
    let fed = |(n, (camera, protocol)): (usize, (&'static str, Protocol))| Fed {
        camera,
        protocol,
        path: Path { started, phase: 1.3 * n as f64 },
        port: free_port(),
    };
    protocols.into_iter().enumerate().map(fed).collect()
}

/// A UDP port that nobody listens on just now.
pub fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap().port()
}

/// A small stage whose cameras are fed.
fn stage(folder: &FilePath, fed: &[Fed], loss: &str) -> PathBuf {
    let mut text = String::from(
        "format = 1\nname = \"live\"\nframe_rate = \"24\"\neye_point_m = [0.0, 0.0, 1.5]\n\n[genlock]\n\
         source.internal = {}\n\n[[wall]]\nid = \"wall\"\npanel = { width_px = 64, height_px = 64, pitch_mm = 25.0 }\n\
         shape.flat = { columns = 3, rows = 2 }\nposition_m = [0.0, 4.0, 0.0]\n\n\
         [[output]]\nid = \"wall\"\nnode = \"n\"\nwall = \"wall\"\n\n",
    );
    for Fed { camera, protocol, port, .. } in fed {
        let feed = match protocol {
            Protocol::Freed { camera_id } => {
                format!("freed = {{ udp = \"127.0.0.1:{port}\", camera_id = {camera_id} }}")
            }
            Protocol::Osc { .. } => format!("osc = {{ udp = \"127.0.0.1:{port}\", address = \"/tracker/a\" }}"),
            Protocol::OpenTrackIo { .. } => format!("opentrackio = {{ udp = \"127.0.0.1:{port}\" }}"),
        };
        text += &format!(
            "[[feed]]\nid = \"{camera}-feed\"\nprotocol.{feed}\n{loss}\n\n[[camera]]\nid = \"{camera}\"\n\
             feed = \"{camera}-feed\"\nfocal_length_mm = 35.0\nsensor = {{ width_mm = 36.0, height_mm = 20.25 }}\n\
             inner = {{ width_px = 128, height_px = 72, overscan = 1.2 }}\n\n"
        );
    }
    write(folder, "stage.toml", text)
}

/// Runs the stage among its senders; the lines of the report.
fn run(folder: &FilePath, stage: &FilePath, seconds: f64, more: &[(&str, String)]) -> Vec<Value> {
    let (_, environment) = Panorama::smooth(folder);
    let report = folder.join("report.jsonl");
    let call = Call::new("run").arg(stage).arg("--headless").option("--seconds", seconds.to_string());
    let call = call.option("--report", &report).option("--environment", environment).option("--desk", "127.0.0.1:0");
    more.iter().fold(call, |call, (name, value)| call.option(name, value)).run().expect_code(0);
    let text = fs::read_to_string(&report).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn clean() {
    let folder = scratch("live-clean");
    let fed = fed();
    let stage = stage(&folder, &fed, "");
    let senders: Vec<Sender> =
        fed.iter().map(|f| Sender::start(f.protocol, f.port, f.path, Faults::default())).collect();
    let rows = run(&folder, &stage, 6.0, &[]);
    drop(senders);
    assert!(rows.len() > 72, "only {} frames in 6 s at 24 fps", rows.len());
    for fed in &fed {
        check(fed, &rows);
        let feed = &rows.last().unwrap()["feeds"][format!("{}-feed", fed.camera)];
        assert!(feed["packets"].as_u64() > Some(240) && feed["bad"] == 0, "{}: {feed}", fed.camera);
    }
}

fn faulty() {
    let folder = scratch("live-faulty");
    let fed = fed();
    let stage = stage(&folder, &fed, "");
    let faults = |seed| Faults { seed, loss: 0.05, jitter_ms: 3.0, garbage: 0.1, stamped: true, ..Faults::default() };
    let sender = |(seed, f): (u64, &Fed)| Sender::start(f.protocol, f.port, f.path, faults(seed));
    let senders: Vec<Sender> = (1..).zip(&fed).map(sender).collect();
    let rows = run(&folder, &stage, 7.0, &[]);
    drop(senders);
    assert!(rows.len() > 84, "only {} frames in 7 s at 24 fps", rows.len());
    for fed in &fed {
        check(fed, &rows);
        let feed = &rows.last().unwrap()["feeds"][format!("{}-feed", fed.camera)];
        assert!(feed["bad"].as_u64() > Some(20), "{}: garbage is not counted: {feed}", fed.camera);
    }
}

/// The pose that a row shows for a camera.
struct Shown {
    position: V3,
    turn: M3,
    for_nanos: i64,
    age_nanos: i64,
    quality: String,
    frame: u64,
}

/// `None` before the camera's first sample.
fn shown(row: &Value, camera: &str) -> Option<Shown> {
    let state = &row["cameras"][camera];
    let position: Option<[f64; 3]> = serde_json::from_value(state["position_m"].clone()).unwrap();
    let turn: Option<[f64; 4]> = serde_json::from_value(state["orientation_wxyz"].clone()).unwrap();
    let instant = |key: &str| state[key].as_i64();
    let (position, turn, for_nanos) = (position?, turn?, instant("pose_for_ns")?);
    // What happened in between happened in this order.
    let stamps =
        ["capture_ns", "received_ns", "warped_ns"].map(|key| instant(key).unwrap_or_else(|| panic!("{state}")));
    assert!(stamps.is_sorted(), "{camera}: captured, received and used at {stamps:?}");
    assert_eq!(instant("pose_age_ns"), Some(for_nanos - stamps[0]), "{state}");
    Some(Shown {
        position: V3::from(position),
        turn: matrix_of_wxyz(turn),
        for_nanos,
        age_nanos: for_nanos - stamps[0],
        quality: state["quality"].as_str().unwrap_or_default().to_owned(),
        frame: row["frame"].as_u64().unwrap(),
    })
}

/// All frames but the first third lie on the path.
fn check(fed: &Fed, rows: &[Value]) {
    let rows = &rows[rows.len() / 3..];
    let (mut mm, mut degrees) = (Vec::new(), Vec::new());
    for row in rows {
        let shown = shown(row, fed.camera).unwrap_or_else(|| panic!("{} is not known: {row}", fed.camera));
        assert!(matches!(shown.quality.as_str(), "measured" | "predicted"), "{}: {row}", fed.camera);
        let focal_length = row["cameras"][fed.camera]["focal_length_mm"].as_f64();
        assert_eq!(focal_length, Some(fed.protocol.focal_length_mm().unwrap_or(35.0)), "{}", fed.camera);
        let (position, turn) = fed.path.at(shown.for_nanos);
        mm.push(1000.0 * (shown.position - position).norm());
        degrees.push(degrees_between(&shown.turn, &turn));
    }
    let sorted = |errors: &[f64]| {
        let mut sorted = errors.to_vec();
        sorted.sort_by(f64::total_cmp);
        (sorted[sorted.len() / 2], sorted[sorted.len() - 1])
    };
    let ((median_mm, worst_mm), (median_degrees, worst_degrees)) = (sorted(&mm), sorted(&degrees));
    let line = format!(
        "{}: {} frames, off the path by {median_mm:.2} mm, at most {worst_mm:.2}; {median_degrees:.3} degrees, at most {worst_degrees:.3}",
        fed.camera,
        rows.len()
    );
    println!("{line}");
    let fine = worst_mm <= ALL_MM && worst_degrees <= ALL_DEGREES;
    assert!(fine && median_mm < MEDIAN_MM && median_degrees < MEDIAN_DEGREES, "{line}");
}

const PREDICT_MS: i64 = 250;
const HOLD_MS: i64 = 1000;

/// 2.6 s of packets, 2.1 s of silence, over and over.
fn silence() {
    let folder = scratch("live-silence");
    let fed = &fed()[..1];
    let stage = stage(&folder, fed, &format!("loss = {{ predict_ms = {PREDICT_MS}, hold_ms = {HOLD_MS} }}"));
    let pattern = Faults { speaks_secs: 2.6, silent_secs: 2.1, ..Faults::default() };
    let sender = Sender::start(fed[0].protocol, fed[0].port, fed[0].path, pattern);
    let capture = folder.join("pictures");
    let rows = run(&folder, &stage, 9.5, &[("--capture", format!("{}:4", capture.display()))]);
    drop(sender);
    let shown: Vec<Shown> = rows.iter().filter_map(|row| shown(row, fed[0].camera)).collect();
    check_qualities(&shown, fed[0].path, pattern);
    check_pictures(&shown, &capture);
    check_return(&shown, fed[0].path, pattern);
}

/// Quality is what the policy says for the age of the newest sample, and falls step by step.
fn check_qualities(shown: &[Shown], path: Path, pattern: Faults) {
    for shown in shown {
        // Packets are back, but the blend has not begun: the pose is the held one, and no longer lost.
        let returned = pattern.since_return(seconds_between(path.started, shown.for_nanos)).is_some_and(|s| s < 0.25);
        let allowed: &[&str] = match shown.age_nanos {
            age if age <= PREDICT_MS * 1_000_000 => &["measured", "predicted"],
            age if age <= HOLD_MS * 1_000_000 => &["held"],
            _ if returned => &["held", "lost"],
            _ => &["lost"],
        };
        assert!(allowed.contains(&shown.quality.as_str()), "{} at an age of {} ns", shown.quality, shown.age_nanos);
    }
    let mut qualities: Vec<&str> = shown.iter().map(|shown| shown.quality.as_str()).collect();
    qualities.dedup();
    let fall = ["predicted", "held", "lost"];
    let falls: Vec<usize> = (0..qualities.len().saturating_sub(2)).filter(|n| qualities[*n..n + 3] == fall).collect();
    let last = falls.last().unwrap_or_else(|| panic!("quality never fell as configured: {qualities:?}"));
    let earlier = &falls[..falls.len() - 1];
    let back = |from: usize| qualities[from + 3..].iter().any(|quality| matches!(*quality, "predicted" | "measured"));
    assert!(back(*last) || earlier.iter().any(|from| back(*from)), "it never came back: {qualities:?}");
}

/// While the pose is held, and after that, it stands still, and so does the wall.
fn check_pictures(shown: &[Shown], capture: &FilePath) {
    let mut compared = 0;
    let mut held: Option<(V3, M3, Option<Picture>)> = None;
    for shown in shown {
        if !matches!(shown.quality.as_str(), "held" | "lost") {
            held = None;
            continue;
        }
        let (position, turn, picture) = held.get_or_insert((shown.position, shown.turn, None));
        assert!((shown.position - *position).norm() < 1e-4, "a held camera moves to {}", shown.position);
        assert!(degrees_between(&shown.turn, turn) < 1e-2, "a held camera turns");
        let file = capture.join(format!("wall.{:06}.png", shown.frame));
        if !file.is_file() {
            continue;
        }
        let now = read_png(&file);
        assert!(
            now.pixels.iter().any(|pixel| pixel[0] > 100.0),
            "the wall went dark while the camera was {}",
            shown.quality
        );
        let before = picture.get_or_insert_with(|| now.clone());
        let far =
            now.pixels.iter().zip(&before.pixels).filter(|(a, b)| (0..3).any(|c| (a[c] - b[c]).abs() > 1.0)).count();
        // The mask's edge may cross a pixel on the last micrometre.
        assert!(far * 1000 <= now.pixels.len(), "{far} pixels changed while the camera was {}", shown.quality);
        compared += usize::from(shown.quality == "lost");
    }
    assert!(compared >= 4, "only {compared} pictures were taken while the camera was lost");
}

/// No frame is further from the one before than path and blend allow; after the blend it is on the path again.
fn check_return(shown: &[Shown], path: Path, pattern: Faults) {
    let mut bridged_most = 0.0_f64;
    let mut back_on_path = 0;
    for pair in shown.windows(2) {
        let [before, now] = pair else { continue };
        let secs = seconds_between(before.for_nanos, now.for_nanos);
        // How far the wall was behind, during this silence and the half second after it.
        let since = |shown: &Shown| pattern.since_return(seconds_between(path.started, shown.for_nanos));
        let bridged = 1000.0 * (before.position - path.at(before.for_nanos).0).norm();
        bridged_most = bridged_most.max(bridged);
        // A smooth step is at most 1.5 times as fast as a line over its half second; what it bridges shrinks meanwhile.
        let started_mm = shown
            .iter()
            .filter(|other| (now.for_nanos - 700_000_000..=now.for_nanos).contains(&other.for_nanos))
            .map(|other| 1000.0 * (other.position - path.at(other.for_nanos).0).norm())
            .fold(bridged, f64::max);
        let allowed = (1000.0 * Path::MAX_SPEED + 1.5 * started_mm / 0.5) * secs + 5.0;
        let step = 1000.0 * (now.position - before.position).norm();
        assert!(step <= allowed, "a step of {step:.1} mm in {secs:.3} s at frame {}, {allowed:.1} allowed", now.frame);
        if since(now).is_some_and(|secs| (0.8..pattern.speaks_secs).contains(&secs)) {
            let off = 1000.0 * (now.position - path.at(now.for_nanos).0).norm();
            assert!(off <= 10.0, "{off:.1} mm off the path at frame {}, well after the return", now.frame);
            back_on_path += 1;
        }
    }
    assert!(bridged_most > 150.0, "a jump would have been only {bridged_most:.0} mm: this proves nothing");
    assert!(back_on_path > 20, "only {back_on_path} frames after a return");
}
