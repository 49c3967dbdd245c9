//! The phase-locked clock: locks, losses, wrong rates, wrong stamps, and sources that lie.

use crate::beat_source::{EPOCH, SECOND, Source, Stage, off};
use crate::support::Noise;
use cyc_core::beat::{Beat, BeatEvent, BeatLoop, Jitter, Taken};
use cyc_core::{LockState, Rate, StageTime};
use proptest::prelude::*;

const RATES: [&str; 5] = ["24000/1001", "24", "25", "30000/1001", "60"];
/// Slewing is limited to half a per cent; the crystal and what a young loop pulls come on top.
const SLEWED: std::ops::RangeInclusive<f64> = 0.9915..=1.0085;
/// The most that a stage ever does: a noisy loop pulls as far as it may (half a per cent for each of two pulses, and
/// what it thinks the rate is) while a phase is slewed in.
const PULLED: std::ops::RangeInclusive<f64> = 0.983..=1.017;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn noisy(rate: &str, seed: u64) -> Source {
    Source { skew: 40e-6, sigma: 100e3, outliers: 0.01, loss: 0.01, noise: Noise(seed), ..Source::new(rate, EPOCH) }
}

/// Nearest true instant of the source against the beat, nanoseconds.
fn error(stage: &Stage, source: &Source) -> i64 {
    off(&stage.beat, source.at)
}

fn assert_smooth(stage: &Stage) {
    assert_within(stage, SLEWED);
}

fn assert_within(stage: &Stage, range: std::ops::RangeInclusive<f64>) {
    assert_eq!(stage.missed, 0);
    assert!(stage.spacing.iter().all(|apart| range.contains(apart)), "ticks are {:?} frames apart", stage.spacing);
}

#[test]
fn free_until_heard_then_locked_without_a_jump() {
    for text in RATES {
        for late in [-8_000_000, -5, 3_000_000, 8_000_000] {
            let mut source = noisy(text, 1);
            let mut stage = Stage::at(text, Jitter::Symmetric, late);
            stage.run(None, 1.0);
            assert_eq!(stage.sync(), Default::default());
            source.step(SECOND);
            stage.run(Some(&mut source), 0.2);
            assert_eq!(stage.state(), LockState::Acquiring);
            assert_eq!((stage.beat.measured_hz(), stage.beat.residual_nanos()), (None, None));
            let events = stage.run(Some(&mut source), 5.8);
            let [BeatEvent::Locked { phase_error_nanos }] = events[..] else { panic!("{events:?}") };
            let period = stage.beat.rate().frame_nanos();
            assert!(2 * phase_error_nanos.abs() < period + 1_000_000);
            assert_eq!(stage.state(), LockState::Locked);
            assert_smooth(&stage);
            assert!(error(&stage, &source).abs() < 100_000, "{text}, {late}: off by {}", error(&stage, &source));
            stage.run(Some(&mut source), 30.0);
            assert!(stage.events.is_empty());
            assert!(error(&stage, &source).abs() < 60_000, "{text}, {late}: off by {}", error(&stage, &source));
            assert!((stage.beat.measured_ppm().unwrap() + 40.0).abs() < 15.0);
            let hertz = f64::from(source.rate.num()) / f64::from(source.rate.den()) / 1.00004;
            assert!((stage.beat.measured_hz().unwrap() / hertz - 1.0).abs() < 15e-6);
            assert!((80e3..130e3).contains(&stage.beat.residual_nanos().unwrap()));
        }
    }
}

#[test]
fn two_seconds_of_silence_are_held_over() {
    for text in RATES {
        for jitter in [Jitter::Symmetric, Jitter::OneSided] {
            let mut source = Source { jitter, ..noisy(text, 2) };
            let mut stage = Stage::at(text, jitter, 1_000_000);
            stage.run(Some(&mut source), 60.0);
            let sure = stage.sync().uncertainty_ns;
            let mut silent = Source { loss: 1.0, ..source.clone() };
            assert_eq!(stage.run(Some(&mut silent), 2.0), [BeatEvent::Holdover]);
            assert_eq!(stage.state(), LockState::Holdover);
            let unsure = stage.sync().uncertainty_ns;
            assert!(unsure > sure + 1_000 && unsure < sure + 50_000 * 2, "{sure} ns, then {unsure} ns");
            assert!(error(&stage, &silent).abs() < unsure);
            source = Source { loss: 0.01, ..silent };
            let events = stage.run(Some(&mut source), 3.0);
            let [BeatEvent::Relocked { phase_error_nanos }] = events[..] else { panic!("{text}: {events:?}") };
            assert!(phase_error_nanos.abs() < 300_000, "{phase_error_nanos}");
            assert_eq!(stage.state(), LockState::Locked);
            assert_smooth(&stage);
        }
    }
}

