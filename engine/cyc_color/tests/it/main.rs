//! `cyc_color` against vectors from independent implementations, and the f32 twins of the shaders against f64.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by unwrapping it")]

mod contours;
mod data;
mod dither;
mod itp;
mod sphere;
mod twin;
mod vectors;
mod wgsl;
