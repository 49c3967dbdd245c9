//! A simulated tracker: a known camera path on a real protocol, with seeded faults.
//!
//! [`SimTracker`] decides what goes out and when, and touches neither clock nor socket; [`SimulatedTracker`] is
//! the thread that sends it. Parts: [`path`] (where the camera is), [`faults`] (what happens to its packets), [`genlock`]
//! (a simulated source of beats and labels).

pub mod faults;
pub mod genlock;
pub mod path;
mod thread;

pub use faults::{Datagram, Faults};
pub use thread::{SimError, SimulatedTracker, send};

use cyc_core::profile::{FreedProfile, OpenTrackIoProfile, OscProfile};
use cyc_core::{LensSample, Pose, Rate, StageTime};
use cyc_wire::freed::FreedRepr;
use cyc_wire::opentrackio::{Encoding, MAX_SEGMENT, Sample, segments};
use cyc_wire::osc::{TrackerMessage, encode_bundle};
use faults::FaultLine;
use std::net::{Ipv4Addr, SocketAddr};

/// What the simulated tracker speaks, with each protocol's default profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimProtocol {
    /// Free-d D1.
    Freed {
        /// Camera id.
        camera_id: u8,
    },
    /// OpenTrackIO 1.0.1, with device time.
    OpenTrackIo {
        /// JSON or CBOR.
        encoding: Encoding,
        /// Source number.
        source_number: u32,
        /// Largest segment in bytes of payload; small ones make several datagrams of a sample.
        segment_bytes: usize,
    },
    /// OSC bundles of pose and lens, with a time tag.
    Osc {
        /// Address prefix, such as "/tracker/a".
        address: String,
    },
}

impl SimProtocol {
    /// OpenTrackIO in segments that fit an Ethernet frame.
    pub fn opentrackio(encoding: Encoding, source_number: u32) -> Self {
        Self::OpenTrackIo { encoding, source_number, segment_bytes: MAX_SEGMENT }
    }
}

/// A simulated tracker's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SimOptions {
    /// What it speaks.
    pub protocol: SimProtocol,
    /// Where it sends.
    pub target: SocketAddr,
    /// Which interface multicast goes out on: its own address.
    pub interface: Option<Ipv4Addr>,
    /// Messages a second.
    pub rate: Rate,
    /// The same seed, options and start make the same packets at the same times.
    pub seed: u64,
    /// Lens: pinhole focal length in millimetres.
    pub focal_length_mm: f64,
    /// What happens to the packets.
    pub faults: Faults,
}

impl SimOptions {
    /// A faultless tracker with a 35 mm lens.
    pub fn new(protocol: SimProtocol, target: SocketAddr, rate: Rate) -> Self {
        Self { protocol, target, interface: None, rate, seed: 1, focal_length_mm: 35.0, faults: Faults::default() }
    }
}

/// A simulated tracker without clock or socket.
#[derive(Debug, Clone)]
pub struct SimTracker {
    options: SimOptions,
    start: StageTime,
    next_message: u64,
    sequence: u16,
    faults: FaultLine,
}

impl SimTracker {
    /// A tracker whose first message is at `start`; its device clock is the stage clock.
    pub fn new(options: SimOptions, start: StageTime) -> Self {
        let faults = FaultLine::new(options.faults, options.seed);
        Self { options, start, next_message: 0, sequence: 0, faults }
    }

    /// The true pose `secs` after the start.
    pub fn pose(&self, secs: f64) -> Pose {
        path::pose(secs)
    }

    /// The datagrams to send at `now` or before, in the order in which to send them; each is given once.
    pub fn due(&mut self, now: StageTime) -> Vec<Datagram> {
        while self.message_at(self.next_message) <= now {
            let at = self.message_at(self.next_message);
            let since_start = at.nanos_since(self.start);
            // The sender goes on through a drop-out, and so do its sequence numbers.
            let datagrams = self.encode(path::pose(since_start as f64 * 1e-9), at, since_start);
            self.faults.offer(at, since_start, datagrams);
            self.next_message += 1;
        }
        self.faults.take(now)
    }

    /// When [`SimTracker::due`] has something to do again.
    pub fn next_deadline(&self) -> StageTime {
        let message = self.message_at(self.next_message);
        self.faults.next().map_or(message, |held| held.min(message))
    }

    fn message_at(&self, n: u64) -> StageTime {
        self.start.plus_nanos(self.options.rate.nanos_of_frame(n))
    }

