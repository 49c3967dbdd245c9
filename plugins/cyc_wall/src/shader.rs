//! WGSL sources: libraries and passes, put together by concatenation.

/// The libraries that every wall pass may call, in the order in which they are concatenated.
pub const LIBRARIES: [(&str, &str); 5] = [
    ("lib/color.wgsl", include_str!("../../../shaders/lib/color.wgsl")),
    ("lib/dither.wgsl", include_str!("../../../shaders/lib/dither.wgsl")),
    ("lib/sphere.wgsl", include_str!("../../../shaders/lib/sphere.wgsl")),
    ("lib/frustum.wgsl", include_str!("../../../shaders/lib/frustum.wgsl")),
    ("lib/digits.wgsl", include_str!("../../../shaders/lib/digits.wgsl")),
];

/// The wall pass.
pub const COMPOSE: &str = include_str!("../../../shaders/pass/compose.wgsl");

/// `pass` behind all libraries: one WGSL module.
pub fn module(pass: &str) -> String {
    LIBRARIES.iter().map(|(_, source)| *source).chain([pass]).collect::<Vec<_>>().join("\n")
}
