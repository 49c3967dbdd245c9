//! Free-d D1: one tracked camera's position and orientation in 29 bytes, big-endian.
//!
//! Source: Vinten/Radamec free-d installation manual V1.4.4, appendices A (messages) and B (axes).
//! Over UDP the same bytes come as they are: no header, sequence number, timestamp or standard port.
//! The layout is all the manual fixes; signs, units and lens ranges are [`FreedProfile`]'s.

use crate::{WireError, angles::pan_tilt_roll};
use cyc_core::{LensSample, Pose, profile::FreedProfile};
use nalgebra::Point3;
use std::fmt;

mod stream;
pub use stream::Stream;

/// Byte ranges of a D1 message.
pub mod field {
    use core::ops::Range;
    /// Message type, 0xD1.
    pub const KIND: usize = 0;
    /// Camera id; 0xFF is "any" in polls and what some heads always send.
    pub const CAMERA: usize = 1;
    /// Pan, signed, 1/32768 degree.
    pub const PAN: Range<usize> = 2..5;
    /// Tilt, signed, 1/32768 degree.
    pub const TILT: Range<usize> = 5..8;
    /// Roll, signed, 1/32768 degree.
    pub const ROLL: Range<usize> = 8..11;
    /// X, signed, 1/64 mm.
    pub const X: Range<usize> = 11..14;
    /// Y, signed, 1/64 mm.
    pub const Y: Range<usize> = 14..17;
    /// Height, signed, 1/64 mm.
    pub const Z: Range<usize> = 17..20;
    /// Zoom, unsigned counts.
    pub const ZOOM: Range<usize> = 20..23;
    /// Focus, unsigned counts.
    pub const FOCUS: Range<usize> = 23..26;
    /// The sender's own use.
    pub const SPARE: Range<usize> = 26..28;
    /// 0x40 minus the sum of all bytes before, modulo 256.
    pub const CHECKSUM: usize = 28;
}

/// Length of a D1 message, bytes.
pub const D1_LEN: usize = 29;
/// Type byte of a D1 message.
pub const D1: u8 = 0xD1;
/// Angle steps per degree.
const STEPS_PER_DEG: f64 = 32768.0;

/// Length in bytes of a message of type `kind`, checksum included; `None` for no free-d type.
pub const fn message_len(kind: u8) -> Option<usize> {
    match kind {
        0xD0 | 0xDB | 0xA4 => Some(4),
        0xD1 => Some(D1_LEN),
        0xD2 => Some(16),
        0xD3 => Some(13),
        0xD4..=0xD7 => Some(18),
        0xD8 => Some(21),
        0xD9 => Some(5),
        0xDA | 0xA2 => Some(30),
        _ => None,
    }
}

/// The checksum of the bytes before it.
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x40, |sum, byte| sum.wrapping_sub(*byte))
}

/// A checked view of a D1 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8; D1_LEN],
}

impl<'a> Packet<'a> {
    /// Views exactly one D1 message. Errors: `Truncated`, `BadMagic` (another type), `BadLength` (bytes left
    /// over), `BadChecksum`.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        match Message::split(bytes)? {
            (Message::Position(packet), []) => Ok(packet),
            (Message::Position(_), _) => Err(WireError::BadLength),
            (Message::Other { .. }, _) => Err(WireError::BadMagic),
        }
    }

    /// Camera id.
    pub fn camera(&self) -> u8 {
        self.bytes[field::CAMERA]
    }

    /// Pan, tilt and roll, 1/32768 degree.
    pub fn angle_steps(&self) -> [i32; 3] {
        [self.signed(field::PAN), self.signed(field::TILT), self.signed(field::ROLL)]
    }

    /// X, Y and Z, 1/64 mm by the manual.
    pub fn position_steps(&self) -> [i32; 3] {
        [self.signed(field::X), self.signed(field::Y), self.signed(field::Z)]
    }

    /// Zoom counts, 24 bits.
    pub fn zoom(&self) -> u32 {
        self.unsigned(field::ZOOM)
    }

    /// Focus counts, 24 bits.
    pub fn focus(&self) -> u32 {
        self.unsigned(field::FOCUS)
    }

    /// The spare word.
    pub fn spare(&self) -> u16 {
        u16::from_be_bytes([self.bytes[field::SPARE.start], self.bytes[field::SPARE.start + 1]])
    }

    fn unsigned(&self, range: core::ops::Range<usize>) -> u32 {
        let at = range.start;
        u32::from_be_bytes([0, self.bytes[at], self.bytes[at + 1], self.bytes[at + 2]])
    }

    fn signed(&self, range: core::ops::Range<usize>) -> i32 {
        // Up to the sign bit and back down, so that the 24th bit is taken as the sign.
        ((self.unsigned(range) << 8) as i32) >> 8
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FreedRepr::parse(self).fmt(f)
    }
}

