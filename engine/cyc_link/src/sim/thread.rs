//! The simulated tracker's thread and socket.

use super::{SimOptions, SimTracker};
use cyc_core::{Clock, StageTime};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The thread looks so often whether it is to end, nanoseconds.
const LOOK_NANOS: i64 = 50_000_000;

/// Why a simulated tracker did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No socket to send from.
    #[error("the simulated tracker cannot send to {target}: {source}")]
    Socket {
        /// Where it should send.
        target: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No thread.
    #[error("the simulated tracker got no thread: {0}")]
    Thread(io::Error),
}

/// A simulated tracker, sending; it ends when this is dropped.
#[derive(Debug)]
pub struct SimulatedTracker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    start: StageTime,
}

impl SimulatedTracker {
    /// Sends from a thread of its own, beginning now.
    ///
    /// # Errors
    /// No socket (such as an interface of another machine), no thread.
    pub fn start(options: SimOptions, clock: Arc<dyn Clock>) -> Result<Self, SimError> {
        let socket = open(&options)?;
        let start = clock.now();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("sim tracker".into())
            .spawn(move || send_all(&socket, options, &*clock, start, &|| stopped.load(Ordering::Relaxed)))
            .map_err(SimError::Thread)?;
        Ok(Self { stop, thread: Some(thread), start })
    }

    /// When its first message left: the path's second 0.
    pub fn started(&self) -> StageTime {
        self.start
    }
}

impl Drop for SimulatedTracker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends from the calling thread, beginning now, until `stopped` says so.
///
/// # Errors
/// No socket.
pub fn send(options: SimOptions, clock: &dyn Clock, stopped: &dyn Fn() -> bool) -> Result<(), SimError> {
    let socket = open(&options)?;
    send_all(&socket, options, clock, clock.now(), stopped);
    Ok(())
}

fn open(options: &SimOptions) -> Result<Socket, SimError> {
    let target = options.target;
    let open = || {
        let socket = Socket::new(Domain::for_address(target), Type::DGRAM, Some(Protocol::UDP))?;
        if target.is_ipv4() && target.ip().is_multicast() {
            // As the reference sender: the next switch and one router.
            socket.set_multicast_ttl_v4(2)?;
            socket.set_multicast_loop_v4(true)?;
            options.interface.map_or(Ok(()), |interface| socket.set_multicast_if_v4(&interface))?;
        }
        Ok(socket)
    };
    open().map_err(|source| SimError::Socket { target, source })
}

fn send_all(socket: &Socket, options: SimOptions, clock: &dyn Clock, start: StageTime, stopped: &dyn Fn() -> bool) {
    let target = options.target.into();
    let mut tracker = SimTracker::new(options, start);
    let mut complained = false;
    while !stopped() {
        for datagram in tracker.due(clock.now()) {
            // Nobody listening yet is no error for a tracker; anything is said once.
            if let Err(error) = socket.send_to(&datagram.bytes, &target)
                && !std::mem::replace(&mut complained, true)
            {
                tracing::warn!("simulated tracker: cannot send: {error}");
            }
        }
        clock.sleep_until(tracker.next_deadline().min(clock.now().plus_nanos(LOOK_NANOS)));
    }
}
