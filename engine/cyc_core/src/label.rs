//! Timecode labels that follow a source of their own, apart from the beat.
//!
//! Phase says when a frame begins, a label says what it is called. Three ways to call it: [`counted`] (from the frame
//! number), [`TimeOfDay`] (the clock on the wall, jammed once a day) and [`LabelTrack`] (what a source says); [`Labels`]
//! is whichever of them a stage uses.

mod clock;
mod event;
mod heard;
mod pace;
mod track;

pub use clock::TimeOfDay;
pub use event::LabelEvent;
pub use track::LabelTrack;

use crate::{Rate, StageTime, Timecode};
use serde::{Deserialize, Serialize};

/// Where labels come from just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelState {
    /// No label has been believed yet.
    #[default]
    Waiting,
    /// They follow the source.
    Following,
    /// The source is silent, or says something else alone: they are counted on from the last that was believed.
    Flywheel,
    /// The source counts at another rate: they are counted on as well, if there ever was one to count from.
    Mismatch,
}

/// The label of frame `frame`, where frame 0 is `start`; wraps every day of labels.
///
/// `start` counts as 00:00:00:00 where it does not exist at `rate`.
pub fn counted(frame: u64, rate: Rate, drop_frame: bool, start: Timecode) -> Timecode {
    let drop_frame = drop_frame && Timecode::can_drop(rate);
    let start = Timecode { drop_frame, ..start }.frame(rate).unwrap_or(0);
    let day = Timecode::frames_per_day(rate, drop_frame);
    Timecode::of_frame(frame % day + start, rate, drop_frame)
}

/// The labels of a stage.
#[derive(Debug, Clone)]
pub enum Labels {
    /// Counted from the frame number.
    Counted {
        /// Frames a second.
        rate: Rate,
        /// Whether labels are dropped, where the rate has that.
        drop_frame: bool,
        /// The label of frame 0.
        start: Timecode,
    },
    /// By the clock on the wall.
    Clock(TimeOfDay),
    /// By what a source says.
    Heard(Box<LabelTrack>),
}

impl Labels {
    /// The label of stage frame `frame`, which begins at `ideal`, that is `utc_nanos` after 1970-01-01T00:00:00 UTC.
    ///
    /// `None` while a source has not been believed, or where no UTC is known for the clock on the wall. Called once
    /// for each tick, in order.
    pub fn label(&mut self, frame: u64, ideal: StageTime, utc_nanos: Option<i64>) -> Option<Timecode> {
        match self {
            Self::Counted { rate, drop_frame, start } => Some(counted(frame, *rate, *drop_frame, *start)),
            Self::Clock(clock) => utc_nanos.map(|utc| clock.label(frame, utc)),
            Self::Heard(track) => track.label(frame, ideal),
        }
    }

    /// Where labels come from just now; counted ones and the clock's always follow.
    pub fn state(&self) -> LabelState {
        match self {
            Self::Counted { .. } | Self::Clock(_) => LabelState::Following,
            Self::Heard(track) => track.state(),
        }
    }

    /// What happened since; call it until it gives `None`.
    pub fn poll(&mut self) -> Option<LabelEvent> {
        match self {
            Self::Counted { .. } => None,
            Self::Clock(clock) => clock.poll(),
            Self::Heard(track) => track.poll(),
        }
    }
}
