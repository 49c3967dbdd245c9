//! What a run makes of its reports: events, and what is given up to keep the beat.

use crossbeam_channel::Receiver;
use cyc_core::{
    FrameReport,
    command::Outcome,
    event::{Moment, Monitor, Notice, StageEvent},
};
use cyc_frame::{
    budget,
    degrade::{Degradation, Degrader, Load},
};
use cyc_link::genlock::GenlockChange;
use cyc_stage::stage::{Budget, Stage};
use std::sync::{Arc, Mutex};

/// What is given up just now, for the frame thread.
#[derive(Debug, Clone, Default, bevy::prelude::Resource)]
pub struct Wanted(Arc<Mutex<Degradation>>);

impl Wanted {
    /// What is given up.
    pub fn get(&self) -> Option<Degradation> {
        self.0.lock().ok().map(|wanted| *wanted)
    }
}

/// Watches reports, genlock and commands, frame by frame.
pub struct Watch {
    monitor: Monitor,
    budget: Budget,
    degrader: Option<Degrader>,
    wanted: Wanted,
    changes: Receiver<GenlockChange>,
    outcomes: Receiver<Outcome>,
    frame_nanos: i64,
    events: Vec<StageEvent>,
}

impl Watch {
    /// For a stage; pictures are only made smaller where some are drawn.
    pub fn new(
        stage: &Stage,
        drawn: bool,
        changes: Receiver<GenlockChange>,
        outcomes: Receiver<Outcome>,
        wanted: Wanted,
    ) -> Self {
        let degrades = stage.budget.degrade && drawn;
        Self {
            monitor: Monitor::new(budget::monitor_setup(stage)),
            budget: stage.budget,
            degrader: degrades.then(|| Degrader::new(stage.frame_rate, stage.budget.margin)),
            wanted,
            changes,
            outcomes,
            frame_nanos: stage.frame_rate.frame_nanos(),
            events: Vec::new(),
        }
    }

    /// The events of a frame that was presented.
    pub fn frame(&mut self, report: &FrameReport) -> std::vec::Drain<'_, StageEvent> {
        let Self { monitor, events, .. } = self;
        let moment = Moment::from(report);
        for outcome in self.outcomes.try_iter() {
            monitor.command(&moment, &outcome, events);
        }
        for change in self.changes.try_iter() {
            monitor.notice(&moment, change.subject(), change.notice(), events);
        }
        monitor.frame(report, budget::check(&self.budget, report), events);
        if let Some(degrader) = &mut self.degrader
            && let Some(change) = degrader.step(&Load::of(report, self.frame_nanos))
        {
            monitor.notice(&moment, "stage", Notice::Quality(&change.event()), events);
            if let Ok(mut wanted) = self.wanted.0.lock() {
                *wanted = change.now;
            }
        }
        self.events.drain(..)
    }
}
