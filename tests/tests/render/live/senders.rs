//! Trackers: bytes of three protocols, written from their specifications, and threads that send them.

use super::path::{Path, seconds_between};
use crate::oracle::{Seeded, wxyz};
use nix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::{
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Samples a second.
const RATE: f64 = 120.0;

/// Seconds from 1900 to 1970, and another day's worth: a tracker's clock need not be right, only steady.
const NTP_OFFSET_SECS: i64 = 2_208_988_800 + 1_700_000_000;

/// CLOCK_MONOTONIC, which is the stage's time with an internal genlock.
pub fn monotonic_nanos() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has it");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

#[derive(Clone, Copy)]
pub enum Protocol {
    Freed { camera_id: u8 },
    Osc { focal_length_mm: f64 },
    OpenTrackIo { focal_length_mm: f64 },
}

/// What goes wrong on the way.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub seed: u64,
    /// Part of the packets that never arrives.
    pub loss: f64,
    /// Packets are late by up to this.
    pub jitter_ms: f64,
    /// Part of the packets that is followed by garbage.
    pub garbage: f64,
    /// Packets say when they were measured, where the protocol can.
    pub stamped: bool,
    /// Speaks for so long, then is silent for so long, over and over; always speaks if both are 0.
    pub speaks_secs: f64,
    pub silent_secs: f64,
}

impl Faults {
    fn is_silent(&self, secs: f64) -> bool {
        let cycle = self.speaks_secs + self.silent_secs;
        cycle > 0.0 && secs.rem_euclid(cycle) >= self.speaks_secs
    }

    /// Seconds since it last began to speak after a silence; `None` during one and before the first.
    pub fn since_return(&self, secs: f64) -> Option<f64> {
        let cycle = self.speaks_secs + self.silent_secs;
        (secs > cycle && !self.is_silent(secs)).then(|| secs.rem_euclid(cycle))
    }
}

