use super::*;
use cyc_core::FrameReport;
use cyc_core::report::StageDurations;
use proptest::prelude::*;

const SECOND: usize = 24;

/// What a frame costs, in parts of a frame.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Whatever is given up.
    fixed: f64,
    /// All outer pictures at full size.
    outer: f64,
    /// Drawn in so many turns at most: a single view cannot be spread over frames.
    views: u32,
    /// The inner pictures at full size.
    inner: f64,
    /// Uniform noise, this much at most.
    noise: f64,
}

impl Cost {
    fn at(&self, frame: u64, now: &Degradation, noise: f64) -> f64 {
        let turn = frame % u64::from(now.outer_every);
        let due = (0..self.views).filter(|view| u64::from(view % now.outer_every) == turn).count();
        let drawn = if now.outer_frozen { 0.0 } else { due as f64 / f64::from(self.views) };
        let outer = self.outer * (drawn * now.outer_scale.powi(2) + 0.02 * now.outer_scale);
        self.fixed + outer + self.inner * now.inner_scale.powi(2) + self.noise * noise
    }
}

/// A stage whose frames cost what the model says; a change is in force on the next frame.
struct Simulated {
    degrader: Degrader,
    frame: u64,
    noise: u64,
    /// Frames whose pictures came too late.
    late: usize,
    changes: Vec<Change>,
}

impl Simulated {
    fn new() -> Self {
        let degrader = Degrader::new(Rate::new(24, 1).unwrap(), None);
        Self { degrader, frame: 0, noise: 1, late: 0, changes: Vec::new() }
    }

