//! The phase-locked clock: a stage's frames follow the pulses of a source.
//!
//! A source's first pulses are collected until they show a beat (`collect`), a loop settles on them while the stage
//! goes on as it was (`track`), and once its rate is known to be the expected one the stage follows it: what is
//! between the two phases is slewed in. Pulses that are far off but agree with each other start this anew.

use super::claim::Claim;
use super::collect::{Collected, Fit, Verdict};
use super::line::{Grid, Lag, Line, SLEW};
use super::pulse::{Jitter, PulseRateError, Taken};
use super::tally::Tally;
use super::track::Tracker;
use super::{Beat, BeatEvent, BeatSync, LockState};
use crate::{Rate, StageTime};
use std::collections::VecDeque;

/// No source that fits its rate is further off; the rates with 1000/1001 are 1000 ppm away.
const FITS: f64 = 200e-6;
/// Nearer than this, three standard errors included, a rate is none of those.
const NO_OTHER: f64 = 600e-6;
/// A source is accused of another rate only when that is as well known as this, three standard errors, and after so long.
const ACCUSED: f64 = 150e-6;
const ACCUSED_SECS: f64 = 2.5;
/// So few pulses say too little of their scatter to know anything.
const FEWEST: f64 = 24.0;
/// A rate that does not fit is measured this well, and said again only when it changes by more.
const SAME_FAULT: f64 = 0.01;
/// Silence of so many pulses, and so long, is a loss.
const PATIENCE_PULSES: f64 = 6.0;
const PATIENCE_NANOS: f64 = 250e6;
/// A one-sided source whose pulses are all late for so long has moved, and is not merely congested.
const LATE_NANOS: i64 = 3_000_000_000;

/// The stage's beat: free from an origin until a source is heard, then in step with it.
#[derive(Debug, Clone)]
pub struct BeatLoop {
    rate: Rate,
    pulse_rate: Rate,
    jitter: Jitter,
    grid: Grid,
    /// Frames as they are given out, but for `lag` and `phase_nanos`.
    out: Line,
    lag: Lag,
    phase_nanos: i64,
    mode: Mode,
    held: Option<Held>,
    run: Collected,
    fault: Option<Fault>,
    last_used: StageTime,
    /// The newest `now`.
    seen: Option<StageTime>,
    late_since: Option<StageTime>,
    tally: Tally,
    claim: Claim,
    events: VecDeque<BeatEvent>,
}

#[derive(Debug, Clone)]
enum Mode {
    /// No loop runs; pulses are collected.
    Idle,
    /// A loop runs and the stage does not follow it yet.
    Settling(Tracker),
    /// The stage follows.
    Following(Tracker),
}

/// The loop of a source that fell silent, and what its phase is worth.
#[derive(Debug, Clone)]
struct Held {
    tracker: Tracker,
    /// The newest pulse that was used.
    since: StageTime,
}

/// Why a source that is heard is not followed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Unsteady,
    /// It was followed to where no source that fits goes. Not said: what is measured anew will be.
    Drifted,
    OtherRate(f64),
}

impl BeatLoop {
    /// Frames of `rate`, frame 0 at `origin`, that will follow a source of `pulse_rate` pulses a second.
    pub fn new(rate: Rate, pulse_rate: Rate, jitter: Jitter, origin: StageTime) -> Result<Self, PulseRateError> {
        let grid = Grid::new(rate, pulse_rate).ok_or(PulseRateError { rate, pulse_rate })?;
        Ok(Self {
            rate,
            pulse_rate,
            jitter,
            grid,
            out: Line { grid, unit: 0, at: origin, frac: 0.0, skew: 0.0 },
            lag: Lag::default(),
            phase_nanos: 0,
            mode: Mode::Idle,
            held: None,
            run: Collected::new(),
            fault: None,
            last_used: origin,
            seen: None,
            late_since: None,
            tally: Tally::default(),
            claim: Claim::default(),
            events: VecDeque::new(),
        })
    }

    /// Every frame begins so much after its pulse; negative for before.
    pub fn with_phase_nanos(mut self, phase_nanos: i64) -> Self {
        self.phase_nanos = phase_nanos;
        self
    }

