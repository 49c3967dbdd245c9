//! Labels that follow a source: jams, jumps, losses, speeds and counts that do not fit.

use crate::beat_source::EPOCH;
use crate::support::Noise;
use cyc_core::label::{LabelEvent, LabelState, LabelTrack, Labels, TimeOfDay, counted};
use cyc_core::{Rate, StageTime, Timecode};
use proptest::prelude::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn label(text: &str) -> Timecode {
    text.parse().unwrap()
}

/// A source of labels on a stage: both in virtual time.
struct Deck {
    stage: Rate,
    /// How its labels are counted, and how fast they pass, in labels a second.
    counting: Rate,
    pace: f64,
    drop_frame: bool,
    nominal: Option<u32>,
    /// The number of the label that begins at `since`, and the way they go.
    number: i64,
    since: f64,
    direction: i64,
    jitter_secs: f64,
    loss: f64,
    /// Phase of the labels against the stage's frames, in stage frames.
    phase: f64,
    noise: Noise,
    track: LabelTrack,
    frame: u64,
    secs: f64,
    heard: i64,
    events: Vec<LabelEvent>,
}

impl Deck {
    /// In step, a label for each frame of the stage, from `first`.
    fn new(stage: &str, first: &str) -> Deck {
        let stage = rate(stage);
        let first = label(first);
        Deck {
            stage,
            counting: stage,
            pace: f64::from(stage.num()) / f64::from(stage.den()),
            drop_frame: first.drop_frame,
            nominal: Some(stage.num().div_ceil(stage.den())),
            number: first.frame(stage).unwrap() as i64,
            since: 0.0,
            direction: 1,
            jitter_secs: 0.0,
            loss: 0.0,
            phase: 0.0,
            noise: Noise(1),
            track: LabelTrack::new(stage),
            frame: 5000,
            secs: 0.0,
            heard: 0,
            events: vec![],
        }
    }

    fn frame_secs(&self) -> f64 {
        f64::from(self.stage.den()) / f64::from(self.stage.num())
    }

    fn name(&self, number: i64) -> Timecode {
        let day = Timecode::frames_per_day(self.counting, self.drop_frame) as i64;
        Timecode::of_frame(number.rem_euclid(day) as u64, self.counting, self.drop_frame)
    }

    /// The label that plays now.
    fn playing(&self) -> Timecode {
        let gone = ((self.secs - self.since) * self.pace + 1e-6).floor() as i64;
        self.name(self.number + self.direction * gone)
    }

    /// Plays on from `number` at `pace`, in `direction`.
    fn play(&mut self, number: i64, pace: f64, direction: i64) {
        (self.number, self.pace, self.direction) = (number, pace, direction);
        (self.since, self.heard) = (self.secs, 0);
    }

    fn locate(&mut self, text: &str) {
        let number = label(text).frame(self.counting).unwrap() as i64;
        self.play(number, self.pace, self.direction);
    }

    /// One frame of the stage: what began before it is heard first.
    fn tick(&mut self) -> Option<Timecode> {
        loop {
            let begins = self.since + self.heard as f64 / self.pace;
            if begins > self.secs + 1e-9 {
                break;
            }
            let heard = self.name(self.number + self.direction * self.heard);
            self.heard += 1;
            let at = begins + self.phase * self.frame_secs() + self.jitter_secs * (2.0 * self.noise.unit() - 1.0);
            if self.noise.unit() >= self.loss {
                self.track.heard(heard, EPOCH.plus_nanos((at * 1e9) as i64), self.nominal, self.direction as i8);
            }
        }
        let named = self.track.label(self.frame, EPOCH.plus_nanos((self.secs * 1e9).round() as i64));
        self.events.extend(std::iter::from_fn(|| self.track.poll()));
        self.frame += 1;
        self.secs += self.frame_secs();
        named
    }

    fn run(&mut self, secs: f64) -> Vec<LabelEvent> {
        let until = self.secs + secs;
        while self.secs < until {
            self.tick();
        }
        std::mem::take(&mut self.events)
    }

    /// Runs, and every frame has the label that plays.
    fn run_exactly(&mut self, secs: f64) {
        let until = self.secs + secs;
        while self.secs < until {
            let playing = self.playing();
            assert_eq!(self.tick(), Some(playing), "at {} s", self.secs);
        }
        assert_eq!(self.events, [], "at {} s", self.secs);
        assert_eq!(self.track.state(), LabelState::Following);
    }
}

