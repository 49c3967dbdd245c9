//! OpenTrackIO 1.0.1: camera tracking samples as JSON or CBOR, cut into datagrams with a 16-byte header.
//!
//! Source: SMPTE RIS OSVP, OpenTrackIO 1.0.1 (transport, sample schema, coordinates).
//! The way of a datagram: [`Segment`] checks it, [`Reassembler`] makes a payload of segments, [`Sample`] is
//! what the payload says, [`Sample::camera_state`] is that in stage axes. And back: [`Sample::from_camera_state`],
//! [`Sample::emit`], [`segments`].

mod cbor;
mod fletcher;
mod header;
mod json;
mod number;
mod reassembly;
mod sample;

pub use fletcher::fletcher16;
pub use header::{Encoding, HEADER_LEN, Segment, SegmentRepr, field, segments};
pub use reassembly::{MAX_PAYLOAD, MAX_SOURCES, Reassembler, Reassembly};
pub use sample::{
    Distortion, Encoders, Fixed, FixedCamera, FixedLens, Lens, Offset, Protocol, Rational, RawEncoders, Rotation,
    Sample, SampleTimecode, Scale, SensorSize, Synchronization, Timestamp, Timing, TimingMode, Tracker, Transform,
    Vector,
};

/// Largest segment payload that fits a 1500-byte Ethernet frame with IP, UDP and OpenTrackIO headers.
pub const MAX_SEGMENT: usize = 1456;

/// Deepest nesting of arrays and objects that is decoded; the schema needs six.
pub const MAX_DEPTH: usize = 16;
