//! The latch: once per tick, every camera's state at the instant its sensor sees the frame's light.

use crate::exposure::{LineInstants, line_instants};
use cyc_core::{
    CameraInput, CameraState, FrameInput, LateCamera, Pose, PoseSource, Quality, Rate, StageTime, Tick, Timecode,
};
use cyc_stage::stage::{Camera, Stage};
use std::collections::BTreeMap;

/// Hours in the label of frame 0: programmes begin at 01:00:00:00, so that a lead-in has labels too.
const FIRST_HOUR: u8 = 1;

/// Turns ticks and camera states into one [`FrameInput`] per frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latch {
    rate: Rate,
    latency_frames: u32,
}

/// What was latched for one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Latched {
    /// What `solve` takes.
    pub input: FrameInput,
    /// Every stage camera's state with its stamps, in the stage's order; lost ones too.
    pub cameras: Vec<CameraState>,
    /// When it was latched.
    pub at: StageTime,
}

/// A camera's state renewed late in the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatePose {
    /// At the middle of the exposure.
    pub state: CameraState,
    /// The sensor's poses as its first and its last line expose; `None` unless that was asked for.
    pub lines: Option<[Pose; 2]>,
}

impl LatePose {
    /// As `relatch` takes it, the inner picture as wide as it was latched with; `None` if nothing is known.
    pub fn camera(&self, latched: Option<&CameraInput>) -> Option<LateCamera> {
        let input = CameraInput { overscan: latched.and_then(|latched| latched.overscan), ..self.state.input? };
        Some(LateCamera { input, lines: self.lines })
    }
}

impl Latch {
    /// For a stage's beat and its slowest output.
    ///
    /// All walls share one display time, since one camera looks at all of them and a frame has one pose per camera;
    /// an output with fewer `latency_frames` than the slowest is early by the difference, and the stage evens that
    /// out in its processors (their frame delay), as they have to for the camera anyway.
    pub fn new(stage: &Stage) -> Latch {
        let latency_frames = stage.outputs.iter().map(|output| output.latency_frames).max().unwrap_or(0);
        Latch { rate: stage.frame_rate, latency_frames }
    }

    /// When the pictures of the tick's frame must be handed over: the ideal instant of the next tick.
    pub fn deadline(&self, tick: &Tick) -> StageTime {
        self.later(tick, 1)
    }

    /// When the frame's light leaves the wall: handed over at the deadline, then processor and panel.
    pub fn display_time(&self, tick: &Tick) -> StageTime {
        self.later(tick, 1 + u64::from(self.latency_frames))
    }

    /// The ideal instant of the tick `frames` later. Each distance is the difference of two frame starts that are
    /// rounded once, so that a beat of 1001/24000 s never drifts.
    fn later(&self, tick: &Tick, frames: u64) -> StageTime {
        let start = |frame: u64| self.rate.nanos_of_frame(frame);
        tick.ideal.plus_nanos(start(tick.frame.saturating_add(frames)).saturating_sub(start(tick.frame)))
    }

    /// When the sensor lines of `camera` see the frame that is lit from `display_time` on.
    pub fn exposed(&self, camera: &Camera, display_time: StageTime) -> LineInstants {
        line_instants(display_time, self.rate, &camera.exposure)
    }

    /// The input of the tick's frame: every camera of the stage as its sensor's middle line sees the frame. `now` is
    /// when that happens.
    pub fn latch(&self, stage: &Stage, source: &dyn PoseSource, tick: &Tick, now: StageTime) -> Latched {
        let display_time = self.display_time(tick);
        let state = |camera: &Camera| camera_state(camera, source, self.exposed(camera, display_time)[1]);
        let cameras: Vec<_> = stage.cameras.iter().map(state).collect();
        let label = tick.label.map(|label| label.to_string());
        let input = FrameInput {
            frame: tick.frame,
            timecode: label.unwrap_or_else(|| timecode_label(tick.frame, self.rate)),
            display_time,
            cameras: inputs(stage, &cameras),
            ..FrameInput::default()
        };
        Latched { input, cameras, at: now }
    }

