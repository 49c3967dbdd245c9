//! Structs and constants of the wall pass are what Rust fills them with.

use crate::harness::{self, Needs};
use cyc_color::{WallEncodeUniform, gamut};
use cyc_wall::{
    controls::Show,
    geometry::WallVertex,
    shader,
    uniforms::{CameraUniform, MAX_CAMERAS, OutputUniform},
};
use libtest_mimic::Trial;
use naga::{
    Binding, Expression, Handle, Literal, Module, Scalar, ScalarKind, TypeInner, VectorSize,
    valid::{Capabilities, ValidationFlags, Validator},
};
use std::mem::offset_of;

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 4] = [
        ("uniforms", uniforms),
        ("vertices", vertices),
        ("shown_patterns", shown_patterns),
        ("acescg_from_rec709", acescg_from_rec709),
    ];
    tests.map(|(name, test)| harness::trial(format!("layouts::{name}"), Needs::Nothing, test)).into()
}

fn compose() -> Module {
    let source = shader::module(shader::COMPOSE);
    let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
    module
}

/// Offsets of a struct's members, padding left out, and its size.
fn members(module: &Module, name: &str) -> (Vec<(String, usize)>, usize) {
    let found = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some(name));
    let Some(TypeInner::Struct { members, span }) = found.map(|(_, kind)| &kind.inner) else {
        panic!("compose.wgsl has no struct {name}")
    };
    let members = members.iter().map(|m| (m.name.clone().expect("members have names"), m.offset as usize));
    (members.filter(|(name, _)| !name.starts_with("_pad")).collect(), *span as usize)
}

macro_rules! offsets {
    ($of:ty: $($member:ident)*) => {
        (vec![$((stringify!($member).to_owned(), offset_of!($of, $member))),*], size_of::<$of>())
    };
}

fn uniforms() {
    let module = compose();
    let output = offsets!(OutputUniform: encode eye_m camera_count frame level texel_rad quantised source);
    assert_eq!(members(&module, "Output"), output);
    let camera = offsets!(CameraUniform: clip_from_stage picture_from_stage pupil_path_m y_rows w_rows uv_scale soft_edge lines_per_ndc live search_steps filled_px);
    assert_eq!(members(&module, "Camera"), camera);
    assert_eq!(members(&module, "Cameras").1, MAX_CAMERAS * size_of::<CameraUniform>());
    assert_eq!(members(&module, "WallEncode").1, WallEncodeUniform::SIZE);
}

/// The vertex shader's inputs are the vertex buffer's attributes.
fn vertices() {
    let module = compose();
    let entry = module.entry_points.iter().find(|entry| entry.name == "wall_vertex").expect("a vertex shader");
    let TypeInner::Struct { members, .. } = &module.types[entry.function.arguments[0].ty].inner else {
        panic!("the vertex shader takes a struct")
    };
    let rust = [
        ("output_ndc", offset_of!(WallVertex, output_ndc)),
        ("wall_px", offset_of!(WallVertex, wall_px)),
        ("stage_m", offset_of!(WallVertex, stage_m)),
        ("outer_uvw", offset_of!(WallVertex, outer_uvw)),
        ("view", offset_of!(WallVertex, view)),
        ("panel_px", offset_of!(WallVertex, panel_px)),
        ("wall_size_px", offset_of!(WallVertex, wall_size_px)),
    ];
    let layout = WallVertex::LAYOUT;
    assert_eq!(layout.array_stride as usize, size_of::<WallVertex>());
    assert_eq!((layout.attributes.len(), members.len()), (rust.len(), rust.len()));
    for ((attribute, member), (name, offset)) in layout.attributes.iter().zip(members).zip(rust) {
        assert_eq!(member.name.as_deref(), Some(name));
        assert_eq!(attribute.offset as usize, offset, "{name}");
        let Some(Binding::Location { location, .. }) = member.binding else { panic!("{name} has no location") };
        assert_eq!(attribute.shader_location, location, "{name}");
        assert_eq!(Some(attribute.format), format_of(&module.types[member.ty].inner), "{name}");
    }
}

fn format_of(kind: &TypeInner) -> Option<wgpu::VertexFormat> {
    match *kind {
        TypeInner::Scalar(Scalar { kind: ScalarKind::Uint, width: 4 }) => Some(wgpu::VertexFormat::Uint32),
        TypeInner::Vector { size: VectorSize::Bi, scalar: Scalar::F32 } => Some(wgpu::VertexFormat::Float32x2),
        TypeInner::Vector { size: VectorSize::Tri, scalar: Scalar::F32 } => Some(wgpu::VertexFormat::Float32x3),
        _ => None,
    }
}

/// The numbers of a constant, columns one after the other.
fn constant(module: &Module, name: &str) -> Vec<f64> {
    let found = module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name));
    numbers(module, found.unwrap_or_else(|| panic!("compose.wgsl has no constant {name}")).1.init)
}

fn numbers(module: &Module, expression: Handle<Expression>) -> Vec<f64> {
    match &module.global_expressions[expression] {
        Expression::Literal(Literal::F32(x)) => vec![f64::from(*x)],
        Expression::Literal(Literal::U32(x)) => vec![f64::from(*x)],
        Expression::Compose { components, .. } => components.iter().flat_map(|c| numbers(module, *c)).collect(),
        other => panic!("a constant that this test cannot read: {other:?}"),
    }
}

fn shown_patterns() {
    let module = compose();
    for (name, show) in [
        ("SHOW_PICTURE", Show::Picture),
        ("SHOW_GRID", Show::Grid),
        ("SHOW_BAR", Show::Bar),
        ("SHOW_FLAT", Show::Flat),
        ("SHOW_BLACK", Show::Black),
    ] {
        assert_eq!(constant(&module, name), [f64::from(show as u32)], "{name}");
    }
    assert_eq!(constant(&module, "NO_VIEW"), [f64::from(u32::MAX)]);
}

fn acescg_from_rec709() {
    let exact = gamut::acescg_from_rec709();
    for (found, exact) in constant(&compose(), "ACESCG_FROM_REC709").into_iter().zip(exact.iter()) {
        assert!((found - exact).abs() < 1e-7, "{found}, not {exact}");
    }
}
