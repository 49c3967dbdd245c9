//! The stage file from outside: shipped files, every problem's message, geometry against an oracle, bad bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by unwrapping it")]

mod edit;
mod exposures;
mod fuzz;
mod geometry;
mod meshes;
mod problems;
mod rules;
mod shipped;

use cyc_stage::{Loaded, Problems};
use std::io::{Error, Read};
use std::path::{Path, PathBuf};

/// The shipped stage files' folder.
fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stage-configs")
}

/// As the programs read files: no more than the loader takes.
fn from_disk(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(cyc_stage::MAX_MESH_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A reader for texts that name no files.
fn no_files(_: &Path) -> Result<Vec<u8>, Error> {
    Err(Error::new(std::io::ErrorKind::NotFound, "No such file or directory"))
}

/// Reads a text that names no files.
fn parse(text: &str) -> Result<Loaded, Problems> {
    cyc_stage::parse(text, Path::new("stage.toml"), &no_files)
}

/// A small stage in which every line is fine.
const BASE: &str = r#"format = 1
name = "test"
frame_rate = "24"

[[wall]]
id = "main"
panel = { width_px = 100, height_px = 100, pitch_mm = 5.0 }
shape.flat = { columns = 4, rows = 2 }

[[feed]]
id = "trk-a"
protocol.freed = { udp = "127.0.0.1:40000", camera_id = 1 }

[[camera]]
id = "cam-a"
feed = "trk-a"
focal_length_mm = 35.0
sensor = { width_mm = 36.0, height_mm = 20.25 }
inner = { width_px = 640, height_px = 360, overscan = 1.25 }

[[output]]
id = "out"
node = "n1"
wall = "main"
"#;
