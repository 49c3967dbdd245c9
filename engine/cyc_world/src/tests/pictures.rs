//! Panoramas: numbers, directions, kinds of pixels.

use super::*;
use cyc_color::{
    Gamut,
    gamut::{Chromaticities, acescg_from_chromaticities, acescg_from_rec709, gamut_from_acescg},
    sphere::direction_from_uv,
    transfer::{linear_from_srgb, srgb_from_linear},
};
use nalgebra::Vector3;

fn acescg(linear_rec709: [f64; 3]) -> [f64; 3] {
    (acescg_from_rec709() * Vector3::from(linear_rec709)).into()
}

fn close(found: [f32; 3], wanted: [f64; 3], relative: f64) -> bool {
    let scale = wanted.iter().fold(1e-6_f64, |most, x| most.max(x.abs()));
    found.iter().zip(wanted).all(|(f, w)| (f64::from(*f) - w).abs() <= relative * scale)
}

/// A small picture with a different colour everywhere.
fn ramp(x: usize, y: usize) -> [u8; 3] {
    [(x * 15) as u8, (y * 31) as u8, (x * 7 + y * 11) as u8]
}

fn ramp_rgb8(width: usize, height: usize) -> Vec<u8> {
    (0..width * height).flat_map(|i| ramp(i % width, i / width)).collect()
}

#[test]
fn srgb_codes_come_back() {
    let levels: Vec<u8> = (0..=255).step_by(15).chain([1, 2, 3, 5, 8, 10, 11, 13, 254]).collect();
    let mut codes = Vec::new();
    for r in &levels {
        for g in &levels {
            codes.extend(levels.iter().map(|b| [*r, *g, *b]));
        }
    }
    codes.extend((0..=255).map(|grey| [grey; 3]));
    let height = ((codes.len() as f64 / 2.0).sqrt().ceil()) as u32;
    codes.resize((2 * height * height) as usize, [0; 3]);
    let picture = panorama(&png_of(&codes.concat(), 2 * height, height, ExtendedColorType::Rgb8));
    let back = gamut_from_acescg(Gamut::Srgb);
    let (mut worst, mut worst_saturated) = (0.0_f64, 0.0_f64);
    for (code, pixel) in codes.iter().zip(&picture.acescg) {
        let [r, g, b, _] = pixel.map(|x| f64::from(x.to_f32()));
        let linear = back * Vector3::new(r, g, b);
        let light = code.map(|c| linear_from_srgb(f64::from(c) / 255.0));
        let saturated = light.iter().any(|x| light.iter().any(|y| *x < 0.1 * y));
        for (channel, light) in linear.iter().enumerate() {
            let found = srgb_from_linear(light.abs()).copysign(*light) * 255.0;
            let error = (found - f64::from(code[channel])).abs();
            let worst = if saturated { &mut worst_saturated } else { &mut worst };
            *worst = worst.max(error);
        }
    }
    assert!(worst < 0.1, "{worst} of a code");
    // Eleven bits of ACEScg hold a bright channel; a dark one next to it gets what they leave.
    assert!(worst_saturated < 0.6, "{worst_saturated} of a code");
}

#[test]
fn every_kind_of_png_says_the_same() {
    let (width, height) = (16, 8);
    let grey: Vec<u8> = (0..width * height).map(|i| (i * 2 % 256) as u8).collect();
    let rgb: Vec<u8> = grey.iter().flat_map(|g| [*g; 3]).collect();
    let rgba: Vec<u8> = grey.iter().enumerate().flat_map(|(i, g)| [*g, *g, *g, i as u8]).collect();
    let grey_alpha: Vec<u8> = grey.iter().enumerate().flat_map(|(i, g)| [*g, i as u8]).collect();
    let wide = |bytes: &[u8]| bytes.iter().flat_map(|b| (u16::from(*b) * 257).to_ne_bytes()).collect::<Vec<u8>>();
    let wanted = panorama(&png_of(&rgb, 16, 8, ExtendedColorType::Rgb8));
    assert_eq!((wanted.width, wanted.height, wanted.clamped), (16, 8, 0));
    for (what, bytes) in [
        ("grey", png_of(&grey, 16, 8, ExtendedColorType::L8)),
        ("grey and alpha", png_of(&grey_alpha, 16, 8, ExtendedColorType::La8)),
        ("alpha", png_of(&rgba, 16, 8, ExtendedColorType::Rgba8)),
        ("16 bit", png_of(&wide(&rgb), 16, 8, ExtendedColorType::Rgb16)),
        ("16 bit grey", png_of(&wide(&grey), 16, 8, ExtendedColorType::L16)),
        ("palette", palette_png(&grey, 16, 8)),
    ] {
        assert_eq!(panorama(&bytes), wanted, "{what}");
    }
}

