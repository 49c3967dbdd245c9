//! Takes real-time rights from a thread that does not rest.

use super::{LEASH_NANOS, is_ours, monotonic_nanos};
use crate::sys::{self, Policy};
use nix::errno::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The highest SCHED_FIFO priority (sched(7)).
pub(super) const HIGHEST: u8 = 99;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(250);

/// What the guard and the thread that it watches share.
#[derive(Debug, Default)]
pub(super) struct Leash {
    thread: AtomicI32,
    /// Since when it works, CLOCK_MONOTONIC in nanoseconds; 0 while it rests.
    busy_since: AtomicI64,
    taken: AtomicBool,
    times: AtomicU64,
    stop: AtomicBool,
}

impl Leash {
    /// Whether the rights are to be taken at `now`; says so once.
    pub(super) fn overworked(&self, now: i64) -> bool {
        let since = self.busy_since.load(Ordering::Acquire);
        let long = since != 0 && now.saturating_sub(since) > LEASH_NANOS;
        let taken = long && !self.taken.swap(true, Ordering::AcqRel);
        self.times.fetch_add(u64::from(taken), Ordering::Relaxed);
        taken
    }

    /// A thread begins to work at `now`; whether its rights were taken since it last did.
    pub(super) fn work(&self, now: i64) -> bool {
        self.busy_since.store(now.max(1), Ordering::Release);
        self.taken.swap(false, Ordering::AcqRel)
    }

    /// The thread waits.
    pub(super) fn rest(&self) {
        self.busy_since.store(0, Ordering::Release);
    }
}

/// The guard: a thread of higher priority that hardly ever runs. Ends with this value.
#[derive(Debug)]
pub(super) struct Guard {
    leash: Arc<Leash>,
    thread: Option<JoinHandle<()>>,
}

impl Guard {
    /// Starts it with SCHED_FIFO of `priority`.
    ///
    /// # Errors
    /// EPERM without the right to it, EAGAIN if there is no thread.
    pub(super) fn start(priority: u8) -> Result<Self, Errno> {
        let leash = Arc::new(Leash::default());
        let (shared, (tell, told)) = (leash.clone(), std::sync::mpsc::channel());
        let thread = std::thread::Builder::new().name("pacer-guard".to_owned()).spawn(move || {
            let raised = sys::set_policy(0, Policy::Fifo(priority));
            let _ = tell.send(raised);
            if raised.is_ok() {
                watch(&shared);
            }
        });
        let thread = Some(thread.map_err(|_| Errno::EAGAIN)?);
        told.recv().unwrap_or(Err(Errno::EAGAIN))?;
        Ok(Self { leash, thread })
    }

    /// From now on it watches `thread`, which works.
    pub(super) fn watch(&self, thread: i32) {
        self.leash.thread.store(thread, Ordering::Release);
        self.leash.work(monotonic_nanos());
    }

    /// The watched thread waits.
    pub(super) fn rest(&self) {
        self.leash.rest();
    }

    /// The watched thread works; whether its rights were taken meanwhile.
    pub(super) fn work(&self) -> bool {
        self.leash.work(monotonic_nanos())
    }

    /// How often rights were taken.
    pub(super) fn taken(&self) -> u64 {
        self.leash.times.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.leash.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn watch(leash: &Leash) {
    while !leash.stop.load(Ordering::Acquire) {
        std::thread::park_timeout(LOOK);
        if !leash.overworked(monotonic_nanos()) {
            continue;
        }
        let thread = leash.thread.load(Ordering::Acquire);
        if is_ours(thread) && sys::set_policy(thread, Policy::Ordinary).is_ok() {
            tracing::warn!("a frame has worked for more than a second; it goes on without real-time priority");
        }
    }
}
