//! Where feeds listen, and which of them may share a port.

use super::Entry;
use crate::problem::{Code, Problem};
use crate::stage::{Feed, Protocol, Transport};
use crate::tree::{Field, Sheet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A UDP address to listen on; multicast groups only where `multicast`.
pub(super) fn udp(field: &Field<'_>, multicast: bool) -> Option<SocketAddr> {
    let text = field.text()?;
    let (why, help) = match text.parse::<SocketAddr>() {
        Err(_) => ("is not an address and port", hint(text)),
        Ok(address) if address.port() == 0 => {
            ("has port 0, which no sender can reach", "name the sender's port".into())
        }
        Ok(SocketAddr::V6(v6)) if v6.ip().is_multicast() => {
            ("is an IPv6 multicast group, which is not supported", "use an IPv4 group such as 239.135.1.1:55555".into())
        }
        Ok(address) if address.ip().is_multicast() && !multicast => (
            "is a multicast group, which this protocol does not use",
            "write this machine's address, or 0.0.0.0".into(),
        ),
        Ok(SocketAddr::V4(v4)) if v4.ip().is_broadcast() => {
            ("is the broadcast address", "write this machine's address, or 0.0.0.0".into())
        }
        Ok(address) => return Some(address),
    };
    let message = format!("{} is {text:?}, which {why}", field.name());
    let help = if help.is_empty() { "write \"IP:PORT\", such as \"0.0.0.0:40000\"".into() } else { help };
    field.report(field.problem(Code::Address, message).help(help));
    None
}

fn hint(text: &str) -> String {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    if host == "localhost" {
        return format!("names are not looked up; write \"127.0.0.1:{port}\"");
    }
    if text.parse::<IpAddr>().is_ok() {
        return format!("add the port: \"{text}:40000\"");
    }
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return format!("add the address: \"0.0.0.0:{port}\" listens on every interface");
    }
    String::new()
}

/// The address of the interface that joins a multicast group.
pub(super) fn interface(field: &Field<'_>, udp: Option<SocketAddr>) -> Option<Ipv4Addr> {
    let text = field.text()?;
    let Ok(address) = text.parse::<Ipv4Addr>() else {
        let message = format!("{} is {text:?}, which is not an IPv4 address", field.name());
        let help = "write the interface's own address, such as \"192.168.1.20\"";
        field.report(field.problem(Code::Address, message).help(help));
        return None;
    };
    if udp.is_some_and(|udp| !udp.ip().is_multicast()) {
        let message = format!("{} is only for multicast groups", field.name());
        let help = format!("remove it; to listen on one interface write udp = \"{text}:PORT\"");
        field.report(field.problem(Code::Address, message).help(help));
        return None;
    }
    Some(address)
}

/// An OSC address prefix such as "/tracker/a".
pub(super) fn osc(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let fine = |c: char| c.is_ascii_graphic() && !"#*,?[]{}".contains(c);
    if text.len() >= 2
        && text.len() <= 255
        && text.starts_with('/')
        && !text.ends_with('/')
        && !text.contains("//")
        && text.chars().all(fine)
    {
        return Some(text.to_owned());
    }
    let message = format!("{} is {text:?}, which is not an OSC address", field.name());
    let help = "it begins with '/', does not end with it, and holds no spaces or any of # * , ? [ ] { }";
    field.report(field.problem(Code::Address, message).help(help));
    None
}

fn socket(protocol: &Protocol) -> Option<SocketAddr> {
    match protocol {
        Protocol::Freed { transport: Transport::Udp(udp), .. } => Some(*udp),
        Protocol::Freed { transport: Transport::Serial(_), .. } => None,
        Protocol::OpenTrackIo { udp, .. } | Protocol::Osc { udp, .. } => Some(*udp),
    }
}

/// Why two feeds cannot listen side by side, and what to do.
fn conflict(a: &Protocol, b: &Protocol) -> Option<&'static str> {
    let (here, there) = (socket(a)?, socket(b)?);
    if here.port() != there.port() {
        return None;
    }
    if here.ip() != there.ip() {
        let any = here.ip().is_unspecified() || there.ip().is_unspecified();
        return any.then_some("an address of 0.0.0.0 takes the port of every other; write the same address in both");
    }
    match (a, b) {
        (Protocol::Freed { camera_id: Some(a), .. }, Protocol::Freed { camera_id: Some(b), .. }) if a != b => None,
        (Protocol::Freed { .. }, Protocol::Freed { .. }) => {
            Some("give each its own camera_id, as the devices send it, or its own port")
        }
        (
            Protocol::OpenTrackIo { source_number: Some(a), .. },
            Protocol::OpenTrackIo { source_number: Some(b), .. },
        ) if a != b => None,
        (Protocol::OpenTrackIo { .. }, Protocol::OpenTrackIo { .. }) => {
            Some("give each its own source_number, as the devices send it, or its own port")
        }
        (Protocol::Osc { address: a, .. }, Protocol::Osc { address: b, .. }) if a != b => None,
        (Protocol::Osc { .. }, Protocol::Osc { .. }) => Some("give each its own address, or its own port"),
        _ => Some("they speak different protocols; give each its own port"),
    }
}

/// Reports feeds that would take each other's packets.
pub(super) fn check_shared_ports(sheet: &Sheet<'_>, feeds: &[Entry<Feed>]) {
    for (n, second) in feeds.iter().enumerate() {
        for first in &feeds[..n] {
            let (Some(a), Some(b)) = (&first.value, &second.value) else { continue };
            let Some(help) = conflict(&a.protocol, &b.protocol) else { continue };
            let port = socket(&b.protocol).map_or(0, |socket| socket.port());
            let message = format!("feeds {:?} and {:?} cannot be told apart on UDP port {port}", a.id, b.id);
            let problem = Problem::new(Code::SharedPort, second.span.clone(), message).label("on the same port");
            sheet.report(problem.also(first.span.clone(), "this feed").help(help));
            break;
        }
    }
}
