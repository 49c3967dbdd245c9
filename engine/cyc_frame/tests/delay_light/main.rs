//! Tracker-to-light delays through a simulated camera, against the truth.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping it")]

mod camera;

use camera::{Panel, Random, Scene};
use cyc_core::{FrameReport, Rate, StageTime};
use cyc_frame::delay::light::shown_frames;
use cyc_frame::delay::{CameraTiming, LightDelay, LightRefusal, LightWatch, StampAt};
use proptest::prelude::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn measured(scene: &Scene) -> Result<Vec<LightDelay>, LightRefusal> {
    scene.watch().delays(&scene.shown(), scene.wall_rate)
}

/// Each panel's error and standard error, frames; panics if one was not seen.
fn errors(scene: &Scene) -> Vec<(f64, f64)> {
    let lights = measured(scene).unwrap();
    let frames = |nanos: i64| nanos as f64 * 1e-9 / scene.frame_secs();
    let error = |panel: &Panel| {
        let light = lights.iter().find(|light| light.source == panel.source).unwrap();
        (frames(light.delay_nanos) - panel.latency_frames, frames(light.standard_error_nanos))
    };
    scene.panels.iter().map(error).collect()
}

fn check(name: &str, scene: Scene, worst: f64) {
    for (error, deviation) in errors(&scene) {
        assert!(error.abs() < worst && error.abs() < 4.0 * deviation, "{name}: {error:+.4} +- {deviation:.4} frames");
    }
}

#[test]
fn an_oblique_wall_through_a_rolling_shutter_is_measured_to_a_fiftieth_of_a_frame() {
    check("usual", Scene::usual(1), 0.02);
    check("upwards", Scene { lines_down: false, ..Scene::usual(2) }, 0.02);
}

#[test]
fn any_shutter_and_any_pair_of_rates_will_do() {
    check("global shutter", Scene { readout_secs: 0.0, ..Scene::usual(3) }, 0.02);
    check("10 degrees", Scene { angle_deg: 10.0, readout_secs: 0.0, ..Scene::usual(4) }, 0.05);
    let slow = Scene { wall_rate: rate("60"), camera_hz: 24.0, angle_deg: 360.0, ..Scene::usual(5) };
    check("an exposure of two and a half wall frames", slow, 0.03);
    check(
        "twice the wall's rate",
        Scene { wall_rate: rate("25"), camera_hz: 50.0, secs: 11.0, ..Scene::usual(6) },
        0.03,
    );
    check("1001 against whole", Scene { wall_rate: rate("24000/1001"), camera_hz: 24.0, ..Scene::usual(7) }, 0.03);
}

#[test]
fn noise_blur_a_wrong_gamma_and_half_a_wall_cost_little() {
    let rough = Scene { noise: 0.1, blur_px: 2.5, stamp_jitter_secs: 0.003, ..Scene::usual(10) };
    check("noise, blur, jitter", rough, 0.03);
    check("gamma taken for linear", Scene { assumed_gamma: 1.0, ..Scene::usual(2) }, 0.03);
    check("close", Scene { distance: 0.9, view_deg: [40.0, 10.0], ..Scene::usual(11) }, 0.03);
    check("far", Scene { distance: 5.0, ..Scene::usual(12) }, 0.05);
}

#[test]
fn stamps_may_stand_for_the_middle_or_the_end_of_the_exposure() {
    for stamp in [StampAt::Middle, StampAt::LastLineEnds] {
        check("stamp", Scene { stamp, secs: 12.0, ..Scene::usual(13) }, 0.03);
    }
}

