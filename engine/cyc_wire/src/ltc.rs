//! Linear timecode: a label as 80 bits of sound, one word a frame.
//!
//! Source: SMPTE ST 12-1, linear timecode (word, biphase mark, polarity, synchronisation). [`Word`] is the checked
//! view and [`LtcRepr`] the values; [`Encoder`] makes sound of words at an exact rate and [`Modulator`] at any;
//! [`Decoder`] finds words in sound at any speed, forwards and backwards.
//!
//! A word is sent *during* the frame that it names and is complete at its end, so whoever stamps frames needs
//! [`LtcWord::begin_sample`], not the instant at which the word came out of the decoder.

use crate::WireError;
use cyc_core::Timecode;
use std::fmt;

mod belief;
mod decode;
mod encode;
mod envelope;
mod fit;
mod period;
mod slicer;

pub use crate::timecode::Direction;
pub use decode::{Decoder, LtcWord, Signal};
pub use encode::{Encoder, Modulator, to_i16};

/// Bit ranges of a word, bit 0 first on the line; fields have their lowest bit first. User groups lie between.
pub mod field {
    use core::ops::Range;
    /// Frames, units.
    pub const FRAME_UNITS: Range<usize> = 0..4;
    /// Frames, tens.
    pub const FRAME_TENS: Range<usize> = 8..10;
    /// Set where labels are dropped.
    pub const DROP_FRAME: usize = 10;
    /// Set where labels follow the colour frame.
    pub const COLOR_FRAME: usize = 11;
    /// Seconds, units.
    pub const SECOND_UNITS: Range<usize> = 16..20;
    /// Seconds, tens.
    pub const SECOND_TENS: Range<usize> = 24..27;
    /// Polarity at 24 and 30 a second, binary group flag 0 at 25.
    pub const FLAG_27: usize = 27;
    /// Minutes, units.
    pub const MINUTE_UNITS: Range<usize> = 32..36;
    /// Minutes, tens.
    pub const MINUTE_TENS: Range<usize> = 40..43;
    /// Binary group flag 0 at 24 and 30 a second, 2 at 25.
    pub const FLAG_43: usize = 43;
    /// Hours, units.
    pub const HOUR_UNITS: Range<usize> = 48..52;
    /// Hours, tens.
    pub const HOUR_TENS: Range<usize> = 56..58;
    /// Binary group flag 1.
    pub const FLAG_58: usize = 58;
    /// Binary group flag 2 at 24 and 30 a second, polarity at 25.
    pub const FLAG_59: usize = 59;
    /// Where each of the eight user groups of four bits begins.
    pub const USER_GROUPS: [usize; 8] = [4, 12, 20, 28, 36, 44, 52, 60];
    /// The synchronising pattern.
    pub const SYNC: Range<usize> = 64..80;
}

/// Bits in a word.
pub const WORD_BITS: usize = 80;
/// Bytes in a word, the first bit being the lowest of the first byte.
pub const WORD_LEN: usize = 10;
/// The synchronising pattern in bits 64 to 79, bit 64 lowest: 0011 1111 1111 1101 on the line.
pub const SYNC: u16 = 0xBFFC;

/// Where the polarity bit and the binary group flags lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// 24 and 30 a second: polarity in bit 27.
    #[default]
    Fps24Or30,
    /// 25 a second: polarity in bit 59.
    Fps25,
}

impl Layout {
    /// The layout for so many labels a second.
    pub const fn of_nominal(nominal: u32) -> Self {
        if nominal == 25 { Self::Fps25 } else { Self::Fps24Or30 }
    }

    /// The polarity bit.
    pub const fn polarity(self) -> usize {
        match self {
            Self::Fps24Or30 => field::FLAG_27,
            Self::Fps25 => field::FLAG_59,
        }
    }

    /// Binary group flags 0, 1 and 2.
    pub const fn group_flags(self) -> [usize; 3] {
        match self {
            Self::Fps24Or30 => [field::FLAG_43, field::FLAG_58, field::FLAG_59],
            Self::Fps25 => [field::FLAG_27, field::FLAG_58, field::FLAG_43],
        }
    }
}

/// A checked view of a word: it ends in the synchronising pattern and names a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    bytes: &'a [u8; WORD_LEN],
}

