//! The camera as something that sways: the best linear prediction from the last second, by what was learned of its
//! spectrum.
//!
//! Entries are averaged into blocks that grow with age. Their covariance is known from [`super::spectrum`], so that
//! the most likely place at another instant is a weighted sum of them (N. Wiener, "Extrapolation, Interpolation, and
//! Smoothing of Stationary Time Series", 1949; in its finite form Gaussian process regression). A constant place and
//! a constant speed of unknown size are part of the model.

use super::series::{Series, Times};
use super::spectrum::Learned;
use super::{HORIZONS, Review};
use nalgebra::Vector3;

/// The edges of the blocks, in entries before the newest.
const EDGES: [usize; BLOCKS + 1] =
    [0, 1, 2, 4, 6, 9, 12, 15, 19, 23, 27, 32, 37, 42, 48, 54, 60, 67, 75, 83, 91, 99, 108, 117];
const BLOCKS: usize = 23;
/// The blocks end here at the latest.
const REACH_SECS: f64 = 1.0;
/// A block counts if so much of it is filled.
const FILLED: f64 = 0.6;
/// Below so many blocks nothing is said.
const FEWEST: usize = 6;
/// Surprises of the newest so many seconds count against it.
const SURPRISE_SECS: f64 = 0.045;
/// Past predictions of so many seconds are compared with what came.
const REVIEW_SECS: f64 = 0.15;

/// Covariance between the blocks of a feed with a usual distance between entries.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    len: usize,
    covariance: Box<[[f64; BLOCKS]; BLOCKS]>,
    /// Middle of each block, seconds before the newest entry.
    middle: [f64; BLOCKS],
    /// Variance of the unknown constant place.
    place: f64,
    /// Variance of the unknown constant speed.
    speed: f64,
    /// Variance of the sway.
    whole: f64,
}

impl Blocks {
    pub(super) fn new(table: &[f64], slope: f64, step_secs: f64) -> Blocks {
        let len = EDGES.iter().skip(1).take_while(|edge| **edge as f64 * step_secs <= REACH_SECS).count();
        let nodes = EDGES[len];
        let at: Vec<f64> = (0..nodes.max(1)).map(|n| Learned::covariance(table, n as f64 * step_secs).0).collect();
        let mut covariance = Box::new([[0.0; BLOCKS]; BLOCKS]);
        let mut middle = [0.0; BLOCKS];
        for i in 0..len {
            middle[i] = 0.5 * (EDGES[i] + EDGES[i + 1] - 1) as f64 * step_secs;
            for j in 0..=i {
                let pairs = (EDGES[i]..EDGES[i + 1]).flat_map(|a| (EDGES[j]..EDGES[j + 1]).map(move |b| a.abs_diff(b)));
                let sum: f64 = pairs.map(|lag| at[lag]).sum();
                covariance[i][j] = sum / ((EDGES[i + 1] - EDGES[i]) * (EDGES[j + 1] - EDGES[j])) as f64;
                covariance[j][i] = covariance[i][j];
            }
        }
        let whole = table[0];
        let place = 1e3 * (whole + 1e-8) + slope * REACH_SECS * REACH_SECS;
        Blocks { len, covariance, middle, place, speed: slope, whole }
    }
}

/// A second of a series, conditioned: rows are blocks, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Sway {
    rows: usize,
    /// Which block each row is.
    block: [usize; BLOCKS],
    factor: [[f64; BLOCKS]; BLOCKS],
    /// What each row adds to those before, in units of what was expected of it.
    news: [Vector3<f64>; BLOCKS],
    /// Where the newest entry is, seconds from the newest sample.
    secs: f64,
    step_secs: f64,
    /// How much more the newest rows surprise than they should, as a logarithm.
    pub(super) surprise: f64,
}

