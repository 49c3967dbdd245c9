//! Everything that ships is rendered: every stage file, every environment, the built-in room.

use crate::{
    harness::{self, Call, Needs, render, root, scratch, write},
    oracle::{Oracle, Pose, V3, frame_line},
    panorama::Panorama,
    picture::{Picture, read_png},
};
use libtest_mimic::Trial;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub fn trials() -> Vec<Trial> {
    let stages = files("stage-configs", &["toml"]).into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        harness::trial(format!("shipped::stage::{name}"), Needs::Gpu, move || stage(&path, &name))
    });
    let environments = files("environments", &["png", "jpg", "hdr", "exr", "glb"]).into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        harness::trial(format!("shipped::environment::{name}"), Needs::Gpu, move || environment(&path, &name))
    });
    let room = harness::trial("shipped::room", Needs::Gpu, room);
    stages.chain(environments).chain([room]).collect()
}

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let wanted = |path: &PathBuf| path.extension().is_some_and(|found| extensions.iter().any(|e| found == *e));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(wanted).collect();
    files.sort();
    files
}

fn stage(path: &Path, name: &str) {
    let folder = scratch(&format!("shipped-{name}"));
    let (_, environment) = Panorama::smooth(&folder);
    show(&folder, path, &environment);
}

/// Renders a stage, each of its cameras looking at a wall; every output's picture has its size and shows something.
fn show(folder: &Path, stage: &Path, environment: &Path) {
    let oracle = Oracle::read(stage);
    let walls = oracle.walls.iter().map(|wall| wall.point(wall.size_px.map(|side| f64::from(side) / 2.0)));
    let targets: Vec<V3> = walls.flatten().collect();
    let cameras = oracle.table.cameras.iter().zip(targets.into_iter().cycle());
    let poses: BTreeMap<&str, Pose> = cameras
        .map(|(camera, target)| (camera.id.as_str(), Pose::at([0.0, -1.0, 1.6]).looking_at(target, 2.0)))
        .collect();
    let input = write(folder, "frames.jsonl", frame_line(0, &poses, &BTreeMap::new()));
    let out = folder.join("out");
    render(stage, &input, environment, &out).run().expect_code(0);
    assert!(!oracle.outputs().is_empty());
    for ((id, _, size_px), table) in oracle.outputs().into_iter().zip(&oracle.table.outputs) {
        let picture = read_png(&out.join(format!("{id}.000000.png")));
        assert_eq!(picture.size_px, size_px.map(|side| side as usize), "{id}");
        let bits = if table.signal.bits.unwrap_or(8) > 8 { 16 } else { 8 };
        assert_eq!(picture.bits, bits, "{id}");
        assert!(shows_something(&picture), "{id} shows nothing");
    }
    assert!(out.join("plan.jsonl").is_file());
}

/// Not black, and not the same everywhere.
fn shows_something(picture: &Picture) -> bool {
    let top = f64::from((1_u32 << picture.bits) - 1);
    let lit = picture.pixels.iter().filter(|pixel| pixel.iter().any(|channel| *channel > top / 100.0)).count();
    lit > picture.pixels.len() / 20 && picture.pixels.iter().any(|pixel| *pixel != picture.pixels[0])
}

fn environment(path: &Path, name: &str) {
    let folder = scratch(&format!("shipped-{name}"));
    show(&folder, &root().join("stage-configs/demo.toml"), path);
}

/// `run` without an environment shows the line-up room; a stop by signal is clean.
fn room() {
    let folder = scratch("shipped-room");
    let capture = folder.join("pictures");
    let stage = root().join("stage-configs/minimal.toml");
    let run = Call::new("run").arg(&stage).arg("--headless").option("--seconds", "0.2").option("--desk", "127.0.0.1:0");
    let ended = run.option("--capture", &capture).run().expect_code(0);
    assert!(ended.stdout.contains("desk: http://127.0.0.1:"), "{ended:?}");
    let pictures = harness::files(&capture);
    let (name, _) = pictures.last().expect("at least one picture was captured");
    assert!(name.to_string_lossy().starts_with("node-1-main."), "{name:?}");
    assert!(shows_something(&read_png(&capture.join(name))));
}
