//! Kinds of events.

use crate::Timecode;
use crate::command::Command;
use serde::{Deserialize, Serialize};

/// How bad an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// The picture goes on, but something is missing or late.
    Warning,
    /// What the wall shows is wrong, or soon will be.
    Error,
    /// The same as a warning or an error, while a camera records.
    Critical,
}

/// What happened. In JSON `kind` is the name in snake case; the fields stand beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// Ticks passed without a new picture.
    TickMissed {
        /// How many, just now.
        missed: u64,
    },
    /// Every tick has a picture again.
    TicksRegained {
        /// How many were missed.
        missed: u64,
        /// From the first to the last of them.
        lasted_ns: i64,
    },
    /// The beat follows its source for the first time.
    GenlockLocked,
    /// The source is silent; the beat goes on at the rate it had.
    GenlockHoldover {
        /// How far the beat may be from its source's.
        uncertainty_ns: i64,
    },
    /// The beat may be wrong: the source's phase jumped, or it has been silent for too long.
    GenlockLost {
        /// How far the beat may be from its source's.
        uncertainty_ns: i64,
    },
    /// The stage runs on its own clock although a source is configured.
    GenlockFree,
    /// The beat follows its source again.
    GenlockRegained {
        /// How long it did not.
        lasted_ns: i64,
    },
    /// The source's count of its frames jumped; the stage's numbers go on.
    GenlockRebased {
        /// By how many frames; negative if it fell behind.
        frames: i64,
    },
    /// The source beats at another rate than the stage asks for; it is not followed.
    RateMismatch {
        /// Its rate, beats per second.
        measured_hz: f64,
        /// What is asked for.
        expected_hz: f64,
    },
    /// The source beats at the rate that the stage asks for.
    RateMatched,
    /// The source's beats have no steady rate.
    SourceUnsteady,
    /// The source says that it is locked, and its phase moves.
    SourceLies {
        /// By how much it moved.
        moved_ns: i64,
    },
    /// The source's beats are steady.
    SourceSteady,
    /// The source's device is in trouble.
    SourceTrouble,
    /// It works again.
    SourceWell,
    /// Labels were set: the first one, or the daily jam.
    LabelJammed {
        /// The label that was expected, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timecode>,
        /// The label that is.
        to: Timecode,
    },
    /// Labels do not go on from the one before.
    LabelJump {
        /// The label that was expected.
        from: Timecode,
        /// The label that came.
        to: Timecode,
        /// How many frames lie between them; negative if they go back.
        frames: i64,
    },
    /// The source of labels is silent; labels are counted on.
    LabelLost,
    /// It says labels again.
    LabelRegained {
        /// How long it did not.
        lasted_ns: i64,
    },
    /// The source of labels counts in another way than the stage; it is not followed.
    LabelMismatch,
    /// It counts as the stage does.
    LabelMatched,
    /// A feed is silent for longer than its prediction bridges: its cameras are held.
    FeedStale {
        /// How long.
        silent_ns: i64,
    },
    /// A feed is silent for so long that its cameras have no pose.
    FeedLost {
        /// How long.
        silent_ns: i64,
    },
    /// A feed speaks again.
    FeedRegained {
        /// How long it was silent.
        silent_ns: i64,
    },
    /// A camera's pose is where no camera could have moved to.
    FeedJump {
        /// How far from where its movement would have taken it, millimetres.
        moved_mm: f64,
        /// The same for its direction, degrees.
        turned_deg: f64,
        /// Jumps since the last such event, this one among them.
        times: u64,
    },
    /// A frame took longer than the stage file allows.
    OverBudget {
        /// Which of the budget's lines.
        stage: BudgetItem,
        /// What it took; for the margin, what was left.
        spent_ns: i64,
        /// What it may take; for the margin, what must be left.
        allowed_ns: i64,
        /// Who spent the most of it.
        by: Spender,
    },
    /// Frames keep to that line again.
    WithinBudget {
        /// Which of the budget's lines.
        stage: BudgetItem,
        /// How many frames did not.
        frames: u64,
        /// The worst of them.
        worst_ns: i64,
        /// What is allowed.
        allowed_ns: i64,
        /// From the first to the last of them.
        lasted_ns: i64,
    },
    /// Quality was given up to keep the beat.
    Degraded {
        /// How far down the declared order, 0 is nothing.
        level: u32,
        /// The outer views are drawn on every n-th frame.
        outer_every: u32,
        /// The outer views stay as they are.
        outer_frozen: bool,
        /// Linear size of the outer pictures.
        outer_scale: f64,
        /// Linear size of the inner pictures.
        inner_scale: f64,
    },
    /// Some or all of it was given back.
    Restored {
        /// How far down the declared order, 0 is nothing.
        level: u32,
        /// The outer views are drawn on every n-th frame.
        outer_every: u32,
        /// The outer views stay as they are.
        outer_frozen: bool,
        /// Linear size of the outer pictures.
        outer_scale: f64,
        /// Linear size of the inner pictures.
        inner_scale: f64,
    },
    /// A command happened, on the event's frame.
    CommandDone {
        /// The command.
        command: Command,
        /// Who gave it.
        from: String,
        /// The frame it was given for, where one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_frame: Option<u64>,
        /// Frames after that one; ticks were missed.
        late: u64,
    },
    /// A command was refused.
    CommandRefused {
        /// The command.
        command: Command,
        /// Who gave it.
        from: String,
        /// The frame it was given for, where one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_frame: Option<u64>,
        /// Why.
        reason: String,
    },
    /// A camera records.
    RollingOn,
    /// No camera records.
    RollingOff,
    /// An output shows nothing new.
    OutputLost,
    /// It does again.
    OutputRegained {
        /// How long it did not.
        lasted_ns: i64,
    },
}

