//! Scenes: places, materials, and what is left out.

use super::*;
use crate::{AlphaMode, LightKind, Wrap};

/// One triangle in the plane of glTF x and y; `json` goes before the arrays, `primitive` into the primitive.
pub(super) fn triangle(json: &str, primitive: &str) -> Vec<u8> {
    let binary = floats(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let json = format!(
        r#"{{"asset":{{"version":"2.0"}},{json}"scene":0,"scenes":[{{"nodes":[0]}}],"nodes":[{{"mesh":0}}],
        "meshes":[{{"primitives":[{{"attributes":{{"POSITION":0}}{primitive}}}]}}],
        "accessors":[{{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]}}],
        "bufferViews":[{{"buffer":0,"byteLength":36}}],"buffers":[{{"byteLength":36}}]}}"#
    );
    glb_of(&json, &binary)
}

/// The corners and faces of the box from -1 to 1, glTF axes, counter-clockwise from outside.
fn unit_box() -> (Vec<[f32; 3]>, Vec<u16>) {
    let corners = (0..8).map(|i| [i & 1, i >> 1 & 1, i >> 2].map(|bit| bit as f32 * 2.0 - 1.0)).collect();
    let quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    (corners, quads.iter().flat_map(|[a, b, c, d]| [*a, *b, *c, *a, *c, *d]).collect())
}

/// Boxes under nodes: `nodes` is the JSON of all nodes, each of which may use mesh 0 (lit) or mesh 1 (unlit).
fn boxes(nodes: &str, roots: &str) -> Vec<u8> {
    let (corners, faces) = unit_box();
    let mut binary = floats(&corners.concat());
    binary.extend(faces.iter().flat_map(|i| i.to_le_bytes()));
    let json = format!(
        r#"{{"asset":{{"version":"2.0"}},"extensionsUsed":["KHR_materials_unlit"],"scene":0,"scenes":[{{"nodes":[{roots}]}}],
        "nodes":[{nodes}],
        "meshes":[{{"primitives":[{{"attributes":{{"POSITION":0}},"indices":1,"material":0}}]}},
                  {{"primitives":[{{"attributes":{{"POSITION":0}},"indices":1,"material":1}}]}}],
        "materials":[{{"name":"lit","pbrMetallicRoughness":{{"baseColorFactor":[0.5,0.25,0.125,1],"metallicFactor":0.25,"roughnessFactor":0.75}}}},
                     {{"name":"flat","extensions":{{"KHR_materials_unlit":{{}}}},"doubleSided":true,"alphaMode":"MASK","alphaCutoff":0.25}}],
        "accessors":[{{"bufferView":0,"componentType":5126,"count":8,"type":"VEC3","min":[-1,-1,-1],"max":[1,1,1]}},
                     {{"bufferView":1,"componentType":5123,"count":36,"type":"SCALAR"}}],
        "bufferViews":[{{"buffer":0,"byteLength":96}},{{"buffer":0,"byteOffset":96,"byteLength":72}}],
        "buffers":[{{"byteLength":168}}]}}"#
    );
    glb_of(&json, &binary)
}

/// Every triangle of a convex mesh must turn away from `middle`, and its normals with it.
fn faces_outwards(mesh: &crate::Mesh, middle: [f32; 3]) {
    for triangle in mesh.indices.chunks_exact(3) {
        let [a, b, c] = [0, 1, 2].map(|i| nalgebra::Vector3::from(mesh.positions_m[triangle[i] as usize]));
        let normal = (b - a).cross(&(c - a));
        let outwards = (a + b + c) / 3.0 - nalgebra::Vector3::from(middle);
        assert!(normal.dot(&outwards) > 0.0, "a triangle turned inwards");
        for i in triangle {
            let given = nalgebra::Vector3::from(mesh.normals[*i as usize]);
            assert!(given.dot(&outwards) > 0.0 && (given.norm() - 1.0).abs() < 1e-6);
        }
    }
}

