//! Wall geometry against numbers that an independent implementation of the conventions computed (Python with
//! NumPy, float64), and against properties.

use cyc_core::Pose;
use cyc_stage::geometry::{ArcError, arc_seams, flat_seams, panel_patches};
use cyc_stage::stage::{Panel, Wall};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;

struct Case {
    name: &'static str,
    columns: u32,
    rows: u32,
    panel_px: u32,
    pitch_mm: f64,
    radius_m: Option<f64>,
    position_m: [f64; 3],
    rotation_deg: [f64; 3],
    points: &'static [([f64; 2], [f64; 3])],
}

#[rustfmt::skip]
#[allow(clippy::excessive_precision, clippy::approx_constant, reason = "numbers as the oracle printed them")]
const CASES: &[Case] = &[
    Case {
        name: "flat",
        columns: 4,
        rows: 2,
        panel_px: 100,
        pitch_mm: 5.0,
        radius_m: None,
        position_m: [0.0, 0.0, 0.0],
        rotation_deg: [0.0, 0.0, 0.0],
        points: &[
            ([0.0, 0.0], [-1.0, 0.0, 1.0]),
            ([400.0, 0.0], [1.0, 0.0, 1.0]),
            ([0.0, 200.0], [-1.0, 0.0, 0.0]),
            ([400.0, 200.0], [1.0, 0.0, 0.0]),
            ([200.0, 100.0], [0.0, 0.0, 0.5]),
            ([0.5, 0.5], [-0.9975, 0.0, 0.9975]),
            ([148.25, 162.0], [-0.25875, 0.0, 0.19]),
            ([399.5, 199.5], [0.9975, 0.0, 0.0025]),
        ],
    },
    Case {
        name: "flat turned",
        columns: 5,
        rows: 3,
        panel_px: 64,
        pitch_mm: 2.604,
        radius_m: None,
        position_m: [1.5, 4.0, 0.25],
        rotation_deg: [30.0, -12.0, 7.0],
        points: &[
            ([0.0, 0.0], [1.137770665520879, 3.9221922978371873, 0.7850633246177092]),
            ([320.0, 0.0], [1.8645901564070306, 4.31744172617039, 0.6857311774030639]),
            ([0.0, 192.0], [1.1365902545569242, 3.802375285833399, 0.2996660736073227]),
            ([320.0, 192.0], [1.8634097454430758, 4.197624714166602, 0.20033392639267728]),
            ([160.0, 96.0], [1.5005902054819773, 4.059908506001895, 0.4926986255051933]),
            ([0.5, 0.5], [1.1389032469885032, 3.922497851600198, 0.7836440627965134]),
            ([118.65, 155.52], [1.4063055719952064, 3.9716915952132887, 0.35506105358986584]),
            ([319.5, 191.5], [1.8622771639754516, 4.19731916040359, 0.20175318821387303]),
        ],
    },
    Case {
        name: "arc even",
        columns: 20,
        rows: 8,
        panel_px: 192,
        pitch_mm: 2.604,
        radius_m: Some(6.0),
        position_m: [0.0, 6.0, 0.0],
        rotation_deg: [0.0, 0.0, 0.0],
        points: &[
            ([0.0, 0.0], [-4.4418192612534275, 4.033638760518604, 3.999744]),
            ([3840.0, 0.0], [4.4418192612534275, 4.0336387605186035, 3.999744]),
            ([0.0, 1536.0], [-4.4418192612534275, 4.033638760518604, 0.0]),
            ([3840.0, 1536.0], [4.4418192612534275, 4.0336387605186035, 0.0]),
            ([1920.0, 768.0], [0.0, 6.0, 1.999872]),
            ([0.5, 0.5], [-4.440904562804992, 4.034565329862167, 3.998442]),
            ([1421.05, 1244.16], [-1.2884536724036515, 5.8548979616891, 0.7599513599999997]),
            ([3839.5, 1535.5], [4.440904562804992, 4.034565329862166, 0.001302]),
        ],
    },
    Case {
        name: "arc odd",
        columns: 7,
        rows: 3,
        panel_px: 96,
        pitch_mm: 5.208,
        radius_m: Some(3.0),
        position_m: [0.5, 4.0, 0.1],
        rotation_deg: [0.0, 0.0, 0.0],
        points: &[
            ([0.0, 0.0], [-1.154028963880779, 3.513269504997468, 1.599904]),
            ([672.0, 0.0], [2.154028963880779, 3.513269504997468, 1.599904]),
            ([0.0, 288.0], [-1.154028963880779, 3.513269504997468, 0.1]),
            ([672.0, 288.0], [2.154028963880779, 3.513269504997468, 0.1]),
            ([336.0, 144.0], [0.5, 4.0, 0.8499519999999999]),
            ([0.5, 0.5], [-1.1517444238789618, 3.514519182147814, 1.5973]),
            ([248.89, 233.28000000000003], [0.04915971457180063, 3.9661727484917835, 0.38498175999999984]),
            ([671.5, 287.5], [2.151744423878962, 3.5145191821478137, 0.102604]),
        ],
    },
    Case {
        name: "convex even",
        columns: 6,
        rows: 2,
        panel_px: 64,
        pitch_mm: 10.0,
        radius_m: Some(-2.5),
        position_m: [0.0, 3.0, 0.0],
        rotation_deg: [0.0, 0.0, 0.0],
        points: &[
            ([0.0, 0.0], [-1.740540475960918, 3.705419589000888, 1.28]),
            ([384.0, 0.0], [1.740540475960918, 3.705419589000888, 1.28]),
            ([0.0, 128.0], [-1.740540475960918, 3.705419589000888, 0.0]),
            ([384.0, 128.0], [1.740540475960918, 3.705419589000888, 0.0]),
            ([192.0, 64.0], [0.0, 3.0, 0.64]),
            ([0.5, 0.5], [-1.7365352606115811, 3.7024265554218188, 1.275]),
            ([142.32999999999998, 103.68], [-0.49261422916744924, 3.0635776000000003, 0.24319999999999994]),
            ([383.5, 127.5], [1.7365352606115811, 3.7024265554218188, 0.005]),
        ],
    },
    Case {
        name: "convex odd turned",
        columns: 5,
        rows: 2,
        panel_px: 64,
        pitch_mm: 10.0,
        radius_m: Some(-2.5),
        position_m: [-1.0, 3.0, 0.2],
        rotation_deg: [-40.0, 5.0, 3.0],
        points: &[
            ([0.0, 0.0], [-1.8641757685716, 4.190873601741396, 1.5929635692979842]),
            ([320.0, 0.0], [0.434254342942501, 2.2800836343567115, 1.43691636982124]),
            ([0.0, 128.0], [-1.8438824104576814, 4.319276260664159, 0.31958187601115795]),
            ([320.0, 128.0], [0.4545477010564194, 2.4084862932794744, 0.16353467653441361]),
            ([160.0, 64.0], [-1.010146679056959, 2.9357986705386185, 0.8366908466434131]),
            ([0.5, 0.5], [-1.8623244036829962, 4.186720595494364, 1.5875483142567728]),
            ([118.65, 103.68], [-1.3038394714166865, 3.255747089316674, 0.4654103517108511]),
            ([319.5, 127.5], [0.4495513037064125, 2.408891195791803, 0.16852186687330753]),
        ],
    },
    Case {
        name: "arc odd turned",
        columns: 9,
        rows: 4,
        panel_px: 64,
        pitch_mm: 10.0,
        radius_m: Some(4.0),
        position_m: [2.0, 1.0, 0.3],
        rotation_deg: [75.0, 10.0, -20.0],
        points: &[
            ([0.0, 0.0], [2.317518506292864, -2.559696568137569, 1.609379393263805]),
            ([576.0, 0.0], [3.9044816850088706, 2.151396636356271, 3.3877123168789485]),
            ([0.0, 256.0], [2.140636586490931, -1.6058428131008755, -0.759687047435903]),
            ([576.0, 256.0], [3.7275997652069384, 3.1052503913929645, 1.0186458761792405]),
            ([288.0, 128.0], [2.088440959900966, 0.5230731224816532, 1.484533220349854]),
            ([0.5, 0.5], [2.3155348542435243, -2.5534950535995677, 1.6066214335138975]),
            ([213.37, 207.36], [1.8756014715178857, 0.1403823095817549, 0.48878250139111584]),
            ([575.5, 255.5], [3.723897365763393, 3.100572449760603, 1.0224418082709221]),
        ],
    },
    Case {
        name: "ceiling",
        columns: 6,
        rows: 5,
        panel_px: 64,
        pitch_mm: 7.8125,
        radius_m: None,
        position_m: [0.0, 4.0, 4.2],
        rotation_deg: [0.0, 90.0, 0.0],
        points: &[
            ([0.0, 0.0], [-1.5, 1.5, 4.2]),
            ([384.0, 0.0], [1.5, 1.5, 4.2]),
            ([0.0, 320.0], [-1.5, 4.0, 4.2]),
            ([384.0, 320.0], [1.5, 4.0, 4.2]),
            ([192.0, 160.0], [0.0, 2.75, 4.2]),
            ([0.5, 0.5], [-1.49609375, 1.50390625, 4.2]),
            ([142.32999999999998, 259.20000000000005], [-0.3880468750000001, 3.5250000000000004, 4.2]),
            ([383.5, 319.5], [1.49609375, 3.99609375, 4.2]),
        ],
    },
    Case {
        name: "floor",
        columns: 6,
        rows: 5,
        panel_px: 64,
        pitch_mm: 7.8125,
        radius_m: None,
        position_m: [0.25, -1.0, 0.0],
        rotation_deg: [15.0, -90.0, 0.0],
        points: &[
            ([0.0, 0.0], [-1.8459363521899044, 1.0265859980688896, 1.5308084989341916e-16]),
            ([384.0, 0.0], [1.0518411266773007, 1.8030431333764518, 1.5308084989341916e-16]),
            ([0.0, 320.0], [-1.1988887394336025, -1.388228567653781, 0.0]),
            ([384.0, 320.0], [1.6988887394336025, -0.6117714323462189, 0.0]),
            ([192.0, 160.0], [-0.07352380637815092, 0.20740728286133536, 7.654042494670958e-17]),
            ([0.5, 0.5], [-1.8411521925360308, 1.0238238622048796, 1.528416610654607e-16]),
            ([142.32999999999998, 259.20000000000005], [-0.24776354479696316, -0.6416191541552101, 2.908536147974962e-17]),
            ([383.5, 319.5], [1.694104579779729, -0.6090092964822089, 2.391888279584674e-19]),
        ],
    },
];

