//! A simulated stage and a film camera that looks at it.
//!
//! The wall stands askew before a pinhole camera; each of its pixels that a sensor point meets shows
//! `coded_pattern` of the frame that is lit there. Frames are handed over on the beat with jitter, now and then one is
//! missed, and each output's light comes a constant time later. The sensor reads its lines one after another and
//! integrates light over each line's exposure; a lens blurs it; noise, gamma and eight bits follow. The camera's
//! clock runs on its own, and its stamps jitter.

use cyc_core::{Rate, StageTime};
use cyc_frame::delay::pattern::coded_bits;
use cyc_frame::delay::{CameraTiming, LightWatch, StampAt, coded_pattern};
use nalgebra::{Point3, Rotation3, Vector3};
use std::cell::RefCell;
use std::collections::HashMap;
use std::f64::consts::TAU;
use std::rc::Rc;

/// Uniform numbers by splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

/// An output: columns of the wall, and how long after hand-over their light comes.
#[derive(Clone, Copy)]
pub struct Panel {
    pub source: u32,
    pub columns_px: [f64; 2],
    pub latency_frames: f64,
}

#[derive(Clone)]
pub struct Scene {
    pub wall_rate: Rate,
    pub secs: f64,
    pub wall_px: [f64; 2],
    pub panels: Vec<Panel>,
    /// What the wall shows instead of the pattern, if anything.
    pub dark: bool,
    pub camera_hz: f64,
    pub angle_deg: f64,
    /// Start of the camera's first exposure after the first frame, in its frames.
    pub phase: f64,
    pub readout_secs: f64,
    pub lines_down: bool,
    pub stamp_jitter_secs: f64,
    pub stamp: StampAt,
    pub hand_over_jitter_secs: f64,
    pub gamma: f64,
    pub assumed_gamma: f64,
    pub noise: f64,
    pub blur_px: f64,
    /// How far the camera looks past the wall, and how obliquely: pan and roll in degrees.
    pub view_deg: [f64; 2],
    /// Camera to wall, in wall heights.
    pub distance: f64,
    pub picture_px: [usize; 2],
    pub seed: u64,
}

impl Scene {
    /// Two outputs at 24 frames/s, filmed at 25 with 180 degrees and a slow rolling shutter.
    pub fn usual(seed: u64) -> Self {
        Self {
            wall_rate: Rate::new(24, 1).unwrap(),
            secs: 12.0,
            wall_px: [1920.0, 1080.0],
            panels: vec![
                Panel { source: 0, columns_px: [0.0, 960.0], latency_frames: 2.37 },
                Panel { source: 5, columns_px: [960.0, 1920.0], latency_frames: 3.12 },
            ],
            dark: false,
            camera_hz: 25.0,
            angle_deg: 180.0,
            phase: 0.3,
            readout_secs: 0.015,
            lines_down: true,
            stamp_jitter_secs: 0.001,
            stamp: StampAt::FirstLineBegins,
            hand_over_jitter_secs: 2e-4,
            gamma: 2.2,
            assumed_gamma: 2.2,
            noise: 0.02,
            blur_px: 1.0,
            view_deg: [28.0, 4.0],
            distance: 2.2,
            picture_px: [160, 90],
            seed,
        }
    }

    pub fn frame_secs(&self) -> f64 {
        f64::from(self.wall_rate.den()) / f64::from(self.wall_rate.num())
    }

    pub fn timing(&self) -> CameraTiming {
        CameraTiming {
            exposure_nanos: (self.exposure_secs() * 1e9) as i64,
            readout_nanos: (self.readout_secs * 1e9) as i64,
            lines_down: self.lines_down,
            gamma: self.assumed_gamma,
        }
    }

    fn exposure_secs(&self) -> f64 {
        self.angle_deg / 360.0 / self.camera_hz
    }

