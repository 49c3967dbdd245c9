//! The delay of one output, from intervals that single pictures allow.

use super::super::fit::{median, median_and_error};
use super::LightDelay;
use super::coarse::{Group, Model, series};
use super::view::View;
use std::collections::BTreeMap;

/// How far around the delay so far it is looked, frames.
const REACH_FRAMES: f64 = 1.25;
/// How far around the coarse delay gains are tried out, frames.
const PROFILE_FRAMES: f64 = 0.6;
/// On about so many spots.
const PROFILE_SPOTS: usize = 400;
/// Steps of a frame.
const STEPS: usize = 50;
/// How often gains and delay are found from each other.
const TURNS: usize = 2;
/// A delay explains a picture as long as its misfit is within so many variances of the least: two deviations.
const MISFIT: f64 = 4.0;
/// One odd picture counts no more than this.
const MISFIT_CAP: f64 = 100.0;
/// A picture saw the wall change if it allows no more than this, frames.
const SHARP_FRAMES: f64 = 0.3;
/// So many changes make a result on their own.
const CHANGES: usize = 8;
/// Delays that this part of the pictures allow are allowed by all: the rest is odd.
const NEARLY_ALL: f64 = 0.98;
/// Stretches of the recording whose medians are compared.
const STRETCHES: usize = 6;
/// A result that leaves open more than this is none, frames.
const WORST_FRAMES: f64 = 0.5;

/// A spot with what explains it.
struct Gauge {
    spot: usize,
    mean: f64,
    gain: [f64; 2],
    weight: f64,
}

/// What all gauges of a row in a picture come to: with it the misfit of any code is a few multiplications.
#[derive(Default, Clone, Copy)]
struct Reading {
    square: f64,
    with: [f64; 2],
    gains: [f64; 3],
}

impl Reading {
    fn add(&mut self, gauge: &Gauge, value: f64) {
        let (x, [g, h]) = (value - gauge.mean, gauge.gain);
        self.square += gauge.weight * x * x;
        self.with = [self.with[0] + gauge.weight * x * g, self.with[1] + gauge.weight * x * h];
        let add = [g * g, g * h, h * h];
        self.gains = std::array::from_fn(|n| self.gains[n] + gauge.weight * add[n]);
    }

    fn misfit(&self, [x, y]: [f64; 2]) -> f64 {
        self.square - 2.0 * (x * self.with[0] + y * self.with[1])
            + self.gains[0] * x * x
            + 2.0 * self.gains[1] * x * y
            + self.gains[2] * y * y
    }
}

/// Delays that one picture allows, seconds; open where it says nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Allowed {
    from: Option<f64>,
    to: Option<f64>,
    /// The best of them.
    best: f64,
}

/// The delay of an output; `None` where the pictures leave too much open.
pub(super) fn delay(view: &View<'_>, group: &Group) -> Option<LightDelay> {
    let series: Vec<Vec<f32>> = group.spots.iter().map(|(spot, _)| series(view, *spot)).collect();
    let mut delay = best_explained(view, group, &series)?;
    let (mut curves, mut gauges) = (Vec::new(), 0);
    for _ in 0..TURNS {
        let rows = rows(view, group, &series, delay);
        gauges = rows.values().map(Vec::len).sum();
        curves = misfits(view, &rows, &series, delay);
        delay = lowest(view, &curves)?;
    }
    let allowed: Vec<Allowed> = curves.iter().map(|(from, curve)| allowed(view, *from, curve)).collect();
    let (centre, error, changes) = combined(&allowed, view.frame_secs)?;
    // Gains and stretches are known to about a step, however alike the pictures are.
    let error = error.hypot(step_secs(view) * if changes < CHANGES { 1.0 } else { 0.5 });
    let nanos = |secs: f64| (secs * 1e9).round() as i64;
    Some(LightDelay {
        source: group.source,
        delay_nanos: nanos(centre),
        standard_error_nanos: nanos(error),
        pictures: allowed.len(),
        changes,
        spots: gauges,
    })
}

