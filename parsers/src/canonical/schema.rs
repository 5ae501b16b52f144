//! The JSON Schema (2020-12) of the canonical document, made from the types; `docs/canonical.schema.json` is
//! its copy.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::Document;

/// Where the schema is at home. A name, not a promise that something answers there.
const ID: &str = "urn:waybill:canonical:1";

const TITLE: &str = "Waybill's canonical document";

/// The schema as text, one line end at its end: of what is written, which is more than must be there to be
/// read.
#[must_use]
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(Plain);
    let made = SchemaGenerator::new(settings).into_root_schema_for::<Document>();
    let mut head = Map::new();
    let dialect = made.get("$schema").cloned().unwrap_or_default();
    for (key, value) in [("$schema", dialect), ("$id", ID.into()), ("title", TITLE.into())] {
        head.insert(key.to_owned(), value);
    }
    let rest = made.as_object().into_iter().flatten();
    for (key, value) in rest {
        head.entry(key).or_insert_with(|| value.clone());
    }
    // A map of strings and values always becomes text.
    let mut text = serde_json::to_string_pretty(&head).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes the schema for readers of JSON, not of Rust: what is absent is left out and never
/// `null`, counts have no widths, links are words, and a default that says no more than "absent" goes.
#[derive(Debug, Clone)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && format.starts_with("uint")
        {
            schema.remove("format");
        }
        without_null(schema);
        let says_nothing = match schema.get("default") {
            Some(Value::Null | Value::Object(_)) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            _ => false,
        };
        if says_nothing {
            schema.remove("default");
        }
        // Rust's doc comments link to their neighbours; JSON's readers see the words.
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = unlinked(text).replace('\n', " ");
        }
    }
}

/// `["string", "null"]` as `"string"`, and a choice of one thing and `null` as the thing.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.insert(key, value);
        }
    }
}

/// ``[`Invoice::type_code`]`` as `type_code`.
fn unlinked(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, behind)) = after.split_once("`]") else {
            plain.push_str("[`");
            rest = after;
            continue;
        };
        let word = name.rsplit("::").next().unwrap_or(name);
        plain.push_str(&format!("`{word}`"));
        rest = behind;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_in_docs_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/canonical.schema.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let current = std::fs::read_to_string(path).is_ok_and(|copy| copy == schema());
        assert!(current, "docs/canonical.schema.json is not what the types say: run this test with UPDATE_EXPECT=1");
    }

    #[test]
    fn links_become_words() {
        assert_eq!(unlinked("stays in [`Invoice::type_code`]; [`Line`] [`open"), "stays in `type_code`; `Line` [`open");
    }
}
