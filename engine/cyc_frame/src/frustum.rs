//! Rust twin of `shaders/lib/frustum.wgsl`: the same functions by the same names, in f32.

use nalgebra::{Matrix4, Vector2, Vector3};

/// [`crate::NEAR_M`] as the shader has it, metres.
pub const NEAR_M: f32 = 0.1;

/// Where a stage point (metres) lies in a view: x and y in ndc (right, up), z the distance along the view's axis in
/// metres. Behind the eye, x and y are 2: outside every picture.
pub fn view_ndc(clip_from_stage: &Matrix4<f32>, point_m: &Vector3<f32>) -> Vector3<f32> {
    let clip = clip_from_stage * point_m.push(1.0);
    if clip.w > 0.0 { Vector3::new(clip.x / clip.w, clip.y / clip.w, clip.w) } else { Vector3::new(2.0, 2.0, clip.w) }
}

/// Picture coordinates, (0,0) top left, of an ndc position.
pub fn uv_from_ndc(ndc: Vector2<f32>) -> Vector2<f32> {
    Vector2::new(0.5 + 0.5 * ndc.x, 0.5 - 0.5 * ndc.y)
}

/// Ndc (x right, y up) of picture coordinates, (0,0) top left.
pub fn ndc_from_uv(uv: Vector2<f32>) -> Vector2<f32> {
    Vector2::new(2.0 * uv.x - 1.0, 1.0 - 2.0 * uv.y)
}

/// Distance along a view's axis in metres of a depth buffer value (infinite reverse-Z); 1e30 for the far plane, so
/// that "no surface" stays a number.
pub fn distance_m_from_depth(depth: f32) -> f32 {
    if depth > 1e-30 { NEAR_M / depth } else { 1e30 }
}

/// How much of the inner picture shows at a position of the inner view: `ndc` is 1 at the overscan's edge,
/// `soft_edge` a fraction of the overscan.
///
/// 1 where `max(|x|, |y|) <= 1 - soft_edge`, 0 from 1 outwards, a smooth cubic ramp between; 0 for what is no number.
pub fn inner_weight(ndc: Vector2<f32>, soft_edge: f32) -> f32 {
    let inset = 1.0 - ndc.x.abs().max(ndc.y.abs());
    // A NaN fails every comparison; `max` alone would drop it.
    let inside = ndc.x.abs() < 1.0 && ndc.y.abs() < 1.0;
    if !inside {
        return 0.0;
    }
    if inset >= soft_edge {
        return 1.0;
    }
    let t = inset / soft_edge;
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WGSL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/lib/frustum.wgsl"));

    #[test]
    fn the_shader_is_valid_and_has_the_same_functions_and_constants() {
        let module =
            naga::front::wgsl::parse_str(WGSL).unwrap_or_else(|error| panic!("{}", error.emit_to_string(WGSL)));
        let (flags, capabilities) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        naga::valid::Validator::new(flags, capabilities).validate(&module).unwrap();
        let names: Vec<_> = module.functions.iter().filter_map(|(_, function)| function.name.as_deref()).collect();
        assert_eq!(names, ["view_ndc", "uv_from_ndc", "ndc_from_uv", "distance_m_from_depth", "inner_weight"]);
        let constant = |name| module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name));
        let near = &module.global_expressions[constant("NEAR_M").unwrap().1.init];
        assert_eq!(*near, naga::Expression::Literal(naga::Literal::F32(NEAR_M)));
        assert_eq!(NEAR_M, crate::NEAR_M as f32);
    }

    #[test]
    fn the_mask_is_full_inside_and_nothing_outside() {
        let weight = |x, y, soft| inner_weight(Vector2::new(x, y), soft);
        assert_eq!(weight(0.0, 0.0, 0.05), 1.0);
        assert_eq!(weight(-0.9499, 0.2, 0.05), 1.0);
        assert_eq!(weight(0.3, 1.0, 0.05), 0.0);
        assert_eq!(weight(-7.0, 0.0, 0.05), 0.0);
        assert!((weight(0.1, -0.975, 0.05) - 0.5).abs() < 1e-5);
        // A hard edge is a step, not a division by zero.
        assert_eq!([weight(0.999, 0.0, 0.0), weight(1.0, 0.0, 0.0)], [1.0, 0.0]);
        for nan in [weight(f32::NAN, 0.0, 0.05), weight(0.0, f32::NAN, 0.05), weight(f32::INFINITY, 0.0, 0.05)] {
            assert_eq!(nan, 0.0);
        }
    }

    #[test]
    fn views_cull_what_is_behind() {
        let axes = crate::view::Axes {
            right: nalgebra::Vector3::x(),
            forward: nalgebra::Vector3::y(),
            up: nalgebra::Vector3::z(),
        };
        let eye = nalgebra::Point3::new(0.0, 1.0, 0.0);
        let clip = crate::view::clip_from_stage(&eye, &axes, [0.0; 2], [0.5, 0.25]).cast::<f32>();
        let ahead = view_ndc(&clip, &Vector3::new(0.5, 3.0, 0.25));
        assert!((ahead - Vector3::new(0.5, 0.5, 2.0)).amax() < 1e-6);
        assert_eq!(inner_weight(view_ndc(&clip, &Vector3::new(0.5, 0.0, 0.25)).xy(), 0.05), 0.0);
        assert!((distance_m_from_depth(0.05) - 2.0).abs() < 1e-6);
        assert_eq!(distance_m_from_depth(0.0), 1e30);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_ramp_falls_outwards(y in 0.0..1.0_f32, a in 0.0..1.2_f32, b in 0.0..1.2_f32, soft in 0.0..1.0_f32) {
            let weight = |x: f32| inner_weight(Vector2::new(x, y), soft);
            prop_assert!((0.0..=1.0).contains(&weight(a)));
            prop_assert!(weight(a.min(b)) >= weight(a.max(b)));
        }

        #[test]
        fn uv_and_ndc_are_inverse(x in -2.0..2.0_f32, y in -2.0..2.0_f32) {
            let back = ndc_from_uv(uv_from_ndc(Vector2::new(x, y)));
            prop_assert!((back - Vector2::new(x, y)).amax() < 1e-6);
        }
    }
}
