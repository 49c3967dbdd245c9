//! Which wall patches lie wholly inside or outside the inner frusta, so that the pass does no work there that cannot
//! show. Conservative: what is uncertain is mixed, and mixed is always right.

use crate::uniforms::CameraUniform;

/// How the inner frusta cover a patch; `COVERAGE_*` in WGSL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Coverage {
    /// Some of both, or not known.
    Mixed = 0,
    /// No inner frustum touches it.
    Outer = 1,
    /// Inner frusta cover it with full weight.
    Inner = 2,
}

impl Coverage {
    /// All kinds.
    pub const ALL: [Coverage; 3] = [Coverage::Outer, Coverage::Inner, Coverage::Mixed];
}

/// The coverage of a triangle with these corners (stage space, metres) by `cameras` in priority order.
///
/// Tests linear inequalities in clip space at the corners; what holds at all three holds between them.
pub fn coverage(corners_m: [[f32; 3]; 3], cameras: &[CameraUniform]) -> Coverage {
    let mut touched = false;
    for camera in cameras.iter().filter(|camera| camera.live != 0) {
        let clips = corners_m.map(|corner| clip(&camera.clip_from_stage, corner));
        if is_outside(&clips) {
            continue;
        }
        if !touched && is_inside(&clips, 1.0 - camera.soft_edge) {
            return Coverage::Inner;
        }
        touched = true;
    }
    if touched { Coverage::Mixed } else { Coverage::Outer }
}

/// x, y and w of a point in clip space.
fn clip(clip_from_stage: &[[f32; 4]; 4], [x, y, z]: [f32; 3]) -> [f32; 3] {
    let m = clip_from_stage;
    [0, 1, 3].map(|row| m[0][row] * x + m[1][row] * y + m[2][row] * z + m[3][row])
}

/// All corners beyond one and the same side of the frustum, or all behind the eye. A hair is left for rounding.
fn is_outside(clips: &[[f32; 3]; 3]) -> bool {
    let all = |test: &dyn Fn(&[f32; 3]) -> bool| clips.iter().all(test);
    let beyond = |value: f32, w: f32| value > w + 1e-3 * w.abs();
    all(&|c| c[2] <= 0.0) || (0..2).any(|axis| all(&|c| beyond(c[axis], c[2])) || all(&|c| beyond(-c[axis], c[2])))
}

/// All corners where the inner picture has full weight.
fn is_inside(clips: &[[f32; 3]; 3], full: f32) -> bool {
    clips.iter().all(|[x, y, w]| *w > 0.0 && x.abs() <= 0.999 * full * w && y.abs() <= 0.999 * full * w)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks along +Y from the origin, 90 degrees wide and high.
    fn camera() -> CameraUniform {
        let mut camera: CameraUniform = bytemuck::Zeroable::zeroed();
        camera.clip_from_stage =
            [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.1, 0.0]];
        (camera.soft_edge, camera.live) = (0.1, 1);
        camera
    }

    fn at(x: f32, y: f32, z: f32) -> [[f32; 3]; 3] {
        [[x, y, z], [x + 0.2, y, z], [x, y, z + 0.2]]
    }

    #[test]
    fn tells_inside_outside_and_between() {
        let cameras = [camera()];
        assert_eq!(coverage(at(0.0, 5.0, 0.0), &cameras), Coverage::Inner);
        assert_eq!(coverage(at(6.0, 5.0, 0.0), &cameras), Coverage::Outer);
        assert_eq!(coverage(at(0.0, -5.0, 0.0), &cameras), Coverage::Outer);
        assert_eq!(coverage(at(4.9, 5.0, 0.0), &cameras), Coverage::Mixed);
        assert_eq!(coverage(at(4.6, 5.0, 0.0), &cameras), Coverage::Mixed);
        assert_eq!(coverage([[-20.0, 5.0, -1.0], [20.0, 5.0, -1.0], [0.0, 5.0, 20.0]], &cameras), Coverage::Mixed);
    }

    #[test]
    fn a_camera_of_higher_priority_that_touches_makes_it_mixed() {
        let mut narrow = camera();
        narrow.clip_from_stage[0][0] = 50.0;
        narrow.clip_from_stage[2][1] = 50.0;
        assert_eq!(coverage(at(0.0, 5.0, 0.0), &[narrow, camera()]), Coverage::Mixed);
        assert_eq!(coverage(at(0.0, 5.0, 0.0), &[camera(), narrow]), Coverage::Inner);
        let mut dead = narrow;
        dead.live = 0;
        assert_eq!(coverage(at(0.0, 5.0, 0.0), &[dead, camera()]), Coverage::Inner);
        assert_eq!(coverage(at(0.0, 5.0, 0.0), &[]), Coverage::Outer);
    }

    #[test]
    fn numbers_that_are_none_are_mixed() {
        let mut broken = camera();
        broken.clip_from_stage[0][0] = f32::NAN;
        assert_eq!(coverage(at(0.0, 5.0, 0.0), &[broken]), Coverage::Mixed);
    }
}
