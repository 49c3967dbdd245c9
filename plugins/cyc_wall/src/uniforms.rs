//! The wall pass's uniforms, laid out as `shaders/pass/compose.wgsl` declares them (a test compares).

use crate::convert::gpu_matrix;
use bevy::math::UVec2;
use bytemuck::{Pod, Zeroable};
use cyc_color::wall::WallEncodeUniform;
use cyc_frame::{
    plan::{FramePlan, InnerView},
    reproject::{LinePath, search_steps},
};
use cyc_stage::stage::{Camera, Stage};
use nalgebra::{Matrix3, Matrix4x3, Point3, Vector3};

/// `Output` in WGSL.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "the WGSL says what each is")]
pub struct OutputUniform {
    pub encode: [u8; WallEncodeUniform::SIZE],
    pub eye_m: [f32; 3],
    pub camera_count: u32,
    pub frame: u32,
    pub level: f32,
    pub texel_rad: f32,
    pub quantised: u32,
    pub source: u32,
    pub pad: [u32; 3],
}

impl OutputUniform {
    /// Bits per channel of the target, where they differ from the signal's.
    pub fn set_bits(&mut self, bits: u32) {
        self.encode[BITS_OFFSET..BITS_OFFSET + 4].copy_from_slice(&bits.to_ne_bytes());
    }
}

const BITS_OFFSET: usize = std::mem::offset_of!(WallEncodeUniform, bits);

/// `Camera` in WGSL.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "the WGSL says what each is")]
pub struct CameraUniform {
    pub clip_from_stage: [[f32; 4]; 4],
    pub picture_from_stage: [[f32; 4]; 4],
    /// A `mat3x3`: each column takes four floats.
    pub pupil_path_m: [[f32; 4]; 3],
    pub y_rows: [[f32; 4]; 3],
    pub w_rows: [[f32; 4]; 3],
    pub uv_scale: [f32; 2],
    pub soft_edge: f32,
    pub lines_per_ndc: f32,
    pub live: u32,
    pub search_steps: u32,
    pub filled_px: [f32; 2],
}

impl CameraUniform {
    /// `shown` decides which pixels are inside and from where they look; `drawn` is the view that the inner picture
    /// was drawn with, the same unless the pose was renewed since. A camera about which nothing is known is dark.
    pub fn new(shown: Option<&InnerView>, drawn: Option<&InnerView>, filled: UVec2, layer: UVec2) -> Self {
        let (Some(view), Some(drawn)) = (shown, drawn.or(shown)) else { return Self::zeroed() };
        let lines = LinePath::of(view);
        let still = Matrix3::from_columns(&[view.pupil_m.coords.cast::<f32>(), Vector3::zeros(), Vector3::zeros()]);
        let pupil = lines.map_or(still, |lines| lines.pupil_m);
        let rows = |rows: Option<Matrix4x3<f32>>| rows.map_or([[0.0; 4]; 3], Into::into);
        Self {
            clip_from_stage: gpu_matrix(&view.clip_from_stage),
            picture_from_stage: gpu_matrix(&drawn.clip_from_stage),
            pupil_path_m: std::array::from_fn(|c| [pupil[(0, c)], pupil[(1, c)], pupil[(2, c)], 0.0]),
            y_rows: rows(lines.map(|lines| lines.y_rows)),
            w_rows: rows(lines.map(|lines| lines.w_rows)),
            uv_scale: (filled.as_vec2() / layer.as_vec2()).into(),
            soft_edge: view.soft_edge as f32,
            lines_per_ndc: lines.map_or(0.0, |lines| lines.lines_per_ndc),
            live: 1,
            search_steps: search_steps(view, drawn, f64::from(filled.x)),
            filled_px: filled.as_vec2().into(),
        }
    }
}

/// The uniforms of all cameras of `stage`, of which at most [`MAX_CAMERAS`] are drawn: `shown` and `drawn` as for
/// [`CameraUniform::new`], `filled` the part of its layer that a camera's picture fills. Allocates nothing once `cameras`
/// has held as many.
pub fn pack_cameras(
    stage: &Stage,
    (shown, drawn): (&FramePlan, &FramePlan),
    filled: impl Fn(&Camera) -> UVec2,
    layer: UVec2,
    cameras: &mut Vec<CameraUniform>,
) {
    let view = |plan: &FramePlan, i: usize| plan.cameras.get(i).copied().flatten();
    cameras.clear();
    cameras.extend(stage.cameras.iter().enumerate().map(|(i, camera)| {
        CameraUniform::new(view(shown, i).as_ref(), view(drawn, i).as_ref(), filled(camera), layer)
    }));
}

/// Cameras of a stage, at most; `MAX_CAMERAS` in WGSL.
pub const MAX_CAMERAS: usize = 16;

/// A stage point as three floats.
pub fn position(point: Point3<f64>) -> [f32; 3] {
    point.coords.map(|x| x as f32).into()
}
