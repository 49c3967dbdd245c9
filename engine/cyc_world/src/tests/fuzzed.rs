//! Broken copies of good files: refused or read, never a panic, an endless loop or a large allocation.

use super::{scenes::triangle, *};
use crate::fuzz::{FUZZ_LIMITS, any_bytes, mutated};

fn runs(bytes: &[u8], count: u64) {
    assert!(decode("fuzz", bytes, &FUZZ_LIMITS).is_ok(), "the seed itself must be good");
    let good = (0..count).filter(|seed| any_bytes(&mutated(bytes, *seed))).count();
    assert!((good as u64) < count, "nothing was ever refused");
}

#[test]
fn png() {
    let rgb8: Vec<u8> = (0..32 * 16 * 3).map(|i| (i * 7 % 251) as u8).collect();
    runs(&png_of(&rgb8, 32, 16, ExtendedColorType::Rgb8), 4_000);
}

#[test]
fn jpeg() {
    let rgb8: Vec<u8> = (0..32 * 16 * 3).map(|i| (i * 7 % 251) as u8).collect();
    runs(&jpeg_of(&rgb8, 32, 16), 4_000);
}

#[test]
fn hdr() {
    let light: Vec<[f32; 3]> = (0..32 * 16).map(|i| [i as f32, 1.0, 0.5]).collect();
    runs(&hdr_of(&light, 32, 16), 8_000);
}

#[test]
fn exr() {
    runs(&exr_of(32, 16, |x, y| [x as f32, y as f32, 0.1], |_, _| {}), 3_000);
}

#[test]
fn glb() {
    runs(&triangle("", ""), 8_000);
    let file = include_bytes!("../../../../environments/plaza.glb");
    // The JSON of the shipped scene with a chunk too short for it.
    let cut = &file[..file.len().min(6_000)];
    let read = (0..500).filter(|seed| any_bytes(&mutated(cut, *seed))).count();
    assert_eq!(read, 0, "a scene without its data");
}

#[test]
fn anything() {
    for seed in 0..2_000_u64 {
        let noise = mutated(&[seed as u8; 64], seed);
        for magic in
            [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"#?", b"\x76\x2f\x31\x01", b"glTF\x02\0\0\0", b"{", b""]
        {
            any_bytes(&[magic, &noise].concat());
        }
    }
}