    /// Sets the phase while running, from `now` on: slewed in as any phase error is.
    pub fn set_phase_nanos(&mut self, phase_nanos: i64, now: StageTime) {
        let unit = self.unit_at(now);
        let late = self.phase_nanos.saturating_sub(phase_nanos) as f64;
        self.lag = Lag::new(self.lag.at(unit, self.grid) + late, unit);
        self.phase_nanos = phase_nanos;
    }

    /// The source says whether it is locked to the reference that disciplines the stage clock too.
    ///
    /// Only for a source and a stage clock that share a reference (house sync and PTP of one master): there a phase
    /// that moves by more than 100 us proves the source wrong ([`BeatEvent::SourceLies`], once for each claim).
    pub fn claim(&mut self, locked: bool) {
        self.claim.say(locked);
    }

    /// Takes in a pulse heard at `at`, with the source's own count of its pulses where it has one.
    ///
    /// Where pulses are faster than frames, frames begin on counts that are multiples of the ratio.
    pub fn pulse(&mut self, at: StageTime, count: Option<i64>) -> Taken {
        let far = self.patience() / self.grid.pulse_nanos();
        let (following, tracker) = match &mut self.mode {
            Mode::Idle => return self.collect(at, count),
            Mode::Settling(tracker) => (false, tracker),
            Mode::Following(tracker) => (true, tracker),
        };
        let place = tracker.place(at);
        if place.pulses == 0 {
            return Taken::Repeated;
        }
        if place.pulses < 0 || place.pulses as f64 > far || tracker.is_outlier(place) {
            tracker.widen(place);
            return match self.collect(at, count) {
                Taken::Collected => Taken::Outlier,
                taken => taken,
            };
        }
        let late = tracker.is_late(place);
        let nudge = tracker.take(at, place, following);
        self.last_used = at;
        if !following {
            return self.settled(at, count);
        }
        self.smooth(nudge);
        self.followed(at, count, late)
    }

    /// Lets time pass until `now`, and gives what happened since: call it until it gives `None`, before the next tick
    /// is asked for.
    pub fn poll(&mut self, now: StageTime) -> Option<BeatEvent> {
        self.look_back(now);
        let patience = self.patience() as i64;
        let silent = |since: StageTime| now.nanos_since(since) > patience;
        if silent(self.last_used) {
            self.let_go(now);
        }
        if self.run.newest().is_some_and(silent) {
            self.run.clear();
            self.fault = None;
        }
        let half_frame = self.rate.frame_nanos() as f64 / 2.0;
        if self.held.as_ref().is_some_and(|held| held.doubt(now) > half_frame) {
            self.held = None;
            self.events.push_back(BeatEvent::Lost);
        }
        self.events.pop_front()
    }

    /// Pulses a second as measured, also of a source that does not fit; `None` while nothing is known.
    pub fn measured_hz(&self) -> Option<f64> {
        match (&self.mode, self.fault) {
            (Mode::Following(tracker), _) => Some(1e9 / tracker.period()),
            (_, Some(Fault::OtherRate(hz))) => Some(hz),
            _ => None,
        }
    }

    /// By how much the source is faster than the stage clock, parts per million; `None` unless it is followed.
    pub fn measured_ppm(&self) -> Option<f64> {
        let Mode::Following(tracker) = &self.mode else { return None };
        Some((self.grid.pulse_nanos() / tracker.period() - 1.0) * 1e6)
    }

    /// How far pulses scatter about the loop, root mean square, nanoseconds; `None` unless one is followed.
    pub fn residual_nanos(&self) -> Option<f64> {
        let Mode::Following(tracker) = &self.mode else { return None };
        Some(tracker.residual())
    }

    /// The stage clock was set back by frames: those that were given out keep their numbers, the next ones come now.
    fn look_back(&mut self, now: StageTime) {
        let Some(seen) = self.seen.replace(now).filter(|seen| *seen > now) else { return };
        let frame = self.grid.units_per_frame;
        let frames = (self.out.units_to(seen) - self.out.units_to(now)) / frame as f64;
        if frames < 1.5 {
            return;
        }
        let units = (frames.round() as i64).saturating_mul(frame);
        self.out = self.out.set_back(units);
        self.claim.set_back(units);
        self.run.clear();
        self.late_since = None;
        self.last_used = self.last_used.min(now);
        if let Some(held) = &mut self.held {
            held.tracker.set_back(units);
            held.since = held.since.min(now);
        }
        if let Mode::Settling(tracker) | Mode::Following(tracker) = &mut self.mode {
            tracker.set_back(units);
        }
    }

