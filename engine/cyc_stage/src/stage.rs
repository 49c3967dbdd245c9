//! The stage, resolved: what a stage file means once every name is looked up and every file is read.

use cyc_color::signal::Signal;
use cyc_core::{
    LossPolicy, Pose, Rate,
    profile::{FilterProfile, Profile},
};
use nalgebra::{Isometry3, Point3};
use std::net::{Ipv4Addr, SocketAddr};

/// An LED stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The stage's beat.
    pub frame_rate: Rate,
    /// Where the outer views are drawn from, metres, stage space.
    pub eye_point_m: Point3<f64>,
    /// Where the beat comes from.
    pub genlock: Genlock,
    /// What labels frames, and who is told.
    pub timecode: TimecodePlan,
    /// How the frame thread is woken.
    pub pacer: Pacer,
    /// What a frame may take.
    pub budget: Budget,
    /// Where OSC commands arrive.
    pub control: Option<SocketAddr>,
    /// Late stages of the frame.
    pub latency: Latency,
    /// LED surfaces.
    pub walls: Vec<Wall>,
    /// Incoming streams.
    pub feeds: Vec<Feed>,
    /// Film cameras, in priority order: the first wins where inner frusta overlap.
    pub cameras: Vec<Camera>,
    /// Signals to processors.
    pub outputs: Vec<Output>,
}

/// `[genlock]`: phase. Where beats come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Genlock {
    /// The source.
    pub source: GenlockSource,
    /// Added to the source's instants, nanoseconds: cable, converter and processor delays.
    pub phase_nanos: i64,
}

/// Tick source.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum GenlockSource {
    /// The machine's own clock.
    #[default]
    Internal,
    /// Alignment points of SMPTE ST 2059-1 on a clock that PTP disciplines.
    Ptp(Ptp),
    /// The frames of linear timecode.
    Ltc(Sound),
    /// MIDI timecode quarter frames.
    Mtc(Midi),
    /// Art-Net timecode packets.
    ArtNet(ArtNet),
    /// OSC messages, one a frame.
    Osc(OscTicks),
    /// A byte or a modem-line edge a frame.
    Serial(SerialPulse),
    /// A display's vertical blanking.
    Display(Display),
}

/// PTP / SMPTE ST 2059.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ptp {
    /// PTP domain; 127 by SMPTE ST 2059-2.
    pub domain: u8,
    /// Network interface whose PTP daemon is meant, for messages and `doctor`.
    pub interface: Option<String>,
    /// A hardware clock such as "/dev/ptp0"; `None` is CLOCK_TAI.
    pub device: Option<String>,
    /// linuxptp's management socket, "/var/run/ptp4l" by default.
    pub management: String,
}

/// Sound in or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// A sound device by name ("default" is the system's) and a channel, 0 the first.
    Device {
        /// Name as `doctor` lists it.
        name: String,
        /// Channel.
        channel: u16,
    },
    /// A WAV file, for rehearsal and tests: played in real time, once, or written.
    File {
        /// Path, with the stage file's folder in front: as it is to be opened.
        path: std::path::PathBuf,
        /// Channel.
        channel: u16,
    },
}

/// A MIDI port by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Midi {
    /// Name as `doctor` lists it; the first port that contains it is taken.
    pub port: String,
}

/// Art-Net timecode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtNet {
    /// Listen address, or where to send; port 6454 by the standard.
    pub udp: SocketAddr,
    /// Stream id, 0 the master.
    pub stream: u8,
}

/// OSC ticks: `<address> ,i` or `,h` (frame number) and `,s` (timecode), either or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OscTicks {
    /// Listen address, or where to send.
    pub udp: SocketAddr,
    /// OSC address.
    pub address: String,
}

/// A pulse on a serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialPulse {
    /// Device path.
    pub device: String,
    /// What is a pulse.
    pub pulse: SerialEdge,
    /// Line speed where the pulse is a byte.
    pub baud: u32,
}

/// What counts as a pulse on a serial port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum SerialEdge {
    Byte,
    Cts,
    Dcd,
}

/// A display's vertical blanking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    /// DRM device such as "/dev/dri/card0".
    pub card: String,
    /// Connector such as "DP-1"; `None` is the first that is on.
    pub connector: Option<String>,
}

