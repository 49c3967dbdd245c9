//! Tracker messages: what they say, in the sender's axes and in stage axes.

use super::{Message, tag_from_nanos};
use crate::{WireError, angles::pan_tilt_roll};
use cyc_core::{LensSample, Pose, profile::OscProfile};
use nalgebra::Point3;
use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType};
use std::fmt;

/// What a tracker message says. All numbers are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrackerMessage {
    /// `<address>/pose`, stage axes.
    Pose {
        /// Metres.
        position_m: [f64; 3],
        /// As sent: of any length but zero.
        quaternion_xyzw: [f64; 4],
    },
    /// `<address>/lens`.
    Lens {
        /// Pinhole focal length, above 0.
        focal_length_mm: f64,
        /// Focus distance; 0 and below say nothing.
        focus_distance_m: f64,
    },
    /// VRChat's `<address>/position`: Unity axes (X right, Y up, Z forward), metres.
    Position([f64; 3]),
    /// VRChat's `<address>/rotation`: degrees about Unity's X, Y and Z, applied in the order Z, X, Y.
    Rotation([f64; 3]),
}

impl TrackerMessage {
    /// Reads a message to `<address>/...`; `None` for one that `profile` does not look for there.
    /// Surplus arguments are left unread. Errors: `Truncated`, `BadValue`.
    pub fn parse(message: &Message<'_>, address: &str, profile: OscProfile) -> Result<Option<Self>, WireError> {
        let Some(name) = message.address().strip_prefix(address.as_bytes()) else { return Ok(None) };
        Ok(Some(match (profile, name) {
            (OscProfile::Stage, b"/pose") => Self::pose(message.numbers()?)?,
            (OscProfile::Stage, b"/lens") => Self::lens(message.numbers()?)?,
            (OscProfile::VrChat, b"/position") => Self::Position(message.numbers()?),
            (OscProfile::VrChat, b"/rotation") => Self::Rotation(message.numbers()?),
            _ => return Ok(None),
        }))
    }

    fn pose([x, y, z, qx, qy, qz, qw]: [f64; 7]) -> Result<Self, WireError> {
        let message = Self::Pose { position_m: [x, y, z], quaternion_xyzw: [qx, qy, qz, qw] };
        message.stage_pose().map(|_| message)
    }

    fn lens([focal_length_mm, focus_distance_m]: [f64; 2]) -> Result<Self, WireError> {
        if focal_length_mm <= 0.0 {
            return Err(WireError::BadValue("focal length"));
        }
        Ok(Self::Lens { focal_length_mm, focus_distance_m })
    }

    /// The pose of a [`TrackerMessage::Pose`]; `None` for the others. Errors: `BadValue` (no direction in the
    /// quaternion, or a number that is not finite).
    pub fn stage_pose(&self) -> Result<Option<Pose>, WireError> {
        let Self::Pose { position_m, quaternion_xyzw: [x, y, z, w] } = *self else { return Ok(None) };
        Pose::checked(position_m, [w, x, y, z]).map(Some).map_err(|_| WireError::BadValue("pose"))
    }

    /// The pose that a VRChat position and rotation make. Unity's axes are left-handed, so swapping Y and Z
    /// takes them to the stage's and turns every rotation around.
    pub fn vrchat_pose(position: [f64; 3], rotation_deg: [f64; 3]) -> Result<Pose, WireError> {
        let ([x, y, z], [pitch, yaw, roll]) = (position, rotation_deg.map(|degrees| -degrees.to_radians()));
        let pose = Pose::from_pan_tilt_roll(Point3::new(x, z, y), yaw, pitch, roll);
        Pose::checked(pose.position_m.into(), pose.orientation_wxyz()).map_err(|_| WireError::BadValue("rotation"))
    }

    /// What the lens message says; nothing for the others.
    pub fn lens_sample(&self) -> LensSample {
        match *self {
            Self::Lens { focal_length_mm, focus_distance_m } => LensSample {
                focal_length_mm: Some(focal_length_mm),
                focus_distance_m: (focus_distance_m > 0.0).then_some(focus_distance_m),
                entrance_pupil_offset_m: None,
            },
            _ => LensSample::default(),
        }
    }

