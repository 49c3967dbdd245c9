//! Linear timecode that leaves: sound whose words begin at the frames' ideal instants.
//!
//! A sound device wants its samples a few hundredths of a second before they sound, so the frames that are told are
//! a reference from which the coming ones are reckoned: the word that begins at an instant is the reference's label
//! plus the frames between, and it is made a little longer or shorter so that the next one begins on time. A jump of
//! the label is therefore heard as late as the device's buffer is long, never in the middle of a word.

use super::{Frame, Health, Queue, Said, carried, refuse};
use crate::error::LinkError;
use crate::genlock::source::{SourceHandle, Tell};
use crate::sound::stream::{Place, Speak, speak};
use cyc_core::{Clock, Rate, StageTime, Timecode};
use cyc_stage::stage::Sound;
use cyc_wire::ltc::{Direction, Layout, LtcRepr, Modulator, to_i16};
use cyc_wire::timecode::Counting;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Line level, 1 being full scale: -12 dBFS, which inputs set for programme take without clipping.
const AMPLITUDE: f32 = 0.25;
/// Without a frame for this long the stage has stopped, and so does its timecode; nanoseconds.
const SILENT_AFTER_NANOS: i64 = 1_000_000_000;
/// A word is stretched or shortened by this part at most: readers follow that without losing a bit.
const MOST_STRETCH: f64 = 0.05;
/// Samples a second in a file.
const FILE_HZ: u32 = 48_000;
/// A file is completed this often, so that what was written can be played whatever happens.
const FLUSH_SAMPLES: u64 = FILE_HZ as u64;
/// A stage that jumps in time by more than this, nanoseconds, leaves no gap in a file.
const MOST_GAP_NANOS: i64 = 10_000_000_000;
/// A WAV file holds no more than 4 GiB; 16 bit, one channel.
const MOST_SAMPLES: u64 = (u32::MAX as u64 - 1024) / 2;

/// Starts timecode on a sound device's channel or in a WAV file, which is written anew.
pub(super) fn start(
    config: &Sound,
    rate: Rate,
    clock: Arc<dyn Clock>,
    queue: Queue,
    mut health: Health,
) -> Result<SourceHandle, LinkError> {
    let can = carried(rate, Timecode::default()).is_some();
    match config.clone() {
        _ if !can => SourceHandle::spawn("tc ltc", move |_| refuse(rate, "LTC", &queue, &mut health)),
        Sound::Device { name, channel } => SourceHandle::spawn("tc ltc", move |stop| {
            let place = Place { device: name, channel };
            speak(&place, &clock, stop, &mut health, |hz| Mouth { queue: queue.clone(), voice: Voice::new(rate, hz) });
        }),
        // Every channel of the file but the first would be silent, so it has one.
        Sound::File { path, channel: _ } => SourceHandle::spawn("tc ltc", move |_| {
            let mut file = TimecodeFile::new(path, rate);
            while let Ok(said) = queue.recv() {
                let Said::Frame(frame) = said else { continue };
                match file.frame(&frame) {
                    Ok(()) => health.well(),
                    Err(text) => health.trouble(text),
                }
            }
            if let Err(text) = file.close() {
                health.trouble(text);
            }
        }),
    }
}

/// A sound device's share: takes what was told, and fills.
struct Mouth {
    queue: Queue,
    voice: Voice,
}

impl Speak for Mouth {
    fn fill(&mut self, first: StageTime, period_nanos: f64, samples: &mut [f32]) {
        for said in self.queue.try_iter() {
            if let Said::Frame(frame) = said {
                self.voice.tell(&frame);
            }
        }
        self.voice.fill(first, period_nanos, samples);
    }
}

/// The newest frame that was told, as a label that LTC carries.
#[derive(Debug, Clone, Copy)]
struct Reference {
    label: Timecode,
    counting: Counting,
    /// When that label's frame began.
    begin: StageTime,
    /// One frame of the label's rate, nanoseconds.
    frame_nanos: f64,
    /// When the stage said so.
    told: StageTime,
    direction: Direction,
}

/// Timecode as sound at any instant, from frames that are told.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    rate: Rate,
    modulator: Modulator,
    reference: Option<Reference>,
    /// The word that is being spoken, and how much of it has been.
    word: Vec<f32>,
    spoken: usize,
}

impl Voice {
    /// For a stage at `rate` and sound of so many samples a second.
    pub(crate) fn new(rate: Rate, sample_rate_hz: u32) -> Self {
        let modulator = Modulator::new(sample_rate_hz, AMPLITUDE);
        Self { rate, modulator, reference: None, word: Vec::new(), spoken: 0 }
    }

