//! Feeds that fall silent.

use super::monitor::FeedWatch;
use super::{EventKind, episode::Episode, episode::Turn};
use crate::{FrameReport, Quality, StageTime};

/// How long a stage waits for the first packet of a feed, nanoseconds.
const PATIENCE_NANOS: i64 = 3_000_000_000;

/// Refused packets in a silence from which on they are the reason for it.
const REFUSED: u64 = 3;

/// How a feed does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Speech {
    Live,
    Stale,
    Lost,
}

/// Follows one feed.
#[derive(Debug, Clone)]
pub(super) struct FeedState {
    pub(super) watch: FeedWatch,
    packets: u64,
    /// Refused packets when the last good one came.
    bad: u64,
    /// When the last good packet was first seen in a report; before the first, when the stage began.
    heard: Option<StageTime>,
    ever: bool,
    episode: Episode,
    worst: Speech,
}

impl FeedState {
    pub(super) fn new(watch: FeedWatch) -> Self {
        Self { watch, packets: 0, bad: 0, heard: None, ever: false, episode: Episode::new(0), worst: Speech::Live }
    }

    /// What the frame changed: the event's kind and, in words, why.
    pub(super) fn step(&mut self, at: StageTime, report: &FrameReport) -> Option<(EventKind, &'static str)> {
        let counters = report.feeds.get(&self.watch.id).copied().unwrap_or_default();
        if counters.packets != self.packets {
            (self.packets, self.bad, self.heard, self.ever) = (counters.packets, counters.bad, Some(at), true);
        }
        let refused = counters.bad.saturating_sub(self.bad) >= REFUSED;
        let silent_nanos = at.nanos_since(*self.heard.get_or_insert(at));
        let speech = self.speech(silent_nanos, report);
        match self.episode.step(at, (speech > Speech::Live).then_some(silent_nanos)) {
            Turn::Ended(past) => {
                self.worst = Speech::Live;
                Some((EventKind::FeedRegained { silent_ns: past.worst.max(past.lasted_nanos()) }, ""))
            }
            Turn::Began | Turn::Same if speech > self.worst => {
                self.worst = speech;
                // Prediction reaches beyond now, so poses are held a little before the silence is as long as that.
                let arrives = silent_nanos < self.watch.loss.predict_nanos / 4;
                let why = match (self.ever, refused, arrives) {
                    (_, true, _) => "its packets are refused: check the protocol and the profile",
                    (false, ..) => "nothing has arrived yet: check the tracker, the cable and the port",
                    (true, false, true) => "its packets are too old when they arrive: check the tracker's clock",
                    (true, false, false) => "nothing arrives: check the tracker and the cable",
                };
                let kind = match speech {
                    Speech::Lost => EventKind::FeedLost { silent_ns: silent_nanos },
                    Speech::Live | Speech::Stale => EventKind::FeedStale { silent_ns: silent_nanos },
                };
                Some((kind, why))
            }
            Turn::Began | Turn::Same => None,
        }
    }

    /// By the packets that come and by what the cameras make of them.
    fn speech(&self, silent_nanos: i64, report: &FrameReport) -> Speech {
        if !self.ever {
            return if silent_nanos > PATIENCE_NANOS { Speech::Lost } else { Speech::Live };
        }
        let loss = self.watch.loss;
        let by_packets = match silent_nanos {
            nanos if nanos > loss.hold_nanos => Speech::Lost,
            nanos if nanos > loss.predict_nanos => Speech::Stale,
            _ => Speech::Live,
        };
        let cameras = self.watch.cameras.iter().filter_map(|id| report.cameras.get(id));
        let by_poses = cameras.map(|camera| match camera.quality {
            Quality::Measured | Quality::Predicted => Speech::Live,
            Quality::Held => Speech::Stale,
            Quality::Lost => Speech::Lost,
        });
        by_poses.fold(by_packets, Speech::max)
    }
}
