//! A world of triangles in stage space.

use crate::Texture;

/// Geometry, materials and lights, in stage space (metres, X right, Y forward, Z up), all transforms applied.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scene {
    /// Triangle meshes; those that share a material are one.
    pub meshes: Vec<Mesh>,
    /// What they are made of.
    pub materials: Vec<Material>,
    /// Pictures the materials use.
    pub textures: Vec<Texture>,
    /// Lights that the file brings.
    pub lights: Vec<Light>,
    /// Smallest and largest corner of all meshes, metres.
    pub bounds_m: [[f32; 3]; 2],
    /// Triangles of all meshes.
    pub triangle_count: u64,
    /// What the file holds and the wall will not show, in words for the operator.
    pub notes: Vec<String>,
}

/// Triangles of one material. Lists by vertex are as long as `positions_m`, or empty where they say so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mesh {
    /// Stage space, metres.
    pub positions_m: Vec<[f32; 3]>,
    /// Unit length, stage space.
    pub normals: Vec<[f32; 3]>,
    /// (0, 0) top left; empty where the material has no texture.
    pub uvs: Vec<[f32; 2]>,
    /// Linear Rec.709 and alpha, multiplied with the base colour; empty where the file has none.
    pub colors: Vec<[f32; 4]>,
    /// Three a triangle, counter-clockwise seen from the front.
    pub indices: Vec<u32>,
    /// Index into [`Scene::materials`].
    pub material: usize,
}

/// How alpha is used (glTF 2.0, 3.9.4).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum AlphaMode {
    /// Ignored.
    #[default]
    Opaque,
    /// A pixel is there where alpha is at least this.
    Mask(f32),
    /// Over what is behind.
    Blend,
}

/// What a mesh is made of. Colours are linear Rec.709; an unlit 1.0 is 100 cd/m2.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// As the file calls it; may be empty.
    pub name: String,
    /// Shows its base colour as light, whatever the lights do (KHR_materials_unlit).
    pub unlit: bool,
    /// Linear Rec.709 and alpha.
    pub base_color: [f32; 4],
    /// Index into [`Scene::textures`], multiplied with `base_color`.
    pub base_color_texture: Option<usize>,
    /// 0 to 1.
    pub metallic: f32,
    /// Perceptual, 0 to 1.
    pub roughness: f32,
    /// Linear Rec.709 with KHR_materials_emissive_strength multiplied in.
    pub emissive: [f32; 3],
    /// How alpha is used.
    pub alpha_mode: AlphaMode,
    /// Both sides are drawn.
    pub double_sided: bool,
}

impl Material {
    /// Opaque, unlit, white: what vertex colours or a texture alone decide.
    pub fn unlit_white(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            unlit: true,
            base_color: [1.0; 4],
            base_color_texture: None,
            metallic: 0.0,
            roughness: 1.0,
            emissive: [0.0; 3],
            alpha_mode: AlphaMode::Opaque,
            double_sided: false,
        }
    }
}

/// A light of KHR_lights_punctual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Its form.
    pub kind: LightKind,
    /// Linear Rec.709.
    pub color: [f32; 3],
    /// Candela; lux for [`LightKind::Directional`].
    pub intensity: f32,
    /// Stage space, metres.
    pub position_m: [f32; 3],
    /// Where its light goes, unit length, stage space.
    pub direction: [f32; 3],
    /// Where it ends, metres.
    pub range_m: Option<f32>,
}

/// A light's form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LightKind {
    /// Parallel, from infinity.
    Directional,
    /// In all directions.
    Point,
    /// In a cone.
    Spot {
        /// Half angle of full light, radians.
        inner_cone_rad: f32,
        /// Half angle of any light, radians.
        outer_cone_rad: f32,
    },
}

impl Scene {
    /// Counts triangles and takes the bounds anew.
    pub(crate) fn measured(mut self) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        for position in self.meshes.iter().flat_map(|mesh| &mesh.positions_m) {
            for axis in 0..3 {
                low[axis] = low[axis].min(position[axis]);
                high[axis] = high[axis].max(position[axis]);
            }
        }
        self.bounds_m = if low[0] <= high[0] { [low, high] } else { [[0.0; 3]; 2] };
        self.triangle_count = self.meshes.iter().map(|mesh| mesh.indices.len() as u64 / 3).sum();
        self
    }
}

impl Mesh {
    /// Appends `other`, which has the same material; missing lists are filled with their neutral value.
    pub(crate) fn append(&mut self, other: Mesh) {
        let (mine, theirs) = (self.positions_m.len(), other.positions_m.len());
        join(&mut self.uvs, other.uvs, mine, theirs, [0.0; 2]);
        join(&mut self.colors, other.colors, mine, theirs, [1.0; 4]);
        join(&mut self.normals, other.normals, mine, theirs, [0.0, 0.0, 1.0]);
        self.positions_m.extend(other.positions_m);
        self.indices.extend(other.indices.into_iter().map(|index| index + mine as u32));
    }
}

/// Joins two lists by vertex; one that is empty counts as `neutral`, unless both are.
fn join<T: Clone>(mine: &mut Vec<T>, theirs: Vec<T>, mine_len: usize, theirs_len: usize, neutral: T) {
    if mine.is_empty() && theirs.is_empty() {
        return;
    }
    mine.resize(mine_len, neutral.clone());
    mine.extend(theirs);
    mine.resize(mine_len + theirs_len, neutral);
}
