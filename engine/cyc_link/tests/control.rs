//! OSC control over real sockets, spoken to by an independent OSC library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say what they expect")]

use cyc_core::Rate;
use cyc_core::command::{Catalogue, Command, CommandIntake, Outcome, channel};
use cyc_link::control::{ControlCounts, ControlError, OscControl};
use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// A control port, somebody who talks to it, and the frame thread's end.
struct Desk {
    control: OscControl,
    intake: CommandIntake,
    frame: u64,
    talker: UdpSocket,
    happened: Vec<Outcome>,
}

impl Desk {
    fn new() -> Self {
        let catalogue = Catalogue { patterns: vec!["grid".into()], ..Catalogue::default() };
        let (port, intake) = channel(Rate::new(24, 1).unwrap(), catalogue);
        let control = OscControl::start("127.0.0.1:0".parse().unwrap(), port).unwrap();
        let talker = UdpSocket::bind("127.0.0.1:0").unwrap();
        talker.connect(control.local_addr()).unwrap();
        talker.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { control, intake, frame: 100, talker, happened: Vec::new() }
    }

    fn send(&self, packet: OscPacket) {
        self.talker.send(&rosc::encoder::encode(&packet).unwrap()).unwrap();
    }

    fn say(&self, address: &str, args: Vec<OscType>) {
        self.send(message(address, args));
    }

    /// Frames go on until `done`.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done(self) {
            assert!(Instant::now() < deadline, "never; {:?}", self.control.counts());
            self.tick();
            std::thread::yield_now();
        }
    }

    fn tick(&mut self) {
        self.intake.begin(self.frame, &mut self.happened);
        self.frame += 1;
    }

    fn commands(&mut self, count: u64) {
        self.until(|desk| desk.control.counts().commands >= count);
        (0..4).for_each(|_| self.tick());
    }

    /// Address, ok, frame, text of the next reply.
    fn reply(&self) -> (String, i32, i64, String) {
        let mut bytes = [0; 2048];
        let length = self.talker.recv(&mut bytes).unwrap();
        let (_, packet) = rosc::decoder::decode_udp(&bytes[..length]).unwrap();
        let OscPacket::Message(message) = packet else { panic!("{packet:?}") };
        assert_eq!(message.addr, "/cyclorama/reply");
        match <[OscType; 4]>::try_from(message.args).unwrap() {
            [OscType::String(address), OscType::Int(ok), OscType::Long(frame), OscType::String(text)] => {
                (address, ok, frame, text)
            }
            other => panic!("{other:?}"),
        }
    }

    fn done(&self) -> Vec<Command> {
        self.happened.iter().map(|outcome| outcome.asked.command.clone()).collect()
    }
}

fn message(address: &str, args: Vec<OscType>) -> OscPacket {
    OscPacket::Message(OscMessage { addr: address.into(), args })
}

fn text(text: &str) -> OscType {
    OscType::String(text.into())
}

#[test]
fn every_address_is_its_command_and_is_answered_with_its_frame() {
    let mut desk = Desk::new();
    let said = [
        ("/cyclorama/freeze", vec![OscType::Int(1)], Command::Freeze(true)),
        ("/cyclorama/blackout", vec![OscType::Float(0.0)], Command::Blackout(false)),
        ("/cyclorama/outline", vec![OscType::Bool(true)], Command::Outline(true)),
        ("/cyclorama/rolling", vec![OscType::Int(1)], Command::Rolling(true)),
        ("/cyclorama/pattern", vec![text("grid")], Command::Pattern(Some("grid".into()))),
        ("/cyclorama/pattern", vec![text("")], Command::Pattern(None)),
        ("/cyclorama/pattern", vec![], Command::Pattern(None)),
        ("/cyclorama/slate", vec![text("12甲 第3条")], Command::Slate("12甲 第3条".into())),
        ("/cyclorama/event", vec![text("door")], Command::Event("door".into())),
    ];
    for (address, args, command) in said {
        desk.say(address, args);
        desk.until(|desk| !desk.happened.is_empty());
        let (replied, ok, frame, words) = desk.reply();
        assert_eq!((replied.as_str(), ok, words.as_str()), (address, 1, "done"));
        let outcome = desk.happened.pop().unwrap();
        assert_eq!(outcome.asked.command, command);
        assert_eq!(outcome.asked.from, format!("osc {}", desk.talker.local_addr().unwrap()));
        assert_eq!(outcome.answer, cyc_core::command::Answer::Done { frame: frame as u64, late: 0 });
    }
}

