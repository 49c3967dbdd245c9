//! Errors over a whole run, for every step and background.

use crate::chain::{STEPS, Shown, drawn_pupil};
use crate::oracle::{Background, SENSOR_MM, error_px, look};
use crate::truth::Truth;

/// The backgrounds of the table.
pub const BACKGROUNDS: [Background; 3] = [Background::Infinity, Background::Plane(20.0), Background::Plane(6.0)];
/// Sensor points looked at: so many across and down, edges included.
const GRID: [i32; 2] = [3, 7];
/// The filters have settled by then, seconds.
pub const SETTLED_SECS: f64 = 4.0;

/// The errors of one frame, in pixels: by step, background and sensor point.
pub struct FrameErrors {
    /// When the middle row is exposed, seconds.
    pub secs: f64,
    /// `[step][background]`, all sensor points.
    pub px: [[Vec<f64>; 3]; 5],
}

/// Looks through the camera at every frame whose exposure begins after [`SETTLED_SECS`].
pub fn errors(truth: &dyn Truth, shown: &[Shown]) -> Vec<FrameErrors> {
    let settled = shown.iter().filter(|shown| shown.first_row_secs > SETTLED_SECS);
    settled.map(|shown| frame_errors(truth, shown)).collect()
}

fn frame_errors(truth: &dyn Truth, shown: &Shown) -> FrameErrors {
    let mut px: [[Vec<f64>; 3]; 5] = Default::default();
    for i in 0..GRID[0] * GRID[1] {
        let part = |n: i32, of: i32| f64::from(n) / f64::from(of - 1) - 0.5;
        let mm = [part(i % GRID[0], GRID[0]) * SENSOR_MM[0], part(i / GRID[0], GRID[1]) * SENSOR_MM[1]];
        let Some(point) = look(truth, mm, shown.first_row_secs) else { continue };
        for step in 0..STEPS.len() {
            let Some(pupil) = shown.views[step].and_then(|view| drawn_pupil(&view, &point.wall_m)) else { continue };
            for (n, background) in BACKGROUNDS.into_iter().enumerate() {
                px[step][n].push(error_px(truth, &point, &pupil, background));
            }
        }
    }
    FrameErrors { secs: shown.first_row_secs + 0.5 * crate::oracle::READOUT_SECS, px }
}

/// Root mean square, 99 % and largest.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// Root mean square.
    pub rms: f64,
    /// Below this lie 99 %.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// Of all sensor points of the frames that `counts`, for every step.
pub fn summary(errors: &[FrameErrors], background: usize, counts: impl Fn(f64) -> bool) -> [Summary; 5] {
    std::array::from_fn(|step| {
        let frames = errors.iter().filter(|frame| counts(frame.secs));
        let mut px: Vec<f64> = frames.flat_map(|frame| frame.px[step][background].iter().copied()).collect();
        px.sort_unstable_by(f64::total_cmp);
        let rms = (px.iter().map(|px| px * px).sum::<f64>() / px.len().max(1) as f64).sqrt();
        let at = |part: f64| px.get(((px.len().max(1) - 1) as f64 * part).round() as usize).copied().unwrap_or(0.0);
        Summary { rms, p99: at(0.99), max: at(1.0) }
    })
}
