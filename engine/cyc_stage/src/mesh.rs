//! Mesh walls: triangles with texture coordinates out of OBJ and GLB bytes.
//!
//! OBJ has its own small reader here: positions, texture coordinates and faces are all a wall needs, in f64,
//! with line numbers in the messages, and a face without texture coordinates is an error instead of a guess.

use crate::stage::Patch;
use nalgebra::{Isometry3, Matrix4, Point3};

/// More triangles than any wall needs.
const MAX_TRIANGLES: usize = 1_000_000;
/// Scene graphs deeper than this are refused; it also ends cycles.
const MAX_DEPTH: usize = 64;
/// More nodes than any wall needs; nodes may be shared, so depth alone does not bound them.
const MAX_NODES: usize = 100_000;

/// Why bytes are not a mesh for a wall.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MeshError {
    /// Not OBJ or GLB, or broken.
    #[error("{0}")]
    Unreadable(String),
    /// Positions, but nothing that says which pixel is where.
    #[error("{0}")]
    NoUv(String),
    /// A texture coordinate is outside 0..1, or areas overlap.
    #[error("{0}")]
    UvRange(String),
    /// No triangle has an area, or numbers are not finite.
    #[error("{0}")]
    Shape(String),
}

/// One corner: position in the file's axes and units, and texture coordinates as in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corner {
    /// Position, the file's axes and units.
    pub position: [f64; 3],
    /// Texture coordinates, the file's direction of v.
    pub uv: [f64; 2],
}

/// Triangles as the file has them.
#[derive(Debug, Clone, PartialEq)]
pub struct RawMesh {
    /// Three corners each.
    pub triangles: Vec<[Corner; 3]>,
    /// What v = 0 means unless the stage file says otherwise: true for the bottom (OBJ), false for the top (GLB).
    pub v_up: bool,
}

/// Which axis of the file points up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Up {
    Y,
    Z,
}

/// How a file's numbers become wall coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Which axis points up: Y takes (x, y, z) to (x, -z, y), Z leaves it.
    pub up: Up,
    /// Metres per unit.
    pub unit_m: f64,
    /// True where v = 0 is the bottom; `None` as the file's kind has it.
    pub v_up: Option<bool>,
    /// Pixels of the wall.
    pub size_px: [u32; 2],
}

