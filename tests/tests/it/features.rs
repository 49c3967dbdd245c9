//! One set of features for every package, whichever part of the workspace is built.
//!
//! Cargo unifies features over what is being built, so that a test crate's dependency can silently ask for a
//! second build of Bevy: a quarter of an hour on a small machine, each time one goes from demo to tests.
//! `cargo tree` merges what is built for the machine with what is built for macros, so that it hides exactly
//! such cases; what counts is cargo's own plan, its unit graph.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::repo;
use crate::tidy::assert_none;

#[test]
fn the_program_and_the_workspace_build_the_same_packages() {
    let program = Graph::of(&["build", "--package", "cyclorama"]);
    let workspace = Graph::of(&["test", "--workspace", "--no-run"]);
    assert!(program.units.iter().any(|unit| name(unit).starts_with("bevy_render@")), "the program has no bevy_render");
    let (different, culprits) = program.not_in(&workspace);
    assert_none(
        &format!(
            "{different} units would be built twice; packages to name under the pins of tools/cyclorama/Cargo.toml"
        ),
        culprits,
    );
}

/// What one cargo call would build: units that refer to others by their place in the list.
struct Graph {
    units: Vec<Value>,
    /// One number for each unit and all below it: equal numbers, one build.
    signatures: Vec<u64>,
}

impl Graph {
    fn of(call: &[&str]) -> Self {
        let graph = repo::cargo_planning(&[call, &["--offline", "--unit-graph", "-Zunstable-options"]].concat());
        let graph: Value = serde_json::from_str(&graph).expect("the unit graph is JSON");
        Self::new(graph["units"].as_array().expect("the graph has units").clone())
    }

    fn new(units: Vec<Value>) -> Self {
        let mut signatures = vec![None; units.len()];
        for index in 0..units.len() {
            sign(&units, index, &mut signatures);
        }
        Self { units, signatures: signatures.into_iter().flatten().collect() }
    }

    /// How many third-party units `whole` does not build likewise, and the packages that are to blame: those
    /// that differ themselves, not just in what stands below them.
    fn not_in(&self, whole: &Self) -> (usize, BTreeSet<String>) {
        let there: BTreeSet<u64> = whole.signatures.iter().copied().collect();
        let own: BTreeSet<u64> = whole.units.iter().map(own_signature).collect();
        let pairs = self.units.iter().zip(&self.signatures);
        let different: Vec<&Value> = pairs
            .filter(|(unit, signature)| is_third_party(unit) && !there.contains(signature))
            .map(|(unit, _)| unit)
            .collect();
        let direct = different.iter().filter(|unit| !own.contains(&own_signature(unit)));
        let below = different.iter().flat_map(|unit| dependencies(unit)).flat_map(|index| {
            // A dependency that `whole` builds as well, but in another variant for this parent.
            let unit = &self.units[index];
            there
                .contains(&self.signatures[index])
                .then(|| whole.variants(unit))
                .filter(|count| *count > 1)
                .map(|_| unit)
        });
        let culprits = direct.copied().chain(below).map(|unit| format!("{} {}", name(unit), unit["features"]));
        (different.len(), culprits.collect())
    }

    fn variants(&self, like: &Value) -> usize {
        let same = self.units.iter().filter(|unit| name(unit) == name(like) && unit["mode"] == like["mode"]);
        same.filter(|unit| unit["target"]["kind"] == like["target"]["kind"]).count()
    }
}

fn sign(units: &[Value], index: usize, signatures: &mut [Option<u64>]) -> u64 {
    if let Some(signature) = signatures[index] {
        return signature;
    }
    let mut below: Vec<u64> =
        dependencies(&units[index]).into_iter().map(|index| sign(units, index, signatures)).collect();
    below.sort_unstable();
    let mut hasher = DefaultHasher::new();
    (own_signature(&units[index]), below).hash(&mut hasher);
    *signatures[index].insert(hasher.finish())
}

fn own_signature(unit: &Value) -> u64 {
    let mut profile = unit["profile"].clone();
    // "dev" and "test" are different names of one build.
    profile.as_object_mut().map(|profile| profile.remove("name"));
    let parts =
        [&unit["pkg_id"], &unit["mode"], &unit["target"]["kind"], &unit["features"], &unit["platform"], &profile];
    let mut hasher = DefaultHasher::new();
    parts.map(Value::to_string).hash(&mut hasher);
    hasher.finish()
}

fn dependencies(unit: &Value) -> Vec<usize> {
    let indices = unit["dependencies"].as_array().into_iter().flatten().filter_map(|below| below["index"].as_u64());
    indices.map(|index| usize::try_from(index).expect("an index fits")).collect()
}

fn is_third_party(unit: &Value) -> bool {
    unit["pkg_id"].as_str().is_some_and(|id| id.starts_with("registry+"))
}

/// `name@version`, which cargo writes behind the source.
fn name(unit: &Value) -> &str {
    unit["pkg_id"].as_str().and_then(|id| id.rsplit('#').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Graph;

    fn unit(name: &str, features: &[&str], below: &[usize]) -> Value {
        let below: Vec<Value> = below.iter().map(|index| json!({ "index": index })).collect();
        json!({
            "pkg_id": format!("registry+x#{name}@1.0.0"), "mode": "build", "target": { "kind": ["lib"] },
            "features": features, "platform": null, "profile": { "name": "dev" }, "dependencies": below,
        })
    }

    #[test]
    fn what_stands_above_a_difference_differs_too_but_is_not_to_blame() {
        let program = Graph::new(vec![unit("map", &[], &[]), unit("bevy_ecs", &["std"], &[0])]);
        let same = Graph::new(vec![unit("mimic", &[], &[]), unit("bevy_ecs", &["std"], &[2]), unit("map", &[], &[])]);
        let other = Graph::new(vec![unit("map", &["more"], &[]), unit("bevy_ecs", &["std"], &[0])]);
        assert_eq!(program.not_in(&same).0, 0);
        let (different, culprits) = program.not_in(&other);
        assert_eq!((different, culprits.into_iter().collect::<Vec<_>>()), (2, vec!["map@1.0.0 []".to_owned()]));
    }

    #[test]
    fn a_second_variant_below_is_a_difference() {
        let program = Graph::new(vec![unit("map", &[], &[]), unit("bevy_ecs", &["std"], &[0])]);
        let split =
            Graph::new(vec![unit("map", &[], &[]), unit("map", &["more"], &[]), unit("bevy_ecs", &["std"], &[1])]);
        let (different, culprits) = program.not_in(&split);
        assert_eq!((different, culprits.into_iter().collect::<Vec<_>>()), (1, vec!["map@1.0.0 []".to_owned()]));
    }
}
