//! A feed that falls silent and comes back, seen by a wall that asks once per frame.

use crate::support::*;
use cyc_core::{CameraSample, LossPolicy, Pose, Quality, Sampled, StageTime, Timeline};

const LOSS: LossPolicy = LossPolicy { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 };

/// Faster than the roaming camera ever is, m/s and degrees/s.
const SPEED: f64 = 0.55;
const TURN: f64 = 15.0;

/// A wall that asks for the pose `lead` seconds ahead, `rate` times a second.
struct Wall {
    rate: f64,
    lead: f64,
    loss: LossPolicy,
}

struct Shown {
    at: f64,
    state: Sampled,
}

impl Wall {
    fn watch(&self, samples: &[CameraSample], until: f64) -> Vec<Shown> {
        let mut timeline = Timeline::new();
        let mut arriving = samples.to_vec();
        arriving.sort_by_key(|sample| sample.received);
        let mut arriving = arriving.into_iter().peekable();
        let mut shown = vec![];
        for frame in 0.. {
            let now = 100.5 + f64::from(frame) / self.rate;
            if now > until {
                return shown;
            }
            while let Some(sample) = arriving.next_if(|sample| sample.received <= at_secs(now)) {
                timeline.push(sample);
            }
            let at = now + self.lead;
            shown.push(Shown { at, state: timeline.at(at_secs(at), &self.loss).unwrap() });
        }
        shown
    }
}

/// 120 Hz from 100 s on, arriving 1 ms after capture, without those captured within the silences.
fn sender(until: f64, silences: &[(f64, f64)]) -> Vec<CameraSample> {
    let times = (0..).map(|n| 100.0 + f64::from(n) / 120.0).take_while(|t| *t < until);
    let spoken = times.filter(|t| !silences.iter().any(|(from, to)| (*from..*to).contains(t)));
    spoken.map(|t| sample(freed_on(roaming, t), t, t + 0.001)).collect()
}

/// No step between frames is longer than the path's own plus the blend's greatest speed over what it bridges.
fn assert_smooth(shown: &[Shown], bridged_mm: f64, bridged_degrees: f64, what: &str) {
    for pair in shown.windows(2) {
        let secs = pair[1].at - pair[0].at;
        let (mm, degrees) = apart(&pair[0].state.pose, &pair[1].state.pose);
        // Smoothstep is at most 1.5 times as fast as a line over its half second.
        let most_mm = (SPEED * 1e3 + bridged_mm * 3.0) * secs * 1.1 + 1.5;
        let most_degrees = (TURN + bridged_degrees * 3.0) * secs * 1.1 + 0.03;
        assert!(mm <= most_mm, "{what}: {mm:.2} mm at {:.3} s, at most {most_mm:.2}", pair[1].at);
        assert!(degrees <= most_degrees, "{what}: {degrees:.3} deg at {:.3} s, at most {most_degrees:.3}", pair[1].at);
    }
}

/// How far the path gets from itself within a silence (and the blend after it).
fn bridged(from: f64, to: f64) -> (f64, f64) {
    let steps = (0..=100).map(|i| from + (to + 0.6 - from) * f64::from(i) / 100.0);
    let start = pose_on(roaming, from);
    steps
        .map(|t| apart(&start, &pose_on(roaming, t)))
        .fold((0.0, 0.0), |most, this| (this.0.max(most.0), this.1.max(most.1)))
}

fn assert_on_path(shown: &[Shown], from: f64, what: &str) {
    for Shown { at, state } in shown.iter().filter(|shown| shown.at >= from) {
        let (mm, degrees) = apart(&state.pose, &pose_on(roaming, *at));
        assert!(mm < 2.0 && degrees < 0.05, "{what}: {mm} mm, {degrees} deg off at {at}");
    }
}

#[test]
fn a_silent_feed_is_predicted_then_held_then_lost() {
    let samples = sender(102.0, &[]);
    let last = samples.last().unwrap().capture;
    let mut timeline = Timeline::new();
    for sample in &samples {
        timeline.push(*sample);
    }
    let state = |ms: f64| timeline.at(last.plus_nanos((ms * 1e6) as i64), &LOSS).unwrap();
    for (ms, quality) in [
        (0.0, Quality::Measured),
        (0.001, Quality::Predicted),
        (250.0, Quality::Predicted),
        (250.1, Quality::Held),
        (2000.0, Quality::Held),
        (2000.1, Quality::Lost),
        (1e9, Quality::Lost),
    ] {
        assert_eq!(state(ms).quality, quality, "{ms} ms");
        assert_eq!((state(ms).capture, state(ms).received), (last, last.plus_nanos(1_000_000)));
    }
    assert_eq!(state(1e9).pose, state(250.0).pose);
    let steps: Vec<f64> =
        (0..600).map(|ms| apart(&state(f64::from(ms)).pose, &state(f64::from(ms + 1)).pose).0).collect();
    assert!(steps.iter().all(|step| *step < SPEED * 1.1), "faster than the camera");
    assert!(steps.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.02), "a jerk");
    assert!(steps[250..].iter().all(|step| *step == 0.0) && steps[..150].iter().all(|step| *step > 0.2));
}

