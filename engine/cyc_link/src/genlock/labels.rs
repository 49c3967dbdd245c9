//! What frames are called.

use crate::clock::realtime_nanos;
use cyc_core::label::{LabelEvent, LabelState, LabelTrack, TimeOfDay, counted};
use cyc_core::{Rate, StageTime, Timecode};
use cyc_stage::stage::{LabelSource, TimecodePlan};

/// Labels of a stage's frames.
#[derive(Debug, Clone)]
pub struct Labels {
    rate: Rate,
    from: From,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a stage has one of them")]
enum From {
    /// The frame number.
    Count { start: Timecode },
    /// The clock on the wall, here CLOCK_REALTIME read by `utc`.
    TimeOfDay { labels: TimeOfDay, utc: fn() -> i64 },
    /// What a source says: that of the beat, or another.
    Track { labels: LabelTrack, with_beat: bool },
}

impl Labels {
    /// As the stage file plans them.
    pub fn new(plan: &TimecodePlan, rate: Rate) -> Self {
        let drop_frame = plan.drop_frame.unwrap_or(true) && Timecode::can_drop(rate);
        let from = match plan.source {
            LabelSource::Count { start } => From::Count { start },
            LabelSource::TimeOfDay { utc_offset_minutes, jam_minutes } => From::TimeOfDay {
                labels: TimeOfDay::new(rate, drop_frame, utc_offset_minutes, jam_minutes),
                utc: realtime_nanos,
            },
            LabelSource::Genlock => From::Track { labels: LabelTrack::new(rate), with_beat: true },
            LabelSource::Ltc(_) | LabelSource::Mtc(_) | LabelSource::ArtNet(_) | LabelSource::Osc(_) => {
                From::Track { labels: LabelTrack::new(rate), with_beat: false }
            }
        };
        Self { rate, from }
    }

    /// The clock on the wall is `utc`, nanoseconds since 1970, instead of CLOCK_REALTIME; for tests.
    pub fn with_utc(mut self, utc: fn() -> i64) -> Self {
        if let From::TimeOfDay { utc: of, .. } = &mut self.from {
            *of = utc;
        }
        self
    }

    /// The label source said a label.
    pub fn heard(&mut self, label: Timecode, at: StageTime, nominal: Option<u32>, direction: i8) {
        if let From::Track { labels, with_beat: false } = &mut self.from {
            labels.heard(label, at, nominal, direction);
        }
    }

    /// The source of the beat said a label; it counts if that is where labels come from.
    pub fn heard_with_beat(&mut self, label: Timecode, at: StageTime, nominal: Option<u32>, direction: i8) {
        if let From::Track { labels, with_beat: true } = &mut self.from {
            labels.heard(label, at, nominal, direction);
        }
    }

    /// The label of tick `frame`, whose number on the beat's own count is `own_frame`, which begins at `ideal` and was
    /// noticed at `actual`, just now; `None` before a source's first label.
    pub fn label(&mut self, frame: u64, own_frame: u64, ideal: StageTime, actual: StageTime) -> Option<Timecode> {
        match &mut self.from {
            // The file's reader has settled whether labels are dropped: the first one says it.
            From::Count { start } => Some(counted(own_frame, self.rate, start.drop_frame, *start)),
            From::TimeOfDay { labels, utc } => {
                let utc_nanos = utc().saturating_sub(actual.nanos_since(ideal));
                Some(labels.label(frame, utc_nanos))
            }
            From::Track { labels, .. } => labels.label(frame, ideal),
        }
    }

    /// How well they follow a source; `None` where there is none to follow.
    pub fn state(&self) -> Option<LabelState> {
        match &self.from {
            From::Track { labels, .. } => Some(labels.state()),
            From::Count { .. } | From::TimeOfDay { .. } => None,
        }
    }

    /// What happened; call it until it gives `None`.
    pub fn poll(&mut self) -> Option<LabelEvent> {
        match &mut self.from {
            From::Count { .. } => None,
            From::TimeOfDay { labels, .. } => labels.poll(),
            From::Track { labels, .. } => labels.poll(),
        }
    }
}
