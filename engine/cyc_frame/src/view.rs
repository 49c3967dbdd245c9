//! The one place that builds a `clip_from_stage`: x right, y up, infinite reverse-Z, `w` in metres.

use nalgebra::{Matrix4, Point3, Vector3};

/// Distance of the near plane in metres: `clip.z` of every view. Depth is `NEAR_M / w`: 1 at the near plane,
/// 0 at infinity.
pub const NEAR_M: f64 = 0.1;

/// Which way a view looks: three orthonormal directions in stage space, `right x forward = up`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axes {
    /// Towards the picture's right edge.
    pub right: Vector3<f64>,
    /// Into the picture.
    pub forward: Vector3<f64>,
    /// Towards the picture's top edge.
    pub up: Vector3<f64>,
}

impl Axes {
    /// Looking along `forward`, upright towards the first of `ups` that is not nearly parallel to it (25
    /// degrees); `None` if there is none, or `forward` has no direction.
    pub fn facing(forward: Vector3<f64>, ups: &[Vector3<f64>]) -> Option<Axes> {
        let forward = forward.try_normalize(1e-12)?;
        let across = |up: &Vector3<f64>| {
            let side = forward.cross(&up.try_normalize(1e-12)?);
            (side.norm() > 0.42).then(|| side.normalize())
        };
        let right = ups.iter().find_map(across)?;
        Some(Axes { right, forward, up: right.cross(&forward) })
    }

    /// Tangents of `point` to the right of and above the axis, and its distance along the axis in metres.
    pub fn tangents(&self, eye: &Point3<f64>, point: &Point3<f64>) -> ([f64; 2], f64) {
        let ray = point - eye;
        let distance = self.forward.dot(&ray);
        ([self.right.dot(&ray) / distance, self.up.dot(&ray) / distance], distance)
    }
}

/// Stage to clip space of a view from `eye` along `axes` whose picture spans `centre_tan +- half_tan`, tangents
/// to the right and up.
///
/// Source: the usual pinhole with depth mapped to `NEAR_M / w` (reverse-Z with the far plane at infinity).
pub fn clip_from_stage(eye: &Point3<f64>, axes: &Axes, centre_tan: [f64; 2], half_tan: [f64; 2]) -> Matrix4<f64> {
    let x = (axes.right - axes.forward * centre_tan[0]) / half_tan[0];
    let y = (axes.up - axes.forward * centre_tan[1]) / half_tan[1];
    let w = axes.forward;
    let at = |row: &Vector3<f64>| -row.dot(&eye.coords);
    #[rustfmt::skip]
    let matrix = Matrix4::new(
        x.x, x.y, x.z, at(&x),
        y.x, y.y, y.z, at(&y),
        0.0, 0.0, 0.0, NEAR_M,
        w.x, w.y, w.z, at(&w),
    );
    matrix
}

/// Where `point` lies in a view: ndc, x right and y up, both in -1..=1 inside the picture; `None` unless it is in
/// front of the eye, or where a number is not finite.
pub fn ndc(clip_from_stage: &Matrix4<f64>, point: &Point3<f64>) -> Option<[f64; 2]> {
    let clip = clip_from_stage * point.to_homogeneous();
    // Behind the eye the division mirrors the point into the picture: cull before it.
    let ndc = [clip.x / clip.w, clip.y / clip.w];
    (clip.w > 0.0 && ndc.iter().all(|x| x.is_finite())).then_some(ndc)
}

/// Picture coordinates, (0,0) top left, of an ndc position.
pub fn uv_from_ndc([x, y]: [f64; 2]) -> [f64; 2] {
    [0.5 + 0.5 * x, 0.5 - 0.5 * y]
}
