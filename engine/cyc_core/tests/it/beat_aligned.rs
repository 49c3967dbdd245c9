//! SMPTE ST 2059-1: frames by arithmetic on TAI, exact at 13 rates.

use crate::beat_source::{EPOCH, SECOND};
use crate::support::vectors;
use cyc_core::beat::{AlignedBeat, Beat, Counter, Phase};
use cyc_core::{BeatSync, LockState, Rate, StageTime};
use proptest::prelude::*;

const DAY: i64 = 86_400 * SECOND;

fn integer(value: &serde_json::Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// The 13 rates of the table, with the seconds after which each meets a whole second again.
fn rates() -> Vec<(Rate, u64)> {
    let vectors = vectors("st2059_alignment.json");
    let meets = |name: &str| {
        let text = vectors["coincidence_with_integer_second_every"][name].as_str().unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    let mut rates: Vec<(Rate, u64)> = vec![];
    for row in vectors["rows"].as_array().unwrap() {
        let rate = Rate::new(row["num"].as_u64().unwrap() as u32, row["den"].as_u64().unwrap() as u32).unwrap();
        if !rates.iter().any(|(known, _)| *known == rate) {
            rates.push((rate, meets(row["rate"].as_str().unwrap())));
        }
    }
    assert_eq!(rates.len(), 13);
    rates
}

#[test]
fn index_phase_and_next_alignment_agree_with_the_table() {
    for row in vectors("st2059_alignment.json")["rows"].as_array().unwrap() {
        let rate = Rate::new(row["num"].as_u64().unwrap() as u32, row["den"].as_u64().unwrap() as u32).unwrap();
        let tai = StageTime(integer(&row["t_tai_ns"]) as i64);
        let frame = integer(&row["frame_index"]) as u64;
        let phase = Phase::at(rate, tai.0);
        let (num, den) = row["phase_ns_exact"].as_str().unwrap().split_once('/').unwrap();
        let (num, den): (u128, u128) = (num.parse().unwrap(), den.parse().unwrap());
        assert_eq!(u128::from(phase.num) * den, num * u128::from(phase.den), "{row}");
        assert!((phase.turns(rate) - row["phase_turns"].as_f64().unwrap()).abs() < 1e-15, "{row}");
        assert!((phase.nanos() - num as f64 / den as f64).abs() < 1e-6, "{row}");

        let beat = AlignedBeat::new(rate);
        // An alignment point is rounded to the nearest nanosecond, so up to half of one earlier.
        assert!((0..=1).contains(&(beat.frame_at(tai) - frame)), "{row}");
        let next = integer(&row["next_alignment_ns_ceil"]) as i64;
        assert!((0..=1).contains(&(next - beat.ideal(frame + 1).0)), "{row}");
    }
}

/// Every frame of 1001 s, in which each of the rates comes full circle, and every circle of a day.
#[test]
fn every_frame_of_a_day_lies_where_it_must() {
    let noon = EPOCH.0 / DAY * DAY;
    for (rate, _) in rates() {
        let beat = AlignedBeat::new(rate);
        let first = beat.frame_at(StageTime(noon));
        let (num, den) = (i128::from(rate.num()), i128::from(rate.den()));
        let in_circle = u64::from(rate.num()) * 1001 / u64::from(rate.den());
        let mut before = beat.ideal(first - 1);
        for frame in first..first + in_circle {
            let ideal = beat.ideal(frame);
            let off = i128::from(ideal.0) * num - i128::from(frame) * den * i128::from(SECOND);
            assert!(2 * off.abs() <= num, "{rate}: frame {frame} is off by {off} / {num} ns");
            assert_eq!(beat.frame_at(ideal), frame);
            assert_eq!(beat.frame_at(ideal.plus_nanos(-1)), frame - 1);
            assert!((ideal.nanos_since(before) - rate.frame_nanos()).abs() <= 1);
            before = ideal;
        }
        for circle in 1..=86_400 / 1001 {
            for frame in (first..first + in_circle).step_by(977) {
                let later = beat.ideal(frame + circle * in_circle);
                assert_eq!(later.nanos_since(beat.ideal(frame)), circle as i64 * 1001 * SECOND, "{rate}");
            }
        }
    }
}

/// House phase is counted in whole seconds from the epoch; a 1001-rate meets it every 1001 s and on no day's start.
#[test]
fn rates_of_1001_meet_whole_seconds_every_1001_of_them() {
    for (rate, seconds) in rates() {
        let meets = |second: u64| Phase::at(rate, second as i64 * SECOND).num == 0;
        let met: Vec<u64> = (1_700_000_000..1_700_000_000 + 3 * 1001).filter(|&second| meets(second)).collect();
        assert!(met.windows(2).all(|pair| pair[1] - pair[0] == seconds), "{rate}");
        assert!(met.iter().all(|second| second % seconds == 0));
        assert!(meets(0));
        let midnights = (1..=365).filter(|day| meets(day * 86_400)).count();
        assert_eq!(midnights, if seconds == 1 { 365 } else { 0 }, "{rate}");
    }
}

/// UTC repeats a second, or would: TAI and the beat do not know.
#[test]
fn a_leap_second_passes_unseen() {
    for (rate, _) in rates() {
        let beat = AlignedBeat::new(rate);
        let mut counter = Counter::new();
        let leap = EPOCH.0 / DAY * DAY + DAY + 37 * SECOND;
        let mut last = None;
        let mut now = StageTime(leap - 3 * SECOND);
        let utc = |tai: StageTime| tai.0 - if tai.0 < leap { 37 } else { 38 } * SECOND;
        while now.0 < leap + 3 * SECOND {
            let due = counter.next(&beat, now);
            assert_eq!((due.missed, due.rebased), (0, 0));
            if let Some((frame, ideal)) = last {
                assert_eq!(due.frame, frame + 1);
                assert!((due.ideal.nanos_since(ideal) - rate.frame_nanos()).abs() <= 1, "{rate} at {now:?}");
                let crossed = ideal.0 < leap && due.ideal.0 >= leap;
                assert_eq!(utc(due.ideal) < utc(ideal), crossed, "only UTC goes back");
            }
            assert_eq!(due.frame, beat.frame_at(due.ideal), "the number is the index of SMPTE ST 2059-1");
            last = Some((due.frame, due.ideal));
            now = due.ideal;
        }
    }
}

#[test]
fn a_hardware_clock_and_a_phase_move_the_beat_on_the_stage_clock() {
    let rate = "30000/1001".parse().unwrap();
    let mut beat = AlignedBeat::new(rate).with_phase_nanos(2_000_000);
    let frame = beat.frame_at(EPOCH);
    let ideal = beat.ideal(frame);
    assert_eq!(beat.rate(), rate);
    beat.set_tai_minus_stage_nanos(1_500_000);
    assert_eq!(beat.tai_nanos(EPOCH), EPOCH.0 + 1_500_000);
    assert_eq!(beat.ideal(frame), ideal.plus_nanos(-1_500_000));
    assert_eq!(beat.frame_at(beat.ideal(frame)), frame);
    assert_eq!(beat.frame_at(beat.ideal(frame).plus_nanos(-1)), frame - 1);
    assert_eq!(beat.sync(EPOCH), BeatSync::default());
    let sync = BeatSync { state: LockState::Locked, uncertainty_ns: 300 };
    beat.set_sync(sync);
    assert_eq!(beat.sync(EPOCH), sync);
}

proptest! {
    #[test]
    fn aligned_beats_are_total(num in 1u32.., den in 1u32.., phase: i64, offset: i64, now: i64, frame: u64) {
        let Some(rate) = Rate::new(num, den) else { return Ok(()) };
        let mut beat = AlignedBeat::new(rate).with_phase_nanos(phase);
        beat.set_tai_minus_stage_nanos(offset);
        beat.ideal(frame);
        beat.frame_at(StageTime(now));
        let phase = Phase::at(rate, now);
        prop_assert!((0.0..=1.0).contains(&phase.turns(rate)));
        let mut counter = Counter::new();
        let first = counter.next(&beat, StageTime(now));
        let second = counter.next(&beat, StageTime(now));
        prop_assert!(second.frame == first.frame.saturating_add(1).saturating_add(second.missed));
    }
}
