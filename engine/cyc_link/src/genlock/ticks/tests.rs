use super::*;
use crate::fake::FakeClock;
use crate::genlock::ptp::judge::Verdict;
use cyc_core::label::{LabelEvent, LabelState};
use cyc_core::{LockState, Timecode};
use cyc_stage::stage::{LabelSource, Midi, TimecodePlan};

const SECOND: i64 = 1_000_000_000;
const MS: i64 = 1_000_000;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// A stage's beat in virtual time.
struct Stage {
    clock: Arc<FakeClock>,
    ticks: GenlockTicks,
    inbox: Sender<Heard>,
    label_inbox: Sender<Heard>,
    news: Sender<News>,
    changes: Receiver<GenlockChange>,
    status: GenlockStatus,
    stop: TickStop,
}

fn stage(plan: BeatPlan, labels: LabelSource, warm_up_frames: u32, first_news: Option<News>) -> Stage {
    let clock = Arc::new(FakeClock::at(StageTime(5 * SECOND)));
    let (inbox, heard) = crossbeam_channel::unbounded();
    let (label_inbox, labels_heard) = crossbeam_channel::unbounded();
    let (news, said) = crossbeam_channel::unbounded();
    let (changes_in, changes) = crossbeam_channel::unbounded();
    let rate = plan.rate();
    let status = GenlockStatus::new(GenlockReading::new("a source".into(), "labels".into(), rate));
    let stop = TickStop::default();
    let labels = Labels::new(&TimecodePlan { source: labels, ..TimecodePlan::default() }, rate);
    let ticks = GenlockTicks::new(Parts {
        clock: clock.clone(),
        news: first_news.is_some().then_some(said),
        first_news,
        plan,
        heard: Some(heard),
        labels: labels.with_utc(|| 0),
        labels_heard: Some(labels_heard),
        sources: Vec::new(),
        pacer: None,
        warm_up_frames,
        stop: stop.clone(),
        status: status.clone(),
        changes: changes_in,
    });
    Stage { clock, ticks, inbox, label_inbox, news, changes, status, stop }
}

fn pulses(text: &str, phase_nanos: i64) -> BeatPlan {
    BeatPlan::Pulses { rate: rate(text), pulse_rate: rate(text), jitter: Jitter::Symmetric, phase_nanos }
}

fn count() -> LabelSource {
    LabelSource::default()
}

/// A source of pulses that is a little fast, in virtual time.
struct Source {
    next: f64,
    period: f64,
    state: u64,
    jitter: i64,
    frame: u64,
}

impl Source {
    fn new(from: StageTime, text: &str, ppm: f64, jitter: i64) -> Self {
        let period = f64::from(rate(text).den()) * 1e9 / f64::from(rate(text).num()) / (1.0 + ppm * 1e-6);
        Self { next: from.0 as f64, period, state: 9, jitter, frame: 0 }
    }

    /// Every pulse up to now.
    fn beat(&mut self, now: StageTime, mut pulse: impl FnMut(StageTime, u64)) {
        while self.next <= now.0 as f64 {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = if self.jitter == 0 { 0 } else { (self.state >> 33) as i64 % (2 * self.jitter) - self.jitter };
            pulse(StageTime(self.next as i64 + noise), self.frame);
            self.frame += 1;
            self.next += self.period;
        }
    }
}

#[test]
fn the_internal_beat_is_exact_from_the_first_frame_after_the_warm_ones() {
    for text in ["24", "24000/1001", "60000/1001", "120"] {
        let mut stage = stage(BeatPlan::Internal { rate: rate(text) }, count(), 3, None);
        for _ in 0..3 {
            let warm = stage.ticks.wait().unwrap();
            assert_eq!((warm.frame, warm.missed, warm.ideal), (0, 0, stage.clock.now()));
            stage.clock.advance(700 * MS);
        }
        let origin = stage.clock.now().plus_nanos(rate(text).frame_nanos());
        for frame in 0..5000 {
            let tick = stage.ticks.wait().unwrap();
            assert_eq!((tick.frame, tick.missed), (frame, 0));
            assert_eq!(tick.ideal, origin.plus_nanos(rate(text).nanos_of_frame(frame)));
            assert_eq!((tick.actual, tick.sync), (tick.ideal, BeatSync::default()));
            assert_eq!(
                tick.label,
                Some(cyc_core::label::counted(frame, rate(text), false, "01:00:00:00".parse().unwrap()))
            );
        }
        assert_eq!(stage.changes.try_iter().count(), 0);
    }
}

