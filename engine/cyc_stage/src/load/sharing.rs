//! Which ports, devices and files may be used twice, and by whom.

use super::Entry;
use super::beat::Timecodes;
use crate::problem::{Code, Problem, Span};
use crate::stage::{Feed, Genlock, GenlockSource, LabelSource, Protocol, Sound, TimecodeOut, Transport};
use crate::tree::Sheet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// Reports what would take each other's packets, sound or files.
pub(super) fn check(
    sheet: &Sheet<'_>,
    feeds: &[Entry<Feed>],
    genlock: &Entry<Genlock>,
    timecode: &Timecodes,
    control: &Entry<Option<SocketAddr>>,
) {
    check_feeds(sheet, feeds);
    let settled = same_source(sheet, genlock, &timecode.source) || told_apart(genlock, &timecode.source);
    check_listeners(sheet, &listeners(feeds, genlock, &timecode.source, control), settled);
    check_outs(sheet, genlock, timecode);
}

/// Somebody with a UDP port of its own.
struct Listener {
    who: String,
    span: Span,
    udp: SocketAddr,
    kind: Kind,
}

/// Listeners that are compared with others of their kind elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// By what their packets say.
    Feed,
    /// By what they read.
    Beat,
    Control,
}

fn listeners(
    feeds: &[Entry<Feed>],
    genlock: &Entry<Genlock>,
    timecode: &Entry<LabelSource>,
    control: &Entry<Option<SocketAddr>>,
) -> Vec<Listener> {
    let mut all = Vec::new();
    let mut add = |who: String, span: &Span, udp: Option<SocketAddr>, kind| {
        all.extend(udp.map(|udp| Listener { who, span: span.clone(), udp, kind }));
    };
    for entry in feeds {
        let Some(feed) = &entry.value else { continue };
        add(format!("feed {:?}", feed.id), &entry.span, socket(&feed.protocol), Kind::Feed);
    }
    let beat = genlock.value.as_ref().and_then(|genlock| genlock_udp(&genlock.source));
    add("[genlock]".into(), &genlock.span, beat, Kind::Beat);
    let labels = timecode.value.as_ref().and_then(label_udp);
    add("[timecode]".into(), &timecode.span, labels, Kind::Beat);
    add("[control]".into(), &control.span, control.value.flatten(), Kind::Control);
    all
}

fn genlock_udp(source: &GenlockSource) -> Option<SocketAddr> {
    match source {
        GenlockSource::ArtNet(artnet) => Some(artnet.udp),
        GenlockSource::Osc(osc) => Some(osc.udp),
        _ => None,
    }
}

fn label_udp(source: &LabelSource) -> Option<SocketAddr> {
    match source {
        LabelSource::ArtNet(artnet) => Some(artnet.udp),
        LabelSource::Osc(osc) => Some(osc.udp),
        _ => None,
    }
}

/// True if packets for one address reach a socket on the other.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

/// Each of them opens a socket of its own, which takes every packet that comes to the port.
fn check_listeners(sheet: &Sheet<'_>, listeners: &[Listener], beats_settled: bool) {
    for (n, second) in listeners.iter().enumerate() {
        for first in &listeners[..n] {
            let said = first.kind == second.kind && (first.kind == Kind::Feed || beats_settled);
            if said || !overlap(first.udp, second.udp) {
                continue;
            }
            let message = format!("{} and {} both listen on UDP port {}", first.who, second.who, second.udp.port());
            let problem = Problem::new(Code::SharedPort, second.span.clone(), message).label("on the same port");
            sheet.report(problem.also(first.span.clone(), "this one").help("give each its own port"));
            break;
        }
    }
}

/// Reports labels that come from where the beat comes from, read a second time.
fn same_source(sheet: &Sheet<'_>, genlock: &Entry<Genlock>, timecode: &Entry<LabelSource>) -> bool {
    let (Some(beat), Some(labels)) = (&genlock.value, &timecode.value) else { return false };
    let same = match (&beat.source, labels) {
        (GenlockSource::Ltc(beat), LabelSource::Ltc(labels)) => beat == labels,
        (GenlockSource::Mtc(beat), LabelSource::Mtc(labels)) => beat == labels,
        (GenlockSource::ArtNet(beat), LabelSource::ArtNet(labels)) => beat == labels,
        (GenlockSource::Osc(beat), LabelSource::Osc(labels)) => beat == labels,
        _ => false,
    };
    if same {
        let message = "[timecode] reads what [genlock] reads already";
        let problem = Problem::new(Code::SharedPort, timecode.span.clone(), message).label("read a second time");
        let problem = problem.also(genlock.span.clone(), "read here");
        sheet.report(problem.help("write source.genlock = {} for the labels that come with the beat"));
    }
    same
}

