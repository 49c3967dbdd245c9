//! What a stage file's words mean, worked out again from their definition: walls, poses, inner frusta.
//!
//! Stage space: metres, right-handed, X right, Y forward, Z up. The files are read as plain TOML tables.

use nalgebra::{Matrix3, Vector3};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

pub type V3 = Vector3<f64>;
pub type M3 = Matrix3<f64>;

/// Intrinsic Z (pan), X (tilt), Y (roll), right-handed, degrees: own axes to stage axes.
pub fn turned(pan_deg: f64, tilt_deg: f64, roll_deg: f64) -> M3 {
    let (pan_sin, pan_cos) = pan_deg.to_radians().sin_cos();
    let (tilt_sin, tilt_cos) = tilt_deg.to_radians().sin_cos();
    let (roll_sin, roll_cos) = roll_deg.to_radians().sin_cos();
    let about_z = M3::new(pan_cos, -pan_sin, 0.0, pan_sin, pan_cos, 0.0, 0.0, 0.0, 1.0);
    let about_x = M3::new(1.0, 0.0, 0.0, 0.0, tilt_cos, -tilt_sin, 0.0, tilt_sin, tilt_cos);
    let about_y = M3::new(roll_cos, 0.0, roll_sin, 0.0, 1.0, 0.0, -roll_sin, 0.0, roll_cos);
    about_z * about_x * about_y
}

/// A rotation matrix as a quaternion w, x, y, z: from the largest of the four, so that nothing cancels.
pub fn wxyz(m: &M3) -> [f64; 4] {
    let squares = [
        1.0 + m.m11 + m.m22 + m.m33,
        1.0 + m.m11 - m.m22 - m.m33,
        1.0 - m.m11 + m.m22 - m.m33,
        1.0 - m.m11 - m.m22 + m.m33,
    ];
    let largest = (0..4).max_by(|a, b| squares[*a].total_cmp(&squares[*b])).unwrap_or(0);
    let twice = squares[largest].sqrt();
    let (x, y, z) = (m.m32 - m.m23, m.m13 - m.m31, m.m21 - m.m12);
    let (xy, xz, yz) = (m.m12 + m.m21, m.m13 + m.m31, m.m23 + m.m32);
    let rest = match largest {
        0 => [twice * twice, x, y, z],
        1 => [x, twice * twice, xy, xz],
        2 => [y, xy, twice * twice, yz],
        _ => [z, xz, yz, twice * twice],
    };
    rest.map(|part| part / (2.0 * twice))
}

/// A quaternion w, x, y, z as a rotation matrix.
pub fn matrix_of_wxyz(q: [f64; 4]) -> M3 {
    let norm = q.iter().map(|part| part * part).sum::<f64>().sqrt();
    let [w, x, y, z] = q.map(|part| part / norm);
    M3::new(
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y - w * z),
        2.0 * (x * z + w * y),
        2.0 * (x * y + w * z),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (y * z - w * x),
        2.0 * (x * z - w * y),
        2.0 * (y * z + w * x),
        1.0 - 2.0 * (x * x + y * y),
    )
}

/// The angle between two orientations, degrees.
pub fn degrees_between(a: &M3, b: &M3) -> f64 {
    let turn = a.transpose() * b;
    // The sine keeps its digits where the angle is small.
    let axis = V3::new(turn.m32 - turn.m23, turn.m13 - turn.m31, turn.m21 - turn.m12);
    axis.norm().atan2(turn.trace() - 1.0).to_degrees()
}

/// Numbers for poses and patterns, the same on every machine (SplitMix64).
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from `from` to `to`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }

    pub fn unit_vector(&mut self) -> V3 {
        loop {
            let v = V3::from_fn(|_, _| self.between(-1.0, 1.0));
            if v.norm() > 0.1 && v.norm() <= 1.0 {
                return v.normalize();
            }
        }
    }
}

/// A stage file as far as pictures depend on it.
#[derive(Debug, Clone, Deserialize)]
pub struct StageTable {
    #[serde(default = "usual_eye")]
    pub eye_point_m: [f64; 3],
    #[serde(rename = "wall")]
    pub walls: Vec<WallTable>,
    #[serde(rename = "camera")]
    pub cameras: Vec<CameraTable>,
    #[serde(rename = "output")]
    pub outputs: Vec<OutputTable>,
}

fn usual_eye() -> [f64; 3] {
    [0.0, 0.0, 1.6]
}

