//! From the frame's plan to wall pixels.
//!
//! Map: [`gpu`] (opening the GPU), [`views`] and [`pictures`] (Bevy cameras and what they draw into), [`scale`]
//! (preview scale), [`composer`], [`coverage`], [`geometry`], [`uniforms`] and [`shader`] (the wall pass, on wgpu alone),
//! [`depths`] (depth of inner pictures), [`late`] (poses renewed late in the frame), [`lead`] (when the wall pass has to
//! begin), [`present`] (the end of a frame), [`surface`] and [`readback`] (where pixels go), [`controls`], [`backdrop`],
//! [`setup`] and [`sink`] (what goes in and what comes out), [`convert`] (stage space to Bevy's).
//!
//! Invariant: a wall pixel depends on where a camera's entrance pupil is, never on how the camera is turned; the
//! turn decides only whether the pixel is inside.

pub mod backdrop;
pub mod composer;
pub mod controls;
pub mod convert;
pub mod coverage;
pub mod depths;
pub mod geometry;
pub mod gpu;
pub mod late;
pub mod lead;
pub mod pictures;
pub mod present;
pub mod readback;
pub mod scale;
pub mod setup;
pub mod shader;
pub mod sink;
pub mod surface;
pub mod uniforms;
pub mod views;

use bevy::{
    prelude::*,
    render::{
        ExtractSchedule, Render, RenderApp, RenderSystems, extract_component::ExtractComponentPlugin,
        renderer::RenderGraph, renderer::RenderGraphSystems,
    },
    transform::TransformSystems,
};
use cyc_sync::{FrameSet, StageClock, StageInUse, systems::solve};

/// The wall's part of a frame in the render world.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WallSet {
    /// After Bevy has queued what it draws and before its views become uniforms: renews the poses that pictures are
    /// drawn for. Yours: nothing.
    LateLatch,
    /// Inside the render graph, after Bevy has submitted the inner and outer pictures: waits for them, draws every output, hands over,
    /// reports. Yours: nothing.
    Compose,
}

/// Adds views and wall pass. Needs `cyc_sync`'s plugin and resources, [`setup::WallSetup`] and, moved into the render
/// world here, a [`sink::Sink`].
pub struct WallPlugin;

impl Plugin for WallPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(ExtractComponentPlugin::<views::InnerCamera>::default())
            .init_resource::<backdrop::Backdrop>()
            .init_resource::<controls::WallControls>()
            .init_resource::<scale::PreviewScale>()
            .init_resource::<scale::Economy>()
            .init_resource::<surface::OutputWindows>()
            .add_systems(
                PreUpdate,
                views::spawn_views.run_if(resource_exists_and_changed::<scale::PreviewScale>).before(FrameSet::Latch),
            )
            .add_systems(
                PostUpdate,
                (views::aim_inner, views::aim_outer)
                    .chain()
                    .after(solve)
                    .in_set(FrameSet::View)
                    .before(TransformSystems::Propagate)
                    .before(bevy::camera::CameraUpdateSystems),
            )
            .add_systems(Last, surface::take_handles);
    }

    fn finish(&self, app: &mut App) {
        let world = app.world_mut();
        let given = (
            world.get_resource::<setup::WallSetup>().cloned(),
            world.get_resource::<StageInUse>().cloned(),
            world.get_resource::<StageClock>().cloned(),
            world.get_resource::<surface::OutputWindows>().cloned(),
            world.remove_resource::<sink::Sink>(),
        );
        let poses = world.get_resource::<cyc_sync::StagePoses>().cloned();
        let shown = world.get_resource::<cyc_sync::ShownPoses>().cloned().unwrap_or_default();
        let (Some(setup), Some(stage), Some(clock), Some(windows), Some(sink)) = given else {
            error!("WallPlugin needs WallSetup, StageInUse, StageClock and Sink before it finishes; no wall is drawn");
            return;
        };
        let Some(render) = app.get_sub_app_mut(RenderApp) else { return };
        render
            .insert_resource(setup)
            .insert_resource(stage)
            .insert_resource(clock)
            .insert_resource(windows)
            .insert_resource(sink)
            .insert_resource(shown)
            .init_resource::<late::Late>()
            .init_resource::<present::WallGpu>()
            .init_resource::<surface::OutputSurfaces>()
            .add_systems(ExtractSchedule, present::extract)
            .configure_sets(Render, WallSet::LateLatch.after(RenderSystems::PhaseSort).before(RenderSystems::Prepare))
            .add_systems(Render, late::late_latch.in_set(WallSet::LateLatch))
            .configure_sets(
                RenderGraph,
                WallSet::Compose.after(RenderGraphSystems::Submit).before(RenderGraphSystems::Finish),
            )
            .add_systems(RenderGraph, present::compose.in_set(WallSet::Compose));
        if let Some(poses) = poses {
            render.insert_resource(poses);
        }
    }
}