    /// When each frame was handed over; one in fifty is missed.
    pub fn shown(&self) -> Vec<(u64, StageTime)> {
        let mut random = Random(self.seed ^ 0x51);
        let count = (self.secs / self.frame_secs()) as u64;
        // A house clock's numbers: far beyond 32 bits.
        let first = 43_000_000_017;
        (0..count)
            .filter_map(|n| {
                let late = self.hand_over_jitter_secs * random.normal();
                let missed = random.uniform() < 0.02;
                let at = StageTime(1_000_000_000_000 + ((n as f64 * self.frame_secs() + late) * 1e9) as i64);
                (!missed).then_some((first + n, at))
            })
            .collect()
    }

    /// Films the wall.
    pub fn watch(&self) -> LightWatch {
        let mut watch = LightWatch::new(self.timing()).unwrap();
        let film = Film::new(self);
        let mut random = Random(self.seed ^ 0xca);
        let count = ((self.secs - 0.5) * self.camera_hz) as usize;
        let whole = self.exposure_secs() + self.readout_secs;
        for n in 0..count {
            let begin = (self.phase + n as f64) / self.camera_hz;
            let picture = film.picture(begin, &mut random);
            let stamp = match self.stamp {
                StampAt::FirstLineBegins => begin,
                StampAt::Middle => begin + 0.5 * whole,
                StampAt::LastLineEnds => begin + whole,
            } + self.stamp_jitter_secs * random.normal();
            let stamp = StageTime(1_000_000_000_000 + (stamp * 1e9) as i64);
            watch.push(self.picture_px, &picture, stamp, self.stamp).unwrap();
        }
        watch
    }
}

/// What does not change from picture to picture.
struct Film<'a> {
    scene: &'a Scene,
    /// Where the four sample points of each sensor pixel meet the wall, and on which panel.
    hits: Vec<[Option<(usize, [f32; 2])>; 4]>,
    /// Frame numbers and light times of each panel, seconds.
    lit: Vec<Vec<(u64, f64)>>,
    /// What each panel looked like so far, by its code.
    stills: RefCell<HashMap<(usize, [bool; 2]), Rc<Vec<f32>>>>,
}

impl<'a> Film<'a> {
    fn new(scene: &'a Scene) -> Self {
        let [width, height] = scene.picture_px;
        let sample = |n: usize, k: usize| {
            let (x, y) =
                ((n % width) as f64 + 0.25 + 0.5 * (k % 2) as f64, (n / width) as f64 + 0.25 + 0.5 * (k / 2) as f64);
            let px = scene.wall_point([x / width as f64 - 0.5, (0.5 * height as f64 - y) / width as f64])?;
            let panel =
                scene.panels.iter().position(|panel| (panel.columns_px[0]..panel.columns_px[1]).contains(&px[0]))?;
            Some((panel, px.map(|px| px as f32)))
        };
        let hits = (0..width * height).map(|n| std::array::from_fn(|k| sample(n, k))).collect();
        let shown = scene.shown();
        let lit = |panel: &Panel| {
            let light = |(frame, at): &(u64, StageTime)| {
                (*frame, at.secs_since(StageTime(1_000_000_000_000)) + panel.latency_frames * scene.frame_secs())
            };
            shown.iter().map(light).collect()
        };
        Self { scene, hits, lit: scene.panels.iter().map(lit).collect(), stills: RefCell::default() }
    }

    /// The panel's light in one frame, blurred by the lens; frames of one code look alike.
    fn still(&self, panel: usize, frame: u64) -> Rc<Vec<f32>> {
        let (scene, size) = (self.scene, self.scene.wall_px.map(|px| px as f32));
        let key = (panel, coded_bits(frame, scene.panels[panel].source));
        if let Some(still) = self.stills.borrow().get(&key) {
            return still.clone();
        }
        let light = |hit: &Option<(usize, [f32; 2])>| match hit {
            Some((on, px)) if *on == panel && !scene.dark => {
                coded_pattern(frame, scene.panels[panel].source, *px, size)
            }
            _ => 0.0,
        };
        let sharp = self.hits.iter().map(|hits| hits.iter().map(light).sum::<f32>() / 4.0).collect();
        let still = Rc::new(blurred(sharp, scene.picture_px, scene.blur_px));
        self.stills.borrow_mut().insert(key, still.clone());
        still
    }

