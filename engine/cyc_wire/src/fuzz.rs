//! What must hold for every input, as plain functions: no panic, bounds kept, and whatever parses is emitted
//! and parsed to the same values. Run by a seeded mutator in `cargo test` and by cargo-fuzz in `fuzz/`.

use crate::{
    CameraDecoder, RawSample, WireError,
    freed::{self, FreedRepr},
    opentrackio::{Encoding, HEADER_LEN, MAX_SEGMENT, Reassembler, Reassembly, Sample, Segment, SegmentRepr, segments},
    osc::{self, TrackerMessage},
};
use cyc_core::{
    StageTime,
    profile::{FreedProfile, OpenTrackIoProfile, OscProfile},
};
use rosc::OscPacket;

mod timecode;
pub use timecode::{FUZZ_SAMPLE_RATE_HZ, OSC_TICK_ADDRESS, fuzz_artnet, fuzz_ltc, fuzz_mtc, fuzz_osc_tick, fuzz_ptp};

/// The OSC address that [`fuzz_osc`] listens to.
pub const OSC_ADDRESS: &str = "/tracker/a";

/// Free-d: the bytes as a datagram, as a line, and as a D1 message with its type and checksum put right.
pub fn fuzz_freed(bytes: &[u8]) {
    freed_datagram(bytes);
    if let Some(message) = bytes.first_chunk::<{ freed::D1_LEN }>() {
        let mut message = *message;
        message[freed::field::KIND] = freed::D1;
        message[freed::field::CHECKSUM] = freed::checksum(&message[..freed::field::CHECKSUM]);
        freed_datagram(&message);
    }
    let mut all = Vec::new();
    freed::Stream::default().push(bytes, |message| all.push(message));
    let (mut pieces, mut stream) = (Vec::new(), freed::Stream::default());
    for piece in bytes.chunks(7) {
        stream.push(piece, |message| pieces.push(message));
    }
    assert_eq!(all, pieces, "a line says the same however it is cut");
}

fn freed_datagram(bytes: &[u8]) {
    let mut positions = 0;
    for message in freed::messages(bytes) {
        if let Ok(freed::Message::Position(packet)) = message {
            let repr = FreedRepr::parse(&packet);
            let emitted = repr.emit();
            let again = freed::Packet::new_checked(&emitted).map(|packet| FreedRepr::parse(&packet));
            assert_eq!(again, Ok(repr), "{packet}");
            positions += 1;
        }
    }
    let samples = feed(&mut CameraDecoder::freed(FreedProfile::default(), None), bytes);
    assert_eq!(samples.len(), positions);
}

/// OpenTrackIO datagrams: the bytes as they are, and as the segment of a right header made of the first four.
pub fn fuzz_opentrackio(bytes: &[u8]) {
    let decoder = CameraDecoder::opentrackio(OpenTrackIoProfile::default(), None);
    feed(&mut decoder.clone(), bytes);
    if let Ok(segment) = Segment::new_checked(bytes) {
        let emitted = SegmentRepr::parse(&segment).emit(segment.payload());
        assert!(emitted.is_ok_and(|emitted| emitted[..4] == bytes[..4] && emitted[5..14] == bytes[5..14]));
    }
    let Some((&[kind, sequence, offset, last], payload)) = bytes.split_first_chunk() else { return };
    let header = SegmentRepr {
        encoding: if kind & 1 == 0 { Encoding::Json } else { Encoding::Cbor },
        sequence: u16::from(sequence) << 8,
        offset: u32::from(offset),
        last: last & 1 == 0,
        len: payload.len(),
    };
    let Ok(datagram) = header.emit(payload) else { return };
    let again = Segment::new_checked(&datagram).map(|segment| SegmentRepr::parse(&segment));
    assert_eq!(again, Ok(header));
    feed(&mut decoder.clone(), &datagram);
}

/// An OpenTrackIO payload as JSON.
pub fn fuzz_opentrackio_json(bytes: &[u8]) {
    fuzz_sample(bytes, Encoding::Json);
}

/// An OpenTrackIO payload as CBOR.
pub fn fuzz_opentrackio_cbor(bytes: &[u8]) {
    fuzz_sample(bytes, Encoding::Cbor);
}

