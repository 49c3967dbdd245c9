//! The end of a frame in the render world: wait for the pictures, draw every output, hand over, report.

use crate::{
    backdrop::Backdrop,
    composer::{Asked, Composer, OutputPass, PictureViews, Target},
    controls::{Show, WallControls},
    geometry::OuterPictures,
    readback::{OutputPicture, ReadableTarget},
    scale::PreviewScale,
    setup::WallSetup,
    sink::{FrameOutcome, Sink},
    surface::{OutputSurfaces, OutputWindows, SurfaceImage},
    uniforms::{CameraUniform, MAX_CAMERAS, OutputUniform, position},
    views::Pictures,
};
use bevy::{
    ecs::system::SystemParam,
    prelude::*,
    render::{
        Extract,
        render_resource::PipelineCache,
        renderer::{RenderAdapter, RenderDevice, RenderInstance, RenderQueue},
    },
};
use cyc_color::wall::WallEncodeUniform;
use cyc_core::{CameraState, StageTime, report::StageDurations};
use cyc_frame::{CameraTrace, FramePlan, FrameRecord, Latch, frame_report};
use cyc_stage::stage::Stage;
use cyc_sync::{Frame, Hold, StageClock, StageInUse, StagePoses};
use std::collections::BTreeMap;

/// The main world's state that a frame's end needs, copied at extraction.
#[derive(Resource, Clone)]
pub struct Extracted {
    frame: Frame,
    controls: WallControls,
    backdrop: Backdrop,
    pictures: Pictures,
    scale: PreviewScale,
    /// The wall keeps the poses it shows.
    held: bool,
    /// Set when the backdrop or the picture arrays are others than the frame before.
    changed: bool,
}

/// The GPU side of the walls.
#[derive(Resource, Default)]
pub struct WallGpu {
    composer: Option<Composer>,
    targets: Vec<ReadableTarget>,
}

/// Copies what the frame's end needs.
pub fn extract(
    mut commands: Commands,
    frame: Extract<Res<Frame>>,
    controls: Extract<Res<WallControls>>,
    backdrop: Extract<Res<Backdrop>>,
    hold: Extract<Res<Hold>>,
    pictures: Extract<Option<Res<Pictures>>>,
    scale: Extract<Res<PreviewScale>>,
) {
    let Some(pictures) = pictures.as_ref() else { return };
    commands.insert_resource(Extracted {
        frame: frame.clone(),
        controls: **controls,
        backdrop: backdrop.clone(),
        pictures: Pictures::clone(pictures),
        scale: **scale,
        held: hold.0,
        changed: backdrop.is_changed() || pictures.is_changed() || scale.is_changed(),
    });
}

/// One frame's end. Runs between Bevy's submission of the views and the end of its render graph.
pub fn compose(
    extracted: Option<Res<Extracted>>,
    world: End,
    mut surfaces: ResMut<OutputSurfaces>,
    mut gpu: ResMut<WallGpu>,
    mut sink: ResMut<Sink>,
) {
    let Some(extracted) = extracted else { return };
    let frame = &extracted.frame;
    let (Some(tick), Some(plan)) = (frame.tick, frame.plan.as_ref()) else { return };
    let device = world.device.wgpu_device();
    if extracted.backdrop.is_drawn() {
        wait(device);
    }
    let now = || world.clock.0.now();
    let rendered = now();
    let (setup, stage) = (&*world.setup, &*world.stage.0);
    let wants_pictures = sink.0.wants_pictures(tick.frame);
    surfaces
        .follow(&world.windows, &world.instance, &world.adapter, &|n| stage.outputs[setup.outputs[n]].signal.bits > 8);
    let images = surfaces.acquire(device);
    let late = renew(&extracted, stage, plan, world.poses.as_deref(), &now);
    gpu.follow(&extracted, setup, stage, device, &world.queue);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    gpu.draw(&mut encoder, &extracted, setup, stage, (&late.shown, plan), &images, wants_pictures);
    world.queue.submit([encoder.finish()]);
    wait(device);
    let complete = now();
    let deadline = Latch::new(stage).deadline(&tick);
    if !images.is_empty() {
        // The poses are for light that leaves at the deadline, not before.
        world.clock.0.sleep_until(deadline);
    }
    let held = now();
    images.into_iter().for_each(|image| image.image.present());
    let presented = if held == complete { complete } else { now() };
    let pictures = if wants_pictures { gpu.read(device) } else { None };
    let stages = durations(frame, rendered, complete, presented.nanos_since(held));
    let record = FrameRecord {
        tick,
        input: &frame.input,
        cameras: &late.traces,
        complete,
        deadline,
        presented,
        missed: tick.missed,
        stages,
    };
    let report = frame_report(&record, frame.feeds.clone());
    let ready = world.pipelines.waiting_pipelines().next().is_none();
    sink.0.done(FrameOutcome { report, plan: late.shown, pictures, ready });
}

