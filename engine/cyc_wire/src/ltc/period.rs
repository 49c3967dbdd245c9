//! From transitions to bits: how long a bit lasts just now, at any speed of the transport.

/// Transitions whose distances are kept for finding the period anew.
const RECENT: usize = 24;
/// How fast the period follows: a part of each bit's difference.
const GAIN: f64 = 1.0 / 8.0;
/// What a transition at no expected place adds to the doubt, of which each good bit takes 1.
const FAULT: u32 = 8;
/// The doubt from which on the period is searched anew.
const DOUBT: u32 = 20;
/// Bits in a row from which on they are no accident.
const CERTAIN: u32 = 16;
/// Transitions without a period after which another guess is tried.
const PATIENCE: u32 = 240;
/// Guesses for the period while there is none, in parts of the nominal one: they set how much noise is averaged out.
const GUESSES: [f64; 4] = [1.0, 0.2, 1.0, 5.0];
/// Slowest and fastest transport that is followed, in parts of the nominal speed.
const SPEEDS: [f64; 2] = [1.0 / 16.0, 8.0];
/// Shortest bit, samples.
const MIN_PERIOD: f64 = 3.0;

/// What a transition means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// It may be the middle of a one.
    Middle,
    /// It ends a bit.
    Bit {
        /// The bit.
        one: bool,
        /// Where it began, samples.
        begin: f64,
        /// Where it ended, samples.
        end: f64,
        /// Whether the bit before it was whole and ended where this one begins.
        joined: bool,
    },
    /// It is at no place where one belongs.
    Broken,
}

/// Follows the bits of a signal.
#[derive(Debug, Clone)]
pub(super) struct BitClock {
    nominal: f64,
    period: f64,
    last: Option<f64>,
    /// Where the bit began whose middle was passed.
    begun: Option<f64>,
    /// Whether the last bit ended where the present one begins.
    joined: bool,
    /// Bits in a row that followed each other.
    run: u32,
    doubt: u32,
    searched: u32,
    guess: usize,
    recent: [f64; RECENT],
    transitions: usize,
}

impl BitClock {
    /// Bits that last `nominal` samples at the speed of recording.
    pub(super) fn new(nominal: f64) -> Self {
        Self {
            nominal,
            period: nominal,
            last: None,
            begun: None,
            joined: false,
            run: 0,
            doubt: 0,
            searched: 0,
            guess: 0,
            recent: [0.0; RECENT],
            transitions: 0,
        }
    }

    /// How long a bit lasts, samples: by the signal, or a guess.
    pub(super) fn period(&self) -> f64 {
        self.period
    }

    /// Whether bits are recognised.
    pub(super) fn found(&self) -> bool {
        self.run >= CERTAIN
    }

    /// Goes on after a gap of unknown length.
    pub(super) fn skip(&mut self) {
        (self.last, self.begun, self.joined) = (None, None, false);
        (self.run, self.transitions) = (0, 0);
    }

    /// Takes the next transition.
    pub(super) fn transition(&mut self, at: f64) -> Step {
        let Some(last) = self.last.replace(at) else { return Step::Middle };
        let length = at - last;
        self.recent[self.transitions % RECENT] = length;
        self.transitions += 1;
        if self.doubt >= DOUBT {
            self.search();
        }
        let step = match length / self.period {
            0.3..0.75 => self.half(last, at),
            0.75..1.5 => self.whole(last, at),
            _ => {
                self.begun = None;
                Step::Broken
            }
        };
        match step {
            Step::Middle => {}
            Step::Bit { joined: true, .. } => {
                (self.doubt, self.run) = (self.doubt.saturating_sub(1), self.run.saturating_add(1));
            }
            Step::Bit { .. } | Step::Broken => (self.doubt, self.run) = ((self.doubt + FAULT).min(2 * DOUBT), 0),
        }
        self.joined = matches!(step, Step::Bit { .. }) || (self.joined && step == Step::Middle);
        step
    }

    fn half(&mut self, last: f64, at: f64) -> Step {
        let Some(begin) = self.begun.take() else {
            self.begun = Some(last);
            return Step::Middle;
        };
        self.follow(at - begin);
        Step::Bit { one: true, begin, end: at, joined: self.joined }
    }

    fn whole(&mut self, last: f64, at: f64) -> Step {
        // After half a bit there is no whole one: what seemed a bit's middle was its end.
        let joined = self.begun.take().is_none() && self.joined;
        self.follow(at - last);
        Step::Bit { one: false, begin: last, end: at, joined }
    }

    fn follow(&mut self, length: f64) {
        let (shortest, longest) = (self.nominal / SPEEDS[1], self.nominal / SPEEDS[0]);
        self.period = (self.period + GAIN * (length - self.period)).clamp(shortest.max(MIN_PERIOD), longest);
    }

    /// Looks for two lengths, one twice the other, among the recent distances; else guesses.
    fn search(&mut self) {
        if let Some(period) = self.two_lengths() {
            (self.period, self.doubt, self.searched) = (period, 0, 0);
            (self.begun, self.joined) = (None, false);
            return;
        }
        self.searched += 1;
        if self.searched > PATIENCE {
            self.guess = (self.guess + 1) % GUESSES.len();
            (self.searched, self.transitions) = (0, 0);
            self.period = (self.nominal * GUESSES[self.guess]).max(MIN_PERIOD);
        }
    }

    fn two_lengths(&self) -> Option<f64> {
        if self.transitions < RECENT {
            return None;
        }
        let mut sorted = self.recent;
        sorted.sort_unstable_by(f64::total_cmp);
        let ratio = |i: &usize| sorted[*i] / sorted[*i - 1].max(1e-9);
        let split = (1..RECENT).max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        let (halves, wholes) = sorted.split_at(split);
        let mean = |lengths: &[f64]| lengths.iter().sum::<f64>() / lengths.len() as f64;
        let narrow =
            |lengths: &[f64]| lengths.last().zip(lengths.first()).is_some_and(|(last, first)| *last < 1.6 * first);
        let double = mean(wholes) / mean(halves);
        let enough = halves.len() >= 4 && wholes.len() >= 3;
        let fits = enough && narrow(halves) && narrow(wholes) && (1.7..2.3).contains(&double);
        let total: f64 = sorted.iter().sum();
        let period = total / (halves.len() as f64 / 2.0 + wholes.len() as f64);
        let speed = self.nominal / period;
        (fits && period >= MIN_PERIOD && (SPEEDS[0]..=SPEEDS[1]).contains(&speed)).then_some(period)
    }
}
