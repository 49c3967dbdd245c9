//! From samples to transitions: when the sound went from one of its two levels to the other.
//!
//! Nothing here knows the signal's level; the [`Envelope`] follows it. Where a transition *is* does not depend on any
//! threshold: it is where the sound passes half way between its level just before and just after.

use super::envelope::Envelope;

/// Samples of sound and of smoothed sound that are kept.
const HELD: usize = 1024;
/// Most samples to each side that are averaged; also how far the smoothed sound lags behind the sound.
const MAX_HALF_WIDTH: usize = 16;
/// Widest search for the levels before and after a transition, samples to each side.
const MAX_WINDOW: u64 = 240;
/// How far beyond the middle the sound must go, in halves of the envelope's height.
const HYSTERESIS: f32 = 0.25;
/// Sound beyond this is no sound; full scale is 1.
const LIMIT: f32 = 100.0;

/// Finds transitions in sound.
#[derive(Debug, Clone)]
pub(super) struct Slicer {
    sound: Box<[f32; HELD]>,
    smooth: Box<[f32; HELD]>,
    /// Samples that were taken.
    count: u64,
    envelope: Envelope,
    high: bool,
    /// Where a threshold was passed and the transition is not placed yet.
    pending: Option<u64>,
    /// Where the one before it was passed.
    previous: u64,
}

impl Slicer {
    pub(super) fn new() -> Self {
        Self {
            sound: Box::new([0.0; HELD]),
            smooth: Box::new([0.0; HELD]),
            count: 0,
            envelope: Envelope::new(),
            high: false,
            pending: None,
            previous: 0,
        }
    }

    /// Height of the envelope.
    pub(super) fn peak_to_peak(&self) -> f32 {
        self.envelope.height()
    }

    /// Goes on after `samples` that were lost.
    pub(super) fn skip(&mut self, samples: u64) {
        let count = self.count.saturating_add(samples);
        *self = Self { count, previous: count, ..Self::new() };
    }

    /// Takes the next sample, where a bit lasts about `period` samples. Returns the place of a transition, in samples
    /// from the first; transitions come in order, up to `MAX_WINDOW + MAX_HALF_WIDTH` samples late.
    pub(super) fn push(&mut self, sample: f32, period: f64) -> Option<f64> {
        let silent = if sample.is_nan() { 0.0 } else { sample.clamp(-LIMIT, LIMIT) };
        self.sound[self.count as usize % HELD] = silent;
        self.count += 1;
        let at = self.count.checked_sub(MAX_HALF_WIDTH as u64 + 1)?;
        let level = self.smoothed(at, period);
        self.smooth[at as usize % HELD] = level;
        self.envelope.follow(level, period);
        let window = ((period / 4.0) as u64).clamp(2, MAX_WINDOW);
        if self.passes_threshold(level) {
            let placed = self.pending.map(|crossing| self.place(crossing, at - 1, window));
            self.previous = self.pending.unwrap_or(self.previous);
            self.high = !self.high;
            self.pending = Some(at);
            return placed;
        }
        let crossing = self.pending.filter(|crossing| at >= crossing + window)?;
        let placed = self.place(crossing, at, window);
        (self.previous, self.pending) = (crossing, None);
        Some(placed)
    }

    /// The mean of the sound about `at`, over a sixth of a bit: white noise falls, transitions stay where they are.
    fn smoothed(&self, at: u64, period: f64) -> f32 {
        let half_width = ((period / 12.0) as u64).min(MAX_HALF_WIDTH as u64);
        let sum: f64 = (at.saturating_sub(half_width)..=at + half_width).map(|i| f64::from(held(&self.sound, i))).sum();
        (sum / (2 * half_width + 1) as f64) as f32
    }

    fn passes_threshold(&self, level: f32) -> bool {
        let above = self.envelope.above_middle(level);
        above.is_some_and(|above| if self.high { above < -HYSTERESIS } else { above > HYSTERESIS })
    }

    /// Where the transition lies that passed its threshold at `crossing`, by what is known up to `until`.
    fn place(&self, crossing: u64, until: u64, window: u64) -> f64 {
        let sign = if self.high { 1.0 } else { -1.0 };
        let value = |i: u64| sign * held(&self.smooth, i);
        let from = self.previous.max(crossing.saturating_sub(window));
        let foot = summit((from..=crossing).rev(), |i| -value(i));
        let top = summit(crossing..=until.min(crossing + window), value);
        let half_way = value(foot).midpoint(value(top));
        let rises = |i: &u64| value(*i) <= half_way && value(*i + 1) > half_way;
        let passing = |i: u64| {
            let (before, after) = (value(i), value(i + 1));
            i as f64 + f64::from((half_way - before) / (after - before))
        };
        // Noise may carry the sound across several times; their middle is as good as any.
        let (first, last) = ((foot..top).find(rises), (foot..top).rev().find(rises));
        first.zip(last).map_or(crossing as f64, |(first, last)| passing(first).midpoint(passing(last)))
    }
}

/// The first summit of `value` along `path`, from which it falls for two steps or the path ends.
fn summit(path: impl Iterator<Item = u64>, value: impl Fn(u64) -> f32) -> u64 {
    let (mut best, mut highest, mut falling) = (0, f32::NEG_INFINITY, 0);
    for i in path {
        if value(i) > highest {
            (best, highest, falling) = (i, value(i), 0);
        } else {
            falling += 1;
            if falling == 2 {
                break;
            }
        }
    }
    best
}

fn held(ring: &[f32; HELD], at: u64) -> f32 {
    ring[at as usize % HELD]
}
