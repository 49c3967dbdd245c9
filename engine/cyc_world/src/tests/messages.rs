//! Every refusal, in the words that an operator reads.

use super::{scenes::triangle, *};

fn says(name: &str, bytes: &[u8], words: &str) {
    assert_eq!(error(name, bytes).to_string(), words);
}

/// The first 33 bytes of a PNG of a size: enough to be judged.
fn png_head(width: u32, height: u32) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    out.extend(width.to_be_bytes());
    out.extend(height.to_be_bytes());
    out.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    out
}

/// A JPEG's start and frame header.
fn jpeg_head(width: u16, height: u16, channels: u8) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, 0xc0, 0, 8 + 3 * channels, 8];
    out.extend(height.to_be_bytes());
    out.extend(width.to_be_bytes());
    out.push(channels);
    out.extend((1..=channels).flat_map(|i| [i, 0x11, 0]));
    out
}

#[test]
fn files_of_no_kind() {
    says("sky.png", b"", "environment \"sky.png\" is empty (0 bytes); was the copy or the download cut off?");
    says(
        "sky.png",
        b"hello, world",
        "environment \"sky.png\" is of an unknown kind: it begins with \"hello, world\"; \
         give an equirectangular PNG, JPEG, HDR (Radiance) or EXR picture, or a GLB (binary glTF 2.0) scene",
    );
    says(
        "x",
        &[0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        "environment \"x\" is of an unknown kind: it begins with de ad be ef 00 01 02 03; \
         give an equirectangular PNG, JPEG, HDR (Radiance) or EXR picture, or a GLB (binary glTF 2.0) scene",
    );
    says(
        "sky.exr",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        "environment \"sky.exr\" is a WebP picture, which is not supported; \
         give an equirectangular PNG, JPEG, HDR (Radiance) or EXR picture, or a GLB (binary glTF 2.0) scene",
    );
    says(
        "set.gltf",
        b"{\n  \"asset\": {\"version\": \"2.0\"}}",
        "environment \"set.gltf\" is a glTF text file with its data in other files; export it as one .glb file instead",
    );
}

#[test]
fn the_content_decides_and_not_the_name() {
    let bytes = png_of(&[9; 8 * 4 * 3], 8, 4, ExtendedColorType::Rgb8);
    assert!(matches!(decode("scene.glb", &bytes, &Limits::default()), Ok(Environment::Panorama(_))));
}

#[test]
fn sizes() {
    says(
        "a.png",
        &png_head(1, 1),
        "environment \"a.png\" is 1 x 1 pixels; a panorama has at least 8 x 4: is this a placeholder?",
    );
    // Nothing but a header: a reader that began to decode would complain about the data.
    says(
        "a.png",
        &png_head(30_000, 15_000),
        "environment \"a.png\" is 30000 x 15000 pixels; the longest side allowed is 16384: \
         scale it down to 16384 x 8192 first",
    );
    says(
        "a.jpg",
        &jpeg_head(30_000, 15_000, 3),
        "environment \"a.jpg\" is 30000 x 15000 pixels; the longest side allowed is 16384: \
         scale it down to 16384 x 8192 first",
    );
    says(
        "a.hdr",
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 15000 +X 30000\n",
        "environment \"a.hdr\" is 30000 x 15000 pixels; the longest side allowed is 16384: \
         scale it down to 16384 x 8192 first",
    );
    says(
        "a.png",
        &png_head(300, 200),
        "environment \"a.png\" is 300 x 200 pixels; an equirectangular panorama is twice as wide as high: \
         crop or scale it to 400 x 200 or 300 x 150",
    );
    for (width, height, fits) in [(2000, 1000, true), (2020, 1000, true), (2021, 1000, false), (1979, 1000, false)] {
        let found = crate::error::check_size("a", width, height, &Limits::default());
        assert_eq!(found.is_ok(), fits, "{width} x {height}");
    }
}

#[test]
fn exr_sizes() {
    let wide = exr_of(40, 10, |_, _| [0.1; 3], |_, _| {});
    let said = error("a.exr", &wide).to_string();
    assert!(said.contains("40 x 10 pixels") && said.contains("twice as wide as high"), "{said}");
    let limits = Limits { max_side_px: 16, ..Limits::default() };
    let large = exr_of(32, 16, |_, _| [0.1; 3], |_, _| {});
    assert!(matches!(decode("a.exr", &large, &limits), Err(EnvironmentError::TooLarge { width: 32, height: 16, .. })));
}

#[test]
fn headers_that_promise_too_much() {
    says(
        "bomb.png",
        &png_head(16_384, 8_192),
        "environment \"bomb.png\": the PNG data ends too early (its header promises 402653184 bytes of pixels, \
         which cannot fit in a file of 33); copy or export the file again",
    );
    let jpeg = [&jpeg_head(16_000, 8_000, 3)[..], &[0xff, 0xd9]].concat();
    assert!(matches!(error("bomb.jpg", &jpeg), EnvironmentError::Truncated { .. }));
    let hdr = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8192 +X 16384\n\x02\x02\x40\x00";
    assert!(matches!(error("bomb.hdr", hdr), EnvironmentError::Truncated { .. }));
}

#[test]
fn pictures_cut_short() {
    let rgb8: Vec<u8> = (0..64 * 32 * 3).map(|i| (i * 7 % 251) as u8).collect();
    let light: Vec<[f32; 3]> = (0..64 * 32).map(|i| [i as f32, 1.0, 0.5]).collect();
    for (format, bytes) in [
        ("PNG", png_of(&rgb8, 64, 32, ExtendedColorType::Rgb8)),
        ("JPEG", jpeg_of(&rgb8, 64, 32)),
        ("HDR", hdr_of(&light, 64, 32)),
        ("EXR", exr_of(64, 32, |x, y| [x as f32, y as f32, 0.1], |_, _| {})),
        ("GLB", triangle("", "")),
    ] {
        for percent in [1, 10, 30, 50, 70, 90, 97] {
            let cut = &bytes[..bytes.len() * percent / 100];
            if cut.len() < 4 {
                continue;
            }
            let error = error("cut", cut);
            assert!(
                matches!(error, EnvironmentError::Truncated { .. } | EnvironmentError::Broken { .. }),
                "{format} {percent} %: {error}"
            );
            assert!(error.to_string().contains(&format!("\"cut\": the {format} data")), "{error}");
        }
    }
}

#[test]
fn print_jpegs() {
    says(
        "poster.jpg",
        &jpeg_head(64, 32, 4),
        "environment \"poster.jpg\" is a JPEG for print (4 channels, CMYK); save it as RGB",
    );
}

#[test]
fn exr_without_colour() {
    use exr::prelude::*;
    let channels = SpecificChannels::build().with_channel("Z").with_pixel_fn(|_: Vec2<usize>| (1.0_f32,));
    let layer = Layer::new((8, 4), LayerAttributes::named("depth"), Encoding::UNCOMPRESSED, channels);
    let mut out = Cursor::new(Vec::new());
    Image::from_layer(layer).write().non_parallel().to_unbuffered(&mut out).unwrap();
    says(
        "z.exr",
        &out.into_inner(),
        "environment \"z.exr\": the EXR has no flat layer with channels R, G and B (or Y); \
         export the beauty pass with plain channel names",
    );
}

#[test]
fn scenes_that_need_more() {
    for (extension, fix) in [
        ("KHR_draco_mesh_compression", "export without Draco compression"),
        ("EXT_meshopt_compression", "export without meshopt compression (gltfpack without -c)"),
        ("KHR_texture_basisu", "export textures as PNG or JPEG instead of KTX2"),
        ("VENDOR_fancy", "export without it"),
    ] {
        let json = format!("\"extensionsRequired\":[\"{extension}\"],\"extensionsUsed\":[\"{extension}\"],");
        says(
            "set.glb",
            &triangle(&json, ""),
            &format!("environment \"set.glb\" needs the glTF extension {extension}, which is not supported; {fix}"),
        );
    }
}

#[test]
fn scenes_in_pieces() {
    let json =
        r#"{"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[]}],"buffers":[{"uri":"set.bin","byteLength":4}]}"#;
    says(
        "set.glb",
        &glb_of(json, &[0; 4]),
        "environment \"set.glb\" keeps its geometry in another file (\"set.bin\"); \
         export it as one .glb with everything inside",
    );
    let json = r#""materials":[{"pbrMetallicRoughness":{"baseColorTexture":{"index":0}}}],"textures":[{"source":0}],"images":[{"uri":"wall.png"}],"#;
    says(
        "set.glb",
        &triangle(json, ",\"material\":0"),
        "environment \"set.glb\" keeps a texture in another file (\"wall.png\"); \
         export it as one .glb with everything inside",
    );
}

#[test]
fn scenes_without_anything_to_see() {
    let none = "environment \"set.glb\" has no triangle mesh in its scene; export the visible objects as meshes";
    says("set.glb", &glb_of(r#"{"asset":{"version":"2.0"}}"#, &[]), none);
    says("set.glb", &triangle("", ",\"mode\":1"), none);
}

#[test]
fn scenes_that_are_too_much() {
    let limits = Limits { max_triangles: 0, ..Limits::default() };
    let Err(error) = decode("set.glb", &triangle("", ""), &limits) else { panic!("a scene") };
    assert_eq!(
        error.to_string(),
        "environment \"set.glb\" has 1 triangles; at most 0 are allowed: reduce the meshes or the number of instances"
    );
}

#[test]
fn scenes_of_another_time() {
    let mut old = triangle("", "");
    old[4] = 1;
    says("set.glb", &old, "environment \"set.glb\": it is binary glTF version 1; export it as glTF 2.0");
}
