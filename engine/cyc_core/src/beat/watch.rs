//! Does a clock move that says it is locked?

use crate::StageTime;

/// How fast the straight line between the two clocks is followed, per second: temperature turns it in minutes.
const FOLLOW: f64 = 0.05;
/// So many readings in a row must agree that the clock moved.
const AGREE: u32 = 3;
/// No two crystals differ by more than this.
const CRYSTALS: f64 = 500e-6;
/// A line through less than this says nothing.
const KNOWN_SECS: f64 = 10.0;

/// Watches a disciplined clock (CLOCK_TAI, a PTP hardware clock) by a free-running one (CLOCK_MONOTONIC_RAW).
///
/// Against a crystal, a clock that is locked runs along a straight line; one that is stepped, slewed or dragged behind a
/// wandering master leaves it. What it cannot see is a clock that runs free beside a crystal: that is straight too.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    limit_nanos: f64,
    line: Option<Straight>,
    /// Readings in a row off the line.
    off: u32,
}

/// The watched clock's lead over the free one, and where it tends.
#[derive(Debug, Clone, Copy)]
struct Straight {
    /// The first reading: when, and the lead from which others are counted.
    first: StageTime,
    origin: i64,
    /// The newest: when, the lead on the line, nanoseconds, and how it grows, nanoseconds a second.
    at: StageTime,
    lead: f64,
    slope: f64,
}

impl Watch {
    /// A clock that leaves its line by more than `limit_nanos` has moved; 100 us is what house sync allows.
    pub fn new(limit_nanos: i64) -> Self {
        Self { limit_nanos: limit_nanos as f64, line: None, off: 0 }
    }

    /// One reading of both clocks at the same moment, a few a second, and whether the watched one says it is locked.
    ///
    /// Gives by how much it moved while it said so, nanoseconds, once for each time; the first ten seconds say
    /// nothing. All is forgotten while it does not say so.
    pub fn read(&mut self, free: StageTime, watched_nanos: i64, says_locked: bool) -> Option<i64> {
        let lead = watched_nanos.saturating_sub(free.0);
        let start = Straight { first: free, origin: lead, at: free, lead: 0.0, slope: 0.0 };
        let Some(line) = self.line.filter(|line| says_locked && free > line.at) else {
            self.line = says_locked.then_some(start);
            self.off = 0;
            return None;
        };
        let secs = free.secs_since(line.at);
        let expected = line.lead + line.slope * secs;
        let error = lead.saturating_sub(line.origin) as f64 - expected;
        let age = free.secs_since(line.first);
        let known = age > KNOWN_SECS;
        let allowed = self.limit_nanos + if known { 0.0 } else { CRYSTALS * 1e9 * secs };
        let is_off = error.abs() > allowed || known && line.slope.abs() > CRYSTALS * 1e9;
        self.off = if is_off { self.off + 1 } else { 0 };
        if self.off == AGREE {
            (self.line, self.off) = (Some(start), 0);
            return known.then_some(error as i64);
        }
        // What is off may be a wrong reading. Else, at first the mean of all counts; then as much as the line follows.
        let share = if is_off { 0.0 } else { (FOLLOW * secs).max(2.0 * secs / age).min(1.0) };
        let slope = line.slope + 0.5 * share * share * error / secs;
        self.line = Some(Straight { at: free, lead: expected + share * error, slope, ..line });
        None
    }
}
