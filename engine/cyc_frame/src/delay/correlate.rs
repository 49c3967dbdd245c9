//! How alike two vector signals are at every lag, under the turn that makes them most alike.

use nalgebra::{Matrix3, Vector3};
use rustfft::{Fft, FftPlanner, num_complex::Complex};
use std::ops::Range;
use std::sync::Arc;

/// A vector signal with a mask.
#[derive(Clone, Copy)]
pub(super) struct Masked<'a> {
    pub values: &'a [Vector3<f64>],
    pub known: &'a [bool],
}

impl Masked<'_> {
    /// The mean and the root mean square around it, over what is known.
    pub(super) fn mean_and_rms(&self) -> (Vector3<f64>, f64) {
        let known = || self.values.iter().zip(self.known).filter(|(_, known)| **known).map(|(value, _)| value);
        let count = known().count().max(1) as f64;
        let mean = known().sum::<Vector3<f64>>() / count;
        (mean, (known().map(|value| (value - mean).norm_squared()).sum::<f64>() / count).sqrt())
    }

    /// Without its mean, and zero where nothing is known.
    fn centred(&self) -> Vec<Vector3<f64>> {
        let (mean, _) = self.mean_and_rms();
        self.values.iter().zip(self.known).map(|(v, known)| if *known { v - mean } else { Vector3::zeros() }).collect()
    }
}

/// What two signals have in common at one lag, over the points that both know.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Common {
    covariance: Matrix3<f64>,
    energy_a: f64,
    energy_b: f64,
    /// Grid points that both know.
    pub points: f64,
}

impl Common {
    /// The correlation under the best turn, 0..1.
    pub(super) fn score(&self) -> f64 {
        let energy = (self.energy_a.max(0.0) * self.energy_b.max(0.0)).sqrt();
        if energy <= 0.0 {
            return 0.0;
        }
        let mut singular = self.covariance.singular_values();
        singular.as_mut_slice().sort_by(|x, y| y.total_cmp(x));
        let last = if self.covariance.determinant() < 0.0 { -singular[2] } else { singular[2] };
        (singular[0] + singular[1] + last) / energy
    }

    /// Without what `part` contributed.
    pub(super) fn without(&self, part: &Common) -> Common {
        Common {
            covariance: self.covariance - part.covariance,
            energy_a: self.energy_a - part.energy_a,
            energy_b: self.energy_b - part.energy_b,
            points: self.points - part.points,
        }
    }

    fn add(&mut self, a: &Vector3<f64>, b: &Vector3<f64>) {
        self.covariance += b * a.transpose();
        self.energy_a += a.norm_squared();
        self.energy_b += b.norm_squared();
        self.points += 1.0;
    }
}

/// What `a` at each point has in common with `b` `lag` points later, for every lag in `-most..=most`, by FFT.
///
/// Both must be of one length, and `most` below it.
pub(super) fn all_lags(a: Masked<'_>, b: Masked<'_>, most: usize) -> Vec<Common> {
    let transform = Transform::new((a.values.len() + most).next_power_of_two());
    let spectra = |signal: Masked<'_>| {
        let values = signal.centred();
        let axes: [Spectrum; 3] = std::array::from_fn(|axis| transform.forward(values.iter().map(|v| v[axis])));
        let energy = transform.forward(values.iter().map(|v| v.norm_squared()));
        (axes, energy, transform.forward(signal.known.iter().map(|known| f64::from(u8::from(*known)))))
    };
    let ((a, energy_a, known_a), (b, energy_b, known_b)) = (spectra(a), spectra(b));
    let mut all = vec![Common::default(); 2 * most + 1];
    let mut fill = |x: &Spectrum, y: &Spectrum, set: &mut dyn FnMut(&mut Common, f64)| {
        let line = transform.correlation(x, y);
        for (n, common) in all.iter_mut().enumerate() {
            let lag = n as i64 - most as i64;
            set(common, line[lag.rem_euclid(line.len() as i64) as usize].re);
        }
    };
    for (i, a) in a.iter().enumerate() {
        for (j, b) in b.iter().enumerate() {
            fill(a, b, &mut |common, value| common.covariance[(j, i)] = value);
        }
    }
    fill(&energy_a, &known_b, &mut |common, value| common.energy_a = value);
    fill(&known_a, &energy_b, &mut |common, value| common.energy_b = value);
    fill(&known_a, &known_b, &mut |common, value| common.points = value);
    all
}

