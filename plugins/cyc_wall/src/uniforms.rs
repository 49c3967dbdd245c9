//! The wall pass's uniforms, laid out as `shaders/pass/compose.wgsl` declares them (a test compares).

use crate::convert::gpu_matrix;
use bevy::math::UVec2;
use bytemuck::{Pod, Zeroable};
use cyc_color::wall::WallEncodeUniform;
use cyc_frame::plan::InnerView;
use nalgebra::Point3;

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
    pub pupil_m: [f32; 3],
    pub soft_edge: f32,
    pub uv_scale: [f32; 2],
    pub live: u32,
    pub pad: u32,
}

impl CameraUniform {
    /// `shown` decides which pixels are inside and from where they look; `drawn` is the view that the inner picture
    /// was drawn with, the same unless the pose was renewed since. A camera about which nothing is known is dark.
    pub fn new(shown: Option<&InnerView>, drawn: Option<&InnerView>, filled: UVec2, layer: UVec2) -> Self {
        let (Some(view), Some(drawn)) = (shown, drawn.or(shown)) else { return Self::zeroed() };
        Self {
            clip_from_stage: gpu_matrix(&view.clip_from_stage),
            picture_from_stage: gpu_matrix(&drawn.clip_from_stage),
            pupil_m: position(view.pupil_m),
            soft_edge: view.soft_edge as f32,
            uv_scale: (filled.as_vec2() / layer.as_vec2()).into(),
            live: 1,
            pad: 0,
        }
    }
}

/// Cameras of a stage, at most; `MAX_CAMERAS` in WGSL.
pub const MAX_CAMERAS: usize = 16;

/// A stage point as three floats.
pub fn position(point: Point3<f64>) -> [f32; 3] {
    point.coords.map(|x| x as f32).into()
}
