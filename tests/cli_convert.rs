//! `waybill convert`, `explain` and `schema` as a person and a program meet them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cli_check::{Check, check};

fn waybill(folder: &Path, args: &[&str], input: &[u8]) -> Check {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command.current_dir(folder).args(args).env_remove("NO_COLOR").env("COLUMNS", "100");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input may be gone before it was given.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// Every input of the fixtures that read without an error, and the folder they are in.
fn fixtures(format: &str) -> Vec<(std::path::PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format).join("ok");
    let mut found = Vec::new();
    for case in fs::read_dir(root).into_iter().flatten() {
        let case = case.unwrap().path();
        for entry in fs::read_dir(&case).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.starts_with("input.") && !case.join("profile.toml").exists() {
                found.push((case.clone(), name));
            }
        }
    }
    found.sort();
    found
}

/// What a person compares: everything `check` says of a document but where it stands.
fn said(check: &Check) -> Vec<Value> {
    let mut documents = check.events("document");
    for document in &mut documents {
        for key in ["file", "format", "location", "version", "ordinal", "errors", "warnings"] {
            document.as_object_mut().unwrap().remove(key);
        }
    }
    documents
}

#[test]
fn what_is_converted_to_json_is_read_back_as_the_same_documents() {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("out.jsonl");
    let mut documents = 0;
    for (case, name) in ["x12", "ubl", "edifact", "cii", "iso20022", "cxml"].into_iter().flat_map(fixtures) {
        let before = said(&check(&case, &["--json", &name]));
        if before.is_empty() {
            continue;
        }
        let converted = waybill(&case, &["convert", &name, "--to", "json", "--out", target.to_str().unwrap()], b"");
        assert!(matches!(converted.exit, 0 | 1), "{}: {}", case.display(), converted.err);
        assert_eq!(converted.out, "");
        let after = said(&check(out.path(), &["--json", "out.jsonl"]));
        assert_eq!(before, after, "{}", case.display());
        documents += before.len();

        let again = waybill(out.path(), &["convert", "out.jsonl", "--to", "json"], b"");
        let bodies = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].clone()).collect()
        };
        assert_eq!(bodies(&again.out), bodies(&fs::read_to_string(&target).unwrap()), "{}", case.display());
    }
    assert!(documents > 20, "{documents}");
}

/// What all of `said` must agree on when a format in between has no place for the rest.
fn core(check: &Check) -> Vec<[Value; 5]> {
    let keys = ["kind", "number", "currency", "payable", "issue_date"];
    check.events("document").iter().map(|document| keys.map(|key| document[key].clone())).collect()
}

#[test]
fn what_is_converted_to_another_format_is_read_back_as_the_same_documents() {
    let out = tempfile::tempdir().unwrap();
    let mut written = 0;
    for (source, targets) in [
        ("ubl", ["ubl", "x12-810", "edifact-invoic"]),
        ("x12", ["ubl", "x12-810", "x12-820"]),
        ("edifact", ["ubl", "edifact-invoic", "edifact-remadv"]),
    ] {
        for (case, name) in fixtures(source) {
            let before = core(&check(&case, &["--json", &name]));
            for target in targets {
                let _ = fs::remove_file(out.path().join("out"));
                let path = out.path().join("out");
                let args = ["convert", &name, "--to", target, "--json", "--at", "2026-01-05T09:30", "--out"];
                let converted = waybill(&case, &[&args[..], &[path.to_str().unwrap()]].concat(), b"");
                assert!(matches!(converted.exit, 0 | 1), "{}: {}", case.display(), converted.err);
                let findings: Vec<Value> =
                    converted.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                let skipped = |document: usize| {
                    findings.iter().any(|finding| {
                        finding["code"] == "convert_unsupported"
                            && finding["document"].as_u64() == Some(document as u64)
                    })
                };
                let expected: Vec<_> =
                    before.iter().enumerate().filter(|(n, _)| !skipped(*n)).map(|(_, document)| document).collect();
                if expected.is_empty() {
                    assert!(!path.exists(), "{} as {target}", case.display());
                    continue;
                }
                let after = core(&check(out.path(), &["--json", "out"]));
                assert_eq!(after.iter().collect::<Vec<_>>(), expected, "{} as {target}", case.display());
                written += after.len();
            }
        }
    }
    assert!(written > 60, "{written}");
}

