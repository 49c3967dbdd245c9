//! The beat: how a stage's frames follow a source of ticks, and how well they do just now.
//!
//! Map: `line` (frame numbers to instants), `collect` (the first pulses of a source), `track` (the delay-locked
//! loop), `tally` and `claim` (what a source counts and says of itself), `follow` ([`BeatLoop`]: all of it, with states), `aligned` ([`AlignedBeat`]:
//! frames by arithmetic on a TAI clock), `count` ([`Counter`]: which tick is delivered next), `watch` ([`Watch`]: does
//! a clock move that says it is locked), `event` ([`BeatEvent`]: what an operator must hear of).
//!
//! A frame thread takes in what its source heard, hands on what happened, asks which tick is next, sleeps and delivers:
//!
//! ```
//! use cyc_core::beat::{BeatLoop, Counter, Jitter};
//! use cyc_core::{LockState, Rate, StageTime};
//!
//! let rate = Rate::new(25, 1).ok_or("no rate")?;
//! let mut beat = BeatLoop::new(rate, rate, Jitter::Symmetric, StageTime(3_000_000))?;
//! let (mut counter, mut now, mut frame) = (Counter::new(), StageTime(0), 0);
//! for pulse in 0..250 {
//!     beat.pulse(StageTime(pulse * 40_000_000), None);
//!     while let Some(event) = beat.poll(now) {
//!         println!("{event}");
//!     }
//!     let due = counter.next(&beat, now);
//!     now = due.ideal; // Here the thread sleeps.
//!     let tick = due.tick(&beat, now);
//!     assert_eq!((tick.frame, tick.missed), (frame, 0));
//!     frame += 1;
//! }
//! assert_eq!(counter.next(&beat, now).tick(&beat, now).sync.state, LockState::Locked);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aligned;
mod claim;
mod collect;
mod count;
mod event;
mod follow;
mod line;
mod pulse;
mod tally;
mod track;
mod watch;

pub use aligned::{AlignedBeat, Phase};
pub use count::{Counter, Due};
pub use event::BeatEvent;
pub use follow::BeatLoop;
pub use pulse::{Jitter, PulseRateError, Taken};
pub use watch::Watch;

use crate::{Rate, StageTime};
use serde::{Deserialize, Serialize};

/// How the beat follows its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LockState {
    /// On the machine's own clock: there is no source, or none has been heard yet.
    #[default]
    Free,
    /// A source is heard and the loop has not settled.
    Acquiring,
    /// The loop follows the source.
    Locked,
    /// The source fell silent; the beat goes on at the rate it had, less certain by the second.
    Holdover,
}

/// How well the beat follows its source at one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BeatSync {
    /// In which way.
    pub state: LockState,
    /// How far the beat may be from its source's, nanoseconds; 0 while [`LockState::Free`].
    pub uncertainty_ns: i64,
}

/// Frames in time: which frame begins when. What [`Counter`] counts.
pub trait Beat {
    /// Frames a second, nominally.
    fn rate(&self) -> Rate;
    /// When frame `frame` begins, as far as is known now; later frames never begin earlier.
    fn ideal(&self, frame: u64) -> StageTime;
    /// The newest frame that has begun at `now`; 0 before the first.
    fn frame_at(&self, now: StageTime) -> u64;
    /// How well the beat follows its source at `now`.
    fn sync(&self, now: StageTime) -> BeatSync;
}
