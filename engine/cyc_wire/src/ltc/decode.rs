//! From bits to words, and which of them are believed.

use super::{
    Direction, Layout, LtcRepr, SYNC, WORD_BITS, WORD_LEN, Word,
    belief::Belief,
    bytes_of, field,
    fit::{BOUNDARIES, fit},
    period::{BitClock, Step},
    slicer::Slicer,
};
use crate::WireError;
use cyc_core::{Rate, Timecode};
use std::fmt;

/// A word that was found in sound and is believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LtcWord {
    /// The label.
    pub label: Timecode,
    /// The word, bit 0 lowest in the first byte, whichever way it was played.
    pub bytes: [u8; WORD_LEN],
    /// Which way it was played.
    pub direction: Direction,
    /// Where its frame began: the start of the bit that was played first, in samples from the decoder's first.
    pub begin_sample: f64,
    /// Where its frame ended, which is where the next one began.
    pub end_sample: f64,
    /// How far the transitions lie from an even course, RMS, samples: noise, wow and flutter.
    pub jitter_samples: f64,
    /// It does not continue the labels that were believed before: the source jumped. One that turns round does not.
    pub jumped: bool,
    /// Labels in a second, 24, 25 or 30, as soon as a second has been seen to end.
    pub nominal: Option<u32>,
}

impl LtcWord {
    /// Length of the frame, samples.
    pub fn frame_samples(&self) -> f64 {
        self.end_sample - self.begin_sample
    }

    /// The values of the word, flags read by the layout of its nominal rate (that of 24 and 30 while unknown).
    pub fn repr(&self) -> Result<LtcRepr, WireError> {
        let layout = self.nominal.map_or_else(Layout::default, Layout::of_nominal);
        Word::new_checked(&self.bytes).map(|word| LtcRepr::parse(&word, layout))
    }
}

impl fmt::Display for LtcWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.direction == Direction::Forward { "" } else { " backwards" };
        let jump = if self.jumped { " jumped" } else { "" };
        write!(f, "LTC {}{way} at {:.2}..{:.2}{jump}", self.label, self.begin_sample, self.end_sample)
    }
}

/// How the signal is, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Signal {
    /// From its highest to its lowest, 2 at full scale.
    pub peak_to_peak: f32,
    /// How long a bit lasts, samples; `None` while no bits are recognised.
    pub bit_samples: Option<f64>,
    /// Words that were whole and named a time of day.
    pub words: u64,
    /// Words that ended in the synchronising pattern and named none.
    pub refused: u64,
    /// Words that were whole, but neither continued what was believed nor the word before them.
    pub doubted: u64,
}

/// Finds words in sound: at any speed from a tenth to five times the nominal one, forwards and backwards, and from
/// any beginning.
///
/// Places are right to 0.02 samples at 48 kHz in clean sound, to 0.06 with white noise 30 dB below it and to 0.16 at
/// 20 dB; coupling capacitors move all of them alike, by 0.02 samples for 20 Hz and 0.25 for 300 Hz. A bit needs three
/// samples, which bounds the speed that a slow converter hears.
///
/// A word is believed if it continues the labels before it, across a gap too, or, after a jump, if it is the second
/// of two in a row. Polarity is never a reason to refuse one: much equipment leaves its bit at 0.
#[derive(Debug, Clone)]
pub struct Decoder {
    slicer: Slicer,
    clock: BitClock,
    belief: Belief,
    /// The newest 80 bits, the newest in bit 79.
    bits: u128,
    /// How many of them follow each other without a break.
    joined: usize,
    /// Where the newest bits began and ended.
    boundaries: [f64; BOUNDARIES],
    /// Where the next boundary goes.
    next: usize,
    words: u64,
    refused: u64,
}

impl Decoder {
    /// For sound of `sample_rate_hz`. `rate` is where the search for the speed begins; a stage above 30 frames a
    /// second has its labels at a half or a quarter of its rate.
    pub fn new(sample_rate_hz: u32, rate: Rate) -> Self {
        let mut frames_per_sec = f64::from(rate.num()) / f64::from(rate.den());
        while frames_per_sec > 30.0 {
            frames_per_sec /= 2.0;
        }
        let period = f64::from(sample_rate_hz) / (frames_per_sec * WORD_BITS as f64);
        Self {
            slicer: Slicer::new(),
            clock: BitClock::new(period.max(1.0)),
            belief: Belief::default(),
            bits: 0,
            joined: 0,
            boundaries: [0.0; BOUNDARIES],
            next: 0,
            words: 0,
            refused: 0,
        }
    }

    /// Takes the next samples of one channel, full scale 1, and hands over every word that is believed. A word comes
    /// out 16 samples and a quarter of a bit after its end.
    pub fn push(&mut self, samples: &[f32], mut found: impl FnMut(LtcWord)) {
        for sample in samples {
            let Some(at) = self.slicer.push(*sample, self.clock.period()) else { continue };
            match self.clock.transition(at) {
                Step::Middle => {}
                Step::Broken => self.joined = 0,
                Step::Bit { one, begin, end, joined } => {
                    self.take_bit(one, begin, end, joined);
                    self.take_word().into_iter().for_each(&mut found);
                }
            }
        }
    }

    /// Goes on after `samples` that were lost (an overrun), so that places stay right.
    pub fn skip(&mut self, samples: u64) {
        self.slicer.skip(samples);
        self.clock.skip();
        self.joined = 0;
    }

    /// How the signal is.
    pub fn signal(&self) -> Signal {
        Signal {
            peak_to_peak: self.slicer.peak_to_peak(),
            bit_samples: self.clock.found().then(|| self.clock.period()),
            words: self.words,
            refused: self.refused,
            doubted: self.belief.doubted(),
        }
    }

    fn take_bit(&mut self, one: bool, begin: f64, end: f64, joined: bool) {
        if !joined || self.joined == 0 {
            self.joined = 0;
            self.put_boundary(begin);
        }
        self.put_boundary(end);
        self.bits = self.bits >> 1 | u128::from(one) << (WORD_BITS - 1);
        self.joined = (self.joined + 1).min(WORD_BITS);
    }

    fn put_boundary(&mut self, at: f64) {
        self.boundaries[self.next] = at;
        self.next = (self.next + 1) % BOUNDARIES;
    }

    /// The word that the newest bit ends, if it does and is believed.
    fn take_word(&mut self) -> Option<LtcWord> {
        if self.joined < WORD_BITS {
            return None;
        }
        let backward = self.bits.reverse_bits() >> (u128::BITS as usize - WORD_BITS);
        let ends = |bits: u128| (bits >> field::SYNC.start) as u16 == SYNC;
        let (direction, bits) = match (ends(self.bits), ends(backward)) {
            (true, _) => (Direction::Forward, self.bits),
            (_, true) => (Direction::Backward, backward),
            _ => return None,
        };
        let bytes = bytes_of(bits);
        let Ok(label) = Word::new_checked(&bytes).map(|word| word.label()) else {
            self.refused += 1;
            return None;
        };
        self.words += 1;
        self.joined = 0;
        let mut boundaries = self.boundaries;
        boundaries.rotate_left(self.next);
        let fit = fit(&boundaries);
        let trust = self.belief.weigh(label, direction, fit.begin, fit.end)?;
        Some(LtcWord {
            label,
            bytes,
            direction,
            begin_sample: fit.begin,
            end_sample: fit.end,
            jitter_samples: fit.residual,
            jumped: trust.jumped,
            nominal: trust.nominal,
        })
    }
}
