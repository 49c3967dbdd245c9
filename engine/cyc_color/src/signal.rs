//! What an output's pixels mean: transfer function, primaries, peak, bit depth.

use crate::ColorError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// How code values encode light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transfer {
    /// IEC 61966-2-1, relative to `peak_nits`.
    #[default]
    Srgb,
    /// Pure power 2.2, relative to `peak_nits`.
    Gamma22,
    /// Pure power 2.4, relative to `peak_nits`.
    Gamma24,
    /// ITU-R BT.1886 with Lw = `peak_nits` and Lb = 0.
    Bt1886,
    /// SMPTE ST 2084, absolute; `peak_nits` is where the wall clips.
    Pq,
    /// Code value proportional to light, 1.0 = `peak_nits`.
    Linear,
}

/// Primaries and white point of the code values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gamut {
    /// ITU-R BT.709 primaries, D65.
    #[default]
    Srgb,
    /// Display P3: DCI-P3 primaries, D65.
    P3,
    /// ITU-R BT.2020 primaries, D65.
    Rec2020,
    /// ACES AP1 primaries, ACES white (about D60), as ACEScg: no conversion.
    Ap1,
}

/// The signal of one output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Signal {
    /// Transfer function.
    pub transfer: Transfer,
    /// Primaries.
    pub gamut: Gamut,
    /// The wall's luminance at full code value, or where it clips for PQ, in cd/m2.
    pub peak_nits: f64,
    /// Bits per channel: 8 or 10.
    pub bits: u8,
}

impl Default for Signal {
    fn default() -> Self {
        Self { transfer: Transfer::Srgb, gamut: Gamut::Srgb, peak_nits: 100.0, bits: 8 }
    }
}

impl Transfer {
    /// All of them, in the order of the shader's `TRANSFER_*` numbers.
    pub const ALL: [Transfer; 6] =
        [Transfer::Srgb, Transfer::Gamma22, Transfer::Gamma24, Transfer::Bt1886, Transfer::Pq, Transfer::Linear];

    /// The name in stage files.
    pub const fn name(self) -> &'static str {
        match self {
            Transfer::Srgb => "srgb",
            Transfer::Gamma22 => "gamma22",
            Transfer::Gamma24 => "gamma24",
            Transfer::Bt1886 => "bt1886",
            Transfer::Pq => "pq",
            Transfer::Linear => "linear",
        }
    }
}

impl FromStr for Transfer {
    type Err = ColorError;

    fn from_str(name: &str) -> Result<Self, ColorError> {
        let found = Self::ALL.into_iter().find(|transfer| transfer.name() == name);
        found.ok_or_else(|| ColorError::Transfer(name.to_owned()))
    }
}

impl Gamut {
    /// All of them.
    pub const ALL: [Gamut; 4] = [Gamut::Srgb, Gamut::P3, Gamut::Rec2020, Gamut::Ap1];

    /// The name in stage files.
    pub const fn name(self) -> &'static str {
        match self {
            Gamut::Srgb => "srgb",
            Gamut::P3 => "p3",
            Gamut::Rec2020 => "rec2020",
            Gamut::Ap1 => "ap1",
        }
    }
}

impl FromStr for Gamut {
    type Err = ColorError;

    fn from_str(name: &str) -> Result<Self, ColorError> {
        let found = Self::ALL.into_iter().find(|gamut| gamut.name() == name);
        found.ok_or_else(|| ColorError::Gamut(name.to_owned()))
    }
}

impl Signal {
    /// Peaks that an output may have, cd/m2; the upper end is the top of SMPTE ST 2084.
    pub const PEAK_NITS: RangeInclusive<f64> = 1.0..=10_000.0;

    /// Bits per channel that an output may carry.
    pub const BITS: [u8; 2] = [8, 10];

    /// Everything that is wrong with the numbers; empty where they can be used.
    pub fn problems(&self) -> Vec<ColorError> {
        let mut problems = Vec::new();
        if !Self::PEAK_NITS.contains(&self.peak_nits) {
            problems.push(ColorError::PeakNits(self.peak_nits));
        }
        if !Self::BITS.contains(&self.bits) {
            problems.push(ColorError::Bits(self.bits));
        }
        problems
    }

    /// Linear light at which the wall clips: `peak_nits / 100`.
    pub fn peak_linear(&self) -> f64 {
        self.peak_nits / crate::transfer::NITS_PER_LINEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_stage_files() {
        for transfer in Transfer::ALL {
            assert_eq!(transfer.name().parse(), Ok(transfer));
            assert_eq!(serde_json::to_value(transfer).unwrap(), transfer.name());
            assert!(ColorError::Transfer(String::new()).to_string().contains(transfer.name()));
        }
        for gamut in Gamut::ALL {
            assert_eq!(gamut.name().parse(), Ok(gamut));
            assert_eq!(serde_json::to_value(gamut).unwrap(), gamut.name());
            assert!(ColorError::Gamut(String::new()).to_string().contains(gamut.name()));
        }
        assert_eq!("PQ".parse::<Transfer>(), Err(ColorError::Transfer("PQ".into())));
        assert_eq!("bt709".parse::<Gamut>(), Err(ColorError::Gamut("bt709".into())));
    }

    #[test]
    fn every_wrong_number_is_named() {
        assert_eq!(Signal::default().problems(), []);
        for peak_nits in [0.0, 0.99, -100.0, 10_000.1, f64::INFINITY] {
            let signal = Signal { peak_nits, ..Signal::default() };
            assert_eq!(signal.problems(), [ColorError::PeakNits(peak_nits)]);
        }
        let signal = Signal { peak_nits: f64::NAN, bits: 12, ..Signal::default() };
        assert_eq!(signal.problems().len(), 2);
        assert!(signal.problems()[1].to_string().contains("12"));
    }
}
