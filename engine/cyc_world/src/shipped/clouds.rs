//! Two layers of cloud on shells around the earth, lit by a low sun from the side and from below.

use super::{
    air::{Sky, haze_phase},
    light::{Rgb, add, dot, mix, scale},
    noise::{fbm, noise, smoothstep},
};

/// What a layer adds to the light behind it, and how much of that it hides.
#[derive(Clone, Copy)]
pub struct Layer {
    /// Light of the cloud itself, already weighted.
    pub light: Rgb,
    /// 0 clear to 1 opaque.
    pub cover: f32,
}

const EARTH_M: f32 = 6_360_000.0;
const CIRRUS_M: f32 = 8_500.0;
const BANKS_M: f32 = 3_300.0;

/// Where a ray meets a shell: metres east and north, and the way there.
fn meets(towards: Rgb, height_m: f32) -> [f32; 3] {
    let b = EARTH_M * towards[2];
    let way = (b * b + 2.0 * EARTH_M * height_m + height_m * height_m).sqrt() - b;
    [towards[0] * way, towards[1] * way, way]
}

/// Thickness of the high streaks: fibres combed by wind from the west-north-west.
fn cirrus(x: f32, y: f32) -> f32 {
    let (along, across) = (0.88 * x + 0.47 * y, -0.47 * x + 0.88 * y);
    let bend = fbm(along / 30_000.0, across / 30_000.0, 3, 101);
    let (a, c) = (along / 26_000.0 + 0.4 * bend, across / 5_200.0 + 1.5 * bend);
    let fibres = 0.5 + 0.5 * fbm(a * 1.3, c * 1.1, 5, 102);
    let fine = 0.5 + 0.5 * noise(a * 9.0 + bend * 3.0, c * 7.0, 103);
    let field = smoothstep(-0.25, 0.45, fbm(x / 42_000.0 + 0.3, y / 42_000.0, 3, 104));
    smoothstep(0.46, 0.92, fibres * (0.8 + 0.2 * fine)) * field
}

/// Thickness of the low banks: long rolls that break into heaps.
fn banks(x: f32, y: f32, octaves: u32) -> f32 {
    let warp = [fbm(x / 9_000.0, y / 9_000.0, 2, 111), fbm(x / 9_000.0 + 7.0, y / 9_000.0, 2, 112)];
    let (wx, wy) = (x + 2_600.0 * warp[0], y + 1_500.0 * warp[1]);
    let heaps = fbm(wx / 4_600.0, wy / 2_900.0, octaves, 113);
    let fields = fbm(x / 26_000.0 + 2.2, y / 17_000.0 + 0.7, 3, 114);
    // Clear overhead: the eye goes to the horizon.
    let above = smoothstep(12_000.0, 1_500.0, x.hypot(y)) * 0.40;
    smoothstep(0.04, 0.46, heaps * 0.85 + fields * 0.95 - 0.02 - above)
}

/// The high streaks towards a direction.
pub fn high(sky: &Sky, sunlight: Rgb, ambient: Rgb, towards: Rgb) -> Layer {
    let [x, y, way] = meets(towards, CIRRUS_M);
    let thick = cirrus(x, y);
    let cover = 1.0 - (-thick * 0.75).exp();
    // Ice throws light forward: bright near the sun, pale elsewhere.
    let glow = 0.10 + 0.55 * haze_phase(dot(towards, sky.sun)).min(1.6);
    veiled(sky, towards, way, cover, add(scale(sunlight, glow), scale(ambient, 0.45)))
}

/// The low banks towards a direction.
pub fn low(sky: &Sky, sunlight: Rgb, ambient: Rgb, towards: Rgb) -> Layer {
    let [x, y, way] = meets(towards, BANKS_M);
    let thick = banks(x, y, 7);
    if thick <= 0.0 {
        return Layer { light: [0.0; 3], cover: 0.0 };
    }
    let level = (sky.sun[0].hypot(sky.sun[1])).max(1e-3);
    let (sx, sy) = (sky.sun[0] / level, sky.sun[1] / level);
    let ahead: f32 = [350.0, 900.0, 1_900.0, 3_600.0].iter().map(|s| banks(x + sx * s, y + sy * s, 4)).sum();
    let reached = (-1.15 * ahead).exp();
    // Light bleeds through thin edges towards the eye: the silver (here golden) lining.
    let cosine = dot(towards, sky.sun);
    let edge = (1.0 - thick) * (0.35 + 1.3 * haze_phase(cosine).min(1.2));
    let body = 0.21 * reached + 0.012;
    let light = add(scale(sunlight, body + edge * (0.15 + 0.85 * reached)), scale(ambient, 0.62 - 0.30 * thick));
    let cover = 1.0 - (-thick * 3.2).exp();
    veiled(sky, towards, way, cover, light)
}

/// Distance takes clouds back into the sky they hang in.
fn veiled(sky: &Sky, towards: Rgb, way: f32, cover: f32, light: Rgb) -> Layer {
    let left = (-way / 75_000.0).exp();
    let cover = cover * smoothstep(0.004, 0.05, towards[2]);
    let behind = sky.towards(towards);
    Layer { light: scale(mix(behind, light, left), cover), cover: cover * (0.25 + 0.75 * left.sqrt()) }
}
