//! The functions of `shaders/lib` on the GPU against their Rust twins, and against the reference of the wall path.

use crate::{
    gpu::call,
    harness::{self, Needs, root},
    oracle::Seeded,
};
use cyc_color::{Gamut, Signal, Transfer, WallEncode, WallEncodeUniform, dither, twin::color, twin::sphere};
use cyc_frame::{delay::pattern, frustum, reproject};
use cyc_wall::shader;
use libtest_mimic::Trial;
use nalgebra::{Matrix3, Matrix4, Matrix4x3, Vector2, Vector3, Vector4};
use std::{collections::BTreeSet, fs};

/// Every function of the libraries and the test that compares it.
const TESTED: [(&str, fn()); 10] = [
    ("log2_poly exp2_poly pow_poly", powers),
    ("pq_from_power pq_from_linear linear_from_pq srgb_from_power srgb_from_linear linear_from_srgb", curves),
    ("light_or_black", numbers_that_are_none),
    ("code_from_linear code_from_acescg", wall_encode),
    ("atan2_poly uv_from_direction equirect_taps", directions),
    ("dither_lsb dither_rgb level_max quantise code_from_level quantised_code", dithers),
    ("view_ndc uv_from_ndc ndc_from_uv distance_m_from_depth inner_weight", views),
    ("ray_ndc ray_depth ray_nearness is_met exposed_line at_line", reprojection),
    ("digits", panel_numbers),
    ("source_bit coded_bits coded_cell coded_pattern", coded),
];

pub fn trials() -> Vec<Trial> {
    let tests = TESTED.map(|(names, test)| {
        let first = names.split(' ').next().unwrap_or_default();
        harness::trial(format!("twins::{first}"), Needs::Gpu, test)
    });
    let more = [
        harness::trial("twins::every_function_is_compared", Needs::Nothing, every_function_is_compared),
        harness::trial("twins::reference_acescg_to_rec2020_pq1500", Needs::Gpu, reference),
    ];
    tests.into_iter().chain(more).collect()
}

fn every_function_is_compared() {
    let tested: BTreeSet<&str> = TESTED.iter().flat_map(|(names, _)| names.split(' ')).collect();
    let source = shader::module("");
    let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
    for (_, function) in module.functions.iter() {
        let function = function.name.as_deref().expect("functions of WGSL have names");
        assert!(tested.contains(function), "{function} is compared with nothing");
    }
}

fn bits<const N: usize>(rows: &[[f32; N]]) -> Vec<[u32; N]> {
    rows.iter().map(|row| row.map(f32::to_bits)).collect()
}

/// Calls `body` for rows of floats.
fn floats<const IN: usize, const OUT: usize>(body: &str, rows: &[[f32; IN]]) -> Vec<[f32; OUT]> {
    call(body, &bits(rows)).into_iter().map(|row: [u32; OUT]| row.map(f32::from_bits)).collect()
}

/// Fails unless the two differ by at most `tolerance`, and by as much again of the expected one.
#[track_caller]
fn assert_close<const IN: usize, const OUT: usize>(
    what: &str,
    rows: &[[f32; IN]],
    body: &str,
    tolerance: f64,
    twin: impl Fn([f32; IN]) -> [f32; OUT],
) {
    let found = floats::<IN, OUT>(body, rows);
    assert_eq!(found.len(), rows.len());
    let (mut worst, mut at) = (0.0, 0);
    for (n, (found, row)) in found.iter().zip(rows).enumerate() {
        for (found, expected) in found.iter().zip(twin(*row)) {
            let scale = 1.0 + f64::from(expected.abs());
            let error = f64::from((found - expected).abs()) / scale;
            // A NaN on one side only is as wrong as can be.
            let error =
                if found.is_nan() == expected.is_nan() { if error.is_nan() { 0.0 } else { error } } else { 1.0 };
            (worst, at) = if error > worst { (error, n) } else { (worst, at) };
        }
    }
    println!("{what}: at most {worst:.2e} off");
    assert!(worst <= tolerance, "{what} of {:?}: {:?}, the twin {:?}", rows[at], found[at], twin(rows[at]));
}

