//! The camera as something that is pushed: a Kalman filter with three ways to move, and how likely each is just now.
//!
//! State per axis: place, speed, acceleration. The ways are a cruise (constant speed), a smooth move and a start or
//! stop; in the latter two the acceleration fades (R. A. Singer, "Estimating Optimal Tracking Filter Performance for
//! Manned Maneuvering Targets", 1970). The three are mixed before every step by the chance of having changed from one
//! to the other (H. Blom and Y. Bar-Shalom, "The Interacting Multiple Model Algorithm", 1988). All axes of a triple
//! share one covariance and one set of probabilities.

use super::Kind;
use super::series::{MAX_ENTRIES, Series, Times};
use nalgebra::Vector3;

/// How many ways to move there are.
const WAYS: usize = 3;
/// The filter runs over the newest so many seconds.
const FILTER_SECS: f64 = 0.45;
/// Each way of moving lasts about this long, seconds.
const LASTS_SECS: [f64; WAYS] = [1.5, 1.0, 0.3];
/// A sample beyond so many deviations, squared and summed over three axes, counts as that much noisier.
const GATE: f64 = 27.0;
/// The density of outliers beside that of good samples; an outlier says nothing about the way of moving.
const OUTLIER: f64 = 1e-2;
/// So many outliers in a row are where the camera is.
const OUTLIERS: u32 = 3;
/// Below this trust an entry is an outlier.
const TRUSTED: f64 = 0.3;
/// Past predictions of so many seconds are compared with what came.
const REVIEW_SECS: f64 = 0.15;

/// Per way: share of the profile's acceleration, and how long an acceleration lasts in seconds.
const SHARES: [(f64, f64); WAYS] = [(0.0, 0.0), (0.5, 0.5), (3.0, 0.15)];
/// Speed changes of a cruise: intensity of white acceleration, (share of the profile's acceleration)^2 x seconds.
const CRUISE: f64 = 1e-7;

/// How one way of moving goes on over a step.
#[derive(Clone, Copy, Default)]
struct Step {
    secs: f64,
    /// What an acceleration adds to place, speed and to itself.
    place: f64,
    speed: f64,
    fade: f64,
    /// Covariance that is added: pp, pv, pa, vv, va, aa.
    noise: [f64; 6],
}

impl Step {
    fn of(way: usize, secs: f64, acceleration: f64) -> Self {
        let (share, lasts) = SHARES[way];
        if lasts == 0.0 {
            let q = CRUISE * acceleration * acceleration;
            let noise = [q * secs.powi(3) / 3.0, q * secs * secs / 2.0, 0.0, q * secs, 0.0, 0.0];
            return Self { secs, place: 0.0, speed: 0.0, fade: 0.0, noise };
        }
        let variance = (share * acceleration).powi(2);
        let [place, speed, fade] = faded(secs, lasts);
        Self { secs, place, speed, fade, noise: singer(secs / lasts, lasts).map(|x| x * variance) }
    }
}

/// What a fading unit acceleration has added to place, speed and acceleration after `secs`.
fn faded(secs: f64, lasts: f64) -> [f64; 3] {
    let fade = (-secs / lasts).exp();
    let speed = lasts * (1.0 - fade);
    [lasts * (secs - speed), speed, fade]
}

/// Covariance of a fading acceleration of variance 1 after `u` of its lasting times: pp, pv, pa, vv, va, aa.
fn singer(u: f64, lasts: f64) -> [f64; 6] {
    let in_u = if u < 0.05 {
        let q = 2.0 * u;
        [q * u.powi(4) / 20.0, q * u.powi(3) / 8.0, q * u * u / 6.0, q * u * u / 3.0, q * u / 2.0, q]
    } else {
        let (e, e2) = ((-u).exp(), (-2.0 * u).exp());
        [
            1.0 - e2 + 2.0 * u + u * u * (2.0 * u / 3.0 - 2.0) - 4.0 * u * e,
            e2 + 1.0 - 2.0 * e + 2.0 * u * e - 2.0 * u + u * u,
            1.0 - e2 - 2.0 * u * e,
            4.0 * e - 3.0 - e2 + 2.0 * u,
            e2 + 1.0 - 2.0 * e,
            1.0 - e2,
        ]
    };
    let t = lasts;
    let units = [t.powi(4), t.powi(3), t * t, t * t, t, 1.0];
    std::array::from_fn(|i| in_u[i] * units[i])
}

/// One way's state.
#[derive(Debug, Clone, Copy)]
struct Mode {
    x: [Vector3<f64>; 3],
    /// Covariance: pp, pv, pa, vv, va, aa.
    p: [f64; 6],
    chance: f64,
}

/// A pushed camera's state at its newest entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maneuver {
    modes: [Mode; WAYS],
    /// When that was, seconds from the newest sample.
    secs: f64,
    acceleration: f64,
    outliers: u32,
    /// How much the newest entry counted: 1 unless it is far from where it was expected.
    pub(super) trust: f64,
}

/// How past predictions fared: mean squared error per axis over some horizons.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Review {
    pub(super) square: [f64; super::HORIZONS.len()],
    pub(super) count: [f64; super::HORIZONS.len()],
}

