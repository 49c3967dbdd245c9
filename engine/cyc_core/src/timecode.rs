//! Timecode labels.
/// A label on a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timecode;
