//! A trouble that comes and goes becomes two events, not a flood.

use crate::StageTime;

/// A trouble that is back so soon after it was over never really ended, nanoseconds.
const RELAPSE_NANOS: i64 = 10_000_000_000;
/// Longest time that it must be gone, nanoseconds.
const LONGEST_HOLD_NANOS: i64 = 60_000_000_000;
/// The shortest, once it has come back, nanoseconds.
const SECOND_NANOS: i64 = 1_000_000_000;

/// Follows one trouble: it begins at once and is over when it has been gone for a while. The while doubles each time
/// the trouble is back soon, so that a flickering one becomes fewer and longer episodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Episode {
    base_nanos: i64,
    hold_nanos: i64,
    open: Option<Past>,
    ended: Option<StageTime>,
}

/// What an episode was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Past {
    /// The first bad frame.
    pub(super) since: StageTime,
    /// The last one.
    pub(super) until: StageTime,
    /// Bad frames.
    pub(super) frames: u64,
    /// The sum of their badness.
    pub(super) total: i64,
    /// The worst badness.
    pub(super) worst: i64,
}

/// What a frame changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Same,
    Began,
    Ended(Past),
}

impl Past {
    pub(super) fn lasted_nanos(&self) -> i64 {
        self.until.nanos_since(self.since)
    }
}

impl Episode {
    /// A trouble that is over once it has been gone for longer than this.
    pub(super) fn new(base_nanos: i64) -> Self {
        Self { base_nanos, hold_nanos: base_nanos, open: None, ended: None }
    }

    /// The episode that goes on.
    pub(super) fn open(&self) -> Option<&Past> {
        self.open.as_ref()
    }

    /// The next frame: how bad it is, `None` for a good one.
    pub(super) fn step(&mut self, at: StageTime, bad: Option<i64>) -> Turn {
        match (&mut self.open, bad) {
            (None, None) => Turn::Same,
            (None, Some(bad)) => {
                let relapse =
                    self.ended.is_some_and(|ended| at.nanos_since(ended) < RELAPSE_NANOS.max(self.hold_nanos));
                let doubled = (self.hold_nanos * 2).clamp(SECOND_NANOS, LONGEST_HOLD_NANOS);
                self.hold_nanos = if relapse { doubled } else { self.base_nanos };
                self.open = Some(Past { since: at, until: at, frames: 1, total: bad, worst: bad });
                Turn::Began
            }
            (Some(open), Some(bad)) => {
                open.until = at;
                open.frames += 1;
                open.total = open.total.saturating_add(bad);
                open.worst = open.worst.max(bad);
                Turn::Same
            }
            (Some(open), None) => {
                let past = *open;
                if at.nanos_since(past.until) < self.hold_nanos {
                    return Turn::Same;
                }
                self.open = None;
                self.ended = Some(at);
                Turn::Ended(past)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = SECOND_NANOS;

    /// Frames every 40 ms; `bad` says which are.
    fn turns(base: i64, frames: i64, bad: impl Fn(i64) -> bool) -> Vec<(i64, Turn)> {
        let mut episode = Episode::new(base);
        let step = |n| (n, episode.step(StageTime(n * 40_000_000), bad(n).then_some(n)));
        (0..frames).map(step).filter(|(_, turn)| *turn != Turn::Same).collect()
    }

    #[test]
    fn one_bad_frame_is_an_episode_of_one() {
        let past =
            Past { since: StageTime(400_000_000), until: StageTime(400_000_000), frames: 1, total: 10, worst: 10 };
        assert_eq!(turns(SECOND, 100, |n| n == 10), [(10, Turn::Began), (35, Turn::Ended(past))]);
        assert_eq!(turns(0, 100, |n| n == 10), [(10, Turn::Began), (11, Turn::Ended(past))]);
    }

    #[test]
    fn what_flickers_within_the_hold_is_one_episode() {
        let turns = turns(SECOND, 300, |n| (100..200).contains(&n) && n % 20 == 0);
        let Turn::Ended(past) = turns[1].1 else { panic!("{turns:?}") };
        assert_eq!((turns.len(), past.frames, past.worst, past.total), (2, 5, 180, 700));
        assert_eq!(past.lasted_nanos(), 80 * 40_000_000);
    }

    #[test]
    fn what_comes_back_every_two_seconds_for_an_hour_is_a_handful_of_events() {
        let turns = turns(0, 90_000, |n| n % 50 == 0);
        assert!(turns.len() <= 6, "{turns:?}");
    }

    #[test]
    fn what_comes_back_after_a_minute_is_told_each_time() {
        assert_eq!(turns(SECOND, 15_000, |n| n % 1500 == 0).len(), 20);
    }
}
