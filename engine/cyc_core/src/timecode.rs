//! Timecode: labels on frames, exact at every rate.
//!
//! A label counts the *nominal* frames of a second (24 at 24000/1001), so at a 1001 rate it drifts from the
//! clock on the wall; drop-frame counting leaves labels out to follow it (SMPTE ST 12-1). The rates that
//! `smpte-timecode` knows go through it; any other rate counts plainly, without dropping.

use crate::Rate;
use serde::{Deserialize, Serialize};
use smpte_timecode::{Fields, FrameRate};

/// A label on a frame: hours 0..=23, minutes and seconds 0..=59, frames below the nominal rate.
///
/// `Display` and `FromStr` use "01:00:00:00", with ";" before the frames for drop-frame; serde uses that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timecode {
    /// Hours, 0..=23.
    pub hours: u8,
    /// Minutes, 0..=59.
    pub minutes: u8,
    /// Seconds, 0..=59.
    pub seconds: u8,
    /// Frames, from 0 to below the nominal rate.
    pub frames: u16,
    /// Whether labels are dropped so that the label follows the clock.
    pub drop_frame: bool,
}

/// Why a text is not a timecode, or a timecode not one of a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimecodeError {
    /// The text has another shape.
    #[error("{0:?} is not a timecode; write \"01:00:00:00\", or \"01:00:00;00\" for drop-frame")]
    Syntax(String),
    /// A field is larger than any rate allows.
    #[error("{0:?} is not a timecode; hours go to 23, minutes and seconds to 59")]
    Range(String),
    /// Frames reach the nominal rate.
    #[error("timecode {label} has no place at {rate} frames per second; frames go to {last}")]
    Frames {
        /// The label.
        label: Timecode,
        /// The rate it was read at.
        rate: Rate,
        /// The last frame of a second.
        last: u32,
    },
    /// The label is one that drop-frame counting leaves out.
    #[error("timecode {label} does not exist; drop-frame counting at {rate} frames per second leaves it out")]
    Dropped {
        /// The label.
        label: Timecode,
        /// The rate it was read at.
        rate: Rate,
    },
    /// The rate has no drop-frame counting.
    #[error("timecode {label} is drop-frame, but {rate} frames per second has none; write \":\" before the frames")]
    NoDropFrame {
        /// The label.
        label: Timecode,
        /// The rate it was read at.
        rate: Rate,
    },
}

impl Timecode {
    /// The label of frame `frame`, where frame 0 is 00:00:00:00; wraps every day of labels.
    ///
    /// `drop_frame` is obeyed where [`Timecode::can_drop`]; elsewhere the label is a plain one.
    pub fn of_frame(frame: u64, rate: Rate, drop_frame: bool) -> Self {
        let drop_frame = drop_frame && Self::can_drop(rate);
        known_rate(rate, drop_frame).and_then(|known| known_label(frame, known)).unwrap_or_else(|| {
            let nominal = u64::from(nominal(rate));
            plain_label(frame % (nominal * 86_400), nominal)
        })
    }

    /// The frame of the day this label stands for, 0 for 00:00:00:00.
    ///
    /// Errors if the label does not exist at `rate`.
    pub fn frame(self, rate: Rate) -> Result<u64, TimecodeError> {
        let nominal = nominal(rate);
        if self.drop_frame && !Self::can_drop(rate) {
            return Err(TimecodeError::NoDropFrame { label: self, rate });
        }
        if self.hours > 23 || self.minutes > 59 || self.seconds > 59 {
            return Err(TimecodeError::Range(self.to_string()));
        }
        if u32::from(self.frames) >= nominal {
            return Err(TimecodeError::Frames { label: self, rate, last: nominal - 1 });
        }
        match (known_rate(rate, self.drop_frame), u8::try_from(self.frames)) {
            (Some(known), Ok(frames)) => {
                let fields = Fields { hours: self.hours, minutes: self.minutes, seconds: self.seconds, frames };
                smpte_timecode::Timecode::from_fields(fields, known)
                    .map(|timecode| u64::from(timecode.frames()))
                    .map_err(|_| TimecodeError::Dropped { label: self, rate })
            }
            _ => {
                let seconds = (u64::from(self.hours) * 60 + u64::from(self.minutes)) * 60 + u64::from(self.seconds);
                Ok(seconds * u64::from(nominal) + u64::from(self.frames))
            }
        }
    }

