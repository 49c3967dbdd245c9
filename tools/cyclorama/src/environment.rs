//! Reading an environment from disk.

use anyhow::{Context, bail};
use cyc_world::{Environment, Limits};
use std::{fs, path::Path};

/// The largest environment file that is read: 4 GiB.
const MAX_BYTES: u64 = 4 << 30;

/// What this renderer can hold, and never more than a picture should be.
pub fn limits(max_side_px: u32) -> Limits {
    let sane = Limits::default();
    Limits { max_side_px: max_side_px.min(sane.max_side_px), ..sane }
}

/// The environment in `path`, or the line-up room where there is no path; notes for the operator go to standard error.
pub fn load(path: Option<&Path>, max_side_px: u32) -> anyhow::Result<Environment> {
    let Some(path) = path else { return Ok(Environment::LineUpRoom) };
    let name = path.display().to_string();
    let about = || format!("environment \"{name}\" cannot be read");
    let metadata = fs::metadata(path).with_context(about)?;
    if metadata.is_dir() {
        bail!("environment \"{name}\" is a folder; give a picture (PNG, JPEG, HDR, EXR) or a GLB scene");
    }
    if metadata.len() > MAX_BYTES {
        bail!("environment \"{name}\" is larger than {} GiB; scale it down", MAX_BYTES >> 30);
    }
    let bytes = fs::read(path).with_context(about)?;
    let environment = cyc_world::decode(&name, &bytes, &limits(max_side_px))?;
    if let Environment::Scene(scene) = &environment {
        scene.notes.iter().for_each(|note| eprintln!("note: {name}: {note}"));
    }
    Ok(environment)
}
