//! Light to code values and back, in f64.
//!
//! Every `x_from_linear` has its inverse. They take one channel and do not clip; [`encode`] does.

use crate::signal::{Signal, Transfer};

/// Luminance of linear 1.0, cd/m2.
pub const NITS_PER_LINEAR: f64 = 100.0;

/// SMPTE ST 2084:2014, 5.3: the exponents m1 and m2 and the constants c1, c2, c3.
pub const PQ_M1: f64 = 2610.0 / 16384.0;
/// See [`PQ_M1`].
pub const PQ_M2: f64 = 2523.0 / 4096.0 * 128.0;
/// See [`PQ_M1`].
pub const PQ_C1: f64 = 3424.0 / 4096.0;
/// See [`PQ_M1`].
pub const PQ_C2: f64 = 2413.0 / 4096.0 * 32.0;
/// See [`PQ_M1`].
pub const PQ_C3: f64 = 2392.0 / 4096.0 * 32.0;
/// Linear light of PQ's full code: 10,000 cd/m2.
pub const PQ_PEAK_LINEAR: f64 = 10_000.0 / NITS_PER_LINEAR;

/// PQ code value of linear light; light below 0 counts as 0. Source: SMPTE ST 2084:2014, equation 5.2.
///
/// Black is c1^m2 = 7.3e-7, not 0.
pub fn pq_from_linear(linear: f64) -> f64 {
    let power = (linear.max(0.0) / PQ_PEAK_LINEAR).powf(PQ_M1);
    ((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power)).powf(PQ_M2)
}

/// Linear light of a PQ code value; a code below black counts as black. Source: SMPTE ST 2084:2014, equation 4.1.
pub fn linear_from_pq(code: f64) -> f64 {
    let ratio = code.max(0.0).powf(1.0 / PQ_M2);
    let power = (ratio - PQ_C1).max(0.0) / (PQ_C2 - PQ_C3 * ratio);
    PQ_PEAK_LINEAR * power.powf(1.0 / PQ_M1)
}

/// sRGB code value of light relative to white; light below 0 continues the straight part.
/// Source: IEC 61966-2-1:1999, 5.2.
pub fn srgb_from_linear(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Light relative to white of an sRGB code value. Source: IEC 61966-2-1:1999, 5.2.
pub fn linear_from_srgb(code: f64) -> f64 {
    if code <= 0.040_45 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }
}

/// Code value of light relative to white under a pure power; light below 0 counts as 0.
pub fn gamma_from_linear(linear: f64, gamma: f64) -> f64 {
    linear.max(0.0).powf(1.0 / gamma)
}

/// Light relative to white of a code value under a pure power; a code below 0 counts as 0.
pub fn linear_from_gamma(code: f64, gamma: f64) -> f64 {
    code.max(0.0).powf(gamma)
}

/// ITU-R BT.1886 (03/2011), annex 1: a display with luminance `lw_nits` at code 1 and `lb_nits` at code 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bt1886 {
    /// Luminance of white, cd/m2.
    pub lw_nits: f64,
    /// Luminance of black, cd/m2, below `lw_nits`.
    pub lb_nits: f64,
}

impl Bt1886 {
    /// The exponent.
    pub const GAMMA: f64 = 2.4;

    /// The recommendation's a (gain) and b (black lift).
    fn gain_and_lift(&self) -> (f64, f64) {
        let white = self.lw_nits.powf(1.0 / Self::GAMMA);
        let black = self.lb_nits.powf(1.0 / Self::GAMMA);
        ((white - black).powf(Self::GAMMA), black / (white - black))
    }

    /// Luminance of a code value, cd/m2.
    pub fn nits_from_code(&self, code: f64) -> f64 {
        let (gain, lift) = self.gain_and_lift();
        gain * (code + lift).max(0.0).powf(Self::GAMMA)
    }

    /// Code value of a luminance in cd/m2; what is darker than black gets a code below 0.
    pub fn code_from_nits(&self, nits: f64) -> f64 {
        let (gain, lift) = self.gain_and_lift();
        (nits.max(0.0) / gain).powf(1.0 / Self::GAMMA) - lift
    }
}

/// Code values 0..=1 of linear light in the signal's own primaries, each channel clipped to 0..=peak; NaN is black.
pub fn encode(signal: &Signal, linear_in_gamut: [f64; 3]) -> [f64; 3] {
    let peak = signal.peak_linear();
    linear_in_gamut.map(|linear| {
        let clipped = if linear > 0.0 { linear.min(peak) } else { 0.0 };
        let relative = clipped / peak;
        match signal.transfer {
            Transfer::Srgb => srgb_from_linear(relative),
            Transfer::Gamma22 => gamma_from_linear(relative, 2.2),
            Transfer::Gamma24 => gamma_from_linear(relative, 2.4),
            Transfer::Bt1886 => {
                Bt1886 { lw_nits: signal.peak_nits, lb_nits: 0.0 }.code_from_nits(clipped * NITS_PER_LINEAR)
            }
            Transfer::Pq => pq_from_linear(clipped),
            Transfer::Linear => relative,
        }
    })
}

/// Linear light in the signal's own primaries that the wall shows for code values: the inverse of [`encode`],
/// with the wall's clipping at `peak_nits`.
pub fn decode(signal: &Signal, code: [f64; 3]) -> [f64; 3] {
    let peak = signal.peak_linear();
    code.map(|code| match signal.transfer {
        Transfer::Srgb => peak * linear_from_srgb(code),
        Transfer::Gamma22 => peak * linear_from_gamma(code, 2.2),
        Transfer::Gamma24 => peak * linear_from_gamma(code, 2.4),
        Transfer::Bt1886 => Bt1886 { lw_nits: signal.peak_nits, lb_nits: 0.0 }.nits_from_code(code) / NITS_PER_LINEAR,
        Transfer::Pq => linear_from_pq(code).min(peak),
        Transfer::Linear => peak * code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_undoes_encode() {
        for transfer in Transfer::ALL {
            let signal = Signal { transfer, peak_nits: 1500.0, ..Signal::default() };
            for i in 0..=1000 {
                let linear = 15.0 * (f64::from(i) / 1000.0).powi(4);
                let [back, ..] = decode(&signal, encode(&signal, [linear; 3]));
                assert!((back - linear).abs() <= 1e-9 * linear.max(1e-3), "{transfer:?}: {linear} came back as {back}");
            }
        }
    }

    #[test]
    fn light_is_clipped_to_what_the_wall_can_show() {
        for transfer in Transfer::ALL {
            let signal = Signal { transfer, peak_nits: 1500.0, ..Signal::default() };
            let [peak, ..] = encode(&signal, [15.0; 3]);
            let [black, ..] = encode(&signal, [0.0; 3]);
            assert_eq!(encode(&signal, [f64::INFINITY, 15.1, 1e30]), [peak; 3]);
            assert_eq!(encode(&signal, [f64::NAN, -1.0, f64::NEG_INFINITY]), [black; 3]);
            assert!(black < 1e-6 && (transfer == Transfer::Pq || (peak - 1.0).abs() < 1e-12), "{transfer:?}");
        }
    }

    #[test]
    fn pq_values_of_the_standard_scale() {
        for (nits, code) in [(100.0, 0.50808), (203.0, 0.58069), (1000.0, 0.75183), (1500.0, 0.79606), (10_000.0, 1.0)]
        {
            assert!((pq_from_linear(nits / NITS_PER_LINEAR) - code).abs() < 5e-6);
        }
        assert_eq!(pq_from_linear(-1.0), pq_from_linear(0.0));
        assert_eq!(linear_from_pq(0.0), 0.0);
    }
}
