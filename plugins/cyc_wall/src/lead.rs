//! How long before the deadline the wall pass has to begin, learned from how long it took lately.

/// So many frames are remembered: five seconds at 24 fps.
const REMEMBERED: usize = 128;
/// Before so many frames nothing is known, and the pass begins at once.
const LEARNED: usize = 16;

/// Remembers what the wall pass took.
#[derive(Debug, Clone)]
pub struct Lead {
    nanos: [i64; REMEMBERED],
    count: usize,
}

impl Default for Lead {
    fn default() -> Self {
        Self { nanos: [0; REMEMBERED], count: 0 }
    }
}

impl Lead {
    /// A frame's pass took `nanos`, from its poses to its fence.
    pub fn observe(&mut self, nanos: i64) {
        self.nanos[self.count % REMEMBERED] = nanos;
        self.count += 1;
    }

    /// How long before the deadline to begin, nanoseconds: the 99th percentile of what was remembered and `guard` for
    /// what follows; `None` until enough is known. Two stalls in five seconds do not count, three do.
    pub fn nanos(&self, guard: i64) -> Option<i64> {
        let known = self.count.min(REMEMBERED);
        if known < LEARNED {
            return None;
        }
        let mut sorted = self.nanos;
        let sorted = &mut sorted[..known];
        sorted.sort_unstable();
        Some(sorted[(known - 1) * 99 / 100] + guard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_risked_before_enough_is_known_and_two_stalls_are_forgiven() {
        let mut lead = Lead::default();
        for _ in 0..LEARNED - 1 {
            lead.observe(4);
            assert_eq!(lead.nanos(2), None);
        }
        (0..REMEMBERED).for_each(|_| lead.observe(5));
        assert_eq!(lead.nanos(2), Some(7));
        (0..2).for_each(|_| lead.observe(900));
        assert_eq!(lead.nanos(2), Some(7));
        lead.observe(900);
        assert_eq!(lead.nanos(2), Some(902));
        (0..REMEMBERED).for_each(|_| lead.observe(3));
        assert_eq!(lead.nanos(2), Some(5));
    }
}
