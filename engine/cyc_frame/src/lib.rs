//! solve.
pub mod plan;
