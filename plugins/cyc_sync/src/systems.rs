//! Tick, latch and solve.

use crate::{
    frame::{Frame, Hold, ShownPoses},
    sources::{GivenFrames, StageClock, StageInUse, StagePoses, StageTicks},
};
use bevy_app::AppExit;
use bevy_ecs::prelude::*;
use bevy_time::{Real, Time, TimeUpdateStrategy, Virtual};
use cyc_core::{CameraState, FrameInput, PoseSource, StageTime, Tick};
use cyc_frame::{
    Latch,
    latch::{self, fixed_input},
    margin::{Margin, overscan_needed},
};
use cyc_stage::stage::Stage;
use std::{sync::atomic::Ordering, time::Duration};

/// Waits for the beat and sets Bevy's clock from the frame number: exact rational, rounded once.
pub fn tick(
    mut frame: ResMut<Frame>,
    stage: Res<StageInUse>,
    clock: Res<StageClock>,
    ticks: Option<ResMut<StageTicks>>,
    given: Option<ResMut<GivenFrames>>,
    mut strategy: ResMut<TimeUpdateStrategy>,
    real: Res<Time<Real>>,
    mut time: ResMut<Time<Virtual>>,
    mut first: Local<Option<u64>>,
    mut exit: MessageWriter<AppExit>,
) {
    let beat = match (given, ticks) {
        (Some(mut given), _) => next_given(&mut given, &mut frame),
        (None, Some(mut ticks)) => ticks.0.wait(),
        (None, None) => None,
    };
    frame.tick = beat;
    frame.marks.began_ns = clock.0.now().0;
    let Some(beat) = beat else {
        exit.write(AppExit::Success);
        return;
    };
    let first = *first.get_or_insert(beat.frame);
    let nanos = stage.0.frame_rate.nanos_of_frame(beat.frame.saturating_sub(first));
    time.set_max_delta(Duration::MAX);
    *strategy = TimeUpdateStrategy::ManualInstant(real.startup() + Duration::from_nanos(nanos.unsigned_abs()));
}

fn next_given(given: &mut GivenFrames, frame: &mut Frame) -> Option<Tick> {
    let settled = given.settled.load(Ordering::Relaxed);
    let input = if settled { given.frames.pop_front()? } else { given.frames.front()?.clone() };
    let beat = Tick::on_time(input.frame, input.display_time);
    frame.input = input;
    Some(beat)
}

/// Samples every feed once, for the instant at which each camera sees the frame; widens the inner pictures of cameras
/// that turn fast.
pub fn latch(
    mut frame: ResMut<Frame>,
    hold: Res<Hold>,
    shown: Res<ShownPoses>,
    stage: Res<StageInUse>,
    clock: Res<StageClock>,
    poses: Option<Res<StagePoses>>,
    mut margins: Local<Vec<Margin>>,
) {
    let frame = &mut *frame;
    let Some(tick) = frame.tick else { return };
    match poses {
        Some(poses) => {
            frame.feeds = poses.0.feeds();
            latch_live(frame, &stage.0, &*poses.0, &tick, clock.0.now());
            if hold.0 {
                keep_shown(frame, &stage.0, &shown);
            } else {
                widen(frame, &stage.0, &mut margins);
            }
        }
        None => latch_given(frame, &stage.0),
    }
    frame.marks.latched_ns = clock.0.now().0;
}

fn latch_live(frame: &mut Frame, stage: &Stage, poses: &dyn PoseSource, tick: &Tick, now: StageTime) {
    let latch = Latch::new(stage);
    let latched = latch.latch(stage, poses, tick, now);
    let events = std::mem::take(&mut frame.input.events);
    (frame.input, frame.states) = (FrameInput { events, ..latched.input }, latched.cameras);
    frame.pose_for.clear();
    let exposed = |camera| latch.exposed(camera, frame.input.display_time)[1];
    frame.pose_for.extend(stage.cameras.iter().map(exposed));
}

/// Puts the poses that the wall showed last in place of what was just latched.
fn keep_shown(frame: &mut Frame, stage: &Stage, shown: &ShownPoses) {
    let Ok(shown) = shown.0.lock() else { return };
    for (index, (state, pose_for)) in shown.iter().enumerate().take(frame.states.len()) {
        (frame.states[index], frame.pose_for[index]) = (*state, *pose_for);
    }
    frame.input.cameras = latch::inputs(stage, &frame.states);
}

fn widen(frame: &mut Frame, stage: &Stage, margins: &mut Vec<Margin>) {
    let frame_secs = stage.frame_rate.frame_nanos() as f64 * 1e-9;
    margins.resize(stage.cameras.len(), Margin::default());
    frame.overscan_needed.clear();
    for (index, camera) in stage.cameras.iter().enumerate() {
        let needed = overscan_needed(camera, &frame.states[index], frame.pose_for[index]);
        frame.overscan_needed.push(needed);
        let overscan = margins[index].follow(camera, needed, frame_secs);
        if let Some(input) = frame.input.cameras.get_mut(&camera.id) {
            input.overscan = overscan;
        }
        if let Some(input) = &mut frame.states[index].input {
            input.overscan = overscan;
        }
    }
}

/// States without a history. A camera with a fixed pose needs no input.
fn latch_given(frame: &mut Frame, stage: &Stage) {
    frame.states.clear();
    frame.pose_for.clear();
    for camera in &stage.cameras {
        if let (None, Some(fixed)) = (frame.input.cameras.get(&camera.id), fixed_input(camera)) {
            frame.input.cameras.insert(camera.id.clone(), fixed);
        }
        let known = frame.input.cameras.get(&camera.id).copied();
        frame.states.push(CameraState { input: known, ..CameraState::LOST });
        frame.pose_for.push(frame.input.display_time);
    }
}

/// Stage and input to plan.
pub fn solve(mut frame: ResMut<Frame>, stage: Res<StageInUse>, clock: Res<StageClock>) {
    let frame = &mut *frame;
    if frame.tick.is_none() {
        return;
    }
    frame.marks.solve_began_ns = clock.0.now().0;
    frame.plan = Some(cyc_frame::solve(&stage.0, &frame.input));
    frame.marks.solved_ns = clock.0.now().0;
}