    /// How many frames a day of labels holds.
    pub fn frames_per_day(rate: Rate, drop_frame: bool) -> u64 {
        match known_rate(rate, drop_frame && Self::can_drop(rate)) {
            Some(known) => u64::from(known.frames_per_day()),
            None => u64::from(nominal(rate)) * 86_400,
        }
    }

    /// Whether drop-frame counting exists at `rate`: 29.97, 59.94 (SMPTE ST 12-1) and, by the same rule, 119.88.
    pub fn can_drop(rate: Rate) -> bool {
        rate.den() == 1001 && known_rate(rate, true).is_some()
    }
}

/// Labels in one second: the rate, rounded up, so that no two frames of a second share one.
fn nominal(rate: Rate) -> u32 {
    rate.num().div_ceil(rate.den())
}

/// The rate as `smpte-timecode` names it, if it does.
fn known_rate(rate: Rate, drop_frame: bool) -> Option<FrameRate> {
    let nominal = u8::try_from(nominal(rate)).ok()?;
    let known = FrameRate::new(nominal, rate.den() == 1001, drop_frame).ok()?;
    let exact = known.frames_per_second();
    (exact.numer() == u64::from(rate.num()) && exact.denom() == u64::from(rate.den())).then_some(known)
}

fn known_label(frame: u64, rate: FrameRate) -> Option<Timecode> {
    let of_day = u32::try_from(frame % u64::from(rate.frames_per_day())).ok()?;
    let Fields { hours, minutes, seconds, frames } = smpte_timecode::Timecode::from_frames(of_day, rate).ok()?.fields();
    Some(Timecode { hours, minutes, seconds, frames: frames.into(), drop_frame: rate.is_drop_frame() })
}

/// Every cast fits: `frame` is below a day, so all fields are below their limits.
fn plain_label(frame: u64, nominal: u64) -> Timecode {
    let seconds = frame / nominal;
    Timecode {
        hours: (seconds / 3600 % 24) as u8,
        minutes: (seconds / 60 % 60) as u8,
        seconds: (seconds % 60) as u8,
        frames: (frame % nominal) as u16,
        drop_frame: false,
    }
}

impl std::fmt::Display for Timecode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hours, minutes, seconds, frames, drop_frame } = self;
        let mark = if *drop_frame { ';' } else { ':' };
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:02}")
    }
}

impl std::str::FromStr for Timecode {
    type Err = TimecodeError;
    fn from_str(text: &str) -> Result<Self, TimecodeError> {
        let syntax = || TimecodeError::Syntax(text.into());
        let (time, frames, drop_frame) = match text.rsplit_once([':', ';']) {
            Some((time, frames)) => (time, frames, text.as_bytes().get(time.len()) == Some(&b';')),
            None => return Err(syntax()),
        };
        let mut parts = time.split(':');
        let mut field = || parts.next().and_then(|part| digits(part, 2..=2)).ok_or_else(syntax);
        let (hours, minutes, seconds) = (field()?, field()?, field()?);
        let frames = digits(frames, 2..=3).ok_or_else(syntax)?;
        if parts.next().is_some() {
            return Err(syntax());
        }
        if hours > 23 || minutes > 59 || seconds > 59 {
            return Err(TimecodeError::Range(text.into()));
        }
        Ok(Self { hours: hours as u8, minutes: minutes as u8, seconds: seconds as u8, frames, drop_frame })
    }
}

/// A number of so many ASCII digits and nothing else.
fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<u16> {
    let plain = count.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl TryFrom<String> for Timecode {
    type Error = TimecodeError;
    fn try_from(text: String) -> Result<Self, TimecodeError> {
        text.parse()
    }
}

impl From<Timecode> for String {
    fn from(timecode: Timecode) -> Self {
        timecode.to_string()
    }
}
