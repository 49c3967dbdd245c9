//! Why a packet was refused.

/// Why a packet was refused. Copy and without strings, so that counting garbage costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WireError {
    /// The bytes end inside a field.
    #[error("the packet ends too early")]
    Truncated,
    /// The first bytes are not this protocol's.
    #[error("not a packet of this protocol")]
    BadMagic,
    /// The checksum does not fit the bytes.
    #[error("wrong checksum")]
    BadChecksum,
    /// The checksum fits the Fletcher modulus of OpenTrackIO before 1.0.1.
    #[error("checksum of OpenTrackIO before 1.0.1; update the sender")]
    LegacyChecksum,
    /// A length field and the bytes disagree.
    #[error("a length field does not fit the packet")]
    BadLength,
    /// The named field holds something that has no meaning.
    #[error("{0} has no usable value")]
    BadValue(&'static str),
    /// The named encoding does not parse.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The named feature is legal and not spoken here.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The major version is not one that is spoken here.
    #[error("protocol version {0}.x is not supported")]
    UnsupportedVersion(u32),
    /// Nested deeper than any real sender nests.
    #[error("nested too deeply")]
    TooDeep,
    /// Larger than any real message.
    #[error("larger than a message may be")]
    TooLarge,
}
