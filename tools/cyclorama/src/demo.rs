//! `cyclorama demo`: the demo stage with a simulated tracker.

use crate::{
    Failure,
    cli::{DemoArgs, DemoWorld},
    environment,
    run::{Show, drive},
};
use anyhow::{Context, anyhow};
use cyc_link::{MonotonicClock, SimOptions, SimulatedTracker, sim::SimProtocol};
use cyc_stage::stage::{Protocol, Stage, Transport};
use cyc_wall::gpu;
use cyc_world::Environment;
use std::{io, path::Path, process::ExitCode, sync::Arc};

/// The demo's files, inside the program so that it runs from anywhere.
const STAGE: &str = include_str!("../../../stage-configs/demo.toml");
const PLAZA: &[u8] = include_bytes!("../../../environments/plaza.glb");
const DUSK: &[u8] = include_bytes!("../../../environments/dusk-ridge.png");

/// Runs the demo. Exit code 1 if the wall went more than a second without a new picture or missed too much.
pub fn demo(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let gpu = gpu::open().map_err(Failure::run_time)?;
    let stage = stage().map_err(Failure::run_time)?;
    let environment = world(args.world, gpu.max_side_px).map_err(Failure::run_time)?;
    let tracker = simulated_tracker(&stage).map_err(Failure::run_time)?;
    let rate = stage.frame_rate;
    let outputs = (0..stage.outputs.len()).collect();
    let summary = drive(Show { stage, outputs, gpu, environment }, &args.live)?;
    drop(tracker);
    println!("{}", summary.describe(rate));
    match summary.failure() {
        Some(failure) => Err(Failure::run_time(anyhow!("{failure}"))),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn stage() -> anyhow::Result<Stage> {
    let no_files = |path: &Path| Err(io::Error::other(format!("the demo has no file {}", path.display())));
    Ok(cyc_stage::parse(STAGE, Path::new("demo.toml"), &no_files)?.stage)
}

fn world(which: DemoWorld, max_side_px: u32) -> anyhow::Result<Environment> {
    let limits = environment::limits(max_side_px);
    Ok(match which {
        DemoWorld::Plaza => cyc_world::decode("plaza.glb", PLAZA, &limits)?,
        DemoWorld::Dusk => cyc_world::decode("dusk-ridge.png", DUSK, &limits)?,
        DemoWorld::Room => Environment::LineUpRoom,
    })
}

/// A tracker that speaks to the demo stage's feed over loopback.
fn simulated_tracker(stage: &Stage) -> anyhow::Result<SimulatedTracker> {
    let feed = stage.feeds.first().context("the demo stage has a feed")?;
    let Protocol::Freed { transport: Transport::Udp(target), camera_id } = &feed.protocol else {
        return Err(anyhow!("the demo stage's feed speaks FreeD over UDP"));
    };
    let protocol = SimProtocol::Freed { camera_id: camera_id.unwrap_or(1) };
    let options = SimOptions::new(protocol, *target, "120".parse()?);
    Ok(SimulatedTracker::start(options, Arc::new(MonotonicClock))?)
}
