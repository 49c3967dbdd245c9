//! Instants on the stage clock and exact frame rates.

use serde::{Deserialize, Serialize};

/// An instant on the stage clock, in nanoseconds: TAI where PTP disciplines the stage, else CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StageTime(pub i64);

impl StageTime {
    /// Nanoseconds from `earlier` to `self`; negative if `self` comes first. Saturates.
    pub fn nanos_since(self, earlier: StageTime) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to `self`.
    pub fn secs_since(self, earlier: StageTime) -> f64 {
        self.nanos_since(earlier) as f64 * 1e-9
    }

    /// The instant `nanos` later. Saturates.
    pub fn plus_nanos(self, nanos: i64) -> StageTime {
        StageTime(self.0.saturating_add(nanos))
    }
}

/// An exact frame rate, frames per second as a fraction in lowest terms ("24", "24000/1001").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    num: u32,
    den: u32,
}

/// Why a text or a pair of numbers is not a frame rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a frame rate; write a whole number or a fraction, such as \"24\" or \"24000/1001\", between 1 and 1000")]
pub struct RateError(pub String);

impl TryFrom<String> for Rate {
    type Error = RateError;
    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl std::str::FromStr for Rate {
    type Err = RateError;
    fn from_str(text: &str) -> Result<Self, RateError> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let part = |p: &str| p.trim().parse::<u32>().map_err(|_| RateError(text.into()));
        Rate::new(part(num)?, part(den)?).ok_or_else(|| RateError(text.into()))
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

impl Rate {
    /// `num / den` frames per second in lowest terms; `None` outside 1..=1000 per second.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let (n, d) = (u64::from(num), u64::from(den));
        if d == 0 || n < d || n > 1000 * d {
            return None;
        }
        let gcd = gcd(num, den);
        Some(Self { num: num / gcd, den: den / gcd })
    }

    /// Numerator.
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator.
    pub fn den(self) -> u32 {
        self.den
    }

    /// Nanoseconds from frame 0 to frame `frame`, rounded once to the nearest; saturates.
    pub fn nanos_of_frame(self, frame: u64) -> i64 {
        let exact = u128::from(frame) * u128::from(self.den) * 1_000_000_000;
        let rounded = (exact + u128::from(self.num) / 2) / u128::from(self.num);
        i64::try_from(rounded).unwrap_or(i64::MAX)
    }

    /// The frame that runs `nanos` after frame 0: the largest whose (unrounded) start is not later; 0 before.
    pub fn frame_at_nanos(self, nanos: i64) -> u64 {
        let nanos = u128::try_from(nanos).unwrap_or(0);
        let frame = nanos * u128::from(self.num) / (u128::from(self.den) * 1_000_000_000);
        u64::try_from(frame).unwrap_or(u64::MAX)
    }

    /// One frame in nanoseconds, rounded.
    pub fn frame_nanos(self) -> i64 {
        self.nanos_of_frame(1)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
