//! The environments that come with the program, made by code: the same pixels every time.
//!
//! Map: [`dusk_ridge`] (the panorama), from [`air`] (sky), [`clouds`], [`terrain`], [`near`] (trees, pagoda);
//! [`noise`] and [`light`] (what they share).

pub mod air;
pub mod clouds;
pub mod dusk_ridge;
pub mod light;
pub mod near;
pub mod noise;
pub mod terrain;
