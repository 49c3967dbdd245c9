//! Binary glTF 2.0 to a [`Scene`] in stage space.
//!
//! Source: Khronos glTF 2.0; KHR_materials_unlit, KHR_materials_emissive_strength, KHR_lights_punctual,
//! KHR_mesh_quantization. glTF (x, y, z) becomes stage (x, -z, y): its forward, -Z, is the stage's +Y.
//! What cannot be shown (animation, skins, maps other than base colour) is named in [`Scene::notes`].

use crate::{
    AlphaMode, EnvironmentError, Light, LightKind, Limits, Material, Mesh, Scene, Texture, Wrap, accessor,
    error::{check_promise, guarded},
    picture,
    sniff::Format,
};
use gltf::{Document, Gltf, Semantic, mesh::Mode, scene::Transform};
use nalgebra::{Isometry3, Matrix3, Matrix4, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use std::collections::BTreeMap;

/// Extensions whose meaning is honoured.
const SUPPORTED: [&str; 4] =
    ["KHR_materials_unlit", "KHR_materials_emissive_strength", "KHR_lights_punctual", "KHR_mesh_quantization"];

/// Extensions that people meet, and how to do without them.
const REMEDIES: [(&str, &str); 6] = [
    ("KHR_draco_mesh_compression", "export without Draco compression"),
    ("EXT_meshopt_compression", "export without meshopt compression (gltfpack without -c)"),
    ("KHR_texture_basisu", "export textures as PNG or JPEG instead of KTX2"),
    ("EXT_texture_webp", "export textures as PNG or JPEG instead of WebP"),
    ("KHR_texture_transform", "bake the texture transforms into the UVs"),
    ("EXT_mesh_gpu_instancing", "export instances as ordinary nodes"),
];

/// Nodes inside nodes.
const MAX_DEPTH: usize = 128;

/// Decodes a GLB's default scene (or its first one).
///
/// # Errors
/// Required extensions that are not supported, data in other files, no meshes, too many triangles, truncated or
/// broken data.
pub fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Scene, EnvironmentError> {
    guarded(name, "GLB", || decode_unguarded(name, bytes, limits))
}

fn broken(name: &str, detail: impl std::fmt::Display) -> EnvironmentError {
    EnvironmentError::broken(name, "GLB", detail)
}

fn decode_unguarded(name: &str, bytes: &[u8], limits: &Limits) -> Result<Scene, EnvironmentError> {
    check_container(name, bytes)?;
    let (document, blob) = open(name, bytes)?;
    check_buffers(name, &document)?;
    let mut reader = Reader {
        name,
        limits,
        document: &document,
        blob: &blob,
        scene: Scene { notes: notes(&document), ..Scene::default() },
        materials: BTreeMap::new(),
        textures: BTreeMap::new(),
        by_material: BTreeMap::new(),
        triangles: 0,
        vertices: 0,
        skipped: 0,
    };
    reader.walk()?;
    reader.finish()
}

/// The 12-byte header (glTF 2.0, 4.4): version and length.
fn check_container(name: &str, bytes: &[u8]) -> Result<(), EnvironmentError> {
    let Some(header) = bytes.get(..20) else { return Err(broken(name, "truncated before the first chunk")) };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (version, length) = (number(4), number(8) as usize);
    if version != 2 {
        return Err(EnvironmentError::Unsupported {
            name: name.into(),
            detail: format!("it is binary glTF version {version}"),
            help: "export it as glTF 2.0",
        });
    }
    if length < 20 || number(12) as usize > length {
        return Err(broken(name, "its lengths contradict each other"));
    }
    if length > bytes.len() {
        return Err(broken(name, format!("truncated: {} of {length} bytes", bytes.len())));
    }
    Ok(())
}

/// Parses and validates; the extensions are judged before the crate's own validation, which would not name the
/// fix.
fn open(name: &str, bytes: &[u8]) -> Result<(Document, Vec<u8>), EnvironmentError> {
    let Gltf { document, blob } = Gltf::from_slice_without_validation(bytes).map_err(|error| broken(name, error))?;
    let mut json = document.into_json();
    let missing: Vec<String> =
        json.extensions_required.iter().filter(|e| !SUPPORTED.contains(&e.as_str())).cloned().collect();
    if !missing.is_empty() {
        let remedies: Vec<&str> =
            REMEDIES.iter().filter(|(e, _)| missing.iter().any(|m| m == e)).map(|(_, fix)| *fix).collect();
        let help = if remedies.is_empty() { "export without it".to_owned() } else { remedies.join(", ") };
        return Err(EnvironmentError::Extension { name: name.into(), extensions: missing, help });
    }
    json.extensions_required.clear();
    let document = Document::from_json(json).map_err(|error| broken(name, error))?;
    Ok((document, blob.unwrap_or_default()))
}

fn check_buffers(name: &str, document: &Document) -> Result<(), EnvironmentError> {
    for buffer in document.buffers() {
        if let gltf::buffer::Source::Uri(uri) = buffer.source() {
            let uri: String = uri.chars().take(60).collect();
            return Err(EnvironmentError::External { name: name.into(), what: "its geometry", uri });
        }
    }
    Ok(())
}

/// What the file holds and the wall will not show.
fn notes(document: &Document) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: usize, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    };
    note(document.animations().count(), "animations are ignored: the scene stands still");
    note(document.skins().count(), "skins are ignored: skinned meshes stand in their bind pose");
    let morphed = document.meshes().flat_map(|m| m.primitives()).filter(|p| p.morph_targets().len() > 0).count();
    note(morphed, "meshes have morph targets, which are ignored");
    let maps = |has: fn(&gltf::Material<'_>) -> bool| document.materials().filter(has).count();
    note(maps(|m| m.normal_texture().is_some()), "materials have a normal map, which is ignored");
    note(maps(|m| m.emissive_texture().is_some()), "materials have an emissive map, of which only the factor is used");
    note(
        maps(|m| m.pbr_metallic_roughness().metallic_roughness_texture().is_some()),
        "materials have a metallic-roughness map, of which only the factors are used",
    );
    note(maps(|m| m.occlusion_texture().is_some()), "materials have an occlusion map, which is ignored");
    for extension in document.extensions_used().filter(|e| !SUPPORTED.contains(e)) {
        notes.push(format!("the optional extension {extension} is ignored"));
    }
    notes
}

