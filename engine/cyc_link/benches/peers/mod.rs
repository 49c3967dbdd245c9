//! Receivers that are compared: ours, tokio with rosc, python-osc.

use crate::support;
use cyc_link::{MonotonicClock, StageFeeds};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What a receiver did.
pub struct Outcome {
    /// Packets that became a typed camera state.
    pub received: u64,
    /// CPU seconds of its receiving threads.
    pub cpu_secs: f64,
}

/// A receiver of the bench.
pub trait Peer {
    /// What to print.
    fn name(&self) -> &'static str;
    /// Where it listens, one port a camera.
    fn ports(&self) -> Vec<SocketAddr>;
    /// Ends it.
    fn finish(&mut self) -> Outcome;
}

/// CPU seconds so far of this process's threads whose name begins with `prefix`.
fn cpu_secs(prefix: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = |task: std::fs::DirEntry| -> Option<u64> {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        comm.starts_with(prefix).then(|| stat.split(' ').next()?.parse().ok())?
    };
    tasks.filter_map(|task| nanos(task.ok()?)).sum::<u64>() as f64 * 1e-9
}

/// Waits until a count stands still: everything that was sent and not dropped has been taken.
fn settled(count: impl Fn() -> u64) -> u64 {
    let mut last = count();
    loop {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = count();
        if now == last {
            return now;
        }
        last = now;
    }
}

/// The feed threads of this crate.
pub struct Ours {
    feeds: StageFeeds,
    ids: Vec<String>,
}

impl Ours {
    pub fn start(cameras: usize) -> Self {
        let ids: Vec<String> = (0..cameras).map(|n| n.to_string()).collect();
        let feed =
            |n: usize| support::feed(&ids[n], support::osc(&format!("127.0.0.{}:0", n + 1), &format!("/tracker/{n}")));
        let stage = support::stage((0..cameras).map(feed).collect());
        Self { feeds: StageFeeds::start(&stage, Arc::new(MonotonicClock)).unwrap(), ids }
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "cyc_link"
    }

    fn ports(&self) -> Vec<SocketAddr> {
        self.ids.iter().filter_map(|id| self.feeds.local_addr(id)).collect()
    }

    fn finish(&mut self) -> Outcome {
        let received = settled(|| self.ids.iter().map(|id| self.feeds.view(id).unwrap().report().packets).sum());
        Outcome { received, cpu_secs: cpu_secs("feed ") }
    }
}

/// A camera state as a straightforward receiver would keep it.
#[derive(Debug, Clone, Copy, Default)]
#[allow(dead_code, reason = "written for its cost")]
struct PeerState {
    position_m: [f32; 3],
    quaternion_xyzw: [f32; 4],
    lens: [f32; 2],
    received: Option<Instant>,
}

/// One tokio task a socket on one worker thread, rosc to decode, a mutex a camera.
pub struct TokioRosc {
    ports: Vec<SocketAddr>,
    received: Arc<AtomicU64>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl TokioRosc {
    pub fn start(cameras: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("peer tokio")
            .enable_all()
            .build()
            .unwrap();
        let received = Arc::new(AtomicU64::new(0));
        let mut ports = Vec::new();
        for _ in 0..cameras {
            // The same receive buffer as ours.
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
            socket.set_recv_buffer_size(1 << 20).unwrap();
            socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
            let socket = UdpSocket::from(socket);
            socket.set_nonblocking(true).unwrap();
            ports.push(socket.local_addr().unwrap());
            runtime.spawn(receive(socket, received.clone()));
        }
        Self { ports, received, runtime: Some(runtime) }
    }
}

async fn receive(socket: UdpSocket, received: Arc<AtomicU64>) {
    let socket = tokio::net::UdpSocket::from_std(socket).unwrap();
    let state = Mutex::new(PeerState::default());
    let mut bytes = vec![0; 65_536];
    while let Ok((len, _)) = socket.recv_from(&mut bytes).await {
        if let Ok((_, packet)) = rosc::decoder::decode_udp(&bytes[..len]) {
            let mut state = state.lock().unwrap();
            if take(&packet, &mut state) {
                received.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Whether there was a pose.
fn take(packet: &rosc::OscPacket, state: &mut PeerState) -> bool {
    match packet {
        rosc::OscPacket::Bundle(bundle) => bundle.content.iter().fold(false, |any, p| take(p, state) | any),
        rosc::OscPacket::Message(message) => {
            let floats: Vec<f32> = message.args.iter().filter_map(|a| a.clone().float()).collect();
            match (message.addr.rsplit('/').next(), floats.as_slice()) {
                (Some("pose"), [x, y, z, qx, qy, qz, qw]) => {
                    state.position_m = [*x, *y, *z];
                    state.quaternion_xyzw = [*qx, *qy, *qz, *qw];
                    state.received = Some(Instant::now());
                    true
                }
                (Some("lens"), [focal, focus]) => {
                    state.lens = [*focal, *focus];
                    false
                }
                _ => false,
            }
        }
    }
}

impl Peer for TokioRosc {
    fn name(&self) -> &'static str {
        "tokio + rosc"
    }

    fn ports(&self) -> Vec<SocketAddr> {
        self.ports.clone()
    }

    fn finish(&mut self) -> Outcome {
        let received = settled(|| self.received.load(Ordering::Relaxed));
        let outcome = Outcome { received, cpu_secs: cpu_secs("peer tokio") };
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        outcome
    }
}

/// `benches/peers/python_osc.py`, which counts its own CPU time.
pub struct PythonOsc {
    ports: Vec<SocketAddr>,
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl PythonOsc {
    /// `None` if Python or python-osc is not installed.
    pub fn start(cameras: usize) -> Option<Self> {
        let ports: Vec<SocketAddr> = (0..cameras).map(|_| support::free_port()).collect();
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/python_osc.py"))
            .args(ports.iter().map(|port| port.port().to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take()?);
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        if line.trim() != "ready" {
            let _ = child.wait();
            return None;
        }
        Some(Self { ports, child, lines })
    }
}

impl Peer for PythonOsc {
    fn name(&self) -> &'static str {
        "python-osc"
    }

    fn ports(&self) -> Vec<SocketAddr> {
        self.ports.clone()
    }

    fn finish(&mut self) -> Outcome {
        // The end of its input is its end.
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.lines.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        let (received, cpu) = text.trim().split_once(' ').expect("count and CPU seconds");
        Outcome { received: received.parse().unwrap(), cpu_secs: cpu.parse().unwrap() }
    }
}
