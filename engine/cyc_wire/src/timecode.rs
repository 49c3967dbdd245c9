//! What the timecode protocols share: which way a label runs, and the four ways of counting that MIDI and
//! Art-Net can name.

use crate::WireError;
use cyc_core::{Rate, Timecode};
use std::fmt;

/// Which way the labels of a source run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Each frame's label is the one after the last.
    Forward,
    /// Each frame's label is the one before the last: a transport in reverse.
    Backward,
}

impl Direction {
    /// +1 forwards, -1 backwards.
    pub const fn sign(self) -> i8 {
        match self {
            Self::Forward => 1,
            Self::Backward => -1,
        }
    }
}

/// How labels are counted, as MIDI (MMA RP-004, "time code type") and Art-Net 4 (ArtTimeCode, "Type") code it,
/// with the same numbers. It says nothing of the pull-down: 23.976 is sent as 24, 29.97 non-drop as 30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counting {
    /// Film, 24 a second.
    Fps24,
    /// EBU, 25 a second.
    Fps25,
    /// 30 a second with dropped labels, at 30000/1001.
    Drop30,
    /// 30 a second.
    Fps30,
}

impl Counting {
    /// Every way of counting, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Fps24, Self::Fps25, Self::Drop30, Self::Fps30];

    /// The code on the wire, 0..=3.
    pub const fn code(self) -> u8 {
        match self {
            Self::Fps24 => 0,
            Self::Fps25 => 1,
            Self::Drop30 => 2,
            Self::Fps30 => 3,
        }
    }

    /// The way of counting with this code; `None` above 3.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// How a source at `rate` counts; `None` where none of the four does (above 30, or at no usual rate).
    pub fn of_rate(rate: Rate, drop_frame: bool) -> Option<Self> {
        match rate.num().div_ceil(rate.den()) {
            24 => Some(Self::Fps24),
            25 => Some(Self::Fps25),
            30 if drop_frame && Timecode::can_drop(rate) => Some(Self::Drop30),
            30 => Some(Self::Fps30),
            _ => None,
        }
    }

    /// Labels in a second: 24, 25 or 30.
    pub const fn nominal(self) -> u32 {
        match self {
            Self::Fps24 => 24,
            Self::Fps25 => 25,
            Self::Drop30 | Self::Fps30 => 30,
        }
    }

    /// A rate that counts so: the whole one, and 30000/1001 where labels are dropped. `None` never happens.
    pub fn rate(self) -> Option<Rate> {
        match self {
            Self::Drop30 => Rate::new(30_000, 1001),
            whole => Rate::new(whole.nominal(), 1),
        }
    }

    /// The label that fields from a wire name, hours first. Errors: `BadValue` where it does not exist.
    pub fn label(self, [hours, minutes, seconds, frames]: [u8; 4]) -> Result<Timecode, WireError> {
        let drop_frame = self == Self::Drop30;
        let label = Timecode { hours, minutes, seconds, frames: frames.into(), drop_frame };
        self.frame_of(label).map(|_| label)
    }

    /// The fields of `label`, hours first, as they are sent. Errors: `BadValue` where the label does not exist in
    /// this way of counting.
    pub fn fields(self, label: Timecode) -> Result<[u8; 4], WireError> {
        self.frame_of(label)?;
        let frames = u8::try_from(label.frames).map_err(|_| WireError::BadValue("timecode"))?;
        Ok([label.hours, label.minutes, label.seconds, frames])
    }

    /// The label `frames` later, or earlier where that is negative; wraps at midnight. A label that does not
    /// exist stays.
    pub fn advance(self, label: Timecode, frames: i64) -> Timecode {
        let Some((rate, frame)) = self.rate().zip(self.frame_of(label).ok()) else { return label };
        let drop_frame = self == Self::Drop30;
        let day = Timecode::frames_per_day(rate, drop_frame).cast_signed();
        let later = frame.cast_signed().saturating_add(frames % day).rem_euclid(day);
        Timecode::of_frame(later.unsigned_abs(), rate, drop_frame)
    }

    /// Whether the label exists in this way of counting.
    pub fn contains(self, label: Timecode) -> bool {
        self.frame_of(label).is_ok()
    }

    /// Frame of the day; refuses a label of the other kind, dropped or not, as well.
    pub(crate) fn frame_of(self, label: Timecode) -> Result<u64, WireError> {
        let rate = self.rate().filter(|_| label.drop_frame == (self == Self::Drop30));
        let frame = rate.and_then(|rate| label.frame(rate).ok());
        frame.ok_or(WireError::BadValue("timecode"))
    }
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fps24 => "24",
            Self::Fps25 => "25",
            Self::Drop30 => "29.97 drop",
            Self::Fps30 => "30",
        })
    }
}
