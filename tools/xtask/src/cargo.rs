//! Cargo calls inside this one, and the folder that they build into.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead, BufReader, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::machine::{find_command, is_ci};
use crate::steps::{Failed, say};
use crate::tally::Tally;

/// Names, inside the build folder, the clone whose crates were built there last.
const OWNER_FILE: &str = "cyclorama-clone";

/// Calls cargo in the workspace, with everything built in one shared folder.
pub struct Cargo {
    program: OsString,
    root: PathBuf,
    target: PathBuf,
}

impl Cargo {
    /// The cargo that runs this program, on the workspace it was built from.
    pub fn new() -> Self {
        // Asked while running: a build folder that clones share may hold the other clone's build of this program.
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        // `tools/xtask` lies two folders below the workspace.
        let root = Path::new(&package).ancestors().nth(2).unwrap_or(Path::new("."));
        let here = env::current_dir().unwrap_or_else(|_| root.to_owned());
        let target = target_folder(env::var_os("CARGO_TARGET_DIR"), env::var_os("HOME"), root, &here);
        Self { program: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), root: root.to_owned(), target }
    }

    /// Makes the build folder this clone's own: where another clone built last, its crates are forgotten and the
    /// third-party ones kept.
    ///
    /// Cargo names a workspace's crates alike in every clone and takes whatever is newer than the sources for up
    /// to date, so that one clone would otherwise run what was built from the other.
    ///
    /// # Errors
    /// When the folder cannot be written or cleaned.
    pub fn claim_target(&self) -> Result<(), Failed> {
        let owner = self.target.join(OWNER_FILE);
        let me = self.root.to_string_lossy();
        if fs::read_to_string(&owner).is_ok_and(|found| found == me) {
            return Ok(());
        }
        if self.target.join("debug").exists() {
            say("this build folder was not this clone's; building the crates of this one anew");
            self.run(&["clean", "--quiet", "--workspace"])?;
        }
        let written = fs::create_dir_all(&self.target).and_then(|()| fs::write(&owner, me.as_bytes()));
        written.map_err(|error| Failed(format!("{} cannot be written: {error}", owner.display())))
    }

    /// Runs cargo with its output shown as it comes.
    ///
    /// # Errors
    /// When cargo cannot be started or ends with anything but success.
    pub fn run(&self, args: &[&str]) -> Result<(), Failed> {
        let status = self.command(args).status().map_err(|error| self.not_started(&error))?;
        verdict(args, status)
    }

    /// Runs cargo with its output shown as it comes, and adds its test results to `tally`.
    ///
    /// # Errors
    /// As [`Cargo::run`], and when a test program ended without a result.
    pub fn run_counting(&self, args: &[&str], tally: &mut Tally) -> Result<(), Failed> {
        let mut command = self.command(args);
        if is_ci() {
            // There a software driver has been installed, so that "no adapter" is an error in the set-up.
            command.env("CYCLORAMA_REQUIRE_GPU", "1");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| self.not_started(&error))?;
        if let Some(output) = child.stdout.take() {
            copy_and_count(output, &mut stdout().lock(), tally);
        }
        let status = child.wait().map_err(|error| self.not_started(&error))?;
        verdict(args, status)
    }

    /// Makes sure that the toolchain has these rustup components.
    ///
    /// # Errors
    /// When one is missing and rustup cannot add it.
    pub fn need_components(&self, components: &[&str]) -> Result<(), Failed> {
        let missing: Vec<&str> = components.iter().copied().filter(|name| !self.has_component(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let by_hand = format!("rustup component add {}", missing.join(" "));
        if find_command("rustup").is_none() {
            return Err(Failed(format!("this toolchain lacks {}; with rustup: {by_hand}", missing.join(" and "))));
        }
        say(format_args!("$ {by_hand}"));
        let added = Command::new("rustup").args(["component", "add"]).args(&missing).current_dir(&self.root).status();
        match added {
            Ok(status) if status.success() => Ok(()),
            _ => Err(Failed(format!("`{by_hand}` did not succeed; is there a network?"))),
        }
    }

    fn has_component(&self, name: &str) -> bool {
        let subcommand = if name == "rustfmt" { "fmt" } else { name };
        let output = self.command(&[subcommand, "--version"]).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Turns this process into a built program, so that signals and exit code are the program's own.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn become_program(&self, name: &str, call: &str, args: &[OsString]) -> Result<ExitCode, Failed> {
        let file = self.target.join("debug").join(name).with_extension(env::consts::EXE_EXTENSION);
        let mut command = Command::new(&file);
        command.arg(call).args(args);
        if env::var_os("XDG_RUNTIME_DIR").is_none() {
            // Without a desktop session, Mesa's choice among several GPUs asks Wayland and prints errors that are none.
            command.env("NODEVICE_SELECT", "1");
        }
        let shown: String = args.iter().map(|arg| format!(" {}", arg.display())).collect();
        say(format_args!("$ {} {call}{shown}", file.display()));
        become_command(command).map_err(|error| Failed(format!("{} could not be started: {error}", file.display())))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // `cargo run` describes this package to its program; a build inside must not take that for its own.
        for (name, _) in env::vars_os().filter(|(name, _)| describes_this_package(name)) {
            command.env_remove(name);
        }
        command
    }

    fn not_started(&self, error: &io::Error) -> Failed {
        Failed(format!("{} could not be run: {error}", self.program.display()))
    }
}

#[cfg(unix)]
fn become_command(mut command: Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Returns only where it failed.
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_command(mut command: Command) -> io::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

fn describes_this_package(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

fn target_folder(chosen: Option<OsString>, home: Option<OsString>, root: &Path, here: &Path) -> PathBuf {
    let set = |value: Option<OsString>| value.filter(|value| !value.is_empty());
    match (set(chosen), set(home)) {
        // Cargo reads a relative folder from where it was called; the calls inside are made from the root.
        (Some(chosen), _) => here.join(chosen),
        (None, Some(home)) => Path::new(&home).join(".cache/cyclorama/target"),
        (None, None) => root.join("target"),
    }
}

fn verdict(args: &[&str], status: ExitStatus) -> Result<(), Failed> {
    if status.success() { Ok(()) } else { Err(Failed(format!("`cargo {}` ended with {status}", args.join(" ")))) }
}

/// Passes output on line by line. A sink that takes no more stops the passing on, never the counting.
fn copy_and_count(output: impl io::Read, sink: &mut impl Write, tally: &mut Tally) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = sink.write_all(&line).and_then(|()| sink.flush());
        tally.take(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(chosen: Option<&str>, home: Option<&str>) -> PathBuf {
        target_folder(chosen.map(Into::into), home.map(Into::into), Path::new("/repo"), Path::new("/repo/docs"))
    }

    #[test]
    fn the_target_folder_is_the_chosen_one_then_the_users_then_the_workspaces() {
        assert_eq!(folder(Some("/big/disk"), Some("/h")), Path::new("/big/disk"));
        assert_eq!(folder(Some("out"), Some("/h")), Path::new("/repo/docs/out"));
        assert_eq!(folder(None, Some("/h")), Path::new("/h/.cache/cyclorama/target"));
        assert_eq!(folder(Some(""), Some("")), Path::new("/repo/target"));
        assert_eq!(folder(None, None), Path::new("/repo/target"));
    }

    #[test]
    fn output_is_counted_whatever_bytes_it_holds() {
        let mut tally = Tally::default();
        let output = b"\xff\xfe\ntest result: ok. 5 passed; 0 failed; 2 ignored\nno newline at the end";
        let mut copy = Vec::new();
        copy_and_count(&output[..], &mut copy, &mut tally);
        assert_eq!(copy, output);
        assert_eq!(tally.to_string(), "5 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn only_this_packages_description_is_kept_back() {
        assert!(describes_this_package(OsStr::new("CARGO_PKG_NAME")));
        assert!(describes_this_package(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!describes_this_package(OsStr::new("CARGO_HOME")));
        assert!(!describes_this_package(OsStr::new("CARGO_TARGET_DIR")));
    }
}
