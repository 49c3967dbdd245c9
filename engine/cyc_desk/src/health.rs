//! Is the stage all right: a pure function of the last minute's reports, of what the events left open, and of "now".

use crate::sync::SyncStatus;
use cyc_core::event::{EventKind, StageEvent, Standing, Trouble};
use cyc_core::report::CameraReport;
use cyc_core::{FrameReport, LockState, Quality, StageTime};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// How far back missed ticks count, in nanoseconds.
const MINUTE_NANOS: i64 = 60_000_000_000;
/// How far back refused packets count, in nanoseconds: shorter, so that a cured feed soon looks cured.
const BAD_WINDOW_NANOS: i64 = 10_000_000_000;
/// How far back the frame rate is measured, in nanoseconds.
const RATE_WINDOW_NANOS: i64 = 2_000_000_000;
/// A wall without a new picture for longer than this is down, in nanoseconds.
const DOWN_NANOS: i64 = 1_000_000_000;

/// The one word of the health band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthState {
    /// Nothing needs eyes.
    Ok,
    /// The wall goes on, but something is missing or late.
    Degraded,
    /// No new picture for more than a second.
    Down,
}

/// The health band's figures: `GET /api/v1/health`. Durations in milliseconds; null where nothing is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// The one word.
    pub state: HealthState,
    /// Why it is not "ok", as sentences; empty if it is.
    pub reasons: Vec<String>,
    /// Newest frame.
    pub frame: Option<u64>,
    /// Its timecode.
    pub timecode: Option<String>,
    /// Frames presented per second, over the last two seconds.
    pub fps: Option<f64>,
    /// Ticks without a new picture in the last minute.
    pub missed_last_minute: u64,
    /// How long ago the newest picture was presented.
    pub picture_age_ms: Option<f64>,
    /// Time left before the newest frame's deadline.
    pub margin_ms: Option<f64>,
    /// Age of the oldest pose on the wall in the newest frame.
    pub pose_age_ms: Option<f64>,
    /// Longest time from a packet's arrival to its use, in the newest frame.
    pub receive_to_use_ms: Option<f64>,
    /// Refused packets of all feeds in the last ten seconds.
    pub bad_last_ten_seconds: u64,
    /// Quality by camera.
    pub cameras: BTreeMap<String, Quality>,
    /// How the beat follows its source.
    pub genlock: Option<LockState>,
    /// The source's name, where the host gave it.
    pub genlock_source: Option<String>,
    /// How far the beat may be from its source's.
    pub uncertainty_ms: Option<f64>,
    /// Steps of quality that are given up to keep the beat; 0 is none.
    pub degradation_level: u32,
    /// What takes longer than the stage file allows: "render", "pose_age of cam-a".
    pub over_budget: Vec<String>,
    /// A camera records.
    pub rolling: bool,
    /// A camera records, and something endangers its picture.
    pub critical: bool,
}

/// What is known besides the reports.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What follows from the events.
    pub standing: &'a Standing,
    /// What the host last said of beat and labels.
    pub sync: Option<&'a SyncStatus>,
}

/// What is kept of a report.
#[derive(Debug, Clone, Copy)]
struct Kept {
    presented: StageTime,
    missed: u64,
    bad: u64,
}

/// The last minute.
#[derive(Debug, Clone, Default)]
pub struct History {
    kept: VecDeque<Kept>,
    newest: Option<FrameReport>,
}

impl History {
    /// Takes the next report; drops what is older than a minute.
    pub fn push(&mut self, report: FrameReport) {
        let bad = report.feeds.values().map(|feed| feed.bad).sum();
        self.kept.push_back(Kept { presented: report.presented_ns, missed: report.missed, bad });
        let limit = report.presented_ns.plus_nanos(-MINUTE_NANOS);
        while self.kept.front().is_some_and(|kept| kept.presented < limit) {
            self.kept.pop_front();
        }
        self.newest = Some(report);
    }

