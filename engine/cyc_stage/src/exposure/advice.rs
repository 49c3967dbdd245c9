//! One phase for all: where the wall's frames should begin, so that every camera's pictures are whole.

use super::{Relation, Timing, relation};
use crate::stage::Stage;
use serde::Serialize;

/// Steps in which a wall frame is searched.
const STEPS: i32 = 3600;

/// The genlock phase that leaves every camera most room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenlockAdvice {
    /// What to write as `[genlock] phase_us`.
    pub phase_us: f64,
    /// Time between the tightest camera's window and the nearer edge of its wall frame then, microseconds; negative
    /// where no phase keeps all pictures whole.
    pub slack_us: f64,
    /// Each camera's `phase_deg` then, by id: they count from the beat, which moves.
    pub phases_deg: Vec<(String, f64)>,
}

/// Where the wall's frames should begin for all cameras at its rate or a multiple of it; `None` where there is no such
/// camera with a shutter whose pictures can be whole.
///
/// Moving the wall is what is left where cameras cannot shift their genlock. Of equal phases the nearest is taken.
pub fn genlock_advice(stage: &Stage) -> Option<GenlockAdvice> {
    let timings = timings(stage);
    let lit_ms = timings.first()?.1.lit_ms;
    let slack_ms = |earlier_ms: f64| {
        let slacks = timings.iter().filter_map(|(_, timing)| timing.slack_ms(timing.begin_ms + earlier_ms));
        slacks.fold(f64::INFINITY, f64::min)
    };
    let steps = (-STEPS / 2..=STEPS / 2).map(|n| f64::from(n) / f64::from(STEPS) * lit_ms);
    // The middles that single cameras ask for, exactly.
    let middles = timings.iter().filter_map(|(_, timing)| Some(nearest(timing.best_begin_ms()?, timing)));
    let mut best = (0.0, slack_ms(0.0));
    for earlier_ms in steps.chain(middles) {
        let slack_ms = slack_ms(earlier_ms);
        let gain_ms = slack_ms - best.1;
        if gain_ms > 1e-9 || (gain_ms > -1e-9 && earlier_ms.abs() < f64::abs(best.0)) {
            best = (earlier_ms, slack_ms);
        }
    }
    let (earlier_ms, slack_ms) = best;
    let phase = |timing: &Timing| timing.phase_deg((timing.begin_ms + earlier_ms).rem_euclid(timing.frame_ms));
    Some(GenlockAdvice {
        phase_us: stage.genlock.phase_nanos as f64 * 1e-3 - earlier_ms * 1e3,
        slack_us: slack_ms * 1e3,
        phases_deg: timings.iter().map(|(id, timing)| (id.clone(), phase(timing))).collect(),
    })
}

/// The cameras that a phase can help.
fn timings(stage: &Stage) -> Vec<(String, Timing)> {
    let timing = |camera: &crate::stage::Camera| {
        let exposure = camera.exposure;
        let relation = relation(exposure.rate, stage.frame_rate);
        let timing = Timing::new(&exposure.shutter?, exposure.rate, stage.frame_rate, relation);
        let whole = matches!(relation, Relation::Same | Relation::Faster { .. }) && timing.best_begin_ms().is_some();
        whole.then(|| (camera.id.clone(), timing))
    };
    stage.cameras.iter().filter_map(timing).collect()
}

/// How much earlier the wall must come for a window that begins at `begin_ms`; the shorter way round.
pub(super) fn nearest(begin_ms: f64, timing: &Timing) -> f64 {
    let earlier_ms = (begin_ms - timing.begin_ms).rem_euclid(timing.frame_ms);
    if earlier_ms > timing.frame_ms / 2.0 { earlier_ms - timing.frame_ms } else { earlier_ms }
}
