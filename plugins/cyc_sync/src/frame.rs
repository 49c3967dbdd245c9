//! The frame being made: latched once, read by everything after.

use bevy_ecs::prelude::*;
use cyc_core::StageTime;
use cyc_core::{CameraState, FrameInput, Tick, report::FeedReport};
use cyc_frame::plan::FramePlan;
use std::sync::{Arc, Mutex};

/// The frame being made.
#[derive(Resource, Clone, Default)]
pub struct Frame {
    /// Its beat; `None` before the first and after the last.
    pub tick: Option<Tick>,
    /// What the outside world said.
    pub input: FrameInput,
    /// The history of each stage camera's pose, in the stage's order.
    pub states: Vec<CameraState>,
    /// The instant that each of them is for.
    pub pose_for: Vec<StageTime>,
    /// The overscan that each camera's turn and the measured latency ask for.
    pub overscan_needed: Vec<Option<f64>>,
    /// Feed counters at the latch.
    pub feeds: Vec<(String, FeedReport)>,
    /// What is to be drawn; `None` before the first frame.
    pub plan: Option<FramePlan>,
    /// Stage-clock instants at which the steps ended.
    pub marks: Marks,
}

/// Stage-clock instants of one frame's steps, nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Marks {
    pub began_ns: i64,
    pub latched_ns: i64,
    pub solve_began_ns: i64,
    pub solved_ns: i64,
}

/// Freeze: the wall keeps the poses it shows, whatever the feeds say.
#[derive(Resource, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hold(pub bool);

/// The poses that the wall showed last, in the stage's order, and the instants they were for: written at a frame's end,
/// kept by a freeze.
#[derive(Resource, Clone, Default)]
pub struct ShownPoses(pub Arc<Mutex<Vec<(CameraState, StageTime)>>>);
