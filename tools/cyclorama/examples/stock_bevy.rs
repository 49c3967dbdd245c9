//! The peer of `docs/validation/*-age.md`: a plain Bevy app that reads the same feed in `Update`, as its users would.
//!
//! It draws the shipped plaza into one picture of 480 x 270 pixels, nothing else: no outer views, no walls. Prints for
//! every frame how old the newest packet in the picture was when the picture was complete.
//!
//! `stock_bevy STAGE.toml FPS SECONDS [--pipelined]` reads the first feed of a stage file.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measuring program stops where something is amiss")]

use bevy::{
    app::{ScheduleRunnerPlugin, TerminalCtrlCHandlerPlugin},
    camera::RenderTarget,
    core_pipeline::tonemapping::Tonemapping,
    ecs::schedule::{Schedules, SingleThreadedExecutor},
    image::Image,
    log::LogPlugin,
    prelude::*,
    render::{
        Extract, ExtractSchedule, Render, RenderApp, RenderPlugin, RenderSystems,
        pipelined_rendering::PipelinedRenderingPlugin,
        render_resource::{TextureFormat, TextureUsages},
        renderer::RenderDevice,
    },
    window::ExitCondition,
    winit::WinitPlugin,
};
use cyc_core::{Clock, StageTime};
use cyc_link::{MonotonicClock, StageFeeds};
use cyc_set::{EnvironmentToShow, SetPlugin};
use cyc_wall::{backdrop::Backdrop, gpu, setup::WallSetup};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Frames that compile pipelines and do not count.
const WARM_UP: usize = 30;

/// The feed; what has arrived by the beginning of `Update` is what such an app would find in its socket.
#[derive(Resource)]
struct Feed(StageFeeds);

/// Kernel stamp of the newest packet in the camera's transform.
#[derive(Resource, Clone, Copy, Default)]
struct Newest(Option<StageTime>);

/// Nanoseconds from that stamp to the complete picture, a frame each.
#[derive(Resource, Clone, Default)]
struct Ages(Arc<Mutex<Vec<i64>>>);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| arguments.get(n).and_then(|text| text.parse::<f64>().ok()).expect("STAGE.toml FPS SECONDS");
    let (fps, seconds) = (number(1), number(2));
    let path = std::path::Path::new(&arguments[0]);
    let stage = cyc_stage::load(path, &|path| std::fs::read(path)).expect("a stage file").stage;
    let feeds = StageFeeds::start(&stage, Arc::new(MonotonicClock)).expect("a free port");
    let pipelined = arguments.iter().any(|argument| argument == "--pipelined");
    let gpu = gpu::open().expect("a renderer");
    let (software, max_side_px) = (gpu.software, gpu.max_side_px);
    let plugins = DefaultPlugins
        .set(RenderPlugin { render_creation: gpu.creation, synchronous_pipeline_compilation: true, ..default() })
        .set(WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() })
        .set(LogPlugin { filter: "error".into(), ..default() })
        .disable::<TerminalCtrlCHandlerPlugin>()
        .disable::<WinitPlugin>();
    let mut app = App::new();
    if pipelined {
        app.add_plugins(plugins);
    } else {
        app.add_plugins(plugins.disable::<PipelinedRenderingPlugin>());
    }
    let plaza = std::fs::read("environments/plaza.glb").expect("run it from the repository's root");
    let plaza = cyc_world::decode("plaza.glb", &plaza, &cyc_world::Limits::default()).expect("the shipped plaza");
    let ages = Ages::default();
    app.add_plugins(ScheduleRunnerPlugin::run_loop(Duration::from_secs_f64(1.0 / fps)))
        .add_plugins(SetPlugin)
        .insert_resource(Backdrop::default())
        .insert_resource(WallSetup {
            outputs: Vec::new(),
            outer: Arc::default(),
            scene_linear: false,
            continuous: false,
            software,
            max_side_px,
        })
        .insert_resource(EnvironmentToShow(Some(plaza)))
        .insert_resource(Feed(feeds))
        .insert_resource(Newest::default())
        .insert_resource(ages.clone())
        .add_systems(Startup, spawn_camera)
        .add_systems(Update, (follow, stop((seconds * fps) as usize + WARM_UP)));
    if software {
        one_thread(app.main_mut().world_mut());
    }
    let render = app.get_sub_app_mut(RenderApp).expect("a renderer");
    if software {
        one_thread(render.world_mut());
    }
    render
        .insert_resource(Newest::default())
        .insert_resource(ages.clone())
        .add_systems(ExtractSchedule, |mut to: ResMut<Newest>, from: Extract<Res<Newest>>| *to = **from)
        .add_systems(Render, complete.in_set(RenderSystems::Cleanup));
    app.run();
    report(&ages.0.lock().unwrap(), fps, pipelined);
}

fn one_thread(world: &mut World) {
    for (_, schedule) in world.resource_mut::<Schedules>().iter_mut() {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
}

fn spawn_camera(mut commands: Commands, mut images: ResMut<Assets<Image>>) {
    let mut target = Image::new_target_texture(480, 270, TextureFormat::Rgba8UnormSrgb, None);
    target.texture_descriptor.usage |= TextureUsages::RENDER_ATTACHMENT;
    let target = RenderTarget::Image(images.add(target).into());
    commands.spawn((Camera3d::default(), target, Tonemapping::None, Msaa::Off, Transform::from_xyz(0.0, 1.6, 0.0)));
}

/// Takes the newest pose that has arrived.
fn follow(feed: Res<Feed>, mut newest: ResMut<Newest>, mut camera: Single<&mut Transform, With<Camera3d>>) {
    let Some(sample) = feed.0.view("trk").and_then(|view| view.newest()) else { return };
    let position = sample.pose.position_m;
    camera.translation = Vec3::new(position.x as f32, position.z as f32, -position.y as f32);
    newest.0 = Some(sample.received);
}

/// The picture is complete when the GPU has done all that was submitted.
fn complete(newest: Res<Newest>, ages: Res<Ages>, device: Res<RenderDevice>) {
    device.wgpu_device().poll(wgpu::PollType::wait_indefinitely()).expect("the GPU answers");
    if let Some(received) = newest.0 {
        ages.0.lock().unwrap().push(MonotonicClock.now().nanos_since(received));
    }
}

fn stop(frames: usize) -> impl FnMut(MessageWriter<AppExit>) {
    let mut count = 0;
    move |mut exit: MessageWriter<AppExit>| {
        count += 1;
        if count >= frames {
            exit.write(AppExit::Success);
        }
    }
}

fn report(ages: &[i64], fps: f64, pipelined: bool) {
    let mut ages = ages.get(WARM_UP..).unwrap_or_default().to_vec();
    ages.sort_unstable();
    let ms =
        |part: f64| ages.get(((ages.len().max(1) - 1) as f64 * part) as usize).map_or(f64::NAN, |n| *n as f64 * 1e-6);
    let how = if pipelined { "pipelined" } else { "unpipelined" };
    println!(
        "stock Bevy, {how}, {fps} fps: {} frames, receive to complete: median {:.2} ms, p99 {:.2} ms",
        ages.len(),
        ms(0.5),
        ms(0.99)
    );
}
