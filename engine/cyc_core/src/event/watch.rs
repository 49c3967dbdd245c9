//! Cameras and budget lines, frame by frame.

use super::episode::{Episode, Turn};
use super::motion::{Jump, Movement};
use super::{BudgetItem, EventKind, Spender};
use crate::report::CameraReport;
use crate::{Quality, StageTime};

/// A trouble that shows in single frames is over once it has not shown for so long, nanoseconds.
pub(super) const QUIET_NANOS: i64 = 1_000_000_000;

/// The lines of the budget that belong to the whole frame.
pub(super) const FRAME_ITEMS: [BudgetItem; 7] = [
    BudgetItem::Margin,
    BudgetItem::Latch,
    BudgetItem::Simulate,
    BudgetItem::Solve,
    BudgetItem::Render,
    BudgetItem::Compose,
    BudgetItem::Present,
];
/// Those that belong to a camera.
const CAMERA_ITEMS: [BudgetItem; 2] = [BudgetItem::ReceiveToUse, BudgetItem::PoseAge];

/// Follows one camera.
#[derive(Debug, Clone)]
pub(super) struct CameraWatch {
    pub(super) movement: Movement,
    pub(super) budgets: [BudgetWatch; 2],
    jumps: Episode,
    worst: Option<Jump>,
}

/// Follows one line of the budget.
#[derive(Debug, Clone, Copy)]
pub(super) struct BudgetWatch {
    pub(super) item: BudgetItem,
    /// What this frame was found to have spent, and what was allowed, nanoseconds.
    pub(super) over: Option<(i64, i64, Spender)>,
    allowed_nanos: i64,
    episode: Episode,
}

impl CameraWatch {
    pub(super) fn new() -> Self {
        let budgets = CAMERA_ITEMS.map(BudgetWatch::new);
        Self { movement: Movement::default(), jumps: Episode::new(QUIET_NANOS), worst: None, budgets }
    }

    /// A jump to be told, and how many it stands for.
    pub(super) fn step(&mut self, seen: &CameraReport, at: StageTime, frozen: bool) -> Option<(Jump, u64)> {
        let followed = matches!(seen.quality, Quality::Measured | Quality::Predicted) && !frozen;
        let pose = seen.position_m.zip(seen.orientation_wxyz).filter(|_| followed);
        let jump = match pose {
            Some((position_m, wxyz)) => self.movement.step(seen.pose_for_ns.unwrap_or(at), position_m, wxyz),
            None => {
                self.movement.forget();
                None
            }
        };
        match self.jumps.step(at, jump.map(|_| 0)) {
            Turn::Began => jump.map(|jump| (jump, 1)),
            Turn::Ended(past) => self.worst.take().map(|worst| (worst, past.frames - 1)),
            Turn::Same => {
                self.worst = jump.map(|jump| self.worst.map_or(jump, |worst| worst.worse(jump))).or(self.worst);
                None
            }
        }
    }
}

impl BudgetWatch {
    pub(super) fn new(item: BudgetItem) -> Self {
        Self { item, episode: Episode::new(QUIET_NANOS), over: None, allowed_nanos: 0 }
    }

    pub(super) fn step(&mut self, at: StageTime) -> Option<EventKind> {
        let over = self.over.take();
        // Of a margin the smallest is the worst.
        let sign = if self.item == BudgetItem::Margin { -1 } else { 1 };
        if let Some((_, allowed, _)) = over {
            self.allowed_nanos = allowed;
        }
        match (self.episode.step(at, over.map(|(spent, ..)| spent.saturating_mul(sign))), over) {
            (Turn::Began, Some((spent_ns, allowed_ns, by))) => {
                Some(EventKind::OverBudget { stage: self.item, spent_ns, allowed_ns, by })
            }
            (Turn::Ended(past), _) => Some(EventKind::WithinBudget {
                stage: self.item,
                frames: past.frames,
                worst_ns: past.worst.saturating_mul(sign),
                allowed_ns: self.allowed_nanos,
                lasted_ns: past.lasted_nanos(),
            }),
            _ => None,
        }
    }
}