/// A thread that sends until it is dropped.
pub struct Sender {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sender {
    pub fn start(protocol: Protocol, port: u16, path: Path, faults: Faults) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            // Nobody listens yet, or no longer: that is the network's business.
            let send = |packet: &[u8]| drop(socket.send_to(packet, ("127.0.0.1", port)));
            let mut random = Seeded::new(faults.seed);
            let mut sent = 0_u16;
            for n in 0_u32.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let jitter = random.between(0.0, faults.jitter_ms) * 1e6;
                wait_until(path.started + (f64::from(n) / RATE * 1e9 + jitter) as i64);
                let measured = monotonic_nanos() - jitter as i64;
                if faults.is_silent(seconds_between(path.started, measured)) {
                    continue;
                }
                let packet = protocol.packet(path, measured, sent, faults.stamped);
                sent = sent.wrapping_add(1);
                if random.between(0.0, 1.0) >= faults.loss {
                    send(&packet);
                }
                if random.between(0.0, 1.0) < faults.garbage {
                    send(&protocol.garbage(&packet, &mut random));
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A tracker's beat: a device that measures 120 times a second has to wait in between.
fn wait_until(nanos: i64) {
    let left = nanos - monotonic_nanos();
    if let Ok(left) = u64::try_from(left) {
        thread::sleep(Duration::from_nanos(left));
    }
}

impl Protocol {
    /// What it says about the lens, if it says anything.
    pub fn focal_length_mm(&self) -> Option<f64> {
        match *self {
            Protocol::Freed { .. } => None,
            Protocol::Osc { focal_length_mm } | Protocol::OpenTrackIo { focal_length_mm } => Some(focal_length_mm),
        }
    }

    /// The camera at `measured`.
    fn packet(self, path: Path, measured: i64, sequence: u16, stamped: bool) -> Vec<u8> {
        let (position, turn) = path.at(measured);
        let [pan, tilt, roll] = path.angles(measured);
        let position = [position.x, position.y, position.z];
        match self {
            Protocol::Freed { camera_id } => freed(camera_id, [-pan, tilt, roll], position),
            Protocol::Osc { focal_length_mm } => {
                osc(position, wxyz(&turn), focal_length_mm, stamped.then_some(measured))
            }
            Protocol::OpenTrackIo { focal_length_mm } => {
                let sample =
                    opentrackio_sample(position, [pan, tilt, roll], focal_length_mm, stamped.then_some(measured));
                opentrackio_packet(sequence, &sample)
            }
        }
    }

    /// Something that is no sample of this camera.
    fn garbage(self, packet: &[u8], random: &mut Seeded) -> Vec<u8> {
        let any = (random.next() % 4) as usize;
        let at = random.next() as usize;
        match any {
            0 => (0..at % 200).map(|_| random.next() as u8).collect(),
            1 => packet[..at % packet.len()].to_vec(),
            // Another camera's, far away: valid, and of no concern here.
            2 if matches!(self, Protocol::Freed { .. }) => freed(99, [90.0, 0.0, 0.0], [50.0, 50.0, 9.0]),
            _ => {
                let mut packet = packet.to_vec();
                // The head or the checksum: a flipped digit in an OSC float could not be told from a measurement.
                let place = if matches!(self, Protocol::Osc { .. }) { at % 8 } else { at % packet.len() };
                packet[place] ^= 1 << (at / 7 % 8);
                packet
            }
        }
    }
}

/// Vinten/Radamec free-d D1: degrees x 32768 and millimetres x 64, 24 bits each, big-endian.
fn freed(camera_id: u8, angles_deg: [f64; 3], position_m: [f64; 3]) -> Vec<u8> {
    let mut packet = vec![0xD1, camera_id];
    let numbers = angles_deg.map(|angle| angle * 32768.0).into_iter().chain(position_m.map(|x| x * 64_000.0));
    for number in numbers {
        packet.extend(&(number.round() as i32).to_be_bytes()[1..]);
    }
    packet.extend([0, 4, 0, 0, 8, 0, 0, 0]);
    packet.push(packet.iter().fold(0x40_u8, |sum, byte| sum.wrapping_sub(*byte)));
    packet
}

/// OSC 1.0: a bundle of `/pose` and `/lens`.
fn osc(position_m: [f64; 3], [w, x, y, z]: [f64; 4], focal_length_mm: f64, measured: Option<i64>) -> Vec<u8> {
    let [px, py, pz] = position_m;
    let pose = osc_message("/tracker/a/pose", &[px, py, pz, x, y, z, w]);
    let lens = osc_message("/tracker/a/lens", &[focal_length_mm, 4.0]);
    let mut bundle = b"#bundle\0".to_vec();
    bundle.extend(measured.map_or(1, ntp).to_be_bytes());
    for message in [pose, lens] {
        bundle.extend(u32::try_from(message.len()).expect("a short message").to_be_bytes());
        bundle.extend(message);
    }
    bundle
}

fn ntp(nanos: i64) -> u64 {
    let seconds = (nanos / 1_000_000_000 + NTP_OFFSET_SECS) as u64;
    let fraction = ((nanos % 1_000_000_000) as u64 * (1 << 32)) / 1_000_000_000;
    (seconds << 32) | fraction
}

fn osc_message(address: &str, numbers: &[f64]) -> Vec<u8> {
    let mut message = Vec::new();
    for text in [address.to_owned(), format!(",{}", "f".repeat(numbers.len()))] {
        message.extend(text.bytes());
        let end = (text.len() + 1).next_multiple_of(4);
        message.resize(message.len() + end - text.len(), 0);
    }
    message.extend(numbers.iter().flat_map(|number| (*number as f32).to_be_bytes()));
    message
}

/// SMPTE OpenTrackIO 1.0.1, JSON.
fn opentrackio_sample(
    position_m: [f64; 3],
    angles_deg: [f64; 3],
    focal_length_mm: f64,
    measured: Option<i64>,
) -> Vec<u8> {
    let [x, y, z] = position_m;
    let [pan, tilt, roll] = angles_deg;
    let timing = match measured {
        None => json!({ "mode": "external", "sampleRate": { "num": 120, "denom": 1 } }),
        Some(nanos) => json!({
            "mode": "internal",
            "sampleTimestamp": { "seconds": nanos / 1_000_000_000 + 1_700_000_000, "nanoseconds": nanos % 1_000_000_000 },
        }),
    };
    let sample = json!({
        "protocol": { "name": "OpenTrackIO", "version": [1, 0, 1] },
        "sampleId": "urn:uuid:5ca5f233-11b5-4f43-8815-948d73e48a33",
        "sourceId": "urn:uuid:5ca5f233-11b5-dead-beef-948d73e48a33", "sourceNumber": 1,
        "timing": timing, "lens": { "pinholeFocalLength": focal_length_mm, "focusDistance": 4.0 },
        "transforms": [{
            "id": "Camera", "translation": { "x": x, "y": y, "z": z },
            "rotation": { "pan": pan, "tilt": tilt, "roll": roll },
        }],
    });
    sample.to_string().into_bytes()
}

/// The transport's 16 bytes before it: one segment, Fletcher-16 modulo 256 over all but the checksum.
fn opentrackio_packet(sequence: u16, sample: &[u8]) -> Vec<u8> {
    let length = u16::try_from(sample.len()).expect("a short sample") | 0x8000;
    let mut header = b"OTrk\0\x01".to_vec();
    header.extend(sequence.to_be_bytes());
    header.extend([0; 4]);
    header.extend(length.to_be_bytes());
    let (low, high) = header.iter().chain(sample).fold((0_u8, 0_u8), |(low, high), byte| {
        let low = low.wrapping_add(*byte);
        (low, high.wrapping_add(low))
    });
    [header, vec![high, low], sample.to_vec()].concat()
}
