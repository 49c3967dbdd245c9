//! Recent samples of one camera by stage time, and the camera's pose at any instant.
//!
//! Between samples the pose is interpolated; beyond the newest it is predicted, then held.
//! When a feed returns after a silence, the pose leaves the one that was held gently.
//! All of it is a function of the samples pushed and the instant asked for: no clock, no state per question.

use crate::motion::{Motion, turn_between};
use crate::{CameraSample, LensSample, Pose, Quality, StageTime};
use nalgebra::{UnitQuaternion, Vector3};
use std::collections::VecDeque;

/// A ring holds no more samples than this.
const MAX_SAMPLES: usize = 256;
/// Nor samples captured earlier than this before the newest.
const MAX_AGE_NANOS: i64 = 2_000_000_000;
/// So many samples in a row that are too old, and the stage clock was set back: start anew.
const RESTART_SAMPLES: u32 = 8;
/// A silence is longer than this and than four usual intervals.
const SILENCE_NANOS: i64 = 100_000_000;
/// After a silence longer than the prediction the pose takes so long to come back.
const BLEND_NANOS: i64 = 500_000_000;
/// And begins so long after the first packet, since the wall shows poses ahead of the packets' arrival.
const BLEND_LEAD_NANOS: i64 = 50_000_000;
/// Silences that can matter at one instant: they are at least 0.1 s apart and matter for 0.55 s.
const MAX_GAPS: usize = 8;
/// Further out than this is no stage, and squares must stay finite.
const FAR_M: f64 = 1e6;

/// What happens when a feed falls silent, counted from the newest sample's capture time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossPolicy {
    /// Extrapolate for this long.
    pub predict_nanos: i64,
    /// Then keep the last pose until this long after the newest sample.
    pub hold_nanos: i64,
}

impl Default for LossPolicy {
    fn default() -> Self {
        Self { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 }
    }
}

impl LossPolicy {
    /// The quality of an answer `silent_nanos` beyond the newest sample.
    fn quality(&self, silent_nanos: i64) -> Quality {
        if silent_nanos <= self.predict_nanos.max(0) {
            Quality::Predicted
        } else if silent_nanos <= self.hold_nanos {
            Quality::Held
        } else {
            Quality::Lost
        }
    }
}

/// What became of a pushed sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushOutcome {
    /// It is in, at its place by capture time.
    Inserted,
    /// A sample of the same capture time is there already; the first one stays.
    Duplicate,
    /// It was captured more than 2 s before the newest, or before everything in a full ring.
    TooOld,
    /// A number is not finite (an infinite focus distance is fine), or the place is beyond 1,000 km.
    Refused,
}

/// A camera's state at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampled {
    /// Pose of the tracked point, stage space.
    pub pose: Pose,
    /// Every lens value that is known; each one is the newest the feed has sent, or between two.
    pub lens: LensSample,
    /// How the pose came about.
    pub quality: Quality,
    /// Capture time of the newest sample that shaped the answer.
    pub capture: StageTime,
    /// Receive stamp of that sample.
    pub received: StageTime,
}

/// Recent samples: at most 256, and at most 2 s of them, ordered by capture time.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    samples: VecDeque<CameraSample>,
    gaps: VecDeque<Gap>,
    /// The last values of samples that are no longer in the ring.
    earlier_lens: LensSample,
    last_received: Option<StageTime>,
    too_old_in_a_row: u32,
}

/// A silence of the feed and what was shown during it.
#[derive(Debug, Clone, Copy)]
struct Gap {
    before: Motion,
    lens: LensSample,
    /// Capture time of the last sample before.
    after: StageTime,
    /// Capture time of the first sample thereafter.
    first: StageTime,
    /// When that one had arrived.
    arrived: StageTime,
    nanos: i64,
    /// From the last orientation before to the first thereafter: the way round that the blend takes.
    turn: UnitQuaternion<f64>,
}

