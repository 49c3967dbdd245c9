//! One frame's report: what happened, when, and how long it took.
//!
//! All `_ns` are stage time or durations in nanoseconds. Source: Cyclorama interfaces, section 4.

use crate::{BeatSync, Quality, StageTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened in one frame.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation: interfaces, section 4")]
pub struct FrameReport {
    pub frame: u64,
    pub timecode: String,
    /// The tick's ideal instant.
    pub tick_ns: StageTime,
    /// How much later than `tick_ns` the frame began.
    pub tick_error_ns: i64,
    pub display_time_ns: StageTime,
    /// When the wall's GPU work was complete and handed over.
    pub presented_ns: StageTime,
    /// Time left before the frame's deadline; negative if it was late.
    pub margin_ns: i64,
    /// Ticks without a new picture between the frame before and this one.
    pub missed: u64,
    /// How well the beat follows its source.
    #[serde(default)]
    pub sync: BeatSync,
    pub cameras: BTreeMap<String, CameraReport>,
    pub feeds: BTreeMap<String, FeedReport>,
    pub stages_ns: StageDurations,
}

/// The pose the wall really showed, and its history. Null where it does not apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation: interfaces, section 4")]
pub struct CameraReport {
    pub position_m: Option<[f64; 3]>,
    pub orientation_wxyz: Option<[f64; 4]>,
    pub focal_length_mm: Option<f64>,
    pub quality: Quality,
    pub capture_ns: Option<StageTime>,
    pub received_ns: Option<StageTime>,
    pub latched_ns: Option<StageTime>,
    pub late_latched_ns: Option<StageTime>,
    pub warped_ns: Option<StageTime>,
    pub pose_for_ns: Option<StageTime>,
    /// `pose_for_ns - capture_ns`.
    pub pose_age_ns: Option<i64>,
    /// Linear overscan of the inner picture as it was drawn.
    #[serde(default)]
    pub overscan: Option<f64>,
    /// The overscan that the camera's turn and the measured latency ask for: `1 + 2 omega t / fov`, full weight kept.
    #[serde(default)]
    pub overscan_needed: Option<f64>,
    /// Whether each wall pixel was drawn for the sensor line that sees it.
    #[serde(default)]
    pub exposure_true: bool,
    /// Wall pixels whose surface the drawn picture did not hold when it was re-projected.
    #[serde(default)]
    pub disoccluded_px: Option<u64>,
}

impl CameraReport {
    /// When the pose that the wall showed was taken for the last time: by the compose pass, else just before the
    /// pictures were drawn, else at the latch.
    pub fn used_ns(&self) -> Option<StageTime> {
        self.warped_ns.or(self.late_latched_ns).or(self.latched_ns)
    }

    /// From the arrival of the newest sample in it to that instant: what this program adds, nanoseconds.
    pub fn receive_to_use_ns(&self) -> Option<i64> {
        Some(self.used_ns()?.nanos_since(self.received_ns?))
    }
}

/// A feed's counters since start.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct FeedReport {
    /// Packets that arrived and were of use.
    pub packets: u64,
    /// Packets that were refused.
    pub bad: u64,
    /// Samples known to be missing (sequence gaps, where the protocol counts) or dropped on a full channel.
    pub lost: u64,
    /// 99th percentile of the deviation of arrival intervals from their median, last 1,000 packets.
    pub jitter_p99_ns: i64,
}

/// How long each stage of the frame took, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation: interfaces, section 4")]
pub struct StageDurations {
    pub latch: i64,
    pub simulate: i64,
    pub solve: i64,
    pub render: i64,
    pub compose: i64,
    pub present: i64,
}
