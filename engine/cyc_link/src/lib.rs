//! The real-time shell: clocks, beats, sockets and receiving threads behind the traits of `cyc_core::seam`.
//!
//! Map: [`clock`] (the machine's clock as stage time, kernel stamps brought onto it), [`tick`] (beats on a
//! clock), [`stamp`] (UDP in batches with kernel stamps), [`lane`] (one feed: decode, map time, count, publish),
//! [`cell`] (one writer, readers that never wait), [`jitter`], [`feed`] (all feeds of a stage as a
//! `PoseSource`), [`record`] (what feeds deliver, kept), [`camera_return`] (a camera's pictures and their instants),
//! [`replace`] (a file rewritten whole), [`sound`] (sound devices on the stage clock), [`timecode_out`] (timecode and
//! ticks that leave), [`control`] (OSC commands in, answers out), [`sim`] (a simulated tracker on the same protocols),
//! [`fake`] (clocks and beats for tests).
//!
//! Invariant: a feed's trouble stays in its own thread, and no reader of a pose ever waits for one.

pub mod camera_return;
pub mod cell;
pub mod clock;
pub mod control;
pub mod doctor;
pub mod error;
pub mod fake;
pub mod feed;
pub mod genlock;
pub mod jitter;
pub mod lane;
pub mod pacer;
pub mod record;
pub mod replace;
pub mod sim;
pub mod sound;
pub mod stamp;
mod sys;
pub mod tick;
pub mod timecode_out;

pub use clock::MonotonicClock;
pub use error::LinkError;
pub use fake::{FakeClock, ManualTicks};
pub use feed::StageFeeds;
pub use sim::{SimOptions, SimTracker, SimulatedTracker};
pub use tick::{InternalTicks, TickStop};
