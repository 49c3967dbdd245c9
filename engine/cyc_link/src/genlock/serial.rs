//! A beat on a serial port: a byte a frame, or an edge of a modem line (CTS, DCD).
//!
//! A byte is stamped when it is read, less the time it took on the wire; a modem line is waited for with TIOCMIWAIT
//! (tty_ioctl(4)), which wakes at the edge's interrupt, or looked at [`LOOK`] by `LOOK` where the driver lacks that.
//! The port is set to low latency (ASYNC_LOW_LATENCY); a 16550 may still hold a lone byte back for four characters
//! until its FIFO times out, a constant that `phase` takes away. RS-232 logic: the edge is the one to "asserted".

use super::Inbox;
use super::source::{RETRY, SourceHandle, Stop, Teller};
use crate::error::LinkError;
use crate::sys::serial as sys;
use cyc_core::{Clock, StageTime};
use cyc_stage::stage::{SerialEdge, SerialPulse};
use nix::errno::Errno;
use serialport::{ErrorKind, TTYPort};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// The thread looks so often whether it is to end while no byte comes.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often modem lines are looked at where the driver cannot wait for them.
const LOOK: Duration = Duration::from_micros(500);
/// Bytes closer together than this, in nanoseconds, belong to one beat: no beat has 2000 frames a second.
const BURST_NANOS: i64 = 500_000;
/// Pause when more bytes than a beat's come at once.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);
/// Bits of a byte on the wire: start, 8 data, stop.
const BITS: i64 = 10;

/// Listens on a serial port. A port that is not there, or goes, is no error: it is tried again and named meanwhile.
///
/// # Errors
/// No thread.
pub fn start(config: &SerialPulse, clock: Arc<dyn Clock>, inbox: Inbox) -> Result<SourceHandle, LinkError> {
    let mut line = Line { config: config.clone(), clock, teller: Teller::new(inbox), noted: false };
    SourceHandle::spawn("genlock tty", move |stop| {
        while !stop.is_stopped() {
            match line.open() {
                Ok(port) => line.run(port, stop),
                Err(text) => line.teller.trouble(text),
            }
            stop.set_waker(None);
            stop.pause(RETRY);
        }
    })
}

/// The serial ports that there are, by path.
pub fn ports() -> Vec<String> {
    let ports = serialport::available_ports().unwrap_or_default();
    ports.into_iter().map(|port| port.port_name).collect()
}

/// Opens a serial device raw, 8N1, for this program alone.
///
/// # Errors
/// In words for the operator: what is wrong with the device, and what to do.
pub(crate) fn open(device: &str, baud: u32) -> Result<TTYPort, String> {
    serialport::new(device, baud).timeout(PATIENCE).open_native().map_err(|error| {
        let what = error.to_string();
        let advice = match error.kind {
            ErrorKind::Io(io::ErrorKind::NotFound) => {
                "no such device; `ls /dev/tty*` and `cyclorama doctor` list those there are"
            }
            ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
                "permission denied; add the user to the group that owns it, usually `sudo usermod -aG dialout $USER`"
            }
            ErrorKind::NoDevice => "another program has it; `fuser` shows which",
            _ if what == Errno::ENOTTY.desc() => "it is no serial device",
            _ => &what,
        };
        format!("serial port {device}: {advice}")
    })
}

/// What the listening thread owns.
struct Line {
    config: SerialPulse,
    clock: Arc<dyn Clock>,
    teller: Teller,
    /// Whether what the port cannot do has been said.
    noted: bool,
}

impl Line {
    fn open(&mut self) -> Result<TTYPort, String> {
        let port = open(&self.config.device, self.config.baud)?;
        if let Err(errno) = sys::set_low_latency(port.as_raw_fd()) {
            // Pseudo-terminals, and USB drivers that have no such mode.
            self.note(&format!("has no low-latency mode ({errno}); stamps may be late by its driver's latency timer"));
        }
        Ok(port)
    }

    fn note(&mut self, text: &str) {
        if !std::mem::replace(&mut self.noted, true) {
            tracing::info!("serial port {} {text}", self.config.device);
        }
    }

    fn run(&mut self, port: TTYPort, stop: &Stop) {
        match self.config.pulse {
            SerialEdge::Byte => {
                self.teller.well();
                self.bytes(port, stop);
            }
            SerialEdge::Cts => self.edges(&port, sys::Modem::Cts, stop),
            SerialEdge::Dcd => self.edges(&port, sys::Modem::Dcd, stop),
        }
    }

