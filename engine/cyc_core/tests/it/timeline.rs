use crate::support::*;
use cyc_core::{CameraSample, LensSample, LossPolicy, Pose, PushOutcome, Quality, StageTime, Timeline};
use nalgebra::{Point3, UnitQuaternion, Vector3};
use proptest::prelude::*;

const LOSS: LossPolicy = LossPolicy { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 };
const MS: i64 = 1_000_000;

fn at_x(x: f64) -> Pose {
    Pose { position_m: Point3::new(x, 0.0, 1.5), orientation: UnitQuaternion::identity() }
}

fn plain(nanos: i64, x: f64) -> CameraSample {
    CameraSample {
        pose: at_x(x),
        lens: LensSample::default(),
        capture: StageTime(nanos),
        received: StageTime(nanos + MS),
    }
}

fn timeline_of(samples: impl IntoIterator<Item = CameraSample>) -> Timeline {
    let mut timeline = Timeline::new();
    for sample in samples {
        assert_eq!(timeline.push(sample), PushOutcome::Inserted);
    }
    timeline
}

#[test]
fn nothing_is_known_before_the_first_sample() {
    let mut timeline = Timeline::new();
    assert_eq!(timeline.at(StageTime(0), &LOSS), None);
    assert!(timeline.is_empty() && timeline.newest().is_none());
    timeline.push(plain(1000 * MS, 3.0));
    let state = |ms: i64| timeline.at(StageTime(ms * MS), &LOSS).unwrap();
    assert_eq!((state(1000).quality, state(1000).pose), (Quality::Measured, at_x(3.0)));
    // One sample has no speed; before it, the pose is a guess.
    assert_eq!((state(1100).quality, state(1100).pose), (Quality::Predicted, at_x(3.0)));
    assert_eq!((state(900).quality, state(900).pose), (Quality::Held, at_x(3.0)));
    assert_eq!(timeline.at(StageTime(-5_000 * MS), &LOSS).unwrap().quality, Quality::Lost);
}

#[test]
fn samples_take_their_place_and_say_what_became_of_them() {
    let mut timeline = timeline_of([plain(0, 0.0), plain(20 * MS, 0.2), plain(10 * MS, 0.1)]);
    assert_eq!(timeline.push(plain(10 * MS, 9.0)), PushOutcome::Duplicate);
    assert_eq!(timeline.push(plain(20 * MS, 9.0)), PushOutcome::Duplicate);
    assert_eq!((timeline.len(), timeline.newest().unwrap().capture), (3, StageTime(20 * MS)));
    assert_eq!(timeline.at(StageTime(10 * MS), &LOSS).unwrap().pose, at_x(0.1));
    assert_eq!(timeline.push(plain(-1_981 * MS, 9.0)), PushOutcome::TooOld);
    assert_eq!(timeline.push(plain(-1_980 * MS, 9.0)), PushOutcome::Inserted);
    timeline.push(plain(21 * MS, 0.21));
    assert_eq!(timeline.len(), 4, "the oldest left");
}

#[test]
fn what_is_not_finite_is_refused() {
    let good = plain(0, 0.0);
    let with_pose = |pose| CameraSample { pose, ..good };
    let with_lens = |lens| CameraSample { lens, ..good };
    let mut timeline = Timeline::new();
    let not_unit = UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(0.0, 0.0, 0.0, 0.0));
    let nan = UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(f64::NAN, 0.0, 0.0, 0.0));
    for bad in [
        with_pose(at_x(f64::NAN)),
        with_pose(at_x(f64::INFINITY)),
        with_pose(at_x(1e7)),
        with_pose(Pose { orientation: not_unit, ..at_x(0.0) }),
        with_pose(Pose { orientation: nan, ..at_x(0.0) }),
        with_lens(LensSample { focal_length_mm: Some(f64::NAN), ..LensSample::default() }),
        with_lens(LensSample { focus_distance_m: Some(f64::NAN), ..LensSample::default() }),
        with_lens(LensSample { entrance_pupil_offset_m: Some(f64::INFINITY), ..LensSample::default() }),
    ] {
        assert_eq!(timeline.push(bad), PushOutcome::Refused);
    }
    let at_infinity = LensSample { focus_distance_m: Some(f64::INFINITY), ..LensSample::default() };
    assert_eq!(timeline.push(with_lens(at_infinity)), PushOutcome::Inserted);
}