/// The delay at which the gains that fit best leave the least unexplained, among some of the spots.
///
/// Gains are found anew for each delay: where camera and wall keep step, a wrong gain could make up for a wrong delay.
fn best_explained(view: &View<'_>, group: &Group, series: &[Vec<f32>]) -> Option<f64> {
    let reach = (PROFILE_FRAMES * STEPS as f64) as i64;
    let stride = group.spots.len().div_ceil(PROFILE_SPOTS);
    let left = |delay: f64| -> f64 {
        let mut models = BTreeMap::new();
        let spots = group.spots.iter().zip(series).step_by(stride);
        spots
            .map(|((_, row), series)| {
                let model = models.entry(*row).or_insert_with(|| Model::new(view, *row, delay));
                model.explain(series).map_or(0.0, |found| (1.0 - found.part).max(1e-6).ln())
            })
            .sum()
    };
    let at = |n: i64| group.delay + n as f64 * step_secs(view);
    let all: Vec<f64> = (-reach..=reach).map(|n| left(at(n))).collect();
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    // Where no picture saw a change a stretch is as good as its middle.
    let spots = group.spots.len().div_ceil(stride) as f64;
    let low: Vec<f64> =
        (-reach..=reach).zip(&all).filter(|(_, left)| **left <= least + 1e-3 * spots).map(|(n, _)| at(n)).collect();
    median(&low)
}

/// Gauges by row, their gains found at `delay`.
fn rows(view: &View<'_>, group: &Group, series: &[Vec<f32>], delay: f64) -> BTreeMap<usize, Vec<Gauge>> {
    let mut models = BTreeMap::new();
    let mut rows: BTreeMap<usize, Vec<Gauge>> = BTreeMap::new();
    for (spot, ((_, row), series)) in group.spots.iter().zip(series).enumerate() {
        let model = models.entry(*row).or_insert_with(|| Model::new(view, *row, delay));
        let Some(found) = model.explain(series).filter(|found| found.left > 0.0) else { continue };
        let gauge = Gauge { spot, mean: found.mean, gain: found.gain, weight: 1.0 / found.left };
        rows.entry(*row).or_default().push(gauge);
    }
    rows
}

/// Each picture's misfit over delays around `delay`, in variances, with the first of those delays.
fn misfits(
    view: &View<'_>,
    rows: &BTreeMap<usize, Vec<Gauge>>,
    series: &[Vec<f32>],
    delay: f64,
) -> Vec<(f64, Vec<f64>)> {
    let steps = (2.0 * REACH_FRAMES * STEPS as f64) as usize;
    let from = delay - REACH_FRAMES * view.frame_secs;
    let spots: usize = rows.values().map(Vec::len).sum();
    let of_picture = |picture: usize| -> Option<(f64, Vec<f64>)> {
        let mut curve = vec![0.0; steps + 1];
        for (row, gauges) in rows {
            let mut reading = Reading::default();
            gauges.iter().for_each(|gauge| reading.add(gauge, f64::from(series[gauge.spot][picture])));
            for (n, misfit) in curve.iter_mut().enumerate() {
                *misfit += reading.misfit(view.code(picture, *row, from + n as f64 * step_secs(view))?);
            }
        }
        // Two frames that mix look like the next two the other way round where the code turns back: what is nearer
        // than half a frame counts.
        let least = curve[near(steps)].iter().copied().fold(f64::INFINITY, f64::min);
        // What fits badly everywhere (somebody in front of the wall, a gamma that is wrong) says less.
        let variance = (least / spots.max(1) as f64).max(1.0);
        curve.iter_mut().for_each(|misfit| *misfit = (*misfit - least) / variance);
        Some((from, curve))
    };
    (0..view.pictures()).filter_map(of_picture).collect()
}

/// The steps less than 0.6 frames from the middle one.
fn near(steps: usize) -> std::ops::RangeInclusive<usize> {
    let reach = STEPS * 6 / 10;
    steps / 2 - reach..=steps / 2 + reach
}

fn step_secs(view: &View<'_>) -> f64 {
    view.frame_secs / STEPS as f64
}

/// The delay that explains all pictures best: the middle of the lowest stretch.
fn lowest(view: &View<'_>, curves: &[(f64, Vec<f64>)]) -> Option<f64> {
    let (from, first) = curves.first()?;
    let total = |n: usize| curves.iter().map(|(_, curve)| curve[n].clamp(0.0, MISFIT_CAP)).sum::<f64>();
    let totals: Vec<(usize, f64)> = near(first.len() - 1).map(|n| (n, total(n))).collect();
    let least = totals.iter().map(|(_, total)| *total).fold(f64::INFINITY, f64::min);
    let low = totals.iter().filter(|(_, total)| *total <= least + MISFIT);
    median(&low.map(|(n, _)| from + *n as f64 * step_secs(view)).collect::<Vec<f64>>())
}

