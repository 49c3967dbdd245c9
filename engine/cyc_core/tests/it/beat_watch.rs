//! A clock that says it is locked, beside one that runs free.

use crate::beat_source::{EPOCH, SECOND};
use crate::support::Noise;
use cyc_core::StageTime;
use cyc_core::beat::Watch;
use proptest::prelude::*;

/// Readings ten times a second for so many seconds: what was told, and when. `lead` is the watched clock's, in
/// nanoseconds at a second, beyond a skew of 35 ppm and 3 us of reading noise.
fn told(secs: i64, says_locked: impl Fn(f64) -> bool, lead: impl Fn(f64) -> f64) -> Vec<(f64, i64)> {
    let (mut watch, mut noise, mut told) = (Watch::new(100_000), Noise(5), vec![]);
    for n in 0..10 * secs {
        let secs = n as f64 * 0.1;
        let free = StageTime(7 * SECOND + n * SECOND / 10);
        let watched = EPOCH.plus_nanos(n * SECOND / 10 + (secs * 35e3 + lead(secs) + 3e3 * noise.normal()) as i64);
        told.extend(watch.read(free, watched.0, says_locked(secs)).map(|moved| (secs, moved)));
    }
    told
}

#[test]
fn a_steady_clock_is_believed() {
    assert_eq!(told(3600, |_| true, |_| 0.0), []);
    // Temperature: 2 ppm up and down in half an hour.
    assert_eq!(told(3600, |_| true, |secs| 2e3 * 287.0 * (secs / 287.0).sin()), []);
}

#[test]
fn a_step_is_told_once() {
    for step in [150e3, -150e3, 1e9, -37e9] {
        let told = told(600, |_| true, |secs| if secs > 100.0 { step } else { 0.0 });
        let [(at, moved)] = told[..] else { panic!("{step}: {told:?}") };
        assert!((100.0..101.0).contains(&at) && (moved as f64 - step).abs() < 30e3, "{step}: {moved} at {at}");
    }
}

/// The master is lost and the daemon does not say so: the clock wanders off at 20 ppm more than before.
#[test]
fn a_clock_that_wanders_off_is_told() {
    let told = told(300, |_| true, |secs| if secs > 100.0 { 20e3 * (secs - 100.0) } else { 0.0 });
    assert!(!told.is_empty() && told.iter().all(|(at, _)| (105.0..130.0).contains(at)), "{told:?}");
}

#[test]
fn one_wrong_reading_is_none() {
    let told = told(600, |_| true, |secs| if (secs + 20.0) % 25.0 < 0.15 { 5e6 } else { 0.0 });
    assert_eq!(told, []);
}

#[test]
fn no_crystal_is_so_far_off() {
    assert!(!told(60, |_| true, |secs| 700e3 * secs).is_empty());
}

#[test]
fn a_clock_that_says_it_is_not_locked_may_move() {
    let step = |secs: f64| if secs > 100.0 { 3e6 } else { 0.0 };
    assert_eq!(told(600, |secs| !(95.0..105.0).contains(&secs), step), []);
}

proptest! {
    #[test]
    fn total(readings in prop::collection::vec((any::<i64>(), any::<i64>(), any::<bool>()), 0..60), limit: i64) {
        let mut watch = Watch::new(limit);
        for (free, watched, says_locked) in readings {
            watch.read(StageTime(free), watched, says_locked);
        }
    }
}
