//! Stages made by formula, for this crate's tests.

use cyc_core::{CameraInput, Pose, Quality, Rate};
use cyc_stage::stage::{
    Budget, Camera, Exposure, Genlock, Inner, Latency, Output, Pacer, Panel, Patch, Stage, TimecodePlan, Wall, Window,
};
use nalgebra::{Isometry3, Point3, Vector3};

/// Panels of 192 px at 2.6 mm: 0.4992 m a side.
pub const PANEL: Panel = Panel { width_px: 192, height_px: 192, pitch_mm: 2.6 };

pub fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub fn stage(eye_m: [f64; 3], walls: Vec<Wall>) -> Stage {
    Stage {
        name: "fixture".into(),
        frame_rate: rate("24000/1001"),
        eye_point_m: Point3::from(eye_m),
        genlock: Genlock::default(),
        timecode: TimecodePlan::default(),
        pacer: Pacer::default(),
        budget: Budget::default(),
        control: None,
        latency: Latency { late_latch: true, late_warp: true, exposure_true: false },
        walls,
        feeds: Vec::new(),
        cameras: Vec::new(),
        outputs: Vec::new(),
    }
}

/// A wall of flat panels on chords of a circle (`radius_m`, negative: convex), or in one plane.
pub fn wall(columns: u32, rows: u32, radius_m: Option<f64>, position_m: [f64; 3], pan_tilt_roll_deg: [f64; 3]) -> Wall {
    let [pan, tilt, roll] = pan_tilt_roll_deg.map(f64::to_radians);
    let stage_from_wall = Pose::from_pan_tilt_roll(Point3::from(position_m), pan, tilt, roll).stage_from_own();
    let side_m = f64::from(PANEL.width_px) * PANEL.pitch_mm * 1e-3;
    let seam = |column: f64| seam_m(column, f64::from(columns), side_m, radius_m);
    let mut patches = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let corner = |right: u32, down: u32| {
                let [x, y] = seam(f64::from(column + right));
                let z = f64::from(rows - row - down) * side_m;
                let px = [(column + right) * PANEL.width_px, (row + down) * PANEL.height_px].map(f64::from);
                (px, stage_from_wall * Point3::new(x, y, z))
            };
            for corners in [[corner(0, 0), corner(0, 1), corner(1, 0)], [corner(1, 0), corner(0, 1), corner(1, 1)]] {
                let panel = row * columns + column;
                patches.push(Patch { px: corners.map(|c| c.0), position_m: corners.map(|c| c.1), panel });
            }
        }
    }
    let size_px = [columns * PANEL.width_px, rows * PANEL.height_px];
    Wall { id: "w".into(), size_px, panel: PANEL, stage_from_wall, patches, led: None }
}

/// Where the seam left of `column` stands, seen from above in the wall frame.
fn seam_m(column: f64, columns: f64, side_m: f64, radius_m: Option<f64>) -> [f64; 2] {
    let Some(radius) = radius_m else {
        return [(column - columns / 2.0) * side_m, 0.0];
    };
    let step = 2.0 * (side_m / (2.0 * radius)).asin();
    let angle = (column - columns / 2.0) * step;
    let middle = if columns % 2.0 == 0.0 { radius } else { radius * (step / 2.0).cos() };
    [radius * angle.sin(), radius * angle.cos() - middle]
}

/// A sphere or a part of one around `centre_m` as a mesh: `panel` is 0 throughout.
pub fn dome(centre_m: [f64; 3], radius_m: f64, azimuth_deg: f64, elevation_deg: [f64; 2], steps: u32) -> Wall {
    let point = |i: u32, j: u32| {
        let (u, v) = (f64::from(i) / f64::from(steps), f64::from(j) / f64::from(steps));
        let az = (azimuth_deg * (u - 0.5)).to_radians();
        let el = (elevation_deg[1] + (elevation_deg[0] - elevation_deg[1]) * v).to_radians();
        let ray = Vector3::new(az.sin() * el.cos(), az.cos() * el.cos(), el.sin());
        ([u * 2048.0, v * 1024.0], Point3::from(centre_m) + ray * radius_m)
    };
    let mut patches = Vec::new();
    for (i, j) in (0..steps).flat_map(|i| (0..steps).map(move |j| (i, j))) {
        let (a, b, c, d) = (point(i, j), point(i, j + 1), point(i + 1, j), point(i + 1, j + 1));
        for corners in [[a, b, c], [c, b, d]] {
            patches.push(Patch { px: corners.map(|c| c.0), position_m: corners.map(|c| c.1), panel: 0 });
        }
    }
    let stage_from_wall = Isometry3::identity();
    Wall { id: "dome".into(), size_px: [2048, 1024], panel: PANEL, stage_from_wall, patches, led: None }
}

pub fn camera(id: &str, feed: Option<usize>, fixed_pose: Option<Pose>) -> Camera {
    Camera {
        id: id.into(),
        feed,
        sensor_mm: [27.99, 19.22],
        mount: Pose::identity(),
        fixed_pose,
        focal_length_mm: 35.0,
        inner: Inner { size_px: [1920, 1080], overscan: 1.25, soft_edge: 0.05 },
        exposure: Exposure { rate: rate("24"), shutter: None },
    }
}

pub fn output(latency_frames: u32) -> Output {
    Output {
        id: "o".into(),
        node: "n".into(),
        size_px: [192, 192],
        regions: Vec::new(),
        signal: Default::default(),
        latency_frames,
        window: Window::default(),
    }
}

pub fn input(pose: Pose, focal_length_mm: f64) -> CameraInput {
    CameraInput {
        pose,
        focal_length_mm,
        focus_distance_m: None,
        entrance_pupil_offset_m: 0.0,
        quality: Quality::Measured,
        overscan: None,
    }
}
