//! OSC control: commands in, answers out.
//!
//! Everything under `/cyclorama`: `freeze`, `blackout`, `outline` and `rolling` take an `i` (0 or 1), `pattern`,
//! `slate`, `cue` and `event` an `s`, `light_card` an `s` and an `i`. With `/at` behind the address the last argument
//! is the frame on which it is to happen, `i` or `h`. Every message is answered to its sender on `/cyclorama/reply ,sihs`:
//! the address, 1 or 0, the frame on which it happened or will happen (-1 if it does not), and a text. A command that
//! waits for its frame is answered once more when it has happened.
//!
//! Two threads of their own read and answer; neither can make the frame thread wait, and a flood is left to the
//! kernel to drop.

mod message;

pub use message::{Reply, parse};

use crate::clock::realtime_nanos;
use cyc_core::command::{Answer, Answered, Asked, CommandPort};
use cyc_wire::osc::{Element, Packet, nanos_from_tag};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the threads look whether they are to end.
const LOOK: Duration = Duration::from_millis(100);
/// Two answers for every command that a stage can keep.
const ANSWERS: usize = 1024;
/// Messages that are read at once before the pace counts, and of one datagram.
const BURST: u32 = 64;
/// Time for a message when they keep coming: a thousand a second.
const A_MESSAGE: Duration = Duration::from_millis(1);
/// How long a flooded port is left alone.
const FLOOD_PAUSE: Duration = Duration::from_millis(5);
/// A bundle that is timed later than this from now was not meant for now, nanoseconds.
const SOON_NANOS: i64 = 50_000_000;
/// Largest UDP datagram, in bytes.
const DATAGRAM: usize = 65_536;

/// Why the control port did not open.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No socket.
    #[error("OSC control cannot listen on {addr}: {}", why(source))]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No thread.
    #[error("OSC control got no thread: {0}")]
    Thread(io::Error),
}

fn why(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use; stop the other program (`ss -lunp` shows it) or give `control` another port".into()
        }
        io::ErrorKind::PermissionDenied => "permission denied; take a port above 1023".into(),
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has this address (`ip addr` lists them); 0.0.0.0 listens on all of them"
                .into()
        }
        _ => source.to_string(),
    }
}

/// What came in so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ControlCounts {
    /// Messages that were given on as commands.
    pub commands: u64,
    /// Messages that were answered with a reason why not, before any stage saw them.
    pub refused: u64,
    /// Datagrams that are no OSC, and messages beyond the 64th of a datagram.
    pub garbage: u64,
}

/// The control port, listening. Dropping it frees the port.
#[derive(Debug)]
pub struct OscControl {
    local_addr: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    socket: UdpSocket,
    stopped: AtomicBool,
    /// Who waits for the answer to which command.
    askers: Mutex<HashMap<u64, Asker>>,
    commands: AtomicU64,
    refused: AtomicU64,
    garbage: AtomicU64,
}

#[derive(Debug)]
struct Asker {
    to: SocketAddr,
    address: String,
}

