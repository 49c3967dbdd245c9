//! Pictures in files, and walls put together from the pictures of outputs.

use crate::oracle::Oracle;
use half::f16;
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

/// Red, green and blue of every pixel, row by row from the top left.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub size_px: [usize; 2],
    /// Numbers as they stand in the file: 0..=255, 0..=65535, or floats.
    pub pixels: Vec<[f64; 3]>,
    /// Bits of a PNG, 0 for floats.
    pub bits: u8,
}

impl Picture {
    pub fn at(&self, x: usize, y: usize) -> [f64; 3] {
        self.pixels[y * self.size_px[0] + x]
    }

    /// Code values 0..=1.
    pub fn code(&self, x: usize, y: usize) -> [f64; 3] {
        let top = if self.bits == 0 { 1.0 } else { f64::from((1_u32 << self.bits) - 1) };
        self.at(x, y).map(|number| number / top)
    }
}

/// Writes 8-bit sRGB.
pub fn write_png8(path: &Path, size_px: [usize; 2], pixels: &[[u8; 3]]) {
    assert_eq!(pixels.len(), size_px[0] * size_px[1]);
    let file = File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut encoder = png::Encoder::new(BufWriter::new(file), size_px[0] as u32, size_px[1] as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels.as_flattened()).unwrap();
    writer.finish().unwrap();
}

/// Reads 8- or 16-bit RGB.
pub fn read_png(path: &Path) -> Picture {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().expect("a picture of a sane size")];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb, "{}", path.display());
    let size_px = [info.width as usize, info.height as usize];
    let (pixels, bits) = match info.bit_depth {
        png::BitDepth::Eight => (bytes.chunks_exact(3).map(|p| [0, 1, 2].map(|c| f64::from(p[c]))).collect(), 8),
        png::BitDepth::Sixteen => {
            let wide = |p: &[u8], c: usize| f64::from(u16::from_be_bytes([p[2 * c], p[2 * c + 1]]));
            (bytes.chunks_exact(6).map(|p| [0, 1, 2].map(|c| wide(p, c))).collect(), 16)
        }
        other => panic!("{}: {other:?}", path.display()),
    };
    Picture { size_px, pixels, bits }
}

/// Writes half floats with the primaries of ACEScg.
pub fn write_exr_acescg(path: &Path, size_px: [usize; 2], pixels: &[[f16; 3]]) {
    use exr::prelude::*;
    let channels = SpecificChannels::rgb(|at: Vec2<usize>| {
        let [r, g, b] = pixels[at.y() * size_px[0] + at.x()];
        (r, g, b)
    });
    let mut image = Image::from_channels((size_px[0], size_px[1]), channels);
    // AMPAS S-2014-004.
    image.attributes.chromaticities = Some(attribute::Chromaticities {
        red: Vec2(0.713, 0.293),
        green: Vec2(0.165, 0.830),
        blue: Vec2(0.128, 0.044),
        white: Vec2(0.32168, 0.33767),
    });
    image.write().to_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Reads red, green and blue of an EXR, and whether it says that their primaries are AP1.
pub fn read_exr(path: &Path) -> (Picture, bool) {
    use exr::prelude::*;
    let new = |size: Vec2<usize>, _: &RgbChannels| Picture {
        size_px: [size.width(), size.height()],
        pixels: vec![[0.0; 3]; size.area()],
        bits: 0,
    };
    let set = |picture: &mut Picture, at: Vec2<usize>, (r, g, b): (f32, f32, f32)| {
        picture.pixels[at.y() * picture.size_px[0] + at.x()] = [r, g, b].map(f64::from);
    };
    let reader = read().no_deep_data().largest_resolution_level().rgb_channels(new, set);
    let image = reader.first_valid_layer().all_attributes().from_file(path);
    let image = image.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let red = image.attributes.chromaticities.map(|chromaticities| chromaticities.red);
    let is_ap1 = red.is_some_and(|Vec2(x, y)| (x - 0.713).abs() < 1e-6 && (y - 0.293).abs() < 1e-6);
    (image.layer_data.channel_data.pixels, is_ap1)
}

/// A wall's pixels as its outputs carry them; `None` where none does.
pub struct WallPicture {
    pub size_px: [usize; 2],
    /// Code values.
    pub codes: Vec<Option<[f64; 3]>>,
}

impl WallPicture {
    pub fn at(&self, x: usize, y: usize) -> Option<[f64; 3]> {
        self.codes[y * self.size_px[0] + x]
    }
}

/// Every wall of a frame, from `DIR/<output>.<frame>.png`.
pub fn wall_pictures(oracle: &Oracle, folder: &Path, frame: u64) -> Vec<WallPicture> {
    let blank = |size_px: [usize; 2]| WallPicture { size_px, codes: vec![None; size_px[0] * size_px[1]] };
    let mut walls: Vec<_> = oracle.walls.iter().map(|wall| blank(wall.size_px.map(|side| side as usize))).collect();
    for (id, regions, size_px) in oracle.outputs() {
        let path = folder.join(format!("{id}.{frame:06}.png"));
        let picture = read_png(&path);
        assert_eq!(picture.size_px, size_px.map(|side| side as usize), "{}", path.display());
        let mut carried = vec![false; picture.pixels.len()];
        for region in regions {
            let wall = &mut walls[region.wall];
            let area = region.wall_px;
            for (x, y) in (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y))) {
                let [output_x, output_y] = [(region.at_px[0] + x) as usize, (region.at_px[1] + y) as usize];
                carried[output_y * picture.size_px[0] + output_x] = true;
                let code = picture.code(output_x, output_y);
                let (wall_x, wall_y) = ((area.x + x) as usize, (area.y + y) as usize);
                wall.codes[wall_y * wall.size_px[0] + wall_x] = Some(code);
            }
        }
        let stray = carried.iter().zip(&picture.pixels).filter(|(carried, pixel)| !**carried && **pixel != [0.0; 3]);
        assert_eq!(stray.count(), 0, "{}: pixels that carry no wall are not black", path.display());
    }
    walls
}
