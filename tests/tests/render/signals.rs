//! Code values: a panorama of uniform patches on every kind of signal, against the wall's transfer in f64.

use crate::{
    harness::{self, Needs, render, scratch, write},
    oracle::{Oracle, Seeded, V3, frame_line},
    panorama::Panorama,
    picture::{Picture, read_exr, read_png, write_exr_acescg, write_png8},
};
use cyc_color::{Gamut, Signal, Transfer, WallEncode};
use half::f16;
use libtest_mimic::Trial;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 5] = [
        ("eight_bit_with_dither", eight_bit),
        ("ten_bit_png_is_exact", ten_bit),
        ("exr_is_continuous", continuous),
        ("scene_linear_is_acescg", scene_linear),
        ("srgb_comes_out_unchanged", identity),
    ];
    tests.map(|(name, test)| harness::trial(format!("signals::{name}"), Needs::Gpu, test)).into()
}

/// Of the panorama, texels; patches of 4 x 4 are uniform.
const SIZE_PX: [usize; 2] = [256, 128];
const PATCH_PX: usize = 4;
const PATCHES: usize = SIZE_PX[0] / PATCH_PX * (SIZE_PX[1] / PATCH_PX);
/// Enough to average the dither over.
const WELL_SEEN: usize = 30;

/// Two flat walls, in front and behind; no camera has a pose, so all is seen from the eye point.
fn stage(outputs: &str) -> String {
    let wall = |id: &str, y: f64, pan: f64| {
        format!(
            "[[wall]]\nid = \"{id}\"\npanel = {{ width_px = 64, height_px = 64, pitch_mm = 20.0 }}\n\
             shape.flat = {{ columns = 4, rows = 2 }}\nposition_m = [0.0, {y:?}, 0.0]\nrotation_deg = {{ pan = {pan:?} }}\n\n"
        )
    };
    format!(
        "format = 1\nname = \"signals\"\nframe_rate = \"24\"\neye_point_m = [0.0, 0.0, 1.28]\n\n{}{}\
         [[camera]]\nid = \"cam-a\"\nfocal_length_mm = 35.0\nsensor = {{ width_mm = 36.0, height_mm = 20.25 }}\n\
         inner = {{ width_px = 64, height_px = 36, overscan = 1.25 }}\n\n{outputs}",
        wall("front", 2.0, 0.0),
        wall("back", -2.0, 180.0),
    )
}

/// Every transfer with every gamut, at peaks that clip some of the patches.
fn signals(bits: u8) -> Vec<(String, Signal)> {
    let all = Transfer::ALL.into_iter().flat_map(|transfer| Gamut::ALL.map(|gamut| (transfer, gamut)));
    all.zip([100.0, 250.0, 600.0, 1500.0, 1000.0].into_iter().cycle())
        .map(|((transfer, gamut), peak_nits)| {
            let id = format!("{}-{}", transfer.name(), gamut.name());
            (id, Signal { transfer, gamut, peak_nits, bits })
        })
        .collect()
}

fn output(id: &str, wall: &str, signal: &Signal) -> String {
    format!(
        "[[output]]\nid = \"{id}\"\nnode = \"n\"\nwall = \"{wall}\"\n\
         signal = {{ transfer = \"{}\", gamut = \"{}\", peak_nits = {:?}, bits = {} }}\n\n",
        signal.transfer.name(),
        signal.gamut.name(),
        signal.peak_nits,
        signal.bits
    )
}

/// Where the patches lie on the walls.
struct Patches {
    /// Per wall, per patch, the wall pixels that see nothing but it.
    pixels: Vec<Vec<Vec<usize>>>,
}

impl Patches {
    fn new(oracle: &Oracle) -> Self {
        let panorama = Panorama { size_px: SIZE_PX, linear: Vec::new() };
        let patch = |texel: usize| {
            let (x, y) = (texel % SIZE_PX[0], texel / SIZE_PX[0]);
            y / PATCH_PX * (SIZE_PX[0] / PATCH_PX) + x / PATCH_PX
        };
        let seen = |wall: usize| {
            let mut pixels = vec![Vec::new(); PATCHES];
            for (at, point) in crate::through_camera::wall_points(oracle, wall).into_iter().enumerate() {
                let ray: V3 = point.expect("flat walls have no holes") - oracle.eye;
                let (texels, _) = panorama.around(ray);
                let patches = texels.map(patch);
                if patches.iter().all(|other| *other == patches[0]) {
                    pixels[patches[0]].push(at);
                }
            }
            pixels
        };
        Self { pixels: (0..oracle.walls.len()).map(seen).collect() }
    }

