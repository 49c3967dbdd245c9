//! Buildings of the plaza: curved roofs on columns, from proportions rather than ornament.

use super::{
    light::{Rgb, add, direction, mix, scale, sub, unit},
    solids::Solids,
};

const TILE: Rgb = [0.085, 0.082, 0.080];
const TILE_GROOVE: Rgb = [0.034, 0.034, 0.036];
const TIMBER: Rgb = [0.105, 0.046, 0.026];
/// Red lacquer.
pub const LACQUER: Rgb = [0.235, 0.040, 0.024];
/// Painted beams.
pub const PAINT: Rgb = [0.040, 0.085, 0.095];
/// Pale stone of platforms and balustrades.
pub const STONE: Rgb = [0.46, 0.43, 0.385];
/// Paper with lamps behind: light of its own.
pub const PAPER: Rgb = [-0.125, -0.058, -0.018];

/// A hipped roof: from an eave rectangle up to a smaller rectangle or a ridge.
#[derive(Clone, Copy)]
pub struct Roof {
    /// Middle of the eave's plane.
    pub middle: Rgb,
    /// Half width and half depth at the eave.
    pub eave: [f32; 2],
    /// The same at the top; 0 is a ridge or a point.
    pub top: [f32; 2],
    /// Metres from eave to top.
    pub rise: f32,
    /// How far the corners are lifted, metres.
    pub lift: f32,
    /// Size of beasts and ridge ends; 1 is a hall's.
    pub ornament: f32,
}

impl Roof {
    /// A place on side `side` (0 faces -Y, then counter-clockwise seen from above): s along the eave, t upwards.
    fn at(&self, side: usize, s: f32, t: f32) -> Rgb {
        const CORNERS: [[f32; 2]; 5] = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]];
        let (from, to) = (CORNERS[side], CORNERS[side + 1]);
        let sign = [from[0] + (to[0] - from[0]) * s, from[1] + (to[1] - from[1]) * s];
        let corner = (2.0 * s - 1.0).abs();
        let flare = 1.0 + 0.045 * corner.powi(5) * (1.0 - t).powi(2);
        let plan = |i: usize| sign[i] * (self.eave[i] * flare + (self.top[i] - self.eave[i] * flare) * t);
        let bow = self.rise * (0.42 * t + 0.58 * t * t) + self.lift * corner.powi(4) * (1.0 - t).powi(3);
        add(self.middle, [plan(0), plan(1), bow])
    }

    /// Tiles above, timber below, hips with small beasts.
    pub fn build(&self, solids: &mut Solids) {
        for side in 0..4 {
            let tiles = (self.eave[side % 2] / 0.34) as usize;
            solids.patch([tiles * 2, 4], |s, t| {
                let groove = (s * tiles as f32 * 2.0).round() as usize % 2 == 1;
                (self.at(side, s, t), None, if groove { TILE_GROOVE } else { TILE })
            });
            solids.patch([16, 1], |s, t| {
                let place = self.at(side, 1.0 - s, t * 0.75);
                (sub(place, [0.0, 0.0, 0.30]), None, TIMBER)
            });
            // The edge between both: round tile ends.
            solids.patch([tiles, 1], |s, t| {
                (sub(self.at(side, s, 0.0), [0.0, 0.0, 0.30 * (1.0 - t)]), None, scale(TILE, 1.3))
            });
            self.hip(solids, side);
        }
    }

    fn hip(&self, solids: &mut Solids, side: usize) {
        let outwards =
            unit([self.at(side, 0.0, 0.0)[0] - self.middle[0], self.at(side, 0.0, 0.0)[1] - self.middle[1], 0.0]);
        let across = [-outwards[1], outwards[0], 0.0];
        for half in [-0.13, 0.13_f32] {
            solids.patch([8, 1], |s, t| {
                let along = if half > 0.0 { s } else { 1.0 - s };
                let foot = add(self.at(side, 0.0, along), scale(across, half * (1.0 - 0.7 * t)));
                (add(foot, [0.0, 0.0, 0.40 * t - 0.05]), Some(scale(across, half.signum())), TILE)
            });
        }
        for beast in 0..4 {
            let foot = add(self.at(side, 0.0, 0.03 + 0.06 * beast as f32), [0.0, 0.0, 0.26 + 0.16 * self.ornament]);
            let size = self.ornament * if beast == 0 { 0.20 } else { 0.15 };
            solids.blob(foot, [size * 0.8, size * 0.8, size * 1.5], 0.25, [6, 4], 500 + beast, TILE);
        }
    }

    /// The bar along the top, with upturned ends.
    pub fn ridge(&self, solids: &mut Solids) {
        let top = add(self.middle, [0.0, 0.0, self.rise - 0.1]);
        let by = self.ornament;
        solids.block(top, [self.top[0] + 0.25, 0.2 * by], 0.22 + 0.4 * by, 0.0, TILE);
        for side in [-1.0, 1.0_f32] {
            for (i, [out, up, size]) in
                [[0.0, 0.7, 0.42], [-0.12, 1.15, 0.34], [-0.38, 1.5, 0.22]].into_iter().enumerate()
            {
                let at = add(top, [side * (self.top[0] + 0.1 + out * by), 0.0, up * by]);
                solids.blob(at, [size * by, 0.24 * by, size * by], 0.12, [8, 5], 510 + i as u32, TILE);
            }
        }
    }
}

