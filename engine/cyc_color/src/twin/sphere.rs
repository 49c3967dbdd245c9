//! `sphere.wgsl` in Rust. Its comments say why each step is done as it is.

/// As in the shader.
pub const PI: f32 = std::f32::consts::PI;
/// pi / 2.
pub const HALF_PI: f32 = std::f32::consts::FRAC_PI_2;
/// pi / 4.
pub const QUARTER_PI: f32 = std::f32::consts::FRAC_PI_4;
/// tan(pi / 8).
pub const TAN_EIGHTH_PI: f32 = 0.414_213_57;

/// atan(t) / t in powers of t^2: Chebyshev fit over |t| <= tan(pi / 8), relative error 2e-8.
pub const ATAN_ODD: [f32; 5] = [1.0, -0.333_327_86, 0.199_740_83, -0.138_484_9, 0.079_762_92];

/// Angle of (x, y) from +x towards +y in radians, -pi..=pi; 0 for (0, 0).
pub fn atan2_poly(y: f32, x: f32) -> f32 {
    let small = x.abs().min(y.abs());
    let large = x.abs().max(y.abs());
    let folded = small > large * TAN_EIGHTH_PI;
    let (numerator, denominator) = if folded { (small - large, small + large) } else { (small, large) };
    let t = numerator / denominator.max(1e-30);
    let z = t * t;
    let odd = t * (ATAN_ODD[0] + z * (ATAN_ODD[1] + z * (ATAN_ODD[2] + z * (ATAN_ODD[3] + z * ATAN_ODD[4]))));
    let octant = odd + if folded { QUARTER_PI } else { 0.0 };
    let quadrant = if y.abs() > x.abs() { HALF_PI - octant } else { octant };
    let half = if x < 0.0 { PI - quadrant } else { quadrant };
    if y < 0.0 { -half } else { half }
}

/// Place of a direction of any length; see [`crate::sphere::uv_from_direction`].
pub fn uv_from_direction(direction: [f32; 3]) -> [f32; 2] {
    let [x, y, z] = direction;
    let level = (x * x + y * y).sqrt();
    [atan2_poly(x, y) * (0.5 / PI) + 0.5, atan2_poly(level, z) * (1.0 / PI)]
}

/// Four texels around a place, and how far the place is from the first towards the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EquirectTaps {
    /// Column.
    pub left: u32,
    /// The next column; it wraps over the seam.
    pub right: u32,
    /// Row, held at the pole.
    pub top: u32,
    /// The next row, held at the pole.
    pub bottom: u32,
    /// 0..=1, towards `right` and towards `bottom`.
    pub weight: [f32; 2],
}

/// The texels for bilinear sampling of a picture of `size` (width, height) texels, both at least 1.
pub fn equirect_taps(uv: [f32; 2], size: [u32; 2]) -> EquirectTaps {
    let place = [uv[0] * size[0] as f32 - 0.5, uv[1] * size[1] as f32 - 0.5];
    let corner = place.map(f32::floor);
    let last = size.map(|n| n as i32 - 1);
    let (column, row) = (corner[0] as i32, corner[1] as i32);
    EquirectTaps {
        left: if column < 0 { last[0] } else { column.min(last[0]) } as u32,
        right: if column + 1 > last[0] { 0 } else { (column + 1).max(0) } as u32,
        top: row.clamp(0, last[1]) as u32,
        bottom: (row + 1).clamp(0, last[1]) as u32,
        weight: [place[0] - corner[0], place[1] - corner[1]],
    }
}
