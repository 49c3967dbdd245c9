//! Does a clock move that says it is locked?

use crate::StageTime;

/// Bandwidth with which the straight line between the two clocks is followed, turns of phase a second (2 pi B).
const FOLLOW: f64 = 0.2;
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
    off: u32,
}

/// The watched clock's lead over the free one, and where it tends.
#[derive(Debug, Clone, Copy)]
struct Straight {
    first: StageTime,
    at: StageTime,
    lead: f64,
    slope: f64,
    origin: i64,
}

impl Watch {
    /// A clock that leaves its line by more than `limit_nanos` has moved; 100 us is what house sync allows.
    pub fn new(limit_nanos: i64) -> Self {
        Self { limit_nanos: limit_nanos as f64, line: None, off: 0 }
    }

    /// One reading of both clocks at the same moment, and whether the watched one says that it is locked.
    ///
    /// Gives by how much it moved, nanoseconds, while it said so. Forgets everything while it does not say so.
    pub fn read(&mut self, free: StageTime, watched_nanos: i64, says_locked: bool) -> Option<i64> {
        let origin = watched_nanos.saturating_sub(free.0);
        let line = match self.line.filter(|line| says_locked && free > line.at) {
            Some(line) => line,
            None => {
                self.line = says_locked.then_some(Straight { first: free, at: free, lead: 0.0, slope: 0.0, origin });
                return None;
            }
        };
        let secs = free.secs_since(line.at);
        let expected = line.lead + line.slope * secs;
        let error = origin.saturating_sub(line.origin) as f64 - expected;
        let known = line.first != line.at && free.secs_since(line.first) > KNOWN_SECS;
        if error.abs() > self.limit_nanos && known {
            self.off += 1;
            return self.moved(Straight { at: free, lead: expected, ..line }, error, origin);
        }
        self.off = 0;
        // While little is known, the mean of it counts; then the newest reading counts as much as the bandwidth says.
        let share = (FOLLOW * secs).max(2.0 * secs / free.secs_since(line.first)).min(1.0);
        let lead = expected + share * error;
        let slope = line.slope + 0.5 * share * share * error / secs;
        self.line = Some(Straight { at: free, lead, slope, ..line });
        (known && slope.abs() > CRYSTALS * 1e9).then_some(error as i64)
    }

    fn moved(&mut self, line: Straight, error: f64, origin: i64) -> Option<i64> {
        self.line = Some(line);
        if self.off < AGREE {
            return None;
        }
        self.off = 0;
        self.line = Some(Straight { first: line.at, lead: 0.0, origin, ..line });
        Some(error as i64)
    }
}
