//! The outer views: static pictures from the eye point that together cover every wall.
//!
//! A flat wall that the eye sees well enough gets one off-axis view in its own plane: picture pixel = wall pixel.
//! Any other wall is grouped: patches that fit into one cone share a view, wider groups are split. A wall that would
//! need more than [`MAX_VIEWS`] that way gets the faces of a cube around the eye instead, its patches cut along the
//! cube's edges; so no wall ever needs more than [`MAX_VIEWS`] views.
//!
//! Walls and eye point do not move, so this runs once per stage, not per frame.

mod fit;
mod pieces;

use crate::plan::{OuterLayout, OuterView};
use crate::view::Axes;
use cyc_stage::stage::{Patch, Stage, Wall};
use fit::{Cone, fit};
use nalgebra::{Point3, Vector3};
use pieces::{Piece, Unit};

/// Most views that one wall gets.
pub const MAX_VIEWS: usize = 6;

/// Widest half angle of a grouped view's cone: cos 55 degrees. At its rim a picture pixel is three times finer than
/// at its centre, and the near plane reaches 0.17 m from the eye.
const VIEW_COS: f64 = 0.573_576;

/// The wall's own plane serves as picture plane while the eye sees every corner within 75 degrees of the normal;
/// beyond, the near plane would cut what stands half a metre from the eye.
const OBLIQUE_COS: f64 = 0.258_819;

/// What a group is sliced into, at least: 100 degrees.
const SLICE_RAD: f64 = 1.745_329;

/// All outer views of a stage, and which of them each patch looks at.
///
/// Every corner of a patch with a view lies inside that view with two texels to spare. Patches come in the wall's
/// order; one that no single view can hold appears as several that cover the same wall pixels. `None` marks what
/// passes through the eye point (or is not finite): no picture from there can show it.
pub fn outer_layout(stage: &Stage) -> OuterLayout {
    let mut layout = OuterLayout::default();
    for (index, wall) in stage.walls.iter().enumerate() {
        let cover = Cover::of_wall(index, wall, stage.eye_point_m);
        let first = layout.views.len();
        let mut patches = Vec::new();
        patches.extend(cover.lost.iter().map(|piece| (*piece, None)));
        for (at, (view, pieces)) in cover.views.into_iter().enumerate() {
            layout.views.push(view);
            patches.extend(pieces.into_iter().map(|piece| (piece, Some(first + at))));
        }
        patches.sort_by_key(|(piece, _)| piece.source);
        layout.patches.push(patches.into_iter().map(|(piece, view)| (piece.patch, view)).collect());
    }
    layout
}

/// The layout with every picture's sides multiplied by `factor`, not below `min_px` and never above what they were;
/// matrices and patches stay, so pictures of both layouts can be mixed. A factor that is no positive number counts
/// as 1.
pub fn scale_views(layout: &OuterLayout, factor: f64, min_px: u32) -> OuterLayout {
    let factor = if factor > 0.0 { factor.min(1.0) } else { 1.0 };
    let side = |full: u32| ((f64::from(full) * factor).round() as u32).max(min_px.min(full)).max(1);
    let scaled = |view: &OuterView| OuterView { size_px: view.size_px.map(side), ..view.clone() };
    OuterLayout { views: layout.views.iter().map(scaled).collect(), patches: layout.patches.clone() }
}

/// One wall's views with the pieces they show.
struct Cover {
    views: Vec<(OuterView, Vec<Piece>)>,
    lost: Vec<Piece>,
}

/// What the views of one wall share.
struct Sight {
    wall: usize,
    eye: Point3<f64>,
    /// Preferred up directions: the stage's, then the wall's axes (for ceilings and floors).
    ups: [Vector3<f64>; 4],
}

impl Cover {
    fn of_wall(index: usize, wall: &Wall, eye: Point3<f64>) -> Cover {
        let own = |axis: Vector3<f64>| wall.stage_from_wall.rotation * axis;
        let ups = [Vector3::z(), own(Vector3::z()), own(Vector3::y()), own(Vector3::x())];
        let sight = Sight { wall: index, eye, ups };
        if let Some(view) = flat_view(&sight, &wall.patches) {
            let pieces = wall.patches.iter().enumerate().map(|(source, patch)| Piece { patch: *patch, source });
            return Cover { views: vec![(view, pieces.collect())], lost: Vec::new() };
        }
        let (seen, lost) = pieces::narrow(&eye, &wall.patches);
        let mut groups = Vec::new();
        if group(&sight, pieces::units(&eye, &wall.patches, &seen), &mut groups) {
            return Cover { views: groups, lost };
        }
        Cover { views: cube(&sight, &seen), lost }
    }
}

