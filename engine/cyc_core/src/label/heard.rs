//! One label that was heard, and how labels of its kind are counted.

use super::LabelEvent;
use crate::{Rate, StageTime, Timecode};

/// A label may be so far from where time puts it, in labels.
const APART: f64 = 0.5;
/// A label said again after less than this, in labels, is the same one.
const AGAIN: f64 = 0.75;

/// How a source's labels are counted, and how many frames of the stage share one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counting {
    stage: Rate,
    label: Rate,
    drop_frame: bool,
    frames_per_label: u32,
    /// Labels in a day of them.
    day: i64,
}

impl Counting {
    /// The counting of `label`, of `nominal` frames a second, for a stage at `stage`; or why they do not fit.
    pub fn of(label: Timecode, nominal: Option<u32>, stage: Rate) -> Result<Counting, LabelEvent> {
        let stage_nominal = stage.num().div_ceil(stage.den());
        let nominal = nominal.unwrap_or(stage_nominal);
        if nominal == 0 || !stage_nominal.is_multiple_of(nominal) {
            return Err(LabelEvent::CountMismatch { nominal, stage });
        }
        let frames_per_label = stage_nominal / nominal;
        let same_kind = if stage.den() == 1001 { Rate::new(nominal * 1000, 1001) } else { Rate::new(nominal, 1) };
        let rate = same_kind.unwrap_or(stage);
        if label.drop_frame && !(Timecode::can_drop(rate) && Timecode::can_drop(stage)) {
            return Err(LabelEvent::DropMismatch { label, stage });
        }
        let day = i64::try_from(Timecode::frames_per_day(rate, label.drop_frame)).unwrap_or(i64::MAX);
        Ok(Counting { stage, label: rate, drop_frame: label.drop_frame, frames_per_label, day })
    }

    /// The number of a label in its day; `None` for one that does not exist.
    pub fn number(&self, label: Timecode) -> Option<i64> {
        label.frame(self.label).ok().and_then(|number| i64::try_from(number).ok())
    }

    /// Labels in a second of stage time.
    pub fn pace(&self) -> f64 {
        f64::from(self.stage.num()) / f64::from(self.stage.den()) / f64::from(self.frames_per_label)
    }

    /// The label of a frame of the stage, by its number in the stage's own labels.
    pub fn stage_label(&self, number: i64) -> Timecode {
        let day = self.day.saturating_mul(self.frames_per_label.into()).max(1);
        Timecode::of_frame(number.rem_euclid(day).unsigned_abs(), self.stage, self.drop_frame)
    }

    /// A distance in frames of the stage, the short way round the day.
    pub fn nearest(&self, frames: f64) -> f64 {
        let day = self.day as f64 * f64::from(self.frames_per_label);
        frames - (frames / day).round() * day
    }

    /// Labels from one to another, the short way round the day.
    fn between(&self, from: i64, to: i64) -> i64 {
        let half = self.day / 2;
        (to - from + half).rem_euclid(self.day.max(1)) - half
    }
}

/// A label, by its number, and when its frame began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heard {
    pub number: i64,
    pub at: StageTime,
    pub counting: Counting,
}

impl Heard {
    /// The number of the first frame of the stage that carries it.
    pub fn stage_number(&self) -> i64 {
        self.number * i64::from(self.counting.frames_per_label)
    }

    /// Labels from this one to another, and how many there should be by the time between.
    pub fn to(&self, later: Heard) -> (i64, f64) {
        let by_time = later.at.secs_since(self.at) * self.counting.pace();
        (self.counting.between(self.number, later.number), by_time)
    }

    /// Whether `later` is this label, said once more within its frame.
    pub fn repeats(&self, later: Heard) -> bool {
        let (labels, by_time) = self.to(later);
        self.counting == later.counting && labels == 0 && by_time.abs() < AGAIN
    }

    /// Which way labels go if `later` goes on from this one as time does: +1, -1 or 0; `None` if it does not.
    pub fn leads_to(&self, later: Heard, hint: i8) -> Option<i8> {
        let (labels, by_time) = self.to(later);
        if self.counting != later.counting || by_time <= 0.0 {
            return None;
        }
        let fits = |direction: i8| (labels as f64 - f64::from(direction) * by_time).abs() < APART;
        match hint.signum() {
            hint if labels != 0 && fits(hint) => Some(hint),
            _ if labels != 0 => [1, -1].into_iter().find(|&direction| fits(direction)),
            _ => (by_time >= AGAIN).then_some(0),
        }
    }
}