fn wall(
    columns: u32,
    rows: u32,
    panel: Panel,
    radius_m: Option<f64>,
    position_m: [f64; 3],
    rotation_deg: [f64; 3],
) -> Wall {
    let [pan, tilt, roll] = rotation_deg.map(f64::to_radians);
    let stage_from_wall = Pose::from_pan_tilt_roll(Point3::from(position_m), pan, tilt, roll).stage_from_own();
    let panel_m = f64::from(panel.width_px) * panel.pitch_mm / 1000.0;
    let seams = match radius_m {
        None => flat_seams(columns, panel_m),
        Some(radius_m) => arc_seams(columns, panel_m, radius_m).unwrap(),
    };
    let patches = panel_patches(&seams, rows, &panel, &stage_from_wall);
    let size_px = [columns * panel.width_px, rows * panel.height_px];
    Wall { id: "w".into(), size_px, panel, stage_from_wall, patches, led: None }
}

fn case_wall(case: &Case) -> Wall {
    let panel = Panel { width_px: case.panel_px, height_px: case.panel_px, pitch_mm: case.pitch_mm };
    wall(case.columns, case.rows, panel, case.radius_m, case.position_m, case.rotation_deg)
}

#[test]
fn walls_stand_where_the_oracle_says() {
    for case in CASES {
        let wall = case_wall(case);
        for (px, expected) in case.points {
            let point = wall.point_of_px(*px).unwrap();
            let error = (point - Point3::from(*expected)).norm();
            assert!(error <= 1e-12, "{} at {px:?}: {point} is {error} m off", case.name);
        }
    }
}

