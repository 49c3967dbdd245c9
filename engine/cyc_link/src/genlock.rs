//! Where beats and labels come from: one source a module, all behind one loop.
//!
//! A source runs on a thread of its own and says what it heard ([`Heard`]); the loop that the frame thread waits on
//! ([`ticks`]) takes it in without waiting for any of them. [`start`] makes all of it from a stage; [`status`] is what
//! the desk reads; [`ptp`] is the one source that brings a clock of its own.

pub mod artnet;
pub mod display;
pub mod labels;
pub mod ltc;
pub mod mtc;
pub mod osc;
pub mod ptp;
pub mod serial;
pub mod source;
pub(crate) mod stamps;
pub mod status;
pub mod ticks;
mod udp;

pub use source::SourceHandle;
pub use status::{GenlockChange, GenlockReading, GenlockStatus};

use crate::clock::MonotonicClock;
use crate::error::LinkError;
use crate::pacer::Pacer;
use crate::tick::TickStop;
use crossbeam_channel::Receiver;
use cyc_core::beat::Jitter;
use cyc_core::{Clock, Rate, StageTime, TickSource, Timecode};
use cyc_stage::stage::{GenlockSource, LabelSource, Sound, Stage};
use labels::Labels;
use std::sync::Arc;
use ticks::{BeatPlan, GenlockTicks, Parts};

/// What a source of beats or labels heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A frame of the source began.
    Pulse {
        /// When, on the stage clock, as well as the source can say.
        at: StageTime,
        /// The source's own count of its frames, where it has one.
        count: Option<i64>,
    },
    /// The label of the frame that began at `at`.
    Label {
        /// The label.
        label: Timecode,
        /// When the frame that carries it began.
        at: StageTime,
        /// Frames of the label's rate in a second, rounded up (24, 25, 30), where the source says.
        nominal: Option<u32>,
        /// +1 forwards, -1 backwards.
        direction: i8,
    },
    /// The source's device is in trouble, in words for the operator.
    Trouble(String),
    /// The device works again.
    Well,
}

/// Where sources put what they heard.
pub type Inbox = crossbeam_channel::Sender<Heard>;

/// What a source may say between two beats; the rest is dropped.
const INBOX: usize = 4096;
/// Changes that nobody has fetched; the rest are dropped.
const CHANGES: usize = 256;
/// Timecode has at most so many frames a second (SMPTE ST 12-1); faster stages count several frames for one of them.
const MOST_TIMECODE_HZ: u32 = 30;

/// A stage's clock and beat.
pub struct Genlock {
    /// The stage clock: TAI with PTP, else CLOCK_MONOTONIC.
    pub clock: Arc<dyn Clock>,
    /// The beat. All sources end with it.
    pub ticks: Box<dyn TickSource>,
    /// What is known of beat and labels, for the desk.
    pub status: GenlockStatus,
    /// What an operator must hear of; bounded, so that it may be drained at leisure.
    pub changes: Receiver<GenlockChange>,
}

/// Starts a stage's clock, its sources and its beat. The first wait gives `warm_up_frames` frames numbered 0 at once,
/// then the beat begins; `stop` ends it. A source that cannot be had is named and tried again for ever, and the stage
/// runs free meanwhile.
///
/// # Errors
/// No thread for a source.
pub fn start(stage: &Stage, warm_up_frames: u32, stop: TickStop) -> Result<Genlock, LinkError> {
    let rate = stage.frame_rate;
    let mut sources = Vec::new();
    let (mut news, mut first) = (None, None);
    let clock: Arc<dyn Clock> = match &stage.genlock.source {
        GenlockSource::Ptp(config) => {
            let ptp::Running { clock, handle, news: said, first: said_first } = ptp::start(config, rate)?;
            sources.push(handle);
            (news, first) = (Some(said), Some(said_first));
            clock
        }
        _ => Arc::new(MonotonicClock),
    };
    let heard = heard_of(start_beat(&stage.genlock.source, rate, &clock)?, &mut sources);
    let labels_heard = heard_of(start_labels(&stage.timecode.source, &clock)?, &mut sources);
    let mut reading = GenlockReading::new(name_of(&stage.genlock.source), label_name(stage), rate);
    if let Some(first) = &first {
        reading.source = format!("{} ({})", reading.source, first.reference);
        reading.trouble.clone_from(&first.verdict.why);
    }
    let status = GenlockStatus::new(reading);
    let (changes_in, changes) = crossbeam_channel::bounded(CHANGES);
    let ticks = GenlockTicks::new(Parts {
        clock: clock.clone(),
        plan: plan(stage),
        heard,
        first_news: first,
        news,
        labels: Labels::new(&stage.timecode, rate),
        labels_heard,
        sources,
        pacer: Some(Pacer::new(stage.pacer, rate)),
        warm_up_frames,
        stop,
        status: status.clone(),
        changes: changes_in,
    });
    Ok(Genlock { clock, ticks: Box::new(ticks), status, changes })
}

type Started = Option<(SourceHandle, Receiver<Heard>)>;

fn heard_of(started: Started, sources: &mut Vec<SourceHandle>) -> Option<Receiver<Heard>> {
    let (handle, heard) = started?;
    sources.push(handle);
    Some(heard)
}

