//! Test patterns: exact pixels.

use crate::{
    harness::{self, Needs, render, scratch, write},
    oracle::{Oracle, Pose, V3, frame_line},
    panorama::Panorama,
    picture::{Picture, WallPicture, read_png, wall_pictures},
    through_camera::wall_points,
    twins::number_picture,
};
use cyc_color::{Gamut, Signal, Transfer, transfer};
use cyc_frame::delay::pattern;
use libtest_mimic::Trial;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 6] = [
        ("grid_shows_panels_and_their_numbers", grid),
        ("bar_moves_four_pixels_a_frame", bar),
        ("flat_field_has_its_luminance", flat_field),
        ("black_is_black", black),
        ("coded_pattern_says_which_frame_it_is", coded),
        ("outline_runs_around_the_inner_frustum", outline),
    ];
    tests.map(|(name, test)| harness::trial(format!("patterns::{name}"), Needs::Gpu, test)).into()
}

/// Panels that are not square, cut into two outputs in the middle of a panel.
const STAGE: &str = r#"format = 1
name = "patterns"
frame_rate = "24"
eye_point_m = [0.0, 0.0, 1.0]

[[wall]]
id = "wall"
panel = { width_px = 64, height_px = 48, pitch_mm = 12.5 }
shape.flat = { columns = 5, rows = 4 }
position_m = [0.0, 4.0, 0.0]

[[camera]]
id = "cam-a"
focal_length_mm = 35.0
sensor = { width_mm = 36.0, height_mm = 20.25 }
inner = { width_px = 320, height_px = 180, overscan = 1.25 }

[[output]]
id = "left"
node = "n"
wall = "wall"
wall_px = { x = 0, y = 0, width = 157, height = 192 }

[[output]]
id = "right"
node = "n"
wall = "wall"
wall_px = { x = 157, y = 0, width = 163, height = 192 }
"#;

const PANEL_PX: [usize; 2] = [64, 48];
const COLUMNS: usize = 5;
const WALL_PX: [usize; 2] = [320, 192];

/// Renders `frames` of a pattern; the folder with the pictures.
fn show(
    name: &str,
    stage: &str,
    pattern: Option<&str>,
    options: &[&str],
    frames: &[u64],
    pose: Option<Pose>,
) -> PathBuf {
    let folder = scratch(&format!("patterns-{name}"));
    let stage = write(&folder, "stage.toml", stage);
    let (_, environment) = Panorama::smooth(&folder);
    let cameras: BTreeMap<&str, Pose> = pose.map(|pose| ("cam-a", pose)).into_iter().collect();
    let lines: String = frames.iter().map(|frame| frame_line(*frame, &cameras, &BTreeMap::new())).collect();
    let input = write(&folder, "frames.jsonl", lines);
    let out = folder.join("out");
    let mut call = render(&stage, &input, &environment, &out);
    call = pattern.into_iter().fold(call, |call, pattern| call.option("--pattern", pattern));
    options.iter().fold(call, |call, option| call.arg(option)).run().expect_code(0);
    out
}

fn wall(folder: &Path, frame: u64) -> WallPicture {
    wall_pictures(&Oracle::of(STAGE, folder), folder, frame).remove(0)
}

/// The wall's pixels as 8-bit levels.
fn levels(picture: &WallPicture) -> impl Fn(usize, usize) -> [u8; 3] + '_ {
    |x, y| picture.at(x, y).expect("both outputs cover the wall").map(|code| (255.0 * code).round() as u8)
}

fn brightness(rgb: [u8; 3]) -> u32 {
    rgb.into_iter().map(u32::from).sum()
}