    fn bytes(&mut self, mut port: TTYPort, stop: &Stop) {
        let mut beat = ByteBeat::new(self.config.baud);
        let mut bytes = [0; 256];
        while !stop.is_stopped() {
            match port.read(&mut bytes) {
                Ok(0) => return self.gone("it was closed at the other end"),
                Ok(count) => {
                    let now = self.clock.now();
                    if let Some(at) = beat.arrived(count, now) {
                        self.teller.pulse(at, None);
                    } else {
                        stop.pause(FLOOD_PAUSE);
                    }
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
                Err(error) => return self.gone(&error.to_string()),
            }
        }
    }

    fn edges(&mut self, port: &TTYPort, line: sys::Modem, stop: &Stop) {
        let fd = port.as_raw_fd();
        let mut beat = match (sys::level(fd, line), sys::edges(fd, line).ok()) {
            (Ok(level), count) => EdgeBeat { level, count },
            (Err(errno), _) => {
                let device = &self.config.device;
                return self.teller.trouble(format!(
                    "serial port {device} has no modem lines ({errno}); use a port that has, or `pulse = \"byte\"`"
                ));
            }
        };
        self.teller.well();
        let mut waits = sys::interruptible().is_ok();
        stop.set_waker(Some(Box::new(sys::interrupt)));
        while !stop.is_stopped() {
            match self.wait(fd, line, &mut waits) {
                Ok(at) => {
                    let Ok(level) = sys::level(fd, line) else { return self.gone("its lines cannot be read") };
                    if beat.seen(sys::edges(fd, line).ok(), level) {
                        self.teller.pulse(at, None);
                    }
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return self.gone(errno.desc()),
            }
        }
    }

    /// Waits for an edge, or for a while; when that was over.
    fn wait(&mut self, fd: i32, line: sys::Modem, waits: &mut bool) -> nix::Result<StageTime> {
        if *waits {
            match sys::wait_for_edge(fd, line) {
                Err(Errno::ENOTTY | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
                    *waits = false;
                    self.note("cannot wait for an edge; it is looked at every 0.5 ms instead");
                }
                other => return other.map(|()| self.clock.now()),
            }
        }
        std::thread::sleep(LOOK);
        Ok(self.clock.now())
    }

    fn gone(&mut self, why: &str) {
        self.teller.trouble(format!(
            "serial port {} is gone: {why}; it is tried again until it is back. Look at its plug",
            self.config.device
        ));
    }
}

/// Beats from bytes.
#[derive(Debug)]
struct ByteBeat {
    byte_nanos: i64,
    last: Option<StageTime>,
}

impl ByteBeat {
    fn new(baud: u32) -> Self {
        Self { byte_nanos: BITS * 1_000_000_000 / i64::from(baud.max(1)), last: None }
    }

    /// `count` bytes were read at `now`: when the first of them began, unless it belongs to the beat before.
    fn arrived(&mut self, count: usize, now: StageTime) -> Option<StageTime> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let began = now.plus_nanos(-self.byte_nanos.saturating_mul(count));
        let is_new = self.last.is_none_or(|last| began.nanos_since(last) >= BURST_NANOS);
        self.last = Some(now);
        is_new.then_some(began)
    }
}

/// Beats from a modem line's edges.
#[derive(Debug)]
struct EdgeBeat {
    level: bool,
    /// Edges that the driver has counted, both ways, where it counts.
    count: Option<u32>,
}

impl EdgeBeat {
    /// Whether the line went up since the last look. A pulse that was over before anybody looked is found by the
    /// driver's count.
    fn seen(&mut self, count: Option<u32>, level: bool) -> bool {
        let edges = count.zip(self.count).map(|(new, old)| new.wrapping_sub(old));
        let rose = match edges {
            Some(edges) => edges >= 2 || (edges == 1 && level),
            None => level && !self.level,
        };
        (self.level, self.count) = (level, count);
        rose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_byte_counts_from_its_start_bit_and_a_burst_is_one_beat() {
        let mut beat = ByteBeat::new(10_000);
        assert_eq!(beat.arrived(1, StageTime(40 * MS)), Some(StageTime(39 * MS)));
        assert_eq!(beat.arrived(1, StageTime(41 * MS)), None, "the byte right behind it");
        assert_eq!(beat.arrived(1, StageTime(80 * MS)), Some(StageTime(79 * MS)));
        assert_eq!(beat.arrived(3, StageTime(120 * MS)), Some(StageTime(117 * MS)));
    }

    #[test]
    fn an_edge_is_a_rising_one_with_and_without_the_drivers_count() {
        let mut beat = EdgeBeat { level: false, count: Some(7) };
        assert!(beat.seen(Some(8), true));
        assert!(!beat.seen(Some(9), false));
        assert!(beat.seen(Some(11), false), "a pulse shorter than a look");
        assert!(!beat.seen(Some(11), false));
        let mut blind = EdgeBeat { level: true, count: None };
        assert!(!blind.seen(None, true) && !blind.seen(None, false) && blind.seen(None, true));
    }
}
