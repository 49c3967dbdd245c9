//! The PTP daemon's own state, asked for over linuxptp's management socket (`pmc`(8) does the same).

use cyc_wire::ptp::{
    Body, ClockIdentity, DataSet, DefaultDataSet, Id, Message, PortIdentity, PortState, REQUEST_LEN, Request, Response,
    TimePropertiesDataSet, TimeStatus,
};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long one answer is waited for. A daemon answers within a millisecond, on a loaded machine in a few.
const PATIENCE: Duration = Duration::from_millis(100);

/// Domains that are tried when the one that is asked is silent: ST 2059-2 and AES67 first.
const LIKELY_DOMAINS: [u8; 4] = [127, 0, 1, 24];
/// So many further domains are tried at once; a Unix socket queues ten datagrams by default.
const DOMAINS_AT_ONCE: u8 = 8;
/// They are tried at every so many questions without an answer.
const QUESTIONS_A_SEARCH: u32 = 20;

/// How a PTP daemon is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaemonState {
    /// Its clock.
    pub clock: DefaultDataSet,
    /// What its time means.
    pub time: TimePropertiesDataSet,
    /// Its distance from the grandmaster.
    pub status: TimeStatus,
    /// Its ports, with their states and the exponent of their sync interval.
    pub ports: Vec<(PortState, i8)>,
}

/// Why nothing is known of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DaemonError {
    /// No socket.
    #[error(
        "no PTP daemon has its management socket at {0}; start ptp4l (`systemctl start ptp4l@INTERFACE`), or set \
         `genlock.source.ptp.management` to its `uds_address`"
    )]
    NoSocket(String),
    /// A socket that nobody reads.
    #[error("the PTP daemon at {0} has ended; start ptp4l again")]
    Ended(String),
    /// No right to it.
    #[error(
        "the PTP daemon's management socket {0} may not be written; run the stage with its group, or set \
         `uds_file_mode 0666` in ptp4l's configuration, or name its `uds_ro_address` as `genlock.source.ptp.management`"
    )]
    Permission(String),
    /// The daemon is in another domain.
    #[error(
        "the PTP daemon at {path} is in domain {found}, the stage file says {wanted}; set `domainNumber {wanted}` in \
         ptp4l's configuration (SMPTE ST 2059-2 says 127) or `genlock.source.ptp.domain = {found}`"
    )]
    OtherDomain {
        /// The daemon's socket.
        path: String,
        /// The stage's.
        wanted: u8,
        /// The daemon's.
        found: u8,
    },
    /// It does not answer.
    #[error("the PTP daemon at {0} does not answer in any domain; is that ptp4l's management socket?")]
    Silent(String),
    /// It is slow for once.
    #[error("the PTP daemon at {0} did not answer in time")]
    Late(String),
    /// It does not say what is asked for.
    #[error("the PTP daemon at {0} does not say {1}: {2}; linuxptp 2 and later do")]
    Refused(String, Id, String),
    /// Something else.
    #[error("the PTP daemon at {0} cannot be asked: {1}")]
    Other(String, String),
}

/// Asks one daemon.
#[derive(Debug)]
pub struct Daemon {
    path: String,
    domain: u8,
    socket: Option<Own>,
    sequence: u16,
    /// Whether it has ever answered in the stage's domain.
    answered: bool,
    /// What was found when other domains were tried, and for how many questions that still counts.
    found: Option<(DaemonError, u32)>,
}

/// Our own socket: an answer goes to the path that the question came from. The file goes with it.
#[derive(Debug)]
struct Own {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Daemon {
    /// The daemon of a PTP domain with its management socket at `path`; nothing is opened yet.
    pub fn new(path: &str, domain: u8) -> Self {
        Self { path: path.to_owned(), domain, socket: None, sequence: 0, answered: false, found: None }
    }

    /// Asks how it is.
    ///
    /// # Errors
    /// With the fix, for the operator.
    pub fn ask(&mut self) -> Result<DaemonState, DaemonError> {
        let state = self.ask_all();
        if state.is_err() {
            // A daemon that was started again has another socket behind the same path.
            self.socket = None;
        }
        state
    }

