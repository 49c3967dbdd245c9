//! Stage events: their form, and what a monitor makes of a simulated stage.

use cyc_core::beat::BeatEvent;
use cyc_core::command::{Answer, Asked, Command, Outcome, Refusal};
use cyc_core::event::{
    BudgetItem, EventKind, EventRing, FeedWatch, Moment, Monitor, MonitorSetup, Notice, Overrun, Phase, Severity,
    Spender, StageEvent, Standing, Trouble,
};
use cyc_core::report::{CameraReport, FeedReport};
use cyc_core::{BeatSync, FrameReport, LockState, LossPolicy, Quality, Rate, StageTime};
use proptest::prelude::*;

const MS: i64 = 1_000_000;
const FRAME: i64 = 40 * MS;

/// 25 frames a second, a source "ltc", a camera "cam-a" on feed "trk-a" at 10 packets a frame.
struct Stage {
    monitor: Monitor,
    frame: u64,
    packets: u64,
    events: Vec<StageEvent>,
}

impl Stage {
    fn new(genlock: Option<&str>) -> Self {
        let feed = FeedWatch { id: "trk-a".into(), cameras: vec!["cam-a".into()], loss: LossPolicy::default() };
        let rate = Rate::new(25, 1).unwrap();
        let setup = MonitorSetup { rate, genlock: genlock.map(str::to_owned), feeds: vec![feed] };
        Self { monitor: Monitor::new(setup), frame: 0, packets: 0, events: Vec::new() }
    }

    /// The next frame, in which all is well.
    fn report(&mut self) -> FrameReport {
        self.frame += 1;
        self.packets += 10;
        let presented_ns = StageTime(self.frame as i64 * FRAME);
        let camera = CameraReport {
            position_m: Some([0.004 * self.frame as f64, -3.0, 1.6]),
            orientation_wxyz: Some([1.0, 0.0, 0.0, 0.0]),
            focal_length_mm: Some(35.0),
            quality: Quality::Measured,
            capture_ns: Some(presented_ns.plus_nanos(-30 * MS)),
            received_ns: Some(presented_ns.plus_nanos(-25 * MS)),
            latched_ns: Some(presented_ns.plus_nanos(-20 * MS)),
            late_latched_ns: None,
            warped_ns: None,
            pose_for_ns: Some(presented_ns.plus_nanos(10 * MS)),
            pose_age_ns: Some(40 * MS),
            overscan: None,
            overscan_needed: None,
            exposure_true: false,
            disoccluded_px: None,
        };
        FrameReport {
            frame: self.frame,
            timecode: format!("01:00:{:02}:{:02}", self.frame / 25 % 60, self.frame % 25),
            tick_ns: presented_ns.plus_nanos(-FRAME),
            presented_ns,
            sync: BeatSync { state: LockState::Locked, uncertainty_ns: 20_000 },
            cameras: [("cam-a".to_string(), camera)].into(),
            feeds: [("trk-a".to_string(), FeedReport { packets: self.packets, ..FeedReport::default() })].into(),
            ..FrameReport::default()
        }
    }

    fn run(&mut self, frames: u64, change: impl Fn(u64, &mut FrameReport)) -> &mut Self {
        self.run_over(frames, change, &[])
    }

