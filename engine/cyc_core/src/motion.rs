//! How a camera moves just now: a robust local fit over its newest samples, and where that leads.
//!
//! Position and orientation (as a rotation vector from the newest sample's orientation) are each fitted with a
//! parabola by weighted least squares.
//! Samples off their neighbours' parabola count less (Cauchy weights, reweighted a few times).
//! The window grows while the longer fit agrees with the shorter ones within their noise (Lepski's rule), so a
//! steady move is averaged over a long stretch and a sudden one is followed by a short one.
//! Speed and acceleration that cannot be told from noise shrink to zero (James and Stein), so that a standing
//! camera stands.

use crate::{CameraSample, Pose, StageTime};
use nalgebra::{UnitQuaternion, Vector3};
use std::ops::Range;

/// The newest samples that are looked at.
const MAX_SAMPLES: usize = 64;
/// The longest window, and the one within which a slow feed still yields a speed.
const WINDOW_SECS: f64 = 0.32;
const SLOW_WINDOW_SECS: f64 = 0.7;
/// The shortest window that carries a parabola, and how windows grow.
const SHORTEST_SECS: f64 = 0.05;
const GROWTH: f64 = 1.4;
/// The usual distance from the newest sample to the display time: where competing fits are compared.
const HORIZON_SECS: f64 = 0.05;
/// Two fits agree if their squared distance is below this times the variance of one of them.
const AGREE: f64 = 16.0;
/// James-Stein factor: coefficients below `sqrt(SHRINK)` of their deviation are noise.
const SHRINK: f64 = 6.0;
/// A speed needs at least this long a stretch.
const SHORTEST_SPEED_SECS: f64 = 0.004;
/// Samples are judged by parabolas over stretches of this length.
const JUDGED_SECS: f64 = 0.12;
const JUDGED_SAMPLES: usize = 8;
/// Beyond this the acceleration no longer counts; the speed reached then goes on.
const ACCELERATE_SECS: f64 = 0.1;
/// The prediction leaves the newest sample itself and joins the fit within this time.
const PIN_SECS: f64 = 0.02;
/// The prediction comes to rest within this time, at most half of the whole.
const EASE_SECS: f64 = 0.1;
/// Faster than this is no camera but a tracker that found itself elsewhere.
const MAX_SPEED: f64 = 15.0;
const MAX_TURN: f64 = 45.0;
/// Intervals shorter than this count as this when speeds are judged: packets bunch up.
const BUNCH_SECS: f64 = 0.01;
/// So many samples in a row at another place are the new truth, fewer are glitches.
const GLITCHES: usize = 2;

/// What differs between metres and radians.
struct Kind {
    /// The noise that every feed is assumed to have, metres or radians.
    noise: f64,
    /// Deviations below this are no outliers.
    tolerance: f64,
    max_rate: f64,
    max_half_accel: f64,
}

const POSITION: Kind = Kind { noise: 5e-5, tolerance: 3e-4, max_rate: MAX_SPEED, max_half_accel: 25.0 };
const ROTATION: Kind = Kind { noise: 5e-5, tolerance: 3e-4, max_rate: MAX_TURN, max_half_accel: 50.0 };

/// A local model of the movement, valid from its newest sample on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Motion {
    /// Capture time of the newest sample in it.
    pub(crate) capture: StageTime,
    /// Receive stamp of that sample.
    pub(crate) received: StageTime,
    /// Pose of that sample.
    pub(crate) pose: Pose,
    position: Track,
    rotation: Track,
}

/// A parabola in time since the newest sample, relative to that sample.
#[derive(Debug, Clone, Copy)]
struct Track {
    offset: Vector3<f64>,
    rate: Vector3<f64>,
    half_accel: Vector3<f64>,
    /// From the fit to the newest sample itself.
    pin: Vector3<f64>,
}

