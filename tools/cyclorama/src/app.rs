//! The Bevy app: plugins, resources and how it is run.

use anyhow::ensure;
use bevy::{
    app::{PluginsState, TerminalCtrlCHandlerPlugin},
    ecs::schedule::{Schedules, SingleThreadedExecutor},
    log::LogPlugin,
    prelude::*,
    render::{RenderApp, RenderPlugin, pipelined_rendering::PipelinedRenderingPlugin},
    window::ExitCondition,
    winit::WinitPlugin,
};
use cyc_core::Clock;
use cyc_frame::outer_layout;
use cyc_set::{EnvironmentToShow, SetPlugin};
use cyc_stage::stage::Stage;
use cyc_sync::{StageClock, StageInUse, SyncPlugin};
use cyc_wall::{
    WallPlugin,
    controls::{Show, WallControls},
    gpu::Gpu,
    setup::WallSetup,
    sink::{FrameSink, Sink},
    uniforms::MAX_CAMERAS,
};
use cyc_world::Environment;
use std::sync::Arc;

use crate::cli::Pattern;

/// What an app is made of.
pub struct Parts {
    /// The stage.
    pub stage: Arc<Stage>,
    /// Indices of the outputs that are driven.
    pub outputs: Vec<usize>,
    /// The stage clock.
    pub clock: Arc<dyn Clock>,
    /// The renderer.
    pub gpu: Gpu,
    /// What the walls show.
    pub environment: Environment,
    /// Where frames go.
    pub sink: Box<dyn FrameSink>,
    /// Whether outputs get windows.
    pub windowed: bool,
    /// What the operator asked for.
    pub controls: WallControls,
    /// Write linear ACEScg.
    pub scene_linear: bool,
    /// Neither dither nor round code values.
    pub continuous: bool,
}

/// The app without a source of frames; the caller adds one.
pub fn build(parts: Parts) -> App {
    let setup = WallSetup {
        outputs: parts.outputs,
        outer: Arc::new(outer_layout(&parts.stage)),
        scene_linear: parts.scene_linear,
        continuous: parts.continuous,
        software: parts.gpu.software,
        max_side_px: parts.gpu.max_side_px,
    };
    let software = parts.gpu.software;
    let mut app = App::new();
    app.insert_resource(StageInUse(parts.stage))
        .insert_resource(StageClock(parts.clock))
        .insert_resource(setup)
        .insert_resource(Sink(parts.sink))
        .insert_resource(parts.controls)
        .add_plugins(bevy_plugins(parts.gpu, parts.windowed))
        .add_plugins((SyncPlugin, WallPlugin, SetPlugin))
        .insert_resource(EnvironmentToShow(Some(parts.environment)))
        .insert_resource(ClearColor(Color::BLACK));
    if software {
        one_thread(app.main_mut().world_mut());
        app.get_sub_app_mut(RenderApp).into_iter().for_each(|render| one_thread(render.world_mut()));
    }
    if !parts.windowed {
        app.set_runner(run_headless);
    }
    app
}

/// Runs schedules on one thread: where rendering is on the CPU the cores are better left to it than to handing some
/// hundred small systems to and fro.
fn one_thread(world: &mut World) {
    for (_, schedule) in world.resource_mut::<Schedules>().iter_mut() {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
}

/// Refuses a stage that this renderer cannot hold, before anything is started for it.
pub fn check_limits(stage: &Stage, gpu: &Gpu) -> anyhow::Result<()> {
    let count = stage.cameras.len();
    ensure!(
        count <= MAX_CAMERAS,
        "the stage has {count} cameras; a node draws at most {MAX_CAMERAS}: give the others a stage file of their own"
    );
    let most = gpu.max_side_px;
    for camera in &stage.cameras {
        let [width, height] = camera.inner.size_px;
        ensure!(
            width.max(height) <= most,
            "camera \"{}\": the inner picture is {width} x {height} px; {} draws at most {most} a side",
            camera.id,
            gpu.name
        );
    }
    for output in &stage.outputs {
        let [width, height] = output.size_px;
        ensure!(
            width.max(height) <= most,
            "output \"{}\" is {width} x {height} px; {} draws at most {most} a side: split it over several outputs",
            output.id,
            gpu.name
        );
    }
    Ok(())
}

fn bevy_plugins(gpu: Gpu, windowed: bool) -> bevy::app::PluginGroupBuilder {
    let plugins = DefaultPlugins
        .set(RenderPlugin { render_creation: gpu.creation, synchronous_pipeline_compilation: true, ..default() })
        .set(WindowPlugin {
            primary_window: None,
            exit_condition: if windowed { ExitCondition::OnAllClosed } else { ExitCondition::DontExit },
            ..default()
        })
        .set(LogPlugin { filter: LOG_FILTER.into(), ..default() })
        .disable::<PipelinedRenderingPlugin>()
        .disable::<TerminalCtrlCHandlerPlugin>();
    if windowed { plugins } else { plugins.disable::<WinitPlugin>() }
}

/// Warnings, and what Cyclorama itself says. wgpu's Vulkan layer complains about missing validation layers.
const LOG_FILTER: &str = "warn,cyclorama=info,cyc_link=info,cyc_desk=info,wgpu_hal=error,wgpu_core=error,naga=error";

fn run_headless(mut app: App) -> AppExit {
    while app.plugins_state() == PluginsState::Adding {
        bevy::tasks::tick_global_task_pools_on_main_thread();
    }
    app.finish();
    app.cleanup();
    loop {
        app.update();
        if let Some(exit) = app.should_exit() {
            return exit;
        }
    }
}

/// The walls' controls for a test pattern; `nits` is its luminance.
pub fn controls(pattern: Option<Pattern>, nits: f64) -> WallControls {
    WallControls {
        show: pattern.map_or(Show::Picture, Pattern::show),
        outline: pattern == Some(Pattern::Outline),
        level: (nits / 100.0) as f32,
        ..WallControls::default()
    }
}
