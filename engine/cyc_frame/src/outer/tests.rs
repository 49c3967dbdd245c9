use super::*;
use crate::fixture::{dome, stage, wall};
use crate::view::ndc;
use proptest::prelude::*;

/// Everything the layout promises, whatever the stage; returns it for more.
fn checked(stage: &Stage) -> OuterLayout {
    let layout = outer_layout(stage);
    assert_eq!(layout.patches.len(), stage.walls.len());
    for (index, (wall, pieces)) in stage.walls.iter().zip(&layout.patches).enumerate() {
        let used: Vec<usize> = pieces.iter().filter_map(|(_, view)| *view).collect();
        for (at, view) in layout.views.iter().enumerate().filter(|(_, view)| view.wall == index) {
            assert!(used.contains(&at), "a view nobody looks at");
            assert!(view.size_px.iter().all(|side| (5..=4096).contains(side)), "{:?}", view.size_px);
        }
        assert!(layout.views.iter().filter(|view| view.wall == index).count() <= MAX_VIEWS);
        for (patch, view) in pieces {
            if let Some(view) = view {
                assert_eq!(layout.views[*view].wall, index);
                assert_inside(&layout.views[*view], patch);
                assert_fine(&layout.views[*view], patch);
            }
        }
        let sum = |patches: &mut dyn Iterator<Item = Patch>, area: fn(&Patch) -> f64| patches.map(|p| area(&p)).sum();
        for area in [pieces::area_px2, pieces::area_m2] {
            let whole: f64 = sum(&mut wall.patches.iter().copied(), area);
            let parts: f64 = sum(&mut pieces.iter().map(|(patch, _)| *patch), area);
            assert!((whole - parts).abs() <= 1e-6 * whole, "pieces cover {parts} of {whole}");
        }
    }
    layout
}

/// Inside, with two texels to spare.
fn assert_inside(view: &OuterView, patch: &Patch) {
    for corner in &patch.position_m {
        let position = ndc(&view.clip_from_stage, corner).expect("in front of the eye");
        for (at, side) in position.iter().zip(view.size_px) {
            let texels_to_spare = (1.0 - at.abs()) * f64::from(side) / 2.0;
            assert!(texels_to_spare > 2.0 - 1e-3, "{texels_to_spare} texels, {view:?}");
        }
    }
}

/// A step of one wall pixel is at least about one picture pixel, unless the picture is as large as may be.
fn assert_fine(view: &OuterView, patch: &Patch) {
    let Some(per_px) = pieces::stage_per_px(patch) else { return };
    let size = view.size_px.map(f64::from);
    let row = |i: usize| view.clip_from_stage.fixed_view::<1, 3>(i, 0).transpose();
    // 1 / half_tan is the part of a row across the view's axis.
    let texel = [0, 1].map(|i| 2.0 / (row(i) - row(3) * row(i).dot(&row(3))).norm() / size[i]);
    let middle = Point3::from(patch.position_m.iter().map(|p| p.coords).sum::<Vector3<f64>>() / 3.0);
    let at = |point: Point3<f64>| {
        let [x, y] = ndc(&view.clip_from_stage, &point).expect("in front of the eye");
        [x * size[0] / 2.0, y * size[1] / 2.0]
    };
    let (here, steps) = (at(middle), per_px.map(|step| at(middle + step * 1e-3)));
    for i in 0..2 {
        let reach = (steps[0][i] - here[i]).hypot(steps[1][i] - here[i]) * 1e3;
        // What the other side asked for, before its number of pixels was rounded up.
        let inner_px = size[1 - i] - 4.0;
        let other = texel[1 - i] * inner_px / (inner_px - 1.0);
        let capped = view.size_px[i] == 4096 || other > 7.9 * texel[i];
        assert!(capped || reach > 0.999, "a wall pixel covers {reach} picture pixels of {view:?}");
    }
}

fn seen(layout: &OuterLayout) -> usize {
    layout.patches.iter().flatten().filter(|(_, view)| view.is_some()).count()
}

const FRONT: [f64; 3] = [0.0, 4.0, 0.0];

