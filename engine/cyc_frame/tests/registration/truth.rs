//! How cameras truly move: analytic functions of time, of the entrance pupil and of the camera's turn.

use crate::noise::Noise;
use cyc_core::Pose;
use nalgebra::{Point3, UnitQuaternion, Vector3};
use std::f64::consts::TAU;

/// Where the entrance pupil is and how the camera is turned, at a time in seconds.
pub trait Truth {
    /// The entrance pupil, metres, stage space.
    fn pupil_m(&self, secs: f64) -> Point3<f64>;
    /// Pan, tilt and roll in radians, right-handed (positive pan turns left).
    fn pan_tilt_roll(&self, secs: f64) -> [f64; 3];
    /// Whether the speed at `secs` has been constant for `before` seconds and stays so.
    fn is_constant(&self, _secs: f64, _before: f64) -> bool {
        true
    }

    /// As a rotation from camera to stage axes.
    fn turn(&self, secs: f64) -> UnitQuaternion<f64> {
        let [pan, tilt, roll] = self.pan_tilt_roll(secs);
        let about = |axis: Vector3<f64>, angle: f64| UnitQuaternion::new(axis * angle);
        about(Vector3::z(), pan) * about(Vector3::x(), tilt) * about(Vector3::y(), roll)
    }
}

/// Where the cameras stand: 5 m in front of the wall.
const START_M: [f64; 3] = [0.0, 0.0, 1.6];

/// A hand: every axis a sum of cosines, flat over 1-8 Hz, scaled to so many metres peak to peak.
pub struct HandHeld {
    waves: [Vec<[f64; 3]>; 3],
    /// Deviation of each axis, metres.
    pub deviation_m: [f64; 3],
}

impl HandHeld {
    /// Of `peak_to_peak_m` on each axis within the first `secs` seconds.
    pub fn new(seed: u64, peak_to_peak_m: f64, band_hz: [f64; 2], secs: f64) -> Self {
        let mut noise = Noise(seed);
        let mut hand = Self { waves: [vec![], vec![], vec![]], deviation_m: [0.0; 3] };
        let count = 256;
        for axis in 0..3 {
            let step = (band_hz[1] - band_hz[0]) / f64::from(count);
            let wave = |n: i32| [band_hz[0] + step * (f64::from(n) + noise.unit()), TAU * noise.unit(), 1.0];
            hand.waves[axis] = (0..count).map(wave).collect();
            let way = |t: f64| sum(&hand.waves[axis], t);
            let times = || (0..(secs * 240.0) as i32).map(|n| f64::from(n) / 240.0);
            let (low, high) = times().map(way).fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
            let scale = peak_to_peak_m / (high - low);
            hand.waves[axis].iter_mut().for_each(|wave| wave[2] = scale);
            hand.deviation_m[axis] = scale * (f64::from(count) / 2.0).sqrt();
        }
        hand
    }
}

fn sum(waves: &[[f64; 3]], secs: f64) -> f64 {
    waves.iter().map(|[hz, phase, scale]| scale * (TAU * hz * secs + phase).cos()).sum()
}

impl Truth for HandHeld {
    fn pupil_m(&self, secs: f64) -> Point3<f64> {
        Point3::from(START_M) + Vector3::from_fn(|axis, _| sum(&self.waves[axis], secs))
    }

    fn pan_tilt_roll(&self, _: f64) -> [f64; 3] {
        [0.05, -0.03, 0.0]
    }
}

/// A crane's arm swings and rises while the head keeps its subject.
pub struct Crane;

impl Truth for Crane {
    fn pupil_m(&self, secs: f64) -> Point3<f64> {
        let swing = 0.45 * (TAU * secs / 9.0).sin();
        let rise = 0.35 * (TAU * secs / 13.0 + 1.0).sin();
        let arm = 3.0;
        Point3::new(arm * swing.sin(), arm * (swing.cos() - 1.0), 2.0 + arm * rise.sin() * 0.3)
    }

    fn pan_tilt_roll(&self, secs: f64) -> [f64; 3] {
        [0.3 * (TAU * secs / 9.0).sin(), -0.1 * (TAU * secs / 13.0 + 1.0).sin(), 0.0]
    }
}

