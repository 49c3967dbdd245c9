//! Large meshes cut into chunks, so that a view draws only what it can see.
//!
//! Bevy culls whole meshes by their bounding box; a world in one mesh around the stage is never culled, and every
//! view pays for all of it.

use cyc_world::Mesh;

/// Triangles of a chunk, at most: a draw costs a software rasteriser as much as some thousand triangles, so draws stay
/// few, and a narrow view still leaves most of a large world behind.
const MAX_TRIANGLES: usize = 16_384;

/// `mesh` in chunks of at most [`MAX_TRIANGLES`], halved along the longest side of what is left; a small mesh as it is.
pub fn chunks(mesh: &Mesh) -> Vec<Mesh> {
    let triangles: Vec<[u32; 3]> = mesh.indices.as_chunks::<3>().0.to_vec();
    let mut done = Vec::new();
    let mut open = vec![triangles];
    let mut place = vec![u32::MAX; mesh.positions_m.len()];
    while let Some(mut part) = open.pop() {
        if part.len() <= MAX_TRIANGLES {
            done.push(extract(mesh, &part, &mut place));
            continue;
        }
        let axis = longest_axis(mesh, &part);
        let middle = part.len() / 2;
        part.select_nth_unstable_by(middle, |a, b| centre(mesh, a, axis).total_cmp(&centre(mesh, b, axis)));
        let upper = part.split_off(middle);
        open.extend([part, upper]);
    }
    done
}

/// Three times a triangle's centre along an axis, metres.
fn centre(mesh: &Mesh, triangle: &[u32; 3], axis: usize) -> f32 {
    triangle.iter().map(|&corner| mesh.positions_m[corner as usize][axis]).sum()
}

fn longest_axis(mesh: &Mesh, triangles: &[[u32; 3]]) -> usize {
    let extent = |axis: usize| {
        let (low, high) = triangles
            .iter()
            .map(|triangle| centre(mesh, triangle, axis))
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        high - low
    };
    (0..3).max_by(|&a, &b| extent(a).total_cmp(&extent(b))).unwrap_or(0)
}

/// The mesh of some of the triangles, with only their vertices. `place` is where each vertex of `mesh` went: nowhere
/// (`u32::MAX`) before and after.
fn extract(mesh: &Mesh, triangles: &[[u32; 3]], place: &mut [u32]) -> Mesh {
    let mut part = Mesh { material: mesh.material, ..Mesh::default() };
    for &corner in triangles.iter().flatten() {
        let from = corner as usize;
        if place[from] == u32::MAX {
            place[from] = part.positions_m.len() as u32;
            part.positions_m.push(mesh.positions_m[from]);
            part.normals.extend(mesh.normals.get(from));
            part.uvs.extend(mesh.uvs.get(from));
            part.colors.extend(mesh.colors.get(from));
        }
        part.indices.push(place[from]);
    }
    triangles.as_flattened().iter().for_each(|&corner| place[corner as usize] = u32::MAX);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A strip of `n` separate triangles along X.
    fn strip(n: u32) -> Mesh {
        let corner = |i: u32| [(i / 3) as f32 + (i % 3) as f32 * 0.1, (i % 2) as f32, 0.0];
        Mesh {
            positions_m: (0..3 * n).map(corner).collect(),
            normals: vec![[0.0, 0.0, 1.0]; 3 * n as usize],
            colors: (0..3 * n).map(|i| [i as f32, 0.0, 0.0, 1.0]).collect(),
            indices: (0..3 * n).collect(),
            ..Mesh::default()
        }
    }

    #[test]
    fn every_triangle_is_in_exactly_one_chunk_with_its_own_vertices() {
        let mesh = strip(80_000);
        let parts = chunks(&mesh);
        assert!(parts.len() >= 5 && parts.iter().all(|part| part.indices.len() <= 3 * MAX_TRIANGLES));
        let mut seen: Vec<_> = parts
            .iter()
            .flat_map(|part| part.indices.iter().map(|&i| (part.positions_m[i as usize], part.colors[i as usize])))
            .map(|(position, color)| (position.map(f32::to_bits), color.map(f32::to_bits)))
            .collect();
        let mut all: Vec<_> = mesh
            .positions_m
            .iter()
            .zip(&mesh.colors)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(p, c)| (p.map(f32::to_bits), c.map(f32::to_bits)))
            .collect();
        seen.sort_unstable();
        all.sort_unstable();
        assert_eq!(seen, all);
    }

    #[test]
    fn chunks_lie_apart() {
        let parts = chunks(&strip(80_000));
        let mut spans: Vec<_> = parts
            .iter()
            .map(|part| {
                let xs = part.positions_m.iter().map(|p| p[0]);
                (xs.clone().fold(f32::INFINITY, f32::min), xs.fold(f32::NEG_INFINITY, f32::max))
            })
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 0.5));
    }

    #[test]
    fn a_small_mesh_stays_whole() {
        assert_eq!(chunks(&strip(10)), vec![strip(10)]);
    }
}
