//! Signed envelopes as they come: DER, BER in pieces, base64, PEM; cut, broken and nested.

use std::io::BufReader;
use std::ops::ControlFlow;

use crate::{Context, Event, Limits, Summary, read};

const XML: &str = "<FatturaElettronica versione='FPR12'>\n<FatturaElettronicaBody><DatiGenerali>\n\
                   <DatiGeneraliDocumento><TipoDocumento>TD01</TipoDocumento><Divisa>EUR</Divisa><Data>2026-03-02</Data>\
                   <Numero>77</Numero></DatiGeneraliDocumento></DatiGenerali></FatturaElettronicaBody></FatturaElettronica>";

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        len @ 0..0x80 => bytes.push(u8::try_from(len).expect("short")),
        len => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(len).expect("not that long").to_be_bytes());
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// An envelope around an octet string, with something like a signature behind it.
fn envelope(octets: &[u8]) -> Vec<u8> {
    let data = tlv(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]);
    let content = tlv(0x30, &[data, tlv(0xA0, octets)].concat());
    let signed = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x31, &[0x0A; 13]), content, tlv(0x31, b"<signature>")].concat());
    let kind = tlv(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
    tlv(0x30, &[kind, tlv(0xA0, &signed)].concat())
}

fn told(bytes: &[u8], capacity: usize) -> (Summary, Vec<Event>) {
    let context = Context { profiles: &[], limits: Limits::default() };
    let mut events = Vec::new();
    let summary = read(&mut BufReader::with_capacity(capacity, bytes), &context, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (summary.expect("no halt"), events)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    lines.join("\r\n") + "\r\n"
}

/// Where the number stands, as it was told.
fn number(bytes: &[u8]) -> (u64, u64, u32) {
    let whole = told(bytes, 8 * 1024);
    for capacity in [1, 3, 50] {
        assert_eq!(told(bytes, capacity), whole, "in pieces of {capacity}");
    }
    let (summary, events) = whole;
    assert_eq!((summary.format.as_str(), summary.documents), ("fatturapa", 1), "{events:?}");
    let Some(Event::Document(document)) = events.last() else { panic!("{events:?}") };
    assert_eq!(document.number(), Some("77"));
    let item = document.evidence.iter().find(|item| item.field.as_str() == "number").expect("evidence");
    (item.at.byte, item.at.line, item.at.len)
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    let is_end = |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    1 + (0..at).filter(|at| is_end(*at)).count() as u64
}

#[test]
fn what_is_signed_is_read_where_it_stands() {
    let file = envelope(&tlv(0x04, XML.as_bytes()));
    let at = memchr::memmem::find(&file, b">77<").expect("the number") + 1;
    assert_eq!(number(&file), (at as u64, line_of(&file, at), 2));
}

#[test]
fn content_in_pieces_is_joined() {
    let mut pieces: Vec<u8> = XML.as_bytes().chunks(100).flat_map(|piece| tlv(0x04, piece)).collect();
    let definite = envelope(&tlv(0x24, &pieces));
    pieces.extend([0, 0]);
    let indefinite = envelope(&[&[0x24, 0x80], pieces.as_slice()].concat());
    for file in [definite, indefinite] {
        let at = memchr::memmem::find(&file, b">77<").expect("the number") + 1;
        let (byte, line, _) = number(&file);
        // Pieces of a hundred bytes have a length of one byte, `d`, and the last is shorter.
        assert_eq!((byte, line), (at as u64, line_of(&file, at)));
    }
}

#[test]
fn base64_and_pem_are_taken_off() {
    let der = envelope(&tlv(0x04, XML.as_bytes()));
    let inner = memchr::memmem::find(&der, b">77<").expect("the number") as u64 + 1;
    let bare = base64(&der);
    for (file, lines) in [(bare.clone(), 0), (format!("-----BEGIN PKCS7-----\r\n{bare}-----END PKCS7-----\r\n"), 1)] {
        let (byte, line, len) = number(file.as_bytes());
        assert_eq!((line, len), (1 + lines + inner / 48, 0));
        assert_eq!(line_of(file.as_bytes(), usize::try_from(byte).expect("small")), line);
    }
}

#[test]
fn an_envelope_without_content_is_one_finding() {
    let detached = {
        let content = tlv(0x30, &tlv(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]));
        let signed = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x31, &[]), content, tlv(0x31, b"x")].concat());
        let kind = tlv(0x06, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]);
        tlv(0x30, &[kind, tlv(0xA0, &signed)].concat())
    };
    for file in [detached.as_slice(), &detached[..20], &envelope(&tlv(0x04, b"\x00\x01\x02"))] {
        let (summary, events) = told(file, 8 * 1024);
        assert_eq!((summary.documents, summary.errors, events.len()), (0, 1, 1), "{events:?}");
    }
}

#[test]
fn no_prefix_and_no_changed_byte_panics() {
    let der = envelope(&tlv(0x24, &XML.as_bytes().chunks(100).flat_map(|piece| tlv(0x04, piece)).collect::<Vec<_>>()));
    for file in [der.clone(), base64(&der).into_bytes()] {
        for at in 0..file.len() {
            let changed = {
                let mut changed = file.clone();
                changed[at] ^= 0x15;
                changed
            };
            for bytes in [&file[..at], changed.as_slice()] {
                for event in told(bytes, 8 * 1024).1 {
                    if let Event::Finding(finding) = event {
                        let end = finding.location.byte + u64::from(finding.location.len);
                        assert!(end <= bytes.len() as u64, "{finding:?} in {} bytes", bytes.len());
                    }
                }
            }
        }
    }
}
