//! A lake between mountains at sunset, as an equirectangular picture.
//!
//! Sky and clouds, then land column by column from near to far, then the spits with their trees, then the water,
//! which mirrors all of it.

use super::{
    air::{RAYLEIGH, Sky},
    clouds,
    light::{Rgb, add, direction, film, grade, mix, scale, times},
    near::{self, Point},
    noise::{fbm, noise, smoothstep, unit as random},
    terrain::{Terrain, albedo},
};
use std::f32::consts::{FRAC_PI_2, PI, TAU};

/// The choices of one rendering.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// The sun's azimuth, degrees from +Y to the right.
    pub sun_azimuth_deg: f32,
    /// The sun's elevation, degrees.
    pub sun_elevation_deg: f32,
    /// Scattering of haze at sea level, per metre.
    pub haze: f32,
    /// Light of the picture for one unit of sunlight above the air.
    pub exposure: f32,
    /// Light of the valley mist relative to clear air; 0 is none.
    pub mist: f32,
    /// Spits, trees and pagoda are there.
    pub near: bool,
}

/// The shipped panorama: sun 34 degrees to the left of the hero direction, just above the far ridges.
pub const DUSK: Look =
    Look { sun_azimuth_deg: -34.0, sun_elevation_deg: 3.2, haze: 1.3e-5, exposure: 11.0, mist: 1.0, near: true };

/// Metres above the water.
const EYE_M: f32 = 1.6;
/// The land's sub-pixels, across and up.
const FINE: usize = 3;
const LAMP: Rgb = [0.30, 0.13, 0.035];

/// An equirectangular picture of scene light (before [`film`]), row 0 the zenith.
pub struct Painting {
    /// Pixels across; half as many down.
    pub width: usize,
    /// Row-major.
    pub light: Vec<Rgb>,
}

/// Premultiplied light over something.
#[derive(Clone, Copy, Default)]
struct Over {
    light: Rgb,
    cover: f32,
}

struct Painter {
    look: Look,
    width: usize,
    height: usize,
    sky: Sky,
    sunlight: Rgb,
    ambient: Rgb,
    /// Land and near things above the horizon, top row first.
    land: Vec<Over>,
    light: Vec<Rgb>,
}

/// Paints a look, `width` pixels across (even).
pub fn paint(look: &Look, width: usize) -> Painting {
    let sun_azimuth = look.sun_azimuth_deg.to_radians();
    let sky = Sky::new(sun_azimuth, look.sun_elevation_deg.to_radians(), look.haze);
    let (sunlight, ambient) = (sky.sunlight(900.0), sky.ambient());
    let height = width / 2;
    let mut painter = Painter {
        look: *look,
        width,
        height,
        sky,
        sunlight,
        ambient,
        land: vec![Over::default(); width * height / 2],
        light: vec![[0.0; 3]; width * height],
    };
    painter.paint_land(&Terrain::new(sun_azimuth));
    if look.near {
        painter.paint_spits();
        painter.paint_things();
    }
    painter.paint_sky();
    painter.paint_water();
    let light = painter.light.into_iter().map(|light| scale(light, look.exposure)).collect();
    Painting { width, light }
}

impl Painting {
    /// The light towards a direction, of the nearest pixel.
    pub fn towards(&self, towards: Rgb) -> Rgb {
        let [u, v] = cyc_color::sphere::uv_from_direction(towards.map(f64::from).into());
        let (width, height) = (self.width, self.width / 2);
        let column = (u * width as f64) as usize % width;
        self.light[((v * height as f64) as usize).min(height - 1) * width + column]
    }

    /// 8-bit sRGB, dithered, three bytes a pixel.
    pub fn rgb8(&self) -> Vec<u8> {
        let codes = |(i, light): (usize, &Rgb)| {
            super::light::dithered_codes(film(grade(*light)), (i % self.width) as u32, (i / self.width) as u32)
        };
        self.light.iter().enumerate().flat_map(codes).collect()
    }
}

impl Painter {
    fn elevation(&self, row: f32) -> f32 {
        FRAC_PI_2 - row / self.height as f32 * PI
    }

