//! `solve` for 4 cameras on a stage of 64 outputs, beside a peer that computes the same matrices the textbook way.
//!
//! The peer: nalgebra's `look_at_rh` and `Perspective3` per camera. Since outer views are static here, a second line
//! re-solves the off-axis view of all 64 wall tiles each frame too, as controllers with one frustum per output do;
//! its peer computes each by `look_at_rh` and a frustum matrix. Prints nanoseconds per frame, median of runs that
//! alternate between the two, and the ratio.

use cyc_core::{CameraInput, FrameInput, Pose, Quality, StageTime};
use cyc_frame::{off_axis, solve};
use cyc_stage::stage::{Budget, Camera, Exposure, Genlock, Inner, Latency, Output, Pacer, Stage, TimecodePlan, Window};
use nalgebra::{Isometry3, Matrix4, Perspective3, Point3, Vector3};
use std::hint::black_box;
use std::time::Instant;

const RUNS: usize = 41;
const FRAMES: usize = 2_000;
const OUTPUTS: usize = 64;
const IDS: [&str; 4] = ["cam-a", "cam-b", "cam-c", "cam-d"];

fn main() {
    let Ok(rate) = "24".parse() else { return };
    let camera = |id: &str| Camera {
        id: id.into(),
        feed: None,
        sensor_mm: [36.7, 25.54],
        mount: Pose::identity(),
        fixed_pose: None,
        focal_length_mm: 35.0,
        inner: Inner { size_px: [3840, 2160], overscan: 1.25, soft_edge: 0.05 },
        exposure: Exposure { rate, shutter: None },
    };
    let output = |index: usize| Output {
        id: format!("out-{index}"),
        node: "n".into(),
        size_px: [3840, 2160],
        regions: Vec::new(),
        signal: Default::default(),
        latency_frames: 2,
        window: Window::default(),
    };
    let stage = Stage {
        name: "bench".into(),
        frame_rate: rate,
        eye_point_m: Point3::new(0.0, 0.0, 1.6),
        genlock: Genlock::default(),
        timecode: TimecodePlan::default(),
        pacer: Pacer::default(),
        budget: Budget::default(),
        control: None,
        latency: Latency { late_latch: true, late_warp: true, exposure_true: false },
        walls: Vec::new(),
        feeds: Vec::new(),
        cameras: IDS.map(camera).to_vec(),
        outputs: (0..OUTPUTS).map(output).collect(),
    };
    let tiles: Vec<[Point3<f64>; 3]> = (0..OUTPUTS).map(tile).collect();
    let inputs: Vec<FrameInput> = (0..FRAMES).map(frame_input).collect();

    let ours = |input: &FrameInput| _ = black_box(solve(&stage, input));
    let peer = |input: &FrameInput| _ = black_box(textbook_cameras(&stage, input));
    compare("4 cameras x 64 outputs, outer views static", &inputs, ours, peer);

    let eye = stage.eye_point_m;
    let ours = |input: &FrameInput| {
        black_box(solve(&stage, input));
        tiles.iter().for_each(|[a, b, c]| _ = black_box(off_axis(&eye, a, b, c)));
    };
    let peer = |input: &FrameInput| {
        black_box(textbook_cameras(&stage, input));
        tiles.iter().for_each(|corners| _ = black_box(textbook_tile(&eye, corners)));
    };
    compare("4 cameras + 64 off-axis tiles every frame", &inputs, ours, peer);
}

/// Tile `index` of a ring of 64, 1 m wide and 2 m high, 10 m away.
fn tile(index: usize) -> [Point3<f64>; 3] {
    let at = |i: usize, z: f64| {
        let angle = i as f64 * 0.1;
        Point3::new(10.0 * angle.sin(), 10.0 * angle.cos(), z)
    };
    [at(index, 0.0), at(index + 1, 0.0), at(index, 2.0)]
}

