//! Pictures, frames and the camera's timing together: what any spot should have seen at any delay.

use super::super::exposed::{Exposed, Shown};
use super::super::fit::{median, scale};
use super::super::spots::Spots;
use super::CameraTiming;
use cyc_core::{Rate, StageTime};

/// An exposure tells the time if so much of it does.
const TELLS_TIME: f64 = 0.999;

/// Everything that is known, in seconds after the first frame was handed over.
pub(super) struct View<'a> {
    pub spots: &'a Spots,
    pub shown: &'a Shown,
    /// One frame of the wall.
    pub frame_secs: f64,
    /// When each picture's first line began its exposure.
    begins: Vec<f64>,
    exposure_secs: f64,
    /// How much later each row of spots is exposed.
    row_secs: Vec<f64>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        timing: &CameraTiming,
        spots: &'a Spots,
        begins: &[StageTime],
        shown: &'a Shown,
        rate: Rate,
    ) -> Self {
        let readout = timing.readout_nanos as f64 * 1e-9;
        let part = |row: usize| {
            let down = spots.height_of(row);
            if timing.lines_down { down } else { 1.0 - down }
        };
        let begins: Vec<f64> = begins.iter().map(|at| at.secs_since(shown.origin)).collect();
        Self {
            spots,
            shown,
            frame_secs: f64::from(rate.den()) / f64::from(rate.num()),
            begins: steadied(&begins),
            exposure_secs: timing.exposure_nanos as f64 * 1e-9,
            row_secs: (0..spots.size[1]).map(|row| readout * part(row)).collect(),
        }
    }

    pub(super) fn pictures(&self) -> usize {
        self.begins.len()
    }

    /// Pictures whose exposure lies within the frames, if light took no time.
    pub(super) fn pictures_inside(&self) -> usize {
        let inside = |begin: &&f64| **begin >= 0.0 && **begin + self.exposure_secs <= self.shown.span_secs();
        self.begins.iter().filter(inside).count()
    }

    /// The exposure of a row of spots, as times at which what it saw was handed over.
    fn window(&self, picture: usize, row: usize, delay: f64) -> (f64, f64) {
        let from = self.begins[picture] + self.row_secs[row] - delay;
        (from, from + self.exposure_secs)
    }

    /// What a row of spots saw of the code if light came `delay` after hand-over; `None` where that tells no time.
    pub(super) fn code(&self, picture: usize, row: usize, delay: f64) -> Option<[f64; 2]> {
        let (from, to) = self.window(picture, row, delay);
        let tells = |exposed: &Exposed| exposed.timing > TELLS_TIME;
        self.shown.mean(from, to).filter(tells).map(|exposed| exposed.code)
    }

    /// Which parts of its exposure a row of spots saw each bit of the source's number.
    pub(super) fn source_shares(&self, picture: usize, row: usize, delay: f64) -> Option<[f64; 8]> {
        let (from, to) = self.window(picture, row, delay);
        self.shown.source_shares(from, to)
    }
}

/// Begins on the camera's own beat, where it has one: stamps jitter, a sensor's clock does not.
///
/// A straight line through the stamps, the picture's number counted by whole intervals, so that a lost picture does
/// not matter: by medians first (Theil, 1950), then by least squares without what is far from it. Stamps more than a
/// tenth of an interval off such a line are a camera without a beat, and stay.
fn steadied(begins: &[f64]) -> Vec<f64> {
    beat(begins).map_or_else(|| begins.to_vec(), |(numbers, line)| numbers.iter().map(|n| line.at(*n)).collect())
}

#[derive(Clone, Copy)]
struct Line {
    start: f64,
    slope: f64,
}

impl Line {
    fn at(&self, number: f64) -> f64 {
        self.start + self.slope * number
    }

    /// Least squares; `None` of fewer than two different numbers.
    fn through(points: &[(f64, f64)]) -> Option<Line> {
        let count = points.len() as f64;
        let sum = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
        let (x, y) = (sum(&|p| p.0) / count, sum(&|p| p.1) / count);
        let slope = sum(&|p| (p.0 - x) * (p.1 - y)) / sum(&|p| (p.0 - x) * (p.0 - x));
        slope.is_finite().then_some(Line { start: y - slope * x, slope })
    }
}

/// The number of each picture on the camera's beat, and the beat.
fn beat(begins: &[f64]) -> Option<(Vec<f64>, Line)> {
    let intervals: Vec<f64> = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let usual = median(&intervals).filter(|usual| *usual > 1e-4)?;
    let mut number = 0.0;
    let counted = intervals.iter().map(|interval| {
        number += (interval / usual).round();
        number
    });
    let numbers: Vec<f64> = [0.0].into_iter().chain(counted).collect();
    let half = begins.len() / 2;
    let slope = |n: usize| (begins[n] - begins[n - half]) / (numbers[n] - numbers[n - half]);
    let slope = median(&(half..begins.len()).map(slope).collect::<Vec<f64>>())?;
    let starts: Vec<f64> = begins.iter().zip(&numbers).map(|(at, number)| at - slope * number).collect();
    let mut line = Line { start: median(&starts)?, slope };
    for _ in 0..3 {
        let off: Vec<f64> = begins.iter().zip(&numbers).map(|(at, number)| at - line.at(*number)).collect();
        let scale = scale(&off, 0.0);
        if scale > 0.1 * usual {
            return None;
        }
        let near = |n: &usize| off[*n].abs() <= 3.0 * scale;
        line = Line::through(&(0..off.len()).filter(near).map(|n| (numbers[n], begins[n])).collect::<Vec<_>>())?;
    }
    Some((numbers, line))
}

#[cfg(test)]
mod tests {
    use super::steadied;

    #[test]
    fn jitter_is_taken_out_lost_pictures_stay_lost() {
        let jitter = |n: u32| f64::from(n * 7919 % 13) / 13.0 * 0.006 - 0.003;
        let truth: Vec<f64> = (0..200).filter(|n| n % 17 != 5).map(|n| 0.5 + f64::from(n) * 0.0417).collect();
        let stamps: Vec<f64> = truth.iter().enumerate().map(|(n, at)| at + jitter(n as u32)).collect();
        for (steady, truth) in steadied(&stamps).iter().zip(&truth) {
            assert!((steady - truth).abs() < 1e-3, "{steady} {truth}");
        }
    }

    #[test]
    fn stamps_without_a_beat_stay_as_they_are() {
        let stamps: Vec<f64> = (0..50_u32).map(|n| f64::from(n) * 0.04 + f64::from(n * n % 7) * 0.02).collect();
        assert_eq!(steadied(&stamps), stamps);
        assert_eq!(steadied(&[1.0]), [1.0]);
        assert_eq!(steadied(&[1.0, 1.0, 1.0]), [1.0; 3]);
    }
}
