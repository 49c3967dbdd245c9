//! Delays between simulated feeds of one motion, against the truth.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

use cyc_core::{Pose, StageTime};
use cyc_frame::delay::feeds::MotionSeen;
use cyc_frame::delay::{DelayRefusal, between};
use nalgebra::{Point3, Translation3, UnitQuaternion, Vector3};
use proptest::prelude::*;
use std::f64::consts::TAU;

/// Uniform numbers by splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

/// A camera in somebody's hands: six sums of sines with unrelated frequencies.
struct Motion([Vec<[f64; 3]>; 6]);

impl Motion {
    /// `turn` in radians and `travel` in metres, rms-like, over 0.2 to 4 Hz, falling with the frequency.
    fn new(random: &mut Random, turn: f64, travel: f64) -> Self {
        Self(std::array::from_fn(|axis| {
            let size = if axis < 3 { travel } else { turn };
            (0..12)
                .map(|n| {
                    let hz = 0.2 * 20_f64.powf((f64::from(n) + random.uniform()) / 12.0);
                    [size * 0.4 / hz * random.between(0.5, 1.0), hz, random.uniform()]
                })
                .collect()
        }))
    }

    fn pose(&self, secs: f64) -> Pose {
        let value =
            |axis: usize| -> f64 { self.0[axis].iter().map(|[a, hz, p]| a * (TAU * (hz * secs + p)).sin()).sum() };
        Pose::from_pan_tilt_roll(Point3::new(value(0), value(1), value(2)), value(3), value(4), value(5))
    }
}

/// A tracker on the body.
struct Tracker {
    rate: f64,
    delay_secs: f64,
    /// Its origin and axes on the stage, and where on the body it sits.
    from_stage: Pose,
    mount: Pose,
    noise: [f64; 2],
    loss: f64,
    gaps: bool,
    jitter_secs: f64,
}

impl Tracker {
    fn new(random: &mut Random, rate: f64, delay_secs: f64) -> Self {
        let mut any = |reach: f64| {
            let axis = Vector3::new(random.normal(), random.normal(), random.normal());
            let position_m = Point3::from(reach * Vector3::new(random.normal(), random.normal(), random.normal()));
            Pose { position_m, orientation: UnitQuaternion::from_scaled_axis(axis) }
        };
        let (from_stage, mount) = (any(3.0), any(0.1));
        Self { rate, delay_secs, from_stage, mount, noise: [1e-4, 1e-4], loss: 0.02, gaps: true, jitter_secs: 2e-4 }
    }

    fn series(&self, motion: &dyn Fn(f64) -> Pose, secs: f64, random: &mut Random) -> Vec<(StageTime, Pose)> {
        let start = random.between(0.0, 0.4);
        let count = (secs * self.rate) as usize;
        let mut out = Vec::new();
        for n in 0..count {
            let t = start + n as f64 / self.rate;
            // 120 ms without packets every 3.1 s.
            if random.uniform() < self.loss || (self.gaps && t % 3.1 < 0.12) {
                continue;
            }
            let mut pose = self.from_stage.then(&motion(t)).then(&self.mount);
            pose = Translation3::from(self.noise[0] * Vector3::from_fn(|_, _| random.normal()))
                .transform_point(&pose.position_m)
                .into_pose(pose.orientation);
            let shake = UnitQuaternion::from_scaled_axis(self.noise[1] * Vector3::from_fn(|_, _| random.normal()));
            pose.orientation *= shake;
            let at = t + self.delay_secs + self.jitter_secs * random.normal();
            out.push((StageTime(5_000_000_000 + (at * 1e9) as i64), pose));
        }
        out
    }
}

trait IntoPose {
    fn into_pose(self, orientation: UnitQuaternion<f64>) -> Pose;
}

impl IntoPose for Point3<f64> {
    fn into_pose(self, orientation: UnitQuaternion<f64>) -> Pose {
        Pose { position_m: self, orientation }
    }
}

/// The error in nanoseconds, and the result.
fn measured(
    seed: u64,
    rates: [f64; 2],
    delay_ms: f64,
    secs: f64,
    turn: f64,
    travel: f64,
) -> (f64, cyc_frame::delay::DelayBetween) {
    let mut random = Random(seed);
    let motion = Motion::new(&mut random, turn, travel);
    let pose = |t: f64| motion.pose(t);
    let a = Tracker::new(&mut random, rates[0], 0.006);
    let b = Tracker::new(&mut random, rates[1], 0.006 + 1e-3 * delay_ms);
    let (a, b) = (a.series(&pose, secs, &mut random), b.series(&pose, secs, &mut random));
    let result = between(&a, &b).unwrap();
    (result.delay_nanos as f64 - 1e6 * delay_ms, result)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn hand_held_motion_gives_the_delay_to_a_fraction_of_a_millisecond(
        seed in any::<u64>(),
        rates in prop::sample::select(vec![[100.0, 120.0], [120.0, 100.0], [120.0, 59.94], [240.0, 50.0]]),
        delay_ms in -200.0..200.0_f64,
    ) {
        let (error, result) = measured(seed, rates, delay_ms, 20.0, 0.05, 0.03);
        prop_assert!(error.abs() < 300_000.0, "{error} ns, {result:?}");
        prop_assert!(error.abs() < 5.0 * result.standard_error_nanos as f64 + 30_000.0, "{error} ns, {result:?}");
        prop_assert_eq!(result.by, MotionSeen::Turn);
    }

    #[test]
    fn a_dolly_that_does_not_turn_is_measured_by_its_travel(seed in any::<u64>(), delay_ms in -100.0..100.0_f64) {
        let (error, result) = measured(seed, [120.0, 100.0], delay_ms, 20.0, 0.0, 0.1);
        prop_assert!(error.abs() < 500_000.0, "{error} ns, {result:?}");
        prop_assert_eq!(result.by, MotionSeen::Travel);
    }
}

