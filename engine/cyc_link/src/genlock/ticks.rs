//! The loop that the frame thread waits on: takes in what sources heard, asks the beat for the next tick, sleeps.

use super::Heard;
use super::labels::Labels;
use super::ptp::News;
use super::source::SourceHandle;
use super::status::{GenlockChange, GenlockReading, GenlockStatus};
use crate::pacer::{self, Pacer, PacerReport};
use crate::tick::TickStop;
use crossbeam_channel::{Receiver, Sender};
use cyc_core::beat::{AlignedBeat, Beat, BeatEvent, BeatLoop, Counter, Jitter, PulseRateError};
use cyc_core::{BeatSync, Clock, Rate, StageTime, Tick, TickSource};
use std::sync::Arc;

/// Most that is taken in before one beat; what is left waits for the next.
const MOST_HEARD: usize = 512;

/// How a stage's beat is made.
#[derive(Debug, Clone)]
pub enum BeatPlan {
    /// On the machine's own clock, frame 0 at the first beat.
    Internal {
        /// Frames a second.
        rate: Rate,
    },
    /// In step with a source's pulses, frame 0 at the first beat.
    Pulses {
        /// Frames a second.
        rate: Rate,
        /// Pulses a second.
        pulse_rate: Rate,
        /// How the source's stamps scatter.
        jitter: Jitter,
        /// Frames begin so much after their pulses, nanoseconds.
        phase_nanos: i64,
    },
    /// By arithmetic on a TAI clock (SMPTE ST 2059-1): frame numbers are large from the first beat on.
    Aligned {
        /// Frames a second.
        rate: Rate,
        /// Frames begin so much after their alignment points, nanoseconds.
        phase_nanos: i64,
    },
}

/// What a running stage's beat is made of.
pub struct Parts {
    /// The stage clock.
    pub clock: Arc<dyn Clock>,
    /// How the beat is made.
    pub plan: BeatPlan,
    /// What the source of beats heard.
    pub heard: Option<Receiver<Heard>>,
    /// What is known of PTP before the first beat.
    pub first_news: Option<News>,
    /// What becomes known of PTP.
    pub news: Option<Receiver<News>>,
    /// What labels frames.
    pub labels: Labels,
    /// What the label source heard, where it is another one.
    pub labels_heard: Option<Receiver<Heard>>,
    /// The threads of all sources; they end with the beat.
    pub sources: Vec<SourceHandle>,
    /// What the frame thread is given at the first beat.
    pub pacer: Option<Pacer>,
    /// Frames numbered 0 that are given out at once before the first beat.
    pub warm_up_frames: u32,
    /// Ends the beat.
    pub stop: TickStop,
    /// What is known, for readers.
    pub status: GenlockStatus,
    /// What an operator must hear of.
    pub changes: Sender<GenlockChange>,
}

/// Ticks of a stage.
pub struct GenlockTicks {
    parts: Parts,
    beat: Option<AnyBeat>,
    ptp: Option<News>,
    counter: Counter,
    warm: u32,
    /// What the source of beats, and of labels, is in trouble with.
    troubles: [Option<String>; 2],
    troubles_changed: bool,
    /// What the frame thread was granted, until it is written.
    granted: Option<PacerReport>,
}

#[allow(clippy::large_enum_variant, reason = "a stage has one of them")]
enum AnyBeat {
    Loop(BeatLoop),
    Aligned(AlignedBeat),
}

impl BeatPlan {
    /// Frames a second.
    pub fn rate(&self) -> Rate {
        let (Self::Internal { rate } | Self::Pulses { rate, .. } | Self::Aligned { rate, .. }) = self;
        *rate
    }

    /// The beat, which begins at `origin` where it does not count from an epoch.
    fn begin(&self, origin: StageTime) -> AnyBeat {
        match *self {
            Self::Internal { rate } => {
                let mut beat = AlignedBeat::new(rate);
                beat.set_tai_minus_stage_nanos(origin.0.saturating_neg());
                AnyBeat::Aligned(beat)
            }
            Self::Aligned { rate, phase_nanos } => {
                AnyBeat::Aligned(AlignedBeat::new(rate).with_phase_nanos(phase_nanos))
            }
            Self::Pulses { rate, pulse_rate, jitter, phase_nanos } => {
                match BeatLoop::new(rate, pulse_rate, jitter, origin) {
                    Ok(beat) => AnyBeat::Loop(beat.with_phase_nanos(phase_nanos)),
                    // `check` has been asked.
                    Err(_) => Self::Internal { rate }.begin(origin),
                }
            }
        }
    }

