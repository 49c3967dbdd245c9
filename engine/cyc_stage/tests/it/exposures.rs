//! The exposure planner against brute force: light is added up, edges are looked for one picture at a time.

use crate::{BASE, parse};
use cyc_core::Rate;
use cyc_stage::exposure::{CameraPlan, Kind, Relation, genlock_advice, plan, plan_camera, relation};
use cyc_stage::stage::{Exposure, Led, Shutter, Stage};
use proptest::prelude::*;

const SHUTTER: Shutter = Shutter { angle_deg: 180.0, phase_deg: 0.0, readout_ms: 15.0, lines_down: true };
const LED: Led = Led { refresh_hz: 3840.0, scan: 16 };

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn planned(camera: &str, wall: &str, shutter: Shutter, leds: &[(&str, Led)]) -> CameraPlan {
    let exposure = Exposure { rate: rate(camera), shutter: Some(shutter) };
    plan_camera("cam-a", &exposure, rate(wall), leds)
}

fn kinds(plan: &CameraPlan) -> Vec<Kind> {
    plan.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn the_usual_camera_has_nothing_said_about_it() {
    // 20.833 + 15 ms of 41.667 ms; 20.833 ms are 80 refreshes.
    let plan = planned("24", "24", SHUTTER, &[("main", LED)]);
    assert_eq!(plan.findings, []);
    let shutter = plan.shutter.unwrap();
    assert_eq!((plan.relation, shutter.good_angles_deg), (Relation::Same, [Some(180.0); 2]));
    assert!((shutter.window_ms - 35.833_333).abs() < 1e-5 && (shutter.open_ms - 20.833_333).abs() < 1e-5);
    assert!((shutter.refreshes[0].count - 80.0).abs() < 1e-9 && shutter.refreshes[0].band < 1e-9);
    // The middle of 5.833 ms of room.
    assert!((shutter.best_phase_deg.unwrap() - 25.2).abs() < 1e-9);
}

#[test]
fn rates_are_compared_as_fractions() {
    let between = |camera, wall| relation(rate(camera), rate(wall));
    assert_eq!(between("24000/1001", "24000/1001"), Relation::Same);
    assert_eq!(between("48", "24"), Relation::Faster { pictures: 2 });
    assert_eq!(between("120000/1001", "24000/1001"), Relation::Faster { pictures: 5 });
    assert_eq!(between("24", "48"), Relation::Slower { wall_frames: 2 });
    let beat_s = |camera, wall| match between(camera, wall) {
        Relation::Unrelated { beat_s } => beat_s,
        other => panic!("{other:?}"),
    };
    // 1 Hz, 24/1001 Hz, 2 Hz beside the double, 12 Hz either way.
    for (camera, wall, expected) in
        [("25", "24", 1.0), ("24", "24000/1001", 1001.0 / 24.0), ("50", "24", 0.5), ("24", "60", 1.0 / 12.0)]
    {
        assert!((beat_s(camera, wall) - expected).abs() < 1e-9, "{camera} on {wall}: {}", beat_s(camera, wall));
    }
}

#[test]
fn off_speed_cameras_are_named_and_fine() {
    let fast = planned("48", "24", Shutter { readout_ms: 8.0, ..SHUTTER }, &[]);
    assert_eq!(kinds(&fast), [Kind::OffSpeed]);
    assert_eq!(fast.findings[0].code, None);
    assert!(fast.findings[0].message.contains("2 pictures of each wall frame"), "{}", fast.findings[0].message);
    // Open for a whole wall frame, and read over most of the next.
    let slow = planned("24", "48", SHUTTER, &[]);
    assert_eq!(kinds(&slow), [Kind::OffSpeed]);
    assert!(slow.findings[0].message.contains("each picture sees up to 2"), "{}", slow.findings[0].message);
    let short = planned("24", "48", Shutter { angle_deg: 45.0, ..SHUTTER }, &[]);
    assert!(short.findings[0].message.contains("each picture sees 1"), "{}", short.findings[0].message);
    // Without a shutter the rates are still compared.
    let bare = Exposure { rate: rate("48"), shutter: None };
    assert_eq!(kinds(&plan_camera("cam-a", &bare, rate("24"), &[("main", LED)])), [Kind::OffSpeed]);
}

#[test]
fn a_global_shutter_of_360_degrees_fills_the_frame_and_no_more() {
    let full = Shutter { angle_deg: 360.0, readout_ms: 0.0, ..SHUTTER };
    assert_eq!(kinds(&planned("24", "24", full, &[])), []);
    assert_eq!(kinds(&planned("24", "24", Shutter { phase_deg: 360.0, ..full }, &[])), []);
    assert_eq!(kinds(&planned("24", "24", Shutter { phase_deg: 1.0, ..full }, &[])), [Kind::Phase]);
    assert_eq!(kinds(&planned("24", "24", Shutter { phase_deg: -1.0, ..full }, &[])), [Kind::Phase]);
    assert_eq!(kinds(&planned("24", "24", Shutter { readout_ms: 0.1, ..full }, &[])), [Kind::Torn]);
}

#[test]
fn two_walls_share_their_good_angles() {
    let coarse = Led { refresh_hz: 1920.0, scan: 8 };
    let odd = Led { refresh_hz: 1200.0, scan: 8 };
    let plan = planned("24", "24", Shutter { angle_deg: 172.8, ..SHUTTER }, &[("a", LED), ("b", coarse), ("c", LED)]);
    assert_eq!(kinds(&plan), [Kind::Bands, Kind::Bands]);
    assert_eq!(plan.findings[0].walls, ["a", "c"]);
    // Whole refreshes of both: 360 deg x 24 / 1920 = 4.5 deg apart.
    assert_eq!(plan.shutter.unwrap().good_angles_deg, [Some(171.0), Some(175.5)]);
    // 4.5 and 7.2 degrees meet every 36.
    let plan = planned("24", "24", Shutter { angle_deg: 172.8, ..SHUTTER }, &[("b", coarse), ("c", odd)]);
    assert_eq!(plan.shutter.unwrap().good_angles_deg, [Some(144.0), Some(180.0)]);
}

#[test]
fn many_refreshes_hide_the_odd_one() {
    let quick = |refresh_hz| [("main", Led { refresh_hz, scan: 16 })];
    let shutter = Shutter { angle_deg: 172.8, ..SHUTTER };
    // 153.6 and 307.2 refreshes: one of 153 is seen, one of 307 is not.
    assert_eq!(kinds(&planned("24", "24", shutter, &quick(7680.0))), [Kind::Bands]);
    assert_eq!(kinds(&planned("24", "24", shutter, &quick(15360.0))), []);
}

#[test]
fn leds_slower_than_the_exposure_have_no_good_angle() {
    let slow = [("main", Led { refresh_hz: 20.0, scan: 4 })];
    let plan = planned("24", "24", SHUTTER, &slow);
    assert_eq!(kinds(&plan), [Kind::Bands]);
    assert_eq!(plan.shutter.unwrap().good_angles_deg, [None, None]);
    assert!(plan.findings[0].help[0].contains("no shutter angle"), "{:?}", plan.findings[0].help);
}

/// A stage of one wall and these cameras' rates and shutters.
fn stage(wall: &str, cameras: &[(&str, Shutter)]) -> Stage {
    let mut stage = parse(BASE).unwrap().stage;
    stage.frame_rate = rate(wall);
    let camera = stage.cameras[0].clone();
    let exposed = cameras.iter().enumerate().map(|(n, (own, shutter))| {
        let exposure = Exposure { rate: rate(own), shutter: Some(*shutter) };
        cyc_stage::stage::Camera { id: format!("cam-{n}"), exposure, ..camera.clone() }
    });
    stage.cameras = exposed.collect();
    stage
}

#[test]
fn one_phase_serves_all_cameras() {
    let late = Shutter { phase_deg: 90.0, ..SHUTTER };
    let alone = stage("24", &[("24", late)]);
    let advice = genlock_advice(&alone).unwrap();
    // From 10.417 ms to the middle of the room, 2.917 ms: the wall comes 7.5 ms later.
    assert!((advice.phase_us - 7500.0).abs() < 1e-6, "{advice:?}");
    assert!((advice.phases_deg[0].1 - 25.2).abs() < 1e-9 && (advice.slack_us - 2_916.666_667).abs() < 1e-3);

    let short = Shutter { angle_deg: 90.0, phase_deg: 120.0, readout_ms: 5.0, ..SHUTTER };
    let mut both = stage("24", &[("24", late), ("48", short)]);
    both.genlock.phase_nanos = 1_000_000;
    let advice = genlock_advice(&both).unwrap();
    assert!(advice.slack_us > 0.0, "{advice:?}");
    for (camera, (id, phase_deg)) in both.cameras.iter_mut().zip(&advice.phases_deg) {
        assert_eq!(&camera.id, id);
        camera.exposure.shutter.as_mut().unwrap().phase_deg = *phase_deg;
    }
    assert!(plan(&both).iter().all(|plan| !kinds(plan).contains(&Kind::Phase)));
    assert_eq!(genlock_advice(&stage("24", &[])), None);
    let torn = Shutter { angle_deg: 300.0, ..SHUTTER };
    assert_eq!(genlock_advice(&stage("24", &[("24", torn), ("25", SHUTTER)])), None);
}

#[test]
fn plans_are_json() {
    let text = serde_json::to_value(planned("24", "24", Shutter { angle_deg: 270.0, ..SHUTTER }, &[("main", LED)]));
    insta::assert_snapshot!("plan", format!("{:#}", text.unwrap()));
}

/// How much light of pulses (from 0 to `pulse`, every `period`) falls into `from..from + open`.
fn light(from: f64, open: f64, period: f64, pulse: f64) -> f64 {
    let until = |t: f64| (t / period).floor() * pulse + t.rem_euclid(period).min(pulse);
    until(from + open) - until(from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bands_are_what_lines_at_all_phases_collect(
        angle_deg in 1.0..360.0f64, refresh_hz in 100.0..20_000.0f64, scan in 1..64u32,
    ) {
        let led = Led { refresh_hz, scan };
        let shutter = Shutter { angle_deg, readout_ms: 0.0, ..SHUTTER };
        let plan = planned("24", "24", shutter, &[("main", led)]).shutter.unwrap();
        let (open, period) = (angle_deg / 360.0 / 24.0, 1.0 / refresh_hz);
        let pulse = period / f64::from(scan.max(2));
        let steps = 4000;
        let sums = (0..steps).map(|n| light(f64::from(n) / f64::from(steps) * period, open, period, pulse));
        let (low, high, sum) = sums.fold((f64::MAX, 0.0f64, 0.0), |(low, high, sum), x| (low.min(x), high.max(x), sum + x));
        let expected = (high - low) / (sum / f64::from(steps));
        // The sums step over the pulse's corners by a part of a step.
        let slack = 4.0 * period / f64::from(steps) / (open * pulse / period);
        prop_assert!((plan.refreshes[0].band - expected).abs() <= slack, "{} {expected}", plan.refreshes[0].band);
    }

    #[test]
    fn pictures_of_two_wall_frames_are_found(
        times in 1..4u32, angle_deg in 1.0..360.0f64, phase_deg in -360.0..360.0f64, readout_ms in 0.0..30.0f64,
    ) {
        let shutter = Shutter { angle_deg, phase_deg, readout_ms, lines_down: true };
        let own = (24 * times).to_string();
        let plan = planned(&own, "24", shutter, &[]);
        let (lit, frame) = (1.0 / 24.0, 1.0 / 24.0 / f64::from(times));
        let window = angle_deg / 360.0 * frame + readout_ms * 1e-3;
        // The wall frame of a picture's first light, and that of its last; by 5 us nobody sees it.
        let whole = (0..times).all(|n| {
            let begin = phase_deg / 360.0 * frame + f64::from(n) * frame;
            ((begin + 5e-6) / lit).floor() == ((begin + window - 5e-6) / lit).floor()
        });
        let said = kinds(&plan).iter().any(|kind| matches!(kind, Kind::Torn | Kind::Phase));
        let near = plan.shutter.as_ref().is_some_and(|p| (p.window_ms - frame * 1e3).abs() < 0.02);
        prop_assert!(said != whole || near, "{plan:?}");
        // What is recommended is found good.
        let shutter = match (plan.shutter.unwrap(), kinds(&planned(&own, "24", shutter, &[])).first()) {
            (plan, Some(Kind::Torn)) => {
                let [Some(angle_deg), _] = plan.good_angles_deg else {
                    prop_assert!(readout_ms * 1e-3 > frame - 4e-4, "{plan:?}");
                    return Ok(());
                };
                Shutter { angle_deg, phase_deg: 0.0, ..shutter }
            }
            (plan, Some(Kind::Phase)) => Shutter { phase_deg: plan.best_phase_deg.unwrap(), ..shutter },
            _ => return Ok(()),
        };
        let better = planned(&own, "24", shutter, &[]);
        prop_assert!(better.findings.iter().all(|finding| finding.code.is_none()), "{better:?}");
    }

    #[test]
    fn good_angles_are_found_good(
        angle_deg in 1.0..360.0f64, readout_ms in 0.0..40.0f64, refreshes in prop::collection::vec((4..400u32, 2..33u32), 1..3),
    ) {
        let leds: Vec<(&str, Led)> = refreshes
            .iter()
            .map(|(n, scan)| ("main", Led { refresh_hz: 24.0 * f64::from(*n), scan: *scan }))
            .collect();
        let shutter = Shutter { angle_deg, readout_ms, ..SHUTTER };
        let plan = planned("24", "24", shutter, &leds).shutter.unwrap();
        for angle_deg in plan.good_angles_deg.into_iter().flatten() {
            let better = planned("24", "24", Shutter { angle_deg, ..shutter }, &leds);
            prop_assert_eq!(kinds(&better), [], "{} {:?}", angle_deg, better);
        }
        // Upwards is no smaller than downwards, and both are on their sides of the angle, or of what fits.
        if let [Some(below), Some(above)] = plan.good_angles_deg {
            prop_assert!(below <= above && above >= angle_deg.min(below), "{below} {above}");
        }
    }

    #[test]
    fn any_camera_gets_a_plan(
        own in 1..1000u32, wall in 1..1000u32, over in prop::sample::select(&[1u32, 2, 1001]),
        angle_deg in 1e-6..=360.0f64, phase_deg in -360.0..=360.0f64, readout_ms in 0.0..=1000.0f64,
        refresh_hz in 1.0..=1e6f64, scan in 1..=1024u32,
    ) {
        let (Some(own), Some(wall)) = (Rate::new(own * over, over), Rate::new(wall, 1)) else { return Ok(()) };
        let exposure = Exposure { rate: own, shutter: Some(Shutter { angle_deg, phase_deg, readout_ms, lines_down: true }) };
        let plan = plan_camera("cam-a", &exposure, wall, &[("main", Led { refresh_hz, scan })]);
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        let finite = plan.shutter.unwrap().refreshes.iter().all(|seen| seen.band.is_finite() && seen.band >= 0.0);
        prop_assert!(finite);
    }
}
