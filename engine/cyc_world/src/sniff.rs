//! What kind of file this is, by its first bytes.

use crate::EnvironmentError;

/// A kind of file that is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// ISO/IEC 15948.
    Png,
    /// ITU-T T.81 in JFIF or Exif.
    Jpeg,
    /// Radiance RGBE or XYZE.
    Radiance,
    /// OpenEXR 2.
    OpenExr,
    /// Binary glTF 2.0 (Khronos glTF 2.0, section 4).
    Glb,
}

impl Format {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::Radiance => "HDR",
            Format::OpenExr => "EXR",
            Format::Glb => "GLB",
        }
    }
}

const SIGNATURES: [(&[u8], Format); 5] = [
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"#?", Format::Radiance),
    (b"\x76\x2f\x31\x01", Format::OpenExr),
    (b"glTF", Format::Glb),
];

/// Kinds that people try and that deserve their own name in the message.
const OTHERS: [(usize, &[u8], &str); 9] = [
    (0, b"II*\0", "TIFF picture"),
    (0, b"MM\0*", "TIFF picture"),
    (8, b"WEBP", "WebP picture"),
    (0, b"GIF8", "GIF picture"),
    (0, b"BM", "BMP picture"),
    (4, b"ftyp", "HEIF picture or MP4 clip"),
    (0, b"DDS ", "DDS texture"),
    (1, b"KTX 20", "KTX2 texture"),
    (0, b"PK\x03\x04", "zip archive (unpack it first)"),
];

/// The kind of `bytes`.
///
/// # Errors
/// [`EnvironmentError::Empty`], [`EnvironmentError::GltfText`], [`EnvironmentError::OtherFormat`],
/// [`EnvironmentError::UnknownFormat`].
pub fn format_of(name: &str, bytes: &[u8]) -> Result<Format, EnvironmentError> {
    let name = name.to_owned();
    if bytes.is_empty() {
        return Err(EnvironmentError::Empty { name });
    }
    if let Some((_, format)) = SIGNATURES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Ok(*format);
    }
    if let Some((_, _, found)) =
        OTHERS.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic)))
    {
        return Err(EnvironmentError::OtherFormat { name, found });
    }
    let head = &bytes[..bytes.len().min(4096)];
    let starts_object = head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    if starts_object && head.windows(7).any(|window| window == b"\"asset\"") {
        return Err(EnvironmentError::GltfText { name });
    }
    Err(EnvironmentError::UnknownFormat { name, first_bytes: shown(bytes) })
}

/// The first bytes as text where they are text, else as hexadecimal.
fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(12)];
    if head.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        return format!("\"{}\"", String::from_utf8_lossy(head));
    }
    head.iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}