    /// A frame of the stage began, or is about to.
    pub(crate) fn tell(&mut self, frame: &Frame) {
        let Some(carried) = carried(self.rate, frame.label) else { return };
        let ago = self.rate.nanos_of_frame(carried.frames_ago.into());
        let direction = self.reference.as_ref().map_or(Direction::Forward, |last| {
            let back = carried.counting == last.counting && carried.counting.advance(last.label, -1) == carried.label;
            match back || (carried.label == last.label && last.direction == Direction::Backward) {
                true => Direction::Backward,
                false => Direction::Forward,
            }
        });
        self.reference = Some(Reference {
            label: carried.label,
            counting: carried.counting,
            begin: frame.ideal.plus_nanos(-ago),
            frame_nanos: 1e9 * f64::from(carried.rate.den()) / f64::from(carried.rate.num()),
            told: frame.ideal,
            direction,
        });
    }

    /// Fills samples, the first of which sounds at `first` and each further one `period_nanos` later.
    pub(crate) fn fill(&mut self, first: StageTime, period_nanos: f64, samples: &mut [f32]) {
        let mut filled = 0;
        while filled < samples.len() {
            if self.spoken == self.word.len() {
                let now = first.plus_nanos((filled as f64 * period_nanos) as i64);
                let silent = self.begin_word(now, period_nanos).min(samples.len() - filled);
                samples[filled..filled + silent].fill(0.0);
                filled += silent;
            }
            let count = (samples.len() - filled).min(self.word.len() - self.spoken);
            samples[filled..filled + count].copy_from_slice(&self.word[self.spoken..self.spoken + count]);
            (filled, self.spoken) = (filled + count, self.spoken + count);
        }
    }

    /// Makes the word that is to sound from `now` on; how many samples of silence come before it, or instead of it.
    fn begin_word(&mut self, now: StageTime, period_nanos: f64) -> usize {
        let was_speaking = !self.word.is_empty();
        self.word.clear();
        self.spoken = 0;
        let Some(reference) = self.reference.filter(|r| now.nanos_since(r.told) <= SILENT_AFTER_NANOS) else {
            return usize::MAX;
        };
        let since = now.nanos_since(reference.begin) as f64 + self.modulator.begin() * period_nanos;
        let frames = since / reference.frame_nanos;
        // A word that follows another continues at once, and the beat is caught up with by its length. One that breaks
        // a silence begins with a frame, to the nearest sample.
        let frame = if was_speaking { frames.round() } else { (frames - period_nanos / reference.frame_nanos).ceil() };
        let early = ((frame * reference.frame_nanos - since) / period_nanos).round();
        if !was_speaking && early >= 1.0 {
            // Silence first: the word is made when its time has come.
            return early as usize;
        }
        let nominal = reference.frame_nanos / period_nanos;
        let length = ((frame + 1.0) * reference.frame_nanos - since) / period_nanos;
        let length = length.clamp(nominal * (1.0 - MOST_STRETCH), nominal * (1.0 + MOST_STRETCH));
        let steps = frame as i64 * i64::from(reference.direction.sign());
        let label = reference.counting.advance(reference.label, steps);
        let repr = LtcRepr { label, ..LtcRepr::default() };
        match repr.emit(Layout::of_nominal(reference.counting.nominal())) {
            Ok(word) => self.modulator.word(&word, reference.direction, length, &mut self.word),
            // A label that no word can hold: a frame of silence.
            Err(_) => self.word.resize(nominal as usize + 1, 0.0),
        }
        0
    }
}

/// Timecode in a file: its first sample is the first frame's instant.
struct TimecodeFile {
    path: PathBuf,
    voice: Voice,
    writer: Option<hound::WavWriter<BufWriter<std::fs::File>>>,
    begin: Option<StageTime>,
    written: u64,
    block: Vec<f32>,
    failed: Option<String>,
    last: Option<Frame>,
}

impl TimecodeFile {
    fn new(path: PathBuf, rate: Rate) -> Self {
        let voice = Voice::new(rate, FILE_HZ);
        Self { path, voice, writer: None, begin: None, written: 0, block: Vec::new(), failed: None, last: None }
    }

    /// Writes everything up to the frame.
    ///
    /// # Errors
    /// In words for the operator; said again for every frame, since nothing more is written then.
    fn frame(&mut self, frame: &Frame) -> Result<(), String> {
        if let Some(text) = &self.failed {
            return Err(text.clone());
        }
        if self.begin.is_none() {
            self.writer = Some(create(&self.path).map_err(|error| self.fail(&error))?);
            self.begin = Some(frame.ideal);
        }
        self.write_until(frame.ideal)?;
        self.voice.tell(frame);
        self.last = Some(*frame);
        Ok(())
    }

