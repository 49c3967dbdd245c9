//! What the feed has learned of how its camera sways: the spectrum of its last seconds, and what follows from that.
//!
//! Samples are averaged into bins of 1/30 s on a fixed grid. Twice a second the spectrum of the last 2 s (Hann window,
//! straight line removed, all axes of a triple together) joins a running mean, and third-octave bands of white noise are
//! fitted to it by maximum likelihood (P. Whittle, "Estimation and information in stationary time series", 1953;
//! multiplicative steps as in C. Fevotte et al., "Nonnegative Matrix Factorization with the Itakura-Saito Divergence",
//! 2009). The bands give the covariance of the sway over any distance in time.

use super::{rotation_between, sway};
use crate::Pose;
use nalgebra::{UnitQuaternion, Vector3};
use std::f64::consts::{PI, TAU};
use std::sync::LazyLock;

/// Length of a bin.
pub(crate) const BIN_NANOS: i64 = 33_333_333;
const BIN_SECS: f64 = BIN_NANOS as f64 * 1e-9;
/// Bins in a spectrum: 2 s.
pub(crate) const BINS: usize = 60;
/// How often is learned, in bins.
pub(crate) const LEARN_BINS: i64 = 15;
/// Third octaves from 0.3 to 12 Hz.
const BANDS: usize = 21;
const LOWEST_HZ: f64 = 0.3;
/// Frequencies looked at: every quarter of a hertz up to 2, every half up to 12.5.
const LINES: usize = 29;
/// A new spectrum's share in the running mean.
const SHARE: f64 = 0.2;
/// Its share if it is this much weaker than the mean: the camera has come to rest.
const SHARE_CALMER: f64 = 0.6;
const CALMER: f64 = 0.3;
const ITERATIONS: usize = 12;
/// Covariances are tabulated in steps of this, up to what [`sway`] asks for.
pub(super) const TABLE_SECS: f64 = 0.0025;
const TABLE: usize = 600;

/// A bin's mean pose; `None` where nothing was captured and nothing can be said.
pub(crate) type Bin = Pose;

/// What was learned of position or rotation.
#[derive(Debug, Clone)]
pub(super) struct Learned {
    spectrum: [f64; LINES],
    bands: [f64; BANDS],
    /// Mean square of the straight line's slope, per axis.
    slope: f64,
    /// Covariance of the sway at multiples of [`TABLE_SECS`].
    pub(super) table: Vec<f64>,
    /// Covariance between the blocks of [`sway`].
    pub(super) blocks: sway::Blocks,
}

/// What was learned of a feed: position and rotation.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    pub(super) kinds: [Learned; 2],
    /// The usual distance between entries, seconds.
    pub(super) step_secs: f64,
}

impl Spectrum {
    /// Learns from [`BINS`] bins, oldest first, and what was known before.
    pub(crate) fn learn(bins: &[Bin; BINS], step_secs: f64, before: Option<&Spectrum>) -> Spectrum {
        let middle = bins[BINS / 2];
        let positions = bins.map(|bin| bin.position_m - middle.position_m);
        let rotations = bins.map(|bin| rotation_between(&middle.orientation, &bin.orientation));
        let learned = |values: [Vector3<f64>; BINS], kind: usize| {
            Learned::from(values, step_secs, before.map(|before| &before.kinds[kind]))
        };
        Spectrum { kinds: [learned(positions, 0), learned(rotations, 1)], step_secs }
    }
}

