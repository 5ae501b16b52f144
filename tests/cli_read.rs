//! What `waybill check` makes of the formats it reads, on files of our own.

use std::fs;
use std::path::Path;

use crate::cli_check::{check, check_input};

/// Two invoices; the second SE01 is wrong.
const MISCOUNTED: &str = "\
ISA*00*          *00*          *ZZ*MERIDIAN       *ZZ*HARBOR         *260131*0900*U*00401*000000017*0*P*>~
GS*IN*MERIDIAN*HARBOR*20260131*0900*17*X*004010~
ST*810*0001~
BIG*20260131*M-1001**PO-77~
CUR*SE*USD~
IT1*1*3*EA*41.15~
TDS*12345~
CTT*1~
SE*7*0001~
ST*810*0002~
BIG*20260131*M-1002~
CUR*SE*USD~
IT1*1*2*EA*10~
TDS*2000~
CTT*1~
SE*12*0002~
GE*2*17~
IEA*1*000000017~
";

fn written(name: &str, content: impl AsRef<[u8]>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    folder
}

#[test]
fn a_wrong_count_is_shown_with_its_line_and_a_caret() {
    let folder = written("invoices.edi", MISCOUNTED);
    let check = check(folder.path(), &["invoices.edi"]);
    assert_eq!(check.exit, 1, "{}", check.out);
    let lines: Vec<_> = check.out.lines().collect();
    assert!(lines[0].starts_with("error[edi_count_mismatch]: SE01 says "), "{}", check.out);
    assert!(lines[1].starts_with("  --> invoices.edi:16:4 (ISA[1]/GS[1]/ST[2]/SE"), "{}", check.out);
    assert_eq!(lines[2..5], ["   |", "16 | SE*12*0002~", "   |    ^^ SE01"]);
    assert!(lines.iter().any(|line| line.starts_with("   = fix: ")), "{}", check.out);
    let [.., summary, more] = &lines[..] else { panic!("{}", check.out) };
    assert_eq!(*summary, "invoices.edi: x12-810 004010, 2 documents, 1 error, 0 warnings");
    assert_eq!(*more, "more about this: waybill explain edi_count_mismatch");
}

#[test]
fn a_document_line_keeps_its_keys_and_their_order() {
    let folder = written("invoices.edi", MISCOUNTED);
    let check = check(folder.path(), &["invoices.edi", "--json"]);
    let first = check.out.lines().next().unwrap();
    assert!(
        first.starts_with(concat!(
            r#"{"event":"document","file":"invoices.edi","format":"x12-810","kind":"invoice","number":"M-1001","#,
            r#""currency":"USD","payable":"123.45","issue_date":"2026-01-31","location":{"byte":156,"line":3,"#,
            r#""path":"ISA[1]/GS[1]/ST[1]","#
        )),
        "{first}"
    );
    let events: Vec<_> = check.lines().iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["document", "finding", "document", "summary"]);
    let documents = check.events("document");
    assert_eq!((&documents[0]["errors"], &documents[1]["errors"]), (&0.into(), &1.into()));
    assert_eq!(check.events("finding")[0]["document"], documents[1]["ordinal"]);
    assert_eq!(check.events("summary")[0]["documents"], 2);
}

#[test]
fn a_good_file_exits_0_and_is_one_line() {
    let folder = written("good.edi", MISCOUNTED.replace("SE*12*", "SE*7*"));
    let plain = check(folder.path(), &["good.edi"]);
    assert_eq!((plain.exit, plain.out.as_str()), (0, "good.edi: x12-810 004010, 2 documents, 0 errors, 0 warnings\n"));
    let listed = check(folder.path(), &["good.edi", "-v"]);
    assert!(
        listed.out.starts_with("invoice M-1001, 123.45 USD, 2026-01-31 (line 3, ISA[1]/GS[1]/ST[1])\n"),
        "{}",
        listed.out
    );
}

