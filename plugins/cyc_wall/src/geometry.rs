//! Wall patches as vertices of an output's picture.

use bytemuck::{Pod, Zeroable};
use cyc_frame::plan::OuterLayout;
use cyc_stage::stage::{Output, Patch, Rect, Region, Stage, Wall};
use nalgebra::Point3;

/// One corner of a wall patch in an output.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct WallVertex {
    /// Normalised device coordinates of the output's picture.
    pub output_ndc: [f32; 2],
    /// Continuous wall pixels.
    pub wall_px: [f32; 2],
    /// Stage space, metres.
    pub stage_m: [f32; 3],
    /// Place in the outer picture: u w, v w, w.
    pub outer_uvw: [f32; 3],
    /// Layer of the outer picture, or `u32::MAX`.
    pub view: u32,
    /// Panel size in pixels.
    pub panel_px: [f32; 2],
    /// Wall size in pixels.
    pub wall_size_px: [f32; 2],
}

impl WallVertex {
    /// The vertex buffer's layout, as `shaders/pass/compose.wgsl` declares it.
    pub const LAYOUT: wgpu::VertexBufferLayout<'static> = wgpu::VertexBufferLayout {
        array_stride: size_of::<WallVertex>() as u64,
        step_mode: wgpu::VertexStepMode::Vertex,
        attributes: &wgpu::vertex_attr_array![
            0 => Float32x2, 1 => Float32x2, 2 => Float32x3, 3 => Float32x3, 4 => Uint32, 5 => Float32x2, 6 => Float32x2
        ],
    };
}

/// The part of an output that shows one region, and its vertices.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionDraw {
    /// Output pixels outside it stay untouched.
    pub scissor: Rect,
    /// Range in the output's vertex buffer.
    pub vertices: std::ops::Range<u32>,
}

/// The outer pictures as they lie in their layers.
#[derive(Debug, Clone, Copy)]
pub struct OuterPictures<'a> {
    /// Views and the patches that look at them.
    pub layout: &'a OuterLayout,
    /// Part of its layer that each view's picture fills.
    pub uv_scale: &'a [[f32; 2]],
}

/// All vertices of `output`, and a draw per region.
pub fn output_geometry(stage: &Stage, outer: OuterPictures, output: &Output) -> (Vec<WallVertex>, Vec<RegionDraw>) {
    let mut vertices = Vec::new();
    let mut draws = Vec::new();
    for region in &output.regions {
        let first = vertices.len() as u32;
        let wall = &stage.walls[region.wall];
        for (patch, view) in outer.layout.patches.get(region.wall).into_iter().flatten() {
            let corner = |i: usize| WallVertex {
                outer_uvw: view.map_or([0.0; 3], |view| outer.uvw(view, patch.position_m[i])),
                view: view.map_or(u32::MAX, |view| view as u32),
                ..vertex(wall, region, output.size_px, patch, i)
            };
            vertices.extend([corner(0), corner(1), corner(2)]);
        }
        let [x, y] = region.at_px;
        let scissor = Rect { x, y, width: region.wall_px.width, height: region.wall_px.height };
        draws.push(RegionDraw { scissor, vertices: first..vertices.len() as u32 });
    }
    (vertices, draws)
}

impl OuterPictures<'_> {
    /// Where a stage point lies in a view's layer: u w, v w, w.
    fn uvw(&self, view: usize, point: Point3<f64>) -> [f32; 3] {
        let clip = self.layout.views[view].clip_from_stage * point.to_homogeneous();
        let [su, sv] = self.uv_scale.get(view).copied().unwrap_or([1.0; 2]);
        [su * (0.5 * (clip.w + clip.x)) as f32, sv * (0.5 * (clip.w - clip.y)) as f32, clip.w as f32]
    }
}

fn vertex(wall: &Wall, region: &Region, size: [u32; 2], patch: &Patch, i: usize) -> WallVertex {
    let origin = [region.wall_px.x, region.wall_px.y];
    let px: [f64; 2] = std::array::from_fn(|k| patch.px[i][k] - f64::from(origin[k]) + f64::from(region.at_px[k]));
    let [u, v] = [px[0] / f64::from(size[0]), px[1] / f64::from(size[1])];
    WallVertex {
        output_ndc: [(2.0 * u - 1.0) as f32, (1.0 - 2.0 * v) as f32],
        wall_px: patch.px[i].map(|x| x as f32),
        stage_m: patch.position_m[i].coords.map(|x| x as f32).into(),
        outer_uvw: [0.0; 3],
        view: u32::MAX,
        panel_px: [wall.panel.width_px as f32, wall.panel.height_px as f32],
        wall_size_px: wall.size_px.map(|x| x as f32),
    }
}
