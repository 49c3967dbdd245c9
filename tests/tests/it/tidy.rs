//! The rules that no compiler holds: which layer may know which, and what a source file may contain.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::repo::{self, Source};

/// One crate of the workspace.
struct Layer {
    name: &'static str,
    folder: &'static str,
    /// Crates of the workspace that it may import, in any kind of dependency.
    may_import: &'static [&'static str],
}

const fn layer(name: &'static str, folder: &'static str, may_import: &'static [&'static str]) -> Layer {
    Layer { name, folder, may_import }
}

/// The crates in the order in which they may import each other.
///
/// Beyond what a crate strictly needs, `cyc_wall` names `cyc_color`, because the output pass is the twin of its
/// curves, and `cyc_set` may name `cyc_wall`, because it fills the pictures that the wall shows.
const LAYERS: [Layer; 13] = [
    layer("cyc_core", "engine", &[]),
    layer("cyc_wire", "engine", &["cyc_core"]),
    layer("cyc_color", "engine", &["cyc_core"]),
    layer("cyc_stage", "engine", &["cyc_core", "cyc_color"]),
    layer("cyc_frame", "engine", &["cyc_core", "cyc_color", "cyc_stage"]),
    layer("cyc_world", "engine", &["cyc_core", "cyc_color"]),
    layer("cyc_link", "engine", &["cyc_core", "cyc_wire", "cyc_stage"]),
    layer("cyc_desk", "engine", &["cyc_core", "cyc_stage"]),
    layer("cyc_sync", "plugins", &["cyc_core", "cyc_stage", "cyc_frame"]),
    layer("cyc_wall", "plugins", &["cyc_core", "cyc_color", "cyc_stage", "cyc_frame", "cyc_sync"]),
    layer(
        "cyc_set",
        "plugins",
        &["cyc_core", "cyc_color", "cyc_stage", "cyc_frame", "cyc_world", "cyc_sync", "cyc_wall"],
    ),
    layer(
        "cyclorama",
        "tools",
        &[
            "cyc_core",
            "cyc_wire",
            "cyc_color",
            "cyc_stage",
            "cyc_frame",
            "cyc_world",
            "cyc_link",
            "cyc_desk",
            "cyc_sync",
            "cyc_wall",
            "cyc_set",
        ],
    ),
    layer("xtask", "tools", &[]),
];

/// The one package that stands above all layers.
const ABOVE: &str = "cyc_tests";

/// Packages whose presence means that a crate draws.
const RENDERER: [&str; 4] = ["bevy", "wgpu", "winit", "glam"];

/// Packages whose presence means that a crate talks to the outside world.
const OUTSIDE_WORLD: [&str; 11] =
    ["axum", "hyper", "mio", "nix", "reqwest", "rosc", "rusqlite", "serialport", "socket2", "tokio", "cyc_link"];

/// Where reading a clock, a file or a socket, or starting a thread, is the work itself.
const SHELL: [&str; 3] = ["engine/cyc_link/", "engine/cyc_desk/", "tools/"];

/// What gives the outside world away. Address types of `std::net` are plain values and may be used anywhere.
const SHELL_ONLY: [&str; 13] = [
    "UdpSocket",
    "UnixDatagram",
    "UnixStream",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "std::fs",
    "File::open",
    "Instant::now",
    "SystemTime::now",
    "thread::Builder",
    "thread::sleep",
    "thread::spawn",
];

/// Where `unsafe` is accepted, as the top-level manifest says.
const UNSAFE: [&str; 3] = ["plugins/cyc_wall/src/surface", "engine/cyc_link/src/sys", "tests/tests/render/allocations"];

const LONGEST_FILE_LINES: usize = 800;

