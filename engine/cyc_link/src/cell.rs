//! One writer, many readers of a timeline; no reader ever waits.
//!
//! There are two timelines: the one that readers look at and a spare that is one step behind. The writer brings
//! the spare up to date and lets readers look at that one from now on. Nothing is copied or allocated. Each
//! timeline has a lock, which a reader only tries: it can be taken only if the writer has just turned readers
//! to the other one, so that the reader looks there. The writer in turn waits only for a reader that was
//! interrupted in the middle of its question.

use cyc_core::timeline::PushOutcome;
use cyc_core::{CameraSample, Timeline};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, TryLockError};

/// The readers' side.
#[derive(Debug, Default)]
pub struct TimelineCell {
    timelines: [RwLock<Timeline>; 2],
    /// Which of them readers look at.
    current: AtomicUsize,
}

impl TimelineCell {
    /// Asks the timeline as it was last published. The question must be short and must not publish.
    pub fn with<T>(&self, question: impl FnOnce(&Timeline) -> T) -> T {
        loop {
            let current = self.current.load(Ordering::SeqCst);
            let timeline = match self.timelines[current].try_read() {
                Ok(timeline) => timeline,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // The writer has this one since we looked, so readers look at the other now.
                Err(TryLockError::WouldBlock) => continue,
            };
            // Unless it is still the one that readers look at, it may hold what is not published yet.
            if self.current.load(Ordering::SeqCst) == current {
                return question(&timeline);
            }
        }
    }
}

/// The writer's side.
#[derive(Debug)]
pub struct TimelineWriter {
    cell: Arc<TimelineCell>,
    /// What the readers' timeline has and the spare has not.
    behind: Vec<CameraSample>,
}

impl TimelineWriter {
    /// The one writer of `cell`, which must be new.
    pub fn new(cell: Arc<TimelineCell>) -> Self {
        Self { cell, behind: Vec::new() }
    }

    /// Adds samples in the order of their arrival and lets readers see them all at once; `outcome` hears what
    /// became of each.
    pub fn publish(&mut self, samples: &[CameraSample], mut outcome: impl FnMut(PushOutcome)) {
        let spare = 1 - self.cell.current.load(Ordering::SeqCst);
        {
            let mut timeline = self.cell.timelines[spare].write().unwrap_or_else(PoisonError::into_inner);
            for sample in self.behind.drain(..) {
                timeline.push(sample);
            }
            samples.iter().for_each(|sample| outcome(timeline.push(*sample)));
        }
        self.cell.current.store(spare, Ordering::SeqCst);
        self.behind.extend_from_slice(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_core::{LensSample, LossPolicy, Pose, StageTime};
    use std::sync::atomic::{AtomicBool, Ordering};

    fn sample(n: i64) -> CameraSample {
        let pose = Pose::checked([n as f64, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]).unwrap();
        let at = StageTime(n * 4_000_000);
        CameraSample { pose, lens: LensSample::default(), capture: at, received: at }
    }

    fn writer() -> (Arc<TimelineCell>, TimelineWriter) {
        let cell = Arc::new(TimelineCell::default());
        (cell.clone(), TimelineWriter::new(cell))
    }

    #[test]
    fn both_copies_hold_every_sample_in_order_whatever_the_batches() {
        let (cell, mut writer) = writer();
        let mut alone = Timeline::new();
        let mut next = 0;
        for batch in [1, 1, 3, 0, 16, 2, 1, 40, 1, 1] {
            let samples: Vec<_> = (next..next + batch).map(sample).collect();
            next += batch;
            let mut outcomes = Vec::new();
            writer.publish(&samples, |outcome| outcomes.push(outcome));
            let expected: Vec<_> = samples.iter().map(|s| alone.push(*s)).collect();
            assert_eq!(outcomes, expected);
            assert_eq!(cell.with(Timeline::len), alone.len());
            assert_eq!(cell.with(|t| t.newest().copied()), alone.newest().copied());
            let (at, loss) = (StageTime(next * 4_000_000 - 6_000_000), LossPolicy::default());
            assert_eq!(cell.with(|t| t.at(at, &loss)), alone.at(at, &loss));
        }
    }

    #[test]
    fn a_question_is_answered_from_one_state_while_the_writer_goes_on() {
        let (cell, mut writer) = writer();
        writer.publish(&[sample(0)], |_| {});
        cell.with(|timeline| {
            // The writer still has the spare; only the step after that waits for this question.
            writer.publish(&[sample(1)], |_| {});
            assert_eq!((timeline.len(), cell.with(Timeline::len)), (1, 2));
        });
        writer.publish(&[sample(2)], |_| {});
        assert_eq!(cell.with(Timeline::len), 3);
    }

    #[test]
    fn readers_never_see_samples_go_missing() {
        let (cell, mut writer) = writer();
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (cell, done) = (cell.clone(), done.clone());
                std::thread::spawn(move || {
                    let (mut newest, mut looks) = (StageTime(i64::MIN), 0_u64);
                    while !done.load(Ordering::SeqCst) || looks == 0 {
                        let seen = cell.with(|t| t.newest().map_or(StageTime(i64::MIN), |s| s.capture));
                        assert!(seen >= newest);
                        (newest, looks) = (seen, looks + 1);
                    }
                })
            })
            .collect();
        (0..100_000).for_each(|n| writer.publish(&[sample(n)], |o| assert_eq!(o, PushOutcome::Inserted)));
        done.store(true, Ordering::SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(cell.with(|t| t.newest().copied()), Some(sample(99_999)));
    }
}
