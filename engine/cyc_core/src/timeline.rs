//! Recent samples of one camera by stage time, and the camera's pose at any instant.
//!
//! Between samples the pose is interpolated; beyond the newest it is predicted, then held.
//! When a feed returns after a silence, the pose leaves the one that was held gently.
//! All of it is a function of the samples pushed and the instant asked for: no clock, no state per question.

mod between;
mod gap;
mod learning;

use crate::motion::Motion;
use crate::profile::FilterProfile;
use crate::{CameraMotion, CameraSample, LensSample, Pose, Quality, StageTime};
use between::{interpolate, lens_between, newer_lens};
use gap::{BLEND_LEAD_NANOS, BLEND_NANOS, Gap, motion_at, same_side};
use learning::Learning;
use nalgebra::UnitQuaternion;
use std::collections::VecDeque;

/// A ring holds no more samples than this.
const MAX_SAMPLES: usize = 256;
/// Nor samples captured earlier than this before the newest.
const MAX_AGE_NANOS: i64 = 2_000_000_000;
/// So many samples in a row that are too old, and the stage clock was set back: start anew.
const RESTART_SAMPLES: u32 = 8;
/// A silence is longer than this and than four usual intervals.
const SILENCE_NANOS: i64 = 100_000_000;
/// Silences that can matter at one instant: they are at least 0.1 s apart and matter for 0.55 s.
const MAX_GAPS: usize = 8;
/// A speed needs at least this long a stretch.
const SHORTEST_SPEED_SECS: f64 = 0.004;
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
    /// How the tracked point moves then, and how far the pose may be off: standard errors per axis.
    pub motion: CameraMotion,
}

impl Sampled {
    /// Pose and movement of what is mounted on the tracked point: `mount` leads from the point to it.
    ///
    /// A turn of the point moves what is at the end of a lever, and an error of the turn is an error of its place.
    pub fn mounted(&self, mount: &Pose) -> (Pose, CameraMotion) {
        let lever_m = self.pose.orientation * mount.position_m.coords;
        let CameraMotion { velocity_m_s, turn_rad_s, position_error_m, rotation_error_rad } = self.motion;
        let motion = CameraMotion {
            velocity_m_s: velocity_m_s + turn_rad_s.cross(&lever_m),
            position_error_m: position_error_m.hypot(rotation_error_rad * lever_m.norm()),
            ..self.motion
        };
        (self.pose.then(mount), motion)
    }
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
    filter: FilterProfile,
    learning: Learning,
}

impl Timeline {
    /// Holds nothing yet; the usual filter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds nothing yet; the movement is filtered by what `filter` says of tracker and camera.
    pub fn with_filter(filter: FilterProfile) -> Self {
        Self { filter, ..Self::default() }
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
        self.learning.follow(&self.samples);
        PushOutcome::Inserted
    }

    /// The camera's state at `at`; `None` before the first sample.
    pub fn at(&self, at: StageTime, loss: &LossPolicy) -> Option<Sampled> {
        self.ask(at, loss, &mut None)
    }

    /// The camera's states at three instants, by one state of the filter: first, middle and last line of an exposure.
    pub fn lines(&self, at: [StageTime; 3], loss: &LossPolicy) -> Option<[Sampled; 3]> {
        let mut live = None;
        let [first, middle, last] = at.map(|at| self.ask(at, loss, &mut live));
        Some([first?, middle?, last?])
    }

    /// The state at `at`; `live` keeps the newest movement for the next question.
    fn ask(&self, at: StageTime, loss: &LossPolicy, live: &mut Option<Live>) -> Option<Sampled> {
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
                let after = match gaps.peek() {
                    Some(next) => next.before_at(at, loss),
                    None => self.since(gap.first, at, loss, live)?,
                };
                gap.blend(&held, &after, progress)
            });
        }
        shown.or_else(|| self.since(StageTime(i64::MIN), at, loss, live))
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
        *self = Self { gaps: gap.into_iter().collect(), earlier_lens, ..Self::with_filter(self.filter) };
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
        let before = Box::new(self.motion_since(from)?);
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

    /// The samples captured at `from` or later, in order.
    pub fn samples_since(&self, from: StageTime) -> std::collections::vec_deque::Iter<'_, CameraSample> {
        self.samples.range(self.samples.partition_point(|sample| sample.capture < from)..)
    }

    fn motion_since(&self, from: StageTime) -> Option<Motion> {
        Motion::fit(self.samples_since(from).rev(), &self.filter, self.learning.spectrum())
    }

    /// The state at `at` by the samples captured at `from` or later.
    fn since(&self, from: StageTime, at: StageTime, loss: &LossPolicy, live: &mut Option<Live>) -> Option<Sampled> {
        let next = self.samples.partition_point(|sample| sample.capture < at);
        let Some(after) = self.samples.get(next) else {
            if live.as_ref().is_none_or(|live| live.from != from) {
                *live = Some(Live { from, motion: self.motion_since(from)? });
            }
            let motion = live.as_ref().map(|live| &live.motion)?;
            return Some(motion_at(motion, self.lens_before(self.samples.len()), at, loss));
        };
        if after.capture == at {
            return Some(self.state_of(after, next, next + 1, Quality::Measured));
        }
        match next.checked_sub(1).and_then(|before| self.samples.get(before)).filter(|before| before.capture >= from) {
            Some(before) => Some(self.between(before, after, next, at)),
            None => {
                // Before the first sample nothing was known; the first pose is the best there is.
                let quality = loss.quality(after.capture.nanos_since(at)).max(Quality::Held);
                Some(self.state_of(after, next, next, quality))
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
            motion: self.motion_between(before, after),
        }
    }

    /// The state at the sample `index`, moving as from the one before to the one at `next`, where those are.
    fn state_of(&self, sample: &CameraSample, index: usize, next: usize, quality: Quality) -> Sampled {
        let neighbour = |index: Option<usize>| index.and_then(|index| self.samples.get(index)).unwrap_or(sample);
        let motion = self.motion_between(neighbour(index.checked_sub(1)), neighbour(Some(next)));
        let CameraSample { pose, capture, received, .. } = *sample;
        Sampled { pose, lens: self.lens_before(index + 1), quality, capture, received, motion }
    }

    /// The mean movement from one sample to another; its error is that of one sample.
    fn motion_between(&self, before: &CameraSample, after: &CameraSample) -> CameraMotion {
        let secs = after.capture.secs_since(before.capture);
        let pace = if secs > SHORTEST_SPEED_SECS { 1.0 / secs } else { 0.0 };
        let turn = (after.pose.orientation * before.pose.orientation.inverse()).scaled_axis();
        CameraMotion {
            velocity_m_s: (after.pose.position_m - before.pose.position_m) * pace,
            turn_rad_s: turn * pace,
            position_error_m: self.filter.position_noise_m,
            rotation_error_rad: self.filter.rotation_noise_rad,
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

/// The movement by the samples from an instant on.
struct Live {
    from: StageTime,
    motion: Motion,
}

fn is_usable(sample: &CameraSample) -> bool {
    let LensSample { focal_length_mm, focus_distance_m, entrance_pupil_offset_m } = sample.lens;
    let quaternion = sample.pose.orientation.quaternion();
    sample.pose.position_m.iter().all(|x| x.abs() <= FAR_M)
        && (quaternion.norm() - 1.0).abs() < 1e-6
        && [focal_length_mm, entrance_pupil_offset_m].iter().flatten().all(|x| x.is_finite())
        && focus_distance_m.is_none_or(|x| !x.is_nan())
}
