//! A plan as one line of `plan.jsonl`: what was drawn from where, for people who check or re-project pictures.

use crate::plan::{FramePlan, InnerView, OuterLayout, OuterView};
use cyc_core::StageTime;
use cyc_stage::stage::Stage;
use nalgebra::{Matrix4, Point3};
use serde::Serialize;
use std::collections::BTreeMap;

/// One line of `plan.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanLine {
    /// Frame number.
    pub frame: u64,
    /// When the light is expected.
    pub display_time_ns: StageTime,
    /// Every stage camera by id; null while nothing is known about it.
    pub cameras: BTreeMap<String, Option<CameraLine>>,
    /// Every wall's outer views by wall id.
    pub walls: BTreeMap<String, Vec<OuterLine>>,
}

/// A camera's inner view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CameraLine {
    /// Sensor position, stage space, metres.
    pub position_m: [f64; 3],
    /// Sensor orientation, camera axes to stage axes.
    pub orientation_wxyz: [f64; 4],
    /// Entrance pupil, stage space, metres: where the view is drawn from.
    pub pupil_m: [f64; 3],
    /// Pinhole focal length in millimetres.
    pub focal_length_mm: f64,
    /// Linear overscan on the sensor's half size.
    pub overscan: f64,
    /// Stage to clip space, overscan included; 16 numbers, column-major.
    pub clip_from_stage: [f64; 16],
}

/// One outer view of a wall.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OuterLine {
    /// The eye point, stage space, metres: where the view is drawn from.
    pub position_m: [f64; 3],
    /// Picture size in pixels.
    pub size_px: [u32; 2],
    /// Stage to clip space; 16 numbers, column-major.
    pub clip_from_stage: [f64; 16],
}

/// The line for a plan, drawn with the outer views of `outer`.
pub fn plan_line(plan: &FramePlan, stage: &Stage, outer: &OuterLayout) -> PlanLine {
    let camera = |(index, camera): (usize, &cyc_stage::stage::Camera)| {
        (camera.id.clone(), plan.cameras.get(index).and_then(Option::as_ref).map(camera_line))
    };
    let wall = |(index, wall): (usize, &cyc_stage::stage::Wall)| {
        let own = outer.views.iter().filter(|view| view.wall == index);
        (wall.id.clone(), own.map(|view| outer_line(view, &stage.eye_point_m)).collect())
    };
    PlanLine {
        frame: plan.frame,
        display_time_ns: plan.display_time,
        cameras: stage.cameras.iter().enumerate().map(camera).collect(),
        walls: stage.walls.iter().enumerate().map(wall).collect(),
    }
}

fn camera_line(view: &InnerView) -> CameraLine {
    CameraLine {
        position_m: view.input.pose.position_m.coords.into(),
        orientation_wxyz: view.input.pose.orientation_wxyz(),
        pupil_m: view.pupil_m.coords.into(),
        focal_length_mm: view.input.focal_length_mm,
        overscan: view.overscan,
        clip_from_stage: column_major(&view.clip_from_stage),
    }
}

fn outer_line(view: &OuterView, eye_m: &Point3<f64>) -> OuterLine {
    OuterLine {
        position_m: eye_m.coords.into(),
        size_px: view.size_px,
        clip_from_stage: column_major(&view.clip_from_stage),
    }
}

/// nalgebra stores columns one after the other.
fn column_major(matrix: &Matrix4<f64>) -> [f64; 16] {
    std::array::from_fn(|i| matrix[(i % 4, i / 4)])
}
