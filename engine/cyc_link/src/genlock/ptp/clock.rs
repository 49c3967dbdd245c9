//! TAI as stage time: CLOCK_MONOTONIC and a line that is bent, never broken.

use crate::pacer::{monotonic_nanos, sleep_until_monotonic};
use cyc_core::{Clock, StageTime};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// A straight piece of stage time over CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Where it begins, CLOCK_MONOTONIC in nanoseconds.
    pub monotonic_nanos: i64,
    /// What the stage clock shows there, nanoseconds.
    pub stage_nanos: i64,
    /// By how much the stage clock runs faster, parts per trillion.
    pub skew_ppt: i64,
}

const TRILLION: i128 = 1_000_000_000_000;

impl Line {
    /// Stage time at an instant of CLOCK_MONOTONIC, nanoseconds.
    pub fn stage_at(self, monotonic_nanos: i64) -> i64 {
        let passed = monotonic_nanos.saturating_sub(self.monotonic_nanos);
        let gained = i128::from(passed) * i128::from(self.skew_ppt) / TRILLION;
        self.stage_nanos.saturating_add(passed).saturating_add(gained as i64)
    }

    /// The first instant of CLOCK_MONOTONIC at which the stage clock shows `stage_nanos`.
    pub fn monotonic_at(self, stage_nanos: i64) -> i64 {
        let passed = i128::from(stage_nanos) - i128::from(self.stage_nanos);
        let speed = TRILLION + i128::from(self.skew_ppt);
        let monotonic = i128::from(self.monotonic_nanos) + passed * TRILLION / speed;
        monotonic.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

/// The stage clock of a stage on PTP. Readers never wait, not even for a writer that was put aside in mid-write: there
/// are two lines, and the writer fills the one that nobody is told to read.
#[derive(Debug, Default)]
pub struct PtpClock {
    lines: [[AtomicI64; 3]; 2],
    /// How often a line was published; its lowest bit is the line to read.
    published: AtomicUsize,
}

impl PtpClock {
    /// A clock on this line.
    pub fn new(line: Line) -> Self {
        let clock = Self::default();
        clock.publish(line);
        clock
    }

    /// Readers follow `line` from now on. One thread writes.
    pub fn publish(&self, line: Line) {
        let next = self.published.load(Ordering::SeqCst).wrapping_add(1);
        let values = [line.monotonic_nanos, line.stage_nanos, line.skew_ppt];
        for (cell, value) in self.lines[next & 1].iter().zip(values) {
            cell.store(value, Ordering::SeqCst);
        }
        self.published.store(next, Ordering::SeqCst);
    }

    /// The line that holds now.
    pub fn line(&self) -> Line {
        loop {
            let published = self.published.load(Ordering::SeqCst);
            let [monotonic_nanos, stage_nanos, skew_ppt] =
                std::array::from_fn(|n| self.lines[published & 1][n].load(Ordering::SeqCst));
            // The writer touches this line only after it has published the other one.
            if self.published.load(Ordering::SeqCst) == published {
                return Line { monotonic_nanos, stage_nanos, skew_ppt };
            }
        }
    }
}

impl Clock for PtpClock {
    fn now(&self) -> StageTime {
        StageTime(self.line().stage_at(monotonic_nanos()))
    }

    fn sleep_until(&self, instant: StageTime) {
        // The line may be bent meanwhile.
        while self.now() < instant {
            sleep_until_monotonic(self.line().monotonic_at(instant.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAI: i64 = 1_800_000_000_000_000_000;

    #[test]
    fn a_line_and_its_inverse_agree_to_the_nanosecond_for_days() {
        for skew_ppt in [0, 50_000_000, -50_000_000, 1_000_000_000, -1_000_000_000, 1] {
            let line = Line { monotonic_nanos: 5_000_000_000, stage_nanos: TAI, skew_ppt };
            for passed in [0, 1, 41_666_667, 3_600_000_000_000, 260_000_000_000_000, -7_000_000_001] {
                let monotonic = line.monotonic_nanos + passed;
                assert!((line.monotonic_at(line.stage_at(monotonic)) - monotonic).abs() <= 1, "{skew_ppt} {passed}");
            }
        }
        let fast = Line { monotonic_nanos: 0, stage_nanos: 0, skew_ppt: 100_000_000 };
        assert_eq!(fast.stage_at(1_000_000_000), 1_000_100_000, "100 ppm");
        assert_eq!(Line::default().stage_at(i64::MAX), i64::MAX);
        assert_eq!(fast.monotonic_at(i64::MAX), 9_222_449_791_875_588_248);
    }

    #[test]
    fn readers_see_whole_lines_while_one_is_written() {
        let clock = PtpClock::new(Line { monotonic_nanos: 0, stage_nanos: 0, skew_ppt: 0 });
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..20_000 {
                    clock.publish(Line { monotonic_nanos: n, stage_nanos: n, skew_ppt: n });
                }
            });
            let mut last = 0;
            while last < 19_999 {
                let line = clock.line();
                assert_eq!((line.monotonic_nanos, line.stage_nanos), (line.skew_ppt, line.skew_ppt));
                assert!(line.skew_ppt >= last);
                last = line.skew_ppt;
            }
        });
    }

    #[test]
    fn a_sleep_ends_at_its_instant_on_the_bent_clock() {
        let begins = monotonic_nanos();
        for skew_ppt in [0, 1_000_000_000, -1_000_000_000] {
            let clock = PtpClock::new(Line { monotonic_nanos: begins, stage_nanos: TAI, skew_ppt });
            let instant = clock.now().plus_nanos(2_000_000);
            clock.sleep_until(instant);
            assert!(clock.now() >= instant);
            clock.sleep_until(StageTime(0));
        }
    }
}
