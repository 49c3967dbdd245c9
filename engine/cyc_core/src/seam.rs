//! The seam between plugins and the real-time shell: three object-safe traits.
//!
//! `cyc_link` implements them, `tools/` inserts them, tests use fakes.

use crate::{BeatSync, CameraInput, Pose, StageTime, Timecode, report::FeedReport};
use nalgebra::Vector3;

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
    /// How well the beat follows its source.
    pub sync: BeatSync,
    /// The frame's timecode, where a source of labels says; else it is counted from the frame number.
    pub label: Option<Timecode>,
}

impl Tick {
    /// A beat noticed at its very instant, of a stage without genlock.
    pub fn on_time(frame: u64, ideal: StageTime) -> Tick {
        Tick { frame, ideal, actual: ideal, missed: 0, sync: BeatSync::default(), label: None }
    }
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
    /// How the sensor moves at that instant; `None` where nothing is known or nothing moves.
    pub motion: Option<CameraMotion>,
}

/// How a camera's sensor moves, stage axes, and how far the pose may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraMotion {
    /// Velocity in metres per second.
    pub velocity_m_s: Vector3<f64>,
    /// Rotation vector per second, radians.
    pub turn_rad_s: Vector3<f64>,
    /// Standard error of the position, metres, as the feed's filter estimates it.
    pub position_error_m: f64,
    /// Standard error of the orientation, radians.
    pub rotation_error_rad: f64,
}

impl CameraState {
    /// Nothing known.
    pub const LOST: CameraState = CameraState { input: None, capture: None, received: None, motion: None };
}

/// Where camera poses come from.
pub trait PoseSource: Send + Sync {
    /// The state of `camera` (a stage-file id) at `at`; never blocks.
    fn sample(&self, camera: &str, at: StageTime) -> CameraState;
    /// The state of `camera` at the second of three instants and its sensor's poses at the first and the third, all
    /// by the same samples: first, middle and last line of one exposure. Never blocks, allocates nothing.
    fn lines(&self, camera: &str, at: [StageTime; 3]) -> (CameraState, Option<[Pose; 2]>) {
        let [first, middle, last] = at.map(|at| self.sample(camera, at));
        let pose = |state: &CameraState| state.input.map(|input| input.pose);
        (middle, pose(&first).zip(pose(&last)).map(|(first, last)| [first, last]))
    }
    /// Counters of every feed, by stage-file id.
    fn feeds(&self) -> Vec<(String, FeedReport)>;
}
