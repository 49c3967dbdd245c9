//! Light on solids: sun with soft shadows, sky with occlusion, one bounce from the ground.

use super::{
    light::{Rgb, add, cross, direction, dot, mix, scale, sub, times, unit},
    noise,
    solids::Solids,
};
use std::f32::consts::{PI, TAU};

/// Triangles in boxes in boxes, for "is anything in the way?".
pub struct Occluders {
    triangles: Vec<[Rgb; 3]>,
    nodes: Vec<Node>,
}

struct Node {
    low: Rgb,
    high: Rgb,
    /// First triangle and count for a leaf; child index and 0 otherwise (children are neighbours).
    first: usize,
    count: usize,
}

impl Occluders {
    /// Of all triangles of some solids.
    pub fn new(solids: &[&Solids]) -> Self {
        let corner = |s: &Solids, i: u32| s.positions[i as usize];
        let of = |s: &&Solids| -> Vec<[Rgb; 3]> {
            s.indices.chunks_exact(3).map(|t| [corner(s, t[0]), corner(s, t[1]), corner(s, t[2])]).collect()
        };
        let mut built = Self { triangles: solids.iter().flat_map(of).collect(), nodes: Vec::new() };
        let all = built.triangles.len();
        built.nodes.push(Node { low: [0.0; 3], high: [0.0; 3], first: 0, count: all });
        built.split(0);
        built
    }

    fn split(&mut self, index: usize) {
        let (first, count) = (self.nodes[index].first, self.nodes[index].count);
        let part = &mut self.triangles[first..first + count];
        let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        for corner in part.iter().flatten() {
            for axis in 0..3 {
                low[axis] = low[axis].min(corner[axis]);
                high[axis] = high[axis].max(corner[axis]);
            }
        }
        (self.nodes[index].low, self.nodes[index].high) = (low, high);
        if count <= 6 {
            return;
        }
        let size = sub(high, low);
        let axis = if size[0] >= size[1] && size[0] >= size[2] {
            0
        } else if size[1] >= size[2] {
            1
        } else {
            2
        };
        let middle = |t: &[Rgb; 3]| t[0][axis] + t[1][axis] + t[2][axis];
        part.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
        let half = count / 2;
        let child = self.nodes.len();
        for (first, count) in [(first, half), (first + half, count - half)] {
            self.nodes.push(Node { low, high, first, count });
        }
        (self.nodes[index].first, self.nodes[index].count) = (child, 0);
        self.split(child);
        self.split(child + 1);
    }

    /// Whether anything lies on the way from `from` towards `towards`, within `reach` metres.
    pub fn blocked(&self, from: Rgb, towards: Rgb, reach: f32) -> bool {
        let inverse = towards.map(|x| 1.0 / if x.abs() < 1e-9 { 1e-9 } else { x });
        let mut todo = vec![0_usize];
        while let Some(index) = todo.pop() {
            let node = &self.nodes[index];
            if !passes(node, from, inverse, reach) {
                continue;
            }
            if node.count == 0 {
                todo.extend([node.first, node.first + 1]);
            } else if self.triangles[node.first..node.first + node.count]
                .iter()
                .any(|t| crosses(t, from, towards, reach))
            {
                return true;
            }
        }
        false
    }
}

fn passes(node: &Node, from: Rgb, inverse: Rgb, reach: f32) -> bool {
    let (mut near, mut far) = (0.0_f32, reach);
    for axis in 0..3 {
        let a = (node.low[axis] - from[axis]) * inverse[axis];
        let b = (node.high[axis] - from[axis]) * inverse[axis];
        (near, far) = (near.max(a.min(b)), far.min(a.max(b)));
    }
    near <= far
}

/// Moeller and Trumbore (1997), both sides.
fn crosses(triangle: &[Rgb; 3], from: Rgb, towards: Rgb, reach: f32) -> bool {
    let (e1, e2) = (sub(triangle[1], triangle[0]), sub(triangle[2], triangle[0]));
    let p = cross(towards, e2);
    let det = dot(e1, p);
    if det.abs() < 1e-9 {
        return false;
    }
    let t = sub(from, triangle[0]);
    let u = dot(t, p) / det;
    let q = cross(t, e1);
    let v = dot(towards, q) / det;
    let way = dot(e2, q) / det;
    u >= 0.0 && v >= 0.0 && u + v <= 1.0 && way > 1e-3 && way < reach
}

/// The light of a place.
pub struct Lighting {
    /// Towards the sun.
    pub sun: Rgb,
    /// Light of a white face turned to the sun.
    pub sunlight: Rgb,
    /// Light of a white face under the open sky.
    pub sky: Rgb,
    /// Light that the ground throws back up, as a share of what falls on it.
    pub ground: Rgb,
}

const SUN_RAYS: i32 = 5;
const SKY_RAYS: i32 = 14;

impl Lighting {
    /// Light leaving a face of reflectance `albedo`; `number` chooses the rays, the same every time.
    pub fn at(&self, occluders: &Occluders, at: Rgb, normal: Rgb, albedo: Rgb, number: i32) -> Rgb {
        let from = add(at, scale(normal, 0.03));
        let facing = dot(normal, self.sun);
        let mut lit = 0.0;
        if facing > 0.0 {
            for ray in 0..SUN_RAYS {
                let wander = |k| noise::unit(number, ray * 2 + k, 401) - 0.5;
                let towards =
                    unit(add(self.sun, [wander(0) * 0.035, wander(1) * 0.035, (wander(0) + wander(1)) * 0.02]));
                lit += if occluders.blocked(from, towards, 90.0) { 0.0 } else { facing / SUN_RAYS as f32 };
            }
        }
        let (mut open, mut total) = ([0.0; 3], 0.0);
        let turn = noise::unit(number, 99, 402);
        for ray in 0..SKY_RAYS {
            let elevation = ((ray as f32 + 0.5) / SKY_RAYS as f32 * 2.0 - 1.0).asin();
            let towards = direction((ray as f32 * 0.618_034 + turn) * TAU, elevation);
            let weight = dot(towards, normal);
            if weight <= 0.0 {
                continue;
            }
            total += weight;
            let free = !occluders.blocked(from, towards, 7.0);
            let seen = if towards[2] < 0.0 { self.ground } else { self.sky };
            // A wall in the way is not black: it throws back some of the light around it.
            let light = if free { seen } else { scale(add(scale(self.sky, 0.5), scale(self.ground, 0.5)), 0.16) };
            open = add(open, scale(light, weight));
        }
        let around = scale(open, 1.0 / f32::max(total, 1e-3));
        let light = times(albedo.map(|a| a.max(0.0)), add(scale(self.sunlight, lit / PI * 2.0), around));
        add(light, albedo.map(|a| (-a).max(0.0)))
    }

    /// Fog: light seen through `way` metres, towards what the sky shows there.
    pub fn fogged(light: Rgb, behind: Rgb, way: f32, reach_m: f32) -> Rgb {
        mix(behind, light, (-(way / reach_m)).exp())
    }
}