impl Timeline {
    /// Holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sample captured last.
    pub fn newest(&self) -> Option<&CameraSample> {
        self.samples.back()
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Takes a sample in, at its place by capture time, and forgets those that are too old.
    pub fn push(&mut self, mut sample: CameraSample) -> PushOutcome {
        if !is_usable(&sample) {
            return PushOutcome::Refused;
        }
        // Nearly every sample is the newest, and a search would touch memory that nobody else needs.
        let at = match self.samples.back() {
            Some(newest) if newest.capture < sample.capture => self.samples.len(),
            _ => self.samples.partition_point(|other| other.capture < sample.capture),
        };
        if self.samples.get(at).is_some_and(|other| other.capture == sample.capture) {
            return PushOutcome::Duplicate;
        }
        if at < self.samples.len() && self.is_too_old(&sample, at) {
            return self.push_too_old(sample);
        }
        if at == self.samples.len() {
            self.note_gap(&sample);
        }
        if let Some(neighbour) = self.samples.get(at.saturating_sub(1)) {
            sample.pose.orientation = same_side(sample.pose.orientation, &neighbour.pose.orientation);
        }
        self.samples.insert(at, sample);
        self.last_received = self.last_received.max(Some(sample.received));
        self.too_old_in_a_row = 0;
        self.prune();
        PushOutcome::Inserted
    }

    /// The camera's state at `at`; `None` before the first sample.
    pub fn at(&self, at: StageTime, loss: &LossPolicy) -> Option<Sampled> {
        let counts = |gap: &&Gap| gap.after < at && gap.weight(loss) > 0.0;
        let mut gaps = self.gaps.iter().filter(counts).peekable();
        let (mut shown, mut blending_until) = (None, StageTime(i64::MIN));
        while let Some(gap) = gaps.next() {
            let held = shown.unwrap_or_else(|| gap.before_at(at, loss));
            // Short as this silence was, the pose may still be far from where the one before left it.
            let weight = if gap.arrived < blending_until { 1.0 } else { gap.weight(loss) };
            blending_until = gap.arrived.plus_nanos((weight * (BLEND_LEAD_NANOS + BLEND_NANOS) as f64) as i64);
            let progress = gap.progress(at, weight);
            shown = Some(if progress <= 0.0 {
                Sampled {
                    quality: if at >= gap.first { held.quality.min(Quality::Held) } else { held.quality },
                    ..held
                }
            } else {
                let live = match gaps.peek() {
                    Some(next) => next.before_at(at, loss),
                    None => self.since(gap.first, at, loss)?,
                };
                gap.blend(&held, &live, progress)
            });
        }
        shown.or_else(|| self.since(StageTime(i64::MIN), at, loss))
    }

    fn is_too_old(&self, sample: &CameraSample, at: usize) -> bool {
        let full = self.samples.len() == MAX_SAMPLES && at == 0;
        full || self.newest().is_some_and(|newest| newest.capture.nanos_since(sample.capture) > MAX_AGE_NANOS)
    }

    /// A feed whose every packet arrives now but was captured long ago has a new time base.
    fn push_too_old(&mut self, sample: CameraSample) -> PushOutcome {
        self.too_old_in_a_row += 1;
        let arrives = self.last_received.is_none_or(|last| sample.received > last);
        // Where not even arrivals advance, the stage clock was set back; that takes more to believe.
        if self.too_old_in_a_row < if arrives { RESTART_SAMPLES } else { 4 * RESTART_SAMPLES } {
            return PushOutcome::TooOld;
        }
        let gap = self.gap_before(&sample, i64::MAX).map(|gap| Gap { after: sample.capture.plus_nanos(-1), ..gap });
        let earlier_lens = self.lens_before(self.samples.len());
        *self = Self { gaps: gap.into_iter().collect(), earlier_lens, ..Self::default() };
        self.push(sample)
    }

    /// Remembers what was shown until now if `sample` ends a silence.
    fn note_gap(&mut self, sample: &CameraSample) {
        let Some(newest) = self.samples.back() else { return };
        let arrived = self.last_received.unwrap_or(newest.received);
        let nanos = sample.capture.nanos_since(newest.capture).max(sample.received.nanos_since(arrived));
        if nanos > SILENCE_NANOS
            && nanos > self.usual_interval().saturating_mul(4)
            && let Some(gap) = self.gap_before(sample, nanos)
        {
            self.gaps.push_back(gap);
        }
    }

    fn gap_before(&self, sample: &CameraSample, nanos: i64) -> Option<Gap> {
        let newest = self.samples.back()?;
        let from = self.gaps.back().map_or(StageTime(i64::MIN), |gap| gap.first);
        let before = Motion::fit(self.samples_since(from).rev())?;
        let turn = newest.pose.orientation.inverse() * sample.pose.orientation;
        Some(Gap {
            before,
            lens: self.lens_before(self.samples.len()),
            after: newest.capture,
            first: sample.capture,
            arrived: sample.received.max(sample.capture),
            nanos,
            turn: same_side(turn, &UnitQuaternion::identity()),
        })
    }

    /// The median of the last five intervals, nanoseconds; 0 if there are fewer than two samples.
    fn usual_interval(&self) -> i64 {
        let mut intervals = [0; 5];
        let newest_first = self.samples.iter().rev();
        let mut count = 0;
        for (newer, older) in newest_first.clone().zip(newest_first.skip(1)).take(intervals.len()) {
            intervals[count] = newer.capture.nanos_since(older.capture);
            count += 1;
        }
        let intervals = &mut intervals[..count];
        intervals.sort_unstable();
        intervals.get(count / 2).copied().unwrap_or(0)
    }

    fn prune(&mut self) {
        let Some(newest) = self.samples.back().map(|newest| newest.capture) else { return };
        let old = |capture: StageTime| newest.nanos_since(capture) > MAX_AGE_NANOS;
        while self.samples.len() > MAX_SAMPLES || self.samples.front().is_some_and(|oldest| old(oldest.capture)) {
            if let Some(gone) = self.samples.pop_front() {
                self.earlier_lens = newer_lens(&gone.lens, &self.earlier_lens);
            }
        }
        while self.gaps.len() > MAX_GAPS || self.gaps.front().is_some_and(|gap| old(gap.first.max(gap.arrived))) {
            self.gaps.pop_front();
        }
    }

    fn samples_since(&self, from: StageTime) -> std::collections::vec_deque::Iter<'_, CameraSample> {
        self.samples.range(self.samples.partition_point(|sample| sample.capture < from)..)
    }

