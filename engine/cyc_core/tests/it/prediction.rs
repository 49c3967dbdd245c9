//! How far the predicted pose is off the path, for the kinds of senders that stages have.

use crate::support::*;
use cyc_core::{CameraSample, LossPolicy, Pose, Quality, Timeline};

const LOSS: LossPolicy = LossPolicy { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 };

struct Sender {
    path: Path,
    rate: f64,
    lost: f64,
    /// Delay of each packet, uniform in 0..this, seconds; the capture time is the arrival (FreeD has no stamp).
    delay: f64,
    /// Deviation of the pose, metres (and a tenth of it in radians).
    shake: f64,
}

impl Sender {
    fn clean(path: Path, rate: f64) -> Self {
        Self { path, rate, lost: 0.0, delay: 0.0, shake: 0.0 }
    }

    fn samples(&self, seconds: f64) -> Vec<CameraSample> {
        let mut noise = Noise(11);
        let mut samples = vec![];
        for n in 0..(seconds * self.rate) as u64 {
            let sent = 100.0 + n as f64 / self.rate;
            let arrives = sent + self.delay * noise.unit();
            let mut pose = freed_on(self.path, sent);
            let mut shake = || [0; 3].map(|_| self.shake * noise.normal());
            pose.position_m += nalgebra::Vector3::from(shake());
            pose.orientation *= nalgebra::UnitQuaternion::new(nalgebra::Vector3::from(shake()) * 0.1);
            if noise.unit() >= self.lost {
                samples.push(sample(pose, arrives, arrives));
            }
        }
        samples.sort_by_key(|sample| sample.capture);
        samples
    }
}

struct Errors {
    mm: Vec<f64>,
    degrees: Vec<f64>,
}

impl Errors {
    /// Median, 99 % and largest.
    fn summary(&mut self) -> [[f64; 3]; 2] {
        [&mut self.mm, &mut self.degrees].map(|values| [0.5, 0.99, 1.0].map(|part| quantile(values, part)))
    }
}

/// After every packet, the state `ahead` seconds later against the path.
fn errors(sender: &Sender, ahead: f64, truth: impl Fn(f64) -> Pose) -> Errors {
    let mut timeline = Timeline::new();
    let (mut mm, mut degrees) = (vec![], vec![]);
    for (i, sample) in sender.samples(30.0).into_iter().enumerate() {
        timeline.push(sample);
        if i as f64 >= 0.4 * sender.rate {
            let t = sample.capture.0 as f64 * 1e-9 + ahead;
            let state = timeline.at(at_secs(t), &LOSS).unwrap();
            assert_eq!(state.quality, Quality::Predicted);
            let (a, b) = apart(&state.pose, &truth(t));
            mm.push(a);
            degrees.push(b);
        }
    }
    Errors { mm, degrees }
}

fn report(name: &str, errors: &mut Errors) -> [[f64; 3]; 2] {
    let summary = errors.summary();
    let [mm, degrees] = summary;
    println!(
        "{name}: {:.3} / {:.3} / {:.3} mm, {:.4} / {:.4} / {:.4} deg",
        mm[0], mm[1], mm[2], degrees[0], degrees[1], degrees[2]
    );
    summary
}

#[test]
fn a_clean_feed_is_predicted_to_a_millimetre() {
    for rate in [24.0, 25.0, 48.0, 60.0, 120.0, 240.0] {
        for ahead in [0.0001, 0.01, 0.05, 0.08] {
            let sender = Sender::clean(roaming, rate);
            let [mm, degrees] = report(
                &format!("clean {rate} Hz, {:.0} ms", ahead * 1e3),
                &mut errors(&sender, ahead, |t| pose_on(roaming, t)),
            );
            assert!(mm[0] < 0.6 && mm[2] < 1.5 && degrees[0] < 0.02 && degrees[2] < 0.05);
        }
    }
}

#[test]
fn loss_and_jitter_cost_millimetres() {
    for rate in [24.0, 60.0, 120.0, 240.0] {
        let sender = Sender { lost: 0.05, delay: 0.003, ..Sender::clean(roaming, rate) };
        let [mm, degrees] =
            report(&format!("5 % lost, 3 ms jitter, {rate} Hz"), &mut errors(&sender, 0.05, |t| pose_on(roaming, t)));
        assert!(mm[0] < 2.0 && mm[1] < 5.0 && mm[2] < 12.0);
        assert!(degrees[0] < 0.06 && degrees[1] < 0.15 && degrees[2] < 0.4);
    }
}

#[test]
fn a_nodal_pan_stays_on_its_axis() {
    fn pan(t: f64) -> ([f64; 3], [f64; 3]) {
        ([1.0, 2.0, 1.5], [90.0 * t, 10.0, 5.0])
    }
    for rate in [24.0, 120.0] {
        let [mm, degrees] =
            report(&format!("90 deg/s, {rate} Hz"), &mut errors(&Sender::clean(pan, rate), 0.05, |t| pose_on(pan, t)));
        assert!(mm[2] < 0.02 && degrees[2] < 0.01);
    }
}

fn standing(_: f64) -> ([f64; 3], [f64; 3]) {
    ([1.0, -3.0, 1.6], [30.0, -4.0, 1.0])
}

