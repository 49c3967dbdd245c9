//! Feeds side by side with peers: packets per receiver CPU second, and what a flood on one feed does to another.
//!
//! `cargo bench -p cyc_link --bench feeds -- [paced SECS] [saturated SECS] [isolation SECS]`; without arguments
//! all three, 60, 10 and 30 seconds. python-osc is run by `python3`, or by the program in `PYTHON`.
//! Eight cameras as OSC bundles of a pose and a lens message; every receiver makes typed values of both. Ours
//! also stamps, maps time, keeps two seconds of samples and counts jitter.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot start has nothing to say")]

#[path = "peers/mod.rs"]
mod peers;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod support;

use cyc_core::{Clock, LensSample, PoseSource, StageTime, TickSource, profile::OscProfile};
use cyc_link::{InternalTicks, MonotonicClock, StageFeeds, sim::path};
use cyc_wire::osc::{TrackerMessage, encode_bundle};
use peers::{Ours, Outcome, Peer, PythonOsc, TokioRosc};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const CAMERAS: usize = 8;
const RATE_HZ: u32 = 240;
const FLOOD_HZ: i64 = 100_000;
const LATCH_RATE: &str = "1000/17";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let wanted = |name: &str, default: f64| match arguments.iter().position(|a| a == name) {
        Some(i) => arguments.get(i + 1).and_then(|secs| secs.parse().ok()).or(Some(default)),
        None => arguments.is_empty().then_some(default),
    };
    if let Some(secs) = wanted("paced", 60.0) {
        compare(&format!("paced: {CAMERAS} cameras x {RATE_HZ} Hz for {secs} s"), secs, true);
    }
    if let Some(secs) = wanted("saturated", 10.0) {
        compare(&format!("saturated: {CAMERAS} cameras, as fast as one sender can, for {secs} s"), secs, false);
    }
    if let Some(secs) = wanted("isolation", 30.0) {
        isolation(secs);
    }
}

