//! The repository as files, and cargo's view of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Build outputs, version control and what runs leave behind: never part of the source.
const NOT_SOURCE: [&str; 5] = ["target", ".git", ".out", "__pycache__", "node_modules"];

/// One source file: its path from the repository's root, with `/`, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    pub fn in_folder(&self, name: &str) -> bool {
        self.path.split('/').rev().skip(1).any(|folder| folder == name)
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// Every text file of the repository, sorted by path; what is not UTF-8 is no text.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text of one file, by its path from the root.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Standard output of a cargo call in the workspace.
pub fn cargo(args: &[&str]) -> String {
    output(&mut cargo_command(), args)
}

/// Standard output of a cargo call that prints a plan, which stable cargo does only when asked like this.
pub fn cargo_planning(args: &[&str]) -> String {
    output(cargo_command().env("RUSTC_BOOTSTRAP", "1"), args)
}

fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

fn output(command: &mut Command, args: &[&str]) -> String {
    let output = command.args(args).output().expect("cargo can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {errors}", args.join(" "));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().expect("file names are UTF-8");
        let kind = entry.file_type().unwrap();
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !NOT_SOURCE.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            found.push(Source { path, text });
        }
    }
}