    fn run_over(&mut self, frames: u64, change: impl Fn(u64, &mut FrameReport), overruns: &[Overrun<'_>]) -> &mut Self {
        for n in 0..frames {
            let mut report = self.report();
            change(n, &mut report);
            self.monitor.frame(&report, overruns.iter().copied(), &mut self.events);
        }
        self
    }

    fn well(&mut self, frames: u64) -> &mut Self {
        self.run(frames, |_, _| {})
    }

    fn command(&mut self, command: Command) -> &mut Self {
        let asked = Asked { command, at_frame: None, from: "desk".into() };
        let outcome = Outcome { asked, answer: Answer::Done { frame: self.frame, late: 0 } };
        let moment = Moment { at: StageTime(self.frame as i64 * FRAME), frame: self.frame, timecode: "" };
        self.monitor.command(&moment, &outcome, &mut self.events);
        self
    }

    fn notice(&mut self, subject: &str, notice: Notice<'_>) -> &mut Self {
        let moment = Moment { at: StageTime(self.frame as i64 * FRAME), frame: self.frame, timecode: "" };
        self.monitor.notice(&moment, subject, notice, &mut self.events);
        self
    }

    /// The events since the last call.
    fn heard(&mut self) -> Vec<StageEvent> {
        std::mem::take(&mut self.events)
    }

    /// Frame, kind, severity of the events since the last call.
    fn kinds(&mut self) -> Vec<(u64, String, Severity)> {
        self.heard().iter().map(|event| (event.frame, kind(event), event.severity)).collect()
    }
}

fn kind(event: &StageEvent) -> String {
    serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned()
}

fn silent(_: u64, report: &mut FrameReport) {
    report.feeds.values_mut().for_each(|feed| feed.packets = 1000);
}

fn sync(state: LockState, uncertainty_ns: i64) -> impl Fn(u64, &mut FrameReport) {
    move |_, report| report.sync = BeatSync { state, uncertainty_ns }
}

#[test]
fn a_line_has_a_stable_form() {
    let mut event = StageEvent {
        at_ns: StageTime(1_234),
        frame: 7,
        timecode: Some("01:00:00:07".into()),
        severity: Severity::Warning,
        kind: EventKind::OverBudget {
            stage: BudgetItem::ReceiveToUse,
            spent_ns: 12,
            allowed_ns: 10,
            by: Spender::Feed,
        },
        subject: "cam-a".into(),
        message: "m".into(),
    };
    let line = serde_json::to_string(&event).unwrap();
    assert_eq!(
        line,
        r#"{"at_ns":1234,"frame":7,"timecode":"01:00:00:07","severity":"warning","kind":"over_budget","stage":"receive_to_use","spent_ns":12,"allowed_ns":10,"by":"feed","subject":"cam-a","message":"m"}"#
    );
    assert_eq!(serde_json::from_str::<StageEvent>(&line).unwrap(), event);
    event.timecode = None;
    event.kind = EventKind::CommandDone {
        command: Command::Slate("12A".into()),
        from: "desk".into(),
        at_frame: Some(5),
        late: 2,
    };
    let mut ring = EventRing::new(2);
    ring.push(event);
    let line = serde_json::to_string(ring.since(0).next().unwrap()).unwrap();
    assert_eq!(
        line,
        r#"{"seq":1,"at_ns":1234,"frame":7,"severity":"warning","kind":"command_done","command":{"command":"slate","text":"12A"},"from":"desk","at_frame":5,"late":2,"subject":"cam-a","message":"m"}"#
    );
    assert_eq!(serde_json::from_str::<cyc_core::event::Recorded>(&line).unwrap(), *ring.since(0).next().unwrap());
    let unit = serde_json::to_value(EventKind::GenlockFree).unwrap();
    assert_eq!(unit, serde_json::json!({ "kind": "genlock_free" }));
}

#[test]
fn a_ring_keeps_the_newest_and_numbers_without_a_gap() {
    let mut stage = Stage::new(None);
    stage.run(1, |_, report| report.missed = 1);
    let event = stage.heard().remove(0);
    let mut ring = EventRing::new(3);
    assert_eq!((ring.newest(), ring.oldest(), ring.since(0).len()), (0, 0, 0));
    for n in 1..=5 {
        assert_eq!(ring.push(event.clone()), n);
    }
    let after = |seq| ring.since(seq).map(|recorded| recorded.seq).collect::<Vec<_>>();
    assert_eq!((after(0), after(3), after(4), after(5)), (vec![3, 4, 5], vec![4, 5], vec![5], vec![]));
    assert_eq!(after(77), [3, 4, 5], "a number from before a restart");
    assert_eq!((ring.newest(), ring.oldest()), (5, 3));
}

#[test]
fn an_hour_without_trouble_is_silent() {
    let mut stage = Stage::new(Some("ltc"));
    stage.well(3600 * 25);
    assert_eq!(stage.kinds(), [(1, "genlock_locked".into(), Severity::Info)]);
    assert_eq!(stage.monitor.standing().open().count(), 0);
    let mut quiet = Stage::new(None);
    quiet.run(1000, sync(LockState::Free, 0));
    assert_eq!(quiet.events.capacity(), 0, "nothing is allocated while nothing happens");
}

#[test]
fn missed_ticks_are_one_event_at_once_and_one_with_the_count() {
    let mut stage = Stage::new(None);
    stage.well(99).run(50, |n, report| report.missed = if n % 5 == 0 { 2 } else { 0 }).well(100);
    let events = stage.heard();
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].frame, &events[0].kind), (100, &EventKind::TickMissed { missed: 2 }));
    assert_eq!(events[0].at_ns, StageTime(100 * FRAME));
    assert_eq!(events[0].timecode.as_deref(), Some("01:00:04:00"));
    assert_eq!(events[1].kind, EventKind::TicksRegained { missed: 20, lasted_ns: 45 * FRAME });
    assert_eq!(events[1].message, "every tick has a picture again; 20 were missed in 1.8 s");
    assert_eq!((events[0].severity, events[1].severity), (Severity::Warning, Severity::Info));
}