#[test]
fn a_flat_wall_is_one_view_with_its_own_pixels() {
    for rotation in [[0.0; 3], [30.0, 0.0, 0.0], [0.0, 15.0, 0.0], [-20.0, 10.0, 25.0]] {
        let wall = wall(8, 4, None, FRONT, rotation);
        let stage = stage([0.3, 0.0, 1.6], vec![wall.clone()]);
        let layout = checked(&stage);
        assert_eq!(layout.views.len(), 1);
        assert_eq!(layout.views[0].size_px, [8 * 192 + 4, 4 * 192 + 4]);
        assert_eq!(layout.patches[0].len(), wall.patches.len());
        // Wall pixel (x, y) is picture pixel (x + 2, y + 2), exactly.
        for (patch, _) in &layout.patches[0] {
            for (corner, px) in patch.position_m.iter().zip(patch.px) {
                let [x, y] = ndc(&layout.views[0].clip_from_stage, corner).unwrap();
                let picture = [(0.5 + x / 2.0) * 1540.0 - 2.0, (0.5 - y / 2.0) * 772.0 - 2.0];
                assert!((picture[0] - px[0]).abs() < 1e-6 && (picture[1] - px[1]).abs() < 1e-6, "{picture:?} {px:?}");
            }
        }
    }
}