impl OscControl {
    /// Listens on `addr` (port 0 takes a free one) and gives commands to `port`.
    ///
    /// # Errors
    /// A port in use, no permission, an address of another machine, no thread.
    pub fn start(addr: SocketAddr, port: CommandPort) -> Result<Self, ControlError> {
        let listen = |source| ControlError::Listen { addr, source };
        let socket = UdpSocket::bind(addr).map_err(listen)?;
        socket.set_read_timeout(Some(LOOK)).map_err(listen)?;
        let local_addr = socket.local_addr().map_err(listen)?;
        let shared = Arc::new(Shared {
            socket,
            stopped: AtomicBool::new(false),
            askers: Mutex::default(),
            commands: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            garbage: AtomicU64::new(0),
        });
        let mut control = Self { local_addr, shared: shared.clone(), threads: Vec::new() };
        let (reply, answers) = sync_channel(ANSWERS);
        let reader = Reader { shared: shared.clone(), port, reply, next_ticket: 0 };
        control.spawn("osc control", move || reader.run())?;
        control.spawn("osc replies", move || shared.answer_all(&answers))?;
        Ok(control)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What came in so far.
    pub fn counts(&self) -> ControlCounts {
        let [commands, refused, garbage] = [&self.shared.commands, &self.shared.refused, &self.shared.garbage]
            .map(|count| count.load(Ordering::Relaxed));
        ControlCounts { commands, refused, garbage }
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), ControlError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(run).map_err(ControlError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for OscControl {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn reply(&self, to: SocketAddr, reply: &Reply<'_>) {
        // Who asks and does not listen misses his answer.
        let _ = self.socket.send_to(&reply.emit(), to);
    }

    fn refuse(&self, to: SocketAddr, address: &str, text: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.reply(to, &Reply { address, done: false, frame: None, text });
    }

    /// Sends answers on to who asked, until the end.
    fn answer_all(&self, answers: &Receiver<Answered>) {
        while !self.is_stopped() {
            match answers.recv_timeout(LOOK) {
                Ok(answered) => self.answer(&answered),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn answer(&self, answered: &Answered) {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = matches!(answered.answer, Answer::Scheduled { .. });
        let asker = if waits { askers.get(&answered.ticket).map(Asker::copy) } else { askers.remove(&answered.ticket) };
        drop(askers);
        let Some(Asker { to, address }) = asker else { return };
        let (done, frame, text) = match &answered.answer {
            Answer::Scheduled { frame } => (true, Some(*frame), "scheduled".to_owned()),
            Answer::Done { frame, late: 0 } => (true, Some(*frame), "done".to_owned()),
            Answer::Done { frame, late } => (true, Some(*frame), format!("done, late by {late}: ticks were missed")),
            Answer::Refused(refusal) => (false, None, refusal.to_string()),
        };
        self.reply(to, &Reply { address: &address, done, frame, text: &text });
    }
}

impl Asker {
    fn copy(&self) -> Self {
        Self { to: self.to, address: self.address.clone() }
    }
}

/// What the reading thread owns.
struct Reader {
    shared: Arc<Shared>,
    port: CommandPort,
    reply: SyncSender<Answered>,
    next_ticket: u64,
}

impl Reader {
    fn run(mut self) {
        let mut buffer = vec![0; DATAGRAM];
        let mut pace = Pace::default();
        while !self.shared.is_stopped() {
            match self.shared.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let messages = self.datagram(&buffer[..length], from);
                    pace.spend(messages.max(1));
                }
                // The timeout, or a port unreachable that a reply brought back.
                Err(_) => pace.rest(),
            }
        }
    }

    /// Returns how many messages there were.
    fn datagram(&mut self, bytes: &[u8], from: SocketAddr) -> u32 {
        let mut messages = 0;
        match Packet::new_checked(bytes).ok().and_then(|packet| packet.element()) {
            Some(element) => self.element(&element, from, true, &mut messages),
            None => drop(self.shared.garbage.fetch_add(1, Ordering::Relaxed)),
        }
        messages
    }

    /// Bundles nest 8 deep at most, which the packet's check sees to.
    fn element(&mut self, element: &Element<'_>, from: SocketAddr, now: bool, messages: &mut u32) {
        match element {
            Element::Bundle(bundle) => {
                let late = nanos_from_tag(bundle.time_tag()).is_none_or(|at| at <= realtime_nanos() + SOON_NANOS);
                bundle.elements().for_each(|element| self.element(&element, from, now && late, messages));
            }
            Element::Message(_) if *messages == BURST => drop(self.shared.garbage.fetch_add(1, Ordering::Relaxed)),
            Element::Message(message) => {
                *messages += 1;
                let address = String::from_utf8_lossy(message.address());
                if !now {
                    let text =
                        "the bundle is timed; commands go by frames: put /at behind the address and the frame last";
                    return self.shared.refuse(from, &address, text);
                }
                match parse(message) {
                    Ok((command, at_frame)) => {
                        self.give(Asked { command, at_frame, from: format!("osc {from}") }, from, &address);
                    }
                    Err(text) => self.shared.refuse(from, &address, &text),
                }
            }
        }
    }

    fn give(&mut self, asked: Asked, to: SocketAddr, address: &str) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        // Before the command, or its answer could come first.
        self.askers(|askers| askers.insert(ticket, Asker { to, address: address.to_owned() }));
        match self.port.send(asked, &self.reply, ticket) {
            Ok(()) => drop(self.shared.commands.fetch_add(1, Ordering::Relaxed)),
            Err(refusal) => {
                self.askers(|askers| askers.remove(&ticket));
                self.shared.refuse(to, address, &refusal.to_string());
            }
        }
    }

    fn askers<T>(&self, change: impl FnOnce(&mut HashMap<u64, Asker>) -> T) -> T {
        change(&mut self.shared.askers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads a burst at once and a flood at its own pace, so that it costs no core.
struct Pace {
    left: u32,
    filled: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Self { left: BURST, filled: Instant::now() }
    }
}

impl Pace {
    fn rest(&mut self) {
        *self = Self::default();
    }

    fn spend(&mut self, messages: u32) {
        let earned = (self.filled.elapsed().as_micros() / A_MESSAGE.as_micros()).min(u128::from(BURST)) as u32;
        if earned > 0 {
            (self.left, self.filled) = ((self.left + earned).min(BURST), Instant::now());
        }
        self.left = self.left.saturating_sub(messages);
        if self.left == 0 {
            std::thread::sleep(FLOOD_PAUSE);
        }
    }
}
