//! Engine to Bevy: f64 to f32, Z up to Y up. The only place where the two meet.

use bevy::math::{DMat3, DMat4, DQuat, DVec3, Mat4, Vec3};
use bevy::transform::components::Transform;
use nalgebra::{Matrix4, Point3, Vector3};

/// Stage (X right, Y forward, Z up) to Bevy (X right, Y up, Z back), metres.
pub fn bevy_from_stage(point: Point3<f64>) -> Vec3 {
    Vec3::new(point.x as f32, point.z as f32, -point.y as f32)
}

/// The same for single-precision triples: vertices, normals.
pub fn bevy_from_stage_f32([x, y, z]: [f32; 3]) -> [f32; 3] {
    [x, z, -y]
}

/// A column-major f32 matrix for the GPU; both sides keep their spaces.
pub fn gpu_matrix(matrix: &Matrix4<f64>) -> [[f32; 4]; 4] {
    let column = |c: usize| std::array::from_fn(|r| matrix[(r, c)] as f32);
    std::array::from_fn(column)
}

/// A solved view as Bevy wants it: where the view stands and how it projects.
///
/// `clip_from_stage` has its forward distance in `w`; `eye_m` is the point it was solved for.
pub fn bevy_view(clip_from_stage: &Matrix4<f64>, eye_m: Point3<f64>) -> (Transform, Mat4) {
    let row = |r: usize| Vector3::new(clip_from_stage[(r, 0)], clip_from_stage[(r, 1)], clip_from_stage[(r, 2)]);
    let forward = row(3).normalize();
    let up = (row(1) - forward * row(1).dot(&forward)).normalize();
    let right = forward.cross(&up);
    let world = |v: Vector3<f64>| DVec3::new(v.x, v.z, -v.y);
    let rotation = DQuat::from_mat3(&DMat3::from_cols(world(right), world(up), world(-forward)));
    let translation = world(eye_m.coords);
    let stage_from_world =
        DMat4::from_cols(DVec3::X.extend(0.0), DVec3::Z.extend(0.0), (-DVec3::Y).extend(0.0), DVec3::ZERO.extend(1.0));
    let clip = DMat4::from_cols_array(&std::array::from_fn(|i| clip_from_stage[(i % 4, i / 4)]));
    let clip_from_view = clip * stage_from_world * DMat4::from_rotation_translation(rotation, translation);
    let transform = Transform { translation: translation.as_vec3(), rotation: rotation.as_quat(), scale: Vec3::ONE };
    (transform, clip_from_view.as_mat4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bevy_view_projects_like_the_plan() {
        let eye = Point3::new(0.3, -1.0, 1.6);
        let pose = cyc_core::Pose::from_pan_tilt_roll(eye, 0.4, -0.2, 0.1).stage_from_own().inverse().to_homogeneous();
        let (tan_x, tan_z) = (0.7, 0.4);
        #[rustfmt::skip]
        let clip_from_own = Matrix4::new(
            1.0 / tan_x, 0.0, 0.0, 0.0,
            0.0, 0.0, 1.0 / tan_z, 0.0,
            0.0, 0.0, 0.0, 0.1,
            0.0, 1.0, 0.0, 0.0,
        );
        let clip_from_stage = clip_from_own * pose;
        let (transform, clip_from_view) = bevy_view(&clip_from_stage, eye);
        for point in [Point3::new(1.0, 5.0, 2.0), Point3::new(-4.0, 3.0, 0.0)] {
            let plan = clip_from_stage * point.to_homogeneous();
            let view = transform.to_matrix().inverse() * bevy_from_stage(point).extend(1.0);
            let bevy = clip_from_view * view;
            for i in 0..4 {
                assert!((plan[i] - f64::from(bevy[i])).abs() < 1e-5, "{plan} {bevy}");
            }
        }
    }
}
