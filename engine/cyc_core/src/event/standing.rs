//! What follows from the events so far.

use super::{EventKind, Phase, Severity, StageEvent, Trouble};
use crate::command::Command;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the operator has done to the wall, as the commands that happened say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[allow(missing_docs, reason = "the names of the commands")]
pub struct WallState {
    pub freeze: bool,
    pub blackout: bool,
    pub pattern: Option<String>,
    pub outline: bool,
    pub rolling: bool,
    pub slate: Option<String>,
    pub look: Option<String>,
}

impl WallState {
    /// After `command`.
    pub fn apply(&mut self, command: &Command) {
        match command {
            Command::Freeze(on) => self.freeze = *on,
            Command::Blackout(on) => self.blackout = *on,
            Command::Pattern(name) => self.pattern.clone_from(name),
            Command::Outline(on) => self.outline = *on,
            Command::Rolling(on) => self.rolling = *on,
            Command::Slate(text) => self.slate = Some(text.clone()),
            Command::Cue(look) => self.look = Some(look.clone()),
            Command::LightCard { .. } | Command::Event(_) => {}
        }
    }
}

/// The state of the stage as its events tell it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    wall: WallState,
    level: u32,
    given_up: Option<String>,
    open: BTreeMap<(Trouble, String), StageEvent>,
}

impl Standing {
    /// Takes the next event.
    pub fn note(&mut self, event: &StageEvent) {
        match event.kind.trouble() {
            Some((trouble, Phase::Opens)) => drop(self.open.insert((trouble, event.subject.clone()), event.clone())),
            Some((trouble, Phase::Closes)) => {
                self.open.retain(|(open, subject), _| *open != trouble || *subject != event.subject);
            }
            None => {}
        }
        match &event.kind {
            EventKind::CommandDone { command, .. } => self.wall.apply(command),
            EventKind::Degraded { level, .. } | EventKind::Restored { level, .. } => {
                self.level = *level;
                self.given_up = (*level > 0).then(|| event.message.clone());
            }
            _ => {}
        }
    }

    /// What the operator has done to the wall.
    pub fn wall(&self) -> &WallState {
        &self.wall
    }

    /// Whether a camera records.
    pub fn is_rolling(&self) -> bool {
        self.wall.rolling
    }

    /// Steps of quality that are given up; 0 is none.
    pub fn degradation_level(&self) -> u32 {
        self.level
    }

    /// What is given up, in words.
    pub fn given_up(&self) -> Option<&str> {
        self.given_up.as_deref()
    }

    /// Troubles that began and are not over, as the events that opened them.
    pub fn open(&self) -> impl Iterator<Item = &StageEvent> {
        self.open.values()
    }

    /// Whether a trouble is open.
    pub fn is_open(&self, trouble: Trouble, subject: &str) -> bool {
        self.opened(trouble, subject).is_some()
    }

    /// The event that opened a trouble.
    pub(super) fn opened(&self, trouble: Trouble, subject: &str) -> Option<&StageEvent> {
        self.open.iter().find(|((open, of), _)| *open == trouble && of == subject).map(|(_, event)| event)
    }

    /// Whether a camera records while something endangers its picture.
    pub fn is_critical(&self) -> bool {
        self.is_rolling() && self.open().any(|event| event.kind.severity(true) == Severity::Critical)
    }
}