#[test]
fn odd_policies_are_obeyed() {
    let mut timeline = Timeline::new();
    for sample in sender(102.0, &[]) {
        timeline.push(sample);
    }
    let last = *timeline.newest().unwrap();
    let state = |ms: i64, predict_nanos, hold_nanos| {
        timeline.at(last.capture.plus_nanos(ms * 1_000_000), &LossPolicy { predict_nanos, hold_nanos }).unwrap()
    };
    // No prediction at all.
    for (hold_nanos, quality) in [(100_000_000, Quality::Held), (-5, Quality::Lost)] {
        let state = state(1, hold_nanos.min(0), hold_nanos);
        assert_eq!(state.quality, quality);
        assert!(apart(&state.pose, &last.pose).0 < 1e-3);
    }
    // No hold: lost as soon as no longer predicted.
    assert_eq!(state(100, 100_000_000, 0).quality, Quality::Predicted);
    assert_eq!(state(101, 100_000_000, 0).quality, Quality::Lost);
    assert_eq!(state(1, i64::MAX, i64::MAX).quality, Quality::Predicted);
    assert!(state(1_000_000, i64::MAX, i64::MAX).pose.position_m.iter().all(|x| x.is_finite()));
}

#[test]
fn it_returns_without_a_jump() {
    for (rate, lead) in [(24.0, 0.02), (24.0, 0.083), (25.0, 0.1), (60.0, 0.03), (120.0, 0.0), (120.0, 0.05)] {
        let wall = Wall { rate, lead, loss: LOSS };
        for silence in [0.13, 0.2, 0.3, 0.5, 1.0, 1.9, 3.0, 8.0] {
            let what = format!("{silence} s of silence, {rate} Hz, {lead} s ahead");
            let (from, to) = (103.0, 103.0 + silence);
            let shown = wall.watch(&sender(to + 3.0, &[(from, to)]), to + 2.5);
            let (mm, degrees) = bridged(from, to);
            assert_smooth(&shown, mm, degrees, &what);
            assert_on_path(&shown, to + lead + 0.65, &what);
            assert_on_path(&shown[..(2.4 * rate) as usize], 0.0, &what);
        }
    }
}

/// The blend is over after half a second, and its quality is never better than a prediction.
#[test]
fn quality_while_it_returns() {
    let shown = Wall { rate: 100.0, lead: 0.02, loss: LOSS }.watch(&sender(110.0, &[(103.0, 107.0)]), 109.0);
    let quality = |at: f64| shown.iter().find(|shown| shown.at >= at).unwrap().state.quality;
    assert_eq!(quality(102.9), Quality::Predicted);
    assert_eq!(quality(103.2), Quality::Predicted);
    assert_eq!(quality(103.3), Quality::Held);
    assert_eq!(quality(105.1), Quality::Lost);
    // Back, but still showing the held pose, for the frames that are on their way already.
    assert_eq!(quality(107.04), Quality::Held);
    assert_eq!(quality(107.1), Quality::Predicted);
    assert_eq!(quality(108.0), Quality::Predicted);
}

#[test]
fn silence_during_the_return() {
    let wall = Wall { rate: 60.0, lead: 0.04, loss: LOSS };
    for pause in [0.15, 0.3, 0.5, 1.0] {
        for word in [0.009, 0.05, 0.2, 0.4] {
            let what = format!("{word} s between silences of 1 s and {pause} s");
            let (from, to) = (103.0, 104.0);
            let silences = [(from, to), (to + word, to + word + pause)];
            let shown = wall.watch(&sender(108.0, &silences), 107.5);
            let (mm, degrees) = bridged(from, to + word + pause);
            assert_smooth(&shown, mm, degrees, &what);
            assert_on_path(&shown, to + word + pause + 0.04 + 0.65, &what);
        }
    }
}

#[test]
fn many_short_words_stay_smooth() {
    let wall = Wall { rate: 60.0, lead: 0.04, loss: LOSS };
    let silences: Vec<(f64, f64)> = (0..12).map(|n| 103.0 + f64::from(n) * 0.32).map(|t| (t, t + 0.3)).collect();
    let shown = wall.watch(&sender(110.0, &silences), 109.0);
    let (mm, degrees) = bridged(103.0, 107.0);
    assert_smooth(&shown, mm, degrees, "words of 20 ms");
    assert_on_path(&shown, 107.6, "words of 20 ms");
}

