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
    /// Linear overscan of the inner picture as drawn; `None` if there is none.
    pub overscan: Option<f64>,
    /// The overscan that the camera's turn and the measured latency ask for.
    pub overscan_needed: Option<f64>,
    /// Each wall pixel was drawn for the sensor line that sees it.
    pub exposure_true: bool,
    /// Wall pixels whose surface the drawn picture did not hold; `None` where nothing was re-projected.
    pub disoccluded_px: Option<u64>,
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
    /// When its GPU work was complete.
    pub complete: StageTime,
    /// When that was due.
    pub deadline: StageTime,
    /// When it was handed over.
    pub presented: StageTime,
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
        margin_ns: record.deadline.nanos_since(record.complete),
        missed: record.missed,
        sync: record.tick.sync,
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
        overscan: trace.overscan.filter(|_| known.is_some()),
        overscan_needed: trace.overscan_needed.filter(|_| known.is_some()),
        exposure_true: trace.exposure_true && known.is_some(),
        disoccluded_px: trace.disoccluded_px,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::input;
    use cyc_core::Pose;

    fn report_of(trace: CameraTrace) -> FrameReport {
        let input = FrameInput {
            frame: 3,
            timecode: "01:00:00:03".into(),
            display_time: StageTime(2_000),
            ..FrameInput::default()
        };
        let record = FrameRecord {
            tick: Tick { actual: StageTime(1_012), ..Tick::on_time(3, StageTime(1_000)) },
            input: &input,
            cameras: &BTreeMap::from([("cam".to_string(), trace)]),
            complete: StageTime(1_400),
            presented: StageTime(1_490),
            deadline: StageTime(1_500),
            missed: 2,
            stages: StageDurations { solve: 11, ..StageDurations::default() },
        };
        frame_report(&record, vec![("trk".into(), FeedReport { packets: 5, ..FeedReport::default() })])
    }

    fn trace(shown: CameraState) -> CameraTrace {
        CameraTrace {
            shown,
            latched: StageTime(1_020),
            late_latched: None,
            warped: Some(StageTime(1_300)),
            pose_for: StageTime(2_000),
            overscan: Some(1.25),
            overscan_needed: Some(1.1),
            exposure_true: false,
            disoccluded_px: None,
        }
    }

    #[test]
    fn a_known_camera_reports_its_pose_and_age() {
        let known = input(Pose::identity(), 35.0);
        let shown = CameraState {
            input: Some(known),
            capture: Some(StageTime(900)),
            received: Some(StageTime(950)),
            motion: None,
        };
        let report = report_of(trace(shown));
        assert_eq!((report.frame, report.tick_error_ns, report.margin_ns, report.missed), (3, 12, 100, 2));
        assert_eq!((report.tick_ns, report.display_time_ns), (StageTime(1_000), StageTime(2_000)));
        assert_eq!((report.feeds["trk"].packets, report.stages_ns.solve), (5, 11));
        let camera = serde_json::to_value(&report.cameras["cam"]).unwrap();
        let expected = serde_json::json!({
            "position_m": [0.0, 0.0, 0.0], "orientation_wxyz": [1.0, 0.0, 0.0, 0.0], "focal_length_mm": 35.0,
            "quality": "measured", "capture_ns": 900, "received_ns": 950, "latched_ns": 1020,
            "late_latched_ns": null, "warped_ns": 1300, "pose_for_ns": 2000, "pose_age_ns": 1100,
            "overscan": 1.25, "overscan_needed": 1.1, "exposure_true": false, "disoccluded_px": null,
        });
        assert_eq!(camera, expected);
    }

    #[test]
    fn an_unknown_camera_is_lost_and_all_null() {
        let stale = CameraState { capture: Some(StageTime(1)), ..CameraState::LOST };
        let camera = serde_json::to_value(&report_of(trace(stale)).cameras["cam"]).unwrap();
        for (key, value) in camera.as_object().unwrap() {
            assert!(
                if key == "quality" { value == "lost" } else { value.is_null() || value == false },
                "{key}: {value}"
            );
        }
    }

    #[test]
    fn a_camera_without_capture_has_no_age() {
        let fixed = CameraState { input: Some(input(Pose::identity(), 35.0)), ..CameraState::LOST };
        let report = report_of(trace(fixed));
        assert_eq!((report.cameras["cam"].pose_age_ns, report.cameras["cam"].quality), (None, Quality::Measured));
    }
}