#[test]
fn what_the_target_has_no_place_for_is_named_and_another_kind_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let input = br#"{"body":{"vendor":{"vendor_no":"4472"}}}
{"body":{"invoice":{"number":"NW-2","issue_date":"2026-01-05","currency":"EUR","buyer_accounting_reference":"4711","totals":{"payable":"12.50"},"lines":[{"id":"1","quantity":"1","unit":"EA","net_price":"12.50","net_amount":"12.50"}]}}}
"#;
    let args = ["convert", "-", "--to", "x12-810", "--json", "--sender", "01:123456789", "--recipient", "HARBOUR"];
    let converted =
        waybill(folder.path(), &[&args[..], &["--control", "41", "--at", "2026-01-05T09:30"]].concat(), input);
    assert_eq!(converted.exit, 1);
    assert!(converted.out.contains("*01*123456789      *ZZ*HARBOUR        *260105*0930*U*00401*000000041*0*P*"));
    let codes: Vec<Value> = converted.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |code: &str| codes.iter().find(|line| line["code"] == code).unwrap_or_else(|| panic!("{codes:?}"));
    assert!(said("convert_unsupported")["message"].as_str().unwrap().ends_with("it holds invoices and credit notes"));
    assert_eq!(said("convert_lossy")["severity"], "warning");
    assert!(said("convert_lossy")["message"].as_str().unwrap().contains("buyer_accounting_reference"));
}

#[test]
fn a_profile_is_proposed_and_reads_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let table = b"Invoice Number,Invoice Date,Vendor Name,Currency,Invoice Amount\nNW-1,2026-01-05,Northwind,EUR,120.50\nNW-2,2026-01-20,Northwind,EUR,80.00\n";
    fs::write(folder.path().join("bills.csv"), table).unwrap();
    let run = |args: &[&str]| waybill(folder.path(), &[&["profile", "guess"], args].concat(), b"");
    let guessed = run(&["bills.csv", "--out", "my-erp.toml", "--name", "my-erp"]);
    assert_eq!((guessed.exit, guessed.out.as_str()), (0, ""), "{}", guessed.err);
    assert!(guessed.err.contains("Invoice Amount  payable, "), "{}", guessed.err);
    assert!(guessed.err.ends_with("by this profile the file has 2 documents and 0 errors\n"), "{}", guessed.err);
    let read = check(folder.path(), &["bills.csv", "--profile", "my-erp.toml", "--json"]);
    assert_eq!((read.exit, read.events("document").len()), (0, 2), "{}", read.out);

    let asked = waybill(folder.path(), &["profile", "guess", "-"], b"a|b\nx|y\n");
    assert_eq!(asked.exit, 1, "{}", asked.err);
    assert!(asked.out.starts_with("# ") && asked.out.contains("# ? ") && asked.err.contains("\n? "), "{}", asked.err);
    fs::write(folder.path().join("a.edi"), "UNB+UNOA:1+A+B+260105:0900+1'").unwrap();
    let foreign = run(&["a.edi"]);
    assert_eq!(foreign.exit, 2);
    assert!(foreign.err.contains("a.edi is edifact, which is read without a profile"), "{}", foreign.err);
    assert_eq!(run(&["missing.csv"]).exit, 2);
}

const CANONICAL: &[u8] = br#"{"body":{"vendor":{"vendor_no":"4472","name":"Northwind"}}}
{"body":{"invoice":{"number":"NW-1","currency":"EUR","totals":{"payable":12.5}}}}
{"body":{"invoice":{"number":"NW-2","currency":"EUR","totals":{"payable":"12.50"}}}}
"#;

