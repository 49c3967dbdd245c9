//! Directions to places in an equirectangular picture, and back, in f64.
//!
//! Directions are in stage axes: X right, Y forward, Z up. uv (0, 0) is the top left corner; the picture's centre
//! is +Y, its right quarter +X, its top edge +Z. The shader's form is in [`crate::twin::sphere`].

use nalgebra::Vector3;
use std::f64::consts::{PI, TAU};

/// Place of a direction of any length: u = atan2(x, y) / 2 pi + 1/2, v = acos(z / |d|) / pi; both 0..=1.
pub fn uv_from_direction(direction: Vector3<f64>) -> [f64; 2] {
    let level = direction.x.hypot(direction.y);
    [direction.x.atan2(direction.y) / TAU + 0.5, level.atan2(direction.z) / PI]
}

/// Unit direction of a place.
pub fn direction_from_uv([u, v]: [f64; 2]) -> Vector3<f64> {
    let (sin_pan, cos_pan) = ((u - 0.5) * TAU).sin_cos();
    let (sin_polar, cos_polar) = (v * PI).sin_cos();
    Vector3::new(sin_polar * sin_pan, sin_polar * cos_pan, cos_polar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axes_are_where_the_format_says() {
        for (direction, uv) in [
            (Vector3::y(), [0.5, 0.5]),
            (Vector3::x(), [0.75, 0.5]),
            (Vector3::new(-1.0, 0.0, 0.0), [0.25, 0.5]),
            (Vector3::new(0.0, -1.0, 0.0), [1.0, 0.5]),
            (Vector3::z(), [0.5, 0.0]),
            (Vector3::new(0.0, 0.0, -1.0), [0.5, 1.0]),
            (Vector3::new(0.0, 3.0, 3.0), [0.5, 0.25]),
        ] {
            // Straight back is on the seam: u is 0 or 1, by the sign of a zero.
            let found = uv_from_direction(direction);
            let u_error = (found[0] - uv[0] + 0.5).rem_euclid(1.0) - 0.5;
            assert!(u_error.abs() < 1e-15 && (found[1] - uv[1]).abs() < 1e-15, "{direction}: {found:?}");
        }
    }

    #[test]
    fn there_and_back() {
        for i in 0..100 {
            for j in 1..50 {
                let uv = [(f64::from(i) + 0.5) / 100.0, f64::from(j) / 50.0];
                let back = uv_from_direction(direction_from_uv(uv) * 7.0);
                assert!((back[0] - uv[0]).abs() < 1e-14 && (back[1] - uv[1]).abs() < 1e-14, "{uv:?}: {back:?}");
            }
        }
    }
}