#[test]
fn from_a_pipe_the_segment_is_quoted() {
    let check = check_input(Path::new("."), &["-"], MISCOUNTED.as_bytes());
    assert_eq!(check.exit, 1);
    assert!(check.out.contains("  --> <stdin>:16, byte "), "{}", check.out);
    assert!(check.out.contains("16 | SE*12*0002"), "{}", check.out);
}

#[test]
fn ten_megabytes_in_one_segment_are_a_finding_beside_the_good_document() {
    let (first, _) = MISCOUNTED.split_once("BIG*20260131*M-1002").unwrap();
    let mut file = first.as_bytes().to_vec();
    file.resize(10 * 1024 * 1024, b'x');
    let folder = written("long.edi", file);
    let check = check(folder.path(), &["long.edi", "--json"]);
    assert_eq!(check.exit, 1);
    assert_eq!(check.events("document")[0]["number"], "M-1001");
    let findings = check.events("finding");
    assert_eq!(findings.last().unwrap()["code"], "length_exceeded");
    assert!(findings.last().unwrap()["message"].as_str().unwrap().contains("`token_bytes_max`"));
    assert_eq!(check.events("summary")[0]["documents"], 1);
}

#[test]
fn fields_of_a_table_are_underlined_in_their_row() {
    let table = "vendor_no,supplier_invoice_no,invoice_date,currency,gross,status_code\n\
                 V-9,Größe-1,2026-01-31,EUR,12O.00,open\n";
    let folder = written("open.csv", table);
    let check = check(folder.path(), &["open.csv", "--profile", "waybill-vouchers"]);
    assert_eq!(check.exit, 1, "{}", check.out);
    assert!(check.out.contains("error[amount_invalid]: "), "{}", check.out);
    assert!(check.out.contains(" --> open.csv:2:28 (row 2/gross)\n"), "{}", check.out);
    assert!(
        check.out.contains("2 | V-9,Größe-1,2026-01-31,EUR,12O.00,open\n  |                            ^^^^^^\n"),
        "{}",
        check.out
    );
}

#[test]
fn a_profile_of_ones_own_weighs_findings() {
    let folder = written("invoices.edi", MISCOUNTED);
    let run = |weight: &str| {
        let profile = format!("name = \"lenient\"\n[severities]\nedi_count_mismatch = \"{weight}\"\n");
        fs::write(folder.path().join("lenient.toml"), profile).unwrap();
        check(folder.path(), &["invoices.edi", "--profile", "lenient.toml"])
    };
    let warned = run("warning");
    assert_eq!(warned.exit, 0);
    assert!(warned.out.starts_with("warning[edi_count_mismatch]"), "{}", warned.out);
    assert!(!run("off").out.contains("edi_count_mismatch"));
}

#[test]
fn many_of_a_kind_are_shown_five_times_and_counted() {
    let (head, rest) = MISCOUNTED.split_once("ST*810*0001~").unwrap();
    let (_, second) = rest.split_once("ST*810*0002~").unwrap();
    let (second, _) = second.split_once("SE*12").unwrap();
    let mut file = head.to_owned();
    for number in 1..=42 {
        file += &format!("ST*810*{number:04}~{second}SE*99*{number:04}~\n").replace("M-1002", &format!("M-{number}"));
    }
    file += "GE*42*17~\nIEA*1*000000017~\n";
    let folder = written("many.edi", file);
    let plain = check(folder.path(), &["many.edi"]);
    assert_eq!(plain.out.matches("SE01 says").count(), 5, "{}", plain.out);
    assert!(
        plain.out.contains("error[edi_count_mismatch]: … and 37 more like this (SE01), at lines "),
        "{}",
        plain.out
    );
    assert!(plain.out.contains("\nmany.edi: x12-810 004010, 42 documents, 42 errors, 0 warnings\n"), "{}", plain.out);
    assert_eq!(check(folder.path(), &["many.edi", "--json"]).events("finding").len(), 42);
}
