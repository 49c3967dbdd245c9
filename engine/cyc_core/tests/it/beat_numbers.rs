//! How much of a source's jitter is left in the beat, and when: ours beside textbook loops, seeded.
//!
//! `docs/validation/2026-11-20-beat.md` holds the table that these print (`-- beat_numbers --nocapture`).

use crate::beat_source::{EPOCH, Source, off, rms};
use crate::support::Noise;
use cyc_core::beat::{Beat, BeatEvent, BeatLoop, Jitter};
use cyc_core::{LockState, Rate, StageTime};
use std::f64::consts::{SQRT_2, TAU};

/// Follows pulses, and says where the newest true one is.
trait Follower {
    fn hear(&mut self, at: StageTime);
    /// The error of its beat at a true instant, nanoseconds.
    fn error(&self, left: StageTime) -> f64;
}

impl Follower for BeatLoop {
    fn hear(&mut self, at: StageTime) {
        self.pulse(at, None);
        while self.poll(at).is_some() {}
    }

    fn error(&self, left: StageTime) -> f64 {
        off(self, left) as f64
    }
}

/// The loop of LAC 2005 as it is printed: wide for two seconds, then narrow; errors clamped on request.
struct Textbook {
    period: f64,
    predicted: f64,
    heard: f64,
    wide_until: f64,
    narrow_hz: f64,
    clamp: f64,
}

impl Textbook {
    fn new(rate: Rate, wide_secs: f64, narrow_hz: f64, clamp: f64) -> Textbook {
        let period = 1e9 * f64::from(rate.den()) / f64::from(rate.num());
        Textbook { period, predicted: f64::NAN, heard: 0.0, wide_until: wide_secs * 1e9, narrow_hz, clamp }
    }
}

impl Follower for Textbook {
    fn hear(&mut self, at: StageTime) {
        let at = at.nanos_since(EPOCH) as f64;
        if self.predicted.is_nan() {
            self.predicted = at + self.period;
        } else {
            let hertz = if at < self.wide_until { 1.0 } else { self.narrow_hz };
            let w = TAU * hertz * self.period * 1e-9;
            let error = (at - self.predicted).clamp(-self.clamp, self.clamp);
            self.predicted += SQRT_2 * w * error + self.period;
            self.period += w * w * error;
        }
        self.heard = at;
    }

    fn error(&self, left: StageTime) -> f64 {
        // Its line through the newest pulse.
        let left = left.nanos_since(EPOCH) as f64;
        let error = self.predicted - self.period - left;
        error - (error / self.period).round() * self.period
    }
}

/// A source of 50 ppm, heard with jitter.
#[derive(Clone, Copy)]
struct Case {
    rate: &'static str,
    sigma: f64,
    outliers: f64,
    jitter: Jitter,
}

impl Case {
    fn source(self, seed: u64) -> Source {
        let Case { rate, sigma, outliers, jitter } = self;
        Source { skew: 50e-6, sigma, outliers, jitter, noise: Noise(seed), ..Source::new(rate, EPOCH) }
    }

    fn rate(self) -> Rate {
        self.rate.parse().unwrap()
    }

    /// Ours, up to half a frame out of phase.
    fn ours(self, seed: u64) -> BeatLoop {
        let late = (Noise(seed ^ 77).unit() - 0.5) * self.rate().frame_nanos() as f64;
        BeatLoop::new(self.rate(), self.rate(), self.jitter, EPOCH.plus_nanos(late as i64)).unwrap()
    }

    /// Root mean square of the errors of many runs in each quarter of a second, nanoseconds.
    fn ensemble<F: Follower>(self, runs: u64, secs: f64, follower: impl Fn(u64) -> F) -> Vec<f64> {
        let mut bins = vec![(0.0, 0.0); (secs * 4.0) as usize];
        for seed in 1..=runs {
            let (mut source, mut follower) = (self.source(seed), follower(seed));
            while let (left, Some(heard)) = source.next() {
                follower.hear(heard);
                let bin = (left.secs_since(EPOCH) * 4.0) as usize;
                let Some((sum, count)) = bins.get_mut(bin) else { break };
                *sum += follower.error(left).powi(2);
                *count += 1.0;
            }
        }
        bins.iter().map(|(sum, count)| (sum / count).sqrt()).collect()
    }

    /// Root mean square and mean of the errors after half a minute of ten, nanoseconds.
    fn steady<F: Follower>(self, follower: impl Fn(u64) -> F) -> (f64, f64) {
        let mut errors = vec![];
        for seed in 1..=6 {
            let (mut source, mut follower) = (self.source(seed), follower(seed));
            loop {
                let (left, heard) = source.next();
                follower.hear(heard.unwrap());
                let secs = left.secs_since(EPOCH);
                if secs > 600.0 {
                    break;
                }
                if secs > 30.0 {
                    errors.push(follower.error(left));
                }
            }
        }
        (rms(&errors), errors.iter().sum::<f64>() / errors.len() as f64)
    }
}

