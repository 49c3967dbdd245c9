//! `[genlock]` and `[timecode]`: where beats and labels come from, and who is told.

use super::address::Way;
use super::{Entry, Files, sources};
use crate::problem::{Code, Problem};
use crate::stage::{Genlock, GenlockSource, LabelSource, TimecodeOut, TimecodePlan};
use crate::suggest;
use crate::tree::{Field, Table, Variant, from_to};
use cyc_core::{Rate, Timecode};

const GENLOCK: [(&str, &str); 8] = [
    ("internal", "source.internal = {}"),
    ("ptp", "source.ptp = { domain = 127, interface = \"eno1\" }"),
    ("ltc", "source.ltc = { device = \"default\", channel = 0 }"),
    ("mtc", "source.mtc = { port = \"MOTU\" }"),
    ("artnet", "source.artnet = { udp = \"0.0.0.0:6454\", stream = 0 }"),
    ("osc", "source.osc = { udp = \"0.0.0.0:7401\", address = \"/cyclorama/tick\" }"),
    ("serial", "source.serial = { device = \"/dev/ttyUSB0\", pulse = \"byte\" }"),
    ("display", "source.display = { card = \"/dev/dri/card0\", connector = \"DP-1\" }"),
];

const LABELS: [(&str, &str); 7] = [
    ("count", "source.count = { start = \"01:00:00:00\" }"),
    ("time_of_day", "source.time_of_day = { utc_offset_minutes = 60, jam = \"04:00\" }"),
    ("genlock", "source.genlock = {}"),
    ("ltc", "source.ltc = { device = \"default\", channel = 0 }"),
    ("mtc", "source.mtc = { port = \"MOTU\" }"),
    ("artnet", "source.artnet = { udp = \"0.0.0.0:6454\", stream = 0 }"),
    ("osc", "source.osc = { udp = \"0.0.0.0:7401\", address = \"/cyclorama/tick\" }"),
];

const OUT: [(&str, &str); 4] = [
    ("ltc", "to.ltc = { device = \"default\", channel = 0 }"),
    ("mtc", "to.mtc = { port = \"MOTU\" }"),
    ("artnet", "to.artnet = { udp = \"255.255.255.255:6454\", stream = 0 }"),
    ("osc", "to.osc = { udp = \"192.168.1.20:9000\", address = \"/cyclorama/tick\", every = 1 }"),
];

/// The table under the one key of `field`, and that key; reports other names as sources that do not exist.
fn known<'s>(
    field: &Field<'s>,
    kinds: &[(&'static str, &str)],
    what: &str,
    plural: &str,
) -> Option<(&'static str, Table<'s>)> {
    match field.variant(kinds)? {
        Variant::Known(kind, field) => field.table().map(|table| (kind, table)),
        Variant::Unknown(name, span) => {
            let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
            let message = format!("{}: {what} {name:?} does not exist", field.subject());
            let problem = Problem::new(Code::Source, span, message).label(format!("no such {what}"));
            field.report(problem.help(suggest::help(&name, &names, plural)));
            None
        }
    }
}

/// `[genlock]`; the machine's own clock where it says nothing.
pub(super) fn genlock(root: &Table<'_>, files: &Files<'_>) -> Entry<Genlock> {
    let Some(field) = root.get("genlock") else { return Entry::of(root.span(), Some(Genlock::default())) };
    let span = field.table_span();
    let Some(table) = field.table() else { return Entry::of(span, None) };
    let phase_us = table.get("phase_us").map_or(Some(0.0), |f| f.number(from_to(-1e6, 1e6, "us")));
    let source = table.get("source");
    let span = source.as_ref().map_or(span, Field::table_span);
    let source = source.map_or(Some(GenlockSource::Internal), |f| genlock_source(&f, files));
    let whole = || Some(Genlock { source: source?, phase_nanos: (phase_us? * 1e3).round() as i64 });
    Entry::of(span, whole())
}

fn genlock_source(field: &Field<'_>, files: &Files<'_>) -> Option<GenlockSource> {
    let (kind, table) = known(field, &GENLOCK, "genlock source", "genlock sources")?;
    Some(match kind {
        "ptp" => GenlockSource::Ptp(sources::ptp(&table)?),
        "ltc" => GenlockSource::Ltc(sources::sound(&table, files)?),
        "mtc" => GenlockSource::Mtc(sources::midi(&table)?),
        "artnet" => GenlockSource::ArtNet(sources::artnet(&table, Way::Listen)?),
        "osc" => GenlockSource::Osc(sources::osc_ticks(&table, Way::Listen)?),
        "serial" => GenlockSource::Serial(sources::serial(&table)?),
        "display" => GenlockSource::Display(sources::display(&table)?),
        _ => GenlockSource::Internal,
    })
}

/// What `[timecode]` says, with the places of its source and of each `[[timecode.out]]`.
pub(super) struct Timecodes {
    pub(super) source: Entry<LabelSource>,
    pub(super) drop_frame: Option<Option<bool>>,
    pub(super) out: Vec<Entry<TimecodeOut>>,
}

impl Timecodes {
    /// The plan, if nothing is wrong with it.
    pub(super) fn plan(self) -> Option<TimecodePlan> {
        let out = Entry::all(self.out)?;
        Some(TimecodePlan { source: self.source.value?, drop_frame: self.drop_frame?, out })
    }
}

/// `[timecode]`; counted labels where it says nothing.
pub(super) fn timecode(root: &Table<'_>, rate: Option<Rate>, genlock: &Entry<Genlock>, files: &Files<'_>) -> Timecodes {
    let Some(field) = root.get("timecode") else {
        let source = Entry::of(root.span(), counted(None, rate, None));
        return Timecodes { source, drop_frame: Some(None), out: Vec::new() };
    };
    let Some(table) = field.table() else {
        return Timecodes { source: Entry::of(field.span(), None), drop_frame: None, out: Vec::new() };
    };
    let drop_frame = table.get("drop_frame").map_or(Some(None), |f| drop_frame(&f, rate).map(Some));
    let place = Place { rate, drop_frame: drop_frame.flatten(), genlock: genlock.value.as_ref(), files };
    let source = match table.get("source") {
        Some(field) => Entry::of(field.table_span(), label_source(&field, &place)),
        None => Entry::of(table.span(), counted(None, rate, place.drop_frame)),
    };
    let out = table.list_under("out", "timecode.out").iter().map(|table| out(table, rate, files)).collect();
    Timecodes { source, drop_frame, out }
}

/// What reading a label source needs to know.
struct Place<'p> {
    rate: Option<Rate>,
    drop_frame: Option<bool>,
    genlock: Option<&'p Genlock>,
    files: &'p Files<'p>,
}

