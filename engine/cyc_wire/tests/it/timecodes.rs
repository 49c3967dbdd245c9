//! MIDI and Art-Net timecode, and ticks over OSC.

use crate::{bytes, list, vectors};
use cyc_core::{Rate, Timecode};
use cyc_wire::{
    WireError,
    artnet::{ArtTimecodeRepr, Packet},
    mtc::{ALL_DEVICES, Assembler, FrameStart, FullFrame, Message, QuarterFrame, quarter_frames},
    osc::{OscTick, encode_tick, ticks},
    timecode::{Counting, Direction},
};
use proptest::prelude::*;
use serde_json::Value;

fn label(text: &str) -> Timecode {
    text.parse().unwrap()
}

/// "29.97 DF 01:00:00;00", "EBU 25 23:59:59:24", "SMPTE 30 10:20:30:29, stream 2".
fn named(vector: &Value) -> (Timecode, Counting) {
    let name = vector["name"].as_str().unwrap().split(',').next().unwrap();
    let label = label(name.split(' ').next_back().unwrap());
    let counting = match label.drop_frame {
        true => Counting::Drop30,
        false => *Counting::ALL.iter().rev().find(|way| name.contains(&way.nominal().to_string())).unwrap(),
    };
    (label, if name.contains("24 fps") || name.contains("film 24") { Counting::Fps24 } else { counting })
}

#[test]
fn codes_are_the_vectors() {
    let file = vectors("timecode_vectors.json");
    for (table, name) in [("mtc_rate_bits", "MIDI"), ("artnet_type", "Art-Net")] {
        for (key, counting) in
            [("24", Counting::Fps24), ("25", Counting::Fps25), ("29.97DF", Counting::Drop30), ("30", Counting::Fps30)]
        {
            assert_eq!(file[table][key], counting.code(), "{name} {key}");
            assert_eq!(Counting::of_code(counting.code()), Some(counting));
        }
    }
    assert_eq!(Counting::of_code(4), None);
}

#[test]
fn ways_of_counting_follow_rates() {
    let of = |text: &str, drop_frame| Counting::of_rate(text.parse::<Rate>().unwrap(), drop_frame);
    assert_eq!(of("24000/1001", false), Some(Counting::Fps24));
    assert_eq!(of("25", true), Some(Counting::Fps25));
    assert_eq!(of("30000/1001", true), Some(Counting::Drop30));
    assert_eq!(of("30000/1001", false), Some(Counting::Fps30));
    assert_eq!(of("30", true), Some(Counting::Fps30));
    assert_eq!([of("48", false), of("60000/1001", true), of("23", false)], [None; 3]);
    let drop = Counting::Drop30;
    assert_eq!(drop.advance(label("00:00:59;29"), 1), label("00:01:00;02"));
    assert_eq!(drop.advance(label("00:00:00;00"), -1), label("23:59:59;29"));
    assert_eq!(Counting::Fps25.advance(label("23:59:59:24"), 2), label("00:00:00:01"));
    assert!(!drop.contains(label("00:01:00;01")) && !drop.contains(label("00:01:00:02")));
}

#[test]
fn artnet_vectors_read_and_write_back() {
    let file = vectors("timecode_vectors.json");
    for vector in list(&file["artnet_timecode"]) {
        let datagram = bytes(&vector["hex"]);
        let Ok(Packet::Timecode(packet)) = Packet::new_checked(&datagram) else { panic!("{vector}") };
        let repr = ArtTimecodeRepr::parse(&packet).unwrap();
        assert_eq!((repr.label, repr.counting), named(vector), "{vector}");
        assert_eq!(repr.stream, if vector["name"].as_str().unwrap().ends_with("stream 2") { 2 } else { 0 });
        assert_eq!(repr.emit().unwrap().to_vec(), datagram);
        // Padding after the packet is nobody's business.
        let padded = [&datagram[..], &[0xFF; 5]].concat();
        assert_eq!(Packet::new_checked(&padded), Ok(Packet::Timecode(packet)));
    }
    let codes: Vec<_> = list(&file["artnet_other"])
        .iter()
        .map(|vector| Packet::new_checked(&bytes(&vector["hex"])).map(|packet| packet.to_string()).unwrap())
        .collect();
    assert_eq!(codes, ["Art-Net op=5200", "Art-Net op=2000", "Art-Net op=5000"]);
}