    /// The state at `at` by the samples captured at `from` or later.
    fn since(&self, from: StageTime, at: StageTime, loss: &LossPolicy) -> Option<Sampled> {
        let next = self.samples.partition_point(|sample| sample.capture < at);
        let Some(after) = self.samples.get(next) else {
            let motion = Motion::fit(self.samples_since(from).rev())?;
            return Some(motion_at(&motion, self.lens_before(self.samples.len()), at, loss));
        };
        if after.capture == at {
            return Some(state_of(after, self.lens_before(next + 1), Quality::Measured));
        }
        match next.checked_sub(1).and_then(|before| self.samples.get(before)).filter(|before| before.capture >= from) {
            Some(before) => Some(self.between(before, after, next, at)),
            None => {
                // Before the first sample nothing was known; the first pose is the best there is.
                let quality = loss.quality(after.capture.nanos_since(at)).max(Quality::Held);
                Some(state_of(after, self.lens_before(next + 1), quality))
            }
        }
    }

    fn between(&self, before: &CameraSample, after: &CameraSample, next: usize, at: StageTime) -> Sampled {
        let outer = [next.checked_sub(2), next.checked_add(1)].map(|i| i.and_then(|i| self.samples.get(i)));
        let part = at.secs_since(before.capture) / after.capture.secs_since(before.capture);
        let newest = outer[1].unwrap_or(after);
        let known = self.lens_before(next + 1);
        Sampled {
            pose: interpolate(outer[0], before, after, outer[1], at),
            lens: newer_lens(&lens_between(&before.lens, &after.lens, part), &known),
            quality: Quality::Measured,
            capture: newest.capture,
            received: newest.received,
        }
    }

