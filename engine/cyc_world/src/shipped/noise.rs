//! Gradient noise on a hashed lattice: the same numbers on every machine.

/// Mixes lattice coordinates and a seed into 32 well-spread bits.
pub fn hash(x: i32, y: i32, seed: u32) -> u32 {
    let mut h =
        (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

/// A number in 0..1 from lattice coordinates and a seed.
pub fn unit(x: i32, y: i32, seed: u32) -> f32 {
    (hash(x, y, seed) >> 8) as f32 / (1_u32 << 24) as f32
}

/// Eight directions, 22.5 degrees off the lattice so that no ridge follows it.
const DIRECTIONS: [[f32; 2]; 8] = [
    [0.923_879_5, 0.382_683_43],
    [0.382_683_43, 0.923_879_5],
    [-0.382_683_43, 0.923_879_5],
    [-0.923_879_5, 0.382_683_43],
    [-0.923_879_5, -0.382_683_43],
    [-0.382_683_43, -0.923_879_5],
    [0.382_683_43, -0.923_879_5],
    [0.923_879_5, -0.382_683_43],
];

/// Smooth noise of wavelength 1, about -1..1.
pub fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (x - x0, y - y0);
    let (ix, iy) = (x0 as i32, y0 as i32);
    let corner = |dx: i32, dy: i32| {
        let [gx, gy] = DIRECTIONS[(hash(ix.wrapping_add(dx), iy.wrapping_add(dy), seed) >> 13 & 7) as usize];
        gx * (fx - dx as f32) + gy * (fy - dy as f32)
    };
    let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (u, v) = (fade(fx), fade(fy));
    let bottom = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
    let top = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
    (bottom + (top - bottom) * v) * 1.5
}

/// Octaves of [`noise`], each half as strong and turned against the one before; about -1..1.
pub fn fbm(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total) = (0.0, 1.0, 0.0);
    let (mut x, mut y) = (x, y);
    for octave in 0..octaves {
        sum += noise(x, y, seed.wrapping_add(octave)) * weight;
        total += weight;
        weight *= 0.5;
        (x, y) = (1.6 * x - 1.2 * y + 3.7, 1.2 * x + 1.6 * y - 1.3);
    }
    sum / total
}

/// Sharp crests, round valleys: 0..1. Higher octaves grow where the lower ones already are ridges.
pub fn ridged(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut gain) = (0.0, 1.0, 0.0, 1.0);
    let (mut x, mut y) = (x, y);
    for octave in 0..octaves {
        let crest = (1.0 - noise(x, y, seed.wrapping_add(octave)).abs()).max(0.0).powi(2);
        sum += crest * weight * gain;
        total += weight;
        gain = crest.clamp(0.0, 1.0);
        weight *= 0.5;
        (x, y) = (1.6 * x - 1.2 * y + 9.1, 1.2 * x + 1.6 * y + 2.9);
    }
    sum / total
}

/// 0 below `low`, 1 above `high`, smooth between; `low > high` falls instead.
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
