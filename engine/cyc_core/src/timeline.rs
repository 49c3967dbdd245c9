//! Recent samples of one camera by stage time.

/// What happens when a feed falls silent, counted from the newest sample's capture time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossPolicy {
    /// Extrapolate for this long.
    pub predict_nanos: i64,
    /// Then keep the last pose until this long after the newest sample.
    pub hold_nanos: i64,
}

impl Default for LossPolicy {
    fn default() -> Self {
        Self { predict_nanos: 250_000_000, hold_nanos: 2_000_000_000 }
    }
}

/// Recent samples.
#[derive(Debug, Clone, Default)]
pub struct Timeline;
