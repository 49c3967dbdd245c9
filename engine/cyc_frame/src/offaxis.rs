//! A view through a rectangle: the eye looks at a tile as through a window.

use crate::view::{Axes, clip_from_stage};
use nalgebra::{Matrix4, Point3};

/// Stage to clip space of the view from `eye` whose picture is exactly the rectangle with these three corners, as
/// its viewer sees them, in stage metres: infinite reverse-Z, `w` = distance along the rectangle's normal.
///
/// `None` if the eye is in the rectangle's plane or behind it, or the corners span no rectangle.
/// Source: R. Kooima, "Generalized Perspective Projection", 2008.
pub fn off_axis(
    eye: &Point3<f64>,
    lower_left: &Point3<f64>,
    lower_right: &Point3<f64>,
    upper_left: &Point3<f64>,
) -> Option<Matrix4<f64>> {
    let (bottom, left) = (lower_right - lower_left, upper_left - lower_left);
    let right = bottom.try_normalize(1e-12)?;
    let forward = left.cross(&right).try_normalize(1e-12)?;
    let axes = Axes { right, forward, up: right.cross(&forward) };

    let corner = lower_left - eye;
    let distance = forward.dot(&corner);
    if !(distance > 1e-9 && distance.is_finite()) {
        return None;
    }
    let half = [bottom.norm() / 2.0 / distance, axes.up.dot(&left) / 2.0 / distance];
    let centre = [right.dot(&corner) / distance + half[0], axes.up.dot(&corner) / distance + half[1]];
    Some(clip_from_stage(eye, &axes, centre, half))
}
