//! A world at infinity: an equirectangular picture in linear ACEScg.

use cyc_color::sphere;
use half::f16;

/// An equirectangular picture at infinity.
///
/// Row 0 is the zenith, the centre column is stage +Y, the column at three quarters of the width is +X, and the
/// seam is -Y ([`cyc_color::sphere`]). 1.0 is 100 cd/m2.
#[derive(Debug, Clone, PartialEq)]
pub struct Panorama {
    /// Pixels across: 360 degrees.
    pub width: u32,
    /// Pixels down: 180 degrees.
    pub height: u32,
    /// Row-major linear ACEScg, each in 0..=65504; alpha is 1.
    pub acescg: Vec<[f16; 4]>,
    /// Pixels whose numbers were negative, infinite or not numbers, and were clamped.
    pub clamped: u64,
}

/// A matrix as rows of `f32`, for pixel loops.
pub(crate) fn rows(m: &nalgebra::Matrix3<f64>) -> [[f32; 3]; 3] {
    m.transpose().cast::<f32>().into()
}

/// `rows x rgb`.
#[inline]
pub(crate) fn apply(rows: &[[f32; 3]; 3], rgb: [f32; 3]) -> [f32; 3] {
    rows.map(|row| row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2])
}

impl Panorama {
    /// An all-black picture to be filled by [`Panorama::set`].
    pub(crate) fn black(width: u32, height: u32) -> Self {
        let pixel = [f16::ZERO, f16::ZERO, f16::ZERO, f16::ONE];
        Self { width, height, acescg: vec![pixel; width as usize * height as usize], clamped: 0 }
    }

    /// Stores a pixel, clamped to what f16 holds; pixels outside are ignored.
    pub(crate) fn set(&mut self, x: usize, y: usize, acescg: [f32; 3], broken: bool) {
        let Some(pixel) = self.acescg.get_mut(y * self.width as usize + x) else { return };
        let [r, g, b] = acescg.map(|v| f16::from_f32(if v > 0.0 { v.min(65_504.0) } else { 0.0 }));
        *pixel = [r, g, b, f16::ONE];
        self.clamped += u64::from(broken);
    }

    /// The pixel at column `x`, row `y`; columns wrap, rows are clamped.
    pub fn pixel(&self, x: i64, y: i64) -> [f32; 3] {
        let (w, h) = (i64::from(self.width), i64::from(self.height));
        let index = y.clamp(0, h - 1) * w + x.rem_euclid(w);
        let [r, g, b, _] = self.acescg[index as usize].map(f16::to_f32);
        [r, g, b]
    }

    /// The light from `direction` (stage space), bilinear between pixel centres: the reference that the compose
    /// pass is held against.
    pub fn sample(&self, direction: [f64; 3]) -> [f32; 3] {
        let [u, v] = sphere::uv_from_direction(direction.into());
        let (x, y) = (u * f64::from(self.width) - 0.5, v * f64::from(self.height) - 0.5);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = ((x - x0) as f32, (y - y0) as f32);
        let at = |dx: i64, dy: i64| self.pixel(x0 as i64 + dx, y0 as i64 + dy);
        let (a, b, c, d) = (at(0, 0), at(1, 0), at(0, 1), at(1, 1));
        std::array::from_fn(|i| {
            let top = a[i] + (b[i] - a[i]) * fx;
            let bottom = c[i] + (d[i] - c[i]) * fx;
            top + (bottom - top) * fy
        })
    }

    /// The smaller levels, largest first, without this picture itself: each half of the one before (rounded
    /// down), until a level is 8 wide or 4 high. Exact box filter in linear light; a pixel never mixes the two
    /// sides of the seam wrongly, since columns are split by area.
    pub fn mips(&self) -> Vec<Panorama> {
        let mut levels: Vec<Panorama> = Vec::new();
        loop {
            let last = levels.last().unwrap_or(self);
            if last.width <= 8 || last.height <= 4 {
                return levels;
            }
            let next = halved(last);
            levels.push(next);
        }
    }
}

/// Which source indices cover destination `i`, with their weights; weights sum to 1.
fn cover(i: u32, from: u32, to: u32) -> Vec<(u32, f32)> {
    let ratio = f64::from(from) / f64::from(to);
    let (start, end) = (f64::from(i) * ratio, f64::from(i + 1) * ratio);
    let last = (end.ceil() as u32).min(from);
    (start.floor() as u32..last)
        .map(|s| (s, ((end.min(f64::from(s) + 1.0) - start.max(f64::from(s))) / ratio) as f32))
        .filter(|(_, weight)| *weight > 0.0)
        .collect()
}

fn halved(from: &Panorama) -> Panorama {
    let (width, height) = ((from.width / 2).max(1), (from.height / 2).max(1));
    let mut level = Panorama::black(width, height);
    let columns: Vec<_> = (0..width).map(|x| cover(x, from.width, width)).collect();
    for y in 0..height {
        let rows = cover(y, from.height, height);
        for (x, columns) in columns.iter().enumerate() {
            let mut sum = [0.0_f32; 3];
            for (sy, wy) in &rows {
                for (sx, wx) in columns {
                    let pixel = from.acescg[(sy * from.width + sx) as usize];
                    for (total, value) in sum.iter_mut().zip(pixel) {
                        *total += value.to_f32() * wx * wy;
                    }
                }
            }
            level.set(x, y as usize, sum, false);
        }
    }
    level
}