/// A PNG whose palette is a grey ramp.
fn palette_png(indices: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette((0..=255_u8).flat_map(|g| [g; 3]).collect::<Vec<u8>>());
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(indices).unwrap();
    writer.finish().unwrap();
    out
}

#[test]
fn sixteen_bits_are_kept() {
    let codes: Vec<u16> = (0..8 * 4 * 3).map(|i| 20_000 + i).collect();
    let bytes: Vec<u8> = codes.iter().flat_map(|c| c.to_ne_bytes()).collect();
    let picture = panorama(&png_of(&bytes, 8, 4, ExtendedColorType::Rgb16));
    for (i, code) in codes.chunks(3).enumerate() {
        let linear = [0, 1, 2].map(|c| linear_from_srgb(f64::from(code[c]) / 65_535.0));
        assert!(close(picture.pixel(i as i64 % 8, i as i64 / 8), acescg(linear), 6e-4));
    }
}

#[test]
fn white_has_the_luminance_asked_for() {
    let white = png_of(&[255; 8 * 4 * 3], 8, 4, ExtendedColorType::Rgb8);
    assert!(close(panorama(&white).pixel(0, 0), [1.0; 3], 1e-3));
    let limits = Limits { content_white_nits: 250.0, ..Limits::default() };
    let Ok(Environment::Panorama(bright)) = decode("white.png", &white, &limits) else { panic!("no panorama") };
    assert!(close(bright.pixel(3, 2), [2.5; 3], 1e-3));
}

#[test]
fn a_mark_is_where_its_direction_is() {
    let (width, height) = (64_usize, 32_usize);
    // Column and row just right of and below the direction's exact place.
    for (direction, column, row) in [
        ([0.0, 1.0, 0.0], 32, 16),
        ([1.0, 0.0, 0.0], 48, 16),
        ([-1.0, 0.0, 0.0], 16, 16),
        ([0.0, 0.0, 1.0], 32, 0),
        ([0.0, 0.0, -1.0], 32, 31),
    ] {
        let mut rgb8 = vec![0; width * height * 3];
        let at = (row * width + column) * 3;
        rgb8[at..at + 3].fill(255);
        let picture = panorama(&png_of(&rgb8, width as u32, height as u32, ExtendedColorType::Rgb8));
        let place = [(column as f64 + 0.5) / width as f64, (row as f64 + 0.5) / height as f64];
        let exact = direction_from_uv(place);
        assert!((exact - Vector3::from(direction)).norm() < 0.08, "{direction:?}");
        assert!(close(picture.sample(exact.into()), [1.0; 3], 1e-2), "{direction:?}");
        let opposite = -exact;
        assert_eq!(picture.sample(opposite.into()), [0.0; 3], "{direction:?}");
    }
}

#[test]
fn the_seam_is_behind_and_closed() {
    let columns = |x: usize| if x == 0 { [255_u8; 3] } else { [0; 3] };
    let rgb8: Vec<u8> = (0..16 * 8).flat_map(|i| columns(i % 16)).collect();
    let picture = panorama(&png_of(&rgb8, 16, 8, ExtendedColorType::Rgb8));
    // Straight back lies between the last column (black) and the first (white).
    assert!(close(picture.sample([1e-12, -1.0, 0.0]), [0.5; 3], 1e-2));
    assert!(close(picture.sample([-1e-12, -1.0, 0.0]), [0.5; 3], 1e-2));
}