/// True if beat and labels come to one port in packets that reach both: Art-Net is broadcast, and a group is everybody's.
fn told_apart(genlock: &Entry<Genlock>, timecode: &Entry<LabelSource>) -> bool {
    let (Some(beat), Some(labels)) = (&genlock.value, &timecode.value) else { return false };
    match (&beat.source, labels) {
        (GenlockSource::ArtNet(beat), LabelSource::ArtNet(labels)) => beat.stream != labels.stream,
        (GenlockSource::Osc(beat), LabelSource::Osc(labels)) => {
            beat.address != labels.address && beat.udp == labels.udp && beat.udp.ip().is_multicast()
        }
        _ => false,
    }
}

/// Reports timecode that leaves twice by one way, or comes back to where it is read.
fn check_outs(sheet: &Sheet<'_>, genlock: &Entry<Genlock>, timecode: &Timecodes) {
    for (n, entry) in timecode.out.iter().enumerate() {
        let Some(out) = &entry.value else { continue };
        let report = |message: &str, place: &Span, label: &str, help: &str| {
            let problem = Problem::new(Code::SharedPort, entry.span.clone(), message);
            sheet.report(problem.also(place.clone(), label).help(help));
        };
        let first =
            timecode.out[..n].iter().find(|first| first.value.as_ref().is_some_and(|first| collide(first, out)));
        if let Some(first) = first {
            report("two [[timecode.out]] go to the same place", &first.span, "this one", "remove one of them");
        }
        let beat = genlock.value.as_ref().is_some_and(|genlock| comes_back_as_beat(&genlock.source, out));
        let labels = timecode.source.value.as_ref().is_some_and(|source| comes_back_as_label(source, out));
        let read = [(beat, &genlock.span), (labels, &timecode.source.span)];
        if let Some((_, place)) = read.into_iter().find(|(back, _)| *back) {
            let help = "send it elsewhere: another file, port, stream or address";
            report("the stage would read its own timecode", place, "read here", help);
        }
    }
}

fn collide(a: &TimecodeOut, b: &TimecodeOut) -> bool {
    match (a, b) {
        (TimecodeOut::Ltc(a), TimecodeOut::Ltc(b)) => a == b || same_file(a, b),
        (TimecodeOut::Osc { to: a, .. }, TimecodeOut::Osc { to: b, .. }) => a == b,
        _ => a == b,
    }
}

fn comes_back_as_beat(source: &GenlockSource, out: &TimecodeOut) -> bool {
    match (source, out) {
        (GenlockSource::Ltc(sound), TimecodeOut::Ltc(out)) => same_file(sound, out),
        (GenlockSource::ArtNet(here), TimecodeOut::ArtNet(out)) => {
            here.stream == out.stream && reaches(out.udp, here.udp)
        }
        (GenlockSource::Osc(here), TimecodeOut::Osc { to, .. }) => {
            here.address == to.address && reaches(to.udp, here.udp)
        }
        _ => false,
    }
}

fn comes_back_as_label(source: &LabelSource, out: &TimecodeOut) -> bool {
    // The same sources; what they are read for makes no difference.
    let as_beat = match source {
        LabelSource::Ltc(sound) => GenlockSource::Ltc(sound.clone()),
        LabelSource::ArtNet(artnet) => GenlockSource::ArtNet(artnet.clone()),
        LabelSource::Osc(osc) => GenlockSource::Osc(osc.clone()),
        _ => return false,
    };
    comes_back_as_beat(&as_beat, out)
}

fn same_file(a: &Sound, b: &Sound) -> bool {
    fn path(sound: &Sound) -> Option<&Path> {
        match sound {
            Sound::File { path, .. } => Some(path),
            Sound::Device { .. } => None,
        }
    }
    path(a).is_some_and(|a| path(b) == Some(a))
}

/// True if what is sent to `to` arrives at this machine's own `listen`: a broadcast comes back to its sender.
fn reaches(to: SocketAddr, listen: SocketAddr) -> bool {
    let everybody = to.ip() == IpAddr::from(Ipv4Addr::BROADCAST);
    let home = to.ip().is_loopback() || everybody;
    to.port() == listen.port() && (to.ip() == listen.ip() || home && listen.ip().is_unspecified())
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
fn check_feeds(sheet: &Sheet<'_>, feeds: &[Entry<Feed>]) {
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
