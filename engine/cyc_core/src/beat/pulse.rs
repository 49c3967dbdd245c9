//! What a source's pulses are like, and what becomes of one.

use crate::Rate;

/// How a source's stamps scatter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Around the true instant: vertical blanking, LTC, serial lines.
    Symmetric,
    /// Only ever late: networks, MIDI over USB.
    OneSided,
}

/// What became of a pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Among the first of a source; too few to say anything.
    Collected,
    /// It moved the loop.
    Used,
    /// Too far off to be believed, alone.
    Outlier,
    /// The same pulse once more.
    Repeated,
    /// With those before it, it starts the loop anew: the source's phase moved, or it was away.
    Restarted,
}

/// Why a source cannot drive a stage: neither rate is a whole multiple of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{pulse_rate} pulses a second cannot drive {rate} frames a second; one must be a whole multiple of the other")]
pub struct PulseRateError {
    /// Frames a second.
    pub rate: Rate,
    /// Pulses a second.
    pub pulse_rate: Rate,
}
