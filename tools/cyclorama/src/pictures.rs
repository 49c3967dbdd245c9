//! Output pictures as files.

use anyhow::Context;
use cyc_color::signal::Signal;
use cyc_stage::stage::Output;
use cyc_wall::readback::{OutputPicture, Pixels};
use half::f16;
use std::{fs::File, io::BufWriter, path::Path};

/// Code values as PNG: 8-bit, or 16-bit with code x 65535 / 1023 for a 10-bit signal.
pub fn write_png(path: &Path, picture: &OutputPicture, signal: &Signal) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let [width, height] = picture.size_px;
    let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let bytes = match &picture.pixels {
        Pixels::Rgba8(pixels) => {
            encoder.set_depth(png::BitDepth::Eight);
            pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect::<Vec<u8>>()
        }
        Pixels::Rgba16Float(pixels) => {
            encoder.set_depth(png::BitDepth::Sixteen);
            let wide = |code: f16| wide_code(code, signal.bits).to_be_bytes();
            pixels.iter().flat_map(|[r, g, b, _]| [wide(*r), wide(*g), wide(*b)]).flatten().collect()
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes).with_context(|| format!("cannot write {}", path.display()))?;
    writer.finish().with_context(|| format!("cannot write {}", path.display()))
}

/// A code value 0..1 on the signal's grid, as a 16-bit number. A half float has 2,048 steps between 1/2 and 1, so a
/// 10-bit code survives in it exactly.
fn wide_code(code: f16, bits: u8) -> u16 {
    let top = f64::from((1_u32 << bits) - 1);
    let level = (code.to_f64() * top).round().clamp(0.0, top);
    (level * 65535.0 / top).round() as u16
}

/// Half-float EXR: code values, or linear ACEScg if `scene_linear`.
pub fn write_exr(path: &Path, picture: &OutputPicture, scene_linear: bool) -> anyhow::Result<()> {
    use exr::prelude::*;
    let Pixels::Rgba16Float(pixels) = &picture.pixels else {
        anyhow::bail!("{}: the output's target is 8-bit; this is a bug", path.display());
    };
    let [width, height] = picture.size_px.map(|side| side as usize);
    let channels = SpecificChannels::rgb(|at: Vec2<usize>| {
        let [r, g, b, _] = pixels[at.y() * width + at.x()];
        (r, g, b)
    });
    let mut image = Image::from_channels((width, height), channels);
    if scene_linear {
        // ACES AP1 primaries and white (SMPTE ST 2065-1, Academy S-2014-004).
        image.attributes.chromaticities = Some(attribute::Chromaticities {
            red: Vec2(0.713, 0.293),
            green: Vec2(0.165, 0.830),
            blue: Vec2(0.128, 0.044),
            white: Vec2(0.32168, 0.33767),
        });
    }
    image.write().to_file(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Where an output's picture of a frame goes.
pub fn file_name(output: &Output, frame: u64, extension: &str) -> String {
    format!("{}.{frame:06}.{extension}", output.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ten_bit_code_survives_a_half_float() {
        for level in 0..=1023_u32 {
            let stored = f16::from_f32(level as f32 / 1023.0);
            assert_eq!(wide_code(stored, 10), (f64::from(level) * 65535.0 / 1023.0).round() as u16);
        }
    }
}
