//! The built-in line-up room: 20 x 20 x 8 m, a metre grid on every face, walls that say where they are.
//!
//! Stage space, origin in the middle of the floor. Three unlit draws: the metre grid (with axes and eye line),
//! the 10 cm grid around the origin, the labels. Grids repeat a tile of one metre, so that lines stay exact at
//! any distance and fade by the tile's mips instead of shimmering.

use crate::{AlphaMode, Material, Mesh, Scene, Texture, Wrap, font, texture::srgb_code};

/// Half of the room's width and depth, metres.
pub const HALF_M: f32 = 10.0;
/// The room's height, metres.
pub const HEIGHT_M: f32 = 8.0;
/// The height that the strip around the walls marks, metres.
pub const EYE_LINE_M: f32 = 1.6;
/// Half of the side of the square with the 10 cm grid, metres.
pub const FINE_HALF_M: f32 = 2.0;

const TILE_PX: u32 = 256;
/// Light of a tile between its lines; the lines are 1.
const TILE_GROUND: f32 = 0.62;
const SUB_LINE: f32 = 0.78;
const FLOOR: [f32; 3] = [0.115, 0.115, 0.12];
const CEILING: [f32; 3] = [0.045, 0.047, 0.052];
const INK: [f32; 3] = [0.75, 0.74, 0.70];
const PLATE: [f32; 3] = [0.018, 0.019, 0.022];
const EYE_LINE: [f32; 3] = [0.62, 0.40, 0.10];
const RED: [f32; 3] = [0.62, 0.035, 0.03];
const GREEN: [f32; 3] = [0.04, 0.42, 0.05];
const BLUE: [f32; 3] = [0.035, 0.11, 0.70];

/// A wall, seen from inside: its name, its middle on the floor, the direction of its right side, its colour, and
/// the stage coordinate (0 = X, 1 = Y) that changes along it.
struct WallSide {
    name: &'static str,
    middle: [f32; 3],
    right: [f32; 3],
    tint: [f32; 3],
    along: usize,
}

const WALLS: [WallSide; 4] = [
    WallSide {
        name: "FRONT",
        middle: [0.0, HALF_M, 0.0],
        right: [1.0, 0.0, 0.0],
        tint: [0.060, 0.110, 0.190],
        along: 0,
    },
    WallSide {
        name: "RIGHT",
        middle: [HALF_M, 0.0, 0.0],
        right: [0.0, -1.0, 0.0],
        tint: [0.200, 0.085, 0.060],
        along: 1,
    },
    WallSide {
        name: "BACK",
        middle: [0.0, -HALF_M, 0.0],
        right: [-1.0, 0.0, 0.0],
        tint: [0.155, 0.130, 0.070],
        along: 0,
    },
    WallSide {
        name: "LEFT",
        middle: [-HALF_M, 0.0, 0.0],
        right: [0.0, 1.0, 0.0],
        tint: [0.060, 0.140, 0.110],
        along: 1,
    },
];

const UP: [f32; 3] = [0.0, 0.0, 1.0];
/// Marks stand this far in front of what they are on, metres; labels a little more.
const LIFT_M: f32 = 0.004;
/// Bottom edges of marks on a horizontal or a vertical wall.
const LABEL_LIFT_M: f32 = 0.008;

/// The room's geometry: three meshes, three unlit materials, three textures.
pub fn line_up_room() -> Scene {
    let mut labels = Labels::new();
    let mut grid = Mesh { material: 0, ..Mesh::default() };
    let mut fine = Mesh { material: 1, ..Mesh::default() };
    let mut marks = Mesh { material: 2, ..Mesh::default() };
    floor(&mut grid, &mut fine);
    for wall in &WALLS {
        walls(&mut grid, wall);
        wall_labels(&mut marks, &mut labels, wall);
    }
    axes(&mut grid);
    floor_labels(&mut marks, &mut labels);
    let material = |name: &str, texture| Material {
        base_color_texture: Some(texture),
        alpha_mode: AlphaMode::Opaque,
        ..Material::unlit_white(name)
    };
    Scene {
        meshes: vec![grid, fine, marks],
        materials: vec![material("metre grid", 0), material("10 cm grid", 1), material("labels", 2)],
        textures: vec![tile(false), tile(true), labels.texture],
        ..Scene::default()
    }
    .measured()
}