fn grid() {
    let picture = wall(&show("grid", STAGE, Some("grid"), &[], &[0], None), 0);
    let at = levels(&picture);
    let center = |at: usize, side: usize| at + 1 >= side / 2 && at < side / 2 + 1;
    // Borders stand at exactly the first and the last pixel of every panel, brighter than what is beside them.
    for (x, y) in (0..WALL_PX[1]).flat_map(|y| (0..WALL_PX[0]).map(move |x| (x, y))) {
        let inside = [x % PANEL_PX[0], y % PANEL_PX[1]];
        let is_border = (0..2).any(|i| inside[i] == 0 || inside[i] == PANEL_PX[i] - 1);
        let is_special = center(x, WALL_PX[0]) || center(y, WALL_PX[1]);
        let is_number_place =
            inside[0] > 8 && inside[0] < PANEL_PX[0] - 8 && inside[1] > 8 && inside[1] < PANEL_PX[1] - 8;
        if is_special || (is_number_place && !is_border) {
            continue;
        }
        let bright = brightness(at(x, y));
        assert_eq!(bright > 300, is_border, "pixel {x}, {y} has {:?}", at(x, y));
        let is_rim = x == 0 || y == 0 || x == WALL_PX[0] - 1 || y == WALL_PX[1] - 1;
        assert_eq!(at(x, y) == [255; 3], is_rim, "the wall's own rim at {x}, {y}");
    }
    // Its middle is marked, whatever the panels.
    let middle = at(WALL_PX[0] / 2, 10);
    assert!(middle[0] > middle[2] && middle == at(WALL_PX[0] / 2 - 1, 10) && middle != at(WALL_PX[0] / 2 + 1, 10));
    // Neighbouring panels differ, and each shows its own number.
    let mut seen = BTreeSet::new();
    for panel in 0..COLUMNS * 4 {
        let [left, top] = [panel % COLUMNS * PANEL_PX[0], panel / COLUMNS * PANEL_PX[1]];
        let lines = number_picture(panel as u32);
        let columns = lines[0].len();
        let dot = (PANEL_PX[0] / (columns + 3)).min(PANEL_PX[1] / 11);
        let from = [left + (PANEL_PX[0] - columns * dot) / 2, top + (PANEL_PX[1] - 5 * dot) / 2];
        let lit = |column: usize, row: usize| {
            let [x, y] = [from[0] + column * dot + dot / 2, from[1] + row * dot + dot / 2];
            (!center(x, WALL_PX[0]) && !center(y, WALL_PX[1])).then(|| brightness(at(x, y)) > 450)
        };
        for (row, line) in lines.iter().enumerate() {
            for (column, dot) in line.bytes().enumerate() {
                if let Some(lit) = lit(column, row) {
                    assert_eq!(lit, dot == b'#', "panel {panel}: dot {column}, {row} of its number");
                }
            }
        }
        let inside = (4..PANEL_PX[1] - 4).flat_map(|y| (4..PANEL_PX[0] - 4).map(move |x| (x, y)));
        seen.insert(inside.map(|(x, y)| brightness(at(left + x, top + y)) > 450).collect::<Vec<_>>());
        if panel % COLUMNS > 0 {
            assert_ne!(at(left + 3, top + 3), at(left - 4, top + 3), "panel {panel} looks like its neighbour");
        }
    }
    assert_eq!(seen.len(), COLUMNS * 4, "two panels show the same");
}

fn bar() {
    // The last two go around the end of the wall.
    let frames = [0, 1, 2, 50, 78, 79, 80, 1000];
    let out = show("bar", STAGE, Some("bar"), &[], &frames, None);
    for frame in frames {
        let picture = wall(&out, frame);
        let at = levels(&picture);
        let left = (4 * frame as usize) % WALL_PX[0];
        let row = if frame as usize % WALL_PX[1] > 90 { 30 } else { 150 };
        let white: Vec<usize> = (0..WALL_PX[0]).filter(|x| at(*x, row) == [255; 3]).collect();
        let expected: Vec<usize> = (left..(left + 8).min(WALL_PX[0])).collect();
        assert_eq!(white, expected, "columns of the bar in frame {frame}");
        for (x, y) in white.iter().flat_map(|x| (0..WALL_PX[1]).map(move |y| (*x, y))) {
            assert_eq!(at(x, y), [255; 3], "the bar has a hole at {x}, {y} in frame {frame}");
        }
        let column = (left + 100) % WALL_PX[0];
        let lit: Vec<usize> = (0..WALL_PX[1]).filter(|y| at(column, *y) != at(column, row)).collect();
        let top = frame as usize % WALL_PX[1];
        assert_eq!(lit, [top, top + 1], "rows of the second bar in frame {frame}");
    }
}

fn flat_field() {
    let signal = |transfer, gamut, peak_nits, bits| Signal { transfer, gamut, peak_nits, bits };
    for (name, signal, nits) in [
        ("srgb", signal(Transfer::Srgb, Gamut::Srgb, 100.0, 8), 40.0),
        ("p3", signal(Transfer::Gamma24, Gamut::P3, 400.0, 8), 130.0),
        ("pq", signal(Transfer::Pq, Gamut::Rec2020, 1500.0, 10), 203.0),
        ("clipped", signal(Transfer::Pq, Gamut::Rec2020, 1000.0, 10), 4000.0),
        ("ap1", signal(Transfer::Linear, Gamut::Ap1, 1000.0, 10), 18.0),
    ] {
        let table = format!(
            "wall = \"wall\"\nsignal = {{ transfer = \"{}\", gamut = \"{}\", peak_nits = {:?}, bits = {} }}\n",
            signal.transfer.name(),
            signal.gamut.name(),
            signal.peak_nits,
            signal.bits
        );
        let stage = STAGE.replace("wall = \"wall\"\n", &table);
        let out =
            show(&format!("flat-{name}"), &stage, Some("flat"), &["--pattern-nits", &nits.to_string()], &[3], None);
        // White light of so many nits has the same code in all primaries.
        let [code, ..] = transfer::encode(&signal, [nits / 100.0; 3]);
        let top = f64::from((1_u32 << signal.bits) - 1);
        let level = (code * top).round();
        for id in ["left", "right"] {
            let Picture { pixels, bits, .. } = read_png(&out.join(format!("{id}.000003.png")));
            let number = if bits == 16 { (level * 65535.0 / top).round() } else { level };
            let odd = pixels.iter().find(|pixel| **pixel != [number; 3]);
            assert_eq!(odd, None, "{name}: every pixel of {nits} nits must be {number}, without dither");
        }
    }
}

