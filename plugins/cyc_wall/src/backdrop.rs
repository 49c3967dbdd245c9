//! What surrounds the stage, as the wall pass sees it.

use bevy::prelude::*;
use half::f16;
use std::sync::Arc;

/// The environment's form. Inserted by `cyc_set`; replaced to change the environment.
#[derive(Resource, Clone, Default)]
pub enum Backdrop {
    /// Nothing yet: black.
    #[default]
    Dark,
    /// A panorama at infinity, sampled by direction in the wall pass.
    Panorama(Arc<PanoramaLevels>),
    /// A scene, drawn by Bevy into inner and outer pictures.
    Scene,
}

impl Backdrop {
    /// Whether Bevy has to draw the inner and outer pictures.
    pub fn is_drawn(&self) -> bool {
        matches!(self, Backdrop::Scene)
    }
}

/// An equirectangular picture with its mip levels: linear ACEScg, 1.0 = 100 cd/m2.
pub struct PanoramaLevels {
    /// Width of level 0 in pixels; the centre column is +Y, the right quarter +X.
    pub width: u32,
    /// Height of level 0 in pixels; row 0 is the zenith.
    pub height: u32,
    /// Each level's pixels, row by row; level n has `max(1, size >> n)` pixels a side.
    pub levels: Vec<Vec<[f16; 4]>>,
}

impl PanoramaLevels {
    /// One black pixel.
    pub fn black() -> Self {
        Self { width: 1, height: 1, levels: vec![vec![[f16::ZERO; 4]]] }
    }
}
