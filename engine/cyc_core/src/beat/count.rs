//! Which tick is delivered next: numbers that never repeat and are never left out in silence.

use super::Beat;
use crate::{StageTime, Tick};

/// Numbers the ticks that are delivered, whatever the beat under it does.
///
/// A beat may be slewed, set forward or back, and the clock under it may step. Each call to [`Counter::next`] gives a
/// number exactly `1 + missed` above the one before, and never one whose tick would be more than two frames ahead.
/// Where the beat jumped, numbers and the beat's own frames part by [`Counter::shift`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    last: Option<Due>,
    shift: i64,
}

/// The tick to deliver next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub frame: u64,
    /// Its ideal instant: sleep until then. It has passed if the caller is late.
    pub ideal: StageTime,
    /// Numbers left out between the tick before and this one, because their instants had passed.
    pub missed: u64,
    /// By how much [`Counter::shift`] changed with this tick; 0 unless the beat or its clock jumped.
    pub rebased: i64,
}

impl Due {
    /// The tick as it is handed on, noticed at `actual`.
    pub fn tick(self, beat: &impl Beat, actual: StageTime) -> Tick {
        let Due { frame, ideal, missed, .. } = self;
        Tick { actual, missed, sync: beat.sync(actual), ..Tick::on_time(frame, ideal) }
    }
}

impl Counter {
    /// Has delivered nothing; the first tick is the first one that begins at or after the first `now`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tick numbers minus the beat's own frames.
    pub fn shift(&self) -> i64 {
        self.shift
    }

    /// The tick to deliver at or after `now`; it counts as delivered from here on.
    ///
    /// That is the one after the last, or, when its successor has begun already, the newest that has begun.
    pub fn next(&mut self, beat: &impl Beat, now: StageTime) -> Due {
        let due = match self.last {
            None => first(beat, now),
            Some(last) => self.after(last, beat, now),
        };
        self.shift = self.shift.wrapping_add(due.rebased);
        self.last = Some(due);
        due
    }

    fn after(&self, last: Due, beat: &impl Beat, now: StageTime) -> Due {
        let (mut slot, mut ideal) = self.successor(last, beat);
        if ideal.nanos_since(now) > 2 * beat.rate().frame_nanos() {
            // The clock was set back, or the beat ahead: waiting would stop the stage.
            slot = slot_after(beat, now);
            ideal = beat.ideal(slot);
        }
        let newest = if ideal > now { slot } else { beat.frame_at(now).max(slot) };
        let ideal = if newest == slot { ideal } else { beat.ideal(newest) };
        let missed = newest - slot;
        let frame = last.frame.saturating_add(1).saturating_add(missed);
        let shift = frame.wrapping_sub(newest) as i64;
        Due { frame, ideal, missed, rebased: shift.wrapping_sub(self.shift) }
    }

    /// The beat's frame that follows the last tick: the first that begins at least half a frame later.
    fn successor(&self, last: Due, beat: &impl Beat) -> (u64, StageTime) {
        let period = beat.rate().frame_nanos();
        let usual = last.frame.wrapping_sub(self.shift as u64).saturating_add(1);
        let ideal = beat.ideal(usual);
        if (period / 2 + 1..period / 4 * 5).contains(&ideal.nanos_since(last.ideal)) {
            return (usual, ideal);
        }
        let slot = slot_after(beat, last.ideal.plus_nanos(period / 2));
        (slot, beat.ideal(slot))
    }
}

fn first(beat: &impl Beat, now: StageTime) -> Due {
    let frame = slot_after(beat, now.plus_nanos(-1));
    Due { frame, ideal: beat.ideal(frame), missed: 0, rebased: 0 }
}

/// The first frame that begins after `instant`.
fn slot_after(beat: &impl Beat, instant: StageTime) -> u64 {
    let running = beat.frame_at(instant);
    if beat.ideal(running) > instant { running } else { running.saturating_add(1) }
}
