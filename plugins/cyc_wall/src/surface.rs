//! Output windows that own their surface.
//!
//! Bevy's own surfaces are 8-bit sRGB, acquired early and presented together; an LED output wants its exact code
//! values, 10 bits where the display offers them, and a swapchain image only when it is about to be drawn.

use bevy::{
    prelude::*,
    render::renderer::{RenderAdapter, RenderInstance},
    window::RawHandleWrapper,
};
use std::sync::{Arc, Mutex};

/// Marks a Bevy window as the window of driven output `n`.
#[derive(Component, Clone, Copy)]
pub struct OutputWindow(pub usize);

/// Windows whose handle has been taken off Bevy, waiting for a surface or already with one.
#[derive(Resource, Clone, Default)]
pub struct OutputWindows(Arc<Mutex<Vec<Taken>>>);

#[derive(Clone)]
struct Taken {
    output: usize,
    window: Entity,
    handle: RawHandleWrapper,
    size_px: [u32; 2],
}

/// Takes the raw handle off output windows before Bevy's renderer sees it, and follows their size.
pub fn take_handles(
    mut commands: Commands,
    taken: Res<OutputWindows>,
    fresh: Query<(Entity, &OutputWindow, &Window, &RawHandleWrapper)>,
    windows: Query<&Window>,
) {
    let Ok(mut taken) = taken.0.lock() else { return };
    for (window, output, settings, handle) in &fresh {
        let size_px = [settings.physical_width(), settings.physical_height()];
        taken.push(Taken { output: output.0, window, handle: handle.clone(), size_px });
        commands.entity(window).remove::<RawHandleWrapper>();
    }
    taken.retain_mut(|entry| {
        let Ok(settings) = windows.get(entry.window) else { return false };
        entry.size_px = [settings.physical_width(), settings.physical_height()];
        true
    });
}

/// The surface of one output window.
struct OutputSurface {
    output: usize,
    window: Entity,
    surface: wgpu::Surface<'static>,
    configuration: wgpu::SurfaceConfiguration,
    stale: bool,
    lost: bool,
    /// Keeps the window; dropped after the surface.
    _window: RawHandleWrapper,
}

/// The surfaces of all output windows.
#[derive(Resource, Default)]
pub struct OutputSurfaces(Vec<OutputSurface>);

/// A swapchain image to draw driven output `output` into.
pub struct SurfaceImage {
    /// Index among the driven outputs.
    pub output: usize,
    /// The image; present it after the pass's submission.
    pub image: wgpu::SurfaceTexture,
    /// Its view.
    pub view: wgpu::TextureView,
}

impl OutputSurfaces {
    /// Creates surfaces for new windows, drops those of closed ones, follows sizes.
    pub fn follow(
        &mut self,
        windows: &OutputWindows,
        instance: &RenderInstance,
        adapter: &RenderAdapter,
        ten_bit: &dyn Fn(usize) -> bool,
    ) {
        let Ok(windows) = windows.0.lock() else { return };
        self.0.retain(|surface| !surface.lost && windows.iter().any(|taken| taken.window == surface.window));
        for taken in windows.iter() {
            match self.0.iter_mut().find(|surface| surface.window == taken.window) {
                Some(surface) => surface.resize(taken.size_px),
                None => self.0.extend(create(taken, instance, adapter, ten_bit(taken.output))),
            }
        }
    }

    /// Whether any output has a window.
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The next image of every surface that has one; a surface without one this frame is skipped.
    pub fn acquire(&mut self, device: &wgpu::Device) -> Vec<SurfaceImage> {
        self.0.iter_mut().filter_map(|surface| surface.acquire(device)).collect()
    }
}

impl OutputSurface {
    fn resize(&mut self, size_px: [u32; 2]) {
        let [width, height] = size_px.map(|side| side.max(1));
        if (self.configuration.width, self.configuration.height) != (width, height) {
            (self.configuration.width, self.configuration.height) = (width, height);
            self.stale = true;
        }
    }

