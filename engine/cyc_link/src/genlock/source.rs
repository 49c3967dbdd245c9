//! What every source has in common: a named thread that ends when it is told to, and what it may say to the loop.

use super::{Heard, Inbox};
use crate::error::LinkError;
use cyc_core::{StageTime, Timecode};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a source waits before it tries a device again that it could not open, or lost.
pub(crate) const RETRY: Duration = Duration::from_millis(500);
/// How often a thread that cannot be woken otherwise is nudged while it is ending.
const NUDGE: Duration = Duration::from_millis(5);

/// Beats or labels closer together than this many in a [`WINDOW_NANOS`] come from no beat: 2000 a second.
const MOST_IN_WINDOW: u32 = 200;
/// See [`MOST_IN_WINDOW`].
const WINDOW_NANOS: i64 = 100_000_000;

/// A running source. Dropping it ends its thread and waits for it.
pub struct SourceHandle {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
    local_addr: Option<SocketAddr>,
}

/// Whether a thread is to end, and how it is woken for that.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: AtomicBool,
    pause: Mutex<()>,
    ended: Condvar,
    waker: Mutex<Option<Waker>>,
}

/// Interrupts whatever the source's thread waits in; is given the thread.
pub(crate) type Waker = Box<dyn Fn(&JoinHandle<()>) + Send>;

impl SourceHandle {
    /// Runs a source on a thread of its own.
    ///
    /// # Errors
    /// No thread.
    pub(crate) fn spawn(name: &str, run: impl FnOnce(&Stop) + Send + 'static) -> Result<Self, LinkError> {
        let stop = Arc::new(Stop::default());
        let stopping = stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || run(&stopping))
            .map_err(|source| LinkError::Thread { feed: name.into(), source })?;
        Ok(Self { stop, thread: Some(thread), local_addr: None })
    }

    /// Where a network source listens; `None` for other sources, and where its port could not be had at once.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    pub(crate) fn listening(mut self, local_addr: Option<SocketAddr>) -> Self {
        self.local_addr = local_addr;
        self
    }
}

impl Drop for SourceHandle {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.stop.stop();
        while !thread.is_finished() {
            // Again and again, since the thread may just have been about to begin to wait.
            if !self.stop.wake(&thread) {
                break;
            }
            std::thread::sleep(NUDGE);
        }
        let _ = thread.join();
    }
}

impl std::fmt::Debug for SourceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceHandle").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

impl Stop {
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Ends the thread, at the latest when its present wait is over.
    pub(crate) fn stop(&self) {
        let _guard = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::Release);
        self.ended.notify_all();
    }

    /// Waits, but not beyond the end; whether it is time to end.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let guard = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_timeout_while(guard, time, |()| !self.is_stopped());
        drop(waited);
        self.is_stopped()
    }

    /// How the thread is woken from what it is about to wait in; `None` if it wakes by itself.
    pub(crate) fn set_waker(&self, waker: Option<Waker>) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = waker;
    }

    /// Whether there was a way to wake it.
    fn wake(&self, thread: &JoinHandle<()>) -> bool {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        waker.as_ref().map(|wake| wake(thread)).is_some()
    }
}

/// Who is told how a device is.
pub(crate) trait Tell {
    /// Something is wrong, in words for the operator: what, where, and what to do.
    fn trouble(&mut self, text: String);
    /// Nothing is wrong.
    fn well(&mut self);
}

/// What a source says to the loop: each trouble once, and no more beats than a beat can have.
///
/// Never waits: what finds no room in the loop's inbox is dropped, and trouble is said again at the next occasion.
pub(crate) struct Teller {
    inbox: Inbox,
    trouble: Option<String>,
    /// What the loop was told last about the device: its trouble, or that it is well.
    told: Option<Option<String>>,
    window: StageTime,
    in_window: u32,
    flooded: bool,
}

