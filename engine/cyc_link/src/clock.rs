//! The machine's own clock as the stage clock, and kernel wall-clock stamps brought onto it.

use crate::pacer::{monotonic_nanos, sleep_until_monotonic};
use cyc_core::{Clock, StageTime};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// Two readings of the clock offset further apart than this are a step of the wall clock, in nanoseconds.
const STEP_NANOS: i64 = 1_000_000;

/// A cross-reading is used only if the stage clock was read twice within this time, in nanoseconds.
const MAX_BRACKET_NANOS: i64 = 100_000;

/// A kernel stamp older than this is not believed, in nanoseconds.
const MAX_AGE_NANOS: i64 = 1_000_000_000;

/// CLOCK_MONOTONIC as stage time: what a stage without PTP runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    fn now(&self) -> StageTime {
        StageTime(monotonic_nanos())
    }

    fn sleep_until(&self, instant: StageTime) {
        sleep_until_monotonic(instant.0);
    }
}

/// CLOCK_REALTIME in nanoseconds since 1970: what the kernel's packet stamps count in.
pub fn realtime_nanos() -> i64 {
    // The clock exists on every Linux, so a failure can only be a wrong constant; 0 keeps it visible.
    clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |t| t.num_nanoseconds())
}

/// CLOCK_REALTIME to stage time, by reading both at about the same moment.
///
/// The wall clock may be stepped or slewed at any time (NTP, an operator, a leap second), so the offset is
/// read again for every batch of packets. A stamp taken before a step and read after it cannot be brought
/// over; its packet counts as received when it was read.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealtimeMap {
    /// Stage time minus CLOCK_REALTIME in nanoseconds.
    offset_nanos: Option<i64>,
    /// Whether the newest reading differed from the one before by a step.
    stepped: bool,
}

impl RealtimeMap {
    /// Reads both clocks again and returns now; call it right after a batch of packets was taken from the socket.
    pub fn refresh(&mut self, clock: &dyn Clock) -> StageTime {
        let (before, realtime, after) = (clock.now(), realtime_nanos(), clock.now());
        self.observe(before, realtime, after);
        after
    }

    /// A cross-reading: CLOCK_REALTIME was `realtime_nanos` somewhere between `before` and `after`.
    pub fn observe(&mut self, before: StageTime, realtime_nanos: i64, after: StageTime) {
        let bracket = after.nanos_since(before);
        self.stepped = false;
        if bracket > MAX_BRACKET_NANOS && self.offset_nanos.is_some() {
            return;
        }
        let offset = before.0.saturating_add(bracket / 2).saturating_sub(realtime_nanos);
        self.stepped = self.offset_nanos.is_some_and(|old| old.abs_diff(offset) > STEP_NANOS as u64);
        self.offset_nanos = Some(offset);
    }

    /// The stage time of a kernel stamp, never later than `now`; `now` itself where the stamp cannot be
    /// trusted (no reading yet, the wall clock was stepped, or the stamp would be more than a second old).
    pub fn stage_time(&self, stamp_nanos: i64, now: StageTime) -> StageTime {
        let Some(offset) = self.offset_nanos.filter(|_| !self.stepped) else { return now };
        let stamp = StageTime(stamp_nanos.saturating_add(offset));
        if now.nanos_since(stamp) > MAX_AGE_NANOS { now } else { stamp.min(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: i64 = 1_800_000_000_000_000_000;

    #[test]
    fn sleep_until_never_returns_early() {
        let clock = MonotonicClock;
        for nanos in [-5_000_000, 0, 10_000, 200_000, 1_500_000] {
            let instant = clock.now().plus_nanos(nanos);
            clock.sleep_until(instant);
            assert!(clock.now() >= instant);
        }
    }

    #[test]
    fn stamps_between_two_monotonic_readings_map_between_them() {
        let (clock, mut map) = (MonotonicClock, RealtimeMap::default());
        let before = clock.now();
        let stamp = realtime_nanos();
        let now = map.refresh(&clock);
        let mapped = map.stage_time(stamp, now);
        assert!(mapped <= now && mapped >= before.plus_nanos(-MAX_BRACKET_NANOS), "{before:?} {mapped:?} {now:?}");
    }

    #[test]
    fn a_step_of_the_wall_clock_costs_one_batch_its_stamps_and_no_more() {
        let mut map = RealtimeMap::default();
        let at = |ms: i64| StageTime(ms * 1_000_000);
        map.observe(at(1000), T0, at(1000));
        assert_eq!(map.stage_time(T0 - 2_000_000, at(1000)), at(998));
        // One hour back, between two batches: the stamp was taken before the step.
        let stepped = T0 + 10_000_000 - 3_600_000_000_000;
        map.observe(at(1010), stepped, at(1010));
        assert_eq!(map.stage_time(T0 + 9_000_000, at(1010)), at(1010));
        map.observe(at(1020), stepped + 10_000_000, at(1020));
        assert_eq!(map.stage_time(stepped + 9_000_000, at(1020)), at(1019));
    }

    #[test]
    fn slewing_is_followed_and_a_torn_reading_is_not() {
        let mut map = RealtimeMap::default();
        map.observe(StageTime(0), T0, StageTime(0));
        map.observe(StageTime(1_000_000_000), T0 + 1_000_500_000, StageTime(1_000_000_000));
        assert_eq!(map.stage_time(T0 + 1_000_500_000, StageTime(1_000_000_000)), StageTime(1_000_000_000));
        // The thread was put aside for 10 ms between the two readings.
        map.observe(StageTime(2_000_000_000), T0 + 2_009_000_000, StageTime(2_010_000_000));
        assert_eq!(map.stage_time(T0 + 2_000_500_000, StageTime(2_010_000_000)), StageTime(2_000_000_000));
    }

    #[test]
    fn stamps_from_the_future_or_long_ago_are_now() {
        let mut map = RealtimeMap::default();
        let now = StageTime(5_000_000_000);
        assert_eq!(map.stage_time(T0, now), now);
        map.observe(now, T0, now);
        assert_eq!(map.stage_time(T0 + 1, now), now);
        assert_eq!(map.stage_time(T0 - 2_000_000_000, now), now);
        assert_eq!(map.stage_time(i64::MIN, now), now);
    }
}
