//! One frame's input: everything the outside world said, latched once per tick.
//!
//! Source: Cyclorama interfaces, `FRAMES.jsonl`.

use crate::{Pose, StageTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a value can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Interpolated between samples around the instant.
    Measured,
    /// Extrapolated from the newest samples, within the feed's `predict_ms`.
    Predicted,
    /// The last pose, kept: the feed has been silent for longer than `predict_ms`.
    Held,
    /// Nothing is known, or the feed has been silent for longer than `hold_ms`.
    Lost,
}

/// A camera's state for one frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CameraInput {
    /// The sensor's pose, after `mount`, stage space.
    #[serde(flatten)]
    pub pose: Pose,
    /// Pinhole focal length in millimetres, for the sensor size of the stage file.
    pub focal_length_mm: f64,
    /// Focus distance in metres; infinity is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus_distance_m: Option<f64>,
    /// Entrance pupil, metres from the sensor towards the subject along the camera's +Y.
    #[serde(default)]
    pub entrance_pupil_offset_m: f64,
    /// How the pose came about.
    pub quality: Quality,
}

/// A tracked thing that is not a camera.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SubjectInput {
    /// Pose in stage space.
    #[serde(flatten)]
    pub pose: Pose,
    /// How the pose came about.
    pub quality: Quality,
}

/// Something that happened between two ticks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventInput {
    /// What happened.
    pub name: String,
}

/// All of one frame's input. With the stage and the environment it determines every wall pixel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FrameInput {
    /// Frame number.
    pub frame: u64,
    /// The frame's timecode label.
    #[serde(default)]
    pub timecode: String,
    /// When the frame's light is expected to leave the wall.
    #[serde(rename = "display_time_ns")]
    pub display_time: StageTime,
    /// Cameras by id; a camera of the stage that is absent has no pose yet.
    #[serde(default)]
    pub cameras: BTreeMap<String, CameraInput>,
    /// Other tracked things by id.
    #[serde(default)]
    pub subjects: BTreeMap<String, SubjectInput>,
    /// Events since the frame before.
    #[serde(default)]
    pub events: Vec<EventInput>,
    /// Camera states renewed late in the frame, where that happened.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub late: BTreeMap<String, CameraInput>,
}