    fn azimuth(&self, column: f32) -> f32 {
        (column / self.width as f32 - 0.5) * TAU
    }

    /// Light after `way` metres of air and mist, at a height above the water.
    fn through_air(&self, light: Rgb, azimuth: f32, way: f32, height_m: f32) -> Rgb {
        let slope = height_m.max(1.0);
        let haze = self.look.haze * 1.2;
        let left: Rgb = std::array::from_fn(|c| (-(RAYLEIGH[c] + haze) * way).exp());
        // Looking a little up, so that the veil keeps the colour of the glow and not of the deepest horizon.
        let low = self.sky.towards(direction(azimuth, 0.06));
        let veil = mix(low, self.sky.towards(direction(azimuth, 0.32)), 0.45);
        let aired = add(times(light, left), times(veil, left.map(|l| 1.0 - l)));
        let scale_m = 75.0;
        let share = (1.0 - (-slope / scale_m).exp()) * scale_m / slope;
        let patches = 0.55 + 0.9 * fbm(azimuth.sin() * 5.0, azimuth.cos() * 5.0 + height_m / 190.0, 3, 301).max(-0.4);
        let depth = self.look.mist * way / 8_200.0 * share * patches;
        let mist = add(
            scale(self.sky.towards(direction(azimuth, 0.14)), 0.62),
            scale(times(self.ambient, [0.92, 0.98, 1.18]), 0.55),
        );
        mix(mist, aired, (-depth).exp())
    }

    /// Land, column by column: near to far, each step fills what rises above all before it.
    fn paint_land(&mut self, terrain: &Terrain) {
        let (columns, half) = (self.width * FINE, self.height / 2);
        let rows = half * FINE;
        let row_angle = PI / (self.height * FINE) as f32;
        let part = 1.0 / (FINE * FINE) as f32;
        for column in 0..columns {
            let azimuth = self.azimuth((column as f32 + 0.5) / FINE as f32);
            let (sin, cos) = azimuth.sin_cos();
            let (mut filled, mut way) = (0_usize, 1_500.0_f32);
            while way < 29_500.0 {
                let (x, y) = (sin * way, cos * way);
                let height = terrain.height_m(x, y) - way * way / 12_720_000.0;
                let top = ((height - EYE_M) / way).atan() / row_angle;
                if top > filled as f32 + 0.5 {
                    let light = self.land_light(terrain, [x, y, height], azimuth, way);
                    let end = ((top + 0.5) as usize).min(rows);
                    for fine_row in filled..end {
                        let over = &mut self.land[(half - 1 - fine_row / FINE) * self.width + column / FINE];
                        over.light = add(over.light, scale(light, part));
                        over.cover += part;
                    }
                    filled = end.max(filled);
                }
                way += (way * 0.0016).max(4.0);
            }
        }
    }

    fn land_light(&self, terrain: &Terrain, at: Rgb, azimuth: f32, way: f32) -> Rgb {
        let normal = terrain.normal(at[0], at[1], (way * 0.0032).max(18.0));
        let facing = super::light::dot(normal, self.sky.sun).max(0.0);
        let lit = if facing > 0.0 { facing * terrain.sunlit(at, self.sky.sun) } else { 0.0 };
        let up = 0.5 + 0.5 * normal[2];
        let from_sun = scale(self.sunlight, lit / PI * 1.9);
        // The western sky lights slopes that face it more than those that turn away.
        let west = 0.75 + 0.45 * super::light::dot(normal, [self.sky.sun[0], self.sky.sun[1], 0.0]);
        let from_sky = scale(self.ambient, up * west);
        self.through_air(times(albedo(at, normal), add(from_sun, from_sky)), azimuth, way, at[2])
    }

    /// Lays `light` over a pixel of the upper half, by a share of it.
    fn lay(&mut self, column: usize, row: usize, light: Rgb, cover: f32) {
        if let Some(over) = self.land.get_mut(row * self.width + column % self.width) {
            over.light = add(scale(over.light, 1.0 - cover), scale(light, cover));
            over.cover = over.cover * (1.0 - cover) + cover;
        }
    }