#[test]
fn boxes_stand_exactly_where_their_nodes_put_them() {
    let nodes = r#"{"translation":[10,0,0],"children":[1]},{"mesh":1,"translation":[0.5,3,-7],"scale":[2,0.5,4]}"#;
    let scene = scene(&boxes(nodes, "0"));
    let (corners, _) = unit_box();
    let wanted: Vec<[f32; 3]> = corners
        .iter()
        .map(|[x, y, z]| [10.5 + 2.0 * x, 3.0 + 0.5 * y, -7.0 + 4.0 * z])
        .map(|[x, y, z]| [x, -z, y])
        .collect();
    assert_eq!(scene.meshes.len(), 1);
    assert_eq!(scene.meshes[0].positions_m, wanted, "glTF (x, y, z) is stage (x, -z, y), to the last bit");
    assert_eq!(scene.bounds_m, [[8.5, 3.0, 2.5], [12.5, 11.0, 3.5]]);
    assert_eq!(scene.triangle_count, 12);
    faces_outwards(&scene.meshes[0], [10.5, 7.0, 3.0]);
}

#[test]
fn turned_and_mirrored_boxes_face_outwards() {
    let turn = std::f64::consts::FRAC_1_SQRT_2;
    for node in [
        format!(r#"{{"mesh":0,"rotation":[0,{turn},0,{turn}]}}"#),
        r#"{"mesh":0,"scale":[-1,1,1]}"#.to_owned(),
        r#"{"mesh":1,"scale":[-1,-2,-3]}"#.to_owned(),
        r#"{"mesh":0,"matrix":[0,0,1,0, 0,1,0,0, 1,0,0,0, 0,0,0,1]}"#.to_owned(),
    ] {
        let scene = scene(&boxes(&node, "0"));
        faces_outwards(&scene.meshes[0], [0.0; 3]);
    }
    // A quarter turn about glTF's y takes +z to +x: on the stage, -Y (near) to +X (right).
    let near = scene(&boxes(&format!(r#"{{"mesh":1,"rotation":[0,{turn},0,{turn}],"translation":[0,0,0]}}"#), "0"));
    let corner = near.meshes[0].positions_m[7];
    assert!(corner.iter().zip([1.0, 1.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{corner:?}");
}

#[test]
fn normals_are_flat_where_they_are_seen_and_shared_where_not() {
    let lit = scene(&boxes(r#"{"mesh":0}"#, "0"));
    assert_eq!(lit.meshes[0].positions_m.len(), 36);
    assert!(lit.meshes[0].normals.iter().all(|n| n.iter().filter(|x| x.abs() == 1.0).count() == 1));
    let unlit = scene(&boxes(r#"{"mesh":1}"#, "0"));
    assert_eq!(unlit.meshes[0].positions_m.len(), 8);
}

#[test]
fn meshes_of_one_material_become_one_draw() {
    let nodes = r#"{"mesh":1},{"mesh":0},{"mesh":1,"translation":[5,0,0]},{"mesh":1,"translation":[9,0,0]}"#;
    let scene = scene(&boxes(nodes, "0,1,2,3"));
    assert_eq!(scene.meshes.len(), 2);
    let flat = scene.meshes.iter().find(|m| scene.materials[m.material].unlit).unwrap();
    assert_eq!((flat.positions_m.len(), flat.indices.len()), (24, 108));
    assert_eq!(flat.indices.iter().max(), Some(&23));
    assert_eq!(scene.triangle_count, 48);
}

#[test]
fn materials_keep_their_numbers() {
    let scene = scene(&boxes(r#"{"mesh":0},{"mesh":1}"#, "0,1"));
    let by_name = |name: &str| scene.materials.iter().find(|m| m.name == name).unwrap();
    let (lit, flat) = (by_name("lit"), by_name("flat"));
    assert_eq!((lit.base_color, lit.metallic, lit.roughness), ([0.5, 0.25, 0.125, 1.0], 0.25, 0.75));
    assert!(!lit.unlit && !lit.double_sided && lit.alpha_mode == AlphaMode::Opaque);
    assert!(flat.unlit && flat.double_sided && flat.alpha_mode == AlphaMode::Mask(0.25));
    let glowing = triangle(
        r#""extensionsUsed":["KHR_materials_emissive_strength"],"materials":[{"emissiveFactor":[1,0.5,0],"extensions":{"KHR_materials_emissive_strength":{"emissiveStrength":8}}}],"#,
        ",\"material\":0",
    );
    assert_eq!(super::scene(&glowing).materials[0].emissive, [8.0, 4.0, 0.0]);
}

#[test]
fn strips_and_fans_become_triangles() {
    let strip = scene(&triangle("", ",\"mode\":5"));
    let fan = scene(&triangle("", ",\"mode\":6"));
    assert_eq!(strip.triangle_count, 1);
    assert_eq!(strip.meshes[0].positions_m, fan.meshes[0].positions_m);
}

#[test]
fn lights_come_in_stage_axes() {
    let json = r#"{"asset":{"version":"2.0"},"extensionsUsed":["KHR_lights_punctual"],
        "extensions":{"KHR_lights_punctual":{"lights":[
            {"type":"spot","color":[1,0.5,0.25],"intensity":40,"range":12,"spot":{"innerConeAngle":0.1,"outerConeAngle":0.5}},
            {"type":"directional","intensity":900}]}},
        "scene":0,"scenes":[{"nodes":[0,1,2]}],
        "nodes":[{"mesh":0},{"translation":[1,2,3],"extensions":{"KHR_lights_punctual":{"light":0}}},
                 {"rotation":[-0.7071067811865476,0,0,0.7071067811865476],"extensions":{"KHR_lights_punctual":{"light":1}}}],
        "meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],
        "accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]}],
        "bufferViews":[{"buffer":0,"byteLength":36}],"buffers":[{"byteLength":36}]}"#;
    let scene = scene(&glb_of(json, &floats(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0])));
    let [spot, sun] = &scene.lights[..] else { panic!("{:?}", scene.lights) };
    assert_eq!((spot.position_m, spot.direction), ([1.0, -3.0, 2.0], [0.0, 1.0, 0.0]));
    assert_eq!((spot.color, spot.intensity, spot.range_m), ([1.0, 0.5, 0.25], 40.0, Some(12.0)));
    assert_eq!(spot.kind, LightKind::Spot { inner_cone_rad: 0.1, outer_cone_rad: 0.5 });
    assert_eq!(sun.kind, LightKind::Directional);
    assert!((sun.direction[2] + 1.0).abs() < 1e-6, "straight down: {:?}", sun.direction);
}

#[test]
fn textures_colours_and_uv() {
    let png = png_of(&[255, 0, 0, 0, 255, 0], 2, 1, ExtendedColorType::Rgb8);
    let mut binary = floats(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    binary.extend([255, 0, 51, 0, 255, 0, 0, 255, 0, 0, 255, 255]); // bytes, normalised, four a corner
    binary.extend([0_u16, 65_535, 32_768, 0, 65_535, 65_535].iter().flat_map(|x| x.to_le_bytes()));
    let at = binary.len();
    binary.extend(&png);
    let json = format!(
        r#"{{"asset":{{"version":"2.0"}},"scene":0,"scenes":[{{"nodes":[0]}}],"nodes":[{{"mesh":0}}],
        "meshes":[{{"primitives":[{{"attributes":{{"POSITION":0,"COLOR_0":1,"TEXCOORD_1":2}},"material":0}}]}}],
        "materials":[{{"pbrMetallicRoughness":{{"baseColorTexture":{{"index":0,"texCoord":1}}}}}}],
        "textures":[{{"source":0,"sampler":0}}],"samplers":[{{"wrapS":33071,"wrapT":33648}}],
        "images":[{{"bufferView":3,"mimeType":"image/png"}}],
        "accessors":[{{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]}},
                     {{"bufferView":1,"componentType":5121,"normalized":true,"count":3,"type":"VEC4"}},
                     {{"bufferView":2,"componentType":5123,"normalized":true,"count":3,"type":"VEC2"}}],
        "bufferViews":[{{"buffer":0,"byteLength":36}},{{"buffer":0,"byteOffset":36,"byteLength":12}},
                       {{"buffer":0,"byteOffset":48,"byteLength":12}},{{"buffer":0,"byteOffset":{at},"byteLength":{}}}],
        "buffers":[{{"byteLength":{}}}]}}"#,
        png.len(),
        binary.len()
    );
    let scene = scene(&glb_of(&json, &binary));
    assert_eq!(scene.textures[0].rgba8_srgb, [255, 0, 0, 255, 0, 255, 0, 255]);
    assert_eq!(scene.textures[0].wrap, [Wrap::Clamp, Wrap::Mirror]);
    assert_eq!(scene.meshes[0].colors[0], [1.0, 0.0, 0.2, 0.0]);
    assert_eq!(scene.meshes[0].uvs[0], [0.0, 1.0]);
    assert!((scene.meshes[0].uvs[1][0] - 0.5).abs() < 1e-4);
    let mips = scene.textures[0].mips();
    // Half red and half green light is code 188 each, not 128.
    assert_eq!(mips.last().unwrap().rgba8_srgb, [188, 188, 0, 255]);
}

#[test]
fn sparse_accessors_replace_what_they_name() {
    let mut binary = floats(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    binary.extend([2, 0, 0, 0]);
    binary.extend(floats(&[5.0, 6.0, 7.0]));
    let json = r#"{"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],
        "meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],
        "accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[5,6,7],
            "sparse":{"count":1,"indices":{"bufferView":1,"componentType":5121},"values":{"bufferView":2}}}],
        "bufferViews":[{"buffer":0,"byteLength":36},{"buffer":0,"byteOffset":36,"byteLength":1},{"buffer":0,"byteOffset":40,"byteLength":12}],
        "buffers":[{"byteLength":52}]}"#;
    let scene = scene(&glb_of(json, &binary));
    assert_eq!(scene.meshes[0].positions_m, [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [5.0, -7.0, 6.0]]);
}

#[test]
fn what_is_left_out_is_said() {
    let json = r#""extensionsUsed":["KHR_materials_clearcoat"],
        "animations":[{"channels":[{"sampler":0,"target":{"node":0,"path":"translation"}}],"samplers":[{"input":1,"output":0}]}],
        "skins":[{"joints":[0]}],"#;
    let bytes = triangle(json, "");
    // The animation needs an accessor of times.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let json = text.split("JSON").nth(1).unwrap().split("BIN\0").next().unwrap();
    let json = json[..json.rfind('}').unwrap() + 1].replace(
        "\"max\":[1,1,0]}]",
        "\"max\":[1,1,0]},{\"bufferView\":0,\"componentType\":5126,\"count\":3,\"type\":\"SCALAR\",\"min\":[0],\"max\":[1]}]",
    );
    let notes = scene(&glb_of(&json, &floats(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))).notes;
    assert_eq!(
        notes,
        [
            "1 animations are ignored: the scene stands still",
            "1 skins are ignored: skinned meshes stand in their bind pose",
            "the optional extension KHR_materials_clearcoat is ignored",
        ]
    );
}

#[test]
fn broken_structures_are_refused() {
    let good = boxes(r#"{"mesh":1}"#, "0");
    let mut beyond = good.clone();
    let last = beyond.len() - 2;
    beyond[last..].copy_from_slice(&8_u16.to_le_bytes());
    for (bytes, words) in [
        (boxes(r#"{"mesh":1,"children":[1]},{"children":[0]}"#, "0"), "its nodes form no tree"),
        (boxes(r#"{"mesh":1,"scale":[1e39,1,1]}"#, "0"), "GLB data is broken"),
        (beyond, "an index beyond the vertices"),
    ] {
        let said = error("set.glb", &bytes).to_string();
        assert!(said.contains(words), "{said}");
    }
    let deep: Vec<String> =
        (1..400).map(|i| format!("{{\"children\":[{i}]}}")).chain(["{\"mesh\":1}".into()]).collect();
    assert!(error("set.glb", &boxes(&deep.join(","), "0")).to_string().contains("deeper than 128"));
}
