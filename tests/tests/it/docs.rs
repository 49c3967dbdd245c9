//! What the pages promise is there.

use std::path::Path;

use crate::repo;
use crate::tidy::assert_none;

#[test]
fn the_readme_names_every_shipped_stage_file() {
    let readme = repo::read("README.md");
    let sources = repo::sources();
    let shipped: Vec<&str> = sources
        .iter()
        .filter_map(|source| source.path.strip_prefix("stage-configs/"))
        .filter(|name| name.ends_with(".toml") && !name.contains('/'))
        .collect();
    assert!(!shipped.is_empty(), "no stage file is shipped");
    let missing: Vec<_> = shipped.into_iter().filter(|name| !readme.contains(name)).collect();
    assert_none("stage files that the README does not name", missing);
}

#[test]
fn the_readme_shows_the_two_commands() {
    let readme = repo::read("README.md");
    for command in ["cargo xtask demo", "cargo xtask test"] {
        assert!(readme.lines().any(|line| line.trim() == command), "README.md has no line `{command}`");
    }
}

#[test]
fn the_changelog_has_a_place_for_the_next_change() {
    let changelog = repo::read("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line == "## Unreleased"), "CHANGELOG.md has no `## Unreleased`");
}

#[test]
fn relative_links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in repo::sources().iter().filter(|source| source.is("md")) {
        let folder = Path::new(&page.path).parent().expect("a file has a folder");
        for target in relative_links(&page.text) {
            if !repo::root().join(folder).join(target).exists() {
                dead.push(format!("{}: {target}", page.path));
            }
        }
    }
    assert_none("dead links", dead);
}

/// Targets of `[text](target)` that are files of the repository, without their `#fragment`.
fn relative_links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn links_are_found() {
    let text = "See [a](b.md#part), ![c](d/e.png), [web](https://example.org/x) and [here](#top).";
    assert_eq!(relative_links(text), ["b.md", "d/e.png"]);
}