#[test]
fn a_camera_in_step_with_the_wall_says_what_it_leaves_open() {
    let scene = |phase| Scene { camera_hz: 24.0, readout_secs: 0.0, phase, secs: 12.0, ..Scene::usual(9) };
    // Open from 0.3 to 0.8 of each frame: the first output changes at 0.37, the second, at 0.12, out of sight.
    let found = errors(&scene(0.3));
    assert!(found[0].0.abs() < 0.02 && found[0].1 < 0.03, "{found:?}");
    // Anything from 0.8 to 1.3 is possible: 0.05 +- 0.14.
    assert!(found[1].0.abs() < 0.15 && (0.1..0.16).contains(&found[1].1), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_latency_the_phase_and_the_view(
        seed in any::<u64>(),
        latencies in (0.0..12.0_f64, 0.0..12.0_f64),
        phase in 0.0..1.0_f64,
        view_deg in (-35.0..35.0_f64, -8.0..8.0_f64),
        angle_deg in 45.0..360.0_f64,
    ) {
        let mut scene = Scene { phase, view_deg: view_deg.into(), angle_deg, secs: 13.0, ..Scene::usual(seed) };
        (scene.panels[0].latency_frames, scene.panels[1].latency_frames) = latencies;
        for (error, deviation) in errors(&scene) {
            prop_assert!(error.abs() < 0.1 && error.abs() < 5.0 * deviation, "{error:+.4} +- {deviation:.4} frames");
        }
    }
}

#[test]
fn what_shows_no_pattern_is_refused_in_words() {
    let dark = measured(&Scene { dark: true, secs: 8.0, ..Scene::usual(20) }).unwrap_err();
    assert!(matches!(dark, LightRefusal::NoPattern { best } if best < 0.3), "{dark:?}");
    assert!(dark.to_string().contains("is the wall showing it"), "{dark}");
    // Shown, but filmed a minute later.
    let scene = Scene { secs: 8.0, ..Scene::usual(21) };
    let later: Vec<(u64, StageTime)> =
        scene.shown().iter().map(|(frame, at)| (*frame, at.plus_nanos(-60_000_000_000))).collect();
    let refusal = scene.watch().delays(&later, scene.wall_rate).unwrap_err();
    assert!(matches!(refusal, LightRefusal::NoOverlap { inside: 0, .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("must be stage time"), "{refusal}");
}

#[test]
fn pictures_that_are_none_are_refused() {
    let timing = CameraTiming { exposure_nanos: 20_000_000, readout_nanos: 0, lines_down: true, gamma: 2.2 };
    let none = CameraTiming { exposure_nanos: 0, ..timing };
    assert_eq!(LightWatch::new(none).err(), Some(LightRefusal::Exposure { exposure_nanos: 0 }));
    let mut watch = LightWatch::new(CameraTiming { gamma: f64::NAN, readout_nanos: -5, ..timing }).unwrap();
    let push = |watch: &mut LightWatch, size, values: usize| {
        watch.push(size, &vec![0.5; values], StageTime(0), StampAt::FirstLineBegins)
    };
    assert_eq!(push(&mut watch, [8, 4], 32), Ok(()));
    assert!(push(&mut watch, [4, 8], 32).is_err());
    assert!(push(&mut watch, [8, 4], 31).is_err());
    assert!(push(&mut watch, [usize::MAX, 2], 0).is_err());
    let few = watch.delays(&[], rate("24")).unwrap_err();
    assert!(matches!(few, LightRefusal::FewPictures { pictures: 1 }), "{few}");
    // Odd sizes and stamps: no panic, whatever they say.
    let mut random = Random(5);
    for size in [[1, 1], [1, 300], [700, 1]] {
        let mut watch = LightWatch::new(timing).unwrap();
        for n in 0..60 {
            let stamp = StageTime(if n % 7 == 0 { i64::MIN } else { (random.uniform() * 3e9) as i64 });
            watch.push(size, &vec![f32::NAN; size[0] * size[1]], stamp, StampAt::LastLineEnds).unwrap();
        }
        let shown: Vec<(u64, StageTime)> = (0..90).map(|n| (n, StageTime(n as i64 * 40_000_000))).collect();
        assert!(watch.delays(&shown, rate("25")).is_err());
    }
}

#[test]
fn reports_say_when_frames_were_handed_over() {
    let report = FrameReport { frame: 7, presented_ns: StageTime(5), ..FrameReport::default() };
    assert_eq!(shown_frames(&[report]), [(7, StageTime(5))]);
}
