//! Numbered steps with their time.

use std::fmt;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

/// Why a step did not succeed, in words for the person who typed the command.
#[derive(Debug)]
pub struct Failed(pub String);

/// Writes one line to standard output. Whoever closed it (`| head`) wants no more lines, and no complaint either.
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// Announces steps as `[2/4] clippy` and says how long each took.
pub struct Steps {
    count: usize,
    current: usize,
    began: Instant,
}

impl Steps {
    /// Starts counting `count` steps.
    pub fn new(count: usize) -> Self {
        Self { count, current: 0, began: Instant::now() }
    }

    /// Says that the next step begins.
    pub fn announce(&mut self, name: &str) {
        self.current += 1;
        say(format_args!("[{}/{}] {name} ...", self.current, self.count));
    }

    /// Announces a step, runs it and says how it ended and how long it took.
    ///
    /// # Errors
    /// What the step itself returned.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
        self.announce(name);
        let began = Instant::now();
        let outcome = step();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        say(format_args!("[{}/{}] {name}: {word} after {}", self.current, self.count, Elapsed(began.elapsed())));
        outcome
    }

    /// Time since the first step was made ready.
    pub fn total(&self) -> impl fmt::Display {
        Elapsed(self.began.elapsed())
    }
}

struct Elapsed(Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 59.95 { write!(f, "{seconds:.1} s") } else { write!(f, "{:.1} min", seconds / 60.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_changes_its_unit_at_a_minute() {
        assert_eq!(Elapsed(Duration::from_millis(3_240)).to_string(), "3.2 s");
        assert_eq!(Elapsed(Duration::from_secs(90)).to_string(), "1.5 min");
    }
}
