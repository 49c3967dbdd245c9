//! A desk over an invented stage, to look at the page, or over a recorded report:
//! `cargo run -p cyc_desk --example sample_desk [ADDR [REPORT.jsonl]]`.
//!
//! The invented stage has its troubles: one wall stops after twenty seconds, a feed falls silent now and then, the
//! generator is unplugged, a scene is too heavy. Reports, monitor, events and commands are the real ones.

use cyc_core::command::{Catalogue, CommandIntake, channel};
use cyc_core::event::{BudgetItem, EventKind, FeedWatch, Moment, Monitor, MonitorSetup, Notice, Overrun, Spender};
use cyc_core::label::LabelState;
use cyc_core::report::{CameraReport, FeedReport, StageDurations};
use cyc_core::{BeatSync, Clock, FrameReport, LockState, LossPolicy, Quality, Rate, StageTime};
use cyc_desk::{DEFAULT_ADDR, Desk, DeskSource, FeedSync, GenlockSync, SyncStatus, TimecodeSync, WallPicture};
use std::sync::Arc;
use std::time::{Duration, Instant};

const RATE: &str = "24";
const WALLS: [(&str, u32, u32); 3] = [("back", 1280, 512), ("left", 640, 512), ("right", 640, 512)];

struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> StageTime {
        StageTime(self.0.elapsed().as_nanos() as i64)
    }
    fn sleep_until(&self, instant: StageTime) {
        let nanos = instant.nanos_since(self.now()).max(0);
        std::thread::sleep(Duration::from_nanos(nanos as u64));
    }
}

/// Where reports come from.
enum Reports {
    Invented,
    /// Played again and again.
    Recorded(Vec<FrameReport>),
}

impl Reports {
    /// A recorded report does not say which camera is on which feed.
    fn feeds(&self) -> Vec<FeedWatch> {
        let feed = |id: &str, cameras: &[&str]| FeedWatch {
            id: id.into(),
            cameras: cameras.iter().map(|id| id.to_string()).collect(),
            loss: LossPolicy::default(),
        };
        match self {
            Self::Invented => vec![feed("trk-a", &["cam-a"]), feed("trk-b", &["cam-b"])],
            Self::Recorded(reports) => {
                reports.first().into_iter().flat_map(|report| report.feeds.keys()).map(|id| feed(id, &[])).collect()
            }
        }
    }

