//! Sound as a generator makes it: every rate, every usual converter, every label of interest.

use super::sound::{AMPLITUDE, all_but, begin_of, decode, labels, position_error, rate, sound};
use crate::{bytes, list, vectors};
use cyc_core::{Rate, Timecode};
use cyc_wire::{
    WireError,
    ltc::{Decoder, Direction, Encoder, Layout, LtcRepr, LtcWord, Modulator, to_i16},
};
use proptest::prelude::*;

const SAMPLE_RATES: [u32; 6] = [22_050, 32_000, 44_100, 48_000, 96_000, 192_000];
/// Each rate, and labels before a midnight, a dropped minute and a tenth minute.
const STARTS: [(&str, &str); 8] = [
    ("24000/1001", "23:59:59:00"),
    ("24", "23:59:59:00"),
    ("25", "23:59:59:00"),
    ("30000/1001", "23:59:59:00"),
    ("30000/1001", "23:59:59;00"),
    ("30000/1001", "01:08:59;00"),
    ("30000/1001", "01:09:59;00"),
    ("30", "09:59:59:00"),
];

#[test]
fn round_trip_at_every_rate() {
    for (at, start) in STARTS.map(|(text, start)| (rate(text), start)) {
        let labels = labels(start, at, 50);
        for sample_rate_hz in SAMPLE_RATES {
            let words = decode(&sound(&labels, at, sample_rate_hz), sample_rate_hz, at);
            // The first word has nothing to continue, and where the last one ends nobody hears.
            assert!(all_but(&words, &labels, 2), "{start} at {at}, {sample_rate_hz} Hz: {} words", words.len());
            assert!(words.iter().all(|word| !word.jumped));
            assert_eq!(words.last().unwrap().nominal, Some(at.num().div_ceil(at.den())));
            let [begin, end, rms] = position_error(&words, &labels, at, sample_rate_hz);
            assert!(begin.max(end) < 0.06 && rms < 0.05, "{start} at {at}, {sample_rate_hz} Hz: {begin} {end} {rms}");
        }
    }
}

#[test]
fn every_minute_and_second_of_a_day() {
    let at = rate("30");
    let minutes = (0..1440).map(|i| Timecode { hours: (i / 60) as u8, minutes: (i % 60) as u8, ..Timecode::default() });
    let starts: Vec<_> = minutes.map(|minute| Timecode { seconds: minute.minutes, ..minute }).collect();
    // Pairs of frames: each second one continues the first, whatever came before.
    let pairs: Vec<_> = starts.iter().flat_map(|label| [*label, Timecode { frames: 1, ..*label }]).collect();
    let words = decode(&sound(&pairs, at, 8_000), 8_000, at);
    let heard: Vec<_> = words.iter().map(|word| word.label).collect();
    let expected: Vec<_> = pairs.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(heard, expected[..heard.len()]);
    assert!(heard.len() + 1 >= expected.len());
}

#[test]
fn sound_of_another_encoder() {
    for vector in list(&vectors("ltc_sound_vectors.json")["sounds"]) {
        let name = &vector["name"];
        let samples: Vec<f32> =
            bytes(&vector["samples_u8"]).into_iter().map(|byte| (f32::from(byte) - 128.0) / 128.0).collect();
        let sample_rate_hz = vector["sample_rate_hz"].as_u64().unwrap() as u32;
        let at = rate(vector["rate"].as_str().unwrap());
        let labels: Vec<Timecode> =
            list(&vector["labels"]).iter().map(|label| label.as_str().unwrap().parse().unwrap()).collect();
        let words = decode(&samples, sample_rate_hz, at);
        assert!(all_but(&words, &labels, 3) && words.len() >= 3, "{name}: {} words", words.len());
        for word in &words {
            let repr = word.repr().unwrap();
            assert_eq!(format!("{:08x}", repr.user_bits), vector["user_bits"].as_str().unwrap(), "{name}");
        }
        // It changes level at whole samples, so that its edges lie half a sample before them.
        let [begin, end, _] = position_error(&words, &labels, at, sample_rate_hz);
        assert!(begin.max(end) < 1.0, "{name}: {begin} {end}");
        let last = LtcRepr { label: *labels.last().unwrap(), user_bits: 0x8765_4321, ..LtcRepr::default() };
        assert_eq!(last.emit(Layout::Fps24Or30).unwrap().to_vec(), bytes(&vector["last_word"]), "{name}");
        let reversed: Vec<f32> = samples.into_iter().rev().collect();
        let words = decode(&reversed, sample_rate_hz, at);
        assert!(words.len() >= 2 && words.iter().all(|word| word.direction == Direction::Backward), "{name}");
        assert!(words.windows(2).all(|pair| pair[1].label < pair[0].label || pair[0].label.hours == 0), "{name}");
    }
}

