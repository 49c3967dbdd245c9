//! The desk over a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by unwrapping it")]

use cyc_core::command::{Catalogue, channel};
use cyc_core::event::{EventKind, Moment, Monitor, MonitorSetup, Severity, StageEvent};
use cyc_core::label::LabelState;
use cyc_core::{Clock, FrameReport, LockState, Rate, StageTime};
use cyc_desk::{Desk, DeskError, DeskSource, FeedSync, GenlockSync, SyncStatus, TimecodeSync, WallPicture};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A clock that shows what it was set to.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> StageTime {
        StageTime(self.0.load(Ordering::SeqCst))
    }
    fn sleep_until(&self, _: StageTime) {}
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Asserts a problem document and returns its detail.
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let json = self.json();
        assert_eq!((self.status, json["status"].as_u64()), (status, Some(u64::from(status))));
        assert!(json["type"].as_str().unwrap().starts_with("urn:cyclorama:problem:"));
        assert!(!json["title"].as_str().unwrap().is_empty());
        json["detail"].as_str().unwrap().to_string()
    }
}

fn request(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(addr, method, path, headers, "")
}

fn send(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let host = if headers.iter().any(|h| h.0 == "Host") { String::new() } else { format!("Host: {addr}\r\n") };
    let extra: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{method} {path} HTTP/1.1\r\n{host}{extra}Connection: close\r\n\r\n{body}").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let split = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
    let (status, fields) = head.split_once("\r\n").unwrap();
    let headers = fields
        .split("\r\n")
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    Answer { status: status.split(' ').nth(1).unwrap().parse().unwrap(), headers, body: bytes[split + 4..].to_vec() }
}

fn get(addr: SocketAddr, path: &str) -> Answer {
    request(addr, "GET", path, &[])
}

/// A running desk, its source, and its clock at 10 s.
fn desk() -> (Desk, DeskSource, Arc<SetClock>) {
    let clock = Arc::new(SetClock(AtomicI64::new(10_000_000_000)));
    let stage = serde_json::json!({ "name": "test", "walls": [{ "id": "main" }, { "id": "side wall" }] });
    let source = DeskSource::new(stage, vec!["main".into(), "side wall".into()], clock.clone());
    let desk = Desk::start("127.0.0.1:0".parse().unwrap(), source.clone()).unwrap();
    (desk, source, clock)
}

fn sync_status() -> SyncStatus {
    SyncStatus {
        genlock: GenlockSync {
            source: "LTC from \"default\"".into(),
            configured: true,
            state: LockState::Locked,
            uncertainty_ns: 12_000,
            rate: Rate::new(24_000, 1001).unwrap(),
            measured_hz: Some(23.976),
            measured_ppm: Some(-3.5),
            residual_ns: Some(8_200.0),
            trouble: None,
        },
        timecode: TimecodeSync {
            source: "LTC".into(),
            state: Some(LabelState::Following),
            label: Some("01:00:00:05".parse().unwrap()),
            trouble: None,
        },
        feeds: [("trk-a".to_string(), FeedSync { silent_ns: Some(4_000_000), capture_age_ns: None, delay_ns: 0 })]
            .into(),
        pacer: Some("SCHED_FIFO 60".into()),
    }
}

fn event(frame: u64, message: &str) -> StageEvent {
    StageEvent {
        at_ns: StageTime(frame as i64 * 40_000_000),
        frame,
        timecode: Some("01:00:00:00".into()),
        severity: Severity::Warning,
        kind: EventKind::TickMissed { missed: 2 },
        subject: "stage".into(),
        message: message.into(),
    }
}

/// Gives a command as the page does.
fn command(addr: SocketAddr, body: &str) -> Answer {
    let length = body.len().to_string();
    send(addr, "POST", "/api/v1/commands", &[("Content-Type", "application/json"), ("Content-Length", &length)], body)
}

