//! Visible difference: ICtCp (ITU-R BT.2100-2, table 7) and its metric (ITU-R BT.2124-0).

use cyc_color::transfer::{linear_from_pq, pq_from_linear};
use nalgebra::Vector3;

/// ICtCp of linear Rec.2020 light, 1.0 = 100 cd/m2.
fn ictcp([r, g, b]: [f64; 3]) -> [f64; 3] {
    let l = pq_from_linear((1688.0 * r + 2146.0 * g + 262.0 * b) / 4096.0);
    let m = pq_from_linear((683.0 * r + 2951.0 * g + 462.0 * b) / 4096.0);
    let s = pq_from_linear((99.0 * r + 309.0 * g + 3688.0 * b) / 4096.0);
    [0.5 * (l + m), (6610.0 * l - 13613.0 * m + 7003.0 * s) / 4096.0, (17933.0 * l - 17390.0 * m - 543.0 * s) / 4096.0]
}

/// Coordinates in which distance is dE-ITP, of linear Rec.2020 light; a distance of 1 is just visible under the
/// most critical conditions.
pub fn itp(rgb: [f64; 3]) -> Vector3<f64> {
    let [i, ct, cp] = ictcp(rgb);
    720.0 * Vector3::new(i, 0.5 * ct, cp)
}

#[test]
fn neutral_has_no_chroma_and_a_code_step_is_known() {
    let [i, ct, cp] = ictcp([1.0; 3]);
    assert!((i - 0.508_078_4).abs() < 1e-6 && ct.abs() < 1e-12 && cp.abs() < 1e-12);
    let (low, high) = (linear_from_pq(0.5), linear_from_pq(0.51));
    assert!(((itp([low; 3]) - itp([high; 3])).norm() - 7.2).abs() < 1e-9);
    // Saturated colours differ by more than their lightness does.
    assert!((itp([1.0, 0.0, 0.0]) - itp([0.0, 1.0, 0.0])).norm() > 100.0);
}
