//! A stage's beat with its real threads, sockets and clocks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests say what they expect by unwrapping it"
)]

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
mod support;

use cyc_core::{LockState, Tick};
use cyc_link::genlock::{self, Genlock, GenlockChange};
use cyc_link::{MonotonicClock, TickStop};
use cyc_stage::stage::{Display, GenlockSource, LabelSource, Midi, OscTicks, Pacer, Ptp, Stage};
use rosc::{OscMessage, OscPacket, OscType, encoder};
use std::net::UdpSocket;
use support::{rate, stage};

/// A fast stage, so that a test waits for milliseconds.
fn fast_stage(source: GenlockSource) -> Stage {
    let mut stage = stage(Vec::new());
    stage.frame_rate = rate("500");
    stage.genlock.source = source;
    stage.pacer = Pacer { priority: None, lock_memory: false, ..Pacer::default() };
    stage
}

/// Beats until something is so, which may take a thread a moment.
fn beat_until(genlock: &mut Genlock, so: impl Fn(&Genlock, &Tick) -> bool) -> Tick {
    for _ in 0..20_000 {
        let tick = genlock.ticks.wait().unwrap();
        if so(genlock, &tick) {
            return tick;
        }
    }
    panic!("never so: {}", genlock.status.read());
}

#[test]
fn the_beat_begins_after_the_warm_frames_and_ends_when_it_is_told_to() {
    let stop = TickStop::default();
    let mut genlock = genlock::start(&fast_stage(GenlockSource::Internal), 3, stop.clone()).unwrap();
    for _ in 0..3 {
        assert_eq!(genlock.ticks.wait().unwrap().frame, 0);
    }
    let (mut next, mut last) = (0, None::<Tick>);
    for _ in 0..20 {
        let tick = genlock.ticks.wait().unwrap();
        assert_eq!(tick.frame, next + tick.missed);
        assert!(tick.actual >= tick.ideal && last.is_none_or(|last| tick.ideal > last.ideal));
        next = tick.frame + 1;
        last = Some(tick);
    }
    let reading = genlock.status.read();
    assert_eq!((reading.source.as_str(), reading.sync.state, reading.trouble), ("internal", LockState::Free, None));
    assert_eq!((reading.frame, reading.lead_nanos > 0, reading.pacer.is_complete()), (next - 1, true, true));
    stop.stop();
    assert_eq!(genlock.ticks.wait(), None);
}

#[test]
fn sources_that_cannot_be_had_are_named_and_the_stage_runs_free() {
    let osc = OscTicks { udp: "203.0.113.7:7401".parse().unwrap(), address: "/tick".into() };
    let nowhere = Ptp { domain: 127, interface: None, device: None, management: "/nowhere/ptp4l".into() };
    for (source, expected) in [
        (
            GenlockSource::Display(Display { card: "/dev/dri/card-none".into(), connector: None }),
            "there is no /dev/dri",
        ),
        (GenlockSource::Mtc(Midi { port: "no such port".into() }), "no such port"),
        (GenlockSource::Osc(osc), "no interface of this machine has this address"),
        (GenlockSource::Ptp(nowhere), "no PTP daemon has its management socket"),
    ] {
        let mut genlock = genlock::start(&fast_stage(source), 0, TickStop::default()).unwrap();
        let tick = beat_until(&mut genlock, |genlock, _| genlock.status.read().trouble.is_some());
        assert_eq!(tick.sync.state, LockState::Free);
        let reading = genlock.status.read();
        assert!(reading.trouble.as_ref().unwrap().contains(expected), "{reading}");
        let named = genlock.changes.try_iter().any(|change| matches!(change, GenlockChange::Source(Some(_))));
        assert!(named, "{reading}");
    }
}

#[test]
fn osc_beats_and_labels_arrive_over_the_network() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap();
    let osc = OscTicks { udp: free.local_addr().unwrap(), address: "/tick".into() };
    drop(free);
    let mut stage = fast_stage(GenlockSource::Osc(osc.clone()));
    stage.timecode.source = LabelSource::Genlock;
    let mut genlock = genlock::start(&stage, 1, TickStop::default()).unwrap();
    let mut sent = 0;
    let mut label = None;
    while label.is_none() && sent < 20_000 {
        let text = format!("10:00:{:02}:{:02}", sent / 500 % 60, sent % 500);
        let args = vec![OscType::Int(sent), OscType::String(text)];
        let packet = OscPacket::Message(OscMessage { addr: osc.address.clone(), args });
        socket.send_to(&encoder::encode(&packet).unwrap(), osc.udp).unwrap();
        sent += 1;
        label = genlock.ticks.wait().unwrap().label;
    }
    assert_eq!(label.map(|label| label.hours), Some(10), "{}", genlock.status.read());
}

#[test]
fn a_stage_without_ptp_is_on_the_monotonic_clock_and_one_with_it_on_tai() {
    use cyc_core::Clock;
    let nowhere = Ptp { domain: 127, interface: None, device: None, management: "/nowhere/ptp4l".into() };
    let internal = genlock::start(&fast_stage(GenlockSource::Internal), 0, TickStop::default()).unwrap();
    assert!(internal.clock.now().nanos_since(MonotonicClock.now()).abs() < 60_000_000_000);
    let mut tai = genlock::start(&fast_stage(GenlockSource::Ptp(nowhere)), 2, TickStop::default()).unwrap();
    assert!(tai.clock.now().0 > 1_700_000_000_000_000_000);
    for _ in 0..2 {
        assert_eq!(tai.ticks.wait().unwrap().frame, 0);
    }
    let tick = tai.ticks.wait().unwrap();
    assert_eq!((tick.frame, tick.missed), (rate("500").frame_started_at(tick.ideal.0), 0));
}