/// Floats from `low` to `high`, as many in each octave.
fn spread(low: f32, high: f32, count: usize) -> Vec<f32> {
    let step = (high / low).ln() / (count - 1) as f32;
    (0..count).map(|n| low * (n as f32 * step).exp()).collect()
}

fn ones(values: Vec<f32>) -> Vec<[f32; 1]> {
    values.into_iter().map(|value| [value]).collect()
}

fn powers() {
    let wide = ones(spread(1e-30, 1e30, 4000));
    assert_close("log2_poly", &wide, "out(0u, log2_poly(num(0u)));", 1e-6, |[x]| [color::log2_poly(x)]);
    let odd = [[0.0], [-1.0], [f32::MIN_POSITIVE], [1.0]];
    assert_close("log2_poly", &odd, "out(0u, log2_poly(num(0u)));", 1e-6, |[x]| [color::log2_poly(x)]);
    let small: Vec<[f32; 1]> = (0..4000).map(|n| [n as f32 / 100.0 - 30.0]).collect();
    assert_close("exp2_poly", &small, "out(0u, exp2_poly(num(0u)));", 1e-6, |[x]| [color::exp2_poly(x)]);
    let pairs: Vec<[f32; 2]> = spread(1e-6, 1e3, 500)
        .into_iter()
        .chain([0.0, -2.0])
        .flat_map(|x| [0.159_301_76, 1.0 / 2.4, 1.0 / 2.2, 1.0, 2.4].map(|exponent| [x, exponent]))
        .collect();
    assert_close("pow_poly", &pairs, "out(0u, pow_poly(num(0u), num(1u)));", 3e-6, |[x, e]| [color::pow_poly(x, e)]);
}

fn curves() {
    let light = || ones([vec![-1.0, 0.0, 100.0, 1e6], spread(1e-7, 100.0, 4000)].concat());
    let code = || ones((0..=4000).map(|n| n as f32 / 4000.0).chain([-0.5, 1.5]).collect());
    assert_close("pq_from_power", &code(), "out(0u, pq_from_power(num(0u)));", 1e-6, |[x]| [color::pq_from_power(x)]);
    let body = "out(0u, pq_from_linear(num(0u)));";
    assert_close("pq_from_linear", &light(), body, 1e-6, |[x]| [color::pq_from_linear(x)]);
    let body = "out(0u, linear_from_pq(num(0u)));";
    assert_close("linear_from_pq", &code(), body, 1e-5, |[x]| [color::linear_from_pq(x)]);
    let body = "out(0u, srgb_from_power(num(0u), num(0u)));";
    assert_close("srgb_from_power", &code(), body, 1e-6, |[x]| [color::srgb_from_power(x, x)]);
    let body = "out(0u, srgb_from_linear(num(0u)));";
    assert_close("srgb_from_linear", &code(), body, 1e-6, |[x]| [color::srgb_from_linear(x)]);
    let body = "out(0u, linear_from_srgb(num(0u)));";
    assert_close("linear_from_srgb", &code(), body, 1e-6, |[x]| [color::linear_from_srgb(x)]);
}

fn numbers_that_are_none() {
    let odd = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 0.18, -1e30, 65_504.0, 65_505.0];
    let found = floats::<1, 1>("out(0u, light_or_black(num(0u)));", &ones(odd.to_vec()));
    for (x, [found]) in odd.into_iter().zip(found) {
        assert_eq!(found, color::light_or_black(x), "{x}");
    }
}

/// The uniform as words, and WGSL that reads it back from the row's first ones.
fn encode_words(signal: &Signal) -> [u32; 20] {
    let bytes = WallEncode::new(signal).uniform().to_bytes();
    std::array::from_fn(|n| u32::from_ne_bytes(bytes[4 * n..4 * n + 4].try_into().expect("four bytes")))
}

