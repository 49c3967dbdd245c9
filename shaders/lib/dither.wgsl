// Ordered dither and the quantiser.
//
// The dither is a fixed function of output pixel, frame number and channel, in integers, so that the Rust twin
// (`cyc_color::dither`) gives the same bits. Over the picture it is Roberts' R2 sequence (additive recurrence on
// the plastic number): any small window holds nearly equally spaced values, so a camera pixel that averages a
// few wall pixels sees the mean. Over time it steps by the golden ratio, over channels by thirds.

// 2^32 / g and 2^32 / g^2, g the plastic number; 2^32 / golden ratio; 2^32 / 3.
const DITHER_STEP_X: u32 = 3242174889u;
const DITHER_STEP_Y: u32 = 2447445414u;
const DITHER_STEP_FRAME: u32 = 2654435769u;
const DITHER_STEP_CHANNEL: u32 = 1431655765u;

// Dither of one channel in steps of the quantiser: one of the odd multiples of 1/512 in -255/512..=255/512.
//
// 256 values suffice, and they stay 1/512 away from +-1/2: a code value that is a whole step, or PQ's black
// (7e-4 of a 10-bit step), is never moved.
fn dither_lsb(pixel: vec2<u32>, frame: u32, channel: u32) -> f32 {
    let phase = pixel.x * DITHER_STEP_X + pixel.y * DITHER_STEP_Y + frame * DITHER_STEP_FRAME + channel * DITHER_STEP_CHANNEL;
    return f32(i32(phase >> 24u) * 2 - 255) / 512.0;
}

// Dither of red, green and blue.
fn dither_rgb(pixel: vec2<u32>, frame: u32) -> vec3<f32> {
    return vec3<f32>(dither_lsb(pixel, frame, 0u), dither_lsb(pixel, frame, 1u), dither_lsb(pixel, frame, 2u));
}

// The largest level of a quantiser: 255 or 1023.
fn level_max(bits: u32) -> u32 {
    return (1u << bits) - 1u;
}

// Level 0..=level_max of a code value 0..1; `dither` in steps, 0 rounds to nearest.
fn quantise(code: f32, bits: u32, dither: f32) -> u32 {
    let top = f32(level_max(bits));
    return u32(clamp(floor(clamp(code, 0.0, 1.0) * top + (0.5 + dither)), 0.0, top));
}

// The code value that a level stands for.
fn code_from_level(level: u32, bits: u32) -> f32 {
    return f32(level) / f32(level_max(bits));
}

// Code values after the quantiser: what a unorm target of `bits` or more stores.
fn quantised_code(code: vec3<f32>, bits: u32, dither: vec3<f32>) -> vec3<f32> {
    return vec3<f32>(
        code_from_level(quantise(code.x, bits, dither.x), bits),
        code_from_level(quantise(code.y, bits, dither.y), bits),
        code_from_level(quantise(code.z, bits, dither.z), bits),
    );
}
