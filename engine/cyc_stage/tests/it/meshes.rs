//! Mesh walls out of OBJ and GLB bytes.

use cyc_stage::mesh::{MeshError, Placement, RawMesh, Up, mesh_patches, read_mesh};
use cyc_stage::stage::{Panel, Wall};
use nalgebra::{Isometry3, Point3};
use proptest::prelude::*;

/// A quad 2 m wide and 1 m high in the plane of the wall, Y up, as a modelling program writes it.
const QUAD: &str = "o wall\nv -1 0 0\nv 1 0 0\nv 1 1 0\nv -1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvn 0 0 1\n\
                    f 1/1/1 2/2/1 3/3/1 4/4/1\n";

fn place(mesh: &RawMesh, up: Up, unit_m: f64, v_up: Option<bool>) -> Result<Wall, MeshError> {
    let size_px = [200, 100];
    let placement = Placement { up, unit_m, v_up, size_px };
    let (patches, _) = mesh_patches(mesh, &placement, &Isometry3::identity())?;
    let panel = Panel { width_px: 64, height_px: 64, pitch_mm: 10.0 };
    Ok(Wall { id: "m".into(), size_px, panel, stage_from_wall: Isometry3::identity(), patches, led: None })
}

fn at(wall: &Wall, px: [f64; 2]) -> Point3<f64> {
    wall.point_of_px(px).unwrap()
}

#[test]
fn an_obj_quad_is_a_flat_wall() {
    let wall = place(&read_mesh(QUAD.as_bytes()).unwrap(), Up::Y, 1.0, None).unwrap();
    assert_eq!(at(&wall, [0.0, 0.0]), Point3::new(-1.0, 0.0, 1.0));
    assert_eq!(at(&wall, [200.0, 100.0]), Point3::new(1.0, 0.0, 0.0));
    assert_eq!(at(&wall, [100.0, 50.0]), Point3::new(0.0, 0.0, 0.5));
    assert!((wall.normal([10.0, 10.0]).unwrap().y + 1.0).abs() < 1e-12, "it looks at the viewer");
}

#[test]
fn axes_units_and_v_are_turned() {
    // 1 unit towards +Z of the file (out of the picture, towards the viewer) is -Y on the stage.
    let deep = QUAD.replace("v 1 1 0", "v 1 1 1");
    let wall = place(&read_mesh(deep.as_bytes()).unwrap(), Up::Y, 0.5, None).unwrap();
    assert_eq!(at(&wall, [200.0, 0.0]), Point3::new(0.5, -0.5, 0.5));
    let z_up = "v -1 0 0\nv 1 0 0\nv 1 0.25 1\nvt 0 1\nvt 1 1\nvt 1 0\nf -3/-3 -2/-2 -1/-1\n";
    let wall = place(&read_mesh(z_up.as_bytes()).unwrap(), Up::Z, 1.0, Some(false)).unwrap();
    assert_eq!(at(&wall, [200.0, 0.0]), Point3::new(1.0, 0.25, 1.0));
    assert_eq!(wall.point_of_px([10.0, 10.0]), None, "the mesh has nothing there");
}

/// A GLB of one quad, whose node has the given transform, as bytes.
fn glb(node: &str, uv_count: u32) -> Vec<u8> {
    let mut blob: Vec<u8> = Vec::new();
    let positions = [[-1.0f32, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]];
    let uvs = [[0.0f32, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]];
    blob.extend(positions.iter().flatten().flat_map(|x| x.to_le_bytes()));
    blob.extend(uvs.iter().flatten().flat_map(|x| x.to_le_bytes()));
    blob.extend([0u16, 1, 2, 0, 2, 3].iter().flat_map(|x| x.to_le_bytes()));
    let json = format!(
        r#"{{"asset":{{"version":"2.0"}},"scene":0,"scenes":[{{"nodes":[0]}}],
        "nodes":[{{"children":[1],"translation":[0,0,0.5]}},{{"mesh":0{node}}}],
        "meshes":[{{"primitives":[{{"attributes":{{"POSITION":0,"TEXCOORD_0":1}},"indices":2}}]}}],
        "accessors":[
        {{"bufferView":0,"componentType":5126,"count":4,"type":"VEC3","min":[-1,0,0],"max":[1,1,0]}},
        {{"bufferView":1,"componentType":5126,"count":{uv_count},"type":"VEC2"}},
        {{"bufferView":2,"componentType":5123,"count":6,"type":"SCALAR"}}],
        "bufferViews":[{{"buffer":0,"byteLength":48}},{{"buffer":0,"byteOffset":48,"byteLength":32}},
        {{"buffer":0,"byteOffset":80,"byteLength":12}}],
        "buffers":[{{"byteLength":92}}]}}"#
    );
    let mut json = json.into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let total = 12 + 8 + json.len() + 8 + blob.len();
    let word = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut bytes = Vec::new();
    bytes.extend(b"glTF");
    bytes.extend([word(2), word(total), word(json.len())].concat());
    bytes.extend(b"JSON");
    bytes.extend(json);
    bytes.extend(word(blob.len()));
    bytes.extend(b"BIN\0");
    bytes.extend(blob);
    bytes
}