/// `[timecode]`: labels in, and timecode out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimecodePlan {
    /// Where labels come from.
    pub source: LabelSource,
    /// Whether labels are dropped; `None` is where the rate has that.
    pub drop_frame: Option<bool>,
    /// Who is told.
    pub out: Vec<TimecodeOut>,
}

/// Where labels come from.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelSource {
    /// Counted from the frame number; frame 0 is `start` (with PTP: a day of labels from the epoch).
    Count {
        /// Label of frame 0; it exists at the stage's rate, and says itself whether labels are dropped.
        start: cyc_core::Timecode,
    },
    /// The clock on the wall, jammed once a day.
    TimeOfDay {
        /// Local time minus UTC, minutes.
        utc_offset_minutes: i32,
        /// When labels are set to the clock again, minutes after local midnight.
        jam_minutes: u32,
    },
    /// What the genlock source says, if that carries labels (LTC, MTC, Art-Net, OSC).
    Genlock,
    /// Linear timecode.
    Ltc(Sound),
    /// MIDI timecode.
    Mtc(Midi),
    /// Art-Net timecode.
    ArtNet(ArtNet),
    /// OSC.
    Osc(OscTicks),
}

impl Default for LabelSource {
    fn default() -> Self {
        let start = cyc_core::Timecode { hours: 1, minutes: 0, seconds: 0, frames: 0, drop_frame: false };
        Self::Count { start }
    }
}

/// Timecode or ticks that leave.
#[derive(Debug, Clone, PartialEq)]
pub enum TimecodeOut {
    /// Linear timecode as sound.
    Ltc(Sound),
    /// MIDI timecode.
    Mtc(Midi),
    /// Art-Net timecode.
    ArtNet(ArtNet),
    /// OSC on every n-th tick, and on cues.
    Osc {
        /// To whom.
        to: OscTicks,
        /// Every n-th frame.
        every: u32,
    },
}

/// `[pacer]`: how the frame thread is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacer {
    /// SCHED_FIFO priority, 1..=99; `None` leaves the scheduling as it is.
    pub priority: Option<u8>,
    /// CPU that the frame thread is pinned to.
    pub cpu: Option<u32>,
    /// How long before the instant the sleep ends and the spin begins, nanoseconds.
    pub spin_nanos: i64,
    /// Keep the program's memory from being paged out.
    pub lock_memory: bool,
}

impl Default for Pacer {
    fn default() -> Self {
        Self { priority: Some(60), cpu: None, spin_nanos: 60_000, lock_memory: true }
    }
}

/// `[budget]`: what a frame may take, nanoseconds; `None` is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names of the report's stages")]
pub struct Budget {
    /// From the newest sample's kernel stamp to the pass that used it.
    pub receive_to_use: Option<i64>,
    /// `pose_age_ns`.
    pub pose_age: Option<i64>,
    /// Least time left before the deadline.
    pub margin: Option<i64>,
    pub latch: Option<i64>,
    pub simulate: Option<i64>,
    pub solve: Option<i64>,
    pub render: Option<i64>,
    pub compose: Option<i64>,
    pub present: Option<i64>,
    /// Give up quality rather than the beat, in the declared order.
    pub degrade: bool,
}

/// `[latency]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Renew the camera pose just before submission.
    pub late_latch: bool,
    /// Re-project the inner picture while composing.
    pub late_warp: bool,
    /// Draw each pixel for the instant of its exposure.
    pub exposure_true: bool,
}

/// One LED surface with one pixel grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Wall {
    /// Stage-file id.
    pub id: String,
    /// Pixels of the whole wall, width and height.
    pub size_px: [u32; 2],
    /// One cabinet.
    pub panel: Panel,
    /// Wall frame (origin bottom centre, X right, Y into the wall, Z up) to stage.
    pub stage_from_wall: Isometry3<f64>,
    /// The surface as triangles; two per panel, or the mesh's own.
    pub patches: Vec<Patch>,
    /// Processor timing, where the file says.
    pub led: Option<Led>,
}

/// One cabinet.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Panel {
    pub width_px: u32,
    pub height_px: u32,
    pub pitch_mm: f64,
}

