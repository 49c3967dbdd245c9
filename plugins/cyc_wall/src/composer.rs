//! The wall pass on the GPU: one draw per region of an output, straight on wgpu.
//!
//! Knows nothing of Bevy: cameras, pictures and targets come in, pixels come out.

use crate::{
    backdrop::PanoramaLevels,
    controls::Show,
    coverage::{Coverage, coverage},
    geometry::{OuterPictures, RegionDraw, WallVertex, output_geometry},
    shader,
    uniforms::{CameraUniform, MAX_CAMERAS, OutputUniform},
};
use bytemuck::Zeroable;
use cyc_color::wall::{WallEncode, WallEncodeUniform};
use cyc_stage::stage::Stage;
use std::{collections::HashMap, ops::Range};
use wgpu::util::DeviceExt;

/// What the pass needs to know about one driven output.
pub struct OutputPass {
    /// Index into the stage's outputs.
    pub index: usize,
    /// Picture size in pixels.
    pub size_px: [u32; 2],
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
    corners_m: Vec<[[f32; 3]; 3]>,
    draws: Vec<RegionDraw>,
    /// Index range of every kind of coverage in every region, this frame.
    ranges: Vec<(Coverage, usize, Range<u32>)>,
    /// Coverage of every patch of a region, and the patches in their order; kept so that a frame allocates nothing.
    kinds: Vec<Coverage>,
    order: Vec<u32>,
    /// For the readable target and for the window.
    uniforms: [wgpu::Buffer; 2],
    /// What the signal does to light; the same on every frame.
    pub encode: WallEncodeUniform,
}

/// Which variant of the pass a target needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Variant {
    format: wgpu::TextureFormat,
    asked: Asked,
    transfer: u32,
    coverage: Coverage,
}

/// What the walls are to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The environment was drawn into the picture arrays; else it is the panorama.
    pub pictures_drawn: bool,
    /// Environment or pattern.
    pub show: Show,
    /// The outline of the inner frusta over it.
    pub outlined: bool,
    /// Inner pictures are seen from elsewhere than they were drawn from.
    pub warped: bool,
    /// Each pixel is drawn for the sensor line that sees it.
    pub exposure_true: bool,
}

/// Inner and outer pictures to sample.
#[derive(Clone, Copy)]
pub struct PictureViews<'a> {
    /// A layer per camera.
    pub inner: &'a wgpu::TextureView,
    /// A layer per outer view.
    pub outer: &'a wgpu::TextureView,
    /// Depth of the inner pictures, layer by layer; any array where nothing is warped.
    pub depths: &'a wgpu::TextureView,
}

/// Where an output is drawn: its picture's top left corner comes to the target's, pixel for pixel.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The render target.
    pub view: &'a wgpu::TextureView,
    /// Its format.
    pub format: wgpu::TextureFormat,
    /// Its size; a smaller one than the output's shows the part that fits.
    pub size_px: [u32; 2],
    /// An output may be drawn into its window and into its readable target in one submission, with other bits.
    pub is_window: bool,
}

/// The wall pass.
pub struct Composer {
    device: wgpu::Device,
    queue: wgpu::Queue,
    module: wgpu::ShaderModule,
    bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    pipelines: HashMap<Variant, wgpu::RenderPipeline>,
    /// Driven outputs.
    pub outputs: Vec<OutputPass>,
    cameras: wgpu::Buffer,
    panorama: wgpu::TextureView,
    panorama_width: u32,
    picture_sampler: wgpu::Sampler,
    panorama_sampler: wgpu::Sampler,
    groups: Vec<[wgpu::BindGroup; 2]>,
    scene_linear: bool,
    disoccluded: Counters,
}

