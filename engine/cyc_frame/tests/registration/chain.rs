//! The stage's own way from samples to the pupil that a wall point is drawn for, in virtual time: the real timeline,
//! latch, `solve` and `relatch`, fed by a simulated tracker.

use crate::noise::Noise;
use crate::oracle::{FOCAL_MM, READOUT_SECS, SENSOR_MM};
use crate::truth::{Truth, tracked};
use cyc_core::profile::FilterProfile;
use cyc_core::report::FeedReport;
use cyc_core::{
    CameraInput, CameraSample, CameraState, LateCamera, LensSample, LossPolicy, Pose, PoseSource, Quality, Sampled,
    StageTime, Tick, Timeline,
};
use cyc_frame::{FramePlan, InnerView, Latch, LatePose, inner_ndc, relatch, solve};
use cyc_stage::Stage;
use nalgebra::{Point3, UnitQuaternion, Vector3};
use std::path::Path;

/// What is switched on, each with all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The newest sample at the latch.
    Off,
    /// The filter's prediction for the middle of the exposure.
    Prediction,
    /// And the pose renewed before submission.
    LateLatch,
    /// And once more while composing.
    LateWarp,
    /// And every line for itself.
    ExposureTrue,
}

/// All steps in their order.
pub const STEPS: [Step; 5] = [Step::Off, Step::Prediction, Step::LateLatch, Step::LateWarp, Step::ExposureTrue];

/// The tracker and what is between it and the stage.
#[derive(Debug, Clone, Copy)]
pub struct Tracker {
    /// Samples per second.
    pub rate_hz: f64,
    /// From capture to arrival, seconds.
    pub delay_secs: f64,
    /// Deviation of each coordinate, metres.
    pub noise_m: f64,
    /// Deviation of each angle, radians.
    pub noise_rad: f64,
    /// No sample is captured in the first so many seconds of every so many.
    pub drop_out: Option<[f64; 2]>,
    /// Seed of the noise.
    pub seed: u64,
}

/// 120 Hz (and a little, so that tracker and frames drift through all phases), 6 ms late, 0.1 mm and 0.005 degrees.
pub const TRACKER: Tracker = Tracker {
    rate_hz: 120.07,
    delay_secs: 0.006,
    noise_m: 1e-4,
    noise_rad: 0.005 * std::f64::consts::PI / 180.0,
    drop_out: None,
    seed: 1,
};

/// The wall's frames per second.
pub const RATE_HZ: f64 = 24.0;
/// When the late latch takes its samples, as a part of the frame, and the late warp before the deadline in seconds.
const LATE_LATCH: f64 = 0.6;
const LATE_WARP_SECS: f64 = 0.004;

impl Tracker {
    /// Everything it captures within `secs`, by capture time.
    pub fn samples(&self, truth: &dyn Truth, mount: &Pose, pupil_offset_m: f64, secs: f64) -> Vec<CameraSample> {
        let mut noise = Noise(self.seed);
        let mut samples = Vec::new();
        for n in 0..(secs * self.rate_hz) as u64 {
            let capture = n as f64 / self.rate_hz;
            let mut pose = tracked(truth, capture, mount, pupil_offset_m);
            let mut shake = |by: f64| Vector3::from_fn(|_, _| by * noise.normal());
            pose.position_m += shake(self.noise_m);
            pose.orientation *= UnitQuaternion::new(shake(self.noise_rad));
            let silent = self.drop_out.is_some_and(|[length, every]| capture > every && capture % every < length);
            if !silent {
                let lens = LensSample { entrance_pupil_offset_m: Some(pupil_offset_m), ..LensSample::default() };
                let received = at(capture + self.delay_secs);
                samples.push(CameraSample { pose, lens, capture: at(capture), received });
            }
        }
        samples
    }
}

/// Seconds as stage time.
pub fn at(secs: f64) -> StageTime {
    StageTime((secs * 1e9).round() as i64)
}

