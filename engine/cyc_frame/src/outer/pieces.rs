//! Wall patches as seen from the eye: narrow enough for a view, paired by panel, cut to a cube's face.

use super::fit::Cone;
use crate::view::Axes;
use cyc_stage::stage::Patch;
use nalgebra::{Point3, Vector3};
use std::collections::BTreeMap;

/// Widest half angle of a piece's own cone: cos 45 degrees, well inside what a view may have.
const PIECE_COS: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// How often a patch is quartered: 1/1024 of its side.
const MAX_DEPTH: u32 = 10;

/// A patch, or a part of one, with the index of the patch it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) patch: Patch,
    pub(super) source: usize,
}

/// Pieces that stay in one view: the two triangles of a panel, or one piece.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) pieces: Vec<Piece>,
}

impl Unit {
    /// All corners, stage metres.
    pub(super) fn corners(&self) -> impl Iterator<Item = Point3<f64>> {
        self.pieces.iter().flat_map(|piece| piece.patch.position_m)
    }

    /// The mean of its corners.
    pub(super) fn centre(&self) -> Point3<f64> {
        let sum: Vector3<f64> = self.corners().map(|corner| corner.coords).sum();
        Point3::from(sum / (3.0 * self.pieces.len() as f64))
    }
}

/// Area in square metres.
pub(super) fn area_m2(patch: &Patch) -> f64 {
    let [a, b, c] = patch.position_m;
    (b - a).cross(&(c - a)).norm() / 2.0
}

/// Area in square wall pixels.
pub(super) fn area_px2(patch: &Patch) -> f64 {
    let [a, b, c] = patch.px;
    (((b[0] - a[0]) * (c[1] - a[1])) - ((b[1] - a[1]) * (c[0] - a[0]))).abs() / 2.0
}

/// Stage metres per wall pixel, rightwards and downwards; `None` for a patch without pixels.
pub(super) fn stage_per_px(patch: &Patch) -> Option<[Vector3<f64>; 2]> {
    let [a, b, c] = patch.px;
    let (u, v) = ([b[0] - a[0], b[1] - a[1]], [c[0] - a[0], c[1] - a[1]]);
    let det = u[0] * v[1] - u[1] * v[0];
    let (b, c) = (patch.position_m[1] - patch.position_m[0], patch.position_m[2] - patch.position_m[0]);
    let steps = [(b * v[1] - c * u[1]) / det, (c * u[0] - b * v[0]) / det];
    (det.abs() > 1e-9 && steps.iter().all(|step| step.iter().all(|x| x.is_finite()))).then_some(steps)
}

/// The patches as pieces narrow enough for a view, and those that no view from `eye` can show.
pub(super) fn narrow(eye: &Point3<f64>, patches: &[Patch]) -> (Vec<Piece>, Vec<Piece>) {
    let (mut seen, mut lost) = (Vec::new(), Vec::new());
    for (source, patch) in patches.iter().enumerate() {
        narrow_piece(eye, Piece { patch: *patch, source }, MAX_DEPTH, &mut seen, &mut lost);
    }
    (seen, lost)
}

fn narrow_piece(eye: &Point3<f64>, piece: Piece, depth: u32, seen: &mut Vec<Piece>, lost: &mut Vec<Piece>) {
    if Cone::around(eye, piece.patch.position_m.into_iter()).is_some_and(|cone| cone.cos >= PIECE_COS) {
        return seen.push(piece);
    }
    // Below a pixel there is nothing left to show. (A sliver through the eye would also multiply by four each time.)
    let divisible = area_m2(&piece.patch) > 1e-12 && area_px2(&piece.patch) > 0.5 && depth > 0;
    if !divisible || !piece.patch.position_m.iter().all(|corner| corner.iter().all(|x| x.is_finite())) {
        return lost.push(piece);
    }
    for patch in quarters(&piece.patch) {
        narrow_piece(eye, Piece { patch, ..piece }, depth - 1, seen, lost);
    }
}