/// Any free-d message with a right length and checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// D1.
    Position(Packet<'a>),
    /// A poll, status or Radamec message: recognised, of no use here.
    Other {
        /// Type byte.
        kind: u8,
        /// The byte after it, the camera id in most types.
        camera: u8,
    },
}

impl<'a> Message<'a> {
    /// The first message in `bytes`, and the bytes after it. Errors: `Truncated`, `BadMagic`, `BadChecksum`.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), WireError> {
        let kind = *bytes.first().ok_or(WireError::Truncated)?;
        let len = message_len(kind).ok_or(WireError::BadMagic)?;
        let (message, rest) = bytes.split_at_checked(len).ok_or(WireError::Truncated)?;
        let (last, before) = message.split_last().ok_or(WireError::Truncated)?;
        if checksum(before) != *last {
            return Err(WireError::BadChecksum);
        }
        let parsed = match <&[u8; D1_LEN]>::try_from(message) {
            Ok(bytes) if kind == D1 => Message::Position(Packet { bytes }),
            _ => Message::Other { kind, camera: message[field::CAMERA] },
        };
        Ok((parsed, rest))
    }
}

/// The messages of a datagram, in order; ends with the first error.
///
/// A datagram is not searched for a message that begins later: in random bytes one in 65,536 places looks
/// like a D1 message, which would let garbage move a camera.
pub fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: Some(datagram) }
}

/// See [`messages`].
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let split = Message::split(self.rest.take()?);
        if let Ok((_, rest)) = split {
            self.rest = (!rest.is_empty()).then_some(rest);
        }
        Some(split.map(|(message, _)| message))
    }
}

/// What a D1 message says, before the device profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreedRepr {
    /// Camera id.
    pub camera: u8,
    /// Degrees, -256 up to below 256; positive turns right by the manual.
    pub pan_deg: f64,
    /// Degrees, -256 up to below 256; positive looks up by the manual.
    pub tilt_deg: f64,
    /// Degrees, -256 up to below 256; positive is clockwise seen from behind by the manual.
    pub roll_deg: f64,
    /// X, Y and Z in raw steps, 24 bits signed; 1/64 mm by the manual.
    pub position_steps: [i32; 3],
    /// Zoom counts, 24 bits.
    pub zoom: u32,
    /// Focus counts, 24 bits.
    pub focus: u32,
    /// The sender's own use.
    pub spare: u16,
}

impl fmt::Display for FreedRepr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.position_steps.map(|steps| f64::from(steps) / 64.0);
        write!(
            f,
            "free-d D1 camera={} pan={:.4} tilt={:.4} roll={:.4} deg x={x:.2} y={y:.2} z={z:.2} mm zoom={} focus={} spare={:04x}",
            self.camera, self.pan_deg, self.tilt_deg, self.roll_deg, self.zoom, self.focus, self.spare
        )
    }
}

impl FreedRepr {
    /// The values of a checked packet.
    pub fn parse(packet: &Packet<'_>) -> Self {
        let [pan_deg, tilt_deg, roll_deg] = packet.angle_steps().map(|steps| f64::from(steps) / STEPS_PER_DEG);
        Self {
            camera: packet.camera(),
            pan_deg,
            tilt_deg,
            roll_deg,
            position_steps: packet.position_steps(),
            zoom: packet.zoom(),
            focus: packet.focus(),
            spare: packet.spare(),
        }
    }

    /// The message. Angles beyond +-256 degrees wrap by whole turns; counts and positions saturate.
    pub fn emit(&self) -> [u8; D1_LEN] {
        let mut bytes = [0; D1_LEN];
        bytes[field::KIND] = D1;
        bytes[field::CAMERA] = self.camera;
        let angles = [(field::PAN, self.pan_deg), (field::TILT, self.tilt_deg), (field::ROLL, self.roll_deg)];
        for (range, degrees) in angles {
            bytes[range].copy_from_slice(&signed_24(angle_steps(degrees)));
        }
        for (range, steps) in [field::X, field::Y, field::Z].into_iter().zip(self.position_steps) {
            bytes[range].copy_from_slice(&signed_24(steps));
        }
        for (range, counts) in [(field::ZOOM, self.zoom), (field::FOCUS, self.focus)] {
            bytes[range].copy_from_slice(&counts.min(0xFF_FFFF).to_be_bytes()[1..]);
        }
        bytes[field::SPARE].copy_from_slice(&self.spare.to_be_bytes());
        bytes[field::CHECKSUM] = checksum(&bytes[..field::CHECKSUM]);
        bytes
    }

