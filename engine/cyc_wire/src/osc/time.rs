//! OSC time tags.

/// Seconds from 1900 to 1970.
const UNIX_EPOCH_SECS: i64 = 2_208_988_800;
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Unix time in nanoseconds of a time tag; `None` for "immediately" (1) and for 0, which NTP calls unknown.
///
/// Tags are NTP timestamps, whose 32 bits of seconds run out on 2036-02-07. As RFC 4330 section 3 has it, a
/// clear top bit means the era after that.
pub fn nanos_from_tag(tag: u64) -> Option<i64> {
    if tag <= 1 {
        return None;
    }
    let (seconds, fraction) = ((tag >> 32) as i64, tag & 0xFFFF_FFFF);
    let era = if seconds & 0x8000_0000 == 0 { 1 << 32 } else { 0 };
    let nanos = (fraction * NANOS_PER_SEC) >> 32;
    Some((seconds + era - UNIX_EPOCH_SECS) * NANOS_PER_SEC as i64 + nanos as i64)
}

/// The time tag of a Unix time in nanoseconds, 1968 to 2104 (others come out an era away); `None` is
/// "immediately". [`nanos_from_tag`] gives the same nanosecond back.
pub fn tag_from_nanos(nanos: Option<i64>) -> u64 {
    let Some(nanos) = nanos else { return 1 };
    let seconds = nanos.div_euclid(NANOS_PER_SEC as i64) + UNIX_EPOCH_SECS;
    let fraction = (((nanos.rem_euclid(NANOS_PER_SEC as i64) as u64) << 32).div_ceil(NANOS_PER_SEC)) & 0xFFFF_FFFF;
    // The first two fractions of the new era are taken; the third is the same nanosecond.
    (((seconds as u64 & 0xFFFF_FFFF) << 32) | fraction).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_instants() {
        // RFC 5905, figure 4: the Unix epoch and the first day of the next era.
        assert_eq!(nanos_from_tag(2_208_988_800 << 32), Some(0));
        assert_eq!(nanos_from_tag(1), None);
        assert_eq!(nanos_from_tag(0), None);
        assert_eq!(nanos_from_tag((u64::from(u32::MAX) << 32) | 0x8000_0000), Some(2_085_978_495_500_000_000));
        assert_eq!(nanos_from_tag(1 << 32), Some(2_085_978_497_000_000_000));
        assert_eq!(
            nanos_from_tag(0xEE1E_DCC0_8000_0000),
            Some((3_995_000_000 - 2_208_988_800) * 1_000_000_000 + 500_000_000)
        );
        assert_eq!(tag_from_nanos(None), 1);
        assert_eq!(nanos_from_tag(tag_from_nanos(Some(2_085_978_496_000_000_000))), Some(2_085_978_496_000_000_000));
    }

    proptest! {
        #[test]
        fn round_trip(nanos in 0i64..4_200_000_000_000_000_000) {
            prop_assert_eq!(nanos_from_tag(tag_from_nanos(Some(nanos))), Some(nanos));
        }

        #[test]
        fn total(tag: u64, nanos: i64) {
            nanos_from_tag(tag);
            tag_from_nanos(Some(nanos));
        }
    }
}
