//! `cyclorama run`: a stage, live.

use crate::{
    Failure,
    app::{Parts, build, check_limits, controls},
    beat::WarmTicks,
    cli::{LiveArgs, RunArgs},
    environment,
    live::{LiveOptions, LiveSink, Progress},
    preview::{self, ChooseScale},
    stage_file,
    summary::Summary,
    windows,
};
use anyhow::{anyhow, bail};
use bevy::prelude::*;
use cyc_core::Clock;
use cyc_desk::{Desk, DeskSource};
use cyc_link::{MonotonicClock, StageFeeds, TickStop};
use cyc_stage::stage::Stage;
use cyc_sync::{FrameSet, StagePoses, StageTicks};
use cyc_wall::gpu::{self, Gpu};
use cyc_world::Environment;
use std::{net::TcpStream, os::unix::net::UnixStream, process::ExitCode, sync::Arc};

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
    let clock: Arc<dyn Clock> = Arc::new(MonotonicClock);
    let stage = Arc::new(show.stage);
    let windowed = !args.headless && has_display();
    let stop = TickStop::default();
    let on_interrupt = stop.clone();
    ctrlc::set_handler(move || on_interrupt.stop()).map_err(Failure::run_time)?;

    let feeds = StageFeeds::start(&stage, clock.clone()).map_err(Failure::run_time)?;
    let walls = stage.walls.iter().map(|wall| wall.id.clone()).collect();
    let source = DeskSource::new(cyc_stage::view::stage_view(&stage), walls, clock.clone());
    let desk = Desk::start(args.desk, source.clone()).map_err(Failure::run_time)?;
    let progress = Progress::default();
    let options = LiveOptions {
        stage: stage.clone(),
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
    let rate = stage.frame_rate;
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
    app.insert_resource(StageTicks(Box::new(WarmTicks::new(clock, rate, stop))))
        .insert_resource(StagePoses(Arc::new(feeds)))
        .insert_resource(scale)
        .insert_resource(ChooseScale { progress: progress.clone(), fixed, software, done: false })
        .add_systems(Update, preview::choose.in_set(FrameSet::Simulate));
    if windowed {
        app.insert_resource(bevy::winit::WinitSettings::continuous())
            .add_systems(Startup, windows::open)
            .add_systems(Update, (windows::place_by_name, windows::keys).in_set(FrameSet::Simulate));
    }
    let exit = app.run();
    drop(app);
    writers.finish();
    drop(desk);
    match exit {
        AppExit::Success => Ok(progress.summary()),
        AppExit::Error(code) => Err(Failure::run_time(anyhow!("the app ended with code {code}"))),
    }
}

/// Whether windows can be opened: an X server is named and answers. Wayland desktops bring one, XWayland.
fn has_display() -> bool {
    let Some(display) = std::env::var("DISPLAY").ok().filter(|display| !display.is_empty()) else { return false };
    let answers = display_answers(&display);
    if !answers {
        eprintln!("warning: the X server {display} (DISPLAY) does not answer; running headless");
    }
    answers
}

/// `[HOST]:NUMBER[.SCREEN]` (X(7), display names): a socket in the file system, or a TCP port from 6000 on.
fn display_answers(display: &str) -> bool {
    let Some((host, number)) = display.rsplit_once(':') else { return false };
    let number = number.split('.').next().unwrap_or_default();
    let Ok(number) = number.parse::<u16>() else { return false };
    if host.is_empty() || host == "unix" {
        return UnixStream::connect(format!("/tmp/.X11-unix/X{number}")).is_ok();
    }
    TcpStream::connect((host, 6000_u16.saturating_add(number))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_that_is_none_does_not_answer() {
        for display in [":64999", "", "nonsense", ":x", "127.0.0.1:59999"] {
            assert!(!display_answers(display), "{display}");
        }
    }
}