    /// Pose and lens in stage axes: orientation `Rz(-pan) Rx(tilt) Ry(roll)`, position in metres.
    /// Errors: `BadValue` where the profile has no meaning (an axis beyond Z, a scale of zero).
    pub fn camera_state(&self, profile: &FreedProfile) -> Result<(Pose, LensSample), WireError> {
        let mut position_m = Point3::origin();
        for (i, (axis, sign)) in profile.position_axes.into_iter().zip(profile.position_signs).enumerate() {
            let steps = *self.position_steps.get(axis).ok_or(WireError::BadValue("position_axes"))?;
            position_m[i] = sign * f64::from(steps) / profile.steps_per_mm / 1000.0;
        }
        let pan = -(self.pan_deg * profile.pan_sign).to_radians();
        let tilt = (self.tilt_deg * profile.tilt_sign).to_radians();
        let roll = (self.roll_deg * profile.roll_sign).to_radians();
        let pose = Pose::from_pan_tilt_roll(position_m, pan, tilt, roll);
        let pose = Pose::checked(pose.position_m.into(), pose.orientation_wxyz())
            .map_err(|_| WireError::BadValue("free-d profile"))?;
        let lens = LensSample {
            focal_length_mm: profile.zoom.and_then(|ends| value_of_counts(self.zoom, ends)),
            focus_distance_m: profile.focus.and_then(|ends| value_of_counts(self.focus, ends)),
            entrance_pupil_offset_m: None,
        };
        Ok((pose, lens))
    }

    /// The message that [`FreedRepr::camera_state`] with the same profile reads as this pose and lens, to
    /// the wire's resolution. Lens values that the profile does not carry become count 0.
    pub fn from_camera_state(camera: u8, pose: &Pose, lens: &LensSample, profile: &FreedProfile) -> Self {
        let [pan, tilt, roll] = pan_tilt_roll(&pose.orientation).map(f64::to_degrees);
        let mut position_steps = [0; 3];
        for (i, (axis, sign)) in profile.position_axes.into_iter().zip(profile.position_signs).enumerate() {
            if let Some(steps) = position_steps.get_mut(axis) {
                *steps = (pose.position_m[i] * 1000.0 * profile.steps_per_mm * sign).round() as i32;
            }
        }
        let counts = |value: Option<f64>, ends: Option<[[f64; 2]; 2]>| {
            value.zip(ends).map_or(0, |(value, ends)| counts_of_value(value, ends))
        };
        Self {
            camera,
            pan_deg: -pan * profile.pan_sign,
            tilt_deg: tilt * profile.tilt_sign,
            roll_deg: roll * profile.roll_sign,
            position_steps,
            zoom: counts(lens.focal_length_mm, profile.zoom),
            focus: counts(lens.focus_distance_m, profile.focus),
            spare: 0,
        }
    }
}

/// Linear between `[[raw, value], [raw, value]]`, clamped to the ends; `None` where that is no positive number.
fn value_of_counts(counts: u32, [[raw_a, value_a], [raw_b, value_b]]: [[f64; 2]; 2]) -> Option<f64> {
    let t = ((f64::from(counts) - raw_a) / (raw_b - raw_a)).clamp(0.0, 1.0);
    let value = value_a + t * (value_b - value_a);
    (value.is_finite() && value > 0.0).then_some(value)
}

fn counts_of_value(value: f64, [[raw_a, value_a], [raw_b, value_b]]: [[f64; 2]; 2]) -> u32 {
    let t = ((value - value_a) / (value_b - value_a)).clamp(0.0, 1.0);
    // A float-to-integer cast saturates, and takes NaN to 0.
    ((raw_a + t * (raw_b - raw_a)).round() as u32).min(0xFF_FFFF)
}

fn angle_steps(degrees: f64) -> i32 {
    let wrapped =
        if (-256.0..256.0).contains(&degrees) { degrees } else { degrees - 360.0 * (degrees / 360.0).round() };
    (wrapped * STEPS_PER_DEG).round() as i32
}

fn signed_24(steps: i32) -> [u8; 3] {
    let [_, a, b, c] = steps.clamp(-0x80_0000, 0x7F_FFFF).to_be_bytes();
    [a, b, c]
}