const READ_ENCODE: &str = "
    var encode: WallEncode;
    encode.gamut_from_acescg_x = vec4(num(0u), num(1u), num(2u), num(3u));
    encode.gamut_from_acescg_y = vec4(num(4u), num(5u), num(6u), num(7u));
    encode.gamut_from_acescg_z = vec4(num(8u), num(9u), num(10u), num(11u));
    encode.transfer = bits(12u);
    encode.peak_linear = num(13u);
    encode.unit_from_linear = num(14u);
    encode.exponent = num(15u);
    encode.bits = bits(16u);
    encode.dither_scale = num(17u);
    let light = vec3(num(20u), num(21u), num(22u));
";

/// Code values of `acescg` for a signal, by the shader: all three channels, and red alone as a channel of light.
fn encoded(signal: &Signal, acescg: &[[f32; 3]]) -> Vec<[f32; 4]> {
    let words = encode_words(signal);
    let row = |light: &[f32; 3]| -> [u32; 23] {
        std::array::from_fn(|n| if n < 20 { words[n] } else { light[n - 20].to_bits() })
    };
    let rows: Vec<[u32; 23]> = acescg.iter().map(row).collect();
    let body = format!(
        "{READ_ENCODE} let code = code_from_acescg(encode, light);
         out(0u, code.x); out(1u, code.y); out(2u, code.z); out(3u, code_from_linear(encode, light_or_black(light.x)));"
    );
    call(&body, &rows).into_iter().map(|row: [u32; 4]| row.map(f32::from_bits)).collect()
}

fn wall_encode() {
    let mut random = Seeded::new(5);
    let light = |random: &mut Seeded| [0; 3].map(|_| (random.between(-9.0, 3.5).exp() - 1e-3) as f32);
    let mut colors: Vec<[f32; 3]> = (0..800).map(|_| light(&mut random)).collect();
    colors.extend([[0.0; 3], [1.0; 3], [100.0; 3], [f32::NAN, 1.0, 2.0], [-1.0, 0.5, f32::INFINITY]]);
    for (transfer, gamut) in Transfer::ALL.into_iter().flat_map(|t| Gamut::ALL.map(|g| (t, g))) {
        let signal = Signal { transfer, gamut, peak_nits: 800.0, bits: 10 };
        let uniform: WallEncodeUniform = WallEncode::new(&signal).uniform();
        let exact = WallEncode::new(&signal);
        for (found, acescg) in encoded(&signal, &colors).into_iter().zip(&colors) {
            let [r, g, b] = color::code_from_acescg(&uniform, *acescg);
            let twin = [r, g, b, color::code_from_linear(&uniform, color::light_or_black(acescg[0]))];
            let near = (0..4).all(|n| (found[n] - twin[n]).abs() <= 2e-6);
            assert!(near, "{signal:?} of {acescg:?}: {found:?}, the twin {twin:?}");
            let exact = exact.code_from_acescg(acescg.map(f64::from));
            let near = (0..3).all(|c| (f64::from(found[c]) - exact[c]).abs() <= 2e-4);
            assert!(near, "{signal:?} of {acescg:?}: {found:?}, in f64 {exact:?}");
        }
    }
}

/// Colour-science's and OpenColorIO's code values.
fn reference() {
    let path = root().join("tests/data/colour/ref_acescg_to_rec2020_pq1500.csv");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(|n| n.parse().unwrap()).collect()).collect();
    assert!(rows.len() > 50);
    let column = |name: &str| head.iter().position(|found| *found == name).unwrap_or_else(|| panic!("no {name}"));
    let three = |name: &str| ["r", "g", "b"].map(|channel| column(&format!("{name}_{channel}")));
    let acescg = three("acescg");
    let light: Vec<[f32; 3]> = rows.iter().map(|row| acescg.map(|c| row[c] as f32)).collect();
    let signal = Signal { transfer: Transfer::Pq, gamut: Gamut::Rec2020, peak_nits: 1500.0, bits: 10 };
    let found = encoded(&signal, &light);
    for name in ["pq_clip_colour", "pq_clip_ocio"] {
        let columns = three(name);
        let mut worst = 0.0_f64;
        for (found, row) in found.iter().zip(&rows) {
            let errors = (0..3).map(|c| (f64::from(found[c]) - row[columns[c]]).abs());
            worst = errors.fold(worst, f64::max);
        }
        println!("{name}: at most {worst:.2e} off");
        assert!(worst <= 2e-4, "{name}: {worst:.2e} off");
    }
}

