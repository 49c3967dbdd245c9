//! The frame schedule: which part of a frame runs when, on `bevy_app` and `bevy_ecs` alone.
//!
//! Map: [`FrameSet`] (the order of a frame), [`sources`] (where beats and poses come from, as resources),
//! [`frame`] (the frame being made), [`systems`] (tick, latch, solve).
//!
//! Invariant: time is latched once per frame, in [`FrameSet::Tick`]; everything later reads [`frame::Frame`].

pub mod frame;
pub mod sources;
pub mod systems;

use bevy_app::{App, First, Plugin, PostUpdate, PreUpdate, Update};
use bevy_ecs::prelude::*;
use bevy_time::TimeSystems;

pub use frame::{Frame, Hold, ShownPoses};
pub use sources::{GivenFrames, StageClock, StageInUse, StagePoses, StageTicks};

/// The order of a frame in the main world. The render world follows (`cyc_wall`), and reports at its end.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameSet {
    /// In `First`, before Bevy's time: waits for the beat, sets frame number and Bevy's clock. Yours: nothing.
    Tick,
    /// In `PreUpdate`: samples the feeds once, inserts the frame's input. Yours: nothing that does I/O or blocks.
    Latch,
    /// In `Update`: environment, cues, performers. Yours: whatever moves in the scene; never the wall's views.
    Simulate,
    /// In `PostUpdate`: solves the plan. Yours: turning the plan into views, after [`systems::solve`].
    View,
}

/// Adds the schedule. Needs [`StageInUse`], [`StageClock`] and either [`StageTicks`] with [`StagePoses`] (live)
/// or [`GivenFrames`] (offline).
pub struct SyncPlugin;

impl Plugin for SyncPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Frame>()
            .init_resource::<Hold>()
            .init_resource::<ShownPoses>()
            .configure_sets(First, FrameSet::Tick.before(TimeSystems))
            .configure_sets(PreUpdate, FrameSet::Latch)
            .configure_sets(Update, FrameSet::Simulate)
            .configure_sets(PostUpdate, FrameSet::View)
            .add_systems(First, systems::tick.in_set(FrameSet::Tick))
            .add_systems(PreUpdate, systems::latch.in_set(FrameSet::Latch))
            .add_systems(PostUpdate, systems::solve.in_set(FrameSet::View));
    }
}
