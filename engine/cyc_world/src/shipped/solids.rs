//! A builder for simple solids in stage space (metres), every corner with its normal and its reflectance.

use super::{
    light::{Rgb, add, cross, direction, scale, sub, unit},
    noise::noise,
};

/// Triangles that are still to be lit.
#[derive(Debug, Clone, Default)]
pub struct Solids {
    /// Metres.
    pub positions: Vec<Rgb>,
    /// Unit length.
    pub normals: Vec<Rgb>,
    /// Diffuse reflectance, linear Rec.709; negative numbers are light of its own.
    pub albedo: Vec<Rgb>,
    /// Three a triangle.
    pub indices: Vec<u32>,
}

impl Solids {
    /// A flat four-sided face from `corner` along `across` and `up`, cut into `cells`; it faces `across x up`.
    pub fn face(&mut self, corner: Rgb, across: Rgb, up: Rgb, cells: [usize; 2], albedo: Rgb) {
        let normal = unit(cross(across, up));
        self.patch(cells, |s, t| (add(corner, add(scale(across, s), scale(up, t))), Some(normal), albedo));
    }

    /// A surface over s, t in 0..1: place, normal (or from the surface itself) and reflectance.
    pub fn patch(&mut self, cells: [usize; 2], at: impl Fn(f32, f32) -> (Rgb, Option<Rgb>, Rgb)) {
        let [across, up] = cells.map(|n| n.max(1));
        let first = self.positions.len() as u32;
        for j in 0..=up {
            for i in 0..=across {
                let (s, t) = (i as f32 / across as f32, j as f32 / up as f32);
                let (position, normal, albedo) = at(s, t);
                let normal = normal.unwrap_or_else(|| {
                    let e = 1e-3;
                    let along = |ds: f32, dt: f32| at((s + ds).clamp(0.0, 1.0), (t + dt).clamp(0.0, 1.0)).0;
                    unit(cross(sub(along(e, 0.0), along(-e, 0.0)), sub(along(0.0, e), along(0.0, -e))))
                });
                self.positions.push(position);
                self.normals.push(normal);
                self.albedo.push(albedo);
            }
        }
        let row = across as u32 + 1;
        for j in 0..up as u32 {
            for i in 0..across as u32 {
                let a = first + j * row + i;
                self.indices.extend([a, a + 1, a + row + 1, a, a + row + 1, a + row]);
            }
        }
    }

    /// A box on the ground without its bottom: middle of its foot, half width and half depth, height, turned by
    /// `yaw` (radians, to the right).
    pub fn block(&mut self, foot: Rgb, half: [f32; 2], height: f32, yaw: f32, albedo: Rgb) {
        let (x, y) = (direction(yaw + std::f32::consts::FRAC_PI_2, 0.0), direction(yaw, 0.0));
        let corner = |sx: f32, sy: f32| add(foot, add(scale(x, sx * half[0]), scale(y, sy * half[1])));
        let (wide, deep, up) = (scale(x, 2.0 * half[0]), scale(y, 2.0 * half[1]), [0.0, 0.0, height]);
        let cells = |length: f32| ((length / 3.0).ceil() as usize).clamp(1, 12);
        let (w, d, h) = (cells(2.0 * half[0]), cells(2.0 * half[1]), cells(height));
        self.face(corner(-1.0, -1.0), wide, up, [w, h], albedo);
        self.face(corner(1.0, 1.0), scale(wide, -1.0), up, [w, h], albedo);
        self.face(corner(1.0, -1.0), deep, up, [d, h], albedo);
        self.face(corner(-1.0, 1.0), scale(deep, -1.0), up, [d, h], albedo);
        self.face(add(corner(-1.0, -1.0), up), wide, deep, [w, d], albedo);
    }

    /// A round post: rings of (height, radius) above `foot`, smooth around, closed on top.
    pub fn turned(&mut self, foot: Rgb, rings: &[[f32; 2]], sides: usize, albedo: Rgb) {
        for pair in rings.windows(2) {
            let [[z0, r0], [z1, r1]] = [pair[0], pair[1]];
            let lean = (r0 - r1) / (z1 - z0).abs().max(1e-3);
            self.patch([sides, 1], |s, t| {
                let around = direction(-s * std::f32::consts::TAU, 0.0);
                let radius = r0 + (r1 - r0) * t;
                let position = add(foot, [around[0] * radius, around[1] * radius, z0 + (z1 - z0) * t]);
                (position, Some(unit([around[0], around[1], lean.clamp(-6.0, 6.0)])), albedo)
            });
        }
        if let Some([z, radius]) = rings.last().copied().filter(|ring| ring[1] > 0.02) {
            self.patch([sides, 1], |s, t| {
                let around = direction(-s * std::f32::consts::TAU, 0.0);
                let r = radius * (1.0 - t);
                (add(foot, [around[0] * r, around[1] * r, z]), Some([0.0, 0.0, 1.0]), albedo)
            });
        }
    }

    /// An uneven ball: foliage or a boulder; `rough` is how much its surface wanders.
    pub fn blob(&mut self, middle: Rgb, radii: Rgb, rough: f32, cells: [usize; 2], seed: u32, albedo: Rgb) {
        self.patch(cells, |s, t| {
            let towards = direction(-s * std::f32::consts::TAU, (t - 0.5) * std::f32::consts::PI);
            // The seam must meet: noise over the direction, not over s.
            let bump = noise(towards[0] * 2.1 + towards[2], towards[1] * 2.1 - towards[2], seed);
            let fine = noise(towards[0] * 5.3 - towards[2] * 2.0, towards[1] * 5.3 + towards[2] * 2.0, seed + 1);
            let radius = 1.0 + rough * (bump + 0.5 * fine);
            let position = add(
                middle,
                [towards[0] * radii[0] * radius, towards[1] * radii[1] * radius, towards[2] * radii[2] * radius],
            );
            let normal = unit([towards[0] / radii[0], towards[1] / radii[1], towards[2] / radii[2]]);
            let leaning = unit(add(normal, scale([fine, bump, 0.3 * fine], rough)));
            (position, Some(leaning), scale(albedo, 1.0 + 0.25 * fine))
        });
    }

    /// How many triangles.
    pub fn triangles(&self) -> usize {
        self.indices.len() / 3
    }
}
