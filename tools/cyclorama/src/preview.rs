//! Preview scale on machines that render on the CPU: chosen once, from how fast the warm-up frames were drawn.

use crate::{beat::WARM_UP_FRAMES, live::Progress, watch::Wanted};
use bevy::prelude::*;
use cyc_stage::stage::Stage;
use cyc_sync::StageInUse;
use cyc_wall::{
    backdrop::Backdrop,
    scale::{Economy, PreviewScale, smallest_inner},
};
use std::io::Write;

/// Part of a frame that drawing may take; the rest is for the desk, the feeds and bad luck.
const BUDGET: f64 = 0.6;

/// What is needed to choose.
#[derive(Resource)]
pub struct ChooseScale {
    /// The warm-up's measurements.
    pub progress: Progress,
    /// Fixed by the operator.
    pub fixed: Option<f32>,
    /// Whether rendering is on the CPU.
    pub software: bool,
    /// The choice has been made.
    pub done: bool,
}

/// The scale to start with: what the operator said, else the stage file's on a GPU, else the smallest.
pub fn at_start(stage: &Stage, software: bool, fixed: Option<f32>) -> PreviewScale {
    match (fixed, software) {
        (Some(factor), false) => PreviewScale { inner: factor, outer: factor, outer_every: 1 },
        (Some(factor), true) => PreviewScale { inner: factor, outer: factor.min(0.5), outer_every: 3 },
        (None, false) => PreviewScale::default(),
        (None, true) => PreviewScale { inner: smallest(stage), outer: 0.5, outer_every: 3 },
    }
}

/// Gives up what the watch asks for.
pub fn economise(wanted: Res<Wanted>, mut economy: ResMut<Economy>) {
    if let Some(wanted) = wanted.get() {
        economy.set_if_neq(Economy(wanted));
    }
}

fn smallest(stage: &Stage) -> f32 {
    stage.cameras.iter().map(|camera| smallest_inner(camera.inner.size_px)).fold(0.0, f32::max).max(0.05)
}

/// Chooses at the end of the warm-up and says so.
pub fn choose(
    mut choice: ResMut<ChooseScale>,
    mut scale: ResMut<PreviewScale>,
    stage: Res<StageInUse>,
    backdrop: Res<Backdrop>,
) {
    if choice.done {
        return;
    }
    // Two frames of the warm-up are left for what the choice changes: picture arrays, and all outer views anew.
    let times = choice.progress.warm_up_nanos();
    if times.len() + 3 < WARM_UP_FRAMES as usize {
        return;
    }
    choice.done = true;
    if !backdrop.is_drawn() {
        say(format_args!("preview scale: none, a panorama is sampled directly by the walls"));
        return;
    }
    if choice.software && choice.fixed.is_none() {
        // The first frames compile pipelines; the quickest of the others is what drawing takes undisturbed.
        let quickest = times.iter().skip(2).min().copied().unwrap_or(i64::MAX);
        let better = scale_for(*scale, quickest, stage.0.frame_rate.frame_nanos());
        scale.set_if_neq(better);
    }
    for camera in &stage.0.cameras {
        let px = cyc_wall::scale::scaled_px(camera.inner.size_px, scale.inner);
        say(format_args!(
            "preview scale: inner picture of \"{}\" {} x {} px ({:.0} %), outer views {:.0} %, each on every {} frame(s)",
            camera.id,
            px.x,
            px.y,
            100.0 * scale.inner,
            100.0 * scale.outer,
            scale.outer_every
        ));
    }
}

/// Whoever closed standard output wants no more lines, and the wall goes on without them.
fn say(line: std::fmt::Arguments) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// More pixels while there is time for them, fewer outer views a frame while there is not.
fn scale_for(smallest: PreviewScale, frame_nanos: i64, period_nanos: i64) -> PreviewScale {
    let room = BUDGET * period_nanos as f64 / frame_nanos.max(1) as f64;
    match room {
        r if r > 2.0 => PreviewScale {
            inner: (smallest.inner * (r / 2.0).sqrt() as f32).min(1.0),
            outer: (smallest.outer * (r / 2.0).sqrt() as f32).min(1.0),
            outer_every: 2,
        },
        r if r > 1.0 => smallest,
        _ => PreviewScale { outer: smallest.outer * 0.7, outer_every: 4, ..smallest },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_draws_outer_views_less_often_and_a_fast_one_draws_more_pixels() {
        let smallest = PreviewScale { inner: 0.5, outer: 0.5, outer_every: 3 };
        let period = 41_666_667;
        assert_eq!(scale_for(smallest, period, period), PreviewScale { outer: 0.35, outer_every: 4, ..smallest });
        assert_eq!(scale_for(smallest, period / 2, period), smallest);
        let fast = scale_for(smallest, period / 20, period);
        assert!(fast.inner > 0.9 && fast.inner <= 1.0 && fast.outer_every == 2, "{fast:?}");
    }
}
