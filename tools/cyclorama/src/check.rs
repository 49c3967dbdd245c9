//! `cyclorama check`: all problems of a stage file.

use crate::{Failure, cli::CheckArgs, stage_file};
use std::process::ExitCode;

/// Prints problems and warnings; exit code 0 without problems, 2 with.
pub fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let Some(stage) = stage_file::load(&args.stage) else { return Ok(ExitCode::from(2)) };
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    println!(
        "{}: fine: \"{}\", {}, {}, {}, {}",
        args.stage.display(),
        stage.name,
        count(stage.walls.len(), "wall"),
        count(stage.cameras.len(), "camera"),
        count(stage.feeds.len(), "feed"),
        count(stage.outputs.len(), "output"),
    );
    Ok(ExitCode::SUCCESS)
}
