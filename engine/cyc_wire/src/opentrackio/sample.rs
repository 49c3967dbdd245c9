//! A sample: the members this program reads, and what they mean in stage axes.

use super::{Encoding, cbor, json, number};
use crate::{WireError, angles::pan_tilt_roll};
use cyc_core::{LensSample, Pose, profile::OpenTrackIoProfile};
use nalgebra::{Matrix3, Point3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The major version that is spoken here.
const MAJOR: u32 = 1;

/// One sample: where a camera was and what its lens was like at one instant. Members that are not named here
/// are read over; every member may be absent, as in the schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sample {
    /// What and which version the sender speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// `urn:uuid:` of this sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_id: Option<String>,
    /// `urn:uuid:` of the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// Number of the sender; its multicast group is 239.135.1.N.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_number: Option<u32>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// The lens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens: Option<Lens>,
    /// From the stage outwards in: each is given in the axes of the one before; the last is the camera.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
    /// The tracker's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracker: Option<Tracker>,
    /// What does not change from sample to sample; sent every few seconds.
    #[serde(rename = "static", skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,
}

/// Name and version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// "OpenTrackIO".
    pub name: String,
    /// Major, minor, patch.
    #[serde(deserialize_with = "number::version")]
    pub version: [u32; 3],
}

/// A fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator.
    pub num: u32,
    /// Denominator.
    pub denom: u32,
}

/// When a sample was taken.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timing {
    /// Who says when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TimingMode>,
    /// The instant, PTP (TAI).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_timestamp: Option<Timestamp>,
    /// Counts samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<u32>,
    /// Samples per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<Rational>,
    /// Timecode of the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timecode: Option<SampleTimecode>,
    /// What the sender is locked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<Synchronization>,
}

/// Who says when a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TimingMode {
    /// The sample carries its timestamp.
    Internal,
    /// The transport supplies the time.
    External,
}

/// A PTP instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Seconds since 1970, TAI, 48 bits.
    pub seconds: u64,
    /// And nanoseconds.
    pub nanoseconds: u32,
}

/// A timecode label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "a timecode's parts, as in SMPTE ST 12-1")]
pub struct SampleTimecode {
    pub hours: u8,
    pub minutes: u8,
    pub seconds: u8,
    pub frames: u8,
    pub frame_rate: Rational,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop_frame: Option<bool>,
}

/// What a sender is locked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synchronization {
    /// Whether it is locked.
    pub locked: bool,
    /// "genlock", "videoIn", "ptp" or "ntp".
    pub source: String,
}

/// The state of a lens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lens {
    /// Pinhole focal length, mm.
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub pinhole_focal_length: Option<f64>,
    /// Focus distance, m.
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub focus_distance: Option<f64>,
    /// Entrance pupil from the sensor towards the subject, m.
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub entrance_pupil_offset: Option<f64>,
    /// Aperture, f-number.
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub f_stop: Option<f64>,
    /// Aperture, t-number.
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub t_stop: Option<f64>,
    /// Encoders, 0..1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoders: Option<Encoders>,
    /// Encoders, counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_encoders: Option<RawEncoders>,
    /// Distortion, one entry per model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub distortion: Vec<Distortion>,
    /// Centre of distortion, mm on the sensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distortion_offset: Option<Offset>,
    /// Optical axis, mm on the sensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection_offset: Option<Offset>,
}

/// Lens rings, normalised: focus 0 is infinity, iris 0 open, zoom 0 wide.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the three rings of a lens, 0..1")]
pub struct Encoders {
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub focus: Option<f64>,
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub iris: Option<f64>,
    #[serde(deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub zoom: Option<f64>,
}

/// Lens rings in the encoder's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the three rings of a lens, counts")]
pub struct RawEncoders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iris: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoom: Option<u32>,
}

/// Distortion coefficients, OpenLensIO order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distortion {
    /// Model and direction; absent means "Brown-Conrady D-U".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// k1, k2, ...
    #[serde(deserialize_with = "number::list")]
    pub radial: Vec<f64>,
    /// p1, p2.
    #[serde(default, deserialize_with = "number::list", skip_serializing_if = "Vec::is_empty")]
    pub tangential: Vec<f64>,
    /// Linear overscan the model needs.
    #[serde(default, deserialize_with = "number::option", skip_serializing_if = "Option::is_none")]
    pub overscan: Option<f64>,
}

/// Millimetres on the sensor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "x right, y down")]
pub struct Offset {
    #[serde(deserialize_with = "number::one")]
    pub x: f64,
    #[serde(deserialize_with = "number::one")]
    pub y: f64,
}

