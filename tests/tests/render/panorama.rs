//! Panoramas made by the tests, and what is seen in them.

use crate::{
    harness::Once,
    oracle::{Seeded, V3},
    picture,
};
use std::{f64::consts::PI, path::Path};

/// An equirectangular picture in linear Rec.709, white 1.0; its centre is +Y, its right quarter +X.
pub struct Panorama {
    pub size_px: [usize; 2],
    pub linear: Vec<[f64; 3]>,
}

/// Light of an sRGB code value (IEC 61966-2-1).
pub fn light_of_srgb(code: f64) -> f64 {
    if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }
}

/// sRGB code value of light, clipped to 0..=1.
pub fn srgb_of_light(light: f64) -> f64 {
    let light = light.clamp(0.0, 1.0);
    if light <= 0.0031308 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

impl Panorama {
    /// From 8-bit sRGB pixels.
    pub fn of_srgb8(size_px: [usize; 2], pixels: &[[u8; 3]]) -> Self {
        let light: Vec<f64> = (0..=255).map(|level| light_of_srgb(f64::from(level) / 255.0)).collect();
        Self { size_px, linear: pixels.iter().map(|rgb| rgb.map(|level| light[usize::from(level)])).collect() }
    }

    /// Smooth and nowhere the same: 1024 x 512, and the same as a PNG in `folder`. Made once.
    pub fn smooth(folder: &Path) -> (&'static Panorama, std::path::PathBuf) {
        static MADE: Once<(Panorama, Vec<[u8; 3]>)> = Once::new();
        let (panorama, pixels) = MADE.get_or_init(|| {
            let size_px = [1024, 512];
            let pixels = smooth_pixels(size_px);
            (Panorama::of_srgb8(size_px, &pixels), pixels)
        });
        let path = folder.join("panorama.png");
        picture::write_png8(&path, panorama.size_px, pixels);
        (panorama, path)
    }

    /// Continuous texel coordinates of a direction: texel centres are whole numbers.
    pub fn place(&self, direction: V3) -> [f64; 2] {
        let [width, height] = self.size_px.map(|side| side as f64);
        let u = direction.x.atan2(direction.y) / (2.0 * PI) + 0.5;
        let v = 0.5 - (direction.z / direction.norm()).clamp(-1.0, 1.0).asin() / PI;
        [u * width - 0.5, v * height - 0.5]
    }

    /// The four texels around a direction, and how far it is from the first.
    pub fn around(&self, direction: V3) -> ([usize; 4], [f64; 2]) {
        let [width, height] = self.size_px.map(|side| side as i64);
        let [x, y] = self.place(direction);
        let texel = |dx: i64, dy: i64| {
            let column = (x.floor() as i64 + dx).rem_euclid(width);
            let row = (y.floor() as i64 + dy).clamp(0, height - 1);
            (row * width + column) as usize
        };
        ([texel(0, 0), texel(1, 0), texel(0, 1), texel(1, 1)], [x - x.floor(), y - y.floor()])
    }

    /// The light along a direction, bilinear between texel centres.
    pub fn light(&self, direction: V3) -> [f64; 3] {
        let (texels, [fx, fy]) = self.around(direction);
        let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
        let mut sum = [0.0; 3];
        for (texel, weight) in texels.into_iter().zip(weights) {
            for (channel, light) in sum.iter_mut().zip(self.linear[texel]) {
                *channel += weight * light;
            }
        }
        sum
    }

    /// sRGB code values along a direction.
    pub fn code(&self, direction: V3) -> [f64; 3] {
        self.light(direction).map(srgb_of_light)
    }
}

/// The direction of a texel's centre.
pub fn direction_of_texel(size_px: [usize; 2], x: usize, y: usize) -> V3 {
    let pan = ((x as f64 + 0.5) / size_px[0] as f64 - 0.5) * 2.0 * PI;
    let up = (0.5 - (y as f64 + 0.5) / size_px[1] as f64) * PI;
    V3::new(up.cos() * pan.sin(), up.cos() * pan.cos(), up.sin())
}

/// A sum of waves over the sphere per channel, from 0.08 to 0.92 of the code range.
fn smooth_pixels(size_px: [usize; 2]) -> Vec<[u8; 3]> {
    let mut random = Seeded::new(7);
    let waves: Vec<Vec<(V3, f64, f64)>> = (0..3)
        .map(|_| {
            let mut wave = || {
                let number = random.between(2.0, 16.0);
                (random.unit_vector() * number, random.between(0.0, 2.0 * PI), 1.0 / (1.0 + number / 4.0))
            };
            (0..12).map(|_| wave()).collect()
        })
        .collect();
    let height = |direction: V3, waves: &[(V3, f64, f64)]| -> f64 {
        waves.iter().map(|(wave, phase, size)| size * (direction.dot(wave) + phase).sin()).sum()
    };
    let texels = (0..size_px[1]).flat_map(|y| (0..size_px[0]).map(move |x| (x, y)));
    let heights: Vec<[f64; 3]> = texels
        .map(|(x, y)| direction_of_texel(size_px, x, y))
        .map(|direction| [0, 1, 2].map(|channel| height(direction, &waves[channel])))
        .collect();
    let fold = |channel: usize, pick: fn(f64, f64) -> f64| heights.iter().map(|h| h[channel]).reduce(pick).unwrap();
    let (low, high) = ([0, 1, 2].map(|c| fold(c, f64::min)), [0, 1, 2].map(|c| fold(c, f64::max)));
    let level = |h: &[f64; 3], c: usize| 255.0 * (0.08 + 0.84 * (h[c] - low[c]) / (high[c] - low[c]));
    heights.iter().map(|h| [0, 1, 2].map(|c| level(h, c).round() as u8)).collect()
}
