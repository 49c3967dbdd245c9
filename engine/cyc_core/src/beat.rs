//! The beat: how a stage's frames follow a source of ticks, and how well they do just now.

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
