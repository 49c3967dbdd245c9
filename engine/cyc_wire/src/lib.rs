//! Bytes to samples and back: what trackers say on the wire, and nothing about sockets.
//!
//! Map: [`freed`] (Vinten/Radamec free-d D1), [`opentrackio`] (SMPTE OpenTrackIO 1.0.1, JSON and CBOR, in
//! segments), [`osc`] (OSC 1.0 tracker messages and ticks), [`ltc`] (SMPTE ST 12-1 linear timecode, as bits and as
//! sound), [`mtc`] (MIDI timecode), [`artnet`] (Art-Net timecode), [`ptp`] (IEEE 1588 management, as linuxptp
//! answers it). Each has the same four parts: named byte ranges, a checked view after which no accessor can fail, a
//! `Repr` of meaningful values with `parse` and `emit`, and a one-line `Display`. [`decoder`] puts one surface over
//! the trackers' for the feed threads; [`timecode`] is what the timecodes share; [`angles`] takes rotations apart;
//! [`fuzz`] states what must hold for every input.
//!
//! Invariant: every decoder is total. For any bytes it returns, without panic, without recursion that the
//! sender controls, and without allocating more than a small multiple of the datagram.

pub mod angles;
pub mod artnet;
pub mod decoder;
mod error;
pub mod freed;
pub mod fuzz;
pub mod ltc;
pub mod mtc;
pub mod opentrackio;
pub mod osc;
pub mod ptp;
pub mod timecode;

pub use decoder::{CameraDecoder, Counts, RawSample};
pub use error::WireError;