    fn acquire(&mut self, device: &wgpu::Device) -> Option<SurfaceImage> {
        for _ in 0..2 {
            if self.stale {
                self.surface.configure(device, &self.configuration);
                self.stale = false;
            }
            match self.surface.get_current_texture() {
                wgpu::CurrentSurfaceTexture::Success(image) => return Some(self.image(image)),
                wgpu::CurrentSurfaceTexture::Suboptimal(image) => {
                    self.stale = true;
                    return Some(self.image(image));
                }
                wgpu::CurrentSurfaceTexture::Outdated => self.stale = true,
                wgpu::CurrentSurfaceTexture::Lost => {
                    warn!("the surface of output {} is lost; it is made anew", self.output);
                    self.lost = true;
                    return None;
                }
                _ => return None,
            }
        }
        None
    }

    fn image(&self, image: wgpu::SurfaceTexture) -> SurfaceImage {
        let view = image.texture.create_view(&wgpu::TextureViewDescriptor::default());
        SurfaceImage { output: self.output, image, view }
    }
}

/// `Rgb10a2Unorm` where asked for and offered, else 8 bits; never sRGB: our code values are final.
fn choose_format(offered: &[wgpu::TextureFormat], ten_bit: bool) -> Option<wgpu::TextureFormat> {
    use wgpu::TextureFormat::{Bgra8Unorm, Rgb10a2Unorm, Rgba8Unorm};
    let wanted: &[_] = if ten_bit { &[Rgb10a2Unorm, Bgra8Unorm, Rgba8Unorm] } else { &[Bgra8Unorm, Rgba8Unorm] };
    wanted.iter().copied().find(|format| offered.contains(format))
}

/// Mailbox, else Immediate, else Fifo: never wait in the driver for an image.
fn choose_present_mode(offered: &[wgpu::PresentMode]) -> wgpu::PresentMode {
    use wgpu::PresentMode::{Fifo, Immediate, Mailbox};
    [Mailbox, Immediate].into_iter().find(|mode| offered.contains(mode)).unwrap_or(Fifo)
}

#[allow(unsafe_code, reason = "a surface from a raw window handle has no safe constructor")]
fn create(taken: &Taken, instance: &RenderInstance, adapter: &RenderAdapter, ten_bit: bool) -> Option<OutputSurface> {
    let target = wgpu::SurfaceTargetUnsafe::RawHandle {
        raw_display_handle: Some(taken.handle.get_display_handle()),
        raw_window_handle: taken.handle.get_window_handle(),
    };
    // SAFETY: the surface is kept together with a handle that keeps the window alive, and dropped before it.
    let surface = match unsafe { instance.create_surface_unsafe(target) } {
        Ok(surface) => surface,
        Err(error) => {
            error!("the window of output {} has no surface: {error}", taken.output);
            return None;
        }
    };
    let offered = surface.get_capabilities(adapter);
    let Some(format) = choose_format(&offered.formats, ten_bit) else {
        error!("the display of output {} offers none of Rgb10a2, Bgra8, Rgba8: {:?}", taken.output, offered.formats);
        return None;
    };
    if ten_bit && format != wgpu::TextureFormat::Rgb10a2Unorm {
        warn!("the display of output {} offers no 10-bit surface; it gets 8 bits with dither", taken.output);
    }
    let configuration = wgpu::SurfaceConfiguration {
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        format,
        width: taken.size_px[0].max(1),
        height: taken.size_px[1].max(1),
        present_mode: choose_present_mode(&offered.present_modes),
        desired_maximum_frame_latency: 1,
        alpha_mode: wgpu::CompositeAlphaMode::Auto,
        view_formats: vec![],
    };
    Some(OutputSurface {
        output: taken.output,
        window: taken.window,
        surface,
        configuration,
        stale: true,
        lost: false,
        _window: taken.handle.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::{PresentMode as P, TextureFormat as F};

    #[test]
    fn never_srgb_and_ten_bits_only_where_asked() {
        let offered = [F::Bgra8UnormSrgb, F::Bgra8Unorm, F::Rgb10a2Unorm];
        assert_eq!(choose_format(&offered, true), Some(F::Rgb10a2Unorm));
        assert_eq!(choose_format(&offered, false), Some(F::Bgra8Unorm));
        assert_eq!(choose_format(&offered[..1], true), None);
    }

    #[test]
    fn present_mode_never_waits_where_it_need_not() {
        assert_eq!(choose_present_mode(&[P::Fifo, P::Immediate]), P::Immediate);
        assert_eq!(choose_present_mode(&[P::Fifo, P::Immediate, P::Mailbox]), P::Mailbox);
        assert_eq!(choose_present_mode(&[P::Fifo]), P::Fifo);
    }
}
