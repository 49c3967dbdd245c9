//! Where beats, time and poses come from. `tools/` inserts these; tests insert fakes.

use bevy_ecs::prelude::*;
use cyc_core::{Clock, FrameInput, PoseSource, TickSource};
use cyc_stage::stage::Stage;
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::AtomicBool},
};

/// The stage that is driven.
#[derive(Resource, Clone)]
pub struct StageInUse(pub Arc<Stage>);

/// The stage clock.
#[derive(Resource, Clone)]
pub struct StageClock(pub Arc<dyn Clock>);

/// The beat of a live stage.
#[derive(Resource)]
pub struct StageTicks(pub Box<dyn TickSource>);

/// The poses of a live stage.
#[derive(Resource, Clone)]
pub struct StagePoses(pub Arc<dyn PoseSource>);

/// Frames that are already known: offline rendering and replay. The app ends when they run out.
#[derive(Resource, Default)]
pub struct GivenFrames {
    /// What is to be drawn, in order.
    pub frames: VecDeque<FrameInput>,
    /// Until this is set the first frame is given again and again: pipelines compile, assets arrive.
    pub settled: Arc<AtomicBool>,
}
