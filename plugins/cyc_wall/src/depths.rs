//! Depth of the inner pictures, brought into one array that the wall pass can read.

use crate::shader;
use bevy::math::UVec2;

/// Depth buffers as numbers that a shader loads: infinite reverse-Z.
const DEPTH_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::R32Float;

/// A layer of depth per inner picture.
pub struct Depths {
    /// All layers, for loading.
    pub view: wgpu::TextureView,
    layers: Vec<wgpu::TextureView>,
    size_px: UVec2,
    kinds: [Kind; 2],
}

/// How depth is read: of one sample a pixel, or of several.
struct Kind {
    bindings: wgpu::BindGroupLayout,
    binding: u32,
    pipeline: wgpu::RenderPipeline,
}

impl Depths {
    /// As many and as large layers as the inner pictures have; at least one.
    pub fn new(device: &wgpu::Device, size_px: UVec2, layers: u32) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("inner depths"),
            size: wgpu::Extent3d { width: size_px.x, height: size_px.y, depth_or_array_layers: layers.max(1) },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: DEPTH_FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let view = |dimension, layer: u32, count| {
            texture.create_view(&wgpu::TextureViewDescriptor {
                dimension: Some(dimension),
                base_array_layer: layer,
                array_layer_count: Some(count),
                ..Default::default()
            })
        };
        let source = wgpu::ShaderSource::Wgsl(shader::DEPTH.into());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some("depth"), source });
        Self {
            view: view(wgpu::TextureViewDimension::D2Array, 0, layers.max(1)),
            layers: (0..layers).map(|layer| view(wgpu::TextureViewDimension::D2, layer, 1)).collect(),
            size_px,
            kinds: [(0, "plain_fragment"), (1, "sampled_fragment")].map(|kind| Kind::new(device, &module, kind)),
        }
    }

    /// Whether the layers are these.
    pub fn fits(&self, size_px: UVec2, layers: u32) -> bool {
        self.size_px == size_px && self.layers.len() == layers as usize
    }

    /// Records the copy of `depth`, a view of a drawn picture's depth buffer with `samples` a pixel, into `layer`.
    pub fn take(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        layer: usize,
        (depth, samples): (&wgpu::TextureView, u32),
        filled: UVec2,
    ) {
        let Some(view) = self.layers.get(layer) else { return };
        let kind = &self.kinds[usize::from(samples > 1)];
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("depth"),
            layout: &kind.bindings,
            entries: &[wgpu::BindGroupEntry {
                binding: kind.binding,
                resource: wgpu::BindingResource::TextureView(depth),
            }],
        });
        let attachment = wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("depth"),
            color_attachments: &[Some(attachment)],
            ..Default::default()
        });
        pass.set_pipeline(&kind.pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.set_scissor_rect(0, 0, filled.x.min(self.size_px.x), filled.y.min(self.size_px.y));
        pass.draw(0..3, 0..1);
    }
}

impl Kind {
    fn new(device: &wgpu::Device, module: &wgpu::ShaderModule, (binding, entry_point): (u32, &str)) -> Self {
        let ty = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Depth,
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: binding == 1,
        };
        let entry = wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::FRAGMENT, ty, count: None };
        let bindings = device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("depth"), entries: &[entry] });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("depth"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("depth"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module,
                entry_point: Some("depth_vertex"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module,
                entry_point: Some(entry_point),
                compilation_options: Default::default(),
                targets: &[Some(DEPTH_FORMAT.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { bindings, binding, pipeline }
    }
}
