//! How much of a frame is used, and what each step of quality costs.

use super::LEVELS;
use cyc_core::FrameReport;

/// What a frame took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Time left before the deadline; negative if the frame was late. Nanoseconds.
    pub margin_nanos: i64,
    /// Time in which the frame was worked on, waiting for its last moment left out. Nanoseconds.
    pub busy_nanos: i64,
    /// The part of it that drawing took: render and compose. Nanoseconds.
    pub drawing_nanos: i64,
    /// Ticks without a new picture before it.
    pub missed: u64,
}

impl Load {
    /// The load that a report tells of, for frames of `frame_nanos`.
    ///
    /// A frame that waits for its deadline, or until just before it to take its poses late, has a small margin and is
    /// not busy: its stages tell. One whose stages hold that waiting, or nothing, is as busy as its margin says.
    pub fn of(report: &FrameReport, frame_nanos: i64) -> Load {
        let stages = &report.stages_ns;
        let drawing_nanos = stages.render.saturating_add(stages.compose);
        let rest = [stages.latch, stages.simulate, stages.solve, report.tick_error_ns.max(0)];
        let worked = rest.into_iter().fold(drawing_nanos, i64::saturating_add);
        let elapsed = frame_nanos.saturating_sub(report.margin_ns);
        let busy_nanos = if drawing_nanos > 0 { elapsed.min(worked) } else { elapsed };
        Load { margin_nanos: report.margin_ns, busy_nanos, drawing_nanos, missed: report.missed }
    }
}

/// The heaviest of the frames lately, in parts of a frame: outer views take turns, and the heaviest turn counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peak {
    busy: f64,
    frames: u32,
}

impl Peak {
    /// Forgets half of a peak in about a hundred frames.
    const FADE: f64 = 0.993;

    pub(super) fn see(&mut self, busy: f64) {
        self.busy = if self.frames == 0 { busy } else { busy.max(busy + (self.busy - busy) * Self::FADE) };
        self.frames = self.frames.saturating_add(1);
    }

    pub(super) fn busy(&self) -> f64 {
        self.busy
    }

    pub(super) fn frames(&self) -> u32 {
        self.frames
    }
}

/// What the step from each level to the next one saves, in parts of a frame, as it was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gains([Option<f64>; LEVELS.len() - 1]);

/// How a saving over several steps is shared out: outer pictures cost by how often they are drawn.
const WEIGHTS: [f64; LEVELS.len() - 1] =
    [1.0 / 2.0, 1.0 / 6.0, 1.0 / 12.0, 1.0 / 20.0, 1.0 / 5.0, 0.02, 0.02, 0.28, 0.23, 0.24];

impl Gains {
    /// The load fell by `saved` from one level to another (rose, if `saved` is negative and `to` is less).
    pub(super) fn learn(&mut self, from: usize, to: usize, saved: f64) {
        let (first, last, saved) = if from < to { (from, to, saved) } else { (to, from, -saved) };
        let total: f64 = WEIGHTS[first..last].iter().sum();
        for (gain, weight) in self.0[first..last].iter_mut().zip(&WEIGHTS[first..last]) {
            *gain = Some((saved * weight / total).max(0.0));
        }
    }

    /// What the step up to `level` is expected to cost.
    pub(super) fn of(&self, level: usize) -> f64 {
        self.0[level].unwrap_or(0.0)
    }
}
