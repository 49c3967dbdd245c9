//! What the wall plugin is given at start.

use crate::scale::{PreviewScale, scaled_px};
use bevy::{math::UVec2, prelude::*};
use cyc_frame::plan::OuterLayout;
use cyc_stage::stage::Stage;
use std::sync::Arc;

/// Which outputs are driven, and how.
#[derive(Resource, Clone)]
pub struct WallSetup {
    /// Indices into the stage's outputs.
    pub outputs: Vec<usize>,
    /// The stage's outer views.
    pub outer: Arc<OuterLayout>,
    /// Write linear ACEScg instead of code values.
    pub scene_linear: bool,
    /// Leave code values continuous: no dither, no quantiser.
    pub continuous: bool,
    /// Rendering is on the CPU: one sample per pixel, plain texture filters.
    pub software: bool,
    /// Largest side of a texture in pixels.
    pub max_side_px: u32,
}

impl WallSetup {
    /// Layer sizes of the inner and outer picture arrays at `scale`: the largest view of each kind.
    pub fn layer_sizes(&self, stage: &Stage, scale: &PreviewScale) -> (UVec2, UVec2) {
        let inner = stage.cameras.iter().map(|camera| scaled_px(camera.inner.size_px, scale.inner));
        let outer = self.outer.views.iter().map(|view| scaled_px(view.size_px, scale.outer));
        let least = UVec2::splat(16);
        let most = UVec2::splat(self.max_side_px);
        (inner.fold(least, UVec2::max).min(most), outer.fold(least, UVec2::max).min(most))
    }
}
