use super::*;
use cyc_wire::ptp::{ClockQuality, PortDataSet, Refusal};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a pretended daemon says; silent in other domains, as ptp4l is.
#[derive(Clone)]
pub(crate) struct Sayings {
    pub(crate) state: DaemonState,
    pub(crate) refuses: Option<Id>,
}

/// A daemon on a socket in a folder of its own.
pub(crate) struct Pretended {
    folder: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Pretended {
    pub(crate) fn start(sayings: Sayings) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("cyc-ptp-test.{}.{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let socket = UnixDatagram::bind(folder.join("ptp4l")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = Some(std::thread::spawn(move || {
            let mut bytes = [0; 200];
            while !stopping.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut bytes) else { continue };
                for answer in answers(&sayings, &bytes[..length]) {
                    socket.send_to(&answer, from.as_pathname().unwrap()).unwrap();
                }
            }
        }));
        Self { folder, stop, thread }
    }

    pub(crate) fn path(&self) -> String {
        self.folder.join("ptp4l").to_str().unwrap().to_owned()
    }
}

impl Drop for Pretended {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let left: Vec<_> = std::fs::read_dir(&self.folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        std::fs::remove_dir_all(&self.folder).unwrap();
        assert_eq!(left, ["ptp4l"], "whoever asked has cleared its socket away");
    }
}

fn answers(sayings: &Sayings, question: &[u8]) -> Vec<Vec<u8>> {
    let message = Message::new_checked(question).unwrap();
    let state = &sayings.state;
    if message.domain() != state.clock.domain {
        return Vec::new();
    }
    let id = Id::of_code(message.id_code()).unwrap();
    let answer = |body| {
        let source = PortIdentity { clock: state.clock.identity, port: 0 };
        Response { domain: message.domain(), source, sequence: message.sequence(), body }.emit(message.source())
    };
    if sayings.refuses == Some(id) {
        return vec![answer(Body::Refused { id_code: id.code(), reason: Refusal::NoSuchId })];
    }
    let data = |data| answer(Body::Data(data));
    match id {
        Id::DefaultDataSet => vec![data(DataSet::Default(state.clock))],
        Id::TimePropertiesDataSet => vec![data(DataSet::TimeProperties(state.time))],
        // First something that is none, and an answer to an older question.
        Id::TimeStatus => {
            let mut old = data(DataSet::TimeStatus(TimeStatus { master_offset_nanos: 99, ..state.status }));
            old[31] = old[31].wrapping_sub(1);
            vec![vec![1, 2, 3], old, data(DataSet::TimeStatus(state.status))]
        }
        Id::PortDataSet => {
            let port = |(state, log_sync_secs): &(PortState, i8)| PortDataSet {
                state: *state,
                log_sync_secs: *log_sync_secs,
                ..PortDataSet::default()
            };
            state.ports.iter().map(|p| data(DataSet::Port(port(p)))).collect()
        }
        Id::CurrentDataSet | Id::ParentDataSet => Vec::new(),
    }
}

/// A client in domain 127, locked to a good grandmaster.
pub(crate) fn locked() -> DaemonState {
    DaemonState {
        clock: DefaultDataSet {
            slave_only: true,
            ports: 1,
            quality: ClockQuality { class: 255, accuracy: 0xfe, log_variance: 0xffff },
            identity: ClockIdentity([1, 2, 3, 0xff, 0xfe, 4, 5, 6]),
            domain: 127,
            ..DefaultDataSet::default()
        },
        time: TimePropertiesDataSet {
            utc_offset_secs: 37,
            utc_offset_valid: true,
            ptp_timescale: true,
            time_traceable: true,
            frequency_traceable: true,
            time_source: 0x20,
            ..TimePropertiesDataSet::default()
        },
        status: TimeStatus {
            master_offset_nanos: -120,
            ingress_nanos: 1_800_000_000_000_000_000,
            grandmaster_present: true,
            grandmaster: ClockIdentity([9, 9, 9, 0xff, 0xfe, 9, 9, 9]),
            ..TimeStatus::default()
        },
        ports: vec![(PortState::Slave, -3)],
    }
}

#[test]
fn a_daemon_is_asked_for_everything_in_one_go() {
    let mut state = locked();
    state.clock.ports = 2;
    state.ports.push((PortState::Listening, -3));
    let pretended = Pretended::start(Sayings { state: state.clone(), refuses: None });
    let mut daemon = Daemon::new(&pretended.path(), 127);
    for _ in 0..3 {
        assert_eq!(daemon.ask().unwrap(), state);
    }
}

#[test]
fn another_domain_is_named_with_both_fixes() {
    for found in [0, 63] {
        let mut state = locked();
        state.clock.domain = found;
        let pretended = Pretended::start(Sayings { state, refuses: None });
        let error = Daemon::new(&pretended.path(), 127).ask().unwrap_err();
        assert_eq!(error, DaemonError::OtherDomain { path: pretended.path(), wanted: 127, found });
        let text = error.to_string();
        assert!(text.contains("`domainNumber 127`") && text.contains(&format!("domain = {found}")), "{text}");
    }
}

#[test]
fn a_daemon_without_linuxptps_own_messages_is_named() {
    let pretended = Pretended::start(Sayings { state: locked(), refuses: Some(Id::TimeStatus) });
    let error = Daemon::new(&pretended.path(), 127).ask().unwrap_err().to_string();
    assert!(error.contains("does not say TIME_STATUS_NP: no such identifier"), "{error}");
}

#[test]
fn no_daemon_and_one_that_has_ended_are_told_apart_and_asked_again() {
    let path = std::env::temp_dir().join(format!("cyc-ptp-none.{}", std::process::id()));
    let path = path.to_str().unwrap();
    let mut daemon = Daemon::new(path, 127);
    assert_eq!(daemon.ask(), Err(DaemonError::NoSocket(path.into())));
    let socket = UnixDatagram::bind(path).unwrap();
    drop(socket);
    assert_eq!(daemon.ask(), Err(DaemonError::Ended(path.into())));
    std::fs::remove_file(path).unwrap();
    let pretended = Pretended::start(Sayings { state: locked(), refuses: None });
    let mut daemon = Daemon::new(&pretended.path(), 127);
    assert!(daemon.ask().is_ok());
    drop(daemon);
}

#[test]
fn what_reads_and_never_answers_is_no_daemon() {
    let path = std::env::temp_dir().join(format!("cyc-ptp-mute.{}", std::process::id()));
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut daemon = Daemon::new(path.to_str().unwrap(), 127);
    let error = daemon.ask().unwrap_err();
    // Nobody takes its datagrams, so that its queue fills up.
    assert!(matches!(error, DaemonError::Silent(_) | DaemonError::Late(_)), "{error}");
    drop(socket);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_socket_that_may_not_be_written_says_how_to_permit_it() {
    let error = Daemon::new("/var/run/ptp4l", 127).explain(&io::ErrorKind::PermissionDenied.into());
    assert!(error.to_string().contains("uds_file_mode 0666"), "{error}");
}
