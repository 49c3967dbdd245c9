//! Streams from and to sound devices, each supervised by a thread that opens the device again when it went.

use super::clock::{Pace, SoundClock};
use super::{Way, configure, explain, find};
use crate::genlock::source::{Stop, Tell};
use crate::genlock::stamps::StampMap;
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{Data, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig, StreamInstant};
use cyc_core::{Clock, StageTime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// How long after it failed a device is tried again: opening one may take the sound system some time.
const RETRY: Duration = Duration::from_secs(2);
/// How often a stream is looked after.
const LOOK: Duration = Duration::from_millis(100);
/// A device that has not called for this long, nanoseconds, has stopped.
const STALLED_NANOS: i64 = 2_000_000_000;
/// Sound asked for at a time: coming in soon, going out in pieces that survive a busy moment; milliseconds.
const PERIOD_MILLIS: [u32; 2] = [10, 20];
/// No device holds more sound than this, nanoseconds; a larger latency is a lie.
const MOST_LATENCY_NANOS: i64 = 5_000_000_000;

/// A device's first sound is nothing to go by, since its buffers fill and its latency is learned meanwhile: so long, in
/// parts of a second, is what comes in taken for silence, and what goes out is silence.
const SETTLE: [u64; 2] = [2, 1];

/// What listens to a stream. Called by the sound system's thread: must not wait.
pub(crate) trait Hear: Send + 'static {
    /// The next samples of the channel; `clock` knows when each sounded, the first ever being number 0.
    fn block(&mut self, samples: &[f32], clock: &SoundClock);
    /// Samples were lost before the next block; they are not counted.
    fn lost(&mut self);
}

/// What fills a stream. Called by the sound system's thread: must not wait.
pub(crate) trait Speak: Send + 'static {
    /// The next samples: the first leaves the device at `first`, each further one `period_nanos` later.
    fn fill(&mut self, first: StageTime, period_nanos: f64, samples: &mut [f32]);
}

/// Which channel of which device.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// As the stage file names the device.
    pub device: String,
    /// Channel, 0 the first.
    pub channel: u16,
}

/// Listens until the end; `make` is asked for a listener whenever the device was opened, with its sample rate.
pub(crate) fn listen<H: Hear>(
    place: &Place,
    clock: &Arc<dyn Clock>,
    stop: &Stop,
    tell: &mut dyn Tell,
    make: impl Fn(u32) -> H,
) {
    supervise(place, Way::In, clock, stop, tell, |device, config, format, state, failed| {
        let mut run = Run::new(clock.clone(), &config, place.channel, state);
        let mut hear = make(config.sample_rate);
        let data = move |data: &Data, info: &cpal::InputCallbackInfo| run.hear(data, info, &mut hear);
        device.build_input_stream_raw(config, format, data, failed, None)
    });
}

/// Speaks until the end; see [`listen`].
pub(crate) fn speak<S: Speak>(
    place: &Place,
    clock: &Arc<dyn Clock>,
    stop: &Stop,
    tell: &mut dyn Tell,
    make: impl Fn(u32) -> S,
) {
    supervise(place, Way::Out, clock, stop, tell, |device, config, format, state, failed| {
        let mut run = Run::new(clock.clone(), &config, place.channel, state);
        let mut speak = make(config.sample_rate);
        let data = move |data: &mut Data, info: &cpal::OutputCallbackInfo| run.speak(data, info, &mut speak);
        device.build_output_stream_raw(config, format, data, failed, None)
    });
}

type Failed = Box<dyn FnMut(cpal::Error) + Send>;

/// What the sound system's thread and its supervisor know of each other.
#[derive(Default)]
struct State {
    /// When the device called last, stage time.
    called: AtomicI64,
    has_called: AtomicBool,
    /// Samples were lost.
    lost: AtomicBool,
}

