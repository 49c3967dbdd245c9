//! What the frame loop gives the desk: reports, events and sync pushed, wall pictures on request, none ever waiting;
//! and what the desk gives the stage: commands.

use crate::health::{Health, History, Known};
use crate::log::{EventLog, EventPage};
use crate::sync::SyncStatus;
use arc_swap::ArcSwapOption;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use cyc_core::command::CommandPort;
use cyc_core::event::{StageEvent, WallState};
use cyc_core::{Clock, FrameReport, StageTime};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::oneshot;

/// Reports that may wait for the desk: well over ten seconds at any frame rate.
const REPORTS: usize = 4096;
/// Events that may wait for the desk.
const EVENTS: usize = 4096;
/// Wall pictures that may be asked for at once.
const REQUESTS: usize = 64;

/// A wall as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WallPicture {
    /// The frame it shows.
    pub frame: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rows from the top, three bytes a pixel, sRGB for a person's screen: `width * height * 3` bytes.
    pub rgb8: Vec<u8>,
}

/// Somebody wants to see a wall. Send the picture, or drop this to say that there is none.
#[derive(Debug)]
pub struct WallRequest {
    /// Stage-file id of the wall.
    pub wall: String,
    /// Where the picture goes.
    pub reply: oneshot::Sender<WallPicture>,
}

/// The seam between frame loop and desk; clones are the same seam.
#[derive(Clone)]
pub struct DeskSource {
    shared: Arc<Shared>,
}

struct Shared {
    stage: serde_json::Value,
    walls: Vec<String>,
    clock: Arc<dyn Clock>,
    newest: ArcSwapOption<FrameReport>,
    reports: (Sender<Arc<FrameReport>>, Receiver<Arc<FrameReport>>),
    requests: (Sender<WallRequest>, Receiver<WallRequest>),
    events: (Sender<StageEvent>, Receiver<StageEvent>),
    /// Events that found no room.
    events_dropped: AtomicU64,
    sync: ArcSwapOption<SyncStatus>,
    commands: OnceLock<CommandPort>,
    /// Only the desk's own threads take this lock.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    history: History,
    log: EventLog,
}

