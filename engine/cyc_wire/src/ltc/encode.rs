//! From words to sound.

use super::{Direction, Layout, LtcRepr, WORD_BITS, WORD_LEN};
use crate::WireError;
use cyc_core::Rate;
use std::f64::consts::PI;

/// Half bits in a word.
const HALF_BITS: usize = 2 * WORD_BITS;
/// How long a transition takes from 10 % to 90 %, seconds: 40 us +- 10 us by ST 12-1.
const RISE_SECS: f64 = 40e-6;
/// What part of a whole raised-cosine transition lies between 10 % and 90 %: 1 - 2 acos(0.8) / pi.
const RISE_PART: f64 = 0.590_334_470_601_733;

/// Makes sound of words at any length of frame; for a sender that follows a clock which is not the sound card's.
///
/// Words follow each other without a gap: where one ends, between two samples, the next begins.
#[derive(Debug, Clone)]
pub struct Modulator {
    amplitude: f64,
    rise_samples: f64,
    /// Whether the line is high before the next word's first transition.
    high: bool,
    /// Where the next word begins, samples from the next sample on: above -1 up to 0.
    begin: f64,
}

impl Modulator {
    /// For sound of `sample_rate_hz`, of `amplitude` to each side of 0 (1 is full scale; -18 dBFS is 0.126).
    pub fn new(sample_rate_hz: u32, amplitude: f32) -> Self {
        let rise_samples = RISE_SECS / RISE_PART * f64::from(sample_rate_hz);
        Self { amplitude: amplitude.into(), rise_samples, high: false, begin: 0.0 }
    }

    /// Where the next word will begin, in samples from the next sample on: above -1 up to 0.
    pub fn begin(&self) -> f64 {
        self.begin
    }

    /// Appends one word that lasts `frame_samples`: as many samples as begin in it. Lengths that are not finite, or
    /// not between one and a million samples, are brought there.
    pub fn word(&mut self, word: &[u8; WORD_LEN], direction: Direction, frame_samples: f64, out: &mut Vec<f32>) {
        let frame_samples = if frame_samples.is_nan() { 1.0 } else { frame_samples.clamp(1.0, 1e6) };
        let end = self.begin + frame_samples;
        self.render(word, direction, (self.begin, end), end.ceil(), out);
        self.begin = end - end.ceil();
    }

    /// Samples 0 up to `count` of a word from `begin` to `end`.
    fn render(
        &mut self,
        word: &[u8; WORD_LEN],
        direction: Direction,
        (begin, end): (f64, f64),
        count: f64,
        out: &mut Vec<f32>,
    ) {
        let levels = half_bits(word, direction, self.high);
        let half_bit = (end - begin) / HALF_BITS as f64;
        let rise = self.rise_samples.min(half_bit);
        for sample in 0..count as u32 {
            let at = (f64::from(sample) - begin) / half_bit;
            // Only the nearest boundary can be within half a transition.
            let boundary = at.round().clamp(0.0, HALF_BITS as f64);
            let (before, after) = (levels[boundary as usize], levels[boundary as usize + 1]);
            let progress = ((at - boundary) * half_bit / rise + 0.5).clamp(0.0, 1.0);
            let level = if before == after { sign(after) } else { -sign(after) * (PI * progress).cos() };
            out.push((self.amplitude * level) as f32);
        }
        self.high = levels[HALF_BITS];
    }
}

/// The level before the word, of each half bit, and after the word: biphase mark changes at every bit's beginning,
/// and in the middle of a one.
fn half_bits(word: &[u8; WORD_LEN], direction: Direction, before: bool) -> [bool; HALF_BITS + 2] {
    let mut levels = [before; HALF_BITS + 2];
    let mut high = before;
    for i in 0..WORD_BITS {
        let at = if direction == Direction::Forward { i } else { WORD_BITS - 1 - i };
        levels[2 * i + 1] = !high;
        high ^= word[at / 8] >> (at % 8) & 1 == 0;
        levels[2 * i + 2] = high;
    }
    levels[HALF_BITS + 1] = !high;
    levels
}

fn sign(high: bool) -> f64 {
    if high { 1.0 } else { -1.0 }
}

/// Makes sound of labels at an exact rate: the n-th frame begins at `n * sample_rate * den / num` samples, for any n.
#[derive(Debug, Clone)]
pub struct Encoder {
    modulator: Modulator,
    rate: Rate,
    sample_rate_hz: u32,
    layout: Layout,
    frames: u64,
}

impl Encoder {
    /// Frames of `rate`, up to 30 a second, as sound of `sample_rate_hz`; see [`Modulator::new`] for `amplitude`.
    /// Errors: `Unsupported`, for a faster rate (its senders label every second or fourth frame) or sound that
    /// cannot carry the bits (below 8 kHz).
    pub fn new(rate: Rate, sample_rate_hz: u32, amplitude: f32) -> Result<Self, WireError> {
        let nominal = rate.num().div_ceil(rate.den());
        if nominal > 30 {
            return Err(WireError::Unsupported("LTC above 30 frames per second"));
        }
        if sample_rate_hz < 8000 {
            return Err(WireError::Unsupported("LTC in sound below 8 kHz"));
        }
        let modulator = Modulator::new(sample_rate_hz, amplitude);
        Ok(Self { modulator, rate, sample_rate_hz, layout: Layout::of_nominal(nominal), frames: 0 })
    }

    /// Where frame `frame` begins, samples after frame 0: the whole ones, and a remainder in parts of
    /// [`Rate::num`].
    pub fn begin_of(&self, frame: u64) -> (u64, u64) {
        let exact = u128::from(frame) * u128::from(self.sample_rate_hz) * u128::from(self.rate.den());
        let num = u128::from(self.rate.num());
        // Both fit for a hundred million years of frames; beyond, they stop.
        (u64::try_from(exact / num).unwrap_or(u64::MAX), (exact % num) as u64)
    }

    /// Frames that were appended so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Appends the next frame: the samples from its beginning up to the beginning of the one after it.
    /// Errors: `BadValue`, for a label beyond 23:59:59:29; nothing is appended.
    pub fn push(&mut self, repr: &LtcRepr, out: &mut Vec<f32>) -> Result<(), WireError> {
        let word = repr.emit(self.layout)?;
        let part = |remainder: u64| remainder as f64 / f64::from(self.rate.num());
        let ((first, first_part), (next, next_part)) = (self.begin_of(self.frames), self.begin_of(self.frames + 1));
        // The first sample of a frame is the first that is not before its beginning.
        let samples = |(whole, remainder): (u64, u64)| whole + u64::from(remainder > 0);
        let skipped = samples((first, first_part)) - first;
        let begin = part(first_part) - skipped as f64;
        let end = (next - first - skipped) as f64 + part(next_part);
        let count = samples((next, next_part)) - samples((first, first_part));
        self.modulator.render(&word, Direction::Forward, (begin, end), count as f64, out);
        self.frames += 1;
        Ok(())
    }
}

/// A sample as a 16-bit one; what is beyond full scale is clipped, and no number is 0.
pub fn to_i16(sample: f32) -> i16 {
    // A float-to-integer cast saturates, and takes NaN to 0.
    (sample * 32_767.0).round() as i16
}
