//! All feeds of a stage: one named thread per UDP port, and poses for whoever asks.

use crate::clock::RealtimeMap;
use crate::error::LinkError;
use crate::lane::{Lane, LaneView};
use crate::stamp::{BATCH, Batch, StampedSocket};
use cyc_core::report::FeedReport;
use cyc_core::timeline::Sampled;
use cyc_core::{CameraInput, CameraState, Clock, LensSample, LossPolicy, Pose, PoseSource, Quality, StageTime};
use cyc_stage::stage::{Camera, Feed, Protocol, Stage, Transport};
use nix::errno::Errno;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest thread name that Linux shows, in bytes (prctl(2), PR_SET_NAME).
const THREAD_NAME: usize = 15;
/// Pause after a read that failed, so that a broken interface does not take a whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(50);

/// A port is flooded from so many packets on, in so many nanoseconds: more than eight cameras at 240 Hz send
/// if every one of their samples takes three datagrams.
const FLOOD_PACKETS: usize = 64;
/// See [`FLOOD_PACKETS`].
const FLOOD_WINDOW_NANOS: i64 = 10_000_000;
/// Batches closer together than this, in nanoseconds, are taken as a stream and not as single packets.
const QUICK_NANOS: i64 = 200_000;
/// How long a flooded port's packets gather: far shorter than its receive buffer lasts.
const FLOOD_PAUSE: Duration = Duration::from_micros(500);

/// All feeds of a stage, receiving. Dropping it ends the threads and frees the ports.
pub struct StageFeeds {
    feeds: Vec<FeedState>,
    cameras: HashMap<String, CameraSource>,
    receivers: Vec<Receiver>,
}

struct FeedState {
    id: String,
    addr: SocketAddr,
    view: Arc<LaneView>,
}

/// What makes a camera's state.
struct CameraSource {
    feed: Option<(Arc<LaneView>, LossPolicy)>,
    mount: Pose,
    fixed: Option<Pose>,
    focal_length_mm: f64,
}

/// One port and its thread.
struct Receiver {
    socket: Arc<StampedSocket>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StageFeeds {
    /// Opens every port first, then starts the threads: if one port cannot be had, nothing is started and all
    /// are closed again. Feeds with the same address share its socket; each ignores what is not its own.
    ///
    /// # Errors
    /// A port in use, no permission, an address of another machine, a multicast group that cannot be joined, a
    /// serial feed. Every message names the feed and the fix.
    pub fn start(stage: &Stage, clock: Arc<dyn Clock>) -> Result<Self, LinkError> {
        let mut ports: Vec<Port> = Vec::new();
        let mut feeds = Vec::with_capacity(stage.feeds.len());
        for feed in &stage.feeds {
            let lane = Lane::new(feed)?;
            let view = lane.view();
            let addr = Port::open(&mut ports, feed, lane)?;
            feeds.push(FeedState { id: feed.id.clone(), addr, view });
        }
        let cameras = stage.cameras.iter().map(|c| (c.id.clone(), CameraSource::new(c, stage, &feeds))).collect();
        let mut started = Self { feeds, cameras, receivers: Vec::new() };
        for port in ports {
            started.receivers.push(port.start(clock.clone())?);
        }
        Ok(started)
    }

    /// Where a feed listens; `None` for an unknown feed.
    pub fn local_addr(&self, feed: &str) -> Option<SocketAddr> {
        self.feeds.iter().find(|state| state.id == feed).map(|state| state.addr)
    }

    /// A feed's counters and timeline; `None` for an unknown feed.
    pub fn view(&self, feed: &str) -> Option<&LaneView> {
        self.feeds.iter().find(|state| state.id == feed).map(|state| &*state.view)
    }
}

impl PoseSource for StageFeeds {
    fn sample(&self, camera: &str, at: StageTime) -> CameraState {
        self.cameras.get(camera).map_or(CameraState::LOST, |camera| camera.state(at))
    }

    fn feeds(&self) -> Vec<(String, FeedReport)> {
        self.feeds.iter().map(|feed| (feed.id.clone(), feed.view.report())).collect()
    }
}

impl Drop for StageFeeds {
    fn drop(&mut self) {
        // All are told before any is waited for.
        self.receivers.iter().for_each(Receiver::stop);
        self.receivers.clear();
    }
}

impl CameraSource {
    fn new(camera: &Camera, stage: &Stage, feeds: &[FeedState]) -> Self {
        let feed = camera.feed.and_then(|i| Some((feeds.get(i)?.view.clone(), stage.feeds.get(i)?.loss)));
        Self { feed, mount: camera.mount, fixed: camera.fixed_pose, focal_length_mm: camera.focal_length_mm }
    }

    fn state(&self, at: StageTime) -> CameraState {
        match &self.feed {
            Some((view, loss)) => {
                let sampled = view.timeline.with(|timeline| timeline.at(at, loss));
                sampled.map_or(CameraState::LOST, |sampled| self.tracked(&sampled))
            }
            // A camera on a tripod: the stage file gives the sensor itself.
            None => CameraState {
                input: self.fixed.map(|pose| self.input(pose, &LensSample::default(), Quality::Measured)),
                ..CameraState::LOST
            },
        }
    }