impl Sway {
    /// `None` if too little is there.
    pub(super) fn condition(times: &Times, series: &Series, learned: &Learned, step_secs: f64) -> Option<Self> {
        let blocks = &learned.blocks;
        let (values, counts) = gather(times, series, blocks, step_secs);
        let mut sway = Self {
            rows: 0,
            block: [0; BLOCKS],
            factor: [[0.0; BLOCKS]; BLOCKS],
            news: [Vector3::zeros(); BLOCKS],
            secs: times.secs[0],
            step_secs,
            surprise: 0.0,
        };
        for block in (0..blocks.len).rev().filter(|block| counts[*block] > 0.0) {
            sway.add(block, values[block], series.noise / counts[block], blocks);
        }
        sway.judge(blocks);
        if super::knob("DBG", 0.0) > 0.0 {
            eprintln!(
                "rows {} step {:.5} noise {:.5} whole {:.4} mm used {} z {:.3} {:.3}",
                sway.rows,
                step_secs,
                series.noise.sqrt() * 1e3,
                blocks.whole.sqrt() * 1e3,
                (0..times.len).filter(|i| !series.used[*i]).count(),
                (sway.news[..sway.rows].iter().map(|n| n.norm_squared()).sum::<f64>() / sway.rows as f64 / 3.0),
                sway.surprise
            );
        }
        (sway.rows >= FEWEST).then_some(sway)
    }

    /// One more row of the Cholesky factor.
    fn add(&mut self, block: usize, value: Vector3<f64>, noise: f64, blocks: &Blocks) {
        let n = self.rows;
        self.block[n] = block;
        let (time, mut rest) = (blocks.middle[block], value);
        let with =
            |other: usize| blocks.covariance[block][other] + blocks.place + blocks.speed * time * blocks.middle[other];
        let mut row = [0.0; BLOCKS];
        let mut variance = with(block) + noise;
        for j in 0..n {
            let above = &self.factor[j];
            let sum: f64 = row[..j].iter().zip(&above[..j]).map(|(a, b)| a * b).sum();
            row[j] = (with(self.block[j]) - sum) / above[j];
            variance -= row[j] * row[j];
            rest -= self.news[j] * row[j];
        }
        row[n] = variance.max(0.5 * noise).max(1e-18).sqrt();
        self.news[n] = rest / row[n];
        self.factor[n] = row;
        self.rows += 1;
    }

    fn judge(&mut self, blocks: &Blocks) {
        let new = |row: &usize| blocks.middle[self.block[*row]] <= SURPRISE_SECS;
        let (square, count) = (0..self.rows)
            .rev()
            .take_while(new)
            .fold((0.0, 0.0), |(square, count), row| (square + self.news[row].norm_squared(), count + 3.0));
        let usual = count + 2.0 * (2.0_f64 * count).sqrt();
        self.surprise = 0.5 * (square - usual).max(0.0);
    }

    /// How well the newest rows would have been predicted from those some horizons older: a row of the factor says
    /// how it follows from the rows before, so this costs nothing.
    pub(super) fn review(&self, blocks: &Blocks) -> Review {
        let mut review = Review::default();
        for (n, horizon) in HORIZONS.into_iter().enumerate() {
            for row in (0..self.rows).rev() {
                let secs = blocks.middle[self.block[row]];
                let known = (0..row).take_while(|j| blocks.middle[self.block[*j]] >= secs + horizon).count();
                if secs > REVIEW_SECS || known < FEWEST {
                    break;
                }
                let apart: Vector3<f64> = (known..=row).map(|j| self.news[j] * self.factor[row][j]).sum();
                review.square[n] += apart.norm_squared() / 3.0;
                review.count[n] += 1.0;
            }
            if review.count[n] > 0.0 {
                review.square[n] /= review.count[n];
            }
        }
        review
    }