/// The main hall: platform, stairs, ten columns, lit paper windows, two roofs. `foot` is the middle of its platform
/// on the ground; it faces -Y.
pub fn hall(solids: &mut Solids, foot: Rgb) {
    let base = 1.45;
    solids.block(foot, [13.2, 8.0], base - 0.5, 0.0, scale(STONE, 0.86));
    solids.block(add(foot, [0.0, 0.0, base - 0.5]), [12.7, 7.5], 0.5, 0.0, STONE);
    for step in 0..9 {
        let height = base * (step + 1) as f32 / 10.0;
        solids.block(add(foot, [0.0, -8.0 - 0.34 * (9 - step) as f32 + 0.17, 0.0]), [3.8, 0.17], height, 0.0, STONE);
    }
    for side in [-4.15, 4.15] {
        solids.block(add(foot, [side, -9.6, 0.0]), [0.35, 1.7], 0.95, 0.0, scale(STONE, 0.92));
    }
    let floor = add(foot, [0.0, 0.0, base]);
    storey(solids, floor);
    solids.block(add(floor, [0.0, 0.0, 4.9]), [10.6, 5.7], 0.65, 0.0, PAINT);
    brackets(solids, add(floor, [0.0, 0.0, 5.55]), [10.9, 6.0]);
    // What closes the space between beams and tiles.
    solids.block(add(floor, [0.0, 0.0, 5.55]), [9.9, 5.0], 1.6, 0.0, TIMBER);
    let lower = Roof {
        middle: add(floor, [0.0, 0.0, 6.15]),
        eave: [13.0, 8.1],
        top: [8.7, 3.9],
        rise: 2.5,
        lift: 1.1,
        ornament: 1.0,
    };
    lower.build(solids);
    solids.block(add(floor, [0.0, 0.0, 8.2]), [8.4, 3.7], 1.9, 0.0, LACQUER);
    solids.block(add(floor, [0.0, 0.0, 9.3]), [8.6, 3.9], 0.5, 0.0, PAINT);
    brackets(solids, add(floor, [0.0, 0.0, 9.8]), [8.9, 4.2]);
    solids.block(add(floor, [0.0, 0.0, 9.8]), [8.2, 3.5], 1.4, 0.0, TIMBER);
    let upper = Roof {
        middle: add(floor, [0.0, 0.0, 10.35]),
        eave: [10.8, 6.0],
        top: [6.6, 0.05],
        rise: 4.1,
        lift: 1.1,
        ornament: 1.0,
    };
    upper.build(solids);
    upper.ridge(solids);
}

/// Columns, walls and windows of the hall's ground storey.
fn storey(solids: &mut Solids, floor: Rgb) {
    for column in 0..6 {
        let x = (column as f32 - 2.5) * 4.0;
        for y in [-5.3, 5.3] {
            let foot = add(floor, [x, y, 0.0]);
            solids.turned(foot, &[[0.0, 0.52], [0.22, 0.46], [0.24, 0.36], [4.9, 0.33]], 10, LACQUER);
        }
    }
    solids.block(add(floor, [0.0, 0.4, 0.0]), [10.0, 3.4], 4.9, 0.0, scale(LACQUER, 0.5));
    for bay in 0..5 {
        let x = (bay as f32 - 2.0) * 4.0;
        let corner = add(floor, [x - 1.6, -3.03, 0.35]);
        solids.face(corner, [3.2, 0.0, 0.0], [0.0, 0.0, 1.0], [1, 1], scale(LACQUER, 0.7));
        // Lamps stand on the floor inside: light falls off upwards and towards the sides.
        let lower = add(floor, [x - 1.6, -3.05, 1.35]);
        solids.patch([4, 4], |s, t| {
            let fade = (1.0 - 0.62 * t) * (1.0 - 0.8 * (s - 0.5).powi(2));
            (add(lower, [3.2 * s, 0.0, 2.9 * t]), Some([0.0, -1.0, 0.0]), scale(PAPER, fade))
        });
        lattice(solids, add(lower, [0.0, -0.05, 0.0]));
    }
}

