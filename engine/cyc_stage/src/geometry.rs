//! Walls as triangles: which stage point each wall pixel is.
//!
//! Wall frame: origin bottom centre, X right and Z up as seen by someone facing the wall, Y into the wall,
//! metres. Wall pixels are continuous: (0, 0) is the top left corner of the top left panel, pixel centres lie
//! at (i + 0.5). Triangles run counter-clockwise as seen by the viewer.
//!
//! Source: Cyclorama interfaces, "What the stage file means".

use crate::stage::{Panel, Patch, Wall};
use nalgebra::{Isometry3, Point3, UnitVector3, Vector3};

/// Why panels do not make an arc.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ArcError {
    /// A panel's width is more than the circle's diameter.
    #[error("a panel is {panel_m} m wide, but the circle only {diameter_m} m")]
    PanelTooWide {
        /// Width of one panel, metres.
        panel_m: f64,
        /// Diameter of the circle, metres.
        diameter_m: f64,
    },
    /// The panels turn by more than a full circle.
    #[error("{columns} panels turn by {degrees:.1} degrees, more than a full circle")]
    MoreThanFullCircle {
        /// Number of panels side by side.
        columns: u32,
        /// By how much they turn in all.
        degrees: f64,
    },
}

/// Where the vertical edges of a flat wall's panels stand: `columns + 1` points (x, y) of the wall frame, metres.
pub fn flat_seams(columns: u32, panel_m: f64) -> Vec<[f64; 2]> {
    (0..=columns).map(|seam| [(f64::from(seam) - f64::from(columns) / 2.0) * panel_m, 0.0]).collect()
}

/// The same for an arc: panels are chords of a circle of `radius_m`, whose axis lies towards the viewer
/// (negative radius: away, convex).
pub fn arc_seams(columns: u32, panel_m: f64, radius_m: f64) -> Result<Vec<[f64; 2]>, ArcError> {
    let diameter_m = 2.0 * radius_m.abs();
    if panel_m > diameter_m {
        return Err(ArcError::PanelTooWide { panel_m, diameter_m });
    }
    let step = 2.0 * (panel_m / (2.0 * radius_m)).asin();
    let degrees = step.abs().to_degrees() * f64::from(columns);
    if degrees > 360.0 + 1e-6 {
        return Err(ArcError::MoreThanFullCircle { columns, degrees });
    }
    // An even number of columns has a seam in the middle, an odd one the middle of a chord.
    let middle = if columns.is_multiple_of(2) { radius_m } else { radius_m * (step / 2.0).cos() };
    let seam = |n: u32| (f64::from(n) - f64::from(columns) / 2.0) * step;
    Ok((0..=columns).map(|n| [radius_m * seam(n).sin(), radius_m * seam(n).cos() - middle]).collect())
}

/// Two triangles for each panel, row by row from the top left; `seams` as of [`flat_seams`] or [`arc_seams`].
pub fn panel_patches(seams: &[[f64; 2]], rows: u32, panel: &Panel, stage_from_wall: &Isometry3<f64>) -> Vec<Patch> {
    let columns = u32::try_from(seams.len().saturating_sub(1)).unwrap_or(0);
    let metres = |px: u32| f64::from(px) * panel.pitch_mm / 1000.0;
    let corner = |column: u32, row: u32| {
        let [x, y] = seams[column as usize];
        let z = metres((rows - row) * panel.height_px);
        let px = [f64::from(column * panel.width_px), f64::from(row * panel.height_px)];
        (px, stage_from_wall * Point3::new(x, y, z))
    };
    let mut patches = Vec::with_capacity(2 * (columns as usize) * (rows as usize));
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let (left_top, right_top) = (corner(column, row), corner(column + 1, row));
        let (left_bottom, right_bottom) = (corner(column, row + 1), corner(column + 1, row + 1));
        for corners in [[left_top, left_bottom, right_bottom], [left_top, right_bottom, right_top]] {
            let panel = row * columns + column;
            patches.push(Patch { px: corners.map(|c| c.0), position_m: corners.map(|c| c.1), panel });
        }
    }
    patches
}

impl Patch {
    /// Twice the signed area in wall pixels.
    pub(crate) fn px_area2(&self) -> f64 {
        let [a, b, c] = self.px;
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    }

