//! When a sound device's samples sound: its crystal followed by a delay-locked loop over its callbacks.

use cyc_core::StageTime;
use std::f64::consts::{SQRT_2, TAU};

/// Bandwidth of the loop at first, and once it has settled, hertz.
const BANDWIDTH_HZ: [f64; 2] = [1.0, 0.1];
/// How long it takes to settle, seconds.
const SETTLE_SECS: f64 = 3.0;
/// What a settled loop takes of an error at most, nanoseconds: a callback that came late says nothing about a crystal.
const CLAMP_NANOS: f64 = 200_000.0;
/// Beyond this error samples were lost, or the clock was stepped: begin anew, nanoseconds.
const LOST_NANOS: f64 = 5_000_000.0;
/// No sound device's crystal is further off than this, parts of 1.
const FURTHEST: f64 = 2e-3;

/// Sample numbers to stage time (F. Adriaensen, "Using a DLL to filter time", LAC 2005; clamped once settled).
#[derive(Debug, Clone)]
pub(crate) struct SoundClock {
    nominal_nanos: f64,
    period_nanos: f64,
    /// A sample and when it sounds: whole nanoseconds and the rest.
    anchor: Option<(u64, StageTime, f64)>,
    settled_secs: f64,
}

impl SoundClock {
    /// A device with so many samples a second, as it says itself.
    pub(crate) fn new(sample_rate_hz: u32) -> Self {
        let nominal_nanos = 1e9 / f64::from(sample_rate_hz.max(1));
        Self { nominal_nanos, period_nanos: nominal_nanos, anchor: None, settled_secs: 0.0 }
    }

    /// Sample `sample` sounded at `at`, as well as that could be seen.
    pub(crate) fn observe(&mut self, sample: u64, at: StageTime) {
        let Some((last, ..)) = self.anchor else {
            self.anchor = Some((sample, at, 0.0));
            return;
        };
        let (time, rest) = self.split(sample as f64).unwrap_or((at, 0.0));
        let error = at.nanos_since(time) as f64 - rest;
        let samples = sample.saturating_sub(last) as f64;
        if error.abs() > LOST_NANOS || samples == 0.0 {
            // What was learned of the crystal stays; where its samples are has to be learned again.
            (self.anchor, self.settled_secs) = (Some((sample, at, 0.0)), 0.0);
            return;
        }
        let secs = samples * self.nominal_nanos * 1e-9;
        let is_settled = self.settled_secs >= SETTLE_SECS;
        self.settled_secs += secs;
        let error = if is_settled { error.clamp(-CLAMP_NANOS, CLAMP_NANOS) } else { error };
        let omega = (TAU * BANDWIDTH_HZ[usize::from(is_settled)] * secs).min(0.5);
        let corrected = rest + SQRT_2 * omega * error;
        self.anchor = Some((sample, time.plus_nanos(corrected.floor() as i64), corrected - corrected.floor()));
        let furthest = FURTHEST * self.nominal_nanos;
        let period = self.period_nanos + omega * omega * error / samples;
        self.period_nanos = period.clamp(self.nominal_nanos - furthest, self.nominal_nanos + furthest);
    }

    /// Samples were lost: the next one that is observed sounds when it is said to.
    pub(crate) fn lost(&mut self) {
        (self.anchor, self.settled_secs) = (None, 0.0);
    }

    /// When a sample, or a point between two, sounds; `None` before the first observation.
    pub(crate) fn time_of(&self, sample: f64) -> Option<StageTime> {
        self.split(sample).map(|(time, rest)| time.plus_nanos(rest.round() as i64))
    }

    /// One sample, nanoseconds.
    pub(crate) fn period_nanos(&self) -> f64 {
        self.period_nanos
    }

    fn split(&self, sample: f64) -> Option<(StageTime, f64)> {
        let (anchor, time, rest) = self.anchor?;
        // The difference of two sample numbers is small, or the loop would have begun anew.
        let nanos = (sample - anchor as f64) * self.period_nanos + rest;
        Some((time.plus_nanos(nanos.floor() as i64), nanos - nanos.floor()))
    }
}

/// How much sound may be ahead of time, nanoseconds, before a device is taken for one without a clock.
const AHEAD_NANOS: i64 = 300_000_000;
/// Nor does such a device ever fall back to real time; nanoseconds of sound a second that a real one never exceeds.
const FASTEST: i64 = 1_250_000_000;

/// Keeps real time for devices that have no clock of their own (ALSA's "null" and "file"): they would take or give
/// samples as fast as a processor can, so they are run at their nominal rate instead.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    sample_rate_hz: u32,
    ahead_nanos: i64,
    last: Option<StageTime>,
    /// Where a clockless device's samples are counted from.
    origin: Option<(u64, StageTime)>,
}

