//! Rust twin of `shaders/lib/reproject.wgsl`, in f32, and what its uniforms hold.
//!
//! A picture drawn from one eye is looked up from another: a ray from the new eye is followed through the clip space
//! of the drawn view until it meets the surface that the depth buffer holds (an epipolar search; McMillan and Bishop,
//! "Plenoptic modeling", SIGGRAPH 1995). With a rolling shutter the eye itself depends on the wall point: the point's
//! place on the sensor says which line sees it, the line when, and the time where the eye is.

use crate::frustum::NEAR_M;
use crate::plan::InnerView;
use nalgebra::{Matrix3, Matrix4x3, Vector2, Vector3, Vector4};

/// Surfaces nearer than this to the camera, in metres, are not searched for when a picture is re-projected.
pub const NEAREST_M: f64 = 0.5;
/// A search takes at most so many steps.
pub const MOST_STEPS: u32 = 16;

/// Where a point of a ray lies in the picture, ndc.
pub fn ray_ndc(far: &Vector4<f32>, eye: &Vector4<f32>, nearness: f32) -> Vector2<f32> {
    (far.xy() + eye.xy() * nearness) / (far.w + nearness * eye.w)
}

/// What the depth buffer would hold if a surface were there.
pub fn ray_depth(far: &Vector4<f32>, eye: &Vector4<f32>, nearness: f32) -> f32 {
    NEAR_M * nearness / (far.w + nearness * eye.w)
}

/// How near on a ray the depth buffer's value is reached: the inverse of [`ray_depth`].
pub fn ray_nearness(far: &Vector4<f32>, eye: &Vector4<f32>, depth: f32) -> f32 {
    depth * far.w / (NEAR_M - depth * eye.w).max(1e-9)
}

/// Whether a ray that was in front of everything at nearness `front`, and just behind a surface at nearness `surface`
/// then, met it, and did not pass behind its edge: the surface lies no nearer than the front, to a tenth.
pub fn is_met(front: f32, surface: f32) -> bool {
    surface <= 1.1 * front + 1e-6
}

/// Which sensor line sees a stage point (metres): -1 the first line to expose, 0 the middle, 1 the last; up to 1.25
/// beyond the sensor. The columns of `y_rows` and `w_rows` are the y and w rows of `clip_from_stage`: constant,
/// linear and quadratic in the line. `lines_per_ndc` is the overscan, negative where the first line is at the top.
pub fn exposed_line(
    point_m: &Vector3<f32>,
    y_rows: &Matrix4x3<f32>,
    w_rows: &Matrix4x3<f32>,
    lines_per_ndc: f32,
) -> f32 {
    let point = point_m.push(1.0);
    let (y, w) = (y_rows.tr_mul(&point), w_rows.tr_mul(&point));
    let mut line = 0.0_f32;
    for _ in 0..4 {
        let at = Vector3::new(1.0, line, line * line);
        line = (lines_per_ndc * y.dot(&at) / w.dot(&at).max(1e-6)).clamp(-1.25, 1.25);
    }
    line
}

/// A point on the path through its places at the lines -1, 0 and 1, whose columns are constant, linear and quadratic.
pub fn at_line(path: &Matrix3<f32>, line: f32) -> Vector3<f32> {
    path * Vector3::new(1.0, line, line * line)
}

/// A camera's way during one exposure, as the functions above take it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePath {
    /// The entrance pupil, stage space, metres.
    pub pupil_m: Matrix3<f32>,
    /// The y row of `clip_from_stage`.
    pub y_rows: Matrix4x3<f32>,
    /// Its w row.
    pub w_rows: Matrix4x3<f32>,
    /// The overscan, negative where the first line is at the top.
    pub lines_per_ndc: f32,
}

impl LinePath {
    /// The quadratics through a view's first, middle and last line; `None` where its lines expose together.
    pub fn of(view: &InnerView) -> Option<LinePath> {
        let [first, last] = view.lines?;
        let row = |r: usize| {
            let rows = [&first.clip_from_stage, &view.clip_from_stage, &last.clip_from_stage];
            let [a, b, c] = rows.map(|matrix| matrix.row(r).transpose());
            Matrix4x3::from_columns(&quadratic(a, b, c)).cast::<f32>()
        };
        let [a, b, c] = [first.pupil_m, view.pupil_m, last.pupil_m].map(|pupil| pupil.coords);
        let sign = if view.lines_down { -1.0 } else { 1.0 };
        Some(LinePath {
            pupil_m: Matrix3::from_columns(&quadratic(a, b, c)).cast::<f32>(),
            y_rows: row(1),
            w_rows: row(3),
            lines_per_ndc: (sign * view.overscan) as f32,
        })
    }
}

/// Constant, linear and quadratic coefficient of the parabola through `a`, `b`, `c` at -1, 0, 1.
fn quadratic<const N: usize>(
    a: nalgebra::SVector<f64, N>,
    b: nalgebra::SVector<f64, N>,
    c: nalgebra::SVector<f64, N>,
) -> [nalgebra::SVector<f64, N>; 3] {
    [b, (c - a) * 0.5, (a + c) * 0.5 - b]
}

