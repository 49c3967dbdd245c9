//! A stone terrace above a lake, with a hall, a pavilion, pines and a gate: the shipped scene with real parallax.
//!
//! Light is baked into the vertices, so that an unlit material looks lit. The stage's origin is the middle of the
//! terrace; nothing stands within seven metres of it.

use super::{
    bake::{Lighting, Occluders},
    dusk_ridge::{Look, Painting, paint},
    glb_write::{Part, glb},
    hall::{self, STONE},
    light::{Rgb, add, codes, direction, film, grade, mix, scale, sub, times, unit},
    noise::{fbm, noise, ridged, smoothstep, unit as random},
    solids::Solids,
};
use image::{ExtendedColorType, ImageEncoder, ImageError, codecs::jpeg::JpegEncoder};

/// Late afternoon: the sun 112 degrees to the left, so that it rakes over the hall's front.
pub const LATE_AFTERNOON: Look =
    Look { sun_azimuth_deg: -112.0, sun_elevation_deg: 15.0, haze: 1.6e-5, exposure: 8.0, mist: 1.2, near: false };

/// Terrace: left, right, back, front, metres.
const TERRACE: [f32; 4] = [-22.0, 22.0, -18.0, 46.0];
/// Where the hall's axis crosses the stage, metres to the right.
const AXIS_M: f32 = 3.0;
const SKY_RADIUS_M: f32 = 1_500.0;
/// The sky picture ends this far below the horizon, degrees.
const SKY_BELOW_DEG: f32 = 12.0;
const EYE_M: f32 = 1.6;
/// Pixels of the paving tile, and the metres it covers.
const PAVING_PX: u32 = 512;
const PAVING_M: f32 = 4.8;
const NEEDLES: Rgb = [0.040, 0.062, 0.030];
const BARK: Rgb = [0.085, 0.058, 0.042];

/// The scene as a GLB of three unlit meshes; `sky_width` is the sky picture's width in pixels.
///
/// # Errors
/// Where the JPEG writer fails.
pub fn plaza_glb(sky_width: usize) -> Result<Vec<u8>, ImageError> {
    let look = LATE_AFTERNOON;
    let painting = paint(&look, sky_width);
    let (ground, objects) = (ground(), objects());
    let occluders = Occluders::new(&[&objects, &ground]);
    let sky = super::air::Sky::new(look.sun_azimuth_deg.to_radians(), look.sun_elevation_deg.to_radians(), look.haze);
    let around = sky.ambient();
    let lighting = Lighting {
        sun: sky.sun,
        sunlight: sky.sunlight(50.0),
        sky: scale(around, 1.25),
        ground: scale(add(scale(sky.sunlight(50.0), sky.sun[2] * 0.5), around), 0.30),
    };
    let bake = |solids: &Solids| -> Vec<Rgb> {
        let lit = |i: usize| {
            let at = solids.positions[i];
            let light = lighting.at(&occluders, at, solids.normals[i], solids.albedo[i], i as i32);
            let way = at[0].hypot(at[1]);
            let towards = unit(sub(at, [0.0, 0.0, EYE_M]));
            let behind = scale(painting.towards(direction(towards[0].atan2(towards[1]), 0.03)), 1.0 / look.exposure);
            // Mist lies on the lake, which the hills stand in.
            let low = if way > 120.0 { 1.0 + 2.6 * (-(at[2] + 9.5) / 8.0).exp() } else { 1.0 };
            let fogged = Lighting::fogged(light, behind, (way - 8.0).max(0.0) * low, 680.0);
            film(grade(scale(fogged, look.exposure)))
        };
        (0..solids.positions.len()).map(lit).collect()
    };
    let (ground_light, object_light) = (bake(&ground), bake(&objects));
    let (dome, dome_uvs) = dome();
    let paving_uvs: Vec<[f32; 2]> = ground.positions.iter().map(|p| [p[0] / PAVING_M, -p[1] / PAVING_M]).collect();
    let (sky_jpeg, paving_jpeg) = (sky_jpeg(&painting)?, paving_jpeg()?);
    Ok(glb(&[
        Part {
            name: "plaza",
            positions: &objects.positions,
            colors: &object_light,
            uvs: &[],
            indices: &objects.indices,
            texture: None,
        },
        Part {
            name: "paving",
            positions: &ground.positions,
            colors: &ground_light,
            uvs: &paving_uvs,
            indices: &ground.indices,
            texture: Some((&paving_jpeg, "image/jpeg", true)),
        },
        Part {
            name: "sky",
            positions: &dome.positions,
            colors: &[],
            uvs: &dome_uvs,
            indices: &dome.indices,
            texture: Some((&sky_jpeg, "image/jpeg", false)),
        },
    ]))
}

