//! Taking a rotation apart into pan, tilt and roll: the inverse of `cyc_core::Pose::from_pan_tilt_roll`.

use nalgebra::UnitQuaternion;

/// Pan, tilt and roll in radians with `Rz(pan) Rx(tilt) Ry(roll)` equal to `orientation`, right-handed;
/// tilt within a quarter turn. Straight up or down, where pan and roll are one, roll is 0.
pub fn pan_tilt_roll(orientation: &UnitQuaternion<f64>) -> [f64; 3] {
    let m = orientation.to_rotation_matrix();
    let horizontal = m[(0, 1)].hypot(m[(1, 1)]);
    let tilt = m[(2, 1)].atan2(horizontal);
    if horizontal < 1e-9 {
        return [m[(1, 0)].atan2(m[(0, 0)]), tilt, 0.0];
    }
    [(-m[(0, 1)]).atan2(m[(1, 1)]), tilt, (-m[(2, 0)]).atan2(m[(2, 2)])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_core::Pose;
    use nalgebra::Point3;
    use proptest::prelude::*;

    fn again(pan: f64, tilt: f64, roll: f64) -> f64 {
        let pose = Pose::from_pan_tilt_roll(Point3::origin(), pan, tilt, roll);
        let [p, t, r] = pan_tilt_roll(&pose.orientation);
        Pose::from_pan_tilt_roll(Point3::origin(), p, t, r).orientation.angle_to(&pose.orientation)
    }

    proptest! {
        #[test]
        fn same_rotation(pan in -7.0..7.0f64, tilt in -7.0..7.0f64, roll in -7.0..7.0f64) {
            prop_assert!(again(pan, tilt, roll) < 1e-7);
        }
    }

    #[test]
    fn straight_up_and_down() {
        for tilt in [-90.0f64, 90.0] {
            assert!(again(0.7, tilt.to_radians(), -0.3) < 1e-7, "tilt {tilt}");
        }
    }
}