#[test]
fn a_command_for_a_frame_is_answered_when_it_is_taken_and_when_it_happened() {
    let mut desk = Desk::new();
    desk.say("/cyclorama/slate/at", vec![text("1A"), OscType::Long(5_000)]);
    desk.say("/cyclorama/freeze/at", vec![OscType::Int(1), OscType::Int(5_001)]);
    while desk.control.counts().commands < 2 {
        std::thread::yield_now();
    }
    desk.tick();
    let mut taken = [desk.reply(), desk.reply()];
    taken.sort();
    assert_eq!(taken[0], ("/cyclorama/freeze/at".into(), 1, 5_001, "scheduled".into()));
    assert_eq!(taken[1], ("/cyclorama/slate/at".into(), 1, 5_000, "scheduled".into()));
    assert_eq!(desk.done(), []);
    desk.frame = 5_000;
    desk.tick();
    assert_eq!(desk.reply(), ("/cyclorama/slate/at".into(), 1, 5_000, "done".into()));
    // Ticks 5001 to 5003 are missed.
    desk.frame = 5_004;
    desk.tick();
    let late = "done, late by 3: ticks were missed";
    assert_eq!(desk.reply(), ("/cyclorama/freeze/at".into(), 1, 5_004, late.into()));
    assert_eq!(desk.done(), [Command::Slate("1A".into()), Command::Freeze(true)]);
}

#[test]
fn what_cannot_be_done_is_answered_with_the_reason() {
    let mut desk = Desk::new();
    for (address, args, says) in [
        ("/cyclorama/freze", vec![OscType::Int(1)], "there is nothing here; there are /cyclorama/ freeze"),
        ("/other/freeze", vec![OscType::Int(1)], "there is nothing here"),
        ("/cyclorama/freeze", vec![text("on")], "/cyclorama/freeze takes an i, 0 or 1; it came with \",s\""),
        ("/cyclorama/freeze", vec![], "it came with \",\""),
        ("/cyclorama/freeze", vec![OscType::Int(1), OscType::Int(2)], "it came with \",ii\""),
        ("/cyclorama/slate", vec![OscType::Int(1)], "takes an s; it came with \",i\""),
        ("/cyclorama/cue/at", vec![text("dusk")], "an s, and the frame on which it is to happen, i or h"),
        ("/cyclorama/cue/at", vec![text("dusk"), OscType::Float(9.0)], "it came with \",sf\""),
        ("/cyclorama/freeze/at", vec![OscType::Int(1), OscType::Int(-1)], "it came with \",ii\""),
        ("/cyclorama/freeze", vec![OscType::Color(rosc::OscColor { red: 0, green: 0, blue: 0, alpha: 0 })], "\",r\""),
    ] {
        desk.say(address, args);
        let (replied, ok, frame, words) = desk.reply();
        assert_eq!((replied.as_str(), ok, frame), (address, 0, -1));
        assert!(words.contains(says), "{words}");
    }
    assert_eq!(desk.control.counts(), ControlCounts { commands: 0, refused: 10, garbage: 0 });
    // These come from the stage.
    for (address, args, says) in [
        ("/cyclorama/cue", vec![text("dusk")], "no such look as \"dusk\"; this stage has no looks"),
        ("/cyclorama/light_card", vec![text("key"), OscType::Int(1)], "no such light card as \"key\""),
        ("/cyclorama/pattern", vec![text("plaid")], "there are grid"),
        ("/cyclorama/freeze/at", vec![OscType::Int(1), OscType::Int(3)], "frame 3 has already begun; the next one"),
    ] {
        desk.say(address, args);
        let count = desk.happened.len();
        desk.until(|desk| desk.happened.len() > count);
        let (replied, ok, frame, words) = desk.reply();
        assert_eq!((replied.as_str(), ok, frame), (address, 0, -1));
        assert!(words.contains(says), "{words}");
    }
}

#[test]
fn a_bundle_is_taken_in_order_and_one_for_later_is_not() {
    let mut desk = Desk::new();
    let bundle = |timetag, content| OscPacket::Bundle(OscBundle { timetag, content });
    let now = OscTime { seconds: 0, fractional: 1 };
    let inner = bundle(now, vec![message("/cyclorama/slate", vec![text("b")])]);
    let first = message("/cyclorama/slate", vec![text("a")]);
    let last = message("/cyclorama/slate", vec![text("c")]);
    desk.send(bundle(now, vec![first.clone(), inner, last]));
    desk.commands(3);
    assert_eq!(desk.done(), ["a", "b", "c"].map(|slate| Command::Slate(slate.into())));
    (0..3).for_each(|_| assert_eq!(desk.reply().1, 1));
    let later = OscTime { seconds: 0xF000_0000, fractional: 0 };
    desk.send(bundle(later, vec![bundle(now, vec![first])]));
    let (_, ok, _, words) = desk.reply();
    assert!(ok == 0 && words.contains("/at"), "{words}");
}