/// A stage of one wall, one camera and one output that is so many frames late.
pub fn stage(latency_frames: u32, mount_m: [f64; 3]) -> Stage {
    let [x, y, z] = mount_m;
    let text = format!(
        r#"
format = 1
name = "registration"
frame_rate = "24"

[[wall]]
id = "main"
panel = {{ width_px = 192, height_px = 192, pitch_mm = 2.6 }}
shape.flat = {{ columns = 24, rows = 10 }}
position_m = [0.0, 5.0, 0.0]

[[feed]]
id = "trk"
protocol.freed = {{ udp = "127.0.0.1:40000" }}

[[camera]]
id = "cam"
feed = "trk"
sensor = {{ width_mm = {}, height_mm = {} }}
focal_length_mm = {FOCAL_MM}
mount = {{ position_m = [{x}, {y}, {z}] }}
inner = {{ width_px = 1920, height_px = 1080, overscan = 1.1 }}
shutter = {{ angle_deg = 180.0, phase_deg = 0.0, readout_ms = {}, lines = "down" }}

[[output]]
node = "n"
wall = "main"
latency_frames = {latency_frames}
"#,
        SENSOR_MM[0],
        SENSOR_MM[1],
        READOUT_SECS * 1e3
    );
    let no_files = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    match cyc_stage::parse(&text, Path::new("registration.toml"), &no_files) {
        Ok(loaded) => loaded.stage,
        Err(problems) => panic!("{problems}"),
    }
}

/// What answers for the camera's pose.
pub trait Answers: Send + Sync {
    /// Hears of a sample that has arrived.
    fn hear(&mut self, sample: &CameraSample);
    /// The tracked point at three instants.
    fn lines(&self, at: [StageTime; 3]) -> Option<[Sampled; 3]>;
    /// The tracked point at one instant.
    fn at(&self, at: StageTime) -> Option<Sampled> {
        self.lines([at; 3]).map(|[_, middle, _]| middle)
    }
}

/// The real timeline.
pub struct Filter {
    timeline: Timeline,
}

impl Filter {
    /// With a profile.
    pub fn new(filter: FilterProfile) -> Self {
        Self { timeline: Timeline::with_filter(filter) }
    }
}

impl Answers for Filter {
    fn hear(&mut self, sample: &CameraSample) {
        self.timeline.push(*sample);
    }

    fn lines(&self, at: [StageTime; 3]) -> Option<[Sampled; 3]> {
        self.timeline.lines(at, &LossPolicy::default())
    }

    fn at(&self, at: StageTime) -> Option<Sampled> {
        self.timeline.at(at, &LossPolicy::default())
    }
}

/// The newest sample, whatever it is asked for.
#[derive(Default)]
pub struct Newest {
    filter: Timeline,
}

impl Answers for Newest {
    fn hear(&mut self, sample: &CameraSample) {
        self.filter.push(*sample);
    }

    fn lines(&self, _: [StageTime; 3]) -> Option<[Sampled; 3]> {
        let newest = self.filter.newest()?;
        self.filter.at(newest.capture, &LossPolicy::default()).map(|state| [state; 3])
    }
}

/// The answers as a source of camera states, as the stage's feeds are one.
struct Source<'a> {
    answers: &'a dyn Answers,
    mount: Pose,
}

impl Source<'_> {
    fn state(&self, sampled: &Sampled) -> CameraState {
        let (pose, motion) = sampled.mounted(&self.mount);
        let input = CameraInput {
            pose,
            focal_length_mm: FOCAL_MM,
            focus_distance_m: None,
            entrance_pupil_offset_m: sampled.lens.entrance_pupil_offset_m.unwrap_or(0.0),
            quality: sampled.quality,
            overscan: None,
        };
        let (capture, received) = (Some(sampled.capture), Some(sampled.received));
        CameraState { input: Some(input), capture, received, motion: Some(motion) }
    }
}

impl PoseSource for Source<'_> {
    fn sample(&self, _: &str, at: StageTime) -> CameraState {
        self.answers.at(at).map_or(CameraState::LOST, |sampled| self.state(&sampled))
    }

    fn lines(&self, _: &str, at: [StageTime; 3]) -> (CameraState, Option<[Pose; 2]>) {
        let Some([first, middle, last]) = self.answers.lines(at) else { return (CameraState::LOST, None) };
        (self.state(&middle), Some([first, last].map(|sampled| sampled.mounted(&self.mount).0)))
    }

    fn feeds(&self) -> Vec<(String, FeedReport)> {
        Vec::new()
    }
}

