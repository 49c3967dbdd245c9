//! Three-channel arithmetic, directions, and light to code values.

use super::noise;
use crate::texture::srgb_code;

/// Linear Rec.709, or a vector in stage space.
pub type Rgb = [f32; 3];

/// `a + b`.
pub fn add(a: Rgb, b: Rgb) -> Rgb {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// `a - b`.
pub fn sub(a: Rgb, b: Rgb) -> Rgb {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// Channel by channel.
pub fn times(a: Rgb, b: Rgb) -> Rgb {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
}

/// All channels by one factor.
pub fn scale(a: Rgb, by: f32) -> Rgb {
    a.map(|x| x * by)
}

/// From `a` (t = 0) to `b` (t = 1).
pub fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    add(scale(a, 1.0 - t), scale(b, t))
}

/// Scalar product.
pub fn dot(a: Rgb, b: Rgb) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Vector product.
pub fn cross(a: Rgb, b: Rgb) -> Rgb {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Of length 1; zero becomes up.
pub fn unit(a: Rgb) -> Rgb {
    let length = dot(a, a).sqrt();
    if length > 1e-12 { scale(a, 1.0 / length) } else { [0.0, 0.0, 1.0] }
}

/// Luminance of Rec.709.
pub fn luminance(a: Rgb) -> f32 {
    dot(a, [0.2126, 0.7152, 0.0722])
}

/// The direction at an azimuth (0 is +Y, growing towards +X) and an elevation, radians.
pub fn direction(azimuth: f32, elevation: f32) -> Rgb {
    let (sin_a, cos_a) = azimuth.sin_cos();
    let (sin_e, cos_e) = elevation.sin_cos();
    [cos_e * sin_a, cos_e * cos_a, sin_e]
}

/// The look's grade: a little magenta against the green of single scattering, and more colour.
pub fn grade(light: Rgb) -> Rgb {
    let balanced = times(light, [1.04, 0.95, 1.10]);
    let grey = luminance(balanced);
    balanced.map(|x| (grey + (x - grey) * 1.16).max(0.0))
}

/// Light beyond the wall's white bends over instead of clipping, and whitens as film does.
pub fn film(light: Rgb) -> Rgb {
    let bend = |x: f32| 1.0 - (-x.max(0.0)).exp();
    let peak = luminance(light).max(1e-6);
    // Half by channel (hue drifts to white), half by luminance (hue stays).
    let kept = scale(light, bend(peak) / peak);
    let bent = mix(light.map(bend), kept.map(|x| x.min(1.0)), 0.35);
    // What is far too bright for film is white, whatever its hue.
    mix(bent, [1.0, 0.97, 0.90], noise::smoothstep(2.0, 18.0, peak))
}

/// 8-bit sRGB with triangular noise of one code, so that a dusk sky shows no bands.
pub fn dithered_codes(light: Rgb, x: u32, y: u32) -> [u8; 3] {
    std::array::from_fn(|c| {
        let seed = 700 + c as u32;
        let (x, y) = (x as i32, y as i32);
        let grain = noise::unit(x, y, seed) + noise::unit(x, y, seed + 10) - 1.0;
        let code = cyc_color::transfer::srgb_from_linear(f64::from(light[c].clamp(0.0, 1.0))) * 255.0;
        (code + f64::from(grain) * 0.5).round().clamp(0.0, 255.0) as u8
    })
}

/// 8-bit sRGB without noise.
pub fn codes(light: Rgb) -> [u8; 3] {
    light.map(srgb_code)
}
