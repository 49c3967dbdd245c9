//! What an operator must hear of a beat.

use crate::Rate;

/// A change in how the beat follows its source; `Display` says it in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BeatEvent {
    /// The first lock, or the first after [`BeatEvent::Lost`]. The phase is slewed in.
    Locked {
        /// How far the stage's beat was from the source's, nanoseconds; positive if the stage was late.
        phase_error_nanos: i64,
    },
    /// The source fell silent, or cannot be followed just now: the beat goes on at the rate it had.
    Holdover,
    /// Locked again after a hold-over or a phase step of the source. The phase is slewed in.
    Relocked {
        /// How far the stage's beat was from the source's, nanoseconds; positive if the stage was late.
        phase_error_nanos: i64,
    },
    /// Held over for so long that the phase says nothing any more: the beat is free.
    Lost,
    /// The source's count of its frames and the stage's numbers moved against each other; the stage's go on.
    Rebased {
        /// By how many frames of the stage the source jumped ahead; negative if it fell behind.
        frames: i64,
    },
    /// The source beats at another rate than the stage file says; it is not followed.
    RateMismatch {
        /// Pulses a second as measured.
        measured_hz: f64,
        /// Pulses a second as expected.
        expected: Rate,
    },
    /// Pulses arrive and have no steady rate.
    Unsteady,
    /// The source says that it is locked, and its phase moves.
    SourceLies {
        /// By how much it moved, nanoseconds.
        moved_nanos: i64,
    },
}

impl std::fmt::Display for BeatEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = |nanos: &i64| *nanos as f64 * 1e-3;
        match self {
            Self::Locked { phase_error_nanos: e } => write!(f, "genlock: locked, {:+.1} us slewed in", micros(e)),
            Self::Holdover => write!(f, "genlock: source lost, holding over"),
            Self::Relocked { phase_error_nanos: e } => write!(f, "genlock: regained, {:+.1} us slewed in", micros(e)),
            Self::Lost => write!(f, "genlock: held over for too long, running free"),
            Self::Rebased { frames } => write!(f, "genlock: the source's count jumped by {frames:+} frames"),
            Self::RateMismatch { measured_hz, expected } => {
                write!(f, "genlock: the source beats {measured_hz:.4} times a second, not {expected}; running free")
            }
            Self::Unsteady => write!(f, "genlock: pulses arrive without a steady rate; running free"),
            Self::SourceLies { moved_nanos: moved } => {
                write!(f, "genlock: the source says it is locked, and its phase moved by {:+.1} us", micros(moved))
            }
        }
    }
}
