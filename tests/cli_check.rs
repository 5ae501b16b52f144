//! `waybill check` as a person and a program meet it: the real binary, its two streams, its exit code.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A run of `waybill check`, ended.
pub(crate) struct Check {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Check {
    /// Every line of `--json`.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// The lines of one event.
    pub(crate) fn events(&self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }
}

impl From<Output> for Check {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().expect("ended by itself, not by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn waybill(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command.current_dir(folder).arg("check").args(args).env_remove("NO_COLOR").env_remove("COLUMNS");
    command.stdin(Stdio::null());
    command
}

/// Runs `waybill check` with these arguments, in this folder.
pub(crate) fn check(folder: &Path, args: &[&str]) -> Check {
    waybill(folder, args).output().unwrap().into()
}

/// The same, with something on its standard input.
pub(crate) fn check_input(folder: &Path, args: &[&str], input: &[u8]) -> Check {
    let mut child =
        waybill(folder, args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

#[test]
fn an_empty_file_is_a_finding() {
    let folder = folder(&[("empty.edi", b"")]);
    let check = check(folder.path(), &["empty.edi"]);
    assert_eq!(check.exit, 1);
    assert!(check.out.starts_with("error[empty_file]: the file is empty\n --> empty.edi\n  = fix: "), "{}", check.out);
    let end =
        "\nempty.edi: unknown format, 0 documents, 1 error, 0 warnings\nmore about this: waybill explain empty_file\n";
    assert!(check.out.ends_with(end), "{}", check.out);
    assert_eq!(check.err, "");
}

#[test]
fn a_file_nobody_knows_is_a_finding_that_says_what_it_looks_like() {
    let folder = folder(&[("scan.pdf", b"%PDF-1.7\n")]);
    let check = check(folder.path(), &["scan.pdf"]);
    assert_eq!(check.exit, 1);
    assert!(check.out.contains("error[unknown_format]: unknown format: this is a PDF\n"), "{}", check.out);
}

#[test]
fn json_is_one_object_a_line_with_its_keys_in_order() {
    let folder = folder(&[("scan.pdf", b"%PDF-1.7\n")]);
    let check = check(folder.path(), &["--json", "scan.pdf"]);
    assert_eq!(check.exit, 1);
    let [finding, summary] = check.out.lines().collect::<Vec<_>>()[..] else { panic!("not two lines: {}", check.out) };
    assert!(
        finding.starts_with(
            r#"{"event":"finding","severity":"error","code":"unknown_format","message":"unknown format: this is a PDF","fix":"#
        ),
        "{finding}"
    );
    assert!(finding.contains(r#""location":{"byte":0,"line":1,"path":""},"file":"scan.pdf""#), "{finding}");
    assert!(
        summary.starts_with(
            r#"{"event":"summary","file":"scan.pdf","format":"unknown","documents":0,"errors":1,"warnings":0"#
        ),
        "{summary}"
    );
}

#[test]
fn what_cannot_be_read_is_unusable_and_the_others_are_still_read() {
    let folder = folder(&[("empty.edi", b"")]);
    fs::create_dir(folder.path().join("june")).unwrap();
    let plain = check(folder.path(), &["missing.edi", "june", "empty.edi"]);
    assert_eq!(plain.exit, 2);
    assert!(plain.err.contains("waybill: missing.edi: could not open it: No such file"), "{}", plain.err);
    assert!(plain.err.contains("waybill: june: this is a directory; name the files in it\n"), "{}", plain.err);
    assert!(plain.out.contains("3 files: 0 documents, 1 error, 0 warnings, 2 could not be read\n"), "{}", plain.out);

    let json = check(folder.path(), &["missing.edi", "june", "empty.edi", "--json"]);
    assert_eq!((json.exit, json.err.as_str()), (2, ""));
    let events: Vec<_> = json.lines().iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["unusable", "unusable", "finding", "summary"]);
    assert_eq!(json.lines()[1]["file"], "june");
}

#[test]
fn standard_input_is_a_file_called_dash() {
    let folder = folder(&[]);
    let check = check_input(folder.path(), &["-", "--json"], b"-----BEGIN PGP MESSAGE-----\n");
    assert_eq!(check.exit, 1);
    assert_eq!(check.events("summary")[0]["file"], "-");
    assert!(check.events("finding")[0]["message"].as_str().unwrap().contains("PGP"));
}

#[test]
fn wrong_arguments_are_unusable() {
    let folder = folder(&[("empty.edi", b""), ("broken.toml", b"name = \n")]);
    for args in [
        &[][..],
        &["empty.edi", "--no-such-option"],
        &["empty.edi", "--profile", "no-such-profile"],
        &["empty.edi", "--profile", "missing.toml"],
        &["empty.edi", "--profile", "broken.toml"],
    ] {
        let check = check(folder.path(), args);
        assert_eq!((check.exit, check.out.as_str()), (2, ""), "{args:?}");
        assert!(!check.err.is_empty(), "{args:?} is refused without a word");
    }
}

#[test]
fn color_is_for_terminals_and_for_those_who_ask() {
    let folder = folder(&[("empty.edi", b"")]);
    assert!(!check(folder.path(), &["empty.edi"]).out.contains('\x1b'));
    assert!(check(folder.path(), &["empty.edi", "--color", "always"]).out.contains("\x1b[1;31merror"));
    assert!(!check(folder.path(), &["empty.edi", "--color", "always", "--json"]).out.contains('\x1b'));
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let folder = folder(&[("empty.edi", b"")]);
    // More output than a pipe holds, so that it must meet the closed end.
    let files = vec!["empty.edi"; 3_000];
    let mut child = waybill(folder.path(), &files).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let check: Check = child.wait_with_output().unwrap().into();
    assert_eq!((check.exit, check.err.as_str()), (1, ""));
}

#[test]
fn help_teaches_and_is_no_error() {
    let folder = folder(&[]);
    let check = check(folder.path(), &["--help"]);
    assert_eq!((check.exit, check.err.as_str()), (0, ""));
    for part in ["Examples:", "Exit codes:", "--profile", "docs/CLI.md"] {
        assert!(check.out.contains(part), "{part}");
    }
}
