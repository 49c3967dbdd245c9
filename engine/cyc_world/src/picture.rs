//! PNG and JPEG panoramas: code values in sRGB, white at [`Limits::content_white_nits`].
//!
//! Colour profiles and the gAMA, cHRM and iCCP chunks are ignored: a picture without HDR or EXR is taken as
//! sRGB (IEC 61966-2-1), as generators write them. Alpha is ignored.

use crate::{
    EnvironmentError, Limits, Panorama,
    error::{check_promise, check_size, guarded},
    panorama::{apply, rows},
    sniff::Format,
};
use cyc_color::{
    Gamut, gamut_from_acescg,
    srgb::{acescg_from_srgb8, acescg_from_srgb16},
};
use half::f16;
use image::{DynamicImage, ImageFormat, ImageReader};
use std::io::Cursor;

/// Decodes a PNG or JPEG panorama.
///
/// # Errors
/// A size that is refused (before anything is decoded), CMYK, truncated or broken data.
pub fn decode(name: &str, format: Format, bytes: &[u8], limits: &Limits) -> Result<Panorama, EnvironmentError> {
    let header = if format == Format::Png { png_header(name, bytes)? } else { jpeg_header(name, bytes)? };
    check_size(name, header.width, header.height, limits)?;
    let pixels = u64::from(header.width) * u64::from(header.height);
    if format == Format::Png {
        check_promise(
            name,
            "PNG",
            pixels * u64::from(header.bits) * u64::from(header.channels) / 8,
            bytes.len() as u64,
        )?;
    } else if header.channels == 4 {
        return Err(EnvironmentError::Cmyk { name: name.to_owned(), channels: header.channels });
    }
    if format == Format::Jpeg {
        // Every block of 8 x 8 costs at least the one bit of its mean, which is about as tight as DEFLATE.
        check_promise(name, "JPEG", pixels * u64::from(header.channels), bytes.len() as u64)?;
        check_jpeg_end(name, bytes.get(header.at..).unwrap_or_default())?;
    }
    let picture = guarded(name, format.name(), || pixels_of(name, format, bytes, limits.max_side_px))?;
    Ok(acescg(picture, limits.content_white_nits))
}

/// What a header says, before anything is allocated for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bits per channel.
    pub bits: u8,
    /// Channels as stored (a palette is one).
    pub channels: u8,
    /// Where the header ends, bytes.
    pub at: usize,
}

/// Reads IHDR (ISO/IEC 15948, 11.2.2).
///
/// # Errors
/// [`EnvironmentError::Truncated`] or [`EnvironmentError::Broken`].
pub fn png_header(name: &str, bytes: &[u8]) -> Result<Header, EnvironmentError> {
    let broken = |detail: &str| EnvironmentError::broken(name, "PNG", detail);
    let Some(ihdr) = bytes.get(8..33) else { return Err(broken("the header is truncated")) };
    if &ihdr[4..8] != b"IHDR" {
        return Err(broken("the first chunk is not IHDR"));
    }
    let number = |at: usize| u32::from_be_bytes([ihdr[at], ihdr[at + 1], ihdr[at + 2], ihdr[at + 3]]);
    let channels = match ihdr[17] {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return Err(broken("its colour type is none of 0, 2, 3, 4, 6")),
    };
    Ok(Header { width: number(8), height: number(12), bits: ihdr[16], channels, at: 33 })
}

/// Walks the marker segments to the frame header (ITU-T T.81, B.2.2).
///
/// # Errors
/// [`EnvironmentError::Truncated`] or [`EnvironmentError::Broken`].
pub fn jpeg_header(name: &str, bytes: &[u8]) -> Result<Header, EnvironmentError> {
    let truncated = || EnvironmentError::broken(name, "JPEG", "truncated before the frame header");
    let mut at = 2;
    loop {
        while *bytes.get(at).ok_or_else(truncated)? != 0xff {
            at += 1;
        }
        while *bytes.get(at).ok_or_else(truncated)? == 0xff {
            at += 1;
        }
        let marker = bytes[at];
        at += 1;
        if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
            continue;
        }
        let segment = bytes.get(at..).ok_or_else(truncated)?;
        let length = usize::from(u16::from_be_bytes([
            *segment.first().ok_or_else(truncated)?,
            *segment.get(1).ok_or_else(truncated)?,
        ]));
        // SOF0..SOF15 without DHT, JPG and DAC, which share the range.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let sof = segment.get(2..8).ok_or_else(truncated)?;
            let number = |i: usize| u32::from(u16::from_be_bytes([sof[i], sof[i + 1]]));
            return Ok(Header { width: number(3), height: number(1), bits: sof[0], channels: sof[5], at: at + length });
        }
        if matches!(marker, 0xda | 0xd9) {
            return Err(EnvironmentError::broken(name, "JPEG", "no frame header before the data"));
        }
        at += length.max(2);
    }
}

