//! The environments that come with the program, made by code: the same pixels every time.
//!
//! Map: [`dusk_ridge`] (the panorama), from [`air`] (sky), [`clouds`], [`terrain`], [`near`] (trees, pagoda);
//! [`plaza`] (the scene), from [`hall`] (buildings), [`solids`], [`bake`] (light) and [`glb_write`]; [`noise`] and
//! [`light`] (what they share).

pub mod air;
pub mod bake;
pub mod clouds;
pub mod dusk_ridge;
pub mod glb_write;
pub mod hall;
pub mod light;
pub mod near;
pub mod noise;
pub mod plaza;
pub mod solids;
pub mod terrain;

/// Pixels across of the shipped panorama.
pub const DUSK_RIDGE_WIDTH: usize = 2560;
/// Pixels across of the shipped scene's sky.
pub const PLAZA_SKY_WIDTH: usize = 2048;
