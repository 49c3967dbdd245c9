//! What an operator must hear of labels.

use crate::{Rate, Timecode};

/// What an operator must hear of labels; `Display` says it in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LabelEvent {
    /// The first label, or the daily one: set without regard to the one before.
    Jammed {
        /// The label that would have been, where there was one before.
        from: Option<Timecode>,
        /// The label that is.
        to: Timecode,
    },
    /// The source jumped, and two labels agree on it.
    Jumped {
        /// The label that would have been.
        from: Timecode,
        /// The label that is.
        to: Timecode,
    },
    /// The source fell silent: labels are counted on.
    Lost,
    /// The source is heard and believed again; where it goes on elsewhere than the count, a jump follows.
    Regained,
    /// The source counts another number of frames a second.
    CountMismatch {
        /// Frames in a second of its labels.
        nominal: u32,
        /// The stage's rate.
        stage: Rate,
    },
    /// The source counts as the stage does, at another pace (23.976 for 24, or shuttled).
    PaceMismatch {
        /// Labels a second as measured.
        measured_hz: f64,
        /// Labels a second as expected.
        expected_hz: f64,
    },
    /// The source drops labels, and the stage's rate has no drop-frame counting, or the other way about.
    DropMismatch {
        /// The label heard.
        label: Timecode,
        /// The stage's rate.
        stage: Rate,
    },
}

impl std::fmt::Display for LabelEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Jammed { from: None, to } => write!(f, "timecode: jammed to {to}"),
            Self::Jammed { from: Some(from), to } => write!(f, "timecode: jammed from {from} to {to}"),
            Self::Jumped { from, to } => write!(f, "timecode: the source jumped from {from} to {to}"),
            Self::Lost => write!(f, "timecode: source lost, counting on"),
            Self::Regained => write!(f, "timecode: source regained"),
            Self::CountMismatch { nominal, stage } => {
                write!(f, "timecode: the source counts {nominal} frames a second, which does not fit {stage}")
            }
            Self::PaceMismatch { measured_hz, expected_hz } => {
                write!(f, "timecode: the source gives {measured_hz:.3} labels a second, not {expected_hz:.3}")
            }
            Self::DropMismatch { label, stage } => {
                write!(f, "timecode: {label} is drop-frame, and {stage} frames a second has none")
            }
        }
    }
}
