//! What holds for every XML file, well-formed or not: no panic, the same answer however it arrives, and
//! memory that does not grow with the file.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use waybill_parsers::{Context, Event, Halt, Limits, Summary, read};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_file_never_panics(which in 0_usize..1_000, cut in 0.0..1.0_f64) {
        let input = input(which);
        let cut = share(input.len(), cut);
        told(&mut &input[..cut], Limits::default()).0.unwrap();
    }

    #[test]
    fn a_changed_byte_never_panics(which in 0_usize..1_000, at in 0.0..1.0_f64, byte: u8) {
        let mut input = input(which);
        let at = share(input.len() - 1, at);
        input[at] = byte;
        let told = told(&mut input.as_slice(), Limits::default());
        prop_assert!(told.0.is_ok());
    }

    #[test]
    fn a_file_reads_the_same_in_pieces(which in 0_usize..1_000, piece in 1_usize..50) {
        let input = input(which);
        let whole = told(&mut input.as_slice(), Limits::default());
        let pieces = told(&mut BufReader::with_capacity(piece, input.as_slice()), Limits::default());
        prop_assert_eq!(whole.1, pieces.1);
        prop_assert_eq!(whole.0.unwrap(), pieces.0.unwrap());
    }

    #[test]
    fn a_finding_stands_inside_its_file(which in 0_usize..1_000, at in 0.0..1.0_f64, byte: u8) {
        let mut input = input(which);
        let at = share(input.len() - 1, at);
        input[at] = byte;
        let lines = 1 + input.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
        for event in told(&mut input.as_slice(), Limits::default()).1 {
            if let Event::Finding(finding) = event {
                let location = finding.location;
                prop_assert!(location.byte + u64::from(location.len) <= input.len() as u64, "{:?}", location);
                prop_assert!(location.line >= 1 && location.line <= lines, "{:?}", location);
            }
        }
    }
}

fn share(of: usize, share: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    #[expect(clippy::float_arithmetic, reason = "a place in a file, not money")]
    let at = (of as f64 * share) as usize;
    at.min(of)
}

/// One of our fixtures.
fn input(which: usize) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut inputs = Vec::new();
    let names = [
        ("ubl", "input.xml"),
        ("cii", "input.xml"),
        ("pdf", "input.pdf"),
        ("cxml", "input.xml"),
        ("sap-idoc", "input.xml"),
        ("iso20022", "input.xml"),
        ("fatturapa", "input.xml"),
        ("facturae", "input.xml"),
        ("cfdi", "input.xml"),
        ("cades", "input.p7m"),
    ];
    for (format, name) in names {
        for verdict in ["ok", "err"] {
            for case in fs::read_dir(folder.join(format).join(verdict)).unwrap() {
                inputs.push(case.unwrap().path().join(name));
            }
        }
    }
    inputs.sort();
    fs::read(&inputs[which % inputs.len()]).unwrap()
}

fn told(input: &mut dyn BufRead, limits: Limits) -> (Result<Summary, Halt>, Vec<Event>) {
    let mut events = Vec::new();
    let context = Context { profiles: &[], limits };
    let result = read(input, &context, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (result, events)
}

/// A file that is one piece repeated between a head and a tail, made while it is read.
struct Repeated {
    head: io::Cursor<Vec<u8>>,
    piece: &'static [u8],
    left: u64,
    tail: io::Cursor<Vec<u8>>,
    given: u64,
}

impl Repeated {
    fn new(head: &str, piece: &'static str, times: u64, tail: &str) -> Self {
        Self {
            head: io::Cursor::new(head.as_bytes().to_vec()),
            piece: piece.as_bytes(),
            left: times,
            tail: io::Cursor::new(tail.as_bytes().to_vec()),
            given: 0,
        }
    }
}

impl Read for Repeated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut count = self.head.read(into)?;
        if count == 0 {
            while self.left > 0 && count + self.piece.len() <= into.len() {
                into[count..count + self.piece.len()].copy_from_slice(self.piece);
                count += self.piece.len();
                self.left -= 1;
            }
        }
        if count == 0 {
            count = self.tail.read(into)?;
        }
        self.given += count as u64;
        Ok(count)
    }
}

const HEAD: &str = r#"<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"><cbc:ID>1</cbc:ID>"#;
const SIXTEEN: &str = "0123456789abcdef";

/// How much was asked for before the limit was named, and which.
fn stopped(head: &str, piece: &'static str, times: u64, tail: &str, limits: Limits) -> (u64, &'static str) {
    let mut repeated = Repeated::new(&format!("{HEAD}{head}"), piece, times, tail);
    let result = told(&mut BufReader::new(&mut repeated), limits).0;
    match result {
        Err(Halt::Limit(limit)) => (repeated.given, limit.setting),
        other => panic!("no limit was passed: {other:?}"),
    }
}

#[test]
fn no_token_is_read_past_its_limit() {
    let limits = Limits::default();
    let times = 256 * 1024 * 1024 / 16;
    for (head, tail) in [
        ("<cbc:Note>", "</cbc:Note></Invoice>"),
        ("<cbc:Note a=\"", "\"/></Invoice>"),
        ("<!-- ", " --></Invoice>"),
        ("<cbc:Note><![CDATA[", "]]></cbc:Note></Invoice>"),
        ("<?p ", "?></Invoice>"),
        ("<cbc:", "/></Invoice>"),
    ] {
        let (given, setting) = stopped(head, SIXTEEN, times, tail, limits);
        assert_eq!(setting, "token_bytes_max", "{head}");
        assert!(given < limits.token_bytes_max as u64 + 256 * 1024, "{head}: {given} bytes were read");
    }
}

