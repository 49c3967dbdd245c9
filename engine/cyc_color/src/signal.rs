//! What an output's pixels mean: transfer function, primaries, peak, bit depth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