/// glTF axes to stage axes.
fn stage(v: Vector3<f64>) -> [f32; 3] {
    [v.x as f32, -v.z as f32, v.y as f32]
}

fn matrix_of(transform: &Transform) -> Matrix4<f64> {
    match transform {
        Transform::Matrix { matrix } => Matrix4::from_fn(|row, column| f64::from(matrix[column][row])),
        Transform::Decomposed { translation, rotation, scale } => {
            let [x, y, z, w] = rotation.map(f64::from);
            let turn = UnitQuaternion::try_new(Quaternion::new(w, x, y, z), 1e-12).unwrap_or_default();
            let place = Translation3::from(Vector3::from(translation.map(f64::from)));
            let size = Vector3::from(scale.map(f64::from));
            Isometry3::from_parts(place, turn).to_homogeneous() * Matrix4::new_nonuniform_scaling(&size)
        }
    }
}

struct Reader<'a> {
    name: &'a str,
    limits: &'a Limits,
    document: &'a Document,
    blob: &'a [u8],
    scene: Scene,
    /// glTF material (`None` is the default material) to ours.
    materials: BTreeMap<Option<usize>, usize>,
    /// glTF texture to ours; `None` where it cannot be shown.
    textures: BTreeMap<usize, Option<usize>>,
    by_material: BTreeMap<usize, Mesh>,
    triangles: u64,
    vertices: u64,
    /// Points and lines.
    skipped: usize,
}

