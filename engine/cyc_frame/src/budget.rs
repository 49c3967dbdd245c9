//! What a frame may take: the stage file's `[budget]` held against a report.

use cyc_core::event::{BudgetItem, FeedWatch, MonitorSetup, Overrun, Spender};
use cyc_core::report::{CameraReport, StageDurations};
use cyc_core::{FrameReport, StageTime};
use cyc_stage::stage::{Budget, GenlockSource, Stage};

/// Everything in `report` that `budget` does not allow, with who spent the most of it: camera by camera, then the
/// frame's stages, then the margin. What the budget or the report does not say is not checked. Allocates nothing.
pub fn check<'a>(budget: &Budget, report: &'a FrameReport) -> impl Iterator<Item = Overrun<'a>> {
    let (budget, of_frame) = (*budget, of_stages(budget, report));
    let cameras = report.cameras.iter().flat_map(move |(id, camera)| of_camera(&budget, id, camera));
    cameras.chain(of_frame).flatten().chain(of_margin(&budget, report))
}

/// What a [`cyc_core::event::Monitor`] has to know of a stage. With a source of beats the source's name is the stage
/// file's.
pub fn monitor_setup(stage: &Stage) -> MonitorSetup {
    let cameras_on = |feed: usize| {
        let on = stage.cameras.iter().filter(move |camera| camera.feed == Some(feed));
        on.map(|camera| camera.id.clone()).collect()
    };
    let feeds = stage.feeds.iter().enumerate();
    let feeds = feeds.map(|(n, feed)| FeedWatch { id: feed.id.clone(), cameras: cameras_on(n), loss: feed.loss });
    let genlock = Some(genlock_name(&stage.genlock.source)).filter(|name| *name != "internal");
    MonitorSetup { rate: stage.frame_rate, genlock: genlock.map(str::to_owned), feeds: feeds.collect() }
}

/// The key of a genlock source in the stage file.
pub fn genlock_name(source: &GenlockSource) -> &'static str {
    match source {
        GenlockSource::Internal => "internal",
        GenlockSource::Ptp(_) => "ptp",
        GenlockSource::Ltc(_) => "ltc",
        GenlockSource::Mtc(_) => "mtc",
        GenlockSource::ArtNet(_) => "artnet",
        GenlockSource::Osc(_) => "osc",
        GenlockSource::Serial(_) => "serial",
        GenlockSource::Display(_) => "display",
    }
}

fn of_camera<'a>(budget: &Budget, id: &'a str, camera: &CameraReport) -> [Option<Overrun<'a>>; 2] {
    let over = |item, spent: Option<i64>, by| over(budget, item, spent?, by);
    [
        over(BudgetItem::ReceiveToUse, camera.receive_to_use_ns(), Spender::Feed),
        over(BudgetItem::PoseAge, camera.pose_age_ns, oldest(camera)),
    ]
    .map(|overrun| Some(Overrun { camera: Some(id), ..overrun? }))
}

/// `None` if it is allowed, or not checked.
fn over<'a>(budget: &Budget, item: BudgetItem, spent_nanos: i64, by: Spender) -> Option<Overrun<'a>> {
    let allowed_nanos = allowed(budget, item).filter(|allowed| spent_nanos > *allowed)?;
    Some(Overrun { item, camera: None, spent_nanos, allowed_nanos, by })
}

/// Which part of a pose's way to the light took the longest.
fn oldest(camera: &CameraReport) -> Spender {
    let between =
        |from: Option<StageTime>, to: Option<StageTime>| to.zip(from).map_or(0, |(to, from)| to.nanos_since(from));
    let parts = [
        (between(camera.capture_ns, camera.received_ns), Spender::Tracker),
        (camera.receive_to_use_ns().unwrap_or(0), Spender::Feed),
        (between(camera.used_ns(), camera.pose_for_ns), Spender::Display),
    ];
    parts.into_iter().max_by_key(|(nanos, _)| *nanos).map_or(Spender::Tracker, |(_, by)| by)
}

/// A frame's stages with what each took.
fn stages(spent: &StageDurations) -> [(BudgetItem, i64, Spender); 6] {
    [
        (BudgetItem::Latch, spent.latch, Spender::Latch),
        (BudgetItem::Simulate, spent.simulate, Spender::Simulate),
        (BudgetItem::Solve, spent.solve, Spender::Solve),
        (BudgetItem::Render, spent.render, Spender::Render),
        (BudgetItem::Compose, spent.compose, Spender::Compose),
        (BudgetItem::Present, spent.present, Spender::Present),
    ]
}

