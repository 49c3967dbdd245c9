//! Commands: accepted or refused, on their frame or late by so many, in order, from any thread.

use cyc_core::Rate;
use cyc_core::command::{
    Answer, Asked, Catalogue, Command, CommandIntake, CommandPort, CommandQueue, Outcome, Refusal, TEXT, WAITING,
    channel,
};
use proptest::prelude::*;
use std::sync::mpsc::sync_channel;

fn rate() -> Rate {
    Rate::new(24, 1).unwrap()
}

fn catalogue() -> Catalogue {
    Catalogue { looks: vec!["dusk".into()], patterns: vec!["grid".into(), "bar".into()], light_cards: vec![] }
}

fn queue() -> CommandQueue {
    CommandQueue::new(rate(), catalogue())
}

fn due(queue: &mut CommandQueue, frame: u64) -> Vec<(Command, u64, u64)> {
    queue.due(frame).map(|due| (due.command, due.frame, due.late)).collect()
}

#[test]
fn a_command_happens_on_its_frame_and_one_without_on_the_next() {
    let mut queue = queue();
    let at = |queue: &mut CommandQueue, command, frame| queue.accept(command, frame, 100).unwrap().frame;
    assert_eq!(at(&mut queue, Command::Freeze(true), Some(103)), 103);
    assert_eq!(at(&mut queue, Command::Blackout(true), None), 100);
    assert_eq!(at(&mut queue, Command::Slate("12A".into()), Some(103)), 103);
    assert_eq!(due(&mut queue, 100), [(Command::Blackout(true), 100, 0)]);
    assert_eq!(due(&mut queue, 102), []);
    assert_eq!(due(&mut queue, 103), [(Command::Freeze(true), 103, 0), (Command::Slate("12A".into()), 103, 0)]);
    assert!(queue.is_empty());
}