    fn patience(&self) -> f64 {
        (PATIENCE_PULSES * self.grid.pulse_nanos()).max(PATIENCE_NANOS)
    }

    /// Another pulse that no loop takes; they may show a beat.
    fn collect(&mut self, at: StageTime, count: Option<i64>) -> Taken {
        if !self.run.push(at, count, self.grid) {
            return Taken::Repeated;
        }
        match self.run.verdict(self.grid, self.prior_skew(), self.jitter) {
            Verdict::TooFew => Taken::Collected,
            Verdict::Unsteady => self.blame(Fault::Unsteady, at),
            Verdict::OtherRate(hz) => self.blame(Fault::OtherRate(hz), at),
            Verdict::Beat(fit) => self.begin(fit),
        }
    }

    fn prior_skew(&self) -> f64 {
        match (&self.mode, &self.held) {
            (Mode::Following(tracker), _) => tracker.slow_skew(),
            (_, Some(held)) => held.tracker.slow_skew(),
            _ => self.out.skew,
        }
    }

    /// The source does not fit. Said once, until it is another fault.
    fn blame(&mut self, fault: Fault, at: StageTime) -> Taken {
        self.let_go(at);
        let known = match (self.fault, fault) {
            (Some(Fault::OtherRate(before)), Fault::OtherRate(now)) => (now / before - 1.0).abs() < SAME_FAULT,
            (before, now) => before == Some(now),
        };
        if !known {
            self.fault = Some(fault);
            self.events.extend(match fault {
                Fault::Drifted => None,
                Fault::Unsteady => Some(BeatEvent::Unsteady),
                Fault::OtherRate(measured_hz) => {
                    Some(BeatEvent::RateMismatch { measured_hz, expected: self.pulse_rate })
                }
            });
        }
        Taken::Collected
    }

    /// No loop runs any more; a stage that followed one goes on from `at` at its source's mean rate.
    fn let_go(&mut self, at: StageTime) {
        let Mode::Following(mut tracker) = std::mem::replace(&mut self.mode, Mode::Idle) else { return };
        let patience = self.patience() / self.grid.unit_nanos();
        let units = tracker.line.units_to(at).clamp(0.0, 2.0 * patience) as i64;
        tracker.hold(units);
        self.out = tracker.line;
        self.held = Some(Held { tracker, since: self.last_used });
        self.late_since = None;
        self.events.push_back(BeatEvent::Holdover);
    }

    /// A beat was found: the one that was held, or a new one.
    fn begin(&mut self, fit: Fit) -> Taken {
        let count = self.run.count;
        self.run.clear();
        self.let_go(fit.at);
        self.last_used = fit.at;
        let unit = self.nearest_unit(fit.at, count);
        let late = self.out_at(unit).nanos_since(fit.at) as f64;
        // What was at fault goes on in its own time, and comes by the old phase now and then.
        let faultless = self.fault.is_none();
        match self.held.take_if(|held| faultless && late.abs() <= held.doubt(fit.at) + fit.doubt()) {
            Some(held) => self.resume(held.tracker, unit, late, count),
            None => {
                let line = Line { unit, at: fit.at, frac: 0.0, skew: self.prior_skew(), ..self.out };
                self.mode = Mode::Settling(Tracker::new(line, fit, self.jitter));
            }
        }
        Taken::Restarted
    }

    /// The source goes on where it was expected: so does its loop.
    fn resume(&mut self, mut tracker: Tracker, unit: i64, late: f64, count: Option<i64>) {
        tracker.resume(unit);
        self.fault = None;
        self.events.push_back(BeatEvent::Relocked { phase_error_nanos: late.round() as i64 });
        self.locked(tracker, count);
    }

