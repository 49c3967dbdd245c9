//! A simulated source of beats and labels: timecode as a sound file, Art-Net, OSC ticks, a byte a frame on a serial
//! port; with a clock that drifts, jitter, loss, and labels that jump.
//!
//! [`SimGenlock`] decides what leaves and when, and touches neither clock nor socket; [`send`] sends it, or writes
//! the file.

use super::faults::{Datagram, FaultLine, Faults};
use crate::genlock::serial;
use crate::timecode_out::carried;
use cyc_core::{Clock, Rate, StageTime, Timecode};
use cyc_wire::artnet::ArtTimecodeRepr;
use cyc_wire::ltc::{Direction, Layout, LtcRepr, Modulator, WORD_LEN, to_i16};
use cyc_wire::osc::{OscTick, encode_tick};
use serialport::TTYPort;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

/// The thread looks so often whether it is to end, nanoseconds.
const LOOK_NANOS: i64 = 50_000_000;
/// A file without a stated length is this long, seconds.
const FILE_SECS: f64 = 60.0;
/// Nor is one longer than this, since a WAV file ends at 4 GiB.
const MOST_FILE_SECS: f64 = 43_200.0;
/// No source's clock is further off than this, parts per million.
const MOST_DRIFT_PPM: f64 = 10_000.0;
/// Samples a second and level of a file; -12 dBFS.
const FILE_HZ: u32 = 48_000;
/// See [`FILE_HZ`].
const AMPLITUDE: f32 = 0.25;
/// Jumps go so many frames on and back in turn: a minute and a bit, half a minute and a bit at 25.
const JUMPS: [i64; 2] = [1507, -753];

/// To whom a simulated source speaks. `FromStr` reads what [`SimTargetError`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimTarget {
    /// Linear timecode into a WAV file, written anew; one channel, 16 bit, 48 kHz.
    Ltc(PathBuf),
    /// Art-Net timecode, stream 0.
    ArtNet(SocketAddr),
    /// OSC ticks with frame number and label.
    Osc {
        /// To whom.
        udp: SocketAddr,
        /// OSC address.
        address: String,
    },
    /// A byte a frame on a serial port.
    Serial {
        /// Device path.
        device: String,
        /// Line speed.
        baud: u32,
    },
}

/// Why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no target; write ltc:FILE.wav, artnet:ADDRESS:6454, osc:ADDRESS:PORT or osc:ADDRESS:PORT/address, \
     serial:/dev/ttyX or serial:/dev/ttyX@38400"
)]
pub struct SimTargetError(pub String);

/// OSC address where a target names none.
const OSC_ADDRESS: &str = "/tick";
/// Line speed where a target names none.
const BAUD: u32 = 38_400;

impl std::str::FromStr for SimTarget {
    type Err = SimTargetError;
    fn from_str(text: &str) -> Result<Self, SimTargetError> {
        let wrong = || SimTargetError(text.into());
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
        match kind {
            "ltc" => Ok(Self::Ltc(rest.into())),
            "artnet" => rest.parse().map(Self::ArtNet).map_err(|_| wrong()),
            "osc" => {
                let (udp, address) = rest.find('/').map_or((rest, OSC_ADDRESS), |slash| rest.split_at(slash));
                Ok(Self::Osc { udp: udp.parse().map_err(|_| wrong())?, address: address.into() })
            }
            "serial" => {
                let (device, baud) = match rest.rsplit_once('@') {
                    Some((device, baud)) => (device, baud.parse().ok().filter(|baud| *baud > 0).ok_or_else(wrong)?),
                    None => (rest, BAUD),
                };
                Ok(Self::Serial { device: device.into(), baud })
            }
            _ => Err(wrong()),
        }
    }
}

/// A simulated source's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SimGenlockOptions {
    /// To whom it speaks.
    pub to: SimTarget,
    /// Its frame rate.
    pub rate: Rate,
    /// The label of its first frame.
    pub start: Timecode,
    /// How much faster than the stage clock its own runs, parts per million.
    pub drift_ppm: f64,
    /// A frame is told up to so many nanoseconds late, evenly distributed.
    pub jitter_nanos: i64,
    /// Probability that a frame is not told, 0..1.
    pub loss: f64,
    /// The label jumps every so many nanoseconds.
    pub jump_every_nanos: Option<i64>,
    /// It ends after so many seconds; without, a file is [`FILE_SECS`] long and the others go on.
    pub seconds: Option<f64>,
    /// The same seed and options make the same.
    pub seed: u64,
}

