//! The latch: once per tick, every camera's state at the instant the frame's light will leave the wall.

use cyc_core::{CameraInput, CameraState, FrameInput, PoseSource, Quality, Rate, StageTime, Tick, Timecode};
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
    /// Every stage camera's state with its stamps, by id; lost ones too.
    pub cameras: BTreeMap<String, CameraState>,
    /// When it was latched.
    pub at: StageTime,
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

    /// The input of the tick's frame: every camera of the stage at the frame's display time. `now` is when that
    /// happens.
    pub fn latch(&self, stage: &Stage, source: &dyn PoseSource, tick: &Tick, now: StageTime) -> Latched {
        let display_time = self.display_time(tick);
        let cameras = camera_states(stage, source, display_time);
        let input = FrameInput {
            frame: tick.frame,
            timecode: timecode_label(tick.frame, self.rate),
            display_time,
            cameras: inputs(&cameras),
            ..FrameInput::default()
        };
        Latched { input, cameras, at: now }
    }

    /// Every camera's state for the same instant as `plan`'s, with what has arrived since: what `relatch` takes,
    /// through [`inputs`].
    pub fn late(
        &self,
        stage: &Stage,
        source: &dyn PoseSource,
        display_time: StageTime,
    ) -> BTreeMap<String, CameraState> {
        camera_states(stage, source, display_time)
    }
}

/// The states that say something, as `FrameInput.cameras` or `FrameInput.late` holds them.
pub fn inputs(states: &BTreeMap<String, CameraState>) -> BTreeMap<String, CameraInput> {
    states.iter().filter_map(|(id, state)| Some((id.clone(), state.input?))).collect()
}

/// The timecode of a frame of the stage's beat, frame 0 being 01:00:00:00; drop-frame where the rate has that.
pub fn timecode_label(frame: u64, rate: Rate) -> String {
    let drop_frame = Timecode::can_drop(rate);
    let origin = Timecode { hours: FIRST_HOUR, minutes: 0, seconds: 0, frames: 0, drop_frame };
    let origin_frame = origin.frame(rate).unwrap_or(0);
    Timecode::of_frame(frame.saturating_add(origin_frame), rate, drop_frame).to_string()
}

fn camera_states(stage: &Stage, source: &dyn PoseSource, at: StageTime) -> BTreeMap<String, CameraState> {
    stage.cameras.iter().map(|camera| (camera.id.clone(), camera_state(camera, source, at))).collect()
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{camera, input, output, stage};
    use cyc_core::{Pose, report::FeedReport};

    /// Knows one camera, whose focal length says for which instant it was asked.
    struct OneCamera(&'static str);

    impl PoseSource for OneCamera {
        fn sample(&self, camera: &str, at: StageTime) -> CameraState {
            let known = CameraState {
                input: Some(input(Pose::identity(), at.0 as f64)),
                capture: Some(at.plus_nanos(-5)),
                received: Some(at.plus_nanos(-3)),
            };
            if camera == self.0 { known } else { CameraState::LOST }
        }

        fn feeds(&self) -> Vec<(String, FeedReport)> {
            Vec::new()
        }
    }

    fn tick(frame: u64, ideal: i64) -> Tick {
        Tick { frame, ideal: StageTime(ideal), actual: StageTime(ideal).plus_nanos(70), missed: 0 }
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
        assert_eq!(latched.cameras["silent"], CameraState::LOST);
        assert_eq!(latched.cameras["nowhere"], CameraState::LOST);
        assert_eq!(latched.cameras["fixed"].capture, None);
        assert_eq!(inputs(&latch.late(&stage, &OneCamera("fed"), display_time)), latched.input.cameras);
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