    /// Every camera's state for the same instants as [`Latch::latch`], with what has arrived since; with `lines`, also
    /// where the sensor is when its first and its last line expose. Allocates nothing once `late` has held as many.
    pub fn late_into(
        &self,
        stage: &Stage,
        source: &dyn PoseSource,
        display_time: StageTime,
        lines: bool,
        late: &mut Vec<LatePose>,
    ) {
        late.clear();
        late.extend(stage.cameras.iter().map(|camera| {
            let at = self.exposed(camera, display_time);
            if lines && camera.feed.is_some() && at[0] != at[2] {
                let (state, lines) = source.lines(&camera.id, at);
                LatePose { state, lines }
            } else {
                LatePose { state: camera_state(camera, source, at[1]), lines: None }
            }
        }));
    }
}

/// The states that say something, as `FrameInput.cameras` holds them.
pub fn inputs(stage: &Stage, states: &[CameraState]) -> BTreeMap<String, CameraInput> {
    let known = stage.cameras.iter().zip(states).filter_map(|(camera, state)| Some((camera.id.clone(), state.input?)));
    known.collect()
}

/// The timecode of a frame of the stage's beat, frame 0 being 01:00:00:00; drop-frame where the rate has that.
pub fn timecode_label(frame: u64, rate: Rate) -> String {
    let drop_frame = Timecode::can_drop(rate);
    let origin = Timecode { hours: FIRST_HOUR, minutes: 0, seconds: 0, frames: 0, drop_frame };
    let origin_frame = origin.frame(rate).unwrap_or(0);
    Timecode::of_frame(frame.saturating_add(origin_frame), rate, drop_frame).to_string()
}

/// A camera on a feed is what the feed says; one without stands where the file says, or is lost.
fn camera_state(camera: &Camera, source: &dyn PoseSource, at: StageTime) -> CameraState {
    if camera.feed.is_some() {
        return source.sample(&camera.id, at);
    }
    CameraState { input: fixed_input(camera), ..CameraState::LOST }
}