/// What is not known of a crystal is 50 us a second; what was measured for a minute is a few.
#[test]
fn uncertainty_grows_until_the_beat_is_free() {
    let mut fresh = Stage::at("24", Jitter::Symmetric, 0);
    fresh.run(Some(&mut noisy("24", 3)), 6.0);
    let mut known = Stage::at("24", Jitter::Symmetric, 0);
    known.run(Some(&mut noisy("24", 3)), 120.0);
    let growth = |stage: &mut Stage| {
        stage.run(None, 1.0);
        let before = stage.sync().uncertainty_ns;
        stage.run(None, 10.0);
        assert_eq!(stage.state(), LockState::Holdover);
        (stage.sync().uncertainty_ns - before) as f64 / 10.0
    };
    assert!((45e3..55e3).contains(&growth(&mut fresh)));
    let slow = growth(&mut known);
    assert!((2e3..10e3).contains(&slow), "{slow} ns a second");
    let events = fresh.run(None, 500.0);
    assert_eq!(events, [BeatEvent::Lost]);
    assert_eq!((fresh.state(), fresh.sync().uncertainty_ns), (LockState::Free, 0));
    // Heard again, it locks anew.
    let mut source = noisy("24", 4);
    source.step(fresh.now.nanos_since(EPOCH) + 9_000_000);
    let events = fresh.run(Some(&mut source), 10.0);
    assert!(matches!(events[..], [BeatEvent::Locked { .. }]), "{events:?}");
    assert_smooth(&fresh);
}

/// Another master, in another phase, with and without a pause: slewed in, never jumped.
#[test]
fn a_change_of_master_is_slewed_in() {
    for text in RATES {
        for (pause, moved) in [(0.0, 0.4), (0.0, -0.3), (1.0, 0.45), (3.0, -0.1), (0.0, 0.05)] {
            let mut source = noisy(text, 5);
            let mut stage = Stage::at(text, Jitter::Symmetric, 0);
            stage.run(Some(&mut source), 30.0);
            if pause > 0.0 {
                stage.run(None, pause);
            }
            let mut other = Source { skew: -80e-6, ..noisy(text, 6) };
            let step = moved * stage.beat.rate().frame_nanos() as f64;
            let at = stage.beat.ideal(stage.beat.frame_at(stage.now) + 1);
            other.step(at.nanos_since(EPOCH) + step as i64);
            let events = stage.run(Some(&mut other), 12.0);
            let relocked = events.iter().find_map(|event| match event {
                BeatEvent::Relocked { phase_error_nanos } => Some(*phase_error_nanos as f64),
                _ => None,
            });
            let relocked = relocked.unwrap_or_else(|| panic!("{text}, {pause} s, {moved}: {events:?}"));
            assert!((relocked + step).abs() < 600e3, "{text}: {relocked} for {step}");
            assert_eq!(stage.state(), LockState::Locked);
            assert_smooth(&stage);
            assert!(error(&stage, &other).abs() < 100_000, "{text}: {}", error(&stage, &other));
        }
    }
}

