//! What measured light means for a stage: frames of latency, and how old a pose is when it shines.

use super::super::fit::median;
use super::LightDelay;
use cyc_core::{FrameReport, StageTime};
use cyc_stage::Stage;
use std::collections::BTreeMap;
use std::fmt;

/// One output's light, in the stage file's words.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputLight {
    /// The output's id.
    pub id: String,
    /// What was measured.
    pub light: LightDelay,
    /// One wall frame, nanoseconds.
    pub frame_nanos: f64,
    /// From the deadline of a frame (a frame after its tick, when a window's picture is handed over) to its light,
    /// frames: what `latency_frames` stands for, with its fraction.
    pub latency: f64,
    /// The measured light less `display_time_ns`, what the stage predicted for, nanoseconds.
    pub late_nanos: i64,
    /// From the capture of the pose that a frame shows to the frame's light, nanoseconds, by camera id.
    pub tracker_nanos: BTreeMap<String, i64>,
}

/// When each frame was handed over.
pub fn shown_frames(reports: &[FrameReport]) -> Vec<(u64, StageTime)> {
    reports.iter().map(|report| (report.frame, report.presented_ns)).collect()
}

/// What the delays mean for the outputs of `stage` that ran as `reports` say; outputs that the stage does not have are
/// left out.
pub fn output_lights(stage: &Stage, reports: &[FrameReport], lights: &[LightDelay]) -> Vec<OutputLight> {
    let rate = stage.frame_rate;
    let frame_nanos = 1e9 * f64::from(rate.den()) / f64::from(rate.num());
    let usual = |value: &dyn Fn(&FrameReport) -> Option<i64>| {
        median(&reports.iter().filter_map(|report| value(report).map(|nanos| nanos as f64)).collect::<Vec<f64>>())
    };
    let since_tick = usual(&|report| Some(report.presented_ns.nanos_since(report.tick_ns))).unwrap_or(0.0);
    let since_display = usual(&|report| Some(report.presented_ns.nanos_since(report.display_time_ns))).unwrap_or(0.0);
    let cameras: Vec<&String> = reports.iter().rev().take(1).flat_map(|report| report.cameras.keys()).collect();
    let output = |light: &LightDelay| {
        let since_capture = |id: &&String| {
            let age =
                |report: &FrameReport| Some(report.presented_ns.nanos_since(report.cameras.get(*id)?.capture_ns?));
            Some((id.to_string(), (usual(&age)? + light.delay_nanos as f64) as i64))
        };
        Some(OutputLight {
            id: stage.outputs.get(light.source as usize)?.id.clone(),
            light: *light,
            frame_nanos,
            latency: (since_tick + light.delay_nanos as f64) / frame_nanos - 1.0,
            late_nanos: (since_display + light.delay_nanos as f64) as i64,
            tracker_nanos: cameras.iter().filter_map(since_capture).collect(),
        })
    };
    lights.iter().filter_map(output).collect()
}

impl OutputLight {
    /// The whole number of frames to write as `latency_frames`.
    pub fn latency_frames(&self) -> u32 {
        self.latency.round().clamp(0.0, 120.0) as u32
    }

    /// The light's standard error, frames.
    pub fn error_frames(&self) -> f64 {
        self.light.standard_error_nanos as f64 / self.frame_nanos
    }
}