    /// Whether there is such a beat.
    ///
    /// # Errors
    /// Pulses that do not fit the frames.
    pub fn check(&self) -> Result<(), PulseRateError> {
        match *self {
            Self::Pulses { rate, pulse_rate, jitter, .. } => {
                BeatLoop::new(rate, pulse_rate, jitter, StageTime(0)).map(drop)
            }
            Self::Internal { .. } | Self::Aligned { .. } => Ok(()),
        }
    }
}

impl Beat for AnyBeat {
    fn rate(&self) -> Rate {
        match self {
            Self::Loop(beat) => beat.rate(),
            Self::Aligned(beat) => beat.rate(),
        }
    }

    fn ideal(&self, frame: u64) -> StageTime {
        match self {
            Self::Loop(beat) => beat.ideal(frame),
            Self::Aligned(beat) => beat.ideal(frame),
        }
    }

    fn frame_at(&self, now: StageTime) -> u64 {
        match self {
            Self::Loop(beat) => beat.frame_at(now),
            Self::Aligned(beat) => beat.frame_at(now),
        }
    }

    fn sync(&self, now: StageTime) -> BeatSync {
        match self {
            Self::Loop(beat) => beat.sync(now),
            Self::Aligned(beat) => beat.sync(now),
        }
    }
}

impl GenlockTicks {
    /// The beat; nothing runs before the first [`TickSource::wait`] but the sources.
    pub fn new(mut parts: Parts) -> Self {
        let first = parts.first_news.take();
        let (counter, troubles) = (Counter::new(), [None, None]);
        let mut ticks =
            Self { parts, beat: None, ptp: None, counter, warm: 0, troubles, troubles_changed: false, granted: None };
        if let Some(first) = first {
            ticks.follow_ptp(first);
        }
        ticks
    }

    /// The first frames compile pipelines: they come at once and do not count. Sources are heard meanwhile, so that
    /// nothing they said is old when the beat begins.
    fn warm_up(&mut self) -> Option<Tick> {
        if self.warm >= self.parts.warm_up_frames {
            return None;
        }
        self.warm += 1;
        let now = self.parts.clock.now();
        self.hear(now);
        Some(Tick::on_time(0, now))
    }

    /// The first beat comes a frame after the last warm one.
    fn begin(&mut self) {
        if self.beat.is_some() {
            return;
        }
        let rate = self.parts.plan.rate();
        let now = self.parts.clock.now();
        let origin = if self.warm > 0 { now.plus_nanos(rate.frame_nanos()) } else { now };
        self.beat = Some(self.parts.plan.begin(origin));
        self.steer();
        self.granted = self.parts.pacer.as_mut().map(Pacer::apply);
    }

    /// Takes in what sources said, without waiting for any of them.
    fn hear(&mut self, now: StageTime) {
        let Self { parts, beat, .. } = self;
        let mut news = Vec::new();
        for heard in parts.heard.iter().flat_map(|heard| heard.try_iter().take(MOST_HEARD)) {
            match heard {
                Heard::Pulse { at, count } => {
                    if let Some(AnyBeat::Loop(beat)) = beat {
                        beat.pulse(at, count);
                    }
                }
                Heard::Label { label, at, nominal, direction } => {
                    let BeatPlan::Pulses { phase_nanos, .. } = parts.plan else { continue };
                    parts.labels.heard_with_beat(label, at.plus_nanos(phase_nanos), nominal, direction);
                }
                Heard::Trouble(text) => news.push((0, Some(text))),
                Heard::Well => news.push((0, None)),
            }
        }
        for heard in parts.labels_heard.iter().flat_map(|heard| heard.try_iter().take(MOST_HEARD)) {
            match heard {
                Heard::Pulse { .. } => {}
                Heard::Label { label, at, nominal, direction } => parts.labels.heard(label, at, nominal, direction),
                Heard::Trouble(text) => news.push((1, Some(text))),
                Heard::Well => news.push((1, None)),
            }
        }
        for (who, trouble) in news {
            self.trouble(who, trouble);
        }
        self.hear_of_ptp();
        self.poll(now);
    }

    fn hear_of_ptp(&mut self) {
        let Some(newest) = self.parts.news.as_ref().and_then(|news| {
            news.try_iter().reduce(|before, mut now| {
                // What happened is said once, and is not to be lost with older news.
                now.verdict.event = now.verdict.event.or(before.verdict.event);
                now
            })
        }) else {
            return;
        };
        self.follow_ptp(newest);
    }

    fn follow_ptp(&mut self, newest: News) {
        self.trouble(0, newest.verdict.why.clone());
        if let Some(event) = newest.verdict.event {
            self.change(GenlockChange::Beat(event));
        }
        self.ptp = Some(newest);
        self.steer();
    }

