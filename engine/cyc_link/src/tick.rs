//! The stage's beat from the machine's own clock.

use cyc_core::{Clock, Rate, StageTime, Tick, TickSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Beats on a clock: frame n is at `origin + n / rate`, computed anew for each frame, so nothing drifts.
///
/// A caller that comes late by less than a frame gets its beat at once; one that comes later gets the newest
/// beat that has passed, with the count of those it missed.
pub struct InternalTicks {
    clock: Arc<dyn Clock>,
    rate: Rate,
    origin: StageTime,
    next: u64,
    limit: Option<u64>,
    stop: TickStop,
}

/// Ends an [`InternalTicks`] from another thread or a signal handler.
#[derive(Debug, Clone, Default)]
pub struct TickStop(Arc<AtomicBool>);

impl TickStop {
    /// The wait in progress still returns its beat; the next one returns `None`.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`TickStop::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl InternalTicks {
    /// Beats of `rate` on `clock`, frame 0 at `origin`.
    pub fn new(clock: Arc<dyn Clock>, rate: Rate, origin: StageTime) -> Self {
        Self { clock, rate, origin, next: 0, limit: None, stop: TickStop::default() }
    }

    /// Ends after frame `frames - 1`.
    pub fn with_limit(mut self, frames: u64) -> Self {
        self.limit = Some(frames);
        self
    }

    /// A handle that ends this source.
    pub fn stop_handle(&self) -> TickStop {
        self.stop.clone()
    }

    /// The ideal instant of `frame`.
    pub fn ideal(&self, frame: u64) -> StageTime {
        self.origin.plus_nanos(self.rate.nanos_of_frame(frame))
    }

    /// The beat to deliver at `now`: the next one, or the newest that has passed. A beat's rounded instant may
    /// lie half a nanosecond before its exact one, hence the comparison with the instants as they are given out.
    fn due(&self, now: StageTime) -> u64 {
        let newest = self.rate.frame_at_nanos(now.nanos_since(self.origin));
        let newest = if self.ideal(newest + 1) <= now { newest + 1 } else { newest };
        newest.max(self.next)
    }
}

impl TickSource for InternalTicks {
    fn wait(&mut self) -> Option<Tick> {
        let frame = self.due(self.clock.now());
        if self.stop.is_stopped() || self.limit.is_some_and(|limit| frame >= limit) {
            return None;
        }
        let ideal = self.ideal(frame);
        self.clock.sleep_until(ideal);
        let missed = frame - self.next;
        self.next = frame + 1;
        Some(Tick { actual: self.clock.now(), missed, ..Tick::on_time(frame, ideal) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeClock;

    fn ticks(rate: &str, origin: i64) -> (Arc<FakeClock>, InternalTicks) {
        let clock = Arc::new(FakeClock::at(StageTime(0)));
        let ticks = InternalTicks::new(clock.clone(), rate.parse().unwrap(), StageTime(origin));
        (clock, ticks)
    }

    #[test]
    fn beats_lie_on_the_exact_grid_for_a_day() {
        let (clock, mut ticks) = ticks("24000/1001", 1_000_000_000);
        for frame in [0_u64, 1, 5, 24_000, 2_071_872] {
            clock.set(ticks.ideal(frame).plus_nanos(-1));
            // The beat before it is the newest that has passed.
            if frame > 1 {
                assert_eq!(ticks.wait().unwrap().frame, frame - 1);
            }
            let tick = ticks.wait().unwrap();
            assert_eq!(tick.frame, frame);
            let exact = 1_000_000_000 + (u128::from(frame) * 1001 * 1_000_000_000 + 12_000) / 24_000;
            assert_eq!(i128::from(tick.ideal.0), exact as i128);
            assert_eq!(tick.actual, tick.ideal);
        }
    }

    #[test]
    fn late_within_a_frame_is_delivered_at_once_and_nothing_is_missed() {
        let (clock, mut ticks) = ticks("25", 0);
        assert_eq!(ticks.wait(), Some(Tick::on_time(0, StageTime(0))));
        clock.set(StageTime(79_999_999));
        let tick = ticks.wait().unwrap();
        assert_eq!((tick.frame, tick.missed), (1, 0));
        assert_eq!((tick.ideal, tick.actual), (StageTime(40_000_000), StageTime(79_999_999)));
    }

    #[test]
    fn missed_beats_are_counted_and_the_number_advances_by_the_real_count() {
        for rate in ["25", "24000/1001", "30000/1001", "60000/1001", "120"] {
            let (clock, mut ticks) = ticks(rate, 0);
            let mut seen = 0;
            for jump in [1, 0, 5, 2, 100, 0, 0, 1] {
                let first = ticks.wait().unwrap();
                seen += 1 + first.missed;
                assert_eq!(first.frame + 1, seen, "every beat is delivered or counted ({rate})");
                clock.set(ticks.ideal(first.frame + jump));
                assert!(jump == 0 || ticks.due(clock.now()) == first.frame + jump, "{rate}, jump {jump}");
            }
        }
    }

    #[test]
    fn before_the_origin_the_first_beat_is_waited_for() {
        let (clock, mut ticks) = ticks("24", 5_000_000_000);
        let tick = ticks.wait().unwrap();
        assert_eq!((tick.frame, tick.missed, tick.actual), (0, 0, StageTime(5_000_000_000)));
        assert_eq!(clock.now(), StageTime(5_000_000_000));
    }

    #[test]
    fn a_source_ends_at_its_limit_or_when_stopped() {
        let (_, source) = ticks("24", 0);
        let mut source = source.with_limit(2);
        assert_eq!(std::iter::from_fn(|| source.wait()).count(), 2);
        let (_, mut source) = ticks("24", 0);
        assert!(source.wait().is_some());
        source.stop_handle().stop();
        assert_eq!(source.wait(), None);
    }
}
