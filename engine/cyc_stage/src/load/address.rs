//! Addresses to listen on and to send to.

use crate::problem::Code;
use crate::tree::Field;
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

/// Which way an address is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Packets arrive there.
    Listen,
    /// Packets go there.
    Send,
}

/// A UDP address to listen on, multicast groups included, or to send to.
pub(super) fn either_way(field: &Field<'_>, way: Way) -> Option<SocketAddr> {
    match way {
        Way::Listen => udp(field, true),
        Way::Send => destination(field),
    }
}

/// A UDP address to send to: a machine, a multicast group or everybody.
fn destination(field: &Field<'_>) -> Option<SocketAddr> {
    let text = field.text()?;
    let (why, help) = match text.parse::<SocketAddr>() {
        Err(_) => ("is not an address and port", hint(text)),
        Ok(address) if address.port() == 0 => {
            ("has port 0, on which nobody listens", "name the receiver's port".into())
        }
        Ok(address) if address.ip().is_unspecified() => (
            "is every interface of this machine, and no receiver",
            format!("write the receiver's address, or 255.255.255.255:{} for everybody", address.port()),
        ),
        Ok(address) => return Some(address),
    };
    let message = format!("{} is {text:?}, which {why}", field.name());
    let help = if help.is_empty() { "write \"IP:PORT\", such as \"192.168.1.20:6454\"".into() } else { help };
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
