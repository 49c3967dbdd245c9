//! The shape of a stage file, key by key, as types: the source of the JSON Schema that editors use.
//!
//! These types describe; the reader in `load/` reads, because only it can report every problem with its place.
//! A test holds the two against each other, key by key.

mod beat;

pub use beat::*;

use schemars::JsonSchema;
use std::collections::BTreeMap;

/// A Cyclorama stage file: one LED stage.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct StageFile {
    /// Format of the file; this version reads 1.
    #[schemars(range(min = 1, max = 1))]
    pub format: u32,
    /// Name of the stage, for people.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// The stage's beat as text: a whole number or a fraction, such as "24" or "24000/1001".
    #[schemars(regex(pattern = "^ *[0-9]+ *(/ *[0-9]+ *)?$"))]
    pub frame_rate: String,
    /// Where the outer views are drawn from, metres; default [0, 0, 1.6].
    pub eye_point_m: Option<[f64; 3]>,
    /// Where the beat comes from.
    pub genlock: Option<Genlock>,
    /// What labels frames, and who is told.
    pub timecode: Option<Timecode>,
    /// How the frame thread is woken.
    pub pacer: Option<Pacer>,
    /// What a frame may take.
    pub budget: Option<Budget>,
    /// Where commands arrive.
    pub control: Option<Control>,
    /// The late stages of a frame.
    pub latency: Option<Latency>,
    /// LED surfaces.
    #[schemars(length(min = 1))]
    pub wall: Vec<Wall>,
    /// Incoming tracking streams.
    pub feed: Option<Vec<Feed>>,
    /// Film cameras, in priority order.
    pub camera: Option<Vec<Camera>>,
    /// Signals to LED processors.
    pub output: Option<Vec<Output>>,
}

/// The late stages of a frame.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Latency {
    /// Renew the camera pose just before submission; default true.
    pub late_latch: Option<bool>,
    /// Re-project the inner picture while composing; default true.
    pub late_warp: Option<bool>,
    /// Draw each pixel for the instant at which the camera's sensor line sees it; default false.
    pub exposure_true: Option<bool>,
}

/// One LED surface with one pixel grid.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Wall {
    /// Its id.
    #[schemars(regex(pattern = "^[^./\\\\\\s][^/\\\\\\s]{0,63}$"))]
    pub id: String,
    /// One cabinet.
    pub panel: Panel,
    /// How the panels stand.
    pub shape: Shape,
    /// Where its bottom centre is, metres, stage space; default 0.
    pub position_m: Option<[f64; 3]>,
    /// How it is turned; default 0: looked at along +Y.
    pub rotation_deg: Option<Rotation>,
    /// Timing of its LED drivers.
    pub led: Option<Led>,
}

/// One cabinet.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Panel {
    /// Pixels across.
    #[schemars(range(min = 1, max = 16384))]
    pub width_px: u32,
    /// Pixels down.
    #[schemars(range(min = 1, max = 16384))]
    pub height_px: u32,
    /// Distance from pixel to pixel, millimetres.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub pitch_mm: f64,
}

/// How the panels stand.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Shape {
    /// Edge to edge in one plane.
    Flat(Flat),
    /// Flat panels as chords of a circle.
    Arc(Arc),
    /// A surface from a file.
    Mesh(Mesh),
}

/// Panels edge to edge in one plane.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Flat {
    /// Panels across.
    #[schemars(range(min = 1))]
    pub columns: u32,
    /// Panels up.
    #[schemars(range(min = 1))]
    pub rows: u32,
}

/// Flat panels as chords of a circle.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Arc {
    /// Panels across.
    #[schemars(range(min = 1))]
    pub columns: u32,
    /// Panels up.
    #[schemars(range(min = 1))]
    pub rows: u32,
    /// Radius, metres; the axis lies towards the viewer, with a negative radius behind the wall.
    pub radius_m: f64,
}

