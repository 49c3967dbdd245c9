//! Frames by arithmetic on a clock that everybody shares (SMPTE ST 2059-1): nothing is counted, so nothing is lost.

use super::{Beat, BeatSync};
use crate::{Rate, StageTime};

/// How far into a frame an instant lies, exactly: `num / den` nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// Numerator.
    pub num: u64,
    /// Denominator: the numerator of the rate.
    pub den: u32,
}

impl Phase {
    /// The phase at `rate` of an instant `nanos` after the epoch; 0 before it.
    pub fn at(rate: Rate, nanos: i64) -> Phase {
        let exact = u128::try_from(nanos).unwrap_or(0) * u128::from(rate.num());
        // Below one frame, den * 1e9 < 2^62.
        Phase { num: (exact % (u128::from(rate.den()) * 1_000_000_000)) as u64, den: rate.num() }
    }

    /// In nanoseconds.
    pub fn nanos(self) -> f64 {
        self.num as f64 / f64::from(self.den)
    }

    /// In turns of a frame of `rate`, 0 to below 1.
    pub fn turns(self, rate: Rate) -> f64 {
        self.num as f64 / (f64::from(rate.den()) * 1e9)
    }
}

/// The beat of SMPTE ST 2059-1: frame n begins `n * den / num` seconds after 1970-01-01T00:00:00 TAI.
///
/// TAI has no leap seconds, so neither has the beat. The 1001-rates meet whole seconds every 1001 s only and have no
/// daily alignment: a daily jam belongs to labels ([`crate::label`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlignedBeat {
    rate: Rate,
    tai_minus_stage_nanos: i64,
    phase_nanos: i64,
    sync: BeatSync,
}

impl AlignedBeat {
    /// Aligned frames of `rate` on a stage clock that shows TAI; free until [`AlignedBeat::set_sync`] says otherwise.
    pub fn new(rate: Rate) -> Self {
        Self { rate, tai_minus_stage_nanos: 0, phase_nanos: 0, sync: BeatSync::default() }
    }

    /// Every frame begins so much later than its alignment point; negative for earlier.
    pub fn with_phase_nanos(self, phase_nanos: i64) -> Self {
        Self { phase_nanos, ..self }
    }

    /// TAI is so far ahead of the stage clock, where that shows something else (a cross-stamped hardware clock).
    pub fn set_tai_minus_stage_nanos(&mut self, nanos: i64) {
        self.tai_minus_stage_nanos = nanos;
    }

    /// How well the clock follows its own master, as its daemon says and as far as that was found true.
    pub fn set_sync(&mut self, sync: BeatSync) {
        self.sync = sync;
    }

    /// The TAI instant, nanoseconds since the epoch, that the stage clock's `at` is.
    pub fn tai_nanos(&self, at: StageTime) -> i64 {
        at.0.saturating_add(self.tai_minus_stage_nanos)
    }
}

impl Beat for AlignedBeat {
    fn rate(&self) -> Rate {
        self.rate
    }

    fn ideal(&self, frame: u64) -> StageTime {
        let offset = self.phase_nanos.saturating_sub(self.tai_minus_stage_nanos);
        StageTime(self.rate.nanos_of_frame(frame)).plus_nanos(offset)
    }

    fn frame_at(&self, now: StageTime) -> u64 {
        self.rate.frame_started_at(self.tai_nanos(now).saturating_sub(self.phase_nanos))
    }

    fn sync(&self, _now: StageTime) -> BeatSync {
        self.sync
    }
}
