//! WGSL sources: libraries and passes, put together by concatenation.

/// The libraries that every wall pass may call, in the order in which they are concatenated.
pub const LIBRARIES: [(&str, &str); 7] = [
    ("lib/color.wgsl", include_str!("../../../shaders/lib/color.wgsl")),
    ("lib/dither.wgsl", include_str!("../../../shaders/lib/dither.wgsl")),
    ("lib/sphere.wgsl", include_str!("../../../shaders/lib/sphere.wgsl")),
    ("lib/frustum.wgsl", include_str!("../../../shaders/lib/frustum.wgsl")),
    ("lib/reproject.wgsl", include_str!("../../../shaders/lib/reproject.wgsl")),
    ("lib/digits.wgsl", include_str!("../../../shaders/lib/digits.wgsl")),
    ("lib/coded.wgsl", include_str!("../../../shaders/lib/coded.wgsl")),
];

/// The wall pass.
pub const COMPOSE: &str = include_str!("../../../shaders/pass/compose.wgsl");

/// Brings depth buffers into an array; needs no library.
pub const DEPTH: &str = include_str!("../../../shaders/pass/depth.wgsl");

/// `pass` behind all libraries: one WGSL module.
pub fn module(pass: &str) -> String {
    LIBRARIES.iter().map(|(_, source)| *source).chain([pass]).collect::<Vec<_>>().join("\n")
}