#[test]
fn a_source_at_another_rate_is_named_and_not_followed() {
    for (stage_rate, source_rate) in [
        ("24", "24000/1001"),
        ("24000/1001", "24"),
        ("30000/1001", "30"),
        ("30", "30000/1001"),
        ("60", "60000/1001"),
        ("24", "25"),
        ("25", "24"),
        ("25", "50"),
        ("24", "12"),
        ("60", "50"),
        ("24", "120"),
    ] {
        for jitter in [Jitter::Symmetric, Jitter::OneSided] {
            let mut source = Source { jitter, ..noisy(source_rate, 7) };
            let mut stage = Stage::at(stage_rate, jitter, 4_000_000);
            let mut spoken = vec![];
            for _ in 0..20 * 24 {
                stage.tick(Some(&mut source));
                assert!(
                    matches!(stage.state(), LockState::Free | LockState::Acquiring),
                    "{stage_rate} with {source_rate}"
                );
                spoken.append(&mut stage.events);
            }
            let [BeatEvent::RateMismatch { measured_hz, expected }] = spoken[..] else {
                panic!("{stage_rate} with {source_rate}: {spoken:?}")
            };
            let hertz = f64::from(source.rate.num()) / f64::from(source.rate.den());
            assert!((measured_hz / hertz - 1.0).abs() < 4e-3, "{source_rate} measured as {measured_hz}");
            // Neighbours are told apart by what is measured.
            let neighbour = rate(stage_rate);
            let neighbour = f64::from(neighbour.num()) / f64::from(neighbour.den());
            assert!((measured_hz / hertz - 1.0).abs() < 0.3 * (neighbour / hertz - 1.0).abs());
            assert_eq!(expected, rate(stage_rate));
            assert_eq!(stage.state(), LockState::Free);
            assert_eq!(stage.beat.measured_hz(), Some(measured_hz));
            assert_eq!(stage.missed, 0);
            assert!(stage.spacing.iter().all(|apart| (apart - 1.0).abs() < 1e-7), "the stage runs free");
        }
    }
}

/// A source that changes its rate while it is followed, and comes back.
#[test]
fn a_rate_that_changes_is_noticed() {
    for (from, to) in [("24", "25"), ("24", "24000/1001"), ("30000/1001", "30")] {
        let mut source = noisy(from, 8);
        let mut stage = Stage::at(from, Jitter::Symmetric, 0);
        stage.run(Some(&mut source), 20.0);
        source.rate = rate(to);
        // Long enough for its phase to come by the old one.
        let events = stage.run(Some(&mut source), 60.0);
        let [BeatEvent::Holdover, .., BeatEvent::RateMismatch { measured_hz, .. }] = events[..] else {
            panic!("{from} to {to}: {events:?}")
        };
        let hertz = f64::from(source.rate.num()) / f64::from(source.rate.den());
        assert!((measured_hz / hertz - 1.0).abs() < 3e-4, "{from} to {to}: {measured_hz}");
        assert!(events.len() <= 4, "{from} to {to}: {events:?}");
        source.rate = rate(from);
        let events = stage.run(Some(&mut source), 20.0);
        assert!(matches!(events[..], [.., BeatEvent::Relocked { .. }]), "{from} to {to}: {events:?}");
        assert_eq!(stage.state(), LockState::Locked);
        assert_smooth(&stage);
    }
}

#[test]
fn pulses_may_be_a_multiple_or_a_fraction_of_frames() {
    for (frames, pulses) in [
        ("24", "48"),
        ("24", "96"),
        ("24", "12"),
        ("50", "25"),
        ("24000/1001", "48000/1001"),
        ("120", "24"),
        ("25", "1"),
    ] {
        let mut source = Source { outliers: 0.0, ..noisy(pulses, 9) };
        let beat = BeatLoop::new(rate(frames), rate(pulses), Jitter::Symmetric, EPOCH.plus_nanos(2_000_000)).unwrap();
        let mut stage = Stage::new(beat, EPOCH);
        let secs = if pulses == "1" { 240.0 } else { 20.0 };
        let events = stage.run(Some(&mut source), secs);
        assert!(matches!(events[..], [BeatEvent::Locked { .. }]), "{pulses} for {frames}: {events:?}");
        assert_eq!(stage.state(), LockState::Locked);
        assert_within(&stage, PULLED);
        // A pulse begins a frame, or (where pulses are faster) every ratio-th does.
        let pulse = rate(pulses).frame_nanos();
        let rest = stage.beat.ideal(stage.beat.frame_at(source.at) + 1).nanos_since(source.at).rem_euclid(pulse);
        let frame = stage.beat.rate().frame_nanos().min(pulse);
        let off = (rest + frame / 2).rem_euclid(frame) - frame / 2;
        assert!(off.abs() < 100_000, "{pulses} for {frames}: off by {off}");
    }
    let error = BeatLoop::new(rate("24"), rate("25"), Jitter::Symmetric, EPOCH).unwrap_err();
    assert_eq!(
        error.to_string(),
        "25 pulses a second cannot drive 24 frames a second; one must be a whole multiple of the other"
    );
}

