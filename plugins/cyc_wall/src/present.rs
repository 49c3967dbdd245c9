//! The end of a frame in the render world: wait for the pictures, draw every output, hand over, report.

use crate::{
    backdrop::Backdrop,
    composer::{Asked, Composer, OutputPass, PictureViews, Target},
    controls::{Show, WallControls},
    depths::Depths,
    geometry::OuterPictures,
    late::Late,
    lead::Lead,
    readback::{OutputPicture, ReadableTarget},
    scale::{Economy, PreviewScale},
    setup::WallSetup,
    sink::{FrameOutcome, Sink},
    surface::{OutputSurfaces, OutputWindows, SurfaceImage},
    uniforms::{CameraUniform, MAX_CAMERAS, OutputUniform, pack_cameras, position},
    views::{InnerCamera, Pictures},
};
use bevy::{
    ecs::system::SystemParam,
    prelude::*,
    render::{
        Extract,
        render_resource::PipelineCache,
        renderer::{RenderAdapter, RenderDevice, RenderInstance, RenderQueue},
        view::ViewDepthTexture,
    },
};
use cyc_color::wall::WallEncodeUniform;
use cyc_core::{CameraInput, CameraState, StageTime, report::StageDurations};
use cyc_frame::{CameraTrace, FrameRecord, Latch, frame_report};
use cyc_stage::stage::{Camera, Stage};
use cyc_sync::{Frame, Hold, ShownPoses, StageClock, StageInUse, StagePoses};
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
    /// Set when the backdrop is another.
    new_backdrop: bool,
}

impl Extracted {
    /// The frame being made.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Whether the wall keeps the poses it shows.
    pub fn is_held(&self) -> bool {
        self.held
    }
}

/// The GPU side of the walls.
#[derive(Resource, Default)]
pub struct WallGpu {
    composer: Option<Composer>,
    depths: Option<Depths>,
    targets: Vec<ReadableTarget>,
    lead: Lead,
    cameras: Vec<CameraUniform>,
}

/// Copies what the frame's end needs.
pub fn extract(
    mut commands: Commands,
    frame: Extract<Res<Frame>>,
    controls: Extract<Res<WallControls>>,
    backdrop: Extract<Res<Backdrop>>,
    hold: Extract<Res<Hold>>,
    pictures: Extract<Option<Res<Pictures>>>,
    (scale, economy): (Extract<Res<PreviewScale>>, Extract<Res<Economy>>),
) {
    let Some(pictures) = pictures.as_ref() else { return };
    commands.insert_resource(Extracted {
        frame: frame.clone(),
        controls: **controls,
        backdrop: backdrop.clone(),
        pictures: Pictures::clone(pictures),
        scale: scale.after(&economy),
        held: hold.0,
        new_backdrop: backdrop.is_changed(),
        changed: backdrop.is_changed() || pictures.is_changed() || scale.is_changed() || economy.is_changed(),
    });
}

/// One frame's end. Runs between Bevy's submission of the views and the end of its render graph.
pub fn compose(
    extracted: Option<Res<Extracted>>,
    world: End,
    views: Query<(&InnerCamera, &ViewDepthTexture)>,
    mut late: ResMut<Late>,
    mut surfaces: ResMut<OutputSurfaces>,
    mut gpu: ResMut<WallGpu>,
    mut sink: ResMut<Sink>,
) {
    let Some(extracted) = extracted else { return };
    let frame = &extracted.frame;
    let (Some(tick), Some(_)) = (frame.tick, frame.plan.as_ref()) else { return };
    let device = world.device.wgpu_device();
    if extracted.backdrop.is_drawn() {
        wait(device);
    }
    let now = || world.clock.0.now();
    let rendered = now();
    let (setup, stage) = (&*world.setup, &*world.stage.0);
    let deadline = Latch::new(stage).deadline(&tick);
    let wants_pictures = sink.0.wants_pictures(tick.frame);
    surfaces
        .follow(&world.windows, &world.instance, &world.adapter, &|n| stage.outputs[setup.outputs[n]].signal.bits > 8);
    let images = surfaces.acquire(device);
    gpu.follow(&extracted, setup, stage, device, &world.queue);
    renew(&extracted, &world, &mut late, gpu.lead.nanos(guard_nanos(setup)), deadline);
    let began = now();
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    gpu.take_depths(&mut encoder, &extracted, stage, &late, &views);
    gpu.draw(&mut encoder, &extracted, setup, stage, &late, &images, wants_pictures);
    world.queue.submit([encoder.finish()]);
    wait(device);
    let complete = now();
    gpu.lead.observe(complete.nanos_since(began));
    if !images.is_empty() {
        // The poses are for light that leaves at the deadline, not before.
        world.clock.0.sleep_until(deadline);
    }
    let held = now();
    images.into_iter().for_each(|image| image.image.present());
    let presented = if held == complete { complete } else { now() };
    let disoccluded = gpu.disoccluded(&extracted, stage, &late);
    let pictures = if wants_pictures { gpu.read(device) } else { None };
    let stages = durations(frame, rendered, began, complete, presented.nanos_since(held));
    let traces = traces(&extracted, stage, &late, disoccluded);
    let record = FrameRecord {
        tick,
        input: &frame.input,
        cameras: &traces,
        complete,
        deadline,
        presented,
        missed: tick.missed,
        stages,
    };
    let report = frame_report(&record, frame.feeds.clone());
    let ready = world.pipelines.waiting_pipelines().next().is_none();
    sink.0.done(FrameOutcome { report, plan: late.shown.clone(), pictures, ready });
}

