//! Labels by the clock on the wall, jammed once a day.
//!
//! Between jams labels are counted frame by frame, so they part from the clock as their rate does: drop-frame by
//! 86.4 ms a day, 29.97 without dropping by 3.6 s an hour. The jam sets them to the clock again (SMPTE ST 12-1 calls
//! for it; SMPTE ST 2059-1 keeps it out of the phase).

use super::LabelEvent;
use crate::{Rate, Timecode};

const MINUTE_NANOS: i64 = 60_000_000_000;
const DAY_NANOS: i64 = 1440 * MINUTE_NANOS;

/// Labels by the local time of day: set to it once a day, counted frame by frame between.
#[derive(Debug, Clone)]
pub struct TimeOfDay {
    rate: Rate,
    drop_frame: bool,
    /// UTC plus this is the time since a jam, in whole days and a rest.
    since_jam_nanos: i64,
    /// Number of the label of the jam.
    jam_number: u64,
    counted: Option<Counted>,
    event: Option<LabelEvent>,
}

/// From where labels are counted.
#[derive(Debug, Clone, Copy)]
struct Counted {
    frame: u64,
    number: u64,
    /// Which jam it was.
    jam: i64,
}

impl TimeOfDay {
    /// Labels for frames of `rate`; local time is UTC plus `utc_offset_minutes`, the jam is `jam_minutes` after local
    /// midnight. `drop_frame` is obeyed where [`Timecode::can_drop`].
    pub fn new(rate: Rate, drop_frame: bool, utc_offset_minutes: i32, jam_minutes: u32) -> Self {
        let drop_frame = drop_frame && Timecode::can_drop(rate);
        let jam_minutes = jam_minutes % 1440;
        let label = Timecode {
            hours: (jam_minutes / 60) as u8,
            minutes: (jam_minutes % 60) as u8,
            drop_frame,
            ..Timecode::default()
        };
        // Whole days make no difference.
        let since_jam_nanos = (i64::from(utc_offset_minutes) - i64::from(jam_minutes)) % 1440 * MINUTE_NANOS;
        Self { rate, drop_frame, since_jam_nanos, jam_number: first_of(label, rate), counted: None, event: None }
    }

    /// The label of stage frame `frame`, which begins `utc_nanos` after 1970-01-01T00:00:00 UTC.
    ///
    /// Called once for each tick, in order; frames that were missed are counted over. The first label is the one that
    /// the jam before would have led to, so that it does not matter when a stage was started. A leap second moves
    /// UTC and therefore the next jam; labels and frames in between are counted as ever.
    pub fn label(&mut self, frame: u64, utc_nanos: i64) -> Timecode {
        let since = utc_nanos.saturating_add(self.since_jam_nanos);
        let (jam, into_day) = (since.div_euclid(DAY_NANOS), since.rem_euclid(DAY_NANOS));
        let counted = match self.counted.filter(|counted| jam <= counted.jam) {
            Some(counted) => counted,
            None => {
                // A frame's start is rounded to the nanosecond, maybe to the one before the jam's.
                let number = self.jam_number.saturating_add(self.rate.frame_at_nanos(into_day + 1));
                let counted = Counted { frame, number, jam };
                self.jammed(self.counted, counted);
                *self.counted.insert(counted)
            }
        };
        self.named(counted, frame)
    }

    /// The newest jam that changed anything, once.
    pub fn poll(&mut self) -> Option<LabelEvent> {
        self.event.take()
    }

    fn named(&self, counted: Counted, frame: u64) -> Timecode {
        let number = counted.number.wrapping_add(frame.wrapping_sub(counted.frame));
        Timecode::of_frame(number, self.rate, self.drop_frame)
    }

    fn jammed(&mut self, before: Option<Counted>, after: Counted) {
        let from = before.map(|before| self.named(before, after.frame));
        let to = self.named(after, after.frame);
        if from != Some(to) {
            self.event = Some(LabelEvent::Jammed { from, to });
        }
    }
}

/// The number of a minute's first label: ";00" is left out of most minutes of drop-frame.
fn first_of(minute: Timecode, rate: Rate) -> u64 {
    (0..=8).find_map(|frames| Timecode { frames, ..minute }.frame(rate).ok()).unwrap_or(0)
}
