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

/// Why a text is not a frame rate; holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a frame rate; write a whole number or a fraction, such as \"24\" or \"24000/1001\", between 1 and 1000{hint}", hint = self.hint())]
pub struct RateError(pub String);

impl RateError {
    /// The exact rate behind a usual decimal ("23.98" is "24000/1001"); `None` for other texts.
    pub fn suggestion(&self) -> Option<Rate> {
        let decimal: f64 = self.0.trim().parse().ok()?;
        let whole = decimal.ceil();
        if !(1.0..=240.0).contains(&whole) {
            return None;
        }
        // Two decimals are usual ("29.97", "23.98"), so half a hundredth decides.
        let near = |exact: f64| (decimal - exact).abs() <= 0.005;
        let whole = whole as u32;
        if near(f64::from(whole) * 1000.0 / 1001.0) { Rate::new(whole * 1000, 1001) } else { None }
    }

    fn hint(&self) -> String {
        self.suggestion().map(|rate| format!("; did you mean \"{rate}\"?")).unwrap_or_default()
    }
}

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
        let part = |p: &str| {
            // `u32` reads a leading "+" too; a rate has none.
            let number = Some(p.trim()).filter(|p| p.bytes().all(|byte| byte.is_ascii_digit()));
            number.and_then(|p| p.parse::<u32>().ok())
        };
        part(num).zip(part(den)).and_then(|(num, den)| Rate::new(num, den)).ok_or_else(|| RateError(text.into()))
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

    /// The inverse of [`Rate::nanos_of_frame`]: the largest frame whose *rounded* start is not later; 0 before.
    ///
    /// Differs from [`Rate::frame_at_nanos`] only in the nanosecond to which a start was rounded down.
    pub fn frame_started_at(self, nanos: i64) -> u64 {
        let frame = self.frame_at_nanos(nanos);
        // A start at the end of time saturates and is no start.
        let next = frame.saturating_add(1);
        if nanos < i64::MAX && self.nanos_of_frame(next) <= nanos { next } else { frame }
    }

    /// The first alignment point after `nanos`, rounded up to a whole nanosecond; saturates.
    ///
    /// Alignment points are `n * den / num` seconds after the epoch (SMPTE ST 2059-1); before it, the epoch is next.
    pub fn next_alignment_nanos(self, nanos: i64) -> i64 {
        if nanos < 0 {
            return 0;
        }
        let next = u128::from(self.frame_at_nanos(nanos)) + 1;
        let start = (next * u128::from(self.den) * 1_000_000_000).div_ceil(u128::from(self.num));
        i64::try_from(start).unwrap_or(i64::MAX)
    }

    /// One frame in nanoseconds, rounded.
    pub fn frame_nanos(self) -> i64 {
        self.nanos_of_frame(1)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