/// Bars over a window of 3.2 x 2.9 m: four leaves, each a narrow grid.
fn lattice(solids: &mut Solids, corner: Rgb) {
    let wood = scale(LACQUER, 0.30);
    for bar in 0..=16 {
        let wide = if bar % 4 == 0 { 0.14 } else { 0.045 };
        let x = 3.2 * bar as f32 / 16.0 - wide / 2.0;
        solids.face(add(corner, [x, 0.0, 0.0]), [wide, 0.0, 0.0], [0.0, 0.0, 2.9], [1, 1], wood);
    }
    for bar in 0..=8 {
        let high = if bar % 4 == 0 { 0.13 } else { 0.045 };
        let z = 2.9 * bar as f32 / 8.0 - high / 2.0;
        solids.face(add(corner, [0.0, -0.01, z]), [3.2, 0.0, 0.0], [0.0, 0.0, high], [1, 1], wood);
    }
}

/// Rows of brackets under an eave.
fn brackets(solids: &mut Solids, middle: Rgb, half: [f32; 2]) {
    for (side, count) in [(0, (half[0] / 0.66) as i32), (1, (half[1] / 0.66) as i32)] {
        for i in 0..count {
            let along = (i as f32 + 0.5) / count as f32 * 2.0 - 1.0;
            for sign in [-1.0, 1.0] {
                let at = if side == 0 {
                    [along * half[0], sign * half[1], 0.0]
                } else {
                    [sign * half[0], along * half[1], 0.0]
                };
                let arm = if side == 0 { [0.16, 0.45] } else { [0.45, 0.16] };
                solids.block(add(middle, at), arm, 0.42, 0.0, if i % 2 == 0 { PAINT } else { scale(LACQUER, 0.8) });
            }
        }
    }
}

/// An open pavilion of six columns under a pointed roof.
pub fn pavilion(solids: &mut Solids, foot: Rgb) {
    let ring = |side: f32, radius: f32, z: f32| {
        add(foot, add(scale(direction(-side * std::f32::consts::PI / 3.0, 0.0), radius), [0.0, 0.0, z]))
    };
    solids.turned(foot, &[[0.0, 3.5], [0.5, 3.4]], 6, STONE);
    for side in 0..6 {
        solids.turned(ring(side as f32, 2.5, 0.5), &[[0.0, 0.2], [3.1, 0.17]], 8, LACQUER);
        let at = |s: f32, t: f32| {
            let corner = (2.0 * s - 1.0).abs();
            let (a, b) = (ring(side as f32, 1.0, 0.0), ring(side as f32 + 1.0, 1.0, 0.0));
            let out = sub(mix(a, b, s), foot);
            let radius = (3.9 + 0.25 * corner.powi(4)) * (1.0 - t) + 0.12 * t;
            let z = 3.5 + 2.7 * (0.30 * t + 0.70 * t * t) + 0.75 * corner.powi(4) * (1.0 - t).powi(3);
            add(foot, [out[0] * radius, out[1] * radius, z])
        };
        solids.patch([14, 5], |s, t| {
            (at(s, t), None, if (s * 14.0).round() as usize % 2 == 1 { TILE_GROOVE } else { TILE })
        });
        solids.patch([6, 1], |s, t| (sub(at(1.0 - s, t * 0.6), [0.0, 0.0, 0.2]), None, TIMBER));
        let beam = [ring(side as f32, 2.5, 3.2), ring(side as f32 + 1.0, 2.5, 3.2)];
        for (from, to) in [(beam[0], beam[1]), (beam[1], beam[0])] {
            solids.face(from, sub(to, from), [0.0, 0.0, 0.4], [1, 1], PAINT);
        }
    }
    solids.turned(
        add(foot, [0.0, 0.0, 6.1]),
        &[[0.0, 0.22], [0.3, 0.30], [0.6, 0.12], [1.0, 0.16], [1.4, 0.0]],
        8,
        TILE,
    );
}

/// The gate behind the stage: four posts, three roofs.
pub fn gate(solids: &mut Solids, foot: Rgb) {
    for (x, height) in [(-6.4, 5.4), (-2.6, 7.0), (2.6, 7.0), (6.4, 5.4)] {
        solids.block(add(foot, [x, 0.0, 0.0]), [0.55, 0.9], 1.1, 0.0, STONE);
        solids.turned(add(foot, [x, 0.0, 1.1]), &[[0.0, 0.36], [height - 1.1, 0.33]], 10, LACQUER);
    }
    for (x, half, z) in [(0.0, 3.4, 6.4), (-4.5, 2.3, 4.8), (4.5, 2.3, 4.8)] {
        solids.block(add(foot, [x, 0.0, z - 0.9]), [half, 0.22], 0.9, 0.0, PAINT);
        let roof = Roof {
            middle: add(foot, [x, 0.0, z + 0.1]),
            eave: [half + 0.6, 1.5],
            top: [half * 0.7, 0.05],
            rise: 1.3,
            lift: 0.5,
            ornament: 0.5,
        };
        roof.build(solids);
        roof.ridge(solids);
    }
}
