//! The sky by single scattering, with a share of light that scattered before.
//!
//! Source: Nishita et al., "Display of the Earth Taking into Account Atmospheric Scattering" (1993); ozone after
//! Bruneton and Neyret (2008). Units: metres, light relative to the sun's above the air (1.0).

use super::light::{Rgb, add, direction, dot, scale, times};
use std::f32::consts::{FRAC_PI_2, PI};

const EARTH_M: f32 = 6_360_000.0;
const TOP_M: f32 = 6_440_000.0;
/// Scattering of clear air at sea level, per metre.
pub const RAYLEIGH: Rgb = [5.8e-6, 13.5e-6, 33.1e-6];
const RAYLEIGH_SCALE_M: f32 = 8_000.0;
const MIE_SCALE_M: f32 = 1_400.0;
const OZONE: Rgb = [0.65e-6, 1.88e-6, 0.085e-6];
/// How forward haze throws light (Henyey-Greenstein).
const MIE_FORWARD: f32 = 0.78;
/// Light that scattered more than once, as a share of the direct light at the same height.
const AGAIN: f32 = 0.42;
const STEPS: usize = 28;

/// Air between a place and the sun or the eye: metres of sea-level air, of haze, of ozone.
type Column = [f32; 3];

/// Light with and without the haze's own phase.
#[derive(Clone, Copy, Default)]
struct Cell {
    air: Rgb,
    haze: Rgb,
    again: Rgb,
}

/// A sky for one sun, tabulated over elevation and the angle away from the sun's azimuth.
pub struct Sky {
    /// Towards the sun.
    pub sun: Rgb,
    sun_azimuth: f32,
    haze: f32,
    cells: Vec<Cell>,
}

const ROWS: usize = 160;
const COLUMNS: usize = 64;
/// Lowest tabulated elevation: the horizon.
const LOWEST: f32 = 0.0;

/// Density of air, haze and ozone at a height.
fn density(height_m: f32) -> Column {
    let h = height_m.max(0.0);
    [(-h / RAYLEIGH_SCALE_M).exp(), (-h / MIE_SCALE_M).exp(), (1.0 - (h - 25_000.0).abs() / 15_000.0).max(0.0)]
}

/// Metres to the top of the air from a height, at a sine of elevation.
fn to_top(height_m: f32, sine: f32) -> f32 {
    let r = EARTH_M + height_m;
    let b = r * sine;
    (b * b + TOP_M * TOP_M - r * r).max(0.0).sqrt() - b
}

fn height_after(height_m: f32, sine: f32, way: f32) -> f32 {
    let r = EARTH_M + height_m;
    (r * r + way * way + 2.0 * r * way * sine).sqrt() - EARTH_M
}

/// Air on the way out, at a sine of elevation.
fn column(height_m: f32, sine: f32) -> Column {
    let length = to_top(height_m, sine);
    let mut sum = [0.0; 3];
    let steps = 24;
    for i in 0..steps {
        // Finer near the start, where the air is dense.
        let (a, b) = (i as f32 / steps as f32, (i + 1) as f32 / steps as f32);
        let (from, to) = (a * a * length, b * b * length);
        sum = add(sum, scale(density(height_after(height_m, sine, (from + to) / 2.0)), to - from));
    }
    sum
}

impl Sky {
    /// The sky with the sun at `azimuth` and `elevation` (radians); `haze` is its scattering per metre at sea
    /// level, 4e-6 (crystal) to 4e-5 (milky).
    pub fn new(azimuth: f32, elevation: f32, haze: f32) -> Self {
        let sun = direction(azimuth, elevation);
        let mut sky = Self { sun, sun_azimuth: azimuth, haze, cells: vec![Cell::default(); ROWS * COLUMNS] };
        for row in 0..ROWS {
            for col in 0..COLUMNS {
                let t = row as f32 / (ROWS - 1) as f32;
                let elevation = LOWEST + (FRAC_PI_2 - LOWEST) * t * t;
                let away = PI * col as f32 / (COLUMNS - 1) as f32;
                sky.cells[row * COLUMNS + col] = sky.scattered(direction(azimuth + away, elevation));
            }
        }
        sky
    }

    /// What is left of light after a column of air.
    fn through(&self, column: Column) -> Rgb {
        std::array::from_fn(|c| (-(RAYLEIGH[c] * column[0] + 1.1 * self.haze * column[1] + OZONE[c] * column[2])).exp())
    }

    /// Sunlight at a height above the ground; the sun may stand lower than a plain's horizon.
    pub fn sunlight(&self, height_m: f32) -> Rgb {
        self.through(column(height_m, self.sun[2]))
    }

