//! OSC ticks as beat and label: a message a frame, stamped by the kernel.
//!
//! A bundle's time tag is not used: it tells the sender's wall clock, and the two machines' clocks differ by more
//! than a packet's way takes.

use super::Inbox;
use super::source::{SourceHandle, Teller};
use super::udp::{Garbage, Listener, Senders, listen};
use crate::error::LinkError;
use cyc_core::{Clock, StageTime};
use cyc_stage::stage::OscTicks;
use cyc_wire::osc::{OscTick, ticks};
use std::sync::Arc;

/// Listens for messages to one OSC address; the port is shared with other programs that share it, and a multicast
/// group is joined. A port that cannot be had is named and tried again.
///
/// # Errors
/// No thread.
pub fn start(config: &OscTicks, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<SourceHandle, LinkError> {
    let address = config.address.clone();
    let listener = Ticks { address, last: None, senders: Senders::default(), garbage: Garbage::default() };
    listen("genlock osc", config.udp, clock, inbox, listener)
}

/// One OSC address.
struct Ticks {
    address: String,
    last: Option<OscTick>,
    senders: Senders,
    garbage: Garbage,
}

impl Listener for Ticks {
    fn datagram(&mut self, bytes: &[u8], source: u64, at: StageTime, teller: &mut Teller) {
        // A bundle holds few ticks of one address; each is a frame on its own.
        let mut found: [Option<OscTick>; 8] = [None; 8];
        let mut count = 0;
        let read = ticks(bytes, &self.address, |tick, _| {
            if let Some(place) = found.get_mut(count) {
                (*place, count) = (Some(tick), count + 1);
            }
        });
        for tick in found.into_iter().flatten() {
            self.tick(tick, source, at, teller);
        }
        if let Err(error) = read
            && self.garbage.is_news(at)
        {
            let address = &self.address;
            teller.trouble(format!("genlock osc: what arrives is no tick to {address} ({error})"));
        }
    }
}

impl Ticks {
    fn tick(&mut self, tick: OscTick, source: u64, at: StageTime, teller: &mut Teller) {
        self.garbage.good(at);
        let believed = self.senders.believe(source, at);
        if self.senders.compete(at) {
            let address = &self.address;
            teller.trouble(format!(
                "genlock osc: two programs send ticks to {address}; the first is followed. Stop one, or give it \
                 another address"
            ));
        } else {
            teller.well();
        }
        if !believed {
            return;
        }
        let last = self.last.replace(tick).unwrap_or_default();
        // A message that names the frame it named before begins none; one that names none always does.
        let repeated = tick == last && tick != OscTick::default();
        if !repeated {
            teller.pulse(at, tick.frame);
        }
        let backwards = tick.frame.zip(last.frame).is_some_and(|(now, before)| now.checked_add(1) == Some(before));
        if let Some(label) = tick.label {
            teller.label(label, at, None, if backwards { -1 } else { 1 });
        }
    }
}