#[test]
fn the_stage_file_makes_the_same_walls() {
    for case in CASES {
        let shape = match case.radius_m {
            None => format!("shape.flat = {{ columns = {}, rows = {} }}", case.columns, case.rows),
            Some(r) => format!("shape.arc = {{ columns = {}, rows = {}, radius_m = {r:?} }}", case.columns, case.rows),
        };
        let [pan, tilt, roll] = case.rotation_deg;
        let text = format!(
            "format = 1\nname = \"t\"\nframe_rate = \"24\"\n[[wall]]\nid = \"w\"\n\
             panel = {{ width_px = {0}, height_px = {0}, pitch_mm = {1:?} }}\n{shape}\nposition_m = {2:?}\n\
             rotation_deg = {{ pan = {pan:?}, tilt = {tilt:?}, roll = {roll:?} }}\n",
            case.panel_px, case.pitch_mm, case.position_m
        );
        let stage = crate::parse(&text).unwrap().stage;
        assert_eq!(stage.walls[0], case_wall(case), "{}", case.name);
    }
}

#[test]
fn ceilings_look_down_and_floors_up() {
    for (name, up) in [("ceiling", -1.0), ("floor", 1.0)] {
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        let normal = case_wall(case).normal([10.0, 10.0]).unwrap();
        assert!((normal.into_inner() - Vector3::new(0.0, 0.0, up)).norm() < 1e-12, "{name}: {normal:?}");
    }
}

