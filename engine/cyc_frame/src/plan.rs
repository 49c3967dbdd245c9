//! The plan of one frame: every view as matrices, f64, stage space.

use cyc_core::{CameraInput, StageTime};
use nalgebra::{Matrix4, Point3};

/// What is to be drawn in one frame. Pure function of stage and input.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FramePlan {
    /// Frame number.
    pub frame: u64,
    /// When the light is expected.
    pub display_time: StageTime,
    /// One entry per stage camera, in priority order; `None` while nothing is known about it.
    pub cameras: Vec<Option<InnerView>>,
}

/// A camera's inner frustum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InnerView {
    /// The state it was solved for.
    pub input: CameraInput,
    /// The entrance pupil in stage space, metres: where the view is drawn from.
    pub pupil_m: Point3<f64>,
    /// Stage to clip space of the inner picture (overscan included): x right, y up, infinite reverse-Z,
    /// `w` = distance along the camera's +Y in metres.
    pub clip_from_stage: Matrix4<f64>,
    /// Tangent of half the inner picture's width and height, overscan included.
    pub half_tan: [f64; 2],
    /// Linear overscan on the sensor's half size.
    pub overscan: f64,
    /// Width of the soft edge as a fraction of the overscan.
    pub soft_edge: f64,
    /// The camera as its first and as its last sensor line expose, where the wall is drawn line by line.
    pub lines: Option<[LineView; 2]>,
    /// The first sensor line is at the top.
    pub lines_down: bool,
}

/// A camera's view as one sensor line exposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineView {
    /// The entrance pupil in stage space, metres.
    pub pupil_m: Point3<f64>,
    /// Stage to clip space, as [`InnerView::clip_from_stage`].
    pub clip_from_stage: Matrix4<f64>,
}

/// A view from the eye point that covers a part of one wall. Static: walls and eye point do not move.
#[derive(Debug, Clone, PartialEq)]
pub struct OuterView {
    /// Index of the wall.
    pub wall: usize,
    /// Stage to clip space: infinite reverse-Z, `w` = distance along the view's axis in metres.
    pub clip_from_stage: Matrix4<f64>,
    /// Picture size at which a picture pixel is no coarser than the wall's pixels as seen from the eye point, up to
    /// 4096 a side and a ratio of 8 between its sides; a flat wall's picture has its very pixels, and two more on
    /// each side.
    pub size_px: [u32; 2],
}

/// The outer views of a stage and which of them each wall patch looks at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OuterLayout {
    /// All views, grouped by wall.
    pub views: Vec<OuterView>,
    /// Per wall its patches, cut where no single view holds one, each with an index into `views`
    /// (`None`: the patch passes through the eye point and cannot be seen from it).
    pub patches: Vec<Vec<(cyc_stage::stage::Patch, Option<usize>)>>,
}
