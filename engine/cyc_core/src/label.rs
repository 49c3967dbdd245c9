//! Timecode labels that follow a source of their own, apart from the beat.
//!
//! Phase says when a frame begins, a label says what it is called. Three ways to call it: [`counted`] (from the frame
//! number), [`TimeOfDay`] (the clock on the wall, jammed once a day) and [`LabelTrack`] (what a source says).

mod clock;
mod event;
mod heard;
mod pace;
mod track;

pub use clock::TimeOfDay;
pub use event::LabelEvent;
pub use track::LabelTrack;

use crate::{Rate, Timecode};
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
