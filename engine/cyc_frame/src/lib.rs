//! From what the world said to what has to be drawn: latch, frusta, `solve`, `relatch`, the frame's report.
//!
//! Map: [`plan`] (the types), [`inner`] (`solve` and `relatch`: the film cameras' views), [`outer`] (the static
//! views from the eye point and which wall patch looks at which), [`offaxis`] (a view through a rectangle),
//! [`view`] (the one place that builds a `clip_from_stage`), [`frustum`] (Rust twin of
//! `shaders/lib/frustum.wgsl`), [`latch`] (one `FrameInput` per tick), [`exposure`] (when sensor lines
//! see a wall frame), [`margin`] (overscan for cameras that turn), [`reproject`] (Rust twin of
//! `shaders/lib/reproject.wgsl`), [`report`] (one `FrameReport` per frame), [`budget`] and [`degrade`] (what a frame may
//! take, and what is given up), [`delay`] (measuring delays), [`mod@line`] (a plan as a line of `plan.jsonl`).
//!
//! Invariant: everything here is a pure function of its arguments; no clock, no socket, no file, no panic on
//! any number, finite or not.

pub mod budget;
pub mod degrade;
pub mod delay;
pub mod exposure;
pub mod frustum;
pub mod inner;
pub mod latch;
pub mod line;
pub mod margin;
pub mod offaxis;
pub mod outer;
pub mod plan;
pub mod report;
pub mod reproject;
pub mod view;

#[cfg(test)]
mod fixture;

pub use exposure::{LineInstants, line_instants};
pub use frustum::inner_weight;
pub use inner::{inner_ndc, inner_uv, inner_view, late_cameras, relatch, relatch_into, solve};
pub use latch::{Latch, Latched, LatePose};
pub use line::{PlanLine, plan_line};
pub use offaxis::off_axis;
pub use outer::{outer_layout, scale_views};
pub use plan::{FramePlan, InnerView, OuterLayout, OuterView};
pub use report::{CameraTrace, FrameRecord, frame_report};
pub use view::NEAR_M;
