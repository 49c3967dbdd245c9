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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{camera, input, stage, wall};
    use cyc_core::{FrameInput, Pose};

    #[test]
    fn a_line_holds_every_camera_and_wall_in_column_major_order() {
        let flat = wall(2, 2, None, [0.0, 4.0, 0.0], [0.0; 3]);
        let mut stage = stage([0.0, 0.0, 1.6], vec![flat]);
        stage.cameras = vec![camera("a", None, None), camera("b", None, None)];
        let pose = Pose::from_pan_tilt_roll(Point3::new(1.0, -2.0, 1.5), 0.3, 0.1, 0.0);
        let known = BTreeMap::from([("a".to_string(), input(pose, 50.0))]);
        let plan = crate::solve(&stage, &FrameInput { frame: 4, cameras: known, ..FrameInput::default() });
        let layout = crate::outer_layout(&stage);
        let line = serde_json::to_value(plan_line(&plan, &stage, &layout)).unwrap();

        assert_eq!(line["frame"], 4);
        assert!(line["cameras"]["b"].is_null());
        let a = &line["cameras"]["a"];
        assert_eq!((a["focal_length_mm"].as_f64(), a["overscan"].as_f64()), (Some(50.0), Some(1.25)));
        assert_eq!(a["position_m"], serde_json::json!([1.0, -2.0, 1.5]));
        let matrix = plan.cameras[0].unwrap().clip_from_stage;
        assert_eq!(a["clip_from_stage"].as_array().unwrap().len(), 16);
        // The second column's first row, and the fourth column's third: the near plane.
        assert_eq!(a["clip_from_stage"][4].as_f64(), Some(matrix[(0, 1)]));
        assert_eq!(a["clip_from_stage"][14].as_f64(), Some(crate::NEAR_M));
        let views = line["walls"]["w"].as_array().unwrap();
        assert_eq!(views.len(), layout.views.len());
        assert_eq!(views[0]["position_m"], serde_json::json!([0.0, 0.0, 1.6]));
        assert_eq!(views[0]["size_px"], serde_json::json!([388, 388]));
        assert_eq!(views[0]["clip_from_stage"][15].as_f64(), Some(layout.views[0].clip_from_stage[(3, 3)]));
    }
}