    /// Light of dark ground or needles in front of everything.
    fn near_light(&self, azimuth: f32, way: f32, open: f32) -> Rgb {
        let back = 0.5 + 0.5 * (azimuth - self.look.sun_azimuth_deg.to_radians()).cos();
        let body = times(
            add(scale(self.ambient, 0.35 + 0.5 * open), scale(self.sunlight, 0.10 * open * (1.0 - back))),
            [0.055, 0.060, 0.048],
        );
        self.through_air(body, azimuth, way * 1.6, 30.0)
    }

    fn paint_spits(&mut self) {
        for (spit, [from, to, distance, _]) in near::SPITS.iter().copied().enumerate() {
            for column in 0..self.width * FINE {
                let degrees = self.azimuth((column as f32 + 0.5) / FINE as f32).to_degrees();
                if !(from..=to).contains(&degrees) {
                    continue;
                }
                let top = ((near::ground_m(spit, degrees) - EYE_M) / distance).atan() / PI * self.height as f32;
                let azimuth = degrees.to_radians();
                for step in 0..(top.max(0.0).ceil() as usize) {
                    let cover = (top - step as f32).clamp(0.0, 1.0) / FINE as f32;
                    let open = (step as f32 / top).powi(3) + 0.25 * random(column as i32, step as i32, 311);
                    let light = self.near_light(azimuth, distance, open);
                    // Fine columns lie side by side, not over one another.
                    let before = (column % FINE) as f32 * cover;
                    self.lay(column / FINE, self.height / 2 - 1 - step, light, (cover / (1.0 - before)).min(1.0));
                }
            }
        }
    }

    fn paint_things(&mut self) {
        const TAPS: usize = 4;
        let pixel = PI / self.height as f32;
        for thing in near::things() {
            let middle = thing.azimuth_deg.to_radians();
            let spread = (thing.reach_m * 1.3 / thing.distance_m / pixel).ceil() as i64 + 1;
            let column0 = ((middle / TAU + 0.5) * self.width as f32) as i64;
            let top = ((thing.foot_m + thing.height_m - EYE_M) / thing.distance_m).atan();
            let top_row = ((FRAC_PI_2 - top) / pixel) as usize;
            for row in top_row.saturating_sub(1)..self.height / 2 {
                for column in column0 - spread..=column0 + spread {
                    let (mut hits, mut open, mut lamps) = (0, 0.0, 0);
                    for tap in 0..TAPS * TAPS {
                        let dx = ((tap % TAPS) as f32 + 0.5) / TAPS as f32;
                        let dy = ((tap / TAPS) as f32 + 0.5) / TAPS as f32;
                        let azimuth = self.azimuth(column as f32 + dx) - middle;
                        let x = azimuth.tan() * thing.distance_m;
                        let y = self.elevation(row as f32 + dy).tan() * thing.distance_m + EYE_M - thing.foot_m;
                        match near::at(&thing, x, y) {
                            Point::Clear => {}
                            Point::Body(sky) => (hits, open) = (hits + 1, open + sky),
                            Point::Lamp => (hits, lamps) = (hits + 1, lamps + 1),
                        }
                    }
                    if hits > 0 {
                        let body = self.near_light(middle, thing.distance_m, open / hits as f32);
                        let light = mix(body, scale(LAMP, 1.0 / self.look.exposure * 2.2), lamps as f32 / hits as f32);
                        let wrapped = column.rem_euclid(self.width as i64) as usize;
                        self.lay(wrapped, row, light, hits as f32 / (TAPS * TAPS) as f32);
                    }
                }
            }
        }
    }

    fn paint_sky(&mut self) {
        let high_light = self.sky.sunlight(8_500.0);
        let low_light = self.sky.sunlight(2_600.0);
        for row in 0..self.height / 2 {
            for column in 0..self.width {
                let over = self.land[row * self.width + column];
                let mut light = [0.0; 3];
                if over.cover < 0.999 {
                    let towards = direction(self.azimuth(column as f32 + 0.5), self.elevation(row as f32 + 0.5));
                    light = add(self.sky.towards(towards), self.sky.disc(towards));
                    for layer in [
                        clouds::high(&self.sky, high_light, self.ambient, towards),
                        clouds::low(&self.sky, low_light, self.ambient, towards),
                    ] {
                        light = add(scale(light, 1.0 - layer.cover), layer.light);
                    }
                }
                self.light[row * self.width + column] = add(scale(light, 1.0 - over.cover), over.light);
            }
        }
    }