#[derive(Debug, Clone, Deserialize)]
pub struct WallTable {
    pub id: String,
    pub panel: Panel,
    pub shape: Shape,
    #[serde(default)]
    pub position_m: [f64; 3],
    #[serde(default)]
    pub rotation_deg: Turn,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Panel {
    pub width_px: u32,
    pub height_px: u32,
    pub pitch_mm: f64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Turn {
    pub pan: f64,
    pub tilt: f64,
    pub roll: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    Flat {
        columns: u32,
        rows: u32,
    },
    Arc {
        columns: u32,
        rows: u32,
        radius_m: f64,
    },
    /// Only as OBJ files are by default: Y up, v up.
    Mesh {
        path: String,
        width_px: u32,
        height_px: u32,
        up: Option<String>,
        unit_m: Option<f64>,
        v: Option<String>,
    },
}

#[derive(Debug, Clone, Deserialize)]
pub struct CameraTable {
    pub id: String,
    pub sensor: Sensor,
    pub inner: InnerTable,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Sensor {
    pub width_mm: f64,
    pub height_mm: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct InnerTable {
    pub overscan: f64,
    #[serde(default = "usual_soft_edge")]
    pub soft_edge: f64,
}

fn usual_soft_edge() -> f64 {
    0.05
}

#[derive(Debug, Clone, Deserialize)]
pub struct OutputTable {
    id: Option<String>,
    node: String,
    wall: Option<String>,
    wall_px: Option<Rect>,
    regions: Option<Vec<RegionTable>>,
    #[serde(default)]
    pub signal: SignalTable,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct SignalTable {
    pub bits: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct RegionTable {
    wall: String,
    wall_px: Option<Rect>,
    #[serde(default)]
    at_px: [u32; 2],
}

/// A part of a wall in an output's picture.
#[derive(Debug, Clone, Copy)]
pub struct Region {
    pub wall: usize,
    pub wall_px: Rect,
    pub at_px: [u32; 2],
}

/// A stage file with its walls as surfaces.
pub struct Oracle {
    pub table: StageTable,
    pub walls: Vec<Wall>,
    pub eye: V3,
}

impl Oracle {
    /// Reads a stage file and the meshes it names.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::of(&text, path.parent().expect("a file lies in a folder"))
    }

    /// From a stage file's text; meshes are looked for in `folder`.
    pub fn of(text: &str, folder: &Path) -> Self {
        let table: StageTable = toml::from_str(text).unwrap_or_else(|error| panic!("stage file: {error}"));
        let walls = table.walls.iter().map(|wall| Wall::new(wall, folder)).collect();
        Self { eye: V3::from(table.eye_point_m), walls, table }
    }

    /// Id, regions and size of every output.
    pub fn outputs(&self) -> Vec<(String, Vec<Region>, [u32; 2])> {
        self.table.outputs.iter().map(|output| self.output(output)).collect()
    }

    fn output(&self, output: &OutputTable) -> (String, Vec<Region>, [u32; 2]) {
        let region = |wall: &str, wall_px: Option<Rect>, at_px: [u32; 2]| {
            let index = self.walls.iter().position(|known| known.id == wall).expect("outputs name walls");
            let [width, height] = self.walls[index].size_px;
            Region { wall: index, wall_px: wall_px.unwrap_or(Rect { x: 0, y: 0, width, height }), at_px }
        };
        let regions: Vec<Region> = match (&output.wall, &output.regions) {
            (Some(wall), _) => vec![region(wall, output.wall_px, [0, 0])],
            (None, Some(list)) => list.iter().map(|r| region(&r.wall, r.wall_px, r.at_px)).collect(),
            (None, None) => Vec::new(),
        };
        let first = regions.first().map(|region| self.walls[region.wall].id.as_str());
        let id = output.id.clone().unwrap_or_else(|| format!("{}-{}", output.node, first.unwrap_or_default()));
        let right = regions.iter().map(|r| r.at_px[0] + r.wall_px.width).max().unwrap_or(0);
        let bottom = regions.iter().map(|r| r.at_px[1] + r.wall_px.height).max().unwrap_or(0);
        (id, regions, [right, bottom])
    }
}

/// A wall as a surface in stage space.
pub struct Wall {
    pub id: String,
    pub size_px: [u32; 2],
    pub panel: Panel,
    surface: Surface,
    turn: M3,
    origin: V3,
}

enum Surface {
    /// Seams between columns in the wall's own X and Y; height above the floor line.
    Columns { seams: Vec<[f64; 2]>, height_m: f64 },
    /// Corners as wall pixels and own coordinates.
    Triangles(Vec<[([f64; 2], V3); 3]>),
}

impl Wall {
    fn new(table: &WallTable, folder: &Path) -> Self {
        let Panel { width_px, height_px, pitch_mm } = table.panel;
        let panel_m = f64::from(width_px) * pitch_mm / 1000.0;
        let columns_of = |columns: u32, rows: u32, seams: Vec<[f64; 2]>| {
            let height_m = f64::from(rows * height_px) * pitch_mm / 1000.0;
            ([columns * width_px, rows * height_px], Surface::Columns { seams, height_m })
        };
        let (size_px, surface) = match &table.shape {
            Shape::Flat { columns, rows } => {
                let seam = |n: u32| [(f64::from(n) - f64::from(*columns) / 2.0) * panel_m, 0.0];
                columns_of(*columns, *rows, (0..=*columns).map(seam).collect())
            }
            Shape::Arc { columns, rows, radius_m } => {
                columns_of(*columns, *rows, arc_seams(*columns, panel_m, *radius_m))
            }
            Shape::Mesh { path, width_px, height_px, up, unit_m, v } => {
                let (size_px, unit_m) = ([*width_px, *height_px], unit_m.unwrap_or(1.0));
                assert_eq!((up.as_deref().unwrap_or("y"), v.as_deref().unwrap_or("up")), ("y", "up"));
                (size_px, Surface::Triangles(read_obj(&folder.join(path), size_px, unit_m)))
            }
        };
        let Turn { pan, tilt, roll } = table.rotation_deg;
        let (turn, origin) = (turned(pan, tilt, roll), V3::from(table.position_m));
        Self { id: table.id.clone(), size_px, panel: table.panel, surface, turn, origin }
    }

    /// The stage point of continuous wall pixels; `None` where a mesh has nothing.
    pub fn point(&self, px: [f64; 2]) -> Option<V3> {
        let own = match &self.surface {
            Surface::Columns { seams, height_m } => {
                let at = px[0] / f64::from(self.panel.width_px);
                let column = (at.floor().max(0.0) as usize).min(seams.len() - 2);
                let part = at - column as f64;
                let ([x0, y0], [x1, y1]) = (seams[column], seams[column + 1]);
                let z = height_m * (1.0 - px[1] / f64::from(self.size_px[1]));
                V3::new(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part, z)
            }
            Surface::Triangles(triangles) => triangles.iter().find_map(|corners| on_triangle(corners, px))?,
        };
        Some(self.turn * own + self.origin)
    }

    /// The stage point of a pixel's centre.
    pub fn pixel(&self, x: u32, y: u32) -> Option<V3> {
        self.point([f64::from(x) + 0.5, f64::from(y) + 0.5])
    }
}

/// Vertical panel edges on a circle: panels are its chords; the middle of the wall is the origin.
fn arc_seams(columns: u32, panel_m: f64, radius_m: f64) -> Vec<[f64; 2]> {
    let half = (panel_m / 2.0 / radius_m).asin();
    let depth = if columns.is_multiple_of(2) { radius_m } else { radius_m * half.cos() };
    let angle = |n: u32| (2.0 * f64::from(n) - f64::from(columns)) * half;
    (0..=columns).map(|n| [radius_m * angle(n).sin(), radius_m * angle(n).cos() - depth]).collect()
}

/// Triangles of an OBJ with Y up, -Z into the wall and v up.
fn read_obj(path: &Path, size_px: [u32; 2], unit_m: f64) -> Vec<[([f64; 2], V3); 3]> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut places, mut uvs, mut triangles) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |n: usize| words[n].parse::<f64>().unwrap_or_else(|error| panic!("{line}: {error}"));
        match words.first() {
            Some(&"v") => places.push(unit_m * V3::new(number(1), -number(3), number(2))),
            Some(&"vt") => {
                uvs.push([number(1) * f64::from(size_px[0]), (1.0 - number(2)) * f64::from(size_px[1])]);
            }
            Some(&"f") => {
                let corner = |word: &&str| {
                    let numbers: Vec<usize> = word.split('/').map(|n| n.parse().unwrap()).collect();
                    (uvs[numbers[1] - 1], places[numbers[0] - 1])
                };
                let corners: Vec<_> = words[1..].iter().map(corner).collect();
                triangles.extend((2..corners.len()).map(|n| [corners[0], corners[n - 1], corners[n]]));
            }
            _ => {}
        }
    }
    triangles
}

fn on_triangle(corners: &[([f64; 2], V3); 3], px: [f64; 2]) -> Option<V3> {
    let [(a, pa), (b, pb), (c, pc)] = corners;
    let cross =
        |o: &[f64; 2], p: &[f64; 2], q: &[f64; 2]| (p[0] - o[0]) * (q[1] - o[1]) - (p[1] - o[1]) * (q[0] - o[0]);
    let area = cross(a, b, c);
    let (wa, wb, wc) = (cross(&px, b, c) / area, cross(&px, c, a) / area, cross(&px, a, b) / area);
    [wa, wb, wc].iter().all(|w| *w >= -1e-9).then(|| pa * wa + pb * wb + pc * wc)
}

/// A camera's state in a frame.
#[derive(Debug, Clone, Copy)]
pub struct Pose {
    pub position: V3,
    pub turn: M3,
    pub focal_mm: f64,
    pub pupil_offset_m: f64,
}

impl Pose {
    /// Looking along +Y, 35 mm.
    pub fn at(position: [f64; 3]) -> Self {
        Self { position: V3::from(position), turn: M3::identity(), focal_mm: 35.0, pupil_offset_m: 0.0 }
    }

    /// Turned so that its centre looks at `target`, then rolled.
    pub fn looking_at(self, target: V3, roll_deg: f64) -> Self {
        let ray = target - self.position;
        let pan = -ray.x.atan2(ray.y).to_degrees();
        let tilt = ray.z.atan2(ray.x.hypot(ray.y)).to_degrees();
        Self { turn: turned(pan, tilt, roll_deg), ..self }
    }

    /// As in a line of `FRAMES.jsonl`.
    pub fn json(&self) -> Value {
        json!({
            "position_m": self.position.as_slice(), "orientation_wxyz": wxyz(&self.turn),
            "focal_length_mm": self.focal_mm, "focus_distance_m": 4.0,
            "entrance_pupil_offset_m": self.pupil_offset_m, "quality": "measured",
        })
    }

    /// Where rays end: `entrance_pupil_offset_m` ahead of the sensor.
    pub fn pupil(&self) -> V3 {
        self.position + self.turn * V3::new(0.0, self.pupil_offset_m, 0.0)
    }

    /// Where a point lies on the sensor, in half sensor sizes (right, up); `None` behind the pupil.
    pub fn on_sensor(&self, sensor: Sensor, point: V3) -> Option<[f64; 2]> {
        let own = self.turn.transpose() * (point - self.pupil());
        let half = [sensor.width_mm / 2.0 / self.focal_mm, sensor.height_mm / 2.0 / self.focal_mm];
        (own.y > 1e-9).then(|| [own.x / own.y / half[0], own.z / own.y / half[1]])
    }

    /// How far out a point lies: the larger of both; infinite behind the pupil.
    pub fn reach(&self, sensor: Sensor, point: V3) -> f64 {
        self.on_sensor(sensor, point).map_or(f64::INFINITY, |[x, y]| x.abs().max(y.abs()))
    }
}

/// A line of `FRAMES.jsonl` in which the late poses have a path over the sensor's lines: the first's and the last's.
pub fn frame_line_by_lines(
    frame: u64,
    cameras: &BTreeMap<&str, Pose>,
    late: &BTreeMap<&str, Pose>,
    lines: &BTreeMap<&str, [Pose; 2]>,
) -> String {
    let mut line: Value = serde_json::from_str(&frame_line(frame, cameras, late)).expect("it is JSON");
    for (camera, poses) in lines {
        let pose =
            |pose: &Pose| json!({ "position_m": pose.position.as_slice(), "orientation_wxyz": wxyz(&pose.turn) });
        line["late"][*camera]["lines"] = poses.iter().map(pose).collect::<Vec<_>>().into();
    }
    line.to_string() + "\n"
}

/// A line of `FRAMES.jsonl`.
pub fn frame_line(frame: u64, cameras: &BTreeMap<&str, Pose>, late: &BTreeMap<&str, Pose>) -> String {
    let poses = |poses: &BTreeMap<&str, Pose>| -> Value {
        poses.iter().map(|(id, pose)| ((*id).to_owned(), pose.json())).collect::<serde_json::Map<_, _>>().into()
    };
    let mut line = json!({
        "frame": frame, "timecode": format!("01:00:00:{:02}", frame % 24), "display_time_ns": frame * 41_666_667,
        "cameras": poses(cameras), "subjects": {}, "events": [],
    });
    if !late.is_empty() {
        line["late"] = poses(late);
    }
    line.to_string() + "\n"
}
