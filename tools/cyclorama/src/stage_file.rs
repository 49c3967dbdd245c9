//! Reading a stage file from disk.

use cyc_stage::{MAX_MESH_BYTES, Problems, stage::Stage};
use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::Path,
};

/// The stage in `path`; prints every problem and warning to standard error. `None` if there is a problem.
pub fn load(path: &Path) -> Option<Stage> {
    match cyc_stage::load(path, &read) {
        Ok(loaded) => {
            print(&loaded.warnings);
            Some(loaded.stage)
        }
        Err(problems) => {
            print(&problems);
            let (errors, warnings) = problems.counts();
            eprintln!("\n{}: {errors} error(s), {warnings} warning(s)", path.display());
            None
        }
    }
}

fn print(problems: &Problems) {
    if !problems.list.is_empty() {
        eprintln!("{}", problems.render(io::stderr().is_terminal()));
    }
}

/// At most one byte more than the largest file that makes sense, so that a huge or endless one ends.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_MESH_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
