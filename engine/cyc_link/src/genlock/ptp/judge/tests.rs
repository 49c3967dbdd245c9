use super::super::daemon::tests::locked;
use super::super::discipline::Reading;
use super::*;

const SECOND: i64 = 1_000_000_000;
const TAI: i64 = 1_800_000_000_000_000_000;

/// A machine on PTP in virtual time, asked four times a second.
struct Machine {
    now: i64,
    judge: Judge,
    discipline: Discipline,
    daemon: Result<DaemonState, DaemonError>,
    on_system_clock: bool,
    kernel_tai_secs: i32,
    card_minus_tai_nanos: Option<i64>,
    reference_trouble: Option<String>,
    /// How far the disciplined clock is from where it would be without being moved.
    moved: i64,
    syncs: bool,
}

impl Machine {
    fn new(daemon: DaemonState) -> Self {
        let rate: Rate = "24".parse().unwrap();
        let first = Reading { monotonic_nanos: SECOND, tai_nanos: TAI + SECOND, bracket_nanos: 100 };
        Self {
            now: SECOND,
            judge: Judge::new(rate, Some("eno1")),
            discipline: Discipline::new(rate, first),
            daemon: Ok(daemon),
            on_system_clock: true,
            kernel_tai_secs: 37,
            card_minus_tai_nanos: None,
            reference_trouble: None,
            moved: 0,
            syncs: true,
        }
    }

    fn step(&mut self) -> Verdict {
        self.now += SECOND / 4;
        let tai_nanos = TAI + self.now + self.moved;
        self.discipline.take(Reading { monotonic_nanos: self.now, tai_nanos, bracket_nanos: 100 });
        if let (Ok(state), true) = (&mut self.daemon, self.syncs) {
            state.status.ingress_nanos = tai_nanos;
        }
        self.judge.judge(&Evidence {
            now_nanos: self.now,
            raw_and_tai: Some([self.now + 77, tai_nanos]),
            daemon: &self.daemon,
            discipline: &self.discipline,
            on_system_clock: self.on_system_clock,
            kernel_tai_secs: self.kernel_tai_secs,
            card_minus_tai_nanos: self.card_minus_tai_nanos,
            reference_trouble: self.reference_trouble.as_deref(),
        })
    }

    /// The last verdict and every event of so many seconds.
    fn run(&mut self, seconds: i64) -> (Verdict, Vec<BeatEvent>) {
        let mut events = Vec::new();
        let mut last = Verdict::default();
        for _ in 0..4 * seconds {
            last = self.step();
            events.extend(last.event);
        }
        (last, events)
    }

    fn why(&mut self) -> String {
        let (verdict, _) = self.run(2);
        assert_ne!(verdict.sync.state, LockState::Locked);
        verdict.why.unwrap()
    }
}

#[test]
fn a_client_of_a_good_grandmaster_is_locked() {
    let mut machine = Machine::new(locked());
    let (verdict, events) = machine.run(60);
    assert_eq!(verdict.sync.state, LockState::Locked);
    assert!((100..1000).contains(&verdict.sync.uncertainty_ns), "{:?}", verdict.sync);
    assert_eq!(verdict.why, None);
    assert!(matches!(events[..], [BeatEvent::Locked { .. }]), "{events:?}");
}

