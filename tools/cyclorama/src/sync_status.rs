//! Beat, labels and feeds as the desk shows them.

use cyc_core::{Clock, StageTime};
use cyc_desk::sync::{FeedSync, GenlockSync, SyncStatus, TimecodeSync};
use cyc_link::{StageFeeds, genlock::GenlockStatus};
use cyc_stage::stage::{GenlockSource, Stage};
use std::sync::Arc;

/// Frames between two looks: a few times a second is what a person can read.
const EVERY: u64 = 6;

/// Where the desk's figures come from.
pub struct SyncSources {
    /// The stage.
    pub stage: Arc<Stage>,
    /// Beat and labels.
    pub genlock: GenlockStatus,
    /// Feeds.
    pub feeds: Arc<StageFeeds>,
    /// The stage clock.
    pub clock: Arc<dyn Clock>,
}

impl SyncSources {
    /// What the desk is to show from `frame` on; `None` on frames between two looks.
    pub fn look(&self, frame: u64) -> Option<SyncStatus> {
        if !frame.is_multiple_of(EVERY) {
            return None;
        }
        let reading = self.genlock.read();
        let now = self.clock.now();
        let feeds = self.stage.feeds.iter().map(|feed| (feed.id.clone(), self.feed(&feed.id, feed.delay_nanos, now)));
        Some(SyncStatus {
            feeds: feeds.collect(),
            pacer: Some(reading.pacer.to_string()).filter(|text| !text.is_empty()),
            genlock: GenlockSync {
                source: reading.source,
                configured: self.stage.genlock.source != GenlockSource::Internal,
                state: reading.sync.state,
                uncertainty_ns: reading.sync.uncertainty_ns,
                rate: reading.rate,
                measured_hz: reading.measured_hz,
                measured_ppm: reading.measured_ppm,
                residual_ns: reading.residual_nanos,
                trouble: reading.trouble,
            },
            timecode: TimecodeSync {
                source: reading.label_source,
                state: reading.label_state,
                label: reading.label,
                trouble: reading.label_trouble,
            },
        })
    }

    fn feed(&self, id: &str, delay_ns: i64, now: StageTime) -> FeedSync {
        let newest = self.feeds.view(id).and_then(|view| view.newest());
        FeedSync {
            silent_ns: newest.map(|sample| now.nanos_since(sample.received)),
            capture_age_ns: newest.map(|sample| now.nanos_since(sample.capture)),
            delay_ns,
        }
    }
}
