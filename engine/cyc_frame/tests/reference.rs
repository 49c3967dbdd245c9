//! Frusta against an independent implementation (NumPy, checked there against OpenCV's pinhole).
//!
//! Its world is Y-up with -Z forward: (x, y, z) there is (x, -z, y) on the stage. Coordinates are printed with ten
//! digits, so points and corners are rebuilt from their exact formula where the rounding would show.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by unwrapping it")]

use cyc_core::{CameraInput, Pose, Quality};
use cyc_frame::{NEAR_M, inner_uv, inner_view, off_axis};
use cyc_stage::stage::{Camera, Exposure, Inner};
use nalgebra::{Matrix4, Point3, Vector4};
use serde_json::Value;
use std::collections::BTreeMap;

const TOLERANCE: f64 = 1e-9;

fn data(name: &str) -> String {
    let path = format!("{}/../../tests/data/lens/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(name: &str) -> Value {
    serde_json::from_str(&data(name)).unwrap()
}

/// Rows by column name.
fn csv(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = data(name);
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| head.iter().zip(line.split(',')).map(|(k, v)| (k.to_string(), v.to_string())).collect();
    lines.map(row).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

fn vec3(value: &Value) -> [f64; 3] {
    std::array::from_fn(|i| value[i].as_f64().unwrap())
}

fn stage_point([x, y, z]: [f64; 3]) -> Point3<f64> {
    Point3::new(x, -z, y)
}

/// Lower left, lower right, upper left.
fn tile(all: &Value, name: &str) -> [Point3<f64>; 3] {
    let side = 18.0_f64.sqrt();
    if name == "left45" {
        return [[-3.0 - side, 0.0, side - 5.0], [-3.0, 0.0, -5.0], [-3.0 - side, 3.5, side - 5.0]].map(stage_point);
    }
    ["pa", "pb", "pc"].map(|corner| stage_point(vec3(&all["tiles"][name][corner])))
}

fn pose(all: &Value, name: &str) -> (CameraInput, Pose) {
    let entry = &all["poses"][name];
    let [yaw, pitch, roll] = vec3(&entry["ypr"]).map(f64::to_radians);
    // The roll axis there points backwards.
    let pose = Pose::from_pan_tilt_roll(stage_point(vec3(&entry["sensor"])), yaw, pitch, -roll);
    let input = CameraInput {
        pose,
        focal_length_mm: entry["f"].as_f64().unwrap(),
        focus_distance_m: None,
        entrance_pupil_offset_m: entry["epd"].as_f64().unwrap(),
        quality: Quality::Measured,
        overscan: None,
    };
    (input, pose)
}

fn camera(overscan: f64) -> Camera {
    let rate = "24".parse().unwrap();
    Camera {
        id: "cam".into(),
        feed: None,
        sensor_mm: [27.99, 19.22],
        mount: Pose::identity(),
        fixed_pose: None,
        focal_length_mm: 35.0,
        inner: Inner { size_px: [4608, 3164], overscan, soft_edge: 0.0 },
        exposure: Exposure { rate, shutter: None },
    }
}

/// Lens and its projection offset: the wide lens on the poses of the first two, the long one on the third.
fn projection_offset_mm(lenses: &Value, focal_mm: f64) -> [f64; 2] {
    let lens = if focal_mm > 50.0 { "tele75_rational" } else { "wide24_barrel" };
    std::array::from_fn(|i| lenses[lens]["projection_offset_mm"][i].as_f64().unwrap())
}

#[test]
fn inner_frustum_uv_is_the_reference() {
    let (all, lenses) = (json("ref_offaxis_matrices.json"), json("ref_lenses.json"));
    let rows = csv("ref_inner_frustum_uv.csv");
    assert!(rows.len() > 300);
    let mut worst = 0.0_f64;
    for row in &rows {
        let (input, _) = pose(&all, &row["pose"]);
        let [a, b, c] = tile(&all, &row["tile"]);
        // A grid of 7 x 5 pixels.
        let cell = |column: &str, n: f64| ((number(row, column) * n - 0.5).round() + 0.5) / n;
        let (u, v) = (cell("tile_u", 7.0), cell("tile_v", 5.0));
        let point = a + (b - a) * u + (c - a) * (1.0 - v);
        let printed = stage_point(["x", "y", "z"].map(|k| number(row, k)));
        assert!((point - printed).norm() < 2e-9, "{row:?}");

        let offset = projection_offset_mm(&lenses, input.focal_length_mm);
        for overscan in [1.0, 1.25] {
            let view = inner_view(&camera(overscan), &input, offset).unwrap();
            let uv = inner_uv(&view, &point).unwrap().map(|t| 0.5 + (t - 0.5) * overscan);
            let expected = ["cam_u_undist", "cam_v_undist"].map(|k| number(row, k));
            // Ten significant digits: what lies far outside the picture is printed that much coarser.
            let scale = expected.map(|t| t.abs().max(1.0));
            let error = ((uv[0] - expected[0]) / scale[0]).abs().max(((uv[1] - expected[1]) / scale[1]).abs());
            worst = worst.max(error);
            assert!(error <= TOLERANCE, "{error:e} {row:?}");

            let depth = (view.clip_from_stage * point.to_homogeneous()).w;
            assert!((depth - number(row, "cam_depth")).abs() <= TOLERANCE * depth.max(1.0), "{row:?}");
        }
    }
    println!("inner uv, worst error {worst:e}");
}

#[test]
fn off_axis_clip_is_the_reference() {
    let all = json("ref_offaxis_matrices.json");
    let rows = csv("ref_offaxis_clip.csv");
    assert_eq!(rows.len(), 72);
    let mut worst = 0.0_f64;
    for row in &rows {
        let (input, pose) = pose(&all, &row["pose"]);
        let [a, b, c] = tile(&all, &row["tile"]);
        let eye = pose.stage_from_own() * Point3::new(0.0, input.entrance_pupil_offset_m, 0.0);
        let clip_from_stage = off_axis(&eye, &a, &b, &c).unwrap();
        let point = match row["point"].as_str() {
            "lower_left" => a,
            "lower_right" => b,
            "upper_left" => c,
            "upper_right" => b + (c - a),
            "centre" => a + (b - a) * 0.5 + (c - a) * 0.5,
            _ => stage_point(["x", "y", "z"].map(|k| number(row, k))),
        };
        let clip = clip_from_stage * point.to_homogeneous();
        let expected = Vector4::from(["clip_x", "clip_y", "clip_z_revz", "clip_w"].map(|k| number(row, k)));
        let error = (clip - expected).amax() / expected.amax().max(1.0);
        worst = worst.max(error);
        assert!(error <= TOLERANCE, "{error:e} {row:?}");
        assert!((clip.z / clip.w - number(row, "ndc_z_revz")).abs() <= TOLERANCE);
    }
    println!("off-axis clip, worst error {worst:e}");
}

#[test]
fn off_axis_matrices_are_the_reference() {
    let all = json("ref_offaxis_matrices.json");
    assert_eq!(all["near"].as_f64().unwrap(), NEAR_M);
    let matrix = |value: &Value| Matrix4::from_fn(|row, column| value[row][column].as_f64().unwrap());
    // Stage to the reference's world.
    #[rustfmt::skip]
    let theirs_from_stage = Matrix4::new(
        1.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 1.0, 0.0,
        0.0, -1.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 1.0,
    );
    let pairs = all["pairs"].as_object().unwrap();
    assert_eq!(pairs.len(), 9);
    for (name, pair) in pairs {
        let (pose_name, tile_name) = name.split_once('/').unwrap();
        let (input, pose) = pose(&all, pose_name);
        let eye = pose.stage_from_own() * Point3::new(0.0, input.entrance_pupil_offset_m, 0.0);
        assert!((eye - stage_point(vec3(&pair["eye"]))).norm() <= TOLERANCE, "{name}");
        let [a, b, c] = tile(&all, tile_name);
        let ours = off_axis(&eye, &a, &b, &c).unwrap();
        let theirs = matrix(&pair["proj_revz"]) * matrix(&pair["view"]) * theirs_from_stage;
        let error = (ours - theirs).amax();
        assert!(error <= TOLERANCE * theirs.amax().max(1.0), "{name}: {error:e}");
    }
}
