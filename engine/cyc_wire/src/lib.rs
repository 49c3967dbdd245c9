//! Bytes to samples and back: what trackers say on the wire, and nothing about sockets.
//!
//! Map: [`freed`] (Vinten/Radamec free-d D1), [`opentrackio`] (SMPTE OpenTrackIO 1.0.1, JSON and CBOR, in
//! segments), [`osc`] (OSC 1.0 tracker messages). Each has the same four parts: named byte ranges, a checked
//! view after which no accessor can fail, a `Repr` of meaningful values with `parse` and `emit`, and a
//! one-line `Display`. [`decoder`] puts one surface over all three for the feed threads; [`angles`] takes
//! rotations apart; [`fuzz`] states what must hold for every input.
//!
//! Invariant: every decoder is total. For any bytes it returns, without panic, without recursion that the
//! sender controls, and without allocating more than a small multiple of the datagram.

pub mod angles;
pub mod decoder;
mod error;
pub mod freed;
pub mod fuzz;
pub mod opentrackio;
pub mod osc;

pub use decoder::{CameraDecoder, Counts, RawSample};
pub use error::WireError;
