//! Every dependency can be used under a licence that `deny.toml` allows, without cargo-deny at hand.

use crate::repo;
use crate::tidy::assert_none;

#[test]
fn every_dependency_has_an_allowed_licence() {
    let policy = repo::read("deny.toml");
    let allowed = allowed(&policy);
    assert!(allowed.contains(&"MIT"), "deny.toml allows {allowed:?}");
    let args = ["tree", "--offline", "--workspace", "--edges", "normal,build,dev", "--prefix", "none"];
    let tree = repo::cargo(&[&args[..], &["--format", "{p}|{l}"]].concat());
    assert!(tree.contains("\nbevy "), "the workspace does not depend on bevy:\n{tree}");
    let mut wrong: Vec<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| line.split_once('|').is_some_and(|(_, licence)| !is_allowed(licence, &allowed)))
        .collect();
    wrong.sort_unstable();
    wrong.dedup();
    assert_none("dependencies without an allowed licence", wrong);
}

/// The entries of the `allow` list.
fn allowed(policy: &str) -> Vec<&str> {
    let list = policy.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']')).expect("a list").0;
    list.split('"').skip(1).step_by(2).collect()
}

/// Can this SPDX expression be met? `AND` binds tighter than `OR`; the old `/` is an `OR`.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any_of(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        let inside = any_of(words, allowed);
        return words.next() == Some(")") && inside;
    }
    if words.next_if_eq(&"WITH").is_some() {
        // An exception makes another licence of it; none is needed so far.
        words.next();
        return false;
    }
    allowed.contains(&word)
}

#[test]
fn expressions_are_understood() {
    let allowed = ["MIT", "Zlib"];
    for met in ["MIT", "GPL-3.0 OR MIT", "Apache-2.0/MIT", "Zlib AND (MIT OR X)", "X WITH Y OR MIT", "X AND Y OR MIT"] {
        assert!(is_allowed(met, &allowed), "{met}");
    }
    for unmet in ["", "X", "MIT AND X", "(X OR MIT) AND Y", "MIT WITH Y", "X AND (MIT OR Zlib)", "MIT Zlib"] {
        assert!(!is_allowed(unmet, &allowed), "{unmet}");
    }
}