/// The state of a camera that stands where the stage file says; `None` if the file does not say.
pub fn fixed_input(camera: &Camera) -> Option<CameraInput> {
    Some(CameraInput {
        pose: camera.fixed_pose?,
        focal_length_mm: camera.focal_length_mm,
        focus_distance_m: None,
        entrance_pupil_offset_m: 0.0,
        quality: Quality::Measured,
        overscan: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{camera, input, output, stage};
    use cyc_core::report::FeedReport;
    use cyc_stage::stage::Shutter;

    /// Knows one camera, whose focal length says for which instant it was asked.
    struct OneCamera(&'static str);

    impl PoseSource for OneCamera {
        fn sample(&self, camera: &str, at: StageTime) -> CameraState {
            let known = CameraState {
                input: Some(input(Pose::identity(), at.0 as f64)),
                capture: Some(at.plus_nanos(-5)),
                received: Some(at.plus_nanos(-3)),
                motion: None,
            };
            if camera == self.0 { known } else { CameraState::LOST }
        }

        fn feeds(&self) -> Vec<(String, FeedReport)> {
            Vec::new()
        }
    }

    fn tick(frame: u64, ideal: i64) -> Tick {
        Tick { actual: StageTime(ideal).plus_nanos(70), ..Tick::on_time(frame, StageTime(ideal)) }
    }

    fn with_latency(frames: &[u32]) -> Stage {
        Stage { outputs: frames.iter().map(|frames| output(*frames)).collect(), ..stage([0.0; 3], vec![]) }
    }

    #[test]
    fn light_leaves_one_frame_and_the_slowest_output_after_the_tick() {
        let display =
            |latency: &[u32], tick: Tick| Latch::new(&with_latency(latency)).display_time(&tick).0 - tick.ideal.0;
        // 1001/24000 s = 41,708,333.33 ns.
        assert_eq!(display(&[], tick(0, 1_000)), 41_708_333);
        assert_eq!(display(&[0, 2, 1], tick(0, 1_000)), 125_125_000);
        assert_eq!(Latch::new(&with_latency(&[2])).deadline(&tick(0, 1_000)), StageTime(41_709_333));
        // Never drifts: the deadline of a frame is the ideal instant of the next, however late.
        let latch = Latch::new(&with_latency(&[]));
        let rate = latch.rate;
        for frame in [0, 1, 2, 3, 1_000_000, 123_456_789] {
            assert_eq!(latch.deadline(&tick(frame, rate.nanos_of_frame(frame))).0, rate.nanos_of_frame(frame + 1));
        }
        assert!(latch.display_time(&tick(u64::MAX, i64::MAX)).0 == i64::MAX);
    }

    #[test]
    fn every_camera_is_latched_for_the_display_time() {
        let fixed = Pose::from_pan_tilt_roll([1.0, 2.0, 3.0].into(), 0.1, 0.2, 0.3);
        let cameras = vec![
            camera("fed", Some(0), None),
            camera("silent", Some(0), None),
            camera("fixed", None, Some(fixed)),
            camera("nowhere", None, None),
        ];
        let stage = Stage { cameras, ..with_latency(&[1]) };
        let latch = Latch::new(&stage);
        let latched = latch.latch(&stage, &OneCamera("fed"), &tick(120, 500), StageTime(777));
        let display_time = latch.display_time(&tick(120, 500));
        assert_eq!(latched.at, StageTime(777));
        assert_eq!((latched.input.frame, latched.input.display_time), (120, display_time));
        assert_eq!(latched.input.timecode, "01:00:05:00");
        assert_eq!(latched.input.cameras.keys().collect::<Vec<_>>(), ["fed", "fixed"]);
        assert_eq!(latched.input.cameras["fed"].focal_length_mm, display_time.0 as f64);
        assert_eq!(latched.input.cameras["fixed"], CameraInput { quality: Quality::Measured, ..input(fixed, 35.0) });
        assert_eq!(latched.cameras.len(), 4);
        assert_eq!(latched.cameras[1], CameraState::LOST);
        assert_eq!(latched.cameras[3], CameraState::LOST);
        assert_eq!(latched.cameras[2].capture, None);
        let mut late = Vec::new();
        latch.late_into(&stage, &OneCamera("fed"), display_time, true, &mut late);
        assert_eq!(late.iter().map(|pose| pose.state).collect::<Vec<_>>(), latched.cameras);
        assert!(late.iter().all(|pose| pose.lines.is_none()), "without a shutter all lines expose at once");
    }

    #[test]
    fn a_shutter_moves_the_instant_to_the_middle_of_the_exposure() {
        let mut stage = Stage { cameras: vec![camera("fed", Some(0), None)], ..with_latency(&[1]) };
        let shutter = Shutter { angle_deg: 180.0, phase_deg: 0.0, readout_ms: 15.0, lines_down: true };
        stage.cameras[0].exposure.shutter = Some(shutter);
        let (latch, tick) = (Latch::new(&stage), tick(120, 500));
        let latched = latch.latch(&stage, &OneCamera("fed"), &tick, StageTime(777));
        let exposed = latch.exposed(&stage.cameras[0], latched.input.display_time);
        assert_eq!(exposed[2].nanos_since(exposed[0]), 15_000_000);
        assert_eq!(latched.input.cameras["fed"].focal_length_mm, exposed[1].0 as f64);
        let mut late = Vec::new();
        latch.late_into(&stage, &OneCamera("fed"), latched.input.display_time, true, &mut late);
        assert!(late[0].lines.is_some());
        latch.late_into(&stage, &OneCamera("fed"), latched.input.display_time, false, &mut late);
        assert!(late[0].lines.is_none());
    }

    #[test]
    fn timecode_starts_at_one_and_drops_where_the_rate_does() {
        let label = |frame, rate: &str| timecode_label(frame, crate::fixture::rate(rate));
        assert_eq!(label(0, "24"), "01:00:00:00");
        assert_eq!(label(25 * 61, "25"), "01:01:01:00");
        assert_eq!(label(1800, "30000/1001"), "01:01:00;02");
        assert_eq!(label(1440, "24000/1001"), "01:01:00:00");
    }
}
