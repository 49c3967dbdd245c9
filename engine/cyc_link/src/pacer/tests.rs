use super::guard::Leash;
use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn plan() -> Plan {
    Plan { priority: None, cpu: None, spin_nanos: 60_000, lock_memory: false }
}

/// Pseudo-random wake-up latencies: mostly `usual`, one of `every` much later.
fn latencies(usual: i64, late: i64, every: u64) -> impl Iterator<Item = i64> {
    let mut state = 7_u64;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 33) as i64 % (usual / 2);
        Some(if (state >> 40).is_multiple_of(every) { late } else { usual + noise })
    })
}

#[test]
fn the_lead_grows_until_few_wake_ups_come_late() {
    let mut lead = Lead::new(60_000, rate("60"));
    let mut late = [0; 2];
    for (n, latency) in latencies(100_000, 180_000, 20).take(20_000).enumerate() {
        late[usize::from(n >= 10_000)] += i64::from(latency > lead.nanos());
        lead.learn(latency);
    }
    assert!(late[1] <= 10_000 / 200, "{late:?}, lead {}", lead.nanos());
    assert!((180_000..240_000).contains(&lead.nanos()), "{}", lead.nanos());
}

#[test]
fn the_lead_comes_back_after_a_stall_and_stays_within_its_share_of_the_frame() {
    for text in ["24", "60", "120"] {
        let mut lead = Lead::new(60_000, rate(text));
        (0..1000).for_each(|_| lead.learn(50_000_000));
        assert!(lead.nanos() <= (rate(text).frame_nanos() / SPIN_SHARE).max(60_000), "{text}: {}", lead.nanos());
        (0..20_000).for_each(|_| lead.learn(10_000));
        assert_eq!(lead.nanos(), 60_000);
    }
}

#[test]
fn a_spin_of_none_stays_none_and_one_too_long_is_cut() {
    let mut none = Lead::new(0, rate("60"));
    (0..100).for_each(|_| none.learn(1_000_000));
    assert_eq!(none.nanos(), 0);
    assert_eq!(Lead::new(10_000_000, rate("60")).nanos(), rate("60").frame_nanos() / 20);
    assert_eq!(Lead::new(-5, rate("60")).nanos(), 0);
    let mut ordinary = Lead::ORDINARY;
    (0..100).for_each(|_| ordinary.learn(1_000_000));
    assert_eq!(ordinary, Lead::ORDINARY);
}

#[test]
fn a_sleep_never_ends_early_whatever_the_lead() {
    for asked in [0, 10_000, 500_000] {
        LEAD.set(Lead::new(asked, rate("60")));
        for ahead in [-5_000_000, 0, 3_000, 150_000, 1_200_000] {
            let instant = monotonic_nanos() + ahead;
            sleep_until_monotonic(instant);
            assert!(monotonic_nanos() >= instant);
        }
    }
    sleep_until_monotonic(i64::MIN);
}

#[test]
fn rights_are_taken_once_from_a_frame_that_works_too_long_and_given_back() {
    let leash = Leash::default();
    assert!(!leash.work(1));
    assert!(!leash.overworked(LEASH_NANOS));
    assert!(leash.overworked(LEASH_NANOS + 2));
    assert!(!leash.overworked(LEASH_NANOS * 9), "once is enough");
    assert!(leash.work(LEASH_NANOS * 10), "to be given back");
    assert!(!leash.work(LEASH_NANOS * 10 + 1));
    leash.rest();
    assert!(!leash.overworked(LEASH_NANOS * 100), "waiting for a beat is no work");
}

#[test]
fn a_pacer_without_wishes_reports_only_its_timers() {
    let mut pacer = Pacer::new(plan(), rate("24"));
    assert!(pacer.work().is_none(), "nothing before it is asked");
    let report = pacer.apply();
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.grants.len(), 1);
    assert_eq!(lead().nanos(), 60_000);
    pacer.rest();
    assert!(pacer.work().is_none());
}

#[test]
fn priority_is_granted_to_one_thread_at_a_time_or_refused_with_the_fix() {
    let mut pacer = Pacer::new(Plan { priority: Some(5), ..plan() }, rate("24"));
    std::thread::scope(|scope| {
        let pacer = &mut pacer;
        scope.spawn(move || {
            let report = pacer.apply();
            let grant = report.grant(Right::Priority).unwrap().clone();
            if !grant.granted {
                assert_eq!(try_priority(5), Err(Errno::EPERM));
                assert!(grant.fix.unwrap().contains("limits.conf"));
                return;
            }
            assert_eq!(try_priority(5), Ok(()));
            assert_eq!(sys::policy(0), Ok(Policy::Fifo(5)));
            let first = gettid().as_raw();
            // The beat is waited for elsewhere: that thread has the rights now, and this one has not.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    assert!(pacer.work().is_some_and(|report| report.is_complete()));
                    assert_eq!(sys::policy(0), Ok(Policy::Fifo(5)));
                    assert_eq!(sys::policy(first), Ok(Policy::Ordinary));
                });
            });
        });
    });
}

#[test]
fn the_highest_priority_leaves_room_for_the_guard() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pacer = Pacer::new(Plan { priority: Some(99), ..plan() }, rate("24"));
            if pacer.apply().is_complete() {
                assert_eq!(sys::policy(0), Ok(Policy::Fifo(98)));
            }
            drop(pacer);
            assert_eq!(sys::policy(0), Ok(Policy::Ordinary), "what is dropped is given back");
        });
    });
}

#[test]
fn a_cpu_that_is_not_there_is_refused_and_one_that_is_is_given_back() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let before = sched_getaffinity(Pid::from_raw(0)).unwrap();
            for cpu in [1000, 100_000] {
                let report = Pacer::new(Plan { cpu: Some(cpu), ..plan() }, rate("24")).apply();
                let grant = report.grant(Right::Cpu).unwrap();
                assert!(!grant.granted && grant.fix.as_ref().unwrap().contains("pacer.cpu"), "{report}");
            }
            let allowed = (0..CpuSet::count()).find(|cpu| before.is_set(*cpu).unwrap()).unwrap();
            let mut pacer = Pacer::new(Plan { cpu: Some(allowed as u32), ..plan() }, rate("24"));
            assert!(pacer.apply().is_complete());
            let pinned = sched_getaffinity(Pid::from_raw(0)).unwrap();
            assert_eq!((0..CpuSet::count()).filter(|cpu| pinned.is_set(*cpu).unwrap()).collect::<Vec<_>>(), [allowed]);
            drop(pacer);
            assert_eq!(sched_getaffinity(Pid::from_raw(0)).unwrap(), before);
        });
    });
}

#[test]
fn every_refusal_has_a_fix_and_reads_as_a_line_with_the_fix_below() {
    let mut report = PacerReport::default();
    report.push(Right::Priority, report::priority(60, Err(Errno::EPERM)));
    report.push(Right::Priority, report::priority(60, Err(Errno::EINVAL)));
    report.push(Right::Cpu, report::cpu(99, Some(Errno::EINVAL)));
    report.push(Right::Memory, report::memory(Err(Errno::ENOMEM)));
    report.push(Right::Timers, report::timers(Err(Errno::EPERM)));
    report.push(Right::Memory, report::memory(Ok(())));
    assert!(!report.is_complete());
    assert!(report.grants.iter().all(|grant| grant.granted == grant.fix.is_none()));
    let text = report.to_string();
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(text.starts_with("real-time priority: SCHED_FIFO 60 is refused"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("  ")).count(), 5);
}