#[test]
fn two_labels_jam_and_the_rest_follow() {
    for (stage, first) in [
        ("24", "01:00:00:00"),
        ("24000/1001", "23:59:59:00"),
        ("25", "23:59:58:20"),
        ("30000/1001", "00:00:59;20"),
        ("30000/1001", "23:59:59;00"),
        ("30000/1001", "00:59:59:25"),
        ("60000/1001", "00:08:59;50"),
        ("30", "10:00:00:00"),
    ] {
        let mut deck = Deck::new(stage, first);
        assert_eq!(deck.track.state(), LabelState::Waiting);
        assert_eq!((deck.tick(), deck.track.state()), (None, LabelState::Waiting));
        let playing = deck.playing();
        assert_eq!(deck.tick(), Some(playing));
        assert_eq!(std::mem::take(&mut deck.events), [LabelEvent::Jammed { from: None, to: playing }]);
        deck.jitter_secs = 1e-3;
        deck.run_exactly(70.0);
    }
}

#[test]
fn labels_out_of_phase_with_frames_do_not_flicker() {
    for phase in [0.3, -0.3, 0.49, 0.5, -0.5] {
        let mut deck = Deck { phase, jitter_secs: 2e-3, noise: Noise(2), ..Deck::new("24", "01:00:00:00") };
        deck.run(0.5);
        let mut before = deck.tick().unwrap().frame(deck.stage).unwrap();
        for _ in 0..24 * 120 {
            let next = deck.tick().unwrap().frame(deck.stage).unwrap();
            assert_eq!(next, before + 1, "phase {phase}");
            before = next;
        }
        assert_eq!(deck.events, []);
    }
}

#[test]
fn lost_labels_are_counted_on() {
    let mut deck = Deck::new("30000/1001", "00:00:50;00");
    deck.run(5.0);
    deck.loss = 0.3;
    deck.run_exactly(30.0);
    deck.loss = 1.0;
    for _ in 0..60 {
        let playing = deck.playing();
        assert_eq!(deck.tick(), Some(playing));
    }
    assert_eq!(deck.track.state(), LabelState::Flywheel);
    assert_eq!(deck.run(60.0), [LabelEvent::Lost]);
    deck.loss = 0.0;
    deck.tick();
    assert_eq!(std::mem::take(&mut deck.events), [LabelEvent::Regained]);
    deck.run_exactly(60.0);
}

#[test]
fn one_wrong_label_is_not_believed_and_two_are() {
    let mut deck = Deck::new("25", "09:59:50:00");
    deck.run(2.0);
    for wrong in ["00:00:00:00", "09:59:52:03", "23:59:59:24", "17:11:05:09", "09:59:59:27", "09:59:59;12"] {
        deck.run_exactly(1.0);
        let at = EPOCH.plus_nanos((deck.secs * 1e9) as i64);
        deck.track.heard(label(wrong), at, Some(25), 1);
        deck.run_exactly(1.0);
    }
    deck.locate("18:00:00:00");
    let counted_on = deck.tick().unwrap();
    assert!(counted_on.hours == 10 || counted_on.hours == 9);
    assert_eq!(deck.track.state(), LabelState::Flywheel);
    let playing = deck.playing();
    assert_eq!(deck.tick(), Some(playing));
    let [LabelEvent::Jumped { from, to }] = deck.events[..] else { panic!("{:?}", deck.events) };
    assert_eq!((from.frame(deck.stage).unwrap(), to), (counted_on.frame(deck.stage).unwrap() + 1, playing));
    deck.events.clear();
    deck.run_exactly(10.0);
}

#[test]
fn a_jump_while_the_source_was_away() {
    let mut deck = Deck::new("24", "01:00:00:00");
    deck.run(3.0);
    deck.loss = 1.0;
    assert_eq!(deck.run(2.0), [LabelEvent::Lost]);
    deck.loss = 0.0;
    deck.locate("02:00:00:00");
    let events = deck.run(0.2);
    assert!(matches!(events[..], [LabelEvent::Regained, LabelEvent::Jumped { to, .. }] if to.hours == 2), "{events:?}");
    deck.run_exactly(10.0);
}