/// What a frame's end reads and does not change.
#[derive(SystemParam)]
pub struct End<'w> {
    setup: Res<'w, WallSetup>,
    stage: Res<'w, StageInUse>,
    clock: Res<'w, StageClock>,
    poses: Option<Res<'w, StagePoses>>,
    device: Res<'w, RenderDevice>,
    queue: Res<'w, RenderQueue>,
    instance: Res<'w, RenderInstance>,
    adapter: Res<'w, RenderAdapter>,
    windows: Res<'w, OutputWindows>,
    pipelines: Res<'w, PipelineCache>,
}

/// The plan as it is shown, and where each camera's state came from.
struct Late {
    shown: FramePlan,
    traces: BTreeMap<String, CameraTrace>,
}

/// Renews the poses just before the wall pass, where that is on and exact: a panorama at infinity needs no picture
/// to be drawn first, so the newest pose decides everything. Given late poses (offline) are used as they are.
fn renew(
    extracted: &Extracted,
    stage: &Stage,
    plan: &FramePlan,
    poses: Option<&StagePoses>,
    now: &dyn Fn() -> StageTime,
) -> Late {
    let frame = &extracted.frame;
    let latency = stage.latency;
    let live = poses.filter(|_| !extracted.held && !extracted.backdrop.is_drawn());
    let live = live.filter(|_| latency.late_latch || latency.late_warp);
    let states = live.map(|poses| Latch::new(stage).late(stage, &*poses.0, frame.input.display_time));
    // Stamped once they are taken: a packet may arrive meanwhile, and is in them.
    let taken = now();
    let inputs = states.as_ref().map(cyc_frame::latch::inputs);
    let shown = match inputs.as_ref().unwrap_or(&frame.input.late) {
        late if late.is_empty() => plan.clone(),
        late => cyc_frame::relatch(stage, plan, late),
    };
    let renewed = |on: bool| states.is_some().then_some(taken).filter(|_| on);
    let trace = |state: &CameraState| CameraTrace {
        shown: *state,
        latched: StageTime(frame.marks.latched_ns),
        late_latched: renewed(latency.late_latch),
        warped: renewed(latency.late_warp),
        pose_for: frame.input.display_time,
    };
    let states = states.as_ref().unwrap_or(&frame.states);
    Late { shown, traces: states.iter().map(|(id, state)| (id.clone(), trace(state))).collect() }
}

fn durations(frame: &Frame, rendered: StageTime, complete: StageTime, present: i64) -> StageDurations {
    let marks = frame.marks;
    StageDurations {
        latch: marks.latched_ns - marks.began_ns,
        simulate: marks.solve_began_ns - marks.latched_ns,
        solve: marks.solved_ns - marks.solve_began_ns,
        render: rendered.0 - marks.solved_ns,
        compose: complete.nanos_since(rendered),
        present,
    }
}

fn wait(device: &wgpu::Device) {
    if let Err(error) = device.poll(wgpu::PollType::wait_indefinitely()) {
        error!("the GPU does not answer: {error}");
    }
}

impl WallGpu {
    /// Creates what is missing and takes over a new backdrop or new picture arrays.
    fn follow(
        &mut self,
        extracted: &Extracted,
        setup: &WallSetup,
        stage: &Stage,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
    ) {
        let fresh = self.composer.is_none();
        let composer = self
            .composer
            .get_or_insert_with(|| Composer::new(device, queue, stage, &setup.outputs, setup.scene_linear));
        if !(fresh || extracted.changed) {
            return;
        }
        let layer = extracted.pictures.outer.size_px.as_vec2();
        let uv_scale: Vec<[f32; 2]> = setup
            .outer
            .views
            .iter()
            .map(|view| (extracted.scale.outer_px(view, extracted.pictures.outer.size_px).as_vec2() / layer).into())
            .collect();
        composer.pictures_changed(stage, OuterPictures { layout: &setup.outer, uv_scale: &uv_scale });
        if let Backdrop::Panorama(panorama) = &extracted.backdrop {
            composer.set_panorama(panorama);
        }
        let wide = setup.scene_linear || setup.continuous;
        let target = |&index: &usize| {
            let output = &stage.outputs[index];
            let ten_bit = output.signal.bits > 8;
            let format =
                if wide || ten_bit { wgpu::TextureFormat::Rgba16Float } else { wgpu::TextureFormat::Rgba8Unorm };
            ReadableTarget::new(device, output.size_px, format)
        };
        if self.targets.is_empty() {
            self.targets = setup.outputs.iter().map(target).collect();
        }
    }