/// A line of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names of the stage file's [budget]")]
pub enum BudgetItem {
    ReceiveToUse,
    PoseAge,
    Margin,
    Latch,
    Simulate,
    Solve,
    Render,
    Compose,
    Present,
}

/// Where time went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the stages of the report")]
pub enum Spender {
    /// From the capture to the arrival here: the tracker and its network.
    Tracker,
    /// From the arrival to the pass that took it: no newer sample came.
    Feed,
    /// The frame began late: the machine woke it late.
    Wake,
    Latch,
    Simulate,
    Solve,
    Render,
    Compose,
    Present,
    /// From the pass that took the pose to the exposure: the rest of the frame, processors and panels.
    Display,
}

/// What lasts, from an event that opens it to one that closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Trouble {
    Ticks,
    Genlock,
    Rate,
    Steadiness,
    Source,
    Label,
    LabelRate,
    Feed,
    Output,
    Budget(BudgetItem),
}

/// Whether an event opens or closes a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Phase {
    Opens,
    Closes,
}

impl EventKind {
    /// The trouble that the event opens or closes, together with its subject; `None` for what just happens.
    pub fn trouble(&self) -> Option<(Trouble, Phase)> {
        use Phase::{Closes, Opens};
        Some(match self {
            Self::TickMissed { .. } => (Trouble::Ticks, Opens),
            Self::TicksRegained { .. } => (Trouble::Ticks, Closes),
            Self::GenlockHoldover { .. } | Self::GenlockLost { .. } | Self::GenlockFree => (Trouble::Genlock, Opens),
            Self::GenlockLocked | Self::GenlockRegained { .. } => (Trouble::Genlock, Closes),
            Self::RateMismatch { .. } => (Trouble::Rate, Opens),
            Self::RateMatched => (Trouble::Rate, Closes),
            Self::SourceUnsteady | Self::SourceLies { .. } => (Trouble::Steadiness, Opens),
            Self::SourceSteady => (Trouble::Steadiness, Closes),
            Self::SourceTrouble => (Trouble::Source, Opens),
            Self::SourceWell => (Trouble::Source, Closes),
            Self::LabelLost => (Trouble::Label, Opens),
            Self::LabelRegained { .. } => (Trouble::Label, Closes),
            Self::LabelMismatch => (Trouble::LabelRate, Opens),
            Self::LabelMatched => (Trouble::LabelRate, Closes),
            Self::FeedStale { .. } | Self::FeedLost { .. } => (Trouble::Feed, Opens),
            Self::FeedRegained { .. } => (Trouble::Feed, Closes),
            Self::OutputLost => (Trouble::Output, Opens),
            Self::OutputRegained { .. } => (Trouble::Output, Closes),
            Self::OverBudget { stage, .. } => (Trouble::Budget(*stage), Opens),
            Self::WithinBudget { stage, .. } => (Trouble::Budget(*stage), Closes),
            Self::GenlockRebased { .. }
            | Self::LabelJammed { .. }
            | Self::LabelJump { .. }
            | Self::FeedJump { .. }
            | Self::Degraded { .. }
            | Self::Restored { .. }
            | Self::CommandDone { .. }
            | Self::CommandRefused { .. }
            | Self::RollingOn
            | Self::RollingOff => return None,
        })
    }

    /// How bad it is; what endangers the picture is critical while a camera records.
    pub fn severity(&self, rolling: bool) -> Severity {
        let plain = match self {
            Self::TickMissed { .. }
            | Self::GenlockHoldover { .. }
            | Self::GenlockRebased { .. }
            | Self::SourceUnsteady
            | Self::SourceTrouble
            | Self::LabelJump { .. }
            | Self::LabelLost
            | Self::LabelMismatch
            | Self::FeedStale { .. }
            | Self::FeedJump { .. }
            | Self::OverBudget { .. }
            | Self::Degraded { .. }
            | Self::CommandRefused { .. } => Severity::Warning,
            Self::GenlockLost { .. }
            | Self::GenlockFree
            | Self::RateMismatch { .. }
            | Self::SourceLies { .. }
            | Self::FeedLost { .. }
            | Self::OutputLost => Severity::Error,
            Self::TicksRegained { .. }
            | Self::GenlockLocked
            | Self::GenlockRegained { .. }
            | Self::RateMatched
            | Self::SourceSteady
            | Self::SourceWell
            | Self::LabelJammed { .. }
            | Self::LabelRegained { .. }
            | Self::LabelMatched
            | Self::FeedRegained { .. }
            | Self::WithinBudget { .. }
            | Self::Restored { .. }
            | Self::CommandDone { .. }
            | Self::RollingOn
            | Self::RollingOff
            | Self::OutputRegained { .. } => Severity::Info,
        };
        if rolling && plain >= Severity::Warning && self.endangers_the_picture() { Severity::Critical } else { plain }
    }

    /// Sync, feeds, ticks and outputs, as against budgets and refused commands.
    fn endangers_the_picture(&self) -> bool {
        !matches!(self, Self::OverBudget { .. } | Self::Degraded { .. } | Self::CommandRefused { .. })
    }
}
