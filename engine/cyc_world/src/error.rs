//! Limits on what is decoded, and every way in which bytes are not an environment.

/// What a decoder may spend, and what a picture's numbers mean where the file does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Longest side of a panorama, pixels.
    pub max_side_px: u32,
    /// Longest side of a texture inside a GLB, pixels.
    pub max_texture_side_px: u32,
    /// Triangles of a scene, all instances counted.
    pub max_triangles: u64,
    /// Luminance of code value white in PNG and JPEG, cd/m2.
    pub content_white_nits: f32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_side_px: 16_384, max_texture_side_px: 8_192, max_triangles: 20_000_000, content_white_nits: 100.0 }
    }
}

/// Smallest panorama, pixels: anything smaller is a mistake (a 1 x 1 placeholder), not a world.
pub const MIN_WIDTH_PX: u32 = 8;
/// See [`MIN_WIDTH_PX`].
pub const MIN_HEIGHT_PX: u32 = 4;

/// Why bytes are not an environment. `name` is what the operator called the file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages are the documentation")]
pub enum EnvironmentError {
    #[error("environment \"{name}\" is empty (0 bytes); was the copy or the download cut off?")]
    Empty { name: String },
    #[error(
        "environment \"{name}\" is of an unknown kind: it begins with {first_bytes}; \
         give an equirectangular PNG, JPEG, HDR (Radiance) or EXR picture, or a GLB (binary glTF 2.0) scene"
    )]
    UnknownFormat { name: String, first_bytes: String },
    #[error(
        "environment \"{name}\" is a {found}, which is not supported; \
         give an equirectangular PNG, JPEG, HDR (Radiance) or EXR picture, or a GLB (binary glTF 2.0) scene"
    )]
    OtherFormat { name: String, found: &'static str },
    #[error(
        "environment \"{name}\" is a glTF text file with its data in other files; export it as one .glb file instead"
    )]
    GltfText { name: String },
    #[error(
        "environment \"{name}\" is {width} x {height} pixels; \
         a panorama has at least {MIN_WIDTH_PX} x {MIN_HEIGHT_PX}: is this a placeholder?"
    )]
    TooSmall { name: String, width: u32, height: u32 },
    #[error(
        "environment \"{name}\" is {width} x {height} pixels; the longest side allowed is {max_side_px}: \
         scale it down to {max_side_px} x {} first", max_side_px / 2
    )]
    TooLarge { name: String, width: u32, height: u32, max_side_px: u32 },
    #[error(
        "environment \"{name}\" is {width} x {height} pixels; an equirectangular panorama is twice as wide as high: \
         crop or scale it to {} x {height} or {width} x {}", 2 * height, (width / 2).max(1)
    )]
    NotTwoToOne { name: String, width: u32, height: u32 },
    #[error("environment \"{name}\": the {format} data ends too early ({detail}); copy or export the file again")]
    Truncated { name: String, format: &'static str, detail: String },
    #[error("environment \"{name}\": the {format} data is broken ({detail}); export the file again")]
    Broken { name: String, format: &'static str, detail: String },
    #[error("environment \"{name}\" is a JPEG for print ({channels} channels, CMYK); save it as RGB")]
    Cmyk { name: String, channels: u8 },
    #[error("environment \"{name}\": {detail}; {help}")]
    Unsupported { name: String, detail: String, help: &'static str },
    #[error("environment \"{name}\" has no triangle mesh in its scene; export the visible objects as meshes")]
    NoMeshes { name: String },
    #[error(
        "environment \"{name}\" needs the glTF extension {}, which is not supported; {help}", extensions.join(", ")
    )]
    Extension { name: String, extensions: Vec<String>, help: String },
    #[error(
        "environment \"{name}\" keeps {what} in another file (\"{uri}\"); export it as one .glb with everything inside"
    )]
    External { name: String, what: &'static str, uri: String },
    #[error(
        "environment \"{name}\" has {triangles} triangles; at most {max_triangles} are allowed: \
         reduce the meshes or the number of instances"
    )]
    TooManyTriangles { name: String, triangles: u64, max_triangles: u64 },
}

impl EnvironmentError {
    /// A [`EnvironmentError::Broken`], or [`EnvironmentError::Truncated`] where `detail` speaks of an early end.
    pub(crate) fn broken(name: &str, format: &'static str, detail: impl std::fmt::Display) -> Self {
        let (name, detail) = (name.to_owned(), one_line(&detail.to_string()));
        let lower = detail.to_lowercase();
        let early =
            ["end of file", "eof", "unexpected end", "truncated", "fill whole buffer", "too short", "exhausted"];
        if early.iter().any(|sign| lower.contains(sign)) {
            Self::Truncated { name, format, detail }
        } else {
            Self::Broken { name, format, detail }
        }
    }
}

/// Refuses a panorama's size, before anything is allocated for it.
///
/// # Errors
/// [`EnvironmentError::TooSmall`], [`EnvironmentError::TooLarge`], [`EnvironmentError::NotTwoToOne`] (1 %).
pub fn check_size(name: &str, width: u32, height: u32, limits: &Limits) -> Result<(), EnvironmentError> {
    let name = || name.to_owned();
    if width < MIN_WIDTH_PX || height < MIN_HEIGHT_PX {
        return Err(EnvironmentError::TooSmall { name: name(), width, height });
    }
    if width.max(height) > limits.max_side_px {
        return Err(EnvironmentError::TooLarge { name: name(), width, height, max_side_px: limits.max_side_px });
    }
    let (w, h) = (f64::from(width), f64::from(height));
    // Half a pixel of odd widths is no distortion, or 9 x 4 could never pass.
    if (w - 2.0 * h).abs() > (0.01 * w).max(1.0) {
        return Err(EnvironmentError::NotTwoToOne { name: name(), width, height });
    }
    Ok(())
}

/// Refuses a header that promises more pixels than its bytes could ever hold (a decompression bomb, or a file
/// cut off): DEFLATE, the best packer of the formats here, never gives more than 1032 bytes for one.
///
/// # Errors
/// [`EnvironmentError::Truncated`].
pub fn check_promise(name: &str, format: &'static str, promised: u64, bytes: u64) -> Result<(), EnvironmentError> {
    if promised / 1_100 <= bytes {
        return Ok(());
    }
    let detail = format!("its header promises {promised} bytes of pixels, which cannot fit in a file of {bytes}");
    Err(EnvironmentError::Truncated { name: name.to_owned(), format, detail })
}

/// Runs a third-party decoder, of which some panic on broken bytes.
pub(crate) fn guarded<T>(
    name: &str,
    format: &'static str,
    decode: impl FnOnce() -> Result<T, EnvironmentError>,
) -> Result<T, EnvironmentError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(EnvironmentError::broken(name, format, "the decoder gave up")))
}

fn one_line(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 200 {
        line = line.chars().take(200).chain("...".chars()).collect();
    }
    line
}
