//! Device time to stage time.
/// Device time to stage time.
#[derive(Debug, Clone, Default)]
pub struct ClockMap;