    /// The messages that say this pose and lens, in the order in which senders send them, rounded to the
    /// floats of the wire. VRChat trackers have no lens.
    pub fn from_camera_state(pose: &Pose, lens: &LensSample, profile: OscProfile) -> Vec<Self> {
        let mut messages = Vec::with_capacity(2);
        match profile {
            OscProfile::Stage => {
                let [w, x, y, z] = pose.orientation_wxyz();
                let position_m = rounded(pose.position_m.into());
                messages.push(Self::Pose { position_m, quaternion_xyzw: rounded([x, y, z, w]) });
                if let Some(focal_length_mm) = lens.focal_length_mm {
                    let [focal_length_mm, focus_distance_m] =
                        rounded([focal_length_mm, lens.focus_distance_m.unwrap_or(0.0)]);
                    messages.push(Self::Lens { focal_length_mm, focus_distance_m });
                }
            }
            OscProfile::VrChat => {
                let [x, y, z] = pose.position_m.into();
                let [pan, tilt, roll] = pan_tilt_roll(&pose.orientation).map(|angle| -angle.to_degrees());
                messages.push(Self::Position(rounded([x, z, y])));
                messages.push(Self::Rotation(rounded([tilt, pan, roll])));
            }
        }
        messages
    }

    /// The message to `<address>/...`. Numbers go out as floats where a float holds them exactly, else as
    /// doubles.
    pub fn emit(&self, address: &str) -> OscMessage {
        let message = |name: &str, numbers: &[f64]| OscMessage {
            addr: format!("{address}/{name}"),
            args: numbers.iter().map(|number| argument(*number)).collect(),
        };
        match self {
            Self::Pose { position_m: p, quaternion_xyzw: q } => {
                message("pose", &[p[0], p[1], p[2], q[0], q[1], q[2], q[3]])
            }
            Self::Lens { focal_length_mm, focus_distance_m } => message("lens", &[*focal_length_mm, *focus_distance_m]),
            Self::Position(numbers) => message("position", numbers),
            Self::Rotation(numbers) => message("rotation", numbers),
        }
    }
}

impl fmt::Display for TrackerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pose { position_m: p, quaternion_xyzw: q } => {
                write!(f, "pose ({:.3} {:.3} {:.3}) m", p[0], p[1], p[2])?;
                write!(f, " xyzw=({:.4} {:.4} {:.4} {:.4})", q[0], q[1], q[2], q[3])
            }
            Self::Lens { focal_length_mm, focus_distance_m } => {
                write!(f, "lens f={focal_length_mm:.2} mm focus={focus_distance_m:.3} m")
            }
            Self::Position([x, y, z]) => write!(f, "position ({x:.3} {y:.3} {z:.3}) m, Unity axes"),
            Self::Rotation([x, y, z]) => write!(f, "rotation ({x:.3} {y:.3} {z:.3}) deg, Unity axes"),
        }
    }
}

/// One message as a datagram. Errors: `Malformed`, if rosc refuses.
pub fn encode_message(address: &str, message: &TrackerMessage) -> Result<Vec<u8>, WireError> {
    encode(&OscPacket::Message(message.emit(address)))
}

/// A bundle of messages as a datagram, captured at `unix_nanos` or "immediately". Errors: `Malformed`, if rosc
/// refuses.
pub fn encode_bundle(
    address: &str,
    messages: &[TrackerMessage],
    unix_nanos: Option<i64>,
) -> Result<Vec<u8>, WireError> {
    let tag = tag_from_nanos(unix_nanos);
    let timetag = OscTime { seconds: (tag >> 32) as u32, fractional: tag as u32 };
    let content = messages.iter().map(|message| OscPacket::Message(message.emit(address))).collect();
    encode(&OscPacket::Bundle(OscBundle { timetag, content }))
}

fn encode(packet: &OscPacket) -> Result<Vec<u8>, WireError> {
    rosc::encoder::encode(packet).map_err(|_| WireError::Malformed("OSC"))
}

fn argument(number: f64) -> OscType {
    let float = number as f32;
    if f64::from(float) == number { OscType::Float(float) } else { OscType::Double(number) }
}

fn rounded<const N: usize>(numbers: [f64; N]) -> [f64; N] {
    numbers.map(|number| f64::from(number as f32))
}
