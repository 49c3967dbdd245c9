//! Cyclorama: a real-time controller for LED stages.
//!
//! Map: [`cli`] (what can be asked for), [`check`], [`run`], [`render`], [`demo`], [`doctor`], [`calibrate`], [`sim`]
//! (one file a command),
//! [`stage_file`] and [`environment`] (reading files), [`app`] (the Bevy app), [`beat`] (the warm-up), [`commands`] (what happens on a stated
//! frame), [`watch`] (events, and what is given up),
//! [`sync_status`] (beat and feeds for the desk),
//! [`live`] (where live frames go), [`pictures`] (PNG and EXR), [`summary`] (what a run amounted to), [`windows`]
//! (output windows), [`preview`] (preview scale on slow machines).
//!
//! Invariant: a command that fails says what and where, and leaves nothing half-started.

mod app;
mod beat;
mod calibrate;
mod check;
mod cli;
mod commands;
mod demo;
mod doctor;
mod environment;
mod live;
mod pictures;
mod preview;
mod render;
mod run;
mod sim;
mod stage_file;
mod summary;
mod sync_status;
mod watch;
mod windows;

use clap::Parser;
use std::process::ExitCode;

/// Why a command failed: what to print and the exit code that interfaces promise.
struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// Bad input: exit code 2.
    fn input(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// Trouble at run time: exit code 1.
    fn run_time(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 1, error: error.into() }
    }
}

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Check(args) => check::check(&args),
        cli::Command::Run(args) => run::run(&args),
        cli::Command::Render(args) => render::render(&args),
        cli::Command::Demo(args) => demo::demo(&args),
        cli::Command::Doctor(args) => doctor::doctor(&args),
        cli::Command::Calibrate(cli::Calibrate::Delay(delay)) => calibrate::delay(&delay),
        cli::Command::Sim(cli::Sim::Tracker(args)) => sim::tracker(&args),
        cli::Command::Sim(cli::Sim::Genlock(args)) => sim::genlock(&args),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    }
}
