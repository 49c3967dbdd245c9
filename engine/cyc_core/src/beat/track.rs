//! The delay-locked loop: a line through pulses that are late, early, missing or wrong.
//!
//! Fons Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005: with the error `e` of a pulse against
//! its prediction, the phase takes `sqrt(2) w e` and the period `w^2 e`, `w = 2 pi B T`. Here the bandwidth B falls
//! with the number of pulses, as the gains of a least-squares line through all of them do, from [`WIDE_HZ`] to
//! [`NARROW_HZ`]; what is left of the jitter is then at every moment about the least that can be left.

use super::Jitter;
use super::collect::Fit;
use super::line::Line;
use crate::{ClockMap, StageTime};
use std::f64::consts::{SQRT_2, TAU};

/// Bandwidth at first, and in the end.
const WIDE_HZ: f64 = 1.0;
const NARROW_HZ: f64 = 0.1;
/// A source that is followed may drift so far before it no longer fits, or for so long; the loop may think it further.
const DRIFTED: f64 = 300e-6;
const DRIFTED_SECS: f64 = 8.0;
const LARGEST_SKEW: f64 = 400e-6;
/// While a loop settles, it has to see rates that do not fit.
const LARGEST_SETTLING: f64 = 0.02;
/// A loop with a larger `w` rings (sources of one pulse a second).
const LARGEST_W: f64 = 0.3;
/// An error counts with so many median errors at most (2.7 sigma).
const CLAMP: f64 = 4.0;
/// A pulse further off, in median errors (5.4 sigma) and nanoseconds, is an outlier.
const GATE: f64 = 8.0;
const GATE_FLOOR_NANOS: f64 = 50e3;
/// A one-sided source's pulses are never so early, in median distances from their median (their floor is at 1.5 to 2).
const EARLY: f64 = 3.0;
/// No source counts as steadier than this part of its period: as much is between two crystals.
const SCALE_FLOOR: f64 = 1e-4;
/// How fast the median error is followed, per pulse, in the end.
const SCALE_STEP: f64 = 0.02;
/// No phase is surer than this, nanoseconds.
const DOUBT_FLOOR_NANOS: f64 = 5e3;
/// The loop's share of the jitter's variance is this times `w` (noise bandwidth of a loop damped by 1/sqrt(2)).
const NOISE_SHARE: f64 = 1.06;
/// The rate for a hold-over is the mean of so many seconds.
const SLOW_SECS: f64 = 60.0;
/// An ordinary crystal against another, unmeasured and measured, nanoseconds a second.
const WANDER_UNMEASURED: f64 = 50_000.0;
const WANDER_MEASURED: f64 = 2_000.0;
/// A rate measured for less than this counts as unmeasured.
const MEASURED_SECS: f64 = 10.0;

/// Follows one source.
#[derive(Debug, Clone)]
pub(super) struct Tracker {
    /// Through the newest pulse that was used.
    pub line: Line,
    /// How many pulses the line rests on; its gains fall with it.
    pulses: f64,
    /// Since the loop took over, for the slow mean of the rate.
    followed: f64,
    slow_skew: f64,
    /// So many pulses in a row had the rate of no source that fits.
    drifting: f64,
    /// Median of the errors, 0 unless they are one-sided, and the median of their distances from it, nanoseconds.
    middle: f64,
    scale: f64,
    mean_square: f64,
    /// Under the pulses of a one-sided source, and the unit from which it counts.
    floor: Option<(ClockMap, i64)>,
}

/// Where a pulse lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Pulses since the newest used one.
    pub pulses: i64,
    /// Nanoseconds after the line.
    pub error: f64,
}

impl Tracker {
    /// A loop that starts at a fit, the pulse of unit `line.unit`.
    pub fn new(line: Line, fit: Fit, jitter: Jitter) -> Self {
        let floor = (jitter == Jitter::OneSided).then(|| (ClockMap::new(), line.unit));
        let scale = fit.spread.max(SCALE_FLOOR * line.grid.pulse_nanos());
        let pulses = fit.pulses as f64;
        Self {
            line,
            pulses,
            followed: 0.0,
            slow_skew: line.skew,
            drifting: 0.0,
            middle: 0.0,
            scale,
            mean_square: 2.2 * scale * scale,
            floor,
        }
    }

