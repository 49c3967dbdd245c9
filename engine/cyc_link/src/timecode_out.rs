//! Timecode and ticks that leave, so that light, sound and playback can follow the stage.
//!
//! The frame thread says what begins ([`TimecodeOutputs::tick`]) and never waits: each output has a thread and a
//! queue of its own, and what a stuck one has no room for is dropped and counted. Parts: `carry` (which label of
//! which format stands for a frame), `ltc` (sound that follows the beat), `mtc` (quarter frames spread over the
//! frame), `packets` (Art-Net and OSC).
//!
//! | stage | LTC, MTC, Art-Net |
//! | --- | --- |
//! | 24, 25, 30 and their 1000/1001 | the same labels; 23.976 is type 24, 29.97 is drop-frame or 30 |
//! | 48, 50, 60, 59.94 and so on | labels at 24, 25 or 30, one for every second, third ... frame |
//! | any other | no timecode of these formats; said once. OSC goes at every rate |

mod carry;
mod ltc;
mod mtc;
mod packets;

use crate::error::LinkError;
use crate::genlock::source::{SourceHandle, Tell};
use cyc_core::{Clock, Rate, StageTime, Timecode};
use cyc_stage::stage::TimecodeOut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use carry::{Carried, carried};

/// Frames that an output may lie behind before some are dropped for it.
const QUEUE: usize = 64;

/// What an output is told.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// A frame began.
    Frame(Frame),
    /// A cue happened on a frame.
    Cue {
        /// Its name.
        name: Arc<str>,
        /// The frame.
        frame: u64,
    },
}

/// A frame of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its number.
    pub frame: u64,
    /// Its label, at the stage's rate.
    pub label: Timecode,
    /// When it began, ideally.
    pub ideal: StageTime,
}

/// What an output's thread listens to.
pub(crate) type Queue = crossbeam_channel::Receiver<Said>;

/// All outputs of a stage, running. Dropping it ends them; a file is closed so that it can be played.
pub struct TimecodeOutputs {
    outputs: Vec<Output>,
    dropped: AtomicU64,
}

struct Output {
    name: String,
    health: Health,
    // Before the handle: a thread ends when nobody can tell it anything any more.
    queue: crossbeam_channel::Sender<Said>,
    _thread: SourceHandle,
}

impl TimecodeOutputs {
    /// Starts every output of a stage at `rate`. A device that is not there is no error: it is named in
    /// [`TimecodeOutputs::health`] and opened when it comes.
    ///
    /// # Errors
    /// No thread.
    pub fn start(outputs: &[TimecodeOut], rate: Rate, clock: Arc<dyn Clock>) -> Result<Self, LinkError> {
        let start = |output: &TimecodeOut| {
            let (queue, said) = crossbeam_channel::bounded(QUEUE);
            let health = Health::default();
            let thread = run(output, rate, clock.clone(), said, health.clone())?;
            Ok(Output { name: name(output), health, queue, _thread: thread })
        };
        let outputs = outputs.iter().map(start).collect::<Result<_, LinkError>>()?;
        Ok(Self { outputs, dropped: AtomicU64::new(0) })
    }

    /// A frame began: its number, its label at the stage's rate, and its ideal instant. Never waits.
    pub fn tick(&self, frame: u64, label: Timecode, ideal: StageTime) {
        self.say(&Said::Frame(Frame { frame, label, ideal }));
    }

    /// A cue happened on `frame`. Never waits.
    pub fn cue(&self, name: &str, frame: u64) {
        if !self.outputs.is_empty() {
            self.say(&Said::Cue { name: name.into(), frame });
        }
    }

    fn say(&self, said: &Said) {
        for output in &self.outputs {
            if output.queue.try_send(said.clone()).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Frames and cues that outputs were told and had no room for, all together.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Frames and cues that wait in the fullest queue.
    pub fn backlog(&self) -> usize {
        self.outputs.iter().map(|output| output.queue.len()).max().unwrap_or(0)
    }

    /// Each output, in the order of the stage file: its name and what is wrong with it, if anything. Not for the
    /// frame thread.
    pub fn health(&self) -> Vec<(String, Option<String>)> {
        self.outputs.iter().map(|output| (output.name.clone(), output.health.get())).collect()
    }
}

/// The MIDI ports that timecode can go to, by the names in which stage files may name a part.
///
/// # Errors
/// In words for the operator: there is no MIDI at all.
pub fn midi_ports() -> Result<Vec<String>, String> {
    mtc::ports()
}

/// What is wrong with an output, in words for the operator; said in the log when it changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tell for Health {
    fn trouble(&mut self, text: String) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_ref() != Some(&text) {
            tracing::warn!("{text}");
            *trouble = Some(text);
        }
    }

    fn well(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn name(output: &TimecodeOut) -> String {
    use cyc_stage::stage::Sound;
    match output {
        TimecodeOut::Ltc(Sound::Device { name, channel }) => format!("LTC on channel {channel} of \"{name}\""),
        TimecodeOut::Ltc(Sound::File { path, .. }) => format!("LTC to {}", path.display()),
        TimecodeOut::Mtc(midi) => format!("MTC to \"{}\"", midi.port),
        TimecodeOut::ArtNet(artnet) => format!("Art-Net timecode to {}", artnet.udp),
        TimecodeOut::Osc { to, .. } => format!("OSC {} to {}", to.address, to.udp),
    }
}

fn run(
    output: &TimecodeOut,
    rate: Rate,
    clock: Arc<dyn Clock>,
    queue: Queue,
    health: Health,
) -> Result<SourceHandle, LinkError> {
    match output {
        TimecodeOut::Ltc(sound) => ltc::start(sound, rate, clock, queue, health),
        TimecodeOut::Mtc(midi) => mtc::start(midi, rate, clock, queue, health),
        TimecodeOut::ArtNet(artnet) => packets::start_artnet(artnet, rate, queue, health),
        TimecodeOut::Osc { to, every } => packets::start_osc(to, *every, queue, health),
    }
}

/// Says that a format cannot carry the stage's rate, and then lets everything pass.
fn refuse(rate: Rate, format: &str, queue: &Queue, health: &mut Health) {
    health.trouble(format!(
        "{format} cannot carry {rate} frames a second: it counts 24, 25 or 30, or every n-th frame of a multiple. Use \
         OSC, which carries any rate"
    ));
    while queue.recv().is_ok() {}
}