fn directions() {
    let mut random = Seeded::new(6);
    let mut rows: Vec<[f32; 3]> = (0..4000)
        .map(|_| random.unit_vector() * random.between(0.1, 30.0))
        .map(|v| [v.x as f32, v.y as f32, v.z as f32])
        .collect();
    // Axes, diagonals, poles.
    let signs = [-1.0, 0.0, 1.0];
    rows.extend(signs.iter().flat_map(|x| signs.iter().flat_map(move |y| signs.map(|z| [*x, *y, z]))));
    let body = "out(0u, atan2_poly(num(0u), num(1u)));";
    assert_close("atan2_poly", &rows, body, 5e-7, |[y, x, _]| [sphere::atan2_poly(y, x)]);
    let body = "let uv = uv_from_direction(vec3(num(0u), num(1u), num(2u))); out(0u, uv.x); out(1u, uv.y);";
    assert_close("uv_from_direction", &rows, body, 3e-7, sphere::uv_from_direction);
    let places: Vec<[f32; 2]> = (0..2000)
        .map(|_| [random.between(0.0, 1.0) as f32, random.between(0.0, 1.0) as f32])
        .chain([[0.0, 0.0], [1.0, 1.0], [0.5, 0.0], [0.0, 0.5]])
        .collect();
    let body = "let taps = equirect_taps(vec2(num(0u), num(1u)), vec2(2048u, 1024u));
        out(0u, f32(taps.left)); out(1u, f32(taps.right)); out(2u, f32(taps.top)); out(3u, f32(taps.bottom));
        out(4u, taps.weight.x); out(5u, taps.weight.y);";
    assert_close("equirect_taps", &places, body, 1e-3, |uv| {
        let taps = sphere::equirect_taps(uv, [2048, 1024]);
        let texels = [taps.left, taps.right, taps.top, taps.bottom].map(|texel| texel as f32);
        [texels[0], texels[1], texels[2], texels[3], taps.weight[0], taps.weight[1]]
    });
}

/// To the bit: the same frame gives the same bytes everywhere.
fn dithers() {
    let mut random = Seeded::new(7);
    let whole = |random: &mut Seeded, below: u64| (random.next() % below) as u32;
    let rows: Vec<[u32; 4]> = (0..4096)
        .map(|_| {
            let code = (random.between(-0.1, 1.1) as f32).to_bits();
            [whole(&mut random, 16_384), whole(&mut random, 16_384), random.next() as u32, code]
        })
        .chain([[0, 0, 0, 0], [u32::MAX, u32::MAX, u32::MAX, 1.0_f32.to_bits()]])
        .collect();
    for depth in [8, 10] {
        let body = format!(
            "let px = vec2(bits(0u), bits(1u)); let frame = bits(2u); let code = num(3u);
             let rgb = dither_rgb(px, frame);
             out(0u, dither_lsb(px, frame, 1u)); out(1u, rgb.x); out(2u, rgb.y); out(3u, rgb.z);
             out_bits(4u, level_max({depth}u)); out_bits(5u, quantise(code, {depth}u, rgb.x));
             out(6u, code_from_level(quantise(code, {depth}u, 0.0), {depth}u));
             let three = quantised_code(vec3(code, 1.0 - code, 0.5), {depth}u, rgb);
             out(7u, three.x); out(8u, three.y); out(9u, three.z);"
        );
        let found: Vec<[u32; 10]> = call(&body, &rows);
        for ([x, y, frame, code], found) in rows.iter().zip(found) {
            let (px, code) = ([*x, *y], f32::from_bits(*code));
            let rgb = dither::dither_rgb(px, *frame);
            let three = dither::quantised_code([code, 1.0 - code, 0.5], depth, rgb);
            let single = dither::code_from_level(dither::quantise(code, depth, 0.0), depth);
            let levels = [dither::level_max(depth), dither::quantise(code, depth, rgb[0])];
            let lsb = dither::dither_lsb(px, *frame, 1);
            let dithers = [lsb, rgb[0], rgb[1], rgb[2]].map(f32::to_bits);
            assert_eq!(found[..4], dithers, "dither of {px:?} in frame {frame}");
            assert_eq!(found[4..6], levels, "levels of {code} with dither {}", rgb[0]);
            // Division may be one bit off, less than any quantiser sees.
            for (found, expected) in found[6..].iter().zip([single, three[0], three[1], three[2]]) {
                let error = (f32::from_bits(*found) - expected).abs();
                assert!(error <= 6e-8, "{code} at {depth} bits: {}, the twin {expected}", f32::from_bits(*found));
            }
        }
    }
}

