//! A source's own count of its pulses, beside the stage's numbers.

use super::line::Grid;

/// Counters wrap after 16, 24 or 32 bits: a jump by a multiple of the first is none, the last is the longest way round.
const WRAP: i64 = 1 << 16;
const LONGEST: i64 = 1 << 32;

/// How far a source's count is ahead of the stage's units.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    ahead: Option<i64>,
    /// A jump that one pulse has shown.
    suspect: Option<i64>,
}

impl Tally {
    /// The loop locks, and this pulse is that unit: by how many units the count had jumped, 0 if none or unknown.
    pub fn lock(&mut self, unit: i64, count: Option<i64>, grid: Grid) -> i64 {
        let jump = self.jump(unit, count, grid);
        self.suspect = None;
        self.ahead = count.map(|count| ahead(unit, count, grid)).or(self.ahead);
        jump
    }

    /// A pulse of a locked loop: by how many units the count has jumped, once two pulses agree on it.
    pub fn follow(&mut self, unit: i64, count: Option<i64>, grid: Grid) -> i64 {
        let jump = self.jump(unit, count, grid);
        if jump != 0 && self.suspect != Some(jump) {
            self.suspect = Some(jump);
            return 0;
        }
        self.lock(unit, count, grid)
    }

    fn jump(&self, unit: i64, count: Option<i64>, grid: Grid) -> i64 {
        let (Some(before), Some(count)) = (self.ahead, count) else { return 0 };
        let jump = ahead(unit, count, grid).wrapping_sub(before);
        if jump % (WRAP * grid.units_per_pulse) == 0 {
            return 0;
        }
        let round = LONGEST * grid.units_per_pulse;
        let jump = jump.rem_euclid(round);
        if jump > round / 2 { jump - round } else { jump }
    }
}

fn ahead(unit: i64, count: i64, grid: Grid) -> i64 {
    count.wrapping_mul(grid.units_per_pulse).wrapping_sub(unit)
}