#[test]
fn no_drift_over_a_day() {
    for (text, sample_rate_hz, frames) in [("24000/1001", 44_100, 2_073_600), ("30000/1001", 48_000, 2_589_408)] {
        let at = rate(text);
        let encoder = Encoder::new(at, sample_rate_hz, AMPLITUDE).unwrap();
        let (whole, part) = encoder.begin_of(frames);
        let exact = u128::from(frames) * u128::from(at.den()) * u128::from(sample_rate_hz);
        assert_eq!(u128::from(whole) * u128::from(at.num()) + u128::from(part), exact);
    }
    // 01:00:00;00 drop-frame at 48 kHz, as the vectors have it.
    let place = &vectors("timecode_vectors.json")["sample_positions"][0];
    let encoder = Encoder::new(rate("30000/1001"), 48_000, AMPLITUDE).unwrap();
    let (whole, part) = encoder.begin_of(place["frames"].as_u64().unwrap());
    assert_eq!(whole as f64 + part as f64 / 30_000.0, place["decimal"].as_f64().unwrap());
    // What was appended ends where the next frame begins.
    let at = rate("24000/1001");
    let samples = sound(&labels("00:00:00:00", at, 2_000), at, 8_000);
    assert_eq!(samples.len() as f64, begin_of(2_000.0, at, 8_000).ceil());
}

#[test]
fn refused_settings() {
    let refused = |text: &str, sample_rate_hz| Encoder::new(rate(text), sample_rate_hz, AMPLITUDE).map(|_| ());
    assert_eq!(refused("60", 48_000), Err(WireError::Unsupported("LTC above 30 frames per second")));
    assert_eq!(refused("24", 4_000), Err(WireError::Unsupported("LTC in sound below 8 kHz")));
    let mut encoder = Encoder::new(rate("24"), 48_000, AMPLITUDE).unwrap();
    let mut samples = Vec::new();
    let beyond = LtcRepr { label: Timecode { hours: 24, ..Timecode::default() }, ..LtcRepr::default() };
    assert_eq!(encoder.push(&beyond, &mut samples), Err(WireError::BadValue("timecode")));
    assert_eq!((samples.len(), encoder.frames()), (0, 0));
}

#[test]
fn edges_rise_as_the_standard_asks() {
    let at = rate("25");
    let samples = sound(&labels("00:00:00:00", at, 2), at, 1_000_000);
    let (low, high) = (-0.8 * AMPLITUDE, 0.8 * AMPLITUDE);
    let from = samples.iter().skip(250).position(|sample| *sample < low).unwrap();
    let rise = samples.iter().skip(250 + from);
    let [begin, end] = [low, high].map(|level| rise.clone().position(|sample| *sample > level).unwrap());
    assert!((30..=50).contains(&(end - begin)), "{} us", end - begin);
    assert!(samples.iter().all(|sample| sample.abs() <= AMPLITUDE));
    assert_eq!([to_i16(1.0), to_i16(-2.0), to_i16(f32::NAN), to_i16(0.5)], [32_767, -32_768, 0, 16_384]);
}

#[test]
fn frames_of_any_length_follow_each_other() {
    // A sender that is steered: each frame as long as the stage clock says.
    let at = rate("24");
    let labels = labels("01:00:00:00", at, 60);
    let mut modulator = Modulator::new(48_000, AMPLITUDE);
    let (mut samples, mut begins) = (Vec::new(), Vec::new());
    for (i, label) in labels.iter().enumerate() {
        begins.push(samples.len() as f64 + modulator.begin());
        let word = LtcRepr { label: *label, ..LtcRepr::default() }.emit(Layout::Fps24Or30).unwrap();
        modulator.word(&word, Direction::Forward, 2_000.0 + (i as f64 * 0.7).sin(), &mut samples);
    }
    let words = decode(&samples, 48_000, at);
    assert!(all_but(&words, &labels, 2));
    for word in words {
        let frame = labels.iter().position(|label| *label == word.label).unwrap();
        assert!((word.begin_sample - begins[frame]).abs() < 0.05);
    }
}

fn repeated(labels: &[&str], times: usize) -> Vec<LtcWord> {
    let at = rate("25");
    let labels: Vec<Timecode> =
        labels.iter().flat_map(|label| std::iter::repeat_n(label.parse().unwrap(), times)).collect();
    decode(&sound(&labels, at, 48_000), 48_000, at)
}

