//! The exposure planner: what each camera's shutter sees of the wall, before anybody rolls.
//!
//! A wall frame is lit for one frame of the stage. A camera's exposure begins `phase_deg` of a camera frame after a
//! beat, each sensor line is open for `angle_deg`, and the lines follow each other over `readout_ms`; so a picture
//! collects light for exposure and readout together, its *window*. Three things can go wrong: the window holds the
//! change from one wall frame to the next (a torn picture), lines see different numbers of LED refreshes (bands), or
//! the camera's rate has nothing to do with the wall's (the change wanders through the pictures).
//!
//! The reading of `led = { refresh_hz, scan }`: one full refresh takes `1 / refresh_hz`, and within it every LED row
//! is lit once, in its turn, for `1 / scan` of it (half of it where nothing is multiplexed, since such drivers dim by
//! pulse width). A window that is no whole number of refreshes catches one pulse more of some rows than of others.
//!
//! Arithmetic alone, in milliseconds and degrees of a camera's frame; nothing here is measured.

mod advice;
mod text;

pub use advice::{GenlockAdvice, genlock_advice};
pub(crate) use text::tidy;

use crate::problem::Code;
use crate::stage::{Exposure, Led, Shutter, Stage};
use cyc_core::Rate;
use serde::Serialize;

/// How far over a wall frame's edge a window may reach, milliseconds: a fiftieth of one refresh of common LEDs.
const EDGE_MS: f64 = 0.005;
/// Bands above this are named, as the difference of two lines over their mean: about what an eye sees as an edge.
const VISIBLE_BAND: f64 = 0.005;
/// Bands that a suggested angle may have, so that rounding it to what a camera's menu offers does no harm.
const FINE_BAND: f64 = 0.001;
/// How many whole numbers of refreshes are tried around an angle.
const MOST_TRIES: u32 = 4096;

/// What one camera sees of the wall.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CameraPlan {
    /// The camera's id.
    pub camera: String,
    /// Its rate and the wall's.
    pub relation: Relation,
    /// Its pictures in time, where the stage file gives a shutter.
    pub shutter: Option<ShutterPlan>,
    /// What is worth saying, the worst first.
    pub findings: Vec<Finding>,
}

/// A camera's rate in relation to the wall's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The same.
    Same,
    /// Off-speed: so many pictures on each wall frame.
    Faster {
        /// Pictures on each wall frame.
        pictures: u64,
    },
    /// Off-speed: so many wall frames in each of its frames.
    Slower {
        /// Wall frames in each of its frames.
        wall_frames: u64,
    },
    /// Neither rate is a multiple of the other.
    Unrelated {
        /// How long the wall's change takes to wander through a whole picture, seconds.
        beat_s: f64,
    },
}

/// A camera's pictures in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShutterPlan {
    /// How long each line is open, milliseconds.
    pub open_ms: f64,
    /// When the first line opens, after the beat, milliseconds, within one camera frame.
    pub begin_ms: f64,
    /// From the first line's opening to the last line's closing, milliseconds.
    pub window_ms: f64,
    /// The longest window that a picture of one wall frame has room for, milliseconds; none where rates differ so
    /// that there is no such picture, or none is meant.
    pub room_ms: Option<f64>,
    /// The phase that leaves most room at both edges of the wall frame, degrees, where the window fits at all.
    pub best_phase_deg: Option<f64>,
    /// The nearest shutter angles, downwards and upwards, with whole pictures and without bands; the camera's own
    /// where nothing is wrong with it.
    pub good_angles_deg: [Option<f64>; 2],
    /// The LEDs that it sees, one entry for all walls with the same timing.
    pub refreshes: Vec<Refreshes>,
}

/// How often LEDs are refreshed while a line is open.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refreshes {
    /// Ids of the walls.
    pub walls: Vec<String>,
    /// Refreshes in one line's exposure.
    pub count: f64,
    /// Brightest line less darkest, over the mean; 0 without bands.
    pub band: f64,
}

/// Something worth saying about a camera.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// The number under which the stage file's check warns of it, such as "W007"; none for what is only a note.
    pub code: Option<&'static str>,
    /// In one line, with the camera's id.
    pub message: String,
    /// What to do, each in one line.
    pub help: Vec<String>,
    /// Ids of the walls that it is about; empty for all.
    pub walls: Vec<String>,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Pictures hold two wall frames, at any phase.
    Torn,
    /// Pictures hold two wall frames, and another phase would help.
    Phase,
    /// Lines see different numbers of LED refreshes.
    Bands,
    /// The wall's change wanders through the pictures.
    Beating,
    /// An off-speed camera: legal, and named.
    OffSpeed,
}

impl Kind {
    /// The code under which a stage file's check warns of it; `None` for what is only a note.
    pub fn code(self) -> Option<Code> {
        match self {
            Self::Torn => Some(Code::Torn),
            Self::Phase => Some(Code::ExposurePhase),
            Self::Bands => Some(Code::Bands),
            Self::Beating => Some(Code::Beating),
            Self::OffSpeed => None,
        }
    }
}

