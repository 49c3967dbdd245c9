//! How the beat follows its source, frame by frame.

use super::EventKind;
use super::episode::{Episode, Turn};
use crate::beat::{BeatSync, LockState};
use crate::{Rate, StageTime};

/// How long a source may take until the beat follows it for the first time, nanoseconds.
const FIRST_LOCK_NANOS: i64 = 10_000_000_000;

/// How bad it is not to be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worse {
    Held,
    Lost,
    Free,
}

/// Follows the beat's state.
#[derive(Debug, Clone)]
pub(super) struct Genlock {
    /// Beyond this a held beat counts as lost: the frame may be another one, nanoseconds.
    limit_nanos: i64,
    began: Option<StageTime>,
    was_locked: bool,
    episode: Episode,
    /// The worst that this episode has been called.
    called: Option<Worse>,
}

impl Genlock {
    pub(super) fn new(rate: Rate) -> Self {
        let limit_nanos = rate.frame_nanos() / 2;
        Self { limit_nanos, began: None, was_locked: false, episode: Episode::new(0), called: None }
    }

    /// What the frame changed.
    pub(super) fn step(&mut self, sync: &BeatSync, at: StageTime) -> Option<EventKind> {
        let waited = at.nanos_since(*self.began.get_or_insert(at));
        let uncertainty_ns = sync.uncertainty_ns;
        let wrong = match sync.state {
            LockState::Locked => None,
            LockState::Free => Some(Worse::Free),
            LockState::Holdover if uncertainty_ns <= self.limit_nanos => Some(Worse::Held),
            LockState::Holdover | LockState::Acquiring => Some(Worse::Lost),
        };
        if !self.was_locked && wrong.is_some() && waited < FIRST_LOCK_NANOS {
            return None;
        }
        let first = wrong.is_none() && !std::mem::replace(&mut self.was_locked, true);
        match self.episode.step(at, wrong.map(|wrong| wrong as i64)) {
            Turn::Ended(past) => {
                self.called = None;
                return Some(EventKind::GenlockRegained { lasted_ns: at.nanos_since(past.since) });
            }
            Turn::Same if first && self.episode.open().is_none() => return Some(EventKind::GenlockLocked),
            // A source that comes back is followed again before it is locked: that is no new loss.
            Turn::Same if sync.state == LockState::Acquiring => return None,
            Turn::Same | Turn::Began => {}
        }
        let wrong = wrong.filter(|wrong| self.called.is_none_or(|called| *wrong > called))?;
        self.called = Some(wrong);
        Some(match wrong {
            Worse::Held => EventKind::GenlockHoldover { uncertainty_ns },
            Worse::Lost => EventKind::GenlockLost { uncertainty_ns },
            Worse::Free => EventKind::GenlockFree,
        })
    }
}
