//! Every EDIFACT interchange is answered with a CONTRL that says what was wrong with it, and where.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::ops::ControlFlow;
use std::path::Path;

use jiff::civil::DateTime;
use waybill_parsers::canonical::{AcknowledgedFault, Acknowledgment, Body, Verdict};
use waybill_parsers::{Context, Document, Event, Finding, Limits, Receipt, Reply, Summary, acknowledge, read};

fn told(bytes: &[u8]) -> (Vec<Document>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let context = Context { profiles: &[], limits: Limits::default() };
    read(&mut &*bytes, &context, &mut |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            Event::Finding(finding) => findings.push(*finding),
            Event::Unlisted { .. } => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (documents, findings)
}

fn summary(bytes: &[u8]) -> Summary {
    let context = Context { profiles: &[], limits: Limits::default() };
    read(&mut &*bytes, &context, &mut |_| ControlFlow::Continue(())).unwrap()
}

const REPLY: Reply = Reply { control: 41, at: DateTime::constant(2026, 4, 12, 10, 30, 0, 0), every_interchange: false };

fn answer(bytes: &[u8]) -> (Receipt, String, Acknowledgment) {
    let summary = summary(bytes);
    let answer = acknowledge(&summary, &REPLY).unwrap();
    let (documents, findings) = told(&answer);
    assert_eq!(findings, Vec::new(), "{}", String::from_utf8_lossy(&answer));
    let Body::Acknowledgment(read) = documents[0].body.clone() else { panic!("{documents:?}") };
    let [receipt] = <[Receipt; 1]>::try_from(summary.receipts).unwrap();
    (receipt, String::from_utf8(answer).unwrap(), *read)
}

const GOOD: &str = "UNH+1+INVOIC:D:96A:UN'BGM+380+U-1+9'LIN+1'MOA+203:9.00'UNS+S'MOA+77:9.00'UNT+7+1'";

#[test]
fn a_good_interchange_is_accepted() {
    let (_, text, read) = answer(format!("UNB+UNOC:3+A:14+B:ZZ+260412:1030+7'{GOOD}UNZ+1+7'").as_bytes());
    let expected = "UNA:+.? '\nUNB+UNOC:3+B:ZZ+A:14+260412:1030+000000041'\nUNH+1+CONTRL:D:3:UN'\n\
                    UCI+7+A:14+B:ZZ+7'\nUCM+1+INVOIC:D:96A:UN+7'\nUNT+4+1'\nUNZ+1+000000041'\n";
    assert_eq!((text.as_str(), read.verdict), (expected, Verdict::Accepted));
}

#[test]
fn a_faulty_message_is_refused_with_the_place_of_each_fault_and_the_others_are_accepted() {
    let bad = "UNH+2+INVOIC:D:96A:UN'BGM+380+U-2+9'CUX+2:Euro:4'LIN+1'MOA+203:9,x'XYZ'UNS+S'MOA+77:9'UNT+10+2'";
    let (receipt, text, read) = answer(format!("UNB+UNOC:3+A:14+B:ZZ+260412:1030+7'{GOOD}{bad}UNZ+2+7'").as_bytes());
    let refused = "UCI+7+A:14+B:ZZ+7'\nUCM+1+INVOIC:D:96A:UN+7'\nUCM+2+INVOIC:D:96A:UN+4+29+UNT+2'\nUCS+3'\nUCD+12+2:2'\n\
                   UCS+5'\nUCD+37+2:2'\nUCS+6+15'\nUNT+";
    assert!(text.contains(refused), "{text}");
    assert_eq!((receipt.interchange.verdict, read.verdict), (Verdict::PartiallyAccepted, Verdict::PartiallyAccepted));
}

#[test]
fn sums_are_none_of_a_syntax_acknowledgments_business() {
    let (_, _, read) = answer(
        format!("UNB+UNOC:3+A:14+B:ZZ+260412:1030+7'{}UNZ+1+7'", GOOD.replace("77:9.00", "77:12.00")).as_bytes(),
    );
    assert_eq!(read.verdict, Verdict::Accepted);
}

#[test]
fn messages_nobody_reads_are_refused_and_a_faulty_trailer_is_named() {
    let orders = "UNH+2+ORDERS:D:96A:UN'BGM+220+1+9'UNT+3+2'";
    let (_, text, read) = answer(format!("UNB+UNOC:3+A:14+B:ZZ+260412:1030+7'{GOOD}{orders}UNZ+2+8'").as_bytes());
    assert!(text.contains("UCI+7+A:14+B:ZZ+7+28+UNZ'\n") && text.contains("UCM+2+ORDERS:D:96A:UN+4+17'\n"), "{text}");
    assert_eq!(read.verdict, Verdict::PartiallyAccepted);
}

#[test]
fn an_acknowledgment_is_never_acknowledged() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/edifact/ok");
    for case in ["contrl", "aperak"] {
        let bytes = std::fs::read(fixtures.join(case).join("input.edi")).unwrap();
        assert_eq!(acknowledge(&summary(&bytes), &REPLY), None, "{case}");
    }
}

#[test]
fn each_interchange_of_a_file_is_answered_by_one_of_its_own() {
    let file =
        format!("UNB+UNOC:3+A:14+B:ZZ+260412:1030+7'{GOOD}UNZ+1+7'UNB+UNOC:3+C+B:ZZ+260412:1030+8'{GOOD}UNZ+1+8'");
    let answer = String::from_utf8(acknowledge(&summary(file.as_bytes()), &REPLY).unwrap()).unwrap();
    assert!(answer.contains("UNB+UNOC:3+B:ZZ+A:14+260412:1030+000000041'") && answer.contains("UCI+7+"), "{answer}");
    assert!(answer.contains("UNB+UNOC:3+B:ZZ+C+260412:1030+000000042'") && answer.contains("UCI+8+"), "{answer}");
    assert_eq!(told(answer.as_bytes()).0.len(), 2);
}

#[test]
fn what_is_answered_is_read_back_as_it_was_meant() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/edifact");
    let cases = ["ok", "err"].into_iter().flat_map(|verdict| std::fs::read_dir(fixtures.join(verdict)).unwrap());
    let mut answered = 0;
    for case in cases {
        let bytes = std::fs::read(case.unwrap().path().join("input.edi")).unwrap();
        let summary = summary(&bytes);
        let Some(answer) = acknowledge(&summary, &REPLY) else { continue };
        let (documents, findings) = told(&answer);
        assert_eq!(findings, Vec::new());
        let meant: Vec<Body> = summary
            .receipts
            .into_iter()
            .map(|receipt| Body::Acknowledgment(Box::new(carried(receipt.interchange))))
            .collect();
        let read: Vec<Body> = documents.into_iter().map(|document| document.body).collect();
        assert_eq!(read, meant, "{}", String::from_utf8_lossy(&answer));
        answered += meant.len();
    }
    assert!(answered > 15, "only {answered} answers");
}

/// What a CONTRL carries of an acknowledgment: no counts; of the faults of a message's own envelope the
/// first; of the others, sorted, the position of the segment and not its tag.
fn carried(mut answer: Acknowledgment) -> Acknowledgment {
    (answer.subject.received, answer.subject.accepted) = (None, None);
    for item in &mut answer.items {
        let (mut located, envelope): (Vec<_>, Vec<_>) =
            item.faults.drain(..).partition(|fault: &AcknowledgedFault| fault.segment_position.is_some());
        located.sort_by_key(|fault| fault.segment_position);
        located.iter_mut().for_each(|fault| fault.segment = None);
        item.faults = envelope.into_iter().take(1).chain(located).collect();
    }
    answer
}
