//! Rigid poses in stage space: metres, right-handed, X right, Y forward, Z up.

use nalgebra::{Isometry3, Point3, Quaternion, Rotation3, Translation3, UnitQuaternion, Vector3};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// A rigid pose: where a thing is and how it is turned.
///
/// `orientation` turns the thing's own axes (X right, Y forward, Z up) into stage axes;
/// the identity looks along +Y with +Z up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawPose", into = "RawPose")]
pub struct Pose {
    /// Position in metres, stage space.
    pub position_m: Point3<f64>,
    /// Rotation from own axes to stage axes.
    pub orientation: UnitQuaternion<f64>,
}

/// Why numbers are not a pose.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PoseError {
    /// A coordinate is NaN or infinite.
    #[error("position_m holds a number that is not finite")]
    Position,
    /// The quaternion has no direction: all zero, or not finite.
    #[error("orientation_wxyz is zero or not finite; the identity is [1, 0, 0, 0]")]
    Orientation,
}

impl Pose {
    /// At the origin, looking along +Y.
    pub fn identity() -> Self {
        Self { position_m: Point3::origin(), orientation: UnitQuaternion::identity() }
    }

    /// Checks and normalises; `orientation_wxyz` of any non-zero length is accepted.
    ///
    /// What is a unit quaternion already (to 1e-12) stays as it is, to the bit.
    pub fn checked(position_m: [f64; 3], orientation_wxyz: [f64; 4]) -> Result<Self, PoseError> {
        if position_m.iter().any(|x| !x.is_finite()) {
            return Err(PoseError::Position);
        }
        let [w, x, y, z] = orientation_wxyz;
        let norm = (w * w + x * x + y * y + z * z).sqrt();
        if !norm.is_finite() || norm < 1e-9 {
            return Err(PoseError::Orientation);
        }
        // Dividing a unit quaternion again would change its last bits, and a recorded frame must read as it was.
        let quaternion = Quaternion::new(w, x, y, z);
        let orientation = if (norm - 1.0).abs() < 1e-12 {
            UnitQuaternion::new_unchecked(quaternion)
        } else {
            UnitQuaternion::new_normalize(quaternion)
        };
        Ok(Self { position_m: Point3::from(position_m), orientation })
    }

    /// From pan, tilt and roll in radians: intrinsic Z (pan), X (tilt), Y (roll), right-handed, as SMPTE
    /// OpenTrackIO; positive pan turns left, positive tilt looks up.
    pub fn from_pan_tilt_roll(position_m: Point3<f64>, pan: f64, tilt: f64, roll: f64) -> Self {
        let turn = |axis, angle| Rotation3::from_axis_angle(&axis, angle);
        let rotation = turn(Vector3::z_axis(), pan) * turn(Vector3::x_axis(), tilt) * turn(Vector3::y_axis(), roll);
        Self { position_m, orientation: UnitQuaternion::from_rotation_matrix(&rotation) }
    }

    /// As the isometry that takes own coordinates to stage coordinates.
    pub fn stage_from_own(&self) -> Isometry3<f64> {
        Isometry3::from_parts(Translation3::from(self.position_m), self.orientation)
    }

    /// This pose followed by `inner`, a pose given in this one's own axes.
    pub fn then(&self, inner: &Pose) -> Pose {
        let both = self.stage_from_own() * inner.stage_from_own();
        Pose { position_m: Point3::from(both.translation.vector), orientation: both.rotation }
    }

    /// The orientation as `[w, x, y, z]`.
    pub fn orientation_wxyz(&self) -> [f64; 4] {
        let q = self.orientation.quaternion();
        [q.w, q.i, q.j, q.k]
    }
}

/// The form on the wire and in files.
#[derive(Serialize, Deserialize)]
struct RawPose {
    #[serde(deserialize_with = "position")]
    position_m: [f64; 3],
    #[serde(deserialize_with = "orientation")]
    orientation_wxyz: [f64; 4],
}

fn position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 3], D::Error> {
    let named = |error| D::Error::custom(format_args!("position_m must be 3 numbers, [x, y, z]: {error}"));
    Deserialize::deserialize(deserializer).map_err(named)
}

fn orientation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 4], D::Error> {
    let named = |error| D::Error::custom(format_args!("orientation_wxyz must be 4 numbers, [w, x, y, z]: {error}"));
    Deserialize::deserialize(deserializer).map_err(named)
}

impl TryFrom<RawPose> for Pose {
    type Error = PoseError;
    fn try_from(raw: RawPose) -> Result<Self, PoseError> {
        Pose::checked(raw.position_m, raw.orientation_wxyz)
    }
}

impl From<Pose> for RawPose {
    fn from(pose: Pose) -> Self {
        Self { position_m: pose.position_m.coords.into(), orientation_wxyz: pose.orientation_wxyz() }
    }
}
