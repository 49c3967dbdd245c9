//! Radiance HDR panoramas (RGBE and XYZE), linear, 1.0 = 100 cd/m2.
//!
//! Source: Ward, "The RADIANCE Picture File Format" (filefmts.pdf, 1997). `EXPOSURE` and `COLORCORR` are
//! ignored: the numbers are taken as stored. `PRIMARIES` is honoured; without it RGBE is Rec.709.

use crate::{
    EnvironmentError, Limits, Panorama,
    error::{check_promise, check_size},
    panorama::{apply, rows},
};
use cyc_color::gamut::{Chromaticities, acescg_from_chromaticities};

/// CIE XYZ as if it were RGB: each primary is an axis, equal energy is white.
const XYZ: Chromaticities =
    Chromaticities { red: [1.0, 0.0], green: [0.0, 1.0], blue: [0.0, 0.0], white: [1.0 / 3.0, 1.0 / 3.0] };

/// What the text before the pixels says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Of `PRIMARIES=`, else Rec.709; of CIE XYZ where the format is XYZE.
    pub primaries: Chromaticities,
    /// The first row stored is the top one (`-Y`).
    pub top_first: bool,
    /// The first column stored is the left one (`+X`).
    pub left_first: bool,
    /// Where the pixels begin, bytes.
    pub data_at: usize,
}

/// Decodes a Radiance panorama.
///
/// # Errors
/// A size that is refused (before anything is decoded), truncated or broken data.
pub fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Panorama, EnvironmentError> {
    let header = header(name, bytes)?;
    check_size(name, header.width, header.height, limits)?;
    let data = bytes.get(header.data_at..).unwrap_or_default();
    // The tightest packing of a row is a run of 127 pixels in two bytes, four times.
    let pixels = u64::from(header.width) * u64::from(header.height);
    check_promise(name, "HDR", pixels * 4, data.len() as u64)?;
    let matrix = acescg_from_chromaticities(&header.primaries).map_err(|error| broken(name, &error.to_string()))?;
    let matrix = rows(&matrix);
    let (width, height) = (header.width as usize, header.height as usize);
    let mut out = Panorama::black(header.width, header.height);
    let mut source = Source { data, at: 0 };
    let mut row = vec![[0_u8; 4]; width];
    for y in 0..height {
        source.row(&mut row).ok_or_else(|| broken(name, "truncated or broken pixels"))?;
        let y = if header.top_first { y } else { height - 1 - y };
        for (x, rgbe) in row.iter().enumerate() {
            let x = if header.left_first { x } else { width - 1 - x };
            out.set(x, y, apply(&matrix, linear(*rgbe)), false);
        }
    }
    Ok(out)
}

fn broken(name: &str, detail: &str) -> EnvironmentError {
    EnvironmentError::broken(name, "HDR", detail)
}

/// Mantissas and a shared exponent to light: `m 2^(e - 136)`, 0 where e = 0.
fn linear([r, g, b, e]: [u8; 4]) -> [f32; 3] {
    let scale = if e == 0 { 0.0 } else { f32::from(2_u8).powi(i32::from(e) - 136) };
    [r, g, b].map(|m| f32::from(m) * scale)
}