#[test]
fn a_source_that_falls_silent_is_held_then_lost_then_free_and_regained_once() {
    let mut stage = Stage::new(Some("ltc"));
    stage.well(10).heard();
    stage.run(100, sync(LockState::Holdover, 2 * MS)).run(100, sync(LockState::Holdover, 21 * MS));
    stage.run(100, sync(LockState::Free, 0)).run(100, sync(LockState::Acquiring, 5 * MS)).well(100);
    let events = stage.heard();
    let kinds: Vec<_> = events.iter().map(|event| (event.frame, kind(event), event.severity)).collect();
    assert_eq!(
        kinds,
        [
            (11, "genlock_holdover".to_string(), Severity::Warning),
            (111, "genlock_lost".to_string(), Severity::Error),
            (211, "genlock_free".to_string(), Severity::Error),
            (411, "genlock_regained".to_string(), Severity::Info),
        ]
    );
    assert_eq!(events[3].kind, EventKind::GenlockRegained { lasted_ns: 400 * FRAME });
    assert!(events.iter().all(|event| event.subject == "genlock" && event.message.contains("ltc")));
}

#[test]
fn a_source_that_is_never_heard_is_named_after_a_while_and_none_is_missed_where_none_is_asked_for() {
    let mut stage = Stage::new(Some("ptp"));
    stage.run(1000, sync(LockState::Free, 0));
    let events = stage.heard();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].frame, &events[0].kind), (251, &EventKind::GenlockFree));
    assert!(events[0].message.contains("[genlock]"), "{}", events[0].message);
    stage.well(1);
    assert_eq!(stage.kinds(), [(1001, "genlock_regained".into(), Severity::Info)]);
    let mut internal = Stage::new(None);
    internal.run(1000, sync(LockState::Free, 0));
    assert_eq!(internal.kinds(), []);
}

#[test]
fn a_loop_that_falls_out_and_in_all_day_is_no_flood() {
    let mut stage = Stage::new(Some("ltc"));
    stage.well(10).heard();
    for _ in 0..7200 {
        stage.run(5, sync(LockState::Acquiring, MS)).well(20);
    }
    assert!(stage.heard().len() <= 8, "two hours of it");
}

