//! What happened on the stage that somebody must hear of.
//!
//! A [`StageEvent`] is one line of JSON. [`Monitor`] makes events of frame reports, without flooding: a trouble is one
//! event when it begins and one, with its counts, when it is over. [`EventRing`] keeps the newest; [`Standing`] is what
//! follows from them: what is wrong just now, and what the operator has done to the wall.

mod episode;
mod feeds;
mod genlock;
mod kind;
mod monitor;
mod motion;
mod ring;
mod standing;
mod told;
mod watch;
mod words;

pub use kind::{BudgetItem, EventKind, Phase, Severity, Spender, Trouble};
pub use monitor::{FeedWatch, Moment, Monitor, MonitorSetup, Overrun};
pub use ring::{EventRing, Recorded};
pub use standing::{Standing, WallState};
pub use told::Notice;

use crate::StageTime;
use serde::{Deserialize, Serialize};

/// Something that happened.
///
/// As a JSON object: `at_ns`, `frame`, `timecode` where there is one, `severity`, `kind` with the kind's own fields
/// beside it, `subject`, `message`. Keys are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageEvent {
    /// When, stage time.
    pub at_ns: StageTime,
    /// In which frame.
    pub frame: u64,
    /// The frame's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// To what: "stage", or the id of a camera, a feed, an output, a source.
    pub subject: String,
    /// For a person: what happened and, where something can be done, what.
    pub message: String,
}
