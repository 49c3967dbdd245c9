//! The few parts of glTF 2.0 that unlit, vertex-coloured meshes need, written as one GLB.

/// One mesh with its material.
pub struct Part<'a> {
    /// Name of mesh and material.
    pub name: &'a str,
    /// Stage space, metres.
    pub positions: &'a [[f32; 3]],
    /// Linear Rec.709, 0..1; empty for white.
    pub colors: &'a [[f32; 3]],
    /// (0, 0) top left; empty without texture.
    pub uvs: &'a [[f32; 2]],
    /// Three a triangle.
    pub indices: &'a [u32],
    /// A PNG or JPEG with its media type, and whether it repeats downwards (across it always does).
    pub texture: Option<(&'a [u8], &'a str, bool)>,
}

/// The binary chunk and the JSON pieces that point into it.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    views: Vec<String>,
    accessors: Vec<String>,
}

impl Chunk {
    fn view(&mut self, bytes: impl IntoIterator<Item = u8>, target: Option<u32>) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let start = self.bytes.len();
        self.bytes.extend(bytes);
        let length = self.bytes.len() - start;
        let target = target.map_or(String::new(), |t| format!(",\"target\":{t}"));
        self.views.push(format!("{{\"buffer\":0,\"byteOffset\":{start},\"byteLength\":{length}{target}}}"));
        self.views.len() - 1
    }

    fn accessor(&mut self, view: usize, count: usize, rest: &str) -> usize {
        self.accessors.push(format!("{{\"bufferView\":{view},\"count\":{count},{rest}}}"));
        self.accessors.len() - 1
    }

    fn positions(&mut self, stage: &[[f32; 3]]) -> usize {
        // glTF (x, y, z) is stage (x, -z, y): so stage (x, y, z) is glTF (x, z, -y).
        let turned: Vec<[f32; 3]> = stage.iter().map(|[x, y, z]| [*x, *z, -*y]).collect();
        let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        for p in &turned {
            for axis in 0..3 {
                low[axis] = low[axis].min(p[axis]);
                high[axis] = high[axis].max(p[axis]);
            }
        }
        let view = self.view(turned.iter().flatten().flat_map(|x| x.to_le_bytes()), Some(34_962));
        let rest = format!("\"componentType\":5126,\"type\":\"VEC3\",\"min\":{low:?},\"max\":{high:?}");
        self.accessor(view, stage.len(), &rest)
    }

    /// 16 bits a channel: eight would show bands where linear light is dark.
    fn colors(&mut self, linear: &[[f32; 3]]) -> usize {
        let code = |x: f32| (x.clamp(0.0, 1.0) * 65_535.0).round() as u16;
        let quad = |c: &[f32; 3]| [code(c[0]), code(c[1]), code(c[2]), u16::MAX];
        let view = self.view(linear.iter().flat_map(quad).flat_map(u16::to_le_bytes), Some(34_962));
        self.accessor(view, linear.len(), "\"componentType\":5123,\"normalized\":true,\"type\":\"VEC4\"")
    }

    fn uvs(&mut self, uvs: &[[f32; 2]]) -> usize {
        let view = self.view(uvs.iter().flatten().flat_map(|x| x.to_le_bytes()), Some(34_962));
        self.accessor(view, uvs.len(), "\"componentType\":5126,\"type\":\"VEC2\"")
    }

    fn indices(&mut self, indices: &[u32], vertices: usize) -> usize {
        let short = vertices < 65_535;
        let view = if short {
            self.view(indices.iter().flat_map(|i| (*i as u16).to_le_bytes()), Some(34_963))
        } else {
            self.view(indices.iter().flat_map(|i| i.to_le_bytes()), Some(34_963))
        };
        let kind = if short { 5123 } else { 5125 };
        self.accessor(view, indices.len(), &format!("\"componentType\":{kind},\"type\":\"SCALAR\""))
    }
}

/// All parts as one GLB (Khronos glTF 2.0, section 4), every material unlit.
pub fn glb(parts: &[Part<'_>]) -> Vec<u8> {
    let mut chunk = Chunk::default();
    let (mut meshes, mut materials, mut images, mut textures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let mut attributes = format!("\"POSITION\":{}", chunk.positions(part.positions));
        if !part.colors.is_empty() {
            attributes += &format!(",\"COLOR_0\":{}", chunk.colors(part.colors));
        }
        if !part.uvs.is_empty() {
            attributes += &format!(",\"TEXCOORD_0\":{}", chunk.uvs(part.uvs));
        }
        let indices = chunk.indices(part.indices, part.positions.len());
        let mut surface = "\"metallicFactor\":0".to_owned();
        if let Some((bytes, media, repeats)) = part.texture {
            let view = chunk.view(bytes.iter().copied(), None);
            surface += &format!(",\"baseColorTexture\":{{\"index\":{}}}", textures.len());
            textures.push(format!("{{\"source\":{},\"sampler\":{}}}", images.len(), usize::from(!repeats)));
            images.push(format!("{{\"bufferView\":{view},\"mimeType\":\"{media}\"}}"));
        }
        let (name, material) = (part.name, materials.len());
        materials.push(format!(
            "{{\"name\":\"{name}\",\"pbrMetallicRoughness\":{{{surface}}},\"extensions\":{{\"KHR_materials_unlit\":{{}}}}}}"
        ));
        meshes.push(format!(
            "{{\"name\":\"{name}\",\"primitives\":[{{\"attributes\":{{{attributes}}},\"indices\":{indices},\"material\":{material}}}]}}"
        ));
    }
    let nodes: Vec<String> = (0..parts.len()).map(|i| format!("{{\"mesh\":{i}}}")).collect();
    let roots: Vec<String> = (0..parts.len()).map(|i| i.to_string()).collect();
    let json = format!(
        "{{\"asset\":{{\"version\":\"2.0\",\"generator\":\"cyclorama make_environments\"}},\
         \"extensionsUsed\":[\"KHR_materials_unlit\"],\"scene\":0,\"scenes\":[{{\"nodes\":[{}]}}],\"nodes\":[{}],\
         \"meshes\":[{}],\"materials\":[{}],\"textures\":[{}],\"images\":[{}],\
         \"samplers\":[{{\"wrapS\":10497,\"wrapT\":10497}},{{\"wrapS\":10497,\"wrapT\":33071}}],\
         \"accessors\":[{}],\"bufferViews\":[{}],\"buffers\":[{{\"byteLength\":{}}}]}}",
        roots.join(","),
        nodes.join(","),
        meshes.join(","),
        materials.join(","),
        textures.join(","),
        images.join(","),
        chunk.accessors.join(","),
        chunk.views.join(","),
        chunk.bytes.len(),
    );
    container(json.into_bytes(), chunk.bytes)
}

/// Header, JSON chunk (padded with spaces), binary chunk (padded with zeros).
fn container(mut json: Vec<u8>, mut bytes: Vec<u8>) -> Vec<u8> {
    json.resize(json.len().next_multiple_of(4), b' ');
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let total = 12 + 8 + json.len() + 8 + bytes.len();
    let mut out = Vec::with_capacity(total);
    out.extend(b"glTF");
    for number in [2, total as u32, json.len() as u32] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"JSON");
    out.extend(json);
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(b"BIN\0");
    out.extend(bytes);
    out
}