impl SimGenlockOptions {
    /// A faultless source that counts from 01:00:00:00.
    pub fn new(to: SimTarget, rate: Rate) -> Self {
        let start = Timecode { hours: 1, ..Timecode::default() };
        Self {
            to,
            rate,
            start,
            drift_ppm: 0.0,
            jitter_nanos: 0,
            loss: 0.0,
            jump_every_nanos: None,
            seconds: None,
            seed: 1,
        }
    }
}

/// Why a simulated source did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum SimGenlockError {
    /// The target could not be opened or written.
    #[error("the simulated source cannot write to {target}: {why}")]
    Target {
        /// File, address or device.
        target: String,
        /// What the system said.
        why: String,
    },
    /// The format counts no such rate.
    #[error("{0} frames a second cannot be sent as LTC or Art-Net; use osc: or serial:, or a multiple of 24, 25 or 30")]
    Rate(Rate),
    /// The label has no place at the rate.
    #[error(transparent)]
    Start(#[from] cyc_core::timecode::TimecodeError),
}

/// A simulated source without clock or socket.
#[derive(Debug, Clone)]
pub struct SimGenlock {
    options: SimGenlockOptions,
    begin: StageTime,
    first_label: u64,
    next: u64,
    line: FaultLine,
}

impl SimGenlock {
    /// A source whose first frame begins at `begin`.
    ///
    /// # Errors
    /// A rate that the target cannot carry, a first label that does not exist.
    pub fn new(mut options: SimGenlockOptions, begin: StageTime) -> Result<Self, SimGenlockError> {
        options.drift_ppm = options.drift_ppm.clamp(-MOST_DRIFT_PPM, MOST_DRIFT_PPM);
        let first_label = options.start.frame(options.rate)?;
        let needs_count = matches!(options.to, SimTarget::Ltc(_) | SimTarget::ArtNet(_));
        if needs_count && carried(options.rate, options.start).is_none() {
            return Err(SimGenlockError::Rate(options.rate));
        }
        let faults = Faults { loss: options.loss, jitter_nanos: options.jitter_nanos, ..Faults::default() };
        let line = FaultLine::new(faults, options.seed);
        Ok(Self { options, begin, first_label, next: 0, line })
    }

    /// When frame `n` truly begins.
    pub fn frame_at(&self, n: u64) -> StageTime {
        let nanos = self.options.rate.nanos_of_frame(n) as f64;
        self.begin.plus_nanos(self.options.rate.nanos_of_frame(n) - (nanos * self.options.drift_ppm * 1e-6) as i64)
    }

    /// The label of frame `n`.
    pub fn label(&self, n: u64) -> Timecode {
        let jumps = match self.options.jump_every_nanos.filter(|every| *every > 0) {
            Some(every) => self.options.rate.nanos_of_frame(n) / every,
            None => 0,
        };
        let (twice, once) = (jumps / 2, jumps % 2);
        let jumped = twice * (JUMPS[0] + JUMPS[1]) + once * JUMPS[0];
        let drop_frame = self.options.start.drop_frame;
        let day = Timecode::frames_per_day(self.options.rate, drop_frame).cast_signed();
        let of_day = (self.first_label.cast_signed() + (n % day.unsigned_abs()).cast_signed() + jumped).rem_euclid(day);
        Timecode::of_frame(of_day.unsigned_abs(), self.options.rate, drop_frame)
    }

    /// What leaves at `now` or before, each once: packets, words of LTC, bytes.
    pub fn due(&mut self, now: StageTime) -> Vec<Datagram> {
        while self.frame_at(self.next) <= now && !self.is_over(self.next) {
            let (n, at) = (self.next, self.frame_at(self.next));
            self.next += 1;
            if let Some(bytes) = self.encode(n) {
                self.line.offer(at, at.nanos_since(self.begin), vec![bytes]);
            }
        }
        self.line.take(now)
    }

    /// When [`SimGenlock::due`] has something to do again; `None` when all has left.
    pub fn next_deadline(&self) -> Option<StageTime> {
        let frame = (!self.is_over(self.next)).then(|| self.frame_at(self.next));
        self.line.next().into_iter().chain(frame).min()
    }

    fn is_over(&self, n: u64) -> bool {
        // A length that is no number is none.
        let secs = self.frame_at(n).secs_since(self.begin);
        self.options.seconds.is_some_and(|seconds| secs.partial_cmp(&seconds) != Some(std::cmp::Ordering::Less))
    }

