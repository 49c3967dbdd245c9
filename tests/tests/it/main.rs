//! Cross-crate tests that draw nothing.
//!
//! Map: [`tidy`] (layers, files, words), [`docs`] (what the pages promise), [`features`] (one Bevy for every
//! build), [`licences`] (what dependencies ask for), [`shaders`] (every WGSL file through naga), [`repo`]
//! (finding and reading the repository).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests covers test functions, not the helpers they share"
)]

mod docs;
mod features;
mod licences;
mod repo;
mod shaders;
mod tidy;
