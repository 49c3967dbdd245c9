//! Poses renewed late in the frame: once before the pictures are drawn, once more while composing.
//!
//! Taken once for all outputs, so that neighbours never disagree at a seam. The second time, the newest rotation decides
//! which wall pixels are inside, and the newest entrance pupil what they show; with an exposure-true wall the pupil is a
//! path over the sensor's lines. Nothing here allocates once a frame has been made.

use crate::{convert::bevy_view, present::Extracted, views::InnerCamera};
use bevy::{prelude::*, render::view::ExtractedView};
use cyc_core::{LateCamera, StageTime};
use cyc_frame::{FramePlan, Latch, LatePose, late_cameras, relatch_into};
use cyc_stage::stage::Stage;
use cyc_sync::{Frame, StageClock, StageInUse, StagePoses};

/// The frame's plans and the late poses behind them.
#[derive(Resource, Default)]
pub struct Late {
    /// What Bevy's pictures are drawn for.
    pub drawn: FramePlan,
    /// What the wall shows.
    pub shown: FramePlan,
    /// The newest poses, in the stage's order; empty where none were taken.
    pub poses: Vec<LatePose>,
    /// When poses were taken before drawing.
    pub late_latched: Option<StageTime>,
    /// When poses were taken for composing.
    pub warped: Option<StageTime>,
    cameras: Vec<Option<LateCamera>>,
}

impl Late {
    /// Begins a frame with the plan that was solved.
    fn begin(&mut self, plan: &FramePlan) {
        (self.late_latched, self.warped) = (None, None);
        self.poses.clear();
        copy_plan(plan, &mut self.drawn);
        copy_plan(plan, &mut self.shown);
    }

    /// Takes the newest poses into `cameras`, as wide as they were latched.
    fn take(&mut self, stage: &Stage, frame: &Frame, poses: &StagePoses, lines: bool) {
        let latch = Latch::new(stage);
        latch.late_into(stage, &*poses.0, frame.input.display_time, lines, &mut self.poses);
        self.cameras.clear();
        let latched = |index: usize| frame.states.get(index).and_then(|state| state.input.as_ref());
        self.cameras.extend(self.poses.iter().enumerate().map(|(index, pose)| pose.camera(latched(index))));
    }

    /// Renews the poses that the pictures are drawn for.
    fn latch(&mut self, stage: &Stage, plan: &FramePlan, frame: &Frame, poses: &StagePoses, clock: &StageClock) {
        self.take(stage, frame, poses, false);
        // Stamped once they are taken: a packet may arrive meanwhile, and is in them.
        self.late_latched = Some(clock.0.now());
        relatch_into(stage, plan, &self.cameras, &mut self.drawn);
        let Self { drawn, shown, .. } = self;
        copy_plan(drawn, shown);
    }

    /// Renews the poses that the wall shows.
    pub fn warp(&mut self, stage: &Stage, frame: &Frame, poses: &StagePoses, clock: &StageClock) {
        self.take(stage, frame, poses, stage.latency.exposure_true);
        self.warped = Some(clock.0.now());
        relatch_into(stage, &self.drawn, &self.cameras, &mut self.shown);
    }

    /// Shows the late poses that came with the frame's input.
    pub fn warp_given(&mut self, stage: &Stage, frame: &Frame) {
        if !frame.input.late.is_empty() {
            relatch_into(stage, &self.drawn, &late_cameras(stage, &frame.input), &mut self.shown);
        }
    }
}

fn copy_plan(from: &FramePlan, to: &mut FramePlan) {
    (to.frame, to.display_time) = (from.frame, from.display_time);
    to.cameras.clone_from(&from.cameras);
}

/// Renews the poses just before Bevy's views become uniforms, and moves the inner views there. Objects were culled for
/// the latched poses, with a margin ([`crate::views::aim_inner`]).
pub fn late_latch(
    extracted: Option<Res<Extracted>>,
    mut late: ResMut<Late>,
    stage: Res<StageInUse>,
    clock: Res<StageClock>,
    poses: Option<Res<StagePoses>>,
    mut views: Query<(&InnerCamera, &mut ExtractedView)>,
) {
    let Some(extracted) = extracted else { return };
    let frame = extracted.frame();
    let Some(plan) = frame.plan.as_ref() else { return };
    late.begin(plan);
    let Some(poses) = poses.filter(|_| stage.0.latency.late_latch && !extracted.is_held()) else { return };
    late.latch(&stage.0, plan, frame, &poses, &clock);
    for (inner, mut extracted) in &mut views {
        let Some(view) = late.drawn.cameras.get(inner.0).copied().flatten() else { continue };
        let (place, clip_from_view) = bevy_view(&view.clip_from_stage, view.pupil_m);
        (extracted.world_from_view, extracted.clip_from_view) = (place.into(), clip_from_view);
        extracted.clip_from_world = None;
    }
}
