//! The newest events, numbered.

use super::StageEvent;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// An event with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Counted from 1, without a gap.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: StageEvent,
}

/// The newest events; the oldest make room.
#[derive(Debug, Clone)]
pub struct EventRing {
    events: VecDeque<Recorded>,
    capacity: usize,
    newest: u64,
}

impl EventRing {
    /// Keeps `capacity` events (at least one).
    pub fn new(capacity: usize) -> Self {
        Self { events: VecDeque::new(), capacity: capacity.max(1), newest: 0 }
    }

    /// Keeps an event; returns its number.
    pub fn push(&mut self, event: StageEvent) -> u64 {
        if self.events.len() == self.capacity {
            self.events.pop_front();
        }
        self.newest += 1;
        self.events.push_back(Recorded { seq: self.newest, event });
        self.newest
    }

    /// The number of the newest event; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The number of the oldest that is kept; 0 before the first.
    pub fn oldest(&self) -> u64 {
        self.events.front().map_or(0, |recorded| recorded.seq)
    }

    /// The events after number `seq`, oldest first. A number that is not there yet is one from before a restart, and
    /// gives all of them.
    pub fn since(&self, seq: u64) -> impl ExactSizeIterator<Item = &Recorded> {
        let known = if seq > self.newest { 0 } else { seq };
        let first = self.events.partition_point(|recorded| recorded.seq <= known);
        self.events.range(first..)
    }
}

impl Default for EventRing {
    /// 10,000 events: a bad day.
    fn default() -> Self {
        Self::new(10_000)
    }
}
