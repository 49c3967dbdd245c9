//! OpenEXR panoramas, linear, 1.0 = 100 cd/m2, Rec.709 primaries unless `chromaticities` say otherwise.
//!
//! Source: "OpenEXR File Layout" and "Technical Introduction to OpenEXR" (Academy Software Foundation): the
//! display window is the picture, the data window the part of it that holds pixels; `Y` alone is grey.

use crate::{
    EnvironmentError, Limits, Panorama,
    error::{check_promise, check_size, guarded},
    panorama::{apply, rows},
};
use cyc_color::{
    ColorError,
    gamut::{Chromaticities, acescg_from_chromaticities},
};
use exr::prelude::{MetaData, ReadChannels, ReadLayers, ReadSpecificChannel, Text, Vec2, read};
use std::io::Cursor;

/// Decodes the first layer of an EXR that has R, G and B (or Y).
///
/// # Errors
/// A size that is refused (before anything is decoded), deep data, missing channels, truncated or broken data.
pub fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Panorama, EnvironmentError> {
    guarded(name, "EXR", || decode_unguarded(name, bytes, limits))
}

fn broken(name: &str, error: impl std::fmt::Display) -> EnvironmentError {
    EnvironmentError::broken(name, "EXR", error)
}

fn decode_unguarded(name: &str, bytes: &[u8], limits: &Limits) -> Result<Panorama, EnvironmentError> {
    let meta = MetaData::read_from_unbuffered(Cursor::new(bytes), false).map_err(|error| broken(name, error))?;
    for header in &meta.headers {
        let promised = header.layer_size.area() as u64 * header.channels.bytes_per_pixel as u64;
        let (w, h) = (header.layer_size.width(), header.layer_size.height());
        let side = w.max(h) as u64;
        if side > u64::from(limits.max_side_px) {
            let (width, height) = (w as u32, h as u32);
            return Err(EnvironmentError::TooLarge {
                name: name.into(),
                width,
                height,
                max_side_px: limits.max_side_px,
            });
        }
        check_promise(name, "EXR", promised, bytes.len() as u64)?;
    }
    let has = |header: &exr::meta::header::Header, wanted: &[&str]| {
        !header.deep && wanted.iter().all(|w| header.channels.find_index_of_channel(&Text::from(*w)).is_some())
    };
    let colour = meta.headers.iter().find(|h| has(h, &["R", "G", "B"]));
    let Some(header) = colour.or_else(|| meta.headers.iter().find(|h| has(h, &["Y"]))) else {
        return Err(EnvironmentError::Unsupported {
            name: name.into(),
            detail: "the EXR has no flat layer with channels R, G and B (or Y)".into(),
            help: "export the beauty pass with plain channel names",
        });
    };
    let window = header.shared_attributes.display_window;
    let (width, height) = (window.size.width() as u32, window.size.height() as u32);
    check_size(name, width, height, limits)?;
    let matrix = matrix_of(header.shared_attributes.chromaticities.as_ref());
    let frame = Frame {
        size: (width, height),
        matrix: matrix.map_err(|error| broken(name, error))?,
        offset: header.own_attributes.layer_position - window.position,
    };
    let canvas = if colour.is_some() { read_rgb(bytes, frame) } else { read_grey(bytes, frame) };
    canvas.map(|canvas| canvas.out).map_err(|error| broken(name, error))
}

fn matrix_of(found: Option<&exr::meta::attribute::Chromaticities>) -> Result<[[f32; 3]; 3], ColorError> {
    let xy = |v: Vec2<f32>| [f64::from(v.x()), f64::from(v.y())];
    let primaries = found.map_or(Chromaticities::REC709, |c| Chromaticities {
        red: xy(c.red),
        green: xy(c.green),
        blue: xy(c.blue),
        white: xy(c.white),
    });
    acescg_from_chromaticities(&primaries).map(|m| rows(&m))
}

/// The display window and what its numbers mean.
#[derive(Clone, Copy)]
struct Frame {
    size: (u32, u32),
    matrix: [[f32; 3]; 3],
    /// Data window relative to the display window, pixels.
    offset: Vec2<i32>,
}

/// The display window, being filled.
struct Canvas {
    out: Panorama,
    frame: Frame,
}

impl Canvas {
    fn of(frame: Frame) -> Self {
        Self { out: Panorama::black(frame.size.0, frame.size.1), frame }
    }

    fn put(&mut self, at: Vec2<usize>, rgb: [f32; 3]) {
        let x = at.x() as i64 + i64::from(self.frame.offset.x());
        let y = at.y() as i64 + i64::from(self.frame.offset.y());
        if (0..i64::from(self.out.width)).contains(&x) && (0..i64::from(self.out.height)).contains(&y) {
            let bad = rgb.iter().any(|v| !(0.0..=65_504.0).contains(v));
            let clean = rgb.map(|v| if v > 0.0 { v.min(65_504.0) } else { 0.0 });
            self.out.set(x as usize, y as usize, apply(&self.frame.matrix, clean), bad);
        }
    }
}

// One thread: the same bytes take the same path every time, and this crate starts no threads.

fn read_rgb(bytes: &[u8], frame: Frame) -> exr::error::Result<Canvas> {
    let image = read()
        .no_deep_data()
        .largest_resolution_level()
        .rgb_channels(
            move |_, _| Canvas::of(frame),
            |canvas: &mut Canvas, at, (r, g, b): (f32, f32, f32)| canvas.put(at, [r, g, b]),
        )
        .first_valid_layer()
        .all_attributes()
        .non_parallel()
        .from_unbuffered(Cursor::new(bytes))?;
    Ok(image.layer_data.channel_data.pixels)
}

fn read_grey(bytes: &[u8], frame: Frame) -> exr::error::Result<Canvas> {
    let image = read()
        .no_deep_data()
        .largest_resolution_level()
        .specific_channels()
        .required("Y")
        .collect_pixels(
            move |_, _| Canvas::of(frame),
            |canvas: &mut Canvas, at, (y,): (f32,)| canvas.put(at, [y, y, y]),
        )
        .first_valid_layer()
        .all_attributes()
        .non_parallel()
        .from_unbuffered(Cursor::new(bytes))?;
    Ok(image.layer_data.channel_data.pixels)
}