/// Reads OBJ or GLB; what it is, is decided by the first bytes.
pub fn read_mesh(bytes: &[u8]) -> Result<RawMesh, MeshError> {
    let unreadable = |text: &str| Err(MeshError::Unreadable(text.to_owned()));
    if bytes.starts_with(b"glTF") {
        return glb::read(bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_start().starts_with('{') => {
            unreadable("it is a .gltf with separate files; export it as one .glb file")
        }
        Ok(text) => obj::read(text),
        Err(_) => unreadable("it is neither OBJ text nor GLB"),
    }
}

/// Places a mesh: patches in wall pixels and stage space, and how many triangles without area were left out.
pub fn mesh_patches(
    mesh: &RawMesh,
    placement: &Placement,
    stage_from_wall: &Isometry3<f64>,
) -> Result<(Vec<Patch>, usize), MeshError> {
    check_uvs(mesh)?;
    let place = |corner: &Corner| place_corner(corner, mesh, placement, stage_from_wall);
    let mut patches = Vec::with_capacity(mesh.triangles.len());
    for corners in &mesh.triangles {
        let [a, b, c] = corners.each_ref().map(place);
        let (a, b, c) = (a?, b?, c?);
        let patch = Patch { px: [a.0, b.0, c.0], position_m: [a.1, b.1, c.1], panel: 0 };
        let area = (b.1 - a.1).cross(&(c.1 - a.1)).norm();
        if area > 1e-12 && patch.px_area2().abs() > 1e-6 {
            patches.push(patch);
        }
    }
    if patches.is_empty() {
        return Err(MeshError::Shape("none of its triangles has an area both in space and on the picture".into()));
    }
    let thin = mesh.triangles.len() - patches.len();
    check_overlap(&patches, placement.size_px)?;
    Ok((patches, thin))
}

fn place_corner(
    corner: &Corner,
    mesh: &RawMesh,
    placement: &Placement,
    stage_from_wall: &Isometry3<f64>,
) -> Result<([f64; 2], Point3<f64>), MeshError> {
    let [x, y, z] = corner.position.map(|value| value * placement.unit_m);
    let local = if placement.up == Up::Y { Point3::new(x, -z, y) } else { Point3::new(x, y, z) };
    if !local.iter().all(|value| value.abs() <= 1e5) {
        return Err(MeshError::Shape(format!("a corner lies at ({x}, {y}, {z}) m; check unit_m")));
    }
    let [u, v] = corner.uv.map(|value| value.clamp(0.0, 1.0));
    let down = if placement.v_up.unwrap_or(mesh.v_up) { 1.0 - v } else { v };
    let [width, height] = placement.size_px.map(f64::from);
    Ok(([u * width, down * height], stage_from_wall * local))
}

fn check_uvs(mesh: &RawMesh) -> Result<(), MeshError> {
    let corners = || mesh.triangles.iter().flatten();
    let inside = |x: &f64| (-1e-4..=1.0 + 1e-4).contains(x);
    let outside = corners().filter(|corner| !corner.uv.iter().all(inside));
    if let Some(Corner { uv: [u, v], .. }) = outside.clone().next() {
        let (n, all) = (outside.count(), corners().count());
        return Err(MeshError::UvRange(format!(
            "{n} of {all} texture coordinates are outside 0..1, such as ({u}, {v})"
        )));
    }
    Ok(())
}

fn check_overlap(patches: &[Patch], size_px: [u32; 2]) -> Result<(), MeshError> {
    let covered: f64 = patches.iter().map(|patch| patch.px_area2().abs() / 2.0).sum();
    let whole = f64::from(size_px[0]) * f64::from(size_px[1]);
    if covered > whole * 1.001 {
        let times = covered / whole;
        let text = format!("its texture coordinates cover the picture {times:.2} times, so some overlap");
        return Err(MeshError::UvRange(text));
    }
    Ok(())
}

mod obj {
    use super::{Corner, MAX_TRIANGLES, MeshError, RawMesh};

    pub(super) fn read(text: &str) -> Result<RawMesh, MeshError> {
        let (mut positions, mut uvs, mut triangles) = (Vec::<[f64; 3]>::new(), Vec::<[f64; 2]>::new(), Vec::new());
        for (n, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace();
            let failed = || MeshError::Unreadable(format!("line {}: {:?} is not as OBJ has it", n + 1, short(line)));
            match words.next() {
                Some("v") => positions.push(numbers(words).ok_or_else(failed)?),
                Some("vt") => uvs.push(numbers(words).ok_or_else(failed)?),
                Some("f") => face(words, &positions, &uvs, &mut triangles).map_err(|error| in_line(error, n))?,
                _ => {}
            }
            if triangles.len() > MAX_TRIANGLES {
                return Err(MeshError::Unreadable(format!("it has more than {MAX_TRIANGLES} triangles")));
            }
        }
        if triangles.is_empty() {
            return Err(MeshError::Unreadable("no faces were found; it is neither OBJ nor GLB, or it is empty".into()));
        }
        Ok(RawMesh { triangles, v_up: true })
    }

    fn short(line: &str) -> String {
        line.chars().take(60).collect()
    }

    fn in_line(error: MeshError, n: usize) -> MeshError {
        match error {
            MeshError::NoUv(text) => MeshError::NoUv(format!("line {}: {text}", n + 1)),
            MeshError::Unreadable(text) => MeshError::Unreadable(format!("line {}: {text}", n + 1)),
            other => other,
        }
    }

    fn numbers<'t, const N: usize>(words: impl Iterator<Item = &'t str>) -> Option<[f64; N]> {
        let numbers: Option<Vec<f64>> =
            words.take(N).map(|word| word.parse().ok().filter(|x: &f64| x.is_finite())).collect();
        numbers?.try_into().ok()
    }

    /// A polygon as a fan.
    fn face<'t>(
        words: impl Iterator<Item = &'t str>,
        positions: &[[f64; 3]],
        uvs: &[[f64; 2]],
        triangles: &mut Vec<[Corner; 3]>,
    ) -> Result<(), MeshError> {
        let corners = words.map(|word| corner(word, positions, uvs)).collect::<Result<Vec<_>, _>>()?;
        let Some((first, rest)) = corners.split_first() else { return Ok(()) };
        triangles.extend(rest.windows(2).map(|pair| [*first, pair[0], pair[1]]));
        Ok(())
    }

    fn corner(word: &str, positions: &[[f64; 3]], uvs: &[[f64; 2]]) -> Result<Corner, MeshError> {
        let mut parts = word.split('/');
        let bad = || MeshError::Unreadable(format!("face corner {word:?} names no position of the file"));
        let position = parts.next().and_then(|part| pick(part, positions)).ok_or_else(bad)?;
        let no_uv = || MeshError::NoUv(format!("face corner {word:?} has no texture coordinate"));
        let uv = parts.next().and_then(|part| pick(part, uvs)).ok_or_else(no_uv)?;
        Ok(Corner { position, uv })
    }

    /// Numbers count from 1, negative ones backwards from the newest.
    fn pick<T: Copy>(number: &str, items: &[T]) -> Option<T> {
        let number: i64 = number.parse().ok()?;
        let length = i64::try_from(items.len()).ok()?;
        let index = if number > 0 { number - 1 } else { length.checked_add(number).filter(|_| number != 0)? };
        items.get(usize::try_from(index).ok()?).copied()
    }
}

