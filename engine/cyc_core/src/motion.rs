//! How a camera moves just now, and where that leads, with an estimate of its own error.
//!
//! Two filters look at the newest second of a feed. [`maneuver`] knows constant speed and acceleration and notices
//! starts and stops within a few samples; [`sway`] knows how this camera has been swaying and foresees that as well as
//! any linear prediction can. Each is judged by how well it would have foreseen the newest samples, and the answer
//! leans on the better one. Position and orientation (as a rotation vector from the newest sample's orientation) are
//! treated alike.

mod maneuver;
mod series;
mod spectrum;
mod sway;

use crate::profile::FilterProfile;
use crate::{CameraMotion, CameraSample, Pose, StageTime};
use maneuver::{Maneuver, Review};
use nalgebra::{UnitQuaternion, Vector3};
pub(crate) use series::MAX_SPEED;
use series::{MAX_TURN, Run, Series, Times};
pub(crate) use spectrum::{BIN_NANOS, BINS, LEARN_BINS, Spectrum, mean_pose};
use std::sync::Arc;
use sway::Sway;

/// Distances over which past predictions are judged, seconds.
const HORIZONS: [f64; 3] = [0.03, 0.075, 0.12];
/// So many judged predictions' worth the filters' own estimates count as.
const OWN: f64 = 2.0;
/// So many of the judged ones count as independent at most.
const INDEPENDENT: f64 = 5.0;
/// How decidedly the answer leans on the filter with the smaller error.
const DECISION: f64 = 2.0;
/// The prediction leaves the newest sample itself and joins the filters within this time.
const PIN_SECS: f64 = 0.02;
/// The prediction comes to rest within this time, at most half of the whole.
const EASE_SECS: f64 = 0.1;

/// What differs between metres and radians.
struct Kind {
    /// Deviation of one sample.
    noise: f64,
    /// Deviations below this are no outliers.
    tolerance: f64,
    max_rate: f64,
    /// Usual acceleration, root mean square.
    acceleration: f64,
}

impl Kind {
    fn both(filter: &FilterProfile) -> [Kind; 2] {
        let kind = |noise, acceleration, max_rate| Kind { noise, tolerance: 1e-4, max_rate, acceleration };
        let own = |value: f64, usual: f64| if value.is_finite() && value > 0.0 { value } else { usual };
        let usual = FilterProfile::default();
        [
            kind(
                own(filter.position_noise_m, usual.position_noise_m),
                own(filter.acceleration_m_s2, usual.acceleration_m_s2),
                MAX_SPEED,
            ),
            kind(
                own(filter.rotation_noise_rad, usual.rotation_noise_rad),
                own(filter.turn_acceleration_rad_s2, usual.turn_acceleration_rad_s2),
                MAX_TURN,
            ),
        ]
    }
}

/// A local model of the movement, valid from its newest sample on.
#[derive(Debug, Clone)]
pub(crate) struct Motion {
    /// Capture time of the newest sample in it.
    pub(crate) capture: StageTime,
    /// Receive stamp of that sample.
    pub(crate) received: StageTime,
    /// Pose of that sample.
    pub(crate) pose: Pose,
    position: Track,
    rotation: Track,
    learned: Option<Arc<Spectrum>>,
}

/// One triple of axes in time since the newest sample, relative to that sample.
#[derive(Debug, Clone)]
struct Track {
    kind: usize,
    max_rate: f64,
    maneuver: Maneuver,
    sway: Option<Swaying>,
    /// From the filters to the newest sample itself.
    pin: Vector3<f64>,
}

/// The other filter and when to lean on it.
#[derive(Debug, Clone)]
struct Swaying {
    sway: Sway,
    /// Logarithm of the odds that it is the better one, at [`HORIZONS`].
    odds: [f64; HORIZONS.len()],
}

/// Where a triple of axes will be: place, speed and standard error per axis.
struct Ahead {
    place: Vector3<f64>,
    speed: Vector3<f64>,
    error: f64,
}

impl Motion {
    /// Fits samples given newest first; `None` if there are none.
    pub(crate) fn fit<'a>(
        newest_first: impl Iterator<Item = &'a CameraSample> + Clone,
        filter: &FilterProfile,
        learned: Option<&Arc<Spectrum>>,
    ) -> Option<Self> {
        let kinds = Kind::both(filter);
        let mut run = Run::gather(newest_first, &kinds)?;
        let CameraSample { pose, capture, received, .. } = run.newest;
        let Run { times, position, rotation, .. } = &mut run;
        let position = Track::fit(times, position, 0, &kinds[0], learned);
        let rotation = Track::fit(times, rotation, 1, &kinds[1], learned);
        Some(Self { capture, received, pose, position, rotation, learned: learned.cloned() })
    }

    /// The pose at `at` and how it changes there, at rest from `predict_nanos` after the newest sample on.
    pub(crate) fn at(&self, at: StageTime, predict_nanos: i64) -> (Pose, CameraMotion) {
        let (secs, pace) = eased(at.secs_since(self.capture), predict_nanos.max(0) as f64 * 1e-9);
        let position = self.position.at(secs, self.learned.as_deref());
        let rotation = self.rotation.at(secs, self.learned.as_deref());
        let pose = Pose {
            position_m: self.pose.position_m + position.place,
            orientation: self.pose.orientation * UnitQuaternion::new(rotation.place),
        };
        let motion = CameraMotion {
            velocity_m_s: position.speed * pace,
            turn_rad_s: self.pose.orientation * UnitQuaternion::new(rotation.place * 0.5) * rotation.speed * pace,
            position_error_m: position.error,
            rotation_error_rad: rotation.error,
        };
        (pose, motion)
    }
}

