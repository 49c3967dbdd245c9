//! The files in `environments/` are what the code makes.

use super::*;
use crate::shipped::{DUSK_RIDGE_WIDTH, PLAZA_SKY_WIDTH, dusk_ridge, plaza};

const PLAZA: &[u8] = include_bytes!("../../../../environments/plaza.glb");
const DUSK: &[u8] = include_bytes!("../../../../environments/dusk-ridge.png");

/// Sines and powers differ in the last bit between machines, and a shadow's edge may fall either way: nearly all
/// codes must be equal, and no region may differ.
fn nearly_equal(what: &str, made: &[u8], kept: &[u8]) {
    assert_eq!(made.len(), kept.len(), "{what}: run make_environments again");
    let differ = made.iter().zip(kept).filter(|(a, b)| a.abs_diff(**b) > 1).count();
    assert!(
        differ * 1000 <= made.len(),
        "{what}: {differ} of {} codes differ; run make_environments again",
        made.len()
    );
}

#[test]
fn dusk_ridge_is_what_the_code_makes() {
    let made = dusk_ridge::paint(&dusk_ridge::DUSK, DUSK_RIDGE_WIDTH).rgb8();
    let kept = image::load_from_memory(DUSK).unwrap().into_rgb8();
    nearly_equal("dusk-ridge.png", &made, kept.as_raw());
}

#[test]
fn plaza_is_what_the_code_makes() {
    let (made, kept) = (scene(&plaza::plaza_glb(PLAZA_SKY_WIDTH).unwrap()), scene(PLAZA));
    assert_eq!(made.meshes.len(), kept.meshes.len());
    for (a, b) in made.meshes.iter().zip(&kept.meshes) {
        assert_eq!(a.indices, b.indices);
        let near = |a: &[f32; 3], b: &[f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(a.positions_m.iter().zip(&b.positions_m).all(|(a, b)| near(a, b)), "run make_environments again");
        let codes = |mesh: &crate::Mesh| -> Vec<u8> {
            mesh.colors.iter().flatten().map(|light| crate::texture::srgb_code(*light)).collect()
        };
        nearly_equal("plaza.glb", &codes(a), &codes(b));
    }
    for (a, b) in made.textures.iter().zip(&kept.textures) {
        nearly_equal("plaza.glb's textures", &a.rgba8_srgb, &b.rgba8_srgb);
    }
}

#[test]
fn plaza_is_lean() {
    let scene = scene(PLAZA);
    assert!(scene.triangle_count <= 60_000, "{}", scene.triangle_count);
    assert!(scene.meshes.len() <= 3 && scene.materials.iter().all(|m| m.unlit));
    assert_eq!(scene.notes, Vec::<String>::new());
    // Actors and camera need room around the stage's origin: nothing but floor within seven metres.
    let objects = &scene.meshes[0];
    let nearest = objects.positions_m.iter().map(|p| p[0].hypot(p[1])).fold(f32::INFINITY, f32::min);
    assert!(nearest > 7.0, "{nearest}");
}

#[test]
fn dusk_ridge_has_a_level_horizon_and_a_key_to_the_left() {
    let picture = panorama(DUSK);
    let light = |azimuth: f64, elevation: f64| {
        let (a, e) = (azimuth.to_radians(), elevation.to_radians());
        let [r, g, b] = picture.sample([e.cos() * a.sin(), e.cos() * a.cos(), e.sin()]);
        [r, g, b]
    };
    let sun = light(-34.0, 3.2);
    let opposite = light(146.0, 30.0);
    assert!(sun[1] > 0.8, "{sun:?}");
    assert!(opposite[2] > opposite[0], "the sky across from the sun is blue: {opposite:?}");
    // Warm above the sun, and the lake below mirrors it.
    let (warm, mirrored) = (light(-34.0, 8.0), light(-34.0, -8.0));
    assert!(warm[0] > 1.3 * warm[2] && mirrored[0] > 1.3 * mirrored[2], "{warm:?} {mirrored:?}");
}
