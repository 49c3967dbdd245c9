//! Mountains around a lake: a height field that water has worked on, and its colours.
//!
//! Metres; x right, y forward, as the stage; the viewer stands at the origin, the water lies at height 0.

use super::{
    light::{Rgb, mix, scale, unit},
    noise::{fbm, noise, ridged, smoothstep, unit as random},
};

/// Cells along a side.
const CELLS: usize = 1024;
/// Metres along a side.
const SIDE_M: f32 = 60_000.0;
const CELL_M: f32 = SIDE_M / CELLS as f32;

/// Mountains stand around these places: azimuth (degrees), distance, reach, height (metres).
const MASSIFS: [[f32; 4]; 9] = [
    [18.0, 12_000.0, 3_700.0, 3_300.0],
    [44.0, 15_500.0, 4_600.0, 2_500.0],
    [-7.0, 19_000.0, 3_800.0, 2_500.0],
    [-58.0, 14_500.0, 3_600.0, 2_200.0],
    [-98.0, 11_500.0, 4_000.0, 2_300.0],
    [84.0, 10_500.0, 3_800.0, 1_900.0],
    [126.0, 13_500.0, 4_800.0, 2_800.0],
    [172.0, 11_500.0, 4_300.0, 1_900.0],
    [-143.0, 12_500.0, 4_800.0, 2_700.0],
];

/// The land around the lake.
pub struct Terrain {
    heights_m: Vec<f32>,
}

/// Metres from the viewer to the shore; a long arm of the lake opens towards `open_azimuth`.
fn shore_m(azimuth: f32, open_azimuth: f32) -> f32 {
    let (s, c) = azimuth.sin_cos();
    let bays = fbm(s * 2.2 + 5.0, c * 2.2, 4, 41);
    let away = (azimuth - open_azimuth + 9.424_778).rem_euclid(std::f32::consts::TAU) - std::f32::consts::PI;
    let arm = (-(away / 0.16).powi(2)).exp();
    2_300.0 + 1_200.0 * bays + 7_500.0 * arm
}

fn raw_height(x: f32, y: f32, open_azimuth: f32) -> f32 {
    let (distance, azimuth) = (x.hypot(y), x.atan2(y));
    let warp = [fbm(x / 7_000.0, y / 7_000.0, 3, 11), fbm(x / 7_000.0, y / 7_000.0, 3, 12)];
    let (wx, wy) = (x + warp[0] * 1_500.0, y + warp[1] * 1_500.0);
    let mut rise = 380.0 * smoothstep(9_000.0, 20_000.0, distance);
    for [degrees, away, reach, height] in MASSIFS {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let d2 = ((x - sin * away).powi(2) + (y - cos * away).powi(2)) / (reach * reach);
        rise += height * (-d2).exp();
    }
    let crests = ridged(wx / 7_500.0, wy / 7_500.0, 8, 21);
    let hills = 0.5 + 0.5 * fbm(wx / 2_600.0, wy / 2_600.0, 5, 31);
    let spurs = ridged(wx / 3_100.0, wy / 3_100.0, 5, 33);
    let land = 12.0
        + (230.0 * hills + 520.0 * spurs * spurs * hills) * smoothstep(0.0, 3_500.0, distance - 2_000.0)
        + rise * (0.16 + 1.05 * crests);
    let shore = shore_m(azimuth, open_azimuth);
    let dry = smoothstep(shore, shore + 1_900.0, distance);
    land * dry - 30.0 * (1.0 - smoothstep(shore - 250.0, shore + 60.0, distance))
}

impl Terrain {
    /// The land for a sun (and an open lake) at an azimuth, radians.
    pub fn new(open_azimuth: f32) -> Self {
        let mut heights_m = Vec::with_capacity(CELLS * CELLS);
        for row in 0..CELLS {
            for col in 0..CELLS {
                let at = |i: usize| (i as f32 + 0.5) * CELL_M - SIDE_M / 2.0;
                heights_m.push(raw_height(at(col), at(row), open_azimuth));
            }
        }
        let mut terrain = Self { heights_m };
        for drop in 0..220_000 {
            terrain.rain(drop);
        }
        terrain
    }

    /// Grid coordinates of a place and the weights of its cell's corners.
    fn cell(&self, gx: f32, gy: f32) -> (usize, [f32; 2]) {
        let (x, y) = (gx.clamp(0.0, CELLS as f32 - 2.001), gy.clamp(0.0, CELLS as f32 - 2.001));
        ((y as usize) * CELLS + x as usize, [x.fract(), y.fract()])
    }

    /// Height and slope at grid coordinates.
    fn sample(&self, gx: f32, gy: f32) -> (f32, [f32; 2]) {
        let (i, [fx, fy]) = self.cell(gx, gy);
        let h = &self.heights_m;
        let (a, b, c, d) = (h[i], h[i + 1], h[i + CELLS], h[i + CELLS + 1]);
        let height = (a * (1.0 - fx) + b * fx) * (1.0 - fy) + (c * (1.0 - fx) + d * fx) * fy;
        (height, [(b - a) * (1.0 - fy) + (d - c) * fy, (c - a) * (1.0 - fx) + (d - b) * fx])
    }

    /// Spreads an amount over the corners of a cell.
    fn change(&mut self, gx: f32, gy: f32, amount: f32) {
        let (i, [fx, fy]) = self.cell(gx, gy);
        self.heights_m[i] += amount * (1.0 - fx) * (1.0 - fy);
        self.heights_m[i + 1] += amount * fx * (1.0 - fy);
        self.heights_m[i + CELLS] += amount * (1.0 - fx) * fy;
        self.heights_m[i + CELLS + 1] += amount * fx * fy;
    }

