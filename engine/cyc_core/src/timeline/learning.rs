//! Feeds what a timeline holds to the filter's memory: means over bins of a fixed grid, as soon as they are complete.

use super::between::interpolate;
use crate::motion::{BIN_NANOS, BINS, LEARN_BINS, MAX_SPEED, Spectrum, mean_pose};
use crate::{CameraSample, Pose, StageTime};
use std::collections::VecDeque;
use std::sync::Arc;

/// A bin is complete once there are samples so much newer: packets may be reordered until then.
const SETTLED_NANOS: i64 = 100_000_000;
/// A bin without samples is interpolated within an interval up to this.
const BRIDGED_NANOS: i64 = 100_000_000;
/// Samples closer together than this are merged by the filter.
const MERGED_SECS: f64 = 0.0075;

/// The last bins and what was learned from them.
#[derive(Debug, Clone, Default)]
pub(super) struct Learning {
    /// The next bin to complete.
    next: Option<i64>,
    bins: VecDeque<Pose>,
    spectrum: Option<Arc<Spectrum>>,
}

impl Learning {
    /// What was learned, if anything.
    pub(super) fn spectrum(&self) -> Option<&Arc<Spectrum>> {
        self.spectrum.as_ref()
    }

    /// Takes in what is complete; samples are ordered by capture time.
    pub(super) fn follow(&mut self, samples: &VecDeque<CameraSample>) {
        let (Some(oldest), Some(newest)) = (samples.front(), samples.back()) else { return };
        let complete = newest.capture.plus_nanos(-SETTLED_NANOS).0.div_euclid(BIN_NANOS);
        let mut next = self.next.unwrap_or(i64::MIN);
        if next >= complete {
            return;
        }
        if complete.saturating_sub(next) > BINS as i64 {
            self.bins.clear();
            next = (oldest.capture.0.div_euclid(BIN_NANOS) + 1).max(complete - BINS as i64);
            if next >= complete {
                return;
            }
        }
        while next < complete {
            self.complete(next, samples);
            next += 1;
        }
        self.next = Some(next);
    }

    fn complete(&mut self, bin: i64, samples: &VecDeque<CameraSample>) {
        let start = StageTime(bin.saturating_mul(BIN_NANOS));
        let [from, to] = [start, start.plus_nanos(BIN_NANOS)].map(|at| samples.partition_point(|s| s.capture < at));
        let middle = start.plus_nanos(BIN_NANOS / 2);
        let pose =
            mean_pose(samples.range(from..to).map(|sample| &sample.pose)).or_else(|| bridged(samples, from, middle));
        let jumped = |pose: &Pose| {
            let most = MAX_SPEED * BIN_NANOS as f64 * 1e-9;
            self.bins.back().is_some_and(|last| (pose.position_m - last.position_m).norm() > most)
        };
        let Some(pose) = pose.filter(|pose| !jumped(pose)) else {
            self.bins.clear();
            return;
        };
        if self.bins.len() == BINS {
            self.bins.pop_front();
        }
        self.bins.push_back(pose);
        if self.bins.len() == BINS && bin.rem_euclid(LEARN_BINS) == 0 {
            let bins: [Pose; BINS] = std::array::from_fn(|i| self.bins[i]);
            let learned = Spectrum::learn(&bins, usual_step_secs(samples), self.spectrum.as_deref());
            self.spectrum = Some(Arc::new(learned));
        }
    }
}

/// Between the samples on either side, if they are close.
fn bridged(samples: &VecDeque<CameraSample>, next: usize, at: StageTime) -> Option<Pose> {
    let (before, after) = (samples.get(next.checked_sub(1)?)?, samples.get(next)?);
    let outer = [next.checked_sub(2), next.checked_add(1)].map(|i| i.and_then(|i| samples.get(i)));
    let close = after.capture.nanos_since(before.capture) <= BRIDGED_NANOS;
    close.then(|| interpolate(outer[0], before, after, outer[1], at))
}

/// The usual distance between the filter's entries, seconds.
fn usual_step_secs(samples: &VecDeque<CameraSample>) -> f64 {
    let span =
        samples.back().zip(samples.front()).map_or(0.0, |(newest, oldest)| newest.capture.secs_since(oldest.capture));
    let interval = (span / samples.len().saturating_sub(1).max(1) as f64).max(1e-4);
    interval * (MERGED_SECS / interval - 1e-3).ceil().max(1.0)
}