impl Maneuver {
    /// Filters a series, entries newest first, and marks the outliers in it.
    pub(super) fn follow(times: &Times, series: &mut Series, kind: &Kind) -> (Self, Review) {
        let (secs, count) = (times.secs(), &times.count);
        let len = secs.iter().take_while(|at| **at >= -FILTER_SECS).count().max(secs.len().min(4));
        let mut state = Self::start(series.values[len - 1], secs[len - 1], series.noise / count[len - 1], kind);
        let mut past = [Past::default(); MAX_ENTRIES];
        past[len - 1] = state.past();
        let mut steps = [Step::default(); WAYS];
        for i in (0..len - 1).rev() {
            if series.used[i] || i == 0 {
                state.step(secs[i], series.values[i], series.noise / count[i], &mut steps);
                series.used[i] = state.trust > TRUSTED;
            }
            past[i] = Past { secs: secs[i], ..state.past() };
        }
        let review = review(&secs[..len], &*series, &past);
        (state, review)
    }

    fn start(value: Vector3<f64>, secs: f64, noise: f64, kind: &Kind) -> Self {
        let speed = (0.1 * kind.max_rate).powi(2);
        let mode = |way: usize| {
            let still = Vector3::zeros();
            let acceleration = (SHARES[way].0 * kind.acceleration).powi(2);
            Mode { x: [value, still, still], p: [noise, 0.0, 0.0, speed, 0.0, acceleration], chance: 1.0 / 3.0 }
        };
        Self { modes: std::array::from_fn(mode), secs, acceleration: kind.acceleration, outliers: 0, trust: 1.0 }
    }

    fn step(&mut self, secs: f64, value: Vector3<f64>, noise: f64, steps: &mut [Step; WAYS]) {
        let by = secs - self.secs;
        self.secs = secs;
        if (steps[0].secs - by).abs() > 1e-7 {
            *steps = std::array::from_fn(|way| Step::of(way, by, self.acceleration));
        }
        self.mix(by);
        for (mode, step) in self.modes.iter_mut().zip(&*steps) {
            mode.predict(step);
        }
        let nearest = self.modes.iter().map(|mode| mode.misses(&value, noise)).fold(f64::INFINITY, f64::min);
        self.outliers = if nearest > GATE { self.outliers + 1 } else { 0 };
        if self.outliers == OUTLIERS {
            self.modes.iter_mut().for_each(|mode| mode.move_to(&value));
            self.outliers = 0;
        }
        let elsewhere =
            OUTLIER * self.modes.iter().map(|mode| mode.usual_likelihood(noise)).fold(f64::INFINITY, f64::min);
        let mut whole = 0.0;
        self.trust = 0.0;
        for mode in &mut self.modes {
            let misses = mode.misses(&value, noise);
            mode.chance *= mode.usual_likelihood(noise) * (-0.5 * misses).exp() + elsewhere;
            // What one way takes for an outlier may be what another expected.
            let far = (misses / GATE).max(1.0);
            mode.update(&value, noise + (far - 1.0) * (mode.p[0] + noise));
            self.trust += mode.chance / far;
            whole += mode.chance;
        }
        self.trust /= whole;
        for mode in &mut self.modes {
            mode.chance = (mode.chance / whole).max(1e-5);
        }
    }

    /// Each way begins its step from what the others say, as far as one may have become the other.
    fn mix(&mut self, secs: f64) {
        let old = self.modes;
        let fresh = SHARES.map(|(share, _)| (share * self.acceleration).powi(2));
        let changed = LASTS_SECS.map(|lasts| 1.0 - (-secs / lasts).exp());
        for (j, mode) in self.modes.iter_mut().enumerate() {
            let passes = |i: usize| if i == j { 1.0 - changed[i] } else { 0.5 * changed[i] };
            let chance: f64 = (0..WAYS).map(|i| passes(i) * old[i].chance).sum();
            let share: [f64; WAYS] = std::array::from_fn(|i| passes(i) * old[i].chance / chance);
            // Who changes accelerates anew, in whatever way.
            let mut x = [Vector3::zeros(), Vector3::zeros(), mode.x[2] * share[j]];
            for (i, other) in old.iter().enumerate() {
                x[0] += other.x[0] * share[i];
                x[1] += other.x[1] * share[i];
            }
            let mut p = [0.0; 6];
            for i in 0..WAYS {
                let own = if i == j { old[i].x[2] } else { Vector3::zeros() };
                let [pp, pv, pa, vv, va, aa] = old[i].p;
                let from = if i == j { [pp, pv, pa, vv, va, aa] } else { [pp, pv, 0.0, vv, 0.0, fresh[j]] };
                let d = [old[i].x[0] - x[0], old[i].x[1] - x[1], own - x[2]];
                let apart = [
                    d[0].dot(&d[0]),
                    d[0].dot(&d[1]),
                    d[0].dot(&d[2]),
                    d[1].dot(&d[1]),
                    d[1].dot(&d[2]),
                    d[2].dot(&d[2]),
                ];
                for k in 0..6 {
                    p[k] += share[i] * (from[k] + apart[k] / 3.0);
                }
            }
            *mode = Mode { x, p, chance };
        }
    }