    /// The corners' weights at a wall pixel, inside or outside; `None` without area.
    pub fn weights(&self, px: [f64; 2]) -> Option<[f64; 3]> {
        let [a, b, c] = self.px;
        let area = self.px_area2();
        let part = |p: [f64; 2], q: [f64; 2]| (p[0] - px[0]) * (q[1] - px[1]) - (p[1] - px[1]) * (q[0] - px[0]);
        let weights = [part(b, c) / area, part(c, a) / area, part(a, b) / area];
        weights.iter().all(|w| w.is_finite()).then_some(weights)
    }

    /// The stage point of a wall pixel on this patch's plane, inside or outside the triangle, metres.
    pub fn point_of_px(&self, px: [f64; 2]) -> Option<Point3<f64>> {
        let [a, b, c] = self.position_m;
        let [_, wb, wc] = self.weights(px)?;
        Some(a + (b - a) * wb + (c - a) * wc)
    }

    /// How the stage point moves per wall pixel to the right and per wall pixel down, metres.
    pub fn metres_per_px(&self) -> Option<[Vector3<f64>; 2]> {
        let [a, b, c] = self.px;
        let (ab, ac) = (self.position_m[1] - self.position_m[0], self.position_m[2] - self.position_m[0]);
        let area = self.px_area2();
        let right = (ab * (c[1] - a[1]) - ac * (b[1] - a[1])) / area;
        let down = (ac * (b[0] - a[0]) - ab * (c[0] - a[0])) / area;
        right.iter().chain(down.iter()).all(|x| x.is_finite()).then_some([right, down])
    }

    /// The direction towards the viewer: the one that sees the picture the right way round.
    pub fn normal(&self) -> Option<UnitVector3<f64>> {
        let [right, down] = self.metres_per_px()?;
        UnitVector3::try_new(down.cross(&right), 0.0)
    }

    fn holds(&self, px: [f64; 2]) -> bool {
        self.weights(px).is_some_and(|weights| weights.iter().all(|w| *w >= -1e-9))
    }
}

impl Wall {
    /// The patch a wall pixel lies on; `None` outside the wall or where a mesh has nothing.
    pub fn patch_at(&self, px: [f64; 2]) -> Option<&Patch> {
        let [width, height] = self.size_px.map(f64::from);
        if !(px[0] >= 0.0 && px[1] >= 0.0 && px[0] <= width && px[1] <= height) {
            return None;
        }
        // On walls of panels the pixel says which two patches it can be.
        let columns = self.size_px[0] / self.panel.width_px.max(1);
        let cell = |at: f64, size: u32, count: u32| ((at / f64::from(size)) as u32).min(count.saturating_sub(1));
        let column = cell(px[0], self.panel.width_px, columns);
        let row = cell(px[1], self.panel.height_px, self.size_px[1] / self.panel.height_px.max(1));
        let first = 2 * (row as usize * columns as usize + column as usize);
        let likely = self.patches.get(first..first + 2).unwrap_or_default();
        likely.iter().find(|patch| patch.holds(px)).or_else(|| self.patches.iter().find(|patch| patch.holds(px)))
    }

    /// The stage point of a wall pixel, metres; `None` outside the wall or where a mesh has nothing.
    pub fn point_of_px(&self, px: [f64; 2]) -> Option<Point3<f64>> {
        self.patch_at(px)?.point_of_px(px)
    }

    /// The direction at a wall pixel towards its viewer, stage space.
    pub fn normal(&self, px: [f64; 2]) -> Option<UnitVector3<f64>> {
        self.patch_at(px)?.normal()
    }

    /// The area of one wall pixel there, square metres.
    pub fn pixel_area_m2(&self, px: [f64; 2]) -> Option<f64> {
        let [right, down] = self.patch_at(px)?.metres_per_px()?;
        Some(right.cross(&down).norm())
    }

    /// The smallest and largest stage coordinates of the wall, metres; `None` without patches.
    pub fn bounds_m(&self) -> Option<[Point3<f64>; 2]> {
        let mut points = self.patches.iter().flat_map(|patch| patch.position_m);
        let first = points.next()?;
        Some(points.fold([first, first], |[low, high], p| [low.inf(&p), high.sup(&p)]))
    }

    /// The lit area, square metres.
    pub fn area_m2(&self) -> f64 {
        let area = |[a, b, c]: [Point3<f64>; 3]| (b - a).cross(&(c - a)).norm() / 2.0;
        self.patches.iter().map(|patch| area(patch.position_m)).sum()
    }
}
