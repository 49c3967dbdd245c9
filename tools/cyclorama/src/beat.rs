//! The stage's beat with a warm-up before it: the first frames compile pipelines and do not count.

use cyc_core::{Clock, Rate, Tick, TickSource};
use cyc_link::tick::{InternalTicks, TickStop};
use std::sync::Arc;

/// Frames before the beat starts. The first compiles every pipeline, the others show how fast this machine draws.
pub const WARM_UP_FRAMES: u32 = 10;

/// Delivers [`WARM_UP_FRAMES`] beats numbered 0 at once, then the internal beat from a frame later on.
pub struct WarmTicks {
    clock: Arc<dyn Clock>,
    rate: Rate,
    warm: u32,
    ticks: Option<InternalTicks>,
    stop: TickStop,
}

impl WarmTicks {
    /// On `clock`; `stop` ends it.
    pub fn new(clock: Arc<dyn Clock>, rate: Rate, stop: TickStop) -> Self {
        Self { clock, rate, warm: 0, ticks: None, stop }
    }
}

impl TickSource for WarmTicks {
    fn wait(&mut self) -> Option<Tick> {
        if self.stop.is_stopped() {
            return None;
        }
        let now = self.clock.now();
        if self.warm < WARM_UP_FRAMES {
            self.warm += 1;
            return Some(Tick::on_time(0, now));
        }
        let origin = now.plus_nanos(self.rate.frame_nanos());
        let (clock, rate) = (&self.clock, self.rate);
        self.ticks.get_or_insert_with(|| InternalTicks::new(clock.clone(), rate, origin)).wait()
    }
}
