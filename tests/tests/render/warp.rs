//! Pictures seen from a newer pupil than they were drawn from, and walls drawn line by line of the sensor.

use crate::{
    boxes,
    compare::Errors,
    harness::{self, Needs, render, scratch, write},
    oracle::{Oracle, Pose, V3, frame_line, frame_line_by_lines, turned},
    panorama::Panorama,
    picture::wall_pictures,
    scene::Boxes,
    through_camera::wall_points,
};
use libtest_mimic::Trial;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 4] = [
        ("a_scene_is_seen_from_the_newest_pupil", moved_scene),
        ("a_scene_is_seen_from_where_the_pupil_is_as_a_line_exposes", scene_by_lines),
        ("a_panorama_is_seen_from_where_the_pupil_is_as_a_line_exposes", panorama_by_lines),
        ("lines_that_expose_together_change_nothing", still_lines),
    ];
    tests.map(|(name, test)| harness::trial(format!("warp::{name}"), Needs::Gpu, test)).into()
}

fn stage(lines: &str) -> String {
    format!(
        r#"format = 1
name = "warp"
frame_rate = "24"
eye_point_m = [0.2, 0.1, 1.5]

[latency]
exposure_true = true

[[wall]]
id = "wall"
panel = {{ width_px = 32, height_px = 32, pitch_mm = 20.0 }}
shape.arc = {{ columns = 12, rows = 5, radius_m = 5.0 }}
position_m = [0.0, 5.0, 0.0]

[[camera]]
id = "cam-a"
focal_length_mm = 35.0
sensor = {{ width_mm = 36.0, height_mm = 20.25 }}
inner = {{ width_px = 1280, height_px = 720, overscan = 1.3, soft_edge = 0.1 }}
shutter = {{ angle_deg = 180, readout_ms = 15, lines = "{lines}" }}

[[output]]
id = "wall"
node = "n"
wall = "wall"
"#
    )
}

fn early() -> Pose {
    Pose::at([-0.3, -0.8, 1.4]).looking_at(V3::new(-0.2, 5.0, 1.5), -5.0)
}

fn one(pose: Pose) -> BTreeMap<&'static str, Pose> {
    BTreeMap::from([("cam-a", pose)])
}

/// Renders `line` in `environment`; the folder with the picture.
fn show(name: &str, stage: &str, environment: &Path, line: String) -> PathBuf {
    let folder = environment.parent().expect("a file lies in a folder");
    let stage = write(folder, "stage.toml", stage);
    let input = write(folder, &format!("{name}.jsonl"), line);
    let out = folder.join(name);
    render(&stage, &input, environment, &out).run().expect_code(0);
    out
}

/// Pixels that are right to two levels, and how many there are, among those that are not at an edge of what is seen.
fn right_part(oracle: &Oracle, seen: &boxes::Seen, picture: &[Option<[f64; 3]>], pose: &Pose) -> (f64, usize) {
    let camera = &oracle.table.cameras[0];
    let full = (1.0 - camera.inner.soft_edge) * camera.inner.overscan;
    let points = wall_points(oracle, 0);
    let inside = |at: &usize| points[*at].is_some_and(|point| pose.reach(camera.sensor, point) < 0.97 * full);
    let (mut right, mut pixels) = (0, 0);
    for at in (0..points.len()).filter(inside) {
        let (Some(place), Some(code)) = (&seen.places[at], picture[at]) else { continue };
        if place.settled {
            pixels += 1;
            right += usize::from((0..3).all(|c| (code[c] - place.code[c]).abs() * 255.0 <= 2.0));
        }
    }
    (right as f64 / pixels as f64, pixels)
}

/// Mean error around edges, where parallax shows, in levels of 255.
fn edge_error(oracle: &Oracle, seen: &boxes::Seen, picture: &[Option<[f64; 3]>], pose: &Pose) -> f64 {
    let camera = &oracle.table.cameras[0];
    let (mut sum, mut pixels) = (0.0, 0.0);
    for ((place, code), point) in seen.places.iter().zip(picture).zip(wall_points(oracle, 0)) {
        let (Some(place), Some(code), Some(point)) = (place, code, point) else { continue };
        if !place.settled && pose.reach(camera.sensor, point) < 1.0 {
            sum += (0..3).map(|c| (code[c] - place.smooth[c]).abs() * 255.0).sum::<f64>() / 3.0;
            pixels += 1.0;
        }
    }
    sum / pixels
}

fn moved_scene() {
    let folder = scratch("warp-scene");
    let world = Boxes::around_the_stage(31);
    let environment = write(&folder, "boxes.glb", world.glb());
    // A tenth of a metre to the side: more than a running camera does in a frame.
    let position = early().position + V3::new(0.1, 0.02, 0.04);
    let late = Pose { turn: turned(0.6, -0.2, 0.5) * early().turn, position, ..early() };
    let text = stage("down");
    let out = show("late", &text, &environment, frame_line(2, &one(early()), &one(late)));
    let oracle = Oracle::of(&text, &folder);
    let picture = &wall_pictures(&oracle, &out, 2)[0];
    let seen = boxes::Seen::new(&oracle, 0, &[late], &world);
    let (right, pixels) = right_part(&oracle, &seen, &picture.codes, &late);
    assert!(pixels > 20_000, "{pixels} px");
    // What the drawn picture does not hold cannot be right; it lies along edges, a few pixels wide.
    assert!(right > 0.995, "{right:.4} of {pixels} px are right");
    let unwarped = boxes::Seen::new(&oracle, 0, &[Pose { position: early().position, ..late }], &world);
    let [shown, drawn] = [&seen, &unwarped].map(|seen| edge_error(&oracle, seen, &picture.codes, &late));
    println!("{pixels} px: {right:.4} right; at edges {shown:.2} off, {drawn:.2} off what was drawn");
    assert!(shown < 0.5 * drawn, "the early pupil would do as well: {shown:.2} and {drawn:.2} levels off at edges");
}

