//! The newest samples of one movement, as equally heavy entries in time: glitches out, quick samples merged.

use super::{Kind, turn_between};
use crate::{CameraSample, Pose};
use nalgebra::{UnitQuaternion, Vector3};

/// Samples of a quick feed within this are merged, so that 1000 Hz costs no more than 120 Hz.
const MERGE_SECS: f64 = 0.0075;
/// Of a slower feed only such as come within this part of the usual interval: one of them is late.
const MERGE_PART: f64 = 0.2;
/// The usual interval is that of so many of the newest.
const USUAL: usize = 16;
/// How far back is looked.
pub(super) const WINDOW_SECS: f64 = 1.02;
/// Entries within [`WINDOW_SECS`], with room for uneven merging.
pub(super) const MAX_ENTRIES: usize = 144;
/// Faster than this is no camera but a tracker that found itself elsewhere.
pub(crate) const MAX_SPEED: f64 = 15.0;
pub(super) const MAX_TURN: f64 = 45.0;
/// Intervals shorter than this count as this when speeds are judged: packets bunch up.
const BUNCH_SECS: f64 = 0.01;
/// So many samples in a row at another place are the new truth, fewer are glitches.
const GLITCHES: usize = 2;
/// The noise is judged by so many of the newest entries.
const JUDGED: usize = 48;
/// So many entries' worth of noise the profile counts as.
const PRIOR_ENTRIES: f64 = 8.0;
/// Squares beyond so many times their median are no usual noise.
const FAR: f64 = 20.0;
/// Late packets are noise along the way alone: the worst axis counts, by this much.
const WORST: f64 = 0.6;
/// Beyond so many deviations an entry is an outlier.
const OUTLIER: f64 = 6.0;

/// One axis triple by time; newest first, seconds relative to the newest sample, so at most 0.
pub(super) struct Series {
    pub(super) values: [Vector3<f64>; MAX_ENTRIES],
    /// Entries off the curve through their neighbours do not count.
    pub(super) used: [bool; MAX_ENTRIES],
    /// Variance of one sample per axis.
    pub(super) noise: f64,
}

/// Samples that belong to one continuous movement, relative to the newest.
pub(super) struct Run {
    pub(super) newest: CameraSample,
    pub(super) times: Times,
    pub(super) position: Series,
    pub(super) rotation: Series,
    samples: usize,
}

/// When entries are, newest first.
pub(super) struct Times {
    pub(super) len: usize,
    /// Seconds relative to the newest sample.
    pub(super) secs: [f64; MAX_ENTRIES],
    /// Samples in each entry.
    pub(super) count: [f64; MAX_ENTRIES],
    /// When the newest sample of the oldest entry was captured, seconds.
    head_secs: f64,
    merge_secs: f64,
}

impl Times {
    pub(super) fn secs(&self) -> &[f64] {
        &self.secs[..self.len]
    }
}

impl Run {
    /// The movement that leads to the newest sample which is no glitch; `None` if there are no samples.
    pub(super) fn gather<'a>(
        newest_first: impl Iterator<Item = &'a CameraSample> + Clone,
        kinds: &[Kind; 2],
    ) -> Option<Self> {
        let trusted = |from: usize| Run::collect(newest_first.clone().skip(from)).filter(|run| run.samples > GLITCHES);
        let mut run = (0..=GLITCHES).find_map(trusted).or_else(|| Run::collect(newest_first.clone()))?;
        let Run { times, position, rotation, .. } = &mut run;
        position.judge(times.secs(), &times.count, &kinds[0]);
        rotation.judge(times.secs(), &times.count, &kinds[1]);
        Some(run)
    }

    fn collect<'a>(mut newest_first: impl Iterator<Item = &'a CameraSample> + Clone) -> Option<Self> {
        let ahead = newest_first.clone();
        let newest = *newest_first.next()?;
        let span = ahead.take(USUAL).last().map_or(0.0, |sample| newest.capture.secs_since(sample.capture));
        let usual = span / (USUAL - 1) as f64;
        let merge_secs = if usual < 0.7 * MERGE_SECS { MERGE_SECS } else { MERGE_PART * usual };
        let times = Times { len: 0, secs: [0.0; MAX_ENTRIES], count: [0.0; MAX_ENTRIES], head_secs: 0.0, merge_secs };
        let mut run = Self { newest, times, position: Series::EMPTY, rotation: Series::EMPTY, samples: 0 };
        let from_newest = newest.pose.orientation.inverse();
        run.add(&newest.pose, 0.0, &from_newest);
        let (mut last, mut misses) = (&newest, 0);
        for sample in newest_first {
            let secs = sample.capture.secs_since(newest.capture);
            if secs < -WINDOW_SECS {
                break;
            }
            if plausible(sample, last) {
                if !run.add(&sample.pose, secs, &from_newest) {
                    break;
                }
                (last, misses) = (sample, 0);
            } else if misses == GLITCHES {
                break;
            } else {
                misses += 1;
            }
        }
        Some(run)
    }

    /// False if there is no room.
    fn add(&mut self, pose: &Pose, secs: f64, from_newest: &UnitQuaternion<f64>) -> bool {
        let position = pose.position_m - self.newest.pose.position_m;
        let rotation = rotation_vector(&(from_newest * pose.orientation));
        self.samples += 1;
        let times = &mut self.times;
        if let Some(at) = times.len.checked_sub(1).filter(|_| times.head_secs - secs < times.merge_secs) {
            times.count[at] += 1.0;
            let part = 1.0 / times.count[at];
            times.secs[at] += (secs - times.secs[at]) * part;
            self.position.values[at] += (position - self.position.values[at]) * part;
            self.rotation.values[at] += (rotation - self.rotation.values[at]) * part;
            return true;
        }
        if times.len == MAX_ENTRIES {
            return false;
        }
        (times.head_secs, times.secs[times.len], times.count[times.len]) = (secs, secs, 1.0);
        (self.position.values[times.len], self.rotation.values[times.len]) = (position, rotation);
        times.len += 1;
        true
    }
}

