//! Shader functions on the GPU, one invocation per row of numbers.

use crate::harness::Once;
use bevy::tasks::block_on;
use cyc_wall::shader;

/// An opened adapter.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

/// The adapter, opened once; or why there is none.
pub fn gpu() -> Result<&'static Gpu, &'static str> {
    static OPENED: Once<Result<Gpu, String>> = Once::new();
    OPENED.get_or_init(open).as_ref().map_err(String::as_str)
}

/// Why there is no adapter; `None` where there is one.
pub fn adapter_problem() -> Option<&'static str> {
    gpu().err()
}

fn open() -> Result<Gpu, String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let options = wgpu::RequestAdapterOptions::default();
    let adapter = block_on(instance.request_adapter(&options)).map_err(|error| error.to_string())?;
    let device = block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()));
    let (device, queue) = device.map_err(|error| error.to_string())?;
    Ok(Gpu { device, queue })
}

/// Calls `body` for every row of `given` on the GPU: WGSL in which `num(k)` and `bits(k)` are the row's k-th word as a
/// float and as it is, and `out` and `out_bits` store the result's. Rows are bits, so that NaN and rounding survive.
pub fn call<const IN: usize, const OUT: usize>(body: &str, given: &[[u32; IN]]) -> Vec<[u32; OUT]> {
    let gpu = gpu().expect("tests that need a GPU are not run without");
    let pass = format!(
        "@group(0) @binding(0) var<storage, read> given_rows: array<u32>;
         @group(0) @binding(1) var<storage, read_write> found_rows: array<u32>;
         var<private> row: u32;
         fn bits(k: u32) -> u32 {{ return given_rows[row * {IN}u + k]; }}
         fn num(k: u32) -> f32 {{ return bitcast<f32>(bits(k)); }}
         fn out_bits(k: u32, value: u32) {{ found_rows[row * {OUT}u + k] = value; }}
         fn out(k: u32, value: f32) {{ out_bits(k, bitcast<u32>(value)); }}
         @compute @workgroup_size(64) fn call(@builtin(global_invocation_id) id: vec3<u32>) {{
             row = id.x;
             if row >= {}u {{ return; }}
             {body}
         }}",
        given.len()
    );
    let found = gpu.run(&shader::module(&pass), given.as_flattened(), given.len() * OUT, given.len());
    found.as_chunks::<OUT>().0.to_vec()
}

impl Gpu {
    fn run(&self, source: &str, given: &[u32], found: usize, rows: usize) -> Vec<u32> {
        use wgpu::util::DeviceExt;
        let Self { device, queue } = self;
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("call"),
            compilation_options: Default::default(),
            cache: None,
        });
        let input = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: bytemuck::cast_slice(given),
            usage: wgpu::BufferUsages::STORAGE,
        });
        let buffer = |usage| {
            let size = 4 * found as u64;
            device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
        };
        let output = buffer(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        let readable = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let input_entry = wgpu::BindGroupEntry { binding: 0, resource: input.as_entire_binding() };
        let output_entry = wgpu::BindGroupEntry { binding: 1, resource: output.as_entire_binding() };
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[input_entry, output_entry],
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(u32::try_from(rows.div_ceil(64)).unwrap(), 1, 1);
        }
        encoder.copy_buffer_to_buffer(&output, 0, &readable, 0, 4 * found as u64);
        queue.submit([encoder.finish()]);
        readable.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("the result can be read"));
        device.poll(wgpu::PollType::wait_indefinitely()).expect("the GPU answers");
        bytemuck::pod_collect_to_vec(&readable.slice(..).get_mapped_range())
    }
}
