//! The film cameras' views: `solve`, and `relatch` for poses renewed late in the frame.

use crate::plan::{FramePlan, InnerView, LineView};
use crate::view::{self, Axes, clip_from_stage};
use cyc_core::{CameraInput, FrameInput, LateCamera, Pose};
use cyc_stage::stage::{Camera, Stage};
use nalgebra::{Point3, Vector3};

/// What is to be drawn for `input`: one entry per stage camera, in the stage's priority order.
///
/// Total: a camera without usable numbers is `None`, whatever they are. Cameras that the stage does not have are
/// ignored. The quality of a pose does not matter: a lost feed keeps its last picture.
pub fn solve(stage: &Stage, input: &FrameInput) -> FramePlan {
    let view = |camera: &Camera| inner_view(camera, input.cameras.get(&camera.id)?, [0.0; 2]);
    FramePlan {
        frame: input.frame,
        display_time: input.display_time,
        cameras: stage.cameras.iter().map(view).collect(),
    }
}

/// The plan with the camera states in `late` (one per stage camera) in place of those it was solved for.
///
/// A camera about which `late` says nothing, or with unusable numbers, keeps its view; one that had no view has no
/// picture either, and stays `None`.
pub fn relatch(stage: &Stage, plan: &FramePlan, late: &[Option<LateCamera>]) -> FramePlan {
    let mut renewed = FramePlan { cameras: Vec::with_capacity(plan.cameras.len()), ..*plan };
    relatch_into(stage, plan, late, &mut renewed);
    renewed
}

/// [`relatch`] into a plan that exists already; allocates nothing once `renewed` has held as many cameras.
pub fn relatch_into(stage: &Stage, plan: &FramePlan, late: &[Option<LateCamera>], renewed: &mut FramePlan) {
    renewed.frame = plan.frame;
    renewed.display_time = plan.display_time;
    renewed.cameras.clear();
    renewed.cameras.extend(plan.cameras.iter().enumerate().map(|(index, drawn)| {
        let drawn = (*drawn)?;
        let late = late.get(index).copied().flatten();
        let newer = stage.cameras.get(index).zip(late).and_then(|(camera, late)| late_view(camera, &late));
        Some(newer.unwrap_or(drawn))
    }));
}

/// The late states of a frame's input, one per stage camera.
pub fn late_cameras(stage: &Stage, input: &FrameInput) -> Vec<Option<LateCamera>> {
    stage.cameras.iter().map(|camera| input.late.get(&camera.id).copied()).collect()
}

/// One camera's view by a state renewed late in the frame, with its sensor lines where the state has them.
fn late_view(camera: &Camera, late: &LateCamera) -> Option<InnerView> {
    let view = inner_view(camera, &late.input, [0.0; 2])?;
    let line = |pose: Pose| {
        let InnerView { pupil_m, clip_from_stage, .. } =
            inner_view(camera, &CameraInput { pose, ..late.input }, [0.0; 2])?;
        Some(LineView { pupil_m, clip_from_stage })
    };
    let lines = late.lines.and_then(|[first, last]| Some([line(first)?, line(last)?]));
    Some(InnerView { lines, ..view })
}

/// One camera's view from its entrance pupil, overscan included.
///
/// `projection_offset_mm` is the lens's shift of the picture on the sensor, x right and y down, zero where nothing
/// is known (OpenLensIO 1.0, delta P). `None` if focal length, pose or sensor give no finite picture; an entrance
/// pupil offset that is not finite counts as zero, since a view a few centimetres off beats none.
pub fn inner_view(camera: &Camera, input: &CameraInput, projection_offset_mm: [f64; 2]) -> Option<InnerView> {
    let focal_mm = input.focal_length_mm;
    if !(focal_mm.is_finite() && focal_mm > 0.0) {
        return None;
    }
    let turn = |axis: Vector3<f64>| input.pose.orientation * axis;
    let axes = Axes { right: turn(Vector3::x()), forward: turn(Vector3::y()), up: turn(Vector3::z()) };
    let offset_m = if input.entrance_pupil_offset_m.is_finite() { input.entrance_pupil_offset_m } else { 0.0 };
    let pupil_m = input.pose.position_m + axes.forward * offset_m;

    let overscan = input.overscan.filter(|wide| wide.is_finite() && *wide >= 1.0).unwrap_or(camera.inner.overscan);
    let half_tan = camera.sensor_mm.map(|side_mm| overscan * side_mm / 2.0 / focal_mm);
    // The picture's centre looks where the sensor's centre does: against the shift; y turns from down to up.
    let centre_tan = [-projection_offset_mm[0] / focal_mm, projection_offset_mm[1] / focal_mm];
    let clip_from_stage = clip_from_stage(&pupil_m, &axes, centre_tan, half_tan);

    let usable = half_tan.iter().all(|t| t.is_finite() && *t > 0.0) && clip_from_stage.iter().all(|x| x.is_finite());
    usable.then_some(InnerView {
        input: *input,
        pupil_m,
        clip_from_stage,
        half_tan,
        overscan,
        soft_edge: camera.inner.soft_edge,
        lines: None,
        lines_down: camera.exposure.shutter.is_none_or(|shutter| shutter.lines_down),
    })
}

