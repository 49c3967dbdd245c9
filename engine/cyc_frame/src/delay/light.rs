//! From hand-over to light: what a camera that looks at the coded pattern says about every output.

mod coarse;
mod fine;
mod outputs;
mod view;

pub use outputs::{OutputLight, output_lights, shown_frames};

use super::exposed::Shown;
use super::spots::Spots;
use coarse::Group;
use cyc_core::{Rate, StageTime};
use cyc_stage::stage::Exposure;
use std::fmt;
use view::View;

/// The least number of pictures that say anything.
const LEAST_PICTURES: usize = 40;
/// Pictures that are kept, at most: a minute of 25.
const MOST_PICTURES: usize = 1_500;

/// When a camera exposes which line, and what its values mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraTiming {
    /// How long each line is exposed.
    pub exposure_nanos: i64,
    /// From the first line's exposure to the last line's; 0 for a global shutter.
    pub readout_nanos: i64,
    /// The first line is the picture's top line.
    pub lines_down: bool,
    /// Light is a value to this power; 1 for linear pictures, about 2.2 for others. It need not be exact: where one
    /// cell brightens another darkens, and what it does wrong cancels.
    pub gamma: f64,
}

/// What a picture's time stamp stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StampAt {
    /// The first line begins its exposure.
    #[default]
    FirstLineBegins,
    /// The middle of the middle line's exposure.
    Middle,
    /// The last line ends its exposure.
    LastLineEnds,
}

/// When one output's light came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LightDelay {
    /// The output's place in the stage file, from 0.
    pub source: u32,
    /// From the instant a frame was handed over to its first light, nanoseconds.
    pub delay_nanos: i64,
    /// One standard deviation of `delay_nanos`.
    pub standard_error_nanos: i64,
    /// Pictures that counted.
    pub pictures: usize,
    /// Pictures in which the wall was seen to change. Where there are few the delay is the middle of what the others
    /// allow, and the error is what they leave open.
    pub changes: usize,
    /// Spots of the picture that showed the output.
    pub spots: usize,
}

/// Why pictures say nothing about light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LightRefusal {
    /// A picture is not of the size that its values or the pictures before have.
    Size {
        /// Pixels across and down.
        size_px: [usize; 2],
        /// Number of values.
        values: usize,
    },
    /// The exposure is none: not above 0, or longer than two seconds.
    Exposure {
        /// What was said.
        exposure_nanos: i64,
    },
    /// Too few pictures.
    FewPictures {
        /// How many there are.
        pictures: usize,
    },
    /// The pictures were not taken while the frames were shown.
    NoOverlap {
        /// Pictures whose exposure lies within the reported frames.
        inside: usize,
        /// How long the frames lasted, seconds.
        shown_secs: f64,
    },
    /// No spot of the picture follows the pattern.
    NoPattern {
        /// How well the best one does: the part of its changes that the pattern explains, 0..1.
        best: f64,
    },
}

/// Looks at the coded pattern, picture by picture.
pub struct LightWatch {
    timing: CameraTiming,
    spots: Option<Spots>,
    /// When the first line's exposure began.
    begins: Vec<StageTime>,
}

impl CameraTiming {
    /// The timing of a stage camera's exposure; `None` where the stage file names no shutter.
    pub fn of(exposure: &Exposure, gamma: f64) -> Option<Self> {
        let shutter = exposure.shutter?;
        let frame = 1e9 * f64::from(exposure.rate.den()) / f64::from(exposure.rate.num());
        Some(Self {
            exposure_nanos: (shutter.angle_deg / 360.0 * frame).round() as i64,
            readout_nanos: (shutter.readout_ms * 1e6).round() as i64,
            lines_down: shutter.lines_down,
            gamma,
        })
    }

    /// When the first line's exposure began.
    fn begin(&self, stamp: StageTime, at: StampAt) -> StageTime {
        let whole = self.exposure_nanos.saturating_add(self.readout_nanos);
        stamp.plus_nanos(match at {
            StampAt::FirstLineBegins => 0,
            StampAt::Middle => -whole / 2,
            StampAt::LastLineEnds => -whole,
        })
    }
}

