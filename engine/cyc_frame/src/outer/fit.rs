//! The picture rectangle and size of one outer view.

use super::pieces::stage_per_px;
use crate::plan::OuterView;
use crate::view::{Axes, clip_from_stage};
use cyc_stage::stage::Patch;
use nalgebra::{Point3, Vector3};

/// Largest picture side in pixels, margin included.
const MAX_SIDE_PX: f64 = 4096.0;
/// Texels around what the patches need, so that filtering never reaches the picture's edge.
const MARGIN_PX: f64 = 2.0;
/// A wall seen so obliquely that its pixels are finer in one direction than in the other by more than this gets no
/// more picture pixels for it.
const MAX_ANISOTROPY: f64 = 8.0;

/// A cone from the eye: its axis (unit) and the cosine of its half angle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cone {
    pub(super) axis: Vector3<f64>,
    pub(super) cos: f64,
}

impl Cone {
    /// A nearly smallest cone from `eye` around `points`; `None` without points, or where one is at the eye or not
    /// finite. Where they surround the eye the axis is arbitrary and `cos` small or negative.
    ///
    /// Source: M. Badoiu and K. Clarkson, "Smaller core-sets for balls", 2003, on the unit sphere.
    pub(super) fn around(eye: &Point3<f64>, points: impl Iterator<Item = Point3<f64>>) -> Option<Cone> {
        let rays: Option<Vec<Vector3<f64>>> = points.map(|point| direction(eye, &point)).collect();
        let rays = rays?;
        let mean: Vector3<f64> = rays.iter().sum();
        let mut axis = mean.try_normalize(1e-6).or(rays.first().copied())?;
        let farthest = |axis: &Vector3<f64>| rays.iter().min_by(|a, b| a.dot(axis).total_cmp(&b.dot(axis))).copied();
        for step in 2..34 {
            let moved = axis + (farthest(&axis)? - axis) / f64::from(step);
            // Points all around the eye can push the axis through zero; it stays where it was.
            axis = moved.try_normalize(1e-6).unwrap_or(axis);
        }
        let cone = |axis: Vector3<f64>| Some(Cone { axis, cos: farthest(&axis)?.dot(&axis) });
        // Where a cone cannot hold them all, the mean is the better middle to split around.
        let (tight, plain) = (cone(axis)?, mean.try_normalize(1e-6).and_then(cone));
        Some(plain.filter(|plain| plain.cos > tight.cos || tight.cos < 0.0).unwrap_or(tight))
    }
}

/// Unit vector from `eye` to `point`; `None` nearer than a micrometre or where a number is not finite.
fn direction(eye: &Point3<f64>, point: &Point3<f64>) -> Option<Vector3<f64>> {
    (point - eye).try_normalize(1e-6).filter(|ray| ray.iter().all(|x| x.is_finite()))
}

/// The view from `eye` along `axes` that holds all `patches` with the margin around them, its pixels as fine as the
/// wall's finest as seen from the eye, up to 4096 a side; `None` if a corner is not in front of the eye, or there is
/// no patch.
pub(super) fn fit(wall: usize, eye: &Point3<f64>, axes: &Axes, patches: &[Patch]) -> Option<OuterView> {
    let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
    for corner in patches.iter().flat_map(|patch| patch.position_m) {
        let (tangents, distance) = axes.tangents(eye, &corner);
        if !(distance > 0.0 && tangents.iter().all(|t| t.is_finite())) {
            return None;
        }
        low = [low[0].min(tangents[0]), low[1].min(tangents[1])];
        high = [high[0].max(tangents[0]), high[1].max(tangents[1])];
    }
    if patches.is_empty() {
        return None;
    }
    let pitch = finest_pitch(eye, axes, patches);
    let side = |i: usize| {
        // A wall seen edge-on has no width; a picture must.
        let extent = (high[i] - low[i]).max(1e-3);
        let inner_px = (extent / pitch[i] - 1e-6).ceil().clamp(1.0, MAX_SIDE_PX - 2.0 * MARGIN_PX);
        let size_px = inner_px + 2.0 * MARGIN_PX;
        (extent / inner_px * size_px / 2.0, size_px as u32)
    };
    let ((half_x, width), (half_y, height)) = (side(0), side(1));
    let centre = [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0];
    let clip_from_stage = clip_from_stage(eye, axes, centre, [half_x, half_y]);
    Some(OuterView { wall, clip_from_stage, size_px: [width, height] })
}

/// The smallest wall pixel in the picture plane, in tangents across and up.
fn finest_pitch(eye: &Point3<f64>, axes: &Axes, patches: &[Patch]) -> [f64; 2] {
    let mut finest = [f64::MAX; 2];
    for patch in patches {
        let Some(per_px) = stage_per_px(patch) else { continue };
        for point in spread(patch) {
            let here = pitch_at(eye, axes, &point, &per_px);
            for i in 0..2 {
                if here[i].is_finite() {
                    finest[i] = finest[i].min(here[i]);
                }
            }
        }
    }
    [finest[0].max(finest[1] / MAX_ANISOTROPY), finest[1].max(finest[0] / MAX_ANISOTROPY)]
}

/// Sixteen points spread over a patch, its middle among them: in a patch close to the eye the finest pixel is not
/// at a corner.
fn spread(patch: &Patch) -> impl Iterator<Item = Point3<f64>> {
    let [a, b, c] = patch.position_m;
    let at = move |i: f64, j: f64| a + (b - a) * (i / 4.0) + (c - a) * (j / 4.0);
    let grid = (0..=4_u32).flat_map(move |i| (0..=4 - i).map(move |j| at(f64::from(i), f64::from(j))));
    grid.chain(std::iter::once(at(4.0 / 3.0, 4.0 / 3.0)))
}

/// How far one wall pixel reaches in the picture plane at `point`: the derivative of the tangents.
fn pitch_at(eye: &Point3<f64>, axes: &Axes, point: &Point3<f64>, per_px: &[Vector3<f64>; 2]) -> [f64; 2] {
    let (tangents, distance) = axes.tangents(eye, point);
    let step = |across: &Vector3<f64>, tangent: f64, move_m: &Vector3<f64>| {
        (across.dot(move_m) - tangent * axes.forward.dot(move_m)) / distance
    };
    let reach = |across: &Vector3<f64>, tangent: f64| {
        step(across, tangent, &per_px[0]).hypot(step(across, tangent, &per_px[1]))
    };
    [reach(&axes.right, tangents[0]), reach(&axes.up, tangents[1])]
}
