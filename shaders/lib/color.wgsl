// Light to code values: the last arithmetic before the wall.
//
// Linear 1.0 is 100 cd/m2; code values are full range 0..1. Every function and constant has a Rust twin of the
// same name in `cyc_color::twin::color`, which performs the same f32 operations in the same order.
//
// Why not the built-in `pow`, `log2`, `exp2`: WGSL allows them an error that ST 2084 multiplies by its second
// exponent, 78.84, and software rasterisers use that freedom.

// SMPTE ST 2084:2014, 5.3. PQ_TAIL is 2 * m2 / ln 2.
const PQ_M1: f32 = 0.1593017578125;
const PQ_M2: f32 = 78.84375;
const PQ_C1: f32 = 0.8359375;
const PQ_C2: f32 = 18.8515625;
const PQ_C3: f32 = 18.6875;
const PQ_TAIL: f32 = 227.49497426;
const PQ_PEAK_LINEAR: f32 = 100.0;

// IEC 61966-2-1.
const SRGB_LINEAR_BREAK: f32 = 0.0031308;
const SRGB_CODE_BREAK: f32 = 0.04045;
const SRGB_SLOPE: f32 = 12.92;
const SRGB_SCALE: f32 = 1.055;
const SRGB_OFFSET: f32 = 0.055;
const SRGB_GAMMA: f32 = 2.4;

// `WallEncode.transfer`.
const TRANSFER_SRGB: u32 = 0u;
const TRANSFER_GAMMA22: u32 = 1u;
const TRANSFER_GAMMA24: u32 = 2u;
const TRANSFER_BT1886: u32 = 3u;
const TRANSFER_PQ: u32 = 4u;
const TRANSFER_LINEAR: u32 = 5u;

// The largest finite f16: what a picture can hold and more than any wall can show.
const LIGHT_LIMIT: f32 = 65504.0;

// log2((1 + s) / (1 - s)) / s in powers of s^2, |s| <= 0.1716, relative error 2e-9.
const LOG2_ODD: array<f32, 4> = array<f32, 4>(2.8853900798, 0.961798838802, 0.576715186019, 0.431717697459);
// 2^f for |f| <= 1/2, relative error 2e-9.
const EXP2_POLY: array<f32, 7> = array<f32, 7>(
    1.0, 0.693147206703, 0.240226509223, 0.0555032722667, 0.00961805667852, 0.00134004281776, 0.000154614446986,
);

// What one output does to light. Offsets in bytes; 80 in all.
struct WallEncode {
    // Columns of the 3 x 3 matrix from ACEScg to the output's primaries; w is unused. 0, 16, 32.
    gamut_from_acescg_x: vec4<f32>,
    gamut_from_acescg_y: vec4<f32>,
    gamut_from_acescg_z: vec4<f32>,
    // TRANSFER_*. 48.
    transfer: u32,
    // Where light is clipped, linear. 52.
    peak_linear: f32,
    // Linear light to the transfer's own 0..1: 1 / peak_linear, or 1 / 100 for PQ. 56.
    unit_from_linear: f32,
    // The transfer's first power: 1 / gamma, PQ's m1, 1 for linear. 60.
    exponent: f32,
    // Bits per channel: 8 or 10. 64.
    bits: u32,
    // Multiplies the dither: 1, or 0 for test patterns. 68.
    dither_scale: f32,
    // 72, 76.
    unused_0: u32,
    unused_1: u32,
}

// Base-2 logarithm of a positive normal number; anything less counts as the smallest one.
fn log2_poly(x: f32) -> f32 {
    let bits = bitcast<u32>(max(x, 1.1754944e-38));
    // Split at sqrt(1/2), so that the mantissa lies in [sqrt(1/2), sqrt(2)) and log2 near 1 keeps its digits.
    let exponent = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
    let mantissa = bitcast<f32>(bits - (bitcast<u32>(exponent) << 23u));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    return f32(exponent) + s * (LOG2_ODD[0] + z * (LOG2_ODD[1] + z * (LOG2_ODD[2] + z * LOG2_ODD[3])));
}

// 2^x; x is held in -126..=127.
fn exp2_poly(x: f32) -> f32 {
    let held = clamp(x, -126.0, 127.0);
    let whole = floor(held + 0.5);
    let f = held - whole;
    let high = EXP2_POLY[3] + f * (EXP2_POLY[4] + f * (EXP2_POLY[5] + f * EXP2_POLY[6]));
    let mantissa = EXP2_POLY[0] + f * (EXP2_POLY[1] + f * (EXP2_POLY[2] + f * high));
    return mantissa * bitcast<f32>(bitcast<u32>(i32(whole) + 127) << 23u);
}

