//! Banding in the dark: a ramp from 0.005 to 1 cd/m2 in 10-bit PQ, seen by a camera whose picture is then lifted
//! four stops.
//!
//! Measured, and the same on every machine: seen through 8 x 8 wall pixels, contours of 0.42 dE-ITP at most (0.81
//! through 4 x 4), against 1.9 to 2.9 without dither.

use crate::itp::itp;
use crate::vectors::PQ1500;
use cyc_color::dither::{code_from_level, dither_rgb, quantise};
use cyc_color::twin::color::code_from_acescg;
use cyc_color::{WallEncode, gamut_from_acescg, transfer};
use nalgebra::Vector3;

/// Light times this after the camera: four stops.
const LIFT: f64 = 16.0;

/// Linear ACEScg of column `x` of a wall whose light rises from 0.005 to 1 cd/m2 over `width`, equal ratios.
fn ramp(x: u32, width: u32, tint: [f64; 3]) -> [f64; 3] {
    let linear = 5e-5 * 200_f64.powf((f64::from(x) + 0.5) / f64::from(width));
    tint.map(|t| t * linear)
}

/// What the wall shows at a pixel, linear Rec.2020.
fn shown(acescg: [f64; 3], pixel: [u32; 2], frame: u32, amplitude: f32) -> [f64; 3] {
    let uniform = WallEncode::new(&PQ1500).uniform();
    let code = code_from_acescg(&uniform, acescg.map(|x| x as f32));
    let dither = dither_rgb(pixel, frame);
    let levels = [0, 1, 2].map(|c| quantise(code[c], 10, dither[c] * amplitude));
    transfer::decode(&PQ1500, levels.map(|level| f64::from(code_from_level(level, 10))))
}

/// dE-ITP between the wall and the light that was meant, each averaged over `window` x `window` wall pixels and
/// lifted, over a ramp of `width` pixels: the largest anywhere, and the largest jump of it from one window to the
/// next beside it, which is the height of a contour.
fn error_and_contour(width: u32, window: u32, frame: u32, tint: [f64; 3], amplitude: f32) -> [f64; 2] {
    let matrix = gamut_from_acescg(PQ1500.gamut);
    let columns = |x: u32| {
        let acescg = ramp(x, width, tint);
        let pixels: Vec<_> = (0..window).map(|y| shown(acescg, [x, y + 700], frame, amplitude)).collect();
        (mean(&pixels), <[f64; 3]>::from(matrix * Vector3::from(acescg)))
    };
    let (seen, meant): (Vec<_>, Vec<_>) = (0..width).map(columns).unzip();
    let size = window as usize;
    let lifted = |window: &[[f64; 3]]| itp(mean(window).map(|x| LIFT * x));
    let errors: Vec<_> = seen.windows(size).zip(meant.windows(size)).map(|(s, m)| lifted(s) - lifted(m)).collect();
    let error = errors.iter().map(|e| e.norm()).fold(0.0, f64::max);
    let contour = errors.iter().zip(&errors[size..]).map(|(a, b)| (b - a).norm()).fold(0.0, f64::max);
    [error, contour]
}

fn mean(colours: &[[f64; 3]]) -> [f64; 3] {
    let sum = colours.iter().fold([0.0; 3], |sum, colour| [0, 1, 2].map(|c| sum[c] + colour[c]));
    sum.map(|x| x / colours.len() as f64)
}

const GREY: [f64; 3] = [1.0; 3];
const SKIN: [f64; 3] = [1.0, 0.7, 0.5];
const BLUE: [f64; 3] = [0.3, 0.4, 1.0];

#[test]
fn dithered_dark_ramp_has_no_contours() {
    for tint in [GREY, SKIN, BLUE] {
        for width in [512, 3840] {
            for window in [4, 8, 16] {
                let frames = [0, 1, 100_003].map(|frame| error_and_contour(width, window, frame, tint, 1.0));
                let [error, contour] = [0, 1].map(|i| frames.iter().map(|f| f[i]).fold(0.0, f64::max));
                println!(
                    "{width} px, tint {tint:?}, {window} x {window}: error {error:.2}, contour {contour:.2} dE-ITP"
                );
                let bound = if window == 4 { 2.0 } else { 1.0 };
                assert!(error <= bound && contour <= bound, "{width} px, {tint:?}: {error}, {contour}");
            }
        }
    }
}

/// The measure sees what it is for.
#[test]
fn without_dither_there_are_contours() {
    for tint in [GREY, SKIN, BLUE] {
        let [error, contour] = error_and_contour(3840, 8, 0, tint, 0.0);
        println!("without dither, 3840 px, tint {tint:?}, 8 x 8: error {error:.2}, contour {contour:.2} dE-ITP");
        assert!(contour > 1.5);
    }
}
