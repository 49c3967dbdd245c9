//! Opening the GPU, with errors an operator can act on.

use bevy::render::{
    renderer::initialize_renderer,
    settings::{Backends, RenderCreation, WgpuSettings},
};
use bevy::tasks::block_on;

/// Why there is no renderer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// No Vulkan driver answers.
    #[error(
        "no Vulkan GPU or driver was found ({0}); install the GPU's driver, or for software rendering \
         the package mesa-vulkan-drivers (`cargo xtask demo` does)"
    )]
    NoAdapter(String),
}

/// A renderer that is certain to start.
pub struct Gpu {
    /// For `RenderPlugin`.
    pub creation: RenderCreation,
    /// The adapter's name, for people.
    pub name: String,
    /// Whether it renders on the CPU.
    pub software: bool,
    /// Largest side of a texture in pixels.
    pub max_side_px: u32,
}

/// Opens the best Vulkan adapter: `WGPU_ADAPTER_NAME` if set, else a discrete GPU, else whatever is there.
///
/// # Errors
/// [`GpuError::NoAdapter`] where no driver answers; nothing is half-started then.
pub fn open() -> Result<Gpu, GpuError> {
    let settings = WgpuSettings { backends: Some(Backends::VULKAN), ..Default::default() };
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: Backends::VULKAN,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let options = wgpu::RequestAdapterOptions { power_preference: settings.power_preference, ..Default::default() };
    if let Err(error) = block_on(instance.request_adapter(&options)) {
        return Err(GpuError::NoAdapter(error.to_string()));
    }
    let resources = block_on(initialize_renderer(Backends::VULKAN, None, &settings));
    let info = &resources.2;
    Ok(Gpu {
        name: info.name.clone(),
        software: info.device_type == wgpu::DeviceType::Cpu,
        max_side_px: resources.0.limits().max_texture_dimension_2d,
        creation: RenderCreation::Manual(resources),
    })
}
