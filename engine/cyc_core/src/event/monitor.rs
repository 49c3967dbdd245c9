//! From frame reports to events.

use super::episode::{Episode, Turn};
use super::feeds::FeedState;
use super::genlock::Genlock;
use super::told::{Change, Notice, Told, changes};
use super::watch::{BudgetWatch, CameraWatch, FRAME_ITEMS, QUIET_NANOS};
use super::{BudgetItem, EventKind, Severity, Spender, StageEvent, Standing, words};
use crate::command::{Answer, Command, Outcome};
use crate::{BeatSync, FrameReport, LossPolicy, Rate, StageTime};
use std::collections::BTreeMap;

/// The subject of what is nobody's in particular.
const STAGE: &str = "stage";
/// The subject of how the beat follows its source.
const GENLOCK: &str = "genlock";

/// What a monitor watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorSetup {
    /// The stage's beat.
    pub rate: Rate,
    /// Name of the genlock source that the stage file asks for; `None` where the stage is to run on its own clock.
    pub genlock: Option<String>,
    /// The stage's feeds.
    pub feeds: Vec<FeedWatch>,
}

/// A feed to be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedWatch {
    /// Stage-file id.
    pub id: String,
    /// Ids of the cameras on it.
    pub cameras: Vec<String>,
    /// When it is stale and when lost.
    pub loss: LossPolicy,
}

/// A frame's place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<'a> {
    /// Stage time.
    pub at: StageTime,
    /// Frame number.
    pub frame: u64,
    /// The frame's label; may be empty.
    pub timecode: &'a str,
}

impl<'a> From<&'a FrameReport> for Moment<'a> {
    /// When the frame was presented.
    fn from(report: &'a FrameReport) -> Self {
        Self { at: report.presented_ns, frame: report.frame, timecode: &report.timecode }
    }
}

/// One of a frame's figures that the budget does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overrun<'a> {
    /// Which line of the budget.
    pub item: BudgetItem,
    /// Whose it is; `None` is the whole frame's.
    pub camera: Option<&'a str>,
    /// What it took; for the margin, what was left. Nanoseconds.
    pub spent_nanos: i64,
    /// What is allowed.
    pub allowed_nanos: i64,
    /// Who spent the most of it.
    pub by: Spender,
}

/// Makes events of frames. Allocates only when there is one.
#[derive(Debug, Clone)]
pub struct Monitor {
    setup: MonitorSetup,
    standing: Standing,
    ticks: Episode,
    genlock: Genlock,
    feeds: Vec<FeedState>,
    cameras: BTreeMap<String, CameraWatch>,
    /// Margin and the frame's stages.
    budgets: [BudgetWatch; 7],
    told: Vec<Told>,
}

impl Monitor {
    /// A monitor for a stage.
    pub fn new(mut setup: MonitorSetup) -> Self {
        Self {
            standing: Standing::default(),
            ticks: Episode::new(QUIET_NANOS),
            genlock: Genlock::new(setup.rate),
            feeds: std::mem::take(&mut setup.feeds).into_iter().map(FeedState::new).collect(),
            cameras: BTreeMap::new(),
            budgets: FRAME_ITEMS.map(BudgetWatch::new),
            told: Vec::new(),
            setup,
        }
    }