/// One metre of grid: lines 24 mm wide on its border and, where asked, 8 mm wide every 10 cm.
fn tile(fine: bool) -> Texture {
    let grey = |light: f32| [srgb_code(light), srgb_code(light), srgb_code(light), 255];
    let mut tile = Texture::filled(TILE_PX, TILE_PX, grey(TILE_GROUND), Wrap::Repeat);
    if fine {
        for i in 1..10 {
            let at = (i * TILE_PX + 5) / 10 - 1;
            tile.fill(at, 0, 2, TILE_PX, grey(SUB_LINE));
            tile.fill(0, at, TILE_PX, 2, grey(SUB_LINE));
        }
    }
    for edge in [0, TILE_PX - 3] {
        tile.fill(edge, 0, 3, TILE_PX, grey(1.0));
        tile.fill(0, edge, TILE_PX, 3, grey(1.0));
    }
    tile
}

fn add(a: [f32; 3], b: [f32; 3], by: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + b[i] * by)
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// A rectangle from its bottom left corner; it faces `right x up`. `uv` are those of the bottom left and top
/// right corners.
fn rectangle(
    mesh: &mut Mesh,
    corner: [f32; 3],
    right: [f32; 3],
    up: [f32; 3],
    size: [f32; 2],
    uv: [[f32; 2]; 2],
    tint: [f32; 3],
) {
    let first = mesh.positions_m.len() as u32;
    let across = add(corner, right, size[0]);
    mesh.positions_m.extend([corner, across, add(across, up, size[1]), add(corner, up, size[1])]);
    let [[u0, v0], [u1, v1]] = uv;
    mesh.uvs.extend([[u0, v0], [u1, v0], [u1, v1], [u0, v1]]);
    mesh.normals.extend([cross(right, up); 4]);
    mesh.colors.extend([[tint[0], tint[1], tint[2], 1.0]; 4]);
    mesh.indices.extend([0, 1, 2, 0, 2, 3].map(|i| first + i));
}

/// A rectangle of the metre grid whose uv are metres along `right` and down `up` from the stage's origin.
fn gridded(mesh: &mut Mesh, corner: [f32; 3], right: [f32; 3], up: [f32; 3], size: [f32; 2], tint: [f32; 3]) {
    let dot = |a: [f32; 3]| corner[0] * a[0] + corner[1] * a[1] + corner[2] * a[2];
    let (u, v) = (dot(right), -dot(up));
    rectangle(mesh, corner, right, up, size, [[u, v], [u + size[0], v - size[1]]], tint);
}

/// A rectangle of one colour inside the grid's draw: the middle of a tile, brightened back.
fn plain(mesh: &mut Mesh, corner: [f32; 3], right: [f32; 3], up: [f32; 3], size: [f32; 2], color: [f32; 3]) {
    rectangle(mesh, corner, right, up, size, [[0.5, 0.5]; 2], color.map(|c| c / TILE_GROUND));
}

fn floor(grid: &mut Mesh, fine: &mut Mesh) {
    let (x, y) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
    let (h, f) = (HALF_M, FINE_HALF_M);
    gridded(fine, [-f, -f, 0.0], x, y, [2.0 * f, 2.0 * f], FLOOR);
    for (corner, size) in [
        ([-h, -h, 0.0], [2.0 * h, h - f]),
        ([-h, f, 0.0], [2.0 * h, h - f]),
        ([-h, -f, 0.0], [h - f, 2.0 * f]),
        ([f, -f, 0.0], [h - f, 2.0 * f]),
    ] {
        gridded(grid, corner, x, y, size, FLOOR);
    }
    gridded(grid, [h, -h, HEIGHT_M], [-1.0, 0.0, 0.0], y, [2.0 * h, 2.0 * h], CEILING);
}

fn walls(grid: &mut Mesh, wall: &WallSide) {
    let corner = add(wall.middle, wall.right, -HALF_M);
    gridded(grid, corner, wall.right, UP, [2.0 * HALF_M, HEIGHT_M], wall.tint);
    // Into the room: the wall faces right x up.
    let inwards = cross(wall.right, UP);
    let strip = add(add(corner, inwards, LIFT_M), UP, EYE_LINE_M - 0.015);
    plain(grid, strip, wall.right, UP, [2.0 * HALF_M, 0.03], EYE_LINE);
}

/// Bars of one metre along the three axes, 4 cm thick.
fn axes(grid: &mut Mesh) {
    let t = 0.02;
    for (axis, color) in [RED, GREEN, BLUE].into_iter().enumerate() {
        let mut low = [-t; 3];
        let mut high = [t; 3];
        (low[axis], high[axis]) = (t, 1.0);
        (low[2], high[2]) = if axis == 2 { (0.0, 1.0) } else { (0.0, 2.0 * t) };
        block(grid, low, high, color);
    }
}

