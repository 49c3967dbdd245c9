//! Cases: folders with a `stage.toml` and a `case.toml` that says how it is looked at.

use crate::{
    boxes,
    harness::{self, Needs},
    oracle::{Oracle, Pose, Seeded, V3},
    through_camera,
};
use libtest_mimic::Trial;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// `case.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseTable {
    /// Which checker looks at it.
    pub check: Check,
    /// Frames, each with other poses.
    pub frames: u64,
    /// Of the poses.
    #[serde(default)]
    pub seed: u64,
    /// Cameras stand anywhere in this box, stage space.
    pub from_m: [f64; 3],
    pub to_m: [f64; 3],
    /// They look at points in this part of the walls, about the middle.
    #[serde(default = "usual_aim")]
    pub aim: f64,
    /// Focal lengths to choose from.
    pub focal_length_mm: Vec<f64>,
    /// Entrance pupils are up to so far ahead of the sensor, or half as far behind it.
    #[serde(default)]
    pub pupil_offset_m: f64,
    /// Rendered twice, to the same bytes.
    #[serde(default)]
    pub twice: bool,
    /// Why it fails today; the test fails once it no longer does.
    pub known_failure: Option<String>,
}

fn usual_aim() -> f64 {
    0.4
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A smooth panorama, looked up by direction.
    ThroughCamera,
    /// Boxes, hit by rays.
    Boxes,
}

/// A case, read.
pub struct Case {
    pub name: String,
    pub table: CaseTable,
    pub stage: PathBuf,
    pub oracle: Oracle,
    /// Per frame the cameras' poses.
    pub frames: Vec<BTreeMap<String, Pose>>,
}

/// A test for every folder.
pub fn trials() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render/cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.into_iter().filter(|folder| folder.is_dir()).map(|folder| trial(&folder)).collect()
}

fn trial(folder: &Path) -> Trial {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let table = read_table(folder);
    let group = match table.check {
        Check::ThroughCamera => "through_camera",
        Check::Boxes => "boxes",
    };
    let folder = folder.to_owned();
    harness::trial(format!("{group}::{name}"), Needs::Gpu, move || run(&name, &folder, table))
}

fn read_table(folder: &Path) -> CaseTable {
    let path = folder.join("case.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn run(name: &str, folder: &Path, table: CaseTable) {
    let known_failure = table.known_failure.clone();
    let case = Case::new(name, folder, table);
    let check = || match case.table.check {
        Check::ThroughCamera => through_camera::check(&case),
        Check::Boxes => boxes::check(&case),
    };
    match known_failure {
        None => check(),
        Some(why) => {
            let passed = catch_unwind(AssertUnwindSafe(check)).is_ok();
            assert!(!passed, "this no longer fails ({why}); take known_failure out of its case.toml");
        }
    }
}

impl Case {
    fn new(name: &str, folder: &Path, table: CaseTable) -> Self {
        let stage = folder.join("stage.toml");
        let oracle = Oracle::read(&stage);
        let mut random = Seeded::new(table.seed);
        let frames = (0..table.frames).map(|frame| poses(&table, &oracle, frame, &mut random)).collect();
        Self { name: name.to_owned(), table, stage, oracle, frames }
    }

    /// Its frames as the program reads them.
    pub fn input(&self) -> String {
        let line = |(frame, poses): (u64, &BTreeMap<String, Pose>)| {
            let poses = poses.iter().map(|(id, pose)| (id.as_str(), *pose)).collect();
            crate::oracle::frame_line(frame, &poses, &BTreeMap::new())
        };
        (0..).zip(&self.frames).map(line).collect()
    }
}

/// Poses of one frame: each camera looks at a wall, turn by turn.
fn poses(table: &CaseTable, oracle: &Oracle, frame: u64, random: &mut Seeded) -> BTreeMap<String, Pose> {
    let mut poses = BTreeMap::new();
    for (n, camera) in (0..).zip(&oracle.table.cameras) {
        let wall = &oracle.walls[((frame + n) % oracle.walls.len() as u64) as usize];
        let aim = |side: u32, random: &mut Seeded| f64::from(side) * (0.5 + table.aim * random.between(-0.5, 0.5));
        let target = loop {
            let px = [aim(wall.size_px[0], random), aim(wall.size_px[1], random)];
            if let Some(point) = wall.point(px) {
                break point;
            }
        };
        let position = V3::from_fn(|i, _| random.between(table.from_m[i], table.to_m[i]));
        let roll = random.pick(&[-1.0, 1.0]) * random.between(12.0, 25.0);
        let pupil = if frame % 2 == 1 { table.pupil_offset_m * random.between(-0.5, 1.0) } else { 0.0 };
        let pose =
            Pose { focal_mm: random.pick(&table.focal_length_mm), pupil_offset_m: pupil, ..Pose::at(position.into()) };
        poses.insert(camera.id.clone(), pose.looking_at(target, roll));
    }
    poses
}
