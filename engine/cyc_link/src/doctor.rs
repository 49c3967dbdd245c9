//! What this machine can do for a stage, as lines an operator can act on.
//!
//! Every check is done by asking the machine, not by believing a configuration: a port is bound, a real-time priority
//! is taken, a stamp is received, a PTP daemon is asked. Nothing is changed, and nothing stays open. What a stage file
//! does not ask for is listed and never wrong.

mod clocks;
mod cpu;
mod devices;
mod network;

use cyc_stage::stage::Stage;
use std::fmt;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be, or not asked for.
    Good,
    /// It works, and not as well as it could.
    Poor,
    /// The stage asks for it, and it is not there.
    Missing,
}

/// One line about this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, two or three words.
    pub name: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What there is.
    pub found: String,
    /// What to do, where something can be done.
    pub fix: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn good(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Good, found: found.into(), fix: None }
    }

    /// It works, and not as well as it could.
    pub fn poor(name: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Poor, found: found.into(), fix: Some(fix.into()) }
    }

    /// It is not there.
    pub fn missing(name: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Missing, found: found.into(), fix: Some(fix.into()) }
    }
}

impl fmt::Display for Check {
    /// One line, and the fix indented under it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::Poor => "poor",
            Verdict::Missing => "missing",
        };
        write!(f, "{verdict:<8} {:<20} {}", self.name, self.found)?;
        self.fix.as_ref().map_or(Ok(()), |fix| write!(f, "\n{:29} fix: {fix}", ""))
    }
}

/// Everything about this machine but its GPU, and what `stage` asks of it. Takes a second or two: a PTP daemon that
/// does not answer is waited for.
pub fn machine_checks(stage: Option<&Stage>) -> Vec<Check> {
    let mut checks = clocks::checks(stage);
    checks.extend(cpu::checks(stage));
    checks.extend(network::checks(stage));
    checks.extend(devices::checks(stage));
    checks
}

/// Whether every check is good: exit code 0.
pub fn all_good(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.verdict == Verdict::Good)
}

/// A file of one line, such as those in /proc and /sys; `None` where it cannot be read.
fn line(path: impl AsRef<std::path::Path>) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// Names in a folder, in order; none where it cannot be read.
fn names(folder: impl AsRef<std::path::Path>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A list in words.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