#[test]
fn tape_plays_backwards_stands_and_plays_again() {
    for stage in ["24", "30000/1001"] {
        let mut deck = Deck::new(stage, "00:00:01:00");
        let pace = deck.pace;
        deck.run(5.0);
        // Backwards, and over midnight.
        let number = deck.playing().frame(deck.stage).unwrap() as i64;
        deck.play(number, pace, -1);
        let events = deck.run(0.3);
        assert!(matches!(events[..], [LabelEvent::Jumped { .. }]), "{events:?}");
        deck.run_exactly(10.0);
        // It stands: the same label again and again.
        let number = deck.playing().frame(deck.stage).unwrap() as i64;
        deck.play(number, pace, 0);
        let events = deck.run(0.3);
        assert!(matches!(events[..], [LabelEvent::Jumped { .. }]), "{events:?}");
        deck.run_exactly(5.0);
        deck.play(number, pace, 1);
        deck.run(0.3);
        deck.run_exactly(15.0);
    }
}

/// 23.976 for 24 counts alike and slips a frame in 42 s: that is named within half a minute, and not followed.
#[test]
fn labels_at_another_pace_are_named_and_counted_on() {
    for (stage, pace) in [("24", 24_000.0 / 1001.0), ("24000/1001", 24.0), ("30000/1001", 30.0), ("30", 29.97002997)] {
        let mut deck = Deck { jitter_secs: 1e-3, ..Deck::new(stage, "01:00:00:00") };
        let right = deck.pace;
        deck.run(5.0);
        let number = deck.playing().frame(deck.stage).unwrap() as i64;
        deck.play(number, pace, 1);
        let events = deck.run(31.0);
        let [LabelEvent::PaceMismatch { measured_hz, expected_hz }] = events[..] else { panic!("{events:?}") };
        assert!((measured_hz / pace - 1.0).abs() < 3e-4 && (expected_hz / right - 1.0).abs() < 1e-9);
        assert_eq!(deck.track.state(), LabelState::Mismatch);
        assert_eq!(deck.run(120.0), []);
        let number = deck.playing().frame(deck.stage).unwrap() as i64;
        deck.play(number, right, 1);
        let events = deck.run(25.0);
        assert!(matches!(events[..], [LabelEvent::Regained, LabelEvent::Jumped { .. }]), "{events:?}");
        deck.run_exactly(30.0);
    }
}

/// Ten milliseconds of network are no other pace, and move no label.
#[test]
fn jitter_is_no_pace() {
    for stage in ["24", "30", "25"] {
        let mut deck = Deck { jitter_secs: 10e-3, noise: Noise(3), ..Deck::new(stage, "01:00:00:00") };
        deck.run(1.0);
        assert_eq!(deck.run(600.0), [], "{stage}");
    }
}

#[test]
fn shuttling_is_named_and_playing_again_is_soon_followed() {
    for speed in [2.0, 4.0, 0.5, 10.0] {
        for direction in [1, -1] {
            let mut deck = Deck::new("25", "12:00:00:00");
            let pace = deck.pace;
            deck.run(5.0);
            deck.play(12 * 90_000, pace * speed, direction);
            let events = deck.run(10.0);
            let [LabelEvent::PaceMismatch { measured_hz, .. }] = events[..] else { panic!("{speed}: {events:?}") };
            assert!((measured_hz / (pace * speed) - 1.0).abs() < 0.2, "{speed}: {measured_hz}");
            deck.play(13 * 90_000, pace, 1);
            let events = deck.run(1.0);
            assert!(matches!(events[..], [LabelEvent::Regained, LabelEvent::Jumped { .. }]), "{events:?}");
            deck.run_exactly(20.0);
        }
    }
}

