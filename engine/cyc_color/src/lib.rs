//! Transfer functions and primaries of the wall path.
//!
//! Map: [`signal`] (what an output's pixels mean), [`transfer`] (light to code values and back), [`gamut`]
//! (primaries and the matrices between them), [`wall`] (both in a row, and the shader's uniform block),
//! [`dither`] (the quantiser), [`sphere`] (directions to places in an equirectangular picture), [`srgb`]
//! (integer sRGB pictures to ACEScg), [`twin`] (the f32 arithmetic of `shaders/lib`, for tests and for pictures
//! made without a GPU).
//!
//! The f64 modules are the definition; [`twin`] and the WGSL are measured against them.
//!
//! Invariant: pure functions of their arguments; linear 1.0 is 100 cd/m2 and code values are full range 0..=1.

pub mod dither;
pub mod error;
pub mod gamut;
pub mod signal;
pub mod sphere;
pub mod srgb;
pub mod transfer;
pub mod twin;
pub mod wall;

pub use error::ColorError;
pub use gamut::{Chromaticities, acescg_from_gamut, gamut_from_acescg};
pub use signal::{Gamut, Signal, Transfer};
pub use wall::{WallEncode, WallEncodeUniform};