    /// Which pulse one heard at `at` is: the nearest.
    pub fn place(&self, at: StageTime) -> Place {
        let step = self.line.grid.units_per_pulse as f64;
        let pulses = (self.line.units_to(at) / step).round();
        let elapsed = at.nanos_since(self.line.at) as f64 - self.line.frac;
        Place { pulses: pulses as i64, error: elapsed - pulses * self.period() }
    }

    /// Whether a pulse at this place is too far off to be believed.
    ///
    /// A network may delay one as it likes, and brings none early: what comes early is late by nearly a period.
    pub fn is_outlier(&self, place: Place) -> bool {
        let off = place.error - self.middle;
        match self.floor {
            Some(_) => off < -(EARLY * self.scale).max(GATE_FLOOR_NANOS),
            None => off.abs() > self.gate(),
        }
    }

    /// Whether it is later than any usual one.
    pub fn is_late(&self, place: Place) -> bool {
        place.error - self.middle > self.gate()
    }

    fn gate(&self) -> f64 {
        (GATE * self.scale).max(GATE_FLOOR_NANOS)
    }

    /// A pulse that was not believed still says that pulses scatter. A late one of a network says nothing.
    pub fn widen(&mut self, place: Place) {
        if self.floor.is_none() || place.error < self.middle {
            self.learn_scatter(place.error);
        }
    }

    /// Few pulses tell little of how they scatter: what they told is soon mended.
    fn scale_step(&self) -> f64 {
        (2.0 / self.pulses).clamp(SCALE_STEP, 0.25)
    }

    /// Moves the line on to a pulse and by its error; gives by how much it moved there, nanoseconds.
    /// `following`: the loop's narrowest bandwidth applies.
    pub fn take(&mut self, at: StageTime, place: Place, following: bool) -> f64 {
        let grid = self.line.grid;
        if !self.is_late(place) {
            self.learn_scatter(place.error);
            self.learn_residual(place.error);
        }
        let units = place.pulses.saturating_mul(grid.units_per_pulse);
        let unit = self.line.unit.saturating_add(units);
        let under = self.floor.as_mut().map_or(0.0, |(map, since)| {
            let device = self.line.grid.span(*since, unit);
            map.observe(device, at);
            let floor = map.to_stage(device).unwrap_or(at);
            at.nanos_since(floor) as f64
        });
        // While it settles, a one-sided source is followed by its mean: that has the rate, if not the phase.
        let error = if following { place.error - under } else { place.error };
        let error = error.clamp(-CLAMP * self.scale, CLAMP * self.scale);
        let w = self.w(following);
        let nudge = SQRT_2 * w * error;
        self.line = self.line.advanced(units, nudge);
        self.line.skew += w * w * error / grid.pulse_nanos();
        self.pulses = (self.pulses + 1.0).min(1e9);
        // A phase that steps must not send the rate where no source is.
        let largest = if following { LARGEST_SKEW } else { LARGEST_SETTLING };
        self.line.skew = self.line.skew.clamp(-largest, largest);
        if following {
            self.learn_rate();
        }
        nudge
    }

    /// Medians by small steps up and down.
    fn learn_scatter(&mut self, error: f64) {
        let off = error - self.middle;
        if self.floor.is_some() {
            self.middle += off.signum() * self.scale_step() * self.scale;
        }
        let step = if off.abs() > self.scale { 1.0 + self.scale_step() } else { 1.0 - self.scale_step() };
        self.scale = (self.scale * step).clamp(SCALE_FLOOR * self.period(), 0.25 * self.period());
    }

    fn learn_residual(&mut self, error: f64) {
        let clamped = error.abs().min(self.middle.abs() + CLAMP * self.scale);
        self.mean_square += (clamped * clamped - self.mean_square) / self.pulses.min(256.0);
    }

    fn learn_rate(&mut self) {
        self.drifting = if self.line.skew.abs() > DRIFTED { self.drifting + 1.0 } else { 0.0 };
        self.followed += 1.0;
        let memory = self.followed.min(SLOW_SECS * 1e9 / self.period()).max(1.0);
        self.slow_skew += (self.line.skew - self.slow_skew) / memory;
    }

