//! The stage file.
pub mod stage;
