//! `cyclorama run`: a stage, live.

use crate::{
    Failure,
    app::{Parts, build, check_limits, controls},
    beat::WARM_UP_FRAMES,
    cli::{LiveArgs, RunArgs},
    commands::{self, Commanded, Keys, TimecodeOut},
    environment,
    live::{LiveOptions, LiveSink, Progress},
    preview::{self, ChooseScale},
    stage_file,
    summary::Summary,
    sync_status::SyncSources,
    watch::{Wanted, Watch},
    windows,
};
use anyhow::{anyhow, bail};
use bevy::{
    prelude::*,
    render::error_handler::{ErrorType, RenderError, RenderErrorHandler, RenderErrorPolicy},
};
use cyc_core::command;
use cyc_desk::{Desk, DeskSource};
use cyc_link::{
    StageFeeds, TickStop,
    control::OscControl,
    genlock::{self, Genlock},
    timecode_out::TimecodeOutputs,
};
use cyc_stage::stage::Stage;
use cyc_sync::{FrameSet, StagePoses, StageTicks};
use cyc_wall::gpu::{self, Gpu};
use cyc_world::Environment;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::Arc,
};

/// Runs until Ctrl-C, the last window closes or the time is over. Exit code 2 on a bad stage, environment or node.
pub fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let Some(stage) = stage_file::load(&args.stage) else { return Ok(ExitCode::from(2)) };
    let outputs = outputs_of(&stage, args.node.as_deref()).map_err(Failure::input)?;
    let gpu = gpu::open().map_err(Failure::run_time)?;
    check_limits(&stage, &gpu).map_err(Failure::input)?;
    let environment = environment::load(args.environment.as_deref(), gpu.max_side_px).map_err(Failure::input)?;
    let rate = stage.frame_rate;
    let summary = drive(Show { stage, outputs, gpu, environment }, &args.live)?;
    println!("{}", summary.describe(rate));
    Ok(ExitCode::SUCCESS)
}

/// Outcomes of commands that nobody has looked at yet: more than a frame has.
const OUTCOMES: usize = 256;

/// What is to be driven.
pub struct Show {
    /// The stage.
    pub stage: Stage,
    /// Indices of the outputs that are driven.
    pub outputs: Vec<usize>,
    /// The renderer.
    pub gpu: Gpu,
    /// What the walls show.
    pub environment: Environment,
}

