//! What can be asked for on the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use cyc_link::sim::genlock::SimTarget;
use cyc_wall::controls::Show;
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

/// A real-time controller for LED stages.
#[derive(Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// The demo stage: three walls and a simulated tracked camera.
    ///
    /// Exits with 1 if the wall went more than a second without a new picture or missed more than 5 % of its ticks.
    Demo(DemoArgs),
    /// Print all problems of a stage file, with help. Exits with 2 if there are any.
    Check(CheckArgs),
    /// Drive a stage, live.
    ///
    /// Keys in an output window: F freezes the cameras, B blacks the walls out while held, P steps through the test
    /// patterns, O shows the outline of the inner frusta. Exits with 2 on a bad stage file or environment, 1 on trouble
    /// at run time.
    Run(RunArgs),
    /// The same frames offline: same input, same bytes. Exits with 2 on bad input.
    Render(RenderArgs),
    /// What this machine can do for a stage: GPU, clocks, real-time rights, sound, ports, PTP. Exits with 1 if something
    /// is not as it should be, 2 on a bad stage file.
    Doctor(DoctorArgs),
    /// Measurements whose results go into the stage file.
    #[command(subcommand)]
    Calibrate(Calibrate),
    /// Simulated devices on real protocols.
    #[command(subcommand)]
    Sim(Sim),
}

/// `doctor`.
#[derive(Args)]
pub struct DoctorArgs {
    /// The stage file; without it only the machine is looked at.
    pub stage: Option<PathBuf>,
}

/// What can be measured.
#[derive(Subcommand)]
pub enum Calibrate {
    /// Delays: between two feeds of one motion, or from the program to light through a camera.
    #[command(subcommand)]
    Delay(Delay),
}

/// Which delay.
#[derive(Subcommand)]
pub enum Delay {
    /// Between two feeds whose trackers sit on one rigid body that is moved about, turning in all directions.
    Feeds(DelayFeedsArgs),
    /// From the program to light, for every output that a camera sees.
    ///
    /// While `run --pattern coded --report FILE.jsonl` shows the coded pattern, a camera that stands still looks at the
    /// wall; its pictures come from a folder or from a video device. The pattern flickers: warn people with
    /// photosensitive epilepsy.
    Light(DelayLightArgs),
}

/// `calibrate delay feeds`.
#[derive(Args)]
pub struct DelayFeedsArgs {
    /// The stage file.
    pub stage: PathBuf,
    /// The feed that is right.
    #[arg(long, value_name = "FEED")]
    pub reference: String,
    /// The feed whose delay is measured.
    #[arg(long, value_name = "FEED")]
    pub feed: String,
    /// How long to record.
    #[arg(long, default_value_t = 20.0, value_parser = positive)]
    pub seconds: f64,
    /// Write the result into the stage file; the old one is kept beside it as .bak.
    #[arg(long)]
    pub write: bool,
}

/// `calibrate delay light`.
#[derive(Args)]
pub struct DelayLightArgs {
    /// The stage file.
    pub stage: PathBuf,
    /// The report of the run that shows the coded pattern.
    #[arg(long, value_name = "FILE.jsonl")]
    pub report: PathBuf,
    /// The camera of the stage file whose shutter the pictures have.
    #[arg(long, value_name = "ID")]
    pub camera: String,
    /// A folder of pictures: NAME@NANOSECONDS.png, or with a list of stamps.
    #[arg(long, value_name = "DIR", conflicts_with = "device", required_unless_present = "device")]
    pub pictures: Option<PathBuf>,
    /// A video device, such as /dev/video0, which is recorded now.
    #[arg(long, value_name = "PATH")]
    pub device: Option<PathBuf>,
    /// How long to record a device.
    #[arg(long, default_value_t = 10.0, value_parser = positive)]
    pub seconds: f64,
    /// Light is a picture's value to this power.
    #[arg(long, default_value_t = 2.2, value_parser = positive)]
    pub gamma: f64,
    /// Write latency_frames into the stage file; the old one is kept beside it as .bak.
    #[arg(long)]
    pub write: bool,
}

/// `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// The stage file.
    pub stage: PathBuf,
}

