//! Sound for tests: labels at a rate, and what cables, tapes and rooms do to them.

use cyc_core::{Rate, Timecode};
use cyc_wire::ltc::{Decoder, Direction, Encoder, LtcRepr, LtcWord};

/// Amplitude of a signal at -6 dBFS.
pub(super) const AMPLITUDE: f32 = 0.5;

pub(super) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// Labels from `start` on.
pub(super) fn labels(start: &str, at: Rate, count: u64) -> Vec<Timecode> {
    let start: Timecode = start.parse().unwrap();
    let first = start.frame(at).unwrap();
    (first..first + count).map(|frame| Timecode::of_frame(frame, at, start.drop_frame)).collect()
}

/// Labels as sound.
pub(super) fn sound(labels: &[Timecode], at: Rate, sample_rate_hz: u32) -> Vec<f32> {
    let mut encoder = Encoder::new(at, sample_rate_hz, AMPLITUDE).unwrap();
    let mut samples = Vec::new();
    for label in labels {
        encoder.push(&LtcRepr { label: *label, ..LtcRepr::default() }, &mut samples).unwrap();
    }
    samples
}

/// Everything that is believed, from sound in pieces of uneven length.
pub(super) fn decode(samples: &[f32], sample_rate_hz: u32, nominal: Rate) -> Vec<LtcWord> {
    let mut decoder = Decoder::new(sample_rate_hz, nominal);
    let mut words = Vec::new();
    for piece in samples.chunks(731) {
        decoder.push(piece, |word| words.push(word));
    }
    words
}

/// Where frame `frame` begins, samples.
pub(super) fn begin_of(frame: f64, at: Rate, sample_rate_hz: u32) -> f64 {
    frame * f64::from(at.den()) * f64::from(sample_rate_hz) / f64::from(at.num())
}

/// How far words lie from where `labels` were put: the worst begin, the worst end, and the RMS of both.
pub(super) fn position_error(words: &[LtcWord], labels: &[Timecode], at: Rate, sample_rate_hz: u32) -> [f64; 3] {
    let (mut worst, mut squares) = ([0.0_f64; 2], 0.0);
    for word in words {
        let frame = labels.iter().position(|label| *label == word.label).unwrap() as f64;
        let ends = [word.begin_sample, word.end_sample];
        for (i, end) in ends.into_iter().enumerate() {
            let error = end - begin_of(frame + i as f64, at, sample_rate_hz);
            worst[i] = worst[i].max(error.abs());
            squares += error * error;
        }
    }
    [worst[0], worst[1], (squares / (2.0 * words.len() as f64)).sqrt()]
}

/// A tape that runs by `place`: which sample of `tape` is heard at each sample of the result, from the first to the
/// last. Each sample is the mean over its own length, as a converter's filter makes it.
pub(super) fn play(tape: &[f32], count: usize, place: impl Fn(f64) -> f64) -> Vec<f32> {
    const PARTS: usize = 8;
    let heard = |at: f64| {
        let (whole, part) = (at.floor(), (at - at.floor()) as f32);
        let sample = |i: f64| if i < 0.0 { 0.0 } else { tape.get(i as usize).copied().unwrap_or(0.0) };
        sample(whole) * (1.0 - part) + sample(whole + 1.0) * part
    };
    let part = |i: usize| (i as f64 + 0.5) / PARTS as f64 - 0.5;
    let mean = |n: usize| (0..PARTS).map(|i| heard(place(n as f64 + part(i)))).sum::<f32>() / PARTS as f32;
    (0..count).map(mean).collect()
}

/// Marsaglia's xorshift64*, and a bell curve from it.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, standard deviation 1.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// White noise of `db` below the signal, RMS against RMS.
pub(super) fn add_noise(samples: &mut [f32], db: f64, seed: u64) {
    let mut noise = Noise(seed);
    let sigma = f64::from(AMPLITUDE) * 10_f64.powf(-db / 20.0);
    samples.iter_mut().for_each(|sample| *sample += (sigma * noise.normal()) as f32);
}

/// A coupling capacitor: a first-order high-pass.
pub(super) fn couple(samples: &mut [f32], sample_rate_hz: u32, corner_hz: f64) {
    let keep = (-std::f64::consts::TAU * corner_hz / f64::from(sample_rate_hz)).exp();
    let (mut before, mut out) = (0.0, 0.0);
    for sample in samples {
        let now = f64::from(*sample);
        out = keep * (out + now - before);
        before = now;
        *sample = out as f32;
    }
}

/// Whether every word is one of `labels` in its place, forwards, and none after the first few is missing.
pub(super) fn all_but(words: &[LtcWord], labels: &[Timecode], missing: usize) -> bool {
    let known = words.iter().all(|word| labels.contains(&word.label) && word.direction == Direction::Forward);
    let rising = words.windows(2).all(|pair| pair[0].begin_sample < pair[1].begin_sample);
    known && rising && words.len() + missing >= labels.len()
}
