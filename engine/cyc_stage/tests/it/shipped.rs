//! The files in `stage-configs/`: they load without a word, fit the schema, and the schema is the shipped one.

use crate::{configs, from_disk};
use cyc_stage::stage::Stage;
use std::path::PathBuf;

/// Every stage file that is shipped, samples of old formats included.
fn stage_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = [configs(), configs().join("formats")]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn load(name: &str) -> Stage {
    cyc_stage::load(&configs().join(name), &from_disk).unwrap_or_else(|problems| panic!("{problems}")).stage
}

#[test]
fn every_shipped_file_loads_without_a_word() {
    let files = stage_files();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        match cyc_stage::load(&file, &from_disk) {
            Ok(loaded) => assert!(loaded.warnings.list.is_empty(), "{}", loaded.warnings),
            Err(problems) => panic!("{problems}"),
        }
    }
}

#[test]
fn there_is_a_sample_of_every_released_format() {
    for format in 1..=cyc_stage::FORMAT {
        let path = configs().join(format!("formats/{format}.toml"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(text.contains(&format!("format = {format}\n")), "{}", path.display());
    }
}

#[test]
fn the_sample_of_format_1_still_means_the_same() {
    let stage = load("formats/1.toml");
    let view = serde_json::to_value(&stage).unwrap();
    insta::assert_snapshot!("format_1", format!("{view:#}"));
}

#[test]
fn the_shipped_schema_is_the_current_one() {
    let path = configs().join("cyclorama-stage.schema.json");
    let now = cyc_stage::schema::json_schema_text();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == now, "{} is old; run the tests with UPDATE_EXPECT=1", path.display());
}

fn as_json(text: &str) -> serde_json::Value {
    toml::from_str(text).unwrap()
}

#[test]
fn every_shipped_file_fits_the_schema() {
    let validator = jsonschema::validator_for(&cyc_stage::schema::json_schema()).unwrap();
    for file in stage_files() {
        let value = as_json(&std::fs::read_to_string(&file).unwrap());
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let validator = jsonschema::validator_for(&cyc_stage::schema::json_schema()).unwrap();
    for (from, to) in [
        ("pitch_mm", "pitch"),
        ("format = 1", "format = 2"),
        ("overscan = 1.25", "overscan = 0.5"),
        ("columns = 4", "columns = 0"),
        ("shape.flat", "shape.round"),
        ("node = \"n1\"\n", ""),
        ("wall = \"main\"", "wall = \"main\"\nsignal = { bits = 9 }"),
        ("wall = \"main\"", "wall = \"main\"\nsignal = { transfer = \"hlg\" }"),
        ("[[wall]]", "[genlock]\nsource.ptp = { domain = 128 }\n[[wall]]"),
        ("[[wall]]", "[genlock]\nsource.ptp = { device = \"ptp0\" }\n[[wall]]"),
        ("[[wall]]", "[genlock]\nsource.blackburst = {}\n[[wall]]"),
        ("[[wall]]", "[genlock]\nsource.serial = { device = \"/dev/ttyS0\", pulse = \"rts\" }\n[[wall]]"),
        ("[[wall]]", "[timecode]\nsource.count = { start = \"01:00\" }\n[[wall]]"),
        ("[[wall]]", "[timecode]\nsource.time_of_day = { jam = \"24:00\" }\n[[wall]]"),
        ("[[wall]]", "[[timecode.out]]\nto.osc = { address = \"/tick\" }\n[[wall]]"),
        ("[[wall]]", "[pacer]\npriority = 100\n[[wall]]"),
        ("[[wall]]", "[budget]\nrender_ms = 0\n[[wall]]"),
        ("overscan = 1.25 }", "overscan = 1.25 }\nshutter = { angle_deg = 400 }"),
    ] {
        assert!(validator.is_valid(&as_json(crate::BASE)));
        let text = crate::BASE.replace(from, to);
        assert!(!validator.is_valid(&as_json(&text)), "schema took {to:?}");
        assert!(crate::parse(&text).is_err(), "loader took {to:?}");
    }
}

#[test]
fn the_manual_page_names_every_key() {
    let path = configs().join("../docs/stage-file.md");
    let page = std::fs::read_to_string(path).unwrap();
    for (table, keys) in cyc_stage::file::keys_by_table() {
        for key in keys {
            assert!(page.contains(&format!("`{key}`")), "docs/stage-file.md does not explain {table}.{key}");
        }
    }
    for code in cyc_stage::Code::ALL {
        let row = format!("| {} | {} |", code.id(), code.title());
        assert!(page.contains(&row), "docs/stage-file.md lacks: {row}");
    }
}

/// The reference with each line that stands in a comment as another way put to work.
fn reference_variants() -> Vec<String> {
    let text = std::fs::read_to_string(configs().join("reference.toml")).unwrap();
    let uncommented = |prefix: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.starts_with(prefix));
        lines.filter(|line| line.contains(" = ")).map(str::to_owned).collect()
    };
    let (internal, count) = ("source.internal = {}", "source.count = { start = \"01:00:00:00\" }");
    assert!(text.contains(internal) && text.contains(count));
    let sources = uncommented("source.");
    let ltc = sources.iter().find(|line| line.starts_with("source.ltc")).unwrap();
    let mut variants = Vec::new();
    for line in &sources {
        variants.push(match line.split(" = ").next().unwrap() {
            "source.time_of_day" => text.replace(count, line),
            "source.genlock" => text.replace(count, line).replace(internal, ltc),
            _ => text.replace(internal, line),
        });
    }
    for line in uncommented("to.") {
        variants.push(text.replacen("[[timecode.out]]", &format!("[[timecode.out]]\n{line}\n[[timecode.out]]"), 1));
    }
    for line in uncommented("cpu") {
        variants.push(text.replace("[pacer]", &format!("[pacer]\n{line}")));
    }
    assert_eq!(variants.len(), 7 + 2 + 2 + 1, "{sources:?}");
    variants
}