#[test]
fn ceilings_and_floors_are_one_view_each() {
    let ceiling = wall(8, 8, None, [0.0, 2.0, 4.0], [0.0, 90.0, 0.0]);
    let floor = wall(8, 8, None, [0.0, -2.0, 0.0], [0.0, -90.0, 0.0]);
    let layout = checked(&stage([0.0, 0.0, 1.6], vec![ceiling, floor]));
    assert_eq!(layout.views.len(), 2);
    assert_eq!(layout.views.iter().map(|view| view.wall).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(seen(&layout), 256);
}

#[test]
fn arcs_keep_their_panels_whole() {
    for (columns, radius) in [(20, 6.0), (21, 6.0), (20, -9.0), (13, 2.5), (12, 1.2)] {
        let stage = stage([0.0, 0.0, 1.6], vec![wall(columns, 5, Some(radius), FRONT, [0.0; 3])]);
        let layout = checked(&stage);
        assert_eq!(seen(&layout), stage.walls[0].patches.len(), "columns {columns}, radius {radius}");
        for pair in layout.patches[0].chunks(2) {
            assert_eq!((pair[0].0.panel, pair[0].1), (pair[1].0.panel, pair[1].1));
        }
    }
}

#[test]
fn an_arc_of_270_degrees_takes_three_views() {
    // 47 panels of 0.4992 m on a circle of 5 m: 270 degrees around the eye.
    let stage = stage([0.0, 0.0, 1.6], vec![wall(47, 6, Some(5.0), [0.0, 5.0, 0.0], [0.0; 3])]);
    let layout = checked(&stage);
    assert_eq!(layout.views.len(), 3);
    assert_eq!(seen(&layout), 47 * 6 * 2);
}

#[test]
fn a_closed_ring_and_domes_never_take_more_than_six_views() {
    let ring = wall(62, 6, Some(4.925), [0.0, 4.925, 0.0], [0.0; 3]);
    let eye = [0.0, 0.0, 1.6];
    for wall in [
        ring,
        dome(eye, 5.0, 180.0, [0.0, 90.0], 12),
        dome(eye, 5.0, 360.0, [0.0, 90.0], 16),
        dome(eye, 5.0, 360.0, [-90.0, 90.0], 24),
        dome([0.4, -0.7, 2.0], 3.0, 360.0, [-90.0, 90.0], 9),
        dome([0.0, 0.0, 1.61], 0.3, 360.0, [-90.0, 90.0], 4),
    ] {
        let layout = checked(&stage(eye, vec![wall]));
        assert!(layout.patches[0].iter().all(|(_, view)| view.is_some()));
    }
}

#[test]
fn an_eye_close_to_a_wall_still_sees_all_of_it() {
    for distance in [1.0, 0.3, 0.05, 0.005] {
        let stage = stage([0.013, 4.0 - distance, 1.1], vec![wall(10, 5, None, FRONT, [0.0; 3])]);
        let layout = checked(&stage);
        assert!(layout.patches[0].iter().all(|(_, view)| view.is_some()), "at {distance} m");
    }
}

#[test]
fn an_eye_behind_a_wall_sees_its_mirror_image() {
    let flat = stage([0.0, 7.0, 1.6], vec![wall(8, 4, None, FRONT, [0.0; 3])]);
    let layout = checked(&flat);
    assert_eq!(layout.views.len(), 1);
    let left = Point3::new(-1.0, 4.0, 1.6);
    assert!(ndc(&layout.views[0].clip_from_stage, &left).unwrap()[0] > 0.0);
    checked(&stage([0.0, 12.0, 1.6], vec![wall(20, 5, Some(6.0), FRONT, [0.0; 3])]));
}

#[test]
fn an_eye_in_the_plane_of_a_wall_sees_what_is_not_at_the_eye() {
    let edge_on = checked(&stage([-6.0, 4.0, 1.0], vec![wall(8, 4, None, FRONT, [0.0; 3])]));
    assert!(edge_on.patches[0].iter().all(|(_, view)| view.is_some()));

    let within = checked(&stage([0.013, 4.0, 1.1], vec![wall(8, 4, None, FRONT, [0.0; 3])]));
    let lost = || within.patches[0].iter().filter(|(_, view)| view.is_none()).map(|(patch, _)| patch);
    assert!(lost().count() > 0);
    let eye = Point3::new(0.013, 4.0, 1.1);
    assert!(lost().flat_map(|patch| patch.position_m).all(|corner| (corner - eye).norm() < 0.02));
}

#[test]
fn numbers_that_are_not_finite_cost_only_their_own_patch() {
    let mut broken = wall(8, 4, Some(6.0), FRONT, [0.0; 3]);
    broken.patches[3].position_m[1].x = f64::NAN;
    broken.patches[9].position_m[0].z = f64::INFINITY;
    let count = broken.patches.len();
    let layout = outer_layout(&stage([0.0, 0.0, 1.6], vec![broken]));
    let lost: Vec<usize> = (0..count).filter(|at| layout.patches[0][*at].1.is_none()).collect();
    assert_eq!(lost, [3, 9]);
    let nowhere = outer_layout(&stage([f64::NAN; 3], vec![wall(4, 4, None, FRONT, [0.0; 3])]));
    assert!(nowhere.views.is_empty() && nowhere.patches[0].iter().all(|(_, view)| view.is_none()));
    assert_eq!(outer_layout(&stage([0.0; 3], vec![])), OuterLayout::default());
}

#[test]
fn scaled_views_keep_their_frusta() {
    let full = outer_layout(&stage([0.0, 0.0, 1.6], vec![wall(8, 4, None, FRONT, [0.0; 3])]));
    let size = |factor, min| scale_views(&full, factor, min).views[0].size_px;
    assert_eq!(size(0.25, 64), [385, 193]);
    assert_eq!(size(0.01, 64), [64, 64]);
    assert_eq!(size(0.01, 5000), [1540, 772]);
    assert_eq!(size(2.0, 64), [1540, 772]);
    assert_eq!(size(f64::NAN, 64), [1540, 772]);
    assert_eq!(scale_views(&full, 0.25, 64).views[0].clip_from_stage, full.views[0].clip_from_stage);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_wall_from_any_eye(
        (columns, rows) in (1..16_u32, 1..6_u32),
        bend in prop_oneof![Just(None), (0.6..8.0_f64).prop_map(Some), (-8.0..-0.6_f64).prop_map(Some)],
        position in [-4.0..4.0_f64, -4.0..4.0, -1.0..4.0],
        rotation in [-180.0..180.0_f64, -90.0..90.0, -180.0..180.0],
        eye in [-4.0..4.0_f64, -4.0..4.0, 0.0..3.0],
    ) {
        // An arc holds at most one turn of panels.
        let most = bend.map_or(16.0, |radius: f64| (std::f64::consts::PI / (0.2496 / radius.abs()).asin()).floor());
        let wall = wall(columns.min(most as u32), rows, bend, position, rotation);
        let layout = checked(&stage(eye, vec![wall]));
        // What is lost is at the eye.
        let eye = Point3::from(eye);
        for (patch, _) in layout.patches[0].iter().filter(|(_, view)| view.is_none()) {
            prop_assert!(patch.position_m.iter().all(|corner| (corner - eye).norm() < 0.02));
        }
    }

    #[test]
    fn any_mesh_from_any_eye(
        azimuth in 20.0..360.0_f64, low in -90.0..0.0_f64, high in 10.0..90.0_f64, steps in 1..9_u32,
        eye in [-3.0..3.0_f64, -3.0..3.0, -1.0..3.0],
    ) {
        checked(&stage(eye, vec![dome([0.0, 0.0, 1.0], 2.5, azimuth, [low, high], steps)]));
    }
}