    fn scattered(&self, towards: Rgb) -> Cell {
        let sine = towards[2];
        let length = to_top(2.0, sine);
        let mut cell = Cell::default();
        let mut passed = [0.0; 3];
        for i in 0..STEPS {
            let (a, b) = (i as f32 / STEPS as f32, (i + 1) as f32 / STEPS as f32);
            let (from, to) = (a * a * length, b * b * length);
            let (way, step) = ((from + to) / 2.0, to - from);
            let height = height_after(2.0, sine, way);
            let dense = density(height);
            let here = add(passed, scale(dense, step / 2.0));
            passed = add(passed, scale(dense, step));
            // The local vertical leans as the ray goes round the earth.
            let up =
                scale([towards[0] * way, towards[1] * way, EARTH_M + 2.0 + towards[2] * way], 1.0 / (EARTH_M + height));
            let sun_sine = dot(self.sun, up);
            let lit = self.through(column(height, sun_sine));
            let seen = self.through(here);
            let lit_seen = scale(times(lit, seen), step);
            cell.air = add(cell.air, scale(times(lit_seen, RAYLEIGH), dense[0]));
            cell.haze = add(cell.haze, scale(lit_seen, self.haze * dense[1]));
            let high = self.through(column(height + 6_000.0, sun_sine.max(0.12)));
            let both = add(scale(RAYLEIGH, dense[0]), [self.haze * dense[1]; 3]);
            cell.again = add(cell.again, scale(times(times(high, seen), both), step));
        }
        cell
    }

    fn cell(&self, towards: Rgb) -> Cell {
        let elevation = towards[2].clamp(-1.0, 1.0).asin().max(LOWEST);
        let away = (towards[0].atan2(towards[1]) - self.sun_azimuth).abs() % (2.0 * PI);
        let away = away.min(2.0 * PI - away);
        let y = ((elevation - LOWEST) / (FRAC_PI_2 - LOWEST)).sqrt() * (ROWS - 1) as f32;
        let x = away / PI * (COLUMNS - 1) as f32;
        let (x0, y0) = ((x as usize).min(COLUMNS - 2), (y as usize).min(ROWS - 2));
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let mut sum = Cell::default();
        for (dx, dy, weight) in
            [(0, 0, (1.0 - fx) * (1.0 - fy)), (1, 0, fx * (1.0 - fy)), (0, 1, (1.0 - fx) * fy), (1, 1, fx * fy)]
        {
            let cell = self.cells[(y0 + dy) * COLUMNS + x0 + dx];
            sum.air = add(sum.air, scale(cell.air, weight));
            sum.haze = add(sum.haze, scale(cell.haze, weight));
            sum.again = add(sum.again, scale(cell.again, weight));
        }
        sum
    }

    /// The clear sky towards a direction; below the horizon, the horizon's.
    pub fn towards(&self, towards: Rgb) -> Rgb {
        let cell = self.cell(towards);
        let cosine = dot(towards, self.sun);
        let air = 3.0 / (16.0 * PI) * (1.0 + cosine * cosine);
        let again = scale(cell.again, AGAIN / (4.0 * PI));
        add(add(scale(cell.air, air), scale(cell.haze, haze_phase(cosine))), again)
    }

    /// The sun's disc, softened to about half a degree so that a small picture holds it.
    pub fn disc(&self, towards: Rgb) -> Rgb {
        let angle = dot(towards, self.sun).clamp(-1.0, 1.0).acos().to_degrees();
        let inside = super::noise::smoothstep(0.48, 0.28, angle);
        scale(self.sunlight(2.0), inside * 40.0)
    }

    /// Mean of the upper half, as a horizontal face sees it.
    pub fn ambient(&self) -> Rgb {
        let (mut sum, mut total) = ([0.0; 3], 0.0);
        for row in 0..12 {
            let elevation = (row as f32 + 0.5) / 12.0 * FRAC_PI_2;
            for col in 0..24 {
                let weight = elevation.cos() * elevation.sin();
                let light = self.towards(direction((col as f32 + 0.5) / 24.0 * 2.0 * PI, elevation));
                // The aureole around the sun counts as sun, not as sky.
                sum = add(sum, scale(light.map(|x| x.min(0.4)), weight));
                total += weight;
            }
        }
        scale(sum, 1.0 / total)
    }
}

/// Henyey-Greenstein with a wide second lobe, so that the aureole fades slowly.
pub fn haze_phase(cosine: f32) -> f32 {
    let lobe = |g: f32| (1.0 - g * g) / (4.0 * PI * (1.0 + g * g - 2.0 * g * cosine).powf(1.5));
    0.7 * lobe(MIE_FORWARD) + 0.3 * lobe(0.45)
}
