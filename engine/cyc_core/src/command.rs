//! What is to happen on a stated frame.
//!
//! [`Command`] says what; [`CommandQueue`] keeps it until its frame comes or refuses it with the reason; [`channel`]
//! puts a queue on the frame thread behind a [`CommandPort`] that any thread may use.
//!
//! A command without a frame happens on the next frame that begins. A command whose frame is skipped, since ticks were
//! missed, happens on the next frame that is delivered, and the answer says by how much it was late.

mod form;
mod port;

pub use port::{Answer, Answered, Asked, CommandIntake, CommandPort, Outcome, Pending, channel};

use crate::Rate;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Commands that may wait for their frame.
pub const WAITING: usize = 256;
/// Longest text of a command, in characters.
pub const TEXT: usize = 200;
/// How far ahead a command may be given, nanoseconds.
const AHEAD_NANOS: i64 = 3_600_000_000_000;
/// A command that is found this late was not skipped by missed ticks: the frame numbers were set anew. Nanoseconds.
const LATE_NANOS: i64 = 60_000_000_000;

/// What is to happen.
///
/// In JSON an object: `{"command": "freeze", "on": true}`, `{"command": "pattern", "name": "grid"}` (null ends it),
/// `{"command": "slate", "text": "12A take 3"}`, `{"command": "light_card", "name": "key", "on": true}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "form::Form", into = "form::Form")]
pub enum Command {
    /// The cameras' pictures stay as they are, or follow again.
    Freeze(bool),
    /// Black walls, whatever is shown.
    Blackout(bool),
    /// A test pattern by name; `None` goes back to the environment.
    Pattern(Option<String>),
    /// The outline of the inner frusta over the picture.
    Outline(bool),
    /// A camera is recording: what endangers the picture is critical from now on.
    Rolling(bool),
    /// The human name of what is recorded next.
    Slate(String),
    /// Switch to a look, by name.
    Cue(String),
    /// Show or hide a light card, by name.
    LightCard {
        /// Which.
        name: String,
        /// Shown.
        on: bool,
    },
    /// A named event for the frame's input.
    Event(String),
}

impl Command {
    /// Its name on the desk and on the wire: "freeze", "blackout", "pattern", "outline", "rolling", "slate", "cue",
    /// "light_card", "event".
    pub fn name(&self) -> &'static str {
        match self {
            Self::Freeze(_) => "freeze",
            Self::Blackout(_) => "blackout",
            Self::Pattern(_) => "pattern",
            Self::Outline(_) => "outline",
            Self::Rolling(_) => "rolling",
            Self::Slate(_) => "slate",
            Self::Cue(_) => "cue",
            Self::LightCard { .. } => "light_card",
            Self::Event(_) => "event",
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Slate(text) | Self::Cue(text) | Self::Event(text) => Some(text),
            Self::Pattern(name) => name.as_deref(),
            Self::LightCard { name, .. } => Some(name),
            Self::Freeze(_) | Self::Blackout(_) | Self::Outline(_) | Self::Rolling(_) => None,
        }
    }
}

/// As an operator reads it: "freeze on", "slate 12A take 3".
impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name().replace('_', " ");
        match self {
            Self::Freeze(on) | Self::Blackout(on) | Self::Outline(on) | Self::Rolling(on) => {
                write!(f, "{name} {}", on_off(*on))
            }
            Self::LightCard { name: card, on } => write!(f, "{name} {card} {}", on_off(*on)),
            Self::Pattern(None) => write!(f, "{name} off"),
            Self::Pattern(Some(text)) | Self::Slate(text) | Self::Cue(text) | Self::Event(text) => {
                write!(f, "{name} {text}")
            }
        }
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What can be named in a command, as the host has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Looks that can be cued.
    pub looks: Vec<String>,
    /// Test patterns.
    pub patterns: Vec<String>,
    /// Light cards.
    pub light_cards: Vec<String>,
}

impl Catalogue {
    /// Whether everything that `command` names is there.
    fn check(&self, command: &Command) -> Result<(), Refusal> {
        let (what, name, known) = match command {
            Command::Cue(look) => ("look", look, &self.looks),
            Command::Pattern(Some(pattern)) => ("pattern", pattern, &self.patterns),
            Command::LightCard { name, .. } => ("light card", name, &self.light_cards),
            _ => return Ok(()),
        };
        let unknown = || Refusal::Unknown { what, name: name.clone(), known: known.clone() };
        known.contains(name).then_some(()).ok_or_else(unknown)
    }
}