impl Motion {
    /// Fits samples given newest first; `None` if there are none.
    pub(crate) fn fit<'a>(newest_first: impl Iterator<Item = &'a CameraSample> + Clone) -> Option<Self> {
        let trusted =
            |from: usize| Run::gather(newest_first.clone().skip(from)).filter(|run| run.position.len > GLITCHES);
        let run = (0..=GLITCHES).find_map(trusted).or_else(|| Run::gather(newest_first.clone()))?;
        let CameraSample { pose, capture, received, .. } = run.newest;
        let (position, rotation) = (run.position.track(&POSITION), run.rotation.track(&ROTATION));
        Some(Self { capture, received, pose, position, rotation })
    }

    /// The pose at `at`, at rest from `predict_nanos` after the newest sample on.
    pub(crate) fn pose_at(&self, at: StageTime, predict_nanos: i64) -> Pose {
        let secs = eased(at.secs_since(self.capture), predict_nanos.max(0) as f64 * 1e-9);
        let position_m = self.pose.position_m + self.position.at(secs);
        let orientation = self.pose.orientation * UnitQuaternion::new(self.rotation.at(secs));
        Pose { position_m, orientation }
    }
}

/// Time that slows down so that it stands still from `end` on; never negative.
fn eased(secs: f64, end: f64) -> f64 {
    let ease = (0.5 * end).min(EASE_SECS);
    let knee = end - ease;
    if secs <= knee || ease <= 0.0 {
        return secs.clamp(0.0, end);
    }
    let part = ((secs - knee) / ease).min(1.0);
    knee + ease * (part - 0.5 * part * part)
}

impl Track {
    fn at(&self, secs: f64) -> Vector3<f64> {
        let curved = secs.min(ACCELERATE_SECS);
        let straight = self.half_accel * (curved * (2.0 * secs - curved));
        let pinned = (1.0 - secs / PIN_SECS).max(0.0);
        self.offset + self.rate * secs + straight + self.pin * (pinned * pinned)
    }
}

/// The rotation from `a` to `b` as a rotation vector in `a`'s axes, radians, at most half a turn.
pub(crate) fn turn_between(a: &UnitQuaternion<f64>, b: &UnitQuaternion<f64>) -> Vector3<f64> {
    (a.inverse() * b).scaled_axis()
}

/// Samples that belong to one continuous movement, relative to the newest.
struct Run {
    newest: CameraSample,
    position: Series,
    rotation: Series,
}

impl Run {
    fn gather<'a>(newest_first: impl Iterator<Item = &'a CameraSample>) -> Option<Self> {
        let mut samples = newest_first.take(MAX_SAMPLES);
        let newest = *samples.next()?;
        let mut run = Self { newest, position: Series::EMPTY, rotation: Series::EMPTY };
        run.add(&newest);
        let (mut last, mut misses) = (newest, 0);
        for sample in samples {
            let secs = newest.capture.secs_since(sample.capture);
            if secs > if run.position.len < 3 { SLOW_WINDOW_SECS } else { WINDOW_SECS } {
                break;
            }
            if plausible(sample, &last) {
                run.add(sample);
                (last, misses) = (*sample, 0);
            } else if misses == GLITCHES {
                break;
            } else {
                misses += 1;
            }
        }
        Some(run)
    }

    fn add(&mut self, sample: &CameraSample) {
        let secs = sample.capture.secs_since(self.newest.capture);
        self.position.push(secs, sample.pose.position_m - self.newest.pose.position_m);
        self.rotation.push(secs, turn_between(&self.newest.pose.orientation, &sample.pose.orientation));
    }
}

/// Whether a camera can have moved from one sample to the other.
fn plausible(older: &CameraSample, newer: &CameraSample) -> bool {
    let secs = newer.capture.secs_since(older.capture).max(BUNCH_SECS);
    let way = (newer.pose.position_m - older.pose.position_m).norm();
    let turn = turn_between(&older.pose.orientation, &newer.pose.orientation).norm();
    way <= MAX_SPEED * secs && turn <= MAX_TURN * secs
}

/// Values by time, newest first; times are seconds relative to the newest, so at most 0.
struct Series {
    len: usize,
    secs: [f64; MAX_SAMPLES],
    values: [Vector3<f64>; MAX_SAMPLES],
}

impl Series {
    const EMPTY: Self = Self { len: 0, secs: [0.0; MAX_SAMPLES], values: [Vector3::new(0.0, 0.0, 0.0); MAX_SAMPLES] };

    fn push(&mut self, secs: f64, value: Vector3<f64>) {
        if self.len < MAX_SAMPLES {
            self.secs[self.len] = secs;
            self.values[self.len] = value;
            self.len += 1;
        }
    }

    fn track(&self, kind: &Kind) -> Track {
        let (weights, variance) = self.judge(kind);
        self.longest_agreeing_fit(&weights, variance, kind).track(kind, weights[0])
    }