impl<'a> Word<'a> {
    /// Views exactly one word. Polarity is not checked: much equipment leaves it at 0.
    /// Errors: `Truncated`, `BadLength` (bytes left over), `BadMagic` (no synchronising pattern), `BadValue` (a digit
    /// above 9, or a field beyond 23:59:59:29).
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (bytes, rest) = bytes.split_first_chunk::<WORD_LEN>().ok_or(WireError::Truncated)?;
        if !rest.is_empty() {
            return Err(WireError::BadLength);
        }
        let word = Self { bytes };
        if word.bits(field::SYNC) != SYNC {
            return Err(WireError::BadMagic);
        }
        let digits = [field::FRAME_UNITS, field::SECOND_UNITS, field::MINUTE_UNITS, field::HOUR_UNITS];
        if digits.into_iter().any(|units| word.bits(units) > 9) {
            return Err(WireError::BadValue("digit"));
        }
        let label = word.label();
        let in_range = label.frames < 30 && label.seconds < 60 && label.minutes < 60 && label.hours < 24;
        in_range.then_some(word).ok_or(WireError::BadValue("timecode"))
    }

    /// The label. Drop-frame says what bit 10 says; whether the label exists at a rate is for the rate's owner.
    pub fn label(&self) -> Timecode {
        let two = |units, tens| self.bits(units) + 10 * self.bits(tens);
        Timecode {
            hours: two(field::HOUR_UNITS, field::HOUR_TENS) as u8,
            minutes: two(field::MINUTE_UNITS, field::MINUTE_TENS) as u8,
            seconds: two(field::SECOND_UNITS, field::SECOND_TENS) as u8,
            frames: two(field::FRAME_UNITS, field::FRAME_TENS),
            drop_frame: self.bit(field::DROP_FRAME),
        }
    }

    /// One bit, 0..=79; false beyond.
    pub fn bit(&self, at: usize) -> bool {
        self.bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }

    /// Whether labels follow the colour frame.
    pub fn color_frame(&self) -> bool {
        self.bit(field::COLOR_FRAME)
    }

    /// User bits, group 1 in the lowest four.
    pub fn user_bits(&self) -> u32 {
        let group = |i: usize| u32::from(self.bits(field::USER_GROUPS[i]..field::USER_GROUPS[i] + 4));
        (0..8).fold(0, |user, i| user | group(i) << (4 * i))
    }

    /// Whether the word has as many zeros as its polarity bit should see to: an even number.
    pub fn even_polarity(&self) -> bool {
        zeros(self.bytes).is_multiple_of(2)
    }

    /// Bits as a number, the first the lowest; at most 16 of them, inside the word.
    fn bits(&self, range: core::ops::Range<usize>) -> u16 {
        range.rev().fold(0, |number, at| number << 1 | u16::from(self.bit(at)))
    }
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LtcRepr::parse(self, Layout::default()).fmt(f)
    }
}

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LtcRepr {
    /// The frame's label; its drop-frame flag is bit 10.
    pub label: Timecode,
    /// Labels follow the colour frame.
    pub color_frame: bool,
    /// Binary group flags, 0 in the lowest bit.
    pub group_flags: u8,
    /// User bits, group 1 in the lowest four.
    pub user_bits: u32,
}

impl LtcRepr {
    /// The values of a checked word, its flags read by `layout`.
    pub fn parse(word: &Word<'_>, layout: Layout) -> Self {
        let flags = layout.group_flags().into_iter().enumerate();
        Self {
            label: word.label(),
            color_frame: word.color_frame(),
            group_flags: flags.fold(0, |flags, (i, at)| flags | u8::from(word.bit(at)) << i),
            user_bits: word.user_bits(),
        }
    }

    /// The word, its polarity bit set so that it has an even number of zeros and every word begins alike.
    /// Errors: `BadValue`, for a label beyond 23:59:59:29. Flags above the third are left out.
    pub fn emit(&self, layout: Layout) -> Result<[u8; WORD_LEN], WireError> {
        let Timecode { hours, minutes, seconds, frames, drop_frame } = self.label;
        if hours > 23 || minutes > 59 || seconds > 59 || frames > 29 {
            return Err(WireError::BadValue("timecode"));
        }
        let mut word: u128 = u128::from(SYNC) << field::SYNC.start;
        let mut digits = |value: u16, units: usize, tens: usize| {
            word |= u128::from(value % 10) << units | u128::from(value / 10) << tens;
        };
        digits(frames, field::FRAME_UNITS.start, field::FRAME_TENS.start);
        digits(seconds.into(), field::SECOND_UNITS.start, field::SECOND_TENS.start);
        digits(minutes.into(), field::MINUTE_UNITS.start, field::MINUTE_TENS.start);
        digits(hours.into(), field::HOUR_UNITS.start, field::HOUR_TENS.start);
        word |= u128::from(drop_frame) << field::DROP_FRAME | u128::from(self.color_frame) << field::COLOR_FRAME;
        for (i, at) in layout.group_flags().into_iter().enumerate() {
            word |= u128::from(self.group_flags >> i & 1) << at;
        }
        for (i, at) in field::USER_GROUPS.into_iter().enumerate() {
            word |= u128::from(self.user_bits >> (4 * i) & 0xF) << at;
        }
        // Of 80 bits, an odd number of ones leaves an odd number of zeros.
        word |= u128::from(word.count_ones() % 2) << layout.polarity();
        Ok(bytes_of(word))
    }
}

impl fmt::Display for LtcRepr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, color_frame, group_flags, user_bits } = self;
        let color = if *color_frame { " colour-framed" } else { "" };
        write!(f, "LTC {label} user={user_bits:08x} flags={group_flags:03b}{color}")
    }
}

/// The lowest 80 bits, the lowest first.
fn bytes_of(word: u128) -> [u8; WORD_LEN] {
    std::array::from_fn(|i| (word >> (8 * i)) as u8)
}

fn zeros(bytes: &[u8; WORD_LEN]) -> u32 {
    bytes.iter().map(|byte| byte.count_zeros()).sum()
}
