//! The coded pattern: what the wall shows while its delay is measured.
//!
//! The wall is a checker of square cells, an eighth of its height. Two bits a frame, the code, are shown by two
//! classes of cells, and every second row shows their opposites: each 2 x 2 cells hold both bits and both
//! opposites, so that the wall's mean light never changes (a camera's automatic exposure has nothing to follow, and
//! what its gamma does to a half-lit cell it does to the opposite one as well).
//!
//! The code repeats after 128 frames. For 96 of them it walks to and fro on the 2-bit Gray cycle: from each frame to
//! the next exactly one of the two bits changes, so that every change of frame can be seen and half the cells show
//! what a whole frame looks like; the walk was searched for small correlations with itself at all shifts up to 40
//! frames (at most 0.18). The other 32 frames say who shows it: seven bits and even parity, four frames each.
//!
//! Large areas that change many times a second are a danger for people with photosensitive epilepsy (ITU-R BT.1702):
//! warn them, and keep the level low.

/// What people on the stage must be told before it is shown.
pub const WARNING: &str = "the wall will flicker many times a second: people with photosensitive epilepsy must leave \
                           or look away, and the level should be low";
/// Frames until the pattern repeats: a power of two, so that frame numbers cut to 32 bits stay in step.
pub const PERIOD: u64 = 128;
/// Frames of a period that tell the time; the others say who shows them.
pub const TIMING_FRAMES: u64 = 96;
/// How many sources can be told apart.
pub const SOURCES: u32 = 128;
/// Bits of a source's number, with its parity.
pub(super) const SOURCE_BITS: u64 = 8;
/// Frames for each of them.
pub(super) const FRAMES_PER_BIT: u64 = (PERIOD - TIMING_FRAMES) / SOURCE_BITS;

/// The walk, frame 0 in the lowest bit of the first word: both bits of the code.
const WALK: [[u32; 3]; 2] = [[0x401e_477b, 0xb608_6dc7, 0x6acc_b538], [0x154b_122e, 0xe35d_3892, 0x3f99_e06d]];

/// Both bits of the code in a frame, as `source` shows them; sources from [`SOURCES`] on look like others.
pub fn coded_bits(frame: u64, source: u32) -> [bool; 2] {
    let phase = frame % PERIOD;
    if phase < TIMING_FRAMES {
        let (word, bit) = ((phase / 32) as usize, phase % 32);
        return WALK.map(|walk| walk[word] >> bit & 1 == 1);
    }
    let bit = source_bit(source, (phase - TIMING_FRAMES) / FRAMES_PER_BIT);
    [bit, !bit]
}

/// Bit `n` of a source's number; the last is the parity of the others.
pub fn source_bit(source: u32, n: u64) -> bool {
    let number = source % SOURCES;
    if n + 1 < SOURCE_BITS { number >> n & 1 == 1 } else { number.count_ones() % 2 == 1 }
}

/// The source whose bits are these; `None` if their parity is wrong.
pub(super) fn source_of(bits: [bool; SOURCE_BITS as usize]) -> Option<u32> {
    let source = (0..SOURCE_BITS as usize - 1).map(|n| u32::from(bits[n]) << n).sum();
    (source_bit(source, SOURCE_BITS - 1) == bits[SOURCE_BITS as usize - 1]).then_some(source)
}

/// Which bit of the code a point of the wall shows, 0 or 1, and whether it shows its opposite.
///
/// `wall_px` are continuous wall pixels, (0, 0) the top left corner of the wall.
pub fn coded_cell(wall_px: [f32; 2], wall_size_px: [f32; 2]) -> (usize, bool) {
    let side = (wall_size_px[1] / 8.0).max(wall_size_px[0] / 64.0).max(4.0);
    let [column, row] = wall_px.map(|px| (px.max(0.0) / side).floor() as u32);
    (((column + row) % 2) as usize, row % 2 == 1)
}

/// The light of a wall pixel in a frame, 0 or 1: the wall pass multiplies it by the pattern's level.
///
/// `source` is the output's place in the stage file, from 0; `wall_px` as in [`coded_cell`].
pub fn coded_pattern(frame: u64, source: u32, wall_px: [f32; 2], wall_size_px: [f32; 2]) -> f32 {
    let (bit, opposite) = coded_cell(wall_px, wall_size_px);
    f32::from(u8::from(coded_bits(frame, source)[bit] != opposite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bit_changes_from_frame_to_frame() {
        for frame in 1..TIMING_FRAMES {
            let (before, after) = (coded_bits(frame - 1, 0), coded_bits(frame, 0));
            assert_eq!((0..2).filter(|n| before[*n] != after[*n]).count(), 1, "frame {frame}");
        }
    }

    #[test]
    fn no_shift_looks_like_another() {
        let value = |frame: u64, n: usize| if coded_bits(frame, 0)[n] { 1.0 } else { -1.0 };
        for shift in 1..40 {
            let overlap = TIMING_FRAMES - shift;
            for [n, m] in [[0, 0], [0, 1], [1, 0], [1, 1]] {
                let sum: f64 = (0..overlap).map(|frame| value(frame, n) * value(frame + shift, m)).sum();
                assert!(shift < 2 || sum.abs() / (overlap as f64) < 0.25, "shift {shift}: {sum}");
            }
        }
    }

    #[test]
    fn cut_frame_numbers_and_every_period_look_the_same() {
        for frame in [0_u64, 77, 95, 96, 127, 5_000_000_000] {
            assert_eq!(coded_bits(frame, 9), coded_bits(frame + PERIOD, 9));
            assert_eq!(coded_bits(frame, 9), coded_bits(u64::from(frame as u32), 9));
        }
    }

    #[test]
    fn sources_are_told_apart_and_a_wrong_bit_is_noticed() {
        for source in 0..SOURCES {
            let bit = |n: u64| {
                let [bit, opposite] = coded_bits(TIMING_FRAMES + n * FRAMES_PER_BIT + 3, source);
                assert_ne!(bit, opposite);
                bit
            };
            let mut bits: [bool; 8] = std::array::from_fn(|n| bit(n as u64));
            assert_eq!(source_of(bits), Some(source));
            bits[source as usize % 8] ^= true;
            assert_eq!(source_of(bits), None);
        }
    }

    #[test]
    fn the_mean_light_never_changes() {
        let size = [1920.0, 1080.0];
        let mean = |frame: u64| -> f32 {
            let px = |n: u32| [f32::from(n as u16 % 14) * 135.0 + 67.5, (n / 14) as f32 * 135.0 + 67.5];
            (0..14 * 8).map(|n| coded_pattern(frame, 3, px(n), size)).sum::<f32>() / (14.0 * 8.0)
        };
        assert!((0..PERIOD).all(|frame| mean(frame) == 0.5));
    }

    #[test]
    fn cells_are_square_and_no_smaller_than_they_can_be_seen() {
        let cell = |x: f32, y: f32| coded_cell([x, y], [1600.0, 800.0]);
        assert_eq!(
            [cell(0.5, 0.5), cell(100.5, 0.5), cell(0.5, 100.5), cell(100.5, 100.5)],
            [(0, false), (1, false), (1, true), (0, true)]
        );
        // A ticker: 64 cells across.
        assert_eq!(coded_cell([127.0, 63.0], [8192.0, 64.0]), (0, false));
        assert_eq!(coded_cell([128.0, 63.0], [8192.0, 64.0]), (1, false));
    }
}
