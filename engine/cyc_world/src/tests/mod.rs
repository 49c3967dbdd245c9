//! Readers against writers of other crates, bytes made by hand, and broken copies of both.

mod fuzzed;
mod messages;
mod pictures;
mod scenes;
mod shipped;

use crate::{Environment, EnvironmentError, Limits, Panorama, Scene, decode};
use exr::prelude::WritableImage;
use image::{ExtendedColorType, ImageEncoder};
use std::io::Cursor;

/// Decodes what must be a panorama.
fn panorama(bytes: &[u8]) -> Panorama {
    match decode("test", bytes, &Limits::default()) {
        Ok(Environment::Panorama(panorama)) => panorama,
        other => panic!("no panorama: {other:?}"),
    }
}

/// Decodes what must be a scene.
fn scene(bytes: &[u8]) -> Scene {
    match decode("test.glb", bytes, &Limits::default()) {
        Ok(Environment::Scene(scene)) => scene,
        other => panic!("no scene: {other:?}"),
    }
}

/// What is wrong with bytes that must not be an environment.
fn error(name: &str, bytes: &[u8]) -> EnvironmentError {
    match decode(name, bytes, &Limits::default()) {
        Err(error) => error,
        Ok(_) => panic!("{name} is an environment"),
    }
}

fn png_of(data: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut out = Vec::new();
    image::codecs::png::PngEncoder::new(&mut out).write_image(data, width, height, color).unwrap();
    out
}

fn jpeg_of(rgb8: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 100);
    encoder.write_image(rgb8, width, height, ExtendedColorType::Rgb8).unwrap();
    out
}

fn hdr_of(rgb: &[[f32; 3]], width: usize, height: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let pixels: Vec<image::Rgb<f32>> = rgb.iter().map(|p| image::Rgb(*p)).collect();
    image::codecs::hdr::HdrEncoder::new(&mut out).encode(&pixels, width, height).unwrap();
    out
}

/// An EXR whose attributes `change` may set.
fn exr_of(
    width: usize,
    height: usize,
    pixel: impl Fn(usize, usize) -> [f32; 3] + Sync,
    change: impl FnOnce(&mut exr::meta::header::ImageAttributes, &mut exr::meta::header::LayerAttributes),
) -> Vec<u8> {
    use exr::prelude::{Encoding, Image, Layer, LayerAttributes, SpecificChannels, Vec2};
    let channels = SpecificChannels::rgb(|at: Vec2<usize>| {
        let [r, g, b] = pixel(at.x(), at.y());
        (r, g, b)
    });
    let layer = Layer::new((width, height), LayerAttributes::named("beauty"), Encoding::SMALL_LOSSLESS, channels);
    let mut image = Image::from_layer(layer);
    let mut own = image.layer_data.attributes.clone();
    change(&mut image.attributes, &mut own);
    image.layer_data.attributes = own;
    let mut out = Cursor::new(Vec::new());
    image.write().non_parallel().to_unbuffered(&mut out).unwrap();
    out.into_inner()
}

/// A GLB of JSON text and a binary chunk.
fn glb_of(json: &str, binary: &[u8]) -> Vec<u8> {
    let mut json = json.as_bytes().to_vec();
    json.resize(json.len().next_multiple_of(4), b' ');
    let mut binary = binary.to_vec();
    binary.resize(binary.len().next_multiple_of(4), 0);
    let mut out = b"glTF".to_vec();
    for number in [2, (28 + json.len() + binary.len()) as u32, json.len() as u32] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"JSON");
    out.extend(json);
    out.extend((binary.len() as u32).to_le_bytes());
    out.extend(b"BIN\0");
    out.extend(binary);
    out
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}