#[test]
fn a_standing_camera_stands() {
    for rate in [24.0, 120.0] {
        let [mm, degrees] = report(
            &format!("standing, {rate} Hz"),
            &mut errors(&Sender::clean(standing, rate), 0.05, |t| freed_on(standing, t)),
        );
        assert!(mm[2] < 1e-9 && degrees[2] < 1e-5);
        // A tracker's tremble: 0.3 mm and 0.0017 degrees per axis. Its own errors have medians 1.54 deviations away.
        let sender = Sender { shake: 3e-4, ..Sender::clean(standing, rate) };
        let [mm, degrees] =
            report(&format!("trembling, {rate} Hz"), &mut errors(&sender, 0.05, |t| pose_on(standing, t)));
        let own = 0.3 * 1.54;
        assert!(mm[0] < own && mm[1] < 4.0 * own, "noise is amplified");
        assert!(degrees[0] < 3e-5f64.to_degrees() * 1.54 && degrees[1] < 4.0 * 3e-5f64.to_degrees() * 1.54);
    }
}

/// An operator's hand: 20 mm and 1 degree at 1.5 Hz on top of the move.
#[test]
fn a_hand_held_camera_is_followed() {
    fn hand(t: f64) -> ([f64; 3], [f64; 3]) {
        let (mut p, mut a) = roaming(t);
        let swing = (std::f64::consts::TAU * 1.5 * t).sin();
        p[2] += 0.02 * swing;
        a[1] += swing;
        (p, a)
    }
    for (rate, most) in [(60.0, 6.0), (120.0, 4.0), (240.0, 4.0)] {
        let [mm, degrees] =
            report(&format!("hand, {rate} Hz"), &mut errors(&Sender::clean(hand, rate), 0.05, |t| pose_on(hand, t)));
        assert!(mm[1] < most && degrees[1] < 0.3);
    }
}

/// A dolly that starts and stops with 2 m/s2 overshoots by little.
#[test]
fn starts_and_stops_overshoot_by_little() {
    fn dolly(t: f64) -> ([f64; 3], [f64; 3]) {
        let t = (t - 100.0) % 8.0;
        let way = |t: f64| {
            let (start, cruise, brake) =
                (t.clamp(1.0, 1.5) - 1.0, (t - 1.5).clamp(0.0, 1.0), (t - 2.5).clamp(0.0, 0.5));
            start * start + cruise + brake * (1.0 - brake)
        };
        ([way(t) - way(t - 4.0), 0.0, 1.5], [0.0; 3])
    }
    for rate in [60.0, 120.0] {
        let [mm, _] =
            report(&format!("dolly, {rate} Hz"), &mut errors(&Sender::clean(dolly, rate), 0.05, |t| pose_on(dolly, t)));
        assert!(mm[2] < 12.0 && mm[0] < 0.2);
    }
}

/// A sender whose thread is scheduled late now and then, by up to 15 ms; FreeD cannot say so.
#[test]
fn late_packets_do_not_pull() {
    let mut noise = Noise(5);
    let mut samples = Sender::clean(roaming, 120.0).samples(30.0);
    for sample in &mut samples {
        if noise.unit() < 0.03 {
            let late = (noise.unit() * 15e6) as i64;
            sample.capture = sample.capture.plus_nanos(late);
            sample.received = sample.capture;
        }
    }
    samples.sort_by_key(|sample| sample.capture);
    let mut timeline = Timeline::new();
    let mut found = Errors { mm: vec![], degrees: vec![] };
    for (i, sample) in samples.iter().enumerate() {
        timeline.push(*sample);
        if i > 50 {
            let at = sample.capture.plus_nanos(50_000_000);
            let (mm, degrees) = apart(&timeline.at(at, &LOSS).unwrap().pose, &pose_on(roaming, at.0 as f64 * 1e-9));
            found.mm.push(mm);
            found.degrees.push(degrees);
        }
    }
    let [mm, degrees] = report("3 % up to 15 ms late, 120 Hz", &mut found);
    assert!(mm[0] < 0.5 && mm[1] < 2.0 && mm[2] < 10.0 && degrees[0] < 0.01 && degrees[1] < 0.1 && degrees[2] < 0.3);
}

/// One packet from nowhere does not take the camera along.
#[test]
fn a_glitch_is_not_followed() {
    let mut timeline = Timeline::new();
    for (i, mut sample) in Sender::clean(roaming, 120.0).samples(3.0).into_iter().enumerate() {
        if i % 100 == 60 {
            sample.pose.position_m.x += 3.0;
        }
        timeline.push(sample);
        if i > 20 {
            let at = sample.capture.plus_nanos(50_000_000);
            let (mm, _) = apart(&timeline.at(at, &LOSS).unwrap().pose, &pose_on(roaming, at.0 as f64 * 1e-9));
            assert!(mm < 2.0, "sample {i}: {mm} mm");
        }
    }
}

/// A tracker that finds itself elsewhere is believed after three samples, without a throw.
#[test]
fn a_relocated_tracker_is_believed_soon() {
    let mut timeline = Timeline::new();
    for (i, mut sample) in Sender::clean(roaming, 120.0).samples(2.0).into_iter().enumerate() {
        let moved = if i >= 100 { 1.0 } else { 0.0 };
        sample.pose.position_m.x += moved;
        timeline.push(sample);
        let at = sample.capture.plus_nanos(50_000_000);
        let mut truth = pose_on(roaming, at.0 as f64 * 1e-9);
        truth.position_m.x += if i >= 102 { moved } else { 0.0 };
        let (mm, _) = apart(&timeline.at(at, &LOSS).unwrap().pose, &truth);
        assert!(i < 10 || mm < 6.0, "sample {i}: {mm} mm");
    }
}
