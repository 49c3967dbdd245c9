//! Primaries and the matrices between them.
//!
//! Matrices are computed from chromaticities, with Bradford adaptation between white points; none is typed in.

use crate::{ColorError, Gamut};
use nalgebra::{Matrix3, Vector3};

/// CIE 1931 xy of three primaries and the white point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chromaticities {
    /// xy of red.
    pub red: [f64; 2],
    /// xy of green.
    pub green: [f64; 2],
    /// xy of blue.
    pub blue: [f64; 2],
    /// xy of white.
    pub white: [f64; 2],
}

/// CIE daylight 6500 K as ITU-R and IEC round it.
const D65: [f64; 2] = [0.3127, 0.3290];
/// ACES white. Source: SMPTE ST 2065-1:2021, table 1.
const ACES_WHITE: [f64; 2] = [0.32168, 0.33767];

impl Chromaticities {
    /// ITU-R BT.709-6, 1.3 and 1.4; also IEC 61966-2-1 (sRGB).
    pub const REC709: Self = Self { red: [0.640, 0.330], green: [0.300, 0.600], blue: [0.150, 0.060], white: D65 };
    /// SMPTE EG 432-1 primaries with D65, as Display P3.
    pub const DISPLAY_P3: Self = Self { red: [0.680, 0.320], green: [0.265, 0.690], blue: [0.150, 0.060], white: D65 };
    /// ITU-R BT.2020-2, table 3.
    pub const REC2020: Self = Self { red: [0.708, 0.292], green: [0.170, 0.797], blue: [0.131, 0.046], white: D65 };
    /// ACEScg. Source: AMPAS S-2014-004, 4.1.2.
    pub const AP1: Self = Self { red: [0.713, 0.293], green: [0.165, 0.830], blue: [0.128, 0.044], white: ACES_WHITE };
    /// ACES2065-1. Source: SMPTE ST 2065-1:2021, table 1.
    pub const AP0: Self = Self { red: [0.7347, 0.2653], green: [0.0, 1.0], blue: [0.0001, -0.077], white: ACES_WHITE };

    /// CIE XYZ from linear RGB, white at Y = 1. Source: SMPTE RP 177:1993, 3.3.
    fn xyz_from_rgb(&self) -> Matrix3<f64> {
        let primaries = Matrix3::from_columns(&[xyz_of(self.red), xyz_of(self.green), xyz_of(self.blue)]);
        let gains = inverse(&primaries) * xyz_of(self.white);
        primaries * Matrix3::from_diagonal(&gains)
    }

    /// Refuses what has no matrix: numbers that are not finite, y = 0 in the white, primaries on one line, and a
    /// white outside their triangle.
    fn check(&self) -> Result<(), ColorError> {
        let wrong = |why| Err(ColorError::Chromaticities(why));
        let all = [self.red, self.green, self.blue, self.white];
        if all.iter().flatten().any(|x| !x.is_finite() || x.abs() > 10.0) {
            return wrong("a coordinate is no number between -10 and 10");
        }
        if self.white[1] < 1e-6 {
            return wrong("the white point has no luminance");
        }
        let primaries = Matrix3::from_columns(&[xyz_sum_1(self.red), xyz_sum_1(self.green), xyz_sum_1(self.blue)]);
        if primaries.determinant().abs() < 1e-6 {
            return wrong("the primaries lie on one line");
        }
        let gains = inverse(&primaries) * xyz_sum_1(self.white);
        if gains.min() <= 0.0 {
            return wrong("the white point lies outside the primaries");
        }
        Ok(())
    }
}

/// XYZ of an xy with X + Y + Z = 1.
fn xyz_sum_1([x, y]: [f64; 2]) -> Vector3<f64> {
    Vector3::new(x, y, 1.0 - x - y)
}

/// XYZ of a white's xy with Y = 1, and of any other xy up to a factor that does not matter.
fn xyz_of(xy: [f64; 2]) -> Vector3<f64> {
    let xyz = xyz_sum_1(xy);
    if xyz.y == 0.0 { xyz } else { xyz / xyz.y }
}

/// The inverse by cofactors; infinite where there is none, so callers check first.
fn inverse(m: &Matrix3<f64>) -> Matrix3<f64> {
    let [x, y, z] = [m.column(0), m.column(1), m.column(2)];
    let rows = [y.cross(&z).transpose(), z.cross(&x).transpose(), x.cross(&y).transpose()];
    Matrix3::from_rows(&rows) / m.determinant()
}