fn black() {
    for (name, signal) in
        [("srgb", ""), ("pq", "signal = { transfer = \"pq\", gamut = \"rec2020\", peak_nits = 1000.0, bits = 10 }\n")]
    {
        let stage = STAGE.replace("wall = \"wall\"\n", &format!("wall = \"wall\"\n{signal}"));
        let out = show(&format!("black-{name}"), &stage, Some("black"), &[], &[0], Some(Pose::at([0.0, 0.0, 1.0])));
        for id in ["left", "right"] {
            let picture = read_png(&out.join(format!("{id}.000000.png")));
            assert!(picture.pixels.iter().all(|pixel| *pixel == [0.0; 3]), "{name}: {id} is not black");
        }
    }
}

/// Each output shows its own number, and both are cut from the wall where a cell goes on.
fn coded() {
    let frames = [3, 40, 100, 127];
    let out = show("coded", STAGE, Some("coded"), &[], &frames, Some(Pose::at([0.0, 0.0, 1.0])));
    for frame in frames {
        for (source, id, left) in [(0, "left", 0), (1, "right", 157)] {
            let picture = read_png(&out.join(format!("{id}.{frame:06}.png")));
            for (at, pixel) in picture.pixels.iter().enumerate() {
                let px = [(left + at % picture.size_px[0]) as f32 + 0.5, (at / picture.size_px[0]) as f32 + 0.5];
                let lit = f64::from(pattern::coded_pattern(frame, source, px, [320.0, 192.0]));
                assert!(
                    pixel.iter().all(|code| (code - 255.0 * lit).abs() < 1e-9),
                    "{id}, frame {frame}, {px:?}: {pixel:?}"
                );
            }
        }
    }
}

/// A camera in a usual position, and one on its side.
fn outline() {
    for roll in [14.0, 90.0] {
        let pose = Pose { focal_mm: 50.0, ..Pose::at([0.5, 0.0, 1.4]) }.looking_at(V3::new(0.1, 4.0, 1.1), roll);
        outline_of(pose, &format!("outline-{roll}"));
    }
}

fn outline_of(pose: Pose, name: &str) {
    let plain = wall(&show(&format!("{name}-off"), STAGE, None, &[], &[0], Some(pose)), 0);
    let picture = wall(&show(name, STAGE, Some("outline"), &[], &[0], Some(pose)), 0);
    let (plain, at) = (levels(&plain), levels(&picture));
    let oracle = Oracle::of(STAGE, Path::new("."));
    let (camera, points) = (&oracle.table.cameras[0], wall_points(&oracle, 0));
    let ndc = |x: usize, y: usize| {
        let point = points[y * WALL_PX[0] + x].expect("a flat wall has no holes");
        let on_sensor = pose.on_sensor(camera.sensor, point).expect("the wall is ahead");
        on_sensor.map(|part| part / camera.inner.overscan)
    };
    let outside = |x: usize, y: usize| ndc(x, y).iter().any(|part| part.abs() > 1.0);
    let is_green = |[r, g, b]: [u8; 3]| g > 240 && r < 100 && b < 100;
    let (mut edges, mut away) = (0, 0);
    for (x, y) in (4..WALL_PX[1] - 4).flat_map(|y| (4..WALL_PX[0] - 4).map(move |x| (x, y))) {
        let around = |reach: usize| {
            (0..=2 * reach).flat_map(move |dy| (0..=2 * reach).map(move |dx| (x + dx - reach, y + dy - reach)))
        };
        let own = outside(x, y);
        let near_cross = ndc(x, y).iter().all(|part| part.abs() < 0.12);
        if [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)].iter().any(|(x, y)| outside(*x, *y) != own) {
            edges += 1;
            assert!(is_green(at(x, y)), "the edge at {x}, {y} is not drawn: {:?}", at(x, y));
        } else if !near_cross && around(4).all(|(x, y)| outside(x, y) == own) {
            away += 1;
            let near = (0..3).all(|c| at(x, y)[c].abs_diff(plain(x, y)[c]) <= 1);
            assert!(near, "{x}, {y} is far from the edge, but {:?} instead of {:?}", at(x, y), plain(x, y));
        }
    }
    assert!(edges > 400 && away > 20_000, "the frustum's edge is hardly on the wall: {edges}, {away}");
}
