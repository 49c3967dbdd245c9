//! What happens to packets between a simulated tracker and the network, seeded.

use cyc_core::StageTime;

/// Faults on request; the default is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// Probability that a datagram is lost, 0..1.
    pub loss: f64,
    /// A datagram leaves up to so many nanoseconds late, evenly distributed.
    pub jitter_nanos: i64,
    /// Probability that a datagram leaves after the next message's, 0..1.
    pub reorder: f64,
    /// Probability that a datagram is followed by one of garbage, 0..1: random bytes, or itself damaged.
    pub garbage: f64,
    /// A silence ends every so many nanoseconds.
    pub dropout_every_nanos: Option<i64>,
    /// How long each silence is, nanoseconds.
    pub dropout_for_nanos: i64,
}

/// A datagram and when it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// When it leaves, stage time.
    pub send_at: StageTime,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Datagrams under way, with what is to happen to each already decided.
#[derive(Debug, Clone)]
pub(super) struct FaultLine {
    faults: Faults,
    random: Random,
    /// Sorted by time; equals stay in the order they came in.
    waiting: Vec<Datagram>,
    /// Held back until after the next message.
    swapped: Vec<Vec<u8>>,
}

impl FaultLine {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, random: Random(seed), waiting: Vec::new(), swapped: Vec::new() }
    }

    /// The tracker sends a message's datagrams at `at`, `since_start` nanoseconds after its start.
    pub(super) fn offer(&mut self, at: StageTime, since_start: i64, datagrams: Vec<Vec<u8>>) {
        let late = std::mem::take(&mut self.swapped);
        let silent = self.is_silent(since_start);
        // Numbers are drawn in silence too, so that a drop-out does not change what happens after it.
        for bytes in datagrams {
            let [lost, swapped, garbage] =
                [self.faults.loss, self.faults.reorder, self.faults.garbage].map(|p| self.random.chance(p));
            let send_at = at.plus_nanos(self.random.below(self.faults.jitter_nanos.max(0)));
            let noise = garbage.then(|| self.random.garbage(&bytes));
            if silent {
                continue;
            }
            match (lost, swapped) {
                (true, _) => {}
                (false, true) => self.swapped.push(bytes),
                (false, false) => self.insert(send_at, bytes),
            }
            noise.into_iter().for_each(|noise| self.insert(send_at, noise));
        }
        // After the latest moment at which this message can leave.
        let after = at.plus_nanos(self.faults.jitter_nanos.max(0));
        late.into_iter().filter(|_| !silent).for_each(|bytes| self.insert(after, bytes));
    }

    /// What has left by `now`.
    pub(super) fn take(&mut self, now: StageTime) -> Vec<Datagram> {
        let count = self.waiting.partition_point(|datagram| datagram.send_at <= now);
        self.waiting.drain(..count).collect()
    }

    /// When the next one leaves.
    pub(super) fn next(&self) -> Option<StageTime> {
        self.waiting.first().map(|datagram| datagram.send_at)
    }

    fn insert(&mut self, send_at: StageTime, bytes: Vec<u8>) {
        let at = self.waiting.partition_point(|datagram| datagram.send_at <= send_at);
        self.waiting.insert(at, Datagram { send_at, bytes });
    }

    /// The last part of every period is silent.
    fn is_silent(&self, since_start: i64) -> bool {
        self.faults
            .dropout_every_nanos
            .filter(|every| *every > 0)
            .is_some_and(|every| since_start.rem_euclid(every) >= every.saturating_sub(self.faults.dropout_for_nanos))
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// True with this probability.
    fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// 0 to `limit` - 1; 0 if there is no room.
    fn below(&mut self, limit: i64) -> i64 {
        let scaled = u128::from(self.next()) * limit.max(1) as u128;
        (scaled >> 64) as i64
    }

    /// Random bytes, or the datagram cut short or with a few bits turned.
    fn garbage(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut bytes = datagram.to_vec();
        match self.below(3) {
            0 => bytes.truncate(self.below(datagram.len() as i64) as usize),
            1 => {
                for _ in 0..=self.below(8) {
                    let bit = self.below(datagram.len() as i64 * 8) as usize;
                    if let Some(byte) = bytes.get_mut(bit / 8) {
                        *byte ^= 1 << (bit % 8);
                    }
                }
            }
            _ => bytes = (0..self.below(300)).map(|_| self.next() as u8).collect(),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// `count` numbered one-datagram messages, 10 ms apart.
    fn run(faults: Faults, count: i64) -> Vec<Datagram> {
        let mut line = FaultLine::new(faults, 7);
        for n in 0..count {
            line.offer(StageTime(n * 10 * MS), n * 10 * MS, vec![n.to_be_bytes().to_vec()]);
        }
        line.take(StageTime(i64::MAX))
    }

    fn numbers(sent: &[Datagram]) -> Vec<i64> {
        sent.iter().filter_map(|d| Some(i64::from_be_bytes(d.bytes.as_slice().try_into().ok()?))).collect()
    }

    #[test]
    fn loss_is_as_frequent_as_asked() {
        for loss in [0.0, 0.05, 0.5, 1.0] {
            let lost = 10_000 - run(Faults { loss, ..Faults::default() }, 10_000).len();
            assert!((lost as f64 - loss * 1e4).abs() < 150.0, "{lost} of 10000 at {loss}");
        }
    }

    #[test]
    fn jitter_is_late_only_even_and_within_its_limit() {
        let sent = run(Faults { jitter_nanos: 3 * MS, ..Faults::default() }, 10_000);
        let late: Vec<i64> = sent.iter().zip(numbers(&sent)).map(|(d, n)| d.send_at.0 - n * 10 * MS).collect();
        assert!(late.iter().all(|late| (0..3 * MS).contains(late)));
        let mean = late.iter().sum::<i64>() / late.len() as i64;
        assert!((mean - 3 * MS / 2).abs() < MS / 20, "{mean}");
    }

    #[test]
    fn reordering_swaps_neighbours_and_loses_nothing_but_the_last() {
        let faults = Faults { reorder: 0.1, jitter_nanos: 12 * MS, ..Faults::default() };
        let sent = run(faults, 10_000);
        let mut numbers = numbers(&run(Faults { jitter_nanos: 0, ..faults }, 10_000));
        let swaps = numbers.windows(2).filter(|w| w[1] < w[0]).count();
        assert!((700..1200).contains(&swaps), "{swaps}");
        numbers.sort_unstable();
        numbers.dedup();
        assert!(numbers.len() >= 9_999);
        assert!(sent.windows(2).all(|w| w[0].send_at <= w[1].send_at));
    }

    #[test]
    fn silences_end_every_period() {
        let faults = Faults { dropout_every_nanos: Some(5000 * MS), dropout_for_nanos: 1000 * MS, ..Faults::default() };
        let heard = numbers(&run(faults, 2000));
        assert_eq!(heard, (0..2000).filter(|n| n % 500 < 400).collect::<Vec<i64>>());
    }

    #[test]
    fn garbage_comes_on_top_and_harms_no_packet() {
        let sent = run(Faults { garbage: 0.2, ..Faults::default() }, 5000);
        let extra = sent.len() - 5000;
        assert!((850..1150).contains(&extra), "{extra}");
        let mut whole = numbers(&sent);
        whole.retain(|n| (0..5000).contains(n));
        whole.dedup();
        assert!((5000..5400).contains(&whole.len()));
    }
}