/// One link of the chain from stage to camera.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Transform {
    /// Translation, m.
    pub translation: Vector,
    /// Rotation, degrees.
    pub rotation: Rotation,
    /// Scale of everything further along the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Its name, such as "Crane Arm".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// X right, Y forward, Z up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "x, y and z")]
pub struct Vector {
    #[serde(deserialize_with = "number::one")]
    pub x: f64,
    #[serde(deserialize_with = "number::one")]
    pub y: f64,
    #[serde(deserialize_with = "number::one")]
    pub z: f64,
}

/// A factor per axis; an axis that is not named is not scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "x, y and z")]
pub struct Scale {
    #[serde(deserialize_with = "number::one")]
    pub x: f64,
    #[serde(deserialize_with = "number::one")]
    pub y: f64,
    #[serde(deserialize_with = "number::one")]
    pub z: f64,
}

impl Default for Scale {
    fn default() -> Self {
        Self { x: 1.0, y: 1.0, z: 1.0 }
    }
}

/// Intrinsic Z (pan), X (tilt), Y (roll), right-handed, degrees.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "pan, tilt and roll")]
pub struct Rotation {
    #[serde(deserialize_with = "number::one")]
    pub pan: f64,
    #[serde(deserialize_with = "number::one")]
    pub tilt: f64,
    #[serde(deserialize_with = "number::one")]
    pub roll: f64,
}

/// The tracker's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tracker {
    /// Whether it records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<bool>,
    /// Slate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slate: Option<String>,
    /// State, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// What does not change from sample to sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fixed {
    /// The camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<FixedCamera>,
    /// The lens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens: Option<FixedLens>,
}

/// The camera body.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FixedCamera {
    /// Its letter or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Active sensor area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_sensor_physical_dimensions: Option<SensorSize>,
}

/// Millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "width and height, mm")]
pub struct SensorSize {
    #[serde(deserialize_with = "number::one")]
    pub width: f64,
    #[serde(deserialize_with = "number::one")]
    pub height: f64,
}

/// The lens as a thing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FixedLens {
    /// Maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.source_number.map_or("-".into(), |number| number.to_string());
        write!(f, "OpenTrackIO source={number} transforms={}", self.transforms.len())?;
        if let Some(Transform { translation: t, rotation: r, .. }) = self.transforms.last() {
            let (pan, tilt, roll) = (r.pan, r.tilt, r.roll);
            write!(f, " last=({:.3} {:.3} {:.3}) m pan={pan:.3} tilt={tilt:.3} roll={roll:.3} deg", t.x, t.y, t.z)?;
        }
        match self.lens.as_ref().and_then(|lens| lens.pinhole_focal_length) {
            Some(focal_length_mm) => write!(f, " f={focal_length_mm:.2} mm"),
            None => Ok(()),
        }
    }
}

impl Sample {
    /// Reads a whole payload. Errors: `TooDeep`, `Truncated`, `BadLength`, `Malformed` (not JSON or CBOR, a
    /// member of the wrong type, a number that is not finite), `BadValue("protocol")`, `UnsupportedVersion`.
    pub fn parse(payload: &[u8], encoding: Encoding) -> Result<Self, WireError> {
        let sample: Self = match encoding {
            Encoding::Json => {
                json::check(payload)?;
                serde_json::from_slice(payload).map_err(|_| WireError::Malformed("JSON sample"))?
            }
            Encoding::Cbor => {
                cbor::check(payload)?;
                let mut rest = payload;
                let sample = ciborium::from_reader(&mut rest).map_err(|_| WireError::Malformed("CBOR sample"))?;
                if !rest.is_empty() {
                    return Err(WireError::Malformed("CBOR sample"));
                }
                sample
            }
        };
        match &sample.protocol {
            Some(protocol) if protocol.name != "OpenTrackIO" => Err(WireError::BadValue("protocol")),
            Some(Protocol { version: [major, ..], .. }) if *major != MAJOR => {
                Err(WireError::UnsupportedVersion(*major))
            }
            _ => Ok(sample),
        }
    }

    /// Writes the payload. Errors: `Malformed`, if the encoder refuses.
    pub fn emit(&self, encoding: Encoding) -> Result<Vec<u8>, WireError> {
        let mut payload = Vec::new();
        match encoding {
            Encoding::Json => {
                serde_json::to_writer(&mut payload, self).map_err(|_| WireError::Malformed("JSON sample"))?;
            }
            Encoding::Cbor => {
                ciborium::into_writer(self, &mut payload).map_err(|_| WireError::Malformed("CBOR sample"))?;
            }
        }
        Ok(payload)
    }