    /// What is told of frame `n`; `None` where the format labels only every second or fourth frame.
    fn encode(&self, n: u64) -> Option<Vec<u8>> {
        let label = self.label(n);
        let counted = || carried(self.options.rate, label).filter(|carried| carried.frames_ago == 0);
        match &self.options.to {
            SimTarget::Ltc(_) => {
                let carried = counted()?;
                let repr = LtcRepr { label: carried.label, ..LtcRepr::default() };
                repr.emit(Layout::of_nominal(carried.counting.nominal())).ok().map(Vec::from)
            }
            SimTarget::ArtNet(_) => {
                let carried = counted()?;
                let repr = ArtTimecodeRepr { stream: 0, label: carried.label, counting: carried.counting };
                repr.emit().ok().map(Vec::from)
            }
            SimTarget::Osc { address, .. } => {
                encode_tick(address, &OscTick { frame: Some(n.cast_signed()), label: Some(label) }, None).ok()
            }
            SimTarget::Serial { .. } => Some(vec![n as u8]),
        }
    }
}

/// Sends from the calling thread, beginning now, until the stated end or until `stopped` says so. A file is written
/// as fast as the disk takes it.
///
/// # Errors
/// See [`SimGenlockError`].
pub fn send(options: SimGenlockOptions, clock: &dyn Clock, stopped: &dyn Fn() -> bool) -> Result<(), SimGenlockError> {
    let mut line = match &options.to {
        SimTarget::Ltc(path) => return write_file(&path.clone(), options),
        SimTarget::ArtNet(udp) | SimTarget::Osc { udp, .. } => Line::udp(*udp)?,
        SimTarget::Serial { device, baud } => Line::serial(device, *baud)?,
    };
    let mut source = SimGenlock::new(options, clock.now())?;
    while !stopped() {
        for datagram in source.due(clock.now()) {
            line.send(&datagram.bytes)?;
        }
        let Some(next) = source.next_deadline() else { break };
        clock.sleep_until(next.min(clock.now().plus_nanos(LOOK_NANOS)));
    }
    Ok(())
}

/// Where packets and bytes go.
enum Line {
    Udp(UdpSocket, SocketAddr),
    Serial(TTYPort, String),
}

fn cannot(target: &dyn Display, why: &dyn Display) -> SimGenlockError {
    SimGenlockError::Target { target: target.to_string(), why: why.to_string() }
}

impl Line {
    fn udp(to: SocketAddr) -> Result<Self, SimGenlockError> {
        let from: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let open = || {
            let socket = UdpSocket::bind(from)?;
            socket.set_broadcast(true)?;
            Ok(Self::Udp(socket, to))
        };
        open().map_err(|error: io::Error| cannot(&to, &error))
    }

    fn serial(device: &str, baud: u32) -> Result<Self, SimGenlockError> {
        serial::open(device, baud).map(|port| Self::Serial(port, device.into())).map_err(|why| cannot(&device, &why))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), SimGenlockError> {
        match self {
            // Nobody listening yet is no error for a source.
            Self::Udp(socket, to) => match socket.send_to(bytes, *to) {
                Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => Err(cannot(to, &error)),
                _ => Ok(()),
            },
            Self::Serial(port, device) => port.write_all(bytes).map_err(|error| cannot(device, &error)),
        }
    }
}

