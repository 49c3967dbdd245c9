//! Fuzz targets: plain functions that any bytes may go through, and that must neither panic nor hang.
//!
//! The crate's tests run them under a seeded mutator; cargo-fuzz wrappers can call them as they are.

use crate::{Environment, Limits, decode};

/// Limits small enough for thousands of runs a second.
pub const FUZZ_LIMITS: Limits =
    Limits { max_side_px: 512, max_texture_side_px: 256, max_triangles: 20_000, content_white_nits: 100.0 };

/// Any bytes, any kind of file. Returns whether they were an environment.
///
/// # Panics
/// Where a decoder breaks its promise: sizes that contradict the data, indices beyond the vertices, numbers that
/// are not finite.
pub fn any_bytes(bytes: &[u8]) -> bool {
    match decode("fuzz", bytes, &FUZZ_LIMITS) {
        Ok(Environment::Panorama(panorama)) => {
            assert_eq!(panorama.acescg.len(), panorama.width as usize * panorama.height as usize);
            assert!(panorama.acescg.iter().flatten().all(|x| x.is_finite()), "a pixel is not finite");
            true
        }
        Ok(Environment::Scene(scene)) => {
            for mesh in &scene.meshes {
                let vertices = mesh.positions_m.len();
                assert!(mesh.indices.iter().all(|i| (*i as usize) < vertices), "an index beyond the vertices");
                assert_eq!(mesh.normals.len(), vertices);
                assert!(mesh.uvs.is_empty() || mesh.uvs.len() == vertices);
                assert!(mesh.colors.is_empty() || mesh.colors.len() == vertices);
                assert!(mesh.material < scene.materials.len());
            }
            true
        }
        Ok(Environment::LineUpRoom) => true,
        Err(error) => {
            assert!(error.to_string().contains("\"fuzz\""), "a message that does not name the file");
            false
        }
    }
}