fn drop_frame(field: &Field<'_>, rate: Option<Rate>) -> Option<bool> {
    let drop = field.flag()?;
    let Some(rate) = rate.filter(|rate| drop && !Timecode::can_drop(*rate)) else { return Some(drop) };
    let message = format!("{} is true, but {rate} frames per second has no drop-frame counting", field.name());
    let problem = field.problem(Code::Timecode, message).label("nothing to drop at this rate");
    let nominal = rate.num().div_ceil(rate.den());
    let dropping = [30, 60, 120].into_iter().find(|n| *n == nominal);
    field.report(problem.help(match dropping {
        Some(n) => format!("remove it; or, if the stage runs at the NTSC rate, frame_rate = \"{n}000/1001\""),
        None => "remove it; only 30000/1001, 60000/1001 and 120000/1001 have drop-frame counting".into(),
    }));
    None
}

fn label_source(field: &Field<'_>, place: &Place<'_>) -> Option<LabelSource> {
    let (kind, table) = known(field, &LABELS, "timecode source", "timecode sources")?;
    Some(match kind {
        "time_of_day" => time_of_day(&table)?,
        "genlock" => genlock_labels(field, place.genlock)?,
        "ltc" => LabelSource::Ltc(sources::sound(&table, place.files)?),
        "mtc" => LabelSource::Mtc(sources::midi(&table)?),
        "artnet" => LabelSource::ArtNet(sources::artnet(&table, Way::Listen)?),
        "osc" => LabelSource::Osc(sources::osc_ticks(&table, Way::Listen)?),
        _ => match table.get("start") {
            Some(start) => start_label(&start, place)?,
            None => counted(None, place.rate, place.drop_frame)?,
        },
    })
}

/// Whether labels are dropped: as the file says, else where the rate has that.
fn drops(rate: Rate, drop_frame: Option<bool>) -> bool {
    drop_frame.unwrap_or(true) && Timecode::can_drop(rate)
}

/// Counted labels from `start`, or 01:00:00:00, dropped as the stage drops; a missing rate is reported elsewhere.
fn counted(start: Option<Timecode>, rate: Option<Rate>, drop_frame: Option<bool>) -> Option<LabelSource> {
    let hour = Timecode { hours: 1, ..Timecode::default() };
    let start = start.unwrap_or(hour);
    let drop_frame = rate.is_some_and(|rate| drops(rate, drop_frame));
    Some(LabelSource::Count { start: Timecode { drop_frame, ..start } })
}

/// The label of frame 0. ":" before the frames leaves open whether labels are dropped, ";" says that they are.
fn start_label(field: &Field<'_>, place: &Place<'_>) -> Option<LabelSource> {
    let text = field.text()?;
    let refuse = |message: String, help: String| {
        field.report(field.problem(Code::Timecode, message).help(help));
        None
    };
    let label = match text.parse::<Timecode>() {
        Ok(label) => label,
        Err(error) => return refuse(format!("{}: {error}", field.name()), "write \"HH:MM:SS:FF\"".into()),
    };
    let Some(rate) = place.rate else { return counted(Some(label), None, None) };
    if label.drop_frame && place.drop_frame == Some(false) {
        let message = format!("{} is {text:?}, a drop-frame label, but drop_frame is false", field.name());
        return refuse(message, "write \":\" before the frames, or remove drop_frame".into());
    }
    let meant = Timecode { drop_frame: label.drop_frame || drops(rate, place.drop_frame), ..label };
    match meant.frame(rate) {
        Ok(_) => Some(LabelSource::Count { start: meant }),
        Err(error) => {
            let near = nearest_label(meant, rate);
            refuse(format!("{}: {error}", field.name()), format!("write start = \"{near}\", or another that exists"))
        }
    }
}