/// What a frame's end reads and does not change.
#[derive(SystemParam)]
pub struct End<'w> {
    setup: Res<'w, WallSetup>,
    stage: Res<'w, StageInUse>,
    clock: Res<'w, StageClock>,
    poses: Option<Res<'w, StagePoses>>,
    kept: Res<'w, ShownPoses>,
    device: Res<'w, RenderDevice>,
    queue: Res<'w, RenderQueue>,
    instance: Res<'w, RenderInstance>,
    adapter: Res<'w, RenderAdapter>,
    windows: Res<'w, OutputWindows>,
    pipelines: Res<'w, PipelineCache>,
}

/// What follows the wall pass in a frame, nanoseconds: slower where every core draws.
fn guard_nanos(setup: &WallSetup) -> i64 {
    if setup.software { 3_000_000 } else { 1_000_000 }
}

/// Renews the poses that the wall shows, as late as the wall pass allows: `lead` before the deadline. Given late poses
/// (offline) are used as they are. Remembers what is shown, in case a freeze keeps it.
fn renew(extracted: &Extracted, world: &End, late: &mut Late, lead: Option<i64>, deadline: StageTime) {
    let (frame, stage) = (&extracted.frame, &*world.stage.0);
    let on = stage.latency.late_warp || stage.latency.exposure_true;
    match world.poses.as_ref() {
        None => late.warp_given(stage, frame),
        Some(poses) if on && !extracted.held => {
            if let Some(lead) = lead {
                world.clock.0.sleep_until(deadline.plus_nanos(-lead));
            }
            late.warp(stage, frame, poses, &world.clock);
        }
        Some(_) => {}
    }
    if let Ok(mut kept) = world.kept.0.lock().map_err(|_| ())
        && !extracted.held
    {
        kept.clear();
        kept.extend(frame.pose_for.iter().enumerate().map(|(index, at)| (shown_state(frame, late, index), *at)));
    }
}

/// The state that a camera is shown with: the newest that was taken, as wide as it was latched.
fn shown_state(frame: &Frame, late: &Late, index: usize) -> CameraState {
    let latched = frame.states.get(index).copied().unwrap_or(CameraState::LOST);
    let Some(pose) = late.poses.get(index) else { return latched };
    let overscan = latched.input.and_then(|input| input.overscan);
    let input = pose.state.input.map(|input| CameraInput { overscan, ..input });
    CameraState { input, ..pose.state }
}

fn traces(
    extracted: &Extracted,
    stage: &Stage,
    late: &Late,
    disoccluded: Option<[u32; MAX_CAMERAS]>,
) -> BTreeMap<String, CameraTrace> {
    let frame = &extracted.frame;
    let trace = |(index, camera): (usize, &Camera)| {
        let view = late.shown.cameras.get(index).and_then(Option::as_ref);
        let trace = CameraTrace {
            shown: shown_state(frame, late, index),
            latched: StageTime(frame.marks.latched_ns),
            late_latched: late.late_latched,
            warped: late.warped,
            pose_for: frame.pose_for.get(index).copied().unwrap_or(frame.input.display_time),
            overscan: view.map(|view| view.overscan),
            overscan_needed: frame.overscan_needed.get(index).copied().flatten(),
            exposure_true: view.is_some_and(|view| view.lines.is_some()),
            disoccluded_px: disoccluded.and_then(|counts| counts.get(index).copied()).map(u64::from),
        };
        (camera.id.clone(), trace)
    };
    stage.cameras.iter().enumerate().map(trace).collect()
}