/// Where a source counts, frames begin on its even pulses whatever was heard first, also after it jumps.
#[test]
fn frames_begin_on_counts_that_are_multiples_of_the_ratio() {
    for from in [0, 1, 6, 7, -3] {
        let mut source = Source { count_from: Some(from), ..noisy("48", 10) };
        let beat = BeatLoop::new(rate("24"), rate("48"), Jitter::Symmetric, EPOCH.plus_nanos(7_000_000)).unwrap();
        let mut stage = Stage::new(beat, EPOCH);
        let check = |stage: &Stage, source: &Source, from: i64| {
            let even =
                source.at.plus_nanos(if (from + source.pulse as i64) % 2 == 0 { 0 } else { rate("48").frame_nanos() });
            assert!(off(&stage.beat, even).abs() < 200_000, "from {from}: {}", off(&stage.beat, even));
        };
        stage.run(Some(&mut source), 20.0);
        check(&stage, &source, from);
        source.count_from = Some(from + 1);
        let events = stage.run(Some(&mut source), 12.0);
        assert!(matches!(events[..], [BeatEvent::Relocked { .. }]), "{events:?}");
        check(&stage, &source, from + 1);
        assert_smooth(&stage);
    }
}

#[test]
fn a_count_that_jumps_is_told_and_one_that_wraps_is_not() {
    for (bits, from) in [(32, 0), (32, i64::from(u32::MAX) - 500), (24, (1 << 24) - 500), (16, 65_000)] {
        let mut source = Source { count_from: Some(from), count_bits: bits, ..noisy("24", 11) };
        let mut stage = Stage::at("24", Jitter::Symmetric, 0);
        let events = stage.run(Some(&mut source), 70.0);
        assert!(matches!(events[..], [BeatEvent::Locked { .. }]), "{events:?}");
        for jump in [100, -100, 1] {
            source.count_from = source.count_from.map(|from| from + jump);
            assert_eq!(stage.run(Some(&mut source), 1.0), [BeatEvent::Rebased { frames: jump }]);
            // One wrong count is none.
            let count = source.count_from;
            source.count_from = Some(5);
            stage.tick(Some(&mut source));
            source.count_from = count;
            assert_eq!(stage.run(Some(&mut source), 1.0), []);
        }
        assert_smooth(&stage);
    }
}

#[test]
fn noise_is_no_beat() {
    for jitter in [Jitter::Symmetric, Jitter::OneSided] {
        let mut noise = Noise(12);
        let mut beat = BeatLoop::new(rate("24"), rate("24"), jitter, EPOCH).unwrap();
        let (mut at, mut events) = (EPOCH, vec![]);
        for _ in 0..2000 {
            at = at.plus_nanos((noise.unit() * 8e7) as i64);
            beat.pulse(at, None);
            events.extend(std::iter::from_fn(|| beat.poll(at)));
            assert_ne!(beat.sync(at).state, LockState::Locked);
        }
        assert_eq!(events.first(), Some(&BeatEvent::Unsteady));
        assert!(events.iter().all(|event| matches!(event, BeatEvent::Unsteady | BeatEvent::RateMismatch { .. })));
    }
}

#[test]
fn one_wrong_stamp_moves_nothing() {
    for jitter in [Jitter::Symmetric, Jitter::OneSided] {
        for wrong in [i64::MAX, i64::MIN, 0, EPOCH.0 + 3600 * SECOND, EPOCH.0 - 1, -7_000_000, 9_000_000, 30_000_000] {
            let mut source = Source { jitter, outliers: 0.0, ..noisy("24", 13) };
            let mut stage = Stage::at("24", jitter, 0);
            stage.run(Some(&mut source), 20.0);
            for _ in 0..20 {
                let at =
                    if wrong.unsigned_abs() < SECOND as u64 { stage.now.plus_nanos(wrong) } else { StageTime(wrong) };
                let frame = stage.beat.frame_at(stage.now);
                let before = stage.beat.ideal(frame);
                let taken = stage.beat.pulse(at, None);
                assert_ne!(taken, Taken::Restarted);
                let moved = stage.beat.ideal(frame).nanos_since(before).abs();
                assert!(moved < 20_000, "{wrong}: moved by {moved} ns");
                assert_eq!(stage.run(Some(&mut source), 0.5), [], "{wrong}");
            }
            assert_eq!(stage.state(), LockState::Locked);
            assert_smooth(&stage);
        }
    }
}

