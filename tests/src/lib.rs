//! Tests across crates live in `tests/it` (without a renderer) and `tests/render` (with one); this library is empty.
//!
//! Invariant: what a test here checks goes through the same code that a stage runs.