    /// The newest lens values of the samples before index `end`.
    fn lens_before(&self, end: usize) -> LensSample {
        let mut lens = LensSample::default();
        for sample in self.samples.range(..end).rev() {
            lens = newer_lens(&lens, &sample.lens);
            if lens.focal_length_mm.is_some()
                && lens.focus_distance_m.is_some()
                && lens.entrance_pupil_offset_m.is_some()
            {
                return lens;
            }
        }
        newer_lens(&lens, &self.earlier_lens)
    }
}

impl Gap {
    /// How much of the whole blend a silence takes: 0 if the prediction bridged it well, 1 if it was about to end.
    ///
    /// The wall shows poses up to a tenth of a second ahead of the packets, so it saw the prediction end earlier.
    fn weight(&self, loss: &LossPolicy) -> f64 {
        let predicted = loss.predict_nanos.max(0) as f64;
        if predicted == 0.0 { 1.0 } else { (2.5 * self.nanos as f64 / predicted - 1.0).clamp(0.0, 1.0) }
    }

    /// How far the blend has come at `at`: 0 not begun, 1 over.
    fn progress(&self, at: StageTime, weight: f64) -> f64 {
        let begun = at.nanos_since(self.arrived) as f64 - weight * BLEND_LEAD_NANOS as f64;
        (begun / (weight * BLEND_NANOS as f64)).clamp(0.0, 1.0)
    }

    fn before_at(&self, at: StageTime, loss: &LossPolicy) -> Sampled {
        motion_at(&self.before, self.lens, at, loss)
    }

    fn blend(&self, held: &Sampled, live: &Sampled, progress: f64) -> Sampled {
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
            ..*live
        }
    }
}

fn motion_at(motion: &Motion, lens: LensSample, at: StageTime, loss: &LossPolicy) -> Sampled {
    let quality = loss.quality(at.nanos_since(motion.capture));
    let pose = motion.pose_at(at, loss.predict_nanos);
    Sampled { pose, lens, quality, capture: motion.capture, received: motion.received }
}

fn state_of(sample: &CameraSample, lens: LensSample, quality: Quality) -> Sampled {
    Sampled { pose: sample.pose, lens, quality, capture: sample.capture, received: sample.received }
}

fn is_usable(sample: &CameraSample) -> bool {
    let LensSample { focal_length_mm, focus_distance_m, entrance_pupil_offset_m } = sample.lens;
    let quaternion = sample.pose.orientation.quaternion();
    sample.pose.position_m.iter().all(|x| x.abs() <= FAR_M)
        && (quaternion.norm() - 1.0).abs() < 1e-6
        && [focal_length_mm, entrance_pupil_offset_m].iter().flatten().all(|x| x.is_finite())
        && focus_distance_m.is_none_or(|x| !x.is_nan())
}

/// The same rotation as that one of its two quaternions which is closer to `other`.
fn same_side(rotation: UnitQuaternion<f64>, other: &UnitQuaternion<f64>) -> UnitQuaternion<f64> {
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

/// Cubic Hermite through `before` and `after`, with the slopes of their neighbours where there are any.
///
/// A slope spans the interval itself and the one beside it, so bunched samples cannot make it steep.
/// Turns of more than a radian between samples are no smooth movement and go straight.
fn interpolate(
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
fn newer_lens(newer: &LensSample, older: &LensSample) -> LensSample {
    LensSample {
        focal_length_mm: newer.focal_length_mm.or(older.focal_length_mm),
        focus_distance_m: newer.focus_distance_m.or(older.focus_distance_m),
        entrance_pupil_offset_m: newer.entrance_pupil_offset_m.or(older.entrance_pupil_offset_m),
    }
}

/// The values that both have, `part` of the way; focus in dioptres, where infinity is a number like others.
fn lens_between(a: &LensSample, b: &LensSample, part: f64) -> LensSample {
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