impl fmt::Display for OutputLight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |nanos: i64| nanos as f64 * 1e-6;
        let LightDelay { delay_nanos, pictures, changes, spots, .. } = self.light;
        writeln!(
            f,
            "{}: light {:.2} frames ({:.1} ms) after hand-over, standard error {:.2} frames ({changes} changes in \
             {pictures} pictures, {spots} spots)",
            self.id,
            delay_nanos as f64 / self.frame_nanos,
            ms(delay_nanos),
            self.error_frames(),
        )?;
        let whole = self.latency_frames();
        write!(
            f,
            "  {:.2} frames after the deadline: latency_frames = {whole}, and {:+.2} frames that whole frames cannot say",
            self.latency,
            self.latency - f64::from(whole),
        )?;
        for (camera, nanos) in &self.tracker_nanos {
            let frames = *nanos as f64 / self.frame_nanos;
            write!(f, "\n  {camera}: {:.1} ms ({frames:.2} frames) from tracker to light", ms(*nanos))?;
        }
        if self.error_frames() > 0.1 {
            write!(
                f,
                "\n  the camera keeps step with the wall and hardly sees it change: film at another rate (25 for 24), or \
                 move its shutter's phase"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{output, stage};
    use cyc_core::Quality;
    use cyc_core::report::CameraReport;

    const FRAME: i64 = 41_666_667;

    /// Frames handed over 2 ms before their deadlines, with poses captured 9 ms before the tick.
    fn reports() -> Vec<FrameReport> {
        let report = |frame: u64| {
            let tick_ns = StageTime(frame as i64 * FRAME);
            let camera = CameraReport {
                position_m: None,
                orientation_wxyz: None,
                focal_length_mm: None,
                quality: Quality::Predicted,
                capture_ns: Some(tick_ns.plus_nanos(-9_000_000)),
                received_ns: None,
                latched_ns: None,
                late_latched_ns: None,
                warped_ns: None,
                pose_for_ns: None,
                pose_age_ns: None,
                overscan: None,
                overscan_needed: None,
                exposure_true: false,
                disoccluded_px: None,
            };
            FrameReport {
                frame,
                tick_ns,
                display_time_ns: tick_ns.plus_nanos(2 * FRAME),
                presented_ns: tick_ns.plus_nanos(FRAME - 2_000_000),
                cameras: BTreeMap::from([("cam".to_string(), camera)]),
                ..FrameReport::default()
            }
        };
        (0..50).map(report).collect()
    }

    fn at_24() -> Stage {
        Stage { frame_rate: "24".parse().unwrap(), ..stage([0.0; 3], Vec::new()) }
    }

    fn light(source: u32, delay_nanos: i64, standard_error_nanos: i64) -> LightDelay {
        LightDelay { source, delay_nanos, standard_error_nanos, pictures: 200, changes: 150, spots: 900 }
    }

    #[test]
    fn light_is_told_in_the_stage_file_s_words() {
        let mut stage = at_24();
        stage.outputs = vec![output(1), output(1)];
        stage.outputs[1].id = "right".into();
        let delay = 5 * FRAME / 2 + 2_000_000;
        let found = output_lights(&stage, &reports(), &[light(1, delay, 400_000), light(7, 0, 0)]);
        assert_eq!(found.len(), 1, "the stage has two outputs");
        let right = &found[0];
        assert_eq!((right.id.as_str(), right.latency_frames()), ("right", 3));
        assert!((right.latency - 2.5).abs() < 1e-6 && (right.error_frames() - 0.0096).abs() < 1e-6);
        // The stage said 1 frame after the deadline.
        assert!((right.late_nanos - 3 * FRAME / 2).abs() <= 1);
        assert!((right.tracker_nanos["cam"] - (FRAME + 5 * FRAME / 2 + 9_000_000)).abs() <= 1);
        let text = right.to_string();
        assert!(text.starts_with("right: light 2.55 frames (106.2 ms) after hand-over, standard error 0.01"), "{text}");
        assert!(text.contains("latency_frames = 3, and -0.50 frames that whole frames cannot say"), "{text}");
        assert!(text.contains("cam: 154.8 ms (3.72 frames) from tracker to light"), "{text}");
        assert!(!text.contains("keeps step"), "{text}");
    }

    #[test]
    fn a_camera_in_step_is_advised_and_nothing_known_is_nothing_said() {
        let mut stage = at_24();
        stage.outputs = vec![output(0)];
        let text = output_lights(&stage, &reports(), &[light(0, FRAME, 6_000_000)])[0].to_string();
        assert!(text.contains("film at another rate (25 for 24)"), "{text}");
        let alone = output_lights(&stage, &[], &[light(0, -FRAME, 0)]);
        assert_eq!((alone[0].latency_frames(), alone[0].tracker_nanos.len()), (0, 0));
    }
}
