//! The textures that Bevy's views are drawn into: one layer per inner view, one per outer view.

use bevy::{
    camera::ManualTextureViewHandle,
    math::UVec2,
    prelude::*,
    render::{
        render_resource::TextureView,
        renderer::RenderDevice,
        texture::{ManualTextureView, ManualTextureViews},
    },
};

/// Linear Rec.709, 1.0 = 100 cd/m2.
pub const PICTURE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;

/// A texture array whose layers are render targets.
#[derive(Clone)]
pub struct PictureArray {
    /// All layers, for sampling.
    pub view: wgpu::TextureView,
    /// Size of each layer in pixels; a view may fill less.
    pub size_px: UVec2,
    /// A render target per layer.
    pub targets: Vec<ManualTextureViewHandle>,
}

impl PictureArray {
    /// Makes `layers` (at least one) layers of `size_px` and registers each as a render target from `first_handle` on.
    pub fn new(
        device: &RenderDevice,
        manual: &mut ManualTextureViews,
        label: &str,
        size_px: UVec2,
        layers: u32,
        first_handle: u32,
    ) -> Self {
        let size = wgpu::Extent3d { width: size_px.x, height: size_px.y, depth_or_array_layers: layers.max(1) };
        let texture = device.wgpu_device().create_texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: PICTURE_FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let targets = (0..layers).map(|layer| {
            let handle = ManualTextureViewHandle(first_handle + layer);
            let view = texture.create_view(&wgpu::TextureViewDescriptor {
                dimension: Some(wgpu::TextureViewDimension::D2),
                base_array_layer: layer,
                array_layer_count: Some(1),
                ..Default::default()
            });
            let target =
                ManualTextureView { texture_view: TextureView::from(view), size: size_px, view_format: PICTURE_FORMAT };
            manual.insert(handle, target);
            handle
        });
        let targets = targets.collect();
        let view = texture.create_view(&wgpu::TextureViewDescriptor {
            dimension: Some(wgpu::TextureViewDimension::D2Array),
            ..Default::default()
        });
        Self { view, size_px, targets }
    }
}
