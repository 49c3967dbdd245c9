use super::daemon::tests::{Pretended, Sayings, locked};
use super::*;
use cyc_core::{Clock, LockState};

fn config(management: String) -> Ptp {
    Ptp { domain: 127, interface: None, device: None, management }
}

#[test]
fn a_stage_starts_on_tai_with_the_daemons_answer_or_without() {
    let mut state = locked();
    let kernel = sys::kernel_clock().unwrap().tai_offset_secs;
    if kernel != 0 {
        state.time.utc_offset_secs = kernel as i16;
    }
    let offset = i64::from(state.time.utc_offset_secs) * 1_000_000_000;
    let pretended = Pretended::start(Sayings { state, refuses: None });
    let rate: Rate = "24".parse().unwrap();
    let with = start(&config(pretended.path()), rate).unwrap();
    assert_eq!(with.first.verdict.sync.state, LockState::Locked, "{:?}", with.first);
    let ahead = with.clock.now().0 - crate::clock::realtime_nanos();
    assert!((ahead - offset).abs() < 100_000_000, "{ahead}");
    drop(with);

    let without = start(&config("/nowhere/ptp4l".into()), rate).unwrap();
    assert_eq!(without.first.verdict.sync.state, LockState::Free);
    assert!(without.first.verdict.why.as_ref().unwrap().contains("no PTP daemon has its management socket"));
    assert!(without.news.recv().unwrap().verdict.why.is_some());
}

#[test]
fn a_card_that_is_not_there_is_named_and_the_stage_runs_on_the_system_clock() {
    let pretended = Pretended::start(Sayings { state: locked(), refuses: None });
    let config = Ptp { device: Some("/dev/ptp-none".into()), ..config(pretended.path()) };
    let running = start(&config, "24".parse().unwrap()).unwrap();
    assert_eq!(running.first.verdict.sync.state, LockState::Free);
    assert!(running.first.verdict.why.as_ref().unwrap().contains("there is no /dev/ptp-none"));
    assert_eq!(running.first.reference, "CLOCK_TAI");
    assert!(running.clock.now().0 > 1_700_000_000_000_000_000);
}
