//! Looks into a panorama: `preview_panorama IN OUT.png [PAN_DEG] [TILT_DEG] [FOV_DEG]`, pan positive to the right.

use cyc_world::{Environment, Limits, decode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, angles @ ..] = &args[..] else {
        return Err("usage: preview_panorama IN OUT.png [PAN TILT FOV]".into());
    };
    let number = |i: usize, default: f64| angles.get(i).map_or(Ok(default), |text| text.parse::<f64>());
    let (pan, tilt, fov) = (number(0, 0.0)?.to_radians(), number(1, 5.0)?.to_radians(), number(2, 65.0)?.to_radians());
    let Environment::Panorama(panorama) = decode(source, &std::fs::read(source)?, &Limits::default())? else {
        return Err("not a panorama".into());
    };
    let (width, height) = (1280_u32, 720_u32);
    let to_srgb = cyc_color::gamut::gamut_from_acescg(cyc_color::Gamut::Srgb);
    let half = (fov / 2.0).tan();
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (px, py) = (
                (f64::from(x) + 0.5) / f64::from(width) * 2.0 - 1.0,
                1.0 - (f64::from(y) + 0.5) / f64::from(height) * 2.0,
            );
            let (right, up) = (px * half, py * half * f64::from(height) / f64::from(width));
            let (forward, lifted) = (tilt.cos() - up * tilt.sin(), tilt.sin() + up * tilt.cos());
            let direction = [right * pan.cos() + forward * pan.sin(), forward * pan.cos() - right * pan.sin(), lifted];
            let rgb = to_srgb * nalgebra::Vector3::from(panorama.sample(direction)).cast::<f64>();
            pixels.extend(rgb.iter().map(|light| cyc_world::texture::srgb_code(*light as f32)));
        }
    }
    image::save_buffer(target, &pixels, width, height, image::ExtendedColorType::Rgb8)?;
    Ok(())
}
