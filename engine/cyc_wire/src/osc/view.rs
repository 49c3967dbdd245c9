//! Checked views of packets, bundles and messages.

use crate::WireError;
use std::fmt;

/// Byte ranges of a bundle; a message is all strings and arguments, padded to four bytes.
pub mod field {
    use core::ops::{Range, RangeFrom};
    /// "#bundle" and its NUL.
    pub const MARK: Range<usize> = 0..8;
    /// Time tag, NTP format.
    pub const TIME: Range<usize> = 8..16;
    /// Elements, each behind its length in four bytes.
    pub const ELEMENTS: RangeFrom<usize> = 16..;
    /// Length of an element's length.
    pub const SIZE: usize = 4;
}

const MARK: &[u8; 8] = b"#bundle\0";

/// Deepest nesting of bundles that is read; senders nest once or twice.
pub const MAX_DEPTH: usize = 8;

/// A checked packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
}

/// A packet or an element of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'a> {
    /// One message.
    Message(Message<'a>),
    /// A bundle.
    Bundle(Bundle<'a>),
}

impl<'a> Packet<'a> {
    /// Checks the structure of a whole datagram down to every message's strings, in one pass without
    /// recursion. Arguments are checked when they are read. Errors: `Truncated`, `BadLength` (not in units of
    /// four bytes, or an element longer than its bundle), `BadMagic` (neither message nor bundle), `TooDeep`.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        // Where each open bundle ends.
        let mut ends = [0; MAX_DEPTH];
        let (mut depth, mut at, mut end) = (0, 0, bytes.len());
        loop {
            // A packet lies between `at` and `end`.
            if bytes[at..end].starts_with(MARK) {
                if end - at < field::ELEMENTS.start {
                    return Err(WireError::Truncated);
                }
                *ends.get_mut(depth).ok_or(WireError::TooDeep)? = end;
                depth += 1;
                at += field::ELEMENTS.start;
            } else {
                Message::split(&bytes[at..end])?;
                at = end;
            }
            while depth > 0 && at == ends[depth - 1] {
                depth -= 1;
            }
            if depth == 0 {
                return Ok(Self { bytes });
            }
            let limit = ends[depth - 1];
            let size = size_at(&bytes[at..limit]).ok_or(WireError::Truncated)?;
            at += field::SIZE;
            if size == 0 || !size.is_multiple_of(4) || size > limit - at {
                return Err(WireError::BadLength);
            }
            end = at + size;
        }
    }

    /// What the packet is.
    pub fn element(&self) -> Option<Element<'a>> {
        Element::of_checked(self.bytes)
    }
}

impl<'a> Element<'a> {
    /// `None` only for bytes that `Packet::new_checked` would have refused.
    fn of_checked(bytes: &'a [u8]) -> Option<Self> {
        match bytes.strip_prefix(MARK).and_then(|rest| rest.split_first_chunk()) {
            Some((time, elements)) => Some(Element::Bundle(Bundle { time: u64::from_be_bytes(*time), elements })),
            None => Message::split(bytes).ok().map(Element::Message),
        }
    }
}

/// A checked bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundle<'a> {
    time: u64,
    elements: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// The time tag; see [`super::nanos_from_tag`].
    pub fn time_tag(&self) -> u64 {
        self.time
    }

    /// What the bundle holds, in order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut rest = self.elements;
        std::iter::from_fn(move || {
            let size = size_at(rest)?;
            let (element, after) = rest.get(field::SIZE..)?.split_at_checked(size)?;
            rest = after;
            Element::of_checked(element)
        })
    }
}

impl fmt::Display for Bundle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OSC bundle time={:016x} elements={}", self.time, self.elements().count())
    }
}

/// One argument of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Argument<'a> {
    /// `i` and `h`.
    Integer(i64),
    /// `f` and `d`, finite or not.
    Number(f64),
    /// `s` and `S`, without its NUL.
    Text(&'a [u8]),
    /// Another type of known length, by its tag.
    Other(u8),
}

/// A checked message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    address: &'a [u8],
    tags: &'a [u8],
    arguments: &'a [u8],
}