#[test]
fn a_label_is_believed_when_it_goes_on() {
    let words =
        repeated(&["10:00:00:00", "10:00:00:01", "11:00:00:00", "10:00:00:03", "10:00:00:04", "00:00:00:00"], 1);
    let heard: Vec<_> = words.iter().map(|word| (word.label.to_string(), word.jumped)).collect();
    // One wrong word between is passed over, and what goes on after it is no jump.
    let label = |text: &str| (text.to_string(), false);
    assert_eq!(heard, [label("10:00:00:01"), label("10:00:00:03"), label("10:00:00:04")]);
    let words =
        repeated(&["10:00:00:00", "10:00:00:01", "11:00:00:00", "11:00:00:01", "11:00:00:02", "00:00:00:00"], 1);
    let jumped: Vec<_> = words.iter().map(|word| word.jumped).collect();
    assert_eq!(jumped, [false, true, false]);
    // Labels that never fit each other are never believed.
    assert_eq!(repeated(&["10:00:00:00", "11:00:00:00", "12:00:00:07", "03:00:00:00", "07:00:00:00"], 1), []);
}

#[test]
fn a_generator_that_waits_is_believed() {
    let words = repeated(&["10:00:00:00"], 6);
    assert_eq!(words.len(), 4);
    assert!(words.iter().all(|word| !word.jumped));
}

#[test]
fn polarity_is_no_reason_to_refuse() {
    let at = rate("25");
    let mut modulator = Modulator::new(48_000, AMPLITUDE);
    let (mut samples, labels) = (Vec::new(), labels("00:05:27:17", at, 30));
    for label in &labels {
        let mut word = LtcRepr { label: *label, ..LtcRepr::default() }.emit(Layout::Fps25).unwrap();
        word[7] &= !0x08;
        modulator.word(&word, Direction::Forward, 1_920.0, &mut samples);
    }
    assert!(all_but(&decode(&samples, 48_000, at), &labels, 2));
}

#[test]
fn sound_may_begin_in_the_middle_of_a_word() {
    let at = rate("25");
    let labels = labels("10:20:58:10", at, 12);
    let samples = sound(&labels, at, 48_000);
    for cut in [1, 700, 1_333, 1_919] {
        let words = decode(&samples[cut..], 48_000, at);
        assert!(all_but(&words, &labels, 3), "{cut}: {} words", words.len());
        let first = words.first().unwrap();
        let frame = labels.iter().position(|label| *label == first.label).unwrap();
        assert!((first.begin_sample + cut as f64 - frame as f64 * 1_920.0).abs() < 0.05, "{cut}");
    }
}

#[test]
fn lost_samples_are_counted() {
    let at = rate("25");
    let labels = labels("10:20:58:10", at, 40);
    let samples = sound(&labels, at, 48_000);
    let mut decoder = Decoder::new(48_000, at);
    let mut words = Vec::new();
    decoder.push(&samples[..20_000], |word| words.push(word));
    decoder.skip(10_000);
    decoder.push(&samples[30_000..], |word| words.push(word));
    assert!(position_error(&words, &labels, at, 48_000)[0] < 0.01);
    // Across the gap the labels go on: none is a jump, and the first whole word is believed at once.
    assert!(words.iter().all(|word| !word.jumped) && words.len() >= 29, "{}", words.len());
    let signal = decoder.signal();
    assert!((signal.peak_to_peak - 2.0 * AMPLITUDE).abs() < 0.01 && signal.refused == 0 && signal.doubted == 1);
    assert!((signal.bit_samples.unwrap() - 24.0).abs() < 0.01);
}

fn any_rate() -> impl Strategy<Value = Rate> {
    prop::sample::select(vec!["24000/1001", "24", "25", "30000/1001", "30"]).prop_map(rate)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_label_at_any_level(
        at in any_rate(),
        sample_rate_hz in prop::sample::select(SAMPLE_RATES.to_vec()),
        start in 0u64..2_000_000,
        user_bits: u32,
        (gain, offset) in (0.003f32..1.9, -1.0f32..1.0),
        (inverted, cut) in (any::<bool>(), 0usize..900),
    ) {
        let labels: Vec<_> = (start..start + 6).map(|frame| Timecode::of_frame(frame, at, false)).collect();
        let mut encoder = Encoder::new(at, sample_rate_hz, AMPLITUDE).unwrap();
        let mut samples = Vec::new();
        for label in &labels {
            encoder.push(&LtcRepr { label: *label, user_bits, ..LtcRepr::default() }, &mut samples).unwrap();
        }
        let gain = if inverted { -gain } else { gain };
        let samples: Vec<f32> = samples[cut..].iter().map(|sample| sample * gain + offset).collect();
        let words = decode(&samples, sample_rate_hz, at);
        prop_assert!(all_but(&words, &labels, 4), "{} words", words.len());
        for word in words {
            prop_assert_eq!(word.repr().unwrap().user_bits, user_bits);
            let frame = labels.iter().position(|label| *label == word.label).unwrap() as f64;
            let error = word.begin_sample + cut as f64 - begin_of(frame, at, sample_rate_hz);
            prop_assert!(error.abs() < 0.1, "{}", error);
        }
    }
}
