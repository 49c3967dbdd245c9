//! The 16-byte header, and cutting a payload into datagrams.

use super::fletcher::{fletcher16, fletcher16_mod_255};
use crate::WireError;
use std::fmt;

/// Byte ranges of a datagram, big-endian.
pub mod field {
    use core::ops::{Range, RangeFrom};
    /// "OTrk".
    pub const MAGIC: Range<usize> = 0..4;
    /// Zero.
    pub const RESERVED: usize = 4;
    /// 1 JSON, 2 CBOR, 0x80 and up the vendor's.
    pub const ENCODING: usize = 5;
    /// Counts datagrams, wraps.
    pub const SEQUENCE: Range<usize> = 6..8;
    /// Where this segment begins in the payload.
    pub const OFFSET: Range<usize> = 8..12;
    /// Bit 15: last segment; bits 14..0: length of this segment.
    pub const LENGTH: Range<usize> = 12..14;
    /// What the checksum covers, besides the segment.
    pub const CHECKED: Range<usize> = 0..14;
    /// Fletcher-16, modulo 256.
    pub const CHECKSUM: Range<usize> = 14..16;
    /// The segment.
    pub const PAYLOAD: RangeFrom<usize> = 16..;
}

/// Header length, bytes.
pub const HEADER_LEN: usize = 16;
const MAGIC: [u8; 4] = *b"OTrk";
const LAST: u16 = 0x8000;

/// How a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// JSON, UTF-8.
    Json,
    /// CBOR (RFC 8949).
    Cbor,
}

impl Encoding {
    /// The number in the header.
    pub const fn code(self) -> u8 {
        match self {
            Encoding::Json => 1,
            Encoding::Cbor => 2,
        }
    }
}

/// A checked view of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    header: &'a [u8; HEADER_LEN],
    payload: &'a [u8],
    encoding: Encoding,
}

impl<'a> Segment<'a> {
    /// Views a datagram. Errors: `Truncated`, `BadMagic`, `BadLength` (the length field is not what follows),
    /// `BadChecksum`, `LegacyChecksum`, `Unsupported` (a vendor's encoding), `BadValue("encoding")`.
    pub fn new_checked(datagram: &'a [u8]) -> Result<Self, WireError> {
        let (header, payload) = datagram.split_first_chunk::<HEADER_LEN>().ok_or(WireError::Truncated)?;
        if header[field::MAGIC] != MAGIC {
            return Err(WireError::BadMagic);
        }
        let sum = u16::from_be_bytes([header[14], header[15]]);
        let covered = [&header[field::CHECKED], payload];
        if fletcher16(covered) != sum {
            let legacy = fletcher16_mod_255(covered) == sum;
            return Err(if legacy { WireError::LegacyChecksum } else { WireError::BadChecksum });
        }
        let encoding = match header[field::ENCODING] {
            1 => Encoding::Json,
            2 => Encoding::Cbor,
            0x80.. => return Err(WireError::Unsupported("a vendor's encoding")),
            _ => return Err(WireError::BadValue("encoding")),
        };
        let segment = Self { header, payload, encoding };
        if usize::from(segment.length_field() & !LAST) != payload.len() {
            return Err(WireError::BadLength);
        }
        Ok(segment)
    }

    /// How the payload is written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The datagram's number; counts every segment, wraps.
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.header[6], self.header[7]])
    }

    /// Where the segment begins in the payload, bytes.
    pub fn offset(&self) -> u32 {
        u32::from_be_bytes([self.header[8], self.header[9], self.header[10], self.header[11]])
    }

    /// Whether the payload ends with this segment.
    pub fn is_last(&self) -> bool {
        self.length_field() & LAST != 0
    }

    /// The segment's bytes.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    fn length_field(&self) -> u16 {
        u16::from_be_bytes([self.header[12], self.header[13]])
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SegmentRepr::parse(self).fmt(f)
    }
}

/// What a header says, without its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRepr {
    /// How the payload is written.
    pub encoding: Encoding,
    /// The datagram's number.
    pub sequence: u16,
    /// Where the segment begins in the payload, bytes.
    pub offset: u32,
    /// Whether the payload ends with this segment.
    pub last: bool,
    /// Length of the segment, bytes, at most 32,767.
    pub len: usize,
}

impl SegmentRepr {
    /// The values of a checked datagram.
    pub fn parse(segment: &Segment<'_>) -> Self {
        Self {
            encoding: segment.encoding(),
            sequence: segment.sequence(),
            offset: segment.offset(),
            last: segment.is_last(),
            len: segment.payload().len(),
        }
    }

    /// The whole datagram around `payload`, whose length is taken and not [`SegmentRepr::len`].
    /// Errors: `TooLarge` beyond 32,767 bytes.
    pub fn emit(&self, payload: &[u8]) -> Result<Vec<u8>, WireError> {
        let len = u16::try_from(payload.len()).ok().filter(|len| len & LAST == 0).ok_or(WireError::TooLarge)?;
        let mut header = [0; HEADER_LEN];
        header[field::MAGIC].copy_from_slice(&MAGIC);
        header[field::ENCODING] = self.encoding.code();
        header[field::SEQUENCE].copy_from_slice(&self.sequence.to_be_bytes());
        header[field::OFFSET].copy_from_slice(&self.offset.to_be_bytes());
        header[field::LENGTH].copy_from_slice(&(len | if self.last { LAST } else { 0 }).to_be_bytes());
        let sum = fletcher16([&header[field::CHECKED], payload]);
        header[field::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        Ok([&header, payload].concat())
    }
}

impl fmt::Display for SegmentRepr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = if self.last { " last" } else { "" };
        write!(f, "OpenTrackIO {:?} seq={} offset={} len={}{last}", self.encoding, self.sequence, self.offset, self.len)
    }
}

/// Cuts a payload into datagrams of at most `segment_len` payload bytes each ([`super::MAX_SEGMENT`] for
/// Ethernet), numbering them from `sequence` on, which is left at the next number.
/// Errors: `BadLength` if `segment_len` is 0 or above 32,767, `TooLarge` if an offset exceeds 32 bits.
pub fn segments(
    payload: &[u8],
    encoding: Encoding,
    sequence: &mut u16,
    segment_len: usize,
) -> Result<Vec<Vec<u8>>, WireError> {
    if segment_len == 0 || segment_len >= usize::from(LAST) {
        return Err(WireError::BadLength);
    }
    let count = payload.len().div_ceil(segment_len).max(1);
    let mut datagrams = Vec::with_capacity(count);
    for i in 0..count {
        let offset = i * segment_len;
        let part = &payload[offset..payload.len().min(offset + segment_len)];
        let header = SegmentRepr {
            encoding,
            sequence: *sequence,
            offset: u32::try_from(offset).map_err(|_| WireError::TooLarge)?,
            last: i + 1 == count,
            len: part.len(),
        };
        datagrams.push(header.emit(part)?);
        *sequence = sequence.wrapping_add(1);
    }
    Ok(datagrams)
}
