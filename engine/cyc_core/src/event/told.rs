//! States and changes that no frame report holds: the host tells them.

use super::episode::{Episode, Turn};
use super::{EventKind, Trouble};
use crate::beat::BeatEvent;
use crate::label::LabelEvent;
use crate::{Rate, StageTime, Timecode};

/// What no frame report says. A state may be told as often as one likes: only its change is an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Notice<'a> {
    /// What the beat says of its source. Its state is in the reports; the rest comes from here.
    Beat(&'a BeatEvent),
    /// What the labels say of theirs.
    Label(&'a LabelEvent),
    /// A source's device is in trouble, in words; `None` works.
    Source(Option<&'a str>),
    /// Why an output shows nothing new; `None` shows.
    Output(Option<&'a str>),
    /// Quality was given up (`Degraded`) or given back (`Restored`).
    Quality(&'a EventKind),
}

/// What a notice amounts to.
pub(super) enum Change {
    /// Something just happened.
    Now(EventKind),
    /// A trouble is there (with the event that says so, and why) or is not.
    State(Trouble, Option<(EventKind, String)>),
}

/// What `notice` changes on a stage at `rate`.
pub(super) fn changes(notice: Notice<'_>, rate: Rate) -> Vec<Change> {
    let device = |trouble, kind: EventKind, why: Option<&str>| {
        vec![Change::State(trouble, why.map(|why| (kind, why.to_owned())))]
    };
    match notice {
        Notice::Source(why) => device(Trouble::Source, EventKind::SourceTrouble, why),
        Notice::Output(why) => device(Trouble::Output, EventKind::OutputLost, why),
        Notice::Quality(kind) => vec![Change::Now(kind.clone())],
        Notice::Beat(event) => beat(event),
        Notice::Label(event) => label(event, rate),
    }
}

fn opens(trouble: Trouble, kind: EventKind) -> Vec<Change> {
    vec![Change::State(trouble, Some((kind, String::new())))]
}

fn beat(event: &BeatEvent) -> Vec<Change> {
    match event {
        BeatEvent::Locked { .. } | BeatEvent::Relocked { .. } => {
            vec![Change::State(Trouble::Rate, None), Change::State(Trouble::Steadiness, None)]
        }
        BeatEvent::Holdover | BeatEvent::Lost => Vec::new(),
        BeatEvent::Rebased { frames } => vec![Change::Now(EventKind::GenlockRebased { frames: *frames })],
        BeatEvent::RateMismatch { measured_hz, expected } => {
            let expected_hz = f64::from(expected.num()) / f64::from(expected.den());
            opens(Trouble::Rate, EventKind::RateMismatch { measured_hz: *measured_hz, expected_hz })
        }
        BeatEvent::Unsteady => opens(Trouble::Steadiness, EventKind::SourceUnsteady),
        BeatEvent::SourceLies { moved_nanos } => {
            opens(Trouble::Steadiness, EventKind::SourceLies { moved_ns: *moved_nanos })
        }
    }
}

fn label(event: &LabelEvent, rate: Rate) -> Vec<Change> {
    let follows = [Change::State(Trouble::Label, None), Change::State(Trouble::LabelRate, None)];
    let now = match event {
        LabelEvent::Jammed { from, to } => EventKind::LabelJammed { from: *from, to: *to },
        LabelEvent::Jumped { from, to } => {
            EventKind::LabelJump { from: *from, to: *to, frames: apart(*from, *to, rate) }
        }
        LabelEvent::Regained => return follows.into(),
        LabelEvent::Lost => return opens(Trouble::Label, EventKind::LabelLost),
        // Their own words say in which way.
        other => {
            let why = other.to_string();
            return vec![Change::State(Trouble::LabelRate, Some((EventKind::LabelMismatch, why)))];
        }
    };
    follows.into_iter().chain([Change::Now(now)]).collect()
}

/// Frames from one label to another, the short way round the day; 0 where one of them does not exist.
fn apart(from: Timecode, to: Timecode, rate: Rate) -> i64 {
    let frame = |label: Timecode| label.frame(rate).ok().and_then(|frame| i64::try_from(frame).ok());
    let day = i64::try_from(Timecode::frames_per_day(rate, to.drop_frame)).unwrap_or(i64::MAX).max(1);
    let Some((from, to)) = frame(from).zip(frame(to)) else { return 0 };
    (to - from + day / 2).rem_euclid(day) - day / 2
}

/// A state that the host tells.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) trouble: Trouble,
    pub(super) subject: String,
    pub(super) bad: Option<(EventKind, String)>,
    episode: Episode,
}

impl Told {
    pub(super) fn new(trouble: Trouble, subject: &str, bad: Option<(EventKind, String)>) -> Self {
        Self { trouble, subject: subject.into(), bad, episode: Episode::new(0) }
    }

    /// What the frame changed: the event's kind and why.
    pub(super) fn step(&mut self, at: StageTime) -> Option<(EventKind, String)> {
        match self.episode.step(at, self.bad.is_some().then_some(0)) {
            Turn::Same => None,
            Turn::Began => self.bad.clone(),
            Turn::Ended(past) => Some((closing(self.trouble, at.nanos_since(past.since))?, String::new())),
        }
    }
}

fn closing(trouble: Trouble, lasted_ns: i64) -> Option<EventKind> {
    Some(match trouble {
        Trouble::Rate => EventKind::RateMatched,
        Trouble::Steadiness => EventKind::SourceSteady,
        Trouble::Source => EventKind::SourceWell,
        Trouble::Label => EventKind::LabelRegained { lasted_ns },
        Trouble::LabelRate => EventKind::LabelMatched,
        Trouble::Output => EventKind::OutputRegained { lasted_ns },
        Trouble::Ticks | Trouble::Genlock | Trouble::Feed | Trouble::Budget(_) => return None,
    })
}