#[test]
fn counts_that_do_not_fit_are_named() {
    for (stage, counting, nominal, seen) in [
        ("24", "25", Some(25), 25),
        ("25", "30", Some(30), 30),
        ("24", "30", Some(30), 30),
        ("30", "24", Some(24), 24),
        ("25", "24", None, 24),
        ("24", "30", None, 0),
    ] {
        let mut deck = Deck { counting: rate(counting), nominal, ..Deck::new(stage, "01:00:00:00") };
        deck.play(3600 * i64::from(deck.counting.num()), f64::from(deck.counting.num()), 1);
        let events = deck.run(6.0);
        let named = events.iter().find_map(|event| match event {
            LabelEvent::CountMismatch { nominal, stage } => Some((*nominal, *stage)),
            _ => None,
        });
        let (nominal, at) = named.unwrap_or_else(|| panic!("{counting} on {stage}: {events:?}"));
        assert!(nominal == seen || seen == 0);
        assert_eq!(at, rate(stage));
        assert_eq!(deck.track.state(), LabelState::Mismatch);
    }
    let mut deck = Deck::new("30", "01:00:00:00");
    (deck.counting, deck.drop_frame, deck.pace) = (rate("30000/1001"), true, 29.97002997);
    let events = deck.run(2.0);
    let [LabelEvent::DropMismatch { label, stage }] = events[..] else { panic!("{events:?}") };
    assert!(label.drop_frame && stage == rate("30"));
}

/// A stage at twice the labels' rate: each label has two frames, counted apart.
#[test]
fn a_stage_may_run_at_a_multiple_of_the_labels() {
    for (stage, counting, nominal, drop_frame) in [
        ("60000/1001", "30000/1001", Some(30), true),
        ("60", "30", Some(30), false),
        ("48", "24", Some(24), false),
        ("60", "30", None, false),
        ("120", "24", Some(24), false),
    ] {
        let mut deck = Deck { counting: rate(counting), nominal, drop_frame, ..Deck::new(stage, "00:00:00:00") };
        let times = (deck.stage.num() / deck.counting.num()) as i64;
        let pace = deck.pace / times as f64;
        let from = i64::from(
            Timecode { minutes: 0, seconds: 57, drop_frame, ..label("00:00:00:00") }.frame(deck.counting).unwrap()
                as u32,
        );
        deck.play(from, pace, 1);
        deck.run(4.0);
        for _ in 0..60 * 20 {
            let gone = ((deck.secs - deck.since) * pace * times as f64 + 1e-6).floor() as u64;
            let named = deck.tick().unwrap();
            assert_eq!(named.frame(deck.stage).unwrap(), from as u64 * times as u64 + gone);
            assert_eq!(named.drop_frame, drop_frame);
        }
        assert_eq!(deck.track.state(), LabelState::Following);
    }
}

/// Network updates of a label within its frame, or more often than frames.
#[test]
fn a_label_said_again_within_its_frame_is_one() {
    let mut deck = Deck::new("25", "01:00:00:00");
    for _ in 0..500 {
        let at = EPOCH.plus_nanos((deck.secs * 1e9) as i64 + 15_000_000);
        let playing = deck.playing();
        deck.tick();
        deck.track.heard(playing, at, Some(25), 1);
    }
    assert!(matches!(deck.events[..], [LabelEvent::Jammed { .. }]), "{:?}", deck.events);
    deck.events.clear();
    deck.run_exactly(1.0);
}

#[test]
fn missed_frames_are_counted_over() {
    let mut deck = Deck::new("24", "01:00:00:00");
    deck.run(2.0);
    deck.frame += 100;
    deck.secs += 100.0 / 24.0;
    deck.run_exactly(2.0);
}

#[test]
fn counted_labels_begin_where_they_are_told() {
    for (frame, text, drop_frame, start, expected) in [
        (0, "24", false, "01:00:00:00", "01:00:00:00"),
        (24, "24", false, "01:00:00:00", "01:00:01:00"),
        (23 * 86_400, "24", false, "01:00:00:00", "00:00:00:00"),
        (1, "30000/1001", true, "00:00:59:29", "00:01:00;02"),
        (17_982, "30000/1001", true, "00:00:00:00", "00:10:00;00"),
        (5, "24", true, "01:00:00:00", "01:00:00:05"),
        (3, "24", false, "01:00:00:30", "00:00:00:03"),
        (u64::MAX, "24", false, "00:00:00:00", "16:21:38:15"),
    ] {
        let named = counted(frame, rate(text), drop_frame, label(start));
        let day = Timecode::frames_per_day(rate(text), drop_frame);
        if frame == u64::MAX {
            assert_eq!(named.frame(rate(text)).unwrap(), u64::MAX % day);
        } else {
            assert_eq!(named.to_string(), expected);
        }
    }
}

