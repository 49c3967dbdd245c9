//! Labels by the time of day: what a day makes of them, and the daily jam.

use crate::beat_source::SECOND;
use cyc_core::beat::{AlignedBeat, Beat};
use cyc_core::label::{LabelEvent, TimeOfDay};
use cyc_core::{Rate, StageTime, Timecode};
use proptest::prelude::*;

const DAY: i64 = 86_400 * SECOND;
/// TAI minus UTC in 2026.
const LEAPS: i64 = 37 * SECOND;
/// Midnight UTC of 2026-11-20, on the TAI scale.
const MIDNIGHT_TAI: i64 = 1_795_132_800 * SECOND + LEAPS;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// Where a label puts the time of day, nanoseconds, taking its frames at the nominal rate.
fn nominal_nanos(label: Timecode, rate: Rate) -> i64 {
    let seconds = (i64::from(label.hours) * 60 + i64::from(label.minutes)) * 60 + i64::from(label.seconds);
    let nominal = i64::from(rate.num().div_ceil(rate.den()));
    seconds * SECOND + i64::from(label.frames) * SECOND / nominal
}

/// How far the label of the last frame before the next jam is ahead of the clock, nanoseconds; and that jam's event.
fn after_a_day(text: &str, drop_frame: bool) -> (i64, Option<LabelEvent>) {
    let rate = rate(text);
    let beat = AlignedBeat::new(rate);
    let mut labels = TimeOfDay::new(rate, drop_frame, 0, 0);
    let utc = |frame: u64| beat.ideal(frame).0 - LEAPS;
    let first = beat.frame_at(StageTime(MIDNIGHT_TAI - 1)) + 1;
    let at_midnight = labels.label(first, utc(first));
    assert_eq!(nominal_nanos(at_midnight, rate), 0);
    assert_eq!(labels.poll(), Some(LabelEvent::Jammed { from: None, to: at_midnight }));
    let last = beat.frame_at(StageTime(MIDNIGHT_TAI + DAY - 1));
    let label = labels.label(last, utc(last));
    assert_eq!(labels.poll(), None);
    let into_frame = utc(first) - (MIDNIGHT_TAI - LEAPS);
    let ahead = nominal_nanos(label, rate) - (utc(last) - (MIDNIGHT_TAI - LEAPS) - into_frame);
    labels.label(last + 1, utc(last + 1));
    let jam = labels.poll();
    assert_eq!(nominal_nanos(labels.label(last + 1, utc(last + 1)), rate), 0);
    ((ahead + DAY / 2).rem_euclid(DAY) - DAY / 2, jam)
}

/// The figures of SMPTE ST 12-1: drop-frame leaves 86.4 ms a day, 29.97 and 23.976 without it 86.4 s.
#[test]
fn a_day_of_labels_parts_from_the_clock_as_it_must() {
    for text in ["24", "25", "30", "60"] {
        let (ahead, jam) = after_a_day(text, false);
        assert!(ahead.abs() <= 1, "{text}: {ahead}");
        assert_eq!(jam, None, "nothing to set at {text}");
    }
    for text in ["24000/1001", "30000/1001", "60000/1001"] {
        let (ahead, jam) = after_a_day(text, false);
        let period = rate(text).frame_nanos();
        // 3.6 s an hour, less the part of the last frame.
        assert!((ahead + DAY / 1001).abs() <= 2 * period, "{text}: {ahead}");
        let Some(LabelEvent::Jammed { from: Some(from), to }) = jam else { panic!("{jam:?}") };
        assert_eq!((from.hours, from.minutes, from.seconds), (23, 58, 33), "{text}: from {from} to {to}");
        assert_eq!(to, Timecode::default());
    }
    for (text, frames) in [("30000/1001", 2), ("60000/1001", 5)] {
        let (_, jam) = after_a_day(text, true);
        let Some(LabelEvent::Jammed { from: Some(from), to }) = jam else { panic!("{jam:?}") };
        // 86.4 ms are 2.59 frames of 29.97 and 5.18 of 59.94.
        assert!((i64::from(from.frames) - frames).abs() <= 1 && from.minutes == 0, "{text}: from {from} to {to}");
        assert_eq!(to.to_string(), "00:00:00;00");
    }
}

