//! A pose renewed late in the frame decides mask and pupil.

use crate::{
    boxes,
    compare::Errors,
    harness::{self, Needs, render, scratch, write},
    oracle::{Oracle, Pose, V3, frame_line},
    panorama::Panorama,
    picture::wall_pictures,
    scene::Boxes,
    through_camera::wall_points,
};
use libtest_mimic::Trial;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 3] = [
        ("moves_mask_and_pupil_of_a_panorama", panorama),
        ("turn_moves_only_the_mask_of_a_scene", turned_scene),
        ("that_changes_nothing_changes_nothing", unchanged),
    ];
    tests.map(|(name, test)| harness::trial(format!("late::{name}"), Needs::Gpu, test)).into()
}

const STAGE: &str = r#"format = 1
name = "late"
frame_rate = "24"
eye_point_m = [0.2, 0.1, 1.5]

[[wall]]
id = "wall"
panel = { width_px = 32, height_px = 32, pitch_mm = 20.0 }
shape.arc = { columns = 12, rows = 5, radius_m = 5.0 }
position_m = [0.0, 5.0, 0.0]

[[camera]]
id = "cam-a"
focal_length_mm = 50.0
sensor = { width_mm = 36.0, height_mm = 20.25 }
inner = { width_px = 960, height_px = 540, overscan = 1.4, soft_edge = 0.2 }

[[output]]
id = "wall"
node = "n"
wall = "wall"
"#;

fn early() -> Pose {
    Pose { focal_mm: 50.0, ..Pose::at([-0.6, -0.8, 1.4]) }.looking_at(V3::new(-0.6, 5.0, 1.3), -8.0)
}

/// Renders one frame with an early and perhaps a late pose; the folder with the picture.
fn show(name: &str, environment: &Path, late: Option<Pose>) -> PathBuf {
    let folder = environment.parent().expect("a file lies in a folder");
    let stage = write(folder, "stage.toml", STAGE);
    let poses = |pose: Option<Pose>| pose.map(|pose| ("cam-a", pose)).into_iter().collect();
    let line = frame_line(2, &poses(Some(early())), &poses(late));
    let input = write(folder, &format!("{name}.jsonl"), line);
    let out = folder.join(name);
    render(&stage, &input, environment, &out).run().expect_code(0);
    out
}

fn panorama() {
    let folder = scratch("late-panorama");
    let (panorama, environment) = Panorama::smooth(&folder);
    let late = Pose { focal_mm: 42.0, pupil_offset_m: 0.12, ..Pose::at([0.5, -0.3, 1.7]) };
    let late = late.looking_at(V3::new(0.5, 5.0, 1.7), 11.0);
    let out = show("late", &environment, Some(late));
    let oracle = Oracle::of(STAGE, &folder);
    let camera = &oracle.table.cameras[0];
    let picture = &wall_pictures(&oracle, &out, 2)[0];
    let (mut inner, mut outer, mut apart) = (Errors::default(), Errors::default(), Errors::default());
    for (point, code) in wall_points(&oracle, 0).into_iter().zip(&picture.codes) {
        let (Some(point), Some(code)) = (point, code) else { continue };
        let reach = late.reach(camera.sensor, point) / camera.inner.overscan;
        let inside = panorama.code(point - late.pupil());
        if reach < 1.0 - camera.inner.soft_edge - 0.01 {
            inner.add(*code, inside);
            apart.add(*code, panorama.code(point - early().pupil()));
        } else if reach > 1.01 {
            outer.add(*code, panorama.code(point - oracle.eye));
        }
    }
    assert!(inner.pixels() > 5_000 && outer.pixels() > 5_000, "{} and {} px", inner.pixels(), outer.pixels());
    assert!(inner.percentile(0.999) <= 2.0, "inside: p99.9 {:.2}", inner.percentile(0.999));
    assert!(outer.percentile(0.999) <= 2.0, "outside: p99.9 {:.2}", outer.percentile(0.999));
    assert!(apart.percentile(0.5) > 4.0, "the early pose would do as well: this proves nothing");
    let plan = fs::read_to_string(out.join("plan.jsonl")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(plan.lines().next().unwrap()).unwrap();
    let position: [f64; 3] = serde_json::from_value(plan["cameras"]["cam-a"]["position_m"].clone()).unwrap();
    assert!((V3::from(position) - late.position).norm() < 1e-9, "plan.jsonl holds another pose than was shown");
}

/// The picture was drawn from the same pupil; that it was drawn for another turn must not be seen.
fn turned_scene() {
    let folder = scratch("late-scene");
    let world = Boxes::around_the_stage(21);
    let environment = write(&folder, "boxes.glb", world.glb());
    let late = Pose { turn: crate::oracle::turned(-1.5, 0.7, -6.0) * early().turn, ..early() };
    let out = show("late", &environment, Some(late));
    let oracle = Oracle::of(STAGE, &folder);
    let sensor = oracle.table.cameras[0].sensor;
    let overscan = oracle.table.cameras[0].inner.overscan;
    let seen = boxes::Seen::new(&oracle, 0, &[late], &world);
    let picture = &wall_pictures(&oracle, &out, 2)[0];
    let (mut errors, mut moved) = (Errors::default(), 0);
    for ((place, code), point) in seen.places.iter().zip(&picture.codes).zip(wall_points(&oracle, 0)) {
        let (Some(place), Some(code), Some(point)) = (place, code, point) else { continue };
        // Beyond what was drawn there is nothing to show.
        let drawn = early().reach(sensor, point) < 0.99 * overscan;
        let inside = late.reach(sensor, point) < overscan;
        if place.settled && (drawn || !inside) {
            errors.add(*code, place.code);
            moved += usize::from(drawn && !inside);
        }
    }
    assert!(errors.pixels() > 20_000 && moved > 200, "{} px, of which {moved} left the mask", errors.pixels());
    assert!(errors.percentile(0.999) <= 2.0, "p99.9 {:.2}", errors.percentile(0.999));
}

fn unchanged() {
    let folder = scratch("late-unchanged");
    let environment = write(&folder, "boxes.glb", Boxes::around_the_stage(22).glb());
    let with = show("with", &environment, Some(early()));
    let without = show("without", &environment, None);
    assert!(harness::files(&with) == harness::files(&without), "a late pose equal to the early one changed bytes");
}
