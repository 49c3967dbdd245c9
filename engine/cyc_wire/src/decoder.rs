//! One surface over all protocols: what a feed thread calls for every datagram.

use crate::{
    WireError,
    freed::{self, FreedRepr},
    opentrackio::{Reassembler, Reassembly, Sample, Segment},
    osc::{self, Pairing, Part, TrackerMessage},
};
use cyc_core::{
    LensSample, Pose, StageTime,
    profile::{FreedProfile, OpenTrackIoProfile, OscProfile},
};

/// One message about a camera, in stage axes, before its clock is mapped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawSample {
    /// FreeD camera id, OpenTrackIO source number (0 if it sends none), 0 for OSC.
    pub camera: u32,
    /// Pose of the tracked point, stage space.
    pub pose: Pose,
    /// What is known about the lens.
    pub lens: LensSample,
    /// When the device measured, nanoseconds on its own clock: TAI since 1970 (OpenTrackIO), Unix time (OSC);
    /// `None` where it does not say (FreeD, "immediately").
    pub device_nanos: Option<i64>,
}

/// What became of a datagram. Counts are of packets: for FreeD messages, for the others datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Of use.
    pub used: u64,
    /// Refused.
    pub bad: u64,
    /// Valid and not for this camera: another id or address, a copy, a kind of message that says no pose.
    pub ignored: u64,
    /// Known to be missing before this one.
    pub lost: u64,
    /// Why the last refused one was refused.
    pub error: Option<WireError>,
}

impl Counts {
    const USED: Counts = Counts { used: 1, ..Counts::NONE };
    const IGNORED: Counts = Counts { ignored: 1, ..Counts::NONE };
    const NONE: Counts = Counts { used: 0, bad: 0, ignored: 0, lost: 0, error: None };

    fn bad(error: WireError) -> Self {
        Self { bad: 1, error: Some(error), ..Self::NONE }
    }

    /// Adds another datagram's counts.
    pub fn add(&mut self, other: Counts) {
        self.used += other.used;
        self.bad += other.bad;
        self.ignored += other.ignored;
        self.lost += other.lost;
        self.error = other.error.or(self.error);
    }
}

/// The decoder of one feed, with the little it has to remember. Where one socket serves several feeds, every
/// datagram goes to all their decoders, and each ignores what is not its own.
#[derive(Debug, Clone)]
pub enum CameraDecoder {
    /// Free-d.
    Freed(FreedDecoder),
    /// OpenTrackIO.
    OpenTrackIo(OpenTrackIoDecoder),
    /// OSC.
    Osc(OscDecoder),
}

impl CameraDecoder {
    /// Free-d over UDP; `camera_id` `None` takes every camera.
    pub fn freed(profile: FreedProfile, camera_id: Option<u8>) -> Self {
        Self::Freed(FreedDecoder { profile, camera_id, stream: None })
    }

    /// Free-d over a serial line: [`CameraDecoder::feed`] takes the bytes as they come.
    pub fn freed_serial(profile: FreedProfile, camera_id: Option<u8>) -> Self {
        Self::Freed(FreedDecoder { profile, camera_id, stream: Some(freed::Stream::default()) })
    }

    /// OpenTrackIO; `source_number` `None` takes every source.
    pub fn opentrackio(profile: OpenTrackIoProfile, source_number: Option<u32>) -> Self {
        Self::OpenTrackIo(OpenTrackIoDecoder { profile, source_number, reassembler: Reassembler::default() })
    }

    /// OSC messages to `<address>/...`.
    pub fn osc(profile: OscProfile, address: &str) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        Self::Osc(OscDecoder { profile, address, lens: LensSample::default(), pairing: Pairing::default() })
    }

    /// Takes one datagram from `source` (any number that tells senders apart), received at `received`, and
    /// appends the samples it completes to `out`.
    pub fn feed(&mut self, datagram: &[u8], source: u64, received: StageTime, out: &mut Vec<RawSample>) -> Counts {
        match self {
            Self::Freed(decoder) => decoder.feed(datagram, out),
            Self::OpenTrackIo(decoder) => decoder.feed(datagram, source, out),
            Self::Osc(decoder) => decoder.feed(datagram, received, out),
        }
    }
}

/// See [`CameraDecoder::freed`].
#[derive(Debug, Clone)]
pub struct FreedDecoder {
    profile: FreedProfile,
    camera_id: Option<u8>,
    stream: Option<freed::Stream>,
}

impl FreedDecoder {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<RawSample>) -> Counts {
        let mut counts = Counts::default();
        if let Some(mut stream) = self.stream.take() {
            // On a line every start in mid-message skips bytes: one bad packet, however many.
            let skipped = stream.push(bytes, |message| counts.add(self.take(&message, out)));
            if skipped > 0 {
                counts.add(Counts::bad(WireError::BadChecksum));
            }
            self.stream = Some(stream);
            return counts;
        }
        if bytes.is_empty() {
            return Counts::bad(WireError::Truncated);
        }
        for message in freed::messages(bytes) {
            counts.add(match message {
                Ok(freed::Message::Position(packet)) => self.take(&FreedRepr::parse(&packet), out),
                Ok(freed::Message::Other { .. }) => Counts::IGNORED,
                Err(error) => Counts::bad(error),
            });
        }
        counts
    }

    fn take(&self, message: &FreedRepr, out: &mut Vec<RawSample>) -> Counts {
        if self.camera_id.is_some_and(|id| id != message.camera) {
            return Counts::IGNORED;
        }
        match message.camera_state(&self.profile) {
            Ok((pose, lens)) => {
                out.push(RawSample { camera: u32::from(message.camera), pose, lens, device_nanos: None });
                Counts::USED
            }
            Err(error) => Counts::bad(error),
        }
    }
}

