//! The quantiser and the arrangement of its dither.

use cyc_color::dither::{code_from_level, dither_lsb, dither_rgb, level_max, quantise, quantised_code};
use cyc_color::srgb::acescg_from_srgb8;
use cyc_color::twin::color::code_from_acescg;
use cyc_color::{Signal, WallEncode};

#[test]
fn levels_come_back_unmoved_under_any_dither() {
    for bits in [8, 10] {
        for level in 0..=level_max(bits) {
            let code = code_from_level(level, bits);
            for k in 0..256 {
                let dither = (2 * k - 255) as f32 / 512.0;
                assert_eq!(quantise(code, bits, dither), level, "{bits} bits, dither {dither}");
            }
        }
    }
}

#[test]
fn codes_outside_the_range_are_held() {
    for dither in [-255.0 / 512.0, 0.0, 255.0 / 512.0] {
        assert_eq!(quantise(f32::NAN, 10, dither), 0);
        assert_eq!(quantise(-3.0, 10, dither), 0);
        assert_eq!(quantise(1.5, 10, dither), 1023);
        // PQ's black is 7.3e-7, and a black wall has no sparkle.
        assert_eq!(quantise(7.31e-7, 10, dither), 0);
    }
    assert_eq!((quantise(0.5, 8, 0.0), quantise(0.5 - 1e-6, 8, 0.0), level_max(8)), (128, 127, 255));
    assert_eq!(quantised_code([0.0, 0.4, 1.0], 8, [0.0; 3]), [0.0, 0.4, 1.0]);
}

/// An sRGB picture shown on an sRGB output of its own white, by way of half-float ACEScg, dither on.
#[test]
fn an_8_bit_picture_is_within_one_level_of_itself() {
    let encode = WallEncode::new(&Signal::default()).uniform();
    let mut moved = 0;
    let mut total = 0;
    for i in 0..=255_u32 {
        for j in 0..=255_u32 {
            let rgb = [i as u8, j as u8, (i * 7 + j * 13) as u8];
            let acescg = acescg_from_srgb8(rgb).map(|x| half::f16::from_f32(x).to_f32());
            let code = code_from_acescg(&encode, acescg);
            let dither = dither_rgb([i, j], i ^ j);
            for c in 0..3 {
                let level = quantise(code[c], 8, dither[c]);
                assert!(level.abs_diff(u32::from(rgb[c])) <= 1, "{rgb:?} became {level} in channel {c}");
                moved += u32::from(level != u32::from(rgb[c]));
                total += 1;
            }
        }
    }
    println!("8-bit identity through f16: {moved} of {total} values one level off");
    assert!(moved < total / 5);
}

/// In every small window the values are nearly equally spaced, so the mean of a window is nearly the mean of all.
#[test]
fn windows_hold_the_mean() {
    for (size, bound) in [(2, 0.25), (4, 0.07), (8, 0.03), (16, 0.02)] {
        let mut worst = 0.0_f64;
        for seed in 0..4000_u32 {
            let corner = [seed.wrapping_mul(7919) % 8192, seed.wrapping_mul(104_729) % 4320];
            let mut sum = 0.0;
            for x in 0..size {
                for y in 0..size {
                    sum += f64::from(dither_lsb([corner[0] + x, corner[1] + y], seed, seed % 3));
                }
            }
            worst = worst.max((sum / f64::from(size * size)).abs());
        }
        // White noise of the same spread: four sigma.
        let white = 4.0 * (1.0 / 12.0_f64).sqrt() / f64::from(size);
        println!("{size} x {size}: mean within {worst:.4} steps (white noise: {white:.4})");
        assert!(worst < bound, "{size} x {size}: {worst}");
    }
}

/// Every value is equally frequent, in each channel and over time, and frames and channels differ.
#[test]
fn values_are_uniform_in_space_and_time() {
    for channel in 0..3 {
        let mut in_space = [0_u32; 256];
        let mut in_time = [0_u32; 256];
        let bin = |d: f32| ((d * 512.0 + 255.0) / 2.0) as usize;
        for i in 0..65_536 {
            in_space[bin(dither_lsb([i % 256, i / 256], 5, channel))] += 1;
            in_time[bin(dither_lsb([1234, 567], i, channel))] += 1;
        }
        assert!(in_space.iter().chain(&in_time).all(|n| n.abs_diff(256) <= 16), "channel {channel}");
    }
    assert_ne!(dither_rgb([3, 4], 0), dither_rgb([3, 4], 1));
    let [r, g, b] = dither_rgb([100, 100], 100);
    assert!(r != g && g != b && r != b);
}

/// Fixed values: the wall of a take replayed years later has the same bits.
#[test]
fn the_function_is_fixed() {
    assert_eq!(dither_lsb([0, 0], 0, 0), -255.0 / 512.0);
    assert_eq!(dither_rgb([1, 0], 0), [131.0 / 512.0, -211.0 / 512.0, -41.0 / 512.0]);
    assert_eq!(dither_rgb([3839, 2159], u32::MAX), dither_rgb([3839, 2159], u32::MAX));
}
