//! Draws a GLB, or the line-up room, with a z-buffer on the CPU:
//! `preview_glb IN|line-up OUT.png [X Y Z] [PAN_DEG TILT_DEG FOV_DEG]`, pan positive to the right.

use cyc_color::transfer::linear_from_srgb;
use cyc_world::{AlphaMode, Environment, Limits, Mesh, Scene, Texture, decode, line_up_room, texture::srgb_code};

const SIZE: [usize; 2] = [1280, 720];
/// Samples across and down a pixel.
const FINE: usize = 2;
const NEAR_M: f32 = 0.1;

/// A corner in camera axes (right, forward, up) with its texture place and colour.
#[derive(Clone, Copy)]
struct Corner {
    at: [f32; 3],
    uv: [f32; 2],
    color: [f32; 4],
}

struct Picture {
    depth: Vec<f32>,
    light: Vec<[f32; 3]>,
    focal: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, numbers @ ..] = &args[..] else {
        return Err("usage: preview_glb IN|line-up OUT.png [X Y Z PAN TILT FOV]".into());
    };
    let number = |i: usize, default: f32| numbers.get(i).map_or(Ok(default), |text| text.parse::<f32>());
    let eye = [number(0, 0.0)?, number(1, 0.0)?, number(2, 1.6)?];
    let (pan, tilt, fov) = (number(3, 0.0)?.to_radians(), number(4, 4.0)?.to_radians(), number(5, 65.0)?.to_radians());
    let scene = if source == "line-up" {
        line_up_room()
    } else {
        match decode(source, &std::fs::read(source)?, &Limits::default())? {
            Environment::Scene(scene) => scene,
            _ => return Err("not a scene".into()),
        }
    };
    println!(
        "{} triangles, {} draws, bounds {:?}, notes {:?}",
        scene.triangle_count,
        scene.meshes.len(),
        scene.bounds_m,
        scene.notes
    );
    let pixels = SIZE[0] * SIZE[1] * FINE * FINE;
    let focal = 1.0 / (fov / 2.0).tan();
    let mut picture = Picture { depth: vec![0.0; pixels], light: vec![[0.0; 3]; pixels], focal };
    let view = |p: [f32; 3]| {
        let d = [p[0] - eye[0], p[1] - eye[1], p[2] - eye[2]];
        let (right, ahead) = (d[0] * pan.cos() - d[1] * pan.sin(), d[0] * pan.sin() + d[1] * pan.cos());
        [right, ahead * tilt.cos() + d[2] * tilt.sin(), d[2] * tilt.cos() - ahead * tilt.sin()]
    };
    for mesh in &scene.meshes {
        draw(&mut picture, &scene, mesh, &view);
    }
    picture.save(target)?;
    Ok(())
}

fn draw(picture: &mut Picture, scene: &Scene, mesh: &Mesh, view: &impl Fn([f32; 3]) -> [f32; 3]) {
    let material = &scene.materials[mesh.material];
    let levels: Vec<Texture> = material.base_color_texture.map_or_else(Vec::new, |index| {
        let texture = &scene.textures[index];
        std::iter::once(texture.clone()).chain(texture.mips()).collect()
    });
    let corner = |i: u32| {
        let i = i as usize;
        let tint = mesh.colors.get(i).copied().unwrap_or([1.0; 4]);
        let color = std::array::from_fn(|c| tint[c] * material.base_color[c]);
        Corner { at: view(mesh.positions_m[i]), uv: mesh.uvs.get(i).copied().unwrap_or_default(), color }
    };
    for triangle in mesh.indices.chunks_exact(3) {
        let clipped = clip([corner(triangle[0]), corner(triangle[1]), corner(triangle[2])]);
        for i in 2..clipped.len() {
            picture.triangle(
                [clipped[0], clipped[i - 1], clipped[i]],
                &levels,
                material.alpha_mode,
                material.double_sided,
            );
        }
    }
}

/// The part in front of the near plane.
fn clip(corners: [Corner; 3]) -> Vec<Corner> {
    let mut out = Vec::new();
    for i in 0..3 {
        let (a, b) = (corners[i], corners[(i + 1) % 3]);
        if a.at[1] >= NEAR_M {
            out.push(a);
        }
        if (a.at[1] >= NEAR_M) != (b.at[1] >= NEAR_M) {
            let t = (NEAR_M - a.at[1]) / (b.at[1] - a.at[1]);
            let mix = |p: f32, q: f32| p + (q - p) * t;
            out.push(Corner {
                at: std::array::from_fn(|c| mix(a.at[c], b.at[c])),
                uv: std::array::from_fn(|c| mix(a.uv[c], b.uv[c])),
                color: std::array::from_fn(|c| mix(a.color[c], b.color[c])),
            });
        }
    }
    out
}