#[test]
fn local_time_and_the_minute_of_the_jam_are_obeyed() {
    for (offset, jam, drop_frame, at, expected) in [
        (480, 0, true, "10:00", "18:00:00;00"),
        (-300, 240, true, "10:10", "05:10:00;00"),
        (0, 300, false, "05:00", "05:00:00:00"),
        (60, 61, true, "00:01", "01:01:00;02"),
        (330, 3 * 1440 + 5, false, "18:35", "00:05:00:00"),
    ] {
        let rate = rate("30000/1001");
        let (hours, minutes) = at.split_once(':').unwrap();
        let minutes: i64 = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
        let utc = MIDNIGHT_TAI - LEAPS + minutes * 60 * SECOND;
        let mut labels = TimeOfDay::new(rate, drop_frame, offset, jam);
        let label = labels.label(7, utc);
        let since_jam = (minutes + i64::from(offset) - i64::from(jam)).rem_euclid(1440);
        if since_jam == 0 {
            assert_eq!(label.to_string(), expected);
        } else {
            // Drop-frame parts from the clock by 3.6 ms an hour, so within a day by 3 frames.
            let off = nominal_nanos(label, rate) - nominal_nanos(expected.parse().unwrap(), rate);
            assert!((-1..SECOND / 8).contains(&off), "{label} for {expected}");
        }
    }
}

/// However long a stage has been up, a frame has the same label: all nodes agree.
#[test]
fn it_does_not_matter_when_a_stage_was_started() {
    for (text, drop_frame) in [("24000/1001", false), ("30000/1001", true), ("60000/1001", false), ("25", false)] {
        let rate = rate(text);
        let beat = AlignedBeat::new(rate);
        let first = beat.frame_at(StageTime(MIDNIGHT_TAI + 4 * 3600 * SECOND - SECOND));
        let mut up = TimeOfDay::new(rate, drop_frame, 0, 240);
        for frame in (first..).step_by(997).take(3000) {
            let utc = beat.ideal(frame).0 - LEAPS;
            let fresh = TimeOfDay::new(rate, drop_frame, 0, 240).label(frame, utc);
            assert_eq!(up.label(frame, utc), fresh, "{text}: frame {frame}");
        }
    }
}

/// A leap second puts UTC back by one; labels go on, and the jam after it takes it up.
#[test]
fn a_leap_second_moves_the_next_jam_and_nothing_else() {
    for (text, drop_frame) in [("25", false), ("30000/1001", true)] {
        let rate = rate(text);
        let beat = AlignedBeat::new(rate);
        let mut labels = TimeOfDay::new(rate, drop_frame, 0, 720);
        let leap = MIDNIGHT_TAI + DAY;
        let utc = |tai: StageTime| tai.0 - if tai.0 < leap { LEAPS } else { LEAPS + SECOND };
        let mut before: Option<(u64, Timecode)> = None;
        let mut jams = vec![];
        let mut frame = beat.frame_at(StageTime(leap - 3 * SECOND));
        while beat.ideal(frame).0 < leap + DAY / 2 + 5 * SECOND {
            let near = [leap, leap + DAY / 2].iter().any(|at| (beat.ideal(frame).0 - at).abs() < 4 * SECOND);
            let label = labels.label(frame, utc(beat.ideal(frame)));
            if let Some(LabelEvent::Jammed { from: Some(from), to }) = labels.poll() {
                jams.push((beat.ideal(frame).0 - leap, from, to));
            } else if let Some((earlier, was)) = before {
                let day = Timecode::frames_per_day(rate, drop_frame);
                assert_eq!(label.frame(rate).unwrap(), (was.frame(rate).unwrap() + frame - earlier) % day);
            }
            before = Some((frame, label));
            frame += if near { 1 } else { 50 };
        }
        let [(at, from, to)] = jams[..] else { panic!("{jams:?}") };
        // Noon comes a second later on TAI.
        assert!((DAY / 2 + SECOND..DAY / 2 + SECOND + rate.frame_nanos()).contains(&at));
        assert_eq!((to.hours, to.minutes, to.seconds, to.frames), (12, 0, 0, 0));
        assert_eq!((from.hours, from.minutes, from.seconds), (12, 0, 1), "{text}");
    }
}

proptest! {
    #[test]
    fn total(offset: i32, jam: u32, drop_frame: bool, ticks in prop::collection::vec((any::<u64>(), any::<i64>()), 1..40)) {
        for text in ["30000/1001", "24", "1000", "25/2"] {
            let mut labels = TimeOfDay::new(rate(text), drop_frame, offset, jam);
            for (frame, utc) in &ticks {
                let label = labels.label(*frame, *utc);
                prop_assert!(label.frame(rate(text)).is_ok());
            }
            labels.poll();
        }
    }
}