#[test]
fn an_attachment_of_any_length_goes_by_unread() {
    for (start, end) in [("", ""), ("<![CDATA[", "]]>")] {
        let head = format!(
            "{HEAD}<cac:AdditionalDocumentReference><cbc:ID>A</cbc:ID><cac:Attachment>\
             <cbc:EmbeddedDocumentBinaryObject>{start}"
        );
        let tail = format!(
            "{end}</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>\
             <cbc:IssueDate>2026-03-01</cbc:IssueDate></Invoice>"
        );
        let limits = Limits { token_bytes_max: 64 * 1024, ..Limits::default() };
        let mut repeated = Repeated::new(&head, SIXTEEN, 4 * 1024 * 1024 / 16, &tail);
        let (result, events) = told(&mut BufReader::new(&mut repeated), limits);
        assert_eq!(result.unwrap().documents, 1);
        let Some(Event::Document(document)) = events.last() else { panic!("{events:?}") };
        assert_eq!(document.issue_date(), Some("2026-03-01".parse().unwrap()));
        assert_eq!(u64::from(document.location.len), repeated.given);
    }
}

#[test]
fn lines_attributes_and_kept_text_have_their_limits() {
    let limits = Limits { lines_max: 100, token_bytes_max: 10_000, ..Limits::default() };
    let many = 1_000_000;
    assert_eq!(stopped("", "<cac:InvoiceLine/>", many, "", limits).1, "lines_max");
    assert_eq!(stopped("", "<cbc:Note>x</cbc:Note>", many, "", limits).1, "lines_max");
    assert_eq!(stopped("<cac:Delivery>", "<cbc:ID/>", many, "", limits).1, "token_bytes_max");
    let attributes: String = (0..limits.attributes_max + 1).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(stopped(&format!("<cbc:Note{attributes}/>"), "", 0, "</Invoice>", limits).1, "attributes_max");
}

#[test]
fn a_pdf_is_held_in_memory_up_to_its_limit() {
    let limits = Limits { pdf_bytes_max: 1024 * 1024, ..Limits::default() };
    let mut repeated = Repeated::new("%PDF-1.7\n", SIXTEEN, 64 * 1024 * 1024 / 16, "");
    let (result, events) = told(&mut BufReader::new(&mut repeated), limits);
    let Err(Halt::Limit(limit)) = result else { panic!("no limit was passed: {result:?}") };
    assert_eq!((limit.setting, limit.max, events.len()), ("pdf_bytes_max", 1024 * 1024, 0));
    assert!(repeated.given < 1024 * 1024 + 256 * 1024, "{} bytes were read", repeated.given);
}

#[test]
fn a_pdf_made_to_be_slow_is_not() {
    let start = std::time::Instant::now();
    let (head, tail) = ("%PDF-1.7\n", "\nstartxref\n9\n%%EOF\n");
    for piece in ["1 0 obj[", "1 0 obj<</A", "1 0 obj(", "1 0 obj<4", "1 0 obj<<>>stream\n", "xref 0 1 ", "%", " "] {
        let pdf = format!("{head}{}{tail}", piece.repeat(4 * 1024 * 1024 / piece.len()));
        let (result, events) = told(&mut pdf.as_bytes(), Limits::default());
        assert_eq!((result.unwrap().documents, events.len()), (0, 1), "{piece}");
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn parts_of_a_large_document_are_told_one_after_another() {
    let iso = |message: &str| format!("<Document xmlns='urn:iso:std:iso:20022:tech:xsd:{message}'>");
    let cases: [(String, &'static str, &str); 4] = [
        (
            iso("pain.001.001.09") + "<CstmrCdtTrfInitn><PmtInf>",
            "<CdtTrfTxInf><Amt><InstdAmt Ccy='EUR'>1.00</InstdAmt></Amt></CdtTrfTxInf>",
            "</PmtInf></CstmrCdtTrfInitn></Document>",
        ),
        (
            iso("camt.053.001.08") + "<BkToCstmrStmt><Stmt>",
            "<Ntry><Amt Ccy='EUR'>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>",
            "</Stmt></BkToCstmrStmt></Document>",
        ),
        (
            "<FatturaElettronica>".to_owned(),
            "<FatturaElettronicaBody><DatiGenerali/></FatturaElettronicaBody>",
            "</FatturaElettronica>",
        ),
        ("<INVOIC02>".to_owned(), "<IDOC><E1EDK01><CURCY>EUR</CURCY></E1EDK01></IDOC>", "</INVOIC02>"),
    ];
    let times = 60_000;
    for (head, piece, tail) in cases {
        let mut repeated = Repeated::new(&head, piece, times, tail);
        let (mut documents, mut first) = (0, None);
        let given = std::rc::Rc::new(std::cell::Cell::new(0));
        let mut input = BufReader::with_capacity(8 * 1024, Counted { inner: &mut repeated, given: given.clone() });
        let context = Context { profiles: &[], limits: Limits::default() };
        let summary = read(&mut input, &context, &mut |event| {
            if let Event::Document(_) = event {
                documents += 1;
                first.get_or_insert(given.get());
            }
            ControlFlow::Continue(())
        });
        assert_eq!(summary.unwrap().documents, times, "{piece}");
        assert_eq!(documents, times);
        // The head of the file is looked at, and one piece.
        assert!(first.unwrap() < 256 * 1024, "{piece}: the first came after {first:?} bytes");
    }
}

/// Says how much has been read.
struct Counted<'r> {
    inner: &'r mut Repeated,
    given: std::rc::Rc<std::cell::Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.given.set(self.inner.given);
        Ok(count)
    }
}