#[test]
fn what_is_missed_is_counted_and_a_stopped_beat_ends() {
    let mut stage = stage(BeatPlan::Internal { rate: rate("25") }, count(), 0, None);
    let mut seen = 0;
    for late in [0, 30, 90, 400, 5, 10_000, 39, 41] {
        let tick = stage.ticks.wait().unwrap();
        seen += 1 + tick.missed;
        assert_eq!(tick.frame + 1, seen);
        stage.clock.advance(late * MS);
    }
    stage.stop.stop();
    assert_eq!(stage.ticks.wait(), None);
}

#[test]
fn a_source_is_followed_and_everything_about_it_is_shown() {
    let mut stage = stage(pulses("60", 2 * MS), count(), 2, None);
    let mut source = Source::new(StageTime(5 * SECOND + 3 * MS), "60", 50.0, 100_000);
    let mut worst = 0;
    for n in 0..1200 {
        let now = stage.clock.now();
        source.beat(now, |at, _| stage.inbox.send(Heard::Pulse { at, count: None }).unwrap());
        let tick = stage.ticks.wait().unwrap();
        if n > 900 {
            // Half a period on, so that the remainder is around nothing.
            let phase = (tick.ideal.0 as f64 - 2e6 - source.next) / source.period;
            worst = worst.max(((phase - phase.round()) * source.period).abs() as i64);
            assert_eq!(tick.sync.state, LockState::Locked);
        }
    }
    assert!(worst < 60_000, "{worst} ns off the source");
    let reading = stage.status.read();
    assert!((reading.measured_hz.unwrap() - 60.003).abs() < 0.001, "{reading}");
    assert!((reading.measured_ppm.unwrap() - 50.0).abs() < 10.0, "{reading}");
    assert!((20_000.0..150_000.0).contains(&reading.residual_nanos.unwrap()), "{reading}");
    assert_eq!((reading.sync.state, reading.trouble.as_deref()), (LockState::Locked, None));
    assert_eq!((reading.frame, reading.label), (1197, Some("01:00:19:57".parse().unwrap())));
    let changes: Vec<GenlockChange> = stage.changes.try_iter().collect();
    assert!(matches!(changes[..], [GenlockChange::Beat(BeatEvent::Locked { .. })]), "{changes:?}");

    // Silence, and the source again.
    for _ in 0..180 {
        stage.ticks.wait().unwrap();
    }
    assert_eq!(stage.status.read().sync.state, LockState::Holdover);
    source.beat(stage.clock.now(), |_, _| {});
    for _ in 0..600 {
        source.beat(stage.clock.now(), |at, _| stage.inbox.send(Heard::Pulse { at, count: None }).unwrap());
        stage.ticks.wait().unwrap();
    }
    let changes: Vec<GenlockChange> = stage.changes.try_iter().collect();
    let expected = [
        matches!(changes[0], GenlockChange::Beat(BeatEvent::Holdover)),
        matches!(changes[1], GenlockChange::Beat(BeatEvent::Relocked { .. })),
    ];
    assert_eq!((changes.len(), expected), (2, [true, true]), "{changes:?}");
}

#[test]
fn pulses_that_came_while_pipelines_compiled_are_not_taken_for_news() {
    let mut stage = stage(pulses("24", 0), count(), 1, None);
    for n in 0..1000 {
        stage.inbox.send(Heard::Pulse { at: StageTime(n * 41_666_667), count: Some(n) }).unwrap();
    }
    stage.ticks.wait().unwrap();
    assert!(stage.inbox.is_empty() || stage.inbox.len() < 1000);
    assert_eq!(stage.ticks.wait().unwrap().frame, 0);
}

