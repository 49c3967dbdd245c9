//! Bevy cameras that follow the frame's plan: one per inner view, one per outer view.

use crate::{
    backdrop::Backdrop,
    convert::bevy_view,
    pictures::PictureArray,
    scale::{Economy, PreviewScale},
    setup::WallSetup,
};
use bevy::{
    camera::primitives::Frustum,
    camera::{CameraProjection, CompositingSpace, Exposure, Hdr, Projection, RenderTarget, SubCameraView, Viewport},
    core_pipeline::tonemapping::{DebandDither, Tonemapping},
    math::{Affine3A, Mat4, Vec3A, primitives::ViewFrustum},
    prelude::*,
    render::{extract_component::ExtractComponent, renderer::RenderDevice, texture::ManualTextureViews, view::Msaa},
};
use cyc_sync::{Frame, StageInUse};

/// `Exposure` under which a lit surface of 100 cd/m2 comes out as 1.0: `exposure() = 1 / (1.2 * 2^ev100) = 1 / 100`.
pub const EV100_FOR_NITS_PER_HUNDRED: f32 = 6.380_822;

/// The pictures that the wall pass samples.
#[derive(Resource, Clone)]
pub struct Pictures {
    /// A layer per stage camera.
    pub inner: PictureArray,
    /// A layer per outer view.
    pub outer: PictureArray,
}

/// Which stage camera a Bevy camera draws for.
#[derive(Component, Clone, Copy, ExtractComponent)]
pub struct InnerCamera(pub usize);

/// Which outer view a Bevy camera draws.
#[derive(Component, Clone, Copy)]
pub struct OuterCamera(pub usize);

/// A projection that the plan has already worked out.
#[derive(Debug, Clone, Copy)]
pub struct SolvedProjection {
    clip_from_view: Mat4,
    /// How much wider than the view objects are kept, linear: the pose may be renewed before the picture is drawn.
    kept: f32,
    /// And from how far behind the eye, metres.
    behind_m: f32,
}

impl CameraProjection for SolvedProjection {
    fn get_clip_from_view(&self) -> Mat4 {
        self.clip_from_view
    }

    fn get_clip_from_view_for_sub(&self, _: &SubCameraView) -> Mat4 {
        self.clip_from_view
    }

    fn update(&mut self, _: f32, _: f32) {}

    fn compute_frustum(&self, camera: &GlobalTransform) -> Frustum {
        let eye = camera.translation() + self.behind_m * Vec3::from(camera.back());
        let view_from_world = Affine3A::from_scale_rotation_translation(Vec3::ONE, camera.rotation(), eye).inverse();
        let clip_from_world =
            Mat4::from_scale(Vec3::new(1.0 / self.kept, 1.0 / self.kept, 1.0)) * self.clip_from_view * view_from_world;
        let frustum = ViewFrustum::from_clip_from_world_custom_far(&clip_from_world, &eye, &camera.back(), self.far());
        Frustum(frustum)
    }

    fn far(&self) -> f32 {
        1e6
    }

    fn get_frustum_corners(&self, z_near: f32, z_far: f32) -> [Vec3A; 8] {
        let view_from_clip = self.clip_from_view.inverse();
        let corner = |x: f32, y: f32, distance: f32| {
            let ray = view_from_clip.project_point3(Vec3::new(x, y, 0.5));
            Vec3A::from(ray * (distance / ray.z))
        };
        let face = |d: f32| [corner(1.0, -1.0, d), corner(1.0, 1.0, d), corner(-1.0, 1.0, d), corner(-1.0, -1.0, d)];
        let (near, far) = (face(z_near), face(z_far));
        [near[0], near[1], near[2], near[3], far[0], far[1], far[2], far[3]]
    }
}

/// Makes the picture arrays and a camera for each layer, all idle; again whenever the preview scale changes, since
/// a layer is cleared as a whole however little of it a view fills.
pub fn spawn_views(
    mut commands: Commands,
    setup: Res<WallSetup>,
    stage: Res<StageInUse>,
    scale: Res<PreviewScale>,
    device: Res<RenderDevice>,
    mut manual: ResMut<ManualTextureViews>,
    old: Query<Entity, Or<(With<InnerCamera>, With<OuterCamera>)>>,
) {
    old.iter().for_each(|entity| commands.entity(entity).despawn());
    let (inner_px, outer_px) = setup.layer_sizes(&stage.0, &scale);
    let inner_count = stage.0.cameras.len() as u32;
    let outer_count = setup.outer.views.len() as u32;
    let inner = PictureArray::new(&device, &mut manual, "inner pictures", inner_px, inner_count, 0);
    let outer = PictureArray::new(&device, &mut manual, "outer pictures", outer_px, outer_count, inner_count);
    for (index, target) in inner.targets.iter().enumerate() {
        commands.spawn((InnerCamera(index), picture_camera(index, &setup), RenderTarget::TextureView(*target)));
    }
    for (index, target) in outer.targets.iter().enumerate() {
        let order = index + inner.targets.len();
        commands.spawn((OuterCamera(index), picture_camera(order, &setup), RenderTarget::TextureView(*target)));
    }
    commands.insert_resource(Pictures { inner, outer });
}

