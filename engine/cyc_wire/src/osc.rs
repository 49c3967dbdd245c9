//! OSC 1.0 as trackers speak it: poses, lens values, and VRChat's position and rotation; and ticks.
//!
//! Source: Open Sound Control 1.0 (packets, bundles, type tags, time tags); Cyclorama interfaces 3a for the
//! default profile; VRChat's OSC tracker documentation for the other.
//! [`Packet`] and [`Message`] are the checked views and read tracker messages without allocating;
//! [`TrackerMessage`] and [`OscTick`] are the `Repr`s. [`decode_any`] gives the `rosc` tree of any other packet, behind the same
//! check: rosc 0.11 recurses as deep as the sender nests, and a stack overflow cannot be caught.

mod pairing;
mod tick;
mod time;
mod tracker;
mod view;

pub use pairing::{Pairing, Part};
pub use tick::{OscTick, encode_cue, encode_tick, ticks};
pub use time::{nanos_from_tag, tag_from_nanos};
pub use tracker::{TrackerMessage, encode_bundle, encode_message};
pub use view::{Argument, Bundle, Element, MAX_DEPTH, Message, Packet, field};

use crate::WireError;
use rosc::OscPacket;

/// Decodes any packet into rosc's tree. Errors: those of [`Packet::new_checked`], and `Malformed` for
/// arguments that rosc does not know.
pub fn decode_any(datagram: &[u8]) -> Result<OscPacket, WireError> {
    let expected = Packet::new_checked(datagram)?.element().map_or(0, |element| messages_in(&element));
    match rosc::decoder::decode_udp(datagram) {
        // rosc ends a bundle quietly at the first element it cannot read.
        Ok(([], packet)) if messages_in_tree(&packet) == expected => Ok(packet),
        _ => Err(WireError::Malformed("OSC")),
    }
}

/// Both counts go [`MAX_DEPTH`] deep at most.
fn messages_in(element: &Element<'_>) -> usize {
    match element {
        Element::Message(_) => 1,
        Element::Bundle(bundle) => bundle.elements().map(|element| messages_in(&element)).sum(),
    }
}

fn messages_in_tree(packet: &OscPacket) -> usize {
    match packet {
        OscPacket::Message(_) => 1,
        OscPacket::Bundle(bundle) => bundle.content.iter().map(messages_in_tree).sum(),
    }
}