#[test]
fn artnet_refuses() {
    let good = ArtTimecodeRepr { stream: 0, label: label("10:20:30:12"), counting: Counting::Fps25 }.emit().unwrap();
    let changed = |at: usize, value: u8| {
        let mut datagram = good;
        datagram[at] = value;
        match Packet::new_checked(&datagram)? {
            Packet::Timecode(packet) => ArtTimecodeRepr::parse(&packet),
            Packet::Other { .. } => Err(WireError::BadMagic),
        }
    };
    assert_eq!(changed(0, b'B'), Err(WireError::BadMagic));
    assert_eq!(changed(11, 13), Err(WireError::UnsupportedVersion(13)));
    assert_eq!(changed(18, 4), Err(WireError::BadValue("timecode type")));
    for (at, value) in [(14, 25), (15, 60), (16, 60), (17, 24)] {
        assert_eq!(changed(at, value), Err(WireError::BadValue("timecode")), "byte {at}");
    }
    for len in [0, 3, 9, 18] {
        assert_eq!(Packet::new_checked(&good[..len]), Err(WireError::Truncated), "{len} bytes");
    }
    let beyond = ArtTimecodeRepr { stream: 0, label: label("10:20:30;12"), counting: Counting::Fps25 };
    assert_eq!(beyond.emit(), Err(WireError::BadValue("timecode")));
}

#[test]
fn mtc_vectors_read_and_write_back() {
    for vector in list(&vectors("timecode_vectors.json")["mtc"]) {
        let (label, counting) = named(vector);
        let full = FullFrame { device: ALL_DEVICES, label, counting };
        assert_eq!(Message::parse(&bytes(&vector["full_frame"])), Ok(Message::Full(full)), "{vector}");
        assert_eq!(full.emit().unwrap().to_vec(), bytes(&vector["full_frame"]));
        let pieces = quarter_frames(label, counting).unwrap();
        let wire: Vec<u8> = pieces.iter().flat_map(|quarter| quarter.emit()).collect();
        assert_eq!(wire, bytes(&vector["quarter_frames_forward"]));
        for (quarter, wire) in pieces.iter().zip(wire.chunks(2)) {
            assert_eq!(Message::parse(wire), Ok(Message::Quarter(*quarter)));
        }
        // The frame that the next piece 0 begins is two later, as `smpte-timecode` has it.
        let mut assembler = Assembler::default();
        for quarter in pieces {
            assembler.offer(quarter);
        }
        let next = assembler.offer(QuarterFrame::new(0, 0).unwrap()).unwrap();
        assert_eq!((next.label, next.counting), (Some(counting.advance(label, 2)), Some(counting)));
    }
}

#[test]
fn mtc_refuses() {
    let full = FullFrame { device: 3, label: label("10:20:30:12"), counting: Counting::Fps25 };
    let good = full.emit().unwrap();
    assert_eq!(Message::parse(&[]), Err(WireError::Truncated));
    assert_eq!(Message::parse(&[0x40]), Err(WireError::BadMagic));
    assert_eq!(Message::parse(&[0xF1]), Err(WireError::Truncated));
    assert_eq!(Message::parse(&[0xF1, 0x80]), Err(WireError::BadValue("quarter frame")));
    assert_eq!(Message::parse(&[0xF1, 0, 0]), Err(WireError::BadLength));
    assert_eq!(Message::parse(&good[..9]), Err(WireError::Truncated));
    assert_eq!(Message::parse(&[&good[..], &[0]].concat()), Err(WireError::BadLength));
    assert_eq!(Message::parse(&[0xF0, 0x7F, 0x7F, 0x06, 0x02, 0xF7]), Ok(Message::Other { status: 0xF0 }));
    assert_eq!(Message::parse(&[0x90, 60, 100]), Ok(Message::Other { status: 0x90 }));
    let changed = |at: usize, value: u8| {
        let mut message = good;
        message[at] = value;
        Message::parse(&message)
    };
    assert_eq!(changed(2, 0x80), Err(WireError::BadValue("device")));
    assert_eq!(changed(9, 0), Err(WireError::BadLength));
    for (at, value) in [(5, 0x20 | 24), (6, 60), (7, 60), (8, 25)] {
        assert_eq!(changed(at, value), Err(WireError::BadValue("timecode")), "byte {at}");
    }
    let dropped = FullFrame { label: label("00:01:00;00"), counting: Counting::Drop30, ..full };
    assert_eq!(dropped.emit(), Err(WireError::BadValue("timecode")));
}

/// The quarter frames of `pairs` labels from `start` on, two frames each, in the order of a transport that passes them.
fn stream(start: Timecode, counting: Counting, direction: Direction, pairs: i64) -> Vec<QuarterFrame> {
    let labels = (0..pairs).map(|pair| counting.advance(start, 2 * pair * i64::from(direction.sign())));
    labels
        .flat_map(|label| {
            let mut pieces = quarter_frames(label, counting).unwrap();
            if direction == Direction::Backward {
                pieces.reverse();
            }
            pieces
        })
        .collect()
}