/// A box; its sides are a little darker than its top, so that its edges read.
fn block(mesh: &mut Mesh, low: [f32; 3], high: [f32; 3], color: [f32; 3]) {
    let (x, y) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
    let size = [high[0] - low[0], high[1] - low[1], high[2] - low[2]];
    let shade = |by: f32| color.map(|c| c * by);
    plain(mesh, [low[0], low[1], high[2]], x, y, [size[0], size[1]], color);
    plain(mesh, low, x, UP, [size[0], size[2]], shade(0.8));
    plain(mesh, [high[0], high[1], low[2]], [-1.0, 0.0, 0.0], UP, [size[0], size[2]], shade(0.8));
    plain(mesh, [high[0], low[1], low[2]], y, UP, [size[1], size[2]], shade(0.6));
    plain(mesh, [low[0], high[1], low[2]], [0.0, -1.0, 0.0], UP, [size[1], size[2]], shade(0.6));
}

fn wall_labels(marks: &mut Mesh, labels: &mut Labels, wall: &WallSide) {
    let inwards = cross(wall.right, UP);
    let ground = add(wall.middle, inwards, LABEL_LIFT_M);
    let painted = wall.tint.map(|c| c * TILE_GROUND);
    let word = labels.plate(wall.name, 16, INK, painted);
    labels.put(marks, word, add(ground, UP, 4.5), wall.right, UP, 1.5);
    let eye = labels.plate("1.6 M", 8, EYE_LINE, PLATE);
    for side in [-6.5, 6.5] {
        let at = add(add(ground, wall.right, side), UP, EYE_LINE_M + 0.14);
        labels.put(marks, eye, at, wall.right, UP, 0.16);
    }
    for metre in -9_i32..=9 {
        let number = metre as f32;
        let value = (number * wall.right[wall.along]) as i32;
        let plate = labels.plate(&value.to_string(), 8, INK, PLATE);
        let at = add(add(ground, wall.right, number), UP, 0.28);
        labels.put(marks, plate, at, wall.right, UP, 0.22);
    }
    for height in 1_i32..=7 {
        let plate = labels.plate(&height.to_string(), 8, INK, PLATE);
        for side in [-9.0, 0.0, 9.0] {
            // The middle of a wall is kept for its name.
            if side == 0.0 && (4..=5).contains(&height) {
                continue;
            }
            let at = add(add(ground, wall.right, side + 0.3), UP, height as f32 + 0.22);
            labels.put(marks, plate, at, wall.right, UP, 0.22);
        }
    }
}

fn floor_labels(marks: &mut Mesh, labels: &mut Labels) {
    let (x, y) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
    for metre in (-9_i32..=9).filter(|metre| *metre != 0) {
        let along_x = labels.plate(&metre.to_string(), 8, [0.75, 0.30, 0.27], PLATE);
        labels.put(marks, along_x, [metre as f32 + 0.24, -0.24, LABEL_LIFT_M], x, y, 0.2);
        let along_y = labels.plate(&metre.to_string(), 8, [0.30, 0.66, 0.30], PLATE);
        labels.put(marks, along_y, [0.24, metre as f32 + 0.24, LABEL_LIFT_M], x, y, 0.2);
    }
    let (red, green) = (labels.plate("X", 8, INK, RED), labels.plate("Y", 8, INK, GREEN));
    labels.put(marks, red, [1.2, 0.0, LABEL_LIFT_M], x, y, 0.2);
    labels.put(marks, green, [0.0, 1.2, LABEL_LIFT_M], x, y, 0.2);
    let blue = labels.plate("Z", 8, INK, BLUE);
    labels.put(marks, blue, [0.0, 0.0, 1.15], x, UP, 0.2);
    labels.put(marks, blue, [0.0, 0.0, 1.15], [-1.0, 0.0, 0.0], UP, 0.2);
}

/// A text on its plate in the atlas, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plate {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// Texts on opaque plates in one texture, packed in shelves.
struct Labels {
    texture: Texture,
    known: Vec<(String, [u8; 4], [u8; 4], Plate)>,
    next: [u32; 2],
    shelf_px: u32,
}

impl Labels {
    const SIZE_PX: [u32; 2] = [1024, 1024];

    fn new() -> Self {
        let [width, height] = Self::SIZE_PX;
        let texture = Texture::filled(width, height, rgba(PLATE), Wrap::Clamp);
        Self { texture, known: Vec::new(), next: [0, 0], shelf_px: 0 }
    }