    /// How much each sample counts, by its distance from the parabola through its neighbours, and the usual
    /// variance of a sample about short parabolas, per axis.
    fn judge(&self, kind: &Kind) -> ([f64; MAX_SAMPLES], f64) {
        let mut weights = [1.0; MAX_SAMPLES];
        for stretch in self.stretches(JUDGED_SECS, JUDGED_SAMPLES) {
            self.weigh(stretch, &mut weights, kind);
        }
        let mut variances = [0.0; MAX_SAMPLES];
        let mut count = 0;
        for stretch in self.stretches(0.5 * JUDGED_SECS, JUDGED_SAMPLES) {
            variances[count] = self.sums(stretch, &weights).solve(2, kind).variance;
            count += 1;
        }
        let variances = &mut variances[..count];
        variances.sort_unstable_by(f64::total_cmp);
        (weights, variances.get(count.saturating_sub(1) / 2).copied().unwrap_or(0.0))
    }

    /// Cuts the samples into stretches of at least so many seconds and samples; none if there are under five.
    fn stretches(&self, secs: f64, samples: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut start = 0;
        std::iter::from_fn(move || {
            let within = |i: usize| self.secs[start] - self.secs[i] < secs || i - start < samples;
            let end = (start + 1..self.len).find(|&i| !within(i)).filter(|end| self.len - end >= 5);
            let stretch = start..end.unwrap_or(self.len);
            start = stretch.end;
            (stretch.len() >= 5).then_some(stretch)
        })
    }

    fn weigh(&self, stretch: Range<usize>, weights: &mut [f64; MAX_SAMPLES], kind: &Kind) {
        // A line first: at the end of a stretch a parabola bends to a single sample.
        for degree in [1, 2, 2, 2] {
            let fit = self.sums(stretch.clone(), weights).solve(degree, kind);
            let mut apart = [0.0; MAX_SAMPLES];
            for i in stretch.clone() {
                apart[i] = (self.values[i] - fit.at(self.secs[i])).norm();
            }
            let mut sorted = apart;
            let sorted = &mut sorted[stretch.clone()];
            sorted.sort_unstable_by(f64::total_cmp);
            let usual = (1.2 * sorted[sorted.len() / 2]).max(kind.tolerance);
            for i in stretch.clone() {
                let far = apart[i] / (3.0 * usual);
                weights[i] = (1.0 + far * far).powi(-2);
            }
        }
    }

    fn sums(&self, stretch: Range<usize>, weights: &[f64; MAX_SAMPLES]) -> Sums {
        let mut sums = Sums::default();
        for i in stretch {
            sums.add(self.secs[i], self.values[i], weights[i]);
        }
        sums
    }

    fn longest_agreeing_fit(&self, weights: &[f64; MAX_SAMPLES], usual_variance: f64, kind: &Kind) -> Fit {
        let mut sums = Sums::default();
        let mut accepted: [(Vector3<f64>, f64); 8] = [(Vector3::zeros(), 0.0); 8];
        let (mut count, mut best, mut next_span) = (0, None::<Fit>, SHORTEST_SECS);
        let samples = self.secs.iter().zip(&self.values).zip(weights).take(self.len);
        for (i, ((&secs, &value), &weight)) in samples.enumerate() {
            sums.add(secs, value, weight);
            let span = -secs;
            if i + 1 < self.len && (i + 1 < 5 || span < next_span) {
                continue;
            }
            let fit = sums.solve(2, kind);
            let value = fit.at(HORIZON_SECS);
            if let Some(best) = best {
                let differs = |(other, spread): &(Vector3<f64>, f64)| {
                    (value - other).norm_squared() > best.tolerance() * best.variance.max(usual_variance) * spread
                };
                if count == accepted.len() || accepted[..count].iter().any(differs) {
                    break;
                }
            }
            accepted[count] = (value, fit.spread(HORIZON_SECS));
            count += 1;
            best = Some(fit);
            next_span = span * GROWTH;
        }
        best.unwrap_or_else(|| sums.solve(2, kind))
    }
}

/// Weighted moments of times and values.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: usize,
    oldest: f64,
    time: [f64; 5],
    value: [Vector3<f64>; 3],
    square: f64,
}

