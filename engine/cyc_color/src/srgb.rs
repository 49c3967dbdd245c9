//! Integer sRGB pictures to ACEScg: tables in place of powers, for readers of large panoramas.
//!
//! Result 1.0 is the picture's white; a content white of N cd/m2 is a factor N / 100 afterwards.

use crate::gamut::acescg_from_rec709;
use crate::transfer::linear_from_srgb;
use std::sync::LazyLock;

static LINEAR_FROM_SRGB8: LazyLock<Vec<f32>> = LazyLock::new(|| table(u8::MAX.into()));
static LINEAR_FROM_SRGB16: LazyLock<Vec<f32>> = LazyLock::new(|| table(u16::MAX));
/// Columns of the matrix.
static ACESCG_FROM_REC709: LazyLock<[[f32; 3]; 3]> = LazyLock::new(|| acescg_from_rec709().cast::<f32>().into());

fn table(top: u16) -> Vec<f32> {
    (0..=top).map(|level| linear_from_srgb(f64::from(level) / f64::from(top)) as f32).collect()
}

/// Linear ACEScg of linear Rec.709.
fn acescg_from_linear([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let [x, y, z] = &*ACESCG_FROM_REC709;
    [0, 1, 2].map(|i| x[i] * red + y[i] * green + z[i] * blue)
}

/// Linear ACEScg of an 8-bit sRGB pixel, white = 1.0.
pub fn acescg_from_srgb8(rgb: [u8; 3]) -> [f32; 3] {
    let linear = &*LINEAR_FROM_SRGB8;
    acescg_from_linear(rgb.map(|level| linear[usize::from(level)]))
}

/// Linear ACEScg of a 16-bit sRGB pixel, white = 1.0.
pub fn acescg_from_srgb16(rgb: [u16; 3]) -> [f32; 3] {
    let linear = &*LINEAR_FROM_SRGB16;
    acescg_from_linear(rgb.map(|level| linear[usize::from(level)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_agree_with_the_formula() {
        let matrix = acescg_from_rec709();
        for i in 0..=255_u8 {
            let rgb8 = [i, 255 - i, i.wrapping_mul(37)];
            let linear = rgb8.map(|level| linear_from_srgb(f64::from(level) / 255.0));
            let wanted = matrix * nalgebra::Vector3::from(linear);
            let rgb16 = rgb8.map(|level| u16::from(level) * 257);
            for (c, (by8, by16)) in acescg_from_srgb8(rgb8).into_iter().zip(acescg_from_srgb16(rgb16)).enumerate() {
                assert!((f64::from(by8) - wanted[c]).abs() < 2e-7 && by8 == by16, "{rgb8:?}: {by8}, {by16}");
            }
        }
    }
}