/// The terrace's floor, fine enough to hold shadows: a pale path with dark borders across it.
fn ground() -> Solids {
    let mut solids = Solids::default();
    let [left, right, back, front] = TERRACE;
    let edges = [left, AXIS_M - 3.0, AXIS_M - 2.4, AXIS_M + 2.4, AXIS_M + 3.0, right];
    let tones = [0.285, 0.16, 0.37, 0.16, 0.285];
    for (edge, tone) in edges.windows(2).zip(tones) {
        let (from, to) = (edge[0], edge[1]);
        let cells = [((to - from) / 0.92).ceil() as usize, ((front - back) / 0.92) as usize];
        solids.patch(cells, |s, t| {
            let (x, y) = (from + (to - from) * s, back + (front - back) * t);
            let worn = 1.0 + 0.16 * fbm(x / 6.0, y / 6.0, 4, 601);
            ([x, y, 0.0], Some([0.0, 0.0, 1.0]), scale([1.0, 0.945, 0.86], tone * worn))
        });
    }
    solids
}

fn objects() -> Solids {
    let mut solids = Solids::default();
    hall::hall(&mut solids, [AXIS_M, 37.0, 0.0]);
    hall::pavilion(&mut solids, [-14.5, 21.0, 0.0]);
    hall::gate(&mut solids, [AXIS_M, -14.0, 0.0]);
    balustrades(&mut solids);
    for y in [9.0, 15.0, 21.0] {
        for side in [-5.2, 5.2] {
            lantern(&mut solids, [AXIS_M + side, y, 0.0]);
        }
    }
    for side in [-8.2, 8.2] {
        pillar(&mut solids, [AXIS_M + side, 25.5, 0.0]);
    }
    burner(&mut solids, [AXIS_M, 23.5, 0.0]);
    for (i, [x, y, height]) in [
        [-10.5, 10.5, 7.5],
        [-18.0, 13.0, 10.0],
        [-18.8, 29.0, 11.5],
        [-14.0, 33.5, 8.5],
        [14.5, 11.5, 8.0],
        [18.5, 19.0, 11.0],
        [16.8, 27.0, 9.0],
        [-16.0, -6.0, 9.5],
        [17.5, -4.0, 10.5],
    ]
    .into_iter()
    .enumerate()
    {
        pine(&mut solids, [x, y, 0.0], height, 620 + i as u32 * 20);
    }
    for (i, [x, y, size]) in
        [[-8.6, 11.8, 0.8], [-12.2, 9.4, 0.5], [15.9, 10.2, 0.7], [19.6, 17.2, 0.9], [-19.5, 14.8, 0.7]]
            .into_iter()
            .enumerate()
    {
        solids.blob(
            [x, y, size * 0.35],
            [size, size * 0.8, size * 0.75],
            0.35,
            [9, 6],
            800 + i as u32 * 3,
            [0.20, 0.19, 0.175],
        );
    }
    for (distance, high, seed) in [(190.0, 26.0, 1), (360.0, 58.0, 2), (640.0, 112.0, 3)] {
        hills(&mut solids, distance, high, 850 + seed * 10);
    }
    solids
}