#[test]
fn a_silent_feed_is_stale_then_lost_and_regained_with_the_length_of_the_silence() {
    let mut stage = Stage::new(None);
    // A pause that prediction bridges says nothing.
    stage.well(100).run(6, silent).well(94);
    assert_eq!(stage.kinds(), []);
    stage.run(60, |n, report| {
        silent(n, report);
        report.cameras.values_mut().for_each(|camera| {
            camera.quality = if n < 6 {
                Quality::Predicted
            } else if n < 50 {
                Quality::Held
            } else {
                Quality::Lost
            };
        });
    });
    let events = stage.heard();
    assert_eq!(
        events.iter().map(|event| (event.frame, event.severity)).collect::<Vec<_>>(),
        [(207, Severity::Warning), (251, Severity::Error)]
    );
    assert_eq!(events[0].kind, EventKind::FeedStale { silent_ns: 6 * FRAME });
    assert!(events[0].message.contains("trk-a is silent for 240.0 ms"), "{}", events[0].message);
    assert!(stage.monitor.standing().is_open(Trouble::Feed, "trk-a"));
    stage.well(50);
    let events = stage.heard();
    assert_eq!(events.len(), 1, "and no jump, although the camera is elsewhere by now");
    assert_eq!(events[0].kind, EventKind::FeedRegained { silent_ns: 60 * FRAME - FRAME });
    assert!(!stage.monitor.standing().is_open(Trouble::Feed, "trk-a"));
}

#[test]
fn a_feed_says_why_it_is_of_no_use() {
    let unheard = |_: u64, report: &mut FrameReport| {
        report.feeds.values_mut().for_each(|feed| feed.packets = 0);
        report.cameras.values_mut().for_each(|camera| camera.quality = Quality::Lost);
    };
    let mut stage = Stage::new(None);
    stage.run(200, unheard);
    let events = stage.heard();
    assert_eq!((events.len(), events[0].frame), (1, 77));
    assert!(events[0].message.contains("nothing has arrived yet"), "{}", events[0].message);
    let mut refused = Stage::new(None);
    refused.well(10).run(20, |n, report| {
        silent(n, report);
        report.feeds.values_mut().for_each(|feed| feed.bad = n);
    });
    assert!(refused.heard()[0].message.contains("refused"));
    let mut old = Stage::new(None);
    old.well(10).run(5, |_, report| report.cameras.values_mut().for_each(|camera| camera.quality = Quality::Held));
    assert!(old.heard()[0].message.contains("too old when they arrive"));
}

#[test]
fn a_pose_that_no_camera_could_reach_is_a_jump_and_a_frozen_one_is_not() {
    let moved = |by: f64| {
        move |_: u64, report: &mut FrameReport| {
            report
                .cameras
                .values_mut()
                .for_each(|camera| camera.position_m = camera.position_m.map(|p| [p[0] + by, p[1], p[2]]));
        }
    };
    let mut stage = Stage::new(None);
    stage.well(100).run(50, moved(0.5));
    let events = stage.heard();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].frame, events[0].subject.as_str()), (101, "cam-a"));
    assert_eq!(events[0].kind, EventKind::FeedJump { moved_mm: 500.0, turned_deg: 0.0, times: 1 });
    // A tracker that flickers for a second.
    stage.run(25, |n, report| moved(if n % 3 == 0 { 0.5 } else { -0.5 })(n, report)).run(80, moved(-0.5));
    let events = stage.heard();
    assert_eq!(events.len(), 2);
    assert!(matches!(events[1].kind, EventKind::FeedJump { times: 8.., .. }), "{:?}", events[1]);
    // While frozen the shown poses stand still; afterwards the camera is elsewhere.
    stage.command(Command::Freeze(true));
    stage.run(50, moved(-0.5)).command(Command::Freeze(false)).run(50, moved(3.0));
    assert_eq!(stage.kinds().into_iter().filter(|(_, kind, _)| kind == "feed_jump").count(), 0);
}