#[test]
fn labels_come_from_the_beat_or_from_a_source_of_their_own() {
    let label = |second: u64, frame: u64| Timecode {
        hours: 10,
        minutes: 0,
        seconds: second as u8,
        frames: frame as u16,
        drop_frame: false,
    };
    for (plan, with_beat) in [(LabelSource::Genlock, true), (LabelSource::Mtc(Midi { port: "x".into() }), false)] {
        let mut stage = stage(pulses("25", 0), plan, 0, None);
        let mut source = Source::new(StageTime(5 * SECOND + 7 * MS), "25", 0.0, 0);
        let mut last = None;
        for _ in 0..500 {
            source.beat(stage.clock.now(), |at, n| {
                stage.inbox.send(Heard::Pulse { at, count: None }).unwrap();
                let right = Heard::Label { label: label(n / 25, n % 25), at, nominal: Some(25), direction: 1 };
                let wrong = Heard::Label { label: label(50, 0), at, nominal: Some(25), direction: 1 };
                stage.inbox.send(if with_beat { right.clone() } else { wrong.clone() }).unwrap();
                stage.label_inbox.send(if with_beat { wrong } else { right }).unwrap();
            });
            last = stage.ticks.wait();
        }
        let tick = last.unwrap();
        // The newest tick begins with the source's next frame.
        let expected = label(source.frame / 25, source.frame % 25);
        assert_eq!(tick.label, Some(expected), "with the beat: {with_beat}");
        assert_eq!(stage.status.read().label_state, Some(LabelState::Following));
        let labels: Vec<_> = stage.changes.try_iter().filter(|c| matches!(c, GenlockChange::Label(_))).collect();
        assert!(matches!(labels[..], [GenlockChange::Label(LabelEvent::Jammed { .. })]), "{labels:?}");
    }
}

#[test]
fn the_time_of_day_labels_without_a_source() {
    let plan = LabelSource::TimeOfDay { utc_offset_minutes: 0, jam_minutes: 0 };
    let mut stage = stage(BeatPlan::Internal { rate: rate("24") }, plan, 0, None);
    assert_eq!(stage.ticks.wait().unwrap().label, Some("00:00:00:00".parse().unwrap()));
    assert_eq!(stage.status.read().label_state, None);
}

fn news(state: LockState, why: Option<&str>, aside_nanos: i64) -> News {
    let sync = BeatSync { state, uncertainty_ns: 1500 };
    let verdict = Verdict { sync, why: why.map(str::to_owned), event: None };
    News { verdict, aside_nanos, slope_ppm: 12.5, residual_nanos: 80.0, reference: "CLOCK_TAI".into() }
}

#[test]
fn with_ptp_frames_are_arithmetic_on_tai() {
    for text in ["24", "24000/1001", "60000/1001"] {
        let plan = BeatPlan::Aligned { rate: rate(text), phase_nanos: 0 };
        let mut stage = stage(plan, count(), 2, Some(news(LockState::Locked, None, 0)));
        let tai = 1_800_000_000_123_456_789;
        stage.clock.set(StageTime(tai));
        for _ in 0..2 {
            assert_eq!(stage.ticks.wait().unwrap().frame, 0);
        }
        let first = stage.ticks.wait().unwrap();
        assert_eq!(first.missed, 0);
        assert_eq!(first.ideal.0, rate(text).nanos_of_frame(first.frame), "{text}");
        assert!((0..=rate(text).frame_nanos()).contains(&(first.ideal.0 - tai)));
        assert_eq!(first.sync, BeatSync { state: LockState::Locked, uncertainty_ns: 1500 });
        assert_eq!(stage.ticks.wait().unwrap().frame, first.frame + 1);
        let reading = stage.status.read();
        assert_eq!((reading.measured_ppm, reading.residual_nanos), (Some(12.5), Some(80.0)));
    }
}

