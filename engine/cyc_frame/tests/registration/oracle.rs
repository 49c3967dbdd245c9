//! The registration seen through the real camera, from first principles: no matrix of the engine is used.
//!
//! A sensor point looks, at the instant at which its row is exposed, through the true entrance pupil at a wall point.
//! That wall point shows the background along the ray from the pupil that the wall was drawn for. The error is the
//! distance on the sensor, in pixels, between where that background point would be seen and where its picture is.

use crate::truth::Truth;
use nalgebra::{Point3, Vector3};

/// The camera of the "Numbers" table: 28 mm and 4608 px wide.
pub const SENSOR_MM: [f64; 2] = [28.0, 15.75];
/// Pixels per millimetre on the sensor.
pub const PX_PER_MM: f64 = 4608.0 / 28.0;
/// The lens.
pub const FOCAL_MM: f64 = 35.0;
/// The wall is the plane y = 5 m; the cameras stand about y = 0.
pub const WALL_M: f64 = 5.0;
/// From the first row's exposure to the last one's, seconds.
pub const READOUT_SECS: f64 = 0.015;

/// How far behind the camera's start the background is, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Background {
    /// Only directions count.
    Infinity,
    /// The plane y = so many metres.
    Plane(f64),
}

/// A point of the sensor as the wall in front of it is seen through it.
#[derive(Debug, Clone, Copy)]
pub struct SensorPoint {
    /// Where it is on the sensor, millimetres from its centre, x right, z up.
    pub mm: [f64; 2],
    /// When its row is exposed, seconds.
    pub exposed_secs: f64,
    /// The wall point that it sees then.
    pub wall_m: Point3<f64>,
}

/// What the sensor point at `mm` sees of the wall if the first row is exposed at `first_row_secs`.
pub fn look(truth: &dyn Truth, mm: [f64; 2], first_row_secs: f64) -> Option<SensorPoint> {
    let row = 0.5 - mm[1] / SENSOR_MM[1];
    let exposed_secs = first_row_secs + row * READOUT_SECS;
    let pupil = truth.pupil_m(exposed_secs);
    let ray = truth.turn(exposed_secs) * Vector3::new(mm[0] / FOCAL_MM, 1.0, mm[1] / FOCAL_MM);
    let far = (WALL_M - pupil.y) / ray.y;
    (ray.y > 0.0 && far > 0.0).then(|| SensorPoint { mm, exposed_secs, wall_m: pupil + ray * far })
}

/// How many camera pixels the background is off where `point` looks, if the wall was drawn there for `drawn_pupil_m`.
pub fn error_px(truth: &dyn Truth, point: &SensorPoint, drawn_pupil_m: &Point3<f64>, background: Background) -> f64 {
    let shown = point.wall_m - drawn_pupil_m;
    let pupil = truth.pupil_m(point.exposed_secs);
    // From the true pupil to the background point that the wall shows.
    let towards = match background {
        Background::Infinity => shown,
        Background::Plane(y) => drawn_pupil_m + shown * ((y - drawn_pupil_m.y) / shown.y) - pupil,
    };
    let seen = truth.turn(point.exposed_secs).inverse() * towards;
    let mm = [seen.x / seen.y * FOCAL_MM, seen.z / seen.y * FOCAL_MM];
    (mm[0] - point.mm[0]).hypot(mm[1] - point.mm[1]) * PX_PER_MM
}
