//! Preview scale: how large inner and outer pictures are drawn, so that slow machines keep the beat.

use bevy::{ecs::resource::Resource, math::UVec2};
use cyc_frame::{degrade::Degradation, plan::OuterView};
use cyc_stage::stage::Camera;

/// The pictures' size as a fraction of what the stage file asks, and how often outer views are drawn.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct PreviewScale {
    /// Linear factor on inner pictures, 0..1.
    pub inner: f32,
    /// Linear factor on outer pictures, 0..1.
    pub outer: f32,
    /// Each outer view is drawn on every n-th frame.
    pub outer_every: u32,
}

impl Default for PreviewScale {
    fn default() -> Self {
        Self { inner: 1.0, outer: 1.0, outer_every: 1 }
    }
}

/// What is given up for a while so that the beat is kept (`cyc_frame::degrade`): pictures fill less of their layers, and
/// outer views are drawn less often or not at all. Layers stay as they are, so that nothing is made anew.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Default)]
pub struct Economy(pub Degradation);

impl Economy {
    /// How often an outer view is drawn: on every n-th frame; `None` is never.
    pub fn outer_every(&self, scale: &PreviewScale) -> Option<u32> {
        (!self.0.outer_frozen).then(|| self.0.outer_every.max(scale.outer_every).max(1))
    }
}

impl PreviewScale {
    /// With what is given up just now.
    pub fn after(&self, economy: &Economy) -> PreviewScale {
        let Degradation { outer_scale, inner_scale, .. } = economy.0;
        PreviewScale { inner: self.inner * inner_scale as f32, outer: self.outer * outer_scale as f32, ..*self }
    }

    /// The part of its layer that a camera's inner picture fills.
    pub fn inner_px(&self, camera: &Camera, layer_px: UVec2) -> UVec2 {
        scaled_px(camera.inner.size_px, self.inner).min(layer_px)
    }

    /// The part of its layer that an outer view's picture fills.
    pub fn outer_px(&self, view: &OuterView, layer_px: UVec2) -> UVec2 {
        scaled_px(view.size_px, self.outer).min(layer_px)
    }
}

/// `size_px` times `factor`, at least 16 pixels a side and never larger than `size_px`.
pub fn scaled_px(size_px: [u32; 2], factor: f32) -> UVec2 {
    let side = |px: u32| ((px as f32 * factor).round() as u32).clamp(16.min(px), px.max(1));
    UVec2::new(side(size_px[0]), side(size_px[1]))
}

/// The smallest factor at which an inner picture of `size_px` is still at least 480 x 270 (1 if it is smaller).
pub fn smallest_inner(size_px: [u32; 2]) -> f32 {
    let factor = (480.0 / size_px[0] as f32).max(270.0 / size_px[1] as f32);
    factor.min(1.0)
}
