//! The f64 definitions against colour-science (f64, nine digits) and OpenColorIO (f32).

use crate::data::{Csv, difference, read};
use cyc_color::transfer::{self, Bt1886};
use cyc_color::{
    Chromaticities, Gamut, Signal, Transfer, WallEncode, acescg_from_gamut, gamut, gamut_from_acescg, wall,
};
use nalgebra::{Matrix3, Vector3};

pub const PQ1500: Signal = Signal { transfer: Transfer::Pq, gamut: Gamut::Rec2020, peak_nits: 1500.0, bits: 10 };

#[test]
fn wall_encode_agrees_with_both_implementations() {
    let table = Csv::open("ref_acescg_to_rec2020_pq1500.csv");
    let encode = WallEncode::new(&PQ1500);
    let (mut worst_colour, mut worst_ocio) = (0.0_f64, 0.0_f64);
    for row in &table.rows {
        let code = encode.code_from_acescg(table.rgb(row, "acescg"));
        assert_eq!(code, wall::code_from_acescg(&PQ1500, table.rgb(row, "acescg")));
        worst_colour = worst_colour.max(difference(code, table.rgb(row, "pq_clip_colour")));
        worst_ocio = worst_ocio.max(difference(code, table.rgb(row, "pq_clip_ocio")));
    }
    println!(
        "f64 wall encode, {} rows: colour-science {worst_colour:.1e}, OpenColorIO {worst_ocio:.1e}",
        table.rows.len()
    );
    assert!(worst_colour < 2e-9, "colour-science: {worst_colour:e}");
    assert!(worst_ocio < 1e-5, "OpenColorIO: {worst_ocio:e}");
}

#[test]
fn gamut_step_agrees() {
    let table = Csv::open("ref_acescg_to_rec2020_pq1500.csv");
    for row in &table.rows {
        let linear = gamut_from_acescg(Gamut::Rec2020) * Vector3::from(table.rgb(row, "acescg"));
        let scale = linear.amax().max(1.0);
        // Nine digits are in the file.
        assert!(difference(linear.into(), table.rgb(row, "lin2020")) < 6e-9 * scale, "{row:?}");
    }
}

#[test]
fn display_curves_agree() {
    let table = Csv::open("ref_display_curves.csv");
    let flat = Bt1886 { lw_nits: 100.0, lb_nits: 0.0 };
    let lifted = Bt1886 { lw_nits: 1500.0, lb_nits: 0.05 };
    let mut worst = 0.0_f64;
    for row in &table.rows {
        let code = table.number(row, "code");
        let mut check = |column: &str, found: f64| {
            let wanted = table.number(row, column);
            let error = (found - wanted).abs() / wanted.abs().max(1e-3);
            worst = worst.max(error);
            assert!(error < 2e-8, "{column} at {code}: {found}, not {wanted}");
        };
        check("bt1886_Lb0_Lw100_nits", flat.nits_from_code(code));
        check("bt1886_Lb0.05_Lw1500_nits", lifted.nits_from_code(code));
        check("gamma2.4_Lw1500_nits", 1500.0 * transfer::linear_from_gamma(code, 2.4));
        check("pq_nits", 100.0 * transfer::linear_from_pq(code));
        check("pq_code_of_own_nits", transfer::pq_from_linear(transfer::linear_from_pq(code)));
        check("srgb_linear", transfer::linear_from_srgb(code));
        for display in [flat, lifted] {
            assert!((display.code_from_nits(display.nits_from_code(code)) - code).abs() < 1e-12);
        }
    }
    println!("display curves: worst relative error {worst:.1e}");
}

#[test]
fn srgb_pictures_agree() {
    let table = Csv::open("ref_srgb_to_acescg.csv");
    let (mut worst_colour, mut worst_ocio) = (0.0_f64, 0.0_f64);
    for row in &table.rows {
        let linear = table.rgb(row, "srgb").map(transfer::linear_from_srgb);
        let acescg = gamut::acescg_from_rec709() * Vector3::from(linear);
        worst_colour = worst_colour.max(difference(acescg.into(), table.rgb(row, "acescg_colour")));
        worst_ocio = worst_ocio.max(difference(acescg.into(), table.rgb(row, "acescg_ocio")));
    }
    println!("sRGB to ACEScg: colour-science {worst_colour:.1e}, OpenColorIO {worst_ocio:.1e}");
    assert!(worst_colour < 6e-9, "colour-science: {worst_colour:e}");
    assert!(worst_ocio < 2e-6, "OpenColorIO: {worst_ocio:e}");
}

#[test]
fn matrices_agree_to_twelve_digits() {
    let reference: serde_json::Value = serde_json::from_str(&read("ref_matrices.json")).unwrap();
    let ap1_from_ap0 = gamut::acescg_from_chromaticities(&Chromaticities::AP0).unwrap();
    for (name, found) in [
        ("sRGB_to_ACEScg_Bradford", acescg_from_gamut(Gamut::Srgb)),
        ("ACEScg_to_Rec2020_Bradford", gamut_from_acescg(Gamut::Rec2020)),
        ("Rec2020_to_ACEScg_Bradford", acescg_from_gamut(Gamut::Rec2020)),
        ("ACEScg_to_P3D65_Bradford", gamut_from_acescg(Gamut::P3)),
        ("AP0_to_AP1", ap1_from_ap0),
    ] {
        let rows = reference[name].as_array().unwrap();
        let wanted = Matrix3::from_fn(|i, j| rows[i][j].as_f64().unwrap());
        let error = (found - wanted).amax();
        println!("{name}: {error:.1e}");
        // Half of the last digit, and a little for the reference's own arithmetic.
        assert!(error < 1.0e-12, "{name}: {found}, not {wanted}");
    }
}

#[test]
fn ap1_passes_through() {
    let signal = Signal { transfer: Transfer::Linear, gamut: Gamut::Ap1, peak_nits: 1000.0, bits: 10 };
    assert_eq!(wall::code_from_acescg(&signal, [1.0, 10.0, 0.25]), [0.1, 1.0, 0.025]);
}

#[test]
fn codes_come_back_as_the_light_they_stand_for() {
    for transfer in Transfer::ALL {
        for gamut in Gamut::ALL {
            let encode = WallEncode::new(&Signal { transfer, gamut, peak_nits: 800.0, bits: 10 });
            for acescg in [[0.3, 0.3, 0.3], [0.9, 1.2, 0.5], [4.0, 4.1, 3.9], [0.01, 0.011, 0.0101]] {
                let back = encode.acescg_from_code(encode.code_from_acescg(acescg));
                assert!(difference(back, acescg) < 1e-9, "{transfer:?} {gamut:?}: {acescg:?} came back as {back:?}");
            }
        }
    }
}