/// How many steps the search in a picture `width_px` wide takes that was drawn as `drawn` and is shown as `shown`; 0
/// where both look from the same place, to a fiftieth of a pixel.
pub fn search_steps(shown: &InnerView, drawn: &InnerView, width_px: f64) -> u32 {
    let eyes = shown.lines.map_or([shown.pupil_m; 2], |lines| lines.map(|line| line.pupil_m));
    let apart = eyes.iter().chain([&shown.pupil_m]).map(|eye| (eye - drawn.pupil_m).norm()).fold(0.0, f64::max);
    let slip_px = apart / NEAREST_M * width_px / (2.0 * drawn.half_tan[0]);
    if slip_px < 0.02 { 0 } else { (slip_px.ceil() as u32 + 1).clamp(2, MOST_STEPS) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{camera, input, stage};
    use crate::inner::{inner_ndc, relatch, solve};
    use cyc_core::{CameraInput, FrameInput, LateCamera, Pose};
    use nalgebra::Point3;
    use proptest::prelude::*;

    const WGSL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/lib/reproject.wgsl"));
    const FRUSTUM: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/lib/frustum.wgsl"));

    #[test]
    fn the_shader_is_valid_and_has_the_same_functions() {
        let source = format!("{FRUSTUM}\n{WGSL}");
        let module =
            naga::front::wgsl::parse_str(&source).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&source)));
        let (flags, capabilities) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        naga::valid::Validator::new(flags, capabilities).validate(&module).unwrap();
        let names: Vec<_> = module.functions.iter().filter_map(|(_, function)| function.name.as_deref()).collect();
        assert_eq!(
            names[names.len() - 6..],
            ["ray_ndc", "ray_depth", "ray_nearness", "is_met", "exposed_line", "at_line"]
        );
    }

    /// A camera that moves along `x` metres and pans by `pan` radians over the exposure, as relatched.
    fn moving(x: f64, pan: f64, tilt: f64) -> (InnerView, impl Fn(f64) -> Pose) {
        let at = move |line: f64| {
            let bend = 0.02 * line * line;
            Pose::from_pan_tilt_roll(Point3::new(0.5 * x * line + bend, -bend, 1.5), pan * line, tilt * line, 0.1)
        };
        let stage = cyc_stage::stage::Stage { cameras: vec![camera("a", None, None)], ..stage([0.0; 3], vec![]) };
        let middle = CameraInput { entrance_pupil_offset_m: 0.1, ..input(at(0.0), 35.0) };
        let cameras = std::collections::BTreeMap::from([("a".to_string(), middle)]);
        let plan = solve(&stage, &FrameInput { cameras, ..FrameInput::default() });
        let late = [Some(LateCamera { input: middle, lines: Some([at(-1.0), at(1.0)]) })];
        (relatch(&stage, &plan, &late).cameras[0].unwrap(), at)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        /// The oracle: a point is seen by the line whose own view has it on that very line (f64, by bisection).
        #[test]
        fn a_point_is_given_to_the_line_that_sees_it(
            x in -0.02..0.02_f64, pan in -0.02..0.02_f64, tilt in -0.02..0.02_f64,
            across in -1.5..1.5_f64, height in 0.3..2.7_f64, down in any::<bool>(),
        ) {
            let (mut view, at) = moving(x, pan, tilt);
            view.lines_down = down;
            let point = Point3::new(across, 4.0, height);
            let camera = camera("a", None, None);
            let seen = |line: f64| {
                let known = CameraInput { pose: at(line), ..view.input };
                let now = crate::inner::inner_view(&camera, &known, [0.0; 2]).unwrap();
                let y = inner_ndc(&now, &point).unwrap()[1] * now.overscan;
                (if down { -y } else { y }) - line
            };
            let (mut low, mut high) = (-3.0, 3.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if seen(middle) > 0.0 { low = middle } else { high = middle }
            }
            prop_assume!(low.abs() < 1.0);
            let path = LinePath::of(&view).unwrap();
            let point = point.coords.cast::<f32>();
            let line = exposed_line(&point, &path.y_rows, &path.w_rows, path.lines_per_ndc);
            prop_assert!((f64::from(line) - low).abs() < 2e-4, "{line} {low}");
            let pupil = at_line(&path.pupil_m, line).cast::<f64>();
            let known = CameraInput { pose: at(low), ..view.input };
            let truth = crate::inner::inner_view(&camera, &known, [0.0; 2]).unwrap().pupil_m;
            prop_assert!((pupil - truth.coords).norm() < 1e-5);
        }

        #[test]
        fn depth_and_nearness_are_inverse_along_a_ray(
            direction in [-0.5..0.5_f32, -0.5..0.5], eye in [-0.1..0.1_f32, -0.1..0.1, -0.1..0.1], distance in 0.5..100.0_f32,
        ) {
            let far = Vector4::new(direction[0], direction[1], 0.0, 1.0);
            let eye = Vector4::new(eye[0], eye[1], 0.1, eye[2]);
            let depth = ray_depth(&far, &eye, 1.0 / distance);
            let nearness = ray_nearness(&far, &eye, depth);
            prop_assert!((nearness * distance - 1.0).abs() < 1e-4);
            // The point itself, eye + distance * direction, projected.
            let point = eye + far * distance;
            let ndc = ray_ndc(&far, &eye, nearness);
            prop_assert!((ndc - point.xy() / point.w).norm() < 1e-4);
            prop_assert!(is_met(nearness, 0.5 * nearness) && !is_met(nearness, 1.2 * nearness));
        }
    }

    #[test]
    fn a_picture_from_the_same_place_needs_no_search_and_no_search_is_endless() {
        let (view, _) = moving(0.0, 0.01, 0.0);
        let still = InnerView { lines: None, ..view };
        assert_eq!(search_steps(&still, &still, 3840.0), 0);
        let moved = |m: f64| InnerView { pupil_m: still.pupil_m + Vector3::new(m, 0.0, 0.0), ..still };
        assert_eq!(search_steps(&moved(1e-3), &still, 480.0), 2);
        assert_eq!(search_steps(&moved(0.5), &still, 3840.0), MOST_STEPS);
        assert_eq!(LinePath::of(&still), None);
    }
}
