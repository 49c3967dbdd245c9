//! The JSON Schema of a stage file, for editors; `stage-configs/cyclorama-stage.schema.json` is its copy.

use crate::file::StageFile;
use serde_json::Value;
use std::collections::BTreeMap;

/// The schema, JSON Schema 2020-12. TOML has no null, so an optional key is one that may be absent.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(StageFile).to_value();
    drop_null(&mut schema);
    schema
}

/// The schema as the text of the shipped file.
pub fn json_schema_text() -> String {
    format!("{:#}\n", json_schema())
}

/// Takes the "or null" out that JSON Schema generators add for optional values.
fn drop_null(node: &mut Value) {
    match node {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(one)] = options.as_slice() {
                    let one = one.clone();
                    object.remove("anyOf");
                    object.extend(one);
                }
            }
            object.values_mut().for_each(drop_null);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        _ => {}
    }
}

/// The keys of each kind of table, by a path such as `wall.shape.arc`.
pub(crate) fn keys_by_table(schema: &Value) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    collect(schema, schema, "", &mut tables);
    for keys in tables.values_mut() {
        keys.sort();
        keys.dedup();
    }
    tables
}

fn collect(root: &Value, node: &Value, path: &str, tables: &mut BTreeMap<String, Vec<String>>) {
    if let Some(name) = node.get("$ref").and_then(Value::as_str) {
        if let Some(target) = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
            collect(root, target, path, tables);
        }
        return;
    }
    let options = ["oneOf", "anyOf"].into_iter().filter_map(|key| node.get(key)?.as_array()).flatten();
    for option in options.chain(node.get("items")) {
        collect(root, option, path, tables);
    }
    if node.get("type").is_some_and(|kind| kind == "object") {
        let keys = tables.entry(path.to_owned()).or_default();
        let properties = node.get("properties").and_then(Value::as_object);
        keys.extend(properties.iter().flat_map(|properties| properties.keys().cloned()));
        for (key, value) in properties.into_iter().flatten() {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            collect(root, value, &below, tables);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// One file in which every kind of table stands, so that the reader asks for every key it knows.
    const EVERY_TABLE: &str = r#"
        format = 1
        pacer = {}
        budget = {}
        control = {}
        latency = {}
        [[wall]]
        panel = {}
        shape.flat = {}
        rotation_deg = {}
        led = {}
        [[wall]]
        shape.arc = {}
        [[wall]]
        shape.mesh = {}
        [[feed]]
        protocol.freed = {}
        profile = {}
        filter = {}
        loss = {}
        [[feed]]
        protocol.opentrackio = {}
        profile = {}
        [[feed]]
        protocol.osc = {}
        [[camera]]
        sensor = {}
        inner = {}
        mount = { rotation_deg = {} }
        rotation_deg = {}
        shutter = {}
        [[output]]
        wall = ""
        wall_px = {}
        signal = {}
        [[output]]
        regions = [{ wall_px = {} }]
    "#;

    /// Of these a file has one at a time.
    const SOURCES: [&str; 8] = ["internal", "ptp", "ltc", "mtc", "artnet", "osc", "serial", "display"];
    const LABELS: [&str; 7] = ["count", "time_of_day", "genlock", "ltc", "mtc", "artnet", "osc"];
    const OUT: &str = r#"
        [[timecode.out]]
        to.ltc = {}
        [[timecode.out]]
        to.mtc = {}
        [[timecode.out]]
        to.artnet = {}
        [[timecode.out]]
        to.osc = {}
    "#;

    #[test]
    fn schema_and_reader_know_the_same_keys() {
        let no_files = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        let genlocks = SOURCES.map(|kind| format!("[genlock]\nsource.{kind} = {{}}"));
        let timecodes = LABELS.map(|kind| format!("[timecode]\nsource.{kind} = {{}}\n{OUT}"));
        let texts = genlocks.into_iter().chain(timecodes).chain([EVERY_TABLE.to_owned()]);
        let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts {
            for (at, keys) in crate::load::parse_tree(&text, Path::new("x.toml"), &no_files).2 {
                asked.entry(at).or_default().extend(keys.into_iter().map(String::from));
            }
        }
        for keys in asked.values_mut() {
            keys.sort();
            keys.dedup();
        }
        let described = keys_by_table(&json_schema());
        assert_eq!(asked.keys().collect::<Vec<_>>(), described.keys().collect::<Vec<_>>());
        assert_eq!(asked, described);
    }
}