/// A label close to one that a rate does not have.
fn nearest_label(label: Timecode, rate: Rate) -> Timecode {
    let last = (rate.num().div_ceil(rate.den()) - 1).min(u32::from(u16::MAX)) as u16;
    let drop_frame = label.drop_frame && Timecode::can_drop(rate);
    let near = Timecode { frames: label.frames.min(last), drop_frame, ..label };
    // The first labels of a minute are the dropped ones; the next that exists comes within a few frames.
    let later = (0..=8).map(|n| Timecode { frames: near.frames.saturating_add(n), ..near });
    later.into_iter().find(|label| label.frame(rate).is_ok()).unwrap_or(near)
}

fn time_of_day(table: &Table<'_>) -> Option<LabelSource> {
    let offset = table.get("utc_offset_minutes").map_or(Some(0), |f| f.whole(-14 * 60, 14 * 60, "min"));
    let jam_minutes = table.get("jam").map_or(Some(4 * 60), |f| time(&f));
    Some(LabelSource::TimeOfDay { utc_offset_minutes: i32::try_from(offset?).ok()?, jam_minutes: jam_minutes? })
}

/// "HH:MM" as minutes after midnight.
fn time(field: &Field<'_>) -> Option<u32> {
    let text = field.text()?;
    let part = |text: &str, most: u32| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>().ok().filter(|n| digits && *n <= most)
    };
    let minutes = text.split_once(':').and_then(|(hour, minute)| Some(part(hour, 23)? * 60 + part(minute, 59)?));
    if minutes.is_none() {
        let message = format!("{} is {text:?}, which is not a time of day", field.name());
        field.report(field.problem(Code::TimeOfDay, message).help("write \"HH:MM\", from \"00:00\" to \"23:59\""));
    }
    minutes
}

fn genlock_labels(field: &Field<'_>, genlock: Option<&Genlock>) -> Option<LabelSource> {
    use GenlockSource::{ArtNet, Display, Internal, Ltc, Mtc, Osc, Ptp, Serial};
    let what = match genlock.map(|genlock| &genlock.source) {
        // What is wrong with the genlock is said there.
        None | Some(Ltc(_) | Mtc(_) | ArtNet(_) | Osc(_)) => return Some(LabelSource::Genlock),
        Some(Internal) => "the machine's own clock",
        Some(Ptp(_)) => "PTP",
        Some(Serial(_)) => "a serial pulse",
        Some(Display(_)) => "a display",
    };
    let message = format!("[timecode]: labels are to come from the genlock source, but {what} carries none");
    let problem = Problem::new(Code::NoLabels, field.table_span(), message).label("LTC, MTC, Art-Net and OSC do");
    field.report(problem.help(format!("count them with {}, or take {}, or name a source", LABELS[0].1, LABELS[1].1)));
    None
}

fn out(table: &Table<'_>, rate: Option<Rate>, files: &Files<'_>) -> Entry<TimecodeOut> {
    let field = table.need("to", OUT[0].1);
    let span = field.as_ref().map_or(table.span(), Field::table_span);
    let read = |field: Field<'_>| {
        let (kind, table) = known(&field, &OUT, "timecode destination", "timecode destinations")?;
        if let Some(rate) = rate.filter(|rate| kind != "osc" && !carries(*rate)) {
            refuse_rate(&field, kind, rate);
        }
        Some(match kind {
            "ltc" => TimecodeOut::Ltc(sources::sound(&table, files)?),
            "mtc" => TimecodeOut::Mtc(sources::midi(&table)?),
            "artnet" => TimecodeOut::ArtNet(sources::artnet(&table, Way::Send)?),
            _ => {
                let every = table.get("every").map_or(Some(1), |f| f.count(1, 100_000, "frames"));
                let to = sources::osc_ticks(&table, Way::Send);
                TimecodeOut::Osc { to: to?, every: every? }
            }
        })
    };
    Entry::of(span, field.and_then(read))
}

/// Whether LTC, MTC and Art-Net have labels for every frame of a rate, or for every n-th: they count 24, 25 or 30.
fn carries(rate: Rate) -> bool {
    let nominal = rate.num().div_ceil(rate.den());
    let whole = |count: u32| nominal.is_multiple_of(count);
    match rate.den() {
        1 => whole(24) || whole(25) || whole(30),
        1001 => whole(24) || whole(30),
        _ => false,
    }
}

fn refuse_rate(field: &Field<'_>, kind: &str, rate: Rate) {
    let message = format!("{}.{kind} cannot carry {rate} frames per second", field.name());
    let problem = Problem::new(Code::Timecode, field.table_span(), message);
    let help = "LTC, MTC and Art-Net count 24, 25 or 30 labels a second, or those of every n-th frame of a multiple";
    field.report(problem.help(help).help("OSC carries every rate: to.osc = { udp = \"IP:PORT\" }"));
}