    /// A pulse moved the loop that is not followed yet: is its rate known, and does it fit?
    fn settled(&mut self, at: StageTime, count: Option<i64>) -> Taken {
        self.run.clear();
        let Mode::Settling(tracker) = &self.mode else { return Taken::Used };
        let (skew, doubt) = (tracker.line.skew.abs(), 3.0 * tracker.skew_error());
        if tracker.pulses() < FEWEST {
            return Taken::Used;
        }
        let heard_secs = tracker.pulses() * tracker.period() * 1e-9;
        if skew - doubt > FITS && doubt < ACCUSED && heard_secs > ACCUSED_SECS {
            let hz = 1e9 / tracker.period();
            self.blame(Fault::OtherRate(hz), at);
        } else if skew + doubt < NO_OTHER
            && let Mode::Settling(tracker) = std::mem::replace(&mut self.mode, Mode::Idle)
        {
            self.lock(tracker, at, count);
        }
        Taken::Used
    }

    fn lock(&mut self, mut tracker: Tracker, at: StageTime, count: Option<i64>) {
        tracker.settle(at);
        let late = self.adopt(tracker.line);
        let phase_error_nanos = late.round() as i64;
        self.events.push_back(match self.held.take() {
            Some(_) => BeatEvent::Relocked { phase_error_nanos },
            None => BeatEvent::Locked { phase_error_nanos },
        });
        self.locked(tracker, count);
    }

    fn locked(&mut self, tracker: Tracker, count: Option<i64>) {
        let jump = self.tally.lock(tracker.line.unit, count, self.grid);
        self.rebased(jump);
        let moved = self.claim.check(&tracker);
        self.events.extend(moved.map(|moved_nanos| BeatEvent::SourceLies { moved_nanos }));
        self.fault = None;
        self.run.clear();
        self.mode = Mode::Following(tracker);
    }

    fn rebased(&mut self, jumped_units: i64) {
        let frames = jumped_units / self.grid.units_per_frame;
        if frames != 0 {
            self.events.push_back(BeatEvent::Rebased { frames });
        }
    }

    /// The stage's line becomes the loop's; what lies between is to be slewed. By how much the stage was late.
    fn adopt(&mut self, line: Line) -> f64 {
        let late = self.out_at(line.unit).nanos_since(line.at) as f64 - line.frac;
        self.out = line;
        self.lag_by(late);
        late
    }

    /// What is given out is so late now. It is slewed from the next frame on: this one may have been given out.
    fn lag_by(&mut self, late: f64) {
        self.lag = Lag::new(late, self.out.unit.saturating_add(self.grid.units_per_frame));
    }

    /// The loop moved its line; the stage follows at once only as fast as it may.
    fn smooth(&mut self, nudge: f64) {
        let most = SLEW * self.grid.pulse_nanos().min(self.rate.frame_nanos() as f64);
        let rest = nudge - nudge.clamp(-most, most);
        if let (true, Mode::Following(tracker)) = (rest != 0.0, &self.mode) {
            let unit = tracker.line.unit;
            self.out = tracker.line;
            self.lag_by(self.lag.at(unit, self.grid) - rest);
        }
    }

    /// A pulse moved the loop that is followed.
    fn followed(&mut self, at: StageTime, count: Option<i64>, late: bool) -> Taken {
        if let Some(fit) = self.moved_late(at, count, late) {
            return self.begin(fit);
        }
        let Mode::Following(tracker) = &self.mode else { return Taken::Used };
        self.out = tracker.line;
        let drifted = tracker.has_drifted();
        let moved = self.claim.check(tracker);
        self.events.extend(moved.map(|moved_nanos| BeatEvent::SourceLies { moved_nanos }));
        let jump = self.tally.follow(self.out.unit, count, self.grid);
        if jump != 0 {
            self.rebased(jump);
            self.turn(count);
        }
        if drifted { self.blame(Fault::Drifted, at) } else { Taken::Used }
    }

    /// A one-sided source of which every pulse has been late for long enough: where it is now.
    fn moved_late(&mut self, at: StageTime, count: Option<i64>, late: bool) -> Option<Fit> {
        if !late {
            self.late_since = None;
            self.run.clear();
            return None;
        }
        self.run.push(at, count, self.grid);
        let since = *self.late_since.get_or_insert(at);
        match self.run.verdict(self.grid, self.prior_skew(), self.jitter) {
            Verdict::Beat(fit) if at.nanos_since(since) > LATE_NANOS => Some(fit),
            _ => None,
        }
    }