fn views() {
    let mut random = Seeded::new(8);
    #[rustfmt::skip]
    let clip_from_stage = Matrix4::new(
        1.7, -0.3, 0.2, 0.4,
        0.1, -0.6, 2.9, -1.1,
        0.0, 0.0, 0.0, 0.1,
        0.2, 0.95, 0.1, -0.5_f32,
    );
    let points: Vec<[f32; 3]> = (0..2000).map(|_| [0; 3].map(|_| random.between(-6.0, 6.0) as f32)).collect();
    // Near the view's plane the quotients are arbitrarily large: not what is compared here.
    let ahead: Vec<[f32; 3]> =
        points.into_iter().filter(|p| (clip_from_stage * Vector3::from(*p).push(1.0)).w.abs() > 0.2).collect();
    let columns: Vec<String> = clip_from_stage
        .column_iter()
        .map(|c| format!("vec4({:?}, {:?}, {:?}, {:?})", c[0], c[1], c[2], c[3]))
        .collect();
    let body = format!(
        "let ndc = view_ndc(mat4x4<f32>({}), vec3(num(0u), num(1u), num(2u)));
         out(0u, ndc.x); out(1u, ndc.y); out(2u, ndc.z);",
        columns.join(", ")
    );
    assert_close("view_ndc", &ahead, &body, 2e-6, |p| frustum::view_ndc(&clip_from_stage, &Vector3::from(p)).into());
    let places: Vec<[f32; 3]> = (0..4000)
        .map(|_| [random.between(-1.2, 1.2) as f32, random.between(-1.2, 1.2) as f32, random.between(0.0, 0.5) as f32])
        .chain([[1.0, 0.0, 0.05], [-1.0, 0.3, 0.0], [0.9499, 0.0, 0.05], [0.2, f32::NAN, 0.1], [0.0, 0.0, 0.0]])
        .collect();
    let body = "let at = vec2(num(0u), num(1u)); let uv = uv_from_ndc(at); let ndc = ndc_from_uv(at);
        out(0u, uv.x); out(1u, uv.y); out(2u, ndc.x); out(3u, ndc.y); out(4u, inner_weight(at, num(2u)));";
    assert_close("inner_weight", &places, body, 2e-6, |[x, y, soft_edge]| {
        let at = Vector2::new(x, y);
        let (uv, ndc) = (frustum::uv_from_ndc(at), frustum::ndc_from_uv(at));
        [uv.x, uv.y, ndc.x, ndc.y, frustum::inner_weight(at, soft_edge)]
    });
    let depths = ones([vec![0.0, -1.0, 1e-31, 1e-30, 1.0], spread(1e-6, 1.0, 1000)].concat());
    let body = "out(0u, distance_m_from_depth(num(0u)));";
    assert_close("distance_m_from_depth", &depths, body, 2e-7, |[x]| [frustum::distance_m_from_depth(x)]);
}

