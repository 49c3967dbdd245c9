//! The two levels of a signal, each followed for itself.

/// Stretches of sound whose extremes are kept.
const STRETCHES: usize = 4;
/// Length of a stretch, bits. Three of them hold both levels whatever the bits are: two zeros take two bits.
const STRETCH_BITS: f64 = 0.75;
/// Part by which the memory of the signal's height shrinks during one bit: 20 dB take one and a half words.
const FADE_PER_BIT: f64 = 0.02;
/// A height below this part of what it was lately is the noise between signals.
const GATE: f32 = 0.15;
/// A height below which there is no signal: -74 dBFS.
const FLOOR: f32 = 4e-4;

/// Lowest and highest level of the last two to three bits: an offset, hum, coupling capacitors and clipping shift both
/// along, a click is forgotten after three bits, and what stands still lets neither of them creep.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    stretches: [[f32; 2]; STRETCHES],
    newest: usize,
    /// Samples in the newest stretch.
    taken: f64,
    bottom: f32,
    top: f32,
    loudest: f32,
}

const EMPTY: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

impl Envelope {
    pub(super) fn new() -> Self {
        Self { stretches: [EMPTY; STRETCHES], newest: 0, taken: 0.0, bottom: 0.0, top: 0.0, loudest: 0.0 }
    }

    /// Takes the next level, where a bit lasts `period` samples.
    pub(super) fn follow(&mut self, level: f32, period: f64) {
        if self.taken >= STRETCH_BITS * period {
            self.newest = (self.newest + 1) % STRETCHES;
            (self.stretches[self.newest], self.taken) = (EMPTY, 0.0);
        }
        let [lowest, highest] = self.stretches[self.newest];
        self.stretches[self.newest] = [lowest.min(level), highest.max(level)];
        self.taken += 1.0;
        let join = |[bottom, top]: [f32; 2], [low, high]: &[f32; 2]| [bottom.min(*low), top.max(*high)];
        [self.bottom, self.top] = self.stretches.iter().fold(EMPTY, join);
        let faded = self.loudest * (1.0 - FADE_PER_BIT / period) as f32;
        self.loudest = faded.max(self.height());
    }

    /// From the lowest to the highest level.
    pub(super) fn height(&self) -> f32 {
        self.top - self.bottom
    }

    /// How far a level lies above the middle, in halves of the height; `None` where there is no signal.
    pub(super) fn above_middle(&self, level: f32) -> Option<f32> {
        let half = self.height() / 2.0;
        (self.height() > FLOOR.max(GATE * self.loudest)).then(|| (level - self.top.midpoint(self.bottom)) / half)
    }
}
