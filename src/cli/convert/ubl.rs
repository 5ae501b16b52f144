//! UBL: one document is a file; several stand in an element around them, as readers of batches know it.

use std::io::{self, Write};

use waybill_parsers::canonical::Body;
use waybill_parsers::{Document, write};

use super::pen::{Pen, Written, read_back};

/// Holds the first document until it is known whether there is another.
#[derive(Default)]
pub(super) struct Ubl {
    first: Option<Vec<u8>>,
    is_batch: bool,
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const OPEN: &str = "<Documents xmlns=\"urn:waybill:documents\">\n";
const CLOSE: &str = "</Documents>\n";

impl Pen for Ubl {
    fn write(&mut self, document: &Document, out: &mut dyn Write) -> io::Result<Written> {
        let written = match &document.body {
            Body::Invoice(invoice) => write::ubl_invoice(invoice),
            Body::RemittanceAdvice(advice) => write::ubl_remittance(advice),
            _ => return Ok(Written::Not("it holds invoices, credit notes and remittance advices".to_owned())),
        };
        let written = match written {
            Ok(written) => written,
            Err(why) => return Ok(Written::Not(why.to_string())),
        };
        let outcome = read_back(&document.body, &written, &[]);
        if matches!(outcome, Written::Not(_)) {
            return Ok(outcome);
        }
        match self.first.take() {
            None if !self.is_batch => self.first = Some(written),
            first => {
                if let Some(first) = first {
                    self.is_batch = true;
                    out.write_all(DECLARATION.as_bytes())?;
                    out.write_all(OPEN.as_bytes())?;
                    out.write_all(without_declaration(&first))?;
                }
                out.write_all(without_declaration(&written))?;
            }
        }
        Ok(outcome)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match self.first.take() {
            Some(only) => out.write_all(&only),
            None if self.is_batch => out.write_all(CLOSE.as_bytes()),
            None => Ok(()),
        }
    }
}

/// The root element: a declaration stands at the beginning of a file or nowhere.
fn without_declaration(document: &[u8]) -> &[u8] {
    if !document.starts_with(b"<?xml") {
        return document;
    }
    let end = document.windows(2).position(|pair| pair == b"?>").map_or(0, |at| at + 2);
    document.get(end..).unwrap_or(document).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_taken_off() {
        assert_eq!(without_declaration(b"<?xml version=\"1.0\"?>\n<a/>\n"), b"<a/>\n");
        assert_eq!(without_declaration(b"<a/>"), b"<a/>");
    }
}