    fn past(&self) -> Past {
        let sum = |k: usize| self.modes.iter().map(|mode| mode.x[k] * mode.chance).sum::<Vector3<f64>>();
        let acceleration = std::array::from_fn(|i| self.modes[i + 1].x[2] * self.modes[i + 1].chance);
        Past { secs: self.secs, place: sum(0), speed: sum(1), acceleration }
    }

    /// Place, speed and variance per axis `secs` after the newest sample.
    pub(super) fn at(&self, secs: f64) -> (Vector3<f64>, Vector3<f64>, f64) {
        let by = secs - self.secs;
        let (mut place, mut speed, mut variance) = (Vector3::zeros(), Vector3::zeros(), 0.0);
        let mut ahead = self.modes;
        for (way, mode) in ahead.iter_mut().enumerate() {
            mode.predict(&Step::of(way, by, self.acceleration));
            place += mode.x[0] * mode.chance;
            speed += mode.x[1] * mode.chance;
        }
        for mode in &ahead {
            variance += mode.chance * (mode.p[0] + (mode.x[0] - place).norm_squared() / 3.0);
        }
        (place, speed, variance)
    }
}

impl Mode {
    fn predict(&mut self, step: &Step) {
        let (t, b, c, f) = (step.secs, step.place, step.speed, step.fade);
        let [x, v, a] = self.x;
        self.x = [x + v * t + a * b, v + a * c, a * f];
        let [pp, pv, pa, vv, va, aa] = self.p;
        let (ppv, ppa) = (pv + vv * t + va * b, pa + va * t + aa * b);
        let (vva, vvv) = (va + aa * c, vv + va * c);
        self.p = [
            pp + pv * t + pa * b + ppv * t + ppa * b + step.noise[0],
            ppv + ppa * c + step.noise[1],
            ppa * f + step.noise[2],
            vvv + vva * c + step.noise[3],
            vva * f + step.noise[4],
            aa * f * f + step.noise[5],
        ];
    }

    /// The squared distance of a value from where it is expected, in units of its variance per axis.
    fn misses(&self, value: &Vector3<f64>, noise: f64) -> f64 {
        (value - self.x[0]).norm_squared() / (self.p[0] + noise)
    }

    /// How likely a value is where it is expected, up to a factor that all ways share.
    fn usual_likelihood(&self, noise: f64) -> f64 {
        let scaled = 1e-8 / (self.p[0] + noise);
        scaled * scaled.sqrt()
    }

    /// The camera is at `value` after all, as fast as before.
    fn move_to(&mut self, value: &Vector3<f64>) {
        let miss = value - self.x[0];
        self.x[0] = *value;
        self.p = [self.p[0] + miss.norm_squared(), 0.0, 0.0, self.p[3], self.p[4], self.p[5]];
    }

    /// Takes a value in.
    fn update(&mut self, value: &Vector3<f64>, noise: f64) {
        let [pp, pv, pa, vv, va, aa] = self.p;
        let inverse = 1.0 / (pp + noise);
        let gains = [pp * inverse, pv * inverse, pa * inverse];
        let miss = value - self.x[0];
        for (x, gain) in self.x.iter_mut().zip(gains) {
            *x += miss * gain;
        }
        self.p = [
            noise * gains[0],
            noise * gains[1],
            noise * gains[2],
            vv - gains[1] * pv,
            va - gains[1] * pa,
            aa - gains[2] * pa,
        ];
    }
}

/// What the filter said at one entry.
#[derive(Clone, Copy, Default)]
struct Past {
    secs: f64,
    place: Vector3<f64>,
    speed: Vector3<f64>,
    /// Of the two ways that accelerate, each with its chance.
    acceleration: [Vector3<f64>; 2],
}

/// Compares what was said some horizons before each of the newest entries with those entries.
fn review(secs: &[f64], series: &Series, past: &[Past; MAX_ENTRIES]) -> Review {
    let mut review = Review::default();
    for (n, horizon) in super::HORIZONS.into_iter().enumerate() {
        let gained: [[f64; 3]; 2] = [faded(horizon, SHARES[1].1), faded(horizon, SHARES[2].1)];
        let mut from = 0;
        for i in (0..secs.len()).take_while(|i| secs[*i] >= -REVIEW_SECS) {
            while from < secs.len() && secs[from] > secs[i] - horizon {
                from += 1;
            }
            // The first few entries know no speed yet.
            if from + 6 > secs.len() {
                break;
            }
            if !series.used[i] {
                continue;
            }
            let said = &past[from];
            let more = secs[i] - said.secs - horizon;
            let curved = said.acceleration[0] * gained[0][0] + said.acceleration[1] * gained[1][0];
            let apart = series.values[i] - said.place - said.speed * (horizon + more) - curved;
            review.square[n] += apart.norm_squared() / 3.0;
            review.count[n] += 1.0;
        }
        if review.count[n] > 0.0 {
            review.square[n] /= review.count[n];
        }
    }
    review
}