#[test]
fn mips_keep_the_light() {
    for (width, height) in [(64, 32), (50, 25), (101, 50), (9, 4), (8, 4)] {
        let picture =
            panorama(&png_of(&ramp_rgb8(width, height), width as u32, height as u32, ExtendedColorType::Rgb8));
        let mean = |p: &Panorama| {
            let sum: f64 = p.acescg.iter().map(|x| f64::from(x[1].to_f32())).sum();
            sum / p.acescg.len() as f64
        };
        let levels = picture.mips();
        let mut size = (width as u32, height as u32);
        for level in &levels {
            size = (size.0 / 2, size.1 / 2);
            assert_eq!((level.width, level.height), size);
            assert!((mean(level) - mean(&picture)).abs() < 2e-3 * mean(&picture), "{width} x {height}");
        }
        assert!(size.0 <= 8 || size.1 <= 4);
        assert_eq!(levels.is_empty(), width <= 9);
    }
}

#[test]
fn jpeg_is_close_to_png() {
    let smooth: Vec<u8> = (0..64 * 32).flat_map(|i| [(i % 64 * 3) as u8, (i / 64 * 7) as u8, 90]).collect();
    let exact = panorama(&png_of(&smooth, 64, 32, ExtendedColorType::Rgb8));
    let lossy = panorama(&jpeg_of(&smooth, 64, 32));
    for (a, b) in exact.acescg.iter().zip(&lossy.acescg) {
        for (a, b) in a.iter().zip(b) {
            assert!((a.to_f32() - b.to_f32()).abs() < 0.03, "{a} {b}");
        }
    }
}

/// Light from 0.001 to 400, different in every channel.
fn bright(x: usize, y: usize) -> [f32; 3] {
    let base = 10_f32.powf(x as f32 / 3.0 - 3.0);
    [base, base * (1.0 + y as f32 * 0.2), base * 0.7]
}

#[test]
fn radiance_is_read_as_another_program_writes_it() {
    let (width, height) = (16, 8);
    let light: Vec<[f32; 3]> = (0..width * height).map(|i| bright(i % width, i / width)).collect();
    let picture = panorama(&hdr_of(&light, width, height));
    for (i, light) in light.iter().enumerate() {
        let wanted = acescg(light.map(f64::from));
        assert!(close(picture.pixel((i % width) as i64, (i / width) as i64), wanted, 0.01), "{i}");
    }
}

/// A Radiance file of unpacked pixels; the header's further lines and the resolution line are given.
fn flat_hdr(lines: &str, resolution: &str, quads: &[[u8; 4]]) -> Vec<u8> {
    let mut out = format!("#?RADIANCE\n{lines}\n{resolution}\n").into_bytes();
    out.extend(quads.concat());
    out
}

#[test]
fn radiance_rows_and_columns_may_run_either_way() {
    let quads: Vec<[u8; 4]> = (0..32).map(|i| [i * 4 + 2, 10, 10, 129]).collect();
    let rgbe = "FORMAT=32-bit_rle_rgbe\n";
    let plain = panorama(&flat_hdr(rgbe, "-Y 4 +X 8", &quads));
    let turned: Vec<[u8; 4]> = quads.iter().rev().copied().collect();
    assert_eq!(panorama(&flat_hdr(rgbe, "+Y 4 -X 8", &turned)), plain);
    assert!(close(plain.pixel(1, 0), acescg([6.0 / 128.0, 10.0 / 128.0, 10.0 / 128.0]), 1e-3));
}

#[test]
fn radiance_repeats_of_the_old_packing() {
    let packed = [[128, 128, 128, 129], [1, 1, 1, 7], [64, 64, 64, 129], [1, 1, 1, 23]];
    let picture = panorama(&flat_hdr("FORMAT=32-bit_rle_rgbe\n", "-Y 4 +X 8", &packed_rows(&packed)));
    assert!(close(picture.pixel(7, 0), [1.0; 3], 1e-3));
    assert!(close(picture.pixel(0, 3), [0.5; 3], 1e-3));
}

/// Rows of eight: the first repeats one pixel, the other three another.
fn packed_rows(quads: &[[u8; 4]; 4]) -> Vec<[u8; 4]> {
    let [first, repeat, second, _] = *quads;
    [[first, repeat], [second, repeat], [second, repeat], [second, repeat]].concat()
}