/// The stretch around the lowest point near the middle in which a picture's misfit stays small.
fn allowed(view: &View<'_>, from: f64, curve: &[f64]) -> Allowed {
    let least = near(curve.len() - 1).min_by(|x, y| curve[*x].total_cmp(&curve[*y])).unwrap_or(0);
    let at = |n: f64| from + n * step_secs(view);
    let crossing = |inside: usize, outside: usize| {
        let part = (MISFIT - curve[inside]) / (curve[outside] - curve[inside]);
        at(inside as f64 + part * (outside as f64 - inside as f64))
    };
    let left = curve[..least].iter().rposition(|misfit| *misfit > MISFIT).map(|n| crossing(n + 1, n));
    let right = curve[least..].iter().position(|misfit| *misfit > MISFIT).map(|n| crossing(least + n - 1, least + n));
    Allowed { from: left, to: right, best: at(least as f64 + vertex(curve, least)) }
}

/// How far from its lowest point a curve is lowest, in steps: what an exposure mixes is linear in the delay, so that
/// its misfit is a parabola.
fn vertex(curve: &[f64], least: usize) -> f64 {
    let around = least.checked_sub(1).and_then(|n| curve.get(n..n + 3));
    let Some(&[before, at, after]) = around else { return 0.0 };
    let bend = before - 2.0 * at + after;
    if bend > 0.0 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Delay, standard error and how many pictures saw a change.
fn combined(allowed: &[Allowed], frame_secs: f64) -> Option<(f64, f64, usize)> {
    let width = |allowed: &Allowed| Some(allowed.to? - allowed.from?);
    let sharp: Vec<f64> = allowed
        .iter()
        .filter(|one| width(one).is_some_and(|width| width < SHARP_FRAMES * frame_secs))
        .map(|one| one.best)
        .collect();
    if sharp.len() >= CHANGES {
        let (centre, error) = median_and_error(&sharp, STRETCHES)?;
        return Some((centre, error, sharp.len()));
    }
    let (from, to) = common(allowed)?;
    // As uncertain as a uniform distribution of that width.
    let found = (0.5 * (from + to), (to - from) / 12_f64.sqrt(), sharp.len());
    (to - from <= WORST_FRAMES * frame_secs).then_some(found)
}

/// The stretch that nearly all pictures allow.
fn common(allowed: &[Allowed]) -> Option<(f64, f64)> {
    let edges = || allowed.iter().flat_map(|one| [one.from, one.to]).flatten();
    let mut places: Vec<f64> = edges().collect();
    places.sort_unstable_by(f64::total_cmp);
    let holds = |at: f64| {
        let inside = |one: &&Allowed| one.from.is_none_or(|from| from <= at) && one.to.is_none_or(|to| at <= to);
        allowed.iter().filter(inside).count() as f64
    };
    let middles: Vec<(f64, f64, f64)> =
        places.windows(2).map(|pair| (pair[0], pair[1], holds(0.5 * (pair[0] + pair[1])))).collect();
    let best = middles.iter().max_by(|x, y| x.2.total_cmp(&y.2))?;
    let good = |n: &usize| middles[*n].2 >= NEARLY_ALL * best.2;
    let centre = middles.iter().position(|middle| middle == best)?;
    let first = (0..=centre).rev().take_while(good).last()?;
    let last = (centre..middles.len()).take_while(good).last()?;
    Some((middles[first].0, middles[last].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(from: f64, to: f64) -> Allowed {
        Allowed { from: Some(from), to: Some(to), best: 0.5 * (from + to) }
    }

    #[test]
    fn changes_seen_count_more_than_what_is_merely_possible() {
        let mut all = vec![allow(0.0, 0.9); 50];
        all.extend((0..20).map(|n| allow(0.60 + 0.001 * f64::from(n), 0.62 + 0.001 * f64::from(n))));
        // One odd picture.
        all.push(allow(0.1, 0.12));
        let (centre, error, changes) = combined(&all, 1.0).unwrap();
        assert!((centre - 0.62).abs() < 0.002 && error < 0.005, "{centre} {error}");
        assert_eq!(changes, 21);
    }

    #[test]
    fn without_changes_the_middle_of_what_all_allow_is_taken() {
        let all: Vec<Allowed> =
            (0..100).map(|n| allow(0.2 + 0.002 * f64::from(n % 50), 0.7 - 0.002 * f64::from(n % 40))).collect();
        let (centre, error, changes) = combined(&all, 1.0).unwrap();
        assert!((centre - 0.46).abs() < 0.01, "{centre}");
        assert!((error - 0.35 / 12_f64.sqrt()).abs() < 0.01, "{error}");
        assert_eq!(changes, 0);
        assert_eq!(combined(&[allow(0.0, 0.8); 30], 1.0), None, "too much is left open");
        assert_eq!(combined(&[Allowed { from: None, to: None, best: 0.5 }; 30], 1.0), None);
    }
}