    /// Pose and lens in stage axes, all transforms multiplied in order; `None` if there are no transforms.
    /// A scale stretches the translations behind it and turns nothing. Lens values that are not positive where
    /// they have to be count as absent. Errors: `BadValue` if the chain leads beyond all numbers.
    pub fn camera_state(&self, profile: &OpenTrackIoProfile) -> Result<Option<(Pose, LensSample)>, WireError> {
        if self.transforms.is_empty() {
            return Ok(None);
        }
        let mut position_m = Point3::origin();
        let mut orientation = UnitQuaternion::identity();
        let mut stage_from_link = Matrix3::identity();
        for transform in &self.transforms {
            let Vector { x, y, z } = transform.translation;
            position_m += stage_from_link * Vector3::new(x, y, z) * profile.unit_m;
            let turn = transform.rotation(profile);
            orientation *= turn;
            stage_from_link *= turn.to_rotation_matrix().into_inner();
            if let Some(Scale { x, y, z }) = transform.scale {
                stage_from_link *= Matrix3::from_diagonal(&Vector3::new(x, y, z));
            }
        }
        let q = orientation.quaternion();
        let pose =
            Pose::checked(position_m.into(), [q.w, q.i, q.j, q.k]).map_err(|_| WireError::BadValue("transforms"))?;
        Ok(Some((pose, self.lens_sample())))
    }

    fn lens_sample(&self) -> LensSample {
        let positive = |value: Option<f64>| value.filter(|value| *value > 0.0);
        self.lens.as_ref().map_or_else(LensSample::default, |lens| LensSample {
            focal_length_mm: positive(lens.pinhole_focal_length),
            focus_distance_m: positive(lens.focus_distance),
            entrance_pupil_offset_m: lens.entrance_pupil_offset,
        })
    }

    /// When the sender measured: PTP (TAI) nanoseconds since 1970; `None` unless the timing is internal and
    /// carries a timestamp. Errors: `BadValue` if it lies beyond the year 2262.
    pub fn device_nanos(&self) -> Result<Option<i64>, WireError> {
        let Some(timing) = self.timing.as_ref().filter(|timing| timing.mode == Some(TimingMode::Internal)) else {
            return Ok(None);
        };
        let Some(Timestamp { seconds, nanoseconds }) = timing.sample_timestamp else { return Ok(None) };
        let nanos = u128::from(seconds) * 1_000_000_000 + u128::from(nanoseconds);
        i64::try_from(nanos).map(Some).map_err(|_| WireError::BadValue("sampleTimestamp"))
    }

    /// The sample that [`Sample::camera_state`] with the same profile reads as this pose and lens; one
    /// transform, timing internal at `device_nanos` (not before 1970) if given, else external.
    pub fn from_camera_state(
        source_number: u32,
        pose: &Pose,
        lens: &LensSample,
        device_nanos: Option<i64>,
        profile: &OpenTrackIoProfile,
    ) -> Self {
        let [x, y, z] = <[f64; 3]>::from(pose.position_m).map(|metres| metres / profile.unit_m);
        let [pan, tilt, roll] = pan_tilt_roll(&pose.orientation).map(f64::to_degrees);
        let [pan_sign, tilt_sign, roll_sign] = profile.rotation_signs;
        let rotation = Rotation { pan: pan * pan_sign, tilt: tilt * tilt_sign, roll: roll * roll_sign };
        let camera = Transform { translation: Vector { x, y, z }, rotation, scale: None, id: Some("Camera".into()) };
        Self {
            protocol: Some(Protocol { name: "OpenTrackIO".into(), version: [MAJOR, 0, 1] }),
            source_number: Some(source_number),
            timing: Some(Timing::at(device_nanos)),
            lens: Some(Lens {
                pinhole_focal_length: lens.focal_length_mm,
                focus_distance: lens.focus_distance_m,
                entrance_pupil_offset: lens.entrance_pupil_offset_m,
                ..Lens::default()
            }),
            transforms: vec![camera],
            ..Self::default()
        }
    }
}

impl Transform {
    fn rotation(&self, profile: &OpenTrackIoProfile) -> UnitQuaternion<f64> {
        let [pan_sign, tilt_sign, roll_sign] = profile.rotation_signs;
        let pan = (self.rotation.pan * pan_sign).to_radians();
        let tilt = (self.rotation.tilt * tilt_sign).to_radians();
        let roll = (self.rotation.roll * roll_sign).to_radians();
        Pose::from_pan_tilt_roll(Point3::origin(), pan, tilt, roll).orientation
    }
}

impl Timing {
    fn at(device_nanos: Option<i64>) -> Self {
        let Some(nanos) = device_nanos.and_then(|nanos| u64::try_from(nanos).ok()) else {
            return Self { mode: Some(TimingMode::External), ..Self::default() };
        };
        let at = Timestamp { seconds: nanos / 1_000_000_000, nanoseconds: (nanos % 1_000_000_000) as u32 };
        Self { mode: Some(TimingMode::Internal), sample_timestamp: Some(at), ..Self::default() }
    }
}