#[test]
fn over_budget_is_told_once_and_summed_up_by_item_and_camera() {
    let over = |item, camera, spent_ms: i64, by| Overrun {
        item,
        camera,
        spent_nanos: spent_ms * MS,
        allowed_nanos: 10 * MS,
        by,
    };
    let render = over(BudgetItem::Render, None, 14, Spender::Render);
    let margin = over(BudgetItem::Margin, None, -3, Spender::Render);
    let use_a = over(BudgetItem::ReceiveToUse, Some("cam-a"), 12, Spender::Feed);
    let stray = over(BudgetItem::PoseAge, Some("cam-z"), 12, Spender::Feed);
    let mut stage = Stage::new(None);
    stage.well(10).run_over(30, |_, _| {}, &[render, margin, use_a, stray]);
    stage.run_over(1, |_, _| {}, &[Overrun { spent_nanos: 19 * MS, ..render }]).well(60);
    let events = stage.heard();
    let told: Vec<_> = events.iter().map(|event| (event.frame, event.subject.as_str(), kind(event))).collect();
    assert_eq!(
        told,
        [
            (11, "stage", "over_budget".to_string()),
            (11, "stage", "over_budget".to_string()),
            (11, "cam-a", "over_budget".to_string()),
            (65, "stage", "within_budget".to_string()),
            (65, "cam-a", "within_budget".to_string()),
            (66, "stage", "within_budget".to_string()),
        ]
    );
    assert_eq!(events[0].message, "the frame was 3.0 ms late (10.0 ms must be left); render took the most");
    assert_eq!(events[1].message, "render took 14.0 ms, 10.0 ms are allowed");
    assert_eq!(events[2].message, "receive-to-use of camera cam-a took 12.0 ms, 10.0 ms are allowed");
    let render = EventKind::WithinBudget {
        stage: BudgetItem::Render,
        frames: 31,
        worst_ns: 19 * MS,
        allowed_ns: 10 * MS,
        lasted_ns: 30 * FRAME,
    };
    assert_eq!(events[5].kind, render);
    let EventKind::WithinBudget { stage: BudgetItem::Margin, worst_ns, .. } = events[3].kind else { panic!() };
    assert_eq!(worst_ns, -3 * MS);
}

#[test]
fn while_a_camera_records_what_endangers_the_picture_is_critical() {
    let mut stage = Stage::new(Some("ltc"));
    stage.well(10).run(20, silent).run(10, |n, report| {
        silent(n, report);
        sync(LockState::Holdover, MS)(n, report);
    });
    stage.heard();
    assert!(!stage.monitor.standing().is_critical());
    stage.command(Command::Rolling(true));
    let events = stage.heard();
    let told: Vec<_> = events.iter().map(|event| (kind(event), event.severity)).collect();
    assert_eq!(
        told,
        [
            ("command_done".to_string(), Severity::Info),
            ("rolling_on".to_string(), Severity::Info),
            ("genlock_holdover".to_string(), Severity::Critical),
            ("feed_stale".to_string(), Severity::Critical),
        ]
    );
    assert!(events.iter().all(|event| event.frame == 40), "told anew, not as of then");
    assert!(stage.monitor.standing().is_critical());
    stage.run(1, |_, report| report.missed = 3);
    let render =
        Overrun { item: BudgetItem::Render, camera: None, spent_nanos: 2, allowed_nanos: 1, by: Spender::Render };
    stage.run_over(1, |_, _| {}, &[render]);
    let told: Vec<_> = stage.kinds().into_iter().map(|(_, kind, severity)| (kind, severity)).collect();
    assert!(told.contains(&("tick_missed".into(), Severity::Critical)), "{told:?}");
    assert!(told.contains(&("over_budget".into(), Severity::Warning)), "{told:?}");
    assert!(told.contains(&("feed_regained".into(), Severity::Info)), "{told:?}");
    stage.command(Command::Rolling(true));
    assert_eq!(stage.kinds().len(), 1, "it rolled already");
    stage.well(100).command(Command::Rolling(false)).heard();
    stage.run(1, |_, report| report.missed = 1);
    assert_eq!(stage.kinds()[0].2, Severity::Warning);
}