#[test]
fn a_step_of_ptp_time_moves_labels_and_leaves_numbers_alone() {
    let plan = BeatPlan::Aligned { rate: rate("24"), phase_nanos: 0 };
    let mut stage = stage(plan, count(), 0, Some(news(LockState::Locked, None, 0)));
    stage.clock.set(StageTime(1_800_000_000 * SECOND));
    let mut last = stage.ticks.wait().unwrap().frame;
    for (aside, jump) in [(3600, 3600), (-7200, -10_800)] {
        stage.news.send(news(LockState::Locked, None, aside * SECOND)).unwrap();
        let tick = stage.ticks.wait().unwrap();
        assert_eq!((tick.frame, tick.missed), (last + 1, 0));
        // The same grid as before, seen from the other date.
        let own = (tick.frame as i64 + aside * 24) as u64;
        assert_eq!(tick.ideal.0, rate("24").nanos_of_frame(own) - aside * SECOND);
        assert!((tick.ideal.0 - rate("24").nanos_of_frame(tick.frame)).abs() <= 1);
        let changes: Vec<_> = stage.changes.try_iter().collect();
        assert_eq!(changes, [GenlockChange::Beat(BeatEvent::Rebased { frames: jump * 24 })]);
        let start = "01:00:00:00".parse().unwrap();
        assert_eq!(tick.label, Some(cyc_core::label::counted(own, rate("24"), false, start)));
        assert_eq!(stage.status.read().shift, -aside * 24);
        last = tick.frame;
    }
}

#[test]
fn trouble_is_a_change_once_and_its_figures_are_only_shown() {
    let plan = BeatPlan::Aligned { rate: rate("24"), phase_nanos: 0 };
    let mut stage = stage(plan, count(), 0, Some(news(LockState::Free, Some("no daemon"), 0)));
    assert_eq!(stage.changes.try_iter().collect::<Vec<_>>(), [GenlockChange::Source(Some("no daemon".into()))]);
    for offset in ["+12.5", "-13.75", "+140.0"] {
        stage.news.send(news(LockState::Acquiring, Some(&format!("{offset} us off its master")), 0)).unwrap();
        stage.ticks.wait().unwrap();
        assert_eq!(stage.status.read().trouble, Some(format!("{offset} us off its master")));
    }
    stage.news.send(news(LockState::Locked, None, 0)).unwrap();
    stage.ticks.wait().unwrap();
    stage.label_inbox.send(Heard::Trouble("no MIDI port".into())).unwrap();
    stage.ticks.wait().unwrap();
    assert_eq!(stage.status.read().label_trouble.as_deref(), Some("no MIDI port"));
    let expected = [
        GenlockChange::Source(Some("+12.5 us off its master".into())),
        GenlockChange::Source(None),
        GenlockChange::LabelSource(Some("no MIDI port".into())),
    ];
    assert_eq!(stage.changes.try_iter().collect::<Vec<_>>(), expected);
    assert_eq!(stage.status.read().trouble, None);
}

#[test]
fn what_ptp_says_happened_is_not_lost_when_several_news_wait() {
    let plan = BeatPlan::Aligned { rate: rate("24"), phase_nanos: 0 };
    let mut stage = stage(plan, count(), 1, Some(news(LockState::Locked, None, 0)));
    let mut lost = news(LockState::Holdover, Some("the daemon has ended"), 0);
    lost.verdict.event = Some(BeatEvent::Holdover);
    stage.news.send(lost).unwrap();
    stage.news.send(news(LockState::Holdover, Some("the daemon has ended"), 0)).unwrap();
    stage.ticks.wait().unwrap();
    assert_eq!(stage.ticks.wait().unwrap().sync.state, LockState::Holdover);
    let changes: Vec<_> = stage.changes.try_iter().collect();
    assert!(changes.contains(&GenlockChange::Beat(BeatEvent::Holdover)), "{changes:?}");
}

#[test]
fn a_reader_never_holds_up_the_beat() {
    let mut stage = stage(BeatPlan::Internal { rate: rate("24") }, count(), 0, None);
    stage.ticks.wait().unwrap();
    stage.status.clone().with_reading_held(|| {
        assert_eq!(stage.ticks.wait().unwrap().frame, 1);
    });
    assert_eq!(stage.status.read().frame, 0, "written with the next");
    stage.ticks.wait().unwrap();
    assert_eq!(stage.status.read().frame, 2);
}