/// What `run` and `demo` share.
#[derive(Args, Clone)]
pub struct LiveArgs {
    /// No windows; implied where there is no display.
    #[arg(long)]
    pub headless: bool,
    /// Stop after this many seconds, counted from the first presented frame.
    #[arg(long, value_parser = positive)]
    pub seconds: Option<f64>,
    /// Write a report a frame, as JSON lines.
    #[arg(long, value_name = "FILE.jsonl")]
    pub report: Option<PathBuf>,
    /// Write what an operator must hear of, as JSON lines.
    #[arg(long, value_name = "FILE.jsonl")]
    pub events: Option<PathBuf>,
    /// Where the desk listens; port 0 takes a free one and prints it.
    #[arg(long, default_value = "127.0.0.1:7300")]
    pub desk: SocketAddr,
    /// Save the outputs' pictures of every EVERY-th frame (1 if not given) to DIR.
    #[arg(long, value_name = "DIR[:EVERY]")]
    pub capture: Option<Capture>,
    /// A test pattern instead of the environment.
    #[arg(long, value_enum)]
    pub pattern: Option<Pattern>,
    /// Luminance of test patterns in cd/m2.
    #[arg(long, default_value_t = 100.0, value_parser = positive)]
    pub pattern_nits: f64,
    /// Size of inner and outer pictures relative to the stage file, 0 to 1; chosen by itself where rendering is on the
    /// CPU.
    #[arg(long, value_parser = fraction)]
    pub preview_scale: Option<f64>,
}

/// `demo`.
#[derive(Args)]
pub struct DemoArgs {
    /// Shared with `run`.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Which of the demo's environments.
    #[arg(long, value_enum, default_value_t = DemoWorld::Plaza)]
    pub world: DemoWorld,
}

/// The environments that come with the program.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DemoWorld {
    /// A stone plaza with a pavilion, as a scene with real parallax.
    Plaza,
    /// Ridges at dusk, as a panorama at infinity.
    Dusk,
    /// The line-up room with its metric grid.
    Room,
}

/// `run`.
#[derive(Args)]
pub struct RunArgs {
    /// The stage file.
    pub stage: PathBuf,
    /// Shared with `demo`.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Drive only this node's outputs.
    #[arg(long, value_name = "ID")]
    pub node: Option<String>,
    /// An equirectangular PNG, JPEG, HDR or EXR, or a GLB scene; the line-up room where absent.
    #[arg(long, value_name = "PATH")]
    pub environment: Option<PathBuf>,
}

/// `render`.
#[derive(Args)]
pub struct RenderArgs {
    /// The stage file.
    pub stage: PathBuf,
    /// Frames, one `FrameInput` a line.
    #[arg(long, value_name = "FRAMES.jsonl")]
    pub input: PathBuf,
    /// An equirectangular PNG, JPEG, HDR or EXR, or a GLB scene.
    #[arg(long, value_name = "PATH")]
    pub environment: PathBuf,
    /// Where pictures and plan.jsonl go.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Half-float EXR instead of PNG: code values 0..1, neither dithered nor rounded.
    #[arg(long)]
    pub exr: bool,
    /// Half-float EXR of linear ACEScg light (1.0 = 100 cd/m2) from before the output transform; implies --exr.
    #[arg(long)]
    pub scene_linear: bool,
    /// A test pattern instead of the environment.
    #[arg(long, value_enum)]
    pub pattern: Option<Pattern>,
    /// Luminance of test patterns in cd/m2.
    #[arg(long, default_value_t = 100.0, value_parser = positive)]
    pub pattern_nits: f64,
}

/// Test patterns.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pattern {
    /// Panels with their numbers.
    Grid,
    /// A bar that moves four wall pixels a frame.
    Bar,
    /// A flat field.
    Flat,
    /// The environment with the outline of the inner frusta.
    Outline,
    /// Black.
    Black,
    /// A checker that says which frame it is, for `calibrate delay`. It flickers: warn people with photosensitive epilepsy.
    Coded,
}

impl Pattern {
    /// What the walls show for it.
    pub fn show(self) -> Show {
        match self {
            Self::Outline => Show::Picture,
            Self::Grid => Show::Grid,
            Self::Bar => Show::Bar,
            Self::Flat => Show::Flat,
            Self::Black => Show::Black,
            Self::Coded => Show::Coded,
        }
    }
}

/// Simulated devices.
#[derive(Subcommand)]
pub enum Sim {
    /// A camera tracker that moves along a path.
    Tracker(TrackerArgs),
    /// A source of beats and labels: timecode as a sound file, Art-Net, OSC ticks, a byte a frame on a serial port.
    Genlock(GenlockArgs),
}