/// What one frame showed with each step on.
pub struct Shown {
    /// When its first sensor row is exposed, seconds.
    pub first_row_secs: f64,
    /// The camera's state at the latch.
    pub latched: CameraState,
    /// The inner view per step of [`STEPS`].
    pub views: [Option<InnerView>; 5],
    /// How good the latched pose was said to be.
    pub quality: Quality,
}

/// Runs a stage over samples sorted by arrival: `off` answers for [`Step::Off`], `on` for the rest.
pub fn run(
    stage: &Stage,
    samples: &[CameraSample],
    secs: f64,
    off: &mut dyn Answers,
    on: &mut dyn Answers,
) -> Vec<Shown> {
    let latch = Latch::new(stage);
    let mut samples = samples.iter().peekable();
    let mut shown = Vec::new();
    for frame in 0..((secs - 0.3) * RATE_HZ) as u64 {
        let tick = Tick::on_time(frame, StageTime(stage.frame_rate.nanos_of_frame(frame)));
        let deadline = latch.deadline(&tick);
        let display_time = latch.display_time(&tick);
        let late_latch = tick.ideal.plus_nanos((LATE_LATCH * 1e9 / RATE_HZ) as i64);
        let late_warp = deadline.plus_nanos((-LATE_WARP_SECS * 1e9) as i64);
        let mut hear = |until: StageTime, off: &mut dyn Answers, on: &mut dyn Answers| {
            while let Some(sample) = samples.next_if(|sample| sample.received <= until) {
                off.hear(sample);
                on.hear(sample);
            }
        };
        let mount = stage.cameras[0].mount;
        hear(tick.ideal, off, on);
        let newest = latch.latch(stage, &Source { answers: off, mount }, &tick, tick.ideal);
        let latched = latch.latch(stage, &Source { answers: on, mount }, &tick, tick.ideal);
        let plans = [solve(stage, &newest.input), solve(stage, &latched.input)];
        let renew = |on: &dyn Answers, lines: bool| {
            let mut late = Vec::new();
            latch.late_into(stage, &Source { answers: on, mount }, display_time, lines, &mut late);
            renewed(stage, &plans[1], &late)
        };
        hear(late_latch, off, on);
        let latch_view = renew(on, false);
        hear(late_warp, off, on);
        let views = [plans[0].cameras[0], plans[1].cameras[0], latch_view, renew(on, false), renew(on, true)];
        let first_row_secs = latch.exposed(&stage.cameras[0], display_time)[0].0 as f64 * 1e-9;
        let state = latched.cameras[0];
        let quality = state.input.map_or(Quality::Lost, |input| input.quality);
        shown.push(Shown { first_row_secs, latched: state, views, quality });
    }
    shown
}

fn renewed(stage: &Stage, plan: &FramePlan, late: &[LatePose]) -> Option<InnerView> {
    let latched = plan.cameras[0].map(|view| view.input);
    let late: Vec<Option<LateCamera>> = late.iter().map(|pose| pose.camera(latched.as_ref())).collect();
    relatch(stage, plan, &late).cameras[0]
}

/// The pupil that a view draws a wall point for: along the quadratic through the three lines' pupils at the row on
/// which the point falls, found by repeated look-up; the view's own pupil where it has no lines.
pub fn drawn_pupil(view: &InnerView, wall_m: &Point3<f64>) -> Option<Point3<f64>> {
    let Some([first, last]) = view.lines else { return Some(view.pupil_m) };
    let between = |a: f64, b: f64, c: f64, row: f64| {
        a * (2.0 * row - 1.0) * (row - 1.0) + b * 4.0 * row * (1.0 - row) + c * row * (2.0 * row - 1.0)
    };
    let mut row = 0.5;
    for _ in 0..4 {
        let clip_from_stage =
            first
                .clip_from_stage
                .zip_zip_map(&view.clip_from_stage, &last.clip_from_stage, |a, b, c| between(a, b, c, row));
        let [_, y] = inner_ndc(&InnerView { clip_from_stage, ..*view }, wall_m)?;
        // The sensor is the inner picture without its overscan.
        row = (0.5 - 0.5 * y * view.overscan).clamp(0.0, 1.0);
        if !view.lines_down {
            row = 1.0 - row;
        }
    }
    let pupil = |axis: usize| between(first.pupil_m[axis], view.pupil_m[axis], last.pupil_m[axis], row);
    Some(Point3::new(pupil(0), pupil(1), pupil(2)))
}
