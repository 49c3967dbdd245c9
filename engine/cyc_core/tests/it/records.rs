use cyc_core::input::SubjectInput;
use cyc_core::pose::PoseError;
use cyc_core::report::{CameraReport, FeedReport};
use cyc_core::{CameraInput, FrameInput, FrameReport, Pose, Quality, StageTime};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;

const FRAME: &str = r#"{"frame": 0, "timecode": "01:00:00:00", "display_time_ns": 0,
 "cameras": {"cam-a": {"position_m": [0.0, -3.0, 1.6], "orientation_wxyz": [1,0,0,0],
   "focal_length_mm": 35.0, "focus_distance_m": 4.0, "entrance_pupil_offset_m": 0.0, "quality": "measured"}},
 "subjects": {}, "events": []}"#;

fn frame_with(from: &str, to: &str) -> Result<FrameInput, serde_json::Error> {
    assert!(FRAME.contains(from), "{from}");
    serde_json::from_str(&FRAME.replace(from, to))
}

#[test]
fn the_line_of_the_interface_is_read() {
    let frame: FrameInput = serde_json::from_str(FRAME).unwrap();
    assert_eq!((frame.frame, frame.timecode.as_str(), frame.display_time), (0, "01:00:00:00", StageTime(0)));
    let camera = frame.cameras["cam-a"];
    assert_eq!(camera.pose, Pose::checked([0.0, -3.0, 1.6], [1.0, 0.0, 0.0, 0.0]).unwrap());
    assert_eq!((camera.focal_length_mm, camera.focus_distance_m, camera.quality), (35.0, Some(4.0), Quality::Measured));
    assert!(frame.late.is_empty() && frame.subjects.is_empty() && frame.events.is_empty());
}

