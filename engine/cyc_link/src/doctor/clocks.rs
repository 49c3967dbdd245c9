//! The machine's clocks, and PTP.

use super::{Check, line, listed, names};
use crate::genlock::ptp;
use crate::sys;
use cyc_core::LockState;
use cyc_stage::stage::{GenlockSource, Ptp, Stage};
use std::path::Path;

pub(super) fn checks(stage: Option<&Stage>) -> Vec<Check> {
    let plan = stage.and_then(|stage| match &stage.genlock.source {
        GenlockSource::Ptp(ptp) => Some(ptp),
        _ => None,
    });
    let source = line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let mut checks = vec![clock_source(source.as_deref()), tai(plan.is_some())];
    checks.push(hardware_clocks());
    if let (Some(stage), Some(plan)) = (stage, plan) {
        checks.extend(plan.interface.as_deref().map(interface));
        checks.push(daemon(plan, stage));
    }
    checks
}

/// Reading the clock costs 20 ns with the processor's own counter, and a microsecond or more with a chip's.
pub(super) fn clock_source(source: Option<&str>) -> Check {
    const NAME: &str = "clock source";
    match source {
        None => Check::good(NAME, "not told by this kernel"),
        Some(source @ ("tsc" | "arch_sys_counter" | "kvm-clock" | "hyperv_clocksource_tsc_page")) => {
            Check::good(NAME, source)
        }
        Some(source) => Check::poor(
            NAME,
            format!("{source}, slow to read"),
            "the kernel distrusts the processor's counter (`dmesg | grep -i tsc` says why); if it is a modern \
             processor, boot with `tsc=reliable`",
        ),
    }
}

fn tai(asked: bool) -> Check {
    const NAME: &str = "CLOCK_TAI";
    match sys::kernel_clock() {
        Ok(clock) if clock.tai_offset_secs != 0 => {
            let disciplined = if clock.disciplined { "a daemon disciplines the clock" } else { "no daemon" };
            let (secs, ppm) = (clock.tai_offset_secs, clock.frequency_ppm);
            Check::good(NAME, format!("{secs} s ahead of UTC, {disciplined}, {ppm:+.3} ppm"))
        }
        Ok(_) if !asked => Check::good(NAME, "shows UTC; no PTP is asked for"),
        Ok(_) => Check::poor(
            NAME,
            "shows UTC: the kernel was never told the leap seconds",
            "a grandmaster that knows its UTC offset is enough; else chrony with `leapsectz right/UTC`, or ntpd with a \
             leap-second file",
        ),
        Err(error) => Check::poor(NAME, format!("cannot be read: {}", error.desc()), "a sandbox refuses adjtimex(2)"),
    }
}

fn hardware_clocks() -> Check {
    let clocks: Vec<String> = names("/sys/class/ptp")
        .into_iter()
        .map(|name| {
            let maker = line(Path::new("/sys/class/ptp").join(&name).join("clock_name")).unwrap_or_default();
            let interfaces = names(Path::new("/sys/class/ptp").join(&name).join("device/net"));
            let of = if interfaces.is_empty() { String::new() } else { format!(" of {}", interfaces.join(" and ")) };
            format!("/dev/{name} ({maker}{of})")
        })
        .collect();
    Check::good("PTP hardware clocks", listed(&clocks))
}

fn interface(name: &str) -> Check {
    let folder = Path::new("/sys/class/net").join(name);
    let title = "PTP interface";
    if name.contains('/') || !folder.exists() {
        let mut there = names("/sys/class/net");
        there.retain(|name| name != "lo");
        let fix = format!("set `genlock.source.ptp.interface` to one of: {}", listed(&there));
        return Check::missing(title, format!("there is no {name}"), fix);
    }
    match line(folder.join("operstate")).as_deref() {
        Some("down" | "lowerlayerdown") => {
            Check::missing(title, format!("{name} is down"), format!("`ip link set {name} up`; check the cable"))
        }
        _ => match ptp::reference::card_of(name) {
            Some(card) => Check::good(title, format!("{name}, stamped by {}", card.display())),
            None => Check::poor(
                title,
                format!("{name} has no hardware clock; stamps are software's, good to some tens of microseconds"),
                "a card with hardware stamping (`ethtool -T` lists SOF_TIMESTAMPING_TX_HARDWARE) is good to 1 us",
            ),
        },
    }
}

fn daemon(plan: &Ptp, stage: &Stage) -> Check {
    const NAME: &str = "PTP daemon";
    // As the stage itself starts it, so that it is judged by the same rules.
    let first = match ptp::start(plan, stage.frame_rate) {
        Ok(running) => running.first,
        Err(error) => return Check::missing(NAME, error.to_string(), "free some threads or memory"),
    };
    let sync = first.verdict.sync;
    match (sync.state, first.verdict.why) {
        (LockState::Locked, _) => {
            let micros = sync.uncertainty_ns as f64 * 1e-3;
            Check::good(NAME, format!("locked in domain {} to {micros:.1} us, on {}", plan.domain, first.reference))
        }
        (LockState::Acquiring, why) => Check::poor(NAME, why.unwrap_or_default(), "wait a minute and ask again"),
        (_, why) => {
            // What is wrong, and what to do about it.
            let why = why.unwrap_or_default();
            let (found, fix) = why.split_once("; ").unwrap_or((&why, "`pmc -u -b 0 -d DOMAIN 'GET TIME_STATUS_NP'`"));
            Check::missing(NAME, found, fix)
        }
    }
}
