//! Art-Net timecode: one label in 19 bytes of UDP.
//!
//! Source: Art-Net 4 protocol release, packet ArtTimeCode. Opcodes are little-endian, the version is big-endian.
//! Labels count 24, 25 or 30 a second; there is no code for faster rates, whose senders label every second or
//! fourth frame. Everything else that comes to the port is recognised and left alone.

use crate::{WireError, timecode::Counting};
use cyc_core::Timecode;
use std::fmt;

/// Byte ranges of a packet.
pub mod field {
    use core::ops::Range;
    /// "Art-Net" and its NUL.
    pub const ID: Range<usize> = 0..8;
    /// What the packet is, little-endian.
    pub const OP_CODE: Range<usize> = 8..10;
    /// Protocol version, big-endian, 14 or higher.
    pub const VERSION: Range<usize> = 10..12;
    /// Filler of an ArtTimeCode.
    pub const FILLER: usize = 12;
    /// Stream; 0 is the master.
    pub const STREAM: usize = 13;
    /// Frames, 0..=29.
    pub const FRAMES: usize = 14;
    /// Seconds, 0..=59.
    pub const SECONDS: usize = 15;
    /// Minutes, 0..=59.
    pub const MINUTES: usize = 16;
    /// Hours, 0..=23.
    pub const HOURS: usize = 17;
    /// How labels are counted, 0..=3.
    pub const TYPE: usize = 18;
}

/// UDP port of Art-Net.
pub const PORT: u16 = 6454;
/// Length of an ArtTimeCode, bytes.
pub const TIMECODE_LEN: usize = 19;
/// Opcode of an ArtTimeCode.
pub const OP_TIMECODE: u16 = 0x9700;
/// The first bytes of every packet.
const ID: &[u8; 8] = b"Art-Net\0";
/// The version that is spoken here, and the lowest that receivers take.
const VERSION: u16 = 14;

/// Any packet with Art-Net's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// ArtTimeCode.
    Timecode(TimecodePacket<'a>),
    /// Another packet: recognised, of no use here.
    Other {
        /// What it is; 0x5000 is DMX, 0x2000 a poll.
        op_code: u16,
    },
}

impl<'a> Packet<'a> {
    /// Views a datagram; bytes after an ArtTimeCode are left unread, as Art-Net asks of receivers.
    /// Errors: `Truncated`, `BadMagic`, `UnsupportedVersion` (timecode of a version below 14).
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        if !bytes.starts_with(ID) {
            return Err(if ID.starts_with(bytes) { WireError::Truncated } else { WireError::BadMagic });
        }
        let code: [u8; 2] =
            bytes.get(field::OP_CODE).and_then(|code| code.try_into().ok()).ok_or(WireError::Truncated)?;
        let op_code = u16::from_le_bytes(code);
        if op_code != OP_TIMECODE {
            return Ok(Self::Other { op_code });
        }
        let bytes = bytes.first_chunk::<TIMECODE_LEN>().ok_or(WireError::Truncated)?;
        let packet = TimecodePacket { bytes };
        match packet.version() {
            VERSION.. => Ok(Self::Timecode(packet)),
            version => Err(WireError::UnsupportedVersion(version.into())),
        }
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timecode(packet) => packet.fmt(f),
            Self::Other { op_code } => write!(f, "Art-Net op={op_code:04x}"),
        }
    }
}

/// A checked view of an ArtTimeCode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimecodePacket<'a> {
    bytes: &'a [u8; TIMECODE_LEN],
}

impl TimecodePacket<'_> {
    /// Protocol version of the sender.
    pub fn version(&self) -> u16 {
        u16::from_be_bytes([self.bytes[field::VERSION.start], self.bytes[field::VERSION.start + 1]])
    }

    /// Stream; 0 is the master. Senders before Art-Net 4 put 0 here.
    pub fn stream(&self) -> u8 {
        self.bytes[field::STREAM]
    }

    /// Hours, minutes, seconds and frames, as sent.
    pub fn fields(&self) -> [u8; 4] {
        [field::HOURS, field::MINUTES, field::SECONDS, field::FRAMES].map(|at| self.bytes[at])
    }

    /// How labels are counted, as sent.
    pub fn type_code(&self) -> u8 {
        self.bytes[field::TYPE]
    }
}

impl fmt::Display for TimecodePacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [hours, minutes, seconds, frames] = self.fields();
        let (stream, code) = (self.stream(), self.type_code());
        write!(f, "Art-Net timecode {hours:02}:{minutes:02}:{seconds:02}:{frames:02} type={code} stream={stream}")
    }
}

/// What an ArtTimeCode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtTimecodeRepr {
    /// Stream; 0 is the master.
    pub stream: u8,
    /// The label of the frame that begins as it is sent.
    pub label: Timecode,
    /// How labels are counted.
    pub counting: Counting,
}

impl ArtTimecodeRepr {
    /// The values of a checked packet. Errors: `BadValue` (an unknown type, or a label that does not exist in it).
    pub fn parse(packet: &TimecodePacket<'_>) -> Result<Self, WireError> {
        let counting = Counting::of_code(packet.type_code()).ok_or(WireError::BadValue("timecode type"))?;
        Ok(Self { stream: packet.stream(), label: counting.label(packet.fields())?, counting })
    }

    /// The packet. Errors: `BadValue`, for a label that does not exist in its way of counting.
    pub fn emit(&self) -> Result<[u8; TIMECODE_LEN], WireError> {
        let [hours, minutes, seconds, frames] = self.counting.fields(self.label)?;
        let mut bytes = [0; TIMECODE_LEN];
        bytes[field::ID].copy_from_slice(ID);
        bytes[field::OP_CODE].copy_from_slice(&OP_TIMECODE.to_le_bytes());
        bytes[field::VERSION].copy_from_slice(&VERSION.to_be_bytes());
        bytes[field::STREAM] = self.stream;
        bytes[field::FRAMES] = frames;
        bytes[field::SECONDS] = seconds;
        bytes[field::MINUTES] = minutes;
        bytes[field::HOURS] = hours;
        bytes[field::TYPE] = self.counting.code();
        Ok(bytes)
    }
}

impl fmt::Display for ArtTimecodeRepr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Art-Net timecode {} at {} stream={}", self.label, self.counting, self.stream)
    }
}
