//! Registration through the camera, from real wall pictures: how far, in camera pixels, what a moving camera with a
//! rolling shutter sees on the wall is from where it belongs.
//!
//! The environment's light says where one looks ([`measured_plane`], or a panorama of directions), so each wall pixel
//! tells its own error. Half floats make a single pixel uncertain by two camera pixels; a band of the sensor's lines
//! averages thousands.

use crate::{
    harness::{self, Needs, render, scratch, write},
    oracle::{Oracle, Pose, Seeded, V3, frame_line, frame_line_by_lines, turned},
    panorama::direction_of_texel,
    picture::{read_exr, write_exr_acescg},
    scene::measured_plane,
    through_camera::wall_points,
};
use half::f16;
use libtest_mimic::Trial;
use nalgebra::Matrix3;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 4] = [
        ("a_dolly_before_infinity", || dolly(World::Infinity)),
        ("a_dolly_before_a_plane_at_20_m", || dolly(World::Plane { y: 20.0, half: 16.0 })),
        ("a_dolly_before_a_plane_1_m_behind_the_wall", || dolly(World::Plane { y: 6.0, half: 5.0 })),
        ("a_nodal_pan_needs_nothing", nodal_pan),
    ];
    tests.map(|(name, test)| harness::trial(format!("registration::{name}"), Needs::Gpu, test)).into()
}

/// 28 mm wide, 4608 px, 35 mm: camera pixels per unit of tangent.
const FOCAL_PX: f64 = 35.0 / 28.0 * 4608.0;
const SENSOR_MM: [f64; 2] = [28.0, 15.75];
const READOUT_SECS: f64 = 0.015;
/// Half the sensor's height over the focal length.
const HALF_TAN: f64 = SENSOR_MM[1] / 2.0 / 35.0;
/// How long before the exposure the pictures' pose was taken: a frame and a half.
const LATENCY_SECS: f64 = 0.0625;
const BANDS: usize = 6;

const STAGE: &str = r#"format = 1
name = "registration"
frame_rate = "24"

[latency]
exposure_true = true

[[wall]]
id = "wall"
panel = { width_px = 64, height_px = 64, pitch_mm = 10.0 }
shape.flat = { columns = 9, rows = 5 }
position_m = [0.0, 5.0, 0.0]

[[camera]]
id = "cam-a"
focal_length_mm = 35.0
sensor = { width_mm = 28.0, height_mm = 15.75 }
inner = { width_px = 1280, height_px = 720, overscan = 1.3, soft_edge = 0.1 }
shutter = { angle_deg = 180, readout_ms = 15 }

[[output]]
id = "wall"
node = "n"
wall = "wall"
"#;

/// What is behind the wall.
#[derive(Clone, Copy)]
enum World {
    Infinity,
    Plane { y: f64, half: f64 },
}

impl World {
    fn write(self, folder: &Path) -> PathBuf {
        match self {
            World::Plane { y, half } => write(folder, "plane.glb", measured_plane(y, half)),
            World::Infinity => {
                let (path, size_px) = (folder.join("directions.exr"), [4096, 2048]);
                let mut random = Seeded::new(5);
                // Rounded at random by up to half a step of half floats, or neighbours would all err alike.
                let mut rounded = |light: f64| f16::from_f64(light + random.between(-0.5, 0.5) / 2048.0);
                let mut texel = |at: usize| {
                    let direction = direction_of_texel(size_px, at % size_px[0], at / size_px[0]);
                    let across = 0.24 * (direction.x / direction.y).clamp(-1.0, 1.0);
                    [rounded(0.75 + across), rounded(0.75 - across), f16::from_f64(0.75)]
                };
                let pixels: Vec<_> = (0..size_px[0] * size_px[1]).map(&mut texel).collect();
                write_exr_acescg(&path, size_px, &pixels);
                path
            }
        }
    }

    /// Where light (linear ACEScg) comes from as seen from `eye`: the tangent to the right.
    fn seen(self, light: [f64; 3], eye: V3) -> f64 {
        match self {
            World::Infinity => (light[0] - light[1]) / 0.48,
            World::Plane { y, half } => {
                let rgb = acescg_from_rec709().try_inverse().expect("it has one") * V3::from(light);
                ((rgb.x - rgb.y) / 0.4 * half - eye.x) / (y - eye.y)
            }
        }
    }
}

/// Bradford, from the primaries of ITU-R BT.709 and of AP1 (colour-science 0.4).
fn acescg_from_rec709() -> Matrix3<f64> {
    Matrix3::new(
        0.613_097_4,
        0.339_523_1,
        0.047_379_5,
        0.070_193_7,
        0.916_353_9,
        0.013_452_4,
        0.020_615_6,
        0.109_569_8,
        0.869_814_6,
    )
}

/// How a camera moves: its pose `secs` after the middle of the exposure.
type Motion = fn(f64) -> Pose;

/// A sideways dolly at 1 m/s, a little forwards and up.
fn dolly_at(secs: f64) -> Pose {
    Pose::at([1.0 * secs, 0.2 * secs, 1.6 + 0.1 * secs])
}