fn supervise(
    place: &Place,
    way: Way,
    clock: &Arc<dyn Clock>,
    stop: &Stop,
    tell: &mut dyn Tell,
    build: impl Fn(&cpal::Device, StreamConfig, SampleFormat, Arc<State>, Failed) -> Result<cpal::Stream, cpal::Error>,
) {
    let name = match way {
        Way::In => format!("sound input \"{}\"", place.device),
        Way::Out => format!("sound output \"{}\"", place.device),
    };
    while !stop.is_stopped() {
        let state = Arc::new(State::default());
        let (sender, failures) = crossbeam_channel::bounded(16);
        let opened = find(&place.device, way).and_then(|device| {
            let (config, format) = configure(&device, way, place.channel, PERIOD_MILLIS[usize::from(way == Way::Out)])?;
            let stream = build(&device, config, format, state.clone(), failed(state.clone(), sender));
            let stream = stream.map_err(|error| explain(&error))?;
            stream.play().map_err(|error| explain(&error))?;
            Ok(stream)
        });
        match opened {
            Ok(stream) => {
                if let Some(why) = look_after(&state, &failures, &**clock, stop, tell) {
                    tell.trouble(format!("{name}: {why}; it is opened again"));
                }
                drop(stream);
            }
            Err(why) => tell.trouble(format!("{name} cannot be opened: {why}")),
        }
        stop.pause(RETRY);
    }
}

/// What the stream calls when something is wrong with it.
fn failed(state: Arc<State>, failures: crossbeam_channel::Sender<cpal::Error>) -> Failed {
    Box::new(move |error| match error.kind() {
        // The stream goes on by itself.
        ErrorKind::Xrun => state.lost.store(true, Ordering::Release),
        ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
        _ => {
            let _ = failures.try_send(error);
        }
    })
}

/// Until the end (`None`), or until the stream fails: why.
fn look_after(
    state: &State,
    failures: &crossbeam_channel::Receiver<cpal::Error>,
    clock: &dyn Clock,
    stop: &Stop,
    tell: &mut dyn Tell,
) -> Option<String> {
    let opened = clock.now();
    while !stop.pause(LOOK) {
        if let Ok(error) = failures.try_recv() {
            return Some(explain(&error));
        }
        let has_called = state.has_called.load(Ordering::Acquire);
        let called = if has_called { StageTime(state.called.load(Ordering::Acquire)) } else { opened };
        if clock.now().nanos_since(called) > STALLED_NANOS {
            return Some("it has stopped".into());
        }
        if has_called {
            tell.well();
        }
    }
    None
}

/// A stream's state in the sound system's thread.
struct Run {
    clock: Arc<dyn Clock>,
    channels: usize,
    channel: usize,
    sample_rate_hz: u64,
    /// Samples so far.
    position: u64,
    stamps: StampMap,
    sound: SoundClock,
    pace: Pace,
    block: Vec<f32>,
    state: Arc<State>,
}

impl Run {
    fn new(clock: Arc<dyn Clock>, config: &StreamConfig, channel: u16, state: Arc<State>) -> Self {
        Self {
            clock,
            channels: usize::from(config.channels),
            channel: channel.into(),
            sample_rate_hz: config.sample_rate.into(),
            position: 0,
            stamps: StampMap::default(),
            sound: SoundClock::new(config.sample_rate),
            pace: Pace::new(config.sample_rate),
            block: Vec::new(),
            state,
        }
    }

    fn hear(&mut self, data: &Data, info: &cpal::InputCallbackInfo, hear: &mut dyn Hear) {
        let now = self.called();
        if self.state.lost.swap(false, Ordering::AcqRel) {
            self.sound.lost();
            hear.lost();
        }
        self.block.clear();
        if !read(data, self.channels, self.channel, &mut self.block) || self.block.is_empty() {
            return;
        }
        let stamp = info.timestamp();
        let latency = latency_nanos(stamp.callback, stamp.capture);
        let mut at = self.stamps.stage_time(nanos(stamp.callback), now).plus_nanos(-latency);
        if let Some(sounds) = self.pace.block(self.position, self.block.len(), now) {
            at = sounds;
            self.clock.sleep_until(sounds.plus_nanos(self.block_nanos()));
        }
        self.sound.observe(self.position, at);
        if self.is_settling(Way::In) {
            self.block.fill(0.0);
        }
        self.position += self.block.len() as u64;
        hear.block(&self.block, &self.sound);
    }