fn frame_input(frame: usize) -> FrameInput {
    let t = frame as f64 * 0.01;
    let camera = |(index, id): (usize, &&str)| {
        let position = Point3::new(t.sin() + index as f64, -3.0, 1.6 + 0.2 * t.cos());
        let input = CameraInput {
            pose: Pose::from_pan_tilt_roll(position, 0.3 * t.sin(), 0.1 * t.cos(), 0.02 * t),
            focal_length_mm: 35.0 + index as f64,
            focus_distance_m: None,
            entrance_pupil_offset_m: 0.08,
            quality: Quality::Measured,
            overscan: None,
        };
        (id.to_string(), input)
    };
    let cameras = IDS.iter().enumerate().map(camera).collect();
    FrameInput { frame: frame as u64, display_time: StageTime(0), cameras, ..FrameInput::default() }
}

/// Nanoseconds a frame, median over alternating runs.
fn compare(what: &str, inputs: &[FrameInput], ours: impl Fn(&FrameInput), peer: impl Fn(&FrameInput)) {
    let time = |work: &dyn Fn(&FrameInput)| {
        let began = Instant::now();
        inputs.iter().for_each(|input| work(black_box(input)));
        began.elapsed().as_nanos() as f64 / inputs.len() as f64
    };
    let (mut our_nanos, mut peer_nanos): (Vec<f64>, Vec<f64>) = (0..RUNS).map(|_| (time(&ours), time(&peer))).unzip();
    our_nanos.sort_by(f64::total_cmp);
    peer_nanos.sort_by(f64::total_cmp);
    let (a, b) = (our_nanos[RUNS / 2], peer_nanos[RUNS / 2]);
    println!("{what}: solve {a:.0} ns, peer {b:.0} ns, peer/solve {:.2}, target 200000 ns", b / a);
}

/// Y up, -Z forward, as the textbook's clip space wants it.
fn textbook_cameras(stage: &Stage, input: &FrameInput) -> Vec<Option<Matrix4<f64>>> {
    let view = |camera: &Camera| {
        let known = input.cameras.get(&camera.id)?;
        let axis = |v: Vector3<f64>| known.pose.orientation * v;
        let eye = known.pose.position_m + axis(Vector3::y()) * known.entrance_pupil_offset_m;
        let view_from_stage = Isometry3::look_at_rh(&eye, &(eye + axis(Vector3::y())), &axis(Vector3::z()));
        let half_height = camera.inner.overscan * camera.sensor_mm[1] / 2.0 / known.focal_length_mm;
        let aspect = camera.sensor_mm[0] / camera.sensor_mm[1];
        let clip_from_view = Perspective3::new(aspect, 2.0 * half_height.atan(), 0.1, 1000.0);
        Some(clip_from_view.to_homogeneous() * view_from_stage.to_homogeneous())
    };
    stage.cameras.iter().map(view).collect()
}

fn textbook_tile(eye: &Point3<f64>, [a, b, c]: &[Point3<f64>; 3]) -> Matrix4<f64> {
    let (right, up) = ((b - a).normalize(), (c - a).normalize());
    let normal = right.cross(&up).normalize();
    let distance = -normal.dot(&(a - eye));
    let near = 0.1;
    let at = |axis: &Vector3<f64>, corner: &Point3<f64>| axis.dot(&(corner - eye)) * near / distance;
    let (l, r, bottom, top) = (at(&right, a), at(&right, b), at(&up, a), at(&up, c));
    let (far, view) = (1000.0, Isometry3::look_at_rh(eye, &(eye - normal), &up));
    #[rustfmt::skip]
    let clip_from_view = Matrix4::new(
        2.0 * near / (r - l), 0.0, (r + l) / (r - l), 0.0,
        0.0, 2.0 * near / (top - bottom), (top + bottom) / (top - bottom), 0.0,
        0.0, 0.0, -(far + near) / (far - near), -2.0 * far * near / (far - near),
        0.0, 0.0, -1.0, 0.0,
    );
    clip_from_view * view.to_homogeneous()
}