    /// Patches that are seen well on a wall, with their pixels.
    fn seen(&self, wall: usize) -> impl Iterator<Item = (usize, &[usize])> {
        let seen = self.pixels[wall].iter().enumerate().filter(|(_, pixels)| pixels.len() >= WELL_SEEN);
        seen.map(|(patch, pixels)| (patch, pixels.as_slice()))
    }
}

/// A picture with a value per patch.
fn filled<T: Copy>(values: &[T]) -> Vec<T> {
    let texels = (0..SIZE_PX[1]).flat_map(|y| (0..SIZE_PX[0]).map(move |x| (x, y)));
    texels.map(|(x, y)| values[y / PATCH_PX * (SIZE_PX[0] / PATCH_PX) + x / PATCH_PX]).collect()
}

/// ACEScg of each patch: black, neutrals from 0.001 to 30, and colours, some of them outside every output's gamut.
fn lights() -> Vec<[f16; 3]> {
    let mut random = Seeded::new(3);
    (0..PATCHES)
        .map(|n| match n % 8 {
            0 if n % 64 == 0 => [0.0; 3],
            0 | 1 => [random.between(-7.0, 3.4).exp(); 3],
            2 => std::array::from_fn(|c| if c == n / 8 % 3 { random.between(0.1, 2.0) } else { 0.002 }),
            _ => std::array::from_fn(|_| random.between(-6.0, 3.0).exp()),
        })
        .map(|light| light.map(f16::from_f64))
        .collect()
}

/// A rendered set of outputs and what they were made from.
struct Shown {
    out: PathBuf,
    lights: Vec<[f16; 3]>,
    signals: Vec<(String, Signal)>,
    patches: Patches,
}

/// Renders all signals of `bits` on the front wall.
fn show(name: &str, bits: u8, options: &[&str]) -> Shown {
    let folder = scratch(&format!("signals-{name}"));
    let signals = signals(bits);
    // A wall must be shown by some output.
    let back = output("back", "back", &Signal::default());
    let outputs: String = signals.iter().map(|(id, signal)| output(id, "front", signal)).chain([back]).collect();
    let text = stage(&outputs);
    let stage = write(&folder, "stage.toml", &text);
    let environment = folder.join("patches.exr");
    let lights = lights();
    write_exr_acescg(&environment, SIZE_PX, &filled(&lights));
    let input = write(&folder, "frames.jsonl", frame_line(5, &BTreeMap::new(), &BTreeMap::new()));
    let out = folder.join("out");
    let call = render(&stage, &input, &environment, &out);
    options.iter().fold(call, |call, option| call.arg(option)).run().expect_code(0);
    let patches = Patches::new(&Oracle::of(&text, &folder));
    assert!(patches.seen(0).count() > 150, "only {} patches are seen", patches.seen(0).count());
    Shown { out, lights, signals, patches }
}

impl Shown {
    fn picture(&self, id: &str, extension: &str) -> PathBuf {
        self.out.join(format!("{id}.000005.{extension}"))
    }

    /// Calls `check` with every output and every patch: its pixels and the code values that they must have.
    fn each(
        &self,
        read: impl Fn(&Path) -> Picture,
        extension: &str,
        check: impl Fn(&str, &Picture, &[usize], [f64; 3]),
    ) {
        for (id, signal) in &self.signals {
            let picture = read(&self.picture(id, extension));
            assert_eq!(picture.size_px, [256, 128]);
            let encode = WallEncode::new(signal);
            for (patch, pixels) in self.patches.seen(0) {
                check(id, &picture, pixels, encode.code_from_acescg(self.lights[patch].map(f64::from)));
            }
        }
    }
}

fn eight_bit() {
    let shown = show("8", 8, &[]);
    let worst = std::cell::Cell::new(0.0_f64);
    shown.each(read_png, "png", |id, picture, pixels, code| {
        assert_eq!(picture.bits, 8);
        for (c, code) in code.into_iter().enumerate() {
            let exact = 255.0 * code;
            let levels = pixels.iter().map(|at| picture.pixels[*at][c]);
            let far = levels.clone().find(|level| (level - exact).abs() > 1.0);
            assert_eq!(far, None, "{id}: a level for {exact}");
            // What a camera sees: the mean over some pixels, finer than a level.
            let mean = levels.sum::<f64>() / pixels.len() as f64;
            worst.set(worst.get().max((mean - exact).abs()));
            assert!((mean - exact).abs() < 0.1, "{id}: {mean} on average for {exact}");
        }
    });
    println!("mean of a patch: at most {:.3} levels off", worst.get());
}

