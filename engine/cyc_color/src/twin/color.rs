//! `color.wgsl` in Rust. Its comments say why each step is done as it is.

use crate::wall::WallEncodeUniform;

/// SMPTE ST 2084:2014, 5.3, as [`crate::transfer::PQ_M1`].
pub const PQ_M1: f32 = crate::transfer::PQ_M1 as f32;
/// As [`crate::transfer::PQ_M2`].
pub const PQ_M2: f32 = crate::transfer::PQ_M2 as f32;
/// As [`crate::transfer::PQ_C1`].
pub const PQ_C1: f32 = crate::transfer::PQ_C1 as f32;
/// As [`crate::transfer::PQ_C2`].
pub const PQ_C2: f32 = crate::transfer::PQ_C2 as f32;
/// As [`crate::transfer::PQ_C3`].
pub const PQ_C3: f32 = crate::transfer::PQ_C3 as f32;
/// 2 m2 / ln 2.
pub const PQ_TAIL: f32 = (2.0 * crate::transfer::PQ_M2 / std::f64::consts::LN_2) as f32;
/// As [`crate::transfer::PQ_PEAK_LINEAR`].
pub const PQ_PEAK_LINEAR: f32 = crate::transfer::PQ_PEAK_LINEAR as f32;

/// IEC 61966-2-1:1999, 5.2: where the straight part ends, in light.
pub const SRGB_LINEAR_BREAK: f32 = 0.003_130_8;
/// Where it ends, in code.
pub const SRGB_CODE_BREAK: f32 = 0.040_45;
/// Slope of the straight part.
pub const SRGB_SLOPE: f32 = 12.92;
/// Scale of the power part.
pub const SRGB_SCALE: f32 = 1.055;
/// Offset of the power part.
pub const SRGB_OFFSET: f32 = 0.055;
/// Exponent of the power part.
pub const SRGB_GAMMA: f32 = 2.4;

/// Number of [`crate::Transfer::Srgb`] in [`WallEncodeUniform::transfer`].
pub const TRANSFER_SRGB: u32 = 0;
/// Number of [`crate::Transfer::Gamma22`].
pub const TRANSFER_GAMMA22: u32 = 1;
/// Number of [`crate::Transfer::Gamma24`].
pub const TRANSFER_GAMMA24: u32 = 2;
/// Number of [`crate::Transfer::Bt1886`].
pub const TRANSFER_BT1886: u32 = 3;
/// Number of [`crate::Transfer::Pq`].
pub const TRANSFER_PQ: u32 = 4;
/// Number of [`crate::Transfer::Linear`].
pub const TRANSFER_LINEAR: u32 = 5;

/// As [`crate::WallEncode::LIGHT_LIMIT`].
pub const LIGHT_LIMIT: f32 = crate::WallEncode::LIGHT_LIMIT as f32;

/// log2((1 + s) / (1 - s)) / s in powers of s^2: Chebyshev fit over |s| <= 0.1716, relative error 2e-9.
pub const LOG2_ODD: [f32; 4] = [2.885_39, 0.961_798_84, 0.576_715_2, 0.431_717_7];
/// 2^f in powers of f: Chebyshev fit over |f| <= 1/2, relative error 2e-9.
#[allow(clippy::approx_constant, reason = "a fitted coefficient, not ln 2")]
pub const EXP2_POLY: [f32; 7] =
    [1.0, 0.693_147_2, 0.240_226_5, 0.055_503_27, 0.009_618_057, 0.001_340_042_8, 0.000_154_614_45];

/// Base-2 logarithm of a positive normal number; anything less counts as the smallest one.
pub fn log2_poly(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let exponent = bits.wrapping_sub(0x3f35_04f3) as i32 >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    exponent as f32 + s * (LOG2_ODD[0] + z * (LOG2_ODD[1] + z * (LOG2_ODD[2] + z * LOG2_ODD[3])))
}