/// A dolly on a straight track along the wall: rest, start, constant speed, stop, and back the same way.
pub struct Dolly {
    /// The speed of the constant parts, m/s.
    pub speed_m_s: f64,
    /// How long a start or a stop takes, seconds; the acceleration is a raised cosine.
    pub ramp_secs: f64,
    /// How long the speed is constant, seconds.
    pub cruise_secs: f64,
    /// How long it rests at either end, seconds.
    pub rest_secs: f64,
}

impl Dolly {
    /// The usual one, at `speed_m_s`.
    pub fn at(speed_m_s: f64) -> Self {
        Self { speed_m_s, ramp_secs: 0.8, cruise_secs: 2.5, rest_secs: 1.5 }
    }

    /// Where in rest, start, cruise and stop it is: the part's index, seconds since its beginning and its length.
    fn part(&self, secs: f64) -> (usize, f64, f64) {
        let parts = [self.rest_secs, self.ramp_secs, self.cruise_secs, self.ramp_secs];
        let mut since = secs.rem_euclid(parts.iter().sum());
        for (index, length) in parts.into_iter().enumerate() {
            if since < length {
                return (index, since, length);
            }
            since -= length;
        }
        (0, 0.0, self.rest_secs)
    }

    /// The way of a start `since` seconds after its beginning: the speed is `v (u - sin(2 pi u) / 2 pi)`.
    fn started(&self, since: f64) -> f64 {
        let u = since / self.ramp_secs;
        self.speed_m_s * self.ramp_secs * (u * u / 2.0 + ((TAU * u).cos() - 1.0) / (TAU * TAU))
    }
}

impl Truth for Dolly {
    fn pupil_m(&self, secs: f64) -> Point3<f64> {
        let way = match self.part(secs) {
            (0, ..) => 0.0,
            (1, since, _) => self.started(since),
            (2, since, _) => self.started(self.ramp_secs) + self.speed_m_s * since,
            (_, since, length) => {
                let whole = 2.0 * self.started(self.ramp_secs) + self.speed_m_s * self.cruise_secs;
                whole - self.started(length - since)
            }
        };
        let period = self.rest_secs + 2.0 * self.ramp_secs + self.cruise_secs;
        let whole = 2.0 * self.started(self.ramp_secs) + self.speed_m_s * self.cruise_secs;
        let x = if (secs / period).rem_euclid(2.0) < 1.0 { way } else { whole - way };
        Point3::from(START_M) + Vector3::new(x - whole / 2.0, 0.0, 0.0)
    }

    fn pan_tilt_roll(&self, _: f64) -> [f64; 3] {
        [0.0; 3]
    }

    fn is_constant(&self, secs: f64, before: f64) -> bool {
        let (part, since, _) = self.part(secs);
        part % 2 == 0 && since >= before
    }
}

/// A camera turning about its entrance pupil.
pub struct NodalPan {
    /// Turn to the left, rad/s; it goes to and fro within half a radian, at this speed throughout.
    pub turn_rad_s: f64,
}

impl Truth for NodalPan {
    fn pupil_m(&self, _: f64) -> Point3<f64> {
        Point3::from(START_M)
    }

    fn pan_tilt_roll(&self, secs: f64) -> [f64; 3] {
        let swing = 1.0;
        let way = (self.turn_rad_s * secs).rem_euclid(2.0 * swing);
        [(if way < swing { way } else { 2.0 * swing - way }) - 0.5 * swing, 0.0, 0.0]
    }
}

/// The pose that a tracker on the camera reports: `mount` leads from it to the sensor, the pupil is `pupil_offset_m`
/// in front of that.
pub fn tracked(truth: &dyn Truth, secs: f64, mount: &Pose, pupil_offset_m: f64) -> Pose {
    let turn = truth.turn(secs);
    let sensor = truth.pupil_m(secs) - turn * Vector3::new(0.0, pupil_offset_m, 0.0);
    let orientation = turn * mount.orientation.inverse();
    Pose { position_m: sensor - orientation * mount.position_m.coords, orientation }
}
