//! Ordered dither and the quantiser: the twin of `shaders/lib/dither.wgsl`, bit for bit.
//!
//! The dither is Roberts' R2 sequence over the picture (additive recurrence on the plastic number; M. Roberts,
//! "The Unreasonable Effectiveness of Quasirandom Sequences", 2018): any small window holds nearly equally spaced
//! values, so a camera pixel that averages a few wall pixels sees the mean.
//! White noise of the same size would need several times the pixels for that.

/// 2^32 / g, with g the plastic number.
pub const DITHER_STEP_X: u32 = 3_242_174_889;
/// 2^32 / g^2.
pub const DITHER_STEP_Y: u32 = 2_447_445_414;
/// 2^32 / golden ratio: successive frames fill the gaps, too.
pub const DITHER_STEP_FRAME: u32 = 2_654_435_769;
/// 2^32 / 3: the channels' errors cancel in luminance where they can.
pub const DITHER_STEP_CHANNEL: u32 = 1_431_655_765;

/// Dither of one channel (0 red, 1 green, 2 blue) in steps of the quantiser: an odd multiple of 1/512 in
/// -255/512..=255/512.
///
/// It stays 1/512 away from +-1/2, so a code value that is a whole step, or PQ's black (7e-4 of a 10-bit step),
/// is never moved.
pub fn dither_lsb(pixel: [u32; 2], frame: u32, channel: u32) -> f32 {
    let phase = pixel[0]
        .wrapping_mul(DITHER_STEP_X)
        .wrapping_add(pixel[1].wrapping_mul(DITHER_STEP_Y))
        .wrapping_add(frame.wrapping_mul(DITHER_STEP_FRAME))
        .wrapping_add(channel.wrapping_mul(DITHER_STEP_CHANNEL));
    ((phase >> 24) as i32 * 2 - 255) as f32 / 512.0
}

/// Dither of red, green and blue. `frame` is the frame number modulo 2^32.
pub fn dither_rgb(pixel: [u32; 2], frame: u32) -> [f32; 3] {
    [0, 1, 2].map(|channel| dither_lsb(pixel, frame, channel))
}

/// The largest level of a quantiser: 255 for 8 bits, 1023 for 10.
pub fn level_max(bits: u32) -> u32 {
    (1 << bits) - 1
}

/// Level 0..=[`level_max`] of a code value 0..=1; `dither` in steps, 0 rounds to nearest. NaN is level 0.
pub fn quantise(code: f32, bits: u32, dither: f32) -> u32 {
    let top = level_max(bits) as f32;
    (code.clamp(0.0, 1.0) * top + (0.5 + dither)).floor().clamp(0.0, top) as u32
}

/// The code value that a level stands for.
pub fn code_from_level(level: u32, bits: u32) -> f32 {
    level as f32 / level_max(bits) as f32
}

/// Code values after the quantiser: what a unorm target of `bits` or more stores.
pub fn quantised_code(code: [f32; 3], bits: u32, dither: [f32; 3]) -> [f32; 3] {
    [0, 1, 2].map(|i| code_from_level(quantise(code[i], bits, dither[i]), bits))
}
