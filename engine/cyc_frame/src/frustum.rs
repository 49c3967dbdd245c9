//! Rust twin of `shaders/lib/frustum.wgsl`: the same functions by the same names, in f32.

use nalgebra::{Matrix4, Vector2, Vector3};

/// [`crate::NEAR_M`] as the shader has it, metres.
pub const NEAR_M: f32 = 0.1;

/// Where a stage point (metres) lies in a view: x and y in ndc (right, up), z the distance along the view's axis in
/// metres. Behind the eye, x and y are 2: outside every picture.
pub fn view_ndc(clip_from_stage: &Matrix4<f32>, point_m: &Vector3<f32>) -> Vector3<f32> {
    let clip = clip_from_stage * point_m.push(1.0);
    if clip.w > 0.0 { Vector3::new(clip.x / clip.w, clip.y / clip.w, clip.w) } else { Vector3::new(2.0, 2.0, clip.w) }
}

/// Picture coordinates, (0,0) top left, of an ndc position.
pub fn uv_from_ndc(ndc: Vector2<f32>) -> Vector2<f32> {
    Vector2::new(0.5 + 0.5 * ndc.x, 0.5 - 0.5 * ndc.y)
}

/// Ndc (x right, y up) of picture coordinates, (0,0) top left.
pub fn ndc_from_uv(uv: Vector2<f32>) -> Vector2<f32> {
    Vector2::new(2.0 * uv.x - 1.0, 1.0 - 2.0 * uv.y)
}

/// Distance along a view's axis in metres of a depth buffer value (infinite reverse-Z); 1e30 for the far plane, so
/// that "no surface" stays a number.
pub fn distance_m_from_depth(depth: f32) -> f32 {
    if depth > 1e-30 { NEAR_M / depth } else { 1e30 }
}

/// How much of the inner picture shows at a position of the inner view: `ndc` is 1 at the overscan's edge,
/// `soft_edge` a fraction of the overscan.
///
/// 1 where `max(|x|, |y|) <= 1 - soft_edge`, 0 from 1 outwards, a smooth cubic ramp between; 0 for what is no number.
pub fn inner_weight(ndc: Vector2<f32>, soft_edge: f32) -> f32 {
    let inset = 1.0 - ndc.x.abs().max(ndc.y.abs());
    // A NaN fails every comparison; `max` alone would drop it.
    let inside = ndc.x.abs() < 1.0 && ndc.y.abs() < 1.0;
    if !inside {
        return 0.0;
    }
    if inset >= soft_edge {
        return 1.0;
    }
    let t = inset / soft_edge;
    t * t * (3.0 - 2.0 * t)
}
