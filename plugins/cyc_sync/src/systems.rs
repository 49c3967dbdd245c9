//! Tick, latch and solve.

use crate::{
    frame::{Frame, Hold},
    sources::{GivenFrames, StageClock, StageInUse, StagePoses, StageTicks},
};
use bevy_app::AppExit;
use bevy_ecs::prelude::*;
use bevy_time::{Real, Time, TimeUpdateStrategy, Virtual};
use cyc_core::{CameraState, FrameInput, Tick};
use cyc_frame::{Latch, latch::fixed_input};
use cyc_stage::stage::Stage;
use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

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

/// Samples every feed once, at the frame's display time.
pub fn latch(
    mut frame: ResMut<Frame>,
    hold: Res<Hold>,
    stage: Res<StageInUse>,
    clock: Res<StageClock>,
    poses: Option<Res<StagePoses>>,
) {
    let frame = &mut *frame;
    let Some(tick) = frame.tick else { return };
    match poses {
        Some(poses) => {
            frame.feeds = poses.0.feeds();
            let latched = Latch::new(&stage.0).latch(&stage.0, &*poses.0, &tick, clock.0.now());
            if hold.0 {
                let shown = std::mem::take(&mut frame.input.cameras);
                frame.input = FrameInput { cameras: shown, ..latched.input };
            } else {
                (frame.input, frame.states) = (latched.input, latched.cameras);
            }
        }
        None => frame.states = given_states(&stage.0, &mut frame.input),
    }
    frame.marks.latched_ns = clock.0.now().0;
}

/// States without a history. A camera with a fixed pose needs no input.
fn given_states(stage: &Stage, input: &mut FrameInput) -> BTreeMap<String, CameraState> {
    let mut states = BTreeMap::new();
    for camera in &stage.cameras {
        if let (None, Some(fixed)) = (input.cameras.get(&camera.id), fixed_input(camera)) {
            input.cameras.insert(camera.id.clone(), fixed);
        }
        let known = input.cameras.get(&camera.id).copied();
        states.insert(camera.id.clone(), CameraState { input: known, ..CameraState::LOST });
    }
    states
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