#[test]
fn the_ring_is_bounded() {
    let timeline = timeline_of((0..2000).map(|n| plain(n * MS, 0.0)));
    assert_eq!(timeline.len(), 256);
    let timeline = timeline_of((0..200).map(|n| plain(n * 40 * MS, 0.0)));
    assert_eq!(timeline.len(), 51, "two seconds of 25 Hz");
    let mut timeline = timeline_of((0..256).map(|n| plain(n * MS, 0.0)));
    assert_eq!(timeline.push(plain(-MS, 0.0)), PushOutcome::TooOld, "older than all of a full ring");
    assert_eq!(timeline.push(plain(100 * MS + 1, 0.0)), PushOutcome::Inserted);
    assert_eq!(timeline.len(), 256);
}

#[test]
fn interpolation_is_on_the_path() {
    for (rate, mm_most, degrees_most) in [(24.0, 0.05, 0.002), (60.0, 0.03, 0.001), (120.0, 0.03, 0.001)] {
        let captures: Vec<f64> = (0..i32::from(rate as i16)).map(|n| 100.0 + f64::from(n) / rate).collect();
        let timeline = timeline_of(captures.iter().map(|t| sample(freed_on(roaming, *t), *t, *t)));
        for i in 0..=1000 {
            let t = captures[1] + (captures[captures.len() - 2] - captures[1]) * f64::from(i) / 1000.0;
            let state = timeline.at(at_secs(t), &LOSS).unwrap();
            let (mm, degrees) = apart(&state.pose, &pose_on(roaming, t));
            assert_eq!(state.quality, Quality::Measured);
            assert!(mm < mm_most && degrees < degrees_most, "{rate} Hz at {t}: {mm} mm, {degrees} deg");
        }
    }
}

/// Bunched captures (a late packet and the next one right behind it) make no overshoot.
#[test]
fn bunched_samples_do_not_overshoot() {
    let timeline = timeline_of(
        [(0, 0.0), (100, 0.1), (199, 0.2), (200, 0.2001), (201, 0.2), (300, 0.3)].map(|(ms, x)| plain(ms * MS, x)),
    );
    for ms in 0..3000 {
        let x = timeline.at(StageTime(ms * MS / 10), &LOSS).unwrap().pose.position_m.x;
        assert!((x - f64::from(ms as i32) * 1e-4).abs() < 0.02 && (-1e-9..=0.3 + 1e-9).contains(&x), "{ms}: {x}");
    }
}

#[test]
fn measured_is_only_what_lies_between_samples() {
    let timeline = timeline_of([0, 10, 20, 30].map(|ms| plain(ms * MS, 0.0)));
    let state = |nanos| timeline.at(StageTime(nanos), &LOSS).unwrap();
    // At a sample, that one alone; between, the ones around and their neighbours.
    for (nanos, quality, capture) in [
        (10 * MS, Quality::Measured, 10 * MS),
        (15 * MS, Quality::Measured, 30 * MS),
        (25 * MS, Quality::Measured, 30 * MS),
        (30 * MS, Quality::Measured, 30 * MS),
        (30 * MS + 1, Quality::Predicted, 30 * MS),
    ] {
        let state = state(nanos);
        assert_eq!(
            (state.quality, state.capture, state.received),
            (quality, StageTime(capture), StageTime(capture + MS))
        );
    }
}

