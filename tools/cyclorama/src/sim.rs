//! `cyclorama sim`: simulated devices on real protocols.

use crate::{
    Failure,
    cli::{GenlockArgs, TrackerArgs, TrackerProtocol},
};
use cyc_core::Clock;
use cyc_link::{
    MonotonicClock, SimOptions,
    sim::{self, Faults, SimProtocol, genlock::SimGenlockOptions, send},
};
use cyc_wire::opentrackio::Encoding;
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Sends until the time is over or Ctrl-C.
pub fn tracker(args: &TrackerArgs) -> Result<ExitCode, Failure> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = stopped.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).map_err(Failure::run_time)?;
    let clock = MonotonicClock;
    let end = args.seconds.map(|seconds| clock.now().plus_nanos(nanos(seconds)));
    println!("sending {} packets a second to {}; Ctrl-C ends", args.rate, args.to);
    let over = || stopped.load(Ordering::Relaxed) || end.is_some_and(|end| clock.now() >= end);
    send(options(args), &clock, &over).map_err(Failure::run_time)?;
    Ok(ExitCode::SUCCESS)
}

/// Sends beats and labels until the time is over or Ctrl-C.
pub fn genlock(args: &GenlockArgs) -> Result<ExitCode, Failure> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = stopped.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).map_err(Failure::run_time)?;
    let options = SimGenlockOptions {
        start: args.start,
        drift_ppm: args.drift_ppm,
        jitter_nanos: nanos(args.jitter_us * 1e-6),
        loss: args.loss,
        jump_every_nanos: args.jump_every.map(nanos),
        seconds: args.seconds,
        seed: args.seed,
        ..SimGenlockOptions::new(args.to.clone(), args.rate)
    };
    println!("{} frames a second from {}; Ctrl-C ends", args.rate, args.start);
    sim::genlock::send(options, &MonotonicClock, &|| stopped.load(Ordering::Relaxed)).map_err(Failure::run_time)?;
    Ok(ExitCode::SUCCESS)
}

fn options(args: &TrackerArgs) -> SimOptions {
    let protocol = match args.protocol {
        TrackerProtocol::Freed => SimProtocol::Freed { camera_id: args.camera_id },
        TrackerProtocol::Opentrackio => SimProtocol::opentrackio(Encoding::Json, args.camera_id.into()),
        TrackerProtocol::OpentrackioCbor => SimProtocol::opentrackio(Encoding::Cbor, args.camera_id.into()),
        TrackerProtocol::Osc => SimProtocol::Osc { address: args.address.clone() },
    };
    let faults = Faults {
        loss: args.loss,
        jitter_nanos: nanos(args.jitter_ms * 1e-3),
        reorder: args.reorder,
        garbage: args.garbage,
        dropout_every_nanos: args.dropout_every.map(nanos),
        dropout_for_nanos: nanos(args.dropout_for),
    };
    SimOptions { seed: args.seed, interface: args.interface, faults, ..SimOptions::new(protocol, args.to, args.rate) }
}

fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}
