//! The arithmetic of `shaders/lib/*.wgsl` in Rust: same names, same f32 operations, same order.
//!
//! [`color`] for `color.wgsl`, [`sphere`] for `sphere.wgsl`; `dither.wgsl` is exact and needs no second form beside
//! [`crate::dither`].

pub mod color;
pub mod sphere;