#[test]
fn signs_of_quaternions_do_not_matter() {
    let flip = |n: u32, pose: Pose| {
        let orientation = UnitQuaternion::new_unchecked(-pose.orientation.into_inner());
        if n % 3 == 1 { Pose { orientation, ..pose } } else { pose }
    };
    let turning = |t: f64| Pose { orientation: UnitQuaternion::new(Vector3::new(0.3, -0.2, 2.0) * t), ..at_x(t) };
    let times = || (0..80).map(|n| (n, f64::from(n) / 40.0));
    let straight = timeline_of(times().map(|(_, t)| sample(turning(t), t, t)));
    let flipped = timeline_of(times().map(|(n, t)| sample(flip(n, turning(t)), t, t)));
    let mut last = None::<Pose>;
    for i in 0..2200 {
        let t = f64::from(i) / 1000.0;
        let [a, b] = [&straight, &flipped].map(|timeline| timeline.at(at_secs(t), &LOSS).unwrap().pose);
        assert!(apart(&a, &b).0 < 1e-9 && apart(&a, &b).1 < 1e-5, "at {t}");
        if let Some(last) = last {
            assert!(last.orientation.coords.dot(&b.orientation.coords) > 0.99, "the sign flips at {t}");
        }
        last = Some(b);
    }
}

fn lens(
    focal_length_mm: Option<f64>,
    focus_distance_m: Option<f64>,
    entrance_pupil_offset_m: Option<f64>,
) -> LensSample {
    LensSample { focal_length_mm, focus_distance_m, entrance_pupil_offset_m }
}

#[test]
fn lens_values_are_interpolated_held_and_never_erased() {
    let with = |ms: i64, lens| CameraSample { lens, ..plain(ms * MS, 0.0) };
    let mut timeline = timeline_of([
        with(0, lens(Some(30.0), Some(4.0), None)),
        with(10, lens(Some(40.0), Some(f64::INFINITY), Some(0.1))),
        with(20, lens(None, None, None)),
        with(30, lens(Some(50.0), None, None)),
    ]);
    let at = |timeline: &Timeline, ms: i64| timeline.at(StageTime(ms * MS), &LOSS).unwrap().lens;
    assert_eq!(at(&timeline, 0), lens(Some(30.0), Some(4.0), None));
    // Halfway to infinity is twice as far.
    assert_eq!(at(&timeline, 5), lens(Some(35.0), Some(8.0), Some(0.1)));
    assert_eq!(at(&timeline, 20), lens(Some(40.0), Some(f64::INFINITY), Some(0.1)));
    assert_eq!(at(&timeline, 15), at(&timeline, 20));
    assert_eq!(at(&timeline, 500), lens(Some(50.0), Some(f64::INFINITY), Some(0.1)));
    // A reordered message speaks for its own time, not for later ones that spoke themselves.
    timeline.push(with(25, lens(Some(45.0), Some(3.0), None)));
    assert_eq!(at(&timeline, 500), lens(Some(50.0), Some(3.0), Some(0.1)));
    // Values outlive the samples that brought them.
    for ms in (100..6000).step_by(50) {
        timeline.push(with(ms, lens(None, None, None)));
    }
    assert_eq!(at(&timeline, 6000), lens(Some(50.0), Some(3.0), Some(0.1)));
    assert_eq!(at(&timeline, 5020), lens(Some(50.0), Some(3.0), Some(0.1)));
}

/// The same samples in any order of arrival give the same answers, as long as nothing was silent.
#[test]
fn order_of_arrival_does_not_matter() {
    let samples: Vec<CameraSample> =
        (0..60).map(|n| f64::from(n) / 120.0).map(|t| sample(freed_on(roaming, t), t, t)).collect();
    let straight = timeline_of(samples.iter().copied());
    let mut swapped = samples.clone();
    for pair in swapped.chunks_mut(3) {
        pair.reverse();
    }
    let swapped = timeline_of(swapped);
    for i in 0..700 {
        let at = at_secs(f64::from(i) / 1000.0);
        assert_eq!(straight.at(at, &LOSS), swapped.at(at, &LOSS));
    }
}

/// Captures that include the extremes, bunches, long gaps and equal times.
fn any_capture() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        (-3_000 * MS..3_000 * MS),
        (0i64..50).prop_map(|n| n * 8 * MS),
        (0i64..5),
        Just(i64::MAX),
        Just(i64::MIN),
    ]
}