fn balustrades(solids: &mut Solids) {
    let [left, right, back, front] = TERRACE;
    let mut run = |from: [f32; 2], to: [f32; 2]| {
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let count = (length / 2.4).round() as usize;
        let yaw = (to[0] - from[0]).atan2(to[1] - from[1]);
        let at = |k: f32| {
            [from[0] + (to[0] - from[0]) * k / count as f32, from[1] + (to[1] - from[1]) * k / count as f32, 0.0]
        };
        for k in 0..=count {
            solids.block(at(k as f32), [0.15, 0.15], 1.08, yaw, STONE);
            solids.turned(
                add(at(k as f32), [0.0, 0.0, 1.08]),
                &[[0.0, 0.08], [0.08, 0.15], [0.22, 0.13], [0.32, 0.0]],
                6,
                STONE,
            );
            if k < count {
                solids.block(
                    at(k as f32 + 0.5),
                    [0.07, length / count as f32 / 2.0 - 0.15],
                    0.62,
                    yaw,
                    scale(STONE, 0.9),
                );
                solids.block(
                    add(at(k as f32 + 0.5), [0.0, 0.0, 0.80]),
                    [0.06, length / count as f32 / 2.0 - 0.15],
                    0.10,
                    yaw,
                    STONE,
                );
            }
        }
    };
    let inset = 0.4;
    let (l, r, b, f) = (left + inset, right - inset, back + inset, front - inset);
    run([l, b], [l, f]);
    run([r, b], [r, f]);
    run([l, f], [r, f]);
    run([l, b], [AXIS_M - 8.0, b]);
    run([AXIS_M + 8.0, b], [r, b]);
}

fn lantern(solids: &mut Solids, foot: Rgb) {
    let grey = [0.30, 0.285, 0.26];
    solids.turned(foot, &[[0.0, 0.42], [0.25, 0.40], [0.32, 0.20], [1.15, 0.17], [1.25, 0.36], [1.36, 0.38]], 8, grey);
    solids.turned(add(foot, [0.0, 0.0, 1.36]), &[[0.0, 0.24], [0.42, 0.24]], 6, scale(hall::PAPER, 1.25));
    for post in 0..6 {
        let out = scale(direction(post as f32 * std::f32::consts::PI / 3.0, 0.0), 0.26);
        solids.block(add(foot, [out[0], out[1], 1.36]), [0.045, 0.045], 0.42, 0.0, grey);
    }
    solids.turned(
        add(foot, [0.0, 0.0, 1.78]),
        &[[0.0, 0.30], [0.02, 0.62], [0.12, 0.44], [0.30, 0.20], [0.34, 0.10], [0.46, 0.13], [0.58, 0.0]],
        8,
        grey,
    );
}

/// A pillar with a seated beast on top.
fn pillar(solids: &mut Solids, foot: Rgb) {
    solids.turned(foot, &[[0.0, 1.25], [0.45, 1.2], [0.5, 0.85], [0.9, 0.8]], 8, STONE);
    solids.turned(
        add(foot, [0.0, 0.0, 0.9]),
        &[[0.0, 0.50], [6.6, 0.43], [6.65, 0.62], [6.85, 0.66], [6.95, 0.40], [7.2, 0.46]],
        14,
        STONE,
    );
    solids.blob(add(foot, [0.0, 0.0, 8.5]), [0.34, 0.42, 0.55], 0.22, [9, 6], 640, STONE);
}

/// A bronze vessel on three legs.
fn burner(solids: &mut Solids, foot: Rgb) {
    let bronze = [0.070, 0.066, 0.046];
    solids.block(foot, [1.5, 1.5], 0.35, 0.0, STONE);
    for leg in 0..3 {
        let out = direction(leg as f32 * 2.094 + 0.5, 0.0);
        solids.turned(
            add(foot, [out[0] * 0.7, out[1] * 0.7, 0.35]),
            &[[0.0, 0.16], [0.2, 0.11], [0.8, 0.2]],
            8,
            bronze,
        );
    }
    solids.turned(
        add(foot, [0.0, 0.0, 1.05]),
        &[[0.0, 0.55], [0.25, 0.92], [0.7, 1.0], [1.0, 0.86], [1.05, 1.02], [1.18, 1.02]],
        16,
        bronze,
    );
    for side in [-0.9, 0.9] {
        solids.block(add(foot, [side, 0.0, 2.2]), [0.10, 0.26], 0.55, 0.0, bronze);
    }
}

