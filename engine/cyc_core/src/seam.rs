//! The seam between plugins and the real-time shell: three object-safe traits.
//!
//! `cyc_link` implements them, `tools/` inserts them, tests use fakes.

use crate::{CameraInput, StageTime, report::FeedReport};

/// The stage clock.
pub trait Clock: Send + Sync {
    /// Now, on the stage clock.
    fn now(&self) -> StageTime;
    /// Returns at `instant`, or at once if it has passed.
    fn sleep_until(&self, instant: StageTime);
}

/// One beat of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Frame number on the stage's beat.
    pub frame: u64,
    /// The beat's ideal instant.
    pub ideal: StageTime,
    /// When the beat was noticed here.
    pub actual: StageTime,
    /// Beats that passed unnoticed since the last one delivered.
    pub missed: u64,
}

/// Where beats come from.
pub trait TickSource: Send + Sync {
    /// Waits for the next beat; `None` when the source has ended.
    fn wait(&mut self) -> Option<Tick>;
}

/// A camera's state at an instant, with its history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraState {
    /// The sensor's pose and lens; `None` before the first sample.
    pub input: Option<CameraInput>,
    /// Capture time of the newest sample that shaped it.
    pub capture: Option<StageTime>,
    /// Kernel receive stamp of that sample.
    pub received: Option<StageTime>,
}

impl CameraState {
    /// Nothing known.
    pub const LOST: CameraState = CameraState { input: None, capture: None, received: None };
}

/// Where camera poses come from.
pub trait PoseSource: Send + Sync {
    /// The state of `camera` (a stage-file id) at `at`; never blocks.
    fn sample(&self, camera: &str, at: StageTime) -> CameraState;
    /// Counters of every feed, by stage-file id.
    fn feeds(&self) -> Vec<(String, FeedReport)>;
}
