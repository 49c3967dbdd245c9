//! The vocabulary of Cyclorama: stage time, rates, timecode, clock maps, timelines, poses, ids,
//! [`FrameInput`] and [`FrameReport`].
//!
//! Map: [`time`] (instants and exact rates), [`timecode`] (labels on frames), [`clock_map`] (device time to
//! stage time), [`pose`] (rigid poses), [`sample`] (what feeds deliver), [`profile`] (how one device differs
//! from the layout it speaks), [`timeline`] (recent samples by stage time, and the pose at any instant),
//! `motion` (how a camera moves just now, for [`timeline`]), [`input`] and [`report`] (one frame's two records),
//! [`seam`] (the traits between plugins and the real-time shell), [`beat`] (phase: a loop that follows a tick
//! source), [`label`] (timecode that follows its own source), [`event`] (what an operator must hear of),
//! [`command`] (what is to happen on a stated frame).
//!
//! Invariant: nothing here reads a clock, a socket or a file; "now" is always an argument.

pub mod beat;
pub mod clock_map;
pub mod command;
pub mod event;
pub mod input;
pub mod label;
mod motion;
pub mod pose;
pub mod profile;
pub mod report;
pub mod sample;
pub mod seam;
pub mod time;
pub mod timecode;
pub mod timeline;

pub use beat::{Beat, BeatSync, LockState};
pub use clock_map::ClockMap;
pub use input::{CameraInput, FrameInput, LateCamera, Quality};
pub use pose::{Pose, PoseError};
pub use report::FrameReport;
pub use sample::{CameraSample, LensSample};
pub use seam::{CameraMotion, CameraState, Clock, PoseSource, Tick, TickSource};
pub use time::{Rate, StageTime};
pub use timecode::Timecode;
pub use timeline::{LossPolicy, PushOutcome, Sampled, Timeline};