impl Pace {
    pub(crate) fn new(sample_rate_hz: u32) -> Self {
        Self { sample_rate_hz: sample_rate_hz.max(1), ahead_nanos: 0, last: None, origin: None }
    }

    /// The device gives or takes `count` samples from `first` on at `now`. For a device without a clock: when the
    /// first of them is to sound.
    pub(crate) fn block(&mut self, first: u64, count: usize, now: StageTime) -> Option<StageTime> {
        if self.origin.is_none() {
            let passed = self.last.map_or(0, |last| now.nanos_since(last)).max(0);
            self.last = Some(now);
            let allowed = i128::from(passed) * i128::from(FASTEST) / 1_000_000_000;
            let ahead = (i128::from(self.ahead_nanos) - allowed).max(0) + i128::from(self.nanos(count as u64));
            self.ahead_nanos = i64::try_from(ahead).unwrap_or(i64::MAX);
            if self.ahead_nanos > AHEAD_NANOS {
                self.origin = Some((first, now));
            }
        }
        let (origin, time) = self.origin?;
        Some(time.plus_nanos(self.nanos(first.saturating_sub(origin))))
    }

    fn nanos(&self, samples: u64) -> i64 {
        let nanos = u128::from(samples) * 1_000_000_000 / u128::from(self.sample_rate_hz);
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 480;

    /// A crystal `ppm` fast, seen in blocks of 10 ms with jitter up to `jitter` nanoseconds; the errors, by block.
    fn follow(ppm: f64, jitter: i64, blocks: u64) -> Vec<f64> {
        let mut clock = SoundClock::new(48_000);
        let mut seed = 7_u64;
        (0..blocks)
            .map(|block| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 33) as i64 % (2 * jitter + 1) - jitter;
                let truth = (block * BLOCK) as f64 / 48_000.0 / (1.0 + ppm * 1e-6) * 1e9;
                clock.observe(block * BLOCK, StageTime(1_000_000_000 + truth as i64 + noise));
                let estimate = clock.time_of((block * BLOCK) as f64).unwrap();
                (estimate.0 - 1_000_000_000) as f64 - truth
            })
            .collect()
    }

    #[test]
    fn a_settled_clock_is_well_below_100_us_off_with_100_ppm_and_half_a_millisecond_of_jitter() {
        for ppm in [-100.0, 0.0, 100.0] {
            let errors = follow(ppm, 500_000, 3000);
            let worst = errors[1000..].iter().fold(0.0, |worst: f64, error| worst.max(error.abs()));
            assert!(worst < 60_000.0, "{ppm} ppm: {worst} ns");
        }
    }

    #[test]
    fn without_jitter_it_is_exact_from_the_first_second_on() {
        let worst = follow(80.0, 0, 1000)[100..].iter().fold(0.0, |worst: f64, error| worst.max(error.abs()));
        assert!(worst < 12_000.0, "{worst} ns");
        assert!(follow(80.0, 0, 6000)[5990].abs() < 10.0);
    }

    #[test]
    fn lost_samples_and_steps_begin_anew_and_keep_the_crystal() {
        let mut clock = SoundClock::new(48_000);
        let truth = |sample: u64| StageTime((sample as f64 / 48_000.0 / 1.0001 * 1e9) as i64);
        (0..2000).for_each(|block| clock.observe(block * BLOCK, truth(block * BLOCK)));
        let period = clock.period_nanos();
        assert!((period * 48_000.0 / 1e9 - 1.0 / 1.0001).abs() < 1e-7);
        clock.observe(2000 * BLOCK, truth(2000 * BLOCK).plus_nanos(20_000_000));
        assert_eq!(clock.time_of((2000 * BLOCK) as f64), Some(truth(2000 * BLOCK).plus_nanos(20_000_000)));
        assert_eq!(clock.period_nanos(), period);
        clock.lost();
        assert_eq!(clock.time_of(0.0), None);
    }

    #[test]
    fn a_device_without_a_clock_is_run_at_its_nominal_rate_and_others_are_left_alone() {
        let ms = |ms: i64| StageTime(ms * 1_000_000);
        let mut real = Pace::new(48_000);
        // A buffer's worth at once, then on time and 100 ppm fast.
        assert!((0..20).all(|block| real.block(block * BLOCK, 480, ms(0)).is_none()));
        let fast = |block: u64| StageTime((block as f64 * 1e7 / 1.0001) as i64);
        assert!((20..100_000).all(|block| real.block(block * BLOCK, 480, fast(block - 19)).is_none()));
        let mut null = Pace::new(48_000);
        let paced: Vec<_> = (0..40).filter_map(|block| null.block(block * BLOCK, 480, ms(0))).collect();
        assert_eq!(paced[..3], [ms(0), ms(10), ms(20)]);
        assert_eq!(null.block(100 * BLOCK, 480, ms(5000)), Some(ms(700)), "what was late stays late by as much");
    }
}
