//! PTP management: asking a PTP daemon how it is, as bytes.
//!
//! Source: IEEE 1588-2008, clause 13 (common header) and clause 15 (management messages, TLVs and identifiers).
//! The transport is linuxptp's: a Unix datagram socket, one message a datagram. Identifiers from 0xC000 on are
//! linuxptp's own (its manual page `pmc(8)`; "NP" is non-portable). Everything is big-endian.
//!
//! ptp4l answers only requests of its own domain and transport specific; silence is the only sign of another one.
//! A request for a port's data set is answered by each port in a message of its own.

use crate::WireError;
use std::fmt;

mod response;
mod sets;

pub use response::{Body, Refusal, Response};
pub use sets::{
    ClockQuality, CurrentDataSet, DataSet, DefaultDataSet, ParentDataSet, PortDataSet, PortState,
    TimePropertiesDataSet, TimeStatus,
};

/// Byte ranges of a management message with one TLV.
pub mod field {
    use core::ops::Range;
    /// Transport specific in the upper four bits, message type in the lower.
    pub const KIND: usize = 0;
    /// Version in the lower four bits.
    pub const VERSION: usize = 1;
    /// Length of the message.
    pub const LENGTH: Range<usize> = 2..4;
    /// Domain.
    pub const DOMAIN: usize = 4;
    /// Port identity of the sender.
    pub const SOURCE: Range<usize> = 20..30;
    /// Sequence number: an answer has its request's.
    pub const SEQUENCE: Range<usize> = 30..32;
    /// 4 for management.
    pub const CONTROL: usize = 32;
    /// 0x7F for management.
    pub const INTERVAL: usize = 33;
    /// Port identity of who is meant.
    pub const TARGET: Range<usize> = 34..44;
    /// Boundary hops at the start, and those left.
    pub const HOPS: Range<usize> = 44..46;
    /// What is to be done, or was, in the lower four bits.
    pub const ACTION: usize = 46;
    /// Type of the TLV.
    pub const TLV_KIND: Range<usize> = 48..50;
    /// Length of what follows in the TLV.
    pub const TLV_LENGTH: Range<usize> = 50..52;
    /// What is asked for, or told.
    pub const ID: Range<usize> = 52..54;
    /// The data.
    pub const DATA: core::ops::RangeFrom<usize> = 54..;
}

/// Length of a request, bytes.
pub const REQUEST_LEN: usize = 54;
/// Type of a management message.
const MANAGEMENT: u8 = 0xD;
/// The version that is spoken here.
const VERSION: u8 = 2;
/// TLV of data.
const TLV_MANAGEMENT: u16 = 1;
/// TLV of an error.
const TLV_ERROR: u16 = 2;
/// Identity of a port, bytes.
const IDENTITY_LEN: usize = 10;

/// A clock's identity, an EUI-64 that is mostly made of a MAC address. `Display` is linuxptp's "001122.fffe.334455".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClockIdentity(pub [u8; 8]);

impl fmt::Display for ClockIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}.{d:02x}{e:02x}.{g:02x}{h:02x}{i:02x}")
    }
}

/// A port of a clock. `Display` is linuxptp's "001122.fffe.334455-1".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PortIdentity {
    /// The clock.
    pub clock: ClockIdentity,
    /// The port's number, 1 the first; 0 is the clock itself.
    pub port: u16,
}

impl PortIdentity {
    /// Every port of every clock.
    pub const ALL: Self = Self { clock: ClockIdentity([0xFF; 8]), port: 0xFFFF };

    fn parse(bytes: &[u8; IDENTITY_LEN]) -> Self {
        let [clock @ .., high, low] = *bytes;
        Self { clock: ClockIdentity(clock), port: u16::from_be_bytes([high, low]) }
    }

    fn emit(self) -> [u8; IDENTITY_LEN] {
        let ([a, b, c, d, e, g, h, i], [high, low]) = (self.clock.0, self.port.to_be_bytes());
        [a, b, c, d, e, g, h, i, high, low]
    }
}

impl fmt::Display for PortIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.clock, self.port)
    }
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    /// The daemon's own clock: its domain, among others.
    DefaultDataSet,
    /// Its distance from the master.
    CurrentDataSet,
    /// Its master and grandmaster.
    ParentDataSet,
    /// What its time means: TAI or not, UTC offset, leap seconds.
    TimePropertiesDataSet,
    /// Each port's state.
    PortDataSet,
    /// linuxptp: the last offset in nanoseconds, and whether there is a grandmaster beyond itself.
    TimeStatus,
}

impl Id {
    /// Everything that can be asked for.
    pub const ALL: [Self; 6] = [
        Self::DefaultDataSet,
        Self::CurrentDataSet,
        Self::ParentDataSet,
        Self::TimePropertiesDataSet,
        Self::PortDataSet,
        Self::TimeStatus,
    ];

    /// The identifier on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::DefaultDataSet => 0x2000,
            Self::CurrentDataSet => 0x2001,
            Self::ParentDataSet => 0x2002,
            Self::TimePropertiesDataSet => 0x2003,
            Self::PortDataSet => 0x2004,
            Self::TimeStatus => 0xC000,
        }
    }

    /// What has this identifier, if it is spoken here.
    pub fn of_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.code() == code)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DefaultDataSet => "DEFAULT_DATA_SET",
            Self::CurrentDataSet => "CURRENT_DATA_SET",
            Self::ParentDataSet => "PARENT_DATA_SET",
            Self::TimePropertiesDataSet => "TIME_PROPERTIES_DATA_SET",
            Self::PortDataSet => "PORT_DATA_SET",
            Self::TimeStatus => "TIME_STATUS_NP",
        })
    }
}