    /// The loop has settled: a one-sided source's line goes down to the floor under its pulses.
    pub fn settle(&mut self, at: StageTime) {
        let Some((map, since)) = &self.floor else { return };
        let device = self.line.grid.span(*since, self.line.unit);
        let floor = map.to_stage(device).unwrap_or(at);
        let down = floor.nanos_since(self.line.at) as f64 - self.line.frac;
        self.line = self.line.advanced(0, down);
        self.middle -= down;
    }

    /// Goes on for so many units as it is, and from there at the mean rate.
    pub fn hold(&mut self, units: i64) {
        self.line = Line { skew: self.slow_skew, ..self.line.advanced(units, 0.0) };
    }

    /// Follows again after a hold, from the pulse of `unit`: wider for a while.
    pub fn resume(&mut self, unit: i64) {
        self.line = self.line.advanced(unit.saturating_sub(self.line.unit), 0.0);
        self.pulses = self.pulses.min(self.longest() / 3.0);
    }

    /// The clock was set back by so many units.
    pub fn set_back(&mut self, units: i64) {
        self.line = self.line.set_back(units);
        if self.floor.is_some() {
            self.floor = Some((ClockMap::new(), self.line.unit));
        }
    }

    /// Units are numbered anew, each `by` later.
    pub fn renumber(&mut self, by: i64) {
        self.line.unit = self.line.unit.saturating_add(by);
        if let Some((_, since)) = &mut self.floor {
            *since = since.saturating_add(by);
        }
    }

    fn w_of(&self, hertz: f64) -> f64 {
        (TAU * hertz * self.period() * 1e-9).min(LARGEST_W)
    }

    fn w(&self, following: bool) -> f64 {
        let widest = self.w_of(WIDE_HZ);
        let narrowest = if following { self.w_of(NARROW_HZ) } else { 0.0 };
        (2.0 * SQRT_2 / self.pulses).clamp(narrowest, widest.max(narrowest))
    }

    /// As many pulses as the narrow loop remembers.
    fn longest(&self) -> f64 {
        2.0 * SQRT_2 / self.w_of(NARROW_HZ)
    }

    /// One pulse of the source, nanoseconds of stage time.
    pub fn period(&self) -> f64 {
        self.line.grid.pulse_nanos() * (1.0 + self.line.skew)
    }

    /// Standard error of the skew of a least-squares line through the pulses so far.
    pub fn skew_error(&self) -> f64 {
        self.residual() * 12f64.sqrt() / (self.pulses.powf(1.5) * self.period())
    }

    /// How many pulses the line rests on.
    pub fn pulses(&self) -> f64 {
        self.pulses
    }

    /// Root mean square of the errors, nanoseconds.
    pub fn residual(&self) -> f64 {
        self.mean_square.sqrt()
    }

    /// Three standard errors of the line's phase, nanoseconds.
    pub fn phase_doubt(&self) -> f64 {
        3.0 * self.residual() * (NOISE_SHARE * self.w(true)).sqrt() + DOUBT_FLOOR_NANOS
    }

    /// Whether the rate has been off by more than any source's that fits, for long.
    pub fn has_drifted(&self) -> bool {
        self.drifting * self.period() * 1e-9 > DRIFTED_SECS
    }

    fn followed_secs(&self) -> f64 {
        self.followed * self.period() * 1e-9
    }

    /// The mean rate of the last minute, as a skew.
    pub fn slow_skew(&self) -> f64 {
        self.slow_skew
    }

    /// How far the phase may be off after so many seconds without a pulse, nanoseconds.
    pub fn doubt_after(&self, secs: f64) -> f64 {
        self.phase_doubt() + self.doubt_per_second() * secs.max(0.0)
    }

    fn doubt_per_second(&self) -> f64 {
        let secs = self.followed_secs().min(SLOW_SECS);
        if secs < MEASURED_SECS {
            return WANDER_UNMEASURED;
        }
        (WANDER_MEASURED + SQRT_2 * self.phase_doubt() / secs).min(WANDER_UNMEASURED)
    }
}