/// The four triangles between the corners and the middles of the sides.
fn quarters(patch: &Patch) -> [Patch; 4] {
    let corner = |i: usize| Vertex { position_m: patch.position_m[i], px: patch.px[i] };
    let [a, b, c] = [corner(0), corner(1), corner(2)];
    let (ab, bc, ca) = (a.towards(&b, 0.5), b.towards(&c, 0.5), c.towards(&a, 0.5));
    let make = |corners: [Vertex; 3]| triangle(corners, patch.panel);
    [make([a, ab, ca]), make([ab, b, bc]), make([ca, bc, c]), make([ab, bc, ca])]
}

/// Pieces by panel: both triangles of a panel together where a view can hold them, everything else alone.
pub(super) fn units(eye: &Point3<f64>, patches: &[Patch], pieces: &[Piece]) -> Vec<Unit> {
    let mut triangles = BTreeMap::<u32, usize>::new();
    for patch in patches {
        *triangles.entry(patch.panel).or_default() += 1;
    }
    let mut panels = BTreeMap::<(u32, usize), Vec<Piece>>::new();
    for (at, piece) in pieces.iter().enumerate() {
        // A mesh has many triangles with one number, and no panels.
        let alone = if triangles.get(&piece.patch.panel) == Some(&2) { 0 } else { at };
        panels.entry((piece.patch.panel, alone)).or_default().push(*piece);
    }
    let mut units = Vec::new();
    for pieces in panels.into_values() {
        let unit = Unit { pieces };
        if Cone::around(eye, unit.corners()).is_some_and(|cone| cone.cos >= PIECE_COS) {
            units.push(unit);
        } else {
            units.extend(unit.pieces.into_iter().map(|piece| Unit { pieces: vec![piece] }));
        }
    }
    units
}

/// The part of a piece that a cube's face sees: within 45 degrees to each side of `axes.forward`.
pub(super) fn cut_to_face(eye: &Point3<f64>, axes: &Axes, piece: &Piece) -> Vec<Piece> {
    let corner = |i: usize| Vertex { position_m: piece.patch.position_m[i], px: piece.patch.px[i] };
    let mut outline = vec![corner(0), corner(1), corner(2)];
    for side in [axes.right, -axes.right, axes.up, -axes.up] {
        outline = clip(&outline, |point| axes.forward.dot(&(point - eye)) - side.dot(&(point - eye)));
    }
    let fan = (2..outline.len()).map(|i| triangle([outline[0], outline[i - 1], outline[i]], piece.patch.panel));
    fan.filter(|patch| area_px2(patch) > 1e-9).map(|patch| Piece { patch, ..*piece }).collect()
}

/// A corner of an outline, in both of a patch's spaces.
#[derive(Debug, Clone, Copy)]
struct Vertex {
    position_m: Point3<f64>,
    px: [f64; 2],
}

impl Vertex {
    fn towards(&self, other: &Vertex, t: f64) -> Vertex {
        let mix = |a: f64, b: f64| a + (b - a) * t;
        Vertex {
            position_m: self.position_m + (other.position_m - self.position_m) * t,
            px: [mix(self.px[0], other.px[0]), mix(self.px[1], other.px[1])],
        }
    }
}

fn triangle(corners: [Vertex; 3], panel: u32) -> Patch {
    Patch { px: corners.map(|corner| corner.px), position_m: corners.map(|corner| corner.position_m), panel }
}

/// The part of a convex outline where `inside` (affine) is not negative.
fn clip(outline: &[Vertex], inside: impl Fn(&Point3<f64>) -> f64) -> Vec<Vertex> {
    let mut kept = Vec::with_capacity(outline.len() + 1);
    for (i, from) in outline.iter().enumerate() {
        let to = &outline[(i + 1) % outline.len()];
        let (a, b) = (inside(&from.position_m), inside(&to.position_m));
        if a >= 0.0 {
            kept.push(*from);
        }
        if (a > 0.0 && b < 0.0) || (a < 0.0 && b > 0.0) {
            kept.push(from.towards(to, a / (a - b)));
        }
    }
    kept
}