    fn tracked(&self, sampled: &Sampled) -> CameraState {
        CameraState {
            input: Some(self.input(sampled.pose.then(&self.mount), &sampled.lens, sampled.quality)),
            capture: Some(sampled.capture),
            received: Some(sampled.received),
            motion: None,
        }
    }

    /// What the feed says about the lens wins over the stage file.
    fn input(&self, pose: Pose, lens: &LensSample, quality: Quality) -> CameraInput {
        CameraInput {
            pose,
            focal_length_mm: lens.focal_length_mm.unwrap_or(self.focal_length_mm),
            focus_distance_m: lens.focus_distance_m.filter(|metres| metres.is_finite()),
            entrance_pupil_offset_m: lens.entrance_pupil_offset_m.unwrap_or(0.0),
            quality,
            overscan: None,
        }
    }
}

/// An open port that nobody reads yet.
struct Port {
    asked: SocketAddr,
    first_feed: String,
    socket: StampedSocket,
    interfaces: Vec<Option<Ipv4Addr>>,
    lanes: Vec<Lane>,
}

impl Port {
    /// Adds the feed's lane to the port it asks for, opening it if it is the first; returns its real address.
    fn open(ports: &mut Vec<Port>, feed: &Feed, lane: Lane) -> Result<SocketAddr, LinkError> {
        let (addr, interface) = address(feed)?;
        let index = match ports.iter().position(|port| port.asked == addr) {
            Some(index) => index,
            None => {
                let socket = StampedSocket::bind(addr).map_err(|e| LinkError::from_bind(&feed.id, addr, e))?;
                ports.push(Port {
                    asked: addr,
                    first_feed: feed.id.clone(),
                    socket,
                    interfaces: Vec::new(),
                    lanes: Vec::new(),
                });
                ports.len() - 1
            }
        };
        let port = &mut ports[index];
        port.join(feed, addr, interface)?;
        port.lanes.push(lane);
        port.socket.local_addr().map_err(|source| LinkError::Socket { feed: feed.id.clone(), addr, source })
    }

    fn join(&mut self, feed: &Feed, addr: SocketAddr, interface: Option<Ipv4Addr>) -> Result<(), LinkError> {
        if !addr.ip().is_multicast() || self.interfaces.contains(&interface) {
            return Ok(());
        }
        let joined = self.socket.join(addr.ip(), interface.unwrap_or(Ipv4Addr::UNSPECIFIED));
        joined.map_err(|source| LinkError::Multicast { feed: feed.id.clone(), addr, source })?;
        self.interfaces.push(interface);
        Ok(())
    }

    fn start(self, clock: Arc<dyn Clock>) -> Result<Receiver, LinkError> {
        let (socket, stop) = (Arc::new(self.socket), Arc::new(AtomicBool::new(false)));
        let name = thread_name(&self.first_feed, self.lanes.len());
        let reader = Reader { socket: socket.clone(), stop: stop.clone(), clock, lanes: self.lanes };
        let thread = std::thread::Builder::new().name(name).spawn(move || reader.run());
        let thread = Some(thread.map_err(|source| LinkError::Thread { feed: self.first_feed, source })?);
        Ok(Receiver { socket, stop, thread })
    }
}

/// Where a feed listens, and on which interface it joins a group.
fn address(feed: &Feed) -> Result<(SocketAddr, Option<Ipv4Addr>), LinkError> {
    match &feed.protocol {
        Protocol::Freed { transport: Transport::Udp(udp), .. } | Protocol::Osc { udp, .. } => Ok((*udp, None)),
        Protocol::OpenTrackIo { udp, interface, .. } => Ok((*udp, *interface)),
        Protocol::Freed { transport: Transport::Serial(path), .. } => {
            Err(LinkError::Serial { feed: feed.id.clone(), path: path.clone() })
        }
    }
}

/// "feed trk-a", or "feed trk-a+1" for a port with two feeds; cut to what Linux shows.
fn thread_name(feed: &str, lanes: usize) -> String {
    let suffix = if lanes > 1 { format!("+{}", lanes - 1) } else { String::new() };
    let mut name = format!("feed {}", feed.replace('\0', ""));
    while name.len() + suffix.len() > THREAD_NAME {
        name.pop();
    }
    name + &suffix
}

impl Receiver {
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.socket.wake();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a receiving thread owns.
struct Reader {
    socket: Arc<StampedSocket>,
    stop: Arc<AtomicBool>,
    clock: Arc<dyn Clock>,
    lanes: Vec<Lane>,
}

impl Reader {
    fn run(mut self) {
        let (mut batch, mut realtime, mut pace) = (Batch::default(), RealtimeMap::default(), Pace::default());
        realtime.refresh(&*self.clock);
        while !self.stop.load(Ordering::Relaxed) {
            let most = pace.most();
            match self.turn(&mut batch, most, &mut realtime) {
                Ok((count, now)) => {
                    pace.note(count, now);
                    if pace.is_flooded() && count < most {
                        std::thread::sleep(FLOOD_PAUSE);
                    }
                }
                Err(error) => {
                    tracing::warn!("{}: cannot receive: {error}", std::thread::current().name().unwrap_or("feed"));
                    std::thread::sleep(ERROR_PAUSE);
                }
            }
        }
    }

