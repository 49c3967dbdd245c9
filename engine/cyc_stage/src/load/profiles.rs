//! `profile` of a feed: a name, or a table of the device's signs, units and zero points.

use crate::problem::Code;
use crate::suggest;
use crate::tree::{Field, Table, above_to, from_to};
use cyc_core::profile::{FreedProfile, OpenTrackIoProfile, OscProfile};

const SIGN: crate::tree::Bounds = from_to(-1.0, 1.0, "");

fn unknown(field: &Field<'_>, name: &str, names: &[&str]) {
    let message = format!("{} has profile {name:?}, which does not exist", field.subject());
    let problem = field.problem(Code::Profile, message).label("no such profile for this protocol");
    field.report(problem.help(suggest::help(name, names, "profiles")));
}

pub(super) fn freed(field: &Field<'_>) -> Option<FreedProfile> {
    if let Some(name) = field.value().as_str() {
        let found = FreedProfile::named(name);
        if found.is_none() {
            unknown(field, name, &FreedProfile::names().collect::<Vec<_>>());
        }
        return found;
    }
    let table = field.table()?;
    let usual = FreedProfile::default();
    Some(FreedProfile {
        pan_sign: sign(&table, "pan_sign"),
        tilt_sign: sign(&table, "tilt_sign"),
        roll_sign: sign(&table, "roll_sign"),
        steps_per_mm: table
            .get("steps_per_mm")
            .and_then(|f| f.number(above_to(0.0, 1e6, "")))
            .unwrap_or(usual.steps_per_mm),
        position_axes: table.get("position_axes").and_then(|f| axes(&f)).unwrap_or(usual.position_axes),
        position_signs: table.get("position_signs").and_then(|f| signs(&f)).unwrap_or(usual.position_signs),
        zoom: table.get("zoom").and_then(|f| counts(&f, "mm")),
        focus: table.get("focus").and_then(|f| counts(&f, "m")),
    })
}

pub(super) fn opentrackio(field: &Field<'_>) -> Option<OpenTrackIoProfile> {
    if let Some(name) = field.value().as_str() {
        if name != "standard" {
            unknown(field, name, &["standard"]);
            return None;
        }
        return Some(OpenTrackIoProfile::default());
    }
    let table = field.table()?;
    let usual = OpenTrackIoProfile::default();
    let unit_m = table.get("unit_m").and_then(|f| f.number(above_to(0.0, 1000.0, "m")));
    Some(OpenTrackIoProfile {
        rotation_signs: table.get("rotation_signs").and_then(|f| signs(&f)).unwrap_or(usual.rotation_signs),
        unit_m: unit_m.unwrap_or(usual.unit_m),
    })
}

pub(super) fn osc(field: &Field<'_>) -> Option<OscProfile> {
    let name = field.text()?;
    match name {
        "stage" => Some(OscProfile::Stage),
        "vrchat" => Some(OscProfile::VrChat),
        _ => {
            unknown(field, name, &["stage", "vrchat"]);
            None
        }
    }
}

fn one(field: &Field<'_>) -> Option<f64> {
    let sign = field.number(SIGN)?;
    if sign.abs() == 1.0 {
        return Some(sign);
    }
    let message = format!("{} is {sign}, but a sign is 1 or -1", field.name());
    field.report(field.problem(Code::OutOfRange, message).label("must be 1 or -1"));
    None
}

fn sign(table: &Table<'_>, key: &'static str) -> f64 {
    table.get(key).and_then(|f| one(&f)).unwrap_or(1.0)
}

fn signs(field: &Field<'_>) -> Option<[f64; 3]> {
    let signs: Vec<Option<f64>> = field.items(3)?.iter().map(one).collect();
    signs.into_iter().collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// Which raw axis feeds stage X, Y and Z: each of 0, 1 and 2 once.
fn axes(field: &Field<'_>) -> Option<[usize; 3]> {
    let numbers: Vec<Option<u32>> = field.items(3)?.iter().map(|item| item.count(0, 2, "")).collect();
    let numbers: Vec<usize> = numbers.into_iter().map(|n| n.map(|n| n as usize)).collect::<Option<_>>()?;
    if !(0..3).all(|axis| numbers.contains(&axis)) {
        let message = format!("{} names an axis twice", field.name());
        field.report(field.problem(Code::Profile, message).help("write each of 0 (X), 1 (Y) and 2 (Z) once"));
        return None;
    }
    numbers.try_into().ok()
}

/// `[raw, value]` at both ends of an encoder's range.
fn counts(field: &Field<'_>, unit: &'static str) -> Option<[[f64; 2]; 2]> {
    let ends: Vec<Option<[f64; 2]>> = field.items(2)?.iter().map(|end| count(end, unit)).collect();
    let ends: [[f64; 2]; 2] = ends.into_iter().collect::<Option<Vec<_>>>()?.try_into().ok()?;
    if ends[0][0] == ends[1][0] {
        let message = format!("{} has the same raw count at both ends", field.name());
        field.report(field.problem(Code::Profile, message).help("write [[raw, value], [raw, value]] of two ends"));
        return None;
    }
    Some(ends)
}

fn count(end: &Field<'_>, unit: &'static str) -> Option<[f64; 2]> {
    let parts = end.items(2)?;
    let raw = parts[0].number(from_to(0.0, 16_777_216.0, ""));
    let value = parts[1].number(from_to(0.0, 1e6, unit));
    Some([raw?, value?])
}
