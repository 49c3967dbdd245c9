//! Linear timecode as beat and label: from a sound device, or from a WAV file played in real time.
//!
//! A frame is stamped with the time at which its word's first bit began, by the sound device's own samples; the word
//! itself is known a frame later, when it has ended. What the device's converter delays is not known to anybody
//! here; `phase` takes it away.

use super::Inbox;
use super::source::{SourceHandle, Stop, Teller};
use crate::error::LinkError;
use crate::sound::clock::SoundClock;
use crate::sound::stream::{Hear, Place, listen};
use cyc_core::{Clock, Rate, StageTime};
use cyc_stage::stage::Sound;
use cyc_wire::ltc::Decoder;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the search for the timecode's speed begins; it finds any.
const FIRST_RATE: (u32, u32) = (25, 1);
/// Sound without a word for this long is no timecode, seconds.
const PATIENCE_SECS: u64 = 2;
/// Quieter than this from peak to peak (2 is full scale) is silence: -60 dB.
const SILENCE: f32 = 0.002;
/// A file is played in pieces of this many nanoseconds.
const PIECE_NANOS: i64 = 10_000_000;
/// How long a player that has nothing more to play sleeps at a time.
const DONE: Duration = Duration::from_secs(3600);

/// Listens to a sound device's channel, or plays a file. A device that is not there, or goes, is named and tried
/// again; so is a channel that is silent or carries no timecode.
///
/// # Errors
/// No thread.
pub fn start(config: &Sound, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<SourceHandle, LinkError> {
    match config.clone() {
        Sound::Device { name, channel } => {
            let place = Place { device: name, channel };
            let what = format!("channel {channel} of sound input \"{}\"", place.device);
            SourceHandle::spawn("genlock ltc", move |stop| {
                let mut teller = Teller::new(inbox.clone());
                listen(&place, &clock, stop, &mut teller, |hz| Words::new(&what, hz, Teller::new(inbox.clone())));
            })
        }
        Sound::File { path, channel } => SourceHandle::spawn("genlock ltc", move |stop| {
            let mut player = Player { path, channel, clock, inbox };
            if let Err(text) = player.play(stop) {
                Teller::new(player.inbox.clone()).trouble(text);
            }
            while !stop.pause(DONE) {}
        }),
    }
}

/// Makes beats and labels of sound.
struct Words {
    what: String,
    sample_rate_hz: u32,
    teller: Teller,
    decoder: Decoder,
    /// Samples since the last word.
    wordless: u64,
}

impl Words {
    fn new(what: &str, sample_rate_hz: u32, teller: Teller) -> Self {
        let decoder = decoder(sample_rate_hz);
        Self { what: what.into(), sample_rate_hz, teller, decoder, wordless: 0 }
    }

    /// So many samples brought no word. Names a channel without timecode, every [`PATIENCE_SECS`] anew.
    fn judge(&mut self, samples: usize) {
        let patience = PATIENCE_SECS * u64::from(self.sample_rate_hz);
        let before = self.wordless / patience;
        self.wordless += samples as u64;
        if self.wordless / patience == before {
            return;
        }
        let (what, signal) = (&self.what, self.decoder.signal());
        self.teller.trouble(if signal.peak_to_peak < SILENCE {
            format!("{what} is silent: no timecode; is its sender playing, and on this channel?")
        } else {
            format!("{what} carries sound that is no timecode: another channel, noise, or a level that clips?")
        });
    }
}

fn decoder(sample_rate_hz: u32) -> Decoder {
    match Rate::new(FIRST_RATE.0, FIRST_RATE.1) {
        Some(rate) => Decoder::new(sample_rate_hz, rate),
        None => unreachable!("a whole number between 1 and 1000 is a rate"),
    }
}

impl Hear for Words {
    fn block(&mut self, samples: &[f32], clock: &SoundClock) {
        let (teller, mut words) = (&mut self.teller, 0);
        self.decoder.push(samples, |word| {
            let Some(at) = clock.time_of(word.begin_sample) else { return };
            words += 1;
            teller.pulse(at, None);
            teller.label(word.label, at, word.nominal, word.direction.sign());
        });
        if words > 0 {
            self.wordless = 0;
            self.teller.well();
        } else {
            self.judge(samples.len());
        }
    }

    fn lost(&mut self) {
        self.decoder.skip(0);
    }
}

/// Plays a file in real time, once.
struct Player {
    path: PathBuf,
    channel: u16,
    clock: Arc<dyn Clock>,
    inbox: Inbox,
}

impl Player {
    /// Until the file or the stage ends.
    ///
    /// # Errors
    /// In words for the operator: no such file, no WAV file, no such channel, damage; and that the file has ended.
    fn play(&mut self, stop: &Stop) -> Result<(), String> {
        let shown = self.path.display().to_string();
        let mut wav = Wav::open(&self.path, self.channel)?;
        let hz = wav.sample_rate_hz;
        let mut words =
            Words::new(&format!("channel {} of {shown}", self.channel), hz, Teller::new(self.inbox.clone()));
        words.teller.well();
        let (begin, mut sound, mut played, mut piece) = (self.clock.now(), SoundClock::new(hz), 0_u64, Vec::new());
        let piece_samples = (i64::from(hz) * PIECE_NANOS / 1_000_000_000).max(1) as usize;
        let time_of = |sample: u64| StageTime(begin.0 + (u128::from(sample) * 1_000_000_000 / u128::from(hz)) as i64);
        while wav.read(piece_samples, &mut piece)? {
            sound.observe(played, time_of(played));
            played += piece.len() as u64;
            self.clock.sleep_until(time_of(played));
            if stop.is_stopped() {
                return Ok(());
            }
            words.block(&piece, &sound);
        }
        Err(format!("{shown} has been played to its end"))
    }
}

/// One channel of a WAV file.
struct Wav {
    reader: hound::WavReader<BufReader<std::fs::File>>,
    shown: String,
    channels: usize,
    channel: usize,
    sample_rate_hz: u32,
    /// What a whole-number sample is divided by.
    scale: Option<f32>,
}

impl Wav {
    fn open(path: &Path, channel: u16) -> Result<Self, String> {
        let shown = path.display().to_string();
        let reader = hound::WavReader::open(path).map_err(|error| format!("{shown} cannot be played: {error}"))?;
        let spec = reader.spec();
        if channel >= spec.channels {
            return Err(format!(
                "{shown} has {} channels, the first being 0, and so no channel {channel}",
                spec.channels
            ));
        }
        if spec.sample_rate == 0 {
            return Err(format!("{shown} cannot be played: it says that it has 0 samples a second"));
        }
        let scale = (spec.sample_format == hound::SampleFormat::Int)
            .then(|| (1_u64 << spec.bits_per_sample.clamp(1, 32).saturating_sub(1)) as f32);
        let (channels, channel) = (spec.channels.into(), channel.into());
        Ok(Self { reader, shown, channels, channel, sample_rate_hz: spec.sample_rate, scale })
    }

    /// Reads up to so many samples; false at the end.
    fn read(&mut self, count: usize, out: &mut Vec<f32>) -> Result<bool, String> {
        out.clear();
        let (channels, channel, wanted) = (self.channels, self.channel, count * self.channels);
        let mut keep = |(i, sample): (usize, f32)| {
            if i % channels == channel {
                out.push(sample);
            }
        };
        let read = match self.scale {
            Some(scale) => (self.reader.samples::<i32>().take(wanted).enumerate())
                .try_for_each(|(i, sample)| sample.map(|sample| keep((i, sample as f32 / scale)))),
            None => (self.reader.samples::<f32>().take(wanted).enumerate())
                .try_for_each(|(i, sample)| sample.map(|sample| keep((i, sample)))),
        };
        read.map_err(|error| format!("{} is damaged: {error}", self.shown))?;
        Ok(!out.is_empty())
    }
}
