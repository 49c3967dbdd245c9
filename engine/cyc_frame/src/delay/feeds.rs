//! The delay between two feeds of one motion.

use super::correlate::{Common, Masked, all_lags, near_lag, whole};
use super::fit::{jackknife_error, peak};
use super::grid::{STEP_NANOS, Series, Signals, TimedPose, band_hz, signals};
use cyc_core::StageTime;
use std::fmt;
use std::ops::Range;

/// Delays up to so much are looked for, nanoseconds, unless the caller says otherwise.
pub const MAX_DELAY_NANOS: i64 = 500_000_000;
/// The least time that both feeds must have in common, seconds.
const LEAST_SECS: f64 = 4.0;
/// The most that is taken, seconds.
const MOST_SECS: f64 = 1_200.0;
/// Slower than this, root mean square, is standing still: rad/s and m/s.
const STILL: [f64; 2] = [0.009, 0.008];
/// Two feeds of one motion correlate more than this.
const LEAST_CORRELATION: f64 = 0.5;
/// Another peak that reaches this part of the highest, beyond a valley below [`VALLEY`] of it, could be the right one.
const RIVAL: f64 = 0.9;
/// See [`RIVAL`].
const VALLEY: f64 = 0.8;
/// A result that is less certain is none, nanoseconds.
const WORST_ERROR_NANOS: f64 = 5e6;
/// How many parts of the recording the jackknife leaves out in turn.
const PARTS: usize = 8;
/// How far around the peak the jackknife looks, grid points.
const NEAR: i64 = 10;
/// Travel replaces turn only if it says the same and is so many times more certain.
const MUCH_BETTER: f64 = 3.0;

/// What both feeds saw of the motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionSeen {
    /// How the body turned: the same for every tracker on it.
    Turn,
    /// How it travelled: the same for trackers at one place, or on a body that hardly turns.
    Travel,
}

/// How much later the second feed says the same as the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayBetween {
    /// The second feed's capture time less the first's, for one motion; negative if the second is ahead. Adding it to
    /// the second feed's delay makes them agree.
    pub delay_nanos: i64,
    /// One standard deviation of `delay_nanos`, by a jackknife over the recording.
    pub standard_error_nanos: i64,
    /// Correlation of the two motions at that delay, 0..1.
    pub correlation: f64,
    /// The highest correlation at any delay apart from this one's, as a part of it.
    pub runner_up: f64,
    /// What it was seen by.
    pub by: MotionSeen,
    /// What the other signal says, and its standard error, where it says anything.
    pub other: Option<(i64, i64)>,
    /// Time that both feeds covered, seconds.
    pub covered_secs: f64,
}

/// Why two recordings say nothing about a delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DelayRefusal {
    /// A feed has fewer than two usable samples: the first or the second.
    NoSamples {
        /// 0 the first feed, 1 the second.
        feed: usize,
    },
    /// They have too little time in common, seconds.
    TooShort {
        /// What they have.
        covered_secs: f64,
    },
    /// A stamp is far from all others, or the recording is.
    TooLong {
        /// From the first stamp to the last.
        secs: f64,
    },
    /// A feed hardly moves.
    Still {
        /// 0 the first feed, 1 the second.
        feed: usize,
        /// Root mean square, rad/s.
        turn: f64,
        /// Root mean square, m/s.
        travel: f64,
    },
    /// The feeds do not show one motion.
    Unrelated {
        /// The best correlation at any delay.
        correlation: f64,
    },
    /// The motion repeats itself, so that several delays explain it.
    Ambiguous {
        /// The best of them.
        delay_nanos: i64,
        /// The next.
        other_nanos: i64,
    },
    /// The best delay is the largest that was looked for.
    BeyondRange {
        /// Which that was.
        most_nanos: i64,
    },
    /// The motion is so smooth, or the feeds so noisy, that the peak says nothing.
    TooUncertain {
        /// One standard deviation.
        standard_error_nanos: i64,
    },
}

