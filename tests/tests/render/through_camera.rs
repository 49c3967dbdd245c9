//! Through the camera: a wall pixel inside a camera's inner frustum shows what lies behind it as seen from the
//! entrance pupil, one outside what lies behind it as seen from the eye point.

use crate::{
    case::Case,
    compare::{Errors, Shift},
    harness::{files, render, scratch, write},
    oracle::{Oracle, Pose, Sensor, V3},
    panorama::Panorama,
    picture::{WallPicture, wall_pictures},
};
use serde_json::Value;
use std::{fs, path::Path};

/// Of 255: what 99 % and 99.9 % of the channels must not exceed.
const P99: f64 = 2.0;
const P999: f64 = 4.0;
/// Wall pixels by which a picture may be moved.
const SHIFT_PX: f64 = 0.1;
/// Too few pixels to say anything.
const FEW: usize = 2000;
/// What a case must at least look at, or it proves nothing.
const ENOUGH: usize = 10_000;

/// Renders the case on a smooth panorama and compares every wall pixel outside the soft edge.
pub fn check(case: &Case) {
    let folder = scratch(&format!("through_camera-{}", case.name));
    let (panorama, environment) = Panorama::smooth(&folder);
    let input = write(&folder, "frames.jsonl", case.input());
    let out = folder.join("out");
    render(&case.stage, &input, &environment, &out).run().expect_code(0);
    if case.table.twice {
        let again = folder.join("again");
        render(&case.stage, &input, &environment, &again).run().expect_code(0);
        assert!(files(&out) == files(&again), "the same input gave other bytes");
    }
    let mut report = Report::default();
    for (frame, poses) in (0..).zip(&case.frames) {
        let (camera, pose) = (&case.oracle.table.cameras[0], poses.values().next().unwrap());
        let pictures = wall_pictures(&case.oracle, &out, frame);
        for (n, picture) in pictures.iter().enumerate() {
            let seen = Seen::new(&case.oracle, n, pose, camera.sensor, panorama);
            let overscan = camera.inner.overscan;
            let place = format!("{} frame {frame}", case.oracle.walls[n].id);
            report.inner += report.compare(&place, "inner", picture, &seen.inner, &seen.reach, 0.0..0.94 * overscan);
            let outside = 1.01 * overscan..f64::INFINITY;
            report.outer += report.compare(&place, "outer", picture, &seen.outer, &seen.reach, outside);
        }
    }
    check_plan(case, &out);
    println!("{}", report.lines.join("\n"));
    assert!(report.wrong.is_empty(), "{}\nall:\n{}", report.wrong.join("\n"), report.lines.join("\n"));
    assert!(report.inner > ENOUGH && report.outer > ENOUGH, "too few pixels: {} and {}", report.inner, report.outer);
}

/// What each pixel of a wall must show; `None` where the wall has no surface.
struct Seen {
    inner: Vec<Option<[f64; 3]>>,
    outer: Vec<Option<[f64; 3]>>,
    reach: Vec<f64>,
}

impl Seen {
    fn new(oracle: &Oracle, wall: usize, pose: &Pose, sensor: Sensor, panorama: &Panorama) -> Self {
        let points = wall_points(oracle, wall);
        let pupil = pose.pupil();
        let from = |eye: V3| points.iter().map(|point| Some(panorama.code((*point)? - eye))).collect();
        let reach = |point: &Option<V3>| point.map_or(f64::NAN, |point| pose.reach(sensor, point));
        Self { inner: from(pupil), outer: from(oracle.eye), reach: points.iter().map(reach).collect() }
    }
}

/// The stage point of every pixel centre of a wall.
pub fn wall_points(oracle: &Oracle, wall: usize) -> Vec<Option<V3>> {
    let wall = &oracle.walls[wall];
    let [width, height] = wall.size_px;
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| wall.pixel(x, y)).collect()
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
    wrong: Vec<String>,
    inner: usize,
    outer: usize,
}

impl Report {
    /// Compares the pixels whose reach lies in `within`; how many there were.
    fn compare(
        &mut self,
        place: &str,
        what: &str,
        picture: &WallPicture,
        expected: &[Option<[f64; 3]>],
        reach: &[f64],
        within: std::ops::Range<f64>,
    ) -> usize {
        let mut errors = Errors::default();
        let used = |at: usize| within.contains(&reach[at]);
        for (at, (code, expected)) in picture.codes.iter().zip(expected).enumerate() {
            if let (Some(code), Some(expected), true) = (code, expected, used(at)) {
                errors.add(*code, *expected);
            }
        }
        if errors.pixels() < FEW {
            return 0;
        }
        let (p99, p999) = (errors.percentile(0.99), errors.percentile(0.999));
        let shift = Shift::fit(picture.size_px, expected, |x, y| picture.at(x, y), used).unwrap_or([0.0; 2]);
        let fine = p99 <= P99 && p999 <= P999 && shift.iter().all(|part| part.abs() <= SHIFT_PX);
        let line = format!(
            "{place} {what}: {} px, p99 {p99:.2}, p99.9 {p999:.2}, shift {:+.3} {:+.3} px",
            errors.pixels(),
            shift[0],
            shift[1]
        );
        self.wrong.extend((!fine).then(|| line.clone()));
        self.lines.push(line);
        errors.pixels()
    }
}

/// `plan.jsonl` says the same as the pictures: its matrices put wall points where the cameras see them.
fn check_plan(case: &Case, out: &Path) {
    let text = fs::read_to_string(out.join("plan.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), case.frames.len(), "a line per frame");
    let corners: Vec<V3> = case.oracle.walls.iter().filter_map(|wall| wall.point([10.5, 20.5])).collect();
    for (line, poses) in lines.iter().zip(&case.frames) {
        for camera in &case.oracle.table.cameras {
            let (plan, pose) = (&line["cameras"][&camera.id], &poses[&camera.id]);
            let clip_from_stage: Vec<f64> = serde_json::from_value(plan["clip_from_stage"].clone()).unwrap();
            for point in corners.iter().copied().chain([pose.pupil() + pose.turn * V3::new(0.2, 1.0, -0.1)]) {
                let row = |r: usize| {
                    clip_from_stage[12 + r] + (0..3).map(|c| clip_from_stage[4 * c + r] * point[c]).sum::<f64>()
                };
                let Some(on_sensor) = pose.on_sensor(camera.sensor, point) else {
                    assert!(row(3) <= 0.0, "{}: a point behind the camera is in front of its view", case.name);
                    continue;
                };
                let ndc = [row(0) / row(3), row(1) / row(3)];
                let expected = on_sensor.map(|part| part / camera.inner.overscan);
                let near = (0..2).all(|i| (ndc[i] - expected[i]).abs() < 1e-8 * (1.0 + expected[i].abs()));
                assert!(near, "{}: {ndc:?}, not {expected:?}", case.name);
            }
        }
        for wall in &case.oracle.walls {
            let views = line["walls"][&wall.id].as_array().expect("a list of outer views");
            assert!(!views.is_empty(), "{}: wall {} has no outer view", case.name, wall.id);
        }
    }
}