fn starts(quarters: &[QuarterFrame]) -> Vec<FrameStart> {
    let mut assembler = Assembler::default();
    quarters.iter().filter_map(|quarter| assembler.offer(*quarter)).collect()
}

#[test]
fn every_frame_start_is_named_forwards() {
    // Pieces 0 and 4 of three pairs of frames across a dropped minute.
    let quarters = stream(label("00:00:59;26"), Counting::Drop30, Direction::Forward, 4);
    let labels: Vec<_> = starts(&quarters).iter().map(|start| start.label).collect();
    let named = ["00:00:59;28", "00:00:59;29", "00:01:00;02", "00:01:00;03", "00:01:00;04", "00:01:00;05"];
    let expected: Vec<_> = [None, None].into_iter().chain(named.map(|text| Some(label(text)))).collect();
    assert_eq!(labels, expected);
    assert!(starts(&quarters).iter().skip(1).all(|start| start.direction == Some(Direction::Forward)));
}

#[test]
fn every_frame_start_is_named_backwards() {
    // In reverse, piece 4 of label N enters frame N, and piece 0 the frame before it.
    let quarters = stream(label("00:00:00:04"), Counting::Fps25, Direction::Backward, 4);
    let labels: Vec<_> = starts(&quarters).iter().map(|start| start.label).collect();
    let named =
        ["00:00:00:03", "00:00:00:02", "00:00:00:01", "00:00:00:00", "23:59:59:24", "23:59:59:23", "23:59:59:22"];
    let expected: Vec<_> = std::iter::once(None).chain(named.map(|text| Some(label(text)))).collect();
    assert_eq!(labels, expected);
    assert!(starts(&quarters).iter().all(|start| start.direction == Some(Direction::Backward)));
}

#[test]
fn a_break_costs_the_label_until_eight_pieces_in_a_row() {
    let mut quarters = stream(label("10:00:00:00"), Counting::Fps24, Direction::Forward, 6);
    quarters.remove(19);
    let labels: Vec<_> = starts(&quarters).iter().map(|start| start.label.map(|label| label.frames)).collect();
    // Piece 3 of the third pair is lost: its piece 4 and the fourth pair have no name.
    let expected = [None, None, Some(2), Some(3), Some(4), None, None, None, Some(8), Some(9), Some(10), Some(11)];
    assert_eq!(labels, expected);
}

#[test]
fn a_transport_that_turns_is_followed() {
    let mut quarters = stream(label("10:00:00:00"), Counting::Fps25, Direction::Forward, 3);
    quarters.truncate(21);
    // Piece 4 of label 4 was the last; it goes back through 3, 2, 1, 0 and then whole labels.
    let back = quarter_frames(label("10:00:00:04"), Counting::Fps25).unwrap();
    quarters.extend(back[..4].iter().rev());
    quarters.extend(stream(label("10:00:00:02"), Counting::Fps25, Direction::Backward, 2));
    let found = starts(&quarters);
    let last = found.last().unwrap();
    assert_eq!((last.label, last.direction), (Some(label("09:59:59:24")), Some(Direction::Backward)));
    let turn = found.iter().position(|start| start.direction == Some(Direction::Backward)).unwrap();
    assert!(found[turn..].iter().take(2).all(|start| start.label.is_none()));
}

#[test]
fn labels_that_do_not_exist_are_refused() {
    let mut assembler = Assembler::default();
    for _ in 0..2 {
        for piece in 0..8 {
            let begins = assembler.offer(QuarterFrame::new(piece, 15).unwrap());
            assert!(begins.is_none_or(|begins| begins.label.is_none()));
        }
    }
    assert_eq!(assembler.refused(), 2);
    assembler.reset();
    assert_eq!(assembler.refused(), 2);
    assert_eq!([QuarterFrame::new(8, 0), QuarterFrame::new(0, 16)], [None; 2]);
}

fn heard(datagram: &[u8]) -> (Result<usize, WireError>, Vec<(OscTick, Option<i64>)>) {
    let mut found = Vec::new();
    (ticks(datagram, "/tick", |tick, time| found.push((tick, time))), found)
}

fn message(address: &str, args: Vec<rosc::OscType>) -> Vec<u8> {
    rosc::encoder::encode(&rosc::OscPacket::Message(rosc::OscMessage { addr: address.into(), args })).unwrap()
}