/// How much later `b` shows the motion that `a` shows, for delays up to half a second either way.
///
/// The series need not be in order, of one rate, without gaps or in one frame of reference.
///
/// # Errors
/// Why the recording does not say.
pub fn between(a: &[TimedPose], b: &[TimedPose]) -> Result<DelayBetween, DelayRefusal> {
    between_within(a, b, MAX_DELAY_NANOS)
}

/// As [`between`], for delays up to `most_nanos` either way.
///
/// # Errors
/// Why the recording does not say.
pub fn between_within(a: &[TimedPose], b: &[TimedPose], most_nanos: i64) -> Result<DelayBetween, DelayRefusal> {
    let (a, b) = (Series::new(a), Series::new(b));
    let most_nanos = most_nanos.clamp(20 * STEP_NANOS, 60_000_000_000);
    let (start, len) = common_grid(&a, &b, most_nanos)?;
    let band = band_hz(&a, &b);
    let pair = [&a, &b].map(|series| signals(series, start, len, band));
    check_motion(&pair)?;
    let by = |motion| estimate(&pair, motion, (most_nanos / STEP_NANOS) as usize);
    choose(by(MotionSeen::Turn), by(MotionSeen::Travel))
}

/// Start and length of the grid that holds what both feeds may have in common.
fn common_grid(a: &Series, b: &Series, most_nanos: i64) -> Result<(StageTime, usize), DelayRefusal> {
    let span = |feed: usize, series: &Series| match series.span().filter(|(first, last)| first < last) {
        Some(span) => Ok(span),
        None => Err(DelayRefusal::NoSamples { feed }),
    };
    let ((a0, a1), (b0, b1)) = (span(0, a)?, span(1, b)?);
    let (start, end) = (a0.max(b0).plus_nanos(-most_nanos), a1.min(b1).plus_nanos(most_nanos));
    let (start, end) = (start.max(a0.min(b0)), end.min(a1.max(b1)));
    let secs = end.secs_since(start);
    if secs > MOST_SECS {
        return Err(DelayRefusal::TooLong { secs });
    }
    if secs < LEAST_SECS {
        return Err(DelayRefusal::TooShort { covered_secs: secs.max(0.0) });
    }
    Ok((start, (end.nanos_since(start) / STEP_NANOS) as usize))
}

fn check_motion(pair: &[Signals; 2]) -> Result<(), DelayRefusal> {
    for (feed, signals) in pair.iter().enumerate() {
        let [turn, travel] = [MotionSeen::Turn, MotionSeen::Travel].map(|by| masked(signals, by).mean_and_rms().1);
        if turn < STILL[0] && travel < STILL[1] {
            return Err(DelayRefusal::Still { feed, turn, travel });
        }
    }
    Ok(())
}

fn masked(signals: &Signals, by: MotionSeen) -> Masked<'_> {
    let values = match by {
        MotionSeen::Turn => &signals.turn,
        MotionSeen::Travel => &signals.travel,
    };
    Masked { values, known: &signals.known }
}

/// The turn of a body is the same everywhere on it; travel is not, but may be much clearer.
fn choose(
    turn: Result<DelayBetween, DelayRefusal>,
    travel: Result<DelayBetween, DelayRefusal>,
) -> Result<DelayBetween, DelayRefusal> {
    let other = |of: &DelayBetween| Some((of.delay_nanos, of.standard_error_nanos));
    match (turn, travel) {
        (Ok(turn), Ok(travel)) => {
            let (error, finer) = (turn.standard_error_nanos as f64, travel.standard_error_nanos as f64);
            let agree = (turn.delay_nanos - travel.delay_nanos).abs() as f64 <= 2.0 * error;
            if agree && finer * MUCH_BETTER < error {
                Ok(DelayBetween { other: other(&turn), ..travel })
            } else {
                Ok(DelayBetween { other: other(&travel), ..turn })
            }
        }
        (Ok(only), Err(_)) | (Err(_), Ok(only)) => Ok(only),
        (Err(DelayRefusal::Still { .. }), Err(why)) | (Err(why), Err(_)) => Err(why),
    }
}