    /// Records every output: into its window's image where it has one, and into its readable target where it has none
    /// or if `wants_pictures`.
    fn draw(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        extracted: &Extracted,
        setup: &WallSetup,
        stage: &Stage,
        (shown, drawn): (&FramePlan, &FramePlan),
        images: &[SurfaceImage],
        wants_pictures: bool,
    ) {
        let Some(composer) = self.composer.as_mut() else { return };
        composer.upload(&camera_uniforms(extracted, stage, shown, drawn));
        let pictures = PictureViews { inner: &extracted.pictures.inner.view, outer: &extracted.pictures.outer.view };
        let asked = asked(extracted);
        for (n, &index) in setup.outputs.iter().enumerate() {
            let mut uniform =
                output_uniform(extracted, setup, stage, &composer.outputs[n].encode, composer.texel_rad());
            if (wants_pictures || images.is_empty())
                && let Some(target) = self.targets.get(n)
            {
                let size_px = stage.outputs[index].size_px;
                let to = Target { view: &target.view, format: target.format(), size_px, is_window: false };
                composer.draw(encoder, n, &uniform, pictures, asked, to);
            }
            if let Some(image) = images.iter().find(|image| image.output == n) {
                let texture = &image.image.texture;
                uniform.set_bits(if texture.format() == wgpu::TextureFormat::Rgb10a2Unorm { 10 } else { 8 });
                let to = Target {
                    view: &image.view,
                    format: texture.format(),
                    size_px: [texture.width(), texture.height()],
                    is_window: true,
                };
                composer.draw(encoder, n, &uniform, pictures, asked, to);
            }
        }
        if wants_pictures {
            self.targets.iter().for_each(|target| target.copy(encoder));
        }
    }

    /// The pictures of the last submission; `None` if the device is lost.
    fn read(&self, device: &wgpu::Device) -> Option<Vec<OutputPicture>> {
        let composer = self.composer.as_ref()?;
        let read = |(output, target): (&OutputPass, &ReadableTarget)| {
            Some(OutputPicture { output: output.index, size_px: output.size_px, pixels: target.read(device)? })
        };
        composer.outputs.iter().zip(&self.targets).map(read).collect()
    }
}

fn camera_uniforms(extracted: &Extracted, stage: &Stage, shown: &FramePlan, drawn: &FramePlan) -> Vec<CameraUniform> {
    let layer = extracted.pictures.inner.size_px;
    let filled = |i: usize| extracted.scale.inner_px(&stage.cameras[i], layer);
    let view = |plan: &FramePlan, i: usize| plan.cameras.get(i).copied().flatten();
    let uniform = |i| CameraUniform::new(view(shown, i).as_ref(), view(drawn, i).as_ref(), filled(i), layer);
    (0..stage.cameras.len()).map(uniform).collect()
}

/// Without an environment the walls are black, unless a pattern is asked for.
fn asked(extracted: &Extracted) -> Asked {
    let dark = matches!(extracted.backdrop, Backdrop::Dark) && extracted.controls.show == Show::Picture;
    Asked {
        pictures_drawn: extracted.backdrop.is_drawn(),
        show: if dark || extracted.controls.blackout { Show::Black } else { extracted.controls.show },
        outlined: extracted.controls.outline && !extracted.controls.blackout,
    }
}

fn output_uniform(
    extracted: &Extracted,
    setup: &WallSetup,
    stage: &Stage,
    encode: &WallEncodeUniform,
    texel_rad: f32,
) -> OutputUniform {
    OutputUniform {
        encode: encode.to_bytes(),
        eye_m: position(stage.eye_point_m),
        camera_count: stage.cameras.len().min(MAX_CAMERAS) as u32,
        frame: extracted.frame.input.frame as u32,
        level: extracted.controls.level,
        texel_rad,
        quantised: u32::from(!setup.continuous),
    }
}
