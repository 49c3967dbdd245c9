//! The shape of `[genlock]`, `[timecode]`, `[pacer]`, `[budget]` and `[control]`.

use schemars::JsonSchema;

/// Where the beat comes from.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Genlock {
    /// The source; default the machine's own clock.
    pub source: Option<GenlockSource>,
    /// Added to the source's instants, microseconds: cables, converters, processors; default 0.
    #[schemars(range(min = -1000000, max = 1000000))]
    pub phase_us: Option<f64>,
}

/// A source of the beat.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum GenlockSource {
    /// The machine's own clock.
    Internal(Empty),
    /// The alignment points of SMPTE ST 2059-1 on a clock that PTP disciplines.
    Ptp(Ptp),
    /// Linear timecode.
    Ltc(Sound),
    /// MIDI timecode.
    Mtc(Midi),
    /// Art-Net timecode.
    #[schemars(rename = "artnet")]
    ArtNet(ArtNetIn),
    /// OSC messages, one a frame.
    Osc(OscTicksIn),
    /// A pulse a frame on a serial port.
    Serial(SerialPulse),
    /// A display's vertical blanking.
    Display(Display),
}

/// Nothing to set.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Empty {}

/// A clock that PTP disciplines.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Ptp {
    /// PTP domain; default 127, as SMPTE ST 2059-2 says.
    #[schemars(range(min = 0, max = 127))]
    pub domain: Option<u8>,
    /// Network interface whose PTP daemon is meant, for messages.
    #[schemars(length(min = 1, max = 255))]
    pub interface: Option<String>,
    /// Hardware clock such as /dev/ptp0; default the system's TAI clock.
    #[schemars(regex(pattern = "^/"))]
    pub device: Option<String>,
    /// Management socket of linuxptp's ptp4l; default /var/run/ptp4l.
    #[schemars(regex(pattern = "^/"))]
    pub management: Option<String>,
}

/// Sound from or to a device, or from or to a WAV file.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Sound {
    /// Sound device by name; default the system's.
    #[schemars(length(min = 1, max = 255))]
    pub device: Option<String>,
    /// WAV file, from the stage file's folder; instead of a device.
    #[schemars(length(min = 1, max = 255))]
    pub file: Option<String>,
    /// Channel, 0 the first; default 0.
    #[schemars(range(min = 0, max = 1023))]
    pub channel: Option<u16>,
}

/// A MIDI port.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Midi {
    /// Part of the port's name; the first port that has it is taken.
    #[schemars(length(min = 1, max = 255))]
    pub port: String,
}

/// Art-Net timecode that arrives.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ArtNetIn {
    /// Where to listen, IP:PORT; default 0.0.0.0:6454.
    pub udp: Option<String>,
    /// Stream id; default 0, the master.
    #[schemars(range(min = 0, max = 255))]
    pub stream: Option<u8>,
}

/// Art-Net timecode that leaves.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ArtNetOut {
    /// To whom, IP:PORT; default 255.255.255.255:6454, everybody.
    pub udp: Option<String>,
    /// Stream id; default 0, the master.
    #[schemars(range(min = 0, max = 255))]
    pub stream: Option<u8>,
}

/// OSC ticks and timecode that arrive.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OscTicksIn {
    /// Where to listen, IP:PORT.
    pub udp: String,
    /// OSC address; default /cyclorama/tick.
    pub address: Option<String>,
}

/// OSC ticks and timecode that leave.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OscTicksOut {
    /// To whom, IP:PORT.
    pub udp: String,
    /// OSC address; default /cyclorama/tick.
    pub address: Option<String>,
    /// Every n-th frame; default 1.
    #[schemars(range(min = 1, max = 100000))]
    pub every: Option<u32>,
}

/// A pulse on a serial port.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SerialPulse {
    /// The port, such as /dev/ttyUSB0.
    #[schemars(length(min = 1, max = 255))]
    pub device: String,
    /// What is a pulse; default byte.
    pub pulse: Option<SerialEdge>,
    /// Line speed where the pulse is a byte; default 38400.
    #[schemars(range(min = 1200, max = 4000000))]
    pub baud: Option<u32>,
}

/// What counts as a pulse on a serial port.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum SerialEdge {
    /// Any byte.
    Byte,
    /// A rising edge of "clear to send".
    Cts,
    /// A rising edge of "data carrier detect".
    Dcd,
}