/// A message said twice, as networks do.
#[test]
fn a_repeated_pulse_counts_once() {
    let mut source = noisy("25", 14);
    let mut beat = BeatLoop::new(rate("25"), rate("25"), Jitter::Symmetric, EPOCH).unwrap();
    let mut kinds = vec![];
    while source.at < EPOCH.plus_nanos(20 * SECOND) {
        if let (_, Some(heard)) = source.next() {
            kinds.push(beat.pulse(heard, None));
            let again = beat.pulse(heard.plus_nanos(200_000), None);
            assert!(matches!(again, Taken::Repeated | Taken::Outlier | Taken::Collected), "{again:?}");
        }
    }
    assert_eq!(kinds[0], Taken::Collected);
    assert_eq!(kinds.iter().filter(|kind| **kind == Taken::Restarted).count(), 1);
    let used = kinds.iter().filter(|kind| **kind == Taken::Used).count();
    assert!(used > kinds.len() * 95 / 100);
}

/// Congestion passes; a network source that is late for seconds has moved.
#[test]
fn a_one_sided_source_that_stays_late_has_moved() {
    for (secs, moved) in [(1.0, false), (6.0, true)] {
        let mut source = Source { jitter: Jitter::OneSided, ..noisy("24", 15) };
        let mut stage = Stage::at("24", Jitter::OneSided, 0);
        stage.run(Some(&mut source), 30.0);
        source.step(12_000_000);
        let events = stage.run(Some(&mut source), secs);
        assert_eq!(events.iter().any(|event| matches!(event, BeatEvent::Relocked { .. })), moved, "{events:?}");
        source.step(if moved { 0 } else { -12_000_000 });
        stage.run(Some(&mut source), 8.0);
        assert!(error(&stage, &source).abs() < 200_000, "{}", error(&stage, &source));
        assert_eq!(stage.state(), LockState::Locked);
        assert_smooth(&stage);
    }
}

/// Congestion that comes and goes: between it, the source is where it was.
#[test]
fn a_one_sided_source_that_is_late_now_and_then_has_not_moved() {
    let mut source = Source { jitter: Jitter::OneSided, ..noisy("24", 19) };
    let mut stage = Stage::at("24", Jitter::OneSided, 0);
    stage.run(Some(&mut source), 30.0);
    for _ in 0..10 {
        source.step(12_000_000);
        stage.run(Some(&mut source), 0.8);
        source.step(-12_000_000);
        assert_eq!(stage.run(Some(&mut source), 0.2), []);
    }
    assert!(error(&stage, &source).abs() < 200_000, "{}", error(&stage, &source));
}

/// Pulses of 24 that scatter by a millisecond move frames of 8 ms: by half a per cent at once and no more.
#[test]
fn a_noisy_slow_source_does_not_shake_a_fast_stage() {
    for seed in 0..20 {
        let mut source = Source { sigma: 1e6, ..noisy("24", seed) };
        let beat = BeatLoop::new(rate("120"), rate("24"), Jitter::Symmetric, EPOCH.plus_nanos(1_000_000)).unwrap();
        let mut stage = Stage::new(beat, EPOCH);
        stage.run(Some(&mut source), 20.0);
        assert_eq!(stage.state(), LockState::Locked);
        assert_within(&stage, PULLED);
    }
}

/// A loop that is pulled about by steps of its source's phase does not believe in rates that no source has.
#[test]
fn steps_of_phase_do_not_run_away_with_the_rate() {
    for seed in 0..10 {
        let mut source = Source { sigma: 1.5e6, ..noisy("24", seed) };
        let mut stage = Stage::at("24", Jitter::Symmetric, 0);
        stage.run(Some(&mut source), 20.0);
        for step in [3_000_000, 4_000_000, -5_000_000, 6_000_000, -4_000_000] {
            source.step(step);
            for _ in 0..48 {
                stage.tick(Some(&mut source));
                let ppm = stage.beat.measured_ppm().unwrap_or_default();
                assert!(ppm.abs() < 401.0, "{ppm} ppm");
            }
        }
    }
}

