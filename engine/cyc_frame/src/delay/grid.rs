//! Irregular poses to regular, band-limited signals: how fast a body turns and travels.

use cyc_core::{Pose, StageTime};
use nalgebra::Vector3;
use rustfft::{FftPlanner, num_complex::Complex};

/// Time from one grid point to the next: a fine grid keeps the parabola's own error below 20 us.
pub(super) const STEP_NANOS: i64 = 2_000_000;
/// Above this frequency trackers deliver noise rather than motion, hertz.
const BAND_HZ: f64 = 12.0;
/// How much of a feed's sample rate counts as its band: below its Nyquist frequency, with room for the roll-off.
const BAND_OF_RATE: f64 = 0.35;
/// More usual intervals without a sample than this are a gap.
const GAP_INTERVALS: f64 = 2.5;

/// A pose and when it was captured.
pub type TimedPose = (StageTime, Pose);

/// A feed's samples: finite, in order, no instant twice.
pub(super) struct Series(pub Vec<TimedPose>);

impl Series {
    pub(super) fn new(samples: &[TimedPose]) -> Self {
        let finite = |pose: &Pose| {
            pose.position_m.iter().all(|x| x.is_finite() && x.abs() < 1e6)
                && pose.orientation.coords.iter().all(|x| x.is_finite())
        };
        let mut all: Vec<TimedPose> = samples.iter().filter(|(_, pose)| finite(pose)).copied().collect();
        all.sort_by_key(|(at, _)| *at);
        all.dedup_by_key(|(at, _)| *at);
        Self(all)
    }

    /// First and last instant.
    pub(super) fn span(&self) -> Option<(StageTime, StageTime)> {
        Some((self.0.first()?.0, self.0.last()?.0))
    }

    /// The median interval, seconds.
    pub(super) fn interval_secs(&self) -> f64 {
        let mut intervals: Vec<i64> = self.0.windows(2).map(|pair| pair[1].0.nanos_since(pair[0].0)).collect();
        intervals.sort_unstable();
        intervals.get(intervals.len() / 2).map_or(1.0, |nanos| *nanos as f64 * 1e-9)
    }
}

/// How a body moves at each grid point; three components, tracker's axes.
pub(super) struct Signals {
    /// Angular velocity, rad/s.
    pub turn: Vec<Vector3<f64>>,
    /// Velocity, m/s.
    pub travel: Vec<Vector3<f64>>,
    /// Whether the grid point is known: not in a gap, nor so near one that the filter would carry it in.
    pub known: Vec<bool>,
}

/// The band that both feeds carry, hertz.
pub(super) fn band_hz(a: &Series, b: &Series) -> f64 {
    BAND_HZ.min(BAND_OF_RATE / a.interval_secs().max(b.interval_secs()))
}

/// `series` on a grid of `len` points from `start` on, low-passed at `band_hz`.
pub(super) fn signals(series: &Series, start: StageTime, len: usize, band_hz: f64) -> Signals {
    let (poses, covered) = resampled(series, start, len + 1);
    let step = STEP_NANOS as f64 * 1e-9;
    let pairs = || poses.windows(2);
    let turn = pairs().map(|p| (p[1].orientation * p[0].orientation.inverse()).scaled_axis() / step).collect();
    let travel = pairs().map(|p| (p[1].position_m - p[0].position_m) / step).collect();
    let margin = (0.5 / band_hz / step).ceil() as usize;
    Signals {
        turn: low_passed(turn, band_hz * step),
        travel: low_passed(travel, band_hz * step),
        known: eroded(&covered[..len.min(covered.len())], margin),
    }
}

/// The pose at each grid point, between its neighbours, and whether those are near enough to say.
fn resampled(series: &Series, start: StageTime, len: usize) -> (Vec<Pose>, Vec<bool>) {
    let samples = &series.0;
    let longest = (GAP_INTERVALS * series.interval_secs() * 1e9) as i64;
    let mut next = 0;
    let at = |n: usize| start.plus_nanos(STEP_NANOS.saturating_mul(n as i64));
    let pose = |instant: StageTime| {
        while samples.get(next).is_some_and(|(time, _)| *time <= instant) {
            next += 1;
        }
        match (next.checked_sub(1).and_then(|n| samples.get(n)), samples.get(next)) {
            (Some((t0, before)), Some((t1, after))) => {
                let part = instant.secs_since(*t0) / t1.secs_since(*t0);
                (between(before, after, part), t1.nanos_since(*t0) <= longest)
            }
            (Some((t0, only)), None) => (*only, *t0 == instant),
            (None, Some((_, only))) => (*only, false),
            (None, None) => (Pose::identity(), false),
        }
    };
    (0..len).map(at).map(pose).unzip()
}

