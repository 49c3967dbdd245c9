// Directions to places in an equirectangular picture.
//
// Directions are in stage axes (X right, Y forward, Z up) and need no unit length. uv (0, 0) is the top left
// corner; the picture's centre is +Y, its right quarter +X, its top edge +Z. Rust twin: `cyc_color::twin::sphere`.
//
// Why not the built-in `atan2`, `acos`: WGSL allows them 4096 ulp, and `acos` has no digits left near the poles.

const PI: f32 = 3.14159265359;
const HALF_PI: f32 = 1.57079632679;
const QUARTER_PI: f32 = 0.785398163397;
const TAN_EIGHTH_PI: f32 = 0.414213562373;

// atan(t) / t in powers of t^2, |t| <= tan(pi / 8), relative error 2e-8.
const ATAN_ODD: array<f32, 5> = array<f32, 5>(
    0.999999981265, -0.333327857719, 0.199740824155, -0.138484902123, 0.0797629180679,
);

// Angle of (x, y) from +x towards +y, -pi..=pi; 0 for (0, 0). Error below 5e-7 rad.
fn atan2_poly(y: f32, x: f32) -> f32 {
    let small = min(abs(x), abs(y));
    let large = max(abs(x), abs(y));
    // Above 22.5 degrees measure from the diagonal instead.
    let folded = small > large * TAN_EIGHTH_PI;
    let t = select(small, small - large, folded) / max(select(large, small + large, folded), 1e-30);
    let z = t * t;
    let odd = t * (ATAN_ODD[0] + z * (ATAN_ODD[1] + z * (ATAN_ODD[2] + z * (ATAN_ODD[3] + z * ATAN_ODD[4]))));
    let octant = odd + select(0.0, QUARTER_PI, folded);
    let quadrant = select(octant, HALF_PI - octant, abs(y) > abs(x));
    let half = select(quadrant, PI - quadrant, x < 0.0);
    return select(half, -half, y < 0.0);
}

// Place of a direction: u = atan2(x, y) / 2 pi + 1/2, v = acos(z / |d|) / pi.
fn uv_from_direction(direction: vec3<f32>) -> vec2<f32> {
    let level = sqrt(direction.x * direction.x + direction.y * direction.y);
    let u = atan2_poly(direction.x, direction.y) * (0.5 / PI) + 0.5;
    let v = atan2_poly(level, direction.z) * (1.0 / PI);
    return vec2<f32>(u, v);
}

// Four texels around a place, and how far the place is from the first towards the others.
struct EquirectTaps {
    // Columns; the right one wraps over the seam.
    left: u32,
    right: u32,
    // Rows; held at the poles.
    top: u32,
    bottom: u32,
    // 0..1, towards right and towards bottom.
    weight: vec2<f32>,
}

// The texels for bilinear sampling with full-precision weights (samplers may keep only 8 bits of them), so that
// the same frame gives the same bytes on every adapter. Texel centres are at (i + 0.5) / size.
fn equirect_taps(uv: vec2<f32>, size: vec2<u32>) -> EquirectTaps {
    let place = uv * vec2<f32>(size) - 0.5;
    let corner = floor(place);
    let last = vec2<i32>(size) - 1;
    let column = i32(corner.x);
    let row = i32(corner.y);
    var taps: EquirectTaps;
    taps.left = u32(select(clamp(column, 0, last.x), last.x, column < 0));
    taps.right = u32(select(clamp(column + 1, 0, last.x), 0, column + 1 > last.x));
    taps.top = u32(clamp(row, 0, last.y));
    taps.bottom = u32(clamp(row + 1, 0, last.y));
    taps.weight = place - corner;
    return taps;
}