/// A pine: a bent trunk and flat clouds of needles, in a ring of stone.
fn pine(solids: &mut Solids, foot: Rgb, height: f32, seed: u32) {
    let draw = |k: u32| random(k as i32, 0, seed);
    solids.turned(foot, &[[0.0, 1.55], [0.45, 1.5], [0.46, 1.2]], 12, scale(STONE, 0.85));
    let lean = direction(draw(1) * std::f32::consts::TAU, 0.0);
    let trunk = |t: f32| {
        let bend = height * 0.16 * (t * t + 0.25 * (t * 7.0 + draw(2) * 6.0).sin() * t);
        add(foot, [lean[0] * bend, lean[1] * bend, height * t])
    };
    solids.patch([7, 8], |s, t| {
        let around = direction(-s * std::f32::consts::TAU, 0.0);
        let radius = height * 0.030 * (1.25 - t) + 0.02;
        (add(trunk(t * 0.95), scale(around, radius)), Some(around), BARK)
    });
    let clouds = 13;
    for cloud in 0..clouds {
        let k = 10 + cloud * 5;
        let t = 0.42 + 0.56 * (cloud as f32 + 0.4 * draw(k)) / clouds as f32;
        let side = direction(cloud as f32 * 2.4 + draw(k + 1), 0.0);
        let out = height * 0.30 * (1.10 - t) * (0.45 + draw(k + 2));
        let wide = height * (0.095 + 0.065 * draw(k + 3)) * (1.40 - 0.75 * t);
        let at = add(trunk(t), [side[0] * out, side[1] * out, 0.0]);
        let tint = mix(NEEDLES, [0.075, 0.080, 0.030], draw(k + 4) * 0.7);
        needles(solids, at, wide, seed + k, tint);
    }
}

/// A cloud of needles: domed above, nearly flat below, with a torn edge.
fn needles(solids: &mut Solids, middle: Rgb, wide: f32, seed: u32, tint: Rgb) {
    solids.patch([10, 3], |s, t| {
        let (sin, cos) = (-s * std::f32::consts::TAU).sin_cos();
        let polar = (t - 0.35) * std::f32::consts::PI / if t < 0.35 { 0.7 } else { 1.3 };
        let torn = 1.0 + 0.42 * noise(sin * 2.3 + 0.4, cos * 2.3, seed) + 0.22 * noise(sin * 6.1, cos * 6.1, seed + 1);
        let level = wide * torn * polar.cos().max(0.0);
        let heap = 0.42 + 0.16 * noise(sin * 3.0 + t, cos * 3.0 - t, seed + 2);
        let z = wide * polar.sin() * if polar < 0.0 { 0.14 } else { heap };
        let patchy = 1.0 + 0.55 * noise(sin * 4.0 + t * 3.0, cos * 4.0, seed + 3);
        let lit = unit([sin * polar.cos(), cos * polar.cos(), 0.35 + 1.2 * polar.sin()]);
        let leaning = unit(add(lit, scale([cos, sin, 0.2], 0.45 * noise(sin * 5.0, cos * 5.0 + t, seed + 4))));
        (add(middle, [sin * level, cos * level, z]), Some(leaning), scale(tint, patchy))
    });
}

