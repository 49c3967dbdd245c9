//! Where a word began and ended, by all of its bits.

use super::WORD_BITS;

/// Boundaries of a word's bits, both ends included.
pub(super) const BOUNDARIES: usize = WORD_BITS + 1;

/// A smooth course through the boundaries of a word's bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// Where the first bit begins, samples.
    pub begin: f64,
    /// Where the last bit ends, samples.
    pub end: f64,
    /// How far the boundaries lie from the course, RMS, samples.
    pub residual: f64,
}

/// Fits a parabola to the places of the boundaries by least squares: a transport may speed up during a word, and a
/// single transition is as uncertain as its noise.
pub(super) fn fit(boundaries: &[f64; BOUNDARIES]) -> Fit {
    let middle = (BOUNDARIES / 2) as f64;
    let origin = boundaries[BOUNDARIES / 2];
    let count = BOUNDARIES as f64;
    // Orthogonal over the boundaries: 1, x and x^2 less its mean, for x from -1 to 1.
    let x = |i: usize| (i as f64 - middle) / middle;
    let square_mean = (0..BOUNDARIES).map(|i| x(i) * x(i)).sum::<f64>() / count;
    let curve = |i: usize| x(i) * x(i) - square_mean;
    let place = |i: usize| boundaries[i] - origin;
    let project = |basis: &dyn Fn(usize) -> f64| {
        let along: f64 = (0..BOUNDARIES).map(|i| basis(i) * place(i)).sum();
        along / (0..BOUNDARIES).map(|i| basis(i) * basis(i)).sum::<f64>()
    };
    let (mean, slope, bend) = (project(&|_| 1.0), project(&x), project(&curve));
    let course = |i: usize| mean + slope * x(i) + bend * curve(i);
    let squares: f64 = (0..BOUNDARIES).map(|i| (place(i) - course(i)).powi(2)).sum();
    Fit { begin: origin + course(0), end: origin + course(BOUNDARIES - 1), residual: (squares / count).sqrt() }
}