/// After a step back of an hour, silence is still noticed at once.
#[test]
fn a_step_back_does_not_hide_a_loss() {
    let mut source = noisy("24", 20);
    let mut stage = Stage::at("24", Jitter::Symmetric, 0);
    stage.run(Some(&mut source), 20.0);
    stage.now = stage.now.plus_nanos(-3600 * SECOND);
    assert_eq!(stage.run(None, 1.0), [BeatEvent::Holdover]);
    assert_eq!(stage.state(), LockState::Holdover);
}

/// The stage clock steps, and everything heard afterwards is stamped by it.
#[test]
fn a_step_of_the_stage_clock_is_survived() {
    for step in [SECOND, -SECOND, 37 * SECOND, -3600 * SECOND, 13_000_000, -13_000_000] {
        let mut source = Source { count_from: Some(100), ..noisy("24", 16) };
        let mut stage = Stage::at("24", Jitter::Symmetric, 0);
        stage.run(Some(&mut source), 20.0);
        stage.now = stage.now.plus_nanos(step);
        source.step(step);
        let frames = stage.last.unwrap().frame;
        let events = stage.run(Some(&mut source), 12.0);
        assert_eq!(stage.state(), LockState::Locked, "{step}");
        assert!(error(&stage, &source).abs() < 150_000, "{step}: off by {}", error(&stage, &source));
        // Time that was lost has to be missed; time that comes again is not given out again.
        let whole = (step as f64 * 24e-9).round() as i64;
        let jump = events.iter().find_map(|event| match event {
            BeatEvent::Rebased { frames } => Some(*frames),
            _ => None,
        });
        assert!((jump.unwrap_or(0) + whole.max(0)).abs() <= 1, "{step}: {events:?}");
        assert!(stage.counter.shift().abs() <= 1);
        let delivered = stage.last.unwrap().frame - frames - stage.missed;
        assert!((286..=290).contains(&delivered), "{step}: {delivered} ticks in 12 s");
        assert!(step <= 0 || stage.missed.abs_diff(whole.unsigned_abs()) <= 2, "{step}: {}", stage.missed);
        assert!(step > 0 || stage.missed == 0);
    }
}

#[test]
fn a_locked_source_whose_phase_moves_lies() {
    for (skew, step, lies) in [(0.0, 0, false), (5e-6, 0, true), (-50e-6, 0, true), (0.0, 400_000, true)] {
        let mut source = Source { skew, sigma: 5e3, outliers: 0.0, ..noisy("60", 17) };
        let mut stage = Stage::at("60", Jitter::Symmetric, 0);
        stage.run(Some(&mut source), 10.0);
        stage.beat.claim(true);
        stage.run(Some(&mut source), 1.0);
        source.step(step);
        let events = stage.run(Some(&mut source), 60.0);
        let told: Vec<i64> = events
            .iter()
            .filter_map(|event| match event {
                BeatEvent::SourceLies { moved_nanos } => Some(*moved_nanos),
                _ => None,
            })
            .collect();
        assert_eq!(told.len(), usize::from(lies), "{skew}, {step}: {events:?}");
        assert!(told.iter().all(|moved| (100_000..450_000).contains(&moved.abs())), "{told:?}");
        // Said again only when it is claimed again.
        stage.beat.claim(true);
        assert!(!stage.run(Some(&mut source), 60.0).iter().any(|event| matches!(event, BeatEvent::SourceLies { .. })));
        stage.beat.claim(false);
        stage.beat.claim(true);
        let again = stage.run(Some(&mut source), 60.0);
        assert_eq!(again.iter().any(|event| matches!(event, BeatEvent::SourceLies { .. })), skew != 0.0);
    }
}

#[test]
fn a_phase_is_kept_and_changed_smoothly() {
    let mut source = noisy("24", 18);
    let beat = BeatLoop::new(rate("24"), rate("24"), Jitter::Symmetric, EPOCH).unwrap().with_phase_nanos(3_000_000);
    assert_eq!(beat.ideal(0), EPOCH.plus_nanos(3_000_000));
    let mut stage = Stage::new(beat, EPOCH);
    stage.run(Some(&mut source), 20.0);
    assert!((error(&stage, &source) - 3_000_000).abs() < 60_000);
    stage.beat.set_phase_nanos(-2_000_000, stage.now);
    stage.run(Some(&mut source), 0.2);
    assert!(error(&stage, &source) > 1_500_000);
    stage.run(Some(&mut source), 5.0);
    assert!((error(&stage, &source) + 2_000_000).abs() < 60_000);
    assert_smooth(&stage);
}