/// The first quarter of a second from which on no error is above a quarter more than the steady one, seconds.
fn settled(ensemble: &[f64], steady: f64) -> f64 {
    let last = ensemble.iter().rposition(|error| *error > 1.25 * steady);
    last.map_or(0.0, |last| (last + 1) as f64 / 4.0)
}

fn row(name: &str, case: Case, follower: impl Fn(u64) -> Box<dyn Follower>) -> (f64, f64) {
    let (steady, mean) = case.steady(&follower);
    let runs = case.ensemble(200, 20.0, &follower);
    let (settled, at_six) = (settled(&runs, steady), rms(&runs[24..28]));
    let Case { rate, sigma, outliers, jitter } = case;
    let jitter = if jitter == Jitter::OneSided { "one-sided" } else { "symmetric" };
    println!(
        "| {rate} Hz, {:.0} us {jitter}{} | {name} | {:.1} us | {:+.1} us | {:.1} us | {} |",
        sigma * 1e-3,
        if outliers > 0.0 { ", 1 % outliers of +5 ms" } else { "" },
        steady * 1e-3,
        mean * 1e-3,
        at_six * 1e-3,
        if settled < 20.0 { format!("{settled:.2} s") } else { "later than 20 s".into() }
    );
    (steady, settled)
}

impl Follower for Box<dyn Follower> {
    fn hear(&mut self, at: StageTime) {
        (**self).hear(at);
    }
    fn error(&self, left: StageTime) -> f64 {
        (**self).error(left)
    }
}

const QUIET_60: Case = Case { rate: "60", sigma: 100e3, outliers: 0.0, jitter: Jitter::Symmetric };

#[test]
fn eleven_microseconds_are_left_after_six_seconds() {
    let (steady, mean) = QUIET_60.steady(|seed| QUIET_60.ours(seed));
    assert!(steady <= 11e3, "{steady} ns rms");
    assert!(mean.abs() < 1e3);
    let runs = QUIET_60.ensemble(300, 12.0, |seed| QUIET_60.ours(seed));
    let from_six = rms(&runs[24..]);
    assert!(from_six <= 11e3, "{from_six} ns rms from 6 s on");
    let settled = settled(&runs, steady);
    assert!(settled < 6.0, "settled after {settled} s");
}

#[test]
fn ours_beside_the_textbook() {
    println!(
        "| source | loop | left, rms | mean | rms from 6 to 7 s | settled |\n| --- | --- | --- | --- | --- | --- |"
    );
    for (rate, sigma, outliers) in [("60", 100e3, 0.0), ("60", 500e3, 0.01), ("24", 100e3, 0.0), ("24", 500e3, 0.01)] {
        let case = Case { rate, sigma, outliers, jitter: Jitter::Symmetric };
        let (plain, slow) = row("textbook, 1 Hz for 2 s, then 0.1 Hz", case, |_| {
            Box::new(Textbook::new(case.rate(), 2.0, 0.1, f64::INFINITY))
        });
        let (clamped, _) =
            row("the same, errors clamped at 1 ms", case, |_| Box::new(Textbook::new(case.rate(), 2.0, 0.1, 1e6)));
        let (ours, soon) = row("ours", case, |seed| Box::new(case.ours(seed)));
        assert!(ours < 1.03 * plain.min(clamped), "{rate}, {sigma}: {ours} against {plain} and {clamped}");
        assert!(soon < slow, "{rate}, {sigma}: settled after {soon} s against {slow} s");
    }
}

#[test]
fn one_sided_jitter_leaves_no_bias() {
    for (rate, sigma, most) in [("60", 500e3, 12e3), ("24", 500e3, 25e3), ("24", 3000e3, 150e3)] {
        let case = Case { rate, sigma, outliers: 0.01, jitter: Jitter::OneSided };
        let (plain, _) =
            row("textbook, errors clamped at 1 ms", case, |_| Box::new(Textbook::new(case.rate(), 2.0, 0.1, 1e6)));
        let (ours, _) = row("ours", case, |seed| Box::new(case.ours(seed)));
        assert!(ours < most && 10.0 * ours < plain, "{rate}, {sigma}: {ours} against {plain}");
    }
}

