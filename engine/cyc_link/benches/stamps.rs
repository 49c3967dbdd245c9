//! When a packet came: the kernel's stamp beside a look at the clock after `recv`, both of the same packets and against
//! the sender's own time, with every core busy.
//!
//! `cargo bench -p cyc_link --bench stamps -- [--seconds N] [--hz N] [--busy N]`: so many seconds (60) of so many
//! packets a second (997) over loopback, with so many busy threads a core (1). The sender stands for another machine,
//! which our load does not touch: it runs under SCHED_FIFO where that is granted. The receiver is an ordinary thread,
//! as the threads of feeds and sources are.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot start has nothing to say")]

use cyc_core::{Clock, StageTime};
use cyc_link::MonotonicClock;
use cyc_link::clock::RealtimeMap;
use cyc_link::pacer::Pacer;
use cyc_link::stamp::{BATCH, Batch, StampedSocket};
use cyc_stage::stage::Pacer as Plan;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

const PRIORITY: u8 = 50;

/// Errors of the same packets' stamps, nanoseconds: the kernel's, and the clock's after `recv`.
#[derive(Default)]
struct Errors {
    kernel: Vec<i64>,
    after_recv: Vec<i64>,
}

fn main() {
    let [seconds, hz, busy] = [("--seconds", 60), ("--hz", 997), ("--busy", 1)].map(|(name, default)| {
        let arguments: Vec<String> = std::env::args().collect();
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores, {} busy threads, {hz} packets a second for {seconds} s", cores * busy as usize);
    for (name, load) in [("idle", 0), ("loaded", cores * busy as usize)] {
        let mut errors = run(seconds, hz, load);
        let lost = seconds * hz - errors.kernel.len() as i64;
        println!("{name}: {} packets, {lost} not received", errors.kernel.len());
        println!("{:<18} {:>10} {:>10} {:>10} {:>10}", "error, us", "p50", "p90", "p99", "max");
        let kernel = line("kernel stamp", &mut errors.kernel);
        let after_recv = line("after recv", &mut errors.after_recv);
        println!("p99 of the kernel's stamps is {:.4} of that after recv\n", kernel / after_recv);
    }
}

/// Prints one row; the p99.
fn line(name: &str, errors: &mut [i64]) -> f64 {
    errors.sort_unstable();
    let at = |percent: usize| errors[(errors.len() * percent).div_ceil(100) - 1] as f64 * 1e-3;
    println!("{name:<18} {:>10.1} {:>10.1} {:>10.1} {:>10.1}", at(50), at(90), at(99), at(100));
    at(99)
}

/// One run with so many busy threads.
fn run(seconds: i64, hz: i64, busy: usize) -> Errors {
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..busy).map(|_| spin(stop.clone())).collect();
    let socket = Arc::new(StampedSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap());
    let receiver = receive(socket.clone(), stop.clone());
    let sender = send(socket.local_addr().unwrap(), seconds, hz);
    sender.join().unwrap();
    // What is still under way is received before the end.
    std::thread::sleep(std::time::Duration::from_millis(200));
    stop.store(true, Ordering::SeqCst);
    socket.wake();
    load.into_iter().for_each(|thread| thread.join().unwrap());
    receiver.join().unwrap()
}

fn spin(stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut x = 1_u64;
        while !stop.load(Ordering::Relaxed) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
    })
}

/// Each packet says when it was sent.
fn send(to: SocketAddr, seconds: i64, hz: i64) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let plan = Plan { priority: Some(PRIORITY), cpu: None, spin_nanos: 0, lock_memory: false };
        let mut pacer = Pacer::new(plan, "1000".parse().unwrap());
        let report = pacer.apply();
        if !report.is_complete() {
            println!("the sender is an ordinary thread: {report:?}");
        }
        let (socket, clock) = (UdpSocket::bind("127.0.0.1:0").unwrap(), MonotonicClock);
        socket.connect(to).unwrap();
        let begin = clock.now();
        for n in 0..seconds * hz {
            pacer.rest();
            clock.sleep_until(begin.plus_nanos(n * 1_000_000_000 / hz));
            pacer.work();
            let _ = socket.send(&clock.now().0.to_le_bytes());
        }
    })
}

fn receive(socket: Arc<StampedSocket>, stop: Arc<AtomicBool>) -> JoinHandle<Errors> {
    std::thread::spawn(move || {
        let (mut batch, mut realtime, mut errors) = (Batch::default(), RealtimeMap::default(), Errors::default());
        let clock = MonotonicClock;
        realtime.refresh(&clock);
        while !stop.load(Ordering::SeqCst) {
            let mut read_at = None;
            batch
                .receive(&socket, BATCH, &mut |bytes, arrival| {
                    let after_recv = *read_at.get_or_insert_with(|| clock.now());
                    let Ok(sent) = bytes.try_into().map(i64::from_le_bytes) else { return };
                    let now = realtime.refresh(&clock);
                    let kernel = arrival.kernel_nanos.map_or(now, |stamp| realtime.stage_time(stamp, now));
                    errors.kernel.push(kernel.nanos_since(StageTime(sent)));
                    errors.after_recv.push(after_recv.nanos_since(StageTime(sent)));
                })
                .unwrap();
        }
        errors
    })
}