/// A question to a PTP daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The daemon's domain; it is silent to others.
    pub domain: u8,
    /// The daemon's transport specific, 0..=15: 0 but for gPTP, whose is 1.
    pub transport_specific: u8,
    /// Who asks. Any identity does; answers do not go by it on a Unix socket.
    pub source: PortIdentity,
    /// Comes back in the answer.
    pub sequence: u16,
    /// What is asked for.
    pub id: Id,
}

impl Request {
    /// The message: GET to every port, of no boundary hop.
    pub fn emit(&self) -> [u8; REQUEST_LEN] {
        let mut bytes = [0; REQUEST_LEN];
        bytes[field::KIND] = self.transport_specific << 4 | MANAGEMENT;
        bytes[field::VERSION] = VERSION;
        bytes[field::LENGTH].copy_from_slice(&(REQUEST_LEN as u16).to_be_bytes());
        bytes[field::DOMAIN] = self.domain;
        bytes[field::SOURCE].copy_from_slice(&self.source.emit());
        bytes[field::SEQUENCE].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[field::CONTROL] = 4;
        bytes[field::INTERVAL] = 0x7F;
        bytes[field::TARGET].copy_from_slice(&PortIdentity::ALL.emit());
        bytes[field::ACTION] = Action::Get.code();
        bytes[field::TLV_KIND].copy_from_slice(&TLV_MANAGEMENT.to_be_bytes());
        bytes[field::TLV_LENGTH].copy_from_slice(&2_u16.to_be_bytes());
        bytes[field::ID].copy_from_slice(&self.id.code().to_be_bytes());
        bytes
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PTP GET {} domain={} sequence={}", self.id, self.domain, self.sequence)
    }
}

/// What a management message does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the standard's names are the documentation")]
pub enum Action {
    Get,
    Set,
    Response,
    Command,
    Acknowledge,
}

impl Action {
    const ALL: [Self; 5] = [Self::Get, Self::Set, Self::Response, Self::Command, Self::Acknowledge];

    /// The code on the wire, 0..=4.
    pub const fn code(self) -> u8 {
        match self {
            Self::Get => 0,
            Self::Set => 1,
            Self::Response => 2,
            Self::Command => 3,
            Self::Acknowledge => 4,
        }
    }
}

/// A checked view of a management message with one management or error TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    bytes: &'a [u8],
    action: Action,
    is_error: bool,
}

impl<'a> Message<'a> {
    /// Views one message. Errors: `Truncated`, `BadMagic` (no management message), `UnsupportedVersion`, `BadLength`
    /// (its lengths and the bytes disagree), `BadValue` (an unknown action), `Unsupported` (another TLV).
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        let header = bytes.first_chunk::<REQUEST_LEN>().ok_or(WireError::Truncated)?;
        if header[field::KIND] & 0x0F != MANAGEMENT {
            return Err(WireError::BadMagic);
        }
        if header[field::VERSION] & 0x0F != VERSION {
            return Err(WireError::UnsupportedVersion((header[field::VERSION] & 0x0F).into()));
        }
        let message = Self { bytes, action: Action::Get, is_error: false };
        let (length, tlv_length) = (message.word(field::LENGTH.start), message.word(field::TLV_LENGTH.start));
        let bytes = bytes.get(..length.into()).ok_or(WireError::Truncated)?;
        // What follows the TLV's own four bytes; the identifier is part of it.
        let end = field::ID.start + usize::from(tlv_length);
        if tlv_length < 2 || end > bytes.len() {
            return Err(WireError::BadLength);
        }
        let code = header[field::ACTION] & 0x0F;
        let action = Action::ALL.into_iter().find(|action| action.code() == code);
        let action = action.ok_or(WireError::BadValue("action"))?;
        let is_error = match message.word(field::TLV_KIND.start) {
            TLV_MANAGEMENT => false,
            TLV_ERROR if tlv_length >= 8 => true,
            TLV_ERROR => return Err(WireError::BadLength),
            _ => return Err(WireError::Unsupported("this TLV")),
        };
        Ok(Self { bytes: &bytes[..end], action, is_error })
    }

    /// Transport specific, 0..=15.
    pub fn transport_specific(&self) -> u8 {
        self.bytes[field::KIND] >> 4
    }

    /// Domain.
    pub fn domain(&self) -> u8 {
        self.bytes[field::DOMAIN]
    }

    /// Who sent it: the port that answers.
    pub fn source(&self) -> PortIdentity {
        self.bytes[field::SOURCE].first_chunk().map(PortIdentity::parse).unwrap_or_default()
    }

    /// Sequence number, the request's.
    pub fn sequence(&self) -> u16 {
        self.word(field::SEQUENCE.start)
    }

    /// What it does.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Why the request was refused, IEEE 1588-2008 table 72; `None` for data.
    pub fn error_code(&self) -> Option<u16> {
        self.is_error.then(|| self.word(field::ID.start))
    }

    /// Identifier of the data, or of what was refused.
    pub fn id_code(&self) -> u16 {
        self.word(if self.is_error { field::ID.start + 2 } else { field::ID.start })
    }

    /// The data; empty for an error.
    pub fn data(&self) -> &'a [u8] {
        if self.is_error { &[] } else { &self.bytes[field::DATA] }
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (action, id, domain, sequence) = (self.action, self.id_code(), self.domain(), self.sequence());
        write!(f, "PTP {action:?} {id:04x} domain={domain} sequence={sequence} from {}", self.source())?;
        self.error_code().map_or(Ok(()), |code| write!(f, " error={code:04x}"))
    }
}
