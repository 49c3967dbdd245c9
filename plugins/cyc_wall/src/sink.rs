//! Where finished frames go.

use crate::readback::OutputPicture;
use bevy::prelude::*;
use cyc_core::FrameReport;
use cyc_frame::plan::FramePlan;

/// A finished frame.
pub struct FrameOutcome {
    /// What happened.
    pub report: FrameReport,
    /// What was drawn.
    pub plan: FramePlan,
    /// The outputs' pictures, where they were asked for and the GPU answered.
    pub pictures: Option<Vec<OutputPicture>>,
    /// No shader or pipeline of the scene was still missing.
    pub ready: bool,
}

/// Takes finished frames. Called in the render world at the end of each frame; must not block.
pub trait FrameSink: Send + Sync + 'static {
    /// Whether this frame's output pictures are to be read back.
    fn wants_pictures(&mut self, frame: u64) -> bool;
    /// A frame is done.
    fn done(&mut self, outcome: FrameOutcome);
}

/// The sink in use.
#[derive(Resource)]
pub struct Sink(pub Box<dyn FrameSink>);