/// A ring of wooded hills; its feet stand below the terrace, in the mist.
fn hills(solids: &mut Solids, distance: f32, high: f32, seed: u32) {
    solids.patch([132, 3], |s, t| {
        let azimuth = s * std::f32::consts::TAU;
        let (x, y) = (azimuth.sin(), azimuth.cos());
        let apart = 0.5 + 0.5 * fbm(x * 1.6 + seed as f32, y * 1.6, 3, seed);
        let crest = ridged(x * 2.1 + 3.0, y * 2.1 + seed as f32, 5, seed + 5);
        let wood = 0.035 * noise(s * 132.0 * 0.73, 0.0, seed + 7);
        let top = -9.5 + high * smoothstep(0.34, 0.72, apart) * (0.12 + 1.05 * crest + wood);
        let z = -10.0 + (top + 10.0) * t.powf(0.85);
        // Slopes lean back: the lower edge is nearer.
        let way = distance * (1.0 + 0.22 * t);
        let tint = mix([0.030, 0.042, 0.024], [0.060, 0.056, 0.028], 0.5 + 0.5 * noise(s * 60.0, t * 3.0, seed + 9));
        let rough = [noise(s * 70.0, t * 2.0, seed + 11), noise(s * 70.0, t * 2.0, seed + 12)];
        ([x * way, y * way, z], Some(unit([-x + rough[0], -y + rough[1], 1.1])), tint)
    });
}

/// The inside of a sphere around the eye, with its uv.
fn dome() -> (Solids, Vec<[f32; 2]>) {
    let mut solids = Solids::default();
    let (across, up) = (64, 22);
    let lowest = -SKY_BELOW_DEG.to_radians();
    let highest = std::f32::consts::FRAC_PI_2;
    solids.patch([across, up], |s, t| {
        let elevation = lowest + (highest - lowest) * t;
        // Growing azimuth, seen from inside: the face looks at the middle.
        let towards = direction((s - 0.5) * std::f32::consts::TAU, elevation);
        (add([0.0, 0.0, EYE_M], scale(towards, SKY_RADIUS_M)), Some(scale(towards, -1.0)), [1.0; 3])
    });
    let uv = |j: usize, i: usize| [i as f32 / across as f32, 1.0 - j as f32 / up as f32];
    let uvs = (0..=up).flat_map(|j| (0..=across).map(move |i| uv(j, i))).collect();
    (solids, uvs)
}

fn jpeg(rgb8: &[u8], width: u32, height: u32, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).write_image(rgb8, width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

fn sky_jpeg(painting: &Painting) -> Result<Vec<u8>, ImageError> {
    let rows = ((90.0 + SKY_BELOW_DEG) / 180.0 * (painting.width / 2) as f32).round() as usize;
    // JPEG would spend its bits on dither, and wash it out.
    let rgb8: Vec<u8> =
        painting.light[..rows * painting.width].iter().flat_map(|light| codes(film(grade(*light)))).collect();
    jpeg(&rgb8, painting.width as u32, rows as u32, 92)
}

/// Slabs in running bond, worn at their edges; it repeats without a seam.
fn paving_jpeg() -> Result<Vec<u8>, ImageError> {
    let slab = PAVING_PX as i32 / 4;
    let mut rgb8 = Vec::new();
    for y in 0..PAVING_PX as i32 {
        for x in 0..PAVING_PX as i32 {
            let row = y / slab;
            let shifted = (x + (row % 2) * slab / 2).rem_euclid(PAVING_PX as i32);
            let (column, sx, sy) = (shifted / slab, shifted % slab, y % slab);
            let edge = sx.min(slab - 1 - sx).min(sy).min(slab - 1 - sy) as f32;
            let tone = 0.84 + 0.15 * random(column, row, 901);
            let grain = 0.045 * (random(x, y, 902) - 0.5)
                + 0.05 * noise(sx as f32 / 19.0 + column as f32 * 7.3, sy as f32 / 13.0 + row as f32 * 5.1, 903);
            let chip = 1.6 + 1.4 * random(x / 9, y / 9, 904);
            let joint = smoothstep(0.6, chip + 1.0, edge);
            let light = (tone + grain) * (0.38 + 0.62 * joint);
            let warm = times([1.0, 0.985, 0.96], [light; 3]);
            rgb8.extend(codes(warm));
        }
    }
    jpeg(&rgb8, PAVING_PX, PAVING_PX, 86)
}