impl Learned {
    fn from(mut values: [Vector3<f64>; BINS], step_secs: f64, before: Option<&Learned>) -> Learned {
        despike(&mut values);
        let slope = level(&mut values);
        let seen = periodogram(&values);
        let (spectrum, slope) = match before {
            None => (seen, slope),
            Some(before) => {
                let calmer = seen.iter().sum::<f64>() < CALMER * before.spectrum.iter().sum::<f64>();
                let share = if calmer { SHARE_CALMER } else { super::knob("SHARE", SHARE) };
                let mean = |old: f64, new: f64| old + (new - old) * share;
                (std::array::from_fn(|i| mean(before.spectrum[i], seen[i])), mean(before.slope, slope))
            }
        };
        let bands = fit(&spectrum, before.map(|before| &before.bands));
        let table: Vec<f64> =
            (0..TABLE).map(|i| bands.iter().zip(&BAND.covariance[i]).map(|(a, c)| a * c).sum()).collect();
        let blocks = sway::Blocks::new(&table, slope * super::knob("SLOPE", 1.0), step_secs);
        Learned { spectrum, bands, slope, table, blocks }
    }

    /// Covariance of the sway over `secs`, and its slope there.
    pub(super) fn covariance(table: &[f64], secs: f64) -> (f64, f64) {
        let at = secs.abs() / TABLE_SECS;
        let index = (at as usize).min(table.len().saturating_sub(2));
        let (low, high) = (table[index], table[index + 1]);
        let part = (at - index as f64).min(1.0);
        let slope = (high - low) / TABLE_SECS;
        (low + (high - low) * part, if secs < 0.0 { -slope } else { slope })
    }
}

/// Replaces bins that are far from both their neighbours.
fn despike(values: &mut [Vector3<f64>; BINS]) {
    let apart = |values: &[Vector3<f64>; BINS], i: usize| (values[i] - (values[i - 1] + values[i + 1]) * 0.5).norm();
    let mut sorted: [f64; BINS] =
        std::array::from_fn(|i| if (1..BINS - 1).contains(&i) { apart(values, i) } else { 0.0 });
    sorted.sort_unstable_by(f64::total_cmp);
    let most = (8.0 * sorted[BINS / 2]).max(5e-3);
    for i in 1..BINS - 1 {
        if apart(values, i) > most {
            values[i] = (values[i - 1] + values[i + 1]) * 0.5;
        }
    }
}

/// Takes the straight line out; its mean square slope per axis.
fn level(values: &mut [Vector3<f64>; BINS]) -> f64 {
    let secs = |i: usize| (i as f64 - 0.5 * (BINS - 1) as f64) * BIN_SECS;
    let mean = values.iter().sum::<Vector3<f64>>() / BINS as f64;
    let square: f64 = (0..BINS).map(|i| secs(i).powi(2)).sum();
    let slope = values.iter().enumerate().map(|(i, value)| value * secs(i)).sum::<Vector3<f64>>() / square;
    for (i, value) in values.iter_mut().enumerate() {
        *value -= mean + slope * secs(i);
    }
    slope.norm_squared() / 3.0
}

fn line_hz(line: usize) -> f64 {
    if line < 8 { 0.25 * (line + 1) as f64 } else { 2.0 + 0.5 * (line - 7) as f64 }
}

fn band_hz(edge: usize) -> f64 {
    LOWEST_HZ * 2f64.powf(edge as f64 / 4.0)
}

/// Hann window whose square sums to 1.
fn window(i: usize) -> f64 {
    let whole: f64 = 0.375 * (BINS + 1) as f64;
    (0.5 - 0.5 * (TAU * (i + 1) as f64 / (BINS + 1) as f64).cos()) / whole.sqrt()
}

/// Power at every line, mean of the three axes (G. Goertzel's recursion, 1958).
fn periodogram(values: &[Vector3<f64>; BINS]) -> [f64; LINES] {
    let windowed: [Vector3<f64>; BINS] = std::array::from_fn(|i| values[i] * BAND.window[i]);
    std::array::from_fn(|line| {
        let twice = 2.0 * (TAU * line_hz(line) * BIN_SECS).cos();
        let (mut last, mut before) = (Vector3::zeros(), Vector3::zeros());
        for value in &windowed {
            let next = value + last * twice - before;
            (last, before) = (next, last);
        }
        (last.norm_squared() + before.norm_squared() - last.dot(&before) * twice).max(0.0) / 3.0
    })
}