/// `led = { refresh_hz, scan }`: full refreshes in a second; in each, every row is lit once, for `1 / scan` of it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Led {
    pub refresh_hz: f64,
    pub scan: u32,
}

/// A triangle of a wall: affine from wall pixels to stage points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patch {
    /// Corners in continuous wall pixels: (0,0) is the top left corner of the top left panel.
    pub px: [[f64; 2]; 3],
    /// The same corners in stage space, metres.
    pub position_m: [Point3<f64>; 3],
    /// Panel number, row-major from the top left; 0 for meshes.
    pub panel: u32,
}

/// One incoming stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Stage-file id.
    pub id: String,
    /// What it speaks and where it listens.
    pub protocol: Protocol,
    /// The device's signs, units and zero points.
    pub profile: Profile,
    /// How its movement is filtered and predicted.
    pub filter: FilterProfile,
    /// Subtracted from arrival time, nanoseconds.
    pub delay_nanos: i64,
    /// What happens when it falls silent.
    pub loss: LossPolicy,
}

/// What a feed speaks and where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// Vinten/Radamec free-d D1.
    Freed {
        /// Where packets arrive.
        transport: Transport,
        /// Only this camera id; `None` takes every packet.
        camera_id: Option<u8>,
    },
    /// SMPTE OpenTrackIO 1.0.1.
    OpenTrackIo {
        /// Listen address; a multicast group is joined.
        udp: SocketAddr,
        /// Which interface joins the group: its own address.
        interface: Option<Ipv4Addr>,
        /// Only this `sourceNumber`; `None` takes every sample.
        source_number: Option<u32>,
    },
    /// OSC 1.0.
    Osc {
        /// Listen address.
        udp: SocketAddr,
        /// Address prefix, such as "/tracker/a".
        address: String,
    },
}

/// Where FreeD packets arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A UDP listen address.
    Udp(SocketAddr),
    /// A serial device path, 38400 8O1.
    Serial(String),
}

/// A film camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Stage-file id.
    pub id: String,
    /// Index into [`Stage::feeds`].
    pub feed: Option<usize>,
    /// Sensor width and height in millimetres.
    pub sensor_mm: [f64; 2],
    /// Tracker point to sensor.
    pub mount: Pose,
    /// Pose without a feed; `None` waits for input.
    pub fixed_pose: Option<Pose>,
    /// Focal length where nothing else says.
    pub focal_length_mm: f64,
    /// Its inner frustum.
    pub inner: Inner,
    /// Exposure.
    pub exposure: Exposure,
}

/// The inner picture of a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inner {
    /// Rendered size in pixels.
    pub size_px: [u32; 2],
    /// How much wider than the sensor, linear, >= 1.
    pub overscan: f64,
    /// Full weight inside `(1 - soft_edge) * overscan`.
    pub soft_edge: f64,
}

/// When a camera exposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// The camera's own frame rate.
    pub rate: Rate,
    /// Shutter, where the file says.
    pub shutter: Option<Shutter>,
}

/// `shutter = { angle_deg, phase_deg, readout_ms, lines }`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Shutter {
    pub angle_deg: f64,
    pub phase_deg: f64,
    pub readout_ms: f64,
    /// First line at the top, reading downwards.
    pub lines_down: bool,
}

/// One signal from one node to one processor.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Stage-file id, or `<node>-<wall>`.
    pub id: String,
    /// The render machine.
    pub node: String,
    /// Size of the signal's picture in pixels.
    pub size_px: [u32; 2],
    /// Which wall rectangles it carries, and where.
    pub regions: Vec<Region>,
    /// What its code values mean.
    pub signal: Signal,
    /// Frames from here to light: processor and panel.
    pub latency_frames: u32,
    /// Where its window goes.
    pub window: Window,
}

/// A wall rectangle inside an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Index into [`Stage::walls`].
    pub wall: usize,
    /// The rectangle on the wall.
    pub wall_px: Rect,
    /// Where its top left pixel lands in the output.
    pub at_px: [u32; 2],
}

/// A pixel rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// Where an output's window goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// Monitor by name or index.
    pub monitor: Option<Monitor>,
    /// Top left corner on the desktop, instead of a monitor's.
    pub position_px: Option<[i32; 2]>,
}

/// A monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Monitor {
    Name(String),
    Index(usize),
}