/// Time that slows down so that it stands still from `end` on, never negative; and its pace.
fn eased(secs: f64, end: f64) -> (f64, f64) {
    let ease = (0.5 * end).min(EASE_SECS);
    let knee = end - ease;
    if secs <= knee || ease <= 0.0 {
        return (secs.clamp(0.0, end), if secs >= end { 0.0 } else { 1.0 });
    }
    let part = ((secs - knee) / ease).min(1.0);
    (knee + ease * (part - 0.5 * part * part), 1.0 - part)
}

impl Track {
    fn fit(times: &Times, series: &mut Series, kind: usize, of: &Kind, learned: Option<&Arc<Spectrum>>) -> Self {
        let (maneuver, review) = Maneuver::follow(times, series, of);
        let sway = learned.and_then(|learned| Swaying::fit(times, series, kind, learned, &maneuver, &review));
        let mut track = Self { kind, max_rate: of.max_rate, pin: Vector3::zeros(), maneuver, sway };
        track.pin = -track.at(0.0, learned.map(|learned| &**learned)).place * track.maneuver.trust;
        track
    }

    fn at(&self, secs: f64, learned: Option<&Spectrum>) -> Ahead {
        let (mut place, mut speed, mut variance) = self.maneuver.at(secs);
        if let Some((swaying, learned)) = self.sway.as_ref().zip(learned) {
            let other = swaying.sway.at(secs, &learned.kinds[self.kind]);
            let lean = swaying.lean(secs);
            place += (other.0 - place) * lean;
            speed += (other.1 - speed) * lean;
            variance = (lean * other.2.sqrt() + (1.0 - lean) * variance.sqrt()).powi(2);
        }
        let rate = speed.cap_magnitude(self.max_rate);
        let pinned = (1.0 - secs / PIN_SECS).max(0.0);
        Ahead { place: place + self.pin * (pinned * pinned), speed: rate, error: variance.sqrt() }
    }
}

impl Swaying {
    fn fit(
        times: &Times,
        series: &Series,
        kind: usize,
        learned: &Spectrum,
        maneuver: &Maneuver,
        review: &Review,
    ) -> Option<Self> {
        let of = &learned.kinds[kind];
        let sway = Sway::condition(times, series, of, learned.step_secs)?;
        let own = sway.review(&of.blocks);
        let odds = std::array::from_fn(|n| {
            let judged = |own: f64, square: f64, count: f64| {
                let count = count.min(knob("IND", INDEPENDENT));
                (knob("OWN", OWN) * own + count * square) / (knob("OWN", OWN) + count)
            };
            let other = judged(maneuver.at(HORIZONS[n]).2, review.square[n], review.count[n]);
            let swaying = judged(sway.at(HORIZONS[n], of).2, own.square[n], own.count[n]);
            knob("DEC", DECISION) * (other.max(1e-20) / swaying.max(1e-20)).ln() + knob("BIAS", 0.0)
                - knob("SUR", 1.0) * sway.surprise
        });
        Some(Self { sway, odds })
    }

    /// How far the answer leans on the sway, 0 to 1.
    fn lean(&self, secs: f64) -> f64 {
        let last = HORIZONS.len() - 1;
        let odds = match HORIZONS.iter().position(|horizon| *horizon > secs) {
            Some(0) => self.odds[0],
            None => self.odds[last],
            Some(n) => {
                let part = (secs - HORIZONS[n - 1]) / (HORIZONS[n] - HORIZONS[n - 1]);
                self.odds[n - 1] + (self.odds[n] - self.odds[n - 1]) * part
            }
        };
        1.0 / (1.0 + (-odds).exp())
    }
}

/// The rotation from `a` to `b` as a rotation vector in `a`'s axes, radians, at most half a turn.
pub(crate) fn turn_between(a: &UnitQuaternion<f64>, b: &UnitQuaternion<f64>) -> Vector3<f64> {
    (a.inverse() * b).scaled_axis()
}

fn rotation_between(a: &UnitQuaternion<f64>, b: &UnitQuaternion<f64>) -> Vector3<f64> {
    turn_between(a, b)
}

pub(crate) fn knob(name: &str, usual: f64) -> f64 {
    static K: std::sync::LazyLock<std::collections::HashMap<String, f64>> =
        std::sync::LazyLock::new(|| std::env::vars().filter_map(|(k, v)| Some((k, v.parse().ok()?))).collect());
    K.get(name).copied().unwrap_or(usual)
}