#[test]
fn what_the_reference_has_in_comments_works() {
    let validator = jsonschema::validator_for(&cyc_stage::schema::json_schema()).unwrap();
    for text in reference_variants() {
        match cyc_stage::parse(&text, &configs().join("reference.toml"), &from_disk) {
            Ok(loaded) => assert!(loaded.warnings.list.is_empty(), "{}", loaded.warnings),
            Err(problems) => panic!("{problems}"),
        }
        let errors: Vec<String> = validator.iter_errors(&as_json(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn the_reference_names_every_key() {
    let text = std::fs::read_to_string(configs().join("reference.toml")).unwrap();
    let words: std::collections::BTreeSet<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    // Reserved for what is not supported yet.
    let reserved = ["lens"];
    for (table, keys) in cyc_stage::file::keys_by_table() {
        for key in keys.iter().filter(|key| !reserved.contains(&key.as_str())) {
            assert!(words.contains(key.as_str()), "reference.toml lacks {table}.{key}");
        }
    }
}

#[test]
fn demo_walls_meet_at_their_edges() {
    let stage = load("demo.toml");
    let [front, left, right] = [&stage.walls[0], &stage.walls[1], &stage.walls[2]];
    assert_eq!([front.size_px, left.size_px, right.size_px], [[560, 280], [280, 280], [280, 280]]);
    let gap = |a: Option<_>, b: Option<_>| nalgebra::distance(&a.unwrap(), &b.unwrap());
    assert!(gap(left.point_of_px([280.0, 0.0]), front.point_of_px([0.0, 0.0])) < 1e-9);
    assert!(gap(right.point_of_px([0.0, 280.0]), front.point_of_px([560.0, 280.0])) < 1e-9);
    for wall in &stage.walls {
        let centre = wall.size_px.map(|side| f64::from(side) / 2.0);
        let to_eye = stage.eye_point_m - wall.point_of_px(centre).unwrap();
        assert!(wall.normal(centre).unwrap().dot(&to_eye) > 0.0, "{} turns its back", wall.id);
    }
}

#[test]
fn reference_uses_every_shape_and_protocol() {
    let stage = load("reference.toml");
    assert_eq!(stage.walls.len(), 3);
    assert_eq!(stage.feeds.len(), 3);
    assert_eq!(stage.outputs[2].size_px, [800, 256]);
    assert_eq!(stage.walls[2].patches.len(), 64, "8 x 4 quads");
    assert!(stage.walls.iter().all(|wall| wall.normal(wall.size_px.map(|s| f64::from(s) / 2.0)).is_some()));
    // All three stand around the eye point and face it.
    for wall in &stage.walls {
        let centre = wall.size_px.map(|side| f64::from(side) / 2.0);
        let to_eye = stage.eye_point_m - wall.point_of_px(centre).unwrap();
        assert!(wall.normal(centre).unwrap().dot(&to_eye) > 0.0, "{} turns its back", wall.id);
    }
}