    fn picture(&self, begin: f64, random: &mut Random) -> Vec<f32> {
        let (scene, [width, height]) = (self.scene, self.scene.picture_px);
        let exposure = scene.exposure_secs();
        let mut light = vec![0.04_f64; width * height];
        let row_begin = |y: usize| {
            let down = (y as f64 + 0.5) / height as f64;
            begin + scene.readout_secs * if scene.lines_down { down } else { 1.0 - down }
        };
        for (panel, lit) in self.lit.iter().enumerate() {
            for (n, (frame, from)) in lit.iter().enumerate() {
                let to = lit.get(n + 1).map_or(f64::INFINITY, |next| next.1);
                if to < begin || *from > begin + exposure + scene.readout_secs {
                    continue;
                }
                let still = self.still(panel, *frame);
                for y in 0..height {
                    let begin = row_begin(y);
                    let part = (to.min(begin + exposure) - from.max(begin)).max(0.0) / exposure;
                    for x in (0..width).filter(|_| part > 0.0) {
                        light[y * width + x] += 0.7 * part * f64::from(still[y * width + x]);
                    }
                }
            }
        }
        let coded = |light: &f64| {
            let noisy = light + scene.noise * (0.3 + light.sqrt()) * random.normal();
            ((noisy.clamp(0.0, 1.0).powf(1.0 / scene.gamma) * 255.0).round() / 255.0) as f32
        };
        light.iter().map(coded).collect()
    }
}

impl Scene {
    /// Where the ray through a sensor point (in picture widths from the middle, up positive) meets the wall, in wall
    /// pixels; `None` beside it. The wall is 16 : 9 and one high.
    fn wall_point(&self, [x, up]: [f64; 2]) -> Option<[f64; 2]> {
        let [pan, roll] = self.view_deg.map(f64::to_radians);
        let turn =
            Rotation3::from_axis_angle(&Vector3::z_axis(), pan) * Rotation3::from_axis_angle(&Vector3::y_axis(), roll);
        let ray = turn * Vector3::new(x, 1.1, up);
        // The camera stands where it sees the wall's middle a little off its own.
        let eye = Point3::from(-self.distance * (turn * Vector3::y())) + Vector3::new(0.05, 0.0, -0.05);
        let far = -eye.y / ray.y;
        let hit = eye + far * ray;
        let aspect = self.wall_px[0] / self.wall_px[1];
        let px = [(hit.x / aspect + 0.5) * self.wall_px[0], (0.5 - hit.z) * self.wall_px[1]];
        let inside = far > 0.0 && (0.0..self.wall_px[0]).contains(&px[0]) && (0.0..self.wall_px[1]).contains(&px[1]);
        inside.then_some(px)
    }
}

/// A Gaussian of `sigma` pixels, one axis after the other.
fn blurred(picture: Vec<f32>, [width, height]: [usize; 2], sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as i64;
    let kernel: Vec<f32> =
        (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma.max(1e-3)).powi(2)).exp() as f32).collect();
    let sum: f32 = kernel.iter().sum();
    let pass = |from: &[f32], count: usize, step: usize, lines: usize, line_step: usize| {
        let mut to = vec![0.0; from.len()];
        for line in 0..lines {
            for n in 0..count {
                let at = |d: i64| from[line * line_step + (n as i64 + d).clamp(0, count as i64 - 1) as usize * step];
                let value: f32 = (-reach..=reach).zip(&kernel).map(|(d, weight)| weight * at(d)).sum();
                to[line * line_step + n * step] = value / sum;
            }
        }
        to
    };
    let across = pass(&picture, width, 1, height, width);
    pass(&across, height, width, width, 1)
}