/// A display.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Display {
    /// DRM device; default /dev/dri/card0.
    #[schemars(regex(pattern = "^/"))]
    pub card: Option<String>,
    /// Connector such as DP-1; default the first that is on.
    #[schemars(length(min = 1, max = 255))]
    pub connector: Option<String>,
}

/// What labels frames, and who is told.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Timecode {
    /// Where labels come from; default counted from 01:00:00:00.
    pub source: Option<LabelSource>,
    /// Whether labels are dropped so that they follow the clock; default where the frame rate has that.
    pub drop_frame: Option<bool>,
    /// Timecode and ticks that leave.
    pub out: Option<Vec<TimecodeOut>>,
}

/// A source of labels.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum LabelSource {
    /// Counted from frame 0.
    Count(Count),
    /// The clock on the wall.
    TimeOfDay(TimeOfDay),
    /// What the genlock source says.
    Genlock(Empty),
    /// Linear timecode.
    Ltc(Sound),
    /// MIDI timecode.
    Mtc(Midi),
    /// Art-Net timecode.
    #[schemars(rename = "artnet")]
    ArtNet(ArtNetIn),
    /// OSC.
    Osc(OscTicksIn),
}

/// Counted labels.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Count {
    /// Label of frame 0, HH:MM:SS:FF; default 01:00:00:00.
    #[schemars(regex(pattern = "^[0-9]{2}:[0-9]{2}:[0-9]{2}[:;][0-9]{2,3}$"))]
    pub start: Option<String>,
}

/// Labels by the clock on the wall.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TimeOfDay {
    /// Local time minus UTC, minutes; default 0.
    #[schemars(range(min = -840, max = 840))]
    pub utc_offset_minutes: Option<i32>,
    /// When labels are set to the clock again every day, HH:MM, local; default 04:00.
    #[schemars(regex(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub jam: Option<String>,
}

/// Timecode or ticks that leave.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TimecodeOut {
    /// To where.
    pub to: Destination,
}

/// Where timecode or ticks go.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Destination {
    /// Linear timecode as sound.
    Ltc(Sound),
    /// MIDI timecode.
    Mtc(Midi),
    /// Art-Net timecode.
    #[schemars(rename = "artnet")]
    ArtNet(ArtNetOut),
    /// OSC on every n-th frame, and on cues.
    Osc(OscTicksOut),
}

/// How the frame thread is woken.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pacer {
    /// SCHED_FIFO priority, 1 to 99; 0 leaves the scheduling as it is; default 60.
    #[schemars(range(min = 0, max = 99))]
    pub priority: Option<u8>,
    /// CPU that the frame thread is pinned to; default none.
    #[schemars(range(min = 0, max = 1023))]
    pub cpu: Option<u32>,
    /// How long before the instant it spins instead of sleeping, microseconds; default 60.
    #[schemars(range(min = 0, max = 1000))]
    pub spin_us: Option<f64>,
    /// Keep the program's memory from being paged out; default true.
    pub lock_memory: Option<bool>,
}

/// What a frame may take. What is not written is not checked.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Budget {
    /// From the newest sample's arrival to the pass that used it, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub receive_to_use_ms: Option<f64>,
    /// From the newest sample's capture to the instant that the picture was drawn for, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub pose_age_ms: Option<f64>,
    /// Least time left before the deadline, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub margin_ms: Option<f64>,
    /// Sampling the feeds, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub latch_ms: Option<f64>,
    /// Moving the scene, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub simulate_ms: Option<f64>,
    /// Making the plan, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub solve_ms: Option<f64>,
    /// Drawing inner and outer pictures, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub render_ms: Option<f64>,
    /// Drawing the outputs from them, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub compose_ms: Option<f64>,
    /// Handing them over, milliseconds.
    #[schemars(range(max = 10000), extend("exclusiveMinimum" = 0))]
    pub present_ms: Option<f64>,
    /// Give up quality rather than the beat, in the declared order; default false.
    pub degrade: Option<bool>,
}

/// Where commands arrive.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Control {
    /// Where to listen for OSC commands, IP:PORT; default nowhere.
    pub osc: Option<String>,
}
