//! The specification by example: every folder `fixtures/<format>/<ok|err>/<case>` holds an `input.*` and
//! the `expected.jsonl` that reading it must give, one JSON object a line, in the order told:
//! `{"document":…}`, `{"finding":…}`, and last `{"summary":…}` (or `{"halt":…}`).
//!
//! A case may bring its own `profile.toml`, which is then the only profile. `UPDATE_EXPECT=1 cargo test`
//! writes what was read; read the difference before you commit it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use waybill_parsers::{Context, Event, Finding, Limits, Profile, Severity, read};

#[test]
fn every_fixture_reads_as_it_says() {
    let cases = cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"));
    assert!(!cases.is_empty(), "there are no fixtures");
    let faults: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(faults.is_empty(), "{} of {} fixtures differ:\n\n{}", faults.len(), cases.len(), faults.join("\n\n"));
}

/// Every folder that holds an `input.*`, sorted.
fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for format in folders(folder) {
        for verdict in folders(&format) {
            assert!(
                verdict.ends_with("ok") || verdict.ends_with("err"),
                "{}: a format's folder holds `ok` and `err`, and nothing else",
                verdict.display()
            );
            found.extend(folders(&verdict));
        }
    }
    found
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn check(case: &Path) -> Result<(), String> {
    let told = told(case);
    lawful(case, &told)?;
    let actual: String = told.iter().map(|line| format!("{line}\n")).collect();
    let expected_path = case.join("expected.jsonl");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected_path, &actual).unwrap();
        return Ok(());
    }
    let expected =
        fs::read_to_string(&expected_path).map_err(|error| format!("{}: {error}", expected_path.display()))?;
    compare(case, &expected, &actual)
}

/// Everything the reader says about a case, one value a line.
fn told(case: &Path) -> Vec<Value> {
    let input = input_of(case);
    let profiles = profiles_of(case);
    let context = Context { profiles: &profiles, limits: Limits::default() };
    let mut told = Vec::new();
    let mut sink = |event| {
        told.push(match event {
            Event::Document(document) => json!({ "document": document }),
            Event::Finding(finding) => json!({ "finding": finding }),
            Event::Unlisted { severity, document } => json!({ "unlisted": severity, "document": document }),
        });
        ControlFlow::Continue(())
    };
    let result = read(&mut BufReader::new(File::open(input).unwrap()), &context, &mut sink);
    told.push(match result {
        Err(halt) => json!({ "halt": halt.to_string() }),
        Ok(summary) => json!({ "summary": {
            "format": summary.format,
            "version": summary.version,
            "encoding": summary.encoding,
            "profile": summary.profile,
            "documents": summary.documents,
            "errors": summary.errors,
            "warnings": summary.warnings,
            "units": summary.units,
        }}),
    });
    told
}

fn input_of(case: &Path) -> PathBuf {
    let entries = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    let inputs: Vec<PathBuf> = entries.filter(|path| path.file_stem().is_some_and(|stem| stem == "input")).collect();
    match inputs.as_slice() {
        [input] => input.clone(),
        _ => panic!("{}: wants exactly one `input.*`, has {}", case.display(), inputs.len()),
    }
}

fn profiles_of(case: &Path) -> Vec<Profile> {
    let path = case.join("profile.toml");
    if !path.exists() {
        return Vec::new();
    }
    let text = fs::read_to_string(&path).unwrap();
    vec![toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))]
}

/// What holds for every case: `ok` has no error and `err` has one; ordinals count from 0; a document's
/// findings come before it and name one that comes; what a person reads is there.
fn lawful(case: &Path, told: &[Value]) -> Result<(), String> {
    let errors = told.iter().filter(|line| line["finding"]["severity"] == Severity::Error.as_str()).count();
    let halted = told.iter().any(|line| line.get("halt").is_some());
    let said = |what: &str| Err(format!("{}: {what}", case.display()));
    if case.parent().unwrap().ends_with("ok") && (errors > 0 || halted) {
        return said(&format!("is under `ok` and has {errors} errors: {told:#?}"));
    }
    if case.parent().unwrap().ends_with("err") && errors == 0 && !halted {
        return said("is under `err` and has no error");
    }
    let mut documents = 0;
    let mut waiting: BTreeMap<u64, String> = BTreeMap::new();
    for line in told {
        if let Some(document) = line.get("document") {
            if document["ordinal"] != documents {
                return said(&format!("document {documents} says its ordinal is {}", document["ordinal"]));
            }
            waiting.remove(&documents);
            documents += 1;
        }
        if let Some(finding) = line.get("finding") {
            if let Some(ordinal) = finding["document"].as_u64() {
                if ordinal < documents {
                    return said(&format!("a finding of document {ordinal} comes after it: {finding}"));
                }
                waiting.insert(ordinal, finding.to_string());
            }
            for part in ["message", "fix"] {
                if finding[part].as_str().is_none_or(str::is_empty) {
                    return said(&format!("a finding has no {part}: {finding}"));
                }
            }
            let excerpt = finding["excerpt"].as_str().unwrap_or_default();
            if excerpt.chars().count() > Finding::EXCERPT_CHARS_MAX + 1 {
                return said("an excerpt is too long");
            }
        }
    }
    match waiting.values().next() {
        Some(finding) if !halted => said(&format!("a finding names a document that never came: {finding}")),
        _ => Ok(()),
    }
}

/// Compares value by value, so that a hand-edited `expected.jsonl` may space as it likes.
fn compare(case: &Path, expected: &str, actual: &str) -> Result<(), String> {
    let parse = |text: &str| -> Vec<Value> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| json!(format!("{error}: {line}")))).collect()
    };
    let (expected, actual) = (parse(expected), parse(actual));
    let length = expected.len().max(actual.len());
    for line in 0..length {
        let (want, got) = (expected.get(line), actual.get(line));
        if want != got {
            let show = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:#}"));
            let (want, got) = (show(want), show(got));
            return Err(format!("{}, line {}:\n expected {want}\n got {got}", case.display(), line + 1));
        }
    }
    Ok(())
}