/// Refuses a JPEG without an end marker (ITU-T T.81, B.1.1.3) after its frame header: the decoder would fill what
/// is missing with grey.
fn check_jpeg_end(name: &str, after_header: &[u8]) -> Result<(), EnvironmentError> {
    let ends = after_header.windows(2).rev().any(|pair| pair == [0xff, 0xd9]);
    if ends { Ok(()) } else { Err(EnvironmentError::broken(name, "JPEG", "truncated: it has no end marker")) }
}

/// Decodes a PNG or JPEG of any kind, no side longer than `max_side_px`.
pub(crate) fn pixels_of(
    name: &str,
    format: Format,
    bytes: &[u8],
    max_side_px: u32,
) -> Result<DynamicImage, EnvironmentError> {
    let kind = if format == Format::Png { ImageFormat::Png } else { ImageFormat::Jpeg };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind);
    let mut bounds = image::Limits::default();
    bounds.max_image_width = Some(max_side_px);
    bounds.max_image_height = Some(max_side_px);
    bounds.max_alloc = Some(u64::from(max_side_px).pow(2) * 8 + (64 << 20));
    reader.limits(bounds);
    reader.decode().map_err(|error| EnvironmentError::broken(name, format.name(), error))
}

/// Code values to ACEScg.
fn acescg(picture: DynamicImage, content_white_nits: f32) -> Panorama {
    let (width, height) = (picture.width(), picture.height());
    let mut out = Panorama::black(width, height);
    let gain = content_white_nits / 100.0;
    let rounding = Rounding::new();
    let mut put = |index: usize, rgb: [f32; 3]| {
        let rounded = rounding.of(rgb.map(|light| light * gain));
        out.set(index % width as usize, index / width as usize, rounded, false);
    };
    let color = picture.color();
    if color.bytes_per_pixel() > color.channel_count() {
        picture.into_rgb16().pixels().enumerate().for_each(|(i, pixel)| put(i, acescg_from_srgb16(pixel.0)));
    } else {
        picture.into_rgb8().pixels().enumerate().for_each(|(i, pixel)| put(i, acescg_from_srgb8(pixel.0)));
    }
    out
}

/// Half precision that keeps black channels black.
///
/// A saturated colour (a cyan bar) has large ACEScg numbers whose rounding to 11 bits leaves more than a code of red
/// where there was none. Of the eight ways to round such a colour up or down, the one is taken that is nearest in the
/// picture's own primaries, weighted as an eye or a code value does.
struct Rounding {
    rec709_from_acescg: [[f32; 3]; 3],
}

impl Rounding {
    fn new() -> Self {
        Self { rec709_from_acescg: rows(&gamut_from_acescg(Gamut::Srgb)) }
    }

    fn of(&self, acescg: [f32; 3]) -> [f32; 3] {
        let exact = apply(&self.rec709_from_acescg, acescg);
        let (least, most) = exact.iter().fold((f32::MAX, 0.0_f32), |(l, m), x| (l.min(*x), m.max(*x)));
        if least > 0.6 * most {
            return acescg;
        }
        let nearest = acescg.map(f16::from_f32);
        let other = |c: usize| {
            let bits = nearest[c].to_bits();
            let up = nearest[c].to_f32() < acescg[c];
            f16::from_bits(if up { bits + 1 } else { bits.saturating_sub(1) }).to_f32()
        };
        let choices: [[f32; 2]; 3] = std::array::from_fn(|c| [nearest[c].to_f32(), other(c)]);
        let mut best = (f32::INFINITY, acescg);
        for way in 0..8 {
            let candidate: [f32; 3] = std::array::from_fn(|c| choices[c][way >> c & 1]);
            let found = apply(&self.rec709_from_acescg, std::array::from_fn(|c| candidate[c] - acescg[c]));
            let miss = found.iter().zip(exact).map(|(d, x)| (d / (x.max(0.0) + 0.02 * most)).powi(2)).sum();
            if miss < best.0 {
                best = (miss, candidate);
            }
        }
        best.1
    }
}
