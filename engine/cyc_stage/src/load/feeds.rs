//! `[[feed]]`.

use super::{Entry, Places, address, entry_id, profiles};
use crate::problem::{Code, Problem};
use crate::stage::{Feed, Protocol, Transport};
use crate::suggest;
use crate::tree::{Field, Table, Variant, above_to, from_to};
use cyc_core::LossPolicy;
use cyc_core::profile::{FilterProfile, FreedProfile, OpenTrackIoProfile, OscProfile, Profile};

const PROTOCOLS: [(&str, &str); 3] = [
    ("freed", "protocol.freed = { udp = \"0.0.0.0:40000\", camera_id = 1 }"),
    ("opentrackio", "protocol.opentrackio = { udp = \"239.135.1.1:55555\" }"),
    ("osc", "protocol.osc = { udp = \"0.0.0.0:9000\", address = \"/tracker/a\" }"),
];

pub(super) fn feed(table: &Table<'_>) -> Entry<Feed> {
    let (id, span) = entry_id(table, "feed");
    let spoken = table.need("protocol", PROTOCOLS[0].1).and_then(|f| protocol(table, &f));
    let delay_ms = table.get("delay_ms").map_or(Some(0.0), |f| f.number(from_to(-1000.0, 10_000.0, "ms")));
    let filter = table.get("filter").map_or(Some(FilterProfile::default()), |f| filter(&f));
    let loss = table.get("loss").map_or(Some(LossPolicy::default()), |f| loss(&f));
    // Without a protocol nobody can say which profiles there are.
    let profile = table.get("profile");
    let whole = || {
        let (kind, protocol) = spoken?;
        let profile = read_profile(kind, profile.as_ref())?;
        let delay_nanos = (delay_ms? * 1e6).round() as i64;
        Some(Feed { id: id.clone()?, protocol: protocol?, profile, filter: filter?, delay_nanos, loss: loss? })
    };
    let value = whole();
    Entry { id, span, places: Places::new(), value }
}

/// The protocol's name, and what it says if nothing is wrong with it.
fn protocol(feed: &Table<'_>, field: &Field<'_>) -> Option<(&'static str, Option<Protocol>)> {
    match field.variant(&PROTOCOLS)? {
        Variant::Known(kind, field) => {
            let read = |table: Table<'_>| match kind {
                "freed" => freed(&table),
                "opentrackio" => opentrackio(&table),
                _ => osc(&table),
            };
            Some((kind, field.table().and_then(read)))
        }
        Variant::Unknown(name, span) => {
            let message = format!("{} speaks {name:?}, which is not supported yet", feed.subject());
            let help = suggest::help(&name, &PROTOCOLS.map(|(kind, _)| kind), "protocols now");
            feed.sheet().report(Problem::new(Code::Protocol, span, message).label("no such protocol").help(help));
            None
        }
    }
}

fn freed(table: &Table<'_>) -> Option<Protocol> {
    let udp = table.get("udp").map(|f| address::udp(&f, false));
    let camera_id = table.get("camera_id").map(|f| f.count(0, 255, ""));
    let serial = table.get("serial");
    if let Some(serial) = &serial {
        let message = format!("{} listens on a serial device, which is not supported yet", table.subject());
        let help = "send the packets over UDP and write udp = \"IP:PORT\"";
        serial.report(serial.problem(Code::Serial, message).label("serial feeds come later").help(help));
    }
    if udp.is_none() && serial.is_none() {
        table.need("udp", "udp = \"0.0.0.0:40000\"");
    }
    let camera_id = match camera_id {
        Some(id) => Some(u8::try_from(id?).ok()?),
        None => None,
    };
    Some(Protocol::Freed { transport: Transport::Udp(udp??), camera_id })
}

fn opentrackio(table: &Table<'_>) -> Option<Protocol> {
    let udp = table.need("udp", "udp = \"239.135.1.1:55555\"").and_then(|f| address::udp(&f, true));
    let interface = table.get("interface").and_then(|f| address::interface(&f, udp));
    let source_number = table.get("source_number").and_then(|f| f.count(0, u32::MAX, ""));
    Some(Protocol::OpenTrackIo { udp: udp?, interface, source_number })
}

fn osc(table: &Table<'_>) -> Option<Protocol> {
    let udp = table.need("udp", "udp = \"0.0.0.0:9000\"").and_then(|f| address::udp(&f, false));
    let address = table.need("address", "address = \"/tracker/a\"").and_then(|f| address::osc(&f));
    Some(Protocol::Osc { udp: udp?, address: address? })
}

fn read_profile(kind: &str, field: Option<&Field<'_>>) -> Option<Profile> {
    Some(match (kind, field) {
        ("freed", None) => Profile::Freed(FreedProfile::default()),
        ("freed", Some(field)) => Profile::Freed(profiles::freed(field)?),
        ("opentrackio", None) => Profile::OpenTrackIo(OpenTrackIoProfile::default()),
        ("opentrackio", Some(field)) => Profile::OpenTrackIo(profiles::opentrackio(field)?),
        (_, None) => Profile::Osc(OscProfile::default()),
        (_, Some(field)) => Profile::Osc(profiles::osc(field)?),
    })
}

/// How good the tracker is, and how lively the camera.
fn filter(field: &Field<'_>) -> Option<FilterProfile> {
    let table = field.table()?;
    let usual = FilterProfile::default();
    let number = |key, default, max, unit, scale: f64| match table.get(key) {
        Some(field) => field.number(above_to(0.0, max, unit)).map(|x| x * scale),
        None => Some(default),
    };
    let degree = 1f64.to_radians();
    let position = number("position_noise_mm", usual.position_noise_m, 1000.0, "mm", 1e-3);
    let rotation = number("rotation_noise_deg", usual.rotation_noise_rad, 45.0, "deg", degree);
    let acceleration = number("acceleration_m_s2", usual.acceleration_m_s2, 1000.0, "m/s2", 1.0);
    let turn = number("turn_acceleration_deg_s2", usual.turn_acceleration_rad_s2, 1e6, "deg/s2", degree);
    Some(FilterProfile {
        position_noise_m: position?,
        rotation_noise_rad: rotation?,
        acceleration_m_s2: acceleration?,
        turn_acceleration_rad_s2: turn?,
    })
}

fn loss(field: &Field<'_>) -> Option<LossPolicy> {
    let table = field.table()?;
    let nanos = |key, default: i64| {
        let field = table.get(key);
        field.map_or(Some(default), |f| Some((f.number(from_to(0.0, 600_000.0, "ms"))? * 1e6).round() as i64))
    };
    let usual = LossPolicy::default();
    let (predict, hold) = (nanos("predict_ms", usual.predict_nanos), nanos("hold_ms", usual.hold_nanos));
    let policy = LossPolicy { predict_nanos: predict?, hold_nanos: hold? };
    if policy.predict_nanos > policy.hold_nanos {
        let [predict, hold] = [policy.predict_nanos, policy.hold_nanos].map(|nanos| nanos as f64 * 1e-6);
        let message = format!("{}: it would predict for {predict} ms but give up after {hold} ms", table.subject());
        let help = "both count from the newest sample, so predict_ms must not be above hold_ms";
        field.report(field.problem(Code::Loss, message).help(help));
        return None;
    }
    Some(policy)
}
