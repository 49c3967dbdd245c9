//! A simulated source of pulses: its crystal, its jitter and its faults, all seeded.

use crate::support::Noise;
use cyc_core::beat::{Beat, BeatEvent, BeatLoop, Counter, Due, Jitter};
use cyc_core::{BeatSync, LockState, Rate, StageTime};

pub const SECOND: i64 = 1_000_000_000;
/// An instant of 2026, where f64 has steps of 256 ns.
pub const EPOCH: StageTime = StageTime(1_795_183_237_123_456_789);

/// Pulses of a crystal that is off, heard with jitter.
#[derive(Debug, Clone)]
pub struct Source {
    /// Pulses a second, nominally.
    pub rate: Rate,
    /// By how much the source's periods are too long.
    pub skew: f64,
    /// Deviation of the jitter, nanoseconds.
    pub sigma: f64,
    pub jitter: Jitter,
    /// Part of the pulses that come late by `outlier_nanos`, and part that never comes.
    pub outliers: f64,
    pub outlier_nanos: f64,
    pub loss: f64,
    pub noise: Noise,
    /// What the source counts its pulse 0 as, if it counts, and in how many bits.
    pub count_from: Option<i64>,
    pub count_bits: u32,
    /// The next pulse, and when it leaves.
    pub pulse: u64,
    pub at: StageTime,
    pub frac: f64,
}

impl Source {
    /// A steady source whose pulse 0 leaves at `first`.
    pub fn new(rate: &str, first: StageTime) -> Source {
        Source {
            rate: rate.parse().unwrap(),
            skew: 0.0,
            sigma: 0.0,
            jitter: Jitter::Symmetric,
            outliers: 0.0,
            outlier_nanos: 5e6,
            loss: 0.0,
            noise: Noise(1),
            count_from: None,
            count_bits: 32,
            pulse: 0,
            at: first,
            frac: 0.0,
        }
    }

    /// Moves all pulses from the next on.
    pub fn step(&mut self, nanos: i64) {
        self.at = self.at.plus_nanos(nanos);
    }

    /// The next pulse: when it left and when it was heard, if it was.
    pub fn next(&mut self) -> (StageTime, Option<StageTime>) {
        let left = self.at;
        let period = 1e9 * f64::from(self.rate.den()) / f64::from(self.rate.num()) * (1.0 + self.skew);
        let forward = self.frac + period;
        self.at = self.at.plus_nanos(forward as i64);
        self.frac = forward.fract();
        self.pulse += 1;
        let heard = left.plus_nanos(self.delay() as i64);
        (left, (self.noise.unit() >= self.loss).then_some(heard))
    }

    /// Lets a loop hear the pulses that leave until `until`.
    pub fn play(&mut self, beat: &mut BeatLoop, until: StageTime) {
        while self.at <= until {
            let wrap = |count: i64| count.rem_euclid(1 << self.count_bits);
            let count = self.count_from.map(|from| wrap(from.wrapping_add(self.pulse as i64)));
            if let (_, Some(heard)) = self.next() {
                beat.pulse(heard, count);
            }
        }
    }

    fn delay(&mut self) -> f64 {
        let scatter = if self.sigma > 0.0 { self.sigma * self.noise.normal() } else { 0.0 };
        let scatter = if self.jitter == Jitter::OneSided { scatter.abs() } else { scatter };
        if self.outliers > 0.0 && self.noise.unit() < self.outliers { scatter + self.outlier_nanos } else { scatter }
    }
}

/// A frame thread: takes in what was heard, asks for the next tick, sleeps until then, delivers; checks each number.
pub struct Stage {
    pub beat: BeatLoop,
    pub counter: Counter,
    pub now: StageTime,
    pub last: Option<Due>,
    pub missed: u64,
    /// The shortest and the longest time between two ticks in a row that follow each other, in frames.
    pub spacing: [f64; 2],
    pub events: Vec<BeatEvent>,
}

impl Stage {
    pub fn new(beat: BeatLoop, now: StageTime) -> Stage {
        let spacing = [f64::INFINITY, 0.0];
        Stage { beat, counter: Counter::new(), now, last: None, missed: 0, spacing, events: vec![] }
    }

    /// A stage at `rate` with a source of the same rate, `late_nanos` out of phase with one whose pulse 0 is at EPOCH.
    pub fn at(rate: &str, jitter: Jitter, late_nanos: i64) -> Stage {
        let rate = rate.parse().unwrap();
        let origin = EPOCH.plus_nanos(late_nanos);
        Stage::new(BeatLoop::new(rate, rate, jitter, origin).unwrap(), EPOCH)
    }

    /// One tick: every pulse that left before it was heard.
    pub fn tick(&mut self, source: Option<&mut Source>) -> Due {
        self.events.extend(std::iter::from_fn(|| self.beat.poll(self.now)));
        let due = self.counter.next(&self.beat, self.now);
        if let Some(last) = self.last.replace(due) {
            assert_eq!(due.frame, last.frame + 1 + due.missed, "a number is repeated, or left out in silence");
            let wait = due.ideal.nanos_since(self.now) as f64 / self.frame_nanos();
            assert!(wait < 2.01, "would sleep for {wait} frames");
            if due.missed == 0 {
                let apart = due.ideal.nanos_since(last.ideal) as f64 / self.frame_nanos();
                self.spacing = [self.spacing[0].min(apart), self.spacing[1].max(apart)];
            }
        }
        self.missed += due.missed;
        self.now = self.now.max(due.ideal);
        if let Some(source) = source {
            source.play(&mut self.beat, self.now);
        }
        self.events.extend(std::iter::from_fn(|| self.beat.poll(self.now)));
        due
    }

    /// Ticks for so many seconds, and what happened in them.
    pub fn run(&mut self, mut source: Option<&mut Source>, secs: f64) -> Vec<BeatEvent> {
        let until = self.now.plus_nanos((secs * 1e9) as i64);
        while self.now < until {
            self.tick(source.as_deref_mut());
        }
        std::mem::take(&mut self.events)
    }

    pub fn sync(&self) -> BeatSync {
        self.beat.sync(self.now)
    }

    pub fn state(&self) -> LockState {
        self.sync().state
    }

    fn frame_nanos(&self) -> f64 {
        self.beat.rate().frame_nanos() as f64
    }
}

/// How far the beat is from an instant at which a pulse left, nanoseconds, where pulses are frames or more.
pub fn off(beat: &impl Beat, left: StageTime) -> i64 {
    let half = beat.rate().frame_nanos() / 2;
    beat.ideal(beat.frame_at(left.plus_nanos(half))).nanos_since(left)
}

pub fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt()
}