    /// The source's count jumped: where frames begin on certain counts, they begin on other pulses now.
    fn turn(&mut self, count: Option<i64>) {
        let (Mode::Following(tracker), Some(count)) = (&mut self.mode, count) else { return };
        let frame = self.grid.units_per_frame;
        let turned = count.wrapping_sub(tracker.line.unit).rem_euclid(frame);
        let turned = if 2 * turned > frame { turned - frame } else { turned };
        if turned == 0 {
            return;
        }
        tracker.renumber(turned);
        let line = tracker.line;
        let late = self.adopt(line);
        self.tally.lock(line.unit, Some(count), self.grid);
        self.events.push_back(BeatEvent::Relocked { phase_error_nanos: late.round() as i64 });
    }

    /// Whether a source is heard that may yet be followed.
    fn is_heard(&self) -> bool {
        self.fault.is_none() && (!self.run.is_empty() || matches!(self.mode, Mode::Settling(_)))
    }

    /// The unit nearest to a pulse at `at`, on the beat as it is given out.
    fn nearest_unit(&self, at: StageTime, count: Option<i64>) -> i64 {
        let units = self.out.unit as f64 + self.out.units_to(self.unlagged(at));
        let frame = self.grid.units_per_frame;
        let rest = count.filter(|_| frame > 1).map_or(0, |count| count.rem_euclid(frame));
        let step = if count.is_some() { frame } else { 1 };
        (((units - rest as f64) / step as f64).round() as i64).saturating_mul(step).saturating_add(rest)
    }

    fn unit_at(&self, at: StageTime) -> i64 {
        self.out.unit.saturating_add(self.out.units_to(at) as i64)
    }

    /// The instant on the line that is given out as `at`, nearly.
    fn unlagged(&self, at: StageTime) -> StageTime {
        at.plus_nanos(-self.lag.at(self.unit_at(at), self.grid) as i64)
    }

    /// When a unit begins as it is given out, but for the phase.
    fn out_at(&self, unit: i64) -> StageTime {
        self.out.instant(unit, self.lag.at(unit, self.grid))
    }
}

impl Held {
    /// How far the phase may be off by now, nanoseconds.
    fn doubt(&self, now: StageTime) -> f64 {
        self.tracker.doubt_after(now.secs_since(self.since))
    }
}

impl Beat for BeatLoop {
    fn rate(&self) -> Rate {
        self.rate
    }

    fn ideal(&self, frame: u64) -> StageTime {
        let frame = i64::try_from(frame).unwrap_or(i64::MAX);
        self.out_at(frame.saturating_mul(self.grid.units_per_frame)).plus_nanos(self.phase_nanos)
    }

    fn frame_at(&self, now: StageTime) -> u64 {
        let on_line = now.plus_nanos(self.phase_nanos.saturating_neg());
        let units = self.out.unit as f64 + self.out.units_to(self.unlagged(on_line));
        // Negative and too large ones saturate. The estimate is off by no more than its rounding and what the lag
        // changes within itself.
        let mut frame = (units / self.grid.units_per_frame as f64) as u64;
        for _ in 0..2 {
            let next = frame.saturating_add(1);
            if self.ideal(frame) > now {
                frame = frame.saturating_sub(1);
            } else if self.ideal(next) <= now {
                frame = next;
            }
        }
        frame
    }

    fn sync(&self, now: StageTime) -> BeatSync {
        let (state, doubt) = match (&self.mode, &self.held) {
            (Mode::Following(tracker), _) => {
                let silence = now.secs_since(self.last_used);
                let state = if silence * 1e9 > self.patience() { LockState::Holdover } else { LockState::Locked };
                (state, tracker.doubt_after(silence))
            }
            (_, Some(held)) if self.is_heard() => (LockState::Acquiring, held.doubt(now)),
            (_, Some(held)) => (LockState::Holdover, held.doubt(now)),
            (_, None) if self.is_heard() => (LockState::Acquiring, f64::INFINITY),
            (_, None) => return BeatSync::default(),
        };
        let lag = self.lag.at(self.unit_at(now), self.grid).abs();
        BeatSync { state, uncertainty_ns: (doubt + lag).min(self.rate.frame_nanos() as f64 / 2.0) as i64 }
    }
}
