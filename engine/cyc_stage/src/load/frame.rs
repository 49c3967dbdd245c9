//! `[latency]`, `[pacer]`, `[budget]` and `[control]`: how a frame is made, woken, measured and commanded.

use super::{Entry, address};
use crate::problem::{Code, Problem};
use crate::stage::{Budget, Camera, Latency, Pacer};
use crate::tree::{Field, Table, above_to, from_to};
use cyc_core::Rate;
use std::net::SocketAddr;

/// The longest time that a budget may allow, milliseconds.
const MAX_BUDGET_MS: f64 = 10_000.0;
/// The longest spin before an instant, microseconds: a frame of the fastest stage.
const MAX_SPIN_US: f64 = 1_000.0;

/// The late stages, and the place of `exposure_true`.
pub(super) fn latency(root: &Table<'_>) -> Entry<Latency> {
    let table = root.get("latency").and_then(|f| f.table());
    let field = |key| table.as_ref().and_then(|table| table.get(key));
    let flag = |field: Option<&Field<'_>>, default| field.and_then(Field::flag).unwrap_or(default);
    let exposure_true = field("exposure_true");
    let latency = Latency {
        late_latch: flag(field("late_latch").as_ref(), true),
        late_warp: flag(field("late_warp").as_ref(), true),
        exposure_true: flag(exposure_true.as_ref(), false),
    };
    Entry::of(exposure_true.map_or(root.span(), |f| f.span()), Some(latency))
}

/// Warns where pictures are to be drawn for exposures that no camera describes.
pub(super) fn warn_exposure_true(root: &Table<'_>, latency: &Entry<Latency>, cameras: &[Entry<Camera>]) {
    let wanted = latency.value.is_some_and(|latency| latency.exposure_true);
    // A camera that is wrong itself may well have a shutter.
    let shutter = |camera: &Entry<Camera>| camera.value.as_ref().is_none_or(|c| c.exposure.shutter.is_some());
    if wanted && !cameras.iter().any(shutter) {
        let message = "[latency]: exposure_true has no effect, because no camera has a shutter";
        let problem = Problem::new(Code::NoEffect, latency.span.clone(), message);
        root.sheet().report(problem.help("write shutter = { angle_deg = 180.0, readout_ms = 15.0 } in a [[camera]]"));
    }
}

/// How the frame thread is woken.
pub(super) fn pacer(root: &Table<'_>) -> Option<Pacer> {
    let usual = Pacer::default();
    let Some(field) = root.get("pacer") else { return Some(usual) };
    let table = field.table()?;
    let priority = table.get("priority").map_or(Some(usual.priority), |f| priority(&f));
    let cpu = table.get("cpu").map_or(Some(usual.cpu), |f| f.count(0, 1023, "").map(Some));
    let spin = table.get("spin_us");
    let spin_nanos = spin.map_or(Some(usual.spin_nanos), |f| nanos(f.number(from_to(0.0, MAX_SPIN_US, "us")), 1e3));
    let lock_memory = table.get("lock_memory").map_or(Some(usual.lock_memory), |f| f.flag());
    Some(Pacer { priority: priority?, cpu: cpu?, spin_nanos: spin_nanos?, lock_memory: lock_memory? })
}

fn nanos(x: Option<f64>, unit_nanos: f64) -> Option<i64> {
    x.map(|x| (x * unit_nanos).round() as i64)
}

/// 1 to 99 as SCHED_FIFO counts, and 0 for the usual scheduling, whose own priority is 0 (sched(7)).
fn priority(field: &Field<'_>) -> Option<Option<u8>> {
    if field.value().as_bool() == Some(false) {
        let problem = field.problem(Code::WrongType, format!("{} is false, but must be a whole number", field.name()));
        field.report(problem.help("write priority = 0 to leave the scheduling as it is"));
        return None;
    }
    let priority = field.whole(0, 99, "").and_then(|n| u8::try_from(n).ok())?;
    Some(Some(priority).filter(|priority| *priority > 0))
}

/// What a frame may take; checked against `rate`.
pub(super) fn budget(root: &Table<'_>, rate: Option<Rate>) -> Option<Budget> {
    let Some(field) = root.get("budget") else { return Some(Budget::default()) };
    let table = field.table()?;
    // Each is asked for before any is given up on, so that every problem is found.
    let limit = |key| match table.get(key) {
        Some(field) => nanos(field.number(above_to(0.0, MAX_BUDGET_MS, "ms")), 1e6).map(Some),
        None => Some(None),
    };
    let (receive_to_use, pose_age, margin) = (limit("receive_to_use_ms"), limit("pose_age_ms"), limit("margin_ms"));
    let (latch, simulate, solve) = (limit("latch_ms"), limit("simulate_ms"), limit("solve_ms"));
    let (render, compose, present) = (limit("render_ms"), limit("compose_ms"), limit("present_ms"));
    let degrade = table.get("degrade").map_or(Some(false), |f| f.flag());
    let budget = Budget {
        receive_to_use: receive_to_use?,
        pose_age: pose_age?,
        margin: margin?,
        latch: latch?,
        simulate: simulate?,
        solve: solve?,
        render: render?,
        compose: compose?,
        present: present?,
        degrade: degrade?,
    };
    warn_sum(&table, &budget, rate);
    Some(budget)
}

/// Warns where the stages of a frame, one after another, and the time that must be left are more than a frame.
fn warn_sum(table: &Table<'_>, budget: &Budget, rate: Option<Rate>) {
    let Some(rate) = rate else { return };
    let parts = [
        ("latch", budget.latch),
        ("simulate", budget.simulate),
        ("solve", budget.solve),
        ("render", budget.render),
        ("compose", budget.compose),
        ("present", budget.present),
        ("margin", budget.margin),
    ];
    let given: Vec<(&str, i64)> = parts.iter().filter_map(|(name, nanos)| Some((*name, (*nanos)?))).collect();
    let sum: i64 = given.iter().map(|(_, nanos)| nanos).sum();
    if sum <= rate.frame_nanos() {
        return;
    }
    let ms = |nanos: i64| nanos as f64 * 1e-6;
    let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
    let message = format!(
        "[budget]: {} take {:.3} ms, but a frame at {rate} frames per second has {:.3} ms",
        names.join(" + "),
        ms(sum),
        ms(rate.frame_nanos())
    );
    let problem = Problem::new(Code::Budget, table.span(), message);
    table.sheet().report(problem.help(format!("allow {:.3} ms less in all", ms(sum - rate.frame_nanos()))));
}

/// Where OSC commands arrive; nowhere without the key.
pub(super) fn control(root: &Table<'_>) -> Entry<Option<SocketAddr>> {
    let Some(field) = root.get("control") else { return Entry::of(root.span(), Some(None)) };
    let Some(table) = field.table() else { return Entry::of(field.span(), None) };
    let osc = table.get("osc");
    let span = osc.as_ref().map_or(table.span(), Field::span);
    Entry::of(span, osc.map_or(Some(None), |f| address::udp(&f, false).map(Some)))
}
