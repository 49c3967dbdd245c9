//! Transports that are not at their speed: slow, fast, backwards, and on their way from one to another.

use super::sound::{add_noise, labels, play, rate, sound};
use cyc_core::{Rate, Timecode};
use cyc_wire::ltc::{Decoder, Direction, LtcWord};

/// The tape is this much finer than the sound it is heard as.
const FINER: u32 = 8;

struct Tape {
    at: Rate,
    sample_rate_hz: u32,
    labels: Vec<Timecode>,
    sound: Vec<f32>,
}

impl Tape {
    fn new(text: &str, sample_rate_hz: u32) -> Self {
        let at = rate(text);
        let labels = labels("10:20:58:10", at, 150);
        let sound = sound(&labels, at, sample_rate_hz * FINER);
        Self { at, sample_rate_hz, labels, sound }
    }

    /// Length, seconds at its own speed.
    fn secs(&self) -> f64 {
        self.sound.len() as f64 / f64::from(self.sample_rate_hz * FINER)
    }

    /// What is heard for `secs` where the head is at second `head` of the tape; with its noise, decibels below.
    fn heard(&self, secs: f64, noise_db: f64, head: impl Fn(f64) -> f64) -> Heard {
        let fine = f64::from(self.sample_rate_hz * FINER);
        let place = |sample: f64| head(sample / f64::from(self.sample_rate_hz)) * fine;
        let mut samples = play(&self.sound, (secs * f64::from(self.sample_rate_hz)) as usize, place);
        add_noise(&mut samples, noise_db, 11);
        let (mut decoder, mut words) = (Decoder::new(self.sample_rate_hz, self.at), Vec::new());
        decoder.push(&samples, |word| words.push(word));
        let worst_frames = words.iter().map(|word| self.error_frames(word, &head)).fold(0.0, f64::max);
        Heard { words, worst_frames }
    }

    /// How far the head was from the edge of the word's frame when the word began, parts of a frame.
    fn error_frames(&self, word: &LtcWord, head: impl Fn(f64) -> f64) -> f64 {
        let frame = self.labels.iter().position(|label| *label == word.label).unwrap();
        let edge = if word.direction == Direction::Forward { frame } else { frame + 1 };
        let frames = head(word.begin_sample / f64::from(self.sample_rate_hz)) * f64::from(self.at.num())
            / f64::from(self.at.den());
        (frames - edge as f64).abs()
    }
}

struct Heard {
    words: Vec<LtcWord>,
    worst_frames: f64,
}

#[test]
fn from_a_tenth_to_five_times_both_ways() {
    for (text, sample_rate_hz) in [("24", 48_000), ("30", 48_000), ("30000/1001", 96_000)] {
        let tape = Tape::new(text, sample_rate_hz);
        for speed in [0.1, 0.25, 0.5, 0.9, 1.0, 1.3, 2.0, 3.0, 5.0] {
            for direction in [Direction::Forward, Direction::Backward] {
                let secs = (tape.secs() / speed).min(if speed < 0.2 { 3.0 } else { 1.5 });
                let head = |t: f64| match direction {
                    Direction::Forward => t * speed,
                    Direction::Backward => tape.secs() - t * speed,
                };
                let heard = tape.heard(secs, 35.0, head);
                let frames = secs * speed * f64::from(tape.at.num()) / f64::from(tape.at.den());
                let name = format!("{text} at {speed} {direction:?}: {} of {frames}", heard.words.len());
                assert!(heard.words.len() as f64 >= frames - 5.0, "{name}");
                assert!(heard.words.iter().all(|word| word.direction == direction && !word.jumped), "{name}");
                assert!(heard.worst_frames < 4e-4, "{name}: {}", heard.worst_frames);
                let frame = secs * f64::from(sample_rate_hz) / frames;
                assert!(heard.words.iter().all(|word| (word.frame_samples() / frame - 1.0).abs() < 1e-3), "{name}");
            }
        }
    }
}

#[test]
fn slow_converters_follow_as_far_as_they_hear() {
    // A bit needs three samples: 22.05 kHz hears 24 frames at up to 3.8 times their speed.
    let tape = Tape::new("24", 22_050);
    for speed in [0.1, 1.0, 3.5] {
        let secs = (tape.secs() / speed).min(3.0);
        let heard = tape.heard(secs, 35.0, |t| t * speed);
        assert!(heard.words.len() as f64 >= secs * speed * 24.0 - 8.0, "{speed}: {}", heard.words.len());
        assert!(heard.worst_frames < 4e-4, "{speed}: {}", heard.worst_frames);
    }
}

#[test]
fn a_shuttle_turns_round() {
    let tape = Tape::new("25", 48_000);
    // Two seconds out and back, slowing down to nothing between.
    let heard = tape.heard(3.6, 40.0, |t| 1.0 + 3.0 * (t / 3.6 * std::f64::consts::PI).sin());
    let turn = heard.words.iter().position(|word| word.direction == Direction::Backward).unwrap();
    let (out, back) = heard.words.split_at(turn);
    assert!(out.iter().all(|word| word.direction == Direction::Forward) && out.len() >= 70, "{}", out.len());
    assert!(back.iter().all(|word| word.direction == Direction::Backward) && back.len() >= 70, "{}", back.len());
    assert!(out.windows(2).all(|pair| pair[0].label < pair[1].label));
    assert!(back.windows(2).all(|pair| pair[0].label > pair[1].label));
    assert!(heard.words.iter().all(|word| !word.jumped));
    // Near the turn a frame lasts long and its speed changes much while it lasts.
    assert!(heard.worst_frames < 0.01, "{}", heard.worst_frames);
}

#[test]
fn a_transport_starts_up() {
    let tape = Tape::new("25", 48_000);
    let heard = tape.heard(2.2, 40.0, |t| 0.1 * t + 0.6 * t * t);
    assert!(heard.words.len() >= 73 && heard.words.iter().all(|word| !word.jumped), "{}", heard.words.len());
    assert!(heard.worst_frames < 0.002, "{}", heard.worst_frames);
    let frames: Vec<_> = heard.words.iter().map(LtcWord::frame_samples).collect();
    assert!(frames[0] > 3_500.0 && *frames.last().unwrap() < 750.0, "{frames:?}");
}

#[test]
fn wow_and_flutter() {
    let tape = Tape::new("30", 48_000);
    let heard =
        tape.heard(4.0, 40.0, |t| t + 0.02 * (std::f64::consts::TAU * 6.0 * t).sin() / (std::f64::consts::TAU * 6.0));
    assert!(heard.words.len() >= 117 && heard.worst_frames < 5e-4, "{} {}", heard.words.len(), heard.worst_frames);
}

#[test]
fn a_jump_of_speed_costs_a_few_frames() {
    let tape = Tape::new("25", 48_000);
    for fast in [1.5, 2.0, 4.0] {
        let head = |t: f64| if t < 1.0 { t } else { 1.0 + (t - 1.0) * fast };
        let heard = tape.heard(1.0 + 4.5 / fast, 40.0, head);
        assert!(heard.words.len() >= 25 + 112 - 8, "{fast}: {}", heard.words.len());
    }
}
