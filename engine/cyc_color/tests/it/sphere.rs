//! The f32 arithmetic of `sphere.wgsl` against f64.

use crate::data::Numbers;
use cyc_color::sphere;
use cyc_color::twin::sphere as twin;
use nalgebra::Vector3;
use std::f64::consts::{PI, TAU};

/// Errors in radians of one direction: of u, of v, and of the direction that the place stands for.
fn errors(direction: [f32; 3]) -> [f64; 3] {
    let exact = Vector3::from(direction.map(f64::from));
    let [u, v] = twin::uv_from_direction(direction).map(f64::from);
    assert!((0.0..=1.000_000_1).contains(&u) && (0.0..=1.000_000_1).contains(&v), "{direction:?}: {u}, {v}");
    let wanted = sphere::uv_from_direction(exact);
    // Across the seam u = 0 and u = 1 are one place.
    let u_error = ((u - wanted[0] + 0.5).rem_euclid(1.0) - 0.5) * TAU;
    let angle = sphere::direction_from_uv([u, v]).cross(&exact.normalize()).norm();
    [u_error.abs(), ((v - wanted[1]) * PI).abs(), angle]
}

fn worst(directions: impl Iterator<Item = [f32; 3]>) -> [f64; 3] {
    directions.map(errors).fold([0.0; 3], |worst, e| [0, 1, 2].map(|i| f64::max(worst[i], e[i])))
}

#[test]
fn places_are_exact_everywhere() {
    let mut numbers = Numbers(1);
    let mut next = move || numbers.next() * 2.0 - 1.0;
    let anywhere: Vec<_> = (0..300_000).map(|_| [next() as f32, next() as f32, next() as f32]).collect();
    let around = |scale: [f64; 3], centre: [f64; 3]| -> Vec<[f32; 3]> {
        anywhere
            .iter()
            .take(100_000)
            .map(|d| [0, 1, 2].map(|i| (centre[i] + scale[i] * f64::from(d[i])) as f32))
            .collect()
    };
    for (name, directions) in [
        ("anywhere", anywhere.clone()),
        ("near the zenith", around([1e-3, 1e-3, 0.0], [0.0, 0.0, 1.0])),
        ("nearer", around([1e-6, 1e-6, 0.0], [0.0, 0.0, 1.0])),
        ("near the nadir", around([1e-4, 1e-4, 0.0], [0.0, 0.0, -30.0])),
        ("near the seam", around([1e-4, 0.0, 1.0], [0.0, -1.0, 0.0])),
        ("on the horizon", around([1.0, 1.0, 1e-5], [0.0, 0.0, 0.0])),
        ("near a diagonal", around([1e-4, 1e-4, 1e-4], [1.0, 1.0, 1.0])),
        ("far", around([1e6, 1e6, 1e6], [0.0; 3])),
        ("short", around([1e-6, 1e-6, 1e-6], [0.0; 3])),
    ] {
        let worst = worst(directions.into_iter());
        println!("{name}: u {:.1e}, v {:.1e}, direction {:.1e} rad", worst[0], worst[1], worst[2]);
        assert!(worst.iter().all(|e| *e <= 1e-6), "{name}: {worst:?}");
    }
}

#[test]
fn axes_and_no_direction_have_a_place() {
    let axes = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]];
    let places = [[0.5, 0.5], [0.75, 0.5], [0.25, 0.5], [0.5, 0.0], [0.5, 1.0]];
    for (axis, place) in axes.into_iter().zip(places) {
        assert_eq!(twin::uv_from_direction(axis), place, "{axis:?}");
    }
    for zero in [0.0, -0.0] {
        assert!(twin::uv_from_direction([zero; 3]).iter().all(|x| x.is_finite()));
    }
}

#[test]
fn taps_surround_the_place_and_wrap() {
    let size = [8, 4];
    let middle = twin::equirect_taps([0.5, 0.5], size);
    assert_eq!((middle.left, middle.right, middle.top, middle.bottom), (3, 4, 1, 2));
    assert_eq!(middle.weight, [0.5, 0.5]);
    for u in [0.0, 1.0] {
        let seam = twin::equirect_taps([u, 0.0], size);
        assert_eq!((seam.left, seam.right, seam.top, seam.bottom), (7, 0, 0, 0));
        assert_eq!(seam.weight[0], 0.5);
    }
    let nadir = twin::equirect_taps([0.3, 1.0], size);
    assert_eq!((nadir.top, nadir.bottom), (3, 3));
    // Texel centres are hit exactly.
    let centre = twin::equirect_taps([2.5 / 8.0, 1.5 / 4.0], size);
    assert_eq!((centre.left, centre.top, centre.weight), (2, 1, [0.0, 0.0]));
    // The smallest picture has one texel to give.
    let single = twin::equirect_taps([0.9, 0.1], [1, 1]);
    assert_eq!((single.left, single.right, single.top, single.bottom), (0, 0, 0, 0));
}
