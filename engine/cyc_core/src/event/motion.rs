//! Poses that no camera could have moved to.

use crate::StageTime;
use nalgebra::{Point3, Quaternion, UnitQuaternion, Vector3};

/// What noise and rounding explain of one pose, metres.
const STEADY_M: f64 = 0.01;
/// What they explain of its direction, radians.
const STEADY_RAD: f64 = 0.01;
/// Faster changes of speed than four times the fall's break a head, m/s^2.
const PULL_M_S2: f64 = 40.0;
/// Faster than the quickest whip pan begins, rad/s^2.
const TWIST_RAD_S2: f64 = 120.0;
/// Steps longer than this say nothing about the next one, seconds.
const LONGEST_STEP_SECS: f64 = 0.5;

/// A pose that is not where its movement would have taken it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jump {
    pub(super) moved_m: f64,
    pub(super) turned_rad: f64,
}

impl Jump {
    /// The worse of two in each respect.
    pub(super) fn worse(self, other: Jump) -> Jump {
        Jump { moved_m: self.moved_m.max(other.moved_m), turned_rad: self.turned_rad.max(other.turned_rad) }
    }
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: StageTime,
    position_m: Point3<f64>,
    orientation: UnitQuaternion<f64>,
    /// Metres and radians (rotation vector) per second, and over how many seconds; `None` right after a jump.
    speed: Option<(Vector3<f64>, Vector3<f64>, f64)>,
}

/// Follows the poses of one camera.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Movement {
    seen: Option<Seen>,
}

impl Movement {
    /// The next pose may be anywhere.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    /// The pose shown for `at`; a jump if the pose before, its speed and the sharpest change of it do not lead there.
    pub(super) fn step(&mut self, at: StageTime, position_m: [f64; 3], wxyz: [f64; 4]) -> Option<Jump> {
        let [w, x, y, z] = wxyz;
        let orientation = UnitQuaternion::try_new(Quaternion::new(w, x, y, z), 1e-6)?;
        let position_m = Point3::from(position_m);
        let before = self.seen.replace(Seen { at, position_m, orientation, speed: None })?;
        let secs = at.secs_since(before.at);
        if secs <= 0.0 || secs > LONGEST_STEP_SECS {
            return None;
        }
        let moved = position_m - before.position_m;
        let turned = (orientation * before.orientation.inverse()).scaled_axis();
        let beyond = before.speed.and_then(|(velocity, turn, over_secs)| {
            let (moved_m, turned_rad) = ((moved - velocity * secs).norm(), (turned - turn * secs).norm());
            // An error of the speed grows with the step; a change of speed acts from the middle of the step before.
            let (noise, pull) = (1.0 + secs / over_secs, secs * (secs + over_secs) / 2.0);
            let explained = (STEADY_M * noise + PULL_M_S2 * pull, STEADY_RAD * noise + TWIST_RAD_S2 * pull);
            (moved_m > explained.0 || turned_rad > explained.1).then_some(Jump { moved_m, turned_rad })
        });
        if beyond.is_none() {
            self.seen = Some(Seen { at, position_m, orientation, speed: Some((moved / secs, turned / secs, secs)) });
        }
        beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: f64 = 1.0 / 24.0;

    fn jumps(poses: impl IntoIterator<Item = ([f64; 3], f64)>) -> Vec<(usize, Jump)> {
        let mut movement = Movement::default();
        let step = |(n, (position, pan)): (usize, ([f64; 3], f64))| {
            let q = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), pan);
            let at = StageTime((n as f64 * FRAME * 1e9) as i64);
            movement.step(at, position, [q.w, q.i, q.j, q.k]).map(|jump| (n, jump))
        };
        poses.into_iter().enumerate().filter_map(step).collect()
    }

    #[test]
    fn a_hand_held_camera_a_dolly_that_starts_and_a_whip_pan_do_not_jump() {
        let tremor = |n: usize| {
            let t = n as f64 * FRAME;
            ([0.002 * (50.0 * t).sin(), 0.002 * (31.0 * t).cos(), 1.6], 0.01 * (40.0 * t).sin())
        };
        assert_eq!(jumps((0..500).map(tremor)), []);
        let dolly = |n: usize| ([(n as f64 - 20.0).max(0.0) * FRAME * 1.5, 0.0, 1.6], 0.0);
        assert_eq!(jumps((0..60).map(dolly)), []);
        // From rest to 300 degrees a second in a tenth of a second.
        let whip = |n: usize| {
            let t = (n as f64 * FRAME - 0.5).max(0.0);
            ([0.0; 3], 5.2 * if t < 0.1 { t * t / 0.2 } else { t - 0.05 })
        };
        assert_eq!(jumps((0..40).map(whip)), []);
    }

    #[test]
    fn an_origin_that_was_set_anew_is_one_jump_and_a_spike_two() {
        let found = jumps((0..50).map(|n| ([n as f64 * 0.01 + if n >= 20 { 0.3 } else { 0.0 }, 0.0, 1.6], 0.0)));
        assert_eq!(found.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [20]);
        assert!((found[0].1.moved_m - 0.3).abs() < 1e-9);
        let spike = jumps((0..50).map(|n| ([0.0; 3], if n == 20 { 0.5 } else { 0.0 })));
        assert_eq!(spike.first().map(|(n, _)| *n), Some(20));
        assert!(spike.len() <= 2);
    }

    #[test]
    fn frames_at_odd_distances_do_not_make_a_jump() {
        let mut movement = Movement::default();
        // Steps of 40 ms and of a microsecond in turn, with a tenth of a millimetre of noise.
        for n in 0..200_i64 {
            let at = StageTime(n / 2 * 40_001_000 + n % 2 * 1_000);
            let position = [0.04 * (n / 2) as f64 + 0.0001 * (n % 3) as f64, 0.0, 1.6];
            assert_eq!(movement.step(at, position, [1.0, 0.0, 0.0, 0.0]), None, "{n}");
        }
    }

    #[test]
    fn what_was_forgotten_and_what_is_no_rotation_is_no_jump() {
        let mut movement = Movement::default();
        let still = [1.0, 0.0, 0.0, 0.0];
        for n in 0..5 {
            assert_eq!(movement.step(StageTime(n * 40_000_000), [0.0; 3], still), None);
        }
        movement.forget();
        assert_eq!(movement.step(StageTime(200_000_000), [5.0; 3], still), None);
        assert_eq!(movement.step(StageTime(240_000_000), [f64::NAN; 3], [0.0; 4]), None);
        assert_eq!(movement.step(StageTime(280_000_000), [f64::NAN; 3], still), None);
    }
}
