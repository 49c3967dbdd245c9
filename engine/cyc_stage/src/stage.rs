//! The stage, resolved: what a stage file means once every name is looked up and every file is read.

use cyc_color::signal::Signal;
use cyc_core::{LossPolicy, Pose, Rate, profile::Profile};
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

/// Tick source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Genlock {
    /// The machine's own clock.
    #[default]
    Internal,
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

/// `led = { refresh_hz, scan }`.
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