fn any_sample() -> impl Strategy<Value = CameraSample> {
    let number = || prop_oneof![4 => -2f64..2.0, 1 => -1e6f64..1e6];
    let pose = (prop::array::uniform3(number()), prop::array::uniform3(-7f64..7.0)).prop_map(|(position_m, turn)| {
        Pose { position_m: Point3::from(position_m), orientation: UnitQuaternion::new(Vector3::from(turn)) }
    });
    let lens = (prop::option::of(1f64..300.0), prop::option::of(0f64..100.0), prop::option::of(-1f64..1.0));
    (pose, lens, any_capture(), any_capture()).prop_map(|(pose, (focal, focus, pupil), capture, received)| {
        CameraSample {
            pose,
            lens: LensSample { focal_length_mm: focal, focus_distance_m: focus, entrance_pupil_offset_m: pupil },
            capture: StageTime(capture),
            received: StageTime(received),
        }
    })
}

proptest! {
    #[test]
    fn at_a_capture_it_is_the_sample(steps in prop::collection::vec((1i64..90 * MS, -1f64..1.0, -3f64..3.0), 1..40)) {
        let mut nanos = 0;
        let samples: Vec<CameraSample> = steps
            .into_iter()
            .map(|(step, x, turn)| {
                nanos += step;
                let orientation = UnitQuaternion::new(Vector3::new(0.0, turn, 0.3));
                CameraSample { pose: Pose { orientation, ..at_x(x) }, ..plain(nanos, 0.0) }
            })
            .collect();
        let timeline = timeline_of(samples.iter().copied());
        for sample in samples.iter().filter(|sample| nanos - sample.capture.0 <= 2_000 * MS) {
            let state = timeline.at(sample.capture, &LOSS).unwrap();
            prop_assert_eq!(state.quality, Quality::Measured);
            prop_assert_eq!(state.pose.position_m, sample.pose.position_m);
            prop_assert!(state.pose.orientation.angle_to(&sample.pose.orientation) < 1e-7);
            prop_assert_eq!((state.capture, state.received), (sample.capture, sample.received));
        }
    }

    #[test]
    fn total_and_finite(
        samples in prop::collection::vec(any_sample(), 0..60),
        asks in prop::collection::vec(any_capture(), 1..20),
        predict_nanos in any_capture(),
        hold_nanos in any_capture(),
    ) {
        let mut timeline = Timeline::new();
        for sample in samples {
            timeline.push(sample);
            for ask in &asks {
                for loss in [LOSS, LossPolicy { predict_nanos, hold_nanos }] {
                    let state = timeline.at(StageTime(*ask), &loss);
                    prop_assert!(state.is_some());
                    let Some(state) = state else { continue };
                    prop_assert!(state.pose.position_m.iter().all(|x| x.is_finite()), "{state:?}");
                    prop_assert!((state.pose.orientation.quaternion().norm() - 1.0).abs() < 1e-9, "{state:?}");
                    prop_assert!(state.lens.focal_length_mm.is_none_or(|x| (1.0..300.0).contains(&x)));
                    prop_assert!(state.lens.focus_distance_m.is_none_or(|x| (0.0..100.0).contains(&x)));
                }
            }
        }
        prop_assert!(timeline.len() <= 256);
    }

    /// Between two samples the pose stays near them: no interpolation throws.
    #[test]
    fn interpolation_stays_near(xs in prop::collection::vec((1i64..90 * MS, -1f64..1.0), 2..20), part in 0f64..1.0) {
        let mut nanos = 0;
        let samples: Vec<CameraSample> = xs.into_iter().map(|(step, x)| { nanos += step; plain(nanos, x) }).collect();
        let timeline = timeline_of(samples.iter().copied());
        for pair in samples.windows(2) {
            let at = pair[0].capture.plus_nanos(((pair[1].capture.0 - pair[0].capture.0) as f64 * part) as i64);
            let x = timeline.at(at, &LOSS).unwrap().pose.position_m.x;
            // A slope is at most 2 m over the interval, and a cubic leaves its chord by 4/27 of that per end.
            prop_assert!(x.abs() <= 1.0 + 0.6 + 1e-9);
        }
    }
}