/// What a band of variance 1 looks like.
struct Band {
    window: [f64; BINS],
    /// Its power at every line.
    power: [[f64; BANDS]; LINES],
    /// Its covariance at multiples of [`TABLE_SECS`].
    covariance: Vec<[f64; BANDS]>,
}

static BAND: LazyLock<Band> = LazyLock::new(|| {
    let window: [f64; BINS] = std::array::from_fn(window);
    let overlap: [f64; BINS] = std::array::from_fn(|lag| (lag..BINS).map(|i| window[i] * window[i - lag]).sum());
    let power = |line: usize| {
        std::array::from_fn(|band| {
            let middle = 0.5 * (band_hz(band) + band_hz(band + 1));
            let lags = 1..BINS;
            let sum: f64 = lags
                .map(|lag| {
                    let secs = lag as f64 * BIN_SECS;
                    2.0 * overlap[lag] * correlation(band, secs) * (TAU * line_hz(line) * secs).cos()
                })
                .sum();
            // A bin's mean keeps less of what is fast.
            let kept = (PI * middle * BIN_SECS).sin() / (PI * middle * BIN_SECS);
            (overlap[0] + sum).max(1e-9) * kept * kept
        })
    };
    Band {
        window,
        power: std::array::from_fn(power),
        covariance: (0..TABLE).map(|i| std::array::from_fn(|band| correlation(band, i as f64 * TABLE_SECS))).collect(),
    }
});

/// Of white noise between a band's edges, over `secs`.
fn correlation(band: usize, secs: f64) -> f64 {
    let [low, high] = [band_hz(band), band_hz(band + 1)].map(|hz| TAU * hz);
    if secs == 0.0 { 1.0 } else { ((high * secs).sin() - (low * secs).sin()) / ((high - low) * secs) }
}

/// The bands' variances and a floor of white noise that explain a spectrum best.
fn fit(spectrum: &[f64; LINES], before: Option<&[f64; BANDS]>) -> [f64; BANDS] {
    let whole = spectrum.iter().sum::<f64>() / LINES as f64;
    // Never nothing at all: what stands quite still has a spectrum of zeros.
    let even = (0.1 * whole).max(1e-20);
    let mut bands = before.map_or([even; BANDS], |before| before.map(|band| band.max(1e-3 * even)));
    let mut floor = spectrum.iter().copied().fold(f64::INFINITY, f64::min).max(1e-4 * even);
    for _ in 0..super::knob("ITER", ITERATIONS as f64) as usize {
        let (mut up, mut down) = ([0.0; BANDS], [1e-300; BANDS]);
        let (mut floor_up, mut floor_down) = (0.0, 1e-300);
        for (line, seen) in spectrum.iter().enumerate() {
            let power = &BAND.power[line];
            let model = 1e-30 + floor + bands.iter().zip(power).map(|(a, p)| a * p).sum::<f64>();
            let (share, inverse) = (seen / (model * model), 1.0 / model);
            for band in 0..BANDS {
                up[band] += power[band] * share;
                down[band] += power[band] * inverse;
            }
            floor_up += share;
            floor_down += inverse;
        }
        for band in 0..BANDS {
            bands[band] = (bands[band] * (up[band] / down[band]).sqrt()).max(1e-6 * even);
        }
        floor = (floor * (floor_up / floor_down).sqrt()).max(1e-6 * even);
    }
    bands
}

/// The mean of poses, oldest first; `None` if there are none.
pub(crate) fn mean_pose<'a>(poses: impl Iterator<Item = &'a Pose>) -> Option<Bin> {
    let (mut place, mut turn, mut count) = (Vector3::zeros(), nalgebra::Vector4::zeros(), 0.0);
    for pose in poses {
        place += pose.position_m.coords;
        turn += pose.orientation.coords;
        count += 1.0;
    }
    let orientation = UnitQuaternion::try_new(nalgebra::Quaternion::from_vector(turn), 1e-9)?;
    (count > 0.0).then(|| Pose { position_m: (place / count).into(), orientation })
}