#[test]
fn what_is_optional_may_be_absent_and_what_is_unknown_may_be_there() {
    let frame: FrameInput = serde_json::from_str(r#"{"frame": 7, "display_time_ns": 5}"#).unwrap();
    assert!(frame.cameras.is_empty());
    let frame =
        frame_with(r#""focus_distance_m": 4.0, "entrance_pupil_offset_m": 0.0,"#, r#""iris": [1], "t_stop": 2.8,"#)
            .unwrap();
    assert_eq!(frame.cameras["cam-a"].focus_distance_m, None);
    assert_eq!(frame.cameras["cam-a"].entrance_pupil_offset_m, 0.0);
    assert!(frame_with(r#""subjects""#, r#""weather": "fine", "subjects""#).is_ok());
}

#[test]
fn late_cameras_subjects_and_events_are_read() {
    let frame = frame_with(
        r#""subjects": {}, "events": []"#,
        r#""subjects": {"prop": {"position_m": [1,2,3], "orientation_wxyz": [0,0,0,-2], "quality": "held"}},
           "events": [{"name": "cue 1"}],
           "late": {"cam-a": {"position_m": [0,-3,1.7], "orientation_wxyz": [1,0,0,0], "focal_length_mm": 35, "quality": "predicted"}}"#,
    )
    .unwrap();
    let SubjectInput { pose, quality } = frame.subjects["prop"];
    assert_eq!((pose.orientation_wxyz(), quality), ([0.0, 0.0, 0.0, -1.0], Quality::Held));
    assert_eq!(frame.late["cam-a"].input.quality, Quality::Predicted);
    assert_eq!(frame.events[0].name, "cue 1");
    let again: FrameInput = serde_json::from_str(&serde_json::to_string(&frame).unwrap()).unwrap();
    assert_eq!(again, frame);
}

#[test]
fn wrong_values_are_refused_by_name() {
    for (from, to, message) in [
        (
            "[1,0,0,0]",
            "[0,0,0,0]",
            r#"camera "cam-a": orientation_wxyz is zero or not finite; the identity is [1, 0, 0, 0]"#,
        ),
        ("[1,0,0,0]", "[1,0,0]", r#"camera "cam-a": orientation_wxyz must be 4 numbers"#),
        ("[1,0,0,0]", "[1,null,0,0]", r#"camera "cam-a": orientation_wxyz must be 4 numbers"#),
        ("[0.0, -3.0, 1.6]", "[0.0, \"NaN\", 1.6]", r#"camera "cam-a": position_m must be 3 numbers"#),
        ("[0.0, -3.0, 1.6]", "[0.0, -3.0, 1.6, 1]", r#"camera "cam-a": position_m must be 3 numbers"#),
        (r#""orientation_wxyz": [1,0,0,0],"#, "", r#"camera "cam-a": missing field `orientation_wxyz`"#),
        ("35.0", "0", r#"camera "cam-a": focal_length_mm must be greater than 0, not 0"#),
        ("35.0", "-35", r#"camera "cam-a": focal_length_mm must be greater than 0, not -35"#),
        ("35.0", "\"35\"", r#"camera "cam-a": focal_length_mm must be a number"#),
        (r#""focal_length_mm": 35.0,"#, "", r#"camera "cam-a": missing field `focal_length_mm`"#),
        (
            r#""measured""#,
            r#""good""#,
            r#"camera "cam-a": unknown variant `good`, expected one of `measured`, `predicted`, `held`, `lost`"#,
        ),
        ("-3.0", "1e999", r#"camera "cam-a": number out of range"#),
        ("-3.0", "NaN", r#"camera "cam-a": expected value"#),
    ] {
        let error = frame_with(from, to).unwrap_err().to_string();
        assert!(error.starts_with(message), "{to}: {error}");
        assert!(error.contains(" at line "), "{to}: {error}");
    }
}

#[test]
fn a_wrong_map_says_whose() {
    let error = frame_with(r#""subjects": {}"#, r#""subjects": {"prop": {"position_m": [0,0,0], "quality": "held"}}"#)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("subject \"prop\": missing field `orientation_wxyz`"), "{error}");
    let error = frame_with(r#""subjects": {}"#, r#""late": {"b": 1}"#).unwrap_err().to_string();
    assert!(error.starts_with("late camera \"b\": invalid type: integer `1`"), "{error}");
    let error = frame_with(r#""subjects": {}"#, r#""subjects": [1]"#).unwrap_err().to_string();
    assert!(error.starts_with("invalid type: sequence, expected a map of subjects by id"), "{error}");
}

#[test]
fn a_pose_refuses_what_is_none() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Pose::checked([0.0, bad, 0.0], [1.0, 0.0, 0.0, 0.0]), Err(PoseError::Position));
        assert_eq!(Pose::checked([0.0; 3], [1.0, 0.0, bad, 0.0]), Err(PoseError::Orientation));
    }
    assert_eq!(Pose::checked([0.0; 3], [0.0; 4]), Err(PoseError::Orientation));
    assert_eq!(Pose::checked([0.0; 3], [1e-12, 0.0, 0.0, 0.0]), Err(PoseError::Orientation));
    assert!(PoseError::Position.to_string().contains("position_m"));
    assert!(PoseError::Orientation.to_string().contains("orientation_wxyz"));
}

#[test]
fn angles_turn_as_the_interface_says() {
    let forward = |pan: f64, tilt: f64, roll: f64| {
        let pose = Pose::from_pan_tilt_roll(Point3::origin(), pan.to_radians(), tilt.to_radians(), roll.to_radians());
        [Vector3::y(), Vector3::x()].map(|axis| pose.orientation * axis)
    };
    let close = |a: Vector3<f64>, b: [f64; 3]| assert!((a - Vector3::from(b)).norm() < 1e-12, "{a} {b:?}");
    close(forward(90.0, 0.0, 0.0)[0], [-1.0, 0.0, 0.0]); // left
    close(forward(0.0, 90.0, 0.0)[0], [0.0, 0.0, 1.0]); // up
    close(forward(0.0, 0.0, 90.0)[1], [0.0, 0.0, -1.0]); // the right hand side goes down
    close(forward(90.0, 90.0, 0.0)[0], [0.0, 0.0, 1.0]);
}

#[test]
fn a_mount_is_given_in_the_axes_of_what_carries_it() {
    let carrier = Pose::from_pan_tilt_roll(Point3::new(1.0, 2.0, 3.0), std::f64::consts::FRAC_PI_2, 0.0, 0.0);
    let mounted = carrier.then(&Pose::checked([0.0, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]).unwrap());
    assert!((mounted.position_m - Point3::new(0.5, 2.0, 3.0)).norm() < 1e-12);
    assert!(mounted.orientation.angle_to(&carrier.orientation) < 1e-12);
}

#[test]
fn a_report_has_the_names_of_the_interface() {
    let camera = CameraReport {
        position_m: Some([0.0; 3]),
        orientation_wxyz: Some([1.0, 0.0, 0.0, 0.0]),
        focal_length_mm: None,
        quality: Quality::Lost,
        capture_ns: None,
        received_ns: None,
        latched_ns: Some(StageTime(1)),
        late_latched_ns: None,
        warped_ns: None,
        pose_for_ns: None,
        pose_age_ns: None,
        overscan: None,
        overscan_needed: None,
        exposure_true: false,
        disoccluded_px: None,
    };
    let mut report = FrameReport { frame: 120, timecode: "01:00:05:00".into(), ..FrameReport::default() };
    report.cameras.insert("cam-a".into(), camera);
    report.feeds.insert("trk-a".into(), FeedReport::default());
    let json = serde_json::to_value(&report).unwrap();
    let keys = |value: &serde_json::Value, wanted: &[&str]| {
        for key in wanted {
            assert!(value.get(key).is_some(), "{key} in {value}");
        }
    };
    keys(
        &json,
        &["frame", "timecode", "tick_ns", "tick_error_ns", "display_time_ns", "presented_ns", "margin_ns", "missed"],
    );
    keys(
        &json["cameras"]["cam-a"],
        &[
            "position_m",
            "orientation_wxyz",
            "quality",
            "capture_ns",
            "received_ns",
            "latched_ns",
            "late_latched_ns",
            "warped_ns",
            "pose_for_ns",
            "pose_age_ns",
        ],
    );
    keys(&json["feeds"]["trk-a"], &["packets", "bad", "lost", "jitter_p99_ns"]);
    keys(&json["stages_ns"], &["latch", "simulate", "solve", "render", "compose", "present"]);
    assert!(json["cameras"]["cam-a"]["capture_ns"].is_null());
    assert_eq!(json["cameras"]["cam-a"]["quality"], "lost");
    assert_eq!(serde_json::from_value::<FrameReport>(json).unwrap(), report);
}

proptest! {
    #[test]
    fn poses_come_back_exactly(position_m in prop::array::uniform3(-1e4f64..1e4), wxyz in prop::array::uniform4(-1f64..1.0)) {
        prop_assume!(wxyz.iter().map(|x| x * x).sum::<f64>() > 1e-6);
        let pose = Pose::checked(position_m, wxyz).unwrap();
        let camera = CameraInput { pose, focal_length_mm: 35.0, focus_distance_m: None, entrance_pupil_offset_m: -0.1, quality: Quality::Held, overscan: None };
        let again: CameraInput = serde_json::from_str(&serde_json::to_string(&camera).unwrap()).unwrap();
        prop_assert_eq!(again, camera);
    }

    #[test]
    fn any_text_is_a_frame_or_an_error(text in ".{0,40}") {
        let _ = serde_json::from_str::<FrameInput>(&text);
    }
}
