//! Is the stage all right: a pure function of the last minute's reports and of "now".

use cyc_core::report::CameraReport;
use cyc_core::{FrameReport, Quality, StageTime};
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
    pub fn health(&self, now: StageTime) -> Health {
        let newest = self.newest.as_ref();
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
            receive_to_use_ms: newest.and_then(|r| worst(r, receive_to_use)),
            bad_last_ten_seconds: self.bad(now),
            cameras: newest.into_iter().flat_map(|r| &r.cameras).map(|(id, c)| (id.clone(), c.quality)).collect(),
        };
        (health.state, health.reasons) = judge(&health);
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

fn judge(health: &Health) -> (HealthState, Vec<String>) {
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
    if reasons.is_empty() { (HealthState::Ok, reasons) } else { (state, reasons) }
}

fn worst(report: &FrameReport, nanos: impl Fn(&CameraReport) -> Option<i64>) -> Option<f64> {
    report.cameras.values().filter_map(nanos).max().map(ms)
}

/// From arrival to the last point of the frame where the pose was renewed.
fn receive_to_use(camera: &CameraReport) -> Option<i64> {
    let used = camera.warped_ns.or(camera.late_latched_ns).or(camera.latched_ns)?;
    Some(used.nanos_since(camera.received_ns?))
}

fn ms(nanos: i64) -> f64 {
    nanos as f64 * 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let health = history(250, |_| {}).health(at(249 * 40 + 12));
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
        let health = History::default().health(at(5));
        assert_eq!(health.state, HealthState::Down);
        assert_eq!(health.reasons, ["no frame has been presented yet"]);
        assert_eq!(health.fps, None);
    }

    #[test]
    fn a_second_without_a_picture_is_down_and_not_before() {
        let history = history(50, |_| {});
        let last = 49 * 40;
        assert_eq!(history.health(at(last + 1000)).state, HealthState::Ok);
        let health = history.health(at(last + 1500));
        assert_eq!(health.state, HealthState::Down);
        assert_eq!(health.reasons, ["no new picture for 1.5 s"]);
    }

    #[test]
    fn a_missed_tick_counts_for_a_minute() {
        let history = |until| history(until, |r| r.missed = if r.frame == 10 { 3 } else { 0 });
        let now = |frames: i64| at((frames - 1) * 40);
        let health = history(100).health(now(100));
        assert_eq!((health.state, health.missed_last_minute), (HealthState::Degraded, 3));
        assert_eq!(health.reasons, ["3 ticks missed in the last minute"]);
        // Frame 10 was presented at 0.4 s; 60.4 s is frame 1510.
        assert_eq!(history(1511).health(now(1511)).missed_last_minute, 3);
        assert_eq!(history(1512).health(now(1512)).state, HealthState::Ok);
    }

    #[test]
    fn a_silent_camera_degrades_and_a_predicted_one_does_not() {
        for (quality, state) in [
            (Quality::Predicted, HealthState::Ok),
            (Quality::Held, HealthState::Degraded),
            (Quality::Lost, HealthState::Degraded),
        ] {
            let history = history(20, |r| r.cameras.values_mut().for_each(|c| c.quality = quality));
            let health = history.health(at(19 * 40));
            assert_eq!(health.state, state, "{quality:?}");
            assert!(health.reasons.iter().all(|r| r.contains("cam-a")));
        }
    }

    #[test]
    fn rising_bad_packets_degrade_and_old_ones_are_forgotten() {
        let history = history(600, |r| r.feeds.values_mut().for_each(|f| f.bad = r.frame.min(100)));
        let health = history.health(at(599 * 40));
        assert_eq!((health.state, health.bad_last_ten_seconds), (HealthState::Ok, 0));
        let mut rising = history;
        let mut next = report(600);
        next.feeds.values_mut().for_each(|f| f.bad = 107);
        rising.push(next);
        let health = rising.health(at(600 * 40));
        assert_eq!((health.state, health.bad_last_ten_seconds), (HealthState::Degraded, 7));
        assert_eq!(health.reasons, ["7 packets refused in the last ten seconds"]);
    }

    #[test]
    fn the_state_is_a_lower_case_word_in_json() {
        let json = serde_json::to_value(history(3, |_| {}).health(at(80))).unwrap();
        assert_eq!(json["state"], "ok");
        assert_eq!(json["cameras"]["cam-a"], "measured");
    }
}