    fn encode(&mut self, pose: Pose, at: StageTime, since_start: i64) -> Vec<Vec<u8>> {
        let lens = LensSample {
            focal_length_mm: Some(self.options.focal_length_mm),
            focus_distance_m: Some(path::focus_m(since_start as f64 * 1e-9)),
            entrance_pupil_offset_m: None,
        };
        let encoded = match &self.options.protocol {
            SimProtocol::Freed { camera_id } => {
                let profile = FreedProfile::default();
                Ok(vec![FreedRepr::from_camera_state(*camera_id, &pose, &lens, &profile).emit().to_vec()])
            }
            SimProtocol::OpenTrackIo { encoding, source_number, segment_bytes } => {
                let profile = OpenTrackIoProfile::default();
                let sample = Sample::from_camera_state(*source_number, &pose, &lens, Some(at.0.max(0)), &profile);
                let sequence = &mut self.sequence;
                sample.emit(*encoding).and_then(|payload| segments(&payload, *encoding, sequence, *segment_bytes))
            }
            SimProtocol::Osc { address } => {
                let messages = TrackerMessage::from_camera_state(&pose, &lens, OscProfile::Stage);
                encode_bundle(address, &messages, Some(at.0)).map(|datagram| vec![datagram])
            }
        };
        encoded.unwrap_or_else(|error| {
            tracing::warn!("simulated tracker: {error}");
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_wire::CameraDecoder;

    const MS: i64 = 1_000_000;

    fn protocols() -> Vec<(SimProtocol, CameraDecoder)> {
        let otio = OpenTrackIoProfile::default();
        let segmented = |encoding| SimProtocol::OpenTrackIo { encoding, source_number: 3, segment_bytes: 200 };
        vec![
            (SimProtocol::Freed { camera_id: 3 }, CameraDecoder::freed(FreedProfile::default(), Some(3))),
            (segmented(Encoding::Json), CameraDecoder::opentrackio(otio, Some(3))),
            (SimProtocol::opentrackio(Encoding::Cbor, 3), CameraDecoder::opentrackio(otio, Some(3))),
            (SimProtocol::Osc { address: "/t".into() }, CameraDecoder::osc(OscProfile::Stage, "/t")),
        ]
    }

    fn options(protocol: SimProtocol, faults: Faults) -> SimOptions {
        SimOptions { faults, ..SimOptions::new(protocol, "127.0.0.1:9".parse().unwrap(), "120".parse().unwrap()) }
    }

    /// All datagrams of `secs` seconds, asked for every 0.7 ms.
    fn run(options: SimOptions, secs: i64) -> Vec<Datagram> {
        let start = StageTime(1000 * MS);
        let mut tracker = SimTracker::new(options, start);
        (0..secs * 1000 * MS).step_by(700_000).flat_map(|t| tracker.due(start.plus_nanos(t))).collect()
    }

    #[test]
    fn every_protocol_says_where_the_camera_is() {
        for (protocol, mut decoder) in protocols() {
            let sent = run(options(protocol.clone(), Faults::default()), 2);
            let mut samples = Vec::new();
            for datagram in &sent {
                let before = samples.len();
                let counts = decoder.feed(&datagram.bytes, 1, datagram.send_at, &mut samples);
                assert_eq!((counts.bad, counts.ignored, counts.lost), (0, 0, 0), "{protocol:?}");
                for sample in &samples[before..] {
                    let truth = path::pose(datagram.send_at.secs_since(StageTime(1000 * MS)));
                    assert!((sample.pose.position_m - truth.position_m).norm() < 1e-4, "{protocol:?}");
                    assert!(sample.pose.orientation.angle_to(&truth.orientation) < 1e-4, "{protocol:?}");
                    assert!(sample.device_nanos.is_none_or(|d| (d - datagram.send_at.0).abs() < 2), "{protocol:?}");
                }
            }
            assert_eq!(samples.len(), 240, "{protocol:?}");
        }
    }

    #[test]
    fn without_faults_packets_leave_on_the_beat() {
        let sent = run(options(SimProtocol::Freed { camera_id: 1 }, Faults::default()), 10);
        let rate = Rate::new(120, 1).unwrap();
        for (n, datagram) in sent.iter().enumerate() {
            assert_eq!(datagram.send_at, StageTime(1000 * MS + rate.nanos_of_frame(n as u64)));
        }
        assert_eq!(sent.len(), 1200);
    }

    #[test]
    fn the_same_seed_makes_the_same_packets_however_often_it_is_asked() {
        let faults = Faults {
            loss: 0.05,
            jitter_nanos: 3 * MS,
            reorder: 0.02,
            garbage: 0.02,
            dropout_every_nanos: Some(5000 * MS),
            dropout_for_nanos: 1000 * MS,
        };
        let options = options(SimProtocol::Freed { camera_id: 1 }, faults);
        let fine = run(options.clone(), 12);
        let mut coarse = SimTracker::new(options.clone(), StageTime(1000 * MS));
        let last = fine.last().unwrap().send_at;
        let coarse: Vec<_> = coarse.due(StageTime(13_000 * MS)).into_iter().filter(|d| d.send_at <= last).collect();
        assert_eq!(coarse, fine);
        assert_ne!(run(SimOptions { seed: 2, ..options }, 12), fine);
    }

    #[test]
    fn the_next_deadline_is_when_something_leaves() {
        let faults = Faults { jitter_nanos: 5 * MS, ..Faults::default() };
        let mut tracker = SimTracker::new(options(SimProtocol::Freed { camera_id: 1 }, faults), StageTime(0));
        let mut sent = 0;
        for _ in 0..2000 {
            let deadline = tracker.next_deadline();
            assert!(tracker.due(deadline.plus_nanos(-1)).is_empty());
            sent += tracker.due(deadline).len();
        }
        assert!(sent > 900);
    }
}
