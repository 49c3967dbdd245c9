//! Clocks and beats for tests: time that moves only when it is told to.

use crate::tick::{InternalTicks, TickStop};
use cyc_core::{Clock, Rate, StageTime, Tick, TickSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that stands still until somebody moves it; waiting for an instant moves it there.
#[derive(Debug, Default)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// A clock that shows `now`.
    pub fn at(now: StageTime) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock to `now`, forwards or back.
    pub fn set(&self, now: StageTime) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves the clock by `nanos`.
    pub fn advance(&self, nanos: i64) {
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> StageTime {
        StageTime(self.0.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, instant: StageTime) {
        self.0.fetch_max(instant.0, Ordering::SeqCst);
    }
}

/// Beats on a [`FakeClock`]: every wait jumps to the next beat, and moving the clock between makes it miss some.
pub struct ManualTicks {
    clock: Arc<FakeClock>,
    ticks: InternalTicks,
}

impl ManualTicks {
    /// `frames` beats of `rate`, frame 0 at stage time 0.
    pub fn new(rate: Rate, frames: u64) -> Self {
        let clock = Arc::new(FakeClock::default());
        let ticks = InternalTicks::new(clock.clone(), rate, StageTime(0)).with_limit(frames);
        Self { clock, ticks }
    }

    /// The clock the beats run on.
    pub fn clock(&self) -> Arc<FakeClock> {
        self.clock.clone()
    }

    /// A handle that ends the source.
    pub fn stop_handle(&self) -> TickStop {
        self.ticks.stop_handle()
    }
}

impl TickSource for ManualTicks {
    fn wait(&mut self) -> Option<Tick> {
        self.ticks.wait()
    }
}