/// The rotation vector of a turn by at most half a turn, radians.
fn rotation_vector(turn: &UnitQuaternion<f64>) -> Vector3<f64> {
    let (axis, w) = (turn.imag(), turn.w);
    let sine = axis.norm_squared();
    if sine > 0.01 {
        return turn.scaled_axis();
    }
    // asin(s) / s as a series, since most turns within a second are small; the next term is below 1e-10.
    let scale =
        2.0 * (1.0 + sine * (1.0 / 6.0 + sine * (3.0 / 40.0 + sine * (15.0 / 336.0 + sine * (105.0 / 3456.0)))));
    axis * if w < 0.0 { -scale } else { scale }
}

/// Whether a camera can have moved from one sample to the other.
fn plausible(older: &CameraSample, newer: &CameraSample) -> bool {
    let secs = newer.capture.secs_since(older.capture).max(BUNCH_SECS);
    let way = (newer.pose.position_m - older.pose.position_m).norm_squared();
    way <= (MAX_SPEED * secs).powi(2)
        && (MAX_TURN * secs > std::f64::consts::PI
            || turn_between(&older.pose.orientation, &newer.pose.orientation).norm() <= MAX_TURN * secs)
}

impl Series {
    const EMPTY: Self =
        Self { values: [Vector3::new(0.0, 0.0, 0.0); MAX_ENTRIES], used: [true; MAX_ENTRIES], noise: 0.0 };

    /// Finds the noise, and the entries that are off the cubic through the two on either side of them.
    fn judge(&mut self, secs: &[f64], count: &[f64], kind: &Kind) {
        let mut squares = [0.0; MAX_ENTRIES];
        let mut sorted = [[0.0; JUDGED]; 3];
        let mut judged = 0;
        for i in 2..secs.len().saturating_sub(2) {
            let Some(weights) = cubic_weights([secs[i - 2], secs[i - 1], secs[i + 1], secs[i + 2]], secs[i]) else {
                continue;
            };
            let neighbours = [i - 2, i - 1, i + 1, i + 2];
            let (mut apart, mut spread) = (self.values[i], 1.0 / count[i]);
            for (weight, j) in weights.into_iter().zip(neighbours) {
                apart -= self.values[j] * weight;
                spread += weight * weight / count[j];
            }
            squares[i] = apart.norm_squared() / (3.0 * spread);
            if judged < JUDGED {
                for (axis, square) in sorted.iter_mut().enumerate() {
                    square[judged] = apart[axis] * apart[axis] / spread;
                }
                judged += 1;
            }
        }
        let prior = kind.noise * kind.noise;
        let axes = sorted.each_mut().map(|squares| usual_square(&mut squares[..judged]));
        let (mean, worst) = (axes.iter().sum::<f64>() / 3.0, axes.iter().copied().fold(0.0, f64::max));
        let seen = judged as f64;
        self.noise = (PRIOR_ENTRIES * prior + seen * mean.max(WORST * worst)) / (PRIOR_ENTRIES + seen);
        let most = OUTLIER * OUTLIER * self.noise.max(kind.tolerance * kind.tolerance);
        for i in 2..secs.len().saturating_sub(2) {
            // The neighbours of an outlier are off theirs too, by less.
            self.used[i] = squares[i] <= most || squares[i] < squares[i - 1].max(squares[i + 1]);
        }
    }
}

/// The mean of squares, those far beyond the median left out.
fn usual_square(squares: &mut [f64]) -> f64 {
    if squares.is_empty() {
        return 0.0;
    }
    let middle = squares.len() / 2;
    let most = FAR * *squares.select_nth_unstable_by(middle, f64::total_cmp).1;
    let (sum, count) =
        squares.iter().filter(|square| **square <= most).fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
    sum / count
}

/// Weights of four values in the cubic through them at `at`; `None` where the times are too uneven to tell anything.
fn cubic_weights(times: [f64; 4], at: f64) -> Option<[f64; 4]> {
    let mut weights = [1.0; 4];
    for i in 0..4 {
        for j in (0..4).filter(|j| *j != i) {
            weights[i] *= (at - times[j]) / (times[i] - times[j]);
        }
    }
    weights.iter().all(|weight| weight.abs() < 1.5).then_some(weights)
}
