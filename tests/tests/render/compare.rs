//! How far a picture is from what it should be.

/// Errors of many pixels: the largest of the three channels each, in 1/255.
#[derive(Default)]
pub struct Errors(Vec<f32>);

impl Errors {
    /// Adds a pixel: code values 0..=1.
    pub fn add(&mut self, found: [f64; 3], expected: [f64; 3]) {
        self.0.extend((0..3).map(|c| (255.0 * (found[c] - expected[c]).abs()) as f32));
    }

    /// Pixels seen.
    pub fn pixels(&self) -> usize {
        self.0.len() / 3
    }

    /// The error that a part (0..=1) of the channels does not exceed.
    pub fn percentile(&mut self, part: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return 0.0 };
        let (_, value, _) = self.0.select_nth_unstable_by((part * last as f64).round() as usize, f32::total_cmp);
        f64::from(*value)
    }
}

/// Fits how far a picture is moved from the expected one: least squares of `found - expected` on the expected
/// picture's gradients. `expected` and `found` have a pixel per place, `None` where it does not count.
pub struct Shift {
    normal: [[f64; 2]; 2],
    right: [f64; 2],
}

impl Shift {
    /// Of one wall. `used` says which pixels count; `expected` must be there around them.
    pub fn fit(
        size_px: [usize; 2],
        expected: &[Option<[f64; 3]>],
        found: impl Fn(usize, usize) -> Option<[f64; 3]>,
        used: impl Fn(usize) -> bool,
    ) -> Option<[f64; 2]> {
        let [width, height] = size_px;
        let mut sums = Self { normal: [[0.0; 2]; 2], right: [0.0; 2] };
        for (x, y) in (1..height.saturating_sub(1)).flat_map(|y| (1..width - 1).map(move |x| (x, y))) {
            let at = y * width + x;
            if !used(at) {
                continue;
            }
            let around = [at - 1, at + 1, at - width, at + width].map(|place| expected[place]);
            let ([Some(left), Some(right), Some(above), Some(below)], Some(here), Some(found)) =
                (around, expected[at], found(x, y))
            else {
                continue;
            };
            for c in 0..3 {
                let gradient = [(right[c] - left[c]) / 2.0, (below[c] - above[c]) / 2.0];
                sums.add(gradient, found[c] - here[c]);
            }
        }
        sums.solve()
    }

    fn add(&mut self, gradient: [f64; 2], difference: f64) {
        for (i, a) in gradient.into_iter().enumerate() {
            self.right[i] += a * difference;
            for (j, b) in gradient.into_iter().enumerate() {
                self.normal[i][j] += a * b;
            }
        }
    }

    fn solve(&self) -> Option<[f64; 2]> {
        let [[a, b], [_, d]] = self.normal;
        let determinant = a * d - b * b;
        let [p, q] = self.right;
        (determinant > 1e-12).then(|| [(d * p - b * q) / determinant, (a * q - b * p) / determinant])
    }
}