fn picture_camera(order: usize, setup: &WallSetup) -> impl Bundle {
    let camera = Camera {
        order: order as isize,
        is_active: false,
        clear_color: ClearColorConfig::Custom(Color::BLACK),
        ..Default::default()
    };
    let samples = if setup.software { Msaa::Off } else { Msaa::Sample4 };
    let exposure = Exposure { ev100: EV100_FOR_NITS_PER_HUNDRED };
    (
        Camera3d {
            depth_texture_usages: (wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING)
                .into(),
            ..Default::default()
        },
        camera,
        Hdr,
        CompositingSpace::Linear,
        Tonemapping::None,
        DebandDither::Disabled,
        samples,
        exposure,
    )
}

/// Points the inner cameras where the plan says.
pub fn aim_inner(
    frame: Res<Frame>,
    backdrop: Res<Backdrop>,
    (scale, economy): (Res<PreviewScale>, Res<Economy>),
    stage: Res<StageInUse>,
    pictures: Res<Pictures>,
    mut cameras: Query<(&InnerCamera, &mut Camera, &mut Projection, &mut Transform)>,
) {
    let scale = scale.after(&economy);
    for (inner, mut camera, mut projection, mut transform) in &mut cameras {
        let view = frame.plan.as_ref().and_then(|plan| plan.cameras.get(inner.0).copied().flatten());
        camera.is_active = frame.tick.is_some() && backdrop.is_drawn() && view.is_some();
        let (true, Some(view)) = (camera.is_active, view) else { continue };
        let px = scale.inner_px(&stage.0.cameras[inner.0], pictures.inner.size_px);
        camera.viewport = Some(Viewport { physical_size: px, ..Default::default() });
        let (place, clip_from_view) = bevy_view(&view.clip_from_stage, view.pupil_m);
        *transform = place;
        let (kept, behind_m) = culling_margin(&frame, inner.0, view.overscan, stage.0.frame_rate.frame_nanos());
        *projection = Projection::custom(SolvedProjection { clip_from_view, kept, behind_m });
    }
}

/// How much wider (linear), and from how far behind the eye (metres), objects are kept for a view whose pose may be
/// renewed within a frame: as far as the camera turns and moves meanwhile, twice.
fn culling_margin(frame: &Frame, camera: usize, overscan: f64, frame_nanos: i64) -> (f32, f32) {
    let Some(motion) = frame.states.get(camera).and_then(|state| state.motion) else { return (1.02, 0.05) };
    let secs = 2.0 * frame_nanos as f64 * 1e-9;
    let needed = frame.overscan_needed.get(camera).copied().flatten().unwrap_or(1.0);
    let kept = 1.02 + motion.turn_rad_s.norm() * secs * (needed / overscan).max(1.0);
    (kept.min(3.0) as f32, (0.05 + motion.velocity_m_s.norm() * secs * 2.0).min(2.0) as f32)
}

/// Wakes the outer cameras whose turn it is: every n-th frame each (preview scale and economy), staggered so that the work
/// is spread evenly; all of them on the first frame of an environment or of new picture arrays. Frames that are drawn
/// count, not ticks: a machine that misses every other tick must not leave a view undrawn for ever.
pub fn aim_outer(
    frame: Res<Frame>,
    backdrop: Res<Backdrop>,
    (scale, economy): (Res<PreviewScale>, Res<Economy>),
    stage: Res<StageInUse>,
    setup: Res<WallSetup>,
    pictures: Res<Pictures>,
    mut outer_scale: Local<f32>,
    mut drawn: Local<u64>,
    mut cameras: Query<(&OuterCamera, &mut Camera, &mut Projection, &mut Transform)>,
) {
    if frame.tick.is_none() {
        return;
    }
    *drawn += 1;
    let every = economy.outer_every(&scale).map(u64::from);
    let scale = scale.after(&economy);
    // The patches' places in the outer pictures change with their size, so all of them change in one frame.
    let resized = std::mem::replace(&mut *outer_scale, scale.outer) != scale.outer;
    let all = backdrop.is_changed() || pictures.is_changed() || resized;
    for (outer, mut camera, mut projection, mut transform) in &mut cameras {
        let turn = all || every.is_some_and(|every| (*drawn + outer.0 as u64).is_multiple_of(every));
        camera.is_active = turn && backdrop.is_drawn();
        if !camera.is_active {
            continue;
        }
        let view = &setup.outer.views[outer.0];
        let px = scale.outer_px(view, pictures.outer.size_px);
        camera.viewport = Some(Viewport { physical_size: px, ..Default::default() });
        let (place, clip_from_view) = bevy_view(&view.clip_from_stage, stage.0.eye_point_m);
        *transform = place;
        *projection = Projection::custom(SolvedProjection { clip_from_view, kept: 1.0, behind_m: 0.0 });
    }
}
