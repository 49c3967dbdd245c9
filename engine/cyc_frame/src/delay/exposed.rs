//! What of the code an exposure collects.

use super::pattern::{FRAMES_PER_BIT, PERIOD, SOURCE_BITS, TIMING_FRAMES, coded_bits};
use cyc_core::StageTime;

/// When the wall was given which frame; times are seconds after the first.
pub(super) struct Shown {
    /// The first frame's instant.
    pub origin: StageTime,
    starts: Vec<f64>,
    frames: Vec<u64>,
    /// Until each start: the integrals of both code values and of "this frame tells the time".
    sums: Vec<[f64; 3]>,
}

/// Means over an exposure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exposed {
    /// The code's bits as -1 and 1.
    pub code: [f64; 2],
    /// The part of the exposure during which the code told the time.
    pub timing: f64,
}

/// A frame's contribution a second.
fn values(frame: u64) -> [f64; 3] {
    if frame % PERIOD >= TIMING_FRAMES {
        return [0.0; 3];
    }
    let [first, second] = coded_bits(frame, 0).map(|bit| if bit { 1.0 } else { -1.0 });
    [first, second, 1.0]
}

impl Shown {
    /// From frame numbers and instants in any order; `None` of fewer than two.
    pub(super) fn new(frames: &[(u64, StageTime)]) -> Option<Self> {
        let mut all = frames.to_vec();
        all.sort_by_key(|(_, at)| *at);
        all.dedup_by_key(|(_, at)| *at);
        let origin = all.first()?.1;
        let starts: Vec<f64> = all.iter().map(|(_, at)| at.secs_since(origin)).collect();
        let frames: Vec<u64> = all.iter().map(|(frame, _)| *frame).collect();
        let mut sums = vec![[0.0; 3]];
        for (pair, frame) in starts.windows(2).zip(&frames) {
            let (last, add) = (sums[sums.len() - 1], values(*frame));
            sums.push(std::array::from_fn(|n| last[n] + (pair[1] - pair[0]) * add[n]));
        }
        (starts.len() > 1).then_some(Self { origin, starts, frames, sums })
    }

    /// From the first to the last start, seconds.
    pub(super) fn span_secs(&self) -> f64 {
        self.starts.last().copied().unwrap_or(0.0)
    }

    /// What the wall shows from `from` to `to`; `None` outside what is known. Nothing was handed over after the last
    /// start, so that is where knowledge ends.
    pub(super) fn mean(&self, from: f64, to: f64) -> Option<Exposed> {
        if from < 0.0 || to > self.span_secs() || to <= from {
            return None;
        }
        let (before, after) = (self.sum(from), self.sum(to));
        let [first, second, timing] = std::array::from_fn(|n| (after[n] - before[n]) / (to - from));
        Some(Exposed { code: [first, second], timing })
    }

    fn sum(&self, at: f64) -> [f64; 3] {
        let n = self.running(at);
        let (since, add) = (at - self.starts[n], values(self.frames[n]));
        std::array::from_fn(|i| self.sums[n][i] + since * add[i])
    }

    /// The frame that runs at `at`, which must not be before the first.
    fn running(&self, at: f64) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Which part of the exposure shows each bit of the source's number.
    pub(super) fn source_shares(&self, from: f64, to: f64) -> Option<[f64; SOURCE_BITS as usize]> {
        if from < 0.0 || to > self.span_secs() || to <= from {
            return None;
        }
        let mut shares = [0.0; SOURCE_BITS as usize];
        for n in self.running(from)..=self.running(to) {
            let Some(since) = (self.frames[n] % PERIOD).checked_sub(TIMING_FRAMES) else { continue };
            let end = self.starts.get(n + 1).map_or(to, |next| next.min(to));
            shares[(since / FRAMES_PER_BIT) as usize] += (end - self.starts[n].max(from)).max(0.0) / (to - from);
        }
        Some(shares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        // 25 fps; frame 3 was never handed over.
        let frames: Vec<(u64, StageTime)> =
            (0..140).filter(|n| *n != 3).map(|n| (n, StageTime(7_000_000_000 + n as i64 * 40_000_000))).collect();
        Shown::new(&frames).unwrap()
    }

    fn bits(frame: u64) -> [f64; 2] {
        coded_bits(frame, 0).map(|bit| if bit { 1.0 } else { -1.0 })
    }

    #[test]
    fn an_exposure_mixes_the_frames_that_it_meets() {
        let shown = shown();
        assert_eq!(shown.mean(0.001, 0.02).map(|e| e.code), Some(bits(0)));
        // 10 ms of frame 0 and 10 ms of frame 1.
        let mixed = shown.mean(0.03, 0.05).unwrap();
        for n in 0..2 {
            assert!((mixed.code[n] - 0.5 * (bits(0)[n] + bits(1)[n])).abs() < 1e-12);
        }
        // Frame 2 stays for two frames.
        let held = shown.mean(0.13, 0.15).unwrap();
        assert!((0..2).all(|n| (held.code[n] - bits(2)[n]).abs() < 1e-9) && (held.timing - 1.0).abs() < 1e-9);
        assert_eq!([shown.mean(-0.01, 0.01), shown.mean(5.55, 5.57), shown.mean(1.0, 1.0)], [None; 3]);
    }

    #[test]
    fn the_source_s_bits_have_their_frames() {
        let shown = shown();
        // Frames 96 to 99 show bit 0, from 3.84 s to 4 s.
        let exposed = shown.mean(3.85, 3.87).unwrap();
        assert!(exposed.timing.abs() < 1e-9);
        let shares = shown.source_shares(3.99, 4.01).unwrap();
        assert!((shares[0] - 0.5).abs() < 1e-9 && (shares[1] - 0.5).abs() < 1e-9);
        assert!(shown.source_shares(1.0, 1.02).unwrap().iter().all(|share| *share == 0.0));
    }
}
