//! One writer, many readers of a timeline, none of whom ever waits.
//!
//! The writer keeps two timelines: the one that readers see and a spare that is one step behind. It brings the
//! spare up to date and swaps the two, so that in the usual case nothing is copied. If a reader still holds
//! the spare, the writer makes a new one; the reader keeps what it has.

use arc_swap::{ArcSwap, Guard};
use cyc_core::timeline::PushOutcome;
use cyc_core::{CameraSample, Timeline};
use std::sync::Arc;

/// The readers' side.
#[derive(Debug, Default)]
pub struct TimelineCell(ArcSwap<Timeline>);

impl TimelineCell {
    /// The timeline as it was last published. Lock-free; do not keep it longer than a question takes.
    pub fn load(&self) -> Guard<Arc<Timeline>> {
        self.0.load()
    }
}

/// The writer's side.
#[derive(Debug)]
pub struct TimelineWriter {
    cell: Arc<TimelineCell>,
    spare: Arc<Timeline>,
    /// What the readers' timeline has and the spare has not.
    behind: Vec<CameraSample>,
}

impl TimelineWriter {
    /// The one writer of `cell`, which must be new.
    pub fn new(cell: Arc<TimelineCell>) -> Self {
        Self { cell, spare: Arc::default(), behind: Vec::new() }
    }

    /// Adds samples in the order of their arrival and lets readers see them all at once; `outcome` hears what
    /// became of each.
    pub fn publish(&mut self, samples: &[CameraSample], mut outcome: impl FnMut(PushOutcome)) {
        if let Some(spare) = Arc::get_mut(&mut self.spare) {
            for sample in self.behind.drain(..) {
                spare.push(sample);
            }
        } else {
            self.spare = Arc::new(Timeline::clone(&self.cell.load()));
            self.behind.clear();
        }
        // Nobody else can have it: it was alone a moment ago or is new.
        if let Some(spare) = Arc::get_mut(&mut self.spare) {
            samples.iter().for_each(|sample| outcome(spare.push(*sample)));
        }
        self.spare = self.cell.0.swap(std::mem::take(&mut self.spare));
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
        let mut held = Vec::new();
        for batch in [1, 1, 3, 0, 16, 2, 1, 40, 1, 1] {
            let samples: Vec<_> = (next..next + batch).map(sample).collect();
            next += batch;
            let mut outcomes = Vec::new();
            writer.publish(&samples, |outcome| outcomes.push(outcome));
            let expected: Vec<_> = samples.iter().map(|s| alone.push(*s)).collect();
            assert_eq!(outcomes, expected);
            assert_eq!(cell.load().len(), alone.len());
            assert_eq!(cell.load().newest(), alone.newest());
            let (at, loss) = (StageTime(next * 4_000_000 - 6_000_000), LossPolicy::default());
            assert_eq!(cell.load().at(at, &loss), alone.at(at, &loss));
            // Every third publication finds a reader that still holds its copy.
            if next % 3 == 0 {
                held.push(cell.0.load_full());
            }
        }
        assert!(!held.is_empty());
    }

    #[test]
    fn a_held_copy_never_changes() {
        let (cell, mut writer) = writer();
        writer.publish(&[sample(0)], |_| {});
        let held = cell.load();
        (1..20).for_each(|n| writer.publish(&[sample(n)], |_| {}));
        assert_eq!((held.len(), cell.load().len()), (1, 20));
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
                        let timeline = cell.load();
                        let seen = timeline.newest().map_or(StageTime(i64::MIN), |s| s.capture);
                        assert!(seen >= newest);
                        (newest, looks) = (seen, looks + 1);
                    }
                })
            })
            .collect();
        (0..20_000).for_each(|n| writer.publish(&[sample(n)], |o| assert_eq!(o, PushOutcome::Inserted)));
        done.store(true, Ordering::SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(cell.load().newest(), Some(&sample(19_999)));
    }
}