fn allowed(budget: &Budget, item: BudgetItem) -> Option<i64> {
    match item {
        BudgetItem::ReceiveToUse => budget.receive_to_use,
        BudgetItem::PoseAge => budget.pose_age,
        BudgetItem::Margin => budget.margin,
        BudgetItem::Latch => budget.latch,
        BudgetItem::Simulate => budget.simulate,
        BudgetItem::Solve => budget.solve,
        BudgetItem::Render => budget.render,
        BudgetItem::Compose => budget.compose,
        BudgetItem::Present => budget.present,
    }
}

fn of_stages<'a>(budget: &Budget, report: &FrameReport) -> [Option<Overrun<'a>>; 6] {
    stages(&report.stages_ns).map(|(item, spent, by)| over(budget, item, spent, by))
}

fn of_margin<'a>(budget: &Budget, report: &FrameReport) -> Option<Overrun<'a>> {
    let allowed_nanos = budget.margin.filter(|least| report.margin_ns < *least)?;
    let by = spender(budget, report);
    Some(Overrun { item: BudgetItem::Margin, camera: None, spent_nanos: report.margin_ns, allowed_nanos, by })
}

/// Who to ask for time: what exceeds its own line by the most, else what took the longest, be it a late beginning.
fn spender(budget: &Budget, report: &FrameReport) -> Spender {
    let stages = stages(&report.stages_ns);
    let excess = |(item, spent, _): &(BudgetItem, i64, Spender)| Some(spent.saturating_sub(allowed(budget, *item)?));
    let worst = stages.iter().filter(|stage| excess(stage) > Some(0)).max_by_key(|stage| excess(stage));
    let longest = stages.iter().max_by_key(|(_, spent, _)| *spent);
    match (worst, longest) {
        (Some((.., by)), _) => *by,
        (None, Some((_, spent, by))) if *spent >= report.tick_error_ns => *by,
        _ => Spender::Wake,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use cyc_core::profile::{OscProfile, Profile};
    use cyc_core::{LossPolicy, Quality};
    use cyc_stage::stage::{Feed, Midi, Protocol};

    const MS: i64 = 1_000_000;

    fn report() -> FrameReport {
        let at = |ms: i64| Some(StageTime(ms * MS));
        let camera = CameraReport {
            position_m: None,
            orientation_wxyz: None,
            focal_length_mm: None,
            quality: Quality::Measured,
            capture_ns: at(0),
            received_ns: at(6),
            latched_ns: at(10),
            late_latched_ns: None,
            warped_ns: at(31),
            pose_for_ns: at(40),
            pose_age_ns: Some(40 * MS),
            overscan: None,
            overscan_needed: None,
            exposure_true: false,
            disoccluded_px: None,
        };
        FrameReport {
            margin_ns: 2 * MS,
            tick_error_ns: 20_000,
            cameras: [("cam-a".to_string(), camera.clone()), ("cam-b".to_string(), camera)].into(),
            stages_ns: StageDurations { render: 18 * MS, compose: 9 * MS, simulate: MS, ..StageDurations::default() },
            ..FrameReport::default()
        }
    }

    fn found(budget: Budget, report: &FrameReport) -> Vec<(BudgetItem, Option<&str>, i64, i64, Spender)> {
        check(&budget, report).map(|o| (o.item, o.camera, o.spent_nanos / MS, o.allowed_nanos / MS, o.by)).collect()
    }

    #[test]
    fn a_budget_that_says_nothing_is_kept_and_so_is_one_that_is_just_met() {
        assert_eq!(found(Budget::default(), &report()), []);
        let met = Budget {
            receive_to_use: Some(25 * MS),
            pose_age: Some(40 * MS),
            margin: Some(2 * MS),
            render: Some(18 * MS),
            ..Budget::default()
        };
        assert_eq!(found(met, &report()), []);
    }

    #[test]
    fn each_line_is_held_against_its_own_figure() {
        let tight = Budget {
            receive_to_use: Some(10 * MS),
            pose_age: Some(30 * MS),
            margin: Some(3 * MS),
            render: Some(17 * MS),
            compose: Some(10 * MS),
            ..Budget::default()
        };
        let report = report();
        assert_eq!(
            found(tight, &report),
            [
                (BudgetItem::ReceiveToUse, Some("cam-a"), 25, 10, Spender::Feed),
                (BudgetItem::PoseAge, Some("cam-a"), 40, 30, Spender::Feed),
                (BudgetItem::ReceiveToUse, Some("cam-b"), 25, 10, Spender::Feed),
                (BudgetItem::PoseAge, Some("cam-b"), 40, 30, Spender::Feed),
                (BudgetItem::Render, None, 18, 17, Spender::Render),
                (BudgetItem::Margin, None, 2, 3, Spender::Render),
            ]
        );
    }

    #[test]
    fn use_is_the_last_pass_that_took_the_pose() {
        let mut report = report();
        let budget = Budget { receive_to_use: Some(0), ..Budget::default() };
        let spent = |report: &FrameReport| check(&budget, report).next().map(|o| o.spent_nanos / MS);
        let camera = |report: &mut FrameReport, change: fn(&mut CameraReport)| {
            report.cameras.values_mut().for_each(change);
        };
        assert_eq!(spent(&report), Some(25));
        camera(&mut report, |c| (c.late_latched_ns, c.warped_ns) = (Some(StageTime(16 * MS)), None));
        assert_eq!(spent(&report), Some(10));
        camera(&mut report, |c| c.late_latched_ns = None);
        assert_eq!(spent(&report), Some(4));
        camera(&mut report, |c| c.received_ns = None);
        assert_eq!(spent(&report), None);
    }

    #[test]
    fn the_one_to_ask_for_time_is_who_exceeds_his_line_else_who_took_the_longest() {
        let mut report = report();
        let by = |budget: Budget, report: &FrameReport| {
            check(&budget, report).find(|o| o.item == BudgetItem::Margin).unwrap().by
        };
        let margin = Budget { margin: Some(5 * MS), ..Budget::default() };
        assert_eq!(by(margin, &report), Spender::Render);
        assert_eq!(by(Budget { compose: Some(8 * MS), render: Some(20 * MS), ..margin }, &report), Spender::Compose);
        report.tick_error_ns = 25 * MS;
        assert_eq!(by(margin, &report), Spender::Wake);
    }

    #[test]
    fn where_a_pose_grows_old_is_said() {
        let mut report = report();
        let budget = Budget { pose_age: Some(0), ..Budget::default() };
        let mut by = |capture: i64, received: i64, used: i64| {
            report.cameras.values_mut().for_each(|c| {
                (c.capture_ns, c.received_ns, c.warped_ns) =
                    (Some(StageTime(capture * MS)), Some(StageTime(received * MS)), Some(StageTime(used * MS)));
            });
            check(&budget, &report).next().unwrap().by
        };
        assert_eq!(by(0, 20, 30), Spender::Tracker);
        assert_eq!(by(0, 6, 31), Spender::Feed);
        assert_eq!(by(0, 6, 10), Spender::Display);
    }

    #[test]
    fn a_monitor_hears_of_every_feed_and_its_cameras() {
        let mut stage = fixture::stage([0.0; 3], vec![]);
        let udp = "127.0.0.1:9000".parse().unwrap();
        stage.feeds = vec![Feed {
            id: "trk-a".into(),
            protocol: Protocol::Osc { udp, address: "/tracker/a".into() },
            profile: Profile::Osc(OscProfile::Stage),
            filter: Default::default(),
            delay_nanos: 0,
            loss: LossPolicy { predict_nanos: 100 * MS, hold_nanos: 900 * MS },
        }];
        stage.cameras = ["a", "b", "c"].map(|id| fixture::camera(id, (id != "b").then_some(0), None)).into();
        let setup = monitor_setup(&stage);
        assert_eq!((setup.genlock, setup.feeds.len(), setup.rate), (None, 1, stage.frame_rate));
        assert_eq!(setup.feeds[0].cameras, ["a", "c"]);
        assert_eq!(setup.feeds[0].loss, stage.feeds[0].loss);
        stage.genlock.source = GenlockSource::Mtc(Midi { port: "usb".into() });
        assert_eq!(monitor_setup(&stage).genlock.as_deref(), Some("mtc"));
    }
}