#[test]
fn every_crate_stands_in_the_layer_table() {
    let mut expected: BTreeMap<&str, String> =
        LAYERS.iter().map(|layer| (layer.name, format!("{}/{}", layer.folder, layer.name))).collect();
    expected.insert(ABOVE, "tests".to_owned());
    let metadata = metadata();
    let found: BTreeMap<&str, String> =
        packages(&metadata).iter().map(|package| (text(&package["name"]), folder_of(package))).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_layer_table_points_downward() {
    for (index, layer) in LAYERS.iter().enumerate() {
        for name in layer.may_import {
            let below = LAYERS[..index].iter().find(|below| below.name == *name);
            let below = below.unwrap_or_else(|| panic!("{} may not import {name}: it stands no lower", layer.name));
            assert!(
                layer.folder != "engine" || below.folder == "engine",
                "{} in engine/ may not import {name} in {}/",
                layer.name,
                below.folder
            );
        }
    }
}

#[test]
fn crates_import_only_what_their_layer_may() {
    let metadata = metadata();
    let members: Vec<&str> = packages(&metadata).iter().map(|package| text(&package["name"])).collect();
    let mut wrong = Vec::new();
    for layer in &LAYERS {
        let inside = dependencies(&metadata, layer.name).into_iter().filter(|name| members.contains(name));
        let beyond = inside.filter(|name| !layer.may_import.contains(name));
        wrong.extend(beyond.map(|name| format!("{} imports {name}", layer.name)));
    }
    assert_none("imports against the layer table", wrong);
}

#[test]
fn the_engine_knows_no_renderer() {
    let engine = LAYERS.iter().filter(|layer| layer.folder == "engine");
    let mut args = vec!["tree", "--offline", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}"];
    for layer in engine {
        args.extend(["--package", layer.name]);
    }
    let tree = repo::cargo(&args);
    assert!(tree.contains("nalgebra "), "the tree does not even name nalgebra:\n{tree}");
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut wrong: Vec<String> = names.filter(|name| is_renderer(name)).map(str::to_owned).collect();
    wrong.dedup();
    assert_none("renderer packages below engine/", wrong);
}

#[test]
fn plugins_know_no_socket() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for layer in LAYERS.iter().filter(|layer| layer.folder == "plugins") {
        let named = dependencies(&metadata, layer.name).into_iter().filter(|name| OUTSIDE_WORLD.contains(name));
        wrong.extend(named.map(|name| format!("{} imports {name}", layer.name)));
    }
    assert_none("plugins that know the outside world", wrong);
}

#[test]
fn set_up_is_built_from_the_standard_library_alone() {
    assert_none("dependencies of xtask", dependencies(&metadata(), "xtask"));
}

#[test]
fn clocks_files_sockets_and_threads_stay_in_the_shell() {
    let sources = repo::sources();
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| is_crate_code(source) && !starts_with_any(&source.path, &SHELL)) {
        if is_test_module(source, &sources) {
            continue;
        }
        for (number, line) in code_lines(&source.text) {
            let needles = SHELL_ONLY.iter().filter(|needle| line.contains(*needle));
            wrong.extend(needles.map(|needle| format!("{}:{number}: {needle}", source.path)));
        }
    }
    assert_none("uses of the outside world in pure crates", wrong);
}

#[test]
fn unsafe_stays_where_the_manifest_says() {
    let sources = repo::sources();
    let lifted = sources
        .iter()
        .filter(|source| is_crate_code(source))
        .filter(|source| source.text.contains("allow(unsafe_code") || source.text.contains("expect(unsafe_code"));
    let wrong: Vec<&str> =
        lifted.filter(|source| !starts_with_any(&source.path, &UNSAFE)).map(|source| source.path.as_str()).collect();
    assert_none("files that lift the ban on unsafe", wrong);
}

#[test]
fn no_source_file_is_too_long() {
    let sources = repo::sources();
    let code = sources.iter().filter(|source| source.is("rs") || source.is("wgsl"));
    let wrong: Vec<String> = code
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE_LINES)
        .map(|(source, lines)| format!("{}: {lines} lines", source.path))
        .collect();
    assert_none("files that should be several", wrong);
}

#[test]
fn every_crate_says_what_it_is_and_what_always_holds() {
    let sources = repo::sources();
    let roots = sources.iter().filter(|source| source.path.ends_with("src/lib.rs"));
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in roots {
        seen += 1;
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{}: does not begin with what the crate is", source.path));
        }
        if !source.text.lines().any(|line| line.starts_with("//! Invariant: ")) {
            wrong.push(format!("{}: no line `//! Invariant: ...`", source.path));
        }
    }
    assert!(seen >= LAYERS.iter().filter(|layer| layer.folder != "tools").count(), "only {seen} crate roots found");
    assert_none("crate roots", wrong);
}

