//! Three days of a stage in virtual time, with everything that goes wrong in three days.

use crate::beat_source::{EPOCH, SECOND, Source, Stage, off};
use crate::support::Noise;
use cyc_core::beat::{AlignedBeat, Beat, BeatEvent, BeatLoop, Counter, Jitter, Watch};
use cyc_core::label::{LabelEvent, LabelState, LabelTrack, TimeOfDay};
use cyc_core::{BeatSync, LockState, Rate, StageTime, Timecode};

const HOURS: i64 = 72;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
const MINUTE: f64 = 60.0;

/// Labels in a row: each goes on from the one before by one and what was missed, but for those that an event explains.
struct Row {
    rate: Rate,
    day: u64,
    before: Option<u64>,
}

impl Row {
    fn new(rate: Rate, drop_frame: bool) -> Row {
        Row { rate, day: Timecode::frames_per_day(rate, drop_frame), before: None }
    }

    fn next(&mut self, label: Timecode, missed: u64, explained: bool) {
        let number = label.frame(self.rate).unwrap();
        if let (Some(before), false) = (self.before.replace(number), explained) {
            assert_eq!(number, (before + 1 + missed) % self.day, "{label} does not follow");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The source is silent for two seconds.
    Silence,
    /// Another source takes over: another crystal, phase and count.
    Master,
    /// The stage clock, and all that is stamped by it, steps.
    Step(i64),
    /// The frame thread does not come for a while.
    Stall(i64),
    /// UTC gets a leap second.
    Leap,
}

/// What goes wrong when, in seconds from the start, the last first.
fn plan() -> Vec<(i64, Fault)> {
    let hour = 3600;
    let mut plan: Vec<(i64, Fault)> = (1..HOURS * 2).map(|half| (half * hour / 2, Fault::Silence)).collect();
    plan.extend([12, 36, 61].map(|at| (at * hour + 300, Fault::Master)));
    plan.extend([(20 * hour + 300, Fault::Step(800_000_000)), (50 * hour + 300, Fault::Step(-800_000_000))]);
    plan.extend([(30 * hour + 300, Fault::Stall(1_300_000_000)), (55 * hour + 300, Fault::Stall(20_000_000))]);
    plan.push((33 * hour + 300, Fault::Leap));
    plan.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    plan
}

/// Each tick about the full hours, where jams are, and every 16th between: labels cost more than all else here.
fn is_labelled(ticks: u64, secs: f64) -> bool {
    ticks.is_multiple_of(16) || !(120.0..3480.0).contains(&(secs % 3600.0))
}

/// Genlock of 29.97 from a counting source whose crystal is 100 ppm off; drop-frame time of day, jammed at 4:00.
#[test]
fn three_days_on_a_source() {
    let rate: Rate = "30000/1001".parse().unwrap();
    let mut source = Source {
        skew: 100e-6,
        sigma: 100e3,
        outliers: 0.01,
        noise: Noise(72),
        count_from: Some(i64::from(u32::MAX) - 1_000_000),
        ..Source::new("30000/1001", EPOCH)
    };
    let beat = BeatLoop::new(rate, rate, Jitter::Symmetric, EPOCH.plus_nanos(11_000_000)).unwrap();
    let mut stage = Stage::new(beat, EPOCH);
    let mut labels = TimeOfDay::new(rate, true, 60, 240);
    let mut row = Row::new(rate, true);
    let (mut plan, mut events, mut jams) = (plan(), vec![], vec![]);
    let (mut stepped, mut leap, mut silent_until, mut unlabelled) = (0, 0, 0.0, 0);
    let (mut ticks, mut checked, mut secs) = (0_u64, 0, 0.0);
    let first = stage.tick(None).frame;
    while secs < (HOURS * 3600) as f64 {
        source.loss = f64::from(secs < silent_until);
        let due = stage.tick(Some(&mut source));
        ticks += 1;
        secs = stage.now.plus_nanos(-stepped).secs_since(EPOCH);
        // UTC runs as the first source does; the stage clock is slow by its skew.
        let utc = EPOCH.0 + (secs * 1e9 / 1.0001) as i64 - leap;
        unlabelled += 1 + due.missed;
        if is_labelled(ticks, secs) {
            let label = labels.label(due.frame, utc);
            let jam = labels.poll();
            row.next(label, std::mem::take(&mut unlabelled) - 1, jam.is_some());
            jams.extend(jam.map(|jam| (secs, jam)));
        }
        events.append(&mut stage.events);
        if secs > checked as f64 * MINUTE + 30.0 {
            checked += 1;
            let unsettled = plan.iter().chain(&self::plan()).any(|(at, _)| (0.0..20.0).contains(&(secs - *at as f64)));
            let (state, error) = (stage.state(), off(&stage.beat, source.at));
            assert!(
                unsettled || state == LockState::Locked && error.abs() < 80_000,
                "{state:?}, {error} ns at {secs} s"
            );
        }
        let Some((_, fault)) = plan.pop_if(|(at, _)| secs >= *at as f64) else { continue };
        match fault {
            Fault::Silence => silent_until = secs + 2.0,
            Fault::Master => {
                source.skew = 190e-6 - source.skew;
                source.count_from = source.count_from.map(|from| from - 123_456_789);
                source.step(12_000_000);
            }
            Fault::Step(nanos) => {
                stepped += nanos;
                stage.now = stage.now.plus_nanos(nanos);
                source.step(nanos);
            }
            Fault::Stall(nanos) => stage.now = stage.now.plus_nanos(nanos),
            Fault::Leap => leap = SECOND,
        }
    }
    // Every number was delivered or counted as missed; only the step forward and the long stall missed any.
    let numbers = stage.last.unwrap().frame - first;
    assert_eq!(numbers, ticks + stage.missed);
    assert!((58..=63).contains(&stage.missed), "{} missed", stage.missed);
    // The step forward added its 24 frames, the step back none, and the second source is 10 ppm fast for 35 hours.
    let elapsed = rate.frame_at_nanos((secs * 1e9 / 1.0001) as i64);
    let ahead = numbers as i64 - elapsed as i64;
    assert!((60..=63).contains(&ahead), "{numbers} numbers in the time of {elapsed}");
    assert!(stage.counter.shift().abs() <= 1);
    what_was_said(&events);
    daily_jams(&jams);
}

/// Silences, masters and the step forward are held over and regained; nothing else happens in three days.
fn what_was_said(events: &[BeatEvent]) {
    let count = |test: fn(&BeatEvent) -> bool| events.iter().filter(|event| test(event)).count();
    assert!(matches!(events[0], BeatEvent::Locked { .. }));
    let held = count(|event| matches!(event, BeatEvent::Holdover));
    assert_eq!(held, count(|event| matches!(event, BeatEvent::Relocked { .. })));
    assert_eq!(held, 143 + 3 + 2 + 1);
    let jumps: Vec<i64> = events
        .iter()
        .filter_map(|event| match event {
            BeatEvent::Rebased { frames } => Some(*frames),
            _ => None,
        })
        .collect();
    let masters = jumps.iter().filter(|jump| (**jump + 123_456_789).abs() <= 1).count();
    assert_eq!(masters, 3, "{jumps:?}");
    assert!(jumps.iter().all(|jump| (*jump + 123_456_789).abs() <= 1 || (-25..=1).contains(jump)), "{jumps:?}");
    assert_eq!(events.len(), 1 + 2 * held + jumps.len());
}

/// Drop-frame is 2.6 frames ahead after a day, the step 24 more, the second source 0.86 s a day, the leap second one.
fn daily_jams(jams: &[(f64, LabelEvent)]) {
    assert!(matches!(jams[0], (_, LabelEvent::Jammed { from: None, .. })));
    assert_eq!(jams.len(), 4);
    for (at, jam) in &jams[1..] {
        let LabelEvent::Jammed { from: Some(from), to } = jam else { panic!("{jam:?}") };
        assert_eq!(to.to_string(), "04:00:00;00", "at {at} s");
        let ahead = i64::from(from.minutes) * 60 + i64::from(from.seconds);
        assert!(from.hours == 4 && ahead <= 3 || from.hours == 3 && ahead >= 3597, "{from} at {at} s");
    }
}

/// PTP at 23.976: frames are the indices of SMPTE ST 2059-1 for three days, over a leap second and other masters.
#[test]
fn three_days_on_a_shared_clock() {
    let rate: Rate = "24000/1001".parse().unwrap();
    let mut beat = AlignedBeat::new(rate);
    beat.set_sync(BeatSync { state: LockState::Locked, uncertainty_ns: 500 });
    let (mut counter, mut watch, mut noise) = (Counter::new(), Watch::new(100_000), Noise(9));
    let start = StageTime(EPOCH.0 / DAY * DAY + 37 * SECOND);
    let mut now = start;
    // The daemon's clock is dragged behind a free crystal by 35 ppm; a new master steps it, still "locked".
    let (mut steps, mut lies) =
        (vec![(55 * HOUR, 37_000_000_000), (40 * HOUR, -3_000_000), (12 * HOUR, 4_000_000)], vec![]);
    let (mut stepped, mut last, mut missed, mut ticks) = (0_i64, None, 0, 0_u64);
    let mut labels = TimeOfDay::new(rate, false, 0, 0);
    let mut row = Row::new(rate, false);
    let (mut jams, mut unlabelled) = (0, 0);
    while now.nanos_since(start) < HOURS * HOUR {
        let due = counter.next(&beat, now);
        if let Some(last) = last.replace(due.frame) {
            assert_eq!(due.frame, last + 1 + due.missed);
        }
        assert_eq!(due.rebased, 0);
        assert_eq!(due.ideal, beat.ideal(due.frame), "the number is the index of SMPTE ST 2059-1");
        missed += due.missed;
        ticks += 1;
        now = now.max(due.ideal);
        let leap = if now.nanos_since(start) < DAY { 37 } else { 38 } * SECOND;
        unlabelled += 1 + due.missed;
        if is_labelled(ticks, now.secs_since(start)) {
            let label = labels.label(due.frame, due.ideal.0 - leap);
            let jam = labels.poll();
            jams += u32::from(jam.is_some());
            row.next(label, std::mem::take(&mut unlabelled) - 1, jam.is_some());
        }
        if ticks.is_multiple_of(24) {
            let free = now.nanos_since(start) - stepped;
            let free = StageTime((free as f64 * (1.0 + 35e-6)) as i64 + (noise.normal() * 2e3) as i64);
            lies.extend(watch.read(free, now.0, true));
        }
        if let Some((_, step)) = steps.pop_if(|(at, _)| now.nanos_since(start) >= *at) {
            now = now.plus_nanos(step);
            stepped += step;
        }
    }
    let [first, second, third] = lies[..] else { panic!("{lies:?}") };
    assert!((first - 4_000_000).abs() < 100_000 && (second + 3_000_000).abs() < 100_000);
    assert!((third - 37 * SECOND).abs() < 100_000, "CLOCK_TAI got its offset");
    assert!((886..=888).contains(&missed), "{missed}");
    let indices = rate.frame_at_nanos(now.0) - rate.frame_at_nanos(start.0);
    assert!(indices.abs_diff(ticks + missed) <= 1);
    // At the start, at midnight of each day on UTC, a leap second later than on TAI.
    assert_eq!(jams, 3);
}

/// A deck's drop-frame timecode over midnight and its own daily jam, with noise, dropouts and a stage on its phase.
#[test]
fn a_day_of_timecode() {
    let rate: Rate = "30000/1001".parse().unwrap();
    let mut track = LabelTrack::new(rate);
    let mut row = Row::new(rate, true);
    let mut noise = Noise(31);
    let day = Timecode::frames_per_day(rate, true);
    let from = "18:00:00;00".parse::<Timecode>().unwrap().frame(rate).unwrap();
    // It is jammed at four in the morning: back by three labels.
    let jam = day - from + "04:00:00;03".parse::<Timecode>().unwrap().frame(rate).unwrap();
    let (mut jumps, mut lost, mut regained) = (vec![], 0, 0);
    for frame in 0..day + 90_000 {
        let at = StageTime(EPOCH.0 + rate.nanos_of_frame(frame));
        let number = from + frame - if frame >= jam { 3 } else { 0 };
        let silent = frame % 107_892 > 107_800;
        if !silent && noise.unit() > 0.01 {
            let wrong = noise.unit() < 0.002;
            let label = Timecode::of_frame(if wrong { noise.bits() } else { number }, rate, true);
            track.heard(label, at.plus_nanos((noise.normal() * 1e6) as i64), Some(30), 1);
        }
        let Some(label) = track.label(frame, at) else { continue };
        let events: Vec<LabelEvent> = std::iter::from_fn(|| track.poll()).collect();
        let jumped = events.iter().any(|event| matches!(event, LabelEvent::Jumped { .. } | LabelEvent::Jammed { .. }));
        row.next(label, 0, jumped);
        lost += events.iter().filter(|event| **event == LabelEvent::Lost).count();
        regained += events.iter().filter(|event| **event == LabelEvent::Regained).count();
        jumps.extend(events.into_iter().filter(|event| matches!(event, LabelEvent::Jumped { .. })));
        assert!(frame % 1000 != 500 || row.before == Some(number % day), "{label} at frame {frame}");
    }
    assert_eq!((lost, regained), (24, 24));
    let [LabelEvent::Jumped { from, to }] = jumps[..] else { panic!("{jumps:?}") };
    assert_eq!(from.frame(rate).unwrap(), to.frame(rate).unwrap() + 3);
    assert_eq!((to.hours, to.minutes, to.seconds), (4, 0, 0));
    assert_eq!(track.state(), LabelState::Following);
}
