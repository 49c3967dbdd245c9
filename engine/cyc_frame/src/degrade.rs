//! Declared degradation: what is given up, in which order, when a frame no longer fits into its time.
//!
//! The outer pictures give way first, since no camera sees them sharply: drawn on every 2nd to 5th frame, then frozen,
//! then smaller; then the inner pictures become smaller. The beat is never given up, nor is the inner pictures'
//! registration: a smaller picture is of the same frustum.
//!
//! [`Degrader`] steps down when the margin is gone in a few frames of the newest ones, by more steps the more is
//! missing, and back up one step at a time when the load leaves room for what that step was seen to cost. Where a step
//! up failed, the next try waits twice as long; what a step was seen to cost is believed less and less meanwhile.

mod load;

pub use load::Load;

use cyc_core::Rate;
use cyc_core::event::EventKind;
use load::{Gains, Peak};

/// What is given up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Degradation {
    /// Each outer view is drawn on every n-th frame.
    pub outer_every: u32,
    /// The outer views are not drawn at all: what was drawn last stays.
    pub outer_frozen: bool,
    /// Linear size of the outer pictures. Of a frozen one it says how large it will be when it is drawn again.
    pub outer_scale: f64,
    /// Linear size of the inner pictures.
    pub inner_scale: f64,
}

impl Default for Degradation {
    fn default() -> Self {
        LEVELS[0]
    }
}

const fn level(outer_every: u32, outer_frozen: bool, outer_scale: f64, inner_scale: f64) -> Degradation {
    Degradation { outer_every, outer_frozen, outer_scale, inner_scale }
}

/// The declared order; nothing is given up at 0.
pub const LEVELS: [Degradation; 11] = [
    level(1, false, 1.0, 1.0),
    level(2, false, 1.0, 1.0),
    level(3, false, 1.0, 1.0),
    level(4, false, 1.0, 1.0),
    level(5, false, 1.0, 1.0),
    level(5, true, 1.0, 1.0),
    level(5, true, 0.7, 1.0),
    level(5, true, 0.5, 1.0),
    level(5, true, 0.5, 0.85),
    level(5, true, 0.5, 0.7),
    level(5, true, 0.5, 0.5),
];
/// The outer views are frozen from here on; what comes after is only ever given up one step at a time.
const FROZEN: usize = 5;

/// Late frames among the newest [`WINDOW`] that are a trouble and no accident.
const LATE_FRAMES: u32 = 3;
/// How many of the newest frames are looked at: more than one slow turn of the outer views.
const WINDOW: u32 = 16;
/// Frames after a step whose figures are still those of the step before.
const SETTLE_FRAMES: i64 = 3;
/// Frames that show what a level costs, the slowest turn of outer views among them.
const MEASURE_FRAMES: u32 = 15;
/// One more step down for each such part of a frame that is missing.
const A_STEP: f64 = 0.1;
/// Part of a frame that must stay free after a step up.
const RESERVE: f64 = 0.1;
/// Drawing that takes less than this part of a frame cannot be what makes the frame late.
const DRAWING: f64 = 0.2;
/// How long a level must do well before a step up is tried, seconds.
const FIRST_HOLD_SECS: f64 = 2.0;
/// The longest that failures make it.
const LONGEST_HOLD_SECS: f64 = 600.0;
/// What a step was seen to cost counts half after so long: the scene may have become lighter, seconds.
const TRUST_SECS: f64 = 60.0;
/// A step up that does well for so long has not failed, seconds.
const PROVEN_SECS: f64 = 60.0;
/// After so long without a step down the failures are forgotten, seconds.
const FORGET_SECS: f64 = 900.0;

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The level before.
    pub from: u32,
    /// The level now, an index into [`LEVELS`].
    pub level: u32,
    /// What is given up now.
    pub now: Degradation,
}

impl Change {
    /// As `cyc_core::event::Notice::Quality` takes it.
    pub fn event(&self) -> EventKind {
        let Degradation { outer_every, outer_frozen, outer_scale, inner_scale } = self.now;
        let level = self.level;
        if self.level > self.from {
            EventKind::Degraded { level, outer_every, outer_frozen, outer_scale, inner_scale }
        } else {
            EventKind::Restored { level, outer_every, outer_frozen, outer_scale, inner_scale }
        }
    }
}

/// Decides from frame to frame what is given up.
#[derive(Debug, Clone)]
pub struct Degrader {
    frame_nanos: f64,
    /// The least margin, nanoseconds.
    least_nanos: f64,
    level: usize,
    /// Frames since the last step.
    since_step: i64,
    /// One bit a frame, the newest lowest: was it late.
    late: u32,
    /// How much the latest of them was, in frames.
    missing: f64,
    peak: Peak,
    gains: Gains,
    /// Level and load before the last step, until the load after it is known.
    before: Option<(usize, f64)>,
    stepped_up: bool,
    hold_frames: f64,
    calm_frames: i64,
}