/// A desk whose commands reach a frame thread: frame 100 begins again and again, and the next once something happened.
fn commanded() -> (Desk, DeskSource, Frames) {
    let catalogue = Catalogue { patterns: vec!["grid".into(), "bar".into()], ..Catalogue::default() };
    let (port, mut intake) = channel(Rate::new(24, 1).unwrap(), catalogue);
    let clock = Arc::new(SetClock(AtomicI64::new(10_000_000_000)));
    let source = DeskSource::new(serde_json::json!({}), vec![], clock).with_commands(port);
    let desk = Desk::start("127.0.0.1:0".parse().unwrap(), source.clone()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, desk_source) = (stop.clone(), source.clone());
    let thread = std::thread::spawn(move || {
        let setup = MonitorSetup { rate: Rate::new(24, 1).unwrap(), genlock: None, feeds: vec![] };
        let (mut monitor, mut frame, mut outcomes, mut events) = (Monitor::new(setup), 100, Vec::new(), Vec::new());
        while !stopped.load(Ordering::SeqCst) {
            intake.begin(frame, &mut outcomes);
            let happened = !outcomes.is_empty();
            for outcome in outcomes.drain(..) {
                let moment = Moment { at: StageTime(frame as i64), frame, timecode: "" };
                monitor.command(&moment, &outcome, &mut events);
            }
            desk_source.publish_events(events.drain(..));
            frame += u64::from(happened);
            std::thread::yield_now();
        }
    });
    (desk, source, Frames { stop, thread: Some(thread) })
}

