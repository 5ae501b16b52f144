//! Whether a file is ours, by its first bytes: what its root is, or what a wrapper holds.

use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::source::head_text;

pub(super) const INVOICE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
pub(super) const CREDIT_NOTE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2";
pub(super) const AGGREGATE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
pub(super) const BASIC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// The root namespace of validator test sets. They hold UBL fragments that are wrong on purpose, with the
/// answers beside them: examples of rules, not documents anybody sends.
const RULE_TEST_SET: &str = "http://difi.no/xsd/vefa/validator/1.0";

/// No trade document is nested this deep in its first 64 KiB. A file that is was made to break a reader;
/// we take it, to say so.
const HOPELESS_DEPTH: usize = 1_000;

/// Whether the file is a UBL invoice or credit note, holds some, or is XML made to break a reader.
pub(super) fn is_ours(head: &[u8]) -> bool {
    let text = head_text(head);
    let text = text.trim_start();
    if !text.starts_with('<') {
        return false;
    }
    let mentions = |namespace: &str| {
        memmem::find_iter(text.as_bytes(), namespace)
            .any(|start| matches!(text.as_bytes().get(start + namespace.len()), Some(b'"' | b'\'')))
    };
    if mentions(RULE_TEST_SET) {
        return false;
    }
    mentions(INVOICE) || mentions(CREDIT_NOTE) || is_hopelessly_nested(text)
}

fn is_hopelessly_nested(text: &str) -> bool {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
        if depth >= HOPELESS_DEPTH {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ubl_is_known_by_its_namespace_under_any_prefix_and_in_any_wrapper() {
        let own = [
            format!("<Invoice xmlns='{INVOICE}'/>"),
            format!("\u{feff}\n <?xml version='1.0'?><!-- c --><p:CreditNote xmlns:p=\"{CREDIT_NOTE}\">"),
            format!("<Batch><Invoice xmlns='{INVOICE}'"),
            "<a>".repeat(HOPELESS_DEPTH),
        ];
        for file in &own {
            assert!(is_ours(file.as_bytes()), "{file}");
            let utf16: Vec<u8> = format!("\u{feff}{}", file.trim_start_matches('\u{feff}'))
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            assert!(is_ours(&utf16), "{file} in UTF-16");
        }
        for other in [
            String::new(),
            "ISA*00*".to_owned(),
            "<html/>".to_owned(),
            "<Invoice/>".to_owned(),
            format!("text that mentions '{INVOICE}'"),
            "<a xmlns='urn:oasis:names:specification:ubl:schema:xsd:FreightInvoice-2'/>".to_owned(),
            "<a xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-20'/>".to_owned(),
            format!("<testSet xmlns='{RULE_TEST_SET}'><Invoice xmlns='{INVOICE}'/></testSet>"),
        ] {
            assert!(!is_ours(other.as_bytes()), "{other}");
        }
    }
}