fn reprojection() {
    let mut random = Seeded::new(9);
    // Direction x, y and forward part, eye x, y and forward part, nearness, another depth.
    let rays: Vec<[f32; 8]> = (0..3000)
        .map(|_| {
            let [far, eye] = [0; 2].map(|_| [0; 3].map(|_| random.between(-0.3, 0.3) as f32));
            let nearness = random.between(0.0, 2.0) as f32;
            [far[0], far[1], 1.0 + far[2], eye[0], eye[1], 0.3 * eye[2], nearness, random.between(0.0, 0.2) as f32]
        })
        .collect();
    let body = "let far = vec4(num(0u), num(1u), 0.0, num(2u)); let eye = vec4(num(3u), num(4u), 0.1, num(5u));
        let ndc = ray_ndc(far, eye, num(6u)); out(0u, ndc.x); out(1u, ndc.y);
        out(2u, ray_depth(far, eye, num(6u))); out(3u, ray_nearness(far, eye, num(7u)));
        out(4u, select(0.0, 1.0, is_met(num(6u), 3.0 * num(7u))));";
    assert_close("ray", &rays, body, 2e-5, |[x, y, w, ex, ey, ew, nearness, depth]| {
        let (far, eye) = (Vector4::new(x, y, 0.0, w), Vector4::new(ex, ey, 0.1, ew));
        let ndc = reproject::ray_ndc(&far, &eye, nearness);
        let ray = reproject::ray_depth(&far, &eye, nearness);
        let near = reproject::ray_nearness(&far, &eye, depth);
        let meet = if reproject::is_met(nearness, 3.0 * depth) { 1.0 } else { 0.0 };
        [ndc.x, ndc.y, ray, near, meet]
    });
    let path = Matrix3::new(0.1, 0.01, 0.002, -2.0, 0.003, -0.001, 1.5, -0.02, 0.0005_f32);
    let y_rows = Matrix4x3::new(0.1, 0.01, 0.0, -0.4, 0.03, 0.001, 2.9, 0.002, 0.0, -3.0, 0.05, 0.002_f32);
    let w_rows = Matrix4x3::new(0.2, 0.002, 0.0, 0.95, 0.003, 0.0, 0.1, 0.01, 0.001, 1.0, 0.01, 0.0_f32);
    let column = |c: &[f32]| c.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(", ");
    let matrix = |columns: Vec<String>| columns.join(", ");
    let rows =
        |m: &Matrix4x3<f32>| matrix(m.column_iter().map(|c| format!("vec4({})", column(c.as_slice()))).collect());
    let points: Vec<[f32; 4]> = (0..3000)
        .map(|_| {
            let lines = if random.next() & 1 == 0 { 1.25 } else { -1.25 };
            [random.between(-3.0, 3.0), random.between(1.0, 6.0), random.between(0.0, 3.0), lines].map(|x| x as f32)
        })
        .collect();
    let body = format!(
        "let line = exposed_line(vec3(num(0u), num(1u), num(2u)), mat3x4<f32>({}), mat3x4<f32>({}), num(3u));
         let at = at_line(mat3x3<f32>({}), line); out(0u, line); out(1u, at.x); out(2u, at.y); out(3u, at.z);",
        rows(&y_rows),
        rows(&w_rows),
        matrix(path.column_iter().map(|c| format!("vec3({})", column(c.as_slice()))).collect())
    );
    assert_close("exposed_line", &points, &body, 2e-5, |[x, y, z, lines_per_ndc]| {
        let line = reproject::exposed_line(&Vector3::new(x, y, z), &y_rows, &w_rows, lines_per_ndc);
        let at = reproject::at_line(&path, line);
        [line, at.x, at.y, at.z]
    });
}