fn start_beat(source: &GenlockSource, rate: Rate, clock: &Arc<dyn Clock>) -> Result<Started, LinkError> {
    let (inbox, heard) = crossbeam_channel::bounded(INBOX);
    let clock = clock.clone();
    let handle = match source {
        GenlockSource::Internal | GenlockSource::Ptp(_) => return Ok(None),
        GenlockSource::Ltc(config) => ltc::start(config, clock, inbox),
        GenlockSource::Mtc(config) => mtc::start(config, clock, inbox),
        GenlockSource::ArtNet(config) => artnet::start(config, clock, inbox),
        GenlockSource::Osc(config) => osc::start(config, clock, inbox),
        GenlockSource::Serial(config) => serial::start(config, clock, inbox),
        GenlockSource::Display(config) => display::start(config, rate, clock, inbox),
    };
    Ok(Some((handle?, heard)))
}

fn start_labels(source: &LabelSource, clock: &Arc<dyn Clock>) -> Result<Started, LinkError> {
    let (inbox, heard) = crossbeam_channel::bounded(INBOX);
    let clock = clock.clone();
    let handle = match source {
        LabelSource::Count { .. } | LabelSource::TimeOfDay { .. } | LabelSource::Genlock => return Ok(None),
        LabelSource::Ltc(config) => ltc::start(config, clock, inbox),
        LabelSource::Mtc(config) => mtc::start(config, clock, inbox),
        LabelSource::ArtNet(config) => artnet::start(config, clock, inbox),
        LabelSource::Osc(config) => osc::start(config, clock, inbox),
    };
    Ok(Some((handle?, heard)))
}

/// How a stage's beat is made.
pub fn plan(stage: &Stage) -> BeatPlan {
    let (rate, phase_nanos) = (stage.frame_rate, stage.genlock.phase_nanos);
    let pulses = |pulse_rate, jitter| BeatPlan::Pulses { rate, pulse_rate, jitter, phase_nanos };
    match stage.genlock.source {
        GenlockSource::Internal => BeatPlan::Internal { rate },
        GenlockSource::Ptp(_) => BeatPlan::Aligned { rate, phase_nanos },
        GenlockSource::Ltc(_) => pulses(timecode_rate(rate), Jitter::Symmetric),
        GenlockSource::Mtc(_) | GenlockSource::ArtNet(_) => pulses(timecode_rate(rate), Jitter::OneSided),
        GenlockSource::Osc(_) => pulses(rate, Jitter::OneSided),
        GenlockSource::Serial(_) | GenlockSource::Display(_) => pulses(rate, Jitter::Symmetric),
    }
}

/// How many frames of timecode a stage of `rate` hears a second: its own, or the largest whole part of it that
/// timecode has.
pub fn timecode_rate(rate: Rate) -> Rate {
    let parts = (1..).map(|part| Rate::new(rate.num(), rate.den().saturating_mul(part)));
    let slow = |rate: &Rate| u64::from(rate.num()) <= u64::from(MOST_TIMECODE_HZ) * u64::from(rate.den());
    parts.take(64).flatten().find(slow).unwrap_or(rate)
}

fn name_of(source: &GenlockSource) -> String {
    match source {
        GenlockSource::Internal => "internal".to_owned(),
        GenlockSource::Ptp(ptp) => format!("PTP domain {}", ptp.domain),
        GenlockSource::Ltc(sound) => sound_name(sound),
        GenlockSource::Mtc(midi) => format!("MTC on \"{}\"", midi.port),
        GenlockSource::ArtNet(artnet) => format!("Art-Net timecode on {}", artnet.udp),
        GenlockSource::Osc(osc) => format!("OSC {} on {}", osc.address, osc.udp),
        GenlockSource::Serial(serial) => format!("{:?} on {}", serial.pulse, serial.device),
        GenlockSource::Display(display) => {
            format!("display {} of {}", display.connector.as_deref().unwrap_or("that is on"), display.card)
        }
    }
}

fn label_name(stage: &Stage) -> String {
    match &stage.timecode.source {
        LabelSource::Count { start } => format!("counted from {start}"),
        LabelSource::TimeOfDay { .. } => "time of day".to_owned(),
        LabelSource::Genlock => name_of(&stage.genlock.source),
        LabelSource::Ltc(sound) => sound_name(sound),
        LabelSource::Mtc(midi) => name_of(&GenlockSource::Mtc(midi.clone())),
        LabelSource::ArtNet(artnet) => name_of(&GenlockSource::ArtNet(artnet.clone())),
        LabelSource::Osc(osc) => name_of(&GenlockSource::Osc(osc.clone())),
    }
}

fn sound_name(sound: &Sound) -> String {
    match sound {
        Sound::Device { name, channel } => format!("LTC on \"{name}\", channel {channel}"),
        Sound::File { path, channel } => format!("LTC from {}, channel {channel}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faster_stages_hear_a_whole_part_of_their_rate_as_timecode() {
        let cases = [
            ("24000/1001", "24000/1001"),
            ("24", "24"),
            ("25", "25"),
            ("30000/1001", "30000/1001"),
            ("30", "30"),
            ("48000/1001", "24000/1001"),
            ("48", "24"),
            ("50", "25"),
            ("60000/1001", "30000/1001"),
            ("60", "30"),
            ("72", "24"),
            ("96", "24"),
            ("100", "25"),
            ("120000/1001", "30000/1001"),
            ("120", "30"),
        ];
        for (stage, timecode) in cases {
            let rate: Rate = stage.parse().unwrap();
            assert_eq!(timecode_rate(rate).to_string(), timecode);
            let plan =
                BeatPlan::Pulses { rate, pulse_rate: timecode_rate(rate), jitter: Jitter::Symmetric, phase_nanos: 0 };
            assert_eq!(plan.check(), Ok(()));
        }
    }
}