/// A surface from a file with texture coordinates.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Mesh {
    /// OBJ or GLB file, from the stage file's folder.
    pub path: String,
    /// Pixels across the whole texture.
    #[schemars(range(min = 1, max = 65536))]
    pub width_px: u32,
    /// Pixels down the whole texture.
    #[schemars(range(min = 1, max = 65536))]
    pub height_px: u32,
    /// Which axis of the file points up; default y.
    pub up: Option<Up>,
    /// Metres per unit of the file; default 1.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub unit_m: Option<f64>,
    /// Which way v counts; default up for OBJ, down for GLB.
    pub v: Option<UpDown>,
}

/// Which axis points up.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Up {
    Y,
    Z,
}

/// A direction.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum UpDown {
    Up,
    Down,
}

/// A rotation, applied as pan about Z, tilt about X, roll about Y, right-handed, each in the turned axes.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rotation {
    /// About Z, degrees; positive turns left.
    #[schemars(range(min = -360, max = 360))]
    pub pan: Option<f64>,
    /// About X, degrees; positive looks up.
    #[schemars(range(min = -360, max = 360))]
    pub tilt: Option<f64>,
    /// About Y, degrees.
    #[schemars(range(min = -360, max = 360))]
    pub roll: Option<f64>,
}

/// Timing of LED drivers.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Led {
    /// Full refreshes in a second, Hz.
    #[schemars(range(min = 1))]
    pub refresh_hz: f64,
    /// Scan ratio: how many rows share a driver, and so which part of a refresh each is lit for.
    #[schemars(range(min = 1))]
    pub scan: u32,
}

/// An incoming tracking stream.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Feed {
    /// Its id.
    #[schemars(regex(pattern = "^[^./\\\\\\s][^/\\\\\\s]{0,63}$"))]
    pub id: String,
    /// What it speaks and where it listens.
    pub protocol: Protocol,
    /// The device's signs, units and offsets: a name or a table.
    pub profile: Option<Profile>,
    /// What lies between measurement and arrival, milliseconds; default 0.
    #[schemars(range(min = -1000, max = 10000))]
    pub delay_ms: Option<f64>,
    /// How good its tracker is, and how lively its camera.
    pub filter: Option<Filter>,
    /// What happens when it falls silent.
    pub loss: Option<Loss>,
}

/// How a feed's movement is filtered and predicted.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Filter {
    /// Noise of one position sample, standard deviation per axis, millimetres; default 0.1.
    #[schemars(range(max = 1000), extend("exclusiveMinimum" = 0))]
    pub position_noise_mm: Option<f64>,
    /// Noise of one orientation sample, standard deviation per axis, degrees; default 0.0057.
    #[schemars(range(max = 45), extend("exclusiveMinimum" = 0))]
    pub rotation_noise_deg: Option<f64>,
    /// Usual acceleration of the camera, root mean square per axis, m/s2; default 1.
    #[schemars(range(max = 1000), extend("exclusiveMinimum" = 0))]
    pub acceleration_m_s2: Option<f64>,
    /// Usual angular acceleration of the camera, root mean square per axis, deg/s2; default 57.3.
    #[schemars(range(max = 1000000), extend("exclusiveMinimum" = 0))]
    pub turn_acceleration_deg_s2: Option<f64>,
}

/// What a feed speaks.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Protocol {
    /// Vinten/Radamec free-d, D1 packets.
    Freed(Freed),
    /// SMPTE OpenTrackIO 1.0.1.
    #[schemars(rename = "opentrackio")]
    OpenTrackIo(OpenTrackIo),
    /// OSC 1.0.
    Osc(Osc),
}

/// FreeD over UDP.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Freed {
    /// Where to listen, IP:PORT.
    pub udp: Option<String>,
    /// Serial device; reserved, not supported yet.
    pub serial: Option<String>,
    /// Only packets with this camera id; default all.
    #[schemars(range(min = 0, max = 255))]
    pub camera_id: Option<u8>,
}

/// OpenTrackIO over UDP.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OpenTrackIo {
    /// Where to listen, IP:PORT; an IPv4 multicast group is joined.
    pub udp: String,
    /// Address of the interface that joins the group.
    pub interface: Option<String>,
    /// Only samples with this source number; default all.
    pub source_number: Option<u32>,
}