impl DeskSource {
    /// A seam for a stage: the stage resolved as JSON, the ids of its walls, and the clock its reports count in.
    pub fn new(stage: serde_json::Value, walls: Vec<String>, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            stage,
            walls,
            clock,
            newest: ArcSwapOption::empty(),
            reports: bounded(REPORTS),
            requests: bounded(REQUESTS),
            events: bounded(EVENTS),
            events_dropped: AtomicU64::new(0),
            sync: ArcSwapOption::empty(),
            commands: OnceLock::new(),
            kept: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The same seam, giving the desk's commands to `port`; without, the desk takes none. The first port stays.
    pub fn with_commands(self, port: CommandPort) -> Self {
        let _ = self.shared.commands.set(port);
        self
    }

    /// Frame loop: hands over the frame's report. Never waits; with no desk running the report is dropped.
    pub fn publish(&self, report: FrameReport) {
        let report = Arc::new(report);
        self.shared.newest.store(Some(report.clone()));
        if let Err(TrySendError::Full(report)) = self.shared.reports.0.try_send(report) {
            // Nobody reads: the oldest makes room.
            let _ = self.shared.reports.1.try_recv();
            let _ = self.shared.reports.0.try_send(report);
        }
    }

    /// Any thread: hands over what happened. Never waits; with no desk running the newest few thousand are kept.
    pub fn publish_events(&self, events: impl IntoIterator<Item = StageEvent>) {
        let (sender, receiver) = &self.shared.events;
        for event in events {
            if let Err(TrySendError::Full(event)) = sender.try_send(event) {
                // Nobody reads: the oldest makes room.
                let _ = receiver.try_recv();
                let _ = sender.try_send(event);
                self.shared.events_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Any thread: how the stage keeps time just now. A few times a second is enough.
    pub fn publish_sync(&self, sync: SyncStatus) {
        self.shared.sync.store(Some(Arc::new(sync)));
    }

    /// Where commands go, if the stage takes any.
    pub fn commands(&self) -> Option<&CommandPort> {
        self.shared.commands.get()
    }

    /// Frame loop: the next wall somebody wants to see. Never waits. Requests whose asker has gone are skipped.
    pub fn wall_request(&self) -> Option<WallRequest> {
        std::iter::from_fn(|| self.shared.requests.1.try_recv().ok()).find(|request| !request.reply.is_closed())
    }

    /// Desk: the stage resolved.
    pub fn stage(&self) -> &serde_json::Value {
        &self.shared.stage
    }

    /// Desk: ids of the walls.
    pub fn walls(&self) -> &[String] {
        &self.shared.walls
    }

    /// Desk: the newest report.
    pub fn newest(&self) -> Option<Arc<FrameReport>> {
        self.shared.newest.load_full()
    }

    /// Desk: now, on the stage clock.
    pub fn now(&self) -> StageTime {
        self.shared.clock.now()
    }

    /// Desk: takes in the reports and events that came since the last call; call it a few times a second.
    pub fn collect(&self) {
        self.collected(|_| ());
    }

    fn collected<T>(&self, read: impl FnOnce(&Kept) -> T) -> T {
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for report in self.shared.reports.1.try_iter() {
            kept.history.push(Arc::unwrap_or_clone(report));
        }
        for event in self.shared.events.1.try_iter() {
            kept.log.push(event);
        }
        read(&kept)
    }

    /// Desk: the state of things now.
    pub fn health(&self) -> Health {
        let sync = self.sync();
        let now = self.now();
        self.collected(|kept| {
            let known = Known { standing: kept.log.standing(), sync: sync.as_deref() };
            kept.history.health(now, known)
        })
    }

    /// Desk: what the host last said of beat, labels and feeds.
    pub fn sync(&self) -> Option<Arc<SyncStatus>> {
        self.shared.sync.load_full()
    }

    /// Desk: events, at most `limit`: those after number `since`, oldest first, or the newest.
    pub fn events(&self, since: Option<u64>, limit: usize) -> EventPage {
        let dropped = self.shared.events_dropped.load(Ordering::Relaxed);
        self.collected(|kept| EventPage { dropped, ..kept.log.page(since, limit) })
    }

    /// Desk: what the operator has done to the wall.
    pub fn wall_state(&self) -> WallState {
        self.collected(|kept| kept.log.standing().wall().clone())
    }

    /// Desk: asks the frame loop for a wall; `None` if too many requests are waiting already.
    pub fn ask(&self, wall: &str) -> Option<oneshot::Receiver<WallPicture>> {
        let (reply, picture) = oneshot::channel();
        self.shared.requests.0.try_send(WallRequest { wall: wall.into(), reply }).ok()?;
        Some(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;
    impl Clock for Still {
        fn now(&self) -> StageTime {
            StageTime(1_000_000_000)
        }
        fn sleep_until(&self, _: StageTime) {}
    }

    fn source() -> DeskSource {
        DeskSource::new(serde_json::json!({}), vec!["main".into()], Arc::new(Still))
    }

    #[test]
    fn publishing_without_a_reader_keeps_the_newest() {
        let source = source();
        for frame in 0..10_000 {
            source.publish(FrameReport { frame, missed: 1, ..FrameReport::default() });
        }
        assert_eq!(source.newest().unwrap().frame, 9_999);
        let health = source.health();
        assert_eq!((health.frame, health.missed_last_minute), (Some(9_999), REPORTS as u64));
    }

    #[test]
    fn requests_of_those_who_left_are_skipped() {
        let source = source();
        drop(source.ask("main"));
        let mut waiting = source.ask("main").unwrap();
        let picture = WallPicture { frame: 3, width: 1, height: 1, rgb8: vec![1, 2, 3] };
        source.wall_request().unwrap().reply.send(picture.clone()).unwrap();
        assert_eq!(waiting.try_recv().unwrap(), picture);
        assert!(source.wall_request().is_none());
    }

    #[test]
    fn a_frame_loop_that_never_answers_bounds_the_queue() {
        let source = source();
        let waiting: Vec<_> = (0..1000).map_while(|_| source.ask("main")).collect();
        assert_eq!(waiting.len(), REQUESTS);
    }
}