#[test]
fn a_stages_labels_are_one_of_three() {
    let (rate, start) = (rate("25"), label("01:00:00:00"));
    let noon = 12 * 3600 * 1_000_000_000;
    let mut counted = Labels::Counted { rate, drop_frame: false, start };
    assert_eq!(counted.label(26, EPOCH, None), Some(label("01:00:01:01")));
    assert_eq!((counted.state(), counted.poll()), (LabelState::Following, None));
    let mut clock = Labels::Clock(TimeOfDay::new(rate, false, 60, 0));
    assert_eq!(clock.label(0, EPOCH, None), None);
    assert_eq!(clock.label(1, EPOCH, Some(noon)), Some(label("13:00:00:00")));
    assert!(matches!((clock.state(), clock.poll()), (LabelState::Following, Some(LabelEvent::Jammed { .. }))));
    let mut heard = Labels::Heard(Box::new(LabelTrack::new(rate)));
    assert_eq!((heard.label(0, EPOCH, Some(noon)), heard.state(), heard.poll()), (None, LabelState::Waiting, None));
}

#[test]
fn events_are_words() {
    let (from, to) = (label("01:00:00:00"), label("02:00:00:00"));
    assert_eq!(
        LabelEvent::Jumped { from, to }.to_string(),
        "timecode: the source jumped from 01:00:00:00 to 02:00:00:00"
    );
    for event in [
        LabelEvent::Jammed { from: None, to },
        LabelEvent::Jammed { from: Some(from), to },
        LabelEvent::Lost,
        LabelEvent::Regained,
        LabelEvent::CountMismatch { nominal: 25, stage: rate("24") },
        LabelEvent::PaceMismatch { measured_hz: 23.976, expected_hz: 24.0 },
        LabelEvent::DropMismatch { label: to, stage: rate("24") },
    ] {
        assert!(event.to_string().starts_with("timecode: "));
    }
}

proptest! {
    #[test]
    fn total(
        heard in prop::collection::vec((any::<(u8, u8, u8, u16)>(), any::<bool>(), any::<i64>(), any::<Option<u32>>(), any::<i8>()), 0..60),
        near in prop::collection::vec((0u16..30, 0i64..2_000_000_000, any::<i8>()), 0..100),
        frame: u64,
        at: i64,
    ) {
        let mut track = LabelTrack::new(rate("30000/1001"));
        for ((hours, minutes, seconds, frames), drop_frame, at, nominal, direction) in heard {
            let label = Timecode { hours, minutes, seconds, frames, drop_frame };
            track.heard(label, StageTime(at), nominal, direction);
            track.label(frame.wrapping_add(at as u64), StageTime(at));
        }
        for (frames, at, direction) in near {
            track.heard(Timecode { frames, ..Timecode::default() }, StageTime(at), None, direction);
            track.label(frame, StageTime(at));
        }
        track.label(frame, StageTime(at));
        track.state();
        while track.poll().is_some() {}
    }

    /// Jitter, loss, jumps and silences: a label always follows the one before, unless an event says why not.
    #[test]
    fn labels_go_on_or_an_event_says_why(
        stage in prop::sample::select(vec!["24", "25", "30000/1001", "24000/1001"]),
        phase in -0.4..0.4,
        loss in 0.0..0.5,
        seed: u64,
    ) {
        let mut deck = Deck { phase, loss, jitter_secs: 2e-3, noise: Noise(seed), ..Deck::new(stage, "23:59:30:00") };
        let mut before: Option<Timecode> = None;
        let day = Timecode::frames_per_day(deck.stage, deck.drop_frame);
        for turn in 0..24 * 60 {
            if deck.noise.unit() < 0.003 {
                let number = (deck.noise.unit() * day as f64) as i64;
                deck.play(number, deck.pace, 1);
            }
            deck.loss = if turn % 500 > 450 { 1.0 } else { loss };
            let named = deck.tick();
            let told = deck.events.drain(..).any(|event| !matches!(event, LabelEvent::Lost | LabelEvent::Regained));
            if let (Some(named), Some(before), false) = (named, before, told) {
                prop_assert_eq!(named.frame(deck.stage).unwrap(), (before.frame(deck.stage).unwrap() + 1) % day);
            }
            before = named.or(before);
        }
    }
}