    fn ask_all(&mut self) -> Result<DaemonState, DaemonError> {
        let mut state = DaemonState::default();
        match self.first(Id::DefaultDataSet) {
            Ok(DataSet::Default(clock)) => state.clock = clock,
            // A daemon that has answered before is only slow.
            Err(DaemonError::Late(path)) => {
                return Err(if self.answered { DaemonError::Late(path) } else { self.why_silent() });
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        self.answered = true;
        if let DataSet::TimeProperties(time) = self.first(Id::TimePropertiesDataSet)? {
            state.time = time;
        }
        if let DataSet::TimeStatus(status) = self.first(Id::TimeStatus)? {
            state.status = status;
        }
        let ports = usize::from(state.clock.ports.clamp(1, 64));
        for answer in self.get(Id::PortDataSet, ports)? {
            if let DataSet::Port(port) = answer {
                state.ports.push((port.state, port.log_sync_secs));
            }
        }
        Ok(state)
    }

    fn first(&mut self, id: Id) -> Result<DataSet, DaemonError> {
        let answer = self.get(id, 1)?.into_iter().next();
        answer.ok_or_else(|| DaemonError::Late(self.path.clone()))
    }

    /// Up to `count` answers to one question; `Late` if there is none.
    fn get(&mut self, id: Id, count: usize) -> Result<Vec<DataSet>, DaemonError> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        self.send(self.domain, id, sequence)?;
        let mut answers = Vec::new();
        while answers.len() < count {
            match self.receive()? {
                None => break,
                // What comes late for an earlier question is passed over.
                Some(answer) if answer.sequence != sequence => {}
                Some(Response { body: Body::Refused { reason, .. }, .. }) => {
                    return Err(DaemonError::Refused(self.path.clone(), id, reason.to_string()));
                }
                Some(Response { body: Body::Data(data), .. }) if data.id() == id => answers.push(data),
                Some(_) => {}
            }
        }
        if answers.is_empty() { Err(DaemonError::Late(self.path.clone())) } else { Ok(answers) }
    }

    fn why_silent(&mut self) -> DaemonError {
        let known = self.found.take().filter(|(_, questions)| *questions > 0);
        let (error, questions) = known.unwrap_or_else(|| (self.other_domain(), QUESTIONS_A_SEARCH));
        self.found = Some((error.clone(), questions - 1));
        error
    }

    /// A daemon is silent to other domains than its own: which answers?
    fn other_domain(&mut self) -> DaemonError {
        let further = (0..=127).filter(|domain| !LIKELY_DOMAINS.contains(domain));
        let domains: Vec<u8> = LIKELY_DOMAINS.into_iter().chain(further).filter(|d| *d != self.domain).collect();
        for some in domains.chunks(usize::from(DOMAINS_AT_ONCE)) {
            for domain in some {
                if let Err(error) = self.send(*domain, Id::DefaultDataSet, self.sequence) {
                    return error;
                }
            }
            match self.receive() {
                Ok(Some(Response { body: Body::Data(DataSet::Default(clock)), .. })) if clock.domain != self.domain => {
                    return DaemonError::OtherDomain {
                        path: self.path.clone(),
                        wanted: self.domain,
                        found: clock.domain,
                    };
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
        DaemonError::Silent(self.path.clone())
    }

    fn send(&mut self, domain: u8, id: Id, sequence: u16) -> Result<(), DaemonError> {
        let source = PortIdentity { clock: ClockIdentity([0; 8]), port: std::process::id() as u16 };
        let request = Request { domain, transport_specific: 0, source, sequence, id };
        let bytes: [u8; REQUEST_LEN] = request.emit();
        let socket = match self.socket.take() {
            Some(own) => own,
            None => open(Path::new(&self.path)).map_err(|error| self.explain(&error))?,
        };
        let sent = socket.socket.send(&bytes).map(drop).map_err(|error| self.explain(&error));
        self.socket = Some(socket);
        sent
    }

    /// The next answer; `None` if none comes in time. Bytes that are none are passed over.
    fn receive(&self) -> Result<Option<Response>, DaemonError> {
        let Some(own) = &self.socket else { return Ok(None) };
        let mut bytes = [0; 1500];
        // A daemon that sends rubbish without end is not listened to without end.
        for _ in 0..64 {
            match own.socket.recv(&mut bytes) {
                Ok(length) => {
                    let message = bytes.get(..length).and_then(|bytes| Message::new_checked(bytes).ok());
                    if let Some(answer) = message.and_then(|message| Response::parse(&message).ok()) {
                        return Ok(Some(answer));
                    }
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.explain(&error)),
            }
        }
        Ok(None)
    }

    fn explain(&self, error: &io::Error) -> DaemonError {
        let path = self.path.clone();
        match error.kind() {
            io::ErrorKind::NotFound => DaemonError::NoSocket(path),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotConnected => DaemonError::Ended(path),
            io::ErrorKind::PermissionDenied => DaemonError::Permission(path),
            // Its queue is full: it is stopped, or busy.
            io::ErrorKind::WouldBlock => DaemonError::Late(path),
            _ => DaemonError::Other(path, error.to_string()),
        }
    }
}

/// A socket of our own that is connected to the daemon's, or to its read-only one where that is all we may write to.
fn open(daemon: &Path) -> io::Result<Own> {
    let own = bind_own(daemon)?;
    match own.socket.connect(daemon) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mut read_only = daemon.as_os_str().to_owned();
            read_only.push("ro");
            own.socket.connect(read_only).map_err(|_| error)?;
        }
        connected => connected?,
    }
    Ok(own)
}

/// Where the daemon certainly sees our socket, else where we certainly may make one.
fn bind_own(daemon: &Path) -> io::Result<Own> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("cyclorama-ptp.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let beside = daemon.parent().map(Path::to_path_buf);
    let folders = beside.into_iter().chain(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for folder in folders.chain([std::env::temp_dir()]) {
        let path = folder.join(&name);
        // What is left of a program that had our number.
        let _ = std::fs::remove_file(&path);
        match UnixDatagram::bind(&path) {
            Ok(socket) => {
                let own = Own { socket, path };
                // The daemon may run as another user.
                let _ = std::fs::set_permissions(&own.path, PermissionsExt::from_mode(0o666));
                own.socket.set_read_timeout(Some(PATIENCE))?;
                own.socket.set_write_timeout(Some(PATIENCE))?;
                return Ok(own);
            }
            Err(error) => failed = error,
        }
    }
    Err(io::Error::other(format!("no folder for a socket of our own: {failed}")))
}

#[cfg(test)]
pub(crate) mod tests;
