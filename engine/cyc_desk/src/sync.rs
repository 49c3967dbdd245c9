//! Beat, labels and feeds as the host knows them: `GET /api/v1/sync`.

use cyc_core::label::LabelState;
use cyc_core::{LockState, Rate, Timecode};
use serde::Serialize;
use std::collections::BTreeMap;

/// How the stage keeps time just now. Durations in nanoseconds; null where nothing is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SyncStatus {
    /// Phase.
    pub genlock: GenlockSync,
    /// Labels.
    pub timecode: TimecodeSync,
    /// Feeds, by stage-file id.
    pub feeds: BTreeMap<String, FeedSync>,
    /// How the frame thread is woken, in words.
    pub pacer: Option<String>,
}

/// Where the beat comes from and how well it is followed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenlockSync {
    /// The source, for a person: "PTP domain 127 (CLOCK_TAI)".
    pub source: String,
    /// Whether the stage file asks for a source; without one, running free is as it should be.
    pub configured: bool,
    /// How it is followed.
    pub state: LockState,
    /// How far the beat may be from the source's.
    pub uncertainty_ns: i64,
    /// The stage's rate.
    pub rate: Rate,
    /// Frames per second as measured on the stage clock.
    pub measured_hz: Option<f64>,
    /// By how much the source is faster than the stage clock, parts per million.
    pub measured_ppm: Option<f64>,
    /// How far the source's beats scatter about the stage's, RMS.
    pub residual_ns: Option<f64>,
    /// What is wrong with it and what to do.
    pub trouble: Option<String>,
}

/// Where labels come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimecodeSync {
    /// The source, for a person.
    pub source: String,
    /// How it is followed; null where labels are counted or follow the clock on the wall.
    pub state: Option<LabelState>,
    /// The newest label.
    pub label: Option<Timecode>,
    /// What is wrong with it and what to do.
    pub trouble: Option<String>,
}

/// How current a feed is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct FeedSync {
    /// Since its newest packet arrived.
    pub silent_ns: Option<i64>,
    /// Since what that packet tells of was measured.
    pub capture_age_ns: Option<i64>,
    /// What the stage file subtracts from its arrival times.
    pub delay_ns: i64,
}