impl Degrader {
    /// For a stage's beat, nothing given up; `least_margin_nanos` is the budget's margin (`None`: a frame is late when
    /// its deadline has passed).
    pub fn new(rate: Rate, least_margin_nanos: Option<i64>) -> Self {
        let frame_nanos = rate.frame_nanos().max(1) as f64;
        Self {
            frame_nanos,
            least_nanos: least_margin_nanos.unwrap_or(0).max(0) as f64,
            level: 0,
            since_step: SETTLE_FRAMES,
            late: 0,
            missing: 0.0,
            peak: Peak::default(),
            gains: Gains::default(),
            before: None,
            stepped_up: false,
            hold_frames: FIRST_HOLD_SECS * 1e9 / frame_nanos,
            calm_frames: 0,
        }
    }

    /// What is given up now.
    pub fn now(&self) -> Degradation {
        LEVELS[self.level]
    }

    /// How far down the declared order, an index into [`LEVELS`].
    pub fn level(&self) -> u32 {
        self.level as u32
    }

    /// The next frame's load; a step, if it takes one. What it asks for should be in force on the frame after.
    pub fn step(&mut self, load: &Load) -> Option<Change> {
        self.since_step += 1;
        if self.since_step <= SETTLE_FRAMES {
            return None;
        }
        self.see(load);
        let step = if self.must_step_down(load) { self.step_down() } else { self.step_up() };
        let from = std::mem::replace(&mut self.level, step?);
        self.stepped(from);
        Some(Change { from: from as u32, level: self.level as u32, now: self.now() })
    }

    fn see(&mut self, load: &Load) {
        let margin = load.margin_nanos as f64;
        let is_late = load.missed > 0 || margin < self.least_nanos;
        self.late = (self.late << 1 | u32::from(is_late)) & ((1 << WINDOW) - 1);
        if is_late {
            self.missing = self.missing.max((self.least_nanos - margin) / self.frame_nanos);
            self.calm_frames = 0;
        }
        self.calm_frames += 1;
        self.peak.see(load.busy_nanos as f64 / self.frame_nanos);
        if self.peak.frames() == MEASURE_FRAMES
            && let Some((level, busy)) = self.before.take()
        {
            self.gains.learn(level, self.level, busy - self.peak.busy());
        }
        if self.calm_frames as f64 * self.frame_nanos > FORGET_SECS * 1e9 {
            self.hold_frames = FIRST_HOLD_SECS * 1e9 / self.frame_nanos;
        }
    }

    fn must_step_down(&self, load: &Load) -> bool {
        let drawing = load.drawing_nanos as f64 / self.frame_nanos;
        self.late.count_ones() >= LATE_FRAMES && drawing >= DRAWING
    }

    fn step_down(&mut self) -> Option<usize> {
        let proven =
            self.since_step as f64 * self.frame_nanos > (PROVEN_SECS * 1e9).max(self.hold_frames * self.frame_nanos);
        if std::mem::take(&mut self.stepped_up) && !proven {
            self.hold_frames = (self.hold_frames * 2.0).min(LONGEST_HOLD_SECS * 1e9 / self.frame_nanos);
        }
        let steps = 1 + (self.missing / A_STEP).clamp(0.0, 10.0) as usize;
        let next = if self.level < FROZEN { (self.level + steps).min(FROZEN) } else { self.level + 1 };
        (next < LEVELS.len()).then_some(next)
    }

    fn step_up(&mut self) -> Option<usize> {
        let up = self.level.checked_sub(1)?;
        if (self.calm_frames.min(self.since_step) as f64) < self.hold_frames || self.peak.frames() < MEASURE_FRAMES {
            return None;
        }
        let room = 1.0 - self.least_nanos / self.frame_nanos - self.peak.busy();
        let trust = 0.5_f64.powf(self.calm_frames as f64 * self.frame_nanos / (TRUST_SECS * 1e9));
        (room - self.gains.of(up) * trust >= RESERVE).then_some(up)
    }

    fn stepped(&mut self, from: usize) {
        self.stepped_up = self.level < from;
        // A step that is taken back at once has shown its price all the same.
        if let Some((level, busy)) = self.before.take() {
            self.gains.learn(level, from, busy - self.peak.busy());
        }
        self.before = Some((from, self.peak.busy()));
        self.peak = Peak::default();
        (self.since_step, self.late, self.missing, self.calm_frames) = (0, 0, 0.0, 0);
    }
}

#[cfg(test)]
mod tests;