    /// What the upper half shows, between pixels.
    fn above(&self, azimuth: f32, elevation: f32) -> Rgb {
        let x = (azimuth / TAU + 0.5) * self.width as f32 - 0.5;
        let y = ((FRAC_PI_2 - elevation) / PI * self.height as f32 - 0.5).clamp(0.0, self.height as f32 / 2.0 - 1.001);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let at = |dx: i64, dy: usize| {
            let column = (x0 as i64 + dx).rem_euclid(self.width as i64) as usize;
            self.light[(y0 as usize + dy) * self.width + column]
        };
        mix(mix(at(0, 0), at(1, 0), fx), mix(at(0, 1), at(1, 1), fx), fy)
    }

    /// The lower half: the lake, mirroring what is above in waves that grow towards the eye.
    fn paint_water(&mut self) {
        const TAPS: usize = 12;
        let deep = times(self.ambient, [0.012, 0.030, 0.032]);
        for row in self.height / 2..self.height {
            for column in 0..self.width {
                let (azimuth, down) = (self.azimuth(column as f32 + 0.5), -self.elevation(row as f32 + 0.5));
                let way = EYE_M / down.tan().max(1e-4);
                let (x, y) = (azimuth.sin() * way, azimuth.cos() * way);
                let [across, along] = wave_slope(x, y, way, azimuth);
                let mut sum = [0.0; 3];
                for tap in 0..TAPS {
                    let jitter = (tap as f32 + random(column as i32, row as i32, 321)) / TAPS as f32 - 0.5;
                    let tilt = along + jitter * wave_spread(way);
                    let seen = (down + 2.0 * tilt).abs().clamp(0.0005, FRAC_PI_2 - 0.01);
                    let sharp = self.above(azimuth + 2.0 * across * down.sin(), seen);
                    let cosine = (down + tilt).abs().sin().clamp(0.0, 1.0);
                    let mirrored = 0.02 + 0.98 * (1.0 - cosine).powi(5);
                    sum = add(sum, add(scale(sharp.map(|l| l.min(1.6)), mirrored), scale(deep, 1.0 - mirrored)));
                }
                let light = scale(sum, 1.0 / TAPS as f32);
                let horizon = smoothstep(0.010, 0.0, down);
                let mist = self.through_air(light, azimuth, 1_500.0 + 6_000.0 * horizon, 8.0);
                self.light[row * self.width + column] =
                    mix(light, mist, 0.30 * self.look.mist * smoothstep(0.05, 0.0, down));
            }
        }
    }
}

/// How far waves too small to draw tilt the water, radians, at a distance.
fn wave_spread(way: f32) -> f32 {
    0.026 + 0.050 * smoothstep(15.0, 300.0, way)
}

/// The tilt of waves large enough to see: across and along the line of sight.
fn wave_slope(x: f32, y: f32, way: f32, azimuth: f32) -> [f32; 2] {
    let mut slope = [0.0_f32; 2];
    for (length, tilt, seed) in [(5.5, 0.010, 331), (1.9, 0.014, 332), (0.62, 0.016, 333), (0.21, 0.014, 334)] {
        // A wave smaller than a few pixels is left to the spread.
        let visible = smoothstep(1.0, 0.2, way * way * 0.0031 / EYE_M / length);
        if visible > 0.0 {
            slope[0] += tilt * visible * noise(x / length, y / length, seed);
            slope[1] += tilt * visible * noise(x / length + 31.0, y / length * 0.8, seed);
        }
    }
    let gust = 0.6 + 0.8 * fbm(x / 45.0, y / 45.0, 3, 335).max(-0.5);
    let (sin, cos) = azimuth.sin_cos();
    [(slope[0] * cos - slope[1] * sin) * gust, (slope[0] * sin + slope[1] * cos) * gust]
}
