//! The stage file: TOML in, a resolved [`stage::Stage`] out, or all problems at once with their places.
//!
//! Map: [`load`] and [`parse`] (the way in), [`problem`] (what is wrong, and how it is printed), [`stage`]
//! (the result), [`edit`] (a measured value back into the text), [`geometry`] and [`mesh`] (walls as triangles),
//! [`mod@file`] and [`schema`] (the file's shape as a JSON Schema), [`view`] (the stage as JSON), [`exposure`] (what
//! each camera's shutter sees of the wall); inside, `tree` (the spanned TOML tree), `load/` (one file a section),
//! `upgrade` (older formats) and `suggest` ("did you mean").
//!
//! Invariant: a stage is returned only if nothing is wrong, and whatever bytes come in, nothing panics; files
//! are read by the caller's closure alone.

pub mod edit;
pub mod exposure;
pub mod file;
pub mod geometry;
mod load;
pub mod mesh;
pub mod problem;
pub mod schema;
pub mod stage;
mod suggest;
mod tree;
mod upgrade;
pub mod view;

pub use load::{Loaded, MAX_MESH_BYTES, MAX_STAGE_BYTES, ReadFile, load, parse};
pub use problem::{Code, Problem, Problems, Severity};
pub use stage::Stage;
pub use upgrade::FORMAT;