/// Where a stage point lies in the inner picture: ndc, x right and y up, |ndc| = 1 at the overscan's edge; `None`
/// unless it is in front of the pupil.
pub fn inner_ndc(view: &InnerView, point_m: &Point3<f64>) -> Option<[f64; 2]> {
    view::ndc(&view.clip_from_stage, point_m)
}

/// Where a stage point lies in the inner picture: uv, (0,0) top left, overscan included; outside 0..=1 it is
/// beyond the picture. `None` unless it is in front of the pupil.
pub fn inner_uv(view: &InnerView, point_m: &Point3<f64>) -> Option<[f64; 2]> {
    inner_ndc(view, point_m).map(view::uv_from_ndc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{camera, input, stage};
    use cyc_core::{Pose, StageTime};
    use proptest::prelude::*;

    fn two_cameras() -> Stage {
        Stage { cameras: vec![camera("a", None, None), camera("b", None, None)], ..stage([0.0; 3], vec![]) }
    }

    fn frame(cameras: &[(&str, CameraInput)]) -> FrameInput {
        let cameras = cameras.iter().map(|(id, input)| (id.to_string(), *input)).collect();
        FrameInput { frame: 7, display_time: StageTime(9), cameras, ..FrameInput::default() }
    }

    #[test]
    fn the_identity_camera_looks_along_y_with_z_up() {
        let input = CameraInput { entrance_pupil_offset_m: 0.1, ..input(Pose::identity(), 35.0) };
        let view = inner_view(&camera("a", None, None), &input, [0.0; 2]).unwrap();
        assert_eq!(view.pupil_m, Point3::new(0.0, 0.1, 0.0));
        let [half_x, half_y] = view.half_tan;
        assert!((half_x - 1.25 * 27.99 / 2.0 / 35.0).abs() < 1e-15);
        let at = |x: f64, z: f64| inner_uv(&view, &Point3::new(x, 2.1, z)).unwrap();
        let close = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).abs() < 1e-12 && (a[1] - b[1]).abs() < 1e-12;
        assert!(close(at(0.0, 0.0), [0.5, 0.5]));
        assert!(close(at(-2.0 * half_x, 2.0 * half_y), [0.0, 0.0]));
        assert!(close(at(2.0 * half_x, -2.0 * half_y), [1.0, 1.0]));
        assert_eq!(inner_uv(&view, &Point3::new(0.0, 0.1, 0.0)), None);
        assert_eq!(inner_uv(&view, &Point3::new(0.0, -5.0, 0.0)), None);
        let depth = view.clip_from_stage * Point3::new(0.3, 2.1, 0.2).to_homogeneous();
        assert!((depth.z / depth.w - 0.05).abs() < 1e-15);
    }

    #[test]
    fn cameras_come_in_the_stage_order_and_unknown_ones_are_none() {
        let known = input(Pose::identity(), 35.0);
        let plan = solve(&two_cameras(), &frame(&[("b", known), ("stranger", known)]));
        assert_eq!((plan.frame, plan.display_time), (7, StageTime(9)));
        assert!(plan.cameras[0].is_none());
        assert_eq!(plan.cameras[1].unwrap().input, known);
        assert_eq!(plan.cameras.len(), 2);
    }

    #[test]
    fn a_late_pose_replaces_only_what_it_names_and_can() {
        let stage = two_cameras();
        let early = input(Pose::identity(), 35.0);
        let turned = input(Pose::from_pan_tilt_roll(Point3::new(0.1, 0.0, 0.0), 0.2, 0.0, 0.0), 36.0);
        let late = |input| [Some(LateCamera { input, lines: None }), None];
        let plan = solve(&stage, &frame(&[("a", early), ("b", early)]));
        let renewed = relatch(&stage, &plan, &late(turned));
        assert_eq!(renewed.cameras[0], solve(&stage, &frame(&[("a", turned)])).cameras[0]);
        assert_eq!(renewed.cameras[1], plan.cameras[1]);
        assert_eq!((renewed.frame, renewed.display_time), (plan.frame, plan.display_time));
        let unusable = CameraInput { focal_length_mm: 0.0, ..turned };
        assert_eq!(relatch(&stage, &plan, &late(unusable)), plan);
        // What was not drawn cannot be shown.
        let blind = solve(&stage, &frame(&[]));
        assert_eq!(relatch(&stage, &blind, &late(turned)), blind);
    }

    #[test]
    fn lines_are_views_from_where_the_sensor_is_as_they_expose() {
        let stage = two_cameras();
        let at = |x: f64| Pose::from_pan_tilt_roll(Point3::new(x, 0.0, 0.0), x, 0.0, 0.0);
        let middle = CameraInput { entrance_pupil_offset_m: 0.2, overscan: Some(1.5), ..input(at(0.1), 35.0) };
        let plan = solve(&stage, &frame(&[("a", middle)]));
        let late = [Some(LateCamera { input: middle, lines: Some([at(0.0), at(0.2)]) }), None];
        let [first, last] = relatch(&stage, &plan, &late).cameras[0].unwrap().lines.unwrap();
        for (line, x) in [(first, 0.0), (last, 0.2)] {
            let alone = solve(&stage, &frame(&[("a", CameraInput { pose: at(x), ..middle })])).cameras[0].unwrap();
            assert_eq!((line.pupil_m, line.clip_from_stage), (alone.pupil_m, alone.clip_from_stage));
            assert_eq!(alone.overscan, 1.5);
        }
    }

    fn any_number() -> impl Strategy<Value = f64> {
        prop_oneof![any::<f64>(), -10.0..100.0_f64, Just(f64::NAN), Just(f64::INFINITY), Just(0.0)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn solve_gives_finite_views_or_none(
            position in [any_number(), any_number(), any_number()],
            turn in [-4.0..4.0_f64, -4.0..4.0, -4.0..4.0],
            focal in any_number(), offset in any_number(), sensor in [any_number(), any_number()],
        ) {
            let pose = Pose::from_pan_tilt_roll(Point3::from(position), turn[0], turn[1], turn[2]);
            let known = CameraInput { entrance_pupil_offset_m: offset, ..input(pose, focal) };
            let mut stage = two_cameras();
            stage.cameras[0].sensor_mm = sensor;
            for view in solve(&stage, &frame(&[("a", known), ("b", known)])).cameras.into_iter().flatten() {
                prop_assert!(view.clip_from_stage.iter().chain(view.half_tan.iter()).all(|x| x.is_finite()));
                prop_assert!(view.pupil_m.iter().all(|x| x.is_finite()));
                prop_assert!(focal > 0.0);
            }
        }

        #[test]
        fn a_point_ahead_is_where_the_camera_sees_it(
            position in [-5.0..5.0_f64, -5.0..5.0, 0.0..3.0],
            turn in [-3.0..3.0_f64, -1.5..1.5, -3.0..3.0],
            focal in 12.0..200.0_f64, offset in -0.1..0.3_f64, at in [-0.9..0.9_f64, -0.9..0.9], distance in 0.2..30.0_f64,
        ) {
            let pose = Pose::from_pan_tilt_roll(Point3::from(position), turn[0], turn[1], turn[2]);
            let known = CameraInput { entrance_pupil_offset_m: offset, ..input(pose, focal) };
            let view = inner_view(&camera("a", None, None), &known, [0.0; 2]).unwrap();
            let own = Point3::new(
                at[0] * 1.25 * 27.99 / 2.0 / focal * distance,
                offset + distance,
                at[1] * 1.25 * 19.22 / 2.0 / focal * distance,
            );
            let seen = inner_ndc(&view, &(pose.stage_from_own() * own)).unwrap();
            prop_assert!((seen[0] - at[0]).abs() < 1e-9 && (seen[1] - at[1]).abs() < 1e-9, "{:?} {:?}", seen, at);
        }
    }
}