/// OSC over UDP.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Osc {
    /// Where to listen, IP:PORT.
    pub udp: String,
    /// Address prefix, such as /tracker/a.
    pub address: String,
}

/// A device profile: the name of a known one, or a table with the keys of the feed's protocol.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Profile {
    /// A known device or convention.
    Named(String),
    /// For FreeD.
    Freed(FreedProfile),
    /// For OpenTrackIO.
    OpenTrackIo(OpenTrackIoProfile),
}

/// How a FreeD sender differs from the manual.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FreedProfile {
    /// 1 or -1; default 1: positive turns right.
    pub pan_sign: Option<f64>,
    /// 1 or -1; default 1: positive looks up.
    pub tilt_sign: Option<f64>,
    /// 1 or -1; default 1: positive is clockwise seen from behind.
    pub roll_sign: Option<f64>,
    /// Raw position steps per millimetre; default 64.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub steps_per_mm: Option<f64>,
    /// Which raw axis (0 = X, 1 = Y, 2 = Z) feeds stage X, Y, Z; default [0, 1, 2].
    pub position_axes: Option<[u32; 3]>,
    /// Signs of stage X, Y, Z after that; default [1, 1, 1].
    pub position_signs: Option<[f64; 3]>,
    /// [raw count, focal length mm] at both ends of the zoom; default: counts are no focal length.
    pub zoom: Option<[[f64; 2]; 2]>,
    /// [raw count, distance m] at both ends of the focus; default: counts are no distance.
    pub focus: Option<[[f64; 2]; 2]>,
}

/// How an OpenTrackIO sender differs from the standard.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OpenTrackIoProfile {
    /// Signs of pan, tilt and roll, 1 or -1 each; default [1, 1, 1].
    pub rotation_signs: Option<[f64; 3]>,
    /// Metres per unit of translation; default 1.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub unit_m: Option<f64>,
}

/// What happens when a feed falls silent, counted from its newest sample.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Loss {
    /// Extrapolate for so long, milliseconds; default 250.
    #[schemars(range(min = 0))]
    pub predict_ms: Option<f64>,
    /// Keep the last pose until so long, milliseconds; default 2000.
    #[schemars(range(min = 0))]
    pub hold_ms: Option<f64>,
}

/// A film camera.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Camera {
    /// Its id.
    #[schemars(regex(pattern = "^[^./\\\\\\s][^/\\\\\\s]{0,63}$"))]
    pub id: String,
    /// The id of the feed that tracks it.
    pub feed: Option<String>,
    /// Its sensor.
    pub sensor: Sensor,
    /// Its inner picture.
    pub inner: Inner,
    /// From the tracked point to the sensor.
    pub mount: Option<Mount>,
    /// Lens file; reserved, not supported yet.
    pub lens: Option<String>,
    /// Pinhole focal length where the feed does not say, millimetres; default 35.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub focal_length_mm: Option<f64>,
    /// Where it stands, if no feed says, metres.
    pub position_m: Option<[f64; 3]>,
    /// How it is turned, if no feed says.
    pub rotation_deg: Option<Rotation>,
    /// Its own frame rate; default the stage's.
    pub rate: Option<String>,
    /// When it exposes.
    pub shutter: Option<Shutter>,
}

/// A sensor's active area.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Sensor {
    /// Width, millimetres.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub width_mm: f64,
    /// Height, millimetres.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub height_mm: f64,
}

/// The picture a camera sees, as it is rendered.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Inner {
    /// Width, pixels.
    #[schemars(range(min = 1, max = 16384))]
    pub width_px: u32,
    /// Height, pixels.
    #[schemars(range(min = 1, max = 16384))]
    pub height_px: u32,
    /// How much wider than the sensor, linear.
    #[schemars(range(min = 1, max = 10))]
    pub overscan: f64,
    /// Width of the soft edge as a part of the overscan; default 0.05, or what the overscan leaves room for.
    #[schemars(range(min = 0, max = 0.95))]
    pub soft_edge: Option<f64>,
}

