//! Which labels are believed: those that continue, or come twice in a row.

use super::Direction;
use crate::timecode::Counting;
use cyc_core::Timecode;

/// Longest gap across which a label may continue the one before it, frames.
const MAX_GAP: f64 = 100.0;
/// How far from a whole number of frames the next word may begin, frames.
const SLACK: f64 = 0.25;

/// Why a label is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trust {
    /// It does not continue what was believed before.
    pub jumped: bool,
    /// Labels in a second, where known.
    pub nominal: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    label: Timecode,
    direction: Direction,
    begin: f64,
    end: f64,
    /// It repeats the label before it: a generator that waits.
    still: bool,
}

/// What is believed.
#[derive(Debug, Clone, Default)]
pub(super) struct Belief {
    believed: Option<Seen>,
    candidate: Option<Seen>,
    counting: Option<Counting>,
    doubted: u64,
}

impl Belief {
    /// Labels that were not believed.
    pub(super) fn doubted(&self) -> u64 {
        self.doubted
    }

    /// Takes the next label, from `begin` to `end`; `None` if it is not believed yet.
    pub(super) fn weigh(&mut self, label: Timecode, direction: Direction, begin: f64, end: f64) -> Option<Trust> {
        let mut seen = Seen { label, direction, begin, end, still: false };
        let known = self.counting.as_ref().map_or(&Counting::ALL[..], std::slice::from_ref);
        let goes_on =
            self.believed.is_some_and(|last| seen.continues(&last, known) || last.still && seen.repeats(&last));
        let second = |last: Seen| seen.continues(&last, &Counting::ALL) || seen.repeats(&last);
        if !goes_on && !self.candidate.is_some_and(second) {
            self.candidate = Some(seen);
            self.doubted += 1;
            return None;
        }
        let goes_back = |last: &Seen| last.label == label || seen.turned(last);
        let jumped = !goes_on && self.believed.is_some_and(|last| !goes_back(&last));
        let before = if goes_on { self.believed } else { self.candidate };
        seen.still = before.is_some_and(|last| seen.repeats(&last));
        if jumped {
            // Perhaps another source, which counts in another way.
            self.counting = None;
        }
        self.counting = self.counting.or_else(|| before.and_then(|before| seen.counting_since(&before)));
        (self.believed, self.candidate) = (Some(seen), None);
        Some(Trust { jumped, nominal: self.counting.map(Counting::nominal) })
    }
}

impl Seen {
    /// Whether this label is the one that `last` runs to by now, in one of these ways of counting.
    fn continues(&self, last: &Self, countings: &[Counting]) -> bool {
        let frames = self.frames_since(last);
        frames.is_some_and(|frames| countings.iter().any(|counting| self.is_advanced(last, frames, *counting)))
    }

    /// Whether it comes right after `last` with the same label.
    fn repeats(&self, last: &Self) -> bool {
        self.label == last.label && self.frames_since(last) == Some(1)
    }

    /// Whether the transport turned round since `last`, and is no further away than it could have come.
    fn turned(&self, last: &Self) -> bool {
        let frames = (self.end - last.begin) / (self.end - self.begin) + SLACK;
        let frame = |counting: Counting, label| counting.frame_of(counted(label, counting)).ok();
        let near = |counting: Counting| {
            let (here, there) = (frame(counting, self.label), frame(counting, last.label));
            here.zip(there).is_some_and(|(here, there)| here.abs_diff(there) as f64 <= frames)
        };
        self.direction != last.direction && Counting::ALL.into_iter().any(near)
    }

    /// Whole frames since `last` began; `None` where it is no whole number, too many, or the direction changed.
    fn frames_since(&self, last: &Self) -> Option<i64> {
        let frame = (self.end - self.begin).midpoint(last.end - last.begin);
        let frames = (self.begin - last.begin) / frame;
        let whole = frames.round();
        let fits = (frames - whole).abs() < SLACK && (1.0..=MAX_GAP).contains(&whole);
        (fits && self.direction == last.direction).then_some(whole as i64)
    }

    fn is_advanced(&self, last: &Self, frames: i64, counting: Counting) -> bool {
        let (from, to) = (counted(last.label, counting), counted(self.label, counting));
        let exist = counting.contains(from) && counting.contains(to);
        exist && counting.advance(from, frames * i64::from(self.direction.sign())) == to
    }

    /// How labels are counted, if that shows: by a frame number that only 30 a second reach, or by a second's end.
    fn counting_since(&self, last: &Self) -> Option<Counting> {
        let fastest = if self.label.drop_frame { Counting::Drop30 } else { Counting::Fps30 };
        if self.label.frames.max(last.label.frames) >= 25 {
            return Some(fastest);
        }
        let frames = self.frames_since(last).filter(|_| self.label.seconds != last.label.seconds)?;
        Counting::ALL.into_iter().find(|counting| self.is_advanced(last, frames, *counting))
    }
}

/// The label as `counting` would write it: a drop-frame flag means something at one rate only.
fn counted(label: Timecode, counting: Counting) -> Timecode {
    Timecode { drop_frame: label.drop_frame && counting == Counting::Drop30, ..label }
}