impl Teller {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, trouble: None, told: None, window: StageTime(i64::MIN), in_window: 0, flooded: false }
    }

    /// A frame of the source began at `at`.
    pub(crate) fn pulse(&mut self, at: StageTime, count: Option<i64>) {
        if self.admit(at) {
            self.say(Heard::Pulse { at, count });
        }
    }

    /// The frame that began at `at` has this label.
    pub(crate) fn label(&mut self, label: Timecode, at: StageTime, nominal: Option<u32>, direction: i8) {
        if self.admit(at) {
            self.say(Heard::Label { label, at, nominal, direction });
        }
    }

    /// Something is wrong, in words for the operator: what, where, and what to do.
    pub(crate) fn trouble(&mut self, text: String) {
        if self.trouble.as_ref() != Some(&text) {
            tracing::warn!("{text}");
            self.trouble = Some(text);
        }
        self.tell();
    }

    /// Nothing is wrong.
    pub(crate) fn well(&mut self) {
        if !self.flooded {
            self.trouble = None;
        }
        self.tell();
    }

    /// Says how the device is, if that is news.
    fn tell(&mut self) {
        if self.told.as_ref() == Some(&self.trouble) {
            return;
        }
        let news = self.trouble.clone().map_or(Heard::Well, Heard::Trouble);
        if self.say(news) {
            self.told = Some(self.trouble.clone());
        }
    }

    fn say(&self, heard: Heard) -> bool {
        self.inbox.try_send(heard).is_ok()
    }

    /// Whether a beat at `at` is let through.
    fn admit(&mut self, at: StageTime) -> bool {
        // Stamps may go back a little (a label's frame began before the newest beat); a window does not.
        if !(-10 * WINDOW_NANOS..WINDOW_NANOS).contains(&at.nanos_since(self.window)) {
            let calm = self.in_window <= MOST_IN_WINDOW;
            (self.window, self.in_window) = (at, 0);
            if self.flooded && calm {
                self.flooded = false;
                self.well();
            }
        }
        self.in_window = self.in_window.saturating_add(1);
        let admitted = self.in_window <= MOST_IN_WINDOW;
        if !admitted && !std::mem::replace(&mut self.flooded, true) {
            let name = std::thread::current().name().unwrap_or("genlock").to_owned();
            self.trouble(format!(
                "{name}: more than 2000 beats a second, which is no frame rate; most are dropped. Look for a second \
                 sender, a looped cable or a wrong line speed"
            ));
        }
        admitted
    }
}

impl Tell for Teller {
    fn trouble(&mut self, text: String) {
        Teller::trouble(self, text);
    }

    fn well(&mut self) {
        Teller::well(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn teller() -> (Teller, crossbeam_channel::Receiver<Heard>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Teller::new(sender), receiver)
    }

    #[test]
    fn trouble_is_said_once_and_so_is_its_end() {
        let (mut teller, heard) = teller();
        teller.trouble("a".into());
        teller.trouble("a".into());
        teller.trouble("b".into());
        teller.well();
        teller.well();
        let said: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(said, [Heard::Trouble("a".into()), Heard::Trouble("b".into()), Heard::Well]);
    }

    #[test]
    fn trouble_that_found_no_room_is_said_later() {
        let (sender, heard) = crossbeam_channel::bounded(1);
        let mut teller = Teller::new(sender);
        teller.pulse(StageTime(0), None);
        teller.trouble("a".into());
        assert_eq!(heard.try_iter().count(), 1);
        teller.trouble("a".into());
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [Heard::Trouble("a".into())]);
    }

    #[test]
    fn a_flood_is_named_and_thinned_and_240_frames_a_second_are_none() {
        let (mut teller, heard) = teller();
        for n in 0..480 {
            teller.pulse(StageTime(n * 1000 * MS / 240), Some(n));
        }
        assert_eq!(heard.try_iter().filter(|h| matches!(h, Heard::Pulse { .. })).count(), 480);
        for n in 0..100_000 {
            teller.pulse(StageTime(2000 * MS + n * MS / 100), None);
        }
        let flood: Vec<Heard> = heard.try_iter().collect();
        assert!(flood.len() < 2300 && flood.iter().filter(|h| matches!(h, Heard::Trouble(_))).count() == 1);
        teller.well();
        assert_eq!(heard.try_iter().count(), 0, "a device that floods is not well");
        for n in 0..10 {
            teller.pulse(StageTime(3000 * MS + n * 40 * MS), None);
        }
        assert_eq!(heard.try_iter().filter(|h| *h == Heard::Well).count(), 1);
    }

    #[test]
    fn dropping_a_handle_ends_a_pause_and_wakes_a_wait() {
        let pausing = SourceHandle::spawn("pausing", |stop| assert!(stop.pause(Duration::from_secs(3600)))).unwrap();
        drop(pausing);
        let (sender, receiver) = crossbeam_channel::unbounded::<()>();
        let waiting = SourceHandle::spawn("waiting", move |stop| {
            stop.set_waker(Some(Box::new(move |_| {
                let _ = sender.send(());
            })));
            while !stop.is_stopped() {
                let _ = receiver.recv();
            }
        });
        drop(waiting.unwrap());
    }
}