mod glb {
    use super::{Corner, MAX_DEPTH, MAX_NODES, MAX_TRIANGLES, Matrix4, MeshError, Point3, RawMesh};
    use gltf::accessor::{DataType, Dimensions};
    use gltf::{Accessor, Document, Gltf, Node, Primitive, Semantic, mesh::Mode};

    fn unreadable(text: impl Into<String>) -> MeshError {
        MeshError::Unreadable(text.into())
    }

    pub(super) fn read(bytes: &[u8]) -> Result<RawMesh, MeshError> {
        let gltf = parse(bytes)?;
        let blob = gltf.blob.as_deref().unwrap_or_default();
        let scene = gltf.default_scene().or_else(|| gltf.scenes().next());
        let scene = scene.ok_or_else(|| unreadable("it is a GLB without a scene"))?;
        let (mut triangles, mut nodes) = (Vec::new(), 0);
        for node in scene.nodes() {
            visit(&node, Matrix4::identity(), 0, blob, &mut nodes, &mut triangles)?;
        }
        if triangles.is_empty() {
            return Err(unreadable("it is a GLB without triangles"));
        }
        Ok(RawMesh { triangles, v_up: false })
    }

    /// What the gltf crate takes for granted while it checks a file is checked here first.
    fn parse(bytes: &[u8]) -> Result<Gltf, MeshError> {
        let broken = |why: &dyn std::fmt::Display| unreadable(format!("it is a broken GLB: {why}"));
        let header = bytes.get(8..12).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
        if header.is_none_or(|length| length < 12) {
            return Err(broken(&"its header is cut off"));
        }
        let Gltf { document, blob } = Gltf::from_slice_without_validation(bytes).map_err(|error| broken(&error))?;
        let json = document.into_json();
        let mut named = json.meshes.iter().flat_map(|mesh| &mesh.primitives).flat_map(|p| p.attributes.values());
        if named.any(|accessor| accessor.value() >= json.accessors.len()) {
            return Err(broken(&"a mesh names an accessor that does not exist"));
        }
        let document = Document::from_json(json).map_err(|error| broken(&error))?;
        Ok(Gltf { document, blob })
    }

    fn visit(
        node: &Node<'_>,
        scene_from_parent: Matrix4<f64>,
        depth: usize,
        blob: &[u8],
        nodes: &mut usize,
        triangles: &mut Vec<[Corner; 3]>,
    ) -> Result<(), MeshError> {
        *nodes += 1;
        if depth > MAX_DEPTH || *nodes > MAX_NODES {
            let text =
                format!("its nodes are nested more than {MAX_DEPTH} deep, in a circle, or more than {MAX_NODES}");
            return Err(unreadable(text));
        }
        let local = Matrix4::from(node.transform().matrix()).map(f64::from);
        let scene_from_node = scene_from_parent * local;
        for primitive in node.mesh().iter().flat_map(|mesh| mesh.primitives()) {
            add_primitive(&primitive, &scene_from_node, blob, triangles)?;
        }
        for child in node.children() {
            visit(&child, scene_from_node, depth + 1, blob, nodes, triangles)?;
        }
        Ok(())
    }

