//! Adds up what the test programs of one run say of themselves.

use std::fmt;

/// The sum over all `test result:` lines, and the names of the tests that failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were ignored.
    pub skipped: u64,
    /// Test programs that ended with a result.
    pub programs: u64,
    /// Names of failed tests, in the order in which they were reported.
    pub failed_names: Vec<String>,
}

impl Tally {
    /// Takes one line of a test program's standard output, as libtest and libtest-mimic write it.
    pub fn take(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.programs += 1;
            // "ok. 3 passed; 0 failed; 1 ignored; ...": the word before the first count is no field.
            let counts = counts.split_once(". ").map_or(counts, |(_, fields)| fields);
            for field in counts.split(';') {
                self.take_field(field.trim());
            }
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.trim_end().strip_suffix("FAILED")) {
            let name = name.trim_end().trim_end_matches("...").trim_end();
            self.failed_names.push(name.to_owned());
        }
    }

    fn take_field(&mut self, field: &str) {
        let Some((count, word)) = field.split_once(' ') else { return };
        let Ok(count) = count.parse::<u64>() else { return };
        match word {
            "passed" => self.passed += count,
            "failed" => self.failed += count,
            "ignored" => self.skipped += count,
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.take(line));
        tally
    }

    #[test]
    fn sums_all_programs() {
        let tally = tally(
            "running 2 tests\n\
             test a ... ok\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test result: ok. 40 passed; 0 failed; 1 ignored; 7 measured; 9 filtered out; finished in 1.25s\n",
        );
        assert_eq!((tally.passed, tally.failed, tally.skipped, tally.programs), (42, 0, 1, 2));
        assert_eq!(tally.to_string(), "42 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn failures_are_counted_and_named() {
        let tally = tally(
            "test poses::blend ... FAILED\n\
             test wall::corner  ... FAILED\n\
             test wall::edge ... ok\n\
             test src/lib.rs - Rate (line 7) ... FAILED\n\
             test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        assert_eq!((tally.passed, tally.failed), (1, 3));
        assert_eq!(tally.failed_names, ["poses::blend", "wall::corner", "src/lib.rs - Rate (line 7)"]);
        assert_eq!(tally.to_string(), "1 passed, 3 failed");
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(tally("running 3 tests\n\ntest it ... ok\nthe test result: 9 passed; 9 failed\n"), Tally::default());
    }
}
