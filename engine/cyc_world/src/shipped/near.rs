//! What stands near: spits of land with pines and a pagoda, as silhouettes in metres.

use super::noise::{fbm, noise, smoothstep, unit as random};

/// A thing at the lake's edge.
#[derive(Clone, Copy)]
pub struct Thing {
    /// Degrees from +Y, growing to the right.
    pub azimuth_deg: f32,
    /// Metres away.
    pub distance_m: f32,
    /// Metres high.
    pub height_m: f32,
    /// Metres its foot stands above the water.
    pub foot_m: f32,
    /// Half of its width, metres.
    pub reach_m: f32,
    /// What it is.
    pub kind: Kind,
}

/// A thing's form.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// A conifer with drooping tiers.
    Spruce(u32),
    /// A pine with flat clouds of needles on a bent trunk.
    Pine(u32),
    /// Seven roofs with lifted corners, and lamps.
    Pagoda,
}

/// What a point of a thing is.
#[derive(Clone, Copy, PartialEq)]
pub enum Point {
    /// Behind it shows.
    Clear,
    /// Its dark body; 0..1 is how much the sky above reaches it.
    Body(f32),
    /// A lit window.
    Lamp,
}

/// A spit of land: from and to (degrees), metres away, its highest ground in metres.
pub const SPITS: [[f32; 4]; 3] = [[13.0, 58.0, 330.0, 10.0], [-172.0, -84.0, 190.0, 5.0], [96.0, 150.0, 420.0, 13.0]];

/// The ground of a spit at an azimuth, metres above the water; negative is water.
pub fn ground_m(spit: usize, azimuth_deg: f32) -> f32 {
    let [from, to, distance, high] = SPITS[spit];
    let t = (azimuth_deg - from) / (to - from);
    if !(0.0..=1.0).contains(&t) {
        return -1.0;
    }
    let arch = smoothstep(0.0, 0.34, t) * smoothstep(1.0, 0.55, t);
    let along = azimuth_deg.to_radians() * distance;
    let rough = 0.75 + 0.35 * fbm(along / 38.0, spit as f32 * 7.0, 4, 201);
    let brush = 0.5 * noise(along / 1.7, 0.0, 202).abs() + 0.9 * noise(along / 5.3, 3.0, 203).max(0.0);
    high * arch * rough - 0.35 + brush * smoothstep(0.02, 0.2, arch)
}

/// Everything that stands on the spits, farthest first.
pub fn things() -> Vec<Thing> {
    let mut things = Vec::new();
    for (spit, [from, to, distance, _]) in SPITS.iter().copied().enumerate() {
        let count = [46, 80, 42][spit];
        for i in 0..count {
            let draw = |k: i32| random(i, k, 210 + spit as u32);
            // Groves: a second draw pulls trees together.
            let place = draw(0) * 0.55 + 0.45 * (0.18 + 0.64 * ((draw(1) * 4.0).floor() + 0.5) / 4.0);
            let azimuth_deg = from + (to - from) * place;
            let ground = ground_m(spit, azimuth_deg);
            let pagoda_near = spit == 0 && (azimuth_deg - PAGODA_DEG).abs() < 4.2;
            if ground < 0.6 || (pagoda_near && draw(5) > 0.2) {
                continue;
            }
            let size = if draw(2) > 0.8 { 1.0 } else { 0.45 + 0.4 * draw(3) };
            let height_m = (if pagoda_near { 8.0 } else { 17.0 }) * size;
            let kind = if draw(4) > 0.55 { Kind::Pine(i as u32) } else { Kind::Spruce(i as u32) };
            let reach_m = height_m * if matches!(kind, Kind::Pine(_)) { 0.50 } else { 0.24 };
            let distance_m = distance * (0.94 + 0.1 * draw(6));
            things.push(Thing { azimuth_deg, distance_m, height_m, foot_m: ground - 0.5, reach_m, kind });
        }
    }
    let foot_m = ground_m(0, PAGODA_DEG) - 1.0;
    things.push(Thing {
        azimuth_deg: PAGODA_DEG,
        distance_m: 331.0,
        height_m: 38.0,
        foot_m,
        reach_m: 9.5,
        kind: Kind::Pagoda,
    });
    things.sort_by(|a, b| b.distance_m.total_cmp(&a.distance_m));
    things
}

const PAGODA_DEG: f32 = 29.5;

