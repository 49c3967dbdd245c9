//! Ticks are numbered one after the other, whatever the beat and its clock do.

use crate::beat_source::{EPOCH, SECOND};
use crate::support::Noise;
use cyc_core::beat::{Beat, Counter, Due};
use cyc_core::{BeatSync, Rate, StageTime};
use proptest::prelude::*;

/// A beat that can be set at will.
#[derive(Clone)]
struct Set {
    rate: Rate,
    origin: StageTime,
    first: u64,
}

impl Set {
    fn new(rate: &str) -> Set {
        Set { rate: rate.parse().unwrap(), origin: EPOCH, first: 1000 }
    }
}

impl Beat for Set {
    fn rate(&self) -> Rate {
        self.rate
    }
    fn ideal(&self, frame: u64) -> StageTime {
        let from_first = self.rate.nanos_of_frame(frame).saturating_sub(self.rate.nanos_of_frame(self.first));
        self.origin.plus_nanos(from_first)
    }
    fn frame_at(&self, now: StageTime) -> u64 {
        self.rate.frame_started_at(now.nanos_since(self.origin).saturating_add(self.rate.nanos_of_frame(self.first)))
    }
    fn sync(&self, _now: StageTime) -> BeatSync {
        BeatSync::default()
    }
}

/// A frame thread on a clock: asks, sleeps, delivers.
struct Thread {
    counter: Counter,
    now: StageTime,
    last: Option<Due>,
}

impl Thread {
    fn new(now: StageTime) -> Thread {
        Thread { counter: Counter::new(), now, last: None }
    }

    fn turns(&mut self, beat: &impl Beat, count: usize) -> Due {
        (0..count).map(|_| self.turn(beat)).last().unwrap()
    }

    /// One turn, checked: the number goes up by one and what is said to be missed, and the wait is short.
    fn turn(&mut self, beat: &impl Beat) -> Due {
        let due = self.counter.next(beat, self.now);
        if let Some(last) = self.last.replace(due) {
            assert_eq!(due.frame, last.frame + 1 + due.missed);
            let wait = due.ideal.nanos_since(self.now);
            assert!(wait <= 2 * beat.rate().frame_nanos() + 2, "would sleep {wait} ns");
            let newest = beat.ideal(beat.frame_at(self.now));
            assert!(due.ideal > self.now || due.ideal == newest, "an old tick is delivered");
        }
        self.now = self.now.max(due.ideal);
        due
    }
}

#[test]
fn a_steady_beat_is_counted_as_it_is() {
    for rate in ["24", "24000/1001", "30000/1001", "120", "25/2"] {
        let beat = Set::new(rate);
        let mut thread = Thread::new(EPOCH.plus_nanos(-5));
        for frame in 1000..3000 {
            let due = thread.turn(&beat);
            assert_eq!(due, Due { frame, ideal: beat.ideal(frame), missed: 0, rebased: 0 });
        }
        assert_eq!(thread.counter.shift(), 0);
    }
}

#[test]
fn the_first_tick_is_the_next_to_come() {
    let beat = Set::new("25");
    for (early, frame) in [(0, 1000), (1, 1000), (40_000_000, 999), (-1, 1001), (-40_000_000, 1001)] {
        let due = Counter::new().next(&beat, EPOCH.plus_nanos(-early));
        assert_eq!((due.frame, due.missed), (frame, 0), "{early} ns early");
    }
}

#[test]
fn late_by_less_than_a_frame_is_delivered_and_more_is_missed() {
    let beat = Set::new("25");
    let mut thread = Thread::new(EPOCH);
    assert_eq!(thread.turn(&beat).frame, 1000);
    thread.now = EPOCH.plus_nanos(79_999_999);
    let due = thread.turn(&beat);
    assert_eq!((due.frame, due.missed, due.ideal), (1001, 0, beat.ideal(1001)));
    thread.now = EPOCH.plus_nanos(10 * SECOND);
    let due = thread.turn(&beat);
    assert_eq!((due.frame, due.missed, due.ideal), (1250, 248, thread.now));
}

