//! Which spots of the picture follow the pattern, at about which delay, and whose they are.

use super::super::fit::median;
use super::super::pattern::source_of;
use super::view::View;
use std::collections::BTreeMap;

/// Delays that are looked at, frames: stamps may be early by two, and no wall is later than thirty.
const DELAYS_FRAMES: (f64, f64) = (-2.0, 30.0);
/// Step between them, frames.
const STEP_FRAMES: f64 = 0.5;
/// Of so many spots each way one is held against all delays.
const SPARSE: usize = 3;
/// A spot follows the pattern if that explains so much of its changes.
const FOLLOWS: f64 = 0.3;
/// With fewer pictures anything explains anything.
const LEAST_PICTURES: f64 = 24.0;
/// The least number of spots of an output.
const LEAST_SPOTS: usize = 12;
/// A picture tells a bit of the source's number if so much of its exposure shows it.
const TELLS_BIT: f64 = 0.7;
/// A bit is one if it is so far from the middle, 1 being a whole cell's.
const SURE: f64 = 0.4;

/// Spots of one output.
pub(super) struct Group {
    pub source: u32,
    /// Their delay, seconds, to about half a frame.
    pub delay: f64,
    /// Their places in the picture: spot and row.
    pub spots: Vec<(usize, usize)>,
}

/// What explains a spot: `mean + gain . code`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Explained {
    pub mean: f64,
    pub gain: [f64; 2],
    /// The part of the spot's variance that this explains.
    pub part: f64,
    /// Variance that it leaves.
    pub left: f64,
}

/// What a row of spots saw at one delay, a value a picture; all zero where a picture does not count.
pub(super) struct Model {
    counts: Vec<f32>,
    code: [Vec<f32>; 2],
    /// Sums over pictures: of 1, of both bits, and of their products.
    count: f64,
    sums: [f64; 2],
    products: [f64; 3],
}

impl Model {
    pub(super) fn new(view: &View<'_>, row: usize, delay: f64) -> Self {
        let pictures = view.pictures();
        let (mut counts, mut code) = (vec![0.0_f32; pictures], [vec![0.0_f32; pictures], vec![0.0_f32; pictures]]);
        let (mut count, mut sums, mut products) = (0.0, [0.0; 2], [0.0; 3]);
        for picture in 0..pictures {
            let Some([x, y]) = view.code(picture, row, delay) else { continue };
            (counts[picture], code[0][picture], code[1][picture]) = (1.0, x as f32, y as f32);
            count += 1.0;
            sums = [sums[0] + x, sums[1] + y];
            products = [products[0] + x * x, products[1] + x * y, products[2] + y * y];
        }
        Self { counts, code, count, sums, products }
    }

    /// The least-squares explanation of a spot; `None` where pictures are too few or do not tell the bits apart.
    pub(super) fn explain(&self, series: &[f32]) -> Option<Explained> {
        if self.count < LEAST_PICTURES {
            return None;
        }
        let n = self.count;
        let (sum, square) = (dot(&self.counts, series), dot_square(&self.counts, series));
        let [first, second] = [dot(&self.code[0], series), dot(&self.code[1], series)];
        let [x, y] = self.sums;
        let [xx, xy, yy] = [self.products[0] - x * x / n, self.products[1] - x * y / n, self.products[2] - y * y / n];
        let [xs, ys, variance] = [first - x * sum / n, second - y * sum / n, square - sum * sum / n];
        let determinant = xx * yy - xy * xy;
        if determinant <= 1e-3 * n * n || variance <= 0.0 {
            return None;
        }
        let gain = [(yy * xs - xy * ys) / determinant, (xx * ys - xy * xs) / determinant];
        let explained = (gain[0] * xs + gain[1] * ys).clamp(0.0, variance);
        Some(Explained {
            mean: (sum - gain[0] * x - gain[1] * y) / n,
            gain,
            part: explained / variance,
            left: (variance - explained) / (n - 3.0),
        })
    }
}

/// Sums in eight lanes, which the compiler can keep in registers.
fn dot(weights: &[f32], series: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; 8];
    let (a, b) = (weights.chunks_exact(8), series.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    f64::from(lanes.iter().sum::<f32>() + rest)
}

fn dot_square(weights: &[f32], series: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; 8];
    let (a, b) = (weights.chunks_exact(8), series.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y * y).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane] * b[lane];
        }
    }
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// A spot's light over all pictures, without its mean, so that sums keep their digits.
pub(super) fn series(view: &View<'_>, spot: usize) -> Vec<f32> {
    let pictures = &view.spots.pictures;
    let mean = pictures.iter().map(|picture| picture[spot]).sum::<f32>() / pictures.len().max(1) as f32;
    pictures.iter().map(|picture| picture[spot] - mean).collect()
}

