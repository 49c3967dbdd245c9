//! Art-Net timecode and OSC ticks that leave: one packet as the frame begins.

use super::{Frame, Health, Queue, Said, carried, refuse};
use crate::error::LinkError;
use crate::genlock::source::{SourceHandle, Tell};
use cyc_core::Rate;
use cyc_stage::stage::{ArtNet, OscTicks};
use cyc_wire::artnet::ArtTimecodeRepr;
use cyc_wire::osc::{OscTick, encode_cue, encode_tick};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Multicast goes so many routers far.
const TTL: u32 = 2;

/// Sends a packet for every frame that its stream can label, to one program or to a broadcast address.
pub(super) fn start_artnet(
    config: &ArtNet,
    rate: Rate,
    queue: Queue,
    mut health: Health,
) -> Result<SourceHandle, LinkError> {
    let (stream, udp) = (config.stream, config.udp);
    SourceHandle::spawn("tc artnet", move |_| {
        let mut line = Line::new("Art-Net timecode", udp, health.clone());
        while let Ok(said) = queue.recv() {
            let Said::Frame(Frame { label, .. }) = said else { continue };
            let Some(carried) = carried(rate, label) else {
                return refuse(rate, "Art-Net timecode", &queue, &mut health);
            };
            if carried.frames_ago == 0 {
                match (ArtTimecodeRepr { stream, label: carried.label, counting: carried.counting }).emit() {
                    Ok(bytes) => line.send(&bytes),
                    Err(error) => health.trouble(format!("Art-Net timecode: label {label} cannot be sent: {error}")),
                }
            }
        }
    })
}

/// Sends a tick with frame number and label for every n-th frame, and every cue.
pub(super) fn start_osc(
    config: &OscTicks,
    every: u32,
    queue: Queue,
    mut health: Health,
) -> Result<SourceHandle, LinkError> {
    let (address, udp, every) = (config.address.clone(), config.udp, u64::from(every.max(1)));
    SourceHandle::spawn("tc osc", move |_| {
        let mut line = Line::new("OSC", udp, health.clone());
        while let Ok(said) = queue.recv() {
            let encoded = match said {
                Said::Frame(Frame { frame, .. }) if !frame.is_multiple_of(every) => continue,
                Said::Frame(Frame { frame, label, .. }) => {
                    encode_tick(&address, &OscTick { frame: Some(frame.cast_signed()), label: Some(label) }, None)
                }
                Said::Cue { name, frame } => encode_cue(&address, &name, frame.cast_signed()),
            };
            match encoded {
                Ok(bytes) => line.send(&bytes),
                Err(error) => health.trouble(format!("OSC {address} cannot be sent: {error}")),
            }
        }
    })
}

/// A socket to one address, opened when it can be and again after trouble.
struct Line {
    what: &'static str,
    to: SocketAddr,
    socket: Option<UdpSocket>,
    health: Health,
}

impl Line {
    fn new(what: &'static str, to: SocketAddr, health: Health) -> Self {
        Self { what, to, socket: None, health }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self.try_send(bytes) {
            Ok(()) => self.health.well(),
            Err(error) => {
                self.socket = None;
                let (what, to) = (self.what, self.to);
                self.health.trouble(format!(
                    "{what} cannot be sent to {to}: {error}; look at the address, the network cable and `ip route`"
                ));
            }
        }
    }

    fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open(self.to)?,
        };
        let sent = self.socket.insert(socket).send_to(bytes, self.to);
        match sent {
            // Nobody listens there yet: said by the other end about an earlier packet, and no trouble of ours.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            sent => sent.map(|_| ()),
        }
    }
}

fn open(to: SocketAddr) -> io::Result<UdpSocket> {
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(from)?;
    if to.is_ipv4() {
        socket.set_broadcast(true)?;
        socket.set_multicast_ttl_v4(TTL)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}