/// Two feeds of `motion` at 120 and 100 Hz, the second 20 ms behind.
fn pair(motion: &dyn Fn(f64) -> Pose, secs: f64) -> [Vec<(StageTime, Pose)>; 2] {
    let mut random = Random(7);
    let trackers = [(120.0, 0.0), (100.0, 0.02)].map(|(rate, delay)| Tracker::new(&mut random, rate, delay));
    trackers.map(|tracker| tracker.series(motion, secs, &mut random))
}

fn refusal(motion: &dyn Fn(f64) -> Pose, secs: f64) -> DelayRefusal {
    let [a, b] = pair(motion, secs);
    between(&a, &b).unwrap_err()
}

fn hand_held(seed: u64) -> Motion {
    Motion::new(&mut Random(seed), 0.05, 0.03)
}

#[test]
fn what_says_too_little_is_refused_in_words() {
    let motion = hand_held(3);
    let moving = |t: f64| motion.pose(t);
    let still = refusal(&|_| Pose::identity(), 20.0);
    assert!(matches!(still, DelayRefusal::Still { feed: 0, .. }), "{still:?}");
    assert!(still.to_string().starts_with("the first feed hardly moves"), "{still}");
    let short = refusal(&moving, 3.0);
    assert!(matches!(short, DelayRefusal::TooShort { .. }), "{short:?}");
    assert!(short.to_string().contains("record 20 s"), "{short}");
    // A pendulum of 3.3 Hz looks the same every half period.
    let swing = |t: f64| Pose::from_pan_tilt_roll(Point3::origin(), 0.1 * (TAU * 3.3 * t).sin(), 0.0, 0.0);
    let periodic = refusal(&swing, 20.0);
    assert!(matches!(periodic, DelayRefusal::Ambiguous { .. }), "{periodic:?}");
    assert!(periodic.to_string().contains("move irregularly"), "{periodic}");
}

#[test]
fn feeds_of_two_motions_are_refused() {
    let (one, two) = (hand_held(3), hand_held(4));
    let ([a, _], [_, b]) = (pair(&|t| one.pose(t), 20.0), pair(&|t| two.pose(t), 20.0));
    let refusal = between(&a, &b).unwrap_err();
    assert!(matches!(refusal, DelayRefusal::Unrelated { correlation } if correlation < 0.5), "{refusal:?}");
}

#[test]
fn one_feed_still_one_silent_or_one_far_away_are_named() {
    let motion = hand_held(3);
    let ([a, b], [_, still]) = (pair(&|t| motion.pose(t), 20.0), pair(&|_| Pose::identity(), 20.0));
    assert!(matches!(between(&a, &still), Err(DelayRefusal::Still { feed: 1, .. })));
    assert_eq!(between(&a, &[]), Err(DelayRefusal::NoSamples { feed: 1 }));
    assert_eq!(between(&a[..1], &b), Err(DelayRefusal::NoSamples { feed: 0 }));
    let hours_later: Vec<_> = b.iter().map(|(at, pose)| (at.plus_nanos(7_200_000_000_000), *pose)).collect();
    assert!(matches!(between(&a, &hours_later), Err(DelayRefusal::TooShort { .. })));
    let mut ends = a.clone();
    ends.push((StageTime(i64::MAX), Pose::identity()));
    let mut late = b.clone();
    late.push((StageTime(i64::MAX - 5), Pose::identity()));
    assert!(matches!(between(&ends, &late), Err(DelayRefusal::TooLong { .. })));
    // One wrong stamp in one of them costs nothing.
    assert!(between(&ends, &b).is_ok());
}

#[test]
fn a_delay_beyond_the_range_is_not_reported_as_its_edge() {
    let motion = hand_held(3);
    let [a, b] = pair(&|t| motion.pose(t), 30.0);
    let later: Vec<_> = b.iter().map(|(at, pose)| (at.plus_nanos(2_000_000_000), *pose)).collect();
    let refusal = between(&a, &later).unwrap_err();
    assert!(matches!(refusal, DelayRefusal::Unrelated { .. } | DelayRefusal::BeyondRange { .. }), "{refusal:?}");
    let found = cyc_frame::delay::feeds::between_within(&a, &later, 3_000_000_000).unwrap();
    assert!((found.delay_nanos - 2_020_000_000).abs() < 300_000, "{found:?}");
}

#[test]
fn the_result_reads_as_a_sentence() {
    let motion = hand_held(3);
    let [a, b] = pair(&|t| motion.pose(t), 20.0);
    let text = between(&a, &b).unwrap().text("trk-a", "trk-b");
    assert!(text.starts_with("trk-b is 19.99 ms") && text.contains("ms behind trk-a (standard error 0.0"), "{text}");
    let back = between(&b, &a).unwrap().text("trk-b", "trk-a");
    assert!(back.contains("ms ahead of trk-b"), "{back}");
}

/// Any bytes as samples: no panic.
#[test]
fn odd_numbers_do_no_harm() {
    let mut random = Random(1);
    for _ in 0..200 {
        let count = (random.uniform() * 30.0) as usize;
        let mut series = || -> Vec<(StageTime, Pose)> {
            let mut odd = || [f64::NAN, f64::INFINITY, 0.0, 1e300, -1.0][(random.uniform() * 5.0) as usize];
            let pose = Pose { position_m: Point3::new(odd(), odd(), odd()), ..Pose::identity() };
            (0..count)
                .map(|n| (StageTime(if n % 3 == 0 { i64::MIN } else { n as i64 * 1_000_000_000 }), pose))
                .collect()
        };
        let _ = between(&series(), &series());
    }
}