#[test]
fn radiance_primaries_and_xyz() {
    let quads = [[128, 0, 0, 129]; 32];
    let ap1 = "FORMAT=32-bit_rle_rgbe\nPRIMARIES=0.713 0.293 0.165 0.830 0.128 0.044 0.32168 0.33767\n";
    assert!(close(panorama(&flat_hdr(ap1, "-Y 4 +X 8", &quads)).pixel(0, 0), [1.0, 0.0, 0.0], 1e-3));
    let white = [[128, 128, 128, 129]; 32];
    let xyz = panorama(&flat_hdr("FORMAT=32-bit_rle_xyze\n", "-Y 4 +X 8", &white));
    assert!(close(xyz.pixel(0, 0), [1.0; 3], 1e-3), "{:?}", xyz.pixel(0, 0));
}

#[test]
fn exr_is_read_as_another_program_writes_it() {
    let bytes = exr_of(16, 8, bright, |_, _| {});
    let picture = panorama(&bytes);
    assert_eq!(picture.clamped, 0);
    for y in 0..8 {
        for x in 0..16 {
            let wanted = acescg(bright(x, y).map(f64::from));
            assert!(close(picture.pixel(x as i64, y as i64), wanted, 6e-4), "{x} {y}");
        }
    }
}

#[test]
fn exr_primaries_are_honoured() {
    let to_exr = |[x, y]: [f64; 2]| exr::math::Vec2(x as f32, y as f32);
    for primaries in [Chromaticities::AP1, Chromaticities::REC2020] {
        let bytes = exr_of(16, 8, bright, |image, _| {
            image.chromaticities = Some(exr::meta::attribute::Chromaticities {
                red: to_exr(primaries.red),
                green: to_exr(primaries.green),
                blue: to_exr(primaries.blue),
                white: to_exr(primaries.white),
            });
        });
        let wanted = acescg_from_chromaticities(&primaries).unwrap() * Vector3::from(bright(9, 3)).cast::<f64>();
        assert!(close(panorama(&bytes).pixel(9, 3), wanted.into(), 1e-3), "{primaries:?}");
    }
}

#[test]
fn exr_pixels_that_are_no_light_are_clamped_and_counted() {
    let odd = |x: usize, y: usize| match (x, y) {
        (0, 0) => [f32::NAN, 1.0, 1.0],
        (1, 0) => [f32::INFINITY, f32::INFINITY, f32::INFINITY],
        (2, 0) => [-1.0, 0.5, 0.5],
        (3, 0) => [1e9, 0.0, 0.0],
        _ => [0.25; 3],
    };
    let picture = panorama(&exr_of(8, 4, odd, |_, _| {}));
    assert_eq!(picture.clamped, 4);
    assert!(picture.acescg.iter().flatten().all(|x| x.is_finite() && x.to_f32() >= 0.0));
    assert!(close(picture.pixel(1, 0), [65_504.0; 3], 1e-3));
    assert!(close(picture.pixel(4, 0), [0.25; 3], 1e-3));
}

#[test]
fn exr_data_window_is_placed_in_the_display_window() {
    let bytes = exr_of(
        4,
        2,
        |_, _| [1.0; 3],
        |image, layer| {
            image.display_window = exr::meta::attribute::IntegerBounds::new((10, 20), (16, 8));
            layer.layer_position = exr::math::Vec2(15, 23);
        },
    );
    let picture = panorama(&bytes);
    assert_eq!((picture.width, picture.height), (16, 8));
    let lit: Vec<usize> = (0..128).filter(|i| picture.acescg[*i][0].to_f32() > 0.0).collect();
    assert_eq!(lit, [53, 54, 55, 56, 69, 70, 71, 72]);
}

#[test]
fn exr_of_luminance_alone_is_grey() {
    use exr::prelude::*;
    let channels = SpecificChannels::build().with_channel("Y").with_pixel_fn(|at: Vec2<usize>| (at.x() as f32 * 0.1,));
    let layer = Layer::new((8, 4), LayerAttributes::named("y"), Encoding::UNCOMPRESSED, channels);
    let mut out = Cursor::new(Vec::new());
    Image::from_layer(layer).write().non_parallel().to_unbuffered(&mut out).unwrap();
    assert!(close(panorama(&out.into_inner()).pixel(5, 2), [0.5; 3], 1e-3));
}
