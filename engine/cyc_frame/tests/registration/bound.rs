//! The Wiener bound: what the best linear predictor gets out of the same samples.
//!
//! It knows what no stage knows: that the position is a stationary process of a given flat spectrum about a known
//! place, that the noise is white and how strong it is. Its weights solve the normal equations of the process'
//! autocovariance over the samples of the last two seconds; no predictor that is linear in them has a smaller mean
//! squared error (N. Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series", 1949).

use crate::chain::Answers;
use cyc_core::{CameraMotion, CameraSample, LensSample, Pose, Quality, Sampled, StageTime};
use nalgebra::{Cholesky, DMatrix, DVector, Dyn, Point3, Vector3};
use std::f64::consts::TAU;

/// So many samples are used: two seconds.
const SAMPLES: usize = 240;

/// The best linear predictor of a band-limited process.
pub struct Wiener {
    /// Where the process is on average.
    pub mean: Pose,
    /// Deviation of the process per axis, metres.
    pub deviation_m: [f64; 3],
    /// Its flat band, hertz.
    pub band_hz: [f64; 2],
    /// Deviation of a sample, metres.
    pub noise_m: f64,
    samples: Vec<CameraSample>,
    factors: Option<[Cholesky<f64, Dyn>; 3]>,
}

impl Wiener {
    /// Knows the process and has heard nothing yet.
    pub fn new(mean: Pose, deviation_m: [f64; 3], band_hz: [f64; 2], noise_m: f64) -> Self {
        Self { mean, deviation_m, band_hz, noise_m, samples: Vec::new(), factors: None }
    }

    /// The autocovariance of the process on an axis, m^2.
    fn covariance(&self, axis: usize, secs: f64) -> f64 {
        let [low, high] = self.band_hz.map(|hz| TAU * hz);
        let variance = self.deviation_m[axis].powi(2);
        if secs.abs() < 1e-9 {
            return variance;
        }
        variance * ((high * secs).sin() - (low * secs).sin()) / ((high - low) * secs)
    }

    /// The samples come evenly, so the matrix of the normal equations is the same for all of them.
    fn factor(&self, axis: usize) -> Cholesky<f64, Dyn> {
        let times: Vec<f64> = self.samples.iter().map(|sample| sample.capture.0 as f64 * 1e-9).collect();
        let matrix = DMatrix::from_fn(times.len(), times.len(), |i, j| {
            let noise = if i == j { self.noise_m.powi(2) } else { 0.0 };
            self.covariance(axis, times[i] - times[j]) + noise
        });
        Cholesky::new(matrix).expect("a covariance with noise is positive definite")
    }

    /// Its newest samples solved for once, each answer is one sum over them.
    fn solved(&self, factors: &[Cholesky<f64, Dyn>; 3]) -> [DVector<f64>; 3] {
        std::array::from_fn(|axis| {
            let values = self.samples.iter().map(|sample| (sample.pose.position_m - self.mean.position_m)[axis]);
            factors[axis].solve(&DVector::from_iterator(self.samples.len(), values))
        })
    }

    fn place(&self, at: StageTime, solved: &[DVector<f64>; 3]) -> Point3<f64> {
        let offset = Vector3::from_fn(|axis, _| {
            let along = self.samples.iter().map(|sample| self.covariance(axis, at.secs_since(sample.capture)));
            along.zip(solved[axis].iter()).map(|(along, solved)| along * solved).sum()
        });
        self.mean.position_m + offset
    }
}

impl Answers for Wiener {
    fn hear(&mut self, sample: &CameraSample) {
        if self.samples.len() == SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push(*sample);
        if self.samples.len() == SAMPLES && self.factors.is_none() {
            self.factors = Some([self.factor(0), self.factor(1), self.factor(2)]);
        }
    }

    fn lines(&self, at: [StageTime; 3]) -> Option<[Sampled; 3]> {
        let (solved, newest) = (self.solved(self.factors.as_ref()?), self.samples.last()?);
        let still = Vector3::zeros();
        let motion =
            CameraMotion { velocity_m_s: still, turn_rad_s: still, position_error_m: 0.0, rotation_error_rad: 0.0 };
        Some(at.map(|at| Sampled {
            pose: Pose { position_m: self.place(at, &solved), ..self.mean },
            lens: LensSample::default(),
            quality: Quality::Predicted,
            capture: newest.capture,
            received: newest.received,
            motion,
        }))
    }
}
