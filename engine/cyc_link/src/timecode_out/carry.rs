//! Which label of a 24, 25 or 30 count stands for a frame of a faster stage.

use cyc_core::{Rate, Timecode};
use cyc_wire::timecode::Counting;

/// A frame's label as LTC, MTC and Art-Net can carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The label, at [`Carried::rate`].
    pub label: Timecode,
    /// How labels are counted.
    pub counting: Counting,
    /// The labels' own rate: the stage's, divided by a whole number.
    pub rate: Rate,
    /// So many frames of the stage ago the label's frame began; 0 if it begins now.
    pub frames_ago: u16,
}

/// The label that `label` of a stage at `rate` goes out as.
///
/// Rates up to 30 go as they are: 23.976 counts as 24, 29.97 as drop-frame or 30. Faster ones go as the fastest of
/// 24, 25 and 30 of which they are a multiple: 48 as 24 with every second frame, 50 as 25, 59.94 as 29.97, 120 as 30.
/// `None` for any other rate.
pub fn carried(rate: Rate, label: Timecode) -> Option<Carried> {
    // 23.5 is no slow 24.
    if !matches!(rate.den(), 1 | 1001) {
        return None;
    }
    let nominal = rate.num().div_ceil(rate.den());
    let divisor = (1..=nominal / 24)
        .find(|divisor| nominal.is_multiple_of(*divisor) && matches!(nominal / divisor, 24 | 25 | 30))?;
    let slower = Rate::new(rate.num(), rate.den().checked_mul(divisor)?)?;
    let counting = Counting::of_rate(slower, label.drop_frame)?;
    let divisor = u16::try_from(divisor).ok()?;
    let drop_frame = counting == Counting::Drop30;
    let label_there = Timecode { frames: label.frames / divisor, drop_frame, ..label };
    Some(Carried { label: label_there, counting, rate: slower, frames_ago: label.frames % divisor })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carry(rate: &str, label: &str) -> Option<(String, Counting, u16)> {
        let carried = carried(rate.parse().unwrap(), label.parse().unwrap())?;
        Some((carried.label.to_string(), carried.counting, carried.frames_ago))
    }

    #[test]
    fn slow_rates_go_as_they_are() {
        for (rate, label, counting) in [
            ("24", "01:02:03:23", Counting::Fps24),
            ("24000/1001", "01:02:03:23", Counting::Fps24),
            ("25", "01:02:03:24", Counting::Fps25),
            ("30000/1001", "01:02:00;02", Counting::Drop30),
            ("30000/1001", "01:02:00:00", Counting::Fps30),
            ("30", "01:02:03:29", Counting::Fps30),
        ] {
            assert_eq!(carry(rate, label), Some((label.into(), counting, 0)), "{rate}");
        }
    }

    #[test]
    fn fast_rates_go_with_every_nth_frame() {
        assert_eq!(carry("48", "01:02:03:47"), Some(("01:02:03:23".into(), Counting::Fps24, 1)));
        assert_eq!(carry("50", "01:02:03:48"), Some(("01:02:03:24".into(), Counting::Fps25, 0)));
        assert_eq!(carry("60000/1001", "01:02:00;05"), Some(("01:02:00;02".into(), Counting::Drop30, 1)));
        assert_eq!(carry("60000/1001", "01:02:00:05"), Some(("01:02:00:02".into(), Counting::Fps30, 1)));
        assert_eq!(carry("120", "01:02:03:119"), Some(("01:02:03:29".into(), Counting::Fps30, 3)));
        assert_eq!(carry("100", "01:02:03:99"), Some(("01:02:03:24".into(), Counting::Fps25, 3)));
        assert_eq!(carry("72", "01:02:03:71"), Some(("01:02:03:23".into(), Counting::Fps24, 2)));
    }

    #[test]
    fn every_label_of_ten_minutes_of_59_94_drop_frame_exists_at_29_97() {
        let rate: Rate = "60000/1001".parse().unwrap();
        let mut last = None;
        for frame in 0..36_000 {
            let carried = carried(rate, Timecode::of_frame(frame, rate, true)).unwrap();
            let there = carried.label.frame(carried.rate).unwrap();
            assert_eq!((there, u64::from(carried.frames_ago)), (frame / 2, frame % 2));
            assert!(last.is_none_or(|last| there == last || there == last + 1));
            last = Some(there);
        }
    }

    #[test]
    fn other_rates_are_refused() {
        for rate in ["12", "15", "47", "90000/1003", "23"] {
            assert_eq!(carry(rate, "01:00:00:00"), None, "{rate}");
        }
    }
}