impl Composer {
    /// Prepares the pass for `outputs` (indices into the stage's).
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        stage: &Stage,
        outputs: &[usize],
        scene_linear: bool,
    ) -> Self {
        let source = wgpu::ShaderSource::Wgsl(shader::module(shader::COMPOSE).into());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some("compose"), source });
        let bindings = bind_group_layout(device);
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("compose"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let pass = |&index: &usize| OutputPass::new(device, stage, index);
        let outputs = outputs.iter().map(pass).collect();
        Self {
            outputs,
            cameras: uniform(device, "cameras", MAX_CAMERAS * size_of::<CameraUniform>()),
            panorama: panorama_texture(device, queue, &PanoramaLevels::black()),
            panorama_width: 1,
            picture_sampler: linear_sampler(device, wgpu::AddressMode::ClampToEdge),
            panorama_sampler: linear_sampler(device, wgpu::AddressMode::Repeat),
            groups: Vec::new(),
            pipelines: HashMap::new(),
            device: device.clone(),
            queue: queue.clone(),
            module,
            bindings,
            layout,
            scene_linear,
            disoccluded: Counters::new(device),
        }
    }

    /// Takes another panorama.
    pub fn set_panorama(&mut self, panorama: &PanoramaLevels) {
        self.panorama = panorama_texture(&self.device, &self.queue, panorama);
        self.panorama_width = panorama.width;
        self.groups.clear();
    }

    /// Angle of one panorama texel at the horizon, radians.
    pub fn texel_rad(&self) -> f32 {
        std::f32::consts::TAU / self.panorama_width as f32
    }

    /// The device it draws on.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// Binds anew before the next draw: a texture is another one now.
    pub fn forget_bindings(&mut self) {
        self.groups.clear();
    }

    /// Takes other picture arrays: bindings and the patches' places in the outer pictures are made anew.
    pub fn pictures_changed(&mut self, stage: &Stage, outer: OuterPictures) {
        self.groups.clear();
        for output in &mut self.outputs {
            output.take_geometry(&self.device, stage, outer);
        }
    }

    /// Uploads the cameras of this frame, at most [`MAX_CAMERAS`], and sorts the patches by what covers them.
    pub fn upload(&mut self, cameras: &[CameraUniform]) {
        let cameras = &cameras[..cameras.len().min(MAX_CAMERAS)];
        self.queue.write_buffer(&self.cameras, 0, bytemuck::cast_slice(cameras));
        for output in &mut self.outputs {
            output.sort(&self.queue, cameras);
        }
    }

    /// Records the pass of driven output `n` into `target`.
    pub fn draw(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        n: usize,
        uniform: &OutputUniform,
        pictures: PictureViews,
        asked: Asked,
        target: Target,
    ) {
        let Some(transfer) = self.outputs.get(n).map(|output| output.encode.transfer) else { return };
        let variant = |coverage| Variant { format: target.format, asked, transfer, coverage };
        Coverage::ALL.into_iter().for_each(|coverage| self.make_pipeline(variant(coverage)));
        self.make_groups(pictures);
        let (Some(group), Some(output)) = (self.groups.get(n), self.outputs.get(n)) else { return };
        let slot = usize::from(target.is_window);
        self.queue.write_buffer(&output.uniforms[slot], 0, bytemuck::bytes_of(uniform));
        let attachment = wgpu::RenderPassColorAttachment {
            view: target.view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("compose"),
            color_attachments: &[Some(attachment)],
            ..Default::default()
        });
        pass.set_viewport(0.0, 0.0, output.size_px[0] as f32, output.size_px[1] as f32, 0.0, 1.0);
        pass.set_bind_group(0, &group[slot], &[]);
        pass.set_vertex_buffer(0, output.vertices.slice(..));
        pass.set_index_buffer(output.indices.slice(..), wgpu::IndexFormat::Uint32);
        for (coverage, region, range) in &output.ranges {
            let Some(pipeline) = self.pipelines.get(&variant(*coverage)) else { continue };
            let area = output.draws[*region].scissor;
            let [x, y] = [area.x.min(target.size_px[0]), area.y.min(target.size_px[1])];
            let [width, height] = [area.width.min(target.size_px[0] - x), area.height.min(target.size_px[1] - y)];
            if width > 0 && height > 0 {
                pass.set_pipeline(pipeline);
                pass.set_scissor_rect(x, y, width, height);
                pass.draw_indexed(range.clone(), 0, 0..1);
            }
        }
    }

    /// Begins to count, before the first draw of a frame.
    pub fn count_from_zero(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.clear_buffer(&self.disoccluded.on_gpu, 0, None);
    }

    /// Has the counts brought over, after the last draw of a frame.
    pub fn fetch_counts(&self, encoder: &mut wgpu::CommandEncoder) {
        let Counters { on_gpu, readable } = &self.disoccluded;
        encoder.copy_buffer_to_buffer(on_gpu, 0, readable, 0, Counters::BYTES);
    }

    /// Wall pixels per camera whose surface its picture did not hold, of a frame that the GPU has finished; `None` if
    /// the device is lost.
    pub fn disoccluded(&self) -> Option<[u32; MAX_CAMERAS]> {
        self.disoccluded.read(&self.device)
    }

    fn make_pipeline(&mut self, variant: Variant) {
        let Self { pipelines, device, layout, module, scene_linear, .. } = self;
        pipelines.entry(variant).or_insert_with(|| pipeline(device, layout, module, variant, *scene_linear));
    }

    fn make_groups(&mut self, pictures: PictureViews) {
        if self.groups.len() == self.outputs.len() {
            return;
        }
        self.groups =
            self.outputs.iter().map(|output| output.uniforms.each_ref().map(|u| self.group(u, pictures))).collect();
    }

    fn group(&self, uniform: &wgpu::Buffer, pictures: PictureViews) -> wgpu::BindGroup {
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        let view = wgpu::BindingResource::TextureView;
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("compose"),
            layout: &self.bindings,
            entries: &[
                entry(0, uniform.as_entire_binding()),
                entry(1, self.cameras.as_entire_binding()),
                entry(2, view(pictures.inner)),
                entry(3, view(pictures.outer)),
                entry(4, view(&self.panorama)),
                entry(5, wgpu::BindingResource::Sampler(&self.picture_sampler)),
                entry(6, wgpu::BindingResource::Sampler(&self.panorama_sampler)),
                entry(7, view(pictures.depths)),
                entry(8, self.disoccluded.on_gpu.as_entire_binding()),
            ],
        })
    }
}