/// Whole numbers all the way: every bit must agree.
fn coded() {
    let mut random = Seeded::new(10);
    let mut rows: Vec<[f32; 4]> = (0..3000_u32)
        .map(|n| {
            let source = (random.next() % 200) as f32;
            [n as f32, source, random.between(-2.0, 900.0) as f32, random.between(-2.0, 500.0) as f32]
        })
        .collect();
    rows.extend((0..128).map(|n| [n as f32, 0.0, 0.5, 60.5]));
    let body = "let frame = u32(num(0u)); let source = u32(num(1u)); let px = vec2(num(2u), num(3u));
        let size = vec2(880.0, 440.0); let cell = coded_cell(px, size); let bits = coded_bits(frame, source);
        out(0u, coded_pattern(frame, source, px, size)); out(1u, f32(cell.x)); out(2u, f32(cell.y));
        out(3u, select(0.0, 1.0, bits.x)); out(4u, select(0.0, 1.0, bits.y));
        out(5u, select(0.0, 1.0, source_bit(source, frame % 8u)));";
    assert_close("coded_pattern", &rows, body, 0.0, |[frame, source, x, y]| {
        let (frame, source) = (frame as u64, source as u32);
        let (px, size) = ([x, y], [880.0, 440.0]);
        let (bit, opposite) = pattern::coded_cell(px, size);
        let bits = pattern::coded_bits(frame, source);
        let own = pattern::source_bit(source, frame % 8);
        let number = |yes: bool| if yes { 1.0 } else { 0.0 };
        let light = pattern::coded_pattern(frame, source, px, size);
        [light, bit as f32, number(opposite), number(bits[0]), number(bits[1]), number(own)]
    });
}

/// What a 3 x 5 digit looks like, written down once more as people see it.
pub const DIGITS: [[&str; 5]; 10] = [
    ["###", "# #", "# #", "# #", "###"],
    [" # ", "## ", " # ", " # ", "###"],
    ["###", "  #", "###", "#  ", "###"],
    ["###", "  #", "###", "  #", "###"],
    ["# #", "# #", "###", "  #", "  #"],
    ["###", "#  ", "###", "  #", "###"],
    ["###", "#  ", "###", "# #", "###"],
    ["###", "  #", "  #", "  #", "  #"],
    ["###", "# #", "###", "# #", "###"],
    ["###", "# #", "###", "  #", "###"],
];

/// A panel's number as rows of text, one character per dot.
pub fn number_picture(number: u32) -> Vec<String> {
    let faces: Vec<_> = number.to_string().bytes().map(|digit| DIGITS[usize::from(digit - b'0')]).collect();
    (0..5).map(|row| faces.iter().map(|face| face[row]).collect::<Vec<_>>().join(" ")).collect()
}

/// Every dot of numbers with one to four digits, at the size and place that panels of 64 and 96 pixels give them.
fn panel_numbers() {
    for (panel, number) in [64_u32, 96].into_iter().flat_map(|panel| [0_u32, 7, 18, 42, 359, 1605].map(|n| (panel, n)))
    {
        let rows: Vec<[u32; 2]> = (0..panel).flat_map(|y| (0..panel).map(move |x| [x, y])).collect();
        let body = format!(
            "let at = vec2(f32(bits(0u)), f32(bits(1u))) + 0.5;
             out_bits(0u, select(0u, 1u, digits(at, vec2({panel}.0, {panel}.0), {number}u)));"
        );
        let found: Vec<bool> = call(&body, &rows).into_iter().map(|[lit]: [u32; 1]| lit == 1).collect();
        let lines = number_picture(number);
        let columns = lines[0].len();
        // As large as fits into the panel with a dot to spare at either side and three above and below.
        let dot = (panel as usize / (columns + 3)).min(panel as usize / 11).max(1);
        let left = (panel as usize - columns * dot) / 2;
        let top = (panel as usize - 5 * dot) / 2;
        for (n, lit) in found.iter().enumerate() {
            let (x, y) = (n % panel as usize, n / panel as usize);
            let dot_at = |at: usize, from: usize| at.checked_sub(from).map(|inside| inside / dot);
            let expected = dot_at(x, left)
                .zip(dot_at(y, top))
                .and_then(|(column, row)| lines.get(row)?.as_bytes().get(column).copied())
                .is_some_and(|dot| dot == b'#');
            assert_eq!(*lit, expected, "pixel {x}, {y} of {number} on a panel of {panel}");
        }
    }
}
