//! What a live run amounted to.

use cyc_core::{FrameReport, Quality, Rate, StageTime};
use std::{collections::BTreeMap, fmt};

/// Longest time a wall may go without a new picture before `demo` calls it a failure: 1 s.
const LONGEST_GAP_NANOS: i64 = 1_000_000_000;

/// Counts over the frames since the first presented one.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Frames presented.
    pub frames: u64,
    /// Ticks without a new picture.
    pub missed: u64,
    /// Longest time between two presented frames.
    pub longest_gap_nanos: i64,
    first: Option<StageTime>,
    last: Option<StageTime>,
    busy_nanos: i64,
    stages_nanos: [i64; 6],
    /// Pose ages by tenths of a millisecond.
    ages: BTreeMap<i64, u64>,
    qualities: [u64; 4],
}

impl Summary {
    /// Takes in a frame's report.
    pub fn add(&mut self, report: &FrameReport) {
        self.missed += if self.first.is_some() { report.missed } else { 0 };
        self.frames += 1;
        let gap = self.last.map_or(0, |last| report.presented_ns.nanos_since(last));
        self.longest_gap_nanos = self.longest_gap_nanos.max(gap);
        self.first.get_or_insert(report.presented_ns);
        self.last = Some(report.presented_ns);
        let s = report.stages_ns;
        let stages = [s.latch, s.simulate, s.solve, s.render, s.compose, s.present];
        self.busy_nanos += stages.iter().sum::<i64>();
        self.stages_nanos.iter_mut().zip(stages).for_each(|(sum, stage)| *sum += stage);
        for camera in report.cameras.values() {
            self.qualities[camera.quality as usize] += 1;
            if let Some(age) = camera.pose_age_ns {
                *self.ages.entry(age / 100_000).or_default() += 1;
            }
        }
    }

    /// Part of the ticks that had no new picture, 0..1.
    pub fn missed_share(&self) -> f64 {
        self.missed as f64 / (self.frames + self.missed).max(1) as f64
    }

    /// Why `demo` has failed, if it has.
    pub fn failure(&self) -> Option<String> {
        if self.frames == 0 {
            return Some("no frame was presented".into());
        }
        if self.longest_gap_nanos > LONGEST_GAP_NANOS {
            let gap = self.longest_gap_nanos as f64 * 1e-9;
            return Some(format!("the wall went {gap:.2} s without a new picture (at most 1 s is allowed)"));
        }
        let share = 100.0 * self.missed_share();
        (share > 5.0).then(|| format!("{share:.1} % of the ticks were missed (at most 5 % are allowed)"))
    }

    /// In tenths of a millisecond; `None` without a pose.
    fn median_age(&self) -> Option<i64> {
        let half = self.ages.values().sum::<u64>() / 2;
        let mut below = 0;
        self.ages.iter().find_map(|(age, count)| {
            below += count;
            (below > half).then_some(*age)
        })
    }

    /// For people.
    pub fn describe(&self, rate: Rate) -> impl fmt::Display + '_ {
        let seconds = self.last.zip(self.first).map_or(0.0, |(last, first)| last.secs_since(first));
        let ms = |nanos: i64| nanos as f64 * 1e-6 / self.frames.max(1) as f64;
        let [latch, simulate, solve, render, compose, present] = self.stages_nanos.map(ms);
        let age = self.median_age().map_or("none".into(), |tenths| format!("{:.1} ms", tenths as f64 * 0.1));
        let quality = |q: Quality| self.qualities[q as usize];
        format!(
            "{} frames in {seconds:.1} s at {rate} fps, {} ticks missed ({:.2} %), longest gap {:.0} ms\n\
             busy {:.1} ms a frame: latch {latch:.2}, simulate {simulate:.2}, solve {solve:.2}, render {render:.2}, \
             compose {compose:.2}, present {present:.2}\n\
             camera poses: {} measured, {} predicted, {} held, {} lost; median age {age}",
            self.frames,
            self.missed,
            100.0 * self.missed_share(),
            self.longest_gap_nanos as f64 * 1e-6,
            ms(self.busy_nanos),
            quality(Quality::Measured),
            quality(Quality::Predicted),
            quality(Quality::Held),
            quality(Quality::Lost),
        )
    }
}
