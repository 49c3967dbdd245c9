//! Where beats, time and poses come from. `tools/` inserts these; tests insert fakes.

use bevy_ecs::prelude::*;
use cyc_core::{Clock, FrameInput, PoseSource, TickSource};
use cyc_stage::stage::Stage;
use std::{collections::VecDeque, sync::Arc};

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
pub struct GivenFrames(pub VecDeque<FrameInput>);
