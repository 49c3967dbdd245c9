//! What a feed delivers: one timed message about one camera.

use crate::{Pose, StageTime};

/// One message about a camera, in stage axes, after the device profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraSample {
    /// Pose of the tracked point (before the stage file's `mount`).
    pub pose: Pose,
    /// What the message said about the lens.
    pub lens: LensSample,
    /// When the device measured, on the stage clock.
    pub capture: StageTime,
    /// When the packet arrived (kernel stamp), on the stage clock.
    pub received: StageTime,
}

/// Lens values in a message; `None` is "the message does not say".
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LensSample {
    /// Pinhole focal length in millimetres.
    pub focal_length_mm: Option<f64>,
    /// Focus distance in metres.
    pub focus_distance_m: Option<f64>,
    /// Entrance pupil, metres from the sensor towards the subject.
    pub entrance_pupil_offset_m: Option<f64>,
}
