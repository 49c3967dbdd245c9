//! One feed's part of a receiving thread: decode, map time, count, publish. No socket in here.

use crate::cell::{TimelineCell, TimelineWriter};
use crate::error::LinkError;
use crate::jitter::Jitter;
use cyc_core::profile::Profile;
use cyc_core::report::FeedReport;
use cyc_core::timeline::PushOutcome;
use cyc_core::{CameraSample, ClockMap, StageTime};
use cyc_stage::stage::{Feed, Protocol};
use cyc_wire::{CameraDecoder, Counts, RawSample, WireError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// At most one warning in so many nanoseconds.
const WARN_NANOS: i64 = 1_000_000_000;

/// So many valid packets of which none is for a feed are worth a word.
const STRANGERS: u64 = 20;

/// What readers see of a feed.
#[derive(Debug, Default)]
pub struct LaneView {
    /// Its recent samples.
    pub timeline: Arc<TimelineCell>,
    packets: AtomicU64,
    bad: AtomicU64,
    ignored: AtomicU64,
    lost: AtomicU64,
    jitter: Jitter,
}

impl LaneView {
    /// Its counters since start.
    pub fn report(&self) -> FeedReport {
        FeedReport {
            packets: self.packets.load(Ordering::Relaxed),
            bad: self.bad.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            jitter_p99_ns: self.jitter.p99_nanos(),
        }
    }

    /// The sample captured last.
    pub fn newest(&self) -> Option<CameraSample> {
        self.timeline.with(|timeline| timeline.newest().copied())
    }

    /// Packets that were valid and of no use: for another camera, or there already, or far too late.
    pub fn ignored(&self) -> u64 {
        self.ignored.load(Ordering::Relaxed)
    }
}

/// One feed's part of a receiving thread.
pub struct Lane {
    id: String,
    decoder: CameraDecoder,
    clock_map: ClockMap,
    delay_nanos: i64,
    view: Arc<LaneView>,
    writer: TimelineWriter,
    raw: Vec<RawSample>,
    fresh: Vec<CameraSample>,
    counts: Counts,
    warnings: Warnings,
    told_of_strangers: bool,
}

impl Lane {
    /// The lane of a feed.
    ///
    /// # Errors
    /// `Profile` if the feed's profile is another protocol's.
    pub fn new(feed: &Feed) -> Result<Self, LinkError> {
        let view = Arc::new(LaneView::default());
        Ok(Self {
            id: feed.id.clone(),
            decoder: decoder(feed)?,
            clock_map: ClockMap::new(),
            delay_nanos: feed.delay_nanos,
            writer: TimelineWriter::new(view.timeline.clone()),
            view,
            raw: Vec::new(),
            fresh: Vec::new(),
            counts: Counts::default(),
            warnings: Warnings::default(),
            told_of_strangers: false,
        })
    }

    /// What readers see of it.
    pub fn view(&self) -> Arc<LaneView> {
        self.view.clone()
    }

    /// Takes a datagram from `source` that arrived at `received`; readers see nothing of it yet.
    pub fn take(&mut self, datagram: &[u8], source: u64, received: StageTime) {
        self.raw.clear();
        self.counts.add(self.decoder.feed(datagram, source, received, &mut self.raw));
        if !self.raw.is_empty() {
            self.view.jitter.record(received);
        }
        for RawSample { pose, lens, device_nanos, .. } in self.raw.drain(..) {
            let capture = device_nanos.map_or(received, |device| self.clock_map.capture(device, received));
            let capture = capture.plus_nanos(-self.delay_nanos);
            self.fresh.push(CameraSample { pose, lens, capture, received });
        }
    }

    /// The kernel dropped `datagrams` of this socket. Where the protocol numbers its packets, the gap is seen
    /// (and counted) there.
    pub fn dropped(&mut self, datagrams: u64) {
        if !matches!(self.decoder, CameraDecoder::OpenTrackIo(_)) {
            self.counts.lost += datagrams;
        }
    }

    /// Shows readers all that was taken since the last call. `now` paces the warnings.
    pub fn publish(&mut self, now: StageTime) {
        let Self { writer, fresh, counts, .. } = self;
        if !fresh.is_empty() {
            writer.publish(fresh, |outcome| count(outcome, counts));
            fresh.clear();
        }
        self.view.packets.store(self.counts.used, Ordering::Relaxed);
        self.view.bad.store(self.counts.bad, Ordering::Relaxed);
        self.view.ignored.store(self.counts.ignored, Ordering::Relaxed);
        self.view.lost.store(self.counts.lost, Ordering::Relaxed);
        if let Some(bad) = self.warnings.due(self.counts.bad, now) {
            let why = self.counts.error.map(|error: WireError| error.to_string()).unwrap_or_default();
            tracing::warn!("feed {}: {bad} packets refused, the last because: {why}", self.id);
        }
        if self.hears_only_strangers() {
            tracing::warn!(
                "feed {}: packets arrive but none is for this feed; compare its camera_id, source_number or address \
                 in the stage file with what the tracker sends",
                self.id
            );
        }
    }

    /// True once, when enough has arrived and nothing of it was for this feed.
    fn hears_only_strangers(&mut self) -> bool {
        let tell = !self.told_of_strangers && self.counts.used == 0 && self.counts.ignored >= STRANGERS;
        self.told_of_strangers |= tell;
        tell
    }
}

/// A packet whose sample the timeline did not take was of no use after all.
fn count(outcome: PushOutcome, counts: &mut Counts) {
    match outcome {
        PushOutcome::Inserted => return,
        PushOutcome::Duplicate | PushOutcome::TooOld => counts.ignored += 1,
        PushOutcome::Refused => {
            counts.bad += 1;
            counts.error = Some(WireError::BadValue("pose"));
        }
    }
    counts.used = counts.used.saturating_sub(1);
}

fn decoder(feed: &Feed) -> Result<CameraDecoder, LinkError> {
    Ok(match (&feed.protocol, feed.profile) {
        (Protocol::Freed { camera_id, .. }, Profile::Freed(profile)) => CameraDecoder::freed(profile, *camera_id),
        (Protocol::OpenTrackIo { source_number, .. }, Profile::OpenTrackIo(profile)) => {
            CameraDecoder::opentrackio(profile, *source_number)
        }
        (Protocol::Osc { address, .. }, Profile::Osc(profile)) => CameraDecoder::osc(profile, address),
        _ => return Err(LinkError::Profile { feed: feed.id.clone() }),
    })
}

/// Holds warnings back to one a second.
#[derive(Debug, Default)]
struct Warnings {
    told: u64,
    last: Option<StageTime>,
}

impl Warnings {
    /// How many bad packets to warn of now, of `total` since start.
    fn due(&mut self, total: u64, now: StageTime) -> Option<u64> {
        if total == self.told || self.last.is_some_and(|last| now.nanos_since(last) < WARN_NANOS) {
            return None;
        }
        let new = total - self.told;
        (self.told, self.last) = (total, Some(now));
        Some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_core::profile::{FreedProfile, OpenTrackIoProfile};
    use cyc_core::{LensSample, LossPolicy, Pose, Quality, Timeline};
    use cyc_stage::stage::Transport;
    use cyc_wire::freed::FreedRepr;
    use cyc_wire::opentrackio::{self, Encoding, Sample};

    const MS: i64 = 1_000_000;

    fn feed(delay_ms: i64) -> Feed {
        let transport = Transport::Udp("127.0.0.1:0".parse().unwrap());
        Feed {
            id: "trk".into(),
            protocol: Protocol::Freed { transport, camera_id: Some(1) },
            profile: Profile::Freed(FreedProfile::default()),
            filter: Default::default(),
            delay_nanos: delay_ms * MS,
            loss: LossPolicy::default(),
        }
    }

    fn pose(x: f64) -> Pose {
        Pose::checked([x, -3.0, 1.6], [1.0, 0.0, 0.0, 0.0]).unwrap()
    }

    fn freed(x: f64, camera: u8) -> [u8; 29] {
        FreedRepr::from_camera_state(camera, &pose(x), &LensSample::default(), &FreedProfile::default()).emit()
    }

    fn at(ms: i64) -> StageTime {
        StageTime(ms * MS)
    }

    #[test]
    fn freed_is_captured_on_arrival_less_the_delay() {
        let mut lane = Lane::new(&feed(8)).unwrap();
        let view = lane.view();
        lane.take(&freed(0.5, 1), 7, at(100));
        assert!(view.timeline.with(Timeline::is_empty), "nothing is seen before it is published");
        lane.publish(at(100));
        let sample = view.newest().unwrap();
        assert_eq!((sample.capture, sample.received), (at(92), at(100)));
        assert!((sample.pose.position_m.x - 0.5).abs() < 1e-4);
    }

    #[test]
    fn device_time_is_brought_over_without_the_jitter_of_the_network() {
        let protocol =
            Protocol::OpenTrackIo { udp: "127.0.0.1:0".parse().unwrap(), interface: None, source_number: None };
        let profile = OpenTrackIoProfile::default();
        let mut lane = Lane::new(&Feed { protocol, profile: Profile::OpenTrackIo(profile), ..feed(5) }).unwrap();
        let (mut sequence, epoch) = (0, 1_800_000_000_000_000_000_i64);
        for n in 0..200_i64 {
            let sample =
                Sample::from_camera_state(1, &pose(0.0), &LensSample::default(), Some(epoch + n * 10 * MS), &profile);
            let payload = sample.emit(Encoding::Json).unwrap();
            let jitter = [0, 2, 1, 3, 0, 1][n as usize % 6] * MS;
            for datagram in opentrackio::segments(&payload, Encoding::Json, &mut sequence, 300).unwrap() {
                lane.take(&datagram, 7, at(1000 + n * 10).plus_nanos(jitter));
            }
            lane.publish(at(1000 + n * 10));
        }
        let newest = lane.view().newest().unwrap();
        let error = newest.capture.nanos_since(at(1000 + 1990 - 5));
        assert!(error.abs() < MS / 10, "off by {error} ns");
        let report = lane.view().report();
        assert_eq!((report.bad, report.lost), (0, 0));
        // Offsets within +-3 ms of the grid make intervals up to 3 ms off their median.
        assert!((MS..=4 * MS).contains(&report.jitter_p99_ns), "{report:?}");
    }

    #[test]
    fn every_packet_is_counted_once_as_what_it_was() {
        let mut lane = Lane::new(&feed(0)).unwrap();
        lane.take(&freed(0.0, 1), 7, at(1));
        lane.take(&freed(0.0, 2), 7, at(2));
        lane.take(b"garbage", 7, at(3));
        lane.take(&freed(0.1, 1), 7, at(1));
        lane.dropped(4);
        lane.publish(at(4));
        let (view, report) = (lane.view(), lane.view().report());
        assert_eq!((report.packets, report.bad, report.lost, view.ignored()), (1, 1, 4, 2));
        assert_eq!(view.timeline.with(Timeline::len), 1);
    }

    #[test]
    fn loss_and_return_pass_through_the_whole_path() {
        let mut lane = Lane::new(&feed(0)).unwrap();
        let view = lane.view();
        let (loss, frame) = (LossPolicy::default(), 1000 / 25);
        let send = |lane: &mut Lane, ms: i64| {
            lane.take(&freed(ms as f64 * 2e-4, 1), 7, at(ms));
            lane.publish(at(ms));
        };
        let sampled = |ms: i64| view.timeline.with(|t| t.at(at(ms), &loss));
        assert_eq!(sampled(0), None);
        (0..=2000).step_by(8).for_each(|ms| send(&mut lane, ms));
        let mut seen = Vec::new();
        let mut last = sampled(2000).unwrap();
        let mut step_m: f64 = 0.0;
        let mut follow = |ms: i64| {
            let now = sampled(ms).unwrap();
            step_m = step_m.max((now.pose.position_m - last.pose.position_m).norm());
            last = now;
            seen.push(now.quality);
        };
        (2001..5000).step_by(frame).for_each(&mut follow);
        for ms in (5000..7000).step_by(8) {
            send(&mut lane, ms);
            follow(ms);
        }
        seen.dedup();
        use Quality::{Held, Lost, Measured, Predicted};
        assert_eq!(seen[..3], [Predicted, Held, Lost]);
        assert!(seen.contains(&Measured) || seen.contains(&Predicted));
        assert!(matches!(seen.last(), Some(Measured | Predicted)), "{seen:?}");
        // The camera moved 60 cm meanwhile; no frame jumps by more than a tenth of that.
        assert!(step_m < 0.06, "{step_m} m in one frame");
        assert!((sampled(6990).unwrap().pose.position_m.x - 6990.0 * 2e-4).abs() < 1e-3);
    }

    #[test]
    fn warnings_are_held_back_to_one_a_second_and_lose_no_count() {
        let mut warnings = Warnings::default();
        let told: Vec<u64> = (0..5000).filter_map(|ms| warnings.due(ms as u64, at(ms))).collect();
        assert_eq!(told, [1, 1000, 1000, 1000, 1000]);
        assert_eq!(warnings.due(4001, at(9000)), None);
    }

    #[test]
    fn a_tracker_with_another_id_is_told_of_once() {
        let told = |camera: u8, packets: i64| {
            let mut lane = Lane::new(&feed(0)).unwrap();
            (0..packets)
                .filter(|ms| {
                    lane.take(&freed(0.0, camera), 7, at(*ms));
                    lane.hears_only_strangers()
                })
                .count()
        };
        assert_eq!([told(2, 19), told(2, 500), told(1, 500)], [0, 1, 0]);
    }

    #[test]
    fn a_foreign_profile_is_refused_by_name() {
        let wrong = Feed { profile: Profile::Osc(cyc_core::profile::OscProfile::Stage), ..feed(0) };
        let error = Lane::new(&wrong).err().unwrap();
        assert!(error.to_string().contains("trk"));
    }
}
