//! The f32 arithmetic of `color.wgsl` against the f64 definitions and the reference vectors.

use crate::data::{Csv, Numbers, difference};
use crate::vectors::PQ1500;
use cyc_color::twin::color as twin;
use cyc_color::{Gamut, Signal, Transfer, WallEncode, WallEncodeUniform, transfer};

fn twin_code(uniform: &WallEncodeUniform, acescg: [f64; 3]) -> [f64; 3] {
    twin::code_from_acescg(uniform, acescg.map(|x| x as f32)).map(f64::from)
}

/// Light over twelve decades, denser where walls work.
fn light() -> impl Iterator<Item = f64> {
    (0..=200_000).map(|i| 1e-8 * 10_f64.powf(f64::from(i) / 20_000.0))
}

#[test]
fn wall_encode_agrees_with_both_implementations() {
    let table = Csv::open("ref_acescg_to_rec2020_pq1500.csv");
    let uniform = WallEncode::new(&PQ1500).uniform();
    let (mut worst_colour, mut worst_ocio) = (0.0_f64, 0.0_f64);
    for row in &table.rows {
        let code = twin_code(&uniform, table.rgb(row, "acescg"));
        worst_colour = worst_colour.max(difference(code, table.rgb(row, "pq_clip_colour")));
        worst_ocio = worst_ocio.max(difference(code, table.rgb(row, "pq_clip_ocio")));
    }
    println!("f32 wall encode: colour-science {worst_colour:.1e}, OpenColorIO {worst_ocio:.1e}");
    assert!(worst_colour < 2e-5, "colour-science: {worst_colour:e}");
    assert!(worst_ocio < 2e-5, "OpenColorIO: {worst_ocio:e}");
}

#[test]
fn every_signal_agrees_with_f64() {
    for transfer in Transfer::ALL {
        for gamut in Gamut::ALL {
            let encode = WallEncode::new(&Signal { transfer, gamut, peak_nits: 1500.0, bits: 10 });
            let uniform = encode.uniform();
            let mut numbers = Numbers(7);
            let mut worst = 0.0_f64;
            for _ in 0..20_000 {
                // Rounded first: what is measured is the arithmetic, not the input's precision.
                let acescg = [0, 1, 2].map(|_| f64::from((1e-4 * 10_f64.powf(6.0 * numbers.next()) - 1e-3) as f32));
                worst = worst.max(difference(twin_code(&uniform, acescg), encode.code_from_acescg(acescg)));
            }
            println!("f32 against f64, {transfer:?} {gamut:?}: {worst:.1e}");
            // PQ is steep at black, where the matrix leaves a difference of large numbers; the rest is flat there.
            let bound = if transfer == Transfer::Pq { 2e-5 } else { 1e-5 };
            assert!(worst < bound, "{transfer:?} {gamut:?}: {worst:e}");
        }
    }
}

#[test]
fn curves_agree_with_f64() {
    let mut worst = [0.0_f64; 4];
    for linear in light() {
        let x = linear as f32;
        let linear = f64::from(x);
        if linear <= 100.0 {
            let code = twin::pq_from_linear(x);
            worst[0] = worst[0].max((f64::from(code) - transfer::pq_from_linear(linear)).abs());
            let there = transfer::linear_from_pq(f64::from(code));
            worst[1] = worst[1].max((f64::from(twin::linear_from_pq(code)) - there).abs() / there.max(1e-5));
        }
        if linear <= 1.0 {
            let code = twin::srgb_from_linear(x);
            worst[2] = worst[2].max((f64::from(code) - transfer::srgb_from_linear(linear)).abs());
            let there = transfer::linear_from_srgb(f64::from(code));
            worst[3] = worst[3].max((f64::from(twin::linear_from_srgb(code)) - there).abs());
        }
    }
    println!(
        "pq {:.1e}, its inverse {:.1e} relative, srgb {:.1e}, its inverse {:.1e}",
        worst[0], worst[1], worst[2], worst[3]
    );
    assert!(worst[0] < 1e-6 && worst[1] < 1e-5 && worst[2] < 1e-6 && worst[3] < 1e-6, "{worst:?}");
}

#[test]
fn logarithm_and_power_keep_their_digits() {
    let (mut worst_log, mut worst_exp) = (0.0_f64, 0.0_f64);
    for x in light() {
        let x = x as f32;
        let wanted = f64::from(x).log2();
        worst_log = worst_log.max((f64::from(twin::log2_poly(x)) - wanted).abs() / wanted.abs().max(1.0));
        let t = wanted as f32 * 3.7;
        worst_exp = worst_exp.max((f64::from(twin::exp2_poly(t)) / f64::from(t).exp2() - 1.0).abs());
    }
    println!("log2 {worst_log:.1e}, exp2 {worst_exp:.1e} relative");
    assert!(worst_log < 2e-7 && worst_exp < 3e-7);
    assert_eq!((twin::log2_poly(1.0), twin::exp2_poly(0.0), twin::pow_poly(0.0, 2.0)), (0.0, 1.0, 0.0));
    assert_eq!((twin::exp2_poly(-1e9), twin::exp2_poly(10.0)), (f32::MIN_POSITIVE, 1024.0));
}

#[test]
fn nothing_that_a_picture_can_hold_breaks_the_wall() {
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -0.0, f32::MIN_POSITIVE / 2.0];
    for transfer in Transfer::ALL {
        let uniform = WallEncode::new(&Signal { transfer, gamut: Gamut::Rec2020, ..Signal::default() }).uniform();
        for a in bad {
            for b in bad {
                let code = twin::code_from_acescg(&uniform, [a, 0.5, b]);
                assert!(code.iter().all(|x| (0.0..=1.0001).contains(x)), "{transfer:?} {a} {b}: {code:?}");
                let wide = WallEncode::new(&Signal { transfer, gamut: Gamut::Rec2020, ..Signal::default() })
                    .code_from_acescg([f64::from(a), 0.5, f64::from(b)]);
                assert!(difference(code.map(f64::from), wide) < 1e-4, "{transfer:?} {a} {b}: {code:?}, {wide:?}");
            }
        }
        // A lost pixel is black, not a flash of its neighbours' channels.
        assert!(twin::code_from_acescg(&uniform, [f32::NAN; 3]).iter().all(|x| *x < 1e-6));
    }
}

/// 80 bytes in the order of the shader's struct.
#[test]
fn uniform_bytes_are_the_fields_in_order() {
    let uniform = WallEncode::new(&PQ1500).uniform();
    let bytes = uniform.to_bytes();
    let float = |at: usize| f32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(std::mem::size_of_val(&uniform), WallEncodeUniform::SIZE);
    assert_eq!([float(0), float(16), float(32)], [1.025_824_8, -0.020_053_191, -0.005_771_557]);
    assert_eq!([float(4), float(20), float(36)], [-0.002_234_369_5, 1.004_586_5, -0.002_352_132_4]);
    assert_eq!((word(48), float(52), float(56), float(60)), (4, 15.0, 0.01, 0.159_301_76));
    assert_eq!((word(64), float(68), word(72), word(76)), (10, 1.0, 0, 0));
    let flat = uniform.without_dither().to_bytes();
    assert_eq!(flat[68..72], [0; 4]);
    for transfer in Transfer::ALL {
        assert_eq!(Transfer::ALL[WallEncodeUniform::transfer_number(transfer) as usize], transfer);
    }
}