/// The outputs in sight; where there are none, how well the best spot follows the pattern.
///
/// Every third spot each way is held against all delays; the others only against those that were found.
pub(super) fn groups(view: &View<'_>) -> Result<Vec<Group>, f64> {
    let (from, to) = DELAYS_FRAMES;
    let steps = ((to - from) / STEP_FRAMES) as usize;
    let all: Vec<f64> = (0..=steps).map(|n| (from + n as f64 * STEP_FRAMES) * view.frame_secs).collect();
    let sparse = following(view, &all, SPARSE);
    let found = |delay: &&f64| {
        let near = |spot: &Following| (spot.delay - **delay).abs() < 1.1 * STEP_FRAMES * view.frame_secs;
        sparse.iter().any(|spot| spot.explained.part >= FOLLOWS && near(spot))
    };
    let delays: Vec<f64> = all.iter().filter(found).copied().collect();
    let mut sources = BTreeMap::<u32, Vec<Following>>::new();
    for spot in following(view, &delays, 1).into_iter().filter(|spot| spot.explained.part >= FOLLOWS) {
        if let Some(source) = source(view, &spot) {
            sources.entry(source).or_default().push(spot);
        }
    }
    let groups: Vec<Group> = sources.into_iter().filter_map(|(source, spots)| group(view, source, &spots)).collect();
    let best = sparse.iter().map(|spot| spot.explained.part).fold(0.0, f64::max);
    if groups.is_empty() { Err(best) } else { Ok(groups) }
}

/// A spot, the delay that explains it best, and how well.
struct Following {
    spot: usize,
    row: usize,
    delay: f64,
    explained: Explained,
    series: Vec<f32>,
}

/// Every `stride`-th spot each way that can be explained at all.
fn following(view: &View<'_>, delays: &[f64], stride: usize) -> Vec<Following> {
    let [columns, rows] = view.spots.size;
    let mut all = Vec::new();
    for row in (0..rows).step_by(stride) {
        let models: Vec<Model> = delays.iter().map(|delay| Model::new(view, row, *delay)).collect();
        for spot in (row * columns..(row + 1) * columns).step_by(stride) {
            let series = series(view, spot);
            let each = models.iter().zip(delays).filter_map(|(model, delay)| Some((model.explain(&series)?, *delay)));
            if let Some((explained, delay)) = each.max_by(|x, y| x.0.part.total_cmp(&y.0.part)) {
                all.push(Following { spot, row, delay, explained, series });
            }
        }
    }
    all
}

/// Whose a spot is.
fn source(view: &View<'_>, spot: &Following) -> Option<u32> {
    let Explained { mean, gain: [first, second], .. } = spot.explained;
    // While the number is shown the second bit of the code is the opposite of the first.
    let gain = first - second;
    if gain.abs() < 0.3 * first.hypot(second) {
        return None;
    }
    let mut sums = [(0.0, 0.0); 8];
    for (picture, value) in spot.series.iter().enumerate() {
        let Some(shares) = view.source_shares(picture, spot.row, spot.delay) else { continue };
        for (sum, share) in sums.iter_mut().zip(shares).filter(|(_, share)| *share >= TELLS_BIT) {
            sum.0 += share * (f64::from(*value) - mean) / gain;
            sum.1 += share * share;
        }
    }
    let values = sums.map(|(sum, weight)| if weight > 0.0 { sum / weight } else { 0.0 });
    if values.iter().any(|value| value.abs() < SURE) { None } else { source_of(values.map(|value| value > 0.0)) }
}

/// Spots of a source that agree on a delay.
fn group(view: &View<'_>, source: u32, spots: &[Following]) -> Option<Group> {
    let delay = median(&spots.iter().map(|spot| spot.delay).collect::<Vec<f64>>())?;
    let agree = spots.iter().filter(|spot| (spot.delay - delay).abs() <= view.frame_secs);
    let spots: Vec<(usize, usize)> = agree.map(|spot| (spot.spot, spot.row)).collect();
    (spots.len() >= LEAST_SPOTS).then_some(Group { source, delay, spots })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_and_rest_are_summed() {
        let values: Vec<f32> = (0..21).map(|n| n as f32).collect();
        assert_eq!(dot(&[2.0; 21], &values), 420.0);
        assert_eq!(dot_square(&[1.0; 21], &values), 2870.0);
    }
}