impl Sums {
    fn add(&mut self, secs: f64, value: Vector3<f64>, weight: f64) {
        self.count += 1;
        self.oldest = self.oldest.min(secs);
        let mut power = weight;
        for (k, sum) in self.time.iter_mut().enumerate() {
            *sum += power;
            if let Some(sum) = self.value.get_mut(k) {
                *sum += value * power;
            }
            power *= secs;
        }
        self.square += weight * value.norm_squared();
    }

    /// Least squares in polynomials orthogonal over the samples, as high as the samples carry.
    fn solve(&self, most: u8, kind: &Kind) -> Fit {
        let [s0, s1, s2, s3, s4] = self.time;
        let [b0, b1, b2] = self.value;
        let mean = s1 / s0;
        let n1 = s2 - s1 * mean;
        let degree = match self.count {
            _ if -self.oldest < SHORTEST_SPEED_SECS || n1 <= 0.0 => 0,
            0..=4 => 1,
            _ => most,
        };
        let mut fit = Fit {
            mean,
            square: s2 / s0,
            lean: 0.0,
            c: [b0 / s0, Vector3::zeros(), Vector3::zeros()],
            inverse: [1.0 / s0, 0.0, 0.0],
            variance: 0.0,
            freedom: 0.0,
        };
        let mut rest = self.square - b0.norm_squared() / s0;
        if degree >= 1 {
            let along = b1 - b0 * mean;
            fit.lean = (s3 - mean * s2) / n1;
            (fit.c[1], fit.inverse[1]) = (along / n1, 1.0 / n1);
            rest -= along.norm_squared() / n1;
            let n2 = s4 - s2 * fit.square - fit.lean * fit.lean * n1;
            if degree == 2 && n2 > 1e-9 * s4 {
                let along = b2 - b0 * fit.square - along * fit.lean;
                (fit.c[2], fit.inverse[2]) = (along / n2, 1.0 / n2);
                rest -= along.norm_squared() / n2;
            }
        }
        // The assumed noise counts as two samples, so that three samples on a line are no certainty.
        let free = (s0 - 1.0 - f64::from(degree)).max(0.0);
        fit.freedom = 3.0 * (free + 2.0);
        fit.variance = (rest.max(0.0) + 6.0 * kind.noise * kind.noise) / fit.freedom;
        fit
    }
}

/// `c0 + c1 (t - mean) + c2 (t^2 - square - lean (t - mean))`, terms orthogonal over the samples.
#[derive(Clone, Copy)]
struct Fit {
    mean: f64,
    square: f64,
    lean: f64,
    c: [Vector3<f64>; 3],
    /// Variance of each coefficient, in units of `variance`.
    inverse: [f64; 3],
    /// Variance of one sample, per axis.
    variance: f64,
    /// Degrees of freedom behind `variance`, those of the assumed noise included.
    freedom: f64,
}

impl Fit {
    fn terms(&self, secs: f64) -> [f64; 3] {
        let first = secs - self.mean;
        [1.0, first, secs * secs - self.square - self.lean * first]
    }

    fn at(&self, secs: f64) -> Vector3<f64> {
        let [p0, p1, p2] = self.terms(secs);
        self.c[0] * p0 + self.c[1] * p1 + self.c[2] * p2
    }

    /// Variance of [`Fit::at`] per axis, in units of `variance`.
    fn spread(&self, secs: f64) -> f64 {
        self.terms(secs).iter().zip(self.inverse).map(|(p, inverse)| p * p * inverse).sum()
    }

    /// Beyond this, in units of its variance, the square of a deviation is no chance: few samples know their own
    /// variance badly.
    fn tolerance(&self) -> f64 {
        AGREE * (1.0 + AGREE / self.freedom)
    }

    fn shrunk(&self, k: usize) -> Vector3<f64> {
        let noise = SHRINK * self.variance * self.inverse[k];
        let square = self.c[k].norm_squared();
        if square > noise { self.c[k] * (1.0 - noise / square) } else { Vector3::zeros() }
    }

    fn track(&self, kind: &Kind, newest_weight: f64) -> Track {
        let (c0, c1, c2) = (self.c[0], self.shrunk(1), self.shrunk(2));
        let offset = c0 - c1 * self.mean + c2 * (self.lean * self.mean - self.square);
        let rate = (c1 - c2 * self.lean).cap_magnitude(kind.max_rate);
        let half_accel = c2.cap_magnitude(kind.max_half_accel);
        Track { offset, rate, half_accel, pin: -offset * newest_weight }
    }
}