/// A pan of 30 degrees a second about the pupil.
fn pan_at(secs: f64) -> Pose {
    Pose { turn: turned(30.0 * secs, 0.0, 0.0), ..Pose::at([0.0, 0.0, 1.6]) }
}

/// Mean error to the right of each band of sensor lines, camera pixels, first band at the top.
fn errors(name: &str, world: World, motion: Motion, line: String) -> Vec<f64> {
    let folder = scratch(&format!("registration-{name}"));
    let (stage, environment) = (write(&folder, "stage.toml", STAGE), world.write(&folder));
    let input = write(&folder, "frames.jsonl", line);
    let out = folder.join("out");
    render(&stage, &input, &environment, &out).arg("--scene-linear").run().expect_code(0);
    let (picture, _) = read_exr(&out.join("wall.000000.exr"));
    let oracle = Oracle::of(STAGE, &folder);
    let mut bands = vec![(0.0, 0.0); BANDS];
    for (point, light) in wall_points(&oracle, 0).into_iter().zip(picture.pixels) {
        let Some(point) = point else { continue };
        let line = line_of(motion, point);
        let pose = motion(line * READOUT_SECS / 2.0);
        if pose.reach(oracle.table.cameras[0].sensor, point) >= 1.0 {
            continue;
        }
        let ray = point - pose.pupil();
        let band = &mut bands[((line + 1.0) / 2.0 * BANDS as f64).clamp(0.0, BANDS as f64 - 1.0) as usize];
        band.0 += (world.seen(light, pose.pupil()) - ray.x / ray.y) * FOCAL_PX;
        band.1 += 1.0;
    }
    assert!(bands.iter().all(|(_, pixels)| *pixels > 4000.0), "too few pixels in a band");
    bands.into_iter().map(|(sum, pixels)| sum / pixels).collect()
}

/// The line, -1 the first at the top to 1, that sees a wall point: by repetition, from the motion itself.
fn line_of(motion: Motion, point: V3) -> f64 {
    let mut line = 0.0;
    for _ in 0..8 {
        let pose = motion(line * READOUT_SECS / 2.0);
        let own = pose.turn.transpose() * (point - pose.pupil());
        line = (-own.z / own.y / HALF_TAN).clamp(-1.5, 1.5);
    }
    line
}

fn one<T>(value: T) -> BTreeMap<&'static str, T> {
    BTreeMap::from([("cam-a", value)])
}

fn worst(bands: &[f64]) -> f64 {
    bands.iter().map(|error| error.abs()).fold(0.0, f64::max)
}

/// A motion that is known: what is left is what the wall does wrong.
fn dolly(world: World) {
    let name = match world {
        World::Infinity => "infinity".to_owned(),
        World::Plane { y, .. } => format!("{y}-m"),
    };
    let (early, late) = (one(dolly_at(-LATENCY_SECS)), one(dolly_at(0.0)));
    let lines = one([dolly_at(-READOUT_SECS / 2.0), dolly_at(READOUT_SECS / 2.0)]);
    let off = errors(&format!("{name}-off"), world, dolly_at, frame_line(0, &early, &BTreeMap::new()));
    let warped = errors(&format!("{name}-warp"), world, dolly_at, frame_line(0, &early, &late));
    let exact = errors(&format!("{name}-lines"), world, dolly_at, frame_line_by_lines(0, &early, &late, &lines));
    println!(
        "{name}: off {:.2} px, late warp {:.2} px, exposure-true {:.3} px",
        worst(&off),
        worst(&warped),
        worst(&exact)
    );
    println!("late warp, by line: {warped:.2?}\nexposure-true, by line: {exact:.3?}");
    // f_px v t / D_wall (1 - D_wall / D_background).
    let (wall, behind) = (
        5.0,
        match world {
            World::Infinity => 0.0,
            World::Plane { y, .. } => 1.0 / y,
        },
    );
    let slip = |secs: f64| FOCAL_PX * secs / wall * (1.0 - wall * behind);
    let usual = slip(LATENCY_SECS);
    assert!((worst(&off) / usual - 1.0).abs() < 0.3, "nothing was off: {:.2} px, expected {usual:.2}", worst(&off));
    // The middles of the outermost bands are five sixths of half the readout away.
    let centroid = slip(5.0 / 12.0 * READOUT_SECS);
    assert!((worst(&warped) - centroid).abs() < 0.3, "{:.2} px, expected {centroid:.2}", worst(&warped));
    assert!(worst(&exact) <= 0.1, "exposure-true: {exact:.3?}");
}

fn nodal_pan() {
    for world in [World::Infinity, World::Plane { y: 6.0, half: 5.0 }] {
        let early = one(pan_at(-LATENCY_SECS));
        let bands = errors("pan", world, pan_at, frame_line(0, &early, &BTreeMap::new()));
        println!("nodal pan, everything off: {:.3} px", worst(&bands));
        assert!(worst(&bands) <= 0.1, "{bands:.3?}");
    }
}