/// All receivers under the same load, a second each in turn, so that they see the same machine.
fn compare(title: &str, secs: f64, paced: bool) {
    let packets = packets();
    let mut peers: Vec<Box<dyn Peer>> = vec![Box::new(Ours::start(CAMERAS)), Box::new(TokioRosc::start(CAMERAS))];
    peers.extend(PythonOsc::start(CAMERAS).map(|python| Box::new(python) as Box<dyn Peer>));
    let mut sent = vec![0; peers.len()];
    for _ in 0..secs.ceil() as usize {
        for (peer, sent) in peers.iter().zip(&mut sent) {
            *sent +=
                if paced { send_paced(&packets, &peer.ports(), 1.0) } else { send_all(&packets, &peer.ports(), 1.0) };
            // What is still in the buffers is taken before the next receiver's turn.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    println!("\n{title}");
    println!(
        "{:<16} {:>10} {:>10} {:>8} {:>10} {:>14} {:>8}",
        "receiver", "sent", "received", "lost", "CPU s", "packets/CPU s", "ratio"
    );
    let mut ours = None;
    for (mut peer, sent) in peers.into_iter().zip(sent) {
        let Outcome { received, cpu_secs } = peer.finish();
        let per_cpu = received as f64 / cpu_secs;
        let ratio = *ours.get_or_insert(per_cpu) / per_cpu;
        let lost = sent.saturating_sub(received);
        let name = peer.name();
        println!("{name:<16} {sent:>10} {received:>10} {lost:>8} {cpu_secs:>10.3} {per_cpu:>14.0} {ratio:>7.2}x");
    }
    println!(
        "ratio: how many times as many packets per receiver CPU second ours takes; a receiver not listed is absent"
    );
}

/// One second of packets for each camera.
fn packets() -> Vec<Vec<Vec<u8>>> {
    let packet = |camera: usize, n: u32| {
        let lens =
            LensSample { focal_length_mm: Some(35.0), focus_distance_m: Some(4.0), entrance_pupil_offset_m: None };
        let pose = path::pose(f64::from(n) / f64::from(RATE_HZ) + camera as f64);
        let messages = TrackerMessage::from_camera_state(&pose, &lens, OscProfile::Stage);
        encode_bundle(&format!("/tracker/{camera}"), &messages, None).unwrap()
    };
    (0..CAMERAS).map(|camera| (0..RATE_HZ).map(|n| packet(camera, n)).collect()).collect()
}

fn sockets(ports: &[SocketAddr]) -> Vec<UdpSocket> {
    ports
        .iter()
        .map(|port| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(port).unwrap();
            socket
        })
        .collect()
}

/// The cameras take turns within each period, as free-running trackers do on average.
fn send_paced(packets: &[Vec<Vec<u8>>], ports: &[SocketAddr], secs: f64) -> u64 {
    let (sockets, clock) = (sockets(ports), MonotonicClock);
    let start = clock.now();
    let slot_nanos = 1_000_000_000 / i64::from(RATE_HZ) / CAMERAS as i64;
    let slots = (secs * f64::from(RATE_HZ)) as usize * CAMERAS;
    let mut sent = 0;
    for slot in 0..slots {
        clock.sleep_until(start.plus_nanos(slot as i64 * slot_nanos));
        let (camera, n) = (slot % CAMERAS, slot / CAMERAS);
        sent += u64::from(sockets[camera].send(&packets[camera][n % RATE_HZ as usize]).is_ok());
    }
    sent
}

fn send_all(packets: &[Vec<Vec<u8>>], ports: &[SocketAddr], secs: f64) -> u64 {
    let (sockets, clock) = (sockets(ports), MonotonicClock);
    let end = clock.now().plus_nanos((secs * 1e9) as i64);
    let mut sent = 0;
    let mut n = 0;
    while n % 64 != 0 || clock.now() < end {
        for (camera, socket) in sockets.iter().enumerate() {
            sent += u64::from(socket.send(&packets[camera][n % RATE_HZ as usize]).is_ok());
        }
        n += 1;
    }
    sent
}

/// What the flooder does; 2 is the flood at feed B.
const SILENT: usize = 0;
const FLOOD_SINK: usize = 1;

/// Camera A at 240 Hz; its receive-to-latch time with feed B silent and with feed B flooded.
///
/// On a machine with few cores the flood's sender alone takes time from everybody, so there is a control: the
/// same flood at a socket that nobody reads. Seconds of the three alternate, so that all see the same machine;
/// the latch sweeps through the phases of the tracker's beat five times a second.
fn isolation(secs: f64) {
    let stage = support::stage(vec![
        support::feed("a", support::osc("127.0.0.1:0", "/tracker/0")),
        support::feed("b", support::freed("127.0.0.2:0", Some(1))),
    ]);
    let feeds = Arc::new(StageFeeds::start(&stage, Arc::new(MonotonicClock)).unwrap());
    let (doing, stop) = (Arc::new(AtomicUsize::new(SILENT)), Arc::new(AtomicBool::new(false)));
    let threads = [tracker(&feeds, stop.clone()), flooder(&feeds, doing.clone(), stop.clone())];
    let mut latched = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..(secs / 3.0).ceil() as usize * 3 {
        doing.store(round % 3, Ordering::SeqCst);
        latch(&feeds, 0.1);
        latched[round % 3].extend(latch(&feeds, 1.0));
    }
    stop.store(true, Ordering::SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let [silent, sink, flooded] = latched.map(|mut nanos| {
        nanos.sort_unstable();
        [50, 99].map(|p| nanos[(nanos.len() * p).div_ceil(100) - 1] as f64 * 1e-6)
    });
    println!(
        "\nisolation: camera A at {RATE_HZ} Hz, {FLOOD_HZ} garbage packets/s, latched at {LATCH_RATE} Hz, {secs} s"
    );
    println!("{:<36} {:>10} {:>10}", "receive to latch", "p50 ms", "p99 ms");
    for (what, [p50, p99]) in
        [("no flood", silent), ("flood at a socket nobody reads", sink), ("flood at feed B", flooded)]
    {
        println!("{what:<36} {p50:>10.3} {p99:>10.3}");
    }
    for (what, from) in [("change by the flood", silent), ("of it by receiving it", sink)] {
        println!("{what:<36} {:>9.1}% {:>9.1}%", change(from[0], flooded[0]), change(from[1], flooded[1]));
    }
    let [a, b] = ["a", "b"].map(|feed| feeds.view(feed).unwrap().report());
    println!("feed B: {} refused, {} dropped by the kernel; feed A: {a:?}", b.bad, b.lost);
}

fn change(from: f64, to: f64) -> f64 {
    (to / from - 1.0) * 100.0
}

/// Latches camera A on a beat of its own: nanoseconds from the newest sample's arrival to its use.
fn latch(feeds: &StageFeeds, secs: f64) -> Vec<i64> {
    let clock = Arc::new(MonotonicClock);
    let rate = support::rate(LATCH_RATE);
    let frames = rate.frame_at_nanos((secs * 1e9) as i64);
    let mut ticks = InternalTicks::new(clock.clone(), rate, clock.now()).with_limit(frames);
    let mut latched = Vec::new();
    while ticks.wait().is_some() {
        let now = clock.now();
        let received = feeds.sample("cam-a", now).received;
        latched.extend(received.map(|received: StageTime| now.nanos_since(received)));
    }
    latched
}

fn tracker(feeds: &Arc<StageFeeds>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let (ports, packets) = (vec![feeds.local_addr("a").unwrap()], packets());
    std::thread::spawn(move || {
        let (socket, clock) = (sockets(&ports).remove(0), MonotonicClock);
        let start = clock.now();
        for n in 0.. {
            clock.sleep_until(start.plus_nanos(n as i64 * 1_000_000_000 / i64::from(RATE_HZ)));
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let _ = socket.send(&packets[0][n % RATE_HZ as usize]);
        }
    })
}

/// Sends in bursts of a millisecond, since a timer for each of 100,000 packets a second would measure timers.
fn flooder(feeds: &Arc<StageFeeds>, doing: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let port = feeds.local_addr("b").unwrap();
    std::thread::spawn(move || {
        let sink = UdpSocket::bind("127.0.0.3:0").unwrap();
        let (targets, clock) = (sockets(&[sink.local_addr().unwrap(), port]), MonotonicClock);
        let start = clock.now();
        for ms in 0.. {
            clock.sleep_until(start.plus_nanos(ms * 1_000_000));
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let Some(target) = doing.load(Ordering::SeqCst).checked_sub(FLOOD_SINK) else { continue };
            for n in 0..FLOOD_HZ / 1000 {
                let _ = targets[target].send(&[n as u8; 29]);
            }
        }
    })
}
