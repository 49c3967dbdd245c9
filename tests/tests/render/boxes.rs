//! Inner and outer *pictures*: a world with edges and parallax, against rays.
//!
//! Every pixel counts, soft edges too, unless a face ends within a pixel and a half of it in a picture that it
//! takes something from; those are averaged over and fitted for a shift.

use crate::{
    case::Case,
    compare::{Errors, Shift},
    harness::{render, scratch, write},
    oracle::{CameraTable, Oracle, Pose, V3},
    panorama::srgb_of_light,
    picture::wall_pictures,
    scene::Boxes,
};

/// Of 255: flat faces have one value.
const P999: f64 = 2.0;
/// Wall pixels by which edges may be moved on average. Pictures are sampled, so each edge has steps; the cases' walls
/// are turned about all axes, or long edges along pixel rows would not average out.
const SHIFT_PX: f64 = 0.1;
/// Wall pixels around an edge that do not count.
const EDGE_PX: f64 = 1.5;
const ENOUGH: usize = 3_000;

/// Renders the case among boxes and compares every wall pixel that is not at an edge.
pub fn check(case: &Case) {
    let folder = scratch(&format!("boxes-{}", case.name));
    let boxes = Boxes::around_the_stage(case.table.seed);
    let environment = write(&folder, "boxes.glb", boxes.glb());
    let input = write(&folder, "frames.jsonl", case.input());
    let out = folder.join("out");
    render(&case.stage, &input, &environment, &out).run().expect_code(0);
    let cameras = &case.oracle.table.cameras;
    let mut tally = vec![0; cameras.len() + 2];
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for (frame, poses) in (0..).zip(&case.frames) {
        let poses: Vec<Pose> = cameras.iter().map(|camera| poses[&camera.id]).collect();
        for (n, picture) in wall_pictures(&case.oracle, &out, frame).iter().enumerate() {
            let seen = Seen::new(&case.oracle, n, &poses, &boxes);
            // A class per camera, one for the outer picture, one for soft edges.
            let mut errors: Vec<Errors> = tally.iter().map(|_| Errors::default()).collect();
            for (at, code) in picture.codes.iter().enumerate() {
                if let (Some(code), Some(place)) = (code, &seen.places[at])
                    && place.settled
                {
                    errors[place.class].add(*code, place.code);
                }
            }
            let expected: Vec<_> = seen.places.iter().map(|place| place.as_ref().map(|place| place.smooth)).collect();
            let used = |at: usize| seen.places[at].as_ref().is_some_and(|place| place.class < tally.len() - 1);
            let shift = Shift::fit(picture.size_px, &expected, |x, y| picture.at(x, y), used).unwrap_or([0.0; 2]);
            let mut fine = shift.iter().all(|part| part.abs() <= SHIFT_PX);
            let mut line =
                format!("{} frame {frame}: shift {:+.3} {:+.3} px", case.oracle.walls[n].id, shift[0], shift[1]);
            for (class, errors) in errors.iter_mut().enumerate() {
                let (pixels, p999) = (errors.pixels(), errors.percentile(0.999));
                tally[class] += pixels;
                let what = match class.checked_sub(cameras.len()) {
                    None => cameras[class].id.as_str(),
                    Some(0) => "outer",
                    Some(_) => "soft edge",
                };
                line += &format!("; {what}: {pixels} px, p99.9 {p999:.2}");
                fine &= p999 <= P999;
            }
            wrong.extend((!fine).then(|| line.clone()));
            lines.push(line);
        }
    }
    println!("{}", lines.join("\n"));
    assert!(wrong.is_empty(), "{}\nall:\n{}", wrong.join("\n"), lines.join("\n"));
    assert!(tally.iter().all(|pixels| *pixels > ENOUGH), "too few pixels of a kind: {tally:?}");
}

/// What one wall pixel must show.
pub struct Place {
    /// Which picture: a camera's, the outer, or several.
    pub class: usize,
    /// Code values at its centre.
    pub code: [f64; 3],
    /// Code values averaged over the pixel and a little around.
    pub smooth: [f64; 3],
    /// No face ends near it.
    pub settled: bool,
}

pub struct Seen {
    pub places: Vec<Option<Place>>,
}

/// What is seen of a wall from one point, on a grid of half pixels.
struct FromEye {
    hits: Vec<(u32, [f64; 3])>,
    size: [usize; 2],
}