    fn add_primitive(
        primitive: &Primitive<'_>,
        scene_from_node: &Matrix4<f64>,
        blob: &[u8],
        triangles: &mut Vec<[Corner; 3]>,
    ) -> Result<(), MeshError> {
        if primitive.mode() != Mode::Triangles {
            return Err(unreadable("it has points, lines or strips; export it as triangles"));
        }
        let positions =
            primitive.get(&Semantic::Positions).ok_or_else(|| unreadable("it has a mesh without positions"))?;
        let no_uv = || MeshError::NoUv("it has a mesh without texture coordinates (TEXCOORD_0)".into());
        let positions = floats::<3>(&positions, blob)?;
        let uvs = floats::<2>(&primitive.get(&Semantic::TexCoords(0)).ok_or_else(no_uv)?, blob)?;
        let indices = match primitive.indices() {
            Some(accessor) => whole_numbers(&accessor, blob)?,
            None => (0..positions.len()).collect(),
        };
        let corner = |index: &usize| {
            let (position, uv) = (positions.get(*index)?, uvs.get(*index)?);
            Some(Corner { position: scene_from_node.transform_point(&Point3::from(*position)).coords.into(), uv: *uv })
        };
        for three in indices.chunks_exact(3) {
            let corners: Option<Vec<Corner>> = three.iter().map(corner).collect();
            let corners = corners.ok_or_else(|| unreadable("a face names a corner that does not exist"))?;
            triangles.push([corners[0], corners[1], corners[2]]);
        }
        if triangles.len() > MAX_TRIANGLES {
            return Err(unreadable(format!("it has more than {MAX_TRIANGLES} triangles")));
        }
        Ok(())
    }

    /// The bytes of each element. The gltf crate's own readers trust the file's numbers and can panic.
    fn elements<'b>(accessor: &Accessor<'_>, blob: &'b [u8]) -> Result<Vec<&'b [u8]>, MeshError> {
        let broken = || unreadable("its buffers are shorter than it says, or of a kind that is not supported");
        let view = accessor.view().filter(|_| accessor.sparse().is_none()).ok_or_else(broken)?;
        if !matches!(view.buffer().source(), gltf::buffer::Source::Bin) {
            return Err(unreadable("it keeps its data in another file; export it as one .glb file"));
        }
        let size = accessor.size();
        let stride = view.stride().unwrap_or(size);
        let end = view.offset().checked_add(view.length()).ok_or_else(broken)?;
        let bytes = blob.get(view.offset()..end).and_then(|bytes| bytes.get(accessor.offset()..)).ok_or_else(broken)?;
        let needed = accessor.count().checked_sub(1).and_then(|n| n.checked_mul(stride)?.checked_add(size));
        if stride < size || needed.is_none_or(|needed| needed > bytes.len()) {
            return Err(broken());
        }
        Ok((0..accessor.count()).filter_map(|n| bytes.get(n * stride..n * stride + size)).collect())
    }

    fn floats<const N: usize>(accessor: &Accessor<'_>, blob: &[u8]) -> Result<Vec<[f64; N]>, MeshError> {
        let dimensions = if N == 2 { Dimensions::Vec2 } else { Dimensions::Vec3 };
        let kind = accessor.data_type();
        if accessor.dimensions() != dimensions || (kind != DataType::F32 && !accessor.normalized()) {
            return Err(unreadable("its positions or texture coordinates are not of a supported type"));
        }
        let elements = elements(accessor, blob)?;
        Ok(elements.iter().map(|bytes| std::array::from_fn(|n| component(bytes, n, kind))).collect())
    }

    fn component(bytes: &[u8], n: usize, kind: DataType) -> f64 {
        let at = |size: usize| bytes.get(n * size..(n + 1) * size).unwrap_or_default();
        let two = || at(2).try_into().unwrap_or_default();
        let four = || at(4).try_into().unwrap_or_default();
        match kind {
            DataType::F32 => f64::from(f32::from_le_bytes(four())),
            DataType::U8 => f64::from(at(1).first().copied().unwrap_or(0)) / 255.0,
            DataType::U16 => f64::from(u16::from_le_bytes(two())) / 65535.0,
            DataType::I8 => f64::from(at(1).first().map_or(0, |b| *b as i8)) / 127.0,
            DataType::I16 => f64::from(i16::from_le_bytes(two())) / 32767.0,
            DataType::U32 => f64::from(u32::from_le_bytes(four())) / f64::from(u32::MAX),
        }
    }

    fn whole_numbers(accessor: &Accessor<'_>, blob: &[u8]) -> Result<Vec<usize>, MeshError> {
        let kind = accessor.data_type();
        let number = |bytes: &&[u8]| -> Option<usize> {
            match kind {
                DataType::U8 => bytes.first().map(|b| usize::from(*b)),
                DataType::U16 => Some(usize::from(u16::from_le_bytes((*bytes).try_into().ok()?))),
                DataType::U32 => usize::try_from(u32::from_le_bytes((*bytes).try_into().ok()?)).ok(),
                _ => None,
            }
        };
        let numbers: Option<Vec<usize>> = elements(accessor, blob)?.iter().map(number).collect();
        numbers.ok_or_else(|| unreadable("its indices are not of a supported type"))
    }
}