/// Words into a file: each begins when it leaves and lasts until the next leaves; a lost one is silence.
fn write_file(path: &Path, mut options: SimGenlockOptions) -> Result<(), SimGenlockError> {
    let fail = |error: hound::Error| cannot(&path.display(), &error);
    options.seconds = options.seconds.or(Some(FILE_SECS)).map(|seconds| seconds.min(MOST_FILE_SECS));
    let word_rate = carried(options.rate, options.start).map_or(options.rate, |carried| carried.rate);
    let word_nanos = word_rate.frame_nanos() as f64;
    let mut source = SimGenlock::new(options, StageTime(0))?;
    let words = source.due(StageTime(i64::MAX / 4));
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels: 1, sample_rate: FILE_HZ, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).map_err(fail)?;
    let (mut modulator, mut sound, mut written) = (Modulator::new(FILE_HZ, AMPLITUDE), Vec::new(), 0_u64);
    let sample_at = |at: StageTime| at.0 as f64 * f64::from(FILE_HZ) * 1e-9;
    for (i, word) in words.iter().enumerate() {
        let begin = sample_at(word.send_at);
        // After a gap, silence up to the sample in which the word begins.
        let gap = (begin - written as f64 - modulator.begin()).round().max(0.0) as u64;
        (0..gap).try_for_each(|_| writer.write_sample(0_i16)).map_err(fail)?;
        written += gap;
        let next = words.get(i + 1).map(|next| next.send_at.nanos_since(word.send_at) as f64);
        let nanos = next.filter(|nanos| *nanos < 1.5 * word_nanos).unwrap_or(word_nanos);
        let Some(bits) = word.bytes.first_chunk::<WORD_LEN>() else { continue };
        sound.clear();
        modulator.word(bits, Direction::Forward, nanos * f64::from(FILE_HZ) * 1e-9, &mut sound);
        sound.iter().try_for_each(|sample| writer.write_sample(to_i16(*sample))).map_err(fail)?;
        written += sound.len() as u64;
    }
    writer.finalize().map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn options(to: &str, rate: &str) -> SimGenlockOptions {
        SimGenlockOptions::new(to.parse().unwrap(), rate.parse().unwrap())
    }

    fn run(options: SimGenlockOptions, secs: i64) -> Vec<Datagram> {
        SimGenlock::new(options, StageTime(0)).unwrap().due(StageTime(secs * 1000 * MS - 1))
    }

    #[test]
    fn targets_are_read_and_refused_with_the_forms_there_are() {
        let local: SocketAddr = "127.0.0.1:6454".parse().unwrap();
        let osc = |address: &str| SimTarget::Osc { udp: local, address: address.into() };
        let serial = |baud| SimTarget::Serial { device: "/dev/ttyS1".into(), baud };
        for (text, target) in [
            ("ltc:a b.wav", SimTarget::Ltc("a b.wav".into())),
            ("artnet:127.0.0.1:6454", SimTarget::ArtNet(local)),
            ("osc:127.0.0.1:6454", osc("/tick")),
            ("osc:127.0.0.1:6454/stage/beat", osc("/stage/beat")),
            ("serial:/dev/ttyS1", serial(38_400)),
            ("serial:/dev/ttyS1@9600", serial(9600)),
        ] {
            assert_eq!(text.parse(), Ok(target));
        }
        for text in ["", "ltc:", "artnet:here", "osc:/tick", "serial:/dev/ttyS1@0", "midi:x", "artnet"] {
            assert!(text.parse::<SimTarget>().unwrap_err().to_string().contains("ltc:FILE"), "{text}");
        }
    }

    #[test]
    fn drift_loss_and_jitter_are_as_asked() {
        let plain = SimGenlockOptions { drift_ppm: 100.0, ..options("osc:127.0.0.1:9", "25") };
        let sent = run(plain.clone(), 1000);
        let drift = sent[20_000].send_at.0 - 20_000 * 40 * MS;
        assert_eq!(drift, -80 * MS, "100 ppm fast over 800 s");
        let faulty = SimGenlockOptions { loss: 0.1, jitter_nanos: MS, drift_ppm: 0.0, ..plain };
        let sent = run(faulty.clone(), 1000);
        assert!((22_000..23_000).contains(&sent.len()), "{}", sent.len());
        assert!(sent.iter().all(|datagram| datagram.send_at.0 % (40 * MS) < MS));
        assert_eq!(run(faulty.clone(), 1000), sent, "the same seed makes the same");
        assert_ne!(run(SimGenlockOptions { seed: 2, ..faulty }, 1000), sent);
    }

    #[test]
    fn labels_jump_there_and_back_and_wrap_at_midnight() {
        let every = SimGenlockOptions {
            jump_every_nanos: Some(10_000 * MS),
            start: "23:59:50:00".parse().unwrap(),
            ..options("osc:127.0.0.1:9", "25")
        };
        let source = SimGenlock::new(every, StageTime(0)).unwrap();
        let labels = [0, 249, 250, 499, 500, 501].map(|n| source.label(n).to_string());
        assert_eq!(labels[..2], ["23:59:50:00", "23:59:59:24"]);
        assert_eq!(labels[2..], ["00:01:00:07", "00:01:10:06", "00:00:40:04", "00:00:40:05"]);
    }

    #[test]
    fn a_source_ends_when_it_should_and_fast_rates_label_every_second_frame() {
        let ending = SimGenlockOptions { seconds: Some(2.0), ..options("artnet:127.0.0.1:9", "50") };
        let mut source = SimGenlock::new(ending, StageTime(0)).unwrap();
        assert_eq!(source.due(StageTime(60_000 * MS)).len(), 50);
        assert_eq!(source.next_deadline(), None);
        assert!(matches!(
            SimGenlock::new(options("artnet:127.0.0.1:9", "23"), StageTime(0)),
            Err(SimGenlockError::Rate(_))
        ));
        let label = SimGenlockOptions { start: "01:00:00:25".parse().unwrap(), ..options("osc:127.0.0.1:9", "25") };
        assert!(matches!(SimGenlock::new(label, StageTime(0)), Err(SimGenlockError::Start(_))));
    }
}
