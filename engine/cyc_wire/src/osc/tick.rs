//! Ticks and timecode over OSC: `<address> ,i` or `,h` (frame number), `,s` (label), both in any order, or neither.

use super::{
    time::{nanos_from_tag, tag_from_nanos},
    view::{Argument, Element, Message, Packet},
};
use crate::WireError;
use cyc_core::Timecode;
use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType};
use std::fmt;

/// What a tick message says: that a frame begins, and perhaps which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OscTick {
    /// Frame number, the first integer of the message.
    pub frame: Option<i64>,
    /// Label, the first text of the message.
    pub label: Option<Timecode>,
}

impl OscTick {
    /// Reads a message to exactly `address`; `None` for one to another. Arguments of other types, and those beyond
    /// the first of each, are left unread. Errors: `Truncated`, `BadValue` (a text that is no timecode).
    pub fn parse(message: &Message<'_>, address: &str) -> Result<Option<Self>, WireError> {
        if message.address() != address.as_bytes() {
            return Ok(None);
        }
        let mut tick = Self::default();
        for argument in message.arguments() {
            match argument? {
                Argument::Integer(frame) => tick.frame = tick.frame.or(Some(frame)),
                Argument::Text(text) if tick.label.is_none() => tick.label = Some(label(text)?),
                _ => {}
            }
        }
        Ok(Some(tick))
    }

    /// The message. Frame numbers go out in 32 bits where they fit, else in 64.
    pub fn emit(&self, address: &str) -> OscMessage {
        let frame = self.frame.map(|frame| i32::try_from(frame).map_or(OscType::Long(frame), OscType::Int));
        let label = self.label.map(|label| OscType::String(label.to_string()));
        OscMessage { addr: address.into(), args: frame.into_iter().chain(label).collect() }
    }
}

impl fmt::Display for OscTick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tick")?;
        self.frame.map_or(Ok(()), |frame| write!(f, " frame={frame}"))?;
        self.label.map_or(Ok(()), |label| write!(f, " {label}"))
    }
}

/// Hands over every tick to `address` in a datagram, with the time tag of the bundle that holds it (Unix
/// nanoseconds; `None` for "immediately" and outside of bundles). Returns how many messages were to other addresses.
/// Errors: those of [`Packet::new_checked`], and the first tick's that cannot be read; ticks before it were handed
/// over.
pub fn ticks(datagram: &[u8], address: &str, mut found: impl FnMut(OscTick, Option<i64>)) -> Result<usize, WireError> {
    let mut others = 0;
    match Packet::new_checked(datagram)?.element() {
        Some(element) => walk(&element, None, &mut |message, unix_nanos| {
            match OscTick::parse(message, address)? {
                Some(tick) => found(tick, unix_nanos),
                None => others += 1,
            }
            Ok(())
        })?,
        None => return Err(WireError::Malformed("OSC")),
    }
    Ok(others)
}

/// As deep as bundles may nest, which [`Packet::new_checked`] bounds.
fn walk(
    element: &Element<'_>,
    unix_nanos: Option<i64>,
    found: &mut dyn FnMut(&Message<'_>, Option<i64>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    match element {
        Element::Message(message) => found(message, unix_nanos),
        Element::Bundle(bundle) => {
            let unix_nanos = nanos_from_tag(bundle.time_tag());
            bundle.elements().try_for_each(|element| walk(&element, unix_nanos, found))
        }
    }
}

/// A tick as a datagram: a message, or with `unix_nanos` a bundle of that time. Errors: `Malformed`, if rosc refuses
/// the address.
pub fn encode_tick(address: &str, tick: &OscTick, unix_nanos: Option<i64>) -> Result<Vec<u8>, WireError> {
    let message = OscPacket::Message(tick.emit(address));
    let packet = match unix_nanos {
        None => message,
        Some(_) => {
            let tag = tag_from_nanos(unix_nanos);
            let timetag = OscTime { seconds: (tag >> 32) as u32, fractional: tag as u32 };
            OscPacket::Bundle(OscBundle { timetag, content: vec![message] })
        }
    };
    rosc::encoder::encode(&packet).map_err(|_| WireError::Malformed("OSC"))
}

/// A cue as a datagram: `<address>/cue ,si` or `,sh`, its name and the frame on which it happened. Errors:
/// `Malformed`, if rosc refuses the address.
pub fn encode_cue(address: &str, name: &str, frame: i64) -> Result<Vec<u8>, WireError> {
    let mut message = OscTick { frame: Some(frame), label: None }.emit(&format!("{address}/cue"));
    message.args.insert(0, OscType::String(name.into()));
    rosc::encoder::encode(&OscPacket::Message(message)).map_err(|_| WireError::Malformed("OSC"))
}

fn label(text: &[u8]) -> Result<Timecode, WireError> {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.trim().parse().ok()).ok_or(WireError::BadValue("timecode"))
}