/// From the tracked point to the sensor, in the tracked point's axes.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Mount {
    /// Metres; default 0.
    pub position_m: Option<[f64; 3]>,
    /// Default 0.
    pub rotation_deg: Option<Rotation>,
}

/// When a camera exposes.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Shutter {
    /// Open part of a frame, degrees; default 180.
    #[schemars(range(max = 360), extend("exclusiveMinimum" = 0))]
    pub angle_deg: Option<f64>,
    /// Start of the exposure after the beat, degrees of a frame; default 0.
    #[schemars(range(min = -360, max = 360))]
    pub phase_deg: Option<f64>,
    /// From the first to the last line, milliseconds; default 15, and 0 for a global shutter.
    #[schemars(range(min = 0, max = 1000))]
    pub readout_ms: Option<f64>,
    /// Reading direction; default down.
    pub lines: Option<UpDown>,
}

/// One signal from one render machine to one LED processor.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Its id; default NODE-WALL.
    #[schemars(regex(pattern = "^[^./\\\\\\s][^/\\\\\\s]{0,63}$"))]
    pub id: Option<String>,
    /// The render machine.
    #[schemars(regex(pattern = "^[^./\\\\\\s][^/\\\\\\s]{0,63}$"))]
    pub node: String,
    /// The one wall it carries; or regions.
    pub wall: Option<String>,
    /// Which rectangle of the wall; default the whole.
    pub wall_px: Option<Rect>,
    /// Several wall rectangles in one picture; instead of wall and wall_px.
    pub regions: Option<Vec<Region>>,
    /// What its code values mean.
    pub signal: Option<Signal>,
    /// Frames from here to light; the same as in signal.
    #[schemars(range(min = 0, max = 120))]
    pub latency_frames: Option<u32>,
    /// Its window's monitor, by name or index.
    pub monitor: Option<Monitor>,
    /// Its window's top left corner on the desktop, pixels.
    pub position_px: Option<[i32; 2]>,
}

/// A monitor.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Monitor {
    Name(String),
    Index(#[schemars(range(min = 0, max = 63))] u32),
}

/// A rectangle of wall pixels.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rect {
    /// Left edge, pixels.
    #[schemars(range(min = 0, max = 65536))]
    pub x: u32,
    /// Top edge, pixels.
    #[schemars(range(min = 0, max = 65536))]
    pub y: u32,
    /// Pixels across.
    #[schemars(range(min = 1, max = 65536))]
    pub width: u32,
    /// Pixels down.
    #[schemars(range(min = 1, max = 65536))]
    pub height: u32,
}

/// A wall rectangle and its place in an output's picture.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Region {
    /// The wall's id.
    pub wall: String,
    /// Which rectangle of it; default the whole.
    pub wall_px: Option<Rect>,
    /// Where its top left pixel lands in the output; default [0, 0].
    pub at_px: Option<[u32; 2]>,
}

/// What an output's code values mean.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Signal {
    /// How code values encode light; default srgb.
    pub transfer: Option<cyc_color::signal::Transfer>,
    /// Primaries; default srgb.
    pub gamut: Option<cyc_color::signal::Gamut>,
    /// The wall's luminance at full code value, or where it clips for pq, cd/m2; default 100.
    #[schemars(range(min = 1, max = 10000))]
    pub peak_nits: Option<f64>,
    /// Bits per channel, 8 or 10; default 8.
    #[schemars(extend("enum" = [8, 10]))]
    pub bits: Option<u8>,
    /// Frames from here to light: processor and panel; default 0.
    #[schemars(range(min = 0, max = 120))]
    pub latency_frames: Option<u32>,
}

/// The keys of each kind of table, by a path such as `wall.shape.arc`, as the JSON Schema has them.
pub fn keys_by_table() -> BTreeMap<String, Vec<String>> {
    crate::schema::keys_by_table(&crate::schema::json_schema())
}
