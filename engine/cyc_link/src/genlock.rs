//! Where beats and labels come from: one source a module, all behind one loop.
//!
//! A source runs on a thread of its own and says what it heard ([`Heard`]); the loop that the frame thread waits on
//! takes it in without waiting for any of them.

use cyc_core::{StageTime, Timecode};

/// What a source of beats or labels heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A frame of the source began.
    Pulse {
        /// When, on the stage clock, as well as the source can say.
        at: StageTime,
        /// The source's own count of its frames, where it has one.
        count: Option<i64>,
    },
    /// The label of the frame that began at `at`.
    Label {
        /// The label.
        label: Timecode,
        /// When the frame that carries it began.
        at: StageTime,
        /// Frames of the label's rate in a second, rounded up (24, 25, 30), where the source says.
        nominal: Option<u32>,
        /// +1 forwards, -1 backwards.
        direction: i8,
    },
    /// The source's device is in trouble, in words for the operator.
    Trouble(String),
    /// The device works again.
    Well,
}

/// Where sources put what they heard.
pub type Inbox = crossbeam_channel::Sender<Heard>;
