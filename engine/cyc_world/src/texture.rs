//! Pictures on surfaces.

use cyc_color::transfer::{linear_from_srgb, srgb_from_linear};

/// What happens outside 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    /// Tiles.
    #[default]
    Repeat,
    /// Tiles, every other one mirrored.
    Mirror,
    /// The edge continues.
    Clamp,
}

/// A picture on a surface: uv (0, 0) is the top left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Texture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Row-major, four bytes a pixel: sRGB-encoded Rec.709 and linear alpha.
    pub rgba8_srgb: Vec<u8>,
    /// Across and down.
    pub wrap: [Wrap; 2],
}

impl Texture {
    /// A texture of one colour.
    pub fn filled(width: u32, height: u32, rgba8_srgb: [u8; 4], wrap: Wrap) -> Self {
        let pixels = width as usize * height as usize;
        Self { width, height, rgba8_srgb: rgba8_srgb.repeat(pixels), wrap: [wrap; 2] }
    }

    /// Sets the part of a rectangle that lies inside.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, rgba8_srgb: [u8; 4]) {
        for row in y..(y.saturating_add(height)).min(self.height) {
            for column in x..(x.saturating_add(width)).min(self.width) {
                let at = (row as usize * self.width as usize + column as usize) * 4;
                self.rgba8_srgb[at..at + 4].copy_from_slice(&rgba8_srgb);
            }
        }
    }

    /// The smaller levels, largest first, down to 1 x 1, without this picture itself; averaged as light, not as
    /// code values, so that a thin bright line keeps its brightness far away.
    pub fn mips(&self) -> Vec<Texture> {
        let light: Vec<f32> = (0..=255).map(|c| linear_from_srgb(f64::from(c) / 255.0) as f32).collect();
        let mut levels: Vec<Texture> = Vec::new();
        loop {
            let last = levels.last().unwrap_or(self);
            if last.width <= 1 && last.height <= 1 {
                return levels;
            }
            let next = halved(last, &light);
            levels.push(next);
        }
    }
}

fn halved(from: &Texture, light: &[f32]) -> Texture {
    let (width, height) = ((from.width / 2).max(1), (from.height / 2).max(1));
    let mut rgba8_srgb = Vec::with_capacity(width as usize * height as usize * 4);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0_f32; 4];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (sx, sy) = ((2 * x + dx).min(from.width - 1), (2 * y + dy).min(from.height - 1));
                let at = (sy as usize * from.width as usize + sx as usize) * 4;
                let pixel = &from.rgba8_srgb[at..at + 4];
                for (channel, total) in sum.iter_mut().enumerate() {
                    let byte = pixel[channel];
                    *total += if channel < 3 { light[usize::from(byte)] } else { f32::from(byte) / 255.0 } / 4.0;
                }
            }
            rgba8_srgb.extend(sum[..3].iter().map(|light| srgb_code(*light)));
            rgba8_srgb.push((sum[3] * 255.0).round() as u8);
        }
    }
    Texture { width, height, rgba8_srgb, wrap: from.wrap }
}

/// The 8-bit sRGB code of light 0..1 (IEC 61966-2-1), clamped.
pub fn srgb_code(light: f32) -> u8 {
    (srgb_from_linear(f64::from(light.clamp(0.0, 1.0))) * 255.0).round() as u8
}
