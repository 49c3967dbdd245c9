//! A world of coloured boxes: as a GLB for the program, and as what a ray hits.

use crate::oracle::{Seeded, V3};
use serde_json::{Value, json};

/// A box with its edges along the axes; a colour (linear Rec.709) for each of -X, +X, -Y, +Y, -Z, +Z.
pub struct Cuboid {
    pub low: V3,
    pub high: V3,
    pub colors: [[f64; 3]; 6],
}

/// Boxes inside a box.
pub struct Boxes {
    /// The one around all others, seen from inside.
    pub room: Cuboid,
    pub solids: Vec<Cuboid>,
}

impl Boxes {
    /// A room of 24 m x 24 m x 9 m; boxes at the end of the stage and beyond, some nearer than the walls.
    pub fn around_the_stage(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let room =
            Cuboid { low: V3::new(-12.0, -12.0, -1.5), high: V3::new(12.0, 12.0, 7.5), colors: colors(&mut random) };
        let mut solids = Vec::new();
        for n in 0..26 {
            // From right behind to left behind, the nearer ones higher up and smaller.
            let pan = (-170.0 + 340.0 * f64::from(n) / 25.0_f64).to_radians();
            let distance = random.between(3.6, 8.5);
            let center = V3::new(distance * pan.sin(), distance * pan.cos(), random.between(-0.6, 3.8));
            let half = V3::from_fn(|_, _| random.between(0.15, 0.11 * distance));
            solids.push(Cuboid { low: center - half, high: center + half, colors: colors(&mut random) });
        }
        // Overhead, for ceilings.
        for n in 0..6 {
            let center = V3::new(f64::from(n % 3 - 1) * 1.8, f64::from(n / 3) * 2.0 + 0.5, random.between(5.0, 6.4));
            let half = V3::from_fn(|_, _| random.between(0.25, 0.7));
            solids.push(Cuboid { low: center - half, high: center + half, colors: colors(&mut random) });
        }
        Self { room, solids }
    }

    /// The first face along a ray, as a number of its own, and its colour.
    pub fn hit(&self, from: V3, ray: V3) -> (u32, [f64; 3]) {
        let (_, exit) = self.room.crossing(from, ray).expect("rays start inside the room");
        let mut nearest = (exit.0, exit.1 as u32, self.room.colors[exit.1]);
        for (solid, first) in self.solids.iter().zip((6..).step_by(6)) {
            if let Some(((at, face), _)) = solid.crossing(from, ray)
                && at > 0.0
                && at < nearest.0
            {
                nearest = (at, first + face as u32, solid.colors[face]);
            }
        }
        (nearest.1, nearest.2)
    }

    /// Binary glTF 2.0: unlit, a material per face.
    pub fn glb(&self) -> Vec<u8> {
        let mut writer = GlbWriter::default();
        writer.cuboid(&self.room, true);
        self.solids.iter().for_each(|solid| writer.cuboid(solid, false));
        writer.finish()
    }
}

/// A plane across the view at `y`, from -half to half in X and Z, whose light (linear Rec.709) says where on it one looks:
/// red minus green is 0.4 x / half, so that what rounds both alike cancels. As binary glTF 2.0, unlit.
pub fn measured_plane(y: f64, half: f64) -> Vec<u8> {
    let corner = |x: f64, z: f64| V3::new(x * half, y, z * half);
    let corners = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
    let mut writer = GlbWriter::default();
    let positions = writer.positions(&corners);
    let normals = writer.vectors(&[V3::new(0.0, -1.0, 0.0); 4], None);
    // Colours are three floats as they stand, so through no change of axes.
    let light = corners.map(|corner| {
        // Rows differ by a fraction of a half float's step, so that not all of them round alike.
        let (across, up) = (0.2 * corner.x / half, 0.05 * corner.z / half);
        V3::new(0.75 + across + up, -0.75, 0.75 - across + up)
    });
    let colors = writer.vectors(&light, None);
    let indices = writer.indices();
    writer.materials.push(json!({ "doubleSided": true, "extensions": { "KHR_materials_unlit": {} } }));
    writer.primitives.push(json!({
        "attributes": { "POSITION": positions, "NORMAL": normals, "COLOR_0": colors },
        "indices": indices, "material": 0,
    }));
    writer.finish()
}

fn colors(random: &mut Seeded) -> [[f64; 3]; 6] {
    // Two bright channels of three at most, so that faces differ in hue as well as in light.
    std::array::from_fn(|_| {
        let dark = (random.next() % 3) as usize;
        std::array::from_fn(|c| if c == dark { random.between(0.0, 0.15) } else { random.between(0.02, 1.0) })
    })
}

/// Distance along the ray, and which face.
type Crossing = (f64, usize);

impl Cuboid {
    /// Where a ray's line enters and leaves; `None` if it misses or has passed.
    fn crossing(&self, from: V3, ray: V3) -> Option<(Crossing, Crossing)> {
        let (mut enter, mut exit) = ((f64::NEG_INFINITY, 0), (f64::INFINITY, 0));
        for axis in 0..3 {
            let low = (self.low[axis] - from[axis]) / ray[axis];
            let high = (self.high[axis] - from[axis]) / ray[axis];
            // By value and not by the ray's sign: a ray along the faces gives -inf and +inf.
            let (near, near_face) = if low <= high { (low, 2 * axis) } else { (high, 2 * axis + 1) };
            let (far, far_face) = if low <= high { (high, 2 * axis + 1) } else { (low, 2 * axis) };
            enter = if near > enter.0 { (near, near_face) } else { enter };
            exit = if far < exit.0 { (far, far_face) } else { exit };
        }
        (enter.0 < exit.0 && exit.0 > 0.0).then_some((enter, exit))
    }