fn estimate(pair: &[Signals; 2], by: MotionSeen, most: usize) -> Result<DelayBetween, DelayRefusal> {
    let [a, b] = [0, 1].map(|feed| masked(&pair[feed], by));
    for (feed, signal) in [a, b].iter().enumerate() {
        let rms = signal.mean_and_rms().1;
        if rms < STILL[by as usize] {
            let (turn, travel) = if by == MotionSeen::Turn { (rms, 0.0) } else { (0.0, rms) };
            return Err(DelayRefusal::Still { feed, turn, travel });
        }
    }
    let lags = all_lags(a, b, most.min(a.values.len().saturating_sub(1)));
    let scores = scores(&lags);
    let best = best_lag(&scores, &lags)?;
    let runner_up = runner_up(&scores, best)?;
    let covered_secs = lags[best].points * STEP_NANOS as f64 * 1e-9;
    let middle = best as i64 - (lags.len() / 2) as i64;
    let (lag, error) = refined(a, b, middle).ok_or(DelayRefusal::TooShort { covered_secs })?;
    let nanos = |lags: f64| (lags * STEP_NANOS as f64).round();
    if nanos(error) > WORST_ERROR_NANOS {
        return Err(DelayRefusal::TooUncertain { standard_error_nanos: nanos(error) as i64 });
    }
    Ok(DelayBetween {
        delay_nanos: nanos(lag) as i64,
        standard_error_nanos: nanos(error) as i64,
        correlation: scores[best],
        runner_up,
        by,
        other: None,
        covered_secs,
    })
}

/// Correlations; 0 where too little is known.
fn scores(lags: &[Common]) -> Vec<f64> {
    let least = LEAST_SECS * 1e9 / STEP_NANOS as f64;
    lags.iter().map(|common| if common.points < least { 0.0 } else { common.score().min(1.0) }).collect()
}

fn best_lag(scores: &[f64], lags: &[Common]) -> Result<usize, DelayRefusal> {
    let best = scores.iter().enumerate().max_by(|x, y| x.1.total_cmp(y.1)).map_or(0, |(n, _)| n);
    let step_secs = STEP_NANOS as f64 * 1e-9;
    let most_points = lags.iter().map(|common| common.points).fold(0.0, f64::max);
    if most_points * step_secs < LEAST_SECS {
        return Err(DelayRefusal::TooShort { covered_secs: (most_points * step_secs).max(0.0) });
    }
    if scores[best] < LEAST_CORRELATION {
        return Err(DelayRefusal::Unrelated { correlation: scores[best] });
    }
    if best < 3 || best + 3 >= scores.len() {
        return Err(DelayRefusal::BeyondRange { most_nanos: (scores.len() / 2) as i64 * STEP_NANOS });
    }
    Ok(best)
}

/// The highest score beyond the valleys around the best one, as a part of that.
fn runner_up(scores: &[f64], best: usize) -> Result<f64, DelayRefusal> {
    let low = |score: &f64| *score < VALLEY * scores[best];
    let mut left = scores[..best].iter().rposition(low).unwrap_or(0);
    let mut right = scores[best..].iter().position(low).map_or(scores.len(), |n| best + n);
    // Down to the bottom of each valley.
    while left > 0 && scores[left - 1] <= scores[left] {
        left -= 1;
    }
    while right < scores.len() && scores[right] <= scores[right - 1] {
        right += 1;
    }
    let outside = scores.iter().enumerate().filter(|(n, _)| *n < left || *n >= right);
    let Some((other, score)) = outside.max_by(|x, y| x.1.total_cmp(y.1)) else { return Ok(0.0) };
    if *score < RIVAL * scores[best] {
        return Ok(score / scores[best]);
    }
    let nanos = |lag: usize| (lag as i64 - (scores.len() / 2) as i64) * STEP_NANOS;
    Err(DelayRefusal::Ambiguous { delay_nanos: nanos(best), other_nanos: nanos(other) })
}

