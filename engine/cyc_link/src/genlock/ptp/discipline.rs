//! Keeps the stage clock on TAI: small errors are steered out, steps are looked at before they are believed.
//!
//! A second-order loop steers the line's slope, so that stage time has no jumps. A reading that is far off moves
//! nothing: it may be torn, or somebody has stepped the clock. When readings have agreed on the new time for
//! [`SETTLE_NANOS`], the whole frames of the step are set aside ([`Discipline::aside_nanos`]), since a stage that jumps
//! by hours loses every timeline, and what is left, half a frame at most, is steered out as everything is. So frames
//! keep their phase on the reference whatever happens to its date.

use super::clock::Line;
use cyc_core::Rate;

/// A reading further off than this is a step, nanoseconds. Rates of clocks differ by up to 100 ppm, which is 13 us
/// between two readings before the loop knows it.
pub const STEP_NANOS: i64 = 100_000;

/// For how long readings must agree on a new time before it is believed, nanoseconds of CLOCK_MONOTONIC.
pub const SETTLE_NANOS: i64 = 3_000_000_000;

/// A reading that took longer than this says too little, nanoseconds.
pub const MOST_BRACKET_NANOS: i64 = 50_000;

/// No clock that follows a master runs further from this machine's than this, parts of one: crystals are within 100
/// ppm, and the kernel's estimate of its own adds to that.
const MOST_SLOPE: f64 = 300e-6;

/// The stage clock is never steered harder than this, parts per million: half a frame at 24 takes 21 s.
const MOST_SKEW_PPM: f64 = 1000.0;

/// The loop's bandwidth at first and later, Hz, and for how long it is wide, nanoseconds.
const WIDE_HZ: f64 = 0.5;
const NARROW_HZ: f64 = 0.05;
const WIDE_FOR_NANOS: i64 = 6_000_000_000;

/// A reference clock, read together with CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// CLOCK_MONOTONIC, nanoseconds, in the middle of the reading.
    pub monotonic_nanos: i64,
    /// TAI as the reference has it, nanoseconds.
    pub tai_nanos: i64,
    /// How long the reading took, nanoseconds: the true instant is within.
    pub bracket_nanos: i64,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It steered the clock.
    Steered,
    /// It took too long to say anything.
    Torn,
    /// It is far off; the clock goes on as it was.
    Doubted {
        /// Reference minus stage clock, nanoseconds.
        off_nanos: i64,
    },
    /// The reference was stepped and has kept its new time: believed.
    Stepped {
        /// By how much, nanoseconds.
        by_nanos: i64,
        /// How much of it is set aside.
        aside_nanos: i64,
    },
}

/// The loop.
#[derive(Debug, Clone)]
pub struct Discipline {
    rate: Rate,
    line: Line,
    /// Reference minus CLOCK_MONOTONIC, slope, parts per one.
    slope: f64,
    wide_until: i64,
    aside_nanos: i64,
    error_nanos: i64,
    square: f64,
    doubt: Option<Doubt>,
}

/// A new time that is not believed yet.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    first: Reading,
    off_nanos: i64,
}

impl Doubt {
    /// How far the reference has gained since, of how much time, nanoseconds.
    fn gained(&self, now: Reading) -> [i64; 2] {
        let passed = now.monotonic_nanos.saturating_sub(self.first.monotonic_nanos);
        [now.tai_nanos.saturating_sub(self.first.tai_nanos).saturating_sub(passed), passed]
    }

    /// Whether one clock can have shown both, whatever ours makes of it.
    fn agrees(&self, now: Reading) -> bool {
        let [gained, passed] = self.gained(now);
        passed >= 0 && gained.unsigned_abs() as f64 <= STEP_NANOS as f64 + MOST_SLOPE * passed as f64
    }
}

impl Discipline {
    /// Starts exactly on the first reading.
    pub fn new(rate: Rate, first: Reading) -> Self {
        let Reading { monotonic_nanos, tai_nanos, .. } = first;
        Self {
            rate,
            line: Line { monotonic_nanos, stage_nanos: tai_nanos, skew_ppt: 0 },
            slope: 0.0,
            wide_until: monotonic_nanos.saturating_add(WIDE_FOR_NANOS),
            aside_nanos: 0,
            error_nanos: 0,
            square: 0.0,
            doubt: None,
        }
    }

    /// The stage clock now.
    pub fn line(&self) -> Line {
        self.line
    }

    /// TAI minus stage clock, whole frames: the steps of the reference that the stage did not make.
    pub fn aside_nanos(&self) -> i64 {
        self.aside_nanos
    }

    /// Reference minus stage clock at the newest reading, without what is set aside, nanoseconds.
    pub fn error_nanos(&self) -> i64 {
        self.error_nanos
    }

    /// Root mean square of the errors of some seconds, nanoseconds.
    pub fn residual_nanos(&self) -> f64 {
        self.square.sqrt()
    }