#[test]
fn events_are_words() {
    let words = |event: BeatEvent| event.to_string();
    let mismatch = BeatEvent::RateMismatch { measured_hz: 25.0, expected: rate("24") };
    assert_eq!(words(mismatch), "genlock: the source beats 25.0000 times a second, not 24; running free");
    assert_eq!(words(BeatEvent::Locked { phase_error_nanos: -1500 }), "genlock: locked, -1.5 us slewed in");
    for event in [
        BeatEvent::Holdover,
        BeatEvent::Lost,
        BeatEvent::Unsteady,
        BeatEvent::Relocked { phase_error_nanos: 1 },
        BeatEvent::Rebased { frames: -3 },
        BeatEvent::SourceLies { moved_nanos: 120_000 },
    ] {
        assert!(words(event).starts_with("genlock: "));
    }
}

proptest! {
    /// Whatever is heard, nothing panics and the beat never runs backwards.
    #[test]
    fn total(
        pulses in prop::collection::vec((any::<i64>(), any::<Option<i64>>()), 1..80),
        near in prop::collection::vec(-SECOND..60 * SECOND, 0..200),
        one_sided: bool,
        now: i64,
        frame: u64,
    ) {
        let jitter = if one_sided { Jitter::OneSided } else { Jitter::Symmetric };
        let mut beat = BeatLoop::new(rate("24"), rate("48"), jitter, EPOCH).unwrap();
        for (at, count) in pulses {
            beat.pulse(StageTime(at), count);
            while beat.poll(StageTime(now)).is_some() {}
        }
        for at in near {
            beat.pulse(EPOCH.plus_nanos(at), None);
            while beat.poll(EPOCH.plus_nanos(at)).is_some() {}
        }
        prop_assert!(beat.ideal(frame) <= beat.ideal(frame.saturating_add(1)));
        beat.frame_at(StageTime(now));
        beat.set_phase_nanos(now, StageTime(now));
        beat.frame_at(StageTime(now));
        prop_assert!(beat.sync(StageTime(now)).uncertainty_ns >= 0);
    }

    /// Drift, jitter, loss, outliers, silences and steps, seeded: numbers are kept and ticks stay smooth.
    #[test]
    fn numbers_survive_every_source(
        text in prop::sample::select(RATES.to_vec()),
        one_sided: bool,
        skew in -150e-6..150e-6,
        sigma in 0.0..1e6,
        loss in 0.0..0.3,
        seed: u64,
    ) {
        let jitter = if one_sided { Jitter::OneSided } else { Jitter::Symmetric };
        let mut source = Source { jitter, skew, sigma, loss, outliers: 0.01, noise: Noise(seed), ..Source::new(text, EPOCH) };
        let mut stage = Stage::at(text, jitter, (seed % 20_000_000) as i64);
        let mut noise = Noise(seed ^ 1);
        for _ in 0..12 {
            if noise.unit() < 0.3 {
                source.step(((noise.unit() - 0.5) * 4e7) as i64);
            }
            if noise.unit() < 0.2 {
                source.play(&mut stage.beat.clone(), stage.now.plus_nanos(2 * SECOND));
                stage.run(None, 2.0);
            }
            stage.run(Some(&mut source), 5.0);
            prop_assert!(stage.beat.measured_ppm().unwrap_or_default().abs() < 401.0);
            let sync = stage.sync();
            prop_assert!(sync.state != LockState::Free || sync.uncertainty_ns == 0);
        }
        assert_within(&stage, PULLED);
        // Left in peace, it follows.
        (source.sigma, source.loss) = (sigma.min(3e5), 0.01);
        stage.run(Some(&mut source), 30.0);
        prop_assert_eq!(stage.state(), LockState::Locked);
        let off = error(&stage, &source);
        prop_assert!(off.abs() < 400_000, "off by {off}");
    }
}
