//! Tick error under load: our pacer, `spin_sleep` as its users run it, and cyclictest, in turns on the same machine.
//!
//! `cargo bench -p cyc_link --bench pacer -- [--rounds N] [--seconds N] [--rate RATE] [--busy N]`: N rounds (12) of
//! so many seconds (5) each, at a rate (60), with so many busy threads a core (1). A tick's error is how long after
//! its instant the waiting thread went on. CPU is the waiting thread's own run time (`schedstat`). cyclictest
//! (Debian: rt-tests) is left out where it is not installed. As a control, a SCHED_FIFO thread does nothing but read
//! the clock: gaps in that are the machine's (interrupts, the hypervisor), and no program can be better than them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot start has nothing to say")]

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod support;

use cyc_core::Rate;
use cyc_link::pacer::{self, Pacer};
use cyc_link::{TickStop, genlock};
use cyc_stage::stage::Pacer as Plan;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PRIORITY: u8 = 60;

struct Options {
    rounds: u32,
    seconds: f64,
    rate: Rate,
    busy: usize,
}

/// Errors of one contender over all rounds, nanoseconds, and what its thread cost.
#[derive(Default)]
struct Tally {
    errors: Vec<i64>,
    cpu_nanos: u64,
    wall_nanos: u64,
}

fn main() {
    let options = options();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (rate, seconds) = (options.rate, options.seconds);
    println!(
        "{cores} cores, {} busy threads; {} rounds of {seconds} s at {rate} Hz",
        cores * options.busy,
        options.rounds
    );
    let granted = pacer::try_priority(PRIORITY);
    println!(
        "SCHED_FIFO {PRIORITY}: {}",
        granted.map_or_else(|e| format!("refused, {}", e.desc()), |()| "granted".into())
    );
    let _load = Load::start(cores * options.busy);
    let [mut ours, mut ordinary, mut theirs, mut cyclic, mut machine] = std::array::from_fn(|_| Tally::default());
    let mut lead = 0;
    for _ in 0..options.rounds {
        lead = lead.max(on_own_thread(&mut ours, |tally| paced(&options, Some(PRIORITY), tally)));
        on_own_thread(&mut ordinary, |tally| paced(&options, None, tally));
        on_own_thread(&mut theirs, |tally| spin_sleep_ticks(&options, tally));
        cyclictest(&options, &mut cyclic);
        on_own_thread(&mut machine, |tally| gaps(&options, tally));
    }
    println!(
        "{:<34} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "waiting (us)", "ticks", "mean", "p50", "p99", "p99.9", "max", "CPU %"
    );
    let [a, _, b, c] = [
        ("cyc_link, SCHED_FIFO + spin", &mut ours),
        ("cyc_link, SCHED_OTHER + spin", &mut ordinary),
        ("spin_sleep 1.3, SCHED_OTHER", &mut theirs),
        ("cyclictest -p, SCHED_FIFO", &mut cyclic),
    ]
    .map(|(name, tally)| line(name, tally));
    println!("longest learned lead: {} us", lead / 1000);
    let lost: i64 = machine.errors.iter().sum();
    println!(
        "the machine itself: {:.2} % of the time lost in gaps above 5 us, the longest {:.0} us",
        lost as f64 * 100.0 / machine.wall_nanos as f64,
        machine.errors.iter().max().copied().unwrap_or(0) as f64 * 1e-3
    );
    println!("p99 against spin_sleep's p99: 1/{:.1} (target 1/20)", b.p99 / a.p99);
    if c.mean > 0.0 {
        println!("p99 against cyclictest's average: {:.2} (target 0.5)", a.p99 / c.mean);
    }
}

fn options() -> Options {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let number = |name: &str, default: f64| value(name).map_or(default, |text| text.parse().unwrap());
    Options {
        rounds: number("--rounds", 12.0) as u32,
        seconds: number("--seconds", 5.0),
        rate: value("--rate").map_or("60", String::as_str).parse().unwrap(),
        busy: number("--busy", 1.0) as usize,
    }
}

/// Threads that always want to run, on every core.
struct Load(Arc<AtomicBool>, Vec<std::thread::JoinHandle<()>>);

impl Load {
    fn start(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let busy = |stop: Arc<AtomicBool>| {
            let mut state = 1_u64;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..10_000 {
                    state = std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                }
            }
        };
        let threads = (0..threads)
            .map(|_| {
                std::thread::spawn({
                    let stop = stop.clone();
                    move || busy(stop)
                })
            })
            .collect();
        Self(stop, threads)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// Every contender begins as a new ordinary thread.
fn on_own_thread<T: Send>(tally: &mut Tally, run: impl FnOnce(&mut Tally) -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| run(tally)).join().unwrap())
}

