//! One frame's report from what is known once it has been presented.

use cyc_core::report::{CameraReport, FeedReport, StageDurations};
use cyc_core::{CameraState, FrameInput, FrameReport, Quality, StageTime, Tick};
use std::collections::BTreeMap;

/// The state of one camera that the wall really showed, and when it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraTrace {
    /// The last state that shaped the picture: the warped, else the late-latched, else the latched one.
    pub shown: CameraState,
    /// When the frame's first state was latched.
    pub latched: StageTime,
    /// When the state was renewed before the pictures were drawn; `None` where that is off.
    pub late_latched: Option<StageTime>,
    /// When the compose pass took its state; `None` where that is off.
    pub warped: Option<StageTime>,
    /// The instant the shown pose was computed for.
    pub pose_for: StageTime,
}

/// What a frame leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct FrameRecord<'a> {
    /// Its tick.
    pub tick: Tick,
    /// Its input.
    pub input: &'a FrameInput,
    /// Its cameras, by id.
    pub cameras: &'a BTreeMap<String, CameraTrace>,
    /// When its GPU work was complete and handed over.
    pub presented: StageTime,
    /// When that was due.
    pub deadline: StageTime,
    /// Ticks without a new picture between the frame before and this one.
    pub missed: u64,
    /// How long each stage took.
    pub stages: StageDurations,
}

/// The report of a frame; `feeds` are the counters of every feed, as `PoseSource::feeds` gives them.
pub fn frame_report(record: &FrameRecord<'_>, feeds: Vec<(String, FeedReport)>) -> FrameReport {
    FrameReport {
        frame: record.input.frame,
        timecode: record.input.timecode.clone(),
        tick_ns: record.tick.ideal,
        tick_error_ns: record.tick.actual.nanos_since(record.tick.ideal),
        display_time_ns: record.input.display_time,
        presented_ns: record.presented,
        margin_ns: record.deadline.nanos_since(record.presented),
        missed: record.missed,
        cameras: record.cameras.iter().map(|(id, trace)| (id.clone(), camera_report(trace))).collect(),
        feeds: feeds.into_iter().collect(),
        stages_ns: record.stages,
    }
}

/// Before the first sample nothing is known, and every stamp is null.
fn camera_report(trace: &CameraTrace) -> CameraReport {
    let known = trace.shown.input.as_ref();
    let when_known = |instant: Option<StageTime>| instant.filter(|_| known.is_some());
    let capture = when_known(trace.shown.capture);
    CameraReport {
        position_m: known.map(|input| input.pose.position_m.coords.into()),
        orientation_wxyz: known.map(|input| input.pose.orientation_wxyz()),
        focal_length_mm: known.map(|input| input.focal_length_mm),
        quality: known.map_or(Quality::Lost, |input| input.quality),
        capture_ns: capture,
        received_ns: when_known(trace.shown.received),
        latched_ns: when_known(Some(trace.latched)),
        late_latched_ns: when_known(trace.late_latched),
        warped_ns: when_known(trace.warped),
        pose_for_ns: when_known(Some(trace.pose_for)),
        pose_age_ns: capture.map(|capture| trace.pose_for.nanos_since(capture)),
    }
}