/// A network that stalls and then delivers all at once: captured without a gap, yet nobody saw it.
#[test]
fn a_burst_after_a_stall_is_a_return() {
    for (rate, lead) in [(24.0, 0.05), (60.0, 0.03), (120.0, 0.0)] {
        let mut samples = sender(107.0, &[]);
        for sample in &mut samples {
            if sample.received > at_secs(103.0) && sample.received < at_secs(103.8) {
                sample.received = at_secs(103.8);
            }
        }
        let shown = Wall { rate, lead, loss: LOSS }.watch(&samples, 106.5);
        let (mm, degrees) = bridged(103.0, 103.8);
        assert_smooth(&shown, mm, degrees, "burst");
        assert_on_path(&shown, 104.5 + lead, "burst");
        assert!(shown.iter().any(|shown| shown.state.quality == Quality::Held));
    }
}

/// Reordered packets right after the return belong to it and change nothing abruptly.
#[test]
fn the_return_may_be_out_of_order() {
    let mut samples = sender(107.0, &[(103.0, 104.0)]);
    let back: Vec<usize> = (0..samples.len()).filter(|i| samples[*i].capture >= at_secs(104.0)).take(4).collect();
    let last = samples[back[3]].received;
    samples[back[0]].received = last.plus_nanos(100);
    samples[back[1]].received = last.plus_nanos(200);
    let shown = Wall { rate: 60.0, lead: 0.04, loss: LOSS }.watch(&samples, 106.0);
    let (mm, degrees) = bridged(103.0, 104.0);
    assert_smooth(&shown, mm, degrees, "out of order");
    assert_on_path(&shown, 104.8, "out of order");
}

/// A feed that is always slow is no feed that keeps returning.
#[test]
fn a_slow_feed_is_not_blended_for_ever() {
    for rate in [4.0, 5.0, 10.0] {
        let times = (0..60).map(|n| 100.0 + f64::from(n) / rate);
        let samples: Vec<_> = times.map(|t| sample(freed_on(roaming, t), t, t + 0.001)).collect();
        let shown = Wall { rate: 60.0, lead: 0.0, loss: LOSS }.watch(&samples, 100.0 + 59.0 / rate);
        for Shown { at, state } in shown.iter().skip((6.0 / rate * 60.0) as usize) {
            let (mm, _) = apart(&state.pose, &pose_on(roaming, *at));
            assert!(mm < if rate < 8.0 { 60.0 } else { 15.0 }, "{rate} Hz: {mm} mm off at {at}");
        }
    }
}

/// Turned by nearly half a turn meanwhile, and still turning: the blend keeps to the side it began on.
#[test]
fn a_half_turn_is_blended_one_way_round() {
    let pose = |degrees: f64| Pose::from_pan_tilt_roll(nalgebra::Point3::origin(), degrees.to_radians(), 0.0, 0.0);
    for other in [170.0, 177.0, -175.0] {
        let before = (0..60).map(|n| (100.0 + f64::from(n) / 120.0, 0.0));
        let after = (0..240).map(|n| (104.0 + f64::from(n) / 120.0, other + f64::from(n) / 6.0));
        let samples: Vec<_> = before.chain(after).map(|(t, degrees)| sample(pose(degrees), t, t)).collect();
        let shown = Wall { rate: 120.0, lead: 0.02, loss: LOSS }.watch(&samples, 105.9);
        for pair in shown.windows(2) {
            let (_, degrees) = apart(&pair[0].state.pose, &pair[1].state.pose);
            assert!(degrees < (20.0 + 200.0 * 3.0) / 120.0, "{degrees} deg at {}", pair[1].at);
        }
        let last = shown.last().unwrap();
        assert!(apart(&last.state.pose, &pose(other + (last.at - 104.0) * 20.0)).1 < 0.1);
    }
}

/// The stage clock was set back by a minute: after a few packets the timeline follows, gently.
#[test]
fn a_clock_set_back_is_followed() {
    let mut timeline = Timeline::new();
    for sample in sender(102.0, &[]) {
        timeline.push(sample);
    }
    let held = *timeline.newest().unwrap();
    let shift = 60.0;
    for (i, mut sample) in sender(104.0, &[(0.0, 102.0)]).into_iter().enumerate() {
        sample.capture = sample.capture.plus_nanos(-(shift * 1e9) as i64);
        sample.received = sample.received.plus_nanos(-(shift * 1e9) as i64);
        timeline.push(sample);
        let state = timeline.at(sample.capture.plus_nanos(20_000_000), &LOSS).unwrap();
        if (32..38).contains(&i) {
            assert!(apart(&state.pose, &held.pose).0 < 300.0 * 0.4);
        }
        if i > 32 + 75 {
            let (mm, _) = apart(&state.pose, &pose_on(roaming, sample.capture.0 as f64 * 1e-9 + shift + 0.02));
            assert!(mm < 1.0, "sample {i}: {mm}");
        }
    }
    assert!(timeline.newest().unwrap().capture < StageTime(60_000_000_000));
}