    /// Writes the last frame and completes the file.
    fn close(mut self) -> Result<(), String> {
        if let Some(last) = self.last.filter(|_| self.failed.is_none()) {
            self.write_until(last.ideal.plus_nanos(self.voice.rate.frame_nanos()))?;
        }
        match self.writer.take() {
            Some(writer) => writer.finalize().map_err(|error| self.fail(&error)),
            None => Ok(()),
        }
    }

    fn write_until(&mut self, until: StageTime) -> Result<(), String> {
        let Some(mut begin) = self.begin else { return Ok(()) };
        let gap = until.nanos_since(time_of(begin, self.written));
        if gap.saturating_abs() > MOST_GAP_NANOS {
            begin = begin.plus_nanos(gap);
            self.begin = Some(begin);
        }
        let nanos = u128::try_from(until.nanos_since(begin)).unwrap_or(0);
        // To the nearest sample: the first one of a frame belongs to that frame's word, of which nothing is known yet.
        let end = (nanos * u128::from(FILE_HZ) + 500_000_000) / 1_000_000_000;
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        while self.written < end {
            if self.written >= MOST_SAMPLES {
                return Err(self.fail(&"it is full, as a WAV file is at 4 GiB"));
            }
            let count = (end - self.written).min(FLUSH_SAMPLES - self.written % FLUSH_SAMPLES);
            self.block.clear();
            self.block.resize(usize::try_from(count).unwrap_or(0), 0.0);
            self.voice.fill(time_of(begin, self.written), 1e9 / f64::from(FILE_HZ), &mut self.block);
            self.written += count;
            self.append().map_err(|error| self.fail(&error))?;
        }
        Ok(())
    }

    fn append(&mut self) -> hound::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        self.block.iter().try_for_each(|sample| writer.write_sample(to_i16(*sample)))?;
        if self.written.is_multiple_of(FLUSH_SAMPLES) { writer.flush() } else { Ok(()) }
    }

    fn fail(&mut self, why: &dyn std::fmt::Display) -> String {
        let text = format!("LTC cannot be written to {}: {why}", self.path.display());
        self.failed = Some(text.clone());
        text
    }
}

