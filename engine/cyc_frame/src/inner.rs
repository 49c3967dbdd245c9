//! The film cameras' views: `solve`, and `relatch` for poses renewed late in the frame.

use crate::plan::{FramePlan, InnerView};
use crate::view::{self, Axes, clip_from_stage};
use cyc_core::{CameraInput, FrameInput};
use cyc_stage::stage::{Camera, Stage};
use nalgebra::{Point3, Vector3};
use std::collections::BTreeMap;

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

/// The plan with the camera states in `late` in place of those it was solved for: what the mask and the pupil
/// shift take, while the pictures keep the views of `plan`.
///
/// A camera that `late` does not name, or names with unusable numbers, keeps its view; one that had no view has no
/// picture either, and stays `None`.
pub fn relatch(stage: &Stage, plan: &FramePlan, late: &BTreeMap<String, CameraInput>) -> FramePlan {
    let mut renewed = FramePlan { cameras: Vec::with_capacity(plan.cameras.len()), ..*plan };
    relatch_into(stage, plan, late, &mut renewed);
    renewed
}

/// [`relatch`] into a plan that exists already; allocates nothing once `renewed` has held as many cameras.
pub fn relatch_into(stage: &Stage, plan: &FramePlan, late: &BTreeMap<String, CameraInput>, renewed: &mut FramePlan) {
    renewed.frame = plan.frame;
    renewed.display_time = plan.display_time;
    renewed.cameras.clear();
    renewed.cameras.extend(plan.cameras.iter().enumerate().map(|(index, drawn)| {
        let drawn = (*drawn)?;
        let newer = stage.cameras.get(index).and_then(|camera| inner_view(camera, late.get(&camera.id)?, [0.0; 2]));
        Some(newer.unwrap_or(drawn))
    }));
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

    let overscan = camera.inner.overscan;
    let half_tan = camera.sensor_mm.map(|side_mm| overscan * side_mm / 2.0 / focal_mm);
    // The picture's centre looks where the sensor's centre does: against the shift; y turns from down to up.
    let centre_tan = [-projection_offset_mm[0] / focal_mm, projection_offset_mm[1] / focal_mm];
    let clip_from_stage = clip_from_stage(&pupil_m, &axes, centre_tan, half_tan);

    let usable = half_tan.iter().all(|t| *t > 0.0) && clip_from_stage.iter().all(|x| x.is_finite());
    usable.then_some(InnerView {
        input: *input,
        pupil_m,
        clip_from_stage,
        half_tan,
        overscan,
        soft_edge: camera.inner.soft_edge,
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