    /// The newest report.
    pub fn newest(&self) -> Option<&FrameReport> {
        self.newest.as_ref()
    }

    /// The state of things at `now`.
    pub fn health(&self, now: StageTime, known: Known<'_>) -> Health {
        let newest = self.newest.as_ref();
        let standing = known.standing;
        let mut health = Health {
            state: HealthState::Ok,
            reasons: Vec::new(),
            frame: newest.map(|r| r.frame),
            timecode: newest.map(|r| r.timecode.clone()),
            fps: self.fps(now),
            missed_last_minute: self.since(now, MINUTE_NANOS).map(|k| k.missed).sum(),
            picture_age_ms: newest.map(|r| ms(now.nanos_since(r.presented_ns))),
            margin_ms: newest.map(|r| ms(r.margin_ns)),
            pose_age_ms: newest.and_then(|r| worst(r, |c| c.pose_age_ns)),
            receive_to_use_ms: newest.and_then(|r| worst(r, CameraReport::receive_to_use_ns)),
            bad_last_ten_seconds: self.bad(now),
            cameras: newest.into_iter().flat_map(|r| &r.cameras).map(|(id, c)| (id.clone(), c.quality)).collect(),
            genlock: newest.map(|r| r.sync.state),
            genlock_source: known.sync.map(|sync| sync.genlock.source.clone()),
            uncertainty_ms: newest.filter(|r| r.sync.state != LockState::Free).map(|r| ms(r.sync.uncertainty_ns)),
            degradation_level: standing.degradation_level(),
            over_budget: standing.open().filter_map(over_budget).collect(),
            rolling: standing.is_rolling(),
            critical: standing.is_critical(),
        };
        (health.state, health.reasons) = judge(&health, known);
        health
    }

    fn since(&self, now: StageTime, nanos: i64) -> impl DoubleEndedIterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| now.nanos_since(kept.presented) <= nanos)
    }

    fn fps(&self, now: StageTime) -> Option<f64> {
        let mut recent = self.since(now, RATE_WINDOW_NANOS);
        let first = recent.next()?;
        let (last, count) = recent.fold((first, 0_u32), |(_, count), kept| (kept, count + 1));
        let secs = last.presented.secs_since(first.presented);
        (count > 0 && secs > 0.0).then(|| f64::from(count) / secs)
    }

    fn bad(&self, now: StageTime) -> u64 {
        let mut recent = self.since(now, BAD_WINDOW_NANOS);
        let first = recent.next();
        let last = recent.next_back().or(first);
        last.zip(first).map_or(0, |(last, first)| last.bad.saturating_sub(first.bad))
    }
}

fn judge(health: &Health, known: Known<'_>) -> (HealthState, Vec<String>) {
    let mut reasons = Vec::new();
    match health.picture_age_ms {
        None => return (HealthState::Down, vec!["no frame has been presented yet".into()]),
        Some(age) if age > ms(DOWN_NANOS) => reasons.push(format!("no new picture for {:.1} s", age / 1e3)),
        Some(_) => {}
    }
    let state = if reasons.is_empty() { HealthState::Degraded } else { HealthState::Down };
    match health.missed_last_minute {
        0 => {}
        1 => reasons.push("1 tick missed in the last minute".into()),
        n => reasons.push(format!("{n} ticks missed in the last minute")),
    }
    reasons.extend(genlock(health, known.sync));
    for (camera, quality) in &health.cameras {
        match quality {
            Quality::Held => reasons.push(format!("camera {camera} is held: its feed is silent")),
            Quality::Lost => reasons.push(format!("camera {camera} is lost: its feed gives no pose")),
            Quality::Measured | Quality::Predicted => {}
        }
    }
    match health.bad_last_ten_seconds {
        0 => {}
        1 => reasons.push("1 packet refused in the last ten seconds".into()),
        n => reasons.push(format!("{n} packets refused in the last ten seconds")),
    }
    if !health.over_budget.is_empty() {
        reasons.push(format!("over budget: {}", health.over_budget.join(", ")));
    }
    reasons.extend(known.standing.given_up().map(str::to_owned));
    reasons.extend(known.standing.open().filter(|event| is_reason(event)).map(|event| event.message.clone()));
    if reasons.is_empty() { (HealthState::Ok, reasons) } else { (state, reasons) }
}

