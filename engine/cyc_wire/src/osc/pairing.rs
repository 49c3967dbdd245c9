//! Pairing a position and a rotation that arrive as two datagrams.

use cyc_core::StageTime;

/// One half of a pose, in the sender's units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// A position.
    Position([f64; 3]),
    /// A rotation.
    Rotation([f64; 3]),
}

impl Part {
    fn slot(&self) -> usize {
        match self {
            Part::Position(_) => 0,
            Part::Rotation(_) => 1,
        }
    }
}

/// Finds out which position and rotation belong together, by arrival alone.
///
/// Senders send both halves of an update back to back and then pause, so the half that is followed by the
/// shorter gap leads. After a lost half this keeps the pairs from slipping: the half that is left over finds a
/// partner only from its own update, never the first half of the next.
#[derive(Debug, Clone)]
pub struct Pairing {
    window_nanos: i64,
    last: Option<Arrival>,
    /// Smoothed gap from a position to the rotation after it, and from a rotation to the position after it.
    gap_nanos: [Option<f64>; 2],
}

#[derive(Debug, Clone, Copy)]
struct Arrival {
    part: Part,
    received: StageTime,
    paired: bool,
}

/// Weight of the newest gap.
const SMOOTHING: f64 = 0.25;

impl Default for Pairing {
    /// With a window of 20 ms.
    fn default() -> Self {
        Self::new(20_000_000)
    }
}

impl Pairing {
    /// Halves further apart than `window_nanos` never make a pose.
    pub fn new(window_nanos: i64) -> Self {
        Self { window_nanos, last: None, gap_nanos: [None; 2] }
    }

    /// Takes a half that arrived at `received`; returns position and rotation if it completes a pose.
    pub fn offer(&mut self, part: Part, received: StageTime) -> Option<([f64; 3], [f64; 3])> {
        let last = self.last.replace(Arrival { part, received, paired: false })?;
        let gap = received.nanos_since(last.received);
        let (leader, follower) = (last.part.slot(), part.slot());
        if leader == follower || gap < 0 {
            return None;
        }
        let smoothed = self.gap_nanos[leader].map_or(gap as f64, |old| old + SMOOTHING * (gap as f64 - old));
        self.gap_nanos[leader] = Some(smoothed);
        let leads = self.gap_nanos[follower].is_none_or(|other| smoothed <= other);
        if last.paired || !leads || gap > self.window_nanos {
            return None;
        }
        self.last = Some(Arrival { part, received, paired: true });
        match (last.part, part) {
            (Part::Position(position), Part::Rotation(rotation))
            | (Part::Rotation(rotation), Part::Position(position)) => Some((position, rotation)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Update `n` of a 240 Hz sender: both halves carry the number, 0.1 ms apart.
    fn halves(n: u32, rotation_first: bool) -> [(Part, StageTime); 2] {
        let (at, value) = (i64::from(n) * 4_166_667, [f64::from(n); 3]);
        let (first, second) = if rotation_first {
            (Part::Rotation(value), Part::Position(value))
        } else {
            (Part::Position(value), Part::Rotation(value))
        };
        [(first, StageTime(at)), (second, StageTime(at + 100_000))]
    }

    #[test]
    fn lost_halves_never_pair_across_updates() {
        for rotation_first in [false, true] {
            let (mut pairing, mut complete) = (Pairing::default(), 0);
            for n in 0..100 {
                for (i, (part, received)) in halves(n, rotation_first).into_iter().enumerate() {
                    let lost = (n % 10 == 3 && i == 0) || (n % 10 == 7 && i == 1);
                    if let Some((position, rotation)) = (!lost).then(|| pairing.offer(part, received)).flatten() {
                        assert_eq!((position, rotation), ([f64::from(n); 3], [f64::from(n); 3]));
                        complete += 1;
                    }
                }
            }
            assert_eq!(complete, 80);
        }
    }

    #[test]
    fn started_in_the_middle_it_finds_the_beat() {
        let mut pairing = Pairing::default();
        pairing.offer(halves(0, false)[1].0, halves(0, false)[1].1);
        let mut wrong = 0;
        for n in 1..50 {
            for (part, received) in halves(n, false) {
                if let Some((position, rotation)) = pairing.offer(part, received) {
                    wrong += u32::from(position != rotation);
                    assert!(n < 3 || position == [f64::from(n); 3], "{n}: {position:?} with {rotation:?}");
                }
            }
        }
        assert!(wrong <= 1);
    }

    #[test]
    fn too_far_apart() {
        let mut pairing = Pairing::new(1_000_000);
        assert_eq!(pairing.offer(Part::Position([0.0; 3]), StageTime(0)), None);
        assert_eq!(pairing.offer(Part::Rotation([0.0; 3]), StageTime(1_000_001)), None);
        assert_eq!(pairing.offer(Part::Position([0.0; 3]), StageTime(1_500_000)), Some(([0.0; 3], [0.0; 3])));
    }
}
