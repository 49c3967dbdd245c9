//! How much wider than the sensor the inner picture must be while the camera turns.
//!
//! A picture shown `t` seconds after the pose it was drawn for is looked at by a camera that has turned by `omega t`.
//! For small angles the sensor's edge then needs `1 + 2 omega t / fov` (linear, on the sensor's half size); the exact
//! form here holds for any angle.

use cyc_core::{CameraState, StageTime};
use cyc_stage::stage::Camera;
use nalgebra::Vector3;

/// Latencies beyond this are a feed that is lost, not one that is late, seconds.
const LONGEST_SECS: f64 = 0.25;
/// The margin goes back by this per second once the camera slows down: a picture that breathes is seen.
const RELEASE_PER_SEC: f64 = 0.25;
/// The picture is never made wider than this by a margin alone.
const WIDEST: f64 = 2.0;

/// The linear overscan that keeps the sensor of `camera` inside the full-weight part of its inner picture, if it turns
/// from `capture` to `exposed` as `state` says; 1 / (1 - soft edge) at rest. `None` where nothing is known.
pub fn overscan_needed(camera: &Camera, state: &CameraState, exposed: StageTime) -> Option<f64> {
    let (input, motion, capture) = (state.input?, state.motion?, state.capture?);
    let secs = exposed.secs_since(capture).clamp(0.0, LONGEST_SECS);
    let turn: Vector3<f64> = input.pose.orientation.inverse() * motion.turn_rad_s * secs;
    let half = camera.sensor_mm.map(|side_mm| (side_mm / 2.0 / input.focal_length_mm).atan());
    // About its own X a camera tilts, about Y it rolls, about Z it pans.
    let widened = |half: f64, by: f64| (half + by.abs()).min(1.5).tan() / half.tan();
    let [width, height] = camera.sensor_mm;
    let (sin, cos) = turn.y.abs().sin_cos();
    let rolled = (cos + sin * height / width).max(cos + sin * width / height);
    let needed = widened(half[0], turn.z).max(widened(half[1], turn.x)) * rolled.max(1.0);
    (needed / (1.0 - camera.inner.soft_edge)).is_finite().then(|| (needed / (1.0 - camera.inner.soft_edge)).min(WIDEST))
}

/// The overscan in use: at least the stage file's, at once as wide as needed, back by [`RELEASE_PER_SEC`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Margin {
    wide: f64,
}

impl Margin {
    /// The overscan for the next frame, `frame_secs` after the one before; `None` where the stage file's is enough.
    pub fn follow(&mut self, camera: &Camera, needed: Option<f64>, frame_secs: f64) -> Option<f64> {
        let released = self.wide - RELEASE_PER_SEC * frame_secs;
        self.wide = released.max(needed.unwrap_or(0.0)).max(camera.inner.overscan);
        (self.wide > camera.inner.overscan).then_some(self.wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{camera, input};
    use crate::inner::{inner_ndc, inner_view};
    use cyc_core::{CameraInput, CameraMotion, Pose};
    use nalgebra::Point3;

    fn turning(turn_rad_s: Vector3<f64>, secs: f64) -> CameraState {
        let motion =
            CameraMotion { velocity_m_s: Vector3::zeros(), turn_rad_s, position_error_m: 0.0, rotation_error_rad: 0.0 };
        let nanos = (-secs * 1e9) as i64;
        let known = input(Pose::identity(), 35.0);
        CameraState { input: Some(known), capture: Some(StageTime(nanos)), received: None, motion: Some(motion) }
    }

    #[test]
    fn a_camera_that_turned_meanwhile_sees_only_its_inner_picture() {
        let camera = camera("a", Some(0), None);
        let secs = 0.14;
        for turn in [[0.0, 0.0, 1.05], [0.6, 0.0, 0.0], [0.0, 1.2, 0.0], [-0.4, 0.3, 0.9]].map(Vector3::from) {
            let state = turning(turn, secs);
            let wide = overscan_needed(&camera, &state, StageTime(0)).unwrap();
            let shown = inner_view(&camera, &CameraInput { overscan: Some(wide), ..state.input.unwrap() }, [0.0; 2]);
            let orientation = nalgebra::UnitQuaternion::new(turn * secs);
            let half = camera.sensor_mm.map(|mm| mm / 2.0 / 35.0);
            for corner in [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [0.0, 1.0], [1.0, 0.0]] {
                let ray = orientation * Vector3::new(corner[0] * half[0], 1.0, corner[1] * half[1]);
                let ndc = inner_ndc(&shown.unwrap(), &Point3::from(ray)).unwrap();
                let reach = ndc[0].abs().max(ndc[1].abs());
                // Turned about two axes at once a corner goes a little further than either alone says.
                let single = turn.iter().filter(|x| **x != 0.0).count() == 1;
                let most = if single { 1.0 + 1e-9 } else { 1.05 };
                assert!(reach <= most * (1.0 - camera.inner.soft_edge), "{turn:?} {corner:?}: {reach}");
            }
        }
    }

    #[test]
    fn small_turns_follow_the_usual_formula_and_rest_needs_the_soft_edge() {
        let camera = camera("a", Some(0), None);
        let needed = |turn: f64| {
            let state = turning(Vector3::new(0.0, 0.0, turn), 0.1);
            overscan_needed(&camera, &state, StageTime(0)).unwrap() * (1.0 - camera.inner.soft_edge)
        };
        assert!((needed(0.0) - 1.0).abs() < 1e-12);
        let half = (27.99_f64 / 2.0 / 35.0).atan();
        let slope = (needed(0.01) - 1.0) / (0.001 / half);
        assert!((slope - 1.0).abs() < 0.2, "{slope}");
        assert_eq!(overscan_needed(&camera, &CameraState::LOST, StageTime(0)), None);
        assert!(needed(100.0) <= WIDEST);
    }

    #[test]
    fn the_margin_opens_at_once_and_closes_slowly() {
        let camera = camera("a", Some(0), None);
        let mut margin = Margin::default();
        assert_eq!(margin.follow(&camera, Some(1.1), 0.04), None);
        assert_eq!(margin.follow(&camera, Some(1.6), 0.04), Some(1.6));
        let next = margin.follow(&camera, Some(1.1), 0.04).unwrap();
        assert!((next - 1.59).abs() < 1e-12);
        assert!((0..40).any(|_| margin.follow(&camera, None, 0.04).is_none()));
    }
}