fn fuzz_sample(bytes: &[u8], encoding: Encoding) {
    let Ok(sample) = Sample::parse(bytes, encoding) else { return };
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let emitted = sample.emit(encoding);
        let again = emitted.as_ref().map_err(|error| *error).and_then(|payload| Sample::parse(payload, encoding));
        assert_eq!(again.as_ref(), Ok(&sample), "{encoding:?}");
        let mut sequence = 0xFFFF;
        let payload = emitted.unwrap_or_default();
        let datagrams = segments(&payload, encoding, &mut sequence, MAX_SEGMENT).unwrap_or_default();
        let mut reassembler = Reassembler::default();
        for (i, datagram) in datagrams.iter().enumerate() {
            assert!(datagram.len() <= HEADER_LEN + MAX_SEGMENT);
            let Ok(segment) = Segment::new_checked(datagram) else { unreachable!("{i}") };
            let whole = reassembler.offer(&segment, 0).0 == Ok(Reassembly::Complete(encoding, &payload));
            assert_eq!(whole, i + 1 == datagrams.len());
        }
    }
    if let Ok(Some((pose, _))) = sample.camera_state(&OpenTrackIoProfile::default()) {
        assert!(pose.position_m.iter().chain(pose.orientation_wxyz().iter()).all(|number| number.is_finite()));
    }
}

/// OSC: both profiles, the round trip of every tracker message, and rosc as a second opinion.
pub fn fuzz_osc(bytes: &[u8]) {
    for profile in [OscProfile::Stage, OscProfile::VrChat] {
        feed(&mut CameraDecoder::osc(profile, OSC_ADDRESS), bytes);
    }
    let Ok(packet) = osc::Packet::new_checked(bytes) else {
        return;
    };
    let mut ours = Vec::new();
    packet.element().into_iter().for_each(|element| flatten(&element, &mut ours));
    for message in &ours {
        for profile in [OscProfile::Stage, OscProfile::VrChat] {
            let Ok(Some(repr)) = TrackerMessage::parse(message, OSC_ADDRESS, profile) else { continue };
            let emitted = osc::encode_message(OSC_ADDRESS, &repr).unwrap_or_default();
            assert_eq!(parse_one(&emitted, profile), Ok(Some(repr)), "{message}");
        }
    }
    let Ok(theirs) = osc::decode_any(bytes) else { return };
    let mut messages = Vec::new();
    flatten_rosc(&theirs, &mut messages);
    assert_eq!(ours.len(), messages.len());
    for (ours, theirs) in ours.iter().zip(messages) {
        assert_eq!(ours.address(), theirs.addr.as_bytes());
        if let Ok(numbers) = ours.numbers::<3>() {
            let same = numbers.iter().zip(&theirs.args).all(|(number, argument)| Some(*number) == float(argument));
            assert!(same && theirs.args.len() >= 3, "{ours} {theirs:?}");
        }
    }
}

fn parse_one(bytes: &[u8], profile: OscProfile) -> Result<Option<TrackerMessage>, WireError> {
    match osc::Packet::new_checked(bytes)?.element() {
        Some(osc::Element::Message(message)) => TrackerMessage::parse(&message, OSC_ADDRESS, profile),
        _ => Ok(None),
    }
}

fn flatten<'a>(element: &osc::Element<'a>, out: &mut Vec<osc::Message<'a>>) {
    match element {
        osc::Element::Message(message) => out.push(*message),
        osc::Element::Bundle(bundle) => bundle.elements().for_each(|element| flatten(&element, out)),
    }
}

fn flatten_rosc<'a>(packet: &'a OscPacket, out: &mut Vec<&'a rosc::OscMessage>) {
    match packet {
        OscPacket::Message(message) => out.push(message),
        OscPacket::Bundle(bundle) => bundle.content.iter().for_each(|packet| flatten_rosc(packet, out)),
    }
}

fn float(argument: &rosc::OscType) -> Option<f64> {
    match argument {
        rosc::OscType::Float(number) => Some(f64::from(*number)),
        rosc::OscType::Double(number) => Some(*number),
        rosc::OscType::Int(number) => Some(f64::from(*number)),
        rosc::OscType::Long(number) => Some(*number as f64),
        _ => None,
    }
}

/// Feeds one datagram; every sample that comes out is finite, and every datagram is counted.
fn feed(decoder: &mut CameraDecoder, bytes: &[u8]) -> Vec<RawSample> {
    let mut out = Vec::new();
    let counts = decoder.feed(bytes, 0, StageTime(0), &mut out);
    assert!(counts.used + counts.bad + counts.ignored > 0);
    assert_eq!(counts.bad > 0, counts.error.is_some());
    for sample in &out {
        let lens = [sample.lens.focal_length_mm, sample.lens.focus_distance_m, sample.lens.entrance_pupil_offset_m];
        let position = <[f64; 3]>::from(sample.pose.position_m);
        let numbers = position.into_iter().chain(sample.pose.orientation_wxyz()).chain(lens.into_iter().flatten());
        numbers.for_each(|number| assert!(number.is_finite(), "{sample:?}"));
        assert!((sample.pose.orientation.quaternion().norm() - 1.0).abs() < 1e-9);
    }
    out
}