#[test]
fn standard_input_becomes_standard_output_and_what_is_wrong_is_said_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let converted = waybill(folder.path(), &["convert", "-", "--to", "json"], CANONICAL);
    assert_eq!(converted.exit, 1);
    let lines: Vec<Value> = converted.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["body"]["invoice"]["totals"]["payable"], "12.50");
    assert!(converted.err.starts_with("error[json_schema]: document 2 is no canonical document"), "{}", converted.err);
    assert!(converted.err.contains("\n2 | "), "{}", converted.err);

    let quiet = waybill(
        folder.path(),
        &["convert", "-", "--to", "json"],
        CANONICAL.split_inclusive(|byte| *byte == b'\n').next().unwrap(),
    );
    assert_eq!((quiet.exit, quiet.err.as_str(), quiet.out.lines().count()), (0, "", 1));

    let json = waybill(folder.path(), &["convert", "-", "--to", "json", "--json"], CANONICAL);
    let events: Vec<Value> = json.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "finding" && event["code"] == "json_schema"));
}

#[test]
fn an_output_file_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), CANONICAL).unwrap();
    fs::write(folder.path().join("empty.edi"), "").unwrap();
    let run = |args: &[&str]| {
        waybill(folder.path(), &[&["convert", "--to", "json", "--out", "out.jsonl"], args].concat(), b"")
    };
    let names = || {
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };

    let unusable = run(&["in.jsonl", "missing.edi"]);
    assert_eq!((unusable.exit, names().len()), (2, 2), "{}", unusable.err);
    assert!(unusable.err.contains("out.jsonl was not written, for not everything could be read"), "{}", unusable.err);
    let nothing = run(&["empty.edi"]);
    assert_eq!((nothing.exit, names().len()), (1, 2), "{}", nothing.err);
    let done = run(&["in.jsonl"]);
    assert_eq!((done.exit, names().len()), (1, 3), "{}", done.err);
    assert!(done.err.ends_with("waybill: 2 documents written to out.jsonl as json\n"), "{}", done.err);

    let nowhere = waybill(folder.path(), &["convert", "in.jsonl", "--to", "json", "--out", "no/where.jsonl"], b"");
    assert_eq!(nowhere.exit, 2);
    assert!(nowhere.err.contains("waybill: could not write no/where.jsonl: No such file"), "{}", nowhere.err);
    assert_eq!(waybill(folder.path(), &["convert", "in.jsonl", "--to", "papyrus"], b"").exit, 2);
}

#[test]
fn a_code_is_explained_and_one_that_is_none_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| waybill(folder.path(), &[&["explain"], args].concat(), b"");
    let page = run(&["EDI_COUNT_MISMATCH"]);
    assert_eq!((page.exit, page.err.as_str()), (0, ""));
    for part in ["edi_count_mismatch", "Why it matters", "How to mend it", "Example", "Source:"] {
        assert!(page.out.contains(part), "{part}: {}", page.out);
    }
    let json: Value = serde_json::from_str(&run(&["br-co-10", "--json"]).out).unwrap();
    assert_eq!(json["code"], "BR-CO-10");
    assert!(json["fix"].is_string() && json["why"].is_string() && json["source"].is_string());

    let unknown = run(&["edi_cuont_mismatch"]);
    assert_eq!((unknown.exit, unknown.out.as_str()), (2, ""));
    assert!(
        unknown.err.contains("there is no code `edi_cuont_mismatch`; did you mean edi_count_mismatch"),
        "{}",
        unknown.err
    );

    let list = run(&[]);
    assert_eq!(list.exit, 0);
    assert!(list.out.contains("X12 and EDIFACT\n") && list.out.contains("  BR-CO-10"), "{}", list.out);
    assert!(run(&["--json"]).lines().iter().all(|line| line["code"].is_string() && line["group"].is_string()));
}

#[test]
fn the_schema_that_is_printed_is_the_one_in_docs() {
    let folder = tempfile::tempdir().unwrap();
    let schema = waybill(folder.path(), &["schema"], b"");
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/canonical.schema.json")).unwrap();
    assert_eq!(schema.exit, 0);
    assert!(schema.out == docs, "docs/canonical.schema.json is not what is printed");
}