/// The peak between the grid points and its standard error, both in grid points; `None` of too little.
fn refined(a: Masked<'_>, b: Masked<'_>, middle: i64) -> Option<(f64, f64)> {
    let parts = parts(a.known)?;
    let lags = middle - NEAR..middle + NEAR + 1;
    let by_part = near_lag(a, b, lags.clone(), &parts);
    let whole = whole(&by_part);
    let place = |commons: &[Common]| {
        let scores: Vec<f64> = commons.iter().map(Common::score).collect();
        Some(lags.start as f64 + peak(&scores)?)
    };
    let without = |part: &Vec<Common>| {
        let rest: Vec<Common> = whole.iter().zip(part).map(|(whole, part)| whole.without(part)).collect();
        place(&rest)
    };
    let others: Vec<f64> = by_part.iter().filter_map(without).collect();
    Some((place(&whole)?, jackknife_error(&others)))
}

/// The known points, cut into [`PARTS`] of equal length.
fn parts(known: &[bool]) -> Option<Vec<Range<usize>>> {
    let first = known.iter().position(|known| *known)?;
    let last = known.iter().rposition(|known| *known)?;
    let step = (last + 1 - first).div_ceil(PARTS);
    Some((first..=last).step_by(step).map(|start| start..(start + step).min(last + 1)).collect())
}

impl DelayBetween {
    /// The result for people; `a` and `b` are the feeds' names.
    pub fn text(&self, a: &str, b: &str) -> String {
        let ms = |nanos: i64| nanos as f64 * 1e-6;
        let how = if self.delay_nanos < 0 { "ahead of" } else { "behind" };
        let by = if self.by == MotionSeen::Turn { "turn" } else { "travel" };
        let mut text = format!(
            "{b} is {:.2} ms {how} {a} (standard error {:.2} ms; by {by}, correlation {:.3}, runner-up {:.0} %, {:.0} s)",
            ms(self.delay_nanos.abs()),
            ms(self.standard_error_nanos),
            self.correlation,
            100.0 * self.runner_up,
            self.covered_secs,
        );
        if let Some((delay, error)) = self.other {
            let other = if self.by == MotionSeen::Turn { "travel" } else { "turn" };
            text += &format!("\n  {other} says {:.2} ms (standard error {:.2} ms)", ms(delay), ms(error));
        }
        if self.by == MotionSeen::Travel && self.other.is_none() {
            text +=
                "\n  little turned, so this holds only as well as both trackers sit at one place; turn the camera too";
        }
        text
    }
}

impl std::error::Error for DelayRefusal {}

impl fmt::Display for DelayRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |feed: usize| if feed == 0 { "first" } else { "second" };
        let ms = |nanos: i64| nanos as f64 * 1e-6;
        match *self {
            Self::NoSamples { feed } => write!(
                f,
                "the {} feed delivered no samples: check with `doctor` that its tracker is sending",
                name(feed)
            ),
            Self::TooShort { covered_secs } => {
                write!(f, "both feeds have only {covered_secs:.1} s in common: record 20 s or more, without drop-outs")
            }
            Self::TooLong { secs } => {
                write!(f, "the recording spans {secs:.0} s: a stamp is wrong, or it is too long; a minute is enough")
            }
            Self::Still { feed, turn, travel } => write!(
                f,
                "the {} feed hardly moves ({:.2} deg/s and {:.1} mm/s rms): turn and shake the camera by hand while \
                 recording",
                name(feed),
                turn.to_degrees(),
                1e3 * travel
            ),
            Self::Unrelated { correlation } => write!(
                f,
                "the feeds do not show one motion (correlation {correlation:.2}): are both trackers on the same camera, \
                 and are their profiles right?"
            ),
            Self::Ambiguous { delay_nanos, other_nanos } => write!(
                f,
                "the motion repeats itself: {:.1} ms and {:.1} ms explain it nearly as well; move irregularly, not to \
                 and fro in a rhythm",
                ms(delay_nanos),
                ms(other_nanos)
            ),
            Self::BeyondRange { most_nanos } => write!(
                f,
                "the delay seems to be beyond {:.0} ms, the most that was looked for: check the feeds' clocks and \
                 delay_ms, or allow more",
                ms(most_nanos)
            ),
            Self::TooUncertain { standard_error_nanos } => write!(
                f,
                "the delay is uncertain by {:.1} ms: move faster and more abruptly, or record longer",
                ms(standard_error_nanos)
            ),
        }
    }
}
