//! The desk over a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by unwrapping it")]

use cyc_core::{Clock, FrameReport, StageTime};
use cyc_desk::{Desk, DeskError, DeskSource, WallPicture};
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
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let host = if headers.iter().any(|h| h.0 == "Host") { String::new() } else { format!("Host: {addr}\r\n") };
    let extra: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{method} {path} HTTP/1.1\r\n{host}{extra}Connection: close\r\n\r\n").unwrap();
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
    let _frames = Loop::start(source);
    let document = get(desk.local_addr(), "/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 5);
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