/// 2^x; x is held in -126..=127.
pub fn exp2_poly(x: f32) -> f32 {
    let held = x.clamp(-126.0, 127.0);
    let whole = (held + 0.5).floor();
    let f = held - whole;
    let high = EXP2_POLY[3] + f * (EXP2_POLY[4] + f * (EXP2_POLY[5] + f * EXP2_POLY[6]));
    let mantissa = EXP2_POLY[0] + f * (EXP2_POLY[1] + f * (EXP2_POLY[2] + f * high));
    mantissa * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

/// x^exponent for exponent > 0; 0 for x <= 0.
pub fn pow_poly(x: f32, exponent: f32) -> f32 {
    if x > 0.0 { exp2_poly(exponent * log2_poly(x)) } else { 0.0 }
}

/// The second half of PQ: from (L / 10,000 cd/m2)^m1 to the code value.
pub fn pq_from_power(power: f32) -> f32 {
    let s = (1.0 - PQ_C1) * (1.0 - power) / ((1.0 + PQ_C1) + (PQ_C2 + PQ_C3) * power);
    let z = s * s;
    let atanh = s * (1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0))));
    exp2_poly(-PQ_TAIL * atanh)
}

/// ST 2084 code value of linear light, 0..=100.
pub fn pq_from_linear(linear: f32) -> f32 {
    pq_from_power(pow_poly((linear / PQ_PEAK_LINEAR).clamp(0.0, 1.0), PQ_M1))
}

/// Linear light of an ST 2084 code value.
pub fn linear_from_pq(code: f32) -> f32 {
    let t = log2_poly(code.clamp(0.0, 1.0)) / PQ_M2 * std::f32::consts::LN_2;
    let high = 1.0 / 24.0 + t * (1.0 / 120.0 + t * (1.0 / 720.0 + t * (1.0 / 5040.0)));
    let short = -t * (1.0 + t * (0.5 + t * (1.0 / 6.0 + t * high)));
    let power = ((1.0 - PQ_C1) - short).max(0.0) / ((PQ_C2 - PQ_C3) + PQ_C3 * short);
    PQ_PEAK_LINEAR * pow_poly(power, 1.0 / PQ_M1)
}

/// The second half of sRGB: from x and x^(1 / 2.4) to the code value.
pub fn srgb_from_power(linear: f32, power: f32) -> f32 {
    if linear <= SRGB_LINEAR_BREAK { SRGB_SLOPE * linear } else { SRGB_SCALE * power - SRGB_OFFSET }
}

/// sRGB code value of light relative to its white.
pub fn srgb_from_linear(linear: f32) -> f32 {
    srgb_from_power(linear, pow_poly(linear, 1.0 / SRGB_GAMMA))
}

/// Light relative to white of an sRGB code value.
pub fn linear_from_srgb(code: f32) -> f32 {
    let power = pow_poly((code + SRGB_OFFSET) / SRGB_SCALE, SRGB_GAMMA);
    if code <= SRGB_CODE_BREAK { code / SRGB_SLOPE } else { power }
}

/// The number itself, within +-[`LIGHT_LIMIT`]; black for NaN.
pub fn light_or_black(x: f32) -> f32 {
    let is_nan = (x.to_bits() & 0x7fff_ffff) > 0x7f80_0000;
    if is_nan { 0.0 } else { x.clamp(-LIGHT_LIMIT, LIGHT_LIMIT) }
}

/// Code value of one channel of light in the output's primaries: clip to 0..=peak, then the transfer.
pub fn code_from_linear(encode: &WallEncodeUniform, linear: f32) -> f32 {
    let unit = linear.clamp(0.0, encode.peak_linear) * encode.unit_from_linear;
    let power = pow_poly(unit, encode.exponent);
    match encode.transfer {
        TRANSFER_PQ => pq_from_power(power),
        TRANSFER_SRGB => srgb_from_power(unit, power),
        TRANSFER_LINEAR => unit,
        _ => power,
    }
}

/// Code values 0..=1 of linear ACEScg light.
pub fn code_from_acescg(encode: &WallEncodeUniform, acescg: [f32; 3]) -> [f32; 3] {
    let light = acescg.map(light_or_black);
    [0, 1, 2].map(|i| {
        let linear = encode.gamut_from_acescg_x[i] * light[0]
            + encode.gamut_from_acescg_y[i] * light[1]
            + encode.gamut_from_acescg_z[i] * light[2];
        code_from_linear(encode, linear)
    })
}
