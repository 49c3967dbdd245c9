//! Stamps of a device's own clock, brought onto the stage clock by when they became known here.

use cyc_core::StageTime;

/// So many readings decide: enough that one of them was prompt, few enough that neither clock has drifted.
const READINGS: usize = 16;
/// A stamp that is older than this when it becomes known, nanoseconds, tells of a device clock that was stepped.
const STALE_NANOS: i64 = 50_000_000;

/// Device time to stage time. A message can become known late and never early, so the smallest of the latest
/// differences between the two clocks is the true one.
#[derive(Debug, Clone, Default)]
pub(crate) struct StampMap {
    differences: [i64; READINGS],
    readings: usize,
}

impl StampMap {
    /// The stage time of `device_nanos`, which became known at `now`; never later than `now`.
    pub(crate) fn stage_time(&mut self, device_nanos: i64, now: StageTime) -> StageTime {
        let difference = now.0.saturating_sub(device_nanos);
        let least = self.known().iter().copied().min().unwrap_or(difference);
        if difference.saturating_sub(least) > STALE_NANOS || least.saturating_sub(difference) > STALE_NANOS {
            self.readings = 0;
        }
        self.differences[self.readings % READINGS] = difference;
        self.readings += 1;
        let least = self.known().iter().copied().min().unwrap_or(difference);
        StageTime(device_nanos.saturating_add(least)).min(now)
    }

    fn known(&self) -> &[i64] {
        &self.differences[..self.readings.min(READINGS)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_message_that_was_known_late_keeps_the_time_of_its_stamp() {
        let mut map = StampMap::default();
        for n in 0..100 {
            let device = n * 10 * MS;
            // Every third is known promptly, the others up to 2 ms late.
            let late = n % 3 * MS;
            let at = map.stage_time(device, StageTime(7_000 * MS + device + late));
            assert!(n == 0 || at == StageTime(7_000 * MS + device), "{n}: {at:?}");
        }
    }

    #[test]
    fn drift_is_followed() {
        let mut map = StampMap::default();
        let error = |map: &mut StampMap, n: i64| {
            let (device, stage) = (n * 10 * MS, n * 10 * MS + n * 1_000);
            map.stage_time(device, StageTime(stage)).0 - stage
        };
        assert!((0..5000).all(|n| error(&mut map, n).abs() <= 16_000), "100 ppm over 16 readings");
    }

    #[test]
    fn a_stepped_clock_is_taken_as_it_is() {
        let mut map = StampMap::default();
        map.stage_time(0, StageTime(0));
        assert_eq!(map.stage_time(3_600_000 * MS, StageTime(MS)), StageTime(MS));
        assert_eq!(map.stage_time(0, StageTime(2 * MS)), StageTime(2 * MS));
    }
}