    /// What is wrong just now, and what the operator has done to the wall.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The next frame's report and what of it the budget does not allow; adds what follows to `events`.
    pub fn frame<'a>(
        &mut self,
        report: &FrameReport,
        overruns: impl IntoIterator<Item = Overrun<'a>>,
        events: &mut Vec<StageEvent>,
    ) {
        let moment = Moment::from(report);
        self.watch_ticks(report, &moment, events);
        self.watch_genlock(&report.sync, &moment, events);
        self.watch_told(&moment, events);
        self.watch_feeds(report, &moment, events);
        self.watch_cameras(report, &moment, events);
        overruns.into_iter().for_each(|overrun| self.mark(&overrun));
        self.watch_budgets(&moment, events);
    }

    /// Something that no report says, about `subject` ("genlock", "timecode", an output's
    /// id, "stage"). A state's change becomes an event
    /// with the next frame; what just happens does at once.
    pub fn notice(&mut self, moment: &Moment<'_>, subject: &str, notice: Notice<'_>, events: &mut Vec<StageEvent>) {
        for change in changes(notice, self.setup.rate) {
            let (trouble, bad) = match change {
                Change::Now(kind) => {
                    self.emit(moment, kind, subject, "", events);
                    continue;
                }
                Change::State(trouble, bad) => (trouble, bad),
            };
            match self.told.iter_mut().find(|told| told.trouble == trouble && told.subject == subject) {
                Some(told) => told.bad = bad,
                None if bad.is_none() => {}
                None => self.told.push(Told::new(trouble, subject, bad)),
            }
        }
    }

    /// What became of a command: `Done` or `Refused`. A done one's event is of the frame on which it happened.
    pub fn command(&mut self, moment: &Moment<'_>, outcome: &Outcome, events: &mut Vec<StageEvent>) {
        let Outcome { asked, answer } = outcome;
        let (command, from, at_frame) = (asked.command.clone(), asked.from.clone(), asked.at_frame);
        let was_rolling = self.standing.is_rolling();
        let moment = match answer {
            Answer::Done { frame, .. } if *frame != moment.frame => Moment { frame: *frame, timecode: "", ..*moment },
            _ => *moment,
        };
        match answer {
            Answer::Scheduled { .. } => return,
            Answer::Refused(refusal) => {
                let reason = refusal.to_string();
                let kind = EventKind::CommandRefused { command, from, at_frame, reason };
                return self.emit(&moment, kind, asked.command.name(), "", events);
            }
            Answer::Done { late, .. } => {
                let kind = EventKind::CommandDone { command, from, at_frame, late: *late };
                self.emit(&moment, kind, asked.command.name(), "", events);
            }
        }
        let moment = &moment;
        match asked.command {
            Command::Rolling(on) if on != was_rolling => self.rolling(on, moment, events),
            // Where the cameras are after a freeze has nothing to do with where they were.
            Command::Freeze(_) => self.cameras.values_mut().for_each(|camera| camera.movement.forget()),
            _ => {}
        }
    }

    /// What is wrong already becomes critical as a camera begins to record.
    fn rolling(&mut self, on: bool, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        let kind = if on { EventKind::RollingOn } else { EventKind::RollingOff };
        self.emit(moment, kind, STAGE, "", events);
        let open: Vec<_> = if on { self.standing.open().cloned().collect() } else { Vec::new() };
        for event in open.into_iter().filter(|event| event.kind.severity(true) == Severity::Critical) {
            let again = StageEvent {
                at_ns: moment.at,
                frame: moment.frame,
                timecode: label(moment),
                severity: Severity::Critical,
                ..event
            };
            self.standing.note(&again);
            events.push(again);
        }
    }

    fn emit(&mut self, moment: &Moment<'_>, kind: EventKind, subject: &str, why: &str, events: &mut Vec<StageEvent>) {
        let event = StageEvent {
            at_ns: moment.at,
            frame: moment.frame,
            timecode: label(moment),
            severity: kind.severity(self.standing.is_rolling()),
            message: words::message(&kind, subject, why),
            kind,
            subject: subject.into(),
        };
        self.standing.note(&event);
        events.push(event);
    }

    fn watch_ticks(&mut self, report: &FrameReport, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        let missed = i64::try_from(report.missed).unwrap_or(i64::MAX);
        match self.ticks.step(moment.at, (missed > 0).then_some(missed)) {
            Turn::Same => {}
            Turn::Began => self.emit(moment, EventKind::TickMissed { missed: report.missed }, STAGE, "", events),
            Turn::Ended(past) => {
                let kind =
                    EventKind::TicksRegained { missed: past.total.unsigned_abs(), lasted_ns: past.lasted_nanos() };
                self.emit(moment, kind, STAGE, "", events);
            }
        }
    }

    fn watch_genlock(&mut self, sync: &BeatSync, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        if self.setup.genlock.is_none() {
            return;
        }
        if let Some(kind) = self.genlock.step(sync, moment.at) {
            let source = self.setup.genlock.clone().unwrap_or_default();
            self.emit(moment, kind, GENLOCK, &source, events);
        }
    }

    fn watch_told(&mut self, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        for n in 0..self.told.len() {
            if let Some((kind, why)) = self.told[n].step(moment.at) {
                let subject = self.told[n].subject.clone();
                self.emit(moment, kind, &subject, &why, events);
            }
        }
    }

    fn watch_feeds(&mut self, report: &FrameReport, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        for n in 0..self.feeds.len() {
            let Some((kind, why)) = self.feeds[n].step(moment.at, report) else { continue };
            let feed = self.feeds[n].watch.id.clone();
            self.emit(moment, kind, &feed, why, events);
        }
    }

    fn watch_cameras(&mut self, report: &FrameReport, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        let frozen = self.standing.wall().freeze;
        for (id, seen) in &report.cameras {
            let camera = match self.cameras.get_mut(id) {
                Some(camera) => camera,
                None => self.cameras.entry(id.clone()).or_insert_with(CameraWatch::new),
            };
            let Some((jump, times)) = camera.step(seen, moment.at, frozen) else { continue };
            let kind = EventKind::FeedJump {
                moved_mm: round(jump.moved_m * 1e3),
                turned_deg: round(jump.turned_rad.to_degrees()),
                times,
            };
            self.emit(moment, kind, id, "", events);
        }
    }

    fn mark(&mut self, overrun: &Overrun<'_>) {
        let of = match overrun.camera {
            Some(id) => self.cameras.get_mut(id).map(|camera| &mut camera.budgets[..]),
            None => Some(&mut self.budgets[..]),
        };
        if let Some(watch) = of.into_iter().flatten().find(|watch| watch.item == overrun.item) {
            watch.over = Some((overrun.spent_nanos, overrun.allowed_nanos, overrun.by));
        }
    }

    fn watch_budgets(&mut self, moment: &Moment<'_>, events: &mut Vec<StageEvent>) {
        for n in 0..self.budgets.len() {
            if let Some(kind) = self.budgets[n].step(moment.at) {
                self.emit(moment, kind, STAGE, "", events);
            }
        }
        let mut found = Vec::new();
        for (id, camera) in &mut self.cameras {
            found.extend(camera.budgets.iter_mut().filter_map(|watch| Some((id.clone(), watch.step(moment.at)?))));
        }
        for (id, kind) in found {
            self.emit(moment, kind, &id, "", events);
        }
    }
}

fn label(moment: &Moment<'_>) -> Option<String> {
    (!moment.timecode.is_empty()).then(|| moment.timecode.to_owned())
}

/// Thousandths are enough for a person and keep the line short.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
