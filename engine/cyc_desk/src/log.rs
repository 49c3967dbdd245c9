//! The newest events, and what follows from all of them.

use cyc_core::event::{EventRing, Recorded, StageEvent, Standing};
use serde::Serialize;

/// Events as the desk keeps them.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    ring: EventRing,
    standing: Standing,
}

/// Some events: `GET /api/v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<Recorded>,
    /// The number of the newest that there is; 0 before the first.
    pub newest: u64,
    /// The number of the oldest that is kept; 0 before the first.
    pub oldest: u64,
    /// Events that came so fast that they found no room.
    pub dropped: u64,
}

impl EventLog {
    /// Takes the next event.
    pub fn push(&mut self, event: StageEvent) {
        self.standing.note(&event);
        self.ring.push(event);
    }

    /// What is wrong just now, and what the operator has done to the wall.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// At most `limit` events: those after number `since`, or the newest.
    pub fn page(&self, since: Option<u64>, limit: usize) -> EventPage {
        let after = self.ring.since(since.unwrap_or(0));
        let skip = if since.is_none() { after.len().saturating_sub(limit) } else { 0 };
        let events = after.skip(skip).take(limit).cloned().collect();
        EventPage { events, newest: self.ring.newest(), oldest: self.ring.oldest(), dropped: 0 }
    }
}