    /// One batch: everything that has arrived (but at most `most`) is taken, then shown at once. Returns how
    /// many packets there were, and when.
    fn turn(
        &mut self,
        batch: &mut Batch,
        most: usize,
        realtime: &mut RealtimeMap,
    ) -> Result<(usize, StageTime), Errno> {
        let drops = batch.kernel_drops();
        let (lanes, clock, stop) = (&mut self.lanes, &*self.clock, &self.stop);
        let mut read_at = None;
        let count = batch.receive(&self.socket, most, &mut |datagram, arrival| {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let now = *read_at.get_or_insert_with(|| realtime.refresh(clock));
            let received = arrival.kernel_nanos.map_or(now, |stamp| realtime.stage_time(stamp, now));
            lanes.iter_mut().for_each(|lane| lane.take(datagram, arrival.source, received));
        })?;
        let now = read_at.unwrap_or_else(|| clock.now());
        let dropped = u64::from(batch.kernel_drops().wrapping_sub(drops));
        for lane in &mut self.lanes {
            lane.dropped(dropped);
            lane.publish(now);
        }
        Ok((count, now))
    }
}

/// How fast packets come. Single packets are read singly, quick ones in batches; and a flooded thread lets them
/// gather for half a millisecond at a time instead of waking for each, which leaves the processor to the
/// others. Stamps are the kernel's, so nothing that is waited for becomes later than it was.
#[derive(Debug, Default)]
struct Pace {
    last: StageTime,
    quick: bool,
    window_start: StageTime,
    packets: usize,
    was_flooded: bool,
}

impl Pace {
    /// `count` packets were read at `now`.
    fn note(&mut self, count: usize, now: StageTime) {
        self.quick = now.nanos_since(self.last) < QUICK_NANOS || self.is_flooded();
        self.last = now;
        if now.nanos_since(self.window_start) > FLOOD_WINDOW_NANOS {
            let recent = now.nanos_since(self.window_start) <= 2 * FLOOD_WINDOW_NANOS;
            self.was_flooded = recent && self.packets > FLOOD_PACKETS;
            (self.window_start, self.packets) = (now, 0);
        }
        self.packets += count;
    }

    /// How many packets to ask for at once.
    fn most(&self) -> usize {
        if self.quick { BATCH } else { 1 }
    }

    /// Whether more than [`FLOOD_PACKETS`] come in [`FLOOD_WINDOW_NANOS`].
    fn is_flooded(&self) -> bool {
        self.was_flooded || self.packets > FLOOD_PACKETS
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Pace, thread_name};
    use cyc_core::StageTime;

    /// Whether the port counts as flooded after each millisecond with so many packets.
    fn flooded(pace: &mut Pace, ms: std::ops::Range<i64>, per_ms: usize) -> Vec<bool> {
        ms.map(|ms| {
            pace.note(per_ms, StageTime(ms * 1_000_000));
            pace.is_flooded()
        })
        .collect()
    }

    #[test]
    fn eight_segmented_cameras_are_no_flood_and_a_hundred_thousand_packets_a_second_are() {
        let mut pace = Pace::default();
        assert!(!flooded(&mut pace, 100..1100, 5).contains(&true));
        assert_eq!(pace.most(), 1);
        let storm = flooded(&mut pace, 1100..2100, 100);
        assert!(storm[10..].iter().all(|flooded| *flooded));
        assert_eq!(pace.most(), BATCH);
        assert!(!flooded(&mut pace, 2130..3000, 1).contains(&true), "a silence ends it");
    }

    #[test]
    fn segments_that_follow_each_other_are_read_together() {
        let mut pace = Pace::default();
        pace.note(1, StageTime(1_000_000_000));
        assert_eq!(pace.most(), 1);
        pace.note(1, StageTime(1_000_050_000));
        assert_eq!(pace.most(), BATCH);
        pace.note(1, StageTime(1_004_000_000));
        assert_eq!((pace.most(), pace.is_flooded()), (1, false));
    }

    #[test]
    fn thread_names_say_which_feed_and_fit() {
        assert_eq!(thread_name("trk-a", 1), "feed trk-a");
        assert_eq!(thread_name("trk-a", 2), "feed trk-a+1");
        assert_eq!(thread_name("tracker-of-camera-a", 3), "feed tracker-+2");
        assert_eq!(thread_name("摄影机一号追踪", 1).len(), 14);
        assert_eq!(thread_name("a\0b", 1), "feed ab");
    }
}