#[test]
fn a_glb_quad_follows_its_nodes() {
    let mesh = read_mesh(&glb(r#","translation":[0,2,0],"scale":[2,2,2]"#, 4)).unwrap();
    let wall = place(&mesh, Up::Y, 1.0, None).unwrap();
    // glTF (x, y, z) is stage (x, -z, y); v counts down.
    assert_eq!(at(&wall, [0.0, 0.0]), Point3::new(-2.0, -0.5, 4.0));
    assert_eq!(at(&wall, [200.0, 100.0]), Point3::new(2.0, -0.5, 2.0));
}

#[test]
fn broken_glbs_are_refused() {
    assert!(matches!(read_mesh(&glb("", 4000)), Err(MeshError::Unreadable(_))), "accessor beyond the buffer");
    assert!(matches!(read_mesh(&glb(r#","children":[0]"#, 4)), Err(MeshError::Unreadable(_))), "nodes in a circle");
    let mut no_accessor = glb("", 4);
    let at = no_accessor.windows(12).position(|part| part == b"\"POSITION\":0").unwrap();
    no_accessor[at + 11] = b'9';
    assert!(matches!(read_mesh(&no_accessor), Err(MeshError::Unreadable(_))), "an accessor that does not exist");
    let mut short = glb("", 4);
    short[8] = 3;
    short[9..12].fill(0);
    assert!(matches!(read_mesh(&short), Err(MeshError::Unreadable(_))), "a length below the header's");
    assert!(matches!(read_mesh(b"glTF"), Err(MeshError::Unreadable(_))));
    assert!(matches!(read_mesh(br#"{"asset":{}}"#), Err(MeshError::Unreadable(_))));
    assert!(matches!(read_mesh(b"\xff\xfe"), Err(MeshError::Unreadable(_))));
    assert!(matches!(read_mesh(b""), Err(MeshError::Unreadable(_))));
}

#[test]
fn numbers_that_are_none_are_refused() {
    for bad in ["nan", "inf", "1e999"] {
        let text = QUAD.replace("v 1 1 0", &format!("v 1 {bad} 0"));
        assert!(matches!(read_mesh(text.as_bytes()), Err(MeshError::Unreadable(_))), "{bad}");
    }
    let mesh = read_mesh(QUAD.as_bytes()).unwrap();
    assert!(matches!(place(&mesh, Up::Y, 1e9, None), Err(MeshError::Shape(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_meshes_get_an_answer(
        is_glb in any::<bool>(),
        edits in prop::collection::vec((any::<u16>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<u16>()),
    ) {
        let mut bytes = if is_glb { glb("", 4) } else { QUAD.as_bytes().to_vec() };
        for (at, byte) in edits {
            let n = bytes.len();
            bytes[usize::from(at) % n] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(usize::from(cut) % bytes.len());
        }
        if let Ok(mesh) = read_mesh(&bytes) {
            let _ = place(&mesh, Up::Y, 1.0, None);
        }
    }

    #[test]
    fn any_obj_words_get_an_answer(lines in prop::collection::vec(
        ("(v|vt|f|vn|o)", prop::collection::vec("(-?[0-9]{1,20}|[0-9]/[0-9]|-1/-1|-9223372036854775808/1|1//1|nan)", 0..5)), 0..12)
    ) {
        let text: String = lines.iter().map(|(word, rest)| format!("{word} {}\n", rest.join(" "))).collect();
        if let Ok(mesh) = read_mesh(text.as_bytes()) {
            let _ = place(&mesh, Up::Z, 1.0, None);
        }
    }
}