    /// The plate of a text, drawn when it is first asked for; `scale` is texture pixels a font pixel.
    fn plate(&mut self, text: &str, scale: u32, ink: [f32; 3], ground: [f32; 3]) -> Plate {
        let (ink, ground) = (rgba(ink), rgba(ground));
        if let Some((.., plate)) = self.known.iter().find(|(t, i, g, _)| (t.as_str(), *i, *g) == (text, ink, ground)) {
            return *plate;
        }
        let margin = scale;
        let width = font::width_px(text) * scale + 2 * margin;
        let height = font::SIGN_PX[1] * scale + 2 * margin;
        if self.next[0] + width > self.texture.width {
            self.next = [0, self.next[1] + self.shelf_px];
            self.shelf_px = 0;
        }
        let plate = Plate { x: self.next[0], y: self.next[1], width, height };
        self.next[0] += width;
        self.shelf_px = self.shelf_px.max(height);
        self.texture.fill(plate.x, plate.y, width, height, ground);
        for (column, row) in font::lit(text) {
            self.texture.fill(plate.x + margin + column * scale, plate.y + margin + row * scale, scale, scale, ink);
        }
        self.known.push((text.to_owned(), ink, ground, plate));
        plate
    }

    /// Puts a plate with its middle at `middle`, `height_m` high.
    fn put(&self, mesh: &mut Mesh, plate: Plate, middle: [f32; 3], right: [f32; 3], up: [f32; 3], height_m: f32) {
        let width_m = height_m * plate.width as f32 / plate.height as f32;
        let corner = add(add(middle, right, -width_m / 2.0), up, -height_m / 2.0);
        // Half a font margin inside, so that a smaller mip does not bleed the neighbour in.
        let inset = 2.0;
        let u = |px: f32| px / self.texture.width as f32;
        let v = |px: f32| px / self.texture.height as f32;
        let (x, y) = (plate.x as f32, plate.y as f32);
        let bottom_left = [u(x + inset), v(y + plate.height as f32 - inset)];
        let top_right = [u(x + plate.width as f32 - inset), v(y + inset)];
        rectangle(mesh, corner, right, up, [width_m, height_m], [bottom_left, top_right], [1.0; 3]);
    }
}

fn rgba(color: [f32; 3]) -> [u8; 4] {
    let [r, g, b] = color.map(srgb_code);
    [r, g, b, 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_their_atlas() {
        let mut labels = Labels::new();
        let mut marks = Mesh::default();
        WALLS.iter().for_each(|wall| wall_labels(&mut marks, &mut labels, wall));
        floor_labels(&mut marks, &mut labels);
        for (text, .., plate) in &labels.known {
            assert!(plate.x + plate.width <= labels.texture.width, "{text} is cut off on the right");
            assert!(plate.y + plate.height <= labels.texture.height, "{text} is cut off below");
        }
    }

    #[test]
    fn lines_lie_on_whole_metres() {
        let room = line_up_room();
        assert_eq!(room.meshes.len(), 3);
        assert!(room.triangle_count < 1000, "{} triangles", room.triangle_count);
        assert_eq!(room.bounds_m, [[-10.0, -10.0, 0.0], [10.0, 10.0, 8.0]]);
        // On the floor (uv = x, -y) and on the front wall (uv = x, -z) a tile's border is a whole metre.
        let grid = &room.meshes[0];
        for (position, (uv, normal)) in grid.positions_m.iter().zip(grid.uvs.iter().zip(&grid.normals)) {
            if *uv == [0.5, 0.5] {
                continue;
            }
            if normal[2] == 1.0 {
                assert_eq!(*uv, [position[0], -position[1]]);
            } else if normal[1] == -1.0 {
                assert_eq!(*uv, [position[0], -position[2]]);
            }
        }
    }

    #[test]
    fn everything_faces_the_room() {
        for mesh in &line_up_room().meshes {
            for triangle in mesh.indices.chunks_exact(3) {
                let [a, b, c] = [0, 1, 2].map(|i| mesh.positions_m[triangle[i] as usize]);
                let normal = cross(add(b, a, -1.0), add(c, a, -1.0));
                let given = mesh.normals[triangle[0] as usize];
                let along: f32 = normal.iter().zip(given).map(|(n, g)| n * g).sum();
                assert!(along > 0.0, "a triangle turned against its normal at {a:?}");
                let outer = a.iter().zip(b).zip(c).any(|((a, b), c)| a.abs() >= 10.0 && *a == b && b == c);
                let inwards: f32 = a.iter().zip(given).take(2).map(|(a, g)| a * g).sum();
                assert!(!outer || inwards < 0.0, "a wall turned outwards at {a:?}");
            }
        }
    }

    #[test]
    fn walls_are_where_they_say() {
        for (wall, (axis, sign)) in WALLS.iter().zip([(1, 1.0), (0, 1.0), (1, -1.0), (0, -1.0)]) {
            assert_eq!(wall.middle[axis], sign * HALF_M, "{}", wall.name);
        }
    }
}
