//! Labels that a source says, one for each frame of the stage.
//!
//! What is heard (`heard`) and what is given out are apart: labels are counted with the stage's frames from one that
//! was believed, and what is heard only sets that count: when it begins, jumps, turns or has slipped by most of a
//! frame. A label is believed when it goes on from the one before as time does, at one frame a frame, forwards,
//! backwards or standing.

use super::heard::{Counting, Heard};
use super::pace::{Pace, Seconds};
use super::{LabelEvent, LabelState};
use crate::{Rate, StageTime, Timecode};
use std::collections::VecDeque;

/// A source that says nothing for so long is lost.
const LOST_NANOS: i64 = 500_000_000;
/// The count follows what is heard once their distance has been this on the mean of some labels, in frames.
const SLIPPED: f64 = 0.75;
const MEAN_OF: f64 = 8.0;
/// A label that was believed and is further off than this is a jump, at once.
const JUMPED: f64 = 1.5;

/// Follows the labels of a source and gives one to each frame of the stage.
#[derive(Debug, Clone)]
pub struct LabelTrack {
    rate: Rate,
    /// The newest label that was believed, and which way they go.
    believed: Option<Heard>,
    direction: i8,
    /// The newest that does not go on from it.
    doubted: Option<Heard>,
    /// The count that is given out.
    count: Option<Count>,
    /// It is to be set from the newest believed label.
    set: bool,
    /// Mean distance of what is heard from it, frames of the stage.
    slip: f64,
    tick: Option<(u64, StageTime)>,
    pace: Pace,
    seconds: Seconds,
    /// Labels in a row that do not fit the stage's count.
    misfits: u32,
    /// When anything was heard.
    newest: Option<StageTime>,
    lost: bool,
    mismatch: Option<LabelEvent>,
    events: VecDeque<LabelEvent>,
}

/// Labels of the stage's own rate, counted from stage frame `frame`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Count {
    frame: u64,
    number: i64,
    direction: i8,
    counting: Counting,
}