    /// How much faster the reference runs than CLOCK_MONOTONIC, parts per million.
    pub fn slope_ppm(&self) -> f64 {
        self.slope * 1e6
    }

    /// Whether the stage clock is where the reference is.
    pub fn is_settled(&self) -> bool {
        self.doubt.is_none() && self.error_nanos.abs() <= STEP_NANOS && self.residual_nanos() <= STEP_NANOS as f64
    }

    /// Whether readings are far off and not believed yet, and by how much.
    pub fn doubts(&self) -> Option<i64> {
        self.doubt.map(|doubt| doubt.off_nanos)
    }

    /// Takes a reading in; they come a few times a second, in order.
    pub fn take(&mut self, reading: Reading) -> Taken {
        if reading.bracket_nanos > MOST_BRACKET_NANOS {
            return Taken::Torn;
        }
        let stage = self.line.stage_at(reading.monotonic_nanos);
        let off = reading.tai_nanos.saturating_sub(self.aside_nanos).saturating_sub(stage);
        // While half a frame is steered out the error is large and shrinks; a step is a change of it.
        let news = off.saturating_sub(self.expected(reading.monotonic_nanos));
        if news.saturating_abs() > STEP_NANOS {
            return self.doubted(reading, off);
        }
        self.doubt = None;
        self.steer(reading.monotonic_nanos, stage, off);
        Taken::Steered
    }

    /// The error to be expected: the last one, less what has been steered out since.
    fn expected(&self, monotonic_nanos: i64) -> i64 {
        let passed = monotonic_nanos.saturating_sub(self.line.monotonic_nanos) as f64;
        let steered = (self.line.skew_ppt as f64 * 1e-12 - self.slope) * passed;
        self.error_nanos.saturating_sub(steered as i64)
    }

    fn doubted(&mut self, reading: Reading, off_nanos: i64) -> Taken {
        let now = reading.monotonic_nanos;
        let first = self.doubt.filter(|doubt| doubt.agrees(reading)).map_or(reading, |doubt| doubt.first);
        let doubt = Doubt { first, off_nanos };
        self.doubt = Some(doubt);
        let [gained, passed] = doubt.gained(reading);
        if passed < SETTLE_NANOS {
            // It goes on at the rate it had.
            self.set_line(now, self.line.stage_at(now), self.slope);
            return Taken::Doubted { off_nanos };
        }
        self.doubt = None;
        let by_nanos = off_nanos.saturating_sub(self.error_nanos);
        let aside = whole_frames(self.rate, off_nanos);
        self.aside_nanos = self.aside_nanos.saturating_add(aside);
        let left = off_nanos.saturating_sub(aside);
        self.slope = (gained as f64 / passed as f64).clamp(-MOST_SLOPE, MOST_SLOPE);
        self.steer(now, self.line.stage_at(now), left);
        Taken::Stepped { by_nanos, aside_nanos: aside }
    }

    /// Bends the line towards an error of nothing (F. Adriaensen, "Using a DLL to filter time", LAC 2005, with the
    /// phase steered over the time between two readings instead of at once).
    fn steer(&mut self, now: i64, stage: i64, error: i64) {
        let step = now.saturating_sub(self.line.monotonic_nanos).clamp(1_000_000, 1_000_000_000) as f64;
        let hertz = if now < self.wide_until { WIDE_HZ } else { NARROW_HZ };
        // Stable for any pause between readings.
        let omega = (std::f64::consts::TAU * hertz * step * 1e-9).min(0.5);
        let wanted = self.slope + std::f64::consts::SQRT_2 * omega * error as f64 / step;
        let most = MOST_SKEW_PPM * 1e-6;
        if wanted.abs() < most {
            let slope = self.slope + omega * omega * error as f64 / step;
            self.slope = slope.clamp(-MOST_SLOPE, MOST_SLOPE);
        }
        self.set_line(now, stage, wanted.clamp(-most, most));
        self.error_nanos = error;
        let weight = (step * 1e-9 / 4.0).min(1.0);
        self.square += weight * ((error as f64).powi(2) - self.square);
    }

    fn set_line(&mut self, now: i64, stage: i64, skew: f64) {
        self.error_nanos = self.expected(now);
        self.line = Line { monotonic_nanos: now, stage_nanos: stage, skew_ppt: (skew * 1e12) as i64 };
    }
}

/// The whole frames in `nanos`, to the nearest, as nanoseconds.
fn whole_frames(rate: Rate, nanos: i64) -> i64 {
    let size = i64::try_from(nanos.unsigned_abs()).unwrap_or(i64::MAX);
    let frames = rate.frame_at_nanos(size.saturating_add(rate.frame_nanos() / 2));
    rate.nanos_of_frame(frames) * nanos.signum()
}

#[cfg(test)]
mod tests;
