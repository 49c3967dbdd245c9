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
            let age = |report: &FrameReport| Some(report.presented_ns.nanos_since(report.cameras.get(*id)?.capture_ns?));
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
