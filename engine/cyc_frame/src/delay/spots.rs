//! A camera's pictures as time series of spots, each the mean light of a small rectangle.

/// Spots across a picture, at most: a cell of the pattern should be two or more of them wide.
const MAX_COLUMNS: usize = 160;
/// Spots down a picture, at most.
const MAX_ROWS: usize = 120;
/// Steps of the table that undoes the camera's gamma.
const LEVELS: usize = 4096;

/// Spots of many pictures of one size.
pub(super) struct Spots {
    size_px: [usize; 2],
    /// Columns and rows.
    pub size: [usize; 2],
    linear: Vec<f32>,
    /// A picture each, row by row: light, 1.0 = the camera's white.
    pub pictures: Vec<Vec<f32>>,
}

impl Spots {
    /// For pictures of `size_px` whose values are the `gamma`-th root of light.
    pub(super) fn new(size_px: [usize; 2], gamma: f64) -> Self {
        let [width, height] = size_px;
        let linear = (0..LEVELS).map(|n| (n as f64 / (LEVELS - 1) as f64).powf(gamma) as f32).collect();
        Self { size_px, size: [width.min(MAX_COLUMNS), height.min(MAX_ROWS)], linear, pictures: Vec::new() }
    }

    /// Whether `luma` is a picture of the size that the others have.
    pub(super) fn fits(&self, size_px: [usize; 2]) -> bool {
        self.size_px == size_px
    }

    /// Adds a picture of `size_px`; what is no number counts as black.
    pub(super) fn push(&mut self, luma: &[f32]) {
        let [columns, rows] = self.size;
        let mut sums = vec![(0.0_f32, 0.0_f32); columns * rows];
        for (y, line) in luma.chunks_exact(self.size_px[0].max(1)).take(self.size_px[1]).enumerate() {
            let row = y * rows / self.size_px[1];
            for (x, value) in line.iter().enumerate() {
                let (sum, count) = &mut sums[row * columns + x * columns / self.size_px[0]];
                let level = (value.clamp(0.0, 1.0) * (LEVELS - 1) as f32 + 0.5) as usize;
                *sum += self.linear[level.min(LEVELS - 1)];
                *count += 1.0;
            }
        }
        self.pictures.push(sums.into_iter().map(|(sum, count)| sum / count.max(1.0)).collect());
    }

    /// How far down the picture a row of spots lies, 0 the top, 1 the bottom.
    pub(super) fn height_of(&self, row: usize) -> f64 {
        (row as f64 + 0.5) / self.size[1] as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spots_are_means_of_linear_light() {
        let mut spots = Spots::new([320, 2], 2.0);
        assert_eq!(spots.size, [160, 2]);
        let mut luma = vec![0.5_f32; 640];
        luma[0] = 1.0;
        luma[1] = f32::NAN;
        spots.push(&luma);
        let first = &spots.pictures[0];
        assert!((first[0] - 0.5).abs() < 1e-3 && (first[1] - 0.25).abs() < 1e-3 && first.len() == 320);
        assert_eq!([spots.height_of(0), spots.height_of(1)], [0.25, 0.75]);
        assert!(spots.fits([320, 2]) && !spots.fits([2, 320]));
    }
}