/// The time slept before the newest poses are taken is nobody's work and counts as none.
fn durations(
    frame: &Frame,
    rendered: StageTime,
    began: StageTime,
    complete: StageTime,
    present: i64,
) -> StageDurations {
    let marks = frame.marks;
    StageDurations {
        latch: marks.latched_ns - marks.began_ns,
        simulate: marks.solve_began_ns - marks.latched_ns,
        solve: marks.solved_ns - marks.solve_began_ns,
        render: rendered.0 - marks.solved_ns,
        compose: complete.nanos_since(began),
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
        if let (Backdrop::Panorama(panorama), true) = (&extracted.backdrop, fresh || extracted.new_backdrop) {
            composer.set_panorama(panorama);
        }
        let inner = &extracted.pictures.inner;
        let layers = inner.targets.len() as u32;
        if !self.depths.as_ref().is_some_and(|depths| depths.fits(inner.size_px, layers)) {
            self.depths = Some(Depths::new(device, inner.size_px, layers));
            composer.forget_bindings();
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
        late: &Late,
        images: &[SurfaceImage],
        wants_pictures: bool,
    ) {
        let (Some(composer), Some(depths)) = (self.composer.as_mut(), self.depths.as_ref()) else { return };
        let layer = extracted.pictures.inner.size_px;
        let filled = |camera: &Camera| extracted.scale.inner_px(camera, layer);
        pack_cameras(stage, (&late.shown, &late.drawn), filled, layer, &mut self.cameras);
        composer.upload(&self.cameras);
        let inner = &extracted.pictures.inner.view;
        let pictures = PictureViews { inner, outer: &extracted.pictures.outer.view, depths: &depths.view };
        let asked = asked(extracted, stage, late);
        if asked.warped {
            composer.count_from_zero(encoder);
        }
        for (n, &index) in setup.outputs.iter().enumerate() {
            let mut uniform =
                output_uniform(extracted, setup, stage, &composer.outputs[n].encode, composer.texel_rad(), index);
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
        if asked.warped {
            composer.fetch_counts(encoder);
        }
        if wants_pictures {
            self.targets.iter().for_each(|target| target.copy(encoder));
        }
    }

    /// Records the copies of the drawn pictures' depth, where pictures are to be seen from elsewhere.
    fn take_depths(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        extracted: &Extracted,
        stage: &Stage,
        late: &Late,
        views: &Query<(&InnerCamera, &ViewDepthTexture)>,
    ) {
        let (Some(depths), Some(composer)) = (&self.depths, &self.composer) else { return };
        if !is_warped(extracted, stage, late) {
            return;
        }
        for (inner, depth) in views {
            let Some(camera) = stage.cameras.get(inner.0) else { continue };
            let filled = extracted.scale.inner_px(camera, extracted.pictures.inner.size_px);
            let from = (&**depth.view(), depth.texture.sample_count());
            depths.take(composer.device(), encoder, inner.0, from, filled);
        }
    }

    fn disoccluded(&self, extracted: &Extracted, stage: &Stage, late: &Late) -> Option<[u32; MAX_CAMERAS]> {
        self.composer.as_ref().filter(|_| is_warped(extracted, stage, late))?.disoccluded()
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

/// Whether inner pictures are looked up from elsewhere than they were drawn from: decided by what is switched on, not by
/// how far the poses are apart, so that no pipeline changes while a camera moves.
fn is_warped(extracted: &Extracted, stage: &Stage, late: &Late) -> bool {
    let latency = stage.latency;
    let live = late.warped.is_some() && (latency.late_warp || latency.exposure_true);
    extracted.backdrop.is_drawn() && (live || !extracted.frame.input.late.is_empty())
}

/// Without an environment the walls are black, unless a pattern is asked for.
fn asked(extracted: &Extracted, stage: &Stage, late: &Late) -> Asked {
    let dark = matches!(extracted.backdrop, Backdrop::Dark) && extracted.controls.show == Show::Picture;
    Asked {
        pictures_drawn: extracted.backdrop.is_drawn(),
        show: if dark || extracted.controls.blackout { Show::Black } else { extracted.controls.show },
        outlined: extracted.controls.outline && !extracted.controls.blackout,
        warped: is_warped(extracted, stage, late),
        exposure_true: late.shown.cameras.iter().flatten().any(|view| view.lines.is_some()),
    }
}

fn output_uniform(
    extracted: &Extracted,
    setup: &WallSetup,
    stage: &Stage,
    encode: &WallEncodeUniform,
    texel_rad: f32,
    index: usize,
) -> OutputUniform {
    OutputUniform {
        encode: encode.to_bytes(),
        eye_m: position(stage.eye_point_m),
        camera_count: stage.cameras.len().min(MAX_CAMERAS) as u32,
        frame: extracted.frame.input.frame as u32,
        level: extracted.controls.level,
        texel_rad,
        quantised: u32::from(!setup.continuous),
        source: index as u32,
        pad: [0; 3],
    }
}