/// Our own beat, as a stage runs it; returns the lead that was learned.
fn paced(options: &Options, priority: Option<u8>, tally: &mut Tally) -> i64 {
    let mut stage = support::stage(Vec::new());
    stage.frame_rate = options.rate;
    stage.pacer = Plan { priority, lock_memory: priority.is_some(), ..Plan::default() };
    let mut genlock = genlock::start(&stage, 0, TickStop::default()).unwrap();
    let count = (options.seconds * 1e9 / options.rate.frame_nanos() as f64) as usize;
    tally.measure(count, || {
        let tick = genlock.ticks.wait().unwrap();
        tick.actual.nanos_since(tick.ideal)
    });
    pacer::lead().nanos()
}

/// A thread of ours that only reads the clock for a tenth of a second: the machine's own gaps, nanoseconds. Its time is
/// bounded, since nothing else runs on its CPU meanwhile.
fn gaps(options: &Options, tally: &mut Tally) {
    let mut pacer = Pacer::new(Plan { priority: Some(PRIORITY), ..Plan::default() }, options.rate);
    pacer.apply();
    let begin = pacer::monotonic_nanos();
    let mut last = begin;
    while last < begin + 100_000_000 {
        let now = pacer::monotonic_nanos();
        if now - last > 5_000 {
            tally.errors.push(now - last);
        }
        last = now;
    }
    tally.wall_nanos += (last - begin) as u64;
}

/// What spin_sleep's own documentation shows, with absolute instants so that nothing adds up.
fn spin_sleep_ticks(options: &Options, tally: &mut Tally) {
    let sleeper = spin_sleep::SpinSleeper::default();
    let (start, mut frame) = (Instant::now(), 0);
    let count = (options.seconds * 1e9 / options.rate.frame_nanos() as f64) as usize;
    tally.measure(count, || {
        frame += 1;
        let mut ideal = start + Duration::from_nanos(options.rate.nanos_of_frame(frame) as u64);
        while ideal < Instant::now() {
            frame += 1;
            ideal = start + Duration::from_nanos(options.rate.nanos_of_frame(frame) as u64);
        }
        sleeper.sleep_until(ideal);
        ideal.elapsed().as_nanos() as i64
    });
}

/// cyclictest's histogram, in whole microseconds.
fn cyclictest(options: &Options, tally: &mut Tally) {
    let interval = options.rate.frame_nanos() / 1000;
    let loops = (options.seconds * 1e6 / interval as f64) as i64;
    let arguments = format!("-q -m -t 1 -p {PRIORITY} -i {interval} -l {loops} -h 100000");
    let Ok(output) = Command::new("cyclictest").args(arguments.split(' ')).output() else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut numbers = line.split_whitespace().map(str::parse::<i64>);
        if let (Some(Ok(micros)), Some(Ok(count))) = (numbers.next(), numbers.next()) {
            tally.errors.extend(std::iter::repeat_n(micros * 1000, count as usize));
        }
    }
}

impl Tally {
    fn measure(&mut self, count: usize, mut tick: impl FnMut() -> i64) {
        self.errors.reserve(count);
        // The first ticks find cold caches and an unlearned lead; a stage has its warm-up frames.
        (0..10).for_each(|_| {
            tick();
        });
        let (cpu, wall) = (thread_cpu_nanos(), Instant::now());
        for _ in 0..count {
            self.errors.push(tick());
        }
        self.cpu_nanos += thread_cpu_nanos() - cpu;
        self.wall_nanos += wall.elapsed().as_nanos() as u64;
    }
}

/// Run time of the calling thread (proc(5), /proc/[pid]/schedstat).
fn thread_cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

struct Summary {
    mean: f64,
    p99: f64,
}

fn line(name: &str, tally: &mut Tally) -> Summary {
    if tally.errors.is_empty() {
        println!("{name:<34} not run");
        return Summary { mean: 0.0, p99: 0.0 };
    }
    tally.errors.sort_unstable();
    let at = |share: f64| tally.errors[((tally.errors.len() - 1) as f64 * share) as usize] as f64 * 1e-3;
    let mean = tally.errors.iter().sum::<i64>() as f64 * 1e-3 / tally.errors.len() as f64;
    let (count, p99) = (tally.errors.len(), at(0.99));
    let cpu = if tally.wall_nanos == 0 {
        "-".to_owned()
    } else {
        format!("{:.2}", tally.cpu_nanos as f64 * 100.0 / tally.wall_nanos as f64)
    };
    let [p50, p999, max] = [0.5, 0.999, 1.0].map(at);
    println!("{name:<34} {count:>6} {mean:>9.2} {p50:>9.2} {p99:>9.2} {p999:>9.2} {max:>9.2} {cpu:>7}");
    Summary { mean, p99 }
}
