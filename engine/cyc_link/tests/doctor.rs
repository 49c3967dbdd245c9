//! `doctor` on this very machine, for stages that ask for what is there and for what is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests say what they expect by unwrapping it"
)]

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
mod support;

use cyc_link::doctor::{Check, Verdict, machine_checks};
use cyc_stage::stage::{
    Display, GenlockSource, LabelSource, Midi, OscTicks, Ptp, SerialEdge, SerialPulse, Sound, Stage, TimecodeOut,
};
use std::net::{SocketAddr, UdpSocket};
use support::stage;

fn checks_of(stage: &Stage) -> Vec<Check> {
    machine_checks(Some(stage))
}

fn find<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

fn missing<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    let check = find(checks, name);
    assert_eq!(check.verdict, Verdict::Missing, "{check}");
    assert!(check.fix.is_some(), "{check}");
    check
}

fn osc(udp: SocketAddr) -> OscTicks {
    OscTicks { udp, address: "/tick".into() }
}

#[test]
fn ports_of_the_stage_are_tried() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let mut stage = stage(Vec::new());
    stage.control = Some(addr);
    stage.genlock.source = GenlockSource::Osc(osc("203.0.113.7:7401".parse().unwrap()));
    let checks = checks_of(&stage);
    let port = missing(&checks, &format!("port {}", addr.port()));
    assert!(port.found.contains("for control is in use"), "{port}");
    assert!(missing(&checks, "port 7401").found.contains("is no address of this machine"));
    drop(taken);
    assert_eq!(find(&checks_of(&stage), &format!("port {}", addr.port())).verdict, Verdict::Good);
}

#[test]
fn a_ptp_stage_without_a_daemon_is_told_how_to_get_one() {
    let mut stage = stage(Vec::new());
    let ptp =
        Ptp { domain: 127, interface: Some("eth-none".into()), device: None, management: "/nowhere/ptp4l".into() };
    stage.genlock.source = GenlockSource::Ptp(ptp.clone());
    let checks = checks_of(&stage);
    let daemon = missing(&checks, "PTP daemon");
    assert!(daemon.found.contains("no PTP daemon has its management socket at /nowhere/ptp4l"), "{daemon}");
    assert!(daemon.fix.as_ref().unwrap().contains("start ptp4l"), "{daemon}");
    assert!(missing(&checks, "PTP interface").found.contains("there is no eth-none"));
    stage.genlock.source = GenlockSource::Ptp(Ptp { device: Some("/dev/ptp-none".into()), ..ptp });
    missing(&checks_of(&stage), "PTP daemon");
}

#[test]
fn devices_that_are_asked_for_and_not_there_are_missing() {
    let sound = || Sound::Device { name: "no such device".into(), channel: 0 };
    let midi = || Midi { port: "no such port".into() };
    let mut stage = stage(Vec::new());
    stage.genlock.source = GenlockSource::Ltc(sound());
    stage.timecode.source = LabelSource::Mtc(midi());
    stage.timecode.out = vec![TimecodeOut::Ltc(sound())];
    let checks = checks_of(&stage);
    for name in ["sound in", "sound out", "MIDI"] {
        assert!(missing(&checks, name).found.contains("no such"), "{}", find(&checks, name));
    }
    stage.genlock.source =
        GenlockSource::Serial(SerialPulse { device: "/dev/tty-none".into(), pulse: SerialEdge::Byte, baud: 38_400 });
    assert!(missing(&checks_of(&stage), "serial ports").found.contains("there is no /dev/tty-none"));
    stage.genlock.source = GenlockSource::Display(Display { card: "/dev/dri/card-none".into(), connector: None });
    assert!(missing(&checks_of(&stage), "displays").found.contains("there is no /dev/dri/card-none"));
}
