//! How unevenly a feed's packets arrive.

use cyc_core::StageTime;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Intervals that are looked at.
const INTERVALS: usize = 1000;

/// The last 1,000 arrival intervals of a feed: one thread records, any thread may ask.
///
/// A reader may see the newest interval in the place of the oldest; nothing else can go wrong, so nobody waits.
#[derive(Debug)]
pub struct Jitter {
    intervals: Box<[AtomicI64]>,
    count: AtomicU64,
    last: AtomicI64,
}

impl Default for Jitter {
    fn default() -> Self {
        let intervals = (0..INTERVALS).map(|_| AtomicI64::new(0)).collect();
        Self { intervals, count: AtomicU64::new(0), last: AtomicI64::new(i64::MIN) }
    }
}

impl Jitter {
    /// A packet arrived at `received`. One thread only.
    pub fn record(&self, received: StageTime) {
        let last = self.last.swap(received.0, Ordering::Relaxed);
        if last == i64::MIN {
            return;
        }
        let count = self.count.load(Ordering::Relaxed);
        self.intervals[(count % INTERVALS as u64) as usize].store(received.0.saturating_sub(last), Ordering::Relaxed);
        self.count.store(count + 1, Ordering::Release);
    }

    /// The 99th percentile of the deviation of the intervals from their median, nanoseconds (nearest rank);
    /// 0 before the second packet.
    pub fn p99_nanos(&self) -> i64 {
        let filled = self.count.load(Ordering::Acquire).min(INTERVALS as u64) as usize;
        if filled == 0 {
            return 0;
        }
        let mut values: Vec<i64> = self.intervals[..filled].iter().map(|i| i.load(Ordering::Relaxed)).collect();
        let median = *values.select_nth_unstable(filled / 2).1;
        values.iter_mut().for_each(|value| *value = value.saturating_sub(median).saturating_abs());
        *values.select_nth_unstable((filled * 99).div_ceil(100) - 1).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(arrivals: impl IntoIterator<Item = i64>) -> Jitter {
        let jitter = Jitter::default();
        arrivals.into_iter().for_each(|at| jitter.record(StageTime(at)));
        jitter
    }

    #[test]
    fn even_arrivals_have_none_and_few_arrivals_are_no_trouble() {
        assert_eq!(recorded([]).p99_nanos(), 0);
        assert_eq!(recorded([5]).p99_nanos(), 0);
        assert_eq!(recorded([5, 9]).p99_nanos(), 0);
        assert_eq!(recorded((0..5000).map(|n| n * 4_166_667)).p99_nanos(), 0);
    }

    #[test]
    fn one_late_packet_in_a_hundred_is_below_the_percentile_and_three_are_not() {
        // A late packet makes a long interval and a short one.
        let late = |every: i64| recorded((0..2000).map(|n| n * 1000 + if n % every == 0 { 300 } else { 0 }));
        assert_eq!(late(400).p99_nanos(), 0);
        assert_eq!(late(30).p99_nanos(), 300);
    }

    #[test]
    fn only_the_last_thousand_count() {
        let wild = (0..1000).map(|n| n * 1000 + n % 7 * 100);
        let calm = (0..1001).map(|n| 2_000_000 + n * 1000);
        assert!(recorded(wild.clone()).p99_nanos() > 0);
        assert_eq!(recorded(wild.chain(calm)).p99_nanos(), 0);
    }
}
