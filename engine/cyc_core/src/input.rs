//! One frame's input: everything the outside world said, latched once per tick.
//!
//! Source: Cyclorama interfaces, `FRAMES.jsonl`.

use crate::{Pose, StageTime};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::marker::PhantomData;

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
    #[serde(deserialize_with = "focal_length")]
    pub focal_length_mm: f64,
    /// Focus distance in metres; infinity is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus_distance_m: Option<f64>,
    /// Entrance pupil, metres from the sensor towards the subject along the camera's +Y.
    #[serde(default)]
    pub entrance_pupil_offset_m: f64,
    /// How the pose came about.
    pub quality: Quality,
    /// Linear overscan of the inner picture where it is more than the stage file's, since the camera turns fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overscan: Option<f64>,
}

/// A camera's state renewed late in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LateCamera {
    /// The state at the middle of the exposure.
    #[serde(flatten)]
    pub input: CameraInput,
    /// The sensor's poses when its first and its last line expose, where the wall is drawn line by line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<[Pose; 2]>,
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
    #[serde(default, deserialize_with = "named_cameras")]
    pub cameras: BTreeMap<String, CameraInput>,
    /// Other tracked things by id.
    #[serde(default, deserialize_with = "named_subjects")]
    pub subjects: BTreeMap<String, SubjectInput>,
    /// Events since the frame before.
    #[serde(default)]
    pub events: Vec<EventInput>,
    /// Camera states renewed late in the frame, where that happened.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "named_late_cameras")]
    pub late: BTreeMap<String, LateCamera>,
}

fn focal_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let millimetres = f64::deserialize(deserializer)
        .map_err(|error| D::Error::custom(format_args!("focal_length_mm must be a number: {error}")))?;
    if millimetres > 0.0 && millimetres.is_finite() {
        Ok(millimetres)
    } else {
        Err(D::Error::custom(format_args!("focal_length_mm must be greater than 0, not {millimetres}")))
    }
}

fn named_cameras<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, CameraInput>, D::Error> {
    deserializer.deserialize_map(Named::new("camera"))
}

fn named_late_cameras<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, LateCamera>, D::Error> {
    deserializer.deserialize_map(Named::new("late camera"))
}

fn named_subjects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, SubjectInput>, D::Error> {
    deserializer.deserialize_map(Named::new("subject"))
}

/// Reads a map whose errors say under which key they are.
struct Named<T> {
    what: &'static str,
    value: PhantomData<T>,
}

impl<T> Named<T> {
    fn new(what: &'static str) -> Self {
        Self { what, value: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a map of {}s by id", self.what)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(id) = map.next_key::<String>()? {
            let value =
                map.next_value().map_err(|error| A::Error::custom(format_args!("{} {id:?}: {error}", self.what)))?;
            values.insert(id, value);
        }
        Ok(values)
    }
}