/// A camera that dollies at 2 m/s and tilts while its lines expose: where it is at a line from -1 to 1.
fn moving(line: f64) -> Pose {
    let travel = V3::new(0.015 * line, 0.004 * line, 0.006 * line + 0.002 * line * line);
    Pose { turn: turned(0.3 * line, 0.5 * line, 0.0) * early().turn, position: early().position + travel, ..early() }
}

/// The line that sees a point: its own view has the point on that very line. By bisection.
fn line_of(oracle: &Oracle, point: V3, down: bool) -> f64 {
    let sensor = oracle.table.cameras[0].sensor;
    let ahead = |line: f64| {
        let up = moving(line).on_sensor(sensor, point).map_or(f64::INFINITY, |[_, up]| up);
        (if down { -up } else { up }) - line
    };
    let (mut low, mut high) = (-4.0, 4.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if ahead(middle) > 0.0 { low = middle } else { high = middle }
    }
    low
}

fn by_lines() -> String {
    frame_line_by_lines(2, &one(early()), &one(moving(0.0)), &BTreeMap::from([("cam-a", [moving(-1.0), moving(1.0)])]))
}

fn panorama_by_lines() {
    for (direction, down) in [("down", true), ("up", false)] {
        let folder = scratch(&format!("warp-lines-{direction}"));
        let (panorama, environment) = Panorama::smooth(&folder);
        let text = stage(direction);
        let out = show("lines", &text, &environment, by_lines());
        let oracle = Oracle::of(&text, &folder);
        let camera = &oracle.table.cameras[0];
        let picture = &wall_pictures(&oracle, &out, 2)[0];
        let (mut exact, mut centroid) = (Errors::default(), Errors::default());
        for (point, code) in wall_points(&oracle, 0).into_iter().zip(&picture.codes) {
            let (Some(point), Some(code)) = (point, code) else { continue };
            if moving(0.0).reach(camera.sensor, point) < 1.0 {
                let line = line_of(&oracle, point, down);
                exact.add(*code, panorama.code(point - moving(line).pupil()));
                centroid.add(*code, panorama.code(point - moving(-line).pupil()));
            }
        }
        assert!(exact.pixels() > 20_000, "{} px", exact.pixels());
        assert!(exact.percentile(0.999) <= 1.5, "{direction}: p99.9 {:.2}", exact.percentile(0.999));
        assert!(
            centroid.percentile(0.9) > 1.1 * exact.percentile(0.9),
            "{direction}: lines the other way round would do as well: {:.3} {:.3}",
            centroid.percentile(0.9),
            exact.percentile(0.9)
        );
    }
}

fn scene_by_lines() {
    let folder = scratch("warp-scene-lines");
    let world = Boxes::around_the_stage(32);
    let environment = write(&folder, "boxes.glb", world.glb());
    let text = stage("down");
    let out = show("lines", &text, &environment, by_lines());
    let oracle = Oracle::of(&text, &folder);
    let picture = &wall_pictures(&oracle, &out, 2)[0];
    // Three bands of the sensor, each against what is seen from where its middle line is.
    for band in [-0.8, 0.0, 0.8] {
        let pose = moving(band);
        let seen = boxes::Seen::new(&oracle, 0, &[pose], &world);
        let points = wall_points(&oracle, 0);
        let codes: Vec<_> = points
            .iter()
            .zip(&picture.codes)
            .map(|(point, code)| {
                let near = point.is_some_and(|point| (line_of(&oracle, point, true) - band).abs() < 0.1);
                code.filter(|_| near)
            })
            .collect();
        let (right, pixels) = right_part(&oracle, &seen, &codes, &pose);
        println!("line {band}: {right:.4} of {pixels} px right");
        assert!(pixels > 1_500 && right > 0.985, "line {band}: {right:.4} of {pixels} px are right");
    }
}

fn still_lines() {
    let folder = scratch("warp-still");
    let (_, environment) = Panorama::smooth(&folder);
    let still = BTreeMap::from([("cam-a", [early(), early()])]);
    let with = show("with", &stage("down"), &environment, frame_line_by_lines(2, &one(early()), &one(early()), &still));
    let without = show("without", &stage("down"), &environment, frame_line(2, &one(early()), &one(early())));
    let apart = |folder: &Path| {
        harness::files(folder)
            .into_iter()
            .filter(|(name, _)| name.to_string_lossy().ends_with("png"))
            .collect::<Vec<_>>()
    };
    assert!(apart(&with) == apart(&without), "a camera at rest is drawn otherwise line by line");
}
