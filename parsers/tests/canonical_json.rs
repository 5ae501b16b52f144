//! Canonical JSON: every document of every fixture is written, is as its schema says, and is read back equal;
//! and what is broken on the way is answered.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use waybill_parsers::{Context, Document, Event, Limits, Profile, Summary, canonical, json, profile, read};

/// Every document of every fixture, with the folder it is from.
fn documents() -> Vec<(PathBuf, Document)> {
    let mut documents = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    for case in folders(&root).iter().flat_map(|format| folders(format)).flat_map(|verdict| folders(&verdict)) {
        let own = std::fs::read_to_string(case.join("profile.toml")).ok();
        let own: Vec<Profile> = own.iter().map(|text| Profile::from_toml(text).unwrap()).collect();
        let profiles = if own.is_empty() { profile::built_in() } else { &own };
        for entry in std::fs::read_dir(&case).unwrap() {
            let input = entry.unwrap().path();
            if input.file_stem().is_some_and(|stem| stem == "input") {
                let bytes = std::fs::read(&input).unwrap();
                let found = told(&mut bytes.as_slice(), profiles).0;
                documents.extend(found.into_iter().map(|document| (case.clone(), document)));
            }
        }
    }
    documents
}

fn told(input: &mut dyn BufRead, profiles: &[Profile]) -> (Vec<Document>, Vec<Event>, Option<Summary>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let context = Context { profiles, limits: Limits::default() };
    let summary = read(input, &context, &mut |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            other => findings.push(other),
        }
        ControlFlow::Continue(())
    });
    (documents, findings, summary.ok())
}

fn line(document: &Document) -> Vec<u8> {
    let mut line = Vec::new();
    json::write(document, &mut line).unwrap();
    line
}

#[test]
fn every_document_comes_back_from_json_as_it_was() {
    let documents = documents();
    assert!(documents.len() > 50, "{} documents", documents.len());
    for (case, document) in &documents {
        let line = line(document);
        let back: Document = serde_json::from_slice(&line).unwrap();
        assert_eq!(&back, document, "{}", case.display());
    }
    let all: Vec<u8> = documents.iter().flat_map(|(_, document)| line(document)).collect();
    let (back, _, summary) = told(&mut all.as_slice(), &[]);
    assert_eq!((summary.unwrap().documents, back.len()), (documents.len() as u64, documents.len()));
    for ((case, document), back) in documents.iter().zip(&back) {
        assert_eq!(back.body, document.body, "{}", case.display());
        assert_eq!(back.control, document.control);
        for evidence in &back.evidence {
            let start = usize::try_from(evidence.at.byte).unwrap();
            let raw = &all[start..start + evidence.at.len as usize];
            assert_eq!(raw, evidence.raw.as_bytes(), "{}", evidence.field);
        }
    }
}

#[test]
fn every_document_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(&canonical::schema()).unwrap();
    for (case, document) in documents() {
        let value = serde_json::from_slice(&line(&document)).unwrap();
        let mut faults = Vec::new();
        validate(&schema, &schema, &value, "", &mut faults);
        assert!(faults.is_empty(), "{}: {faults:?}", case.display());
    }
}

#[test]
fn every_example_in_docs_canonical_md_is_a_document_of_its_kind() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CANONICAL.md")).unwrap();
    let examples: Vec<&str> = text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let (documents, findings, _) = told(&mut examples.concat().as_bytes(), &[]);
    assert_eq!((documents.len(), findings), (examples.len(), Vec::new()));
    let kinds: std::collections::BTreeSet<_> = documents.iter().map(Document::kind).collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
    let schema: Value = serde_json::from_str(&canonical::schema()).unwrap();
    for example in examples {
        let document: Document = serde_json::from_str(example).unwrap();
        // Nothing in an example is passed over: all of it is in what is written again.
        let written = serde_json::to_value(&document).unwrap();
        assert_holds(&written, &serde_json::from_str(example).unwrap(), "");
        let mut faults = Vec::new();
        validate(&schema, &schema, &written, "", &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
    }
}

