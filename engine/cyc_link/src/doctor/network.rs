//! Ports that the stage listens on, and what the kernel gives a listener.

use super::{Check, line};
use crate::stamp::{Arrival, Batch, RECEIVE_BUFFER, StampedSocket};
use cyc_stage::stage::{GenlockSource, LabelSource, Protocol, Stage, Transport};
use std::io;
use std::net::{SocketAddr, UdpSocket};

pub(super) fn checks(stage: Option<&Stage>) -> Vec<Check> {
    let most = line("/proc/sys/net/core/rmem_max").and_then(|text| text.parse().ok());
    let mut checks = vec![buffer(most), stamps()];
    checks.extend(stage.into_iter().flat_map(listeners).map(|(who, addr, shared)| port(&who, addr, shared)));
    checks
}

/// The largest receive buffer that a program may have, bytes.
pub(super) fn buffer(most: Option<usize>) -> Check {
    const NAME: &str = "receive buffer";
    match most {
        None => Check::good(NAME, "not told by this kernel"),
        Some(most) if most >= RECEIVE_BUFFER => Check::good(NAME, format!("up to {} KiB", most >> 10)),
        Some(most) => Check::poor(
            NAME,
            format!("up to {} KiB; a burst may be lost", most >> 10),
            format!("`sysctl -w net.core.rmem_max={RECEIVE_BUFFER}`, and the same line in /etc/sysctl.d"),
        ),
    }
}

/// Sends a packet to itself and looks whether the kernel stamped it.
fn stamps() -> Check {
    const NAME: &str = "receive stamps";
    let fix = "a sandbox or an old kernel refuses SO_TIMESTAMPNS; samples are stamped after they are read";
    match stamped() {
        Ok(true) => Check::good(NAME, "the kernel stamps packets as they arrive"),
        Ok(false) => Check::poor(NAME, "the kernel does not stamp packets", fix),
        Err(error) => Check::poor(NAME, format!("cannot be tried: {error}"), fix),
    }
}

fn stamped() -> io::Result<bool> {
    let receiver = StampedSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    sender.send_to(b"stamp", receiver.local_addr()?)?;
    // What was sent over loopback has arrived; a firewall that drops it must not keep us here.
    receiver.wake();
    let mut stamp = None;
    Batch::default().receive(&receiver, 1, &mut |bytes: &[u8], arrival: Arrival| {
        stamp = arrival.kernel_nanos.filter(|_| !bytes.is_empty());
    })?;
    Ok(stamp.is_some())
}

/// Everything that the stage listens on, for whom, and whether other programs may listen as well.
pub(super) fn listeners(stage: &Stage) -> Vec<(String, SocketAddr, bool)> {
    let mut listeners = Vec::new();
    for feed in &stage.feeds {
        let addr = match &feed.protocol {
            Protocol::Freed { transport: Transport::Serial(_), .. } => continue,
            Protocol::Freed { transport: Transport::Udp(udp), .. }
            | Protocol::OpenTrackIo { udp, .. }
            | Protocol::Osc { udp, .. } => *udp,
        };
        listeners.push((format!("feed \"{}\"", feed.id), addr, addr.ip().is_multicast()));
    }
    match &stage.genlock.source {
        GenlockSource::ArtNet(artnet) => listeners.push(("genlock".to_owned(), artnet.udp, true)),
        GenlockSource::Osc(osc) => listeners.push(("genlock".to_owned(), osc.udp, true)),
        _ => {}
    }
    match &stage.timecode.source {
        LabelSource::ArtNet(artnet) => listeners.push(("timecode".to_owned(), artnet.udp, true)),
        LabelSource::Osc(osc) => listeners.push(("timecode".to_owned(), osc.udp, true)),
        _ => {}
    }
    listeners.extend(stage.control.map(|addr| ("control".to_owned(), addr, false)));
    // Feeds of several cameras may come in at one port.
    let mut seen = Vec::new();
    listeners.retain(|(_, addr, _)| {
        !seen.contains(addr) && {
            seen.push(*addr);
            true
        }
    });
    listeners
}

fn port(who: &str, addr: SocketAddr, shared: bool) -> Check {
    let name = format!("port {}", addr.port());
    let bound = if shared { StampedSocket::bind_shared(addr) } else { StampedSocket::bind(addr) };
    let Err(error) = bound else { return Check::good(name, format!("{addr} is free for {who}")) };
    let (found, fix) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "is in use",
            "if no stage runs here just now, `ss -lunp` shows which program has it; stop that, or change the stage file",
        ),
        io::ErrorKind::PermissionDenied => {
            ("is not permitted", "ports below 1024 need CAP_NET_BIND_SERVICE; take a higher one")
        }
        io::ErrorKind::AddrNotAvailable => {
            ("is no address of this machine", "`ip addr` lists its addresses; 0.0.0.0 listens on all of them")
        }
        _ => return Check::missing(name, format!("{addr} for {who}: {error}"), "see `ip addr` and `ss -lunp`"),
    };
    Check::missing(name, format!("{addr} for {who} {found}"), fix)
}