/// What a thing is at `x` metres right of its axis and `y` metres above its foot.
pub fn at(thing: &Thing, x: f32, y: f32) -> Point {
    let t = y / thing.height_m;
    if !(-0.05..=1.0).contains(&t) {
        return Point::Clear;
    }
    match thing.kind {
        Kind::Spruce(seed) => spruce(thing, x, t, seed),
        Kind::Pine(seed) => pine(thing, x, t, seed),
        Kind::Pagoda => pagoda(x, y),
    }
}

fn spruce(thing: &Thing, x: f32, t: f32, seed: u32) -> Point {
    let lean = 0.03 * (random(seed as i32, 7, 220) - 0.5) * t * thing.height_m;
    let x = x - lean;
    let tiers = 8.0 + 5.0 * random(seed as i32, 1, 220);
    let tier = (t * tiers + 0.15 * noise(x.signum() * 3.0, t * 3.0, seed)).fract();
    let skirt = 0.52 + 0.48 * (1.0 - tier).powf(1.3);
    let ragged = 0.78 + 0.5 * noise(t * 47.0, x.signum() * 9.0, seed + 3).abs();
    let half = thing.reach_m * (1.0 - t).powf(0.85) * skirt * ragged;
    let bare = t < 0.06;
    if x.abs() < half && !bare || x.abs() < 0.25 { Point::Body((1.0 - tier) * 0.6 + 0.2) } else { Point::Clear }
}

fn pine(thing: &Thing, x: f32, t: f32, seed: u32) -> Point {
    let draw = |k: i32| random(seed as i32, k, 230);
    let h = thing.height_m;
    let axis = |t: f32| h * ((draw(0) - 0.5) * 0.35 * t + 0.035 * (t * 9.0 + draw(1) * 6.0).sin());
    if (x - axis(t)).abs() < h * 0.02 * (1.3 - t) + 0.06 && t < 0.93 {
        return Point::Body(0.1);
    }
    for cloud in 0..8 {
        let k = 10 + cloud * 4;
        let middle_t = 0.42 + 0.54 * (cloud as f32 + 0.5 * draw(k)) / 8.0;
        let side = if cloud % 2 == 0 { 1.0 } else { -1.0 };
        let out = side * h * (0.05 + 0.24 * draw(k + 1)) * (1.15 - middle_t);
        let (half, thick) =
            (h * (0.12 + 0.14 * draw(k + 2)) * (1.25 - middle_t * 0.8), h * (0.030 + 0.022 * draw(k + 3)));
        let (dx, dy) = (x - axis(middle_t) - out, (t - middle_t) * h);
        let edge = 1.0
            + 0.35 * noise(dx * 1.6, dy * 2.6, seed + k as u32)
            + 0.25 * noise(dx * 5.0, dy * 6.0, seed + 1 + k as u32);
        // Flat below, domed above.
        let tall = if dy > 0.0 { thick * 1.5 } else { thick * 0.5 };
        if (dx / half).powi(2) + (dy / tall).powi(2) < edge {
            return Point::Body((0.35 + 0.5 * dy / tall).clamp(0.0, 1.0));
        }
    }
    Point::Clear
}

/// Seven storeys of 4.3 m that grow narrower, a stone base, a spire.
fn pagoda(x: f32, y: f32) -> Point {
    let ax = x.abs();
    if y < 1.6 {
        return if ax < 8.0 - y * 0.3 { Point::Body(0.3) } else { Point::Clear };
    }
    let storey_m = 4.3;
    for storey in 0..7 {
        let floor = 1.6 + storey as f32 * storey_m;
        let body = 5.4 - storey as f32 * 0.52;
        let eave = body + 2.7 - storey as f32 * 0.10;
        // The roof: thin at the tip, lifted in a curve.
        let roof = floor + 2.9 + 0.95 * (ax / eave).powi(4);
        let ridge = roof + 1.35 * (1.0 - ax / eave).max(0.0) + 0.22;
        if ax < eave && (roof..ridge).contains(&y) {
            return Point::Body(0.75);
        }
        if ax < body && (floor..roof).contains(&y) {
            let (in_bay, up) = ((ax / (body / 2.6)).fract(), y - floor);
            let window = (0.26..0.74).contains(&in_bay) && (0.8..2.1).contains(&up) && ax < body * 0.88;
            return if window && storey % 2 == 0 { Point::Lamp } else { Point::Body(0.12) };
        }
    }
    let spire = y - (1.6 + 7.0 * storey_m - 0.4);
    let ring = 0.22 + 0.34 * ((spire * 3.3).sin().abs()) * (1.0 - spire / 7.0);
    if spire > 0.0 && ax < ring { Point::Body(0.6) } else { Point::Clear }
}