#[test]
fn what_sources_say_is_told_when_it_changes() {
    let mut stage = Stage::new(Some("ltc"));
    stage.well(10).heard();
    let expected = Rate::new(25, 1).unwrap();
    let mismatch = BeatEvent::RateMismatch { measured_hz: 29.97, expected };
    for _ in 0..50 {
        stage.notice("ltc", Notice::Source(Some("the sound device is gone"))).notice("ltc", Notice::Beat(&mismatch));
        stage.well(1);
    }
    let events = stage.heard();
    assert_eq!(events.iter().map(kind).collect::<Vec<_>>(), ["source_trouble", "rate_mismatch"]);
    assert_eq!(events[0].message, "ltc: the sound device is gone");
    assert!(events[1].message.contains("29.970 times a second, not 25.000"), "{}", events[1].message);
    stage.notice("ltc", Notice::Source(None));
    stage.notice("ltc", Notice::Beat(&BeatEvent::Locked { phase_error_nanos: 0 })).well(1);
    assert_eq!(stage.kinds().into_iter().map(|(_, kind, _)| kind).collect::<Vec<_>>(), ["source_well", "rate_matched"]);
    stage.notice("ltc", Notice::Beat(&BeatEvent::Rebased { frames: -3 }));
    assert!(stage.heard()[0].message.contains("jumped by -3 frames"));
}

#[test]
fn labels_that_jump_say_how_far_the_short_way_round_the_day() {
    use cyc_core::label::LabelEvent;
    let mut stage = Stage::new(None);
    let label = |text: &str| text.parse().unwrap();
    for (from, to, frames) in [
        ("01:00:00:00", "01:00:10:05", 255),
        ("01:00:10:05", "01:00:00:00", -255),
        ("23:59:59:24", "00:00:00:01", 2),
        ("00:00:00:01", "23:59:59:24", -2),
    ] {
        stage.notice("ltc", Notice::Label(&LabelEvent::Jumped { from: label(from), to: label(to) }));
        let events = stage.heard();
        assert_eq!(events[0].kind, EventKind::LabelJump { from: label(from), to: label(to), frames });
    }
    stage.notice("ltc", Notice::Label(&LabelEvent::Lost)).well(50);
    stage.notice("ltc", Notice::Label(&LabelEvent::Regained)).well(50);
    assert_eq!(
        stage.kinds().into_iter().map(|(_, kind, _)| kind).collect::<Vec<_>>(),
        ["label_lost", "label_regained"]
    );
}