/// Reads the text lines up to and with the resolution line.
///
/// # Errors
/// [`EnvironmentError::Truncated`] or [`EnvironmentError::Broken`].
pub fn header(name: &str, bytes: &[u8]) -> Result<Header, EnvironmentError> {
    let mut at = 0;
    let mut line = || -> Result<(String, usize), EnvironmentError> {
        let rest = bytes.get(at..).unwrap_or_default();
        let end =
            rest.iter().take(4096).position(|b| *b == b'\n').ok_or_else(|| broken(name, "the header is truncated"))?;
        at += end + 1;
        Ok((String::from_utf8_lossy(&rest[..end]).trim().to_owned(), at))
    };
    let (mut xyz, mut primaries) = (false, Chromaticities::REC709);
    line()?;
    loop {
        let (text, _) = line()?;
        if text.is_empty() {
            break;
        }
        if let Some(format) = text.strip_prefix("FORMAT=") {
            xyz = match format.trim() {
                "32-bit_rle_rgbe" => false,
                "32-bit_rle_xyze" => true,
                other => {
                    return Err(broken(name, &format!("FORMAT={other} is not 32-bit_rle_rgbe or 32-bit_rle_xyze")));
                }
            };
        } else if let Some(numbers) = text.strip_prefix("PRIMARIES=") {
            primaries = parse_primaries(numbers).ok_or_else(|| broken(name, "PRIMARIES= holds no eight numbers"))?;
        }
    }
    let (text, data_at) = line()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [y_axis @ ("-Y" | "+Y"), height, x_axis @ ("-X" | "+X"), width] = words[..] else {
        return Err(broken(name, &format!("the resolution line \"{text}\" is not of the form \"-Y 512 +X 1024\"")));
    };
    let number = |word: &str| word.parse::<u32>().map_err(|_| broken(name, &format!("\"{word}\" is not a size")));
    let (width, height) = (number(width)?, number(height)?);
    let (top_first, left_first) = (y_axis == "-Y", x_axis == "+X");
    let primaries = if xyz { XYZ } else { primaries };
    Ok(Header { width, height, primaries, top_first, left_first, data_at })
}

fn parse_primaries(text: &str) -> Option<Chromaticities> {
    let numbers: Vec<f64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [rx, ry, gx, gy, bx, by, wx, wy] = numbers[..] else { return None };
    Some(Chromaticities { red: [rx, ry], green: [gx, gy], blue: [bx, by], white: [wx, wy] })
}

/// Packed pixels.
struct Source<'a> {
    data: &'a [u8],
    at: usize,
}

impl Source<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn quad(&mut self) -> Option<[u8; 4]> {
        let quad = self.data.get(self.at..self.at + 4)?.try_into().ok()?;
        self.at += 4;
        Some(quad)
    }

    /// One row of either packing; `None` where the data end or run over the row.
    fn row(&mut self, row: &mut [[u8; 4]]) -> Option<()> {
        let first = self.quad()?;
        let width = usize::from(u16::from_be_bytes([first[2], first[3]]));
        if first[0] == 2 && first[1] == 2 && first[2] < 128 && (8..0x8000).contains(&row.len()) {
            if width != row.len() {
                return None;
            }
            (0..4).try_for_each(|channel| self.channel(row, channel))
        } else {
            self.flat_row(first, row)
        }
    }

    /// New packing: each channel by itself, runs (over 128) or literals.
    fn channel(&mut self, row: &mut [[u8; 4]], channel: usize) -> Option<()> {
        let mut x = 0;
        while x < row.len() {
            let count = self.byte()?;
            let run = count > 128;
            let count = usize::from(if run { count - 128 } else { count });
            if count == 0 || x + count > row.len() {
                return None;
            }
            let repeated = if run { self.byte()? } else { 0 };
            for pixel in &mut row[x..x + count] {
                pixel[channel] = if run { repeated } else { self.byte()? };
            }
            x += count;
        }
        Some(())
    }

    /// Old packing: whole pixels; (1, 1, 1, n) repeats the pixel before, n growing by 8 bits in a sequence.
    fn flat_row(&mut self, first: [u8; 4], row: &mut [[u8; 4]]) -> Option<()> {
        let (mut x, mut shift, mut quad) = (0_usize, 0_u32, first);
        loop {
            if quad[..3] == [1, 1, 1] {
                let before = *row.get(x.checked_sub(1)?)?;
                let count = usize::from(quad[3]).checked_shl(shift)?;
                row.get_mut(x..x.checked_add(count)?)?.fill(before);
                x += count;
                shift += 8;
            } else {
                *row.get_mut(x)? = quad;
                x += 1;
                shift = 0;
            }
            if x == row.len() {
                return Some(());
            }
            if shift > 16 {
                return None;
            }
            quad = self.quad()?;
        }
    }
}