    /// Place, speed and variance per axis `secs` after the newest sample.
    pub(super) fn at(&self, secs: f64, learned: &Learned) -> (Vector3<f64>, Vector3<f64>, f64) {
        let blocks = &learned.blocks;
        let ahead = secs - self.secs;
        let (mut place, mut speed) = (Vector3::zeros(), Vector3::zeros());
        let mut variance = blocks.whole + blocks.place + blocks.speed * ahead * ahead;
        let (mut weights, mut slopes) = ([0.0; BLOCKS], [0.0; BLOCKS]);
        for row in 0..self.rows {
            let (along, slope) = self.with_block(ahead, self.block[row], learned);
            let above = &self.factor[row];
            let known: f64 = weights[..row].iter().zip(&above[..row]).map(|(a, b)| a * b).sum();
            let known_slope: f64 = slopes[..row].iter().zip(&above[..row]).map(|(a, b)| a * b).sum();
            weights[row] = (along - known) / above[row];
            slopes[row] = (slope - known_slope) / above[row];
            place += self.news[row] * weights[row];
            speed += self.news[row] * slopes[row];
            variance -= weights[row] * weights[row];
        }
        (place, speed, variance.max(0.0))
    }

    /// Covariance of the place `ahead` of the newest entry with a block, and how it changes with `ahead`.
    fn with_block(&self, ahead: f64, block: usize, learned: &Learned) -> (f64, f64) {
        let (from, to) = (EDGES[block], EDGES[block + 1]);
        let (mut sum, mut slope) = (0.0, 0.0);
        for node in from..to {
            let (covariance, change) = Learned::covariance(&learned.table, ahead + node as f64 * self.step_secs);
            sum += covariance;
            slope += change;
        }
        let (part, blocks) = (1.0 / (to - from) as f64, &learned.blocks);
        let back = -blocks.middle[block];
        (sum * part + blocks.place + blocks.speed * ahead * back, slope * part + blocks.speed * back)
    }
}

/// The means of the blocks and how many samples are in each; blocks with gaps count for nothing.
fn gather(times: &Times, series: &Series, blocks: &Blocks, step_secs: f64) -> ([Vector3<f64>; BLOCKS], [f64; BLOCKS]) {
    let (mut values, mut counts, mut lags) = ([Vector3::zeros(); BLOCKS], [0.0; BLOCKS], [0.0; BLOCKS]);
    let mut entries = [0.0; BLOCKS];
    let mut block = 0;
    for i in 0..times.len {
        let lag = (times.secs[0] - times.secs[i]) / step_secs;
        while block < blocks.len && lag >= EDGES[block + 1] as f64 - 0.5 {
            block += 1;
        }
        if block == blocks.len {
            break;
        }
        if series.used[i] {
            values[block] += series.values[i] * times.count[i];
            lags[block] += lag * step_secs * times.count[i];
            counts[block] += times.count[i];
            entries[block] += 1.0;
        }
    }
    for block in 0..blocks.len {
        let length = (EDGES[block + 1] - EDGES[block]) as f64;
        if entries[block] < FILLED * length {
            counts[block] = 0.0;
        } else {
            values[block] /= counts[block];
            lags[block] /= counts[block];
        }
    }
    (aligned(&values, &lags, &counts, blocks), counts)
}

/// The blocks' means moved from when they are to where the blocks' middles are, along the line through the blocks on
/// either side: samples do not come as evenly as the model has them.
fn aligned(
    values: &[Vector3<f64>; BLOCKS],
    lags: &[f64; BLOCKS],
    counts: &[f64; BLOCKS],
    blocks: &Blocks,
) -> [Vector3<f64>; BLOCKS] {
    let mut moved = *values;
    let filled = |block: &usize| counts[*block] > 0.0;
    for block in (0..blocks.len).filter(filled) {
        let newer = (0..block).rev().find(filled).unwrap_or(block);
        let older = (block + 1..blocks.len).find(filled).unwrap_or(block);
        if older > newer {
            let slope = (values[older] - values[newer]) / (lags[older] - lags[newer]);
            moved[block] += slope * (blocks.middle[block] - lags[block]);
        }
    }
    moved
}