#[test]
fn outputs_quality_and_refusals_are_told_and_the_standing_follows() {
    let mut stage = Stage::new(None);
    let degraded =
        EventKind::Degraded { level: 3, outer_every: 4, outer_frozen: false, outer_scale: 1.0, inner_scale: 1.0 };
    stage
        .notice("front", Notice::Output(Some("its window is gone")))
        .notice("stage", Notice::Quality(&degraded))
        .well(1);
    let events = stage.heard();
    assert_eq!(
        events[0].message,
        "quality is given up to keep the beat, step 3: the outer pictures are drawn on every 4. frame"
    );
    assert_eq!(events[1].message, "output front shows nothing new: its window is gone");
    // What hears the events knows the same as the monitor.
    let mut standing = Standing::default();
    events.iter().for_each(|event| standing.note(event));
    assert_eq!(&standing, stage.monitor.standing());
    assert_eq!((standing.degradation_level(), standing.is_open(Trouble::Output, "front")), (3, true));
    let asked = Asked { command: Command::Cue("noon".into()), at_frame: Some(9), from: "osc 127.0.0.1:9".into() };
    let refusal = Refusal::Begun { asked: 9, next: 12 };
    let outcome = Outcome { asked, answer: Answer::Refused(refusal) };
    let moment = Moment { at: StageTime(0), frame: 11, timecode: "01:00:00:11" };
    stage.monitor.command(&moment, &outcome, &mut stage.events);
    let event = &stage.heard()[0];
    assert_eq!((event.frame, event.severity, event.subject.as_str()), (11, Severity::Warning, "cue"));
    assert_eq!(
        event.message,
        "cue noon (osc 127.0.0.1:9) was refused: frame 9 has already begun; the next one that can be named is 12"
    );
    let asked = Asked { command: Command::Outline(true), at_frame: Some(8), from: "desk".into() };
    let outcome = Outcome { asked, answer: Answer::Done { frame: 10, late: 2 } };
    stage.monitor.command(&moment, &outcome, &mut stage.events);
    let event = &stage.heard()[0];
    assert_eq!((event.frame, event.timecode.as_deref()), (10, None), "of the frame on which it happened");
    assert_eq!(event.message, "outline on (desk), 2 frames after the frame it was given for: ticks were missed");
    stage.command(Command::Slate("12A take 3".into())).command(Command::Blackout(true));
    let wall = stage.monitor.standing().wall();
    assert_eq!((wall.slate.as_deref(), wall.blackout, wall.look.as_deref()), (Some("12A take 3"), true, None));
}

proptest! {
    /// Whatever goes wrong and however it flickers: a trouble opens, gets worse at most, and closes; and two minutes of
    /// it are a page of events.
    #[test]
    fn troubles_open_and_close_and_never_flood(
        spells in prop::collection::vec((0u8..64, 1u64..40), 40..120), rolling in any::<bool>()
    ) {
        let mut stage = Stage::new(Some("ltc"));
        stage.well(10);
        let render =
            Overrun { item: BudgetItem::Render, camera: None, spent_nanos: 2, allowed_nanos: 1, by: Spender::Render };
        let mut commands = 0;
        for (wrong, frames) in spells {
            if rolling && wrong & 32 != 0 {
                stage.command(Command::Rolling(wrong & 1 != 0));
                commands += 1;
            }
            let change = |n: u64, report: &mut FrameReport| {
                report.missed = u64::from(wrong & 1 != 0 && n.is_multiple_of(3));
                if wrong & 2 != 0 {
                    report.feeds.values_mut().for_each(|feed| feed.packets = 1);
                }
                if wrong & 4 != 0 {
                    report.sync = BeatSync { state: LockState::Holdover, uncertainty_ns: n as i64 * MS };
                }
            };
            stage.notice("genlock", Notice::Source((wrong & 16 != 0).then_some("gone")));
            stage.run_over(frames, change, &[render][..usize::from(wrong & 8 != 0)]);
        }
        stage.notice("genlock", Notice::Source(None)).well(70 * 25).command(Command::Rolling(false));
        let (events, seconds) = (stage.heard(), stage.frame as usize / 25);
        // Each command is one event or two, and raises up to six troubles anew.
        prop_assert!(events.len() <= 60 + seconds + 8 * commands, "{} events in {} s", events.len(), seconds);
        let mut open = std::collections::BTreeSet::new();
        for event in &events {
            match event.kind.trouble() {
                Some((trouble, Phase::Opens)) => drop(open.insert((trouble, event.subject.clone()))),
                Some((_, Phase::Closes)) if event.kind == EventKind::GenlockLocked => {}
                Some((trouble, Phase::Closes)) => {
                    prop_assert!(open.remove(&(trouble, event.subject.clone())), "{:?} closes nothing", event);
                }
                None => {}
            }
        }
        prop_assert!(open.is_empty(), "{:?} stays open", open);
        prop_assert_eq!(stage.monitor.standing().open().count(), 0);
    }
}
