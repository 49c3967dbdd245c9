//! The devices and addresses that beats and labels come from or go to, each as one table.

use super::Files;
use super::address::{self, Way};
use crate::problem::Code;
use crate::stage::{ArtNet, Display, Midi, OscTicks, Ptp, SerialEdge, SerialPulse, Sound};
use crate::tree::{Field, Table};
use std::net::{Ipv4Addr, SocketAddr};

/// Art-Net's UDP port (Art-Net 4, "Port").
const ARTNET_PORT: u16 = 6454;
/// Where linuxptp's ptp4l answers management messages by default.
const PTP4L: &str = "/var/run/ptp4l";
/// The domain of SMPTE ST 2059-2.
const PTP_DOMAIN: u8 = 127;
/// The highest domain that IEEE 1588 does not reserve.
const MAX_PTP_DOMAIN: i64 = 127;
/// The OSC address of ticks, both ways, so that two stages understand each other.
const TICK: &str = "/cyclorama/tick";
/// The serial speed where the file says none, as in 38400 8N1.
const BAUD: u32 = 38_400;

/// A text with something in it that a device, a port or a file may be called.
fn name(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    if !text.trim().is_empty() && text.chars().count() <= 255 && !text.chars().any(char::is_control) {
        return Some(text.to_owned());
    }
    let message = format!("{} is {text:?}, which names nothing", field.name());
    field.report(field.problem(Code::BadName, message).help("use 1 to 255 printable characters"));
    None
}

/// A path from the root, such as "/dev/ptp0".
fn whole_path(field: &Field<'_>, such_as: &str) -> Option<String> {
    let path = name(field)?;
    if path.starts_with('/') {
        return Some(path);
    }
    let message = format!("{} is {path:?}, which is not a whole path", field.name());
    field.report(field.problem(Code::BadName, message).help(format!("write it from the root, such as {such_as:?}")));
    None
}

pub(super) fn ptp(table: &Table<'_>) -> Option<Ptp> {
    let domain = |f: Field<'_>| f.whole(0, MAX_PTP_DOMAIN, "").and_then(|n| u8::try_from(n).ok());
    let domain = table.get("domain").map_or(Some(PTP_DOMAIN), domain);
    let interface = table.get("interface").map_or(Some(None), |f| name(&f).map(Some));
    let device = table.get("device").map_or(Some(None), |f| whole_path(&f, "/dev/ptp0").map(Some));
    let management = table.get("management").map_or(Some(PTP4L.to_owned()), |f| whole_path(&f, PTP4L));
    Some(Ptp { domain: domain?, interface: interface?, device: device?, management: management? })
}

/// A sound device or a WAV file, and a channel of it; without either the system's device.
pub(super) fn sound(table: &Table<'_>, files: &Files<'_>) -> Option<Sound> {
    let (device, file) = (table.get("device"), table.get("file"));
    let channel = table.get("channel").map_or(Some(0), |f| f.count(0, 1023, ""));
    let channel = channel.and_then(|n| u16::try_from(n).ok());
    if let (Some(device), Some(file)) = (&device, &file) {
        let message = format!("{}: a sound device and a file exclude each other", table.subject());
        let problem = file.problem(Code::Either, message).label("a file");
        file.report(problem.also(device.span(), "a device").help("remove one of them"));
        return None;
    }
    if let Some(file) = file {
        let path = name(&file).map(|name| files.path(&name));
        return Some(Sound::File { path: path?, channel: channel? });
    }
    let name = device.map_or(Some("default".to_owned()), |f| name(&f));
    Some(Sound::Device { name: name?, channel: channel? })
}

pub(super) fn midi(table: &Table<'_>) -> Option<Midi> {
    Some(Midi { port: table.need("port", "port = \"MOTU\"").and_then(|f| name(&f))? })
}

/// Art-Net timecode; without an address every interface is listened on, or everybody is told.
pub(super) fn artnet(table: &Table<'_>, way: Way) -> Option<ArtNet> {
    let usual = match way {
        Way::Listen => Ipv4Addr::UNSPECIFIED,
        Way::Send => Ipv4Addr::BROADCAST,
    };
    let usual = SocketAddr::from((usual, ARTNET_PORT));
    let udp = table.get("udp").map_or(Some(usual), |f| address::either_way(&f, way));
    let stream = table.get("stream").map_or(Some(0), |f| f.count(0, 255, ""));
    Some(ArtNet { udp: udp?, stream: stream.and_then(|n| u8::try_from(n).ok())? })
}

pub(super) fn osc_ticks(table: &Table<'_>, way: Way) -> Option<OscTicks> {
    let write = match way {
        Way::Listen => "udp = \"0.0.0.0:7401\"",
        Way::Send => "udp = \"192.168.1.20:7401\"",
    };
    let udp = table.need("udp", write).and_then(|f| address::either_way(&f, way));
    let address = table.get("address").map_or(Some(TICK.to_owned()), |f| address::osc(&f));
    Some(OscTicks { udp: udp?, address: address? })
}

pub(super) fn serial(table: &Table<'_>) -> Option<SerialPulse> {
    let device = table.need("device", "device = \"/dev/ttyUSB0\"").and_then(|f| name(&f));
    let edges = [("byte", SerialEdge::Byte), ("cts", SerialEdge::Cts), ("dcd", SerialEdge::Dcd)];
    let pulse = table.get("pulse").map_or(Some(SerialEdge::Byte), |f| f.choice(&edges));
    let baud = table.get("baud");
    if let (Some(baud), Some(SerialEdge::Cts | SerialEdge::Dcd)) = (&baud, pulse) {
        let message = format!("{} has no effect: a modem line has no speed", baud.name());
        baud.report(baud.problem(Code::NoEffect, message).help("remove it, or count bytes with pulse = \"byte\""));
    }
    let baud = baud.map_or(Some(BAUD), |f| f.count(1_200, 4_000_000, "baud"));
    Some(SerialPulse { device: device?, pulse: pulse?, baud: baud? })
}

pub(super) fn display(table: &Table<'_>) -> Option<Display> {
    let usual = "/dev/dri/card0";
    let card = table.get("card").map_or(Some(usual.to_owned()), |f| whole_path(&f, usual));
    let connector = table.get("connector").map_or(Some(None), |f| name(&f).map(Some));
    Some(Display { card: card?, connector: connector? })
}