    fn at(&self, frame: u64, now: StageTime) -> FrameReport {
        match self {
            Self::Invented => invented(frame, now),
            Self::Recorded(reports) => {
                let recorded = reports.get(frame as usize % reports.len().max(1));
                recorded.map_or_else(FrameReport::default, |recorded| shifted(recorded, frame, now))
            }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let addr = args.next().map_or(Ok(DEFAULT_ADDR), |text| text.parse())?;
    let reports = match args.next() {
        Some(path) => {
            let reports: Result<Vec<_>, _> = std::fs::read_to_string(path)?.lines().map(serde_json::from_str).collect();
            Reports::Recorded(reports?)
        }
        None => Reports::Invented,
    };
    let rate: Rate = RATE.parse()?;
    let clock = Arc::new(Running(Instant::now()));
    let stage = serde_json::json!({
        "name": "sample", "frame_rate": RATE,
        "walls": WALLS.iter().map(|(id, w, h)| serde_json::json!({ "id": id, "size_px": [w, h] })).collect::<Vec<_>>(),
    });
    let patterns = ["grid", "bar", "flat"].map(str::to_owned).into();
    let (port, intake) = channel(rate, Catalogue { patterns, ..Catalogue::default() });
    let walls = WALLS.iter().map(|wall| wall.0.to_string()).collect();
    let source = DeskSource::new(stage, walls, clock.clone()).with_commands(port);
    let desk = Desk::start(addr, source.clone())?;
    println!("{}", desk.url());
    let feeds = reports.feeds();
    let genlock = matches!(reports, Reports::Invented).then(|| "LTC".into());
    drive(&*clock, rate, &reports, &source, intake, Monitor::new(MonitorSetup { rate, genlock, feeds }));
    Ok(())
}

/// The frame loop of a stage without pictures.
fn drive(
    clock: &dyn Clock,
    rate: Rate,
    reports: &Reports,
    source: &DeskSource,
    mut intake: CommandIntake,
    mut monitor: Monitor,
) {
    let (mut outcomes, mut events) = (Vec::new(), Vec::new());
    let mut wall = monitor.standing().wall().clone();
    for frame in 0_u64.. {
        clock.sleep_until(StageTime(rate.nanos_of_frame(frame)));
        intake.begin(frame, &mut outcomes);
        let report = reports.at(frame, StageTime(rate.nanos_of_frame(frame)));
        let moment = Moment::from(&report);
        for outcome in outcomes.drain(..) {
            monitor.command(&moment, &outcome, &mut events);
        }
        wall.clone_from(monitor.standing().wall());
        if let Some(kind) = quality(frame).filter(|_| matches!(reports, Reports::Invented)) {
            monitor.notice(&moment, "stage", Notice::Quality(&kind), &mut events);
        }
        monitor.frame(&report, over_budget(&report), &mut events);
        source.publish_events(events.drain(..));
        source.publish_sync(sync(rate, &report));
        source.publish(report);
        while let Some(request) = source.wall_request() {
            if let Some(&(id, width, height)) = WALLS.iter().find(|wall| wall.0 == request.wall) {
                let shown = if id == "right" { frame.min(480) } else { frame };
                let _ = request.reply.send(picture(shown, width, height, wall.blackout));
            }
        }
    }
}

/// Part of a minute in which something goes wrong.
fn within(frame: u64, seconds: std::ops::Range<u64>) -> bool {
    seconds.contains(&(frame / 24 % 60))
}

fn quality(frame: u64) -> Option<EventKind> {
    let (outer_frozen, outer_scale, inner_scale) = (false, 1.0, 1.0);
    match frame % 1440 {
        984 => Some(EventKind::Degraded { level: 2, outer_every: 3, outer_frozen, outer_scale, inner_scale }),
        1200 => Some(EventKind::Restored { level: 0, outer_every: 1, outer_frozen, outer_scale, inner_scale }),
        _ => None,
    }
}

fn over_budget(report: &FrameReport) -> impl Iterator<Item = Overrun<'static>> {
    let (spent_nanos, allowed_nanos) = (report.stages_ns.render, 20_000_000);
    let over = Overrun { item: BudgetItem::Render, camera: None, spent_nanos, allowed_nanos, by: Spender::Render };
    (spent_nanos > allowed_nanos).then_some(over).into_iter()
}

fn sync(rate: Rate, report: &FrameReport) -> SyncStatus {
    let heard = report.sync.state != LockState::Free;
    SyncStatus {
        genlock: GenlockSync {
            source: if heard { "LTC from \"line in\"".into() } else { "internal".into() },
            configured: heard,
            state: report.sync.state,
            uncertainty_ns: report.sync.uncertainty_ns,
            rate,
            measured_hz: heard.then_some(24.000_088),
            measured_ppm: heard.then_some(3.67),
            residual_ns: heard.then_some(8_600.0),
            trouble: None,
        },
        timecode: TimecodeSync {
            source: if heard { "LTC".into() } else { "counted".into() },
            state: heard.then_some(LabelState::Following),
            label: report.timecode.parse().ok(),
            trouble: None,
        },
        feeds: report.feeds.keys().map(|id| (id.clone(), feed_sync(id, report))).collect(),
        pacer: None,
    }
}

fn feed_sync(id: &str, report: &FrameReport) -> FeedSync {
    let camera = report.cameras.get(&id.replace("trk", "cam"));
    let since = |at: Option<StageTime>| at.map(|at| report.presented_ns.nanos_since(at));
    FeedSync {
        silent_ns: since(camera.and_then(|camera| camera.received_ns)),
        capture_age_ns: since(camera.and_then(|camera| camera.capture_ns)),
        delay_ns: 0,
    }
}

/// A recorded report as if it happened now.
fn shifted(recorded: &FrameReport, frame: u64, now: StageTime) -> FrameReport {
    let by = now.nanos_since(recorded.presented_ns);
    let mut report = FrameReport { frame, missed: 0, ..recorded.clone() };
    let shift = |at: &mut StageTime| *at = at.plus_nanos(by);
    shift(&mut report.tick_ns);
    shift(&mut report.display_time_ns);
    shift(&mut report.presented_ns);
    for camera in report.cameras.values_mut() {
        let stamps = [
            &mut camera.capture_ns,
            &mut camera.received_ns,
            &mut camera.latched_ns,
            &mut camera.late_latched_ns,
            &mut camera.warped_ns,
            &mut camera.pose_for_ns,
        ];
        stamps.into_iter().flatten().for_each(shift);
    }
    report
}

fn invented(frame: u64, now: StageTime) -> FrameReport {
    let phase = frame as f64 / 100.0;
    let silent = within(frame, 33..38);
    let camera = |shift: f64, quality, silent_ns: i64| CameraReport {
        position_m: Some([phase.sin() + shift, -3.0 + 0.2 * phase.cos(), 1.6]),
        orientation_wxyz: Some([1.0, 0.0, 0.0, 0.0]),
        focal_length_mm: Some(35.0),
        quality,
        capture_ns: Some(now.plus_nanos(-11_000_000 - silent_ns)),
        received_ns: Some(now.plus_nanos(-10_300_000 - silent_ns)),
        latched_ns: Some(now.plus_nanos(-38_000_000)),
        late_latched_ns: Some(now.plus_nanos(-30_000_000)),
        warped_ns: Some(now.plus_nanos(-6_000_000 - (frame % 7) as i64 * 100_000)),
        pose_for_ns: Some(now.plus_nanos(8_000_000)),
        pose_age_ns: Some(19_000_000 + silent_ns + (frame % 11) as i64 * 90_000),
        overscan: Some(1.25_f64.max(1.2 + 0.2 * phase.cos())),
        overscan_needed: Some(1.2 + 0.2 * phase.cos() + if within(frame, 50..52) { 0.1 } else { 0.0 }),
        exposure_true: shift == 0.0,
        disoccluded_px: Some(frame % 37 * 11),
    };
    let since = (frame % 1440).saturating_sub(33 * 24) as i64 * 41_666_667;
    let quality = if silent && since > 250_000_000 { Quality::Held } else { Quality::Measured };
    let packets = if silent { frame / 1440 * 14_400 + 33 * 240 } else { frame * 10 };
    let feed = |packets, bad| FeedReport { packets, bad, lost: frame / 90, jitter_p99_ns: 420_000 };
    let held = within(frame, 12..20);
    let state = if held { LockState::Holdover } else { LockState::Locked };
    let heavy = if within(frame, 40..42) { 9_000_000 } else { 0 };
    FrameReport {
        frame,
        timecode: format!("01:{:02}:{:02}:{:02}", frame / 1440 % 60, frame / 24 % 60, frame % 24),
        tick_ns: now.plus_nanos(-41_000_000),
        presented_ns: now,
        margin_ns: 9_000_000 - (frame % 13) as i64 * 120_000 - heavy,
        missed: u64::from(frame % 1440 == 1000) * 2,
        sync: BeatSync { state, uncertainty_ns: if held { 60_000 + (frame % 1440) as i64 * 90 } else { 14_000 } },
        cameras: [
            ("cam-a".into(), camera(0.0, Quality::Measured, 0)),
            ("cam-b".into(), camera(1.5, quality, if silent { since } else { 0 })),
        ]
        .into(),
        feeds: [("trk-a".into(), feed(frame * 10, 0)), ("trk-b".into(), feed(packets, frame / 400))].into(),
        stages_ns: StageDurations {
            latch: 60_000,
            simulate: 410_000,
            solve: 35_000,
            render: 17_200_000 + (frame % 9) as i64 * 150_000 + heavy,
            compose: 8_300_000,
            present: 240_000,
        },
        ..FrameReport::default()
    }
}

/// A dusk sky over hills, with a bar that moves one pixel column block a frame.
fn picture(frame: u64, width: u32, height: u32, blackout: bool) -> WallPicture {
    let mut rgb8 = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        let v = f64::from(y) / f64::from(height);
        for x in 0..width {
            let u = f64::from(x) / f64::from(height);
            let hill = 0.72 + 0.06 * (u * 3.1).sin() + 0.03 * (u * 7.7 + 1.0).sin();
            let sky = [40.0 + 190.0 * v * v, 58.0 + 92.0 * v, 110.0 + 20.0 * (1.0 - v)];
            let ground = [24.0, 30.0, 28.0].map(|c| c * (1.6 - v));
            let bar = u64::from(x / 4) == frame * 2 % u64::from(width / 4);
            let light = if v < hill { sky } else { ground };
            let light = if blackout { [0.0; 3] } else { light };
            rgb8.extend(light.map(|c: f64| if bar && !blackout { (c + 60.0).min(255.0) as u8 } else { c as u8 }));
        }
    }
    WallPicture { frame, width, height, rgb8 }
}
