//! Seeded noise, a known camera path and senders that sample it.

use cyc_core::{CameraSample, LensSample, Pose, StageTime};
use nalgebra::Point3;

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub struct Noise(pub u64);

impl Noise {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Normal, mean 0, deviation 1.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

pub fn vectors(name: &str) -> serde_json::Value {
    let path = format!("{}/../../tests/data/wire/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Position in metres; pan, tilt, roll in degrees.
pub type Path = fn(f64) -> ([f64; 3], [f64; 3]);

/// A slow move in all six axes.
pub fn roaming(t: f64) -> ([f64; 3], [f64; 3]) {
    ([0.5 * t.sin(), -1.0 + 0.2 * t.cos(), 1.5], [20.0 * (0.7 * t).sin(), 5.0 * (0.3 * t).sin(), 3.0 * (0.5 * t).sin()])
}

pub fn pose_on(path: Path, t: f64) -> Pose {
    let (p, a) = path(t);
    Pose::from_pan_tilt_roll(Point3::from(p), a[0].to_radians(), a[1].to_radians(), a[2].to_radians())
}

/// The pose as FreeD can say it: 1/64 mm and 1/32768 degree.
pub fn freed_on(path: Path, t: f64) -> Pose {
    let (p, a) = path(t);
    let step = |x: f64, per_unit: f64| (x * per_unit).round() / per_unit;
    let a = a.map(|x| step(x, 32_768.0).to_radians());
    Pose::from_pan_tilt_roll(Point3::from(p.map(|x| step(x, 64_000.0))), a[0], a[1], a[2])
}

pub fn at_secs(secs: f64) -> StageTime {
    StageTime((secs * 1e9).round() as i64)
}

pub fn sample(pose: Pose, capture: f64, received: f64) -> CameraSample {
    CameraSample { pose, lens: LensSample::default(), capture: at_secs(capture), received: at_secs(received) }
}

/// Distance in millimetres and angle in degrees between two poses.
pub fn apart(a: &Pose, b: &Pose) -> (f64, f64) {
    ((a.position_m - b.position_m).norm() * 1e3, a.orientation.angle_to(&b.orientation).to_degrees())
}

/// The value below which `part` of the values lie.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}