impl Reader<'_> {
    /// Every node once, parents before children; a glTF scene is a forest, and anything else is refused before it
    /// becomes endless.
    fn walk(&mut self) -> Result<(), EnvironmentError> {
        let document = self.document;
        let Some(scene) = document.default_scene().or_else(|| document.scenes().next()) else { return Ok(()) };
        let mut seen = vec![false; document.nodes().len()];
        let mut todo: Vec<_> = scene.nodes().map(|node| (node, Matrix4::identity(), 0)).collect();
        todo.reverse();
        while let Some((node, parent, depth)) = todo.pop() {
            let visited = seen.get_mut(node.index()).is_none_or(|seen| std::mem::replace(seen, true));
            if visited || depth > MAX_DEPTH {
                return Err(broken(self.name, "its nodes form no tree, or one deeper than 128"));
            }
            let matrix: Matrix4<f64> = parent * matrix_of(&node.transform());
            if matrix.iter().any(|x| !x.is_finite()) {
                return Err(broken(self.name, format!("node {} has a transform that is not finite", node.index())));
            }
            if let Some(mesh) = node.mesh() {
                for primitive in mesh.primitives() {
                    self.primitive(&primitive, &matrix)?;
                }
            }
            self.light(&node, &matrix);
            let first = todo.len();
            todo.extend(node.children().map(|child| (child, matrix, depth + 1)));
            todo[first..].reverse();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Scene, EnvironmentError> {
        self.scene.meshes = self.by_material.into_values().collect();
        if self.skipped > 0 {
            self.scene.notes.push(format!("{} primitives of points or lines are ignored", self.skipped));
        }
        let scene = self.scene.measured();
        if scene.triangle_count == 0 {
            return Err(EnvironmentError::NoMeshes { name: self.name.into() });
        }
        if scene.bounds_m.iter().flatten().any(|x| !x.is_finite()) {
            return Err(broken(self.name, "positions that are not finite"));
        }
        Ok(scene)
    }

    fn primitive(&mut self, primitive: &gltf::Primitive<'_>, matrix: &Matrix4<f64>) -> Result<(), EnvironmentError> {
        let name = self.name;
        let fail = |reason: String| broken(name, reason);
        if !matches!(primitive.mode(), Mode::Triangles | Mode::TriangleStrip | Mode::TriangleFan) {
            self.skipped += 1;
            return Ok(());
        }
        let Some(positions) = primitive.get(&Semantic::Positions) else { return Ok(()) };
        self.vertices += positions.count() as u64;
        let corners = primitive.indices().map_or(positions.count(), |accessor| accessor.count());
        self.triangles +=
            if primitive.mode() == Mode::Triangles { corners / 3 } else { corners.saturating_sub(2) } as u64;
        let most = self.limits.max_triangles;
        if self.triangles > most || self.vertices > 3 * most {
            let triangles = self.triangles.max(self.vertices / 3);
            return Err(EnvironmentError::TooManyTriangles { name: name.into(), triangles, max_triangles: most });
        }
        let material = self.material(&primitive.material())?;
        let positions: Vec<[f32; 3]> = accessor::vectors(&positions, self.blob).map_err(fail)?;
        let indices = self.triangle_indices(primitive, positions.len())?;
        let normals: Option<Vec<[f32; 3]>> = match primitive.get(&Semantic::Normals) {
            Some(normals) => Some(accessor::vectors(&normals, self.blob).map_err(fail)?),
            None => None,
        };
        let mut mesh = Mesh { material, indices, ..Mesh::default() };
        if self.scene.materials[material].base_color_texture.is_some() {
            let set = primitive.material().pbr_metallic_roughness().base_color_texture().map_or(0, |t| t.tex_coord());
            if let Some(uvs) = primitive.get(&Semantic::TexCoords(set)) {
                mesh.uvs = accessor::vectors(&uvs, self.blob).map_err(fail)?;
            }
        }
        if let Some(colors) = primitive.get(&Semantic::Colors(0)) {
            mesh.colors = self.colors(&colors).map_err(fail)?;
        }
        let vertices = positions.len();
        let same = |len: usize| len == 0 || len == vertices;
        if !same(mesh.uvs.len()) || !same(mesh.colors.len()) || normals.as_ref().is_some_and(|n| n.len() != vertices) {
            return Err(broken(name, "a mesh whose attributes differ in length"));
        }
        place(&mut mesh, &positions, normals.as_deref(), matrix);
        if normals.is_none() {
            compute_normals(&mut mesh, self.scene.materials[material].unlit);
        }
        match self.by_material.get_mut(&material) {
            Some(merged) => merged.append(mesh),
            None => drop(self.by_material.insert(material, mesh)),
        }
        Ok(())
    }

    /// Indices as a list of triangles, all below `vertices`.
    fn triangle_indices(&self, primitive: &gltf::Primitive<'_>, vertices: usize) -> Result<Vec<u32>, EnvironmentError> {
        let raw = match primitive.indices() {
            Some(indices) => accessor::indices(&indices, self.blob).map_err(|reason| broken(self.name, reason))?,
            None => (0..vertices as u32).collect(),
        };
        if raw.iter().any(|index| *index as usize >= vertices) {
            return Err(broken(self.name, "an index beyond the vertices"));
        }
        Ok(match primitive.mode() {
            Mode::TriangleStrip => {
                let turned = |(i, w): (usize, &[u32])| if i % 2 == 0 { [w[0], w[1], w[2]] } else { [w[1], w[0], w[2]] };
                raw.windows(3).enumerate().flat_map(turned).collect()
            }
            Mode::TriangleFan => raw.windows(2).skip(1).flat_map(|w| [raw[0], w[0], w[1]]).collect(),
            _ => raw[..raw.len() / 3 * 3].to_vec(),
        })
    }

    fn colors(&self, colors: &gltf::Accessor<'_>) -> Result<Vec<[f32; 4]>, String> {
        if colors.dimensions().multiplicity() == 4 {
            return accessor::vectors(colors, self.blob);
        }
        let opaque = |[r, g, b]: [f32; 3]| [r, g, b, 1.0];
        Ok(accessor::vectors::<3>(colors, self.blob)?.into_iter().map(opaque).collect())
    }

    fn material(&mut self, material: &gltf::Material<'_>) -> Result<usize, EnvironmentError> {
        if let Some(known) = self.materials.get(&material.index()) {
            return Ok(*known);
        }
        let surface = material.pbr_metallic_roughness();
        let strength = material.emissive_strength().unwrap_or(1.0);
        let base_color_texture = match surface.base_color_texture() {
            Some(info) => self.texture(&info.texture())?,
            None => None,
        };
        let ours = Material {
            name: material.name().unwrap_or_default().to_owned(),
            unlit: material.unlit(),
            base_color: surface.base_color_factor(),
            base_color_texture,
            metallic: surface.metallic_factor(),
            roughness: surface.roughness_factor(),
            emissive: material.emissive_factor().map(|e| e * strength),
            alpha_mode: match material.alpha_mode() {
                gltf::material::AlphaMode::Opaque => AlphaMode::Opaque,
                gltf::material::AlphaMode::Mask => AlphaMode::Mask(material.alpha_cutoff().unwrap_or(0.5)),
                gltf::material::AlphaMode::Blend => AlphaMode::Blend,
            },
            double_sided: material.double_sided(),
        };
        self.scene.materials.push(ours);
        let index = self.scene.materials.len() - 1;
        self.materials.insert(material.index(), index);
        Ok(index)
    }

    fn texture(&mut self, texture: &gltf::Texture<'_>) -> Result<Option<usize>, EnvironmentError> {
        if let Some(known) = self.textures.get(&texture.index()) {
            return Ok(*known);
        }
        let (view, kind) = match texture.source().source() {
            gltf::image::Source::View { view, mime_type } => (view, mime_type),
            gltf::image::Source::Uri { uri, .. } => {
                let uri: String = uri.chars().take(60).collect();
                return Err(EnvironmentError::External { name: self.name.into(), what: "a texture", uri });
            }
        };
        let end = view.offset().checked_add(view.length());
        let bytes = end.and_then(|end| self.blob.get(view.offset()..end));
        let bytes =
            bytes.ok_or_else(|| broken(self.name, "a texture reaches outside the binary chunk (truncated?)"))?;
        let loaded = self.image(bytes, kind, texture)?;
        self.scene.textures.push(loaded);
        let index = Some(self.scene.textures.len() - 1);
        self.textures.insert(texture.index(), index);
        Ok(index)
    }

    fn image(&self, bytes: &[u8], kind: &str, texture: &gltf::Texture<'_>) -> Result<Texture, EnvironmentError> {
        let most = self.limits.max_texture_side_px;
        let format = match crate::sniff::format_of(self.name, bytes) {
            Ok(format @ (Format::Png | Format::Jpeg)) => format,
            _ => {
                return Err(EnvironmentError::Unsupported {
                    name: self.name.into(),
                    detail: format!("texture {} is {kind:?} and holds no PNG or JPEG", texture.index()),
                    help: "export textures as PNG or JPEG",
                });
            }
        };
        let png = format == Format::Png;
        let header = if png { picture::png_header(self.name, bytes)? } else { picture::jpeg_header(self.name, bytes)? };
        if header.width.max(header.height) > most {
            return Err(EnvironmentError::Unsupported {
                name: self.name.into(),
                detail: format!("texture {} is {} x {} pixels", texture.index(), header.width, header.height),
                help: "scale textures down to 8192 pixels or less",
            });
        }
        if png {
            let bits = u64::from(header.bits) * u64::from(header.channels);
            let promised = u64::from(header.width) * u64::from(header.height) * bits / 8;
            check_promise(self.name, "GLB texture", promised, bytes.len() as u64)?;
        }
        let pixels = picture::pixels_of(self.name, format, bytes, most)?.into_rgba8();
        let (width, height) = pixels.dimensions();
        let sampler = texture.sampler();
        let wrap = [wrap_of(sampler.wrap_s()), wrap_of(sampler.wrap_t())];
        Ok(Texture { width, height, rgba8_srgb: pixels.into_raw(), wrap })
    }

    fn light(&mut self, node: &gltf::Node<'_>, matrix: &Matrix4<f64>) {
        use gltf::khr_lights_punctual::Kind;
        let Some(light) = node.light() else { return };
        let at = matrix.transform_point(&Point3::origin()).coords;
        let along = matrix.transform_vector(&-Vector3::z());
        let kind = match light.kind() {
            Kind::Directional => LightKind::Directional,
            Kind::Point => LightKind::Point,
            Kind::Spot { inner_cone_angle, outer_cone_angle } => {
                LightKind::Spot { inner_cone_rad: inner_cone_angle, outer_cone_rad: outer_cone_angle }
            }
        };
        self.scene.lights.push(Light {
            kind,
            color: light.color(),
            intensity: light.intensity(),
            position_m: stage(at),
            direction: stage(along.try_normalize(1e-12).unwrap_or(-Vector3::z())),
            range_m: light.range(),
        });
    }
}

fn wrap_of(mode: gltf::texture::WrappingMode) -> Wrap {
    match mode {
        gltf::texture::WrappingMode::ClampToEdge => Wrap::Clamp,
        gltf::texture::WrappingMode::MirroredRepeat => Wrap::Mirror,
        gltf::texture::WrappingMode::Repeat => Wrap::Repeat,
    }
}

/// Applies the node's transform, in f64, and turns to stage axes.
fn place(mesh: &mut Mesh, positions: &[[f32; 3]], normals: Option<&[[f32; 3]]>, matrix: &Matrix4<f64>) {
    let at = |p: &[f32; 3]| stage(matrix.transform_point(&Point3::from(p.map(f64::from))).coords);
    mesh.positions_m = positions.iter().map(at).collect();
    let linear: Matrix3<f64> = matrix.fixed_view::<3, 3>(0, 0).into_owned();
    let determinant = linear.determinant();
    if let Some(normals) = normals {
        // A flat transform has no inverse; its normals then are whatever the matrix makes of them.
        let turn = linear.try_inverse().map_or(linear, |inverse| inverse.transpose());
        let turned = |n: &[f32; 3]| {
            let n = turn * Vector3::from(n.map(f64::from));
            stage(n.try_normalize(1e-12).unwrap_or(Vector3::y()))
        };
        mesh.normals = normals.iter().map(turned).collect();
    }
    if determinant < 0.0 {
        mesh.indices.chunks_exact_mut(3).for_each(|triangle| triangle.swap(1, 2));
    }
}

/// Normals that the file leaves out: flat ones (glTF 2.0, 3.7.2.1), for which corners are separated; where the
/// material is unlit nobody sees them, and corners stay shared.
fn compute_normals(mesh: &mut Mesh, unlit: bool) {
    if !unlit {
        let order = std::mem::take(&mut mesh.indices);
        let pick = |i: &u32| *i as usize;
        mesh.positions_m = order.iter().map(|i| mesh.positions_m[pick(i)]).collect();
        if !mesh.uvs.is_empty() {
            mesh.uvs = order.iter().map(|i| mesh.uvs[pick(i)]).collect();
        }
        if !mesh.colors.is_empty() {
            mesh.colors = order.iter().map(|i| mesh.colors[pick(i)]).collect();
        }
        mesh.indices = (0..order.len() as u32).collect();
    }
    let mut sums = vec![Vector3::<f64>::zeros(); mesh.positions_m.len()];
    for triangle in mesh.indices.chunks_exact(3) {
        let [a, b, c] = [0, 1, 2].map(|i| Vector3::from(mesh.positions_m[triangle[i] as usize].map(f64::from)));
        let normal = (b - a).cross(&(c - a));
        triangle.iter().for_each(|i| sums[*i as usize] += normal);
    }
    let unit = |sum: &Vector3<f64>| sum.try_normalize(1e-30).unwrap_or(Vector3::z());
    mesh.normals = sums.iter().map(unit).map(|n| [n.x as f32, n.y as f32, n.z as f32]).collect();
}