impl Seen {
    pub fn new(oracle: &Oracle, wall: usize, poses: &[Pose], boxes: &Boxes) -> Self {
        let cameras = &oracle.table.cameras;
        let [width, height] = oracle.walls[wall].size_px.map(|side| side as usize);
        let grid = half_pixel_grid(oracle, wall);
        let eyes = poses.iter().map(Pose::pupil).chain([oracle.eye]);
        let pictures: Vec<FromEye> =
            eyes.map(|eye| FromEye::new(&grid, [2 * width + 1, 2 * height + 1], eye, boxes)).collect();
        let place = |(x, y): (usize, usize)| {
            let point = grid[(2 * y + 1) * (2 * width + 1) + 2 * x + 1]?;
            let weights = weights(cameras, poses, point);
            let used = || weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
            let class = match used().collect::<Vec<_>>()[..] {
                [(only, _)] => only,
                _ => weights.len(),
            };
            let mix = |light: &dyn Fn(&FromEye) -> [f64; 3]| {
                let lights: Vec<_> = used().map(|(n, weight)| (*weight, light(&pictures[n]))).collect();
                [0, 1, 2].map(|c| srgb_of_light(lights.iter().map(|(weight, light)| weight * light[c]).sum()))
            };
            Some(Place {
                class,
                code: mix(&|from| from.light(x, y)),
                smooth: mix(&|from| from.smooth(x, y)),
                settled: used().all(|(n, _)| pictures[n].settled(x, y)),
            })
        };
        Self { places: (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(place).collect() }
    }
}

/// Stage points of pixel corners, edge middles and centres.
fn half_pixel_grid(oracle: &Oracle, wall: usize) -> Vec<Option<V3>> {
    let wall = &oracle.walls[wall];
    let [width, height] = wall.size_px.map(|side| 2 * side as usize + 1);
    let at = |(x, y): (usize, usize)| wall.point([x as f64 / 2.0, y as f64 / 2.0]);
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(at).collect()
}

/// How much of each camera's picture and of the outer one shows: the first camera takes its part first.
fn weights(cameras: &[CameraTable], poses: &[Pose], point: V3) -> Vec<f64> {
    let mut open = 1.0;
    let mut weights = Vec::new();
    for (camera, pose) in cameras.iter().zip(poses) {
        let inset = 1.0 - pose.reach(camera.sensor, point) / camera.inner.overscan;
        let t = (inset / camera.inner.soft_edge).clamp(0.0, 1.0);
        weights.push(open * t * t * (3.0 - 2.0 * t));
        open -= open * t * t * (3.0 - 2.0 * t);
    }
    weights.push(open);
    weights
}

impl FromEye {
    fn new(grid: &[Option<V3>], size: [usize; 2], eye: V3, boxes: &Boxes) -> Self {
        let hit = |point: &Option<V3>| point.map_or((u32::MAX, [0.0; 3]), |point| boxes.hit(eye, point - eye));
        Self { hits: grid.iter().map(hit).collect(), size }
    }

    fn light(&self, x: usize, y: usize) -> [f64; 3] {
        self.hits[(2 * y + 1) * self.size[0] + 2 * x + 1].1
    }

    /// Averaged over three half pixels each way, the middle counting twice.
    fn smooth(&self, x: usize, y: usize) -> [f64; 3] {
        let mut sum = [0.0; 3];
        for (dx, dy) in (0..3).flat_map(|dy| (0..3).map(move |dx| (dx, dy))) {
            let weight = [0.25, 0.5, 0.25];
            let (_, light) = self.hits[(2 * y + dy) * self.size[0] + 2 * x + dx];
            (0..3).for_each(|c| sum[c] += weight[dx] * weight[dy] * light[c]);
        }
        sum
    }

    fn settled(&self, x: usize, y: usize) -> bool {
        let reach = (2.0 * EDGE_PX).round() as usize;
        let around = |at: usize, size: usize| (2 * at + 1).saturating_sub(reach)..=(2 * at + 1 + reach).min(size - 1);
        let own = self.hits[(2 * y + 1) * self.size[0] + 2 * x + 1].0;
        around(y, self.size[1])
            .all(|row| around(x, self.size[0]).all(|column| self.hits[row * self.size[0] + column].0 == own))
    }
}