#[test]
fn what_is_no_lock_is_never_called_one_and_says_why() {
    let daemon = |change: fn(&mut DaemonState)| {
        let mut state = locked();
        change(&mut state);
        Machine::new(state).why()
    };
    let cases = [
        (
            daemon(|d| d.ports[0].0 = PortState::Listening),
            "no master on eno1 (port: Listening): none is heard in domain 127",
        ),
        (daemon(|d| d.ports.clear()), "follows no master"),
        (daemon(|d| d.ports[0].0 = PortState::Uncalibrated), "still steering its clock"),
        (daemon(|d| d.status.grandmaster_present = false), "knows no grandmaster"),
        (daemon(|d| d.status.master_offset_nanos = -350_000), "-350.0 us off its master"),
        (daemon(|d| d.status.master_offset_nanos = i64::MIN), "us off its master"),
        (daemon(|d| d.time.utc_offset_secs = 36), "the kernel takes TAI to be 37 s ahead of UTC, the grandmaster 36 s"),
    ];
    for (why, expected) in cases {
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_kernel_without_tai_needs_a_grandmaster_that_knows_it() {
    let mut machine = Machine::new(locked());
    machine.kernel_tai_secs = 0;
    assert_eq!(machine.run(2).0.sync.state, LockState::Locked, "its currentUtcOffset is used");
    for change in
        [|d: &mut DaemonState| d.time.utc_offset_valid = false, |d: &mut DaemonState| d.time.ptp_timescale = false]
    {
        let mut state = locked();
        change(&mut state);
        let mut machine = Machine::new(state.clone());
        machine.kernel_tai_secs = 0;
        assert!(machine.why().contains("nobody says how far TAI is from UTC"));
        // A software master gives UTC; with the kernel's own offset that is TAI all the same.
        machine.kernel_tai_secs = 37;
        assert_eq!(machine.run(2).0.sync.state, LockState::Locked);
    }
    let mut arbitrary = Machine::new(locked());
    arbitrary.on_system_clock = false;
    arbitrary.daemon.as_mut().unwrap().time.ptp_timescale = false;
    assert!(arbitrary.why().contains("ptpTimescale is off"));
}

#[test]
fn a_grandmaster_is_locked_on_purpose_only() {
    let mut state = locked();
    state.ports[0].0 = PortState::Master;
    state.status.grandmaster_present = false;
    state.clock.quality.class = 248;
    assert!(Machine::new(state.clone()).why().contains("has made itself PTP grandmaster (class 248)"));
    for class in [6, 13] {
        state.clock.quality.class = class;
        assert_eq!(Machine::new(state.clone()).run(2).0.sync.state, LockState::Locked);
    }
}

#[test]
fn a_daemon_that_ends_is_held_over_with_growing_uncertainty_and_lost_after_half_a_frame() {
    let mut machine = Machine::new(locked());
    machine.run(30);
    machine.daemon = Err(DaemonError::Ended("/var/run/ptp4l".into()));
    let (first, events) = machine.run(1);
    assert_eq!((first.sync.state, &events[..]), (LockState::Holdover, &[BeatEvent::Holdover][..]));
    assert!(first.why.unwrap().contains("has ended"));
    let (later, _) = machine.run(100);
    // 50 us a second.
    assert!((later.sync.uncertainty_ns - first.sync.uncertainty_ns - 5_000_000).abs() < 1_000, "{:?}", later.sync);
    let (lost, events) = machine.run(400);
    assert_eq!((lost.sync, &events[..]), (BeatSync::default(), &[BeatEvent::Lost][..]));
    machine.daemon = Ok(locked());
    let (_, events) = machine.run(2);
    assert!(matches!(events[..], [BeatEvent::Relocked { .. }]), "{events:?}");
}

#[test]
fn a_slow_answer_changes_nothing_and_a_long_silence_does() {
    let mut machine = Machine::new(locked());
    machine.run(30);
    machine.daemon = Err(DaemonError::Late("/var/run/ptp4l".into()));
    assert_eq!(machine.run(1).0.sync.state, LockState::Locked);
    assert_eq!(machine.run(4).0.sync.state, LockState::Holdover);
}

#[test]
fn a_client_that_hears_no_sync_lies() {
    let mut machine = Machine::new(locked());
    machine.run(30);
    machine.syncs = false;
    assert_eq!(machine.run(2).0.sync.state, LockState::Locked);
    let (verdict, _) = machine.run(3);
    assert_eq!(verdict.sync.state, LockState::Holdover);
    assert!(verdict.why.unwrap().contains("no sync message has come for"));
    machine.syncs = true;
    assert_eq!(machine.run(1).0.sync.state, LockState::Locked);
}

#[test]
fn a_locked_flag_with_a_drifting_phase_is_named_and_not_believed() {
    let mut machine = Machine::new(locked());
    machine.run(60);
    let mut events = Vec::new();
    for n in 0..100 {
        // 300 us a second, to and fro: a crystal does not do that.
        machine.moved += if n / 20 % 2 == 0 { 75_000 } else { -75_000 };
        events.extend(machine.step().event);
    }
    assert!(
        events.iter().any(|e| matches!(e, BeatEvent::SourceLies { moved_nanos } if *moved_nanos > 100_000)),
        "{events:?}"
    );
    let verdict = machine.step();
    assert_eq!(verdict.sync.state, LockState::Holdover);
    let reasons = ["says that it is locked", "was stepped", "is steered to PTP's"];
    let why = verdict.why.unwrap();
    assert!(reasons.iter().any(|reason| why.contains(reason)), "{why}");
    // Steady again, and believed again after a while.
    let (verdict, events) = machine.run(60);
    assert_eq!(verdict.sync.state, LockState::Locked);
    assert!(events.iter().any(|e| matches!(e, BeatEvent::Relocked { .. })), "{events:?}");
}

#[test]
fn a_card_that_nobody_brings_to_the_system_clock_is_named() {
    let mut machine = Machine::new(locked());
    machine.card_minus_tai_nanos = Some(-37_000_000_000);
    assert!(machine.why().contains("start phc2sys"));
    machine.card_minus_tai_nanos = Some(2_000);
    assert_eq!(machine.run(2).0.sync.state, LockState::Locked);
}

#[test]
fn a_reference_that_cannot_be_read_is_no_lock() {
    let mut machine = Machine::new(locked());
    machine.reference_trouble = Some("there is no /dev/ptp0".into());
    assert_eq!(machine.why(), "there is no /dev/ptp0");
}

#[test]
fn a_stepped_clock_is_held_over_until_it_has_settled() {
    let mut machine = Machine::new(locked());
    machine.run(60);
    machine.moved = 3_600 * SECOND + 5_000_000;
    let (verdict, events) = machine.run(2);
    assert_eq!(verdict.sync.state, LockState::Holdover);
    assert!(verdict.why.unwrap().contains("stepped by +3600.00"));
    assert!(events.contains(&BeatEvent::Holdover), "{events:?}");
    let (verdict, _) = machine.run(60);
    assert_eq!(verdict.sync.state, LockState::Locked, "{verdict:?}");
    assert_eq!(machine.discipline.aside_nanos(), 3_600 * SECOND);
}