/// What the beat says of itself holds: it is hardly ever further off than it claims.
#[test]
fn uncertainty_is_honest() {
    for (rate, sigma, jitter) in [
        ("60", 100e3, Jitter::Symmetric),
        ("24", 500e3, Jitter::Symmetric),
        ("60", 500e3, Jitter::OneSided),
        ("24", 100e3, Jitter::OneSided),
        ("25", 1e3, Jitter::Symmetric),
    ] {
        let case = Case { rate, sigma, outliers: 0.01, jitter };
        let (mut told, mut outside, mut claimed) = (0, 0, 0.0);
        for seed in 1..=6 {
            let (mut source, mut beat) = (case.source(seed), case.ours(seed));
            while source.at < EPOCH.plus_nanos(300_000_000_000) {
                let (left, heard) = source.next();
                beat.hear(heard.unwrap());
                let sync = beat.sync(left);
                if sync.state == LockState::Locked {
                    told += 1;
                    claimed += sync.uncertainty_ns as f64;
                    outside += u32::from(beat.error(left).abs() > sync.uncertainty_ns as f64);
                }
            }
        }
        println!(
            "{rate} Hz, {sigma} ns {jitter:?}: {outside} of {told} outside {:.1} us",
            claimed / f64::from(told) * 1e-3
        );
        assert!(f64::from(outside) < 0.01 * f64::from(told));
    }
}

/// A silence costs what the crystal wanders, not what the jitter hid: the mean rate of a minute is held.
#[test]
fn a_hold_over_keeps_the_measured_rate() {
    for (rate, sigma, jitter, most) in [
        ("60", 100e3, Jitter::Symmetric, 120e3),
        ("24", 500e3, Jitter::Symmetric, 700e3),
        ("24", 500e3, Jitter::OneSided, 250e3),
    ] {
        let case = Case { rate, sigma, outliers: 0.01, jitter };
        let errors: Vec<f64> = (1..=20)
            .map(|seed| {
                let (mut source, mut beat) = (case.source(seed), case.ours(seed));
                while source.at < EPOCH.plus_nanos(120_000_000_000) {
                    beat.hear(source.next().1.unwrap());
                }
                let mut left = source.at;
                while source.at < EPOCH.plus_nanos(180_000_000_000) {
                    left = source.next().0;
                    while beat.poll(left).is_some() {}
                }
                assert_eq!(beat.sync(left).state, LockState::Holdover);
                assert!(beat.error(left).abs() < beat.sync(left).uncertainty_ns as f64);
                beat.error(left)
            })
            .collect();
        println!("{rate} Hz, {sigma} ns {jitter:?}: {:.1} us rms after a minute of silence", rms(&errors) * 1e-3);
        assert!(rms(&errors) < most, "{rate}, {sigma}: {}", rms(&errors));
    }
}
/// No source that fits is accused of anything, whatever its first seconds look like, and each is followed.
#[test]
fn a_thousand_starts() {
    for (rate, sigma, jitter, secs) in [
        ("60", 500e3, Jitter::OneSided, 8.0),
        ("24", 500e3, Jitter::OneSided, 8.0),
        ("24", 500e3, Jitter::Symmetric, 8.0),
        ("24", 10e3, Jitter::Symmetric, 3.0),
    ] {
        let case = Case { rate, sigma, outliers: 0.01, jitter };
        for seed in 1..=250 {
            let (mut source, mut beat) = (case.source(seed), case.ours(seed));
            let mut events = vec![];
            while source.at.secs_since(EPOCH) < secs {
                let (left, heard) = source.next();
                beat.pulse(heard.unwrap(), None);
                events.extend(std::iter::from_fn(|| beat.poll(left)));
            }
            assert!(
                matches!(events[..], [BeatEvent::Locked { .. }]),
                "{rate}, {sigma}, {jitter:?}, {seed}: {events:?}"
            );
        }
    }
}

/// Delays of more than half a period look early: of a source with 1 ms of jitter they turn neither rate nor phase.
#[test]
fn outliers_beyond_half_a_period_are_late_and_not_early() {
    let case = Case { rate: "120", sigma: 1000e3, outliers: 0.01, jitter: Jitter::OneSided };
    let (mut accused, mut worst) = (0, 0.0_f64);
    for seed in 1..=100 {
        let (mut source, mut beat) = (case.source(seed), case.ours(seed));
        while source.at.secs_since(EPOCH) < 40.0 {
            let (left, heard) = source.next();
            beat.pulse(heard.unwrap(), None);
            let events = std::iter::from_fn(|| beat.poll(left));
            accused += events.filter(|event| !matches!(event, BeatEvent::Locked { .. })).count();
            if left.secs_since(EPOCH) > 20.0 {
                worst = worst.max(beat.error(left).abs());
            }
        }
    }
    println!("{accused} accused of 100, {:.0} us off at worst", worst * 1e-3);
    assert!(accused == 0 && worst < 100e3, "{accused} accused, {worst} ns off");
}