/// A count per camera.
struct Counters {
    on_gpu: wgpu::Buffer,
    readable: wgpu::Buffer,
}

impl Counters {
    const BYTES: u64 = (MAX_CAMERAS * size_of::<u32>()) as u64;

    fn new(device: &wgpu::Device) -> Self {
        let buffer = |label, usage| {
            let mapped_at_creation = false;
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: Self::BYTES,
                usage,
                mapped_at_creation,
            })
        };
        use wgpu::BufferUsages as Usage;
        Self {
            on_gpu: buffer("disoccluded", Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST),
            readable: buffer("disoccluded, readable", Usage::MAP_READ | Usage::COPY_DST),
        }
    }

    fn read(&self, device: &wgpu::Device) -> Option<[u32; MAX_CAMERAS]> {
        self.readable.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
        let counts = bytemuck::try_pod_read_unaligned(&self.readable.get_mapped_range(..)).ok();
        self.readable.unmap();
        counts
    }
}

impl OutputPass {
    fn new(device: &wgpu::Device, stage: &Stage, index: usize) -> Self {
        Self {
            index,
            size_px: stage.outputs[index].size_px,
            vertices: vertex_buffer(device, &[]),
            indices: index_buffer(device, 0),
            corners_m: Vec::new(),
            draws: Vec::new(),
            ranges: Vec::new(),
            kinds: Vec::new(),
            order: Vec::new(),
            uniforms: ["output", "window"].map(|label| uniform(device, label, size_of::<OutputUniform>())),
            encode: WallEncode::new(&stage.outputs[index].signal).uniform(),
        }
    }

    fn take_geometry(&mut self, device: &wgpu::Device, stage: &Stage, outer: OuterPictures) {
        let (vertices, draws) = output_geometry(stage, outer, &stage.outputs[self.index]);
        self.vertices = vertex_buffer(device, &vertices);
        self.indices = index_buffer(device, vertices.len());
        self.corners_m = vertices.as_chunks::<3>().0.iter().map(|corners| corners.map(|c| c.stage_m)).collect();
        self.draws = draws;
    }

    /// Indices of the patches, region by region and kind by kind.
    fn sort(&mut self, queue: &wgpu::Queue, cameras: &[CameraUniform]) {
        self.order.clear();
        self.ranges.clear();
        for (region, draw) in self.draws.iter().enumerate() {
            let patches = draw.vertices.start / 3..draw.vertices.end / 3;
            self.kinds.clear();
            self.kinds.extend(patches.clone().map(|i| coverage(self.corners_m[i as usize], cameras)));
            for kind in Coverage::ALL {
                let first = self.order.len() as u32;
                let of_kind = patches.clone().zip(&self.kinds).filter(|(_, found)| **found == kind);
                self.order.extend(of_kind.flat_map(|(patch, _)| [3 * patch, 3 * patch + 1, 3 * patch + 2]));
                if self.order.len() as u32 > first {
                    self.ranges.push((kind, region, first..self.order.len() as u32));
                }
            }
        }
        queue.write_buffer(&self.indices, 0, bytemuck::cast_slice(&self.order));
    }
}

