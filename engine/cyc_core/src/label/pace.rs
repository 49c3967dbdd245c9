//! How fast labels come, and which way: what tells 23.976 from 24, and a shuttled tape from a jump.

use super::heard::Heard;
use crate::{StageTime, Timecode};

/// Other rates are 1000 ppm away.
const FITS: f64 = 500e-6;
/// A pace is judged after so long, if it is known well enough by then, and forgotten after so long in any case.
const JUDGED_SECS: f64 = 10.0;
const FORGOTTEN_SECS: f64 = 120.0;
const KNOWN: f64 = 0.5 * FITS;
/// So few labels say nothing, and no stamps say more than this, seconds.
const FEWEST: f64 = 6.0;
const STAMPED_SECS: f64 = 0.5e-3;
/// So many labels in a row that lead nowhere are a source at another speed, if they take so long.
const STRAYS: u32 = 12;
const STRAY_SECS: f64 = 0.4;
/// No machine shuttles faster.
const FASTEST: f64 = 100.0;
/// So many seconds that end after the same number of labels say how many a second has.
const ROLLOVERS: u32 = 2;

/// Measures a source's pace.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// Labels that have gone on from each other.
    row: Option<Row>,
    /// The row before was judged wrong. A pace that changes within a row is neither the one nor the other.
    suspect: bool,
    /// The first of those that have not, and how many there are.
    stray: Option<(Heard, u32)>,
}

/// The sums of a least-squares line through how far labels are from where they should be, by time.
#[derive(Debug, Clone, Copy)]
struct Row {
    first: Heard,
    direction: i8,
    count: f64,
    secs: f64,
    off: f64,
    secs_secs: f64,
    secs_off: f64,
    off_off: f64,
}

/// A pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// Labels a second.
    pub hertz: f64,
    /// Against the pace expected, as a part of it.
    off: f64,
    /// How far that may be wrong.
    doubt: f64,
    /// Another pace than expected, for certain.
    pub is_wrong: bool,
}

impl Measured {
    /// The pace expected, and not the one that was found wrong.
    pub fn contradicts(&self, wrong_hertz: f64, expected_hertz: f64) -> bool {
        let was_off = (wrong_hertz / expected_hertz - 1.0).abs();
        self.off.abs() < FITS.max(2.0 * self.doubt) && was_off > FITS.max(4.0 * self.doubt)
    }
}

impl Row {
    fn new(first: Heard, direction: i8) -> Row {
        let [count, secs, off, secs_secs, secs_off, off_off] = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        Row { first, direction, count, secs, off, secs_secs, secs_off, off_off }
    }

    /// Takes in a label, and gives how long the row is, seconds.
    fn add(&mut self, heard: Heard) -> f64 {
        let (labels, by_time) = self.first.to(heard);
        let secs = heard.at.secs_since(self.first.at);
        let off = (labels * i64::from(self.direction)) as f64 - by_time;
        self.count += 1.0;
        self.secs += secs;
        self.off += off;
        self.secs_secs += secs * secs;
        self.secs_off += secs * off;
        self.off_off += off * off;
        secs
    }

    /// The slope of the line, labels a second too many, and three standard errors of it.
    fn slope(&self) -> (f64, f64) {
        let spread = self.secs_secs - self.secs * self.secs / self.count;
        let slope = (self.secs_off - self.secs * self.off / self.count) / spread;
        let left = self.off_off - self.off * self.off / self.count - slope * slope * spread;
        (slope, 3.0 * (left.max(0.0) / self.count / spread).sqrt())
    }
}

impl Pace {
    pub fn clear(&mut self) {
        *self = Pace::default();
    }

    /// A label that goes on from those before: the pace so far.
    pub fn of(&mut self, heard: Heard, direction: i8) -> Option<Measured> {
        self.stray = None;
        let row = self.row.as_mut().filter(|row| row.direction == direction && row.first.counting == heard.counting);
        let Some(row) = row.filter(|_| direction != 0) else {
            self.row = Some(Row::new(heard, direction));
            return None;
        };
        let secs = row.add(heard);
        if row.count < FEWEST {
            return None;
        }
        let expected = heard.counting.pace();
        let (slope, doubt) = row.slope();
        let (off, doubt) = (slope / expected, doubt / expected + STAMPED_SECS / secs);
        let judged = secs >= JUDGED_SECS && doubt < KNOWN;
        let wrong = judged && off.abs() > FITS;
        let is_wrong = wrong && self.suspect;
        if judged || secs > FORGOTTEN_SECS {
            self.row = Some(Row::new(heard, direction));
            self.suspect = wrong;
        }
        Some(Measured { hertz: expected + slope, off, doubt, is_wrong })
    }

    /// A label that nothing led to: labels a second, once there are enough of them.
    pub fn strays(&mut self, heard: Heard) -> Option<f64> {
        self.row = None;
        let (first, count) = match self.stray.filter(|(first, _)| first.counting == heard.counting) {
            Some((first, count)) => (first, count + 1),
            None => (heard, 1),
        };
        self.stray = Some((first, count));
        let secs = heard.at.secs_since(first.at);
        if count < STRAYS || secs < STRAY_SECS {
            return None;
        }
        self.stray = None;
        let (labels, by_time) = first.to(heard);
        let labels = labels.unsigned_abs() as f64;
        (labels < FASTEST * by_time).then_some(labels / secs)
    }
}

/// Learns how many labels a second has from where seconds end, for sources that do not say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seconds {
    before: Option<(Timecode, StageTime)>,
    /// Labels in the newest second that ended, and how many in a row had as many.
    ended: Option<(u32, u32)>,
}

impl Seconds {
    /// Takes in a label.
    pub fn hear(&mut self, label: Timecode, at: StageTime) {
        let Some((before, since)) = self.before.replace((label, at)) else { return };
        let labels = u32::from(before.frames) + 1;
        let second = label.seconds == if before.seconds == 59 { 0 } else { before.seconds.wrapping_add(1) };
        let next = at.secs_since(since) * f64::from(labels) < 1.5;
        if second && next && label.frames == 0 {
            self.ended = match self.ended {
                Some((same, times)) if same == labels => Some((labels, times.saturating_add(1))),
                _ => Some((labels, 1)),
            };
        }
    }

    /// Labels in a second, once that is known.
    pub fn nominal(&self) -> Option<u32> {
        self.ended.filter(|(_, times)| *times >= ROLLOVERS).map(|(labels, _)| labels)
    }
}
