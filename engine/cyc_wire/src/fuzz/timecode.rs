//! What must hold for every input of the timecode and clock protocols.

use super::{flatten, flatten_rosc};
use crate::{artnet, ltc, mtc, osc, ptp};
use cyc_core::Rate;

/// Samples a second of the sound that [`fuzz_ltc`] makes of bytes.
pub const FUZZ_SAMPLE_RATE_HZ: u32 = 12_000;
/// The OSC address that [`fuzz_osc_tick`] listens to.
pub const OSC_TICK_ADDRESS: &str = "/tick";

/// Linear timecode: the bytes as a word (as they are, and with its synchronising pattern put right), as sound of 8 bits,
/// and as floats of any kind.
pub fn fuzz_ltc(bytes: &[u8]) {
    ltc_word(bytes);
    if let Some(word) = bytes.first_chunk::<{ ltc::WORD_LEN }>() {
        let [head @ .., _, _] = *word;
        ltc_word(&[&head[..], &ltc::SYNC.to_le_bytes()].concat());
    }
    let coarse: Vec<f32> = bytes.iter().map(|byte| (f32::from(*byte) - 128.0) / 128.0).collect();
    let any: Vec<f32> = bytes.as_chunks().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
    for samples in [coarse, any] {
        // Few samples a bit, so that a short input holds words.
        let Some(mut decoder) = Rate::new(30, 1).map(|rate| ltc::Decoder::new(FUZZ_SAMPLE_RATE_HZ, rate)) else {
            return;
        };
        let mut cut = decoder.clone();
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        decoder.push(&samples, |word| whole.push(word));
        samples.chunks(7).for_each(|piece| cut.push(piece, |word| pieces.push(word)));
        assert_eq!(whole, pieces, "sound says the same however it is cut");
        for word in &whole {
            assert!(word.begin_sample < word.end_sample && word.jitter_samples.is_finite(), "{word}");
            assert!(word.repr().is_ok_and(|repr| repr.label == word.label), "{word}");
        }
        assert!(whole.windows(2).all(|pair| pair[0].begin_sample < pair[1].begin_sample));
    }
}

fn ltc_word(bytes: &[u8]) {
    let Ok(word) = ltc::Word::new_checked(bytes) else { return };
    for layout in [ltc::Layout::Fps24Or30, ltc::Layout::Fps25] {
        let repr = ltc::LtcRepr::parse(&word, layout);
        let emitted = repr.emit(layout).unwrap_or_default();
        let again = ltc::Word::new_checked(&emitted).map(|word| ltc::LtcRepr::parse(&word, layout));
        assert_eq!(again, Ok(repr), "{word}");
        assert!(ltc::Word::new_checked(&emitted).is_ok_and(|word| word.even_polarity()));
    }
}

/// MIDI timecode: the bytes as one message, and each byte as a quarter frame of a stream.
pub fn fuzz_mtc(bytes: &[u8]) {
    match mtc::Message::parse(bytes) {
        Ok(mtc::Message::Quarter(quarter)) => assert_eq!(quarter.emit(), bytes),
        Ok(mtc::Message::Full(full)) => {
            let emitted = full.emit();
            // The top bit of the hours says nothing.
            assert!(emitted.is_ok_and(|emitted| mtc::FullFrame::parse(&emitted) == Ok(full)), "{full}");
        }
        Ok(mtc::Message::Other { .. }) | Err(_) => {}
    }
    let mut assembler = mtc::Assembler::default();
    for byte in bytes {
        let Some(quarter) = mtc::QuarterFrame::new(byte >> 4 & 7, byte & 0xF) else { unreachable!("four bits") };
        let begins = assembler.offer(quarter);
        assert_eq!(begins.is_some(), quarter.begins_frame());
        if let Some((label, counting)) = begins.and_then(|begins| begins.label.zip(begins.counting)) {
            assert!(counting.contains(label), "{label} at {counting}");
        }
    }
}

/// Art-Net: the bytes as a datagram, and as the fields of a timecode packet behind a right header.
pub fn fuzz_artnet(bytes: &[u8]) {
    artnet_datagram(bytes);
    let header = b"Art-Net\0\x00\x97\x00\x0e";
    artnet_datagram(&[&header[..], bytes].concat());
}

fn artnet_datagram(bytes: &[u8]) {
    let Ok(artnet::Packet::Timecode(packet)) = artnet::Packet::new_checked(bytes) else { return };
    let Ok(repr) = artnet::ArtTimecodeRepr::parse(&packet) else { return };
    let emitted = repr.emit().unwrap_or([0; artnet::TIMECODE_LEN]);
    assert_eq!(emitted[artnet::field::STREAM..], bytes[artnet::field::STREAM..artnet::TIMECODE_LEN], "{packet}");
    let Ok(artnet::Packet::Timecode(again)) = artnet::Packet::new_checked(&emitted) else { unreachable!("{repr}") };
    assert_eq!(artnet::ArtTimecodeRepr::parse(&again), Ok(repr));
}

/// PTP management: the bytes as a message, and whatever it answers emitted and read again.
pub fn fuzz_ptp(bytes: &[u8]) {
    let Ok(message) = ptp::Message::new_checked(bytes) else { return };
    assert!(!message.to_string().is_empty() && message.data().len() <= bytes.len());
    let Ok(response) = ptp::Response::parse(&message) else { return };
    let emitted = response.emit(ptp::PortIdentity::ALL);
    let again = ptp::Message::new_checked(&emitted).and_then(|message| ptp::Response::parse(&message));
    assert_eq!(again, Ok(response), "{message}");
}

/// OSC ticks: the round trip of every tick, and rosc as a second opinion on arguments.
pub fn fuzz_osc_tick(bytes: &[u8]) {
    let mut found = Vec::new();
    let others = osc::ticks(bytes, OSC_TICK_ADDRESS, |tick, time| found.push((tick, time)));
    for (tick, time) in &found {
        let emitted = osc::encode_tick(OSC_TICK_ADDRESS, tick, *time).unwrap_or_default();
        let mut again = Vec::new();
        assert_eq!(osc::ticks(&emitted, OSC_TICK_ADDRESS, |tick, time| again.push((tick, time))), Ok(0));
        assert_eq!(again, [(*tick, *time)]);
    }
    let (Ok(others), Ok(theirs), Ok(packet)) = (others, osc::decode_any(bytes), osc::Packet::new_checked(bytes)) else {
        return;
    };
    let (mut messages, mut ours) = (Vec::new(), Vec::new());
    flatten_rosc(&theirs, &mut messages);
    packet.element().into_iter().for_each(|element| flatten(&element, &mut ours));
    assert_eq!(messages.len(), found.len() + others);
    let pairs = ours.iter().zip(messages).filter(|(_, message)| message.addr == OSC_TICK_ADDRESS);
    for ((tick, _), (ours, theirs)) in found.iter().zip(pairs) {
        // rosc takes anything for the comma before the tags, and folds arrays up.
        if ours.type_tags().len() == theirs.args.len() {
            assert_eq!(tick.frame, theirs.args.iter().find_map(integer), "{theirs:?}");
            let text = theirs.args.iter().find_map(|argument| argument.clone().string());
            assert_eq!(tick.label, text.and_then(|text| text.trim().parse().ok()), "{theirs:?}");
        }
    }
}

fn integer(argument: &rosc::OscType) -> Option<i64> {
    match argument {
        rosc::OscType::Int(number) => Some((*number).into()),
        rosc::OscType::Long(number) => Some(*number),
        _ => None,
    }
}