/// A buffer of at least one vertex: empty ones cannot be bound.
fn vertex_buffer(device: &wgpu::Device, vertices: &[WallVertex]) -> wgpu::Buffer {
    let nothing = [WallVertex::zeroed()];
    let contents = if vertices.is_empty() { &nothing } else { vertices };
    device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("wall patches"),
        contents: bytemuck::cast_slice(contents),
        usage: wgpu::BufferUsages::VERTEX,
    })
}

fn index_buffer(device: &wgpu::Device, count: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("wall patches in order"),
        size: (count.max(1) * size_of::<u32>()) as u64,
        usage: wgpu::BufferUsages::INDEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn uniform(device: &wgpu::Device, label: &str, bytes: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn linear_sampler(device: &wgpu::Device, address_mode_u: wgpu::AddressMode) -> wgpu::Sampler {
    device.create_sampler(&wgpu::SamplerDescriptor {
        address_mode_u,
        mag_filter: wgpu::FilterMode::Linear,
        min_filter: wgpu::FilterMode::Linear,
        mipmap_filter: wgpu::MipmapFilterMode::Linear,
        ..Default::default()
    })
}

fn panorama_texture(device: &wgpu::Device, queue: &wgpu::Queue, panorama: &PanoramaLevels) -> wgpu::TextureView {
    let size = wgpu::Extent3d { width: panorama.width, height: panorama.height, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("panorama"),
        size,
        mip_level_count: panorama.levels.len() as u32,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba16Float,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    for (level, pixels) in (0u32..).zip(&panorama.levels) {
        let (width, height) = ((panorama.width >> level).max(1), (panorama.height >> level).max(1));
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(8 * width), rows_per_image: None };
        let copy = wgpu::TexelCopyTextureInfo { mip_level: level, ..texture.as_image_copy() };
        let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        queue.write_texture(copy, bytemuck::cast_slice(pixels.as_flattened()), layout, extent);
    }
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    use wgpu::{BindingType, BufferBindingType, SamplerBindingType, ShaderStages, TextureSampleType};
    let buffer = |ty| BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
    let texture = |view_dimension| BindingType::Texture {
        sample_type: TextureSampleType::Float { filterable: true },
        view_dimension,
        multisampled: false,
    };
    let unfiltered = BindingType::Texture {
        sample_type: TextureSampleType::Float { filterable: false },
        view_dimension: wgpu::TextureViewDimension::D2Array,
        multisampled: false,
    };
    let kinds = [
        buffer(BufferBindingType::Uniform),
        buffer(BufferBindingType::Uniform),
        texture(wgpu::TextureViewDimension::D2Array),
        texture(wgpu::TextureViewDimension::D2Array),
        texture(wgpu::TextureViewDimension::D2),
        BindingType::Sampler(SamplerBindingType::Filtering),
        BindingType::Sampler(SamplerBindingType::Filtering),
        unfiltered,
        buffer(BufferBindingType::Storage { read_only: false }),
    ];
    let entry =
        |(binding, ty)| wgpu::BindGroupLayoutEntry { binding, visibility: ShaderStages::FRAGMENT, ty, count: None };
    let entries: Vec<_> = (0u32..).zip(kinds).map(entry).collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("compose"), entries: &entries })
}

fn pipeline(
    device: &wgpu::Device,
    layout: &wgpu::PipelineLayout,
    module: &wgpu::ShaderModule,
    variant: Variant,
    scene_linear: bool,
) -> wgpu::RenderPipeline {
    let constants = [
        ("pictures_drawn", f64::from(variant.asked.pictures_drawn)),
        ("show", f64::from(variant.asked.show as u32)),
        ("outlined", f64::from(variant.asked.outlined)),
        ("warped", f64::from(variant.asked.warped)),
        ("exposure_true", f64::from(variant.asked.exposure_true)),
        ("scene_linear", f64::from(scene_linear)),
        ("half_target", f64::from(variant.format == wgpu::TextureFormat::Rgba16Float)),
        ("transfer", f64::from(variant.transfer)),
        ("coverage", f64::from(variant.coverage as u32)),
    ];
    let options = wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("compose"),
        layout: Some(layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("wall_vertex"),
            compilation_options: options.clone(),
            buffers: &[WallVertex::LAYOUT],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some("wall_fragment"),
            compilation_options: options,
            targets: &[Some(variant.format.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}