/// All outputs, or those of one node.
fn outputs_of(stage: &Stage, node: Option<&str>) -> anyhow::Result<Vec<usize>> {
    if stage.outputs.is_empty() {
        bail!("the stage file has no [[output]]: nothing would show the walls");
    }
    let all = 0..stage.outputs.len();
    let Some(node) = node else { return Ok(all.collect()) };
    let own: Vec<_> = all.filter(|&index| stage.outputs[index].node == node).collect();
    if own.is_empty() {
        let mut nodes: Vec<_> = stage.outputs.iter().map(|output| output.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        bail!("no output is on node \"{node}\"; the stage file's nodes: {}", nodes.join(", "));
    }
    Ok(own)
}

/// Starts feeds, desk and beat, and runs until the end.
pub fn drive(show: Show, args: &LiveArgs) -> Result<Summary, Failure> {
    let stage = Arc::new(show.stage);
    let windowed = !args.headless && has_display();
    let stop = TickStop::default();
    let on_interrupt = stop.clone();
    ctrlc::set_handler(move || on_interrupt.stop()).map_err(Failure::run_time)?;

    let Genlock { clock, ticks, status, changes } =
        genlock::start(&stage, WARM_UP_FRAMES, stop.clone()).map_err(Failure::run_time)?;
    println!("beat: {}", status.read());
    let timecode = TimecodeOutputs::start(&stage.timecode.out, stage.frame_rate, clock.clone());
    let timecode = timecode.map_err(Failure::run_time)?;
    let (port, intake) = command::channel(stage.frame_rate, commands::catalogue());
    let control = stage.control.map(|addr| OscControl::start(addr, port.clone())).transpose();
    let control = control.map_err(Failure::run_time)?;
    if let Some(control) = &control {
        println!("OSC control: {}", control.local_addr());
    }
    let (told, outcomes) = crossbeam_channel::bounded(OUTCOMES);
    let feeds = Arc::new(StageFeeds::start(&stage, clock.clone()).map_err(Failure::run_time)?);
    let walls = stage.walls.iter().map(|wall| wall.id.clone()).collect();
    let source = DeskSource::new(cyc_stage::view::stage_view(&stage), walls, clock.clone());
    let source = source.with_commands(port.clone());
    let desk = Desk::start(args.desk, source.clone()).map_err(Failure::run_time)?;
    let progress = Progress::default();
    let wanted = Wanted::default();
    let drawn = !matches!(show.environment, Environment::Panorama(_));
    let options = LiveOptions {
        stage: stage.clone(),
        watch: Watch::new(&stage, drawn, changes, outcomes, wanted.clone()),
        sync: SyncSources { stage: stage.clone(), genlock: status, feeds: feeds.clone(), clock: clock.clone() },
        events: args.events.clone(),
        desk: source,
        report: args.report.clone(),
        capture: args.capture.clone(),
        seconds: args.seconds,
        stop: stop.clone(),
        progress: progress.clone(),
    };
    let (sink, writers) = LiveSink::start(options).map_err(Failure::run_time)?;
    println!("desk: {}", desk.url());
    println!("renderer: {}{}", show.gpu.name, if show.gpu.software { " (on the CPU)" } else { "" });

    let software = show.gpu.software;
    let fixed = args.preview_scale.map(|factor| factor as f32);
    let scale = preview::at_start(&stage, software, fixed);
    let mut app = build(Parts {
        outputs: show.outputs,
        stage,
        clock: clock.clone(),
        gpu: show.gpu,
        environment: show.environment,
        sink: Box::new(sink),
        windowed,
        controls: controls(args.pattern, args.pattern_nits),
        scene_linear: false,
        continuous: false,
    });
    app.insert_resource(StageTicks(ticks))
        .insert_resource(StagePoses(feeds))
        .insert_resource(Commanded::new(intake, told))
        .insert_resource(Keys(port))
        .insert_resource(TimecodeOut(timecode))
        .insert_resource(wanted)
        .add_plugins(commands::plugin)
        .insert_resource(scale)
        .insert_resource(ChooseScale { progress: progress.clone(), fixed, software, done: false })
        .add_systems(Update, (preview::choose, preview::economise).in_set(FrameSet::Simulate));
    if windowed {
        app.insert_resource(bevy::winit::WinitSettings::continuous())
            .add_systems(Startup, windows::open)
            .add_systems(Update, (windows::place_by_name, windows::keys).in_set(FrameSet::Simulate));
    }
    app.insert_resource(RenderErrorHandler(keep_going));
    // The GPU library panics where a device is lost; the report is to be whole even then.
    let exit = catch_unwind(AssertUnwindSafe(move || app.run()));
    writers.finish();
    drop((desk, control));
    match exit {
        Ok(AppExit::Success) => Ok(progress.summary()),
        Ok(AppExit::Error(code)) => Err(Failure::run_time(anyhow!("the renderer gave up (code {code}); see above"))),
        Err(_) => Err(Failure::run_time(anyhow!("the renderer failed; see above"))),
    }
}

/// A refused command costs what it would have drawn, not the wall; only a lost device ends the show.
fn keep_going(error: &RenderError, main: &mut World, _: &mut World) -> RenderErrorPolicy {
    if matches!(error.ty, ErrorType::DeviceLost) {
        main.write_message(AppExit::error());
        return RenderErrorPolicy::StopRendering;
    }
    RenderErrorPolicy::Ignore
}

/// Whether windows can be opened: an X server is named and lets us in. Wayland desktops bring one, XWayland.
fn has_display() -> bool {
    if std::env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
        return false;
    }
    match x11rb::connect(None) {
        Ok(_) => true,
        Err(error) => {
            eprintln!("warning: the X server (DISPLAY) cannot be used: {error}; running headless");
            false
        }
    }
}