/// A frame thread; it ends when this is dropped.
struct Frames {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A frame loop that answers every wall request with a picture of its wall, numbered as they come.
struct Loop {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Loop {
    fn start(source: DeskSource) -> Self {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (stop.clone(), served.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let Some(request) = source.wall_request() else {
                    std::thread::yield_now();
                    continue;
                };
                let frame = 100 + count.fetch_add(1, Ordering::SeqCst);
                let shade = if request.wall == "main" { 10 } else { 20 };
                let _ = request.reply.send(WallPicture { frame, width: 8, height: 4, rgb8: vec![shade; 96] });
            }
        });
        Self { stop, served, thread: Some(thread) }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn decode(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn health_goes_from_down_to_ok_and_back() {
    let (desk, source, clock) = desk();
    let addr = desk.local_addr();
    let answer = get(addr, "/api/v1/health");
    assert_eq!((answer.status, answer.json()["state"].as_str()), (200, Some("down")));
    assert_eq!(answer.headers["content-type"], "application/json");
    source.publish(FrameReport { frame: 7, presented_ns: clock.now(), ..FrameReport::default() });
    let json = get(addr, "/api/v1/health").json();
    assert_eq!((json["state"].as_str(), json["frame"].as_u64()), (Some("ok"), Some(7)));
    source.publish(FrameReport { frame: 9, missed: 1, presented_ns: clock.now(), ..FrameReport::default() });
    let json = get(addr, "/api/v1/health").json();
    assert_eq!((json["state"].as_str(), json["missed_last_minute"].as_u64()), (Some("degraded"), Some(1)));
    clock.0.fetch_add(2_000_000_000, Ordering::SeqCst);
    assert_eq!(get(addr, "/api/v1/health").json()["state"], "down");
}

#[test]
fn the_stage_is_what_was_given() {
    let (desk, source, _) = desk();
    assert_eq!(&get(desk.local_addr(), "/api/v1/stage").json(), source.stage());
}

#[test]
fn the_newest_report_is_served_as_in_the_report_file() {
    let (desk, source, clock) = desk();
    get(desk.local_addr(), "/api/v1/report").problem(404);
    let report = FrameReport { frame: 5, presented_ns: clock.now(), ..FrameReport::default() };
    source.publish(report.clone());
    let answer = get(desk.local_addr(), "/api/v1/report");
    assert_eq!(answer.json(), serde_json::to_value(&report).unwrap());
}

#[test]
fn a_wall_is_a_png_with_its_frame_number() {
    let (desk, source, _) = desk();
    let _frames = Loop::start(source);
    for (path, shade) in [("main", 10), ("side%20wall", 20)] {
        let answer = get(desk.local_addr(), &format!("/api/v1/walls/{path}/frame.png"));
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "image/png"));
        assert!(answer.headers["x-cyclorama-frame"].parse::<u64>().unwrap() >= 100);
        assert_eq!(decode(&answer.body), (8, 4, vec![shade; 96]));
    }
    let small = get(desk.local_addr(), "/api/v1/walls/main/frame.png?width=4");
    assert_eq!(decode(&small.body), (4, 2, vec![10; 24]));
    for bad in ["0", "-3", "x", ""] {
        let answer = get(desk.local_addr(), &format!("/api/v1/walls/main/frame.png?width={bad}"));
        assert!(answer.problem(400).contains(&format!("{bad:?}")));
    }
}

#[test]
fn an_unknown_wall_is_a_problem_that_names_the_walls() {
    let (desk, ..) = desk();
    let detail = get(desk.local_addr(), "/api/v1/walls/mian/frame.png").problem(404);
    for name in ["mian", "main", "side wall"] {
        assert!(detail.contains(name), "{detail}");
    }
}

#[test]
fn many_askers_of_one_wall_share_a_few_pictures() {
    let (desk, source, _) = desk();
    let addr = desk.local_addr();
    // Nobody answers until all have asked.
    let askers: Vec<_> =
        (0..12).map(|_| std::thread::spawn(move || get(addr, "/api/v1/walls/main/frame.png"))).collect();
    let first = loop {
        match source.wall_request() {
            Some(request) => break request,
            None => std::thread::yield_now(),
        }
    };
    assert!(source.wall_request().is_none(), "the others wait for the first");
    first.reply.send(WallPicture { frame: 1, width: 8, height: 4, rgb8: vec![0; 96] }).unwrap();
    let frames = Loop::start(source);
    for asker in askers {
        assert_eq!(asker.join().unwrap().status, 200);
    }
    assert!(
        frames.served.load(Ordering::SeqCst) < 11,
        "{} pictures for 11 askers",
        frames.served.load(Ordering::SeqCst)
    );
}

#[test]
fn a_frame_loop_without_a_picture_is_unavailable() {
    let (desk, source, _) = desk();
    let addr = desk.local_addr();
    let asker = std::thread::spawn(move || get(addr, "/api/v1/walls/main/frame.png"));
    let request = loop {
        match source.wall_request() {
            Some(request) => break request,
            None => std::thread::yield_now(),
        }
    };
    drop(request.reply);
    assert!(asker.join().unwrap().problem(503).contains("main"));
    // Silence for longer than the desk's patience.
    assert!(get(addr, "/api/v1/walls/main/frame.png").problem(503).contains("in time"));
}

#[test]
fn sync_is_what_the_host_said_last() {
    let (desk, source, _) = desk();
    assert!(get(desk.local_addr(), "/api/v1/sync").problem(404).contains("/api/v1/report"));
    source.publish_sync(sync_status());
    let json = get(desk.local_addr(), "/api/v1/sync").json();
    assert_eq!(json, serde_json::to_value(sync_status()).unwrap());
    assert_eq!(json["genlock"]["state"], "locked");
    assert_eq!(json["timecode"]["label"], "01:00:00:05");
    source.publish(FrameReport { presented_ns: StageTime(10_000_000_000), ..FrameReport::default() });
    let health = get(desk.local_addr(), "/api/v1/health").json();
    // The report says free, and a source is configured.
    assert_eq!((health["state"].as_str(), health["genlock"].as_str()), (Some("degraded"), Some("free")));
    assert_eq!(health["genlock_source"], "LTC from \"default\"");
}

#[test]
fn events_come_by_number_and_as_lines() {
    let (desk, source, _) = desk();
    let addr = desk.local_addr();
    assert_eq!(
        get(addr, "/api/v1/events").json(),
        serde_json::json!({ "events": [], "newest": 0, "oldest": 0, "dropped": 0 })
    );
    source.publish_events((1..=5).map(|n| event(n, &format!("message {n}"))));
    let seqs = |query: &str| -> Vec<u64> {
        let json = get(addr, &format!("/api/v1/events{query}")).json();
        assert_eq!((json["newest"].as_u64(), json["oldest"].as_u64()), (Some(5), Some(1)));
        json["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(""), [1, 2, 3, 4, 5]);
    assert_eq!(seqs("?since=3"), [4, 5]);
    assert_eq!(seqs("?since=1&limit=2"), [2, 3]);
    assert_eq!(seqs("?limit=2"), [4, 5]);
    assert_eq!(seqs("?since=5"), [0; 0]);
    assert_eq!(seqs("?since=99"), [1, 2, 3, 4, 5]);
    for bad in ["since=-1", "since=x", "limit=1.5"] {
        assert!(get(addr, &format!("/api/v1/events?{bad}")).problem(400).contains("whole number"));
    }
    let file = get(addr, "/api/v1/events.jsonl?since=2");
    assert_eq!((file.status, file.headers["content-type"].as_str()), (200, "application/jsonl"));
    assert!(file.headers["content-disposition"].contains("events.jsonl"));
    let lines = String::from_utf8(file.body).unwrap();
    assert_eq!(lines.lines().count(), 3);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (first["seq"].as_u64(), first["kind"].as_str(), first["missed"].as_u64()),
        (Some(3), Some("tick_missed"), Some(2))
    );
    assert_eq!((first["severity"].as_str(), first["message"].as_str()), (Some("warning"), Some("message 3")));
    let asked = request(addr, "GET", "/api/v1/events?since=2", &[("Accept", "text/html, application/jsonl;q=0.9")]);
    assert_eq!(String::from_utf8(asked.body).unwrap(), lines);
}

#[test]
fn a_flood_of_events_keeps_the_newest_and_says_how_many_found_no_room() {
    let (_, source, _) = desk();
    source.publish_events((1..=50_000).map(|n| event(n, "")));
    let page = source.events(None, usize::MAX);
    assert_eq!(page.events.last().unwrap().event.frame, 50_000);
    assert_eq!(page.dropped + page.events.len() as u64, 50_000);
}

#[test]
fn a_command_is_answered_with_its_frame_and_is_an_event() {
    let (desk, source, _frames) = commanded();
    let addr = desk.local_addr();
    let answer = command(addr, r#"{"command": "freeze", "on": true}"#);
    let json = answer.json();
    assert_eq!((answer.status, json["state"].as_str(), json["late"].as_u64()), (200, Some("done"), Some(0)));
    assert_eq!(json["frame"], 100);
    let wall = loop {
        let state = get(addr, "/api/v1/commands").json();
        if state["wall"]["freeze"] == true {
            break state;
        }
    };
    assert_eq!(wall["patterns"], serde_json::json!(["grid", "bar"]));
    let event = &source.events(None, 10).events[0].event;
    assert_eq!((event.frame, event.message.as_str()), (100, "freeze on (desk)"));
    let slate = |at: u64| command(addr, &format!(r#"{{"command": "slate", "text": "12A", "at_frame": {at}}}"#));
    let answer = slate(500);
    assert_eq!((answer.status, answer.json()), (202, serde_json::json!({ "state": "scheduled", "frame": 500 })));
    assert!(slate(101 + 24 * 3600 + 1).problem(422).contains("more than an hour away"));
    let past = slate(3).problem(409);
    assert!(past.starts_with("Frame 3 has already begun; the next one that can be named is 10"), "{past}");
}

#[test]
fn what_is_no_command_is_a_problem_that_says_what_would_be() {
    let (desk, _source, _frames) = commanded();
    let addr = desk.local_addr();
    for (body, says) in [
        ("", "no JSON"),
        ("[1]", "A command is a JSON object"),
        (r#"{"command": "freze", "on": true}"#, "there are freeze, blackout"),
        (r#"{"command": "freeze"}"#, "freeze needs \"on\": true or false"),
        (r#"{"command": "freeze", "on": true, "at_frame": -4}"#, "at_frame is a frame number, 0 or more, not -4"),
        (r#"{"command": "freeze", "on": true, "frame": 4}"#, "unknown field `frame`"),
    ] {
        let detail = command(addr, body).problem(400);
        assert!(detail.contains(says), "{body}: {detail}");
    }
    assert!(command(addr, r#"{"command": "cue", "name": "dusk"}"#).problem(422).contains("this stage has no looks"));
    assert!(command(addr, r#"{"command": "pattern", "name": "plaid"}"#).problem(422).contains("there are grid, bar"));
    let plain =
        send(addr, "POST", "/api/v1/commands", &[("Content-Type", "text/plain"), ("Content-Length", "2")], "{}");
    assert!(plain.problem(415).contains("application/json"));
    command(addr, &format!(r#"{{"command": "slate", "text": "{}"}}"#, "x".repeat(20_000))).problem(413);
    let origin = [("Origin", "https://example.com"), ("Content-Type", "application/json"), ("Content-Length", "0")];
    send(addr, "POST", "/api/v1/commands", &origin, "").problem(403);
    assert!(request(addr, "DELETE", "/api/v1/commands", &[]).problem(405).contains("GET and POST"));
}

#[test]
fn a_desk_without_a_stage_behind_it_takes_no_commands_and_a_silent_one_takes_them_back() {
    let (desk, source, _) = desk();
    let freeze = r#"{"command": "freeze", "on": true}"#;
    assert!(command(desk.local_addr(), freeze).problem(503).contains("drives no walls"));
    let (port, mut intake) = channel(Rate::new(24, 1).unwrap(), Catalogue::default());
    let _source = source.with_commands(port);
    assert!(command(desk.local_addr(), freeze).problem(503).contains("taken back"));
    let mut outcomes = Vec::new();
    intake.begin(1, &mut outcomes);
    assert_eq!(outcomes, []);
}

#[test]
fn foreign_pages_and_names_are_turned_away_everywhere() {
    let (desk, ..) = desk();
    let addr = desk.local_addr();
    let own = format!("http://{addr}");
    for path in ["/", "/api/v1/health", "/api/v1/walls/main/frame.png", "/nowhere"] {
        request(addr, "GET", path, &[("Origin", "https://example.com")]).problem(403);
        request(addr, "GET", path, &[("Host", "desk.example")]).problem(421);
    }
    assert_eq!(request(addr, "GET", "/api/v1/health", &[("Origin", &own)]).status, 200);
    let tunnel = [("Host", "localhost:9999"), ("Origin", "http://localhost:9999")];
    assert_eq!(request(addr, "GET", "/api/v1/health", &tunnel).status, 200);
}

#[test]
fn unknown_paths_and_methods_are_problems() {
    let (desk, ..) = desk();
    assert!(get(desk.local_addr(), "/api/v1/looks").problem(404).contains("/api/v1/looks"));
    request(desk.local_addr(), "POST", "/api/v1/health", &[("Content-Length", "0")]).problem(405);
}

#[test]
fn the_page_loads_only_from_the_desk() {
    let (desk, ..) = desk();
    let page = get(desk.local_addr(), "/");
    let html = String::from_utf8(page.body).unwrap();
    assert!(page.headers["content-security-policy"].contains("default-src 'none'"));
    for attribute in ["src=\"", "href=\""] {
        for link in html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(link == "data:," || get(desk.local_addr(), link).status == 200, "{link}");
        }
    }
    assert!(!html.contains("http"), "nothing from elsewhere");
}

#[test]
fn the_description_names_exactly_the_routes_that_answer() {
    let (desk, source, _) = desk();
    source.publish(FrameReport::default());
    source.publish_sync(sync_status());
    let _frames = Loop::start(source);
    let document = get(desk.local_addr(), "/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 9);
    for path in paths.keys() {
        assert_eq!(get(desk.local_addr(), &path.replace("{wall}", "main")).status, 200, "{path}");
    }
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document["components"]["schemas"][reference].is_object(), "{reference}");
    }
    let health = get(desk.local_addr(), "/api/v1/health").json();
    for key in health.as_object().unwrap().keys() {
        assert!(document["components"]["schemas"]["Health"]["properties"][key].is_object(), "{key} is described");
    }
    let sync = get(desk.local_addr(), "/api/v1/sync").json();
    for part in ["genlock", "timecode"] {
        for key in sync[part].as_object().unwrap().keys() {
            let described = &document["components"]["schemas"]["Sync"]["properties"][part]["properties"][key];
            assert!(described.is_object(), "{part}.{key} is described");
        }
    }
    let wall = get(desk.local_addr(), "/api/v1/commands").json();
    for key in wall.as_object().unwrap().keys() {
        let described = &document["components"]["schemas"]["WallState"]["properties"][key];
        assert!(described.is_object(), "{key} is described");
    }
}

#[test]
fn a_desk_stays_on_loopback_and_says_how_to_reach_it() {
    let (_, source, _) = desk();
    for addr in ["0.0.0.0:0", "192.0.2.1:7300", "[::]:7300"] {
        let error = Desk::start(addr.parse().unwrap(), source.clone()).unwrap_err();
        assert!(matches!(error, DeskError::NotLoopback(_)));
        assert!(error.to_string().contains("ssh -L"), "{error}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_fix_and_a_stopped_desk_frees_its_port() {
    let (first, source, _) = desk();
    let addr = first.local_addr();
    let error = Desk::start(addr, source.clone()).unwrap_err();
    assert!(matches!(error, DeskError::PortInUse(in_use) if in_use == addr));
    assert!(error.to_string().contains(&addr.to_string()) && error.to_string().contains("--desk"));
    assert_eq!(get(addr, "/api/v1/health").status, 200);
    drop(first);
    // Refused connections prove that nothing listens any more.
    assert!(TcpStream::connect(addr).is_err());
    drop(TcpListener::bind(addr));
}