    fn unit(&mut self) -> f64 {
        self.noise = self.noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.noise >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn run(&mut self, frames: usize, cost: impl Fn(usize) -> Cost) -> &mut Self {
        let frame_nanos = 41_666_667.0;
        let mut missed = 0;
        for n in 0..frames {
            let noise = self.unit();
            let busy = cost(n).at(self.frame, &self.degrader.now(), noise);
            let stages_ns = StageDurations { render: (busy * frame_nanos) as i64, ..StageDurations::default() };
            let margin_ns = ((1.0 - busy) * frame_nanos) as i64;
            let report = FrameReport { margin_ns, missed, stages_ns, ..FrameReport::default() };
            self.late += usize::from(busy > 1.0);
            // Ticks that pass while the frame is still drawn.
            missed = (busy.ceil() as u64).saturating_sub(1);
            self.changes.extend(self.degrader.step(&Load::of(&report, frame_nanos as i64)));
            self.frame += 1 + missed;
        }
        self
    }
}

const EASY: Cost = Cost { fixed: 0.1, outer: 0.3, views: 3, inner: 0.2, noise: 0.05 };

#[test]
fn the_declared_order_gives_up_outer_before_inner_and_each_step_a_little_more() {
    assert_eq!(LEVELS[0], Degradation::default());
    let rate = |now: &Degradation| if now.outer_frozen { 0.0 } else { 1.0 / f64::from(now.outer_every) };
    for pair in LEVELS.windows(2) {
        let worth = |now: &Degradation| (now.inner_scale, rate(now), now.outer_scale);
        let (before, after) = (worth(&pair[0]), worth(&pair[1]));
        assert!(after.0 <= before.0 && after.1 <= before.1 && after.2 <= before.2 && after != before);
        // An inner picture gives way only when the outer ones have given all.
        assert!(after.0 == 1.0 || (pair[1].outer_frozen && pair[1].outer_scale == 0.5));
    }
    assert_eq!(LEVELS.map(|now| now.outer_every)[..5], [1, 2, 3, 4, 5]);
    assert_eq!(LEVELS.map(|now| now.inner_scale)[7..], [1.0, 0.85, 0.7, 0.5]);
}

#[test]
fn a_stage_with_room_and_single_late_frames_gives_up_nothing() {
    let mut stage = Simulated::new();
    // A late frame every second: some other program, a page from the disk.
    stage.run(SECOND * 600, |n| if n % SECOND == 5 { Cost { fixed: 0.9, ..EASY } } else { EASY });
    assert_eq!(stage.changes, []);
}

#[test]
fn what_no_drawing_costs_is_not_paid_with_pictures() {
    let mut degrader = Degrader::new(Rate::new(24, 1).unwrap(), None);
    let late = Load { margin_nanos: -20_000_000, busy_nanos: 60_000_000, drawing_nanos: 5_000_000, missed: 1 };
    assert!((0..1000).all(|_| degrader.step(&late).is_none()));
}

#[test]
fn a_scene_that_became_too_heavy_is_late_for_a_few_frames_only() {
    let mut stage = Simulated::new();
    let heavy = Cost { outer: 0.9, ..EASY };
    stage.run(SECOND, |_| EASY).run(SECOND * 10, |_| heavy);
    assert!(stage.late <= 4, "{} late frames, {:?}", stage.late, stage.changes);
    assert!((1..=3).contains(&stage.degrader.level()), "{:?}", stage.changes);
    assert_eq!(stage.degrader.now().inner_scale, 1.0);
    let first = stage.changes[0].event();
    assert!(matches!(first, EventKind::Degraded { inner_scale: 1.0, outer_every: 2.., .. }), "{first:?}");
    // The scene is light again.
    stage.run(SECOND * 30, |_| EASY);
    assert_eq!(stage.degrader.now(), Degradation::default());
    assert!(matches!(stage.changes.last().unwrap().event(), EventKind::Restored { level: 0, .. }));
}

#[test]
fn the_inner_picture_gives_way_last_and_one_step_at_a_time() {
    let mut stage = Simulated::new();
    let crushing = Cost { fixed: 0.1, outer: 1.0, views: 2, inner: 1.4, noise: 0.0 };
    stage.run(SECOND * 20, |_| crushing);
    assert_eq!(stage.degrader.now().inner_scale, 0.7, "{:?}", stage.changes);
    let inner = stage.changes.iter().filter(|change| change.now.inner_scale < 1.0);
    assert!(inner.clone().all(|change| change.level == change.from + 1));
    assert!(stage.late < SECOND * 2, "{} late frames", stage.late);
}

#[test]
fn more_than_everything_ends_at_the_last_step_and_stays() {
    let mut stage = Simulated::new();
    stage.run(SECOND * 60, |_| Cost { fixed: 1.5, ..EASY });
    assert_eq!(stage.degrader.level(), 10);
    assert!(stage.changes.len() <= 10);
}

#[test]
fn a_step_that_cannot_be_taken_back_is_tried_more_and_more_rarely() {
    let mut stage = Simulated::new();
    // One outer view: drawn on every fifth frame it still makes that frame late, so only frozen helps, and nothing
    // that is seen while frozen says so.
    let single = Cost { fixed: 0.2, outer: 0.6, views: 1, inner: 0.3, noise: 0.02 };
    stage.run(SECOND * 3600, |_| single);
    assert!(stage.changes.len() <= 30, "{} changes in an hour", stage.changes.len());
    assert!(stage.late <= 150, "{} late frames in an hour", stage.late);
}

#[test]
fn a_margin_in_the_budget_is_kept() {
    let mut degrader = Degrader::new(Rate::new(24, 1).unwrap(), Some(5_000_000));
    let load = |margin: i64| Load {
        margin_nanos: margin,
        busy_nanos: 41_666_667 - margin,
        drawing_nanos: 30_000_000,
        missed: 0,
    };
    assert!((0..100).all(|_| degrader.step(&load(5_000_000)).is_none()));
    assert!((0..4).any(|_| degrader.step(&load(4_900_000)).is_some()));
}

#[test]
fn a_frame_that_waits_for_its_last_moment_is_not_busy() {
    let stages_ns =
        StageDurations { latch: 1, simulate: 2, solve: 3, render: 10_000_000, compose: 4_000_000, present: 9 };
    let report = FrameReport { margin_ns: 500_000, tick_error_ns: 100, stages_ns, ..FrameReport::default() };
    assert_eq!(Load::of(&report, 40_000_000).busy_nanos, 14_000_106);
    assert_eq!(Load::of(&report, 40_000_000).drawing_nanos, 14_000_000);
    // Headless nothing waits: the margin is what is left.
    let early = FrameReport { margin_ns: 30_000_000, ..report.clone() };
    assert_eq!(Load::of(&early, 40_000_000).busy_nanos, 10_000_000);
    let unknown = FrameReport { stages_ns: StageDurations::default(), ..report };
    assert_eq!(Load::of(&unknown, 40_000_000).busy_nanos, 39_500_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever the frames cost, as long as it stays the same: it settles, hardly ever comes late if any level fits,
    /// and gives up no inner pixel where the outer pictures are enough.
    #[test]
    fn a_steady_load_settles(
        fixed in 0.02..0.5, outer in 0.0..1.5, views in 1u32..7, inner in 0.05..1.2, noise in 0.0..0.08
    ) {
        let cost = Cost { fixed, outer, views, inner, noise };
        let mut stage = Simulated::new();
        stage.run(SECOND * 30, |_| cost);
        let (early_late, early) = (stage.late, stage.changes.len());
        stage.run(SECOND * 600, |_| cost);
        let (late, changes) = (stage.late - early_late, stage.changes.len() - early);
        prop_assert!(changes <= 24, "{} changes in ten minutes", changes);
        let worst = |now: &Degradation| (0..60).map(|frame| cost.at(frame, now, 1.0)).fold(0.0, f64::max);
        let fits = LEVELS.iter().position(|now| worst(now) <= 1.0);
        if let Some(fits) = fits {
            prop_assert!(early_late <= 60, "{} late frames at first", early_late);
            prop_assert!(late <= 144, "{} late frames of 14,400", late);
            prop_assert!(stage.degrader.level() as usize <= fits.max(FROZEN) + 1, "{} for {}", stage.degrader.level(), fits);
            if fits <= FROZEN {
                prop_assert!(stage.changes.iter().all(|change| change.now.inner_scale == 1.0));
            }
        } else {
            prop_assert_eq!(stage.degrader.level(), 10);
        }
    }

    /// Whatever the loads are, also impossible ones: levels follow the ladder, inner pictures one step at a time.
    #[test]
    fn any_load_keeps_to_the_order(loads in prop::collection::vec(any::<(i64, i64, i64, u8)>(), 0..400)) {
        let mut degrader = Degrader::new(Rate::new(24, 1).unwrap(), Some(1_000_000));
        for (margin, busy, drawing, missed) in loads {
            let load =
                Load { margin_nanos: margin, busy_nanos: busy, drawing_nanos: drawing, missed: u64::from(missed / 200) };
            let before = degrader.level();
            match degrader.step(&load) {
                Some(change) => {
                    prop_assert_eq!((change.from, change.level), (before, degrader.level()));
                    prop_assert!(change.level + 1 == before || change.level > before);
                    prop_assert!(change.level <= 5 || change.level == before + 1);
                }
                None => prop_assert_eq!(degrader.level(), before),
            }
        }
    }
}