/// What is wrong with the beat. Running free is as it should be where no source is asked for.
fn genlock(health: &Health, sync: Option<&SyncStatus>) -> Option<String> {
    let configured = sync.is_some_and(|sync| sync.genlock.configured);
    let source = health.genlock_source.as_deref().unwrap_or("its source");
    match (health.genlock?, configured) {
        (LockState::Locked, _) | (LockState::Free, false) => None,
        (LockState::Free, true) => Some(format!("genlock: free, {source} gives no beat")),
        (LockState::Acquiring, _) => Some(format!("genlock: {source} is heard and not followed yet")),
        (LockState::Holdover, _) => {
            let uncertain = health.uncertainty_ms.unwrap_or_default();
            Some(format!("genlock: holdover, {source} is silent and the beat uncertain by {uncertain:.1} ms"))
        }
    }
}

fn over_budget(event: &StageEvent) -> Option<String> {
    let EventKind::OverBudget { stage, .. } = &event.kind else { return None };
    let item = serde_json::to_value(stage).ok()?;
    let item = item.as_str()?;
    Some(if event.subject == "stage" { item.to_owned() } else { format!("{item} of {}", event.subject) })
}

/// Ticks, beat, feeds and budgets have their own sentences.
fn is_reason(event: &StageEvent) -> bool {
    let has_its_own =
        |trouble| matches!(trouble, Trouble::Ticks | Trouble::Genlock | Trouble::Feed | Trouble::Budget(_));
    event.kind.trouble().is_some_and(|(trouble, _)| !has_its_own(trouble))
}

fn worst(report: &FrameReport, nanos: impl Fn(&CameraReport) -> Option<i64>) -> Option<f64> {
    report.cameras.values().filter_map(nanos).max().map(ms)
}