    /// An aligned beat is as PTP's newest news say.
    fn steer(&mut self) {
        if let (Some(AnyBeat::Aligned(beat)), Some(news)) = (&mut self.beat, &self.ptp) {
            beat.set_sync(news.verdict.sync);
            beat.set_tai_minus_stage_nanos(news.aside_nanos);
        }
    }

    fn poll(&mut self, now: StageTime) {
        while let Some(AnyBeat::Loop(beat)) = &mut self.beat {
            let Some(event) = beat.poll(now) else { break };
            self.change(GenlockChange::Beat(event));
        }
        while let Some(event) = self.parts.labels.poll() {
            self.change(GenlockChange::Label(event));
        }
    }

    /// Says once that a source is in trouble, or is no more.
    fn trouble(&mut self, who: usize, trouble: Option<String>) {
        if self.troubles[who] == trouble {
            return;
        }
        // Why PTP is not locked may change its figures several times a second; that is no news.
        let words =
            |text: &String| text.chars().filter(|c| !matches!(c, '0'..='9' | '.' | '+' | '-')).collect::<String>();
        let same = self.troubles[who].as_ref().map(words) == trouble.as_ref().map(words);
        self.troubles[who].clone_from(&trouble);
        self.troubles_changed = true;
        if !same {
            self.change(if who == 0 { GenlockChange::Source(trouble) } else { GenlockChange::LabelSource(trouble) });
        }
    }

    fn change(&self, change: GenlockChange) {
        // Nobody has to listen; a full channel is one that nobody drains.
        let _ = self.parts.changes.try_send(change);
    }

    /// The source's count and ours parted: only where the beat cannot say so itself.
    fn rebased(&mut self, frames: i64) {
        if frames != 0 && matches!(self.beat, Some(AnyBeat::Aligned(_))) {
            // The tick numbers stay; the source went the other way.
            self.change(GenlockChange::Beat(BeatEvent::Rebased { frames: frames.saturating_neg() }));
        }
    }

    /// The frame on the beat's own count: with PTP that of the epoch, whatever was set aside.
    fn own_frame(&self, frame: u64) -> u64 {
        match self.beat {
            Some(AnyBeat::Aligned(_)) => frame.saturating_add_signed(self.counter.shift().saturating_neg()),
            _ => frame,
        }
    }

    fn tell(&mut self, tick: &Tick) {
        let Self { parts, beat, ptp, troubles, granted, .. } = self;
        let figures = match (beat, ptp) {
            (Some(AnyBeat::Loop(beat)), _) => (beat.measured_hz(), beat.measured_ppm(), beat.residual_nanos()),
            (_, Some(news)) => (None, Some(news.slope_ppm), Some(news.residual_nanos)),
            _ => (None, None, None),
        };
        let (shift, label_state) = (self.counter.shift(), parts.labels.state());
        let overworked = parts.pacer.as_ref().map_or(0, Pacer::overworked);
        let changed = self.troubles_changed;
        let written = parts.status.write(|reading: &mut GenlockReading| {
            (reading.measured_hz, reading.measured_ppm, reading.residual_nanos) = figures;
            (reading.sync, reading.shift, reading.overworked) = (tick.sync, shift, overworked);
            (reading.label, reading.label_state) = (tick.label, label_state);
            (reading.frame, reading.ideal) = (tick.frame, tick.ideal);
            reading.lead_nanos = pacer::lead().nanos();
            if let Some(report) = granted.take() {
                reading.pacer = report;
            }
            if changed {
                let [trouble, label_trouble] = troubles.clone();
                (reading.trouble, reading.label_trouble) = (trouble, label_trouble);
            }
        });
        self.troubles_changed &= !written;
    }
}

impl TickSource for GenlockTicks {
    fn wait(&mut self) -> Option<Tick> {
        if self.parts.stop.is_stopped() {
            return None;
        }
        if let Some(warm) = self.warm_up() {
            return Some(warm);
        }
        self.begin();
        if let Some(pacer) = &self.parts.pacer {
            pacer.rest();
        }
        let clock = self.parts.clock.clone();
        let now = clock.now();
        self.hear(now);
        let beat = self.beat.as_ref()?;
        let due = self.counter.next(beat, now);
        clock.sleep_until(due.ideal);
        let tick = due.tick(beat, clock.now());
        if let Some(report) = self.parts.pacer.as_mut().and_then(Pacer::work) {
            self.granted = Some(report);
        }
        // The first tick's number is the beat's own; nothing jumped.
        self.rebased(due.rebased);
        let label = self.parts.labels.label(tick.frame, self.own_frame(tick.frame), tick.ideal, tick.actual);
        let tick = Tick { label, ..tick };
        self.tell(&tick);
        Some(tick)
    }
}

#[cfg(test)]
mod tests;
