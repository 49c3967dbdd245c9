//! Frame numbers to instants: a straight line, and what is still to be slewed.

use crate::{Rate, StageTime};

/// How fast a phase error is slewed in: 5 ms a second, so half a frame of 24 takes four seconds.
pub(super) const SLEW: f64 = 0.005;

/// Pulses and frames on one grid of units, of which each pulse and each frame is a whole number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    /// Units in a frame; more than one where pulses are faster than frames.
    pub units_per_frame: i64,
    /// Units in a pulse; more than one where frames are faster than pulses.
    pub units_per_pulse: i64,
    /// One unit is `num / den` nanoseconds, exactly.
    num: u64,
    den: u64,
}

impl Grid {
    /// `None` if neither rate is a whole multiple of the other.
    pub fn new(rate: Rate, pulse_rate: Rate) -> Option<Grid> {
        let pulses = u64::from(pulse_rate.num()) * u64::from(rate.den());
        let frames = u64::from(rate.num()) * u64::from(pulse_rate.den());
        let (units_per_frame, units_per_pulse) = match (pulses % frames, frames % pulses) {
            (0, _) => (pulses / frames, 1),
            (_, 0) => (1, frames / pulses),
            _ => return None,
        };
        let (num, den) = (u64::from(rate.den()) * 1_000_000_000, u64::from(rate.num()) * units_per_frame);
        // Rates lie between 1 and 1000, so a quotient of two fits.
        Some(Grid { units_per_frame: units_per_frame as i64, units_per_pulse: units_per_pulse as i64, num, den })
    }

    /// One unit, nanoseconds.
    pub fn unit_nanos(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// One pulse, nanoseconds.
    pub fn pulse_nanos(self) -> f64 {
        self.unit_nanos() * self.units_per_pulse as f64
    }

    /// Nominal nanoseconds from unit `from` to unit `to`, rounded down; saturates.
    pub fn span(self, from: i64, to: i64) -> i64 {
        let (whole, _) = self.nanos(i128::from(to) - i128::from(from));
        whole.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// `units` in nanoseconds: whole ones, and what is left, 0 to below 1.
    fn nanos(self, units: i128) -> (i128, f64) {
        let (exact, den) = (units * i128::from(self.num), i128::from(self.den));
        (exact.div_euclid(den), exact.rem_euclid(den) as f64 / self.den as f64)
    }
}

/// Instants of units: unit `unit` begins `frac` nanoseconds after `at`, and units last `1 + skew` times their nominal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub grid: Grid,
    pub unit: i64,
    pub at: StageTime,
    pub frac: f64,
    pub skew: f64,
}

impl Line {
    /// When unit `unit` begins, rounded to the nearest nanosecond; saturates.
    pub fn instant(&self, unit: i64, plus_nanos: f64) -> StageTime {
        let units = i128::from(unit) - i128::from(self.unit);
        let (whole, part) = self.grid.nanos(units);
        let bent = self.skew * (units as f64 * self.grid.unit_nanos()) + part + self.frac + plus_nanos;
        let nanos = i128::from(self.at.0) + whole + (bent + 0.5).floor() as i128;
        StageTime(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }

    /// How many units after [`Line::unit`] the instant `at` lies.
    pub fn units_to(&self, at: StageTime) -> f64 {
        (at.nanos_since(self.at) as f64 - self.frac) / (self.grid.unit_nanos() * (1.0 + self.skew))
    }

    /// The line on which every unit is `units` later ones: the clock was set back by so many.
    pub fn set_back(&self, units: i64) -> Line {
        Line { unit: self.unit, ..self.advanced(units.saturating_neg(), 0.0) }
    }

    /// The same line, seen from the unit `units` later and moved by `plus_nanos`.
    pub fn advanced(&self, units: i64, plus_nanos: f64) -> Line {
        let span = units as f64 * self.grid.unit_nanos();
        let (whole, part) = self.grid.nanos(units.into());
        let rest = part + self.frac + self.skew * span + plus_nanos;
        let carry = rest.floor();
        let nanos = whole + carry as i128 + i128::from(self.at.0);
        Line {
            unit: self.unit.saturating_add(units),
            at: StageTime(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64),
            frac: rest - carry,
            ..*self
        }
    }
}

/// What the beat given out still lags behind its line, slewed away as frames go by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Lag {
    nanos: f64,
    since_unit: i64,
}

impl Lag {
    /// `nanos` late at unit `since_unit`.
    pub fn new(nanos: f64, since_unit: i64) -> Lag {
        Lag { nanos, since_unit }
    }

    /// What is left at `unit`, nanoseconds.
    pub fn at(&self, unit: i64, grid: Grid) -> f64 {
        if self.nanos == 0.0 {
            return 0.0;
        }
        let slewed = SLEW * grid.unit_nanos() * unit.saturating_sub(self.since_unit).max(0) as f64;
        self.nanos.signum() * (self.nanos.abs() - slewed).max(0.0)
    }
}