impl<'a> Message<'a> {
    fn split(bytes: &'a [u8]) -> Result<Self, WireError> {
        if !bytes.len().is_multiple_of(4) {
            return Err(WireError::BadLength);
        }
        match bytes.first() {
            Some(b'/') => {}
            Some(_) => return Err(WireError::BadMagic),
            None => return Err(WireError::Truncated),
        }
        let (address, rest) = string(bytes)?;
        // OSC 1.0: some old senders leave the type tags out.
        let (tags, arguments) = if rest.starts_with(b",") { string(rest)? } else { (&b","[..], rest) };
        Ok(Self { address, tags: &tags[1..], arguments })
    }

    /// The address, beginning with '/'.
    pub fn address(&self) -> &'a [u8] {
        self.address
    }

    /// The type tags without their comma.
    pub fn type_tags(&self) -> &'a [u8] {
        self.tags
    }

    /// The first `N` arguments as numbers: floats, doubles and integers alike; what follows is left unread.
    /// Errors: `Truncated` (fewer), `BadValue` (another type, or not finite).
    pub fn numbers<const N: usize>(&self) -> Result<[f64; N], WireError> {
        let mut numbers = [0.0; N];
        let mut rest = self.arguments;
        let mut tags = self.tags.iter();
        for number in &mut numbers {
            let tag = tags.next().ok_or(WireError::Truncated)?;
            *number = match tag {
                b'f' => f64::from(f32::from_be_bytes(take(&mut rest)?)),
                b'i' => f64::from(i32::from_be_bytes(take(&mut rest)?)),
                b'd' => f64::from_be_bytes(take(&mut rest)?),
                b'h' => i64::from_be_bytes(take(&mut rest)?) as f64,
                _ => return Err(WireError::BadValue("argument type")),
            };
            if !number.is_finite() {
                return Err(WireError::BadValue("argument"));
            }
        }
        Ok(numbers)
    }

    /// The arguments in order, read without allocating; ends with the first error. Errors: `Truncated`,
    /// `BadLength` (a blob longer than the message), `Unsupported` (a type of unknown length).
    pub fn arguments(&self) -> impl Iterator<Item = Result<Argument<'a>, WireError>> + use<'a> {
        let (mut tags, mut rest) = (self.tags.iter(), Some(self.arguments));
        std::iter::from_fn(move || {
            let mut left = rest.take()?;
            let argument = Argument::take(*tags.next()?, &mut left);
            rest = argument.is_ok().then_some(left);
            Some(argument)
        })
    }
}

impl<'a> Argument<'a> {
    /// Reads an argument of type `tag` from the front of `rest`.
    fn take(tag: u8, rest: &mut &'a [u8]) -> Result<Self, WireError> {
        Ok(match tag {
            b'i' => Self::Integer(i32::from_be_bytes(take(rest)?).into()),
            b'h' => Self::Integer(i64::from_be_bytes(take(rest)?)),
            b'f' => Self::Number(f32::from_be_bytes(take(rest)?).into()),
            b'd' => Self::Number(f64::from_be_bytes(take(rest)?)),
            b's' | b'S' => {
                let (text, after) = string(rest)?;
                *rest = after;
                Self::Text(text)
            }
            b'b' => {
                let size = size_at(rest).ok_or(WireError::Truncated)?;
                let end = size.checked_next_multiple_of(4).and_then(|padded| padded.checked_add(field::SIZE));
                *rest = end.and_then(|end| rest.get(end..)).ok_or(WireError::BadLength)?;
                Self::Other(tag)
            }
            b'T' | b'F' | b'N' | b'I' | b'[' | b']' => Self::Other(tag),
            b'c' | b'r' | b'm' => take::<4>(rest).map(|_| Self::Other(tag))?,
            b't' => take::<8>(rest).map(|_| Self::Other(tag))?,
            _ => return Err(WireError::Unsupported("argument type")),
        })
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, tags) = (String::from_utf8_lossy(self.address), String::from_utf8_lossy(self.tags));
        write!(f, "OSC {address} ,{tags} {} bytes", self.arguments.len())
    }
}

/// A NUL-terminated string padded to four bytes, and what follows it.
fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let len = bytes.iter().position(|byte| *byte == 0).ok_or(WireError::Truncated)?;
    let rest = bytes.get((len + 4) & !3..).ok_or(WireError::Truncated)?;
    Ok((&bytes[..len], rest))
}

fn size_at(bytes: &[u8]) -> Option<usize> {
    let size = bytes.first_chunk::<{ field::SIZE }>()?;
    usize::try_from(u32::from_be_bytes(*size)).ok()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
    *rest = after;
    Ok(*taken)
}