// x^exponent for exponent > 0; 0 for x <= 0.
fn pow_poly(x: f32, exponent: f32) -> f32 {
    return select(0.0, exp2_poly(exponent * log2_poly(x)), x > 0.0);
}

// The second half of PQ: from (L / 10,000 cd/m2)^m1 to the code value.
//
// ((c1 + c2 x) / (1 + c3 x))^m2, with the logarithm of the ratio taken as -2 atanh of
// (denominator - numerator) / (denominator + numerator): c1 = 1 + c3 - c2 makes that difference
// (1 - c1) (1 - x), so nothing cancels and the large m2 has no rounding error to amplify.
fn pq_from_power(power: f32) -> f32 {
    let s = (1.0 - PQ_C1) * (1.0 - power) / ((1.0 + PQ_C1) + (PQ_C2 + PQ_C3) * power);
    let z = s * s;
    let atanh = s * (1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0))));
    return exp2_poly(-PQ_TAIL * atanh);
}

// ST 2084 code value of linear light, 0..=100.
fn pq_from_linear(linear: f32) -> f32 {
    return pq_from_power(pow_poly(clamp(linear / PQ_PEAK_LINEAR, 0.0, 1.0), PQ_M1));
}

// Linear light of an ST 2084 code value.
fn linear_from_pq(code: f32) -> f32 {
    // short = 1 - code^(1 / m2), as -expm1, which keeps its digits near full code.
    let t = log2_poly(clamp(code, 0.0, 1.0)) / PQ_M2 * 0.6931471806;
    let high = 1.0 / 24.0 + t * (1.0 / 120.0 + t * (1.0 / 720.0 + t * (1.0 / 5040.0)));
    let short = -t * (1.0 + t * (0.5 + t * (1.0 / 6.0 + t * high)));
    let power = max((1.0 - PQ_C1) - short, 0.0) / ((PQ_C2 - PQ_C3) + PQ_C3 * short);
    return PQ_PEAK_LINEAR * pow_poly(power, 1.0 / PQ_M1);
}

// The second half of sRGB: from x and x^(1 / 2.4) to the code value.
fn srgb_from_power(linear: f32, power: f32) -> f32 {
    return select(SRGB_SCALE * power - SRGB_OFFSET, SRGB_SLOPE * linear, linear <= SRGB_LINEAR_BREAK);
}

// sRGB code value of light relative to its white.
fn srgb_from_linear(linear: f32) -> f32 {
    return srgb_from_power(linear, pow_poly(linear, 1.0 / SRGB_GAMMA));
}

// Light relative to white of an sRGB code value.
fn linear_from_srgb(code: f32) -> f32 {
    let power = pow_poly((code + SRGB_OFFSET) / SRGB_SCALE, SRGB_GAMMA);
    return select(power, code / SRGB_SLOPE, code <= SRGB_CODE_BREAK);
}

// The number itself, within +-LIGHT_LIMIT; black for NaN. Tested on bits, because a compiler may assume that
// no NaN exists.
fn light_or_black(x: f32) -> f32 {
    let is_nan = (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
    return select(clamp(x, -LIGHT_LIMIT, LIGHT_LIMIT), 0.0, is_nan);
}

// Code value of one channel of light in the output's primaries: clip to 0..=peak, then the transfer.
//
// All transfers share one power, because rasterisers that run both sides of a branch would pay for each.
fn code_from_linear(encode: WallEncode, linear: f32) -> f32 {
    let unit = clamp(linear, 0.0, encode.peak_linear) * encode.unit_from_linear;
    let power = pow_poly(unit, encode.exponent);
    if encode.transfer == TRANSFER_PQ {
        return pq_from_power(power);
    }
    if encode.transfer == TRANSFER_SRGB {
        return srgb_from_power(unit, power);
    }
    return select(power, unit, encode.transfer == TRANSFER_LINEAR);
}

// Code values 0..1 of linear ACEScg light.
fn code_from_acescg(encode: WallEncode, acescg: vec3<f32>) -> vec3<f32> {
    let light = vec3<f32>(light_or_black(acescg.x), light_or_black(acescg.y), light_or_black(acescg.z));
    let linear = encode.gamut_from_acescg_x.xyz * light.x
        + encode.gamut_from_acescg_y.xyz * light.y
        + encode.gamut_from_acescg_z.xyz * light.z;
    return vec3<f32>(
        code_from_linear(encode, linear.x),
        code_from_linear(encode, linear.y),
        code_from_linear(encode, linear.z),
    );
}