/// See [`CameraDecoder::opentrackio`].
#[derive(Debug, Clone)]
pub struct OpenTrackIoDecoder {
    profile: OpenTrackIoProfile,
    source_number: Option<u32>,
    reassembler: Reassembler,
}

impl OpenTrackIoDecoder {
    fn feed(&mut self, datagram: &[u8], source: u64, out: &mut Vec<RawSample>) -> Counts {
        let segment = match Segment::new_checked(datagram) {
            Ok(segment) => segment,
            Err(WireError::Unsupported(_)) => return Counts::IGNORED,
            Err(error) => return Counts::bad(error),
        };
        let (reassembly, lost) = self.reassembler.offer(&segment, source);
        let counts = match reassembly {
            Ok(Reassembly::Complete(encoding, payload)) => {
                let sample = Sample::parse(payload, encoding);
                let raw = sample.and_then(|sample| raw_sample(&sample, &self.profile, self.source_number));
                match raw {
                    Ok(Some(sample)) => {
                        out.push(sample);
                        Counts::USED
                    }
                    Ok(None) => Counts::IGNORED,
                    Err(error) => Counts::bad(error),
                }
            }
            Ok(Reassembly::Pending) => Counts::USED,
            Ok(Reassembly::Ignored) => Counts::IGNORED,
            Err(error) => Counts::bad(error),
        };
        Counts { lost, ..counts }
    }
}

/// `None` for another source, or where there is no pose.
fn raw_sample(
    sample: &Sample,
    profile: &OpenTrackIoProfile,
    source_number: Option<u32>,
) -> Result<Option<RawSample>, WireError> {
    let camera = sample.source_number.unwrap_or(0);
    if source_number.is_some_and(|number| number != camera) {
        return Ok(None);
    }
    let Some((pose, lens)) = sample.camera_state(profile)? else { return Ok(None) };
    Ok(Some(RawSample { camera, pose, lens, device_nanos: sample.device_nanos()? }))
}

/// See [`CameraDecoder::osc`]. A lens message without a pose in its bundle holds for the poses that follow.
#[derive(Debug, Clone)]
pub struct OscDecoder {
    profile: OscProfile,
    address: String,
    lens: LensSample,
    pairing: Pairing,
}

impl OscDecoder {
    fn feed(&mut self, datagram: &[u8], received: StageTime, out: &mut Vec<RawSample>) -> Counts {
        let packet = match osc::Packet::new_checked(datagram) {
            Ok(packet) => packet,
            Err(error) => return Counts::bad(error),
        };
        let mut counts = Counts::default();
        if let Some(element) = packet.element() {
            let mut alone = Group::default();
            self.visit(&element, &mut alone, received, &mut counts, out);
            self.close(alone, None, received, out, &mut counts);
        }
        counts.used = counts.used.min(1);
        counts.ignored = u64::from(counts.used == 0 && counts.bad == 0);
        counts
    }

    /// Messages join `group`; a bundle makes a group of its own. As deep as `osc::MAX_DEPTH` at most.
    fn visit(
        &mut self,
        element: &osc::Element<'_>,
        group: &mut Group,
        received: StageTime,
        counts: &mut Counts,
        out: &mut Vec<RawSample>,
    ) {
        match element {
            osc::Element::Message(message) => match TrackerMessage::parse(message, &self.address, self.profile) {
                Ok(Some(message)) => {
                    counts.used += 1;
                    group.add(message);
                }
                Ok(None) => {}
                Err(error) => counts.add(Counts::bad(error)),
            },
            osc::Element::Bundle(bundle) => {
                let mut inner = Group::default();
                for element in bundle.elements() {
                    self.visit(&element, &mut inner, received, counts, out);
                }
                self.close(inner, osc::nanos_from_tag(bundle.time_tag()), received, out, counts);
            }
        }
    }

    /// Makes a sample of what one bundle, or a message without one, said.
    fn close(
        &mut self,
        group: Group,
        device_nanos: Option<i64>,
        received: StageTime,
        out: &mut Vec<RawSample>,
        counts: &mut Counts,
    ) {
        if let Some(lens) = group.lens {
            self.lens = lens.lens_sample();
        }
        let halves = match (group.position, group.rotation) {
            (Some(position), Some(rotation)) => Some((position, rotation)),
            (Some(position), None) => self.pairing.offer(Part::Position(position), received),
            (None, Some(rotation)) => self.pairing.offer(Part::Rotation(rotation), received),
            (None, None) => None,
        };
        let pose = match (group.pose, halves) {
            (Some(message), _) => message.stage_pose(),
            (None, Some((position, rotation))) => TrackerMessage::vrchat_pose(position, rotation).map(Some),
            (None, None) => Ok(None),
        };
        match pose {
            Ok(Some(pose)) => out.push(RawSample { camera: 0, pose, lens: self.lens, device_nanos }),
            Ok(None) => {}
            Err(error) => counts.add(Counts::bad(error)),
        }
    }
}

/// What the messages of one bundle said; of several of a kind the last counts.
#[derive(Debug, Default)]
struct Group {
    pose: Option<TrackerMessage>,
    lens: Option<TrackerMessage>,
    position: Option<[f64; 3]>,
    rotation: Option<[f64; 3]>,
}

impl Group {
    fn add(&mut self, message: TrackerMessage) {
        match message {
            TrackerMessage::Pose { .. } => self.pose = Some(message),
            TrackerMessage::Lens { .. } => self.lens = Some(message),
            TrackerMessage::Position(position) => self.position = Some(position),
            TrackerMessage::Rotation(rotation) => self.rotation = Some(rotation),
        }
    }
}