/// What each camera of a stage sees of its walls, in the stage's order.
pub fn plan(stage: &Stage) -> Vec<CameraPlan> {
    let leds: Vec<(&str, Led)> = stage.walls.iter().filter_map(|wall| Some((wall.id.as_str(), wall.led?))).collect();
    stage.cameras.iter().map(|camera| plan_camera(&camera.id, &camera.exposure, stage.frame_rate, &leds)).collect()
}

/// What one camera sees of walls at `wall_rate` with these LEDs, each with its wall's id.
pub fn plan_camera(id: &str, exposure: &Exposure, wall_rate: Rate, leds: &[(&str, Led)]) -> CameraPlan {
    let relation = relation(exposure.rate, wall_rate);
    let timing = exposure.shutter.map(|shutter| Timing::new(&shutter, exposure.rate, wall_rate, relation));
    let shutter = timing.map(|timing| timing.plan(leds));
    let findings = text::findings(id, exposure, wall_rate, relation, timing.as_ref(), shutter.as_ref(), leds);
    CameraPlan { camera: id.to_owned(), relation, shutter, findings }
}

/// How a camera's rate relates to the wall's, exactly.
pub fn relation(camera: Rate, wall: Rate) -> Relation {
    let pictures = u64::from(camera.num()) * u64::from(wall.den());
    let frames = u64::from(camera.den()) * u64::from(wall.num());
    if pictures == frames {
        Relation::Same
    } else if pictures % frames == 0 {
        Relation::Faster { pictures: pictures / frames }
    } else if frames % pictures == 0 {
        Relation::Slower { wall_frames: frames / pictures }
    } else {
        let (camera, wall) = (per_second(camera), per_second(wall));
        let (fast, slow) = (camera.max(wall), camera.min(wall));
        Relation::Unrelated { beat_s: 1.0 / (fast - (fast / slow).round() * slow).abs() }
    }
}

fn per_second(rate: Rate) -> f64 {
    f64::from(rate.num()) / f64::from(rate.den())
}

/// One frame, milliseconds.
fn frame_ms(rate: Rate) -> f64 {
    1e3 / per_second(rate)
}

/// A shutter in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Timing {
    angle_deg: f64,
    /// One camera frame.
    frame_ms: f64,
    /// One wall frame.
    lit_ms: f64,
    open_ms: f64,
    begin_ms: f64,
    readout_ms: f64,
    relation: Relation,
}

impl Timing {
    fn new(shutter: &Shutter, rate: Rate, wall_rate: Rate, relation: Relation) -> Self {
        let (own_ms, lit_ms) = (frame_ms(rate), frame_ms(wall_rate));
        let begin_ms = (shutter.phase_deg / 360.0 * own_ms).rem_euclid(own_ms);
        Self {
            angle_deg: shutter.angle_deg,
            frame_ms: own_ms,
            lit_ms,
            open_ms: shutter.angle_deg / 360.0 * own_ms,
            // A hair before the beat is on it.
            begin_ms: if own_ms - begin_ms < EDGE_MS { 0.0 } else { begin_ms },
            readout_ms: shutter.readout_ms,
            relation,
        }
    }

    /// The same camera with another shutter angle.
    fn with_angle(self, angle_deg: f64) -> Self {
        Self { angle_deg, open_ms: angle_deg / 360.0 * self.frame_ms, ..self }
    }

    fn window_ms(&self) -> f64 {
        self.open_ms + self.readout_ms
    }

    /// The longest window without a change of the wall: a camera at the wall's rate has a whole wall frame, a faster
    /// one its own frame, since one of its pictures is the last before the change.
    fn room_ms(&self) -> Option<f64> {
        match self.relation {
            Relation::Same | Relation::Faster { .. } => Some(self.frame_ms),
            Relation::Slower { .. } if self.window_ms() <= self.lit_ms + EDGE_MS => Some(self.lit_ms),
            Relation::Slower { .. } | Relation::Unrelated { .. } => None,
        }
    }

    /// The begin in the middle of what the room leaves, milliseconds after the beat.
    fn best_begin_ms(&self) -> Option<f64> {
        let slack_ms = self.room_ms()? - self.window_ms();
        (slack_ms >= -EDGE_MS).then_some(slack_ms.max(0.0) / 2.0)
    }

    fn phase_deg(&self, begin_ms: f64) -> f64 {
        begin_ms / self.frame_ms * 360.0
    }

    /// Time between the window and the nearer edge of a wall frame; negative where it reaches over one.
    fn slack_ms(&self, begin_ms: f64) -> Option<f64> {
        let (room_ms, window_ms) = (self.room_ms()?, self.window_ms());
        let begin_ms = begin_ms.rem_euclid(room_ms);
        Some(begin_ms.min(room_ms - window_ms - begin_ms))
    }