fn ms(nanos: i64) -> f64 {
    nanos as f64 * 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{GenlockSync, TimecodeSync};
    use cyc_core::BeatSync;
    use cyc_core::event::{BudgetItem, Spender};
    use cyc_core::report::FeedReport;

    const MS: i64 = 1_000_000;

    fn at(ms: i64) -> StageTime {
        StageTime(ms * MS)
    }

    fn report(frame: u64) -> FrameReport {
        let presented_ns = at(frame as i64 * 40);
        let camera = CameraReport {
            position_m: None,
            orientation_wxyz: None,
            focal_length_mm: None,
            quality: Quality::Measured,
            capture_ns: Some(presented_ns.plus_nanos(-30 * MS)),
            received_ns: Some(presented_ns.plus_nanos(-25 * MS)),
            latched_ns: Some(presented_ns.plus_nanos(-20 * MS)),
            late_latched_ns: None,
            warped_ns: Some(presented_ns.plus_nanos(-5 * MS)),
            pose_for_ns: Some(presented_ns.plus_nanos(10 * MS)),
            pose_age_ns: Some(40 * MS),
            overscan: None,
            overscan_needed: None,
            exposure_true: false,
            disoccluded_px: None,
        };
        FrameReport {
            frame,
            timecode: "00:00:00:00".into(),
            presented_ns,
            margin_ns: 9 * MS,
            cameras: [("cam-a".to_string(), camera)].into(),
            feeds: [("trk-a".to_string(), FeedReport { packets: frame, ..FeedReport::default() })].into(),
            ..FrameReport::default()
        }
    }

    /// The health of a stage without events, running free as it should.
    fn judged(history: &History, now: StageTime) -> Health {
        history.health(now, Known { standing: &Standing::default(), sync: None })
    }

    fn history(frames: u64, change: impl Fn(&mut FrameReport)) -> History {
        let mut history = History::default();
        for frame in 0..frames {
            let mut report = report(frame);
            change(&mut report);
            history.push(report);
        }
        history
    }

    #[test]
    fn a_steady_stage_is_ok_and_its_figures_are_right() {
        let health = judged(&history(250, |_| {}), at(249 * 40 + 12));
        assert_eq!(health.state, HealthState::Ok, "{health:?}");
        assert!(health.reasons.is_empty());
        assert_eq!(health.frame, Some(249));
        assert!((health.fps.unwrap() - 25.0).abs() < 1e-9);
        assert!((health.picture_age_ms.unwrap() - 12.0).abs() < 1e-9);
        assert!((health.pose_age_ms.unwrap() - 40.0).abs() < 1e-9);
        assert!((health.receive_to_use_ms.unwrap() - 20.0).abs() < 1e-9);
        assert!((health.margin_ms.unwrap() - 9.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_presented_is_down() {
        let health = judged(&History::default(), at(5));
        assert_eq!(health.state, HealthState::Down);
        assert_eq!(health.reasons, ["no frame has been presented yet"]);
        assert_eq!(health.fps, None);
    }

    #[test]
    fn a_second_without_a_picture_is_down_and_not_before() {
        let history = history(50, |_| {});
        let last = 49 * 40;
        assert_eq!(judged(&history, at(last + 1000)).state, HealthState::Ok);
        let health = judged(&history, at(last + 1500));
        assert_eq!(health.state, HealthState::Down);
        assert_eq!(health.reasons, ["no new picture for 1.5 s"]);
    }

    #[test]
    fn a_missed_tick_counts_for_a_minute() {
        let history = |until| history(until, |r| r.missed = if r.frame == 10 { 3 } else { 0 });
        let now = |frames: i64| at((frames - 1) * 40);
        let health = judged(&history(100), now(100));
        assert_eq!((health.state, health.missed_last_minute), (HealthState::Degraded, 3));
        assert_eq!(health.reasons, ["3 ticks missed in the last minute"]);
        // Frame 10 was presented at 0.4 s; 60.4 s is frame 1510.
        assert_eq!(judged(&history(1511), now(1511)).missed_last_minute, 3);
        assert_eq!(judged(&history(1512), now(1512)).state, HealthState::Ok);
    }

    #[test]
    fn a_silent_camera_degrades_and_a_predicted_one_does_not() {
        for (quality, state) in [
            (Quality::Predicted, HealthState::Ok),
            (Quality::Held, HealthState::Degraded),
            (Quality::Lost, HealthState::Degraded),
        ] {
            let history = history(20, |r| r.cameras.values_mut().for_each(|c| c.quality = quality));
            let health = judged(&history, at(19 * 40));
            assert_eq!(health.state, state, "{quality:?}");
            assert!(health.reasons.iter().all(|r| r.contains("cam-a")));
        }
    }

    #[test]
    fn rising_bad_packets_degrade_and_old_ones_are_forgotten() {
        let history = history(600, |r| r.feeds.values_mut().for_each(|f| f.bad = r.frame.min(100)));
        let health = judged(&history, at(599 * 40));
        assert_eq!((health.state, health.bad_last_ten_seconds), (HealthState::Ok, 0));
        let mut rising = history;
        let mut next = report(600);
        next.feeds.values_mut().for_each(|f| f.bad = 107);
        rising.push(next);
        let health = judged(&rising, at(600 * 40));
        assert_eq!((health.state, health.bad_last_ten_seconds), (HealthState::Degraded, 7));
        assert_eq!(health.reasons, ["7 packets refused in the last ten seconds"]);
    }

    #[test]
    fn the_state_is_a_lower_case_word_in_json() {
        let json = serde_json::to_value(judged(&history(3, |_| {}), at(80))).unwrap();
        assert_eq!(json["state"], "ok");
        assert_eq!(json["cameras"]["cam-a"], "measured");
    }

    fn event(kind: EventKind, subject: &str, message: &str) -> StageEvent {
        let severity = kind.severity(false);
        let (subject, message) = (subject.into(), message.into());
        StageEvent { at_ns: at(0), frame: 0, timecode: None, severity, kind, subject, message }
    }

    fn sync(configured: bool) -> SyncStatus {
        SyncStatus {
            genlock: GenlockSync {
                source: "LTC".into(),
                configured,
                state: LockState::Free,
                uncertainty_ns: 0,
                rate: cyc_core::Rate::new(25, 1).unwrap(),
                measured_hz: None,
                measured_ppm: None,
                residual_ns: None,
                trouble: None,
            },
            timecode: TimecodeSync { source: "counted".into(), state: None, label: None, trouble: None },
            feeds: BTreeMap::new(),
            pacer: None,
        }
    }

    #[test]
    fn a_beat_that_does_not_follow_its_source_degrades_and_one_without_a_source_does_not() {
        let judge = |state, configured| {
            let history = history(50, |r| r.sync = BeatSync { state, uncertainty_ns: 1_250_000 });
            let sync = sync(configured);
            history.health(at(49 * 40), Known { standing: &Standing::default(), sync: Some(&sync) })
        };
        assert_eq!(judge(LockState::Free, false).state, HealthState::Ok);
        assert_eq!(judge(LockState::Locked, true).state, HealthState::Ok);
        assert_eq!(judge(LockState::Locked, true).uncertainty_ms, Some(1.25));
        for (state, says) in [
            (LockState::Free, "genlock: free, LTC gives no beat"),
            (LockState::Acquiring, "genlock: LTC is heard and not followed yet"),
            (LockState::Holdover, "genlock: holdover, LTC is silent and the beat uncertain by 1.2 ms"),
        ] {
            let health = judge(state, true);
            assert_eq!((health.state, health.reasons), (HealthState::Degraded, vec![says.to_string()]));
        }
    }

    #[test]
    fn what_the_events_left_open_degrades_until_it_is_closed() {
        let over = |item| EventKind::OverBudget { stage: item, spent_ns: 2, allowed_ns: 1, by: Spender::Render };
        let degraded =
            EventKind::Degraded { level: 2, outer_every: 3, outer_frozen: false, outer_scale: 1.0, inner_scale: 1.0 };
        let mut standing = Standing::default();
        for event in [
            event(over(BudgetItem::Render), "stage", "render took 2 ns"),
            event(over(BudgetItem::PoseAge), "cam-a", "the pose age"),
            event(degraded, "stage", "quality is given up"),
            event(EventKind::OutputLost, "front", "output front shows nothing new"),
            event(EventKind::FeedStale { silent_ns: 1 }, "trk-a", "feed trk-a is silent"),
        ] {
            standing.note(&event);
        }
        let history = history(50, |_| {});
        let judge = |standing: &Standing| history.health(at(49 * 40), Known { standing, sync: None });
        let health = judge(&standing);
        assert_eq!(health.state, HealthState::Degraded);
        assert_eq!((health.degradation_level, health.rolling, health.critical), (2, false, false));
        assert_eq!(health.over_budget, ["pose_age of cam-a", "render"]);
        assert_eq!(
            health.reasons,
            ["over budget: pose_age of cam-a, render", "quality is given up", "output front shows nothing new"],
            "a silent feed is the camera's own sentence"
        );
        let asked = cyc_core::command::Command::Rolling(true);
        let rolling = EventKind::CommandDone { command: asked, from: "desk".into(), at_frame: None, late: 0 };
        standing.note(&event(rolling, "rolling", "rolling on"));
        let health = judge(&standing);
        assert!(health.rolling && health.critical);
        standing.note(&event(EventKind::OutputRegained { lasted_ns: 1 }, "front", ""));
        standing.note(&event(EventKind::FeedRegained { silent_ns: 1 }, "trk-a", ""));
        let health = judge(&standing);
        assert!(health.rolling && !health.critical, "a budget endangers no picture");
    }
}