impl Picture {
    fn triangle(&mut self, corners: [Corner; 3], levels: &[Texture], alpha: AlphaMode, both_sides: bool) {
        let (width, height) = ((SIZE[0] * FINE) as f32, (SIZE[1] * FINE) as f32);
        let px = corners.map(|c| {
            let scale = self.focal * width / 2.0 / c.at[1];
            [width / 2.0 + c.at[0] * scale, height / 2.0 - c.at[2] * scale]
        });
        let area = (px[1][0] - px[0][0]) * (px[2][1] - px[0][1]) - (px[2][0] - px[0][0]) * (px[1][1] - px[0][1]);
        // Counter-clockwise seen from the front is clockwise with y down.
        if area == 0.0 || (area > 0.0 && !both_sides) {
            return;
        }
        let range = |axis: usize, most: f32| {
            let low = px.iter().map(|p| p[axis]).fold(f32::INFINITY, f32::min).max(0.0);
            let high = px.iter().map(|p| p[axis]).fold(f32::NEG_INFINITY, f32::max).min(most - 1.0);
            low as usize..=high.max(-1.0).ceil().max(0.0) as usize
        };
        let level = self.level(&corners, &px, levels);
        for y in range(1, height) {
            for x in range(0, width) {
                let (sx, sy) = (x as f32 + 0.5, y as f32 + 0.5);
                let edge =
                    |a: [f32; 2], b: [f32; 2]| ((b[0] - a[0]) * (sy - a[1]) - (b[1] - a[1]) * (sx - a[0])) / area;
                let flat = [edge(px[1], px[2]), edge(px[2], px[0]), edge(px[0], px[1])];
                if flat.iter().any(|w| *w < 0.0) {
                    continue;
                }
                let near: [f32; 3] = std::array::from_fn(|i| flat[i] / corners[i].at[1]);
                let depth: f32 = near.iter().sum();
                let index = y * SIZE[0] * FINE + x;
                if depth <= self.depth[index] {
                    continue;
                }
                let blend =
                    |of: &dyn Fn(&Corner) -> f32| corners.iter().zip(near).map(|(c, w)| of(c) * w).sum::<f32>() / depth;
                let mut color: [f32; 4] = std::array::from_fn(|i| blend(&|c| c.color[i]));
                if let Some(texture) = level {
                    let texel = sample(texture, [blend(&|c| c.uv[0]), blend(&|c| c.uv[1])]);
                    color = std::array::from_fn(|i| color[i] * texel[i]);
                }
                if let AlphaMode::Mask(cutoff) = alpha
                    && color[3] < cutoff
                {
                    continue;
                }
                self.depth[index] = depth;
                self.light[index] = [color[0], color[1], color[2]];
            }
        }
    }

    /// The level whose texels are about as large as samples, over the whole triangle.
    fn level<'a>(&self, corners: &[Corner; 3], px: &[[f32; 2]; 3], levels: &'a [Texture]) -> Option<&'a Texture> {
        let largest = levels.first()?;
        let texels = |i: usize, j: usize| {
            let u = (corners[i].uv[0] - corners[j].uv[0]) * largest.width as f32;
            u.hypot((corners[i].uv[1] - corners[j].uv[1]) * largest.height as f32)
        };
        let pixels = |i: usize, j: usize| (px[i][0] - px[j][0]).hypot(px[i][1] - px[j][1]);
        let ratio = (texels(0, 1) + texels(1, 2)) / (pixels(0, 1) + pixels(1, 2)).max(1e-3);
        levels.get((ratio.log2().max(0.0) as usize).min(levels.len() - 1))
    }

    fn save(&self, target: &str) -> Result<(), image::ImageError> {
        let mut rgb8 = Vec::new();
        for y in 0..SIZE[1] {
            for x in 0..SIZE[0] {
                for channel in 0..3 {
                    let fine = |i: usize| (y * FINE + i / FINE) * SIZE[0] * FINE + x * FINE + i % FINE;
                    let sum: f32 = (0..FINE * FINE).map(|i| self.light[fine(i)][channel]).sum();
                    rgb8.push(srgb_code(sum / (FINE * FINE) as f32));
                }
            }
        }
        image::save_buffer(target, &rgb8, SIZE[0] as u32, SIZE[1] as u32, image::ExtendedColorType::Rgb8)
    }
}

/// Bilinear, repeating, as light.
fn sample(texture: &Texture, [u, v]: [f32; 2]) -> [f32; 4] {
    let (x, y) = (u * texture.width as f32 - 0.5, v * texture.height as f32 - 0.5);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let mut sum = [0.0; 4];
    for (dx, dy, weight) in
        [(0, 0, (1.0 - fx) * (1.0 - fy)), (1, 0, fx * (1.0 - fy)), (0, 1, (1.0 - fx) * fy), (1, 1, fx * fy)]
    {
        let column = (x.floor() as i64 + dx).rem_euclid(i64::from(texture.width)) as usize;
        let row = (y.floor() as i64 + dy).rem_euclid(i64::from(texture.height)) as usize;
        let at = (row * texture.width as usize + column) * 4;
        for (channel, total) in sum.iter_mut().enumerate() {
            let byte = f64::from(texture.rgba8_srgb[at + channel]) / 255.0;
            *total += (if channel < 3 { linear_from_srgb(byte) } else { byte }) as f32 * weight;
        }
    }
    sum
}