impl LightWatch {
    /// Watches with a camera of this timing.
    ///
    /// # Errors
    /// [`LightRefusal::Exposure`].
    pub fn new(timing: CameraTiming) -> Result<Self, LightRefusal> {
        if !(1..=2_000_000_000).contains(&timing.exposure_nanos) {
            return Err(LightRefusal::Exposure { exposure_nanos: timing.exposure_nanos });
        }
        let readout_nanos = timing.readout_nanos.clamp(0, 2_000_000_000);
        let gamma = if timing.gamma.is_finite() { timing.gamma.clamp(0.2, 5.0) } else { 1.0 };
        Ok(Self { timing: CameraTiming { readout_nanos, gamma, ..timing }, spots: None, begins: Vec::new() })
    }

    /// Takes a picture: values 0..1, row by row from the top left. The camera must stand still from the first to the
    /// last; what comes after the first 1,500 is not looked at.
    ///
    /// # Errors
    /// [`LightRefusal::Size`].
    pub fn push(
        &mut self,
        size_px: [usize; 2],
        luma: &[f32],
        stamp: StageTime,
        at: StampAt,
    ) -> Result<(), LightRefusal> {
        let spots = self.spots.get_or_insert_with(|| Spots::new(size_px, self.timing.gamma));
        if !spots.fits(size_px) || Some(luma.len()) != size_px[0].checked_mul(size_px[1]) || luma.is_empty() {
            return Err(LightRefusal::Size { size_px, values: luma.len() });
        }
        if self.begins.len() < MOST_PICTURES {
            spots.push(luma);
            self.begins.push(self.timing.begin(stamp, at));
        }
        Ok(())
    }

    /// How many pictures were taken.
    pub fn pictures(&self) -> usize {
        self.begins.len()
    }

    /// The delay of every output in sight, by its place in the stage file. `shown` are the frames that the wall was
    /// given and when each was handed over ([`shown_frames`]), at `rate`.
    ///
    /// # Errors
    /// Why the pictures do not say.
    pub fn delays(&self, shown: &[(u64, StageTime)], rate: Rate) -> Result<Vec<LightDelay>, LightRefusal> {
        let few = LightRefusal::FewPictures { pictures: self.begins.len() };
        let Some(spots) = self.spots.as_ref().filter(|_| self.begins.len() >= LEAST_PICTURES) else { return Err(few) };
        let Some(shown) = Shown::new(shown) else {
            return Err(LightRefusal::NoOverlap { inside: 0, shown_secs: 0.0 });
        };
        let view = View::new(&self.timing, spots, &self.begins, &shown, rate);
        let inside = view.pictures_inside();
        if inside < LEAST_PICTURES {
            return Err(LightRefusal::NoOverlap { inside, shown_secs: shown.span_secs() });
        }
        let groups = coarse::groups(&view).map_err(|best| LightRefusal::NoPattern { best })?;
        Ok(groups.iter().filter_map(|group: &Group| fine::delay(&view, group)).collect())
    }
}

impl std::error::Error for LightRefusal {}

impl fmt::Display for LightRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Size { size_px: [width, height], values } => write!(
                f,
                "a picture of {width} x {height} px with {values} values does not fit the others: all must be of one size"
            ),
            Self::Exposure { exposure_nanos } => write!(
                f,
                "an exposure of {:.3} ms is none: give the camera's shutter and rate in the stage file",
                exposure_nanos as f64 * 1e-6
            ),
            Self::FewPictures { pictures } => write!(
                f,
                "{pictures} pictures are too few: record for 15 s or more, at least {LEAST_PICTURES} pictures"
            ),
            Self::NoOverlap { inside, shown_secs } => write!(
                f,
                "only {inside} pictures lie within the {shown_secs:.1} s of reported frames: their time stamps must be \
                 stage time, and both must be of one run"
            ),
            Self::NoPattern { best } => write!(
                f,
                "nothing in the pictures follows the coded pattern (at best {:.0} % of a spot's changes): is the wall \
                 showing it, does the camera stand still, is it neither dark nor burnt out, and are the time stamps \
                 right to half a second?",
                100.0 * best
            ),
        }
    }
}