/// As [`all_lags`], for the lags around `lag` and for each of `parts` of `a`'s points, by summing.
pub(super) fn near_lag(a: Masked<'_>, b: Masked<'_>, lags: Range<i64>, parts: &[Range<usize>]) -> Vec<Vec<Common>> {
    let (from, to) = (a.centred(), b.centred());
    let of_part = |part: &Range<usize>, lag: i64| {
        let mut common = Common::default();
        for n in part.clone() {
            let m = n as i64 + lag;
            let Some(m) = usize::try_from(m).ok().filter(|m| *m < to.len()) else { continue };
            if a.known[n] && b.known[m] {
                common.add(&from[n], &to[m]);
            }
        }
        common
    };
    parts.iter().map(|part| lags.clone().map(|lag| of_part(part, lag)).collect()).collect()
}

/// Sums over parts.
pub(super) fn whole(parts: &[Vec<Common>]) -> Vec<Common> {
    let lags = parts.first().map_or(0, Vec::len);
    let sum = |lag: usize| {
        let zero = Common::default();
        parts.iter().fold(zero, |sum, part| sum.without(&zero.without(&part[lag])))
    };
    (0..lags).map(sum).collect()
}

type Spectrum = Vec<Complex<f64>>;

struct Transform {
    size: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl Transform {
    fn new(size: usize) -> Self {
        let mut planner = FftPlanner::new();
        Self { size, forward: planner.plan_fft_forward(size), inverse: planner.plan_fft_inverse(size) }
    }

    fn forward(&self, values: impl Iterator<Item = f64>) -> Spectrum {
        let mut line: Spectrum = values.map(|value| Complex::new(value, 0.0)).collect();
        line.resize(self.size, Complex::default());
        self.forward.process(&mut line);
        line
    }

    /// sum x(n) y(n + lag), for every lag.
    fn correlation(&self, x: &Spectrum, y: &Spectrum) -> Spectrum {
        let scale = 1.0 / self.size as f64;
        let mut line: Spectrum = x.iter().zip(y).map(|(x, y)| x.conj() * y * scale).collect();
        self.inverse.process(&mut line);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Rotation3;

    /// Uniform in -1..1, by a linear congruential generator.
    fn noise(len: usize, mut seed: u64) -> Vec<Vector3<f64>> {
        let mut next = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
        };
        (0..len).map(|_| Vector3::new(next(), next(), next())).collect()
    }

    #[test]
    fn the_transform_and_the_sum_agree_masks_included() {
        let (a, b) = (noise(300, 1), noise(300, 2));
        let known = |step: usize| -> Vec<bool> { (0..300).map(|n| n % step != 0).collect() };
        let (known_a, known_b) = (known(7), known(5));
        let a = Masked { values: &a, known: &known_a };
        let b = Masked { values: &b, known: &known_b };
        let fast = all_lags(a, b, 20);
        let parts = [0..100, 100..180, 180..300];
        let slow = whole(&near_lag(a, b, -20..21, &parts));
        for (fast, slow) in fast.iter().zip(&slow) {
            assert!((fast.covariance - slow.covariance).norm() < 1e-9);
            assert!((fast.energy_a - slow.energy_a).abs() < 1e-9 && (fast.energy_b - slow.energy_b).abs() < 1e-9);
            assert!((fast.points - slow.points).abs() < 1e-6 && (fast.score() - slow.score()).abs() < 1e-9);
        }
    }

    #[test]
    fn a_turned_copy_scores_one_at_its_lag_and_a_mirrored_one_does_not() {
        let a = noise(500, 3);
        let known = vec![true; 500];
        let turn = Rotation3::from_euler_angles(0.7, -1.1, 2.0);
        let later = |map: &dyn Fn(&Vector3<f64>) -> Vector3<f64>| -> Vec<Vector3<f64>> {
            (0..500).map(|n: usize| n.checked_sub(9).map_or(Vector3::zeros(), |n| map(&a[n]))).collect()
        };
        let score = |b: &[Vector3<f64>]| -> Vec<f64> {
            let (a, b) = (Masked { values: &a, known: &known }, Masked { values: b, known: &known });
            all_lags(a, b, 30).iter().map(Common::score).collect()
        };
        let turned = score(&later(&|v| turn * v));
        assert!(turned[30 + 9] > 0.98, "{}", turned[39]);
        assert!(turned.iter().enumerate().all(|(n, s)| n == 39 || *s < 0.3));
        assert!(score(&later(&|v| -(turn * v)))[39] < 0.5);
    }
}
