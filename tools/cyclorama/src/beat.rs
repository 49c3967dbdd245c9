//! The warm-up before the beat.

/// Frames before the beat starts. The first compiles every pipeline, the others show how fast this machine draws.
pub const WARM_UP_FRAMES: u32 = 10;
