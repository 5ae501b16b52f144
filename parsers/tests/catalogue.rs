//! Every code and rule a finding can bear is explained: those the fixtures say are found, and those the
//! readers' source names.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use waybill_parsers::{Severity, explain, explanations};

#[test]
fn every_code_and_rule_of_the_fixtures_is_explained() {
    let mut told = BTreeMap::new();
    let expected = files(&root().join("../fixtures"), "jsonl").into_iter();
    for path in expected.filter(|path| path.ends_with("expected.jsonl")) {
        for line in fs::read_to_string(&path).unwrap().lines().filter(|line| !line.trim().is_empty()) {
            let finding = &serde_json::from_str::<Value>(line).unwrap()["finding"];
            for name in ["code", "rule"] {
                if let Some(code) = finding[name].as_str() {
                    told.insert(code.to_owned(), path.clone());
                }
            }
        }
    }
    assert!(told.len() > 40, "only {} codes", told.len());
    let unknown: Vec<_> = told.iter().filter(|(code, _)| explain(code).is_none()).collect();
    assert!(unknown.is_empty(), "no explanation in rules/catalogue for {unknown:#?}");
}

#[test]
fn every_code_and_rule_the_source_names_is_explained() {
    let mut named = BTreeMap::new();
    for path in files(&root().join("src"), "rs") {
        // The tests of a file stand last.
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for code in codes_in(text) {
            named.insert(code, path.clone());
        }
    }
    assert!(named.len() > 250, "only {} codes", named.len());
    let unknown: Vec<_> = named.iter().filter(|(code, _)| explain(code).is_none()).collect();
    assert!(unknown.is_empty(), "no explanation in rules/catalogue for {unknown:#?}");
}

#[test]
fn the_published_families_are_whole() {
    let count = |family: &str| {
        let is_of = |known: &&waybill_parsers::Explanation| {
            known.code.strip_prefix(family).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        explanations().filter(is_of).count()
    };
    // Counted in the artefacts v1.3.16.
    for (family, rules) in [
        ("BR-", 58),
        ("BR-CO-", 23),
        ("BR-DEC-", 21),
        ("BR-CL-", 23),
        ("BR-S-", 10),
        ("BR-Z-", 10),
        ("BR-E-", 10),
        ("BR-AE-", 10),
        ("BR-IC-", 12),
        ("BR-G-", 10),
        ("BR-O-", 14),
        ("BR-AF-", 10),
        ("BR-AG-", 10),
        ("BR-B-", 2),
    ] {
        assert_eq!(count(family), rules, "{family}");
    }
    assert_eq!(explain("BR-51").unwrap().severity, Severity::Warning);
    assert_eq!(explain("BR-CO-25"), None, "withdrawn");
}

/// What a file of source names as a code: a constant of `Code`, the rule of a finding, and every text in the
/// form of a published rule's id.
fn codes_in(text: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for start in ["Self(\"", "Code::rule(\"", "with_rule(\"", "rule: \"", "refused(Code::XML_MALFORMED, \""] {
        for found in text.split(start).skip(1) {
            codes.insert(found.split('"').next().unwrap().to_owned());
        }
    }
    for word in text.split('"') {
        let families = ["BR-", "UBL-", "PEPPOL-", "CII-", "EDIFACT-"];
        let is_id = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && word.ends_with(|last: char| last.is_ascii_digit());
        if is_id && families.iter().any(|family| word.starts_with(family)) {
            codes.insert(word.to_owned());
        }
    }
    codes
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file with that extension, at any depth.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found
}