#[test]
fn arcs_that_cannot_be_are_refused() {
    assert!(matches!(arc_seams(4, 1.0, 0.4), Err(ArcError::PanelTooWide { .. })));
    assert!(matches!(arc_seams(4, 1.0, 0.0), Err(ArcError::PanelTooWide { .. })));
    assert!(matches!(arc_seams(20, 0.5, -1.0), Err(ArcError::MoreThanFullCircle { .. })));
    // Twelve chords of exactly a twelfth of the circle close it.
    let panel_m = 2.0 * 3.0 * (std::f64::consts::PI / 12.0).sin();
    let seams = arc_seams(12, panel_m, 3.0).unwrap();
    let gap = (seams[0][0] - seams[12][0]).hypot(seams[0][1] - seams[12][1]);
    assert!(gap < 1e-9, "{gap}");
}

#[test]
fn pixels_outside_a_wall_are_nowhere() {
    let wall = case_wall(&CASES[0]);
    for px in [[-0.1, 0.0], [0.0, 200.1], [400.1, 0.0], [f64::NAN, 0.0], [f64::INFINITY, 0.0]] {
        assert_eq!(wall.point_of_px(px), None, "{px:?}");
    }
}

prop_compose! {
    fn any_wall()(
        columns in 1..12u32,
        rows in 1..6u32,
        (width_px, height_px) in (1..300u32, 1..300u32),
        pitch_mm in 0.5..20.0f64,
        curve in prop::option::of((1.0..4.0f64, any::<bool>())),
        position_m in prop::array::uniform3(-10.0..10.0f64),
        rotation_deg in prop::array::uniform3(-180.0..180.0f64),
    ) -> (Wall, Option<f64>) {
        // A radius at which the arc is at most a full circle.
        let panel = Panel { width_px, height_px, pitch_mm };
        let panel_m = f64::from(width_px) * pitch_mm / 1000.0;
        let least = panel_m * f64::from(columns.max(2)) / 4.0;
        let radius_m = curve.map(|(times, convex)| least * times * if convex { -1.0 } else { 1.0 });
        (wall(columns, rows, panel, radius_m, position_m, rotation_deg), radius_m)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn panels_are_flat_square_and_whole((wall, _) in any_wall()) {
        let pitch_m = wall.panel.pitch_mm / 1000.0;
        for patch in &wall.patches {
            let [right, down] = patch.metres_per_px().unwrap();
            prop_assert!((right.norm() / pitch_m - 1.0).abs() < 1e-6);
            prop_assert!((down.norm() / pitch_m - 1.0).abs() < 1e-6);
            prop_assert!(right.dot(&down).abs() < 1e-9 * pitch_m);
            // Wound so that the viewer sees it counter-clockwise.
            let [a, b, c] = patch.position_m;
            prop_assert!((b - a).cross(&(c - a)).dot(&patch.normal().unwrap()) > 0.0);
        }
        let [width, height] = wall.size_px.map(f64::from);
        prop_assert!((wall.area_m2() / (width * height * pitch_m * pitch_m) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn neighbours_share_their_edges((wall, _) in any_wall(), at in 0.0..1.0f64) {
        let y = at * f64::from(wall.size_px[1]);
        for seam in 1..wall.size_px[0] / wall.panel.width_px {
            let x = f64::from(seam * wall.panel.width_px);
            let [left, right] = [x - 1e-7, x + 1e-7].map(|x| wall.point_of_px([x, y]).unwrap());
            prop_assert!((left - right).norm() < 1e-6, "seam {}", seam);
        }
    }

    #[test]
    fn seams_lie_on_the_circle((wall, radius_m) in any_wall()) {
        let Some(radius_m) = radius_m else { return Ok(()) };
        let local = |px| wall.stage_from_wall.inverse_transform_point(&wall.point_of_px(px).unwrap());
        let [width, height] = wall.size_px.map(f64::from);
        let bottom = local([width / 2.0, height]);
        prop_assert!(bottom.coords.norm() < 1e-9, "the origin is the bottom centre: {}", bottom);
        let middle = local([0.0, height]);
        let columns = wall.size_px[0] / wall.panel.width_px;
        let half = f64::from(wall.panel.width_px) * wall.panel.pitch_mm / 2000.0;
        // The axis: towards the viewer for a positive radius, from the middle seam or the middle chord.
        let depth = if columns % 2 == 0 { radius_m } else { radius_m.signum() * (radius_m * radius_m - half * half).sqrt() };
        prop_assert!((middle.x.hypot(middle.y + depth) - radius_m.abs()).abs() < 1e-9);
    }

    #[test]
    fn the_bounds_hold_every_pixel((wall, _) in any_wall(), u in 0.0..1.0f64, v in 0.0..1.0f64) {
        let [low, high] = wall.bounds_m().unwrap();
        let point = wall.point_of_px([u * f64::from(wall.size_px[0]), v * f64::from(wall.size_px[1])]).unwrap();
        for axis in 0..3 {
            prop_assert!((low[axis] - 1e-9..=high[axis] + 1e-9).contains(&point[axis]));
        }
    }
}