/// When a sample of a file sounds, rounded down.
fn time_of(begin: StageTime, sample: u64) -> StageTime {
    let nanos = u128::from(sample) * 1_000_000_000 / u128::from(FILE_HZ);
    begin.plus_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn create(path: &Path) -> hound::Result<hound::WavWriter<BufWriter<std::fs::File>>> {
    let sample_format = hound::SampleFormat::Int;
    hound::WavWriter::create(
        path,
        hound::WavSpec { channels: 1, sample_rate: FILE_HZ, bits_per_sample: 16, sample_format },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_wire::ltc::{Decoder, LtcWord};

    const HZ: u32 = 48_000;
    /// A sound device's block, samples, and how long before it sounds it is asked for, nanoseconds.
    const BLOCK: usize = 960;
    const LATENCY: i64 = 40_000_000;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    /// What a device with a crystal `ppm` fast speaks in `secs` of a stage that tells `frame(n)` for its n-th frame:
    /// words, and when each of them began.
    fn speak(rate: Rate, ppm: f64, secs: f64, frame: impl Fn(u64) -> Option<Frame>) -> Vec<(LtcWord, i64)> {
        let (mut voice, mut decoder, mut words) = (Voice::new(rate, HZ), Decoder::new(HZ, rate), Vec::new());
        let period_nanos = 1e9 / f64::from(HZ) / (1.0 + ppm * 1e-6);
        let (mut told, mut block) = (0, vec![0.0; BLOCK]);
        for sample in (0..(secs * f64::from(HZ)) as u64).step_by(BLOCK) {
            let first = StageTime((sample as f64 * period_nanos) as i64);
            while rate.nanos_of_frame(told) <= first.0 - LATENCY {
                frame(told).iter().for_each(|frame| voice.tell(frame));
                told += 1;
            }
            voice.fill(first, period_nanos, &mut block);
            decoder.push(&block, |word| words.push((word, (word.begin_sample * period_nanos).round() as i64)));
        }
        words
    }

    fn counted(rate: Rate, n: u64) -> Frame {
        Frame { frame: n, label: Timecode::of_frame(n, rate, true), ideal: StageTime(rate.nanos_of_frame(n)) }
    }

    #[test]
    fn words_begin_at_the_ideal_instants_whatever_the_crystal() {
        for (name, ppm) in [("24000/1001", 0.0), ("25", 150.0), ("30000/1001", -150.0), ("30", 20.0)] {
            let rate = rate(name);
            let words = speak(rate, ppm, 10.0, |n| Some(counted(rate, n)));
            assert!(words.len() > 220, "{name}: {}", words.len());
            for (word, at) in words {
                let n = rate.frame_at_nanos(at + 1_000_000);
                assert_eq!(word.label, Timecode::of_frame(n, rate, true), "{name}");
                let error = at - rate.nanos_of_frame(n);
                assert!(error.abs() < 15_000, "{name}, frame {n}: {error} ns");
            }
        }
    }

    #[test]
    fn a_beat_that_moves_is_followed_without_breaking_a_word() {
        let rate = rate("25");
        let moved = |n: u64| StageTime(rate.nanos_of_frame(n) + if n >= 100 { 7_000_000 } else { 0 });
        let words = speak(rate, 0.0, 10.0, |n| Some(Frame { ideal: moved(n), ..counted(rate, n) }));
        for pair in words.windows(2) {
            assert!((pair[1].0.begin_sample - pair[0].0.end_sample).abs() < 0.6, "no gap");
            assert_eq!(pair[1].0.label.frame(rate).unwrap(), pair[0].0.label.frame(rate).unwrap() + 1);
        }
        let (last, at) = words.last().unwrap();
        assert!((at - moved(last.label.frame(rate).unwrap()).0).abs() < 15_000);
    }

    #[test]
    fn a_label_that_jumps_is_heard_a_latency_later_and_backwards_is_spoken_backwards() {
        let rate = rate("25");
        let jump = |n: u64| if n < 50 { n } else { n + 10_000 };
        let at = |n| StageTime(rate.nanos_of_frame(n));
        let words = speak(rate, 0.0, 4.0, |n| Some(Frame { ideal: at(n), ..counted(rate, jump(n)) }));
        for (word, at) in &words {
            let n = rate.frame_at_nanos(at + 1_000_000);
            let label = word.label.frame(rate).unwrap();
            assert!(label == jump(n) || (label == n && (50..53).contains(&n)), "frame {n}: {label}");
        }
        let words = speak(rate, 0.0, 4.0, |n| Some(Frame { ideal: at(n), ..counted(rate, 90_000 - n) }));
        assert!(words.len() > 80);
        for (word, at) in words.iter().skip(5) {
            assert_eq!(word.direction, Direction::Backward);
            assert_eq!(word.label.frame(rate).unwrap(), 90_000 - rate.frame_at_nanos(at + 1_000_000));
        }
    }

    #[test]
    fn a_stage_that_stops_falls_silent_after_a_second_and_speaks_again() {
        let rate = rate("30");
        let words = speak(rate, 0.0, 10.0, |n| (!(60..150).contains(&n)).then(|| counted(rate, n)));
        let spoken: Vec<u64> = words.iter().map(|(_, at)| rate.frame_at_nanos(at + 1_000_000)).collect();
        // Told up to frame 59, spoken for a second more.
        assert!(spoken.contains(&85) && !spoken.iter().any(|n| (92..150).contains(n)), "{spoken:?}");
        assert!(words.iter().filter(|(_, at)| rate.frame_at_nanos(at + 1_000_000) > 155).count() > 100);
        let (word, at) = words.last().unwrap();
        assert_eq!(word.label.frame(rate).unwrap(), rate.frame_at_nanos(at + 1_000_000));
    }

    #[test]
    fn a_silence_ends_wherever_the_sample_grid_lies() {
        let rate = rate("25");
        for step in 0..100 {
            let at = |n| StageTime(rate.nanos_of_frame(n) + step * 500);
            let words = speak(rate, 0.0, 0.5, |n| Some(Frame { ideal: at(n), ..counted(rate, n) }));
            assert!(words.len() >= 9, "{step}: {}", words.len());
        }
    }

    #[test]
    fn a_fast_stage_speaks_every_second_label() {
        let rate = rate("60000/1001");
        let at = |n| StageTime(rate.nanos_of_frame(n));
        let words = speak(rate, 0.0, 5.0, |n| Some(Frame { ideal: at(n), ..counted(rate, n + 3590) }));
        assert!(words.len() > 130);
        for (word, at) in words {
            let n = rate.frame_at_nanos(at + 1_000_000) + 3590;
            assert!(n.is_multiple_of(2));
            let label = Timecode::of_frame(n, rate, true);
            assert_eq!(word.label, Timecode { frames: label.frames / 2, ..label });
        }
    }
}