/// SplitMix64.
fn bits(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn any_bytes_are_a_command_or_a_reason() {
    let seeds = [
        message("/cyclorama/light_card/at", vec![text("key"), OscType::Int(1), OscType::Long(77)]),
        message("/cyclorama/slate/at", vec![text("12A take 3"), OscType::Int(77)]),
        message("/cyclorama/pattern", vec![]),
        message("/cyclorama/freeze", vec![OscType::Bool(true), OscType::Blob(vec![1, 2, 3])]),
    ]
    .map(|packet| rosc::encoder::encode(&packet).unwrap());
    let (mut seed, mut commands, mut reasons) = (7, 0, 0);
    for n in 0..200_000 {
        let mut bytes = seeds[n % seeds.len()].clone();
        for _ in 0..bits(&mut seed) % 4 {
            let at = bits(&mut seed) as usize % bytes.len();
            bytes[at] = bits(&mut seed) as u8;
        }
        bytes.truncate(bytes.len() - (bits(&mut seed) as usize % 3 * 4).min(bytes.len() - 4));
        let packet = cyc_wire::osc::Packet::new_checked(&bytes);
        if let Some(cyc_wire::osc::Element::Message(message)) = packet.ok().and_then(|packet| packet.element()) {
            match cyc_link::control::parse(&message) {
                Ok(_) => commands += 1,
                Err(reason) => reasons += usize::from(!reason.is_empty()),
            }
        }
    }
    assert!(commands > 10_000 && reasons > 10_000, "{commands} commands, {reasons} reasons");
}

#[test]
fn garbage_is_counted_and_the_port_goes_on() {
    let mut desk = Desk::new();
    let nested = (0..20).fold(message("/cyclorama/freeze", vec![OscType::Int(1)]), |inner, _| {
        OscPacket::Bundle(OscBundle { timetag: OscTime { seconds: 0, fractional: 1 }, content: vec![inner] })
    });
    for bytes in [&b""[..], b"x", b"/cyclorama/freeze", b"#bundle\0", &[0xFF; 1000]] {
        desk.talker.send(bytes).unwrap();
    }
    desk.send(nested);
    desk.until(|desk| desk.control.counts().garbage == 6);
    desk.say("/cyclorama/freeze", vec![OscType::Int(1)]);
    desk.commands(1);
    assert_eq!(desk.done(), [Command::Freeze(true)]);
    assert_eq!(desk.reply().1, 1);
}

#[test]
fn a_flood_leaves_frames_alone_and_the_port_alive() {
    let mut desk = Desk::new();
    let freeze = rosc::encoder::encode(&message("/cyclorama/freeze", vec![OscType::Int(1)])).unwrap();
    let mut most = 0;
    for n in 0..20_000 {
        let _ = desk.talker.send(&freeze);
        if n % 500 == 0 {
            let before = desk.happened.len();
            desk.tick();
            most = most.max(desk.happened.len() - before);
        }
    }
    assert!(most <= 32, "{most} commands in one frame");
    // A datagram of messages without end is a flood too.
    let content = vec![message("/cyclorama/freeze", vec![OscType::Int(0)]); 1500];
    desk.until(|desk| {
        desk.send(OscPacket::Bundle(OscBundle {
            timetag: OscTime { seconds: 0, fractional: 1 },
            content: content.clone(),
        }));
        desk.control.counts().garbage >= 1436
    });
    let slate = Command::Slate("after".into());
    desk.until(|desk| {
        desk.say("/cyclorama/slate", vec![text("after")]);
        desk.done().last() == Some(&slate)
    });
}

#[test]
fn a_port_that_cannot_be_had_is_named_with_the_fix_and_a_dropped_one_is_free_again() {
    let desk = Desk::new();
    let addr = desk.control.local_addr();
    let (port, _intake) = channel(Rate::new(24, 1).unwrap(), Catalogue::default());
    let error = OscControl::start(addr, port.clone()).unwrap_err();
    assert!(matches!(error, ControlError::Listen { addr: asked, .. } if asked == addr));
    assert!(error.to_string().contains(&addr.to_string()) && error.to_string().contains("in use"), "{error}");
    let foreign = OscControl::start("192.0.2.1:9000".parse().unwrap(), port.clone()).unwrap_err();
    assert!(foreign.to_string().contains("no interface of this machine"), "{foreign}");
    drop(desk);
    OscControl::start(addr, port).unwrap();
}