fn ten_bit() {
    let shown = show("10", 10, &[]);
    shown.each(read_png, "png", |id, picture, pixels, code| {
        assert_eq!(picture.bits, 16);
        for (at, c) in pixels.iter().flat_map(|at| (0..3).map(move |c| (*at, c))) {
            let wide = picture.pixels[at][c];
            let level = (wide * 1023.0 / 65535.0).round();
            assert_eq!(wide, (level * 65535.0 / 1023.0).round(), "{id}: no 10-bit code");
            assert!((level - 1023.0 * code[c]).abs() <= 1.0, "{id}: level {level} for {}", 1023.0 * code[c]);
        }
    });
}

fn continuous() {
    let shown = show("exr", 10, &["--exr"]);
    shown.each(
        |path| read_exr(path).0,
        "exr",
        |id, picture, pixels, code| {
            for (at, c) in pixels.iter().flat_map(|at| (0..3).map(move |c| (*at, c))) {
                let found = picture.pixels[at][c];
                // A half float has 1,024 steps in each octave; Vulkan leaves open to which of two a target rounds.
                let step = code[c].max(6.1e-5).log2().floor().exp2() / 1024.0;
                assert!((found - code[c]).abs() <= 2e-6 + step, "{id}: {found}, not {}", code[c]);
            }
        },
    );
}

fn scene_linear() {
    let shown = show("linear", 10, &["--exr", "--scene-linear"]);
    for (id, _) in &shown.signals {
        let (picture, is_ap1) = read_exr(&shown.picture(id, "exr"));
        assert!(is_ap1, "{id}: the file does not say that it is ACEScg");
        for (patch, pixels) in shown.patches.seen(0) {
            let light = shown.lights[patch].map(f64::from);
            for (at, c) in pixels.iter().flat_map(|at| (0..3).map(move |c| (*at, c))) {
                let found = picture.pixels[at][c];
                assert!((found - light[c]).abs() <= 1e-7 + light[c] / 1024.0, "{id}: {found}, not {}", light[c]);
            }
        }
    }
}

/// Every grey of 8 bits and many colours, 100 cd/m2 white on a wall of 100 cd/m2.
fn identity() {
    let folder = scratch("signals-identity");
    let outputs = ["front", "back"].map(|wall| output(wall, wall, &Signal::default())).concat();
    let text = stage(&outputs);
    let stage = write(&folder, "stage.toml", &text);
    let patches = Patches::new(&Oracle::of(&text, &folder));
    let mut random = Seeded::new(4);
    let mut colors = vec![[0; 3]; PATCHES];
    let seen: Vec<(usize, usize)> =
        (0..2).flat_map(|wall| patches.seen(wall).map(move |(patch, _)| (wall, patch)).collect::<Vec<_>>()).collect();
    assert!(seen.len() > 320, "only {} patches are seen", seen.len());
    for (n, (_, patch)) in seen.iter().enumerate() {
        let grey = u8::try_from(n).ok().map(|level| [level; 3]);
        colors[*patch] = grey.unwrap_or_else(|| std::array::from_fn(|_| (random.next() % 256) as u8));
    }
    let environment = folder.join("patches.png");
    write_png8(&environment, SIZE_PX, &filled(&colors));
    let input = write(&folder, "frames.jsonl", frame_line(0, &BTreeMap::new(), &BTreeMap::new()));
    let out = folder.join("out");
    render(&stage, &input, &environment, &out).run().expect_code(0);
    let pictures = ["front", "back"].map(|wall| read_png(&out.join(format!("{wall}.000000.png"))));
    for (wall, patch) in seen {
        for at in &patches.pixels[wall][patch] {
            let (found, given) = (pictures[wall].pixels[*at], colors[patch].map(f64::from));
            let near = (0..3).all(|c| (found[c] - given[c]).abs() <= 1.0);
            assert!(near, "{given:?} became {found:?}");
        }
    }
}