    fn speak(&mut self, data: &mut Data, info: &cpal::OutputCallbackInfo, speak: &mut dyn Speak) {
        let now = self.called();
        if self.state.lost.swap(false, Ordering::AcqRel) {
            self.sound.lost();
        }
        let count = data.len() / self.channels.max(1);
        if count == 0 {
            return;
        }
        self.block.clear();
        self.block.resize(count, 0.0);
        let stamp = info.timestamp();
        let latency = latency_nanos(stamp.playback, stamp.callback);
        let mut at = self.stamps.stage_time(nanos(stamp.callback), now).plus_nanos(latency);
        if let Some(sounds) = self.pace.block(self.position, count, now) {
            // As if it had a buffer for one more block.
            at = sounds.plus_nanos(self.block_nanos());
            self.clock.sleep_until(sounds);
        }
        self.sound.observe(self.position, at);
        let first = self.sound.time_of(self.position as f64).unwrap_or(at);
        if !self.is_settling(Way::Out) {
            speak.fill(first, self.sound.period_nanos(), &mut self.block);
        }
        self.position += count as u64;
        write(data, self.channels, self.channel, &self.block);
    }

    fn called(&self) -> StageTime {
        let now = self.clock.now();
        self.state.called.store(now.0, Ordering::Release);
        self.state.has_called.store(true, Ordering::Release);
        now
    }

    fn is_settling(&self, way: Way) -> bool {
        self.position < self.sample_rate_hz / SETTLE[usize::from(way == Way::Out)]
    }

    fn block_nanos(&self) -> i64 {
        (self.block.len() as f64 * self.sound.period_nanos()) as i64
    }
}

fn nanos(instant: StreamInstant) -> i64 {
    i64::try_from(instant.as_nanos()).unwrap_or(i64::MAX)
}

fn latency_nanos(later: StreamInstant, earlier: StreamInstant) -> i64 {
    (nanos(later) - nanos(earlier)).clamp(0, MOST_LATENCY_NANOS)
}

/// Appends one channel; false for a format that is not understood.
fn read(data: &Data, channels: usize, channel: usize, out: &mut Vec<f32>) -> bool {
    fn of<T: SizedSample>(data: &Data, channels: usize, channel: usize, out: &mut Vec<f32>) -> bool
    where
        f32: FromSample<T>,
    {
        let Some(samples) = data.as_slice::<T>() else { return false };
        out.extend(samples.iter().skip(channel).step_by(channels.max(1)).map(|sample| f32::from_sample(*sample)));
        true
    }
    match data.sample_format() {
        SampleFormat::I8 => of::<i8>(data, channels, channel, out),
        SampleFormat::I16 => of::<i16>(data, channels, channel, out),
        SampleFormat::I24 => of::<cpal::I24>(data, channels, channel, out),
        SampleFormat::I32 => of::<i32>(data, channels, channel, out),
        SampleFormat::U8 => of::<u8>(data, channels, channel, out),
        SampleFormat::U16 => of::<u16>(data, channels, channel, out),
        SampleFormat::U24 => of::<cpal::U24>(data, channels, channel, out),
        SampleFormat::U32 => of::<u32>(data, channels, channel, out),
        SampleFormat::F32 => of::<f32>(data, channels, channel, out),
        SampleFormat::F64 => of::<f64>(data, channels, channel, out),
        _ => false,
    }
}

/// Writes one channel; the others stay silent.
fn write(data: &mut Data, channels: usize, channel: usize, samples: &[f32]) {
    fn of<T: SizedSample + FromSample<f32>>(data: &mut Data, channels: usize, channel: usize, samples: &[f32]) {
        let Some(out) = data.as_slice_mut::<T>() else { return };
        for (out, sample) in out.iter_mut().skip(channel).step_by(channels.max(1)).zip(samples) {
            *out = T::from_sample(*sample);
        }
    }
    match data.sample_format() {
        SampleFormat::I8 => of::<i8>(data, channels, channel, samples),
        SampleFormat::I16 => of::<i16>(data, channels, channel, samples),
        SampleFormat::I24 => of::<cpal::I24>(data, channels, channel, samples),
        SampleFormat::I32 => of::<i32>(data, channels, channel, samples),
        SampleFormat::U8 => of::<u8>(data, channels, channel, samples),
        SampleFormat::U16 => of::<u16>(data, channels, channel, samples),
        SampleFormat::U24 => of::<cpal::U24>(data, channels, channel, samples),
        SampleFormat::U32 => of::<u32>(data, channels, channel, samples),
        SampleFormat::F32 => of::<f32>(data, channels, channel, samples),
        SampleFormat::F64 => of::<f64>(data, channels, channel, samples),
        _ => {}
    }
}
