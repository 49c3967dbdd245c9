//! Words and their bits, against the vectors.

use crate::{bytes, list, vectors};
use cyc_core::Timecode;
use cyc_wire::{
    WireError,
    ltc::{Direction, Layout, LtcRepr, Modulator, SYNC, WORD_BITS, WORD_LEN, Word},
};
use proptest::prelude::*;
use serde_json::Value;

fn layout(vector: &Value) -> Layout {
    if vector["parity_bit"] == 59 { Layout::Fps25 } else { Layout::Fps24Or30 }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn vectors_read_and_write_back() {
    let file = vectors("ltc_vectors.json");
    for vector in list(&file["frames"]) {
        let name = text(&vector["name"]);
        let wire: [u8; WORD_LEN] = bytes(&vector["bytes_lsb_first"]).try_into().unwrap();
        let word = Word::new_checked(&wire).unwrap();
        let label: Timecode = name[..11].replace(" ", ":").parse().unwrap_or_else(|_| word.label());
        assert_eq!((word.label().hours, word.label().minutes), (label.hours, label.minutes), "{name}");
        assert_eq!((word.label().seconds, word.label().frames), (label.seconds, label.frames), "{name}");
        assert_eq!(word.label().drop_frame, name.contains("DF"), "{name}");
        assert_eq!(word.color_frame(), name.contains("colour frame"), "{name}");
        assert_eq!(word.user_bits(), if name.contains("user bits") { 0x1234_5678 } else { 0 }, "{name}");
        let repr = LtcRepr::parse(&word, layout(vector));
        assert_eq!(repr.group_flags, u8::from(name.contains("BGF0=1")), "{name}");
        assert!(word.even_polarity(), "{name}");
        assert_eq!(repr.emit(layout(vector)), Ok(wire), "{name}");
        let bits: String = (0..WORD_BITS).map(|at| if word.bit(at) { '1' } else { '0' }).collect();
        assert_eq!(bits, text(&vector["bits"]), "{name}");
    }
    assert_eq!(list(&file["frames"]).len(), 8);
}

#[test]
fn biphase_levels_are_the_vectors() {
    for vector in list(&vectors("ltc_vectors.json")["frames"]) {
        let wire: [u8; WORD_LEN] = bytes(&vector["bytes_lsb_first"]).try_into().unwrap();
        let levels = half_bits(&wire, Direction::Forward);
        assert_eq!(levels, text(&vector["half_bit_levels"]), "{}", vector["name"]);
        // A tape played backwards.
        let reversed: String = levels.chars().rev().collect();
        let backward = half_bits(&wire, Direction::Backward);
        let turned: String = reversed.chars().map(|level| if level == '0' { '1' } else { '0' }).collect();
        assert!(backward == reversed || backward == turned);
    }
}

/// Levels in the middle of each half bit.
fn half_bits(wire: &[u8; WORD_LEN], direction: Direction) -> String {
    let mut samples = Vec::new();
    Modulator::new(1000, 1.0).word(wire, direction, 160.0 * 9.0, &mut samples);
    samples.iter().skip(4).step_by(9).map(|level| if *level > 0.0 { '1' } else { '0' }).collect()
}

#[test]
fn synchronising_pattern_is_the_vector() {
    let file = vectors("ltc_vectors.json");
    let bits = |pattern: u16| (0..16).map(|i| if pattern >> i & 1 == 1 { '1' } else { '0' }).collect::<String>();
    assert_eq!(bits(SYNC), text(&file["sync_word_bits_64_79"]));
    assert!(text(&file["reverse_sync"]).starts_with(&bits(SYNC.reverse_bits())));
}

#[test]
fn first_word_of_a_real_recording() {
    // Its polarity bit was never set.
    let file = vectors("ltc_vectors.json");
    let bits = text(&file["real_recording"]["bits_first_full_frame"]);
    let mut wire = [0; WORD_LEN];
    for (at, bit) in bits.bytes().enumerate() {
        wire[at / 8] |= (bit - b'0') << (at % 8);
    }
    let word = Word::new_checked(&wire).unwrap();
    assert_eq!(word.label().to_string(), "00:05:27:17");
    assert!(!word.even_polarity());
}

#[test]
fn refused_words() {
    let good = LtcRepr { label: "12:34:56:12".parse().unwrap(), ..LtcRepr::default() }.emit(Layout::Fps25).unwrap();
    assert_eq!(Word::new_checked(&good[..9]), Err(WireError::Truncated));
    assert_eq!(Word::new_checked(&[&good[..], &[0]].concat()), Err(WireError::BadLength));
    let changed = |at: usize, value: u8| {
        let mut wire = good;
        wire[at] = value;
        Word::new_checked(&wire).map(|word| word.label()).map_err(|error| error.to_string())
    };
    assert_eq!(changed(9, 0x3F), Err(WireError::BadMagic.to_string()));
    assert_eq!(changed(0, 0x0A), Err(WireError::BadValue("digit").to_string()));
    for (at, value) in [(1, 0x03), (3, 0x06), (5, 0x07), (7, 0x03)] {
        assert_eq!(changed(at, value), Err(WireError::BadValue("timecode").to_string()), "byte {at}");
    }
    let beyond = LtcRepr { label: Timecode { frames: 30, ..Timecode::default() }, ..LtcRepr::default() };
    assert_eq!(beyond.emit(Layout::Fps24Or30), Err(WireError::BadValue("timecode")));
}

#[test]
fn one_line() {
    let label = "01:02:03;04".parse().unwrap();
    let repr = LtcRepr { label, color_frame: true, group_flags: 5, user_bits: 0xAB };
    assert_eq!(repr.to_string(), "LTC 01:02:03;04 user=000000ab flags=101 colour-framed");
}

proptest! {
    #[test]
    fn words_round_trip(
        (hours, minutes, seconds, frames) in (0u8..24, 0u8..60, 0u8..60, 0u16..30),
        (drop_frame, color_frame, group_flags, user_bits) in (any::<bool>(), any::<bool>(), 0u8..8, any::<u32>()),
        ebu: bool,
    ) {
        let layout = Layout::of_nominal(if ebu { 25 } else { 30 });
        let label = Timecode { hours, minutes, seconds, frames, drop_frame };
        let repr = LtcRepr { label, color_frame, group_flags, user_bits };
        let wire = repr.emit(layout).unwrap();
        let word = Word::new_checked(&wire).unwrap();
        prop_assert_eq!(LtcRepr::parse(&word, layout), repr);
        prop_assert!(word.even_polarity());
    }
}