/// XYZ under `to_white` from XYZ under `from_white`: Bradford, complete adaptation.
/// Source: ICC.1:2022, annex E (linearised Bradford).
fn bradford(from_white: [f64; 2], to_white: [f64; 2]) -> Matrix3<f64> {
    let cone_from_xyz = Matrix3::new(
        0.8951, 0.2664, -0.1614, //
        -0.7502, 1.7135, 0.0367, //
        0.0389, -0.0685, 1.0296,
    );
    let from = cone_from_xyz * xyz_of(from_white);
    let to = cone_from_xyz * xyz_of(to_white);
    inverse(&cone_from_xyz) * Matrix3::from_diagonal(&to.component_div(&from)) * cone_from_xyz
}

/// Linear RGB in `to` from linear RGB in `from`, for chromaticities known to be sound.
fn to_from_from(to: &Chromaticities, from: &Chromaticities) -> Matrix3<f64> {
    if to == from {
        return Matrix3::identity();
    }
    inverse(&to.xyz_from_rgb()) * bradford(from.white, to.white) * from.xyz_from_rgb()
}

/// The primaries and white point of a [`Gamut`].
pub const fn chromaticities(gamut: Gamut) -> Chromaticities {
    match gamut {
        Gamut::Srgb => Chromaticities::REC709,
        Gamut::P3 => Chromaticities::DISPLAY_P3,
        Gamut::Rec2020 => Chromaticities::REC2020,
        Gamut::Ap1 => Chromaticities::AP1,
    }
}

/// Linear ACEScg from linear RGB in `gamut`; the identity for AP1.
pub fn acescg_from_gamut(gamut: Gamut) -> Matrix3<f64> {
    to_from_from(&Chromaticities::AP1, &chromaticities(gamut))
}

/// Linear RGB in `gamut` from linear ACEScg; the identity for AP1.
pub fn gamut_from_acescg(gamut: Gamut) -> Matrix3<f64> {
    to_from_from(&chromaticities(gamut), &Chromaticities::AP1)
}

/// Linear ACEScg from linear Rec.709, the primaries in which Bevy renders.
pub fn acescg_from_rec709() -> Matrix3<f64> {
    acescg_from_gamut(Gamut::Srgb)
}

/// Linear ACEScg from linear RGB in any primaries, such as an OpenEXR file's `chromaticities` attribute gives.
pub fn acescg_from_chromaticities(chromaticities: &Chromaticities) -> Result<Matrix3<f64>, ColorError> {
    chromaticities.check()?;
    let matrix = to_from_from(&Chromaticities::AP1, chromaticities);
    let sound = matrix.iter().all(|x| x.is_finite() && x.abs() < 1e3);
    if sound { Ok(matrix) } else { Err(ColorError::Chromaticities("the matrix to ACEScg is not finite")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_stays_white() {
        for gamut in Gamut::ALL {
            let white = acescg_from_gamut(gamut) * Vector3::repeat(1.0);
            assert!((white - Vector3::repeat(1.0)).amax() < 1e-14, "{gamut:?}: {white}");
            let there_and_back = gamut_from_acescg(gamut) * acescg_from_gamut(gamut);
            assert!((there_and_back - Matrix3::identity()).amax() < 1e-14, "{gamut:?}");
        }
        assert_eq!(acescg_from_gamut(Gamut::Ap1), Matrix3::identity());
        assert_eq!(acescg_from_rec709(), acescg_from_gamut(Gamut::Srgb));
    }

    #[test]
    fn known_chromaticities_agree_with_the_named_gamut() {
        for gamut in Gamut::ALL {
            assert_eq!(acescg_from_chromaticities(&chromaticities(gamut)), Ok(acescg_from_gamut(gamut)));
        }
        // AP0's blue has y < 0 and its green no X or Z: unusual, but sound.
        assert!(acescg_from_chromaticities(&Chromaticities::AP0).is_ok());
    }

    #[test]
    fn senseless_chromaticities_are_refused() {
        let good = Chromaticities::REC709;
        for (bad, why) in [
            (Chromaticities { red: [f64::NAN, 0.3], ..good }, "number"),
            (Chromaticities { blue: [1e30, 0.3], ..good }, "number"),
            (Chromaticities { white: [0.3, 0.0], ..good }, "luminance"),
            (Chromaticities { green: good.red, ..good }, "line"),
            (Chromaticities { red: [0.0; 2], green: [0.0; 2], blue: [0.0; 2], white: D65 }, "line"),
            (Chromaticities { white: [0.1, 0.8], ..good }, "outside"),
        ] {
            let error = acescg_from_chromaticities(&bad).unwrap_err();
            assert!(error.to_string().contains(why), "{bad:?}: {error}");
        }
    }
}