    /// Most wall frames in one picture.
    fn wall_frames(&self) -> u64 {
        let begin_ms = self.begin_ms.rem_euclid(self.lit_ms);
        ((begin_ms + self.window_ms() - EDGE_MS) / self.lit_ms).max(0.0) as u64 + 1
    }

    fn plan(&self, leds: &[(&str, Led)]) -> ShutterPlan {
        ShutterPlan {
            open_ms: self.open_ms,
            begin_ms: self.begin_ms,
            window_ms: self.window_ms(),
            room_ms: self.room_ms(),
            best_phase_deg: self.best_begin_ms().map(|begin_ms| self.phase_deg(begin_ms)),
            good_angles_deg: self.good_angles_deg(leds),
            refreshes: self.refreshes(leds),
        }
    }

    fn refreshes(&self, leds: &[(&str, Led)]) -> Vec<Refreshes> {
        let mut groups: Vec<(Led, Refreshes)> = Vec::new();
        for (wall, led) in leds {
            if let Some((_, group)) = groups.iter_mut().find(|(other, _)| other == led) {
                group.walls.push((*wall).to_owned());
                continue;
            }
            let (count, band) = (self.open_ms * 1e-3 * led.refresh_hz, band(self.open_ms, led));
            groups.push((*led, Refreshes { walls: vec![(*wall).to_owned()], count, band }));
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// True if pictures are whole and no wall has bands above `band_limit` with this angle.
    fn is_good(&self, angle_deg: f64, leds: &[(&str, Led)], band_limit: f64) -> bool {
        let open_ms = angle_deg / 360.0 * self.frame_ms;
        (0.0..=360.0).contains(&angle_deg)
            && open_ms > 0.0
            && angle_deg <= self.most_deg() + 1e-9
            && leds.iter().all(|(_, led)| band(open_ms, led) <= band_limit)
    }

    /// The largest angle whose picture is whole; 360 where no picture is meant to be.
    fn most_deg(&self) -> f64 {
        let whole = matches!(self.relation, Relation::Same | Relation::Faster { .. });
        let left_ms = if whole { self.frame_ms - self.readout_ms + EDGE_MS } else { self.frame_ms };
        (left_ms / self.frame_ms * 360.0).min(360.0)
    }

    fn good_angles_deg(&self, leds: &[(&str, Led)]) -> [Option<f64>; 2] {
        if self.is_good(self.angle_deg, leds, VISIBLE_BAND) {
            return [Some(self.angle_deg); 2];
        }
        let (start, most) = (self.angle_deg.min(self.most_deg()), self.most_deg());
        // Whole refreshes of the slowest LEDs; those of the others are a condition.
        let slowest_hz = leds.iter().map(|(_, led)| led.refresh_hz).reduce(f64::min);
        let Some(hz) = slowest_hz else { return [self.nice(start, leds), None] };
        let step_deg = 360.0 * 1e3 / hz / self.frame_ms;
        let nice = |turns: f64| self.nice(turns * step_deg, leds);
        let (below, above) = ((start / step_deg + 1e-9).floor(), (start / step_deg - 1e-9).ceil());
        let downwards = (0..MOST_TRIES).map(|n| below - f64::from(n)).take_while(|turns| *turns >= 1.0);
        let upwards = (0..MOST_TRIES).map(|n| above + f64::from(n)).take_while(|turns| turns * step_deg <= most);
        let (below, above) = (downwards.into_iter().find_map(nice), upwards.into_iter().find_map(nice));
        // Many refreshes in one exposure show no bands whatever the angle.
        [below.or_else(|| self.nice(start, leds)), above.filter(|_| start < most)]
    }

    /// A good angle with as few decimals as it can have.
    fn nice(&self, angle_deg: f64, leds: &[(&str, Led)]) -> Option<f64> {
        let rounded = |decimals: i32| {
            let scale = 10f64.powi(decimals);
            [(angle_deg * scale).round() / scale, (angle_deg * scale).floor() / scale]
        };
        let fine = (0..=3).flat_map(rounded).find(|angle| self.is_good(*angle, leds, FINE_BAND));
        fine.or_else(|| Some(angle_deg).filter(|angle| self.is_good(*angle, leds, VISIBLE_BAND)))
    }
}

/// Brightest line less darkest over the mean, for lines open so long: LED rows are lit once a refresh for `1 / scan`
/// of it, and the refreshes meet the lines at every phase.
fn band(open_ms: f64, led: &Led) -> f64 {
    let refresh_ms = 1e3 / led.refresh_hz;
    let pulse_ms = refresh_ms / f64::from(led.scan.max(2));
    let rest_ms = open_ms.rem_euclid(refresh_ms);
    // Whole refreshes light every row alike; the rest catches at most one pulse, at least what it cannot miss.
    let (most_ms, least_ms) = (rest_ms.min(pulse_ms), (rest_ms - (refresh_ms - pulse_ms)).max(0.0));
    let band = (most_ms - least_ms) / (open_ms * pulse_ms / refresh_ms);
    // What is left of a whole number in floating point is no band.
    if band < 1e-9 { 0.0 } else { band }
}
