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

/// A copy of `bytes` with a few things wrong, the same for the same `seed`: flipped bits, extreme numbers, cut ends,
/// repeated, removed and inserted pieces.
pub fn mutated(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    // xorshift64* (Marsaglia 2003, Vigna 2016).
    let mut draw = |below: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
    };
    let mut out = bytes.to_vec();
    for _ in 0..=draw(4) {
        // Headers decide most; every second change is near the start.
        let reach = if draw(2) == 0 { out.len().min(200) } else { out.len() };
        let at = draw(reach);
        let length = (1 + draw(16)).min(out.len() - at.min(out.len()));
        match draw(7) {
            0 => out.truncate(at),
            1 => out[at..at + length].iter_mut().for_each(|byte| *byte = draw(256) as u8),
            2 => out[at..at + length].fill([0x00, 0xff, 0x7f, 0x80][draw(4)]),
            3 => drop(out.drain(at..at + length)),
            4 => {
                let piece = out[at..at + length].to_vec();
                out.splice(at..at, piece);
            }
            5 => out.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << draw(8)),
            // Digits of text formats.
            _ => {
                let digit = out.iter().skip(at).position(u8::is_ascii_digit);
                if let Some(byte) = digit.and_then(|i| out.get_mut(at + i)) {
                    *byte = b"0123456789-"[draw(11)];
                }
            }
        }
        if out.is_empty() {
            return out;
        }
    }
    out
}
