//! MIDI timecode: a label in eight quarter frames, or in one message while the transport stands.
//!
//! Source: MIDI 1.0, quarter frame (F1) and universal real-time full message (MMA RP-004). Eight quarter frames
//! span two frames; the label that they carry is that of the frame that piece 0 begins, and piece 4 begins the
//! one after it. By the time that all eight have come the label is two frames old, so the frame that the *next*
//! piece 0 begins is the label plus two. A transport in reverse sends the pieces from 7 down to 0: when piece 0
//! comes it passes the beginning of the labelled frame and enters the frame before it.

use crate::{WireError, timecode::Counting};
use cyc_core::Timecode;
use std::fmt;

mod assembler;
pub use assembler::{Assembler, FrameStart};

/// Byte ranges of both messages.
pub mod field {
    use core::ops::Range;
    /// Status of a quarter frame, F1.
    pub const STATUS: usize = 0;
    /// Piece in bits 4 to 6 and value in bits 0 to 3 of a quarter frame.
    pub const PIECE: usize = 1;
    /// F0 7F, a universal real-time message.
    pub const REAL_TIME: Range<usize> = 0..2;
    /// The device that is meant; 7F is all of them.
    pub const DEVICE: usize = 2;
    /// 01 01, timecode and full message.
    pub const SUB_IDS: Range<usize> = 3..5;
    /// Way of counting in bits 5 and 6, hours in bits 0 to 4.
    pub const HOURS: usize = 5;
    /// Minutes.
    pub const MINUTES: usize = 6;
    /// Seconds.
    pub const SECONDS: usize = 7;
    /// Frames.
    pub const FRAMES: usize = 8;
    /// F7.
    pub const END: usize = 9;
}

/// Status byte of a quarter frame.
pub const QUARTER_FRAME: u8 = 0xF1;
/// Length of a full message, bytes.
pub const FULL_LEN: usize = 10;
/// The device number that means all devices.
pub const ALL_DEVICES: u8 = 0x7F;

/// A message of one port, as a MIDI library delivers it: whole, without running status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// One of eight pieces of a label.
    Quarter(QuarterFrame),
    /// A whole label.
    Full(FullFrame),
    /// Anything else that MIDI carries: recognised, of no use here.
    Other {
        /// Status byte.
        status: u8,
    },
}

impl Message {
    /// Reads one message. Errors: `Truncated`, `BadMagic` (no status byte first), `BadLength`, `BadValue`.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        match *bytes {
            [] => Err(WireError::Truncated),
            [..0x80, ..] => Err(WireError::BadMagic),
            [QUARTER_FRAME, ..] => QuarterFrame::parse(bytes).map(Self::Quarter),
            [0xF0, 0x7F, _, 0x01, 0x01, ..] => FullFrame::parse(bytes).map(Self::Full),
            [status, ..] => Ok(Self::Other { status }),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quarter(quarter) => quarter.fmt(f),
            Self::Full(full) => full.fmt(f),
            Self::Other { status } => write!(f, "MIDI {status:02x}"),
        }
    }
}

/// One of the eight pieces of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarterFrame {
    piece: u8,
    value: u8,
}

impl QuarterFrame {
    /// A piece 0..=7 of value 0..=15; `None` beyond.
    pub fn new(piece: u8, value: u8) -> Option<Self> {
        (piece < 8 && value < 16).then_some(Self { piece, value })
    }

    /// Reads exactly one quarter frame. Errors: `Truncated`, `BadMagic`, `BadLength`, `BadValue` (a data byte with
    /// its top bit set).
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        match *bytes {
            [] | [QUARTER_FRAME] => Err(WireError::Truncated),
            [QUARTER_FRAME, data @ ..0x80] => Ok(Self { piece: data >> 4, value: data & 0x0F }),
            [QUARTER_FRAME, _] => Err(WireError::BadValue("quarter frame")),
            [QUARTER_FRAME, ..] => Err(WireError::BadLength),
            _ => Err(WireError::BadMagic),
        }
    }

    /// The message.
    pub fn emit(self) -> [u8; 2] {
        [QUARTER_FRAME, self.piece << 4 | self.value]
    }

    /// Which piece, 0..=7: frames, seconds, minutes and hours, the low digit of each first.
    pub fn piece(self) -> u8 {
        self.piece
    }

    /// Its four bits.
    pub fn value(self) -> u8 {
        self.value
    }

    /// Whether a frame begins as it is sent, whichever way the transport runs: pieces 0 and 4.
    pub fn begins_frame(self) -> bool {
        self.piece.is_multiple_of(4)
    }
}

impl fmt::Display for QuarterFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MTC quarter frame piece={} value={:x}", self.piece, self.value)
    }
}

/// The eight pieces of a label, piece 0 first, each to be sent a quarter of a frame after the one before it.
/// Piece 0 goes out as the frame `label` begins, which by RP-004 is an even one except at 25 a second.
/// Errors: `BadValue`, for a label that does not exist in this way of counting.
pub fn quarter_frames(label: Timecode, counting: Counting) -> Result<[QuarterFrame; 8], WireError> {
    let [hours, minutes, seconds, frames] = counting.fields(label)?;
    let fields = [frames, seconds, minutes, hours | counting.code() << 5];
    Ok([0, 1, 2, 3, 4, 5, 6, 7].map(|piece: u8| {
        let byte = fields[usize::from(piece / 2)];
        QuarterFrame { piece, value: if piece.is_multiple_of(2) { byte & 0x0F } else { byte >> 4 } }
    }))
}

/// A whole label: where the transport stands, or has jumped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullFrame {
    /// The device that is meant, 0..=127; [`ALL_DEVICES`] is what senders use.
    pub device: u8,
    /// The label.
    pub label: Timecode,
    /// How labels are counted.
    pub counting: Counting,
}

impl FullFrame {
    /// Reads exactly one full message. Errors: `Truncated`, `BadMagic`, `BadLength`, `BadValue` (a label that does
    /// not exist).
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let Some((message, rest)) = bytes.split_first_chunk::<FULL_LEN>() else { return Err(WireError::Truncated) };
        if message[field::REAL_TIME] != [0xF0, 0x7F] || message[field::SUB_IDS] != [0x01, 0x01] {
            return Err(WireError::BadMagic);
        }
        if message[field::END] != 0xF7 || !rest.is_empty() {
            return Err(WireError::BadLength);
        }
        let (device, hours) = (message[field::DEVICE], message[field::HOURS]);
        if device >= 0x80 {
            return Err(WireError::BadValue("device"));
        }
        let counting = Counting::of_code(hours >> 5).ok_or(WireError::BadValue("hours"))?;
        let fields = [hours & 0x1F, message[field::MINUTES], message[field::SECONDS], message[field::FRAMES]];
        Ok(Self { device, label: counting.label(fields)?, counting })
    }

    /// The message. Errors: `BadValue`, for a device above 127 or a label that does not exist.
    pub fn emit(&self) -> Result<[u8; FULL_LEN], WireError> {
        let [hours, minutes, seconds, frames] = self.counting.fields(self.label)?;
        if self.device >= 0x80 {
            return Err(WireError::BadValue("device"));
        }
        Ok([0xF0, 0x7F, self.device, 0x01, 0x01, hours | self.counting.code() << 5, minutes, seconds, frames, 0xF7])
    }
}

impl fmt::Display for FullFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MTC full {} at {} device={:02x}", self.label, self.counting, self.device)
    }
}
