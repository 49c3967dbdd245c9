//! The beat: how a stage's frames follow a source of ticks, and how well they do just now.
//!
//! Map: `line` (frame numbers to instants), `collect` (the first pulses of a source), `track` (the delay-locked
//! loop), `tally` and `claim` (what a source counts and says of itself), `follow` ([`BeatLoop`]: all of it, with states), `aligned` ([`AlignedBeat`]:
//! frames by arithmetic on a TAI clock), `count` ([`Counter`]: which tick is delivered next), `watch` ([`Watch`]: does
//! a clock move that says it is locked), `event` ([`BeatEvent`]: what an operator must hear of).
//!
//! How a frame thread uses it: drain what sources heard into [`BeatLoop::pulse`], hand [`BeatLoop::poll`]'s events on,
//! ask [`Counter::next`] which tick is next, sleep until its ideal, deliver.

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
