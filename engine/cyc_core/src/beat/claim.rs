//! A source that says it is locked, held to its word.

use super::line::Line;
use super::track::Tracker;

/// Phase that moves by more than this belongs to no locked source.
const LIE_NANOS: f64 = 100e3;

/// What the source says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Claim {
    /// Not that it is locked.
    #[default]
    No,
    /// Locked, and the line it must stay on, once one is known.
    Locked(Option<Line>),
    /// Locked, and found untrue.
    Untrue,
}

impl Claim {
    pub fn say(&mut self, locked: bool) {
        match (locked, *self) {
            (false, _) => *self = Claim::No,
            (true, Claim::No) => *self = Claim::Locked(None),
            (true, _) => {}
        }
    }

    /// A source locked to the stage clock's own reference stays on the nominal line: by how much this one left it,
    /// once.
    pub fn check(&mut self, tracker: &Tracker) -> Option<i64> {
        let line = tracker.line;
        match *self {
            Claim::Locked(None) => *self = Claim::Locked(Some(Line { skew: 0.0, ..line })),
            Claim::Locked(Some(nominal)) => {
                let moved = line.at.nanos_since(nominal.instant(line.unit, 0.0));
                if moved.unsigned_abs() as f64 > LIE_NANOS + tracker.phase_doubt() {
                    *self = Claim::Untrue;
                    return Some(moved);
                }
            }
            Claim::No | Claim::Untrue => {}
        }
        None
    }

    /// The clock was set back by so many units.
    pub fn set_back(&mut self, units: i64) {
        if let Claim::Locked(Some(line)) = self {
            *line = line.set_back(units);
        }
    }
}
