//! Where a camera is at any instant: what senders send and what the report is held against.

use crate::oracle::{M3, V3, turned};

/// A smooth path that never ends.
#[derive(Clone, Copy)]
pub struct Path {
    /// CLOCK_MONOTONIC, nanoseconds.
    pub started: i64,
    /// So that cameras are at different places.
    pub phase: f64,
}

/// Between two instants in nanoseconds.
pub fn seconds_between(from: i64, to: i64) -> f64 {
    (to - from) as f64 * 1e-9
}

impl Path {
    /// Faster than it ever is, m/s.
    pub const MAX_SPEED: f64 = 0.51;

    /// Pan, tilt and roll at an instant, degrees: positive pan turns left.
    pub fn angles(&self, nanos: i64) -> [f64; 3] {
        let t = seconds_between(self.started, nanos) + self.phase;
        [20.0 * (0.7 * t).sin(), 5.0 * (0.3 * t).sin(), 3.0 * (0.5 * t).sin()]
    }

    /// Position and orientation at an instant.
    pub fn at(&self, nanos: i64) -> (V3, M3) {
        let t = seconds_between(self.started, nanos) + self.phase;
        let [pan, tilt, roll] = self.angles(nanos);
        (V3::new(0.5 * t.sin(), 0.2 * t.cos() - 1.0, 1.5), turned(pan, tilt, roll))
    }
}