/// A beat set back by whole frames has its frames again; the ticks have new numbers.
#[test]
fn a_beat_set_back_repeats_no_number() {
    let mut beat = Set::new("24");
    let mut thread = Thread::new(EPOCH);
    thread.turns(&beat, 10);
    beat.first -= 5;
    let due = thread.turn(&beat);
    assert_eq!((due.frame, due.missed, due.rebased), (1010, 0, 5));
    assert_eq!(thread.counter.shift(), 5);
    let due = thread.turn(&beat);
    assert_eq!((due.frame, due.rebased), (1011, 0));
}

/// Set ahead by whole frames: no time has passed, so nothing was missed.
#[test]
fn a_beat_set_ahead_skips_no_number() {
    let mut beat = Set::new("24");
    let mut thread = Thread::new(EPOCH);
    thread.turns(&beat, 10);
    beat.first += 7;
    let due = thread.turn(&beat);
    assert_eq!((due.frame, due.missed, due.rebased), (1010, 0, -7));
}

#[test]
fn a_clock_set_back_does_not_stop_the_stage() {
    for back in [SECOND / 10, SECOND, 3600 * SECOND, 40 * 365 * 86_400 * SECOND] {
        let beat = Set { first: 1 << 36, ..Set::new("24") };
        let mut thread = Thread::new(EPOCH);
        thread.turns(&beat, 10);
        thread.now = thread.now.plus_nanos(-back);
        let due = thread.turn(&beat);
        assert_eq!((due.frame, due.missed), ((1 << 36) + 10, 0), "back by {back} ns");
        let due = thread.turn(&beat);
        assert_eq!((due.missed, due.rebased), (0, 0));
    }
}

/// Two ticks are never closer than half a frame, even where the beat's phase jumps.
#[test]
fn a_jump_of_phase_leaves_room_for_a_frame() {
    for part in 1..20 {
        let mut beat = Set::new("24");
        let period = beat.rate.frame_nanos();
        let mut thread = Thread::new(EPOCH);
        let before = thread.turns(&beat, 10);
        beat.origin = beat.origin.plus_nanos(-period * part / 20);
        let due = thread.turn(&beat);
        let apart = due.ideal.nanos_since(before.ideal);
        assert!(apart >= period / 2 && apart <= period / 2 * 3 + 1, "{part} / 20: {apart}");
    }
}

#[test]
fn a_tick_holds_what_is_due_and_how_sure_it_is() {
    let beat = Set::new("24");
    let due = Counter::new().next(&beat, EPOCH);
    let tick = due.tick(&beat, EPOCH.plus_nanos(700));
    assert_eq!((tick.frame, tick.ideal, tick.actual), (1000, EPOCH, EPOCH.plus_nanos(700)));
    assert_eq!((tick.missed, tick.sync, tick.label), (0, BeatSync::default(), None));
}

proptest! {
    /// Stalls, phase jumps, re-bases and clock steps in any order.
    #[test]
    fn numbers_go_up_by_one_and_what_was_missed(rate in prop::sample::select(vec!["24", "30000/1001", "60", "119"]), seed: u64) {
        let mut noise = Noise(seed);
        let mut beat = Set { first: 1 << 36, ..Set::new(rate) };
        let period = beat.rate.frame_nanos();
        let mut thread = Thread::new(EPOCH);
        let mut delivered = vec![];
        for _ in 0..200 {
            let size = ((noise.unit() * 1e3) as i64 - 500) * period / 100;
            match (noise.unit() * 10.0) as u32 {
                0 => beat.origin = beat.origin.plus_nanos(size),
                1 => beat.first = beat.first.saturating_add_signed(size / period),
                2 => thread.now = thread.now.plus_nanos(10 * size),
                3 => thread.now = thread.now.plus_nanos(size.abs()),
                _ => {}
            }
            delivered.push(thread.turn(&beat));
        }
        let shift: i64 = delivered.iter().map(|due| due.rebased).sum();
        prop_assert_eq!(shift, thread.counter.shift());
    }
}