/// Why a command does not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its frame is past.
    #[error("frame {asked} has already begun; the next one that can be named is {next}")]
    Begun {
        /// The frame it was given for.
        asked: u64,
        /// The first frame that a command can still be given for.
        next: u64,
    },
    /// Its frame is more than an hour away.
    #[error("frame {asked} is more than an hour away; commands wait for an hour at most, which is frame {last} now")]
    TooFar {
        /// The frame it was given for.
        asked: u64,
        /// The last frame that a command can be given for now.
        last: u64,
    },
    /// It names something that is not there.
    #[error("there is no such {what} as {name:?}; {}", known_names(what, known))]
    Unknown {
        /// What is named: "look", "pattern", "light card".
        what: &'static str,
        /// The name.
        name: String,
        /// Names that there are.
        known: Vec<String>,
    },
    /// A text that no event list or slate can hold.
    #[error("the text has {length} characters; {TEXT} are the most")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// Too many wait for their frames.
    #[error("{WAITING} commands are waiting for their frames already; give this one when some of them are done")]
    Full,
    /// Too many came at once.
    #[error("too many commands at once; send this one again")]
    Busy,
    /// The frame numbers were set anew while it waited.
    #[error("the frame numbers were set anew while it waited: frame {now} came after its own, {asked}; give it again")]
    Jumped {
        /// The frame it was given for.
        asked: u64,
        /// The frame that came.
        now: u64,
    },
    /// Nobody takes commands any more.
    #[error("the stage is ending and takes no commands")]
    Ended,
}

fn known_names(what: &str, known: &[String]) -> String {
    match known {
        [] => format!("this stage has no {what}s"),
        names => format!("there are {}", names.join(", ")),
    }
}

/// An accepted command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its number, counted from 0.
    pub id: u64,
    /// The frame on which it will happen.
    pub frame: u64,
}

/// A command whose frame has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number, as [`Accepted`] gave it.
    pub id: u64,
    /// What is to happen.
    pub command: Command,
    /// The frame it was given for.
    pub frame: u64,
    /// How many frames ago that was; ticks were missed if it is not 0.
    pub late: u64,
}

/// Commands that wait for their frames.
#[derive(Debug, Clone)]
pub struct CommandQueue {
    catalogue: Catalogue,
    rate: Rate,
    /// By frame, then by arrival.
    waiting: VecDeque<Due>,
    next_id: u64,
}

impl CommandQueue {
    /// An empty queue for a stage's beat and what it has.
    pub fn new(rate: Rate, catalogue: Catalogue) -> Self {
        Self { catalogue, rate, waiting: VecDeque::with_capacity(WAITING), next_id: 0 }
    }

    /// Takes a command for `at_frame`, or for `next_frame`, the first that has not begun; says when it will happen.
    ///
    /// # Errors
    /// Why it will not, in words for whoever gave it.
    pub fn accept(&mut self, command: Command, at_frame: Option<u64>, next_frame: u64) -> Result<Accepted, Refusal> {
        let frame = at_frame.unwrap_or(next_frame);
        if frame < next_frame {
            return Err(Refusal::Begun { asked: frame, next: next_frame });
        }
        let last = next_frame.saturating_add(self.frames_in(AHEAD_NANOS));
        if frame > last {
            return Err(Refusal::TooFar { asked: frame, last });
        }
        let length = command.text().map_or(0, |text| text.chars().count());
        if length > TEXT {
            return Err(Refusal::TooLong { length });
        }
        self.catalogue.check(&command)?;
        if self.waiting.len() >= WAITING {
            return Err(Refusal::Full);
        }
        let id = self.next_id;
        self.next_id += 1;
        let place = self.waiting.partition_point(|waiting| waiting.frame <= frame);
        self.waiting.insert(place, Due { id, command, frame, late: 0 });
        Ok(Accepted { id, frame })
    }

    /// The commands that happen on `frame`, in the order of their frames and then of their arrival.
    pub fn due(&mut self, frame: u64) -> impl Iterator<Item = Due> {
        let count = self.waiting.partition_point(|waiting| waiting.frame <= frame);
        self.waiting.drain(..count).map(move |due| Due { late: frame - due.frame, ..due })
    }

    /// Whether a command found `late` frames after its own must not happen any more.
    fn is_stale(&self, late: u64) -> bool {
        late > self.frames_in(LATE_NANOS)
    }

    /// What can be named.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn frames_in(&self, nanos: i64) -> u64 {
        self.rate.frame_at_nanos(nanos)
    }
}
