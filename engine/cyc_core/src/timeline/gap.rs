//! A feed that returns after a silence: the pose leaves the one that was held gently.

use super::between::{lens_between, newer_lens};
use super::{LossPolicy, Sampled};
use crate::motion::Motion;
use crate::{CameraMotion, LensSample, Pose, Quality, StageTime};
use nalgebra::UnitQuaternion;

/// After a silence longer than the prediction the pose takes so long to come back.
pub(super) const BLEND_NANOS: i64 = 500_000_000;
/// And begins so long after the first packet, since the wall shows poses ahead of the packets' arrival.
pub(super) const BLEND_LEAD_NANOS: i64 = 50_000_000;

/// A silence of the feed and what was shown during it.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    pub(super) before: Box<Motion>,
    pub(super) lens: LensSample,
    /// Capture time of the last sample before.
    pub(super) after: StageTime,
    /// Capture time of the first sample thereafter.
    pub(super) first: StageTime,
    /// When that one had arrived.
    pub(super) arrived: StageTime,
    pub(super) nanos: i64,
    /// From the last orientation before to the first thereafter: the way round that the blend takes.
    pub(super) turn: UnitQuaternion<f64>,
}

impl Gap {
    /// How much of the whole blend a silence takes: 0 if the prediction bridged it well, 1 if it was about to end.
    ///
    /// The wall shows poses up to a tenth of a second ahead of the packets, so it saw the prediction end earlier.
    pub(super) fn weight(&self, loss: &LossPolicy) -> f64 {
        let predicted = loss.predict_nanos.max(0) as f64;
        if predicted == 0.0 { 1.0 } else { (2.5 * self.nanos as f64 / predicted - 1.0).clamp(0.0, 1.0) }
    }

    /// How far the blend has come at `at`: 0 not begun, 1 over.
    pub(super) fn progress(&self, at: StageTime, weight: f64) -> f64 {
        let begun = at.nanos_since(self.arrived) as f64 - weight * BLEND_LEAD_NANOS as f64;
        (begun / (weight * BLEND_NANOS as f64)).clamp(0.0, 1.0)
    }

    pub(super) fn before_at(&self, at: StageTime, loss: &LossPolicy) -> Sampled {
        motion_at(&self.before, self.lens, at, loss)
    }

    pub(super) fn blend(&self, held: &Sampled, live: &Sampled, progress: f64) -> Sampled {
        if progress >= 1.0 {
            return *live;
        }
        let part = progress * progress * (3.0 - 2.0 * progress);
        let position_m = held.pose.position_m + (live.pose.position_m - held.pose.position_m) * part;
        let turn = same_side(held.pose.orientation.inverse() * live.pose.orientation, &self.turn);
        let orientation = held.pose.orientation * part_of(&turn, part);
        Sampled {
            pose: Pose { position_m, orientation },
            lens: newer_lens(&lens_between(&held.lens, &live.lens, part), &live.lens),
            quality: live.quality.max(Quality::Predicted),
            motion: mixed(&held.motion, &live.motion, part),
            ..*live
        }
    }
}

/// What a movement predicts for `at`.
pub(super) fn motion_at(motion: &Motion, lens: LensSample, at: StageTime, loss: &LossPolicy) -> Sampled {
    let quality = loss.quality(at.nanos_since(motion.capture));
    let (pose, moves) = motion.at(at, loss.predict_nanos);
    Sampled { pose, lens, quality, capture: motion.capture, received: motion.received, motion: moves }
}

/// `part` of the way from one movement to another, without the way itself.
fn mixed(from: &CameraMotion, to: &CameraMotion, part: f64) -> CameraMotion {
    let mix = |a: f64, b: f64| a + (b - a) * part;
    CameraMotion {
        velocity_m_s: from.velocity_m_s.lerp(&to.velocity_m_s, part),
        turn_rad_s: from.turn_rad_s.lerp(&to.turn_rad_s, part),
        position_error_m: mix(from.position_error_m, to.position_error_m),
        rotation_error_rad: mix(from.rotation_error_rad, to.rotation_error_rad),
    }
}

/// The same rotation as that one of its two quaternions which is closer to `other`.
pub(super) fn same_side(rotation: UnitQuaternion<f64>, other: &UnitQuaternion<f64>) -> UnitQuaternion<f64> {
    if rotation.coords.dot(&other.coords) < 0.0 {
        UnitQuaternion::new_unchecked(-rotation.into_inner())
    } else {
        rotation
    }
}

/// A part of a turn, the long way round if that is what the quaternion says.
fn part_of(turn: &UnitQuaternion<f64>, part: f64) -> UnitQuaternion<f64> {
    let axis = turn.imag();
    let sine = axis.norm();
    if sine < 1e-12 {
        return UnitQuaternion::identity();
    }
    UnitQuaternion::new(axis * (2.0 * sine.atan2(turn.w) * part / sine))
}