#[test]
fn every_crate_takes_the_workspaces_lints() {
    let sources = repo::sources();
    let manifests = sources.iter().filter(|source| source.path.ends_with("/Cargo.toml") && !source.in_folder("fuzz"));
    let wrong: Vec<&str> = manifests
        .filter(|source| !source.text.contains("[lints]\nworkspace = true"))
        .map(|source| source.path.as_str())
        .collect();
    assert_none("manifests without the workspace's lints", wrong);
}

#[test]
fn no_machine_shows_through() {
    // Put together here, so that this file does not hold what it looks for.
    let needles = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("static.cra", "tes.io"),
        concat!("index.cra", "tes.io"),
        concat!("py", "pi.org"),
        concat!("registry.np", "mjs"),
        concat!("deb.deb", "ian"),
    ];
    let sources = repo::sources();
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.is("lock")) {
        for (index, line) in source.text.lines().enumerate() {
            if needles.iter().any(|needle| line.contains(needle)) {
                wrong.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    assert_none("paths and hosts of one machine", wrong);
}

/// Fails with every entry on a line of its own.
pub fn assert_none<T: std::fmt::Display>(what: &str, found: impl IntoIterator<Item = T>) {
    let lines: Vec<String> = found.into_iter().map(|entry| entry.to_string()).collect();
    assert!(lines.is_empty(), "{what}:\n{}", lines.join("\n"));
}

fn metadata() -> Value {
    serde_json::from_str(&repo::cargo(&["metadata", "--offline", "--no-deps", "--format-version", "1"])).unwrap()
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().expect("metadata lists packages")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The package's folder, seen from the repository's root.
fn folder_of(package: &Value) -> String {
    let manifest = text(&package["manifest_path"]).replace('\\', "/");
    let root = repo::root().to_string_lossy().replace('\\', "/");
    let inside = manifest.strip_prefix(&root).expect("a member lies in the repository");
    inside.trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned()
}

/// Names of everything that a member depends on directly, in any kind.
fn dependencies<'a>(metadata: &'a Value, member: &str) -> Vec<&'a str> {
    let package = packages(metadata).iter().find(|package| package["name"] == member);
    let package = package.unwrap_or_else(|| panic!("{member} is not in the workspace"));
    package["dependencies"].as_array().unwrap().iter().map(|dependency| text(&dependency["name"])).collect()
}

fn is_renderer(name: &str) -> bool {
    RENDERER
        .iter()
        .any(|root| name == *root || name.starts_with(&format!("{root}_")) || name.starts_with(&format!("{root}-")))
}

/// Code that ships, as opposed to tests, benches and examples.
fn is_crate_code(source: &Source) -> bool {
    let aside = ["tests", "benches", "examples", "fuzz"];
    source.is("rs") && !source.path.starts_with("tests/") && !aside.iter().any(|folder| source.in_folder(folder))
}

fn starts_with_any(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// Is this file a module that its parent declares under `#[cfg(test)]`?
fn is_test_module(source: &Source, sources: &[Source]) -> bool {
    let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let Some((folder, name)) = stem.rsplit_once('/') else { return false };
    let parents =
        [format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}/mod.rs"), format!("{folder}.rs")];
    let declarations = [format!("#[cfg(test)]mod{name};"), format!("#[cfg(test)]pub(crate)mod{name};")];
    sources.iter().filter(|parent| parents.contains(&parent.path)).any(|parent| {
        let dense: String = parent.text.split_whitespace().collect();
        declarations.iter().any(|declaration| dense.contains(declaration))
    })
}

/// Numbered lines that are no comment, up to the test module at the end of the file.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let shipped = numbered.take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    shipped.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn the_helpers_see_what_they_should() {
    let lines: Vec<_> = code_lines("use a;\n// Instant::now\nlet b;\n#[cfg(test)]\nmod tests {}\n").collect();
    assert_eq!(lines, [(1, "use a;"), (3, "let b;")]);
    assert!(is_renderer("bevy_ecs") && is_renderer("wgpu-hal") && is_renderer("winit") && !is_renderer("bevyish"));
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let files = [source("engine/a/src/lib.rs", "#[cfg(test)]\nmod fake;\nmod real;\n")];
    assert!(is_test_module(&source("engine/a/src/fake.rs", ""), &files));
    assert!(!is_test_module(&source("engine/a/src/real.rs", ""), &files));
}
