//! Where the simulated camera is: a slow, filmic move that never repeats exactly within a shooting day.
//!
//! Sums of sines with unrelated periods: smooth in every derivative, within 1.45 m of the origin on plan, 1.45
//! to 1.75 m high, looking along +Y to within 25 degrees.

use cyc_core::Pose;
use nalgebra::Point3;
use std::f64::consts::TAU;

fn wave(secs: f64, period_secs: f64, phase: f64) -> f64 {
    (TAU * (secs / period_secs + phase)).sin()
}

/// The camera's pose `secs` seconds after the start, stage space.
pub fn pose(secs: f64) -> Pose {
    // A dolly to and fro, a slow push in, a breath of the crane; the pan keeps the wall's centre in the picture.
    let x = 0.9 * wave(secs, 23.0, 0.0) + 0.1 * wave(secs, 7.3, 0.2);
    let y = -0.4 + 0.5 * wave(secs, 31.0, 0.25) + 0.05 * wave(secs, 9.1, 0.4);
    let z = 1.6 + 0.12 * wave(secs, 17.0, 0.1) + 0.03 * wave(secs, 5.9, 0.7);
    let pan = (x / (6.0 - y)).atan() + 10_f64.to_radians() * wave(secs, 41.0, 0.0);
    let tilt = 3_f64.to_radians() * wave(secs, 19.0, 0.35);
    let roll = 0.6_f64.to_radians() * wave(secs, 13.0, 0.6);
    Pose::from_pan_tilt_roll(Point3::new(x, y, z), pan, tilt, roll)
}

/// Focus distance in metres `secs` seconds after the start.
pub fn focus_m(secs: f64) -> f64 {
    4.0 + 1.5 * wave(secs, 27.0, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector3;

    #[test]
    fn the_camera_stays_on_its_spot_and_looks_at_the_wall() {
        for n in 0..40_000 {
            let pose = pose(f64::from(n) * 0.09);
            let p = pose.position_m;
            assert!(p.x.hypot(p.y) < 1.45 && (1.45..=1.75).contains(&p.z), "{p}");
            let forward = pose.orientation * Vector3::y();
            assert!(forward.x.atan2(forward.y).abs().to_degrees() < 25.0);
            assert!(forward.z.asin().abs().to_degrees() < 4.0);
            assert!((2.0..6.0).contains(&focus_m(f64::from(n) * 0.09)));
        }
    }

    #[test]
    fn the_move_is_slow_and_smooth() {
        let dt = 1.0 / 240.0;
        for n in 0..100_000 {
            let [a, b, c] = [0, 1, 2].map(|i| pose(f64::from(n + i) * dt));
            let speed = (b.position_m - a.position_m).norm() / dt;
            let turn = b.orientation.angle_to(&a.orientation).to_degrees() / dt;
            let accel = ((c.position_m - b.position_m) - (b.position_m - a.position_m)).norm() / dt / dt;
            assert!(speed < 0.6 && turn < 8.0 && accel < 0.5, "{speed} m/s, {turn} deg/s, {accel} m/s2");
        }
    }
}
