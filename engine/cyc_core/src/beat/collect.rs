//! The first pulses of a source, before a loop can follow them: is there a beat, at which rate and where?

use super::Jitter;
use super::line::Grid;
use crate::StageTime;

/// So many pulses are kept.
const KEPT: usize = 32;
/// So few are enough, once they span [`ENOUGH_NANOS`].
const ENOUGH: usize = 8;
const ENOUGH_NANOS: i64 = 250_000_000;
/// Only a second of pulses may accuse a source.
const ACCUSE_NANOS: i64 = 1_000_000_000;
/// Further off than this a rate is another rate, whatever the jitter; nearer ones are told apart by following them.
const OTHER_RATE: f64 = 0.01;
/// A pulse that comes after less than this part of its period is the one before once more.
const AGAIN: f64 = 0.1;
/// Pulses that scatter by more than this part of their period have no beat.
const STEADY: f64 = 0.125;

/// Pulses in a row that no loop follows yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Collected {
    stamps: [StageTime; KEPT],
    len: usize,
    /// When the first came, kept or not.
    began: StageTime,
    /// The source's count at the newest.
    pub count: Option<i64>,
}

/// What a row of pulses says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Nothing yet.
    TooFew,
    /// There is no beat in it.
    Unsteady,
    /// There is one, of so many pulses a second, and it is not the one expected.
    OtherRate(f64),
    /// The expected one, or one that only following can tell from it.
    Beat(Fit),
}

/// Where the newest pulse would be without its jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub at: StageTime,
    /// How far pulses scatter: the median of their distances from the fit, nanoseconds.
    pub spread: f64,
    /// How many pulses it rests on.
    pub pulses: usize,
}

impl Fit {
    /// How far it may be off, nanoseconds.
    pub fn doubt(&self) -> f64 {
        10.0 * self.spread / (self.pulses as f64).sqrt() + 20e3
    }
}

impl Collected {
    pub fn new() -> Self {
        Self { stamps: [StageTime(0); KEPT], len: 0, began: StageTime(0), count: None }
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes in a pulse. One that comes before the newest starts a new row: the clock was set back.
    /// `false` for one that hardly comes after it: the same once more.
    pub fn push(&mut self, at: StageTime, count: Option<i64>, grid: Grid) -> bool {
        if let Some(newest) = self.newest() {
            let since = at.nanos_since(newest) as f64 / grid.pulse_nanos();
            if since.abs() < AGAIN {
                return false;
            }
            if since < 0.0 {
                self.clear();
            }
        }
        if self.len == KEPT {
            self.stamps.copy_within(1.., 0);
            self.len -= 1;
        }
        if self.len == 0 {
            self.began = at;
        }
        self.stamps[self.len] = at;
        self.len += 1;
        self.count = count;
        true
    }

    pub fn newest(&self) -> Option<StageTime> {
        self.stamps[..self.len].last().copied()
    }

    /// What the pulses say, where a nominal pulse is one of `grid` with `skew`.
    pub fn verdict(&self, grid: Grid, skew: f64, jitter: Jitter) -> Verdict {
        let stamps = &self.stamps[..self.len];
        let (Some(&first), Some(&last)) = (stamps.first(), stamps.last()) else { return Verdict::TooFew };
        if self.len < ENOUGH || !(self.len == KEPT || last.nanos_since(first) >= ENOUGH_NANOS) {
            return Verdict::TooFew;
        }
        let period = grid.pulse_nanos() * (1.0 + skew);
        let row = Row::new(stamps);
        let measured = row.period();
        let (_, spread) = row.about(measured, jitter);
        let doubt = 10.0 * spread / (self.len as f64).powf(1.5);
        let steady = spread <= STEADY * measured;
        if steady && (measured - period).abs() <= (OTHER_RATE * period).max(doubt) {
            let (at_first, _) = row.about(period, jitter);
            let past_first = at_first + row.index[self.len - 1] * period;
            let at = first.plus_nanos(past_first.round() as i64);
            return Verdict::Beat(Fit { at, spread, pulses: self.len });
        }
        match last.nanos_since(self.began) < ACCUSE_NANOS {
            true => Verdict::TooFew,
            false if steady => Verdict::OtherRate(1e9 / measured),
            false => Verdict::Unsteady,
        }
    }
}

/// Stamps with the numbers of their pulses, both from the first.
struct Row {
    index: [f64; KEPT],
    nanos: [f64; KEPT],
    len: usize,
}

impl Row {
    /// Numbers pulses by their median interval, so that lost ones leave gaps.
    fn new(stamps: &[StageTime]) -> Row {
        let mut row = Row { index: [0.0; KEPT], nanos: [0.0; KEPT], len: stamps.len() };
        let mut intervals = [0.0; KEPT];
        for (i, pair) in stamps.windows(2).enumerate() {
            intervals[i] = pair[1].nanos_since(pair[0]) as f64;
            row.nanos[i + 1] = row.nanos[i] + intervals[i];
        }
        let steps = row.len - 1;
        let mut sorted = intervals;
        let usual = median(&mut sorted[..steps]).max(1.0);
        for (i, interval) in intervals[..steps].iter().enumerate() {
            row.index[i + 1] = row.index[i] + (interval / usual).round();
        }
        row
    }

    /// The median slope over half the row, nanoseconds a pulse: no single stamp moves it (Theil and Sen's idea).
    fn period(&self) -> f64 {
        let half = self.len / 2;
        let mut slopes = [0.0; KEPT];
        for (i, slope) in slopes[..half].iter_mut().enumerate() {
            let (a, b) = (i, i + self.len - half);
            *slope = (self.nanos[b] - self.nanos[a]) / (self.index[b] - self.index[a]).max(1.0);
        }
        median(&mut slopes[..half]).max(1.0)
    }

    /// Where the first pulse would be without jitter, at this period, and the median distance from that line.
    fn about(&self, period: f64, jitter: Jitter) -> (f64, f64) {
        let mut rest = [0.0; KEPT];
        for (i, rest) in rest[..self.len].iter_mut().enumerate() {
            *rest = self.nanos[i] - self.index[i] * period;
        }
        let rest = &mut rest[..self.len];
        let middle = median(rest);
        // Sorted by now: the second lowest, so that one wrong stamp does not decide.
        let at = if jitter == Jitter::OneSided { rest[1] } else { middle };
        rest.iter_mut().for_each(|rest| *rest = (*rest - middle).abs());
        (at, median(rest))
    }
}

/// The middle value; sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
