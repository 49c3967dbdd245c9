//! Every shader, as the program puts it together, through naga.

use naga::front::wgsl;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use crate::repo::{self, Source};
use crate::tidy::assert_none;

#[test]
fn every_pass_parses_and_validates() {
    let sources = repo::sources();
    let (library, passes) = (library(&sources), shaders(&sources, "shaders/pass/"));
    assert!(!passes.is_empty(), "shaders/pass/ holds no shader");
    let mut wrong = Vec::new();
    for pass in passes {
        match validate(&format!("{library}\n{}", pass.text)) {
            Ok((module, _)) if module.entry_points.is_empty() => wrong.push(format!("{}: no entry point", pass.path)),
            Ok(_) => {}
            Err(message) => wrong.push(format!("{}:\n{message}", pass.path)),
        }
    }
    assert_none("shaders", wrong);
}

#[test]
fn the_library_stands_by_itself_and_binds_nothing() {
    let sources = repo::sources();
    let (module, _) = validate(&library(&sources)).unwrap_or_else(|message| panic!("shaders/lib:\n{message}"));
    assert!(module.functions.iter().next().is_some(), "shaders/lib/ holds no function");
    assert!(module.entry_points.is_empty(), "shaders/lib/ holds an entry point");
    let bound = module.global_variables.iter().filter(|(_, variable)| variable.binding.is_some());
    assert_none("bindings in shaders/lib/", bound.map(|(_, variable)| format!("{:?}", variable.name)));
}

#[test]
fn shaders_are_plain_wgsl() {
    let sources = repo::sources();
    let preprocessed = shaders(&sources, "shaders/")
        .into_iter()
        .filter(|shader| shader.text.lines().any(|line| line.trim_start().starts_with('#')));
    assert_none("shaders that need a preprocessor", preprocessed.map(|shader| &shader.path));
}

#[test]
fn every_library_function_has_a_rust_twin() {
    let sources = repo::sources();
    let (module, _) = validate(&library(&sources)).unwrap_or_else(|message| panic!("shaders/lib:\n{message}"));
    let rust: Vec<&Source> =
        sources.iter().filter(|source| source.is("rs") && !source.path.starts_with("tools/")).collect();
    let names = module.functions.iter().filter_map(|(_, function)| function.name.as_deref());
    let alone: Vec<&str> = names
        .filter(|name| {
            let (plain, generic) = (format!("fn {name}("), format!("fn {name}<"));
            !rust.iter().any(|source| source.text.contains(&plain) || source.text.contains(&generic))
        })
        .collect();
    assert_none("functions of shaders/lib/ without a twin of the same name", alone);
}

#[test]
fn a_wrong_shader_is_found() {
    assert!(validate("fn twice(x: f32) -> f32 { return 2.0 * x; }").is_ok());
    assert!(validate("fn twice(x: f32) -> f32 { return 2.0 * y; }").is_err());
    assert!(validate("fn twice(x: f32) -> f32 { }").is_err());
}

/// All of `shaders/lib/`, in the order of names.
fn library(sources: &[Source]) -> String {
    shaders(sources, "shaders/lib/").iter().map(|shader| shader.text.as_str()).collect::<Vec<_>>().join("\n")
}

fn shaders<'a>(sources: &'a [Source], folder: &str) -> Vec<&'a Source> {
    sources.iter().filter(|source| source.path.starts_with(folder) && source.is("wgsl")).collect()
}

/// Parses and validates as a device without optional features would.
fn validate(text: &str) -> Result<(naga::Module, ModuleInfo), String> {
    let module = wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::default());
    let info = validator.validate(&module).map_err(|error| error.emit_to_string(text))?;
    Ok((module, info))
}