impl LabelTrack {
    /// Labels for frames of `rate`.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            believed: None,
            direction: 1,
            doubted: None,
            count: None,
            set: false,
            slip: 0.0,
            tick: None,
            pace: Pace::default(),
            seconds: Seconds::default(),
            misfits: 0,
            newest: None,
            lost: false,
            mismatch: None,
            events: VecDeque::new(),
        }
    }

    /// Takes in a label: the frame it names began at `at`.
    ///
    /// `nominal` is how many frames a second of its labels counts, where the source says; else that is the stage's
    /// until two of the source's seconds have shown it. A stage may run at a whole multiple of it (60 with labels of
    /// 30). `direction` is +1 forwards, -1 backwards; it decides only where time does not.
    pub fn heard(&mut self, label: Timecode, at: StageTime, nominal: Option<u32>, direction: i8) {
        self.newest = Some(at);
        self.seconds.hear(label, at);
        let nominal = nominal.or(self.seconds.nominal());
        let heard = match Counting::of(label, nominal, self.rate) {
            Ok(counting) => match counting.number(label) {
                Some(number) => Heard { number, at, counting },
                None => return,
            },
            Err(mismatch) => return self.misfit(mismatch),
        };
        self.misfits = 0;
        if self.believed.is_some_and(|before| before.repeats(heard)) {
            return;
        }
        let goes_on = |before: Option<Heard>| before.and_then(|before| before.leads_to(heard, direction));
        if goes_on(self.believed) == Some(self.direction) {
            self.believe(heard, self.direction);
        } else if let Some(direction) = goes_on(self.doubted) {
            self.believe(heard, direction);
        } else {
            self.doubted = Some(heard);
            self.set_aside(heard);
        }
    }

    /// The label of stage frame `frame`, which begins at `ideal`; `None` before a label was believed.
    ///
    /// Called once for each tick, in order; frames that were missed are counted over.
    pub fn label(&mut self, frame: u64, ideal: StageTime) -> Option<Timecode> {
        self.tick = Some((frame, ideal));
        if !self.lost && self.newest.is_some_and(|newest| ideal.nanos_since(newest) > LOST_NANOS) {
            self.fell_silent();
        }
        if let Some(believed) = self.believed.filter(|_| std::mem::take(&mut self.set)) {
            self.set_from(believed, frame, ideal);
        }
        self.count.map(|count| count.label(count.at_frame(frame)))
    }

    /// Where labels come from just now.
    pub fn state(&self) -> LabelState {
        match self.count {
            _ if self.mismatch.is_some() => LabelState::Mismatch,
            None => LabelState::Waiting,
            Some(_) if self.lost || self.doubted.is_some() => LabelState::Flywheel,
            Some(_) => LabelState::Following,
        }
    }

    /// What happened since; call it until it gives `None`.
    pub fn poll(&mut self) -> Option<LabelEvent> {
        self.events.pop_front()
    }

    fn fell_silent(&mut self) {
        self.lost = true;
        self.doubted = None;
        self.mismatch = None;
        self.pace.clear();
        if self.count.is_some() {
            self.events.push_back(LabelEvent::Lost);
        }
    }

    fn believe(&mut self, heard: Heard, direction: i8) {
        self.believed = Some(heard);
        self.direction = direction;
        self.doubted = None;
        if !self.keeps_pace(heard) {
            return;
        }
        let back = std::mem::take(&mut self.lost) | self.mismatch.take().is_some();
        if back && self.count.is_some() {
            self.events.push_back(LabelEvent::Regained);
        }
        match self.off(heard).filter(|off| off.abs() <= JUMPED) {
            Some(off) => {
                self.slip += (off - self.slip) / MEAN_OF;
                self.set |= self.slip.abs() > SLIPPED;
            }
            None => self.set = true,
        }
    }

    /// Whether labels come as fast as they should, as far as is known.
    fn keeps_pace(&mut self, heard: Heard) -> bool {
        let expected_hz = heard.counting.pace();
        let measured = self.pace.of(heard, self.direction);
        if let Some(measured) = measured.filter(|measured| measured.is_wrong) {
            self.mismatched(LabelEvent::PaceMismatch { measured_hz: measured.hertz, expected_hz });
        }
        match self.mismatch {
            // A mismatch of labels counted otherwise says nothing about these.
            Some(LabelEvent::PaceMismatch { measured_hz: wrong, expected_hz: of }) if of == expected_hz => {
                measured.is_some_and(|measured| measured.contradicts(wrong, expected_hz))
            }
            _ => true,
        }
    }

    /// How far a label is ahead of the count, frames of the stage; `None` where they do not compare.
    fn off(&self, heard: Heard) -> Option<f64> {
        let (count, (frame, ideal)) = (self.count?, self.tick?);
        if count.direction != self.direction || count.counting != heard.counting {
            return None;
        }
        let elapsed = heard.at.secs_since(ideal) * frames_per_second(self.rate);
        let counted = count.at_frame(frame) as f64 + f64::from(count.direction) * elapsed;
        Some(heard.counting.nearest(heard.stage_number() as f64 - counted))
    }

    /// A label that does not fit the stage's count: alone it is an error, two in a row are another count.
    fn misfit(&mut self, mismatch: LabelEvent) {
        self.misfits = self.misfits.saturating_add(1);
        if self.misfits >= 2 {
            (self.believed, self.doubted) = (None, None);
            self.mismatched(mismatch);
        }
    }

    /// A label that nothing leads to: alone it is an error, many are a source at another speed.
    fn set_aside(&mut self, heard: Heard) {
        if let Some(measured_hz) = self.pace.strays(heard) {
            let expected_hz = heard.counting.pace();
            self.mismatched(LabelEvent::PaceMismatch { measured_hz, expected_hz });
        }
    }

    /// Said once, until it is another mismatch.
    fn mismatched(&mut self, event: LabelEvent) {
        let kind = std::mem::discriminant::<LabelEvent>;
        if self.mismatch.as_ref().map(kind) != Some(kind(&event)) {
            self.events.push_back(event);
        }
        self.mismatch = Some(event);
        self.lost = false;
    }

    fn set_from(&mut self, heard: Heard, frame: u64, ideal: StageTime) {
        let elapsed = ideal.secs_since(heard.at) * frames_per_second(self.rate);
        let number = (heard.stage_number() as f64 + f64::from(self.direction) * elapsed).round() as i64;
        let count = Count { frame, number, direction: self.direction, counting: heard.counting };
        let to = count.label(number);
        self.slip = 0.0;
        match self.count.replace(count).map(|before| before.label(before.at_frame(frame))) {
            None => self.events.push_back(LabelEvent::Jammed { from: None, to }),
            Some(from) if from != to => self.events.push_back(LabelEvent::Jumped { from, to }),
            Some(_) => {}
        }
    }
}

impl Count {
    fn at_frame(&self, frame: u64) -> i64 {
        let frames = frame.wrapping_sub(self.frame) as i64;
        self.number.wrapping_add(frames.wrapping_mul(self.direction.into()))
    }

    fn label(&self, number: i64) -> Timecode {
        self.counting.stage_label(number)
    }
}

fn frames_per_second(rate: Rate) -> f64 {
    f64::from(rate.num()) / f64::from(rate.den())
}