/// One view in the wall's own plane; `None` where the patches are not in one plane, or the eye is too near to it.
fn flat_view(sight: &Sight, patches: &[Patch]) -> Option<OuterView> {
    let corners = || patches.iter().flat_map(|patch| patch.position_m);
    let largest = patches.iter().max_by(|a, b| pieces::area_m2(a).total_cmp(&pieces::area_m2(b)))?;
    let [origin, b, c] = largest.position_m;
    let normal = (b - origin).cross(&(c - origin)).try_normalize(1e-12)?;
    let in_plane = |corner: Point3<f64>| normal.dot(&(corner - origin)).abs() <= 1e-5;
    if !corners().all(in_plane) {
        return None;
    }
    // The wall's own rows make the picture's rows: every wall pixel is then a picture pixel.
    let rows_up = -pieces::stage_per_px(largest)?[1];
    let towards = if normal.dot(&(origin - sight.eye)) < 0.0 { -normal } else { normal };
    let axes = Axes::facing(towards, &[rows_up, sight.ups[1], sight.ups[3]])?;
    let seen_well = |corner: Point3<f64>| {
        let ray = corner - sight.eye;
        axes.forward.dot(&ray) >= OBLIQUE_COS * ray.norm() && ray.norm() > 1e-6
    };
    corners().all(seen_well).then(|| fit(sight.wall, &sight.eye, &axes, patches))?
}

/// Views for a group of units: one if it fits a cone, else those of its parts; `false` if they are too many.
fn group(sight: &Sight, units: Vec<Unit>, views: &mut Vec<(OuterView, Vec<Piece>)>) -> bool {
    let corners = || units.iter().flat_map(Unit::corners);
    let Some(cone) = Cone::around(&sight.eye, corners()) else {
        return units.is_empty();
    };
    if views.len() >= MAX_VIEWS {
        return false;
    }
    if let Some(axes) = Axes::facing(cone.axis, &sight.ups).filter(|_| cone.cos >= VIEW_COS) {
        let pieces: Vec<Piece> = units.iter().flat_map(|unit| unit.pieces.iter().copied()).collect();
        let patches: Vec<Patch> = pieces.iter().map(|piece| piece.patch).collect();
        let view = fit(sight.wall, &sight.eye, &axes, &patches).map(|view| (view, pieces));
        let made = view.is_some();
        views.extend(view);
        return made;
    }
    units.len() > 1 && slices(sight, &cone, units).into_iter().all(|part| group(sight, part, views))
}

/// The group cut into slices of at most 100 degrees along the direction in which it is widest, at least two.
fn slices(sight: &Sight, cone: &Cone, units: Vec<Unit>) -> Vec<Vec<Unit>> {
    let half = units.len() / 2;
    let Some(axes) = Axes::facing(cone.axis, &sight.ups) else {
        return halves(units, half);
    };
    let angles = |point: &Point3<f64>| {
        let ray = point - sight.eye;
        let (right, forward, up) = (axes.right.dot(&ray), axes.forward.dot(&ray), axes.up.dot(&ray));
        [right.atan2(forward), up.atan2(right.hypot(forward))]
    };
    let range = |axis: usize| {
        let each = units.iter().flat_map(Unit::corners).map(|corner| angles(&corner)[axis]);
        each.fold((f64::MAX, f64::MIN), |(low, high), angle| (low.min(angle), high.max(angle)))
    };
    let (azimuth, elevation) = (range(0), range(1));
    let widest = usize::from(elevation.1 - elevation.0 > azimuth.1 - azimuth.0);
    let (low, high) = if widest == 0 { azimuth } else { elevation };
    let count = ((high - low) / SLICE_RAD).ceil().clamp(2.0, 4.0);
    let mut parts = vec![Vec::new(); count as usize];
    for unit in units {
        let at = (angles(&unit.centre())[widest] - low) / (high - low) * count;
        parts[(at.max(0.0) as usize).min(count as usize - 1)].push(unit);
    }
    parts.retain(|part| !part.is_empty());
    match parts.len() {
        1 => halves(parts.remove(0), half),
        _ => parts,
    }
}

fn halves(mut units: Vec<Unit>, at: usize) -> Vec<Vec<Unit>> {
    let rest = units.split_off(at);
    vec![units, rest]
}

/// The faces of a cube around the eye that the pieces reach, each piece cut to them.
fn cube(sight: &Sight, pieces: &[Piece]) -> Vec<(OuterView, Vec<Piece>)> {
    let corners = pieces.iter().flat_map(|piece| piece.patch.position_m);
    let middle = Cone::around(&sight.eye, corners).and_then(|cone| Axes::facing(cone.axis, &sight.ups));
    let Some(Axes { right, forward, up }) = middle else {
        return Vec::new();
    };
    let face = |right, forward, up| Axes { right, forward, up };
    let faces = [
        face(right, forward, up),
        face(-forward, right, up),
        face(forward, -right, up),
        face(-right, -forward, up),
        face(right, up, -forward),
        face(right, -up, forward),
    ];
    let view = |axes: &Axes| {
        let cut: Vec<Piece> = pieces.iter().flat_map(|piece| pieces::cut_to_face(&sight.eye, axes, piece)).collect();
        let patches: Vec<Patch> = cut.iter().map(|piece| piece.patch).collect();
        Some((fit(sight.wall, &sight.eye, axes, &patches)?, cut))
    };
    faces.iter().filter_map(view).collect()
}

#[cfg(test)]
mod tests;