#[test]
fn osc_ticks_in_any_order() {
    use rosc::OscType::{Blob, Bool, Float, Int, Long, String};
    let text = || String("01:00:00;02".into());
    let (frame, both) = (OscTick { frame: Some(-7), label: None }, Some(label("01:00:00;02")));
    let cases = [
        (vec![], OscTick::default()),
        (vec![Int(-7)], frame),
        (vec![Long(1 << 40), text()], OscTick { frame: Some(1 << 40), label: both }),
        (vec![text(), Int(3)], OscTick { frame: Some(3), label: both }),
        // What is beyond the first of each, and of other types, is left unread.
        (vec![Float(2.5), Blob(vec![1, 2, 3]), Bool(true), Int(-7), Int(8)], frame),
        (vec![text(), String("no timecode".into())], OscTick { frame: None, label: both }),
    ];
    for (args, tick) in cases {
        assert_eq!(heard(&message("/tick", args.clone())), (Ok(0), vec![(tick, None)]), "{args:?}");
        assert_eq!(heard(&message("/tick/b", args)), (Ok(1), vec![]));
    }
}

#[test]
fn osc_ticks_that_cannot_be_read() {
    use rosc::OscType::String;
    let bad = message("/tick", vec![String("12".into())]);
    assert_eq!(heard(&bad), (Err(WireError::BadValue("timecode")), vec![]));
    assert_eq!(heard(b"/tick\0\0\0,i\0\0"), (Err(WireError::Truncated), vec![]));
    assert_eq!(heard(b"/tick\0\0\0,Xi\0\0\0\0\x07"), (Err(WireError::Unsupported("argument type")), vec![]));
    assert_eq!(heard(b"/tick\0\0\0,b\0\0\xFF\xFF\xFF\xFC"), (Err(WireError::BadLength), vec![]));
    // Without type tags it is a bare tick.
    assert_eq!(heard(b"/tick\0\0\0"), (Ok(0), vec![(OscTick::default(), None)]));
}

#[test]
fn osc_ticks_carry_their_bundle_s_time() {
    let tick = OscTick { frame: Some(1), label: Some(label("10:00:00:01")) };
    let datagram = encode_tick("/tick", &tick, Some(1_700_000_000_123_456_789)).unwrap();
    assert_eq!(heard(&datagram), (Ok(0), vec![(tick, Some(1_700_000_000_123_456_789))]));
    assert_eq!(tick.to_string(), "tick frame=1 10:00:00:01");
}

fn any_label() -> impl Strategy<Value = (Timecode, Counting)> {
    (prop::sample::select(Counting::ALL.to_vec()), 0u64..2_589_408).prop_map(|(counting, frame)| {
        let label = Timecode::of_frame(frame, counting.rate().unwrap(), counting == Counting::Drop30);
        (label, counting)
    })
}

proptest! {
    #[test]
    fn every_label_goes_through_every_wire((label, counting) in any_label(), stream: u8, device in 0u8..128) {
        let art = ArtTimecodeRepr { stream, label, counting };
        let datagram = art.emit().unwrap();
        let Ok(Packet::Timecode(packet)) = Packet::new_checked(&datagram) else { panic!("{art}") };
        prop_assert_eq!(ArtTimecodeRepr::parse(&packet), Ok(art));
        let full = FullFrame { device, label, counting };
        prop_assert_eq!(FullFrame::parse(&full.emit().unwrap()), Ok(full));
    }

    #[test]
    fn quarter_frames_name_every_frame((label, counting) in any_label(), backward: bool, cut in 0usize..8) {
        let direction = if backward { Direction::Backward } else { Direction::Forward };
        let mut assembler = Assembler::default();
        let mut named = 0;
        for (i, quarter) in stream(label, counting, direction, 5).into_iter().enumerate().skip(cut) {
            let frame = 2 * (i as i64 / 8) * i64::from(direction.sign());
            let expected = match (quarter.piece(), backward) {
                (0, false) | (4, true) => Some(frame),
                (4, false) => Some(frame + 1),
                (0, true) => Some(frame - 1),
                _ => None,
            };
            let start = assembler.offer(quarter);
            prop_assert_eq!(start.is_some(), expected.is_some());
            if let Some((found, frame)) = start.and_then(|start| start.label).zip(expected) {
                prop_assert_eq!(found, counting.advance(label, frame));
                named += 1;
            }
        }
        prop_assert!(named >= 6, "{}", named);
    }

    #[test]
    fn osc_ticks_round_trip(frame: Option<i64>, (label, _) in any_label(), with_label: bool, time in prop::option::of(0i64..4_000_000_000_000_000_000)) {
        let tick = OscTick { frame, label: with_label.then_some(label) };
        let datagram = encode_tick("/tick", &tick, time).unwrap();
        prop_assert_eq!(heard(&datagram), (Ok(0), vec![(tick, time)]));
    }
}
