//! Answers of a PTP daemon.

use super::{Action, DataSet, Id, Message, PortIdentity, Request, TLV_ERROR, TLV_MANAGEMENT, field};
use crate::WireError;
use std::fmt;

/// An answer of a PTP daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// The daemon's domain.
    pub domain: u8,
    /// The port that answers.
    pub source: PortIdentity,
    /// The request's sequence number.
    pub sequence: u16,
    /// What it says.
    pub body: Body,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// What was asked for.
    Data(DataSet),
    /// The request was refused.
    Refused {
        /// What was asked for.
        id_code: u16,
        /// Why.
        reason: Refusal,
    },
}

/// Why a request was refused, IEEE 1588-2008 table 72.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The answer does not fit into a message.
    #[error("the answer is too large")]
    TooBig,
    /// There is no such data.
    #[error("no such identifier")]
    NoSuchId,
    /// The request had a wrong length.
    #[error("wrong length")]
    WrongLength,
    /// The request had a wrong value.
    #[error("wrong value")]
    WrongValue,
    /// It cannot be set.
    #[error("not settable")]
    NotSettable,
    /// This clock does not know it.
    #[error("not supported")]
    NotSupported,
    /// Anything else, and its code.
    #[error("general error {0:04x}")]
    Other(u16),
}

impl Refusal {
    /// The reason with this code.
    pub const fn of_code(code: u16) -> Self {
        match code {
            1 => Self::TooBig,
            2 => Self::NoSuchId,
            3 => Self::WrongLength,
            4 => Self::WrongValue,
            5 => Self::NotSettable,
            6 => Self::NotSupported,
            other => Self::Other(other),
        }
    }

    /// The code on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::TooBig => 1,
            Self::NoSuchId => 2,
            Self::WrongLength => 3,
            Self::WrongValue => 4,
            Self::NotSettable => 5,
            Self::NotSupported => 6,
            Self::Other(code) => code,
        }
    }
}

impl Response {
    /// The values of a checked message. Errors: `BadValue` (no answer, or a value without meaning), `BadLength`
    /// (data of another length), `Unsupported` (data that was not asked for here).
    pub fn parse(message: &Message<'_>) -> Result<Self, WireError> {
        if message.action() != Action::Response {
            return Err(WireError::BadValue("action"));
        }
        let body = match message.error_code() {
            Some(code) => Body::Refused { id_code: message.id_code(), reason: Refusal::of_code(code) },
            None => {
                let id = Id::of_code(message.id_code()).ok_or(WireError::Unsupported("this management identifier"))?;
                Body::Data(DataSet::parse(id, message.data())?)
            }
        };
        Ok(Self { domain: message.domain(), source: message.source(), sequence: message.sequence(), body })
    }

    /// The message, as a daemon sends it to `target`.
    pub fn emit(&self, target: PortIdentity) -> Vec<u8> {
        let (kind, payload) = match &self.body {
            Body::Data(data) => (TLV_MANAGEMENT, [&data.id().code().to_be_bytes()[..], &data.emit()].concat()),
            Body::Refused { id_code, reason } => {
                (TLV_ERROR, [reason.code().to_be_bytes(), id_code.to_be_bytes(), [0; 2], [0; 2]].concat())
            }
        };
        let id = Id::DefaultDataSet;
        let request =
            Request { domain: self.domain, transport_specific: 0, source: self.source, sequence: self.sequence, id };
        let mut bytes = request.emit()[..field::ID.start].to_vec();
        bytes[field::TARGET].copy_from_slice(&target.emit());
        bytes[field::ACTION] = Action::Response.code();
        bytes[field::TLV_KIND].copy_from_slice(&kind.to_be_bytes());
        // Every payload is below a hundred bytes.
        bytes[field::TLV_LENGTH].copy_from_slice(&(payload.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&payload);
        let length = bytes.len() as u16;
        bytes[field::LENGTH].copy_from_slice(&length.to_be_bytes());
        bytes
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::Data(data) => write!(f, "PTP {data} domain={} from {}", self.domain, self.source),
            Body::Refused { id_code, reason } => write!(f, "PTP refused {id_code:04x}: {reason}"),
        }
    }
}