/// `sim genlock`.
#[derive(Args)]
pub struct GenlockArgs {
    /// To whom: ltc:FILE.wav, artnet:ADDRESS:PORT, osc:ADDRESS:PORT[/address], serial:DEVICE[@BAUD].
    #[arg(long)]
    pub to: SimTarget,
    /// Frames a second.
    #[arg(long, default_value = "25")]
    pub rate: cyc_core::Rate,
    /// Label of the first frame.
    #[arg(long, default_value = "01:00:00:00")]
    pub start: cyc_core::Timecode,
    /// How much faster its clock is than this machine's, parts per million.
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true)]
    pub drift_ppm: f64,
    /// Frames are late by up to this much.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    pub jitter_us: f64,
    /// Part of the frames that is not told, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub loss: f64,
    /// The label jumps this often ("10s").
    #[arg(long, value_parser = duration_secs)]
    pub jump_every: Option<f64>,
    /// Stop after this many seconds.
    #[arg(long, value_parser = positive)]
    pub seconds: Option<f64>,
    /// Seed of the faults.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `sim tracker`.
#[derive(Args)]
pub struct TrackerArgs {
    /// What it speaks.
    #[arg(long, value_enum, default_value_t = TrackerProtocol::Freed)]
    pub protocol: TrackerProtocol,
    /// Where it sends.
    #[arg(long, default_value = "127.0.0.1:40000")]
    pub to: SocketAddr,
    /// Packets a second.
    #[arg(long, default_value = "120")]
    pub rate: cyc_core::Rate,
    /// Which interface multicast goes out on: its own address.
    #[arg(long)]
    pub interface: Option<std::net::Ipv4Addr>,
    /// FreeD camera id, or OpenTrackIO source number.
    #[arg(long, default_value_t = 1)]
    pub camera_id: u8,
    /// OSC address.
    #[arg(long, default_value = "/tracker/a")]
    pub address: String,
    /// Stop after this many seconds.
    #[arg(long, value_parser = positive)]
    pub seconds: Option<f64>,
    /// Part of the packets that is lost, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub loss: f64,
    /// Packets are late by up to this much.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    pub jitter_ms: f64,
    /// Part of the packets that is overtaken by the next one.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub reorder: f64,
    /// Falls silent this often ("5s", "800ms").
    #[arg(long, value_parser = duration_secs)]
    pub dropout_every: Option<f64>,
    /// For this long each time.
    #[arg(long, default_value = "1s", value_parser = duration_secs)]
    pub dropout_for: f64,
    /// Part of the packets that is followed by garbage.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub garbage: f64,
    /// Seed of the faults.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Tracker protocols.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrackerProtocol {
    /// Vinten/Radamec free-d D1.
    Freed,
    /// SMPTE OpenTrackIO 1.0.1, JSON.
    Opentrackio,
    /// SMPTE OpenTrackIO 1.0.1, CBOR.
    OpentrackioCbor,
    /// OSC, the default profile.
    Osc,
}

/// `DIR[:EVERY]`.
#[derive(Clone)]
pub struct Capture {
    /// Where pictures go.
    pub dir: PathBuf,
    /// Every n-th frame.
    pub every: u64,
}

impl FromStr for Capture {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = || Ok(Self { dir: text.into(), every: 1 });
        let Some((dir, every)) = text.rsplit_once(':') else { return whole() };
        match every.parse() {
            Ok(0) => Err("EVERY is at least 1".into()),
            Ok(every) => Ok(Self { dir: dir.into(), every }),
            Err(_) => whole(),
        }
    }
}

fn number(text: &str, good: impl Fn(f64) -> bool, what: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if good(number) => Ok(number),
        _ => Err(format!("give {what}")),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |x| x.is_finite() && x > 0.0, "a number above 0")
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |x| x.is_finite() && x >= 0.0, "a number of at least 0")
}

fn share(text: &str) -> Result<f64, String> {
    number(text, |x| (0.0..=1.0).contains(&x), "a number from 0 to 1")
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0 && x <= 1.0, "a number above 0, at most 1")
}

fn duration_secs(text: &str) -> Result<f64, String> {
    let (digits, factor) = match text {
        t if t.ends_with("ms") => (&t[..t.len() - 2], 1e-3),
        t if t.ends_with('s') => (&t[..t.len() - 1], 1.0),
        t => (t, 1.0),
    };
    number(digits, |x| x.is_finite() && x > 0.0, "a duration such as 5s or 800ms").map(|x| x * factor)
}