#[test]
fn what_skipped_ticks_left_over_happens_next_and_says_how_late() {
    let mut queue = queue();
    for frame in [12, 11, 14] {
        queue.accept(Command::Event(frame.to_string()), Some(frame), 10).unwrap();
    }
    let names: Vec<_> = queue.due(13).map(|due| (due.command.to_string(), due.late)).collect();
    assert_eq!(names, [("event 11".to_string(), 2), ("event 12".to_string(), 1)]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn a_refusal_says_why_and_what_would_do() {
    let mut queue = queue();
    let mut words = |command, at| queue.accept(command, at, 100).unwrap_err().to_string();
    assert_eq!(
        words(Command::Freeze(true), Some(99)),
        "frame 99 has already begun; the next one that can be named is 100"
    );
    assert_eq!(
        words(Command::Freeze(true), Some(100 + 24 * 3600 + 1)),
        "frame 86501 is more than an hour away; commands wait for an hour at most, which is frame 86500 now"
    );
    assert_eq!(words(Command::Cue("noon".into()), None), "there is no such look as \"noon\"; there are dusk");
    assert_eq!(
        words(Command::Pattern(Some("plaid".into())), None),
        "there is no such pattern as \"plaid\"; there are grid, bar"
    );
    let card = Command::LightCard { name: "key".into(), on: true };
    assert_eq!(words(card, None), "there is no such light card as \"key\"; this stage has no light cards");
    assert_eq!(words(Command::Slate("x".repeat(TEXT + 1)), None), "the text has 201 characters; 200 are the most");
    assert!(queue.is_empty());
    queue.accept(Command::Cue("dusk".into()), Some(100 + 24 * 3600), 100).unwrap();
    queue.accept(Command::Pattern(None), None, 100).unwrap();
    // Characters, not bytes.
    queue.accept(Command::Slate("帧".repeat(TEXT)), None, 100).unwrap();
    while queue.len() < WAITING {
        queue.accept(Command::Freeze(true), None, 100).unwrap();
    }
    assert_eq!(queue.accept(Command::Freeze(true), None, 100), Err(Refusal::Full));
}

#[test]
fn commands_in_json_have_one_form() {
    let forms = [
        (Command::Freeze(true), r#"{"command":"freeze","on":true}"#),
        (Command::Blackout(false), r#"{"command":"blackout","on":false}"#),
        (Command::Pattern(Some("grid".into())), r#"{"command":"pattern","name":"grid"}"#),
        (Command::Pattern(None), r#"{"command":"pattern"}"#),
        (Command::Outline(true), r#"{"command":"outline","on":true}"#),
        (Command::Rolling(true), r#"{"command":"rolling","on":true}"#),
        (Command::Slate("12A take 3".into()), r#"{"command":"slate","text":"12A take 3"}"#),
        (Command::Cue("dusk".into()), r#"{"command":"cue","name":"dusk"}"#),
        (Command::LightCard { name: "key".into(), on: true }, r#"{"command":"light_card","on":true,"name":"key"}"#),
        (Command::Event("door".into()), r#"{"command":"event","name":"door"}"#),
    ];
    for (command, json) in forms {
        assert_eq!(serde_json::to_string(&command).unwrap(), json);
        assert_eq!(serde_json::from_str::<Command>(json).unwrap(), command);
    }
    assert_eq!(
        serde_json::from_str::<Command>(r#"{"command":"pattern","name":null}"#).unwrap(),
        Command::Pattern(None)
    );
    for (json, says) in [
        (r#"{"command":"freze","on":true}"#, "no command \"freze\""),
        (r#"{"command":"freeze"}"#, "freeze needs \"on\": true or false"),
        (r#"{"command":"freeze","on":1}"#, "boolean"),
        (r#"{"command":"freeze","on":true,"name":"x"}"#, "freeze takes no \"name\""),
        (r#"{"command":"cue"}"#, "cue needs \"name\", a text"),
        (r#"{"command":"cue","look":"dusk"}"#, "unknown field `look`"),
        (r#"{"on":true}"#, "missing field `command`"),
    ] {
        let error = serde_json::from_str::<Command>(json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
}

proptest! {
    /// Whatever is given and whatever ticks are missed: everything accepted happens exactly once, never before its
    /// frame, late only by what was skipped, and in the order of frames and arrival.
    #[test]
    fn nothing_is_lost_early_or_out_of_order(
        steps in prop::collection::vec((1u64..6, prop::collection::vec(prop::option::of(0u64..12), 0..4)), 1..60)
    ) {
        let mut queue = queue();
        let (mut frame, mut given, mut happened) = (0, Vec::new(), Vec::new());
        for (step, commands) in steps {
            let before = frame;
            frame += step;
            for ahead in commands {
                let name = given.len().to_string();
                let accepted = queue.accept(Command::Event(name), ahead.map(|ahead| before + 1 + ahead), before + 1);
                given.push(accepted.unwrap().frame);
            }
            for due in queue.due(frame) {
                let Command::Event(name) = &due.command else { unreachable!() };
                let n: usize = name.parse().unwrap();
                prop_assert_eq!(due.frame, given[n]);
                prop_assert_eq!(due.late, frame - due.frame);
                prop_assert!(due.frame > before, "it would have been due with the tick before");
                happened.push((due.frame, n));
            }
        }
        prop_assert!(happened.is_sorted());
        prop_assert_eq!(happened.len() + queue.len(), given.len());
    }
}

fn asked(command: Command, at_frame: Option<u64>) -> Asked {
    Asked { command, at_frame, from: "test".into() }
}

fn begin(intake: &mut CommandIntake, frame: u64) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    intake.begin(frame, &mut outcomes);
    outcomes
}

#[test]
fn who_asks_hears_the_frame_on_which_it_happened() {
    let (port, mut intake) = channel(rate(), catalogue());
    let mut now = port.ask(asked(Command::Freeze(true), None)).unwrap();
    let mut later = port.ask(asked(Command::Freeze(false), Some(52))).unwrap();
    let mut never = port.ask(asked(Command::Cue("noon".into()), None)).unwrap();
    assert_eq!(now.try_answer(), None);
    let outcomes = begin(&mut intake, 50);
    assert_eq!(now.try_answer(), Some(Answer::Done { frame: 50, late: 0 }));
    assert_eq!(later.try_answer(), Some(Answer::Scheduled { frame: 52 }));
    let Some(Answer::Refused(refusal)) = never.try_answer() else { panic!() };
    assert!(matches!(refusal, Refusal::Unknown { what: "look", .. }));
    // What is refused is an outcome too, for the event list; what waits is none yet.
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[1].answer, Answer::Done { frame: 50, late: 0 });
    assert_eq!((port.next_frame(), intake.waiting()), (51, 1));
    // Ticks 51 to 53 were missed.
    assert_eq!(begin(&mut intake, 54)[0].answer, Answer::Done { frame: 54, late: 2 });
    assert_eq!(later.try_answer(), Some(Answer::Done { frame: 54, late: 2 }));
    assert_eq!(later.try_answer(), None);
}

#[test]
fn a_frame_that_begins_can_still_be_named_and_the_one_before_cannot() {
    let (port, mut intake) = channel(rate(), catalogue());
    let mut in_time = port.ask(asked(Command::Freeze(true), Some(50))).unwrap();
    let mut late = port.ask(asked(Command::Freeze(true), Some(49))).unwrap();
    begin(&mut intake, 50);
    assert_eq!(in_time.try_answer(), Some(Answer::Done { frame: 50, late: 0 }));
    // Whoever reads this can name 51 at the earliest: 50 has begun by then.
    assert_eq!(late.try_answer(), Some(Answer::Refused(Refusal::Begun { asked: 49, next: 51 })));
}

#[test]
fn who_gave_up_before_the_stage_looked_has_taken_the_command_back() {
    let (port, mut intake) = channel(rate(), catalogue());
    drop(port.ask(asked(Command::Blackout(true), None)).unwrap());
    assert_eq!(begin(&mut intake, 1), []);
    // Once it waits for its frame it stays.
    let scheduled = port.ask(asked(Command::Blackout(true), Some(9))).unwrap();
    begin(&mut intake, 2);
    drop(scheduled);
    assert_eq!(begin(&mut intake, 9).len(), 1);
}

#[test]
fn frame_numbers_that_are_set_anew_do_not_set_off_what_waits() {
    let (port, mut intake) = channel(rate(), catalogue());
    let mut waiting = port.ask(asked(Command::Blackout(true), Some(500))).unwrap();
    begin(&mut intake, 1);
    let outcomes = begin(&mut intake, 41_000_000_000);
    let refused = Answer::Refused(Refusal::Jumped { asked: 500, now: 41_000_000_000 });
    assert_eq!(outcomes.iter().map(|outcome| &outcome.answer).collect::<Vec<_>>(), [&refused]);
    assert_eq!(waiting.try_answer(), Some(Answer::Scheduled { frame: 500 }));
    assert_eq!(waiting.try_answer(), Some(refused));
}

#[test]
fn a_flood_costs_every_frame_the_same_and_the_rest_is_refused_at_once() {
    let (port, mut intake) = channel(rate(), catalogue());
    let (reply, _answers) = sync_channel(1);
    let given = (0..10_000).filter(|n| port.send(asked(Command::Freeze(true), None), &reply, *n).is_ok()).count();
    assert_eq!(given, 256);
    assert_eq!(port.ask(asked(Command::Freeze(true), None)).unwrap_err(), Refusal::Busy);
    let looked_at: Vec<_> = (1..=9).map(|frame| begin(&mut intake, frame).len()).collect();
    assert_eq!(looked_at, [32, 32, 32, 32, 32, 32, 32, 32, 0]);
    drop(intake);
    assert_eq!(port.ask(asked(Command::Freeze(true), None)).unwrap_err(), Refusal::Ended);
}

#[test]
fn several_threads_give_commands_while_frames_go_on() {
    let (port, mut intake) = channel(rate(), catalogue());
    let give = |name: usize, port: CommandPort| {
        move || {
            for n in 0..200 {
                let command = asked(Command::Event(format!("{name}.{n}")), None);
                let mut pending = loop {
                    match port.ask(command.clone()) {
                        Ok(pending) => break pending,
                        Err(_) => std::thread::yield_now(),
                    }
                };
                while pending.try_answer().is_none() {
                    std::thread::yield_now();
                }
            }
        }
    };
    let threads: Vec<_> = (0..4).map(|name| std::thread::spawn(give(name, port.clone()))).collect();
    let (mut frame, mut happened) = (0, vec![Vec::new(); 4]);
    while happened.iter().map(Vec::len).sum::<usize>() < 800 {
        frame += 1;
        for outcome in begin(&mut intake, frame) {
            let Command::Event(name) = &outcome.asked.command else { unreachable!() };
            let (thread, n) = name.split_once('.').unwrap();
            happened[thread.parse::<usize>().unwrap()].push(n.parse::<usize>().unwrap());
            assert_eq!(outcome.answer, Answer::Done { frame, late: 0 });
        }
        std::thread::yield_now();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(happened.iter().all(|of_thread| of_thread.iter().copied().eq(0..200)));
}
