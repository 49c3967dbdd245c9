//! Three days of a stage in virtual time, with everything that goes wrong in three days.

use crate::beat_source::{EPOCH, SECOND, Source, Stage, off};
use crate::support::Noise;
use cyc_core::beat::{AlignedBeat, Beat, BeatEvent, BeatLoop, Counter, Due, Jitter, Watch};
use cyc_core::label::{LabelEvent, LabelTrack, TimeOfDay};
use cyc_core::{LockState, Rate, StageTime, Timecode};

const HOURS: i64 = 72;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Labels in a row: each goes on from the one before by one and what was missed, but for those that an event explains.
#[derive(Default)]
struct Row {
    before: Option<Timecode>,
    broken: u32,
}

impl Row {
    fn next(&mut self, label: Timecode, missed: u64, rate: Rate) {
        if let Some(before) = self.before.replace(label) {
            let day = Timecode::frames_per_day(rate, label.drop_frame);
            let expected = (before.frame(rate).unwrap() + 1 + missed) % day;
            self.broken += u32::from(label.frame(rate).unwrap() != expected);
        }
    }
}

/// What is due when, in seconds from the start.
struct Plan {
    due: Vec<(i64, Fault)>,
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

impl Plan {
    fn of_three_days() -> Plan {
        let mut due: Vec<(i64, Fault)> = (1..HOURS * 2).map(|half| (half * 1800 + 7, Fault::Silence)).collect();
        due.extend([(12 * 3600 + 60, Fault::Master), (36 * 3600 + 60, Fault::Master), (61 * 3600, Fault::Master)]);
        due.extend([(20 * 3600, Fault::Step(800_000_000)), (50 * 3600, Fault::Step(-800_000_000))]);
        due.extend([(30 * 3600, Fault::Stall(1_300_000_000)), (55 * 3600, Fault::Stall(20_000_000))]);
        due.push((33 * 3600, Fault::Leap));
        due.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Plan { due }
    }

    fn next(&mut self, secs: f64) -> Option<Fault> {
        let (at, fault) = *self.due.last()?;
        (secs >= at as f64).then(|| self.due.pop()).flatten().map(|_| fault)
    }
}

/// Genlock of 29.97 from a counting source whose crystal is 100 ppm off, drop-frame time of day with a daily jam.
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
    let mut plan = Plan::of_three_days();
    // UTC runs as the source does; the stage clock is fast by the source's skew, and steps.
    let (mut stepped, mut leap) = (0, 0);
    let mut labels = TimeOfDay::new(rate, true, 60, 240);
    let (mut row, mut jams) = (Row::default(), vec![]);
    let (mut ticks, mut first, mut events) = (0_u64, None, vec![]);
    let (mut elapsed, mut checked) = (0.0, 0);
    while elapsed < (HOURS * 3600) as f64 {
        let due = stage.tick(Some(&mut source));
        ticks += 1;
        first = first.or(Some(due.frame));
        elapsed = stage.now.plus_nanos(-stepped).secs_since(EPOCH);
        let utc = EPOCH.0 + (elapsed * 1e9 / 1.0001) as i64 - leap;
        let label = labels.label(due.frame, utc);
        if let Some(LabelEvent::Jammed { from: Some(from), to }) = labels.poll() {
            jams.push((from, to));
            row.before = None;
        }
        row.next(label, due.missed, rate);
        events.append(&mut stage.events);
        // Half a minute before the next silence, all is well.
        if elapsed as i64 % 1800 == 1770 && stage.missed < 100 {
            assert_eq!(stage.state(), LockState::Locked, "after {elapsed} s");
            let error = off(&stage.beat, source.at);
            assert!(error.abs() < 60_000, "off by {error} ns after {elapsed} s");
            checked += 1;
        }
        match plan.next(elapsed) {
            None => {}
            Some(Fault::Silence) => {
                let mut unheard = Source { loss: 1.0, ..source.clone() };
                stage.run(Some(&mut unheard), 2.0).into_iter().for_each(|event| events.push(event));
                source = Source { loss: 0.0, ..unheard };
                row.before = None;
            }
            Some(Fault::Master) => {
                source.skew = 40e-6 - source.skew;
                source.count_from = source.count_from.map(|from| from - 123_456_789);
                source.step(12_000_000);
            }
            Some(Fault::Step(nanos)) => {
                stepped += nanos;
                stage.now = stage.now.plus_nanos(nanos);
                source.step(nanos);
            }
            Some(Fault::Stall(nanos)) => stage.now = stage.now.plus_nanos(nanos),
            Some(Fault::Leap) => leap = SECOND,
        }
    }
    println!("{ticks} {checked} {jams:?} {} {:?}", stage.missed, row.broken);
    println!("{:?}", events.iter().filter(|e| !matches!(e, BeatEvent::Holdover | BeatEvent::Relocked{..})).collect::<Vec<_>>());
}
