//! Art-Net timecode as beat and label: a packet a frame, stamped by the kernel.

use super::Inbox;
use super::source::{SourceHandle, Teller};
use super::udp::{Garbage, Listener, Senders, listen};
use crate::error::LinkError;
use cyc_core::{Clock, StageTime};
use cyc_stage::stage::ArtNet;
use cyc_wire::artnet::{ArtTimecodeRepr, Packet};
use cyc_wire::timecode::Direction;
use std::sync::Arc;

/// Listens for the packets of one stream; the port is shared with other Art-Net programs (UDP 6454, broadcast or
/// unicast). A port that cannot be had is named and tried again.
///
/// # Errors
/// No thread.
pub fn start(config: &ArtNet, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<SourceHandle, LinkError> {
    let stream = Stream { stream: config.stream, last: None, senders: Senders::default(), garbage: Garbage::default() };
    listen("genlock artnet", config.udp, clock, inbox, stream)
}

/// One stream of timecode.
struct Stream {
    stream: u8,
    last: Option<(ArtTimecodeRepr, Direction)>,
    senders: Senders,
    garbage: Garbage,
}

impl Listener for Stream {
    fn datagram(&mut self, bytes: &[u8], source: u64, at: StageTime, teller: &mut Teller) {
        let parsed = Packet::new_checked(bytes).and_then(|packet| match packet {
            Packet::Timecode(packet) => ArtTimecodeRepr::parse(&packet).map(Some),
            Packet::Other { .. } => Ok(None),
        });
        match parsed {
            Ok(Some(packet)) if packet.stream == self.stream => self.packet(packet, source, at, teller),
            Ok(_) => {}
            Err(error) if self.garbage.is_news(at) => {
                teller.trouble(format!("genlock artnet: what arrives is no Art-Net timecode ({error})"));
            }
            Err(_) => {}
        }
    }
}

impl Stream {
    fn packet(&mut self, packet: ArtTimecodeRepr, source: u64, at: StageTime, teller: &mut Teller) {
        self.garbage.good(at);
        let believed = self.senders.believe(source, at);
        if self.senders.compete(at) {
            let stream = self.stream;
            teller.trouble(format!(
                "genlock artnet: two programs send timecode stream {stream}; the first is followed. Stop one, or give \
                 it another stream"
            ));
        } else {
            teller.well();
        }
        if !believed {
            return;
        }
        let (repeated, direction) = self.direction(&packet);
        self.last = Some((packet, direction));
        // A label that stands still, or a packet sent twice, begins no frame.
        if !repeated {
            teller.pulse(at, None);
        }
        teller.label(packet.label, at, Some(packet.counting.nominal()), direction.sign());
    }

    /// Whether the packet repeats the one before it, and which way labels run.
    fn direction(&self, packet: &ArtTimecodeRepr) -> (bool, Direction) {
        let Some((last, direction)) = self.last.as_ref().filter(|(last, _)| last.counting == packet.counting) else {
            return (false, Direction::Forward);
        };
        if last.label == packet.label {
            (true, *direction)
        } else if packet.counting.advance(last.label, -1) == packet.label {
            (false, Direction::Backward)
        } else {
            (false, Direction::Forward)
        }
    }
}
