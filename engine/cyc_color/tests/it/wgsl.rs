//! The shader library is valid WGSL, and its structs and constants are Rust's.

use cyc_color::twin::{color, sphere};
use cyc_color::{WallEncodeUniform, dither};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Expression, Handle, Literal, Module, TypeInner};
use std::collections::BTreeMap;
use std::mem::offset_of;

const COLOR: &str = include_str!("../../../../shaders/lib/color.wgsl");
const DITHER: &str = include_str!("../../../../shaders/lib/dither.wgsl");
const SPHERE: &str = include_str!("../../../../shaders/lib/sphere.wgsl");

fn checked(source: &str) -> Module {
    let module = naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
    module
}

#[test]
fn each_file_and_all_together_are_valid() {
    for source in [COLOR, DITHER, SPHERE] {
        assert!(checked(source).functions.len() > 1);
        assert!(!source.contains("#import") && !source.contains("#if"));
    }
    checked(&[SPHERE, DITHER, COLOR].concat());
}

/// Every function has its twin: the names, in order of the file.
#[test]
fn functions_have_twins() {
    for (source, twins) in [
        (COLOR, include_str!("../../src/twin/color.rs")),
        (DITHER, include_str!("../../src/dither.rs")),
        (SPHERE, include_str!("../../src/twin/sphere.rs")),
    ] {
        let module = checked(source);
        let names: Vec<String> = module.functions.iter().filter_map(|(_, f)| f.name.clone()).collect();
        for name in &names {
            assert!(twins.contains(&format!("pub fn {name}(")), "{name} has no twin");
        }
        assert_eq!(twins.matches("pub fn ").count(), names.len(), "a twin has lost its function: {names:?}");
    }
}

#[test]
fn uniform_block_has_rust_offsets() {
    let module = checked(COLOR);
    let (_, block) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("WallEncode")).unwrap();
    let TypeInner::Struct { members, span } = &block.inner else { panic!("WallEncode is a struct") };
    assert_eq!(*span as usize, size_of::<WallEncodeUniform>());
    assert_eq!(WallEncodeUniform::SIZE, size_of::<WallEncodeUniform>());
    let rust = [
        ("gamut_from_acescg_x", offset_of!(WallEncodeUniform, gamut_from_acescg_x)),
        ("gamut_from_acescg_y", offset_of!(WallEncodeUniform, gamut_from_acescg_y)),
        ("gamut_from_acescg_z", offset_of!(WallEncodeUniform, gamut_from_acescg_z)),
        ("transfer", offset_of!(WallEncodeUniform, transfer)),
        ("peak_linear", offset_of!(WallEncodeUniform, peak_linear)),
        ("unit_from_linear", offset_of!(WallEncodeUniform, unit_from_linear)),
        ("exponent", offset_of!(WallEncodeUniform, exponent)),
        ("bits", offset_of!(WallEncodeUniform, bits)),
        ("dither_scale", offset_of!(WallEncodeUniform, dither_scale)),
        ("unused_0", offset_of!(WallEncodeUniform, unused)),
        ("unused_1", offset_of!(WallEncodeUniform, unused) + 4),
    ];
    let wgsl: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset as usize)).collect();
    assert_eq!(wgsl, rust);
}

/// The numbers of a constant: one, or an array's.
fn numbers(module: &Module, expression: Handle<Expression>) -> Vec<f64> {
    match &module.global_expressions[expression] {
        Expression::Literal(Literal::F32(x)) => vec![f64::from(*x)],
        Expression::Literal(Literal::U32(x)) => vec![f64::from(*x)],
        Expression::Compose { components, .. } => components.iter().flat_map(|c| numbers(module, *c)).collect(),
        other => panic!("a constant that this test cannot read: {other:?}"),
    }
}

fn constants(source: &str) -> BTreeMap<String, Vec<f64>> {
    let module = checked(source);
    module.constants.iter().map(|(_, c)| (c.name.clone().unwrap(), numbers(&module, c.init))).collect()
}

macro_rules! rust_constants {
    ($of:ident: $($one:ident)*; $($many:ident)*) => {
        BTreeMap::from([
            $((stringify!($one).to_owned(), vec![f64::from($of::$one)]),)*
            $((stringify!($many).to_owned(), $of::$many.map(f64::from).to_vec()),)*
        ])
    };
}

#[test]
fn constants_are_rusts() {
    let in_color = rust_constants!(color:
        PQ_M1 PQ_M2 PQ_C1 PQ_C2 PQ_C3 PQ_TAIL PQ_PEAK_LINEAR
        SRGB_LINEAR_BREAK SRGB_CODE_BREAK SRGB_SLOPE SRGB_SCALE SRGB_OFFSET SRGB_GAMMA
        TRANSFER_SRGB TRANSFER_GAMMA22 TRANSFER_GAMMA24 TRANSFER_BT1886 TRANSFER_PQ TRANSFER_LINEAR LIGHT_LIMIT;
        LOG2_ODD EXP2_POLY
    );
    assert_eq!(constants(COLOR), in_color);
    let in_dither = rust_constants!(dither: DITHER_STEP_X DITHER_STEP_Y DITHER_STEP_FRAME DITHER_STEP_CHANNEL;);
    assert_eq!(constants(DITHER), in_dither);
    let in_sphere = rust_constants!(sphere: PI HALF_PI QUARTER_PI TAN_EIGHTH_PI; ATAN_ODD);
    assert_eq!(constants(SPHERE), in_sphere);
}
