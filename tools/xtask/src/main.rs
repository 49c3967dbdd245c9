//! `cargo xtask`: sets a machine up, starts the demo, runs every test.
//!
//! Map: [`machine`] (what this machine has), [`needs`] (which packages it lacks), [`apt`] (getting them),
//! [`cargo`] (calls inside this one), [`steps`] (numbered progress), [`tally`] (adding up test results).
//!
//! Invariant: a second run on a machine that is set up changes nothing and asks the network for nothing.

mod apt;
mod cargo;
mod machine;
mod needs;
mod steps;
mod tally;

use std::ffi::OsString;
use std::process::ExitCode;

use cargo::Cargo;
use machine::RealMachine;
use needs::Purpose;
use steps::{Failed, Steps, say};

const HELP: &str = "\
cargo xtask demo [ARGS...]   set up what is missing, build, start the demo stage; ARGS go to `cyclorama demo`
cargo xtask test             set up what is missing, then formatting, lints, every test and doc test
cargo xtask setup            only set up what is missing
cargo xtask help             this text

Builds go to $CARGO_TARGET_DIR, or to ~/.cache/cyclorama/target where it is not set.
Missing Debian and Ubuntu packages are installed through apt, with sudo where you are not root.
With CI=true a test that finds no graphics adapter fails; without, it is reported as ignored.";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let command = args.next().unwrap_or_else(|| "help".into());
    let rest: Vec<OsString> = args.collect();
    let outcome = match (command.to_str(), rest.is_empty()) {
        (Some("demo"), _) => demo(rest),
        (Some("test"), true) => test(),
        (Some("setup"), true) => setup(),
        (Some("help" | "--help" | "-h"), _) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("error: no such call: cargo xtask {}\n\n{HELP}", command.to_string_lossy());
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(Failed(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn setup() -> Result<ExitCode, Failed> {
    let mut steps = Steps::new(1);
    steps.run("set-up", || apt::set_up(&RealMachine::look(), Purpose::Test))?;
    Ok(ExitCode::SUCCESS)
}

fn demo(mut args: Vec<OsString>) -> Result<ExitCode, Failed> {
    if args.first().is_some_and(|first| first == "--") {
        args.remove(0);
    }
    let headless = args.iter().any(|arg| arg == "--headless") || !machine::has_display();
    let purpose = if headless { Purpose::Headless } else { Purpose::Windows };
    let cargo = Cargo::new();
    let mut steps = Steps::new(3);
    steps.run("set-up", || {
        apt::set_up(&RealMachine::look(), purpose)?;
        cargo.claim_target()
    })?;
    steps.run("build (the first one takes minutes)", || cargo.run(&["build", "--package", "cyclorama"]))?;
    steps.announce("demo");
    cargo.become_program("cyclorama", "demo", &args)
}

/// Runs every check, also after one of them failed: whoever waits for the tests of a whole workspace wants to
/// know all that is wrong. The last line is the sum over all test programs.
fn test() -> Result<ExitCode, Failed> {
    let cargo = Cargo::new();
    let mut steps = Steps::new(5);
    steps.run("set-up", || {
        apt::set_up(&RealMachine::look(), Purpose::Test)?;
        cargo.need_components(&["rustfmt", "clippy"])?;
        cargo.claim_target()
    })?;
    let mut failed = Vec::new();
    let mut check = |name: &str, outcome: Result<(), Failed>| {
        if let Err(Failed(message)) = outcome {
            eprintln!("error: {message}");
            failed.push(name.to_owned());
        }
    };
    check("rustfmt", steps.run("rustfmt", || cargo.run(&["fmt", "--all", "--check"])));
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    check("clippy", steps.run("clippy (all targets, warnings are errors)", || cargo.run(&clippy)));
    // The renderer's tests run the program itself.
    check("program", steps.run("the program", || cargo.run(&["build", "--package", "cyclorama"])));
    let mut tally = tally::Tally::default();
    let tests = ["test", "--workspace", "--no-fail-fast"];
    check("tests", steps.run("tests and doc tests", || cargo.run_counting(&tests, &mut tally)));

    say(format_args!("\nall steps took {}", steps.total()));
    for name in &tally.failed_names {
        say(format_args!("failed test: {name}"));
    }
    if !failed.is_empty() {
        say(format_args!("failed steps: {}", failed.join(", ")));
    }
    say(&tally);
    Ok(if failed.is_empty() && tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