fn assert_holds(written: &Value, example: &Value, at: &str) {
    match example {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| assert_holds(&written[name], inner, &format!("{at}/{name}")));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, inner)| assert_holds(&written[n], inner, &format!("{at}/{n}")));
        }
        // What is false by default is not written.
        Value::Bool(false) => assert_ne!(written, true, "{at}"),
        _ => assert_eq!(written, example, "{at}"),
    }
}

/// The part of JSON Schema that ours uses; a keyword this does not know is a fault.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let wrong = |what: String| format!("{at}: {what}");
    for (keyword, wants) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "default" => true,
            "type" => match wants.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64() || value.is_i64(),
                other => panic!("type {other}"),
            },
            "const" => value == wants,
            "enum" => wants.as_array().unwrap().contains(value),
            "minimum" => value.as_i64().is_none_or(|number| number >= wants.as_i64().unwrap()),
            "maximum" => value.as_u64().is_none_or(|number| number <= wants.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wants.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wants.as_u64().unwrap()),
            "format" => wants != "date" || value.as_str().unwrap().parse::<jiff::civil::Date>().is_ok(),
            "pattern" => {
                assert_eq!(wants, r"^-?\d+(\.\d+)?$", "a pattern this test does not know");
                let text = value.as_str().unwrap();
                text.strip_prefix('-').unwrap_or(text).split('.').count() <= 2
                    && text
                        .strip_prefix('-')
                        .unwrap_or(text)
                        .split('.')
                        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
            }
            "required" => wants.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "additionalProperties" => {
                assert_eq!(wants, &Value::Bool(false));
                value.as_object().unwrap().keys().all(|key| schema["properties"].get(key).is_some())
            }
            "properties" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match wants.get(name) {
                        Some(schema) => validate(root, schema, inner, &format!("{at}/{name}"), faults),
                        None => faults.push(wrong(format!("the schema has no `{name}`"))),
                    }
                }
                true
            }
            "items" | "prefixItems" => {
                for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                    let schema = if keyword == "items" { wants } else { &wants[index] };
                    validate(root, schema, inner, &format!("{at}/{index}"), faults);
                }
                true
            }
            "$ref" => {
                let target = root.pointer(wants.as_str().unwrap().trim_start_matches('#')).unwrap();
                validate(root, target, value, at, faults);
                true
            }
            "oneOf" => {
                let fitting = wants.as_array().unwrap().iter().filter(|choice| {
                    let mut faults = Vec::new();
                    validate(root, choice, value, at, &mut faults);
                    faults.is_empty()
                });
                fitting.count() == 1
            }
            other => panic!("{at}: the keyword `{other}` is not known to this test"),
        };
        if !holds {
            faults.push(wrong(format!("{keyword} {wants}, but it is {value}")));
        }
    }
}

/// Three documents of different kinds as one file.
fn file() -> Vec<u8> {
    let documents = documents();
    let mut kinds = std::collections::BTreeMap::new();
    for (_, document) in &documents {
        kinds.entry(document.kind()).or_insert_with(|| line(document));
    }
    kinds.into_values().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_any_byte_changed_is_answered(at in any::<prop::sample::Index>(), byte: u8) {
        thread_local!(static FILE: Vec<u8> = file());
        let mut file = FILE.with(Clone::clone);
        let at = at.index(file.len());
        file[at] = byte;
        let (documents, findings, summary) = told(&mut file.as_slice(), &[]);
        prop_assert!(summary.is_some() && documents.len() + findings.len() > 0);
        for document in documents {
            prop_assert!(document.location.byte + u64::from(document.location.len) <= file.len() as u64);
        }
        for event in findings {
            if let Event::Finding(finding) = event {
                prop_assert!(finding.location.byte + u64::from(finding.location.len) <= file.len() as u64);
            }
        }
    }

    #[test]
    fn the_same_bytes_in_other_pieces_are_the_same_file(capacity in 1usize..300, cut in any::<prop::sample::Index>()) {
        thread_local!(static FILE: Vec<u8> = file());
        let file = FILE.with(Clone::clone);
        let file = &file[..cut.index(file.len())];
        let whole = told(&mut &*file, &[]);
        let pieces = told(&mut BufReader::with_capacity(capacity, file), &[]);
        prop_assert!(whole == pieces);
    }
}
