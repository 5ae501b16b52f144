//! What is written is read back; what is broken is told where it is.

use std::io::BufReader;
use std::ops::ControlFlow;

use super::*;
use crate::canonical::{self, Invoice, Line, Totals};
use crate::{Limits, read};

fn document(ordinal: u32) -> Document {
    let decimal = |text: &str| Some(text.parse().expect("a number"));
    let invoice = Invoice {
        number: Some(format!("NW-{ordinal}").into()),
        currency: Some("EUR".into()),
        totals: Totals { payable: decimal("120.50"), ..Totals::default() },
        lines: vec![Line {
            net_amount: decimal("120.50"),
            note: Some("a } in { \" text".to_owned().into()),
            ..Line::default()
        }],
        ..Invoice::default()
    };
    Document {
        ordinal,
        format: "x12-810".into(),
        version: Some("004010".into()),
        location: Location::new(9, 2, "ISA[1]/GS[1]/ST[1]"),
        control: vec![("ISA13".into(), "7".into())],
        evidence: Vec::new(),
        body: Body::Invoice(Box::new(invoice)),
    }
}

fn line(ordinal: u32) -> String {
    let mut out = Vec::new();
    write(&document(ordinal), &mut out).expect("written");
    String::from_utf8(out).expect("text")
}

fn told(text: &str, capacity: usize) -> (Vec<Document>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let context = Context { profiles: &[], limits: Limits::default() };
    let mut input = BufReader::with_capacity(capacity, text.as_bytes());
    let summary = read(&mut input, &context, &mut |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            Event::Finding(finding) => findings.push(*finding),
            Event::Unlisted { .. } => (),
        }
        ControlFlow::Continue(())
    });
    assert_eq!(summary.expect("read").format, "json");
    (documents, findings)
}

#[test]
fn what_is_written_is_read_back_with_its_places_in_the_json() {
    let text = line(0) + &line(1);
    let (documents, findings) = told(&text, 7);
    assert_eq!(findings, []);
    assert_eq!(documents.len(), 2);
    for (read, ordinal) in documents.iter().zip(0..) {
        assert_eq!(read.body, document(ordinal).body);
        assert_eq!((read.ordinal, read.format.as_str(), read.control.len()), (ordinal, "json", 1));
        for evidence in &read.evidence {
            let start = usize::try_from(evidence.at.byte).expect("small");
            assert_eq!(&text[start..start + evidence.at.len as usize], evidence.raw);
            assert_eq!(evidence.at.line, u64::from(ordinal) + 1);
        }
        let fields: Vec<_> = read.evidence.iter().map(|evidence| evidence.field.as_str()).collect();
        assert_eq!(fields, ["number", "currency", "totals.payable", "lines[0].net_amount"]);
        assert_eq!(read.evidence[3].at.path, format!("document {}/body/invoice/lines/0/net_amount", ordinal + 1));
    }
}

#[test]
fn documents_printed_over_several_lines_or_side_by_side_are_read_too() {
    let pretty = serde_json::to_string_pretty(&document(0)).expect("written");
    let (documents, findings) = told(&format!("\u{feff}{pretty}\n\n{}{}", line(1).trim_end(), line(2)), 3);
    assert_eq!((documents.len(), findings.len()), (3, 0));
    assert_eq!(documents[1].location.line, pretty.lines().count() as u64 + 2);
    let payable = documents[0].evidence.iter().find(|evidence| evidence.field == "totals.payable").expect("there");
    assert!(payable.at.line > 1 && payable.at.line < documents[1].location.line);
}

#[test]
fn a_document_that_is_cut_off_costs_only_itself() {
    for cut in "{\"ordinal\"".len()..line(0).len() - 1 {
        let text = format!("{}\n{}{}", &line(0)[..cut], line(1), line(2));
        let (documents, findings) = told(&text, 64);
        let numbers: Vec<_> =
            documents.iter().map(|document| document.number().expect("numbered").to_owned()).collect();
        assert_eq!(numbers, ["NW-1", "NW-2"], "{text}");
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::TRUNCATED], "{text}");
    }
}

#[test]
fn a_fault_is_located_and_the_others_are_read() {
    let spoil = |from: &str, to: &str| {
        let (documents, findings) = told(&(line(0) + &line(1).replacen(from, to, 1) + &line(2)), 50);
        assert_eq!(documents.len(), 2, "{from} {to}");
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.location.line, 2);
        (finding.code.as_str(), finding.location.path.clone(), finding.message.clone())
    };
    let (code, path, message) = spoil("\"120.50\"", "120.50");
    assert_eq!((code, path.as_str()), ("json_schema", "document 2/body/invoice/totals/payable"));
    assert!(message.starts_with("document 2 is no canonical document: invalid type: floating point"), "{message}");
    let (code, path, _) = spoil("\"120.50\"", "\"1.00000000000000000000000000000000001\"");
    assert_eq!((code, path.as_str()), ("amount_invalid", "document 2/body/invoice/totals/payable"));
    assert_eq!(spoil("\"120.50\"", "\"1e5\"").0, "amount_invalid");
    assert_eq!(spoil("\"120.50\"", "\"1_000\"").0, "amount_invalid");
    assert_eq!(spoil("\"body\"", "\"corpus\"").0, "json_schema");
    let (code, path, _) = spoil("\"currency\":", "\"currency\";");
    assert_eq!((code, path.as_str()), ("json_malformed", "document 2/body/invoice/number"));
}

#[test]
fn text_between_documents_is_told_once() {
    let (documents, findings) = told(&format!("{}oh no\nmore {{\n{}", line(0), line(1)), 10);
    assert_eq!(documents.len(), 2);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.code, finding.location.line, finding.location.len), (Code::JSON_MALFORMED, 2, 5));
}

#[test]
fn a_document_without_end_passes_a_limit() {
    let context = Context { profiles: &[], limits: Limits { token_bytes_max: 1_000, ..Limits::default() } };
    let text = format!("{{\"ordinal\":0,\"format\":\"{}\"}}", "x".repeat(64_001));
    let halt = read(&mut text.as_bytes(), &context, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(halt, Err(Halt::Limit(Limit { setting: "token_bytes_max", max: 64_000, .. }))), "{halt:?}");
    let context = Context { profiles: &[], limits: Limits { lines_max: 0, ..Limits::default() } };
    let halt = read(&mut line(0).as_bytes(), &context, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(halt, Err(Halt::Limit(Limit { setting: "lines_max", .. }))), "{halt:?}");
}

#[test]
fn every_exact_number_and_every_date_of_the_model_is_known() {
    fn walk(schema: &serde_json::Value, name: &str, numbers: &mut Vec<String>, dates: &mut Vec<String>) {
        if schema["pattern"].is_string() {
            numbers.push(name.to_owned());
        }
        if schema["format"] == "date" {
            dates.push(name.to_owned());
        }
        for (key, inner) in schema.as_object().into_iter().flatten() {
            walk(inner, key, numbers, dates);
        }
    }
    let (mut numbers, mut dates) = (Vec::new(), Vec::new());
    walk(&serde_json::from_str(&canonical::schema()).expect("JSON"), "", &mut numbers, &mut dates);
    numbers.sort();
    numbers.dedup();
    let mut known = places::NUMBERS.to_vec();
    known.sort_unstable();
    assert_eq!(numbers, known);
    assert!(dates.iter().all(|date| places::WORDS.contains(&date.as_str())), "{dates:?}");
}