    /// Corners of a face, counter-clockwise as seen from outside.
    fn corners(&self, face: usize) -> [V3; 4] {
        let axis = face / 2;
        let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
        let corner = |high_u: bool, high_v: bool| {
            let pick = |high: bool, i: usize| if high { self.high[i] } else { self.low[i] };
            let mut point = V3::zeros();
            point[axis] = pick(face % 2 == 1, axis);
            point[u] = pick(high_u, u);
            point[v] = pick(high_v, v);
            point
        };
        let around = [corner(false, false), corner(true, false), corner(true, true), corner(false, true)];
        if face % 2 == 1 { around } else { [around[0], around[3], around[2], around[1]] }
    }
}

#[derive(Default)]
struct GlbWriter {
    bytes: Vec<u8>,
    accessors: Vec<Value>,
    views: Vec<Value>,
    materials: Vec<Value>,
    primitives: Vec<Value>,
}

impl GlbWriter {
    fn cuboid(&mut self, cuboid: &Cuboid, from_inside: bool) {
        for (face, [r, g, b]) in cuboid.colors.iter().enumerate() {
            let mut corners = cuboid.corners(face);
            if from_inside {
                corners.reverse();
            }
            let positions = self.positions(&corners);
            let normal = {
                let outwards = if face % 2 == 1 { 1.0_f32 } else { -1.0 };
                let sign = if from_inside { -outwards } else { outwards };
                let mut normal = V3::zeros();
                normal[face / 2] = f64::from(sign);
                normal
            };
            let normals = self.vectors(&[normal; 4], None);
            let indices = self.indices();
            self.materials.push(json!({
                "pbrMetallicRoughness": { "baseColorFactor": [r, g, b, 1.0] },
                "extensions": { "KHR_materials_unlit": {} },
            }));
            self.primitives.push(json!({
                "attributes": { "POSITION": positions, "NORMAL": normals },
                "indices": indices, "material": self.materials.len() - 1,
            }));
        }
    }

    fn positions(&mut self, corners: &[V3; 4]) -> usize {
        let gltf = corners.map(gltf_from_stage);
        let fold = |pick: fn(f32, f32) -> f32| {
            [0, 1, 2].map(|i| gltf.iter().map(|corner| corner[i]).reduce(pick).unwrap_or_default())
        };
        self.vectors(corners, Some((fold(f32::min), fold(f32::max))))
    }

    fn vectors(&mut self, vectors: &[V3; 4], bounds: Option<([f32; 3], [f32; 3])>) -> usize {
        let bytes: Vec<u8> = vectors.iter().flat_map(|v| gltf_from_stage(*v)).flat_map(f32::to_le_bytes).collect();
        let view = self.view(&bytes, 34962);
        let mut accessor = json!({ "bufferView": view, "componentType": 5126, "count": 4, "type": "VEC3" });
        if let Some((low, high)) = bounds {
            accessor["min"] = json!(low);
            accessor["max"] = json!(high);
        }
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    fn indices(&mut self) -> usize {
        let bytes: Vec<u8> = [0_u16, 1, 2, 0, 2, 3].into_iter().flat_map(u16::to_le_bytes).collect();
        let view = self.view(&bytes, 34963);
        self.accessors.push(json!({ "bufferView": view, "componentType": 5123, "count": 6, "type": "SCALAR" }));
        self.accessors.len() - 1
    }

    fn view(&mut self, bytes: &[u8], target: u32) -> usize {
        let view = json!({ "buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len(), "target": target });
        self.bytes.extend(bytes);
        self.views.push(view);
        self.views.len() - 1
    }

    fn finish(mut self) -> Vec<u8> {
        let mut json = json!({
            "asset": { "version": "2.0" }, "extensionsUsed": ["KHR_materials_unlit"],
            "scene": 0, "scenes": [{ "nodes": [0] }], "nodes": [{ "mesh": 0 }],
            "meshes": [{ "primitives": self.primitives }], "materials": self.materials,
            "accessors": self.accessors, "bufferViews": self.views, "buffers": [{ "byteLength": self.bytes.len() }],
        })
        .to_string()
        .into_bytes();
        json.resize(json.len().next_multiple_of(4), b' ');
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let mut glb = b"glTF".to_vec();
        let length = |bytes: usize| u32::try_from(bytes).expect("a small file").to_le_bytes();
        glb.extend(2_u32.to_le_bytes());
        glb.extend(length(12 + 8 + json.len() + 8 + self.bytes.len()));
        for (kind, chunk) in [(b"JSON", json), (b"BIN\0", self.bytes)] {
            glb.extend(length(chunk.len()));
            glb.extend(kind);
            glb.extend(chunk);
        }
        glb
    }
}

/// Stage (X right, Y forward, Z up) to glTF (X right, Y up, Z back).
fn gltf_from_stage(v: V3) -> [f32; 3] {
    [v.x as f32, v.z as f32, -v.y as f32]
}
