//! Between two samples: poses by their neighbours' slopes, lens values straight.

use crate::motion::turn_between;
use crate::{CameraSample, LensSample, Pose, StageTime};
use nalgebra::{UnitQuaternion, Vector3};

/// Cubic Hermite through `before` and `after`, with the slopes of their neighbours where there are any.
///
/// A slope spans the interval itself and the one beside it, so bunched samples cannot make it steep.
/// Turns of more than a radian between samples are no smooth movement and go straight.
pub(super) fn interpolate(
    prev: Option<&CameraSample>,
    before: &CameraSample,
    after: &CameraSample,
    next: Option<&CameraSample>,
    at: StageTime,
) -> Pose {
    let secs = |sample: &CameraSample| sample.capture.secs_since(before.capture);
    let way = |sample: &CameraSample| sample.pose.position_m - before.pose.position_m;
    let turn = |sample: &CameraSample| turn_between(&before.pose.orientation, &sample.pose.orientation);
    let span = secs(after);
    let part = at.secs_since(before.capture) / span;
    let outer_secs = [prev.map_or(0.0, secs), next.map_or(span, secs)];
    let curve = |ends: [Vector3<f64>; 3]| hermite(ends, outer_secs, span, part);
    let none = Vector3::zeros();
    let position = curve([prev.map_or(none, way), way(after), next.map_or(way(after), way)]);
    let turns = [prev.map_or(none, turn), turn(after), next.map_or(turn(after), turn)];
    let rotation = if turns.iter().all(|turn| turn.norm() < 1.0) { curve(turns) } else { turns[1] * part };
    Pose {
        position_m: before.pose.position_m + position,
        orientation: before.pose.orientation * UnitQuaternion::new(rotation),
    }
}

/// From 0 to `after`; `outer` lie at `outer_secs` before and behind.
fn hermite(ends: [Vector3<f64>; 3], outer_secs: [f64; 2], span: f64, part: f64) -> Vector3<f64> {
    let [prev, after, next] = ends;
    let leave = (after - prev) * (span / (span - outer_secs[0]));
    let arrive = next * (span / outer_secs[1]);
    let (square, rest) = (part * part, 1.0 - part);
    after * (square * (3.0 - 2.0 * part)) + leave * (part * rest * rest) - arrive * (square * rest)
}

/// Each value from `newer` if it has it, else from `older`.
pub(super) fn newer_lens(newer: &LensSample, older: &LensSample) -> LensSample {
    LensSample {
        focal_length_mm: newer.focal_length_mm.or(older.focal_length_mm),
        focus_distance_m: newer.focus_distance_m.or(older.focus_distance_m),
        entrance_pupil_offset_m: newer.entrance_pupil_offset_m.or(older.entrance_pupil_offset_m),
    }
}

/// The values that both have, `part` of the way; focus in dioptres, where infinity is a number like others.
pub(super) fn lens_between(a: &LensSample, b: &LensSample, part: f64) -> LensSample {
    let linear = |(a, b): (f64, f64)| a + (b - a) * part;
    let focus = |(a, b): (f64, f64)| {
        if a > 0.0 && b > 0.0 { 1.0 / linear((1.0 / a, 1.0 / b)) } else { if part < 0.5 { a } else { b } }
    };
    LensSample {
        focal_length_mm: a.focal_length_mm.zip(b.focal_length_mm).map(linear),
        focus_distance_m: a.focus_distance_m.zip(b.focus_distance_m).map(focus),
        entrance_pupil_offset_m: a.entrance_pupil_offset_m.zip(b.entrance_pupil_offset_m).map(linear),
    }
}
