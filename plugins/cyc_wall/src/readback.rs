//! Output pictures back from the GPU.

use half::f16;

/// The pixels of one output.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputPicture {
    /// Index into the stage's outputs.
    pub output: usize,
    /// Width and height in pixels.
    pub size_px: [u32; 2],
    /// Row by row from the top left.
    pub pixels: Pixels,
}

/// Pixels as the output target stores them.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 8-bit code values.
    Rgba8(Vec<[u8; 4]>),
    /// Code values 0..1, or linear ACEScg, as half floats.
    Rgba16Float(Vec<[f16; 4]>),
}

/// A render target whose pixels can be read.
pub struct ReadableTarget {
    texture: wgpu::Texture,
    /// For render passes.
    pub view: wgpu::TextureView,
    buffer: wgpu::Buffer,
}

const ROW_ALIGNMENT: u32 = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT;

impl ReadableTarget {
    /// A target of `format` (`Rgba8Unorm` or `Rgba16Float`).
    pub fn new(device: &wgpu::Device, size_px: [u32; 2], format: wgpu::TextureFormat) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("output"),
            size: wgpu::Extent3d { width: size_px[0], height: size_px[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("output readback"),
            size: u64::from(stride(&texture)) * u64::from(size_px[1]),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Self { texture, view, buffer }
    }

    /// The target's format.
    pub fn format(&self) -> wgpu::TextureFormat {
        self.texture.format()
    }

    /// Records the copy; [`Self::read`] after its submission.
    pub fn copy(&self, encoder: &mut wgpu::CommandEncoder) {
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(stride(&self.texture)), rows_per_image: None };
        let buffer = wgpu::TexelCopyBufferInfo { buffer: &self.buffer, layout };
        encoder.copy_texture_to_buffer(self.texture.as_image_copy(), buffer, self.texture.size());
    }

    /// Waits for the copy and returns the pixels; `None` if the device is lost.
    pub fn read(&self, device: &wgpu::Device) -> Option<Pixels> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| drop(sender.send(result)));
        device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
        receiver.recv().ok()?.ok()?;
        let pixels = self.unpack(&self.buffer.slice(..).get_mapped_range());
        self.buffer.unmap();
        Some(pixels)
    }

    fn unpack(&self, bytes: &[u8]) -> Pixels {
        let row_bytes = (self.texture.width() * bytes_per_pixel(&self.texture)) as usize;
        let rows = bytes.chunks_exact(stride(&self.texture) as usize).map(|row| &row[..row_bytes]);
        if self.format() == wgpu::TextureFormat::Rgba16Float {
            Pixels::Rgba16Float(rows.flat_map(bytemuck::pod_collect_to_vec::<u8, [f16; 4]>).collect())
        } else {
            Pixels::Rgba8(rows.flat_map(|row| row.as_chunks::<4>().0.iter().copied()).collect())
        }
    }
}

fn bytes_per_pixel(texture: &wgpu::Texture) -> u32 {
    if texture.format() == wgpu::TextureFormat::Rgba16Float { 8 } else { 4 }
}

fn stride(texture: &wgpu::Texture) -> u32 {
    (texture.width() * bytes_per_pixel(texture)).next_multiple_of(ROW_ALIGNMENT)
}