fn between(before: &Pose, after: &Pose, part: f64) -> Pose {
    let turn = before.orientation.inverse() * after.orientation;
    Pose {
        position_m: before.position_m + part * (after.position_m - before.position_m),
        orientation: before.orientation * turn.powf(part),
    }
}

/// A Gaussian low-pass without phase, -3 dB at `cutoff` cycles a step: a delay of its own would be the same on
/// both sides, but one that depends on the frequency would not.
fn low_passed(signal: Vec<Vector3<f64>>, cutoff: f64) -> Vec<Vector3<f64>> {
    let len = signal.len();
    // As much again behind the end, where what wraps around can die away.
    let size = (len + (2.0 / cutoff) as usize).next_power_of_two();
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let mut out = vec![Vector3::zeros(); len];
    for axis in 0..3 {
        let mut line: Vec<Complex<f64>> = signal.iter().map(|v| Complex::new(v[axis], 0.0)).collect();
        line.resize(size, Complex::default());
        forward.process(&mut line);
        for (n, value) in line.iter_mut().enumerate() {
            let frequency = n.min(size - n) as f64 / size as f64;
            *value *= (-0.5 * 2_f64.ln() * (frequency / cutoff).powi(2)).exp() / size as f64;
        }
        inverse.process(&mut line);
        for (vector, value) in out.iter_mut().zip(&line) {
            vector[axis] = value.re;
        }
    }
    out
}

/// What is true at least `margin` points away from every false one and from both ends.
fn eroded(mask: &[bool], margin: usize) -> Vec<bool> {
    let mut kept = vec![false; mask.len()];
    let mut run = 0;
    for (n, known) in mask.iter().chain(&[false]).enumerate() {
        if *known {
            run += 1;
            continue;
        }
        if run > 2 * margin {
            kept[n - run + margin..n - margin].fill(true);
        }
        run = 0;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Point3;

    fn at(secs: f64) -> StageTime {
        StageTime((secs * 1e9) as i64)
    }

    #[test]
    fn a_steady_turn_and_travel_come_out_as_they_are() {
        let pose = |t: f64| Pose::from_pan_tilt_roll(Point3::new(0.3 * t, 0.0, 1.0), 0.2 * t, 0.0, 0.0);
        // Irregular: every third interval is longer.
        let samples: Vec<TimedPose> = (0..900)
            .map(|n| f64::from(n) * 0.008 + if n % 3 == 0 { 0.002 } else { 0.0 })
            .map(|t| (at(t), pose(t)))
            .collect();
        let signals = signals(&Series::new(&samples), at(0.0), 3500, 12.0);
        let inside: Vec<usize> = (0..3500).filter(|n| signals.known[*n]).collect();
        assert!(inside.len() > 3300, "{}", inside.len());
        // Gaussian tails of the ends reach a little further than the mask's margin.
        for n in inside.into_iter().filter(|n| (100..3400).contains(n)) {
            assert!((signals.turn[n] - Vector3::new(0.0, 0.0, 0.2)).norm() < 1e-6, "{n}: {}", signals.turn[n]);
            assert!((signals.travel[n] - Vector3::new(0.3, 0.0, 0.0)).norm() < 1e-6, "{n}: {}", signals.travel[n]);
        }
    }

    #[test]
    fn gaps_and_their_surroundings_are_unknown() {
        let mut mask = vec![true; 100];
        mask[50..53].fill(false);
        let kept = eroded(&mask, 4);
        let known: Vec<usize> = (0..100).filter(|n| kept[*n]).collect();
        assert_eq!((known.first(), known.last(), known.len()), (Some(&4), Some(&95), 42 + 39));
        assert!(!kept[46] && kept[45] && !kept[56] && kept[57]);
        assert_eq!(eroded(&[true; 8], 4), [false; 8]);
    }

    #[test]
    fn bad_samples_are_left_out() {
        let bad = Pose { position_m: Point3::new(f64::NAN, 0.0, 0.0), ..Pose::identity() };
        let series = Series::new(&[(at(2.0), Pose::identity()), (at(1.0), Pose::identity()), (at(1.5), bad)]);
        assert_eq!(series.span(), Some((at(1.0), at(2.0))));
        assert_eq!(series.0.len(), 2);
    }
}