    /// One drop of rain runs down, takes soil where it is fast and leaves it where it slows.
    fn rain(&mut self, drop: i32) {
        let mut at = [random(drop, 0, 51) * (CELLS - 2) as f32, random(drop, 1, 51) * (CELLS - 2) as f32];
        let (mut course, mut speed, mut water, mut soil) = ([0.0_f32; 2], 1.0_f32, 1.0_f32, 0.0_f32);
        for _ in 0..48 {
            let (height, slope) = self.sample(at[0], at[1]);
            if height < 0.0 {
                return;
            }
            course = [course[0] * 0.35 - slope[0] * 0.65, course[1] * 0.35 - slope[1] * 0.65];
            let length = course[0].hypot(course[1]);
            if length < 1e-4 {
                return;
            }
            let next = [at[0] + course[0] / length, at[1] + course[1] / length];
            let edge = (CELLS - 2) as f32;
            if !(1.0..edge).contains(&next[0]) || !(1.0..edge).contains(&next[1]) {
                return;
            }
            let fall = height - self.sample(next[0], next[1]).0;
            let carry = (fall.max(0.3) * speed * water * 1.1).min(60.0);
            if fall < 0.0 || soil > carry {
                let left = if fall < 0.0 { soil.min(-fall) } else { (soil - carry) * 0.25 };
                self.change(at[0], at[1], left);
                soil -= left;
            } else {
                let taken = ((carry - soil) * 0.22).min(fall);
                self.change(at[0], at[1], -taken);
                soil += taken;
            }
            speed = (speed * speed + fall * 0.02).clamp(0.05, 9.0).sqrt();
            water *= 0.975;
            at = next;
        }
    }

    /// Height above the water with what is smaller than a cell: rock on slopes, tree tops where it is low.
    pub fn height_m(&self, x: f32, y: f32) -> f32 {
        let grid = |v: f32| (v + SIDE_M / 2.0) / CELL_M - 0.5;
        let (height, slope) = self.sample(grid(x), grid(y));
        if height < 0.5 {
            return height;
        }
        let steep = (slope[0].hypot(slope[1]) / CELL_M).min(1.2);
        let rock = noise(x / 210.0, y / 210.0, 61).abs() + 0.5 * noise(x / 83.0, y / 83.0, 62).abs();
        let trees = forest(height) * (0.35 + 0.65 * random((x / 9.0) as i32, (y / 9.0) as i32, 63)) * 13.0;
        height - rock * steep * 55.0 + trees
    }

    /// Height without trees and rock, for shadows and slopes of the large.
    pub fn smooth_height_m(&self, x: f32, y: f32) -> f32 {
        let grid = |v: f32| (v + SIDE_M / 2.0) / CELL_M - 0.5;
        self.sample(grid(x), grid(y)).0
    }

    /// The upward normal over a distance of `reach_m`.
    pub fn normal(&self, x: f32, y: f32, reach_m: f32) -> Rgb {
        let h = |dx: f32, dy: f32| self.height_m(x + dx, y + dy);
        let across = h(reach_m, 0.0) - h(-reach_m, 0.0);
        let along = h(0.0, reach_m) - h(0.0, -reach_m);
        unit([-across / (2.0 * reach_m), -along / (2.0 * reach_m), 1.0])
    }

    /// 1 in sunlight, 0 in the shadow of other land.
    pub fn sunlit(&self, at: Rgb, sun: Rgb) -> f32 {
        let mut lit: f32 = 1.0;
        let mut way = 70.0;
        while way < 26_000.0 && lit > 0.0 {
            let here = [at[0] + sun[0] * way, at[1] + sun[1] * way, at[2] + sun[2] * way + 6.0];
            if here[2] > 3_600.0 {
                break;
            }
            let clear = here[2] - self.smooth_height_m(here[0], here[1]);
            // The sun is half a degree wide: shadows soften with distance.
            lit = lit.min(0.5 + clear / (way * 0.02));
            way += 60.0 + way * 0.05;
        }
        lit.clamp(0.0, 1.0)
    }
}

/// How much forest grows at a height.
fn forest(height_m: f32) -> f32 {
    smoothstep(2.0, 12.0, height_m) * smoothstep(1_050.0, 650.0, height_m)
}

/// Diffuse reflectance, linear Rec.709.
pub fn albedo(at: Rgb, normal: Rgb) -> Rgb {
    let patch = fbm(at[0] / 900.0, at[1] / 900.0, 4, 71);
    let rock = scale([0.150, 0.138, 0.128], 0.85 + 0.35 * noise(at[2] / 46.0, patch * 2.0, 72));
    let meadow = mix([0.085, 0.078, 0.036], [0.055, 0.062, 0.030], 0.5 + 0.5 * patch);
    let wood = mix([0.020, 0.030, 0.020], [0.045, 0.036, 0.018], smoothstep(0.1, 0.5, patch));
    let green = mix(meadow, wood, (forest(at[2]) * (0.85 + patch)).clamp(0.0, 1.0));
    let bare = smoothstep(0.80, 0.62, normal[2]).max(smoothstep(900.0, 1_350.0, at[2] + 300.0 * patch));
    let ground = mix(green, rock, bare);
    let line = 1_320.0 + 260.0 * patch;
    let snow = smoothstep(line, line + 380.0, at[2]) * smoothstep(0.50, 0.72, normal[2]);
    mix(ground, [0.78, 0.81, 0.86], snow)
}
