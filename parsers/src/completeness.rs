//! Whether a file says itself that it is whole, so that one whose transfer did not say so can be told from one that was
//! cut short.
//!
//! X12 counts in SE, GE and IEA, EDIFACT in UNT, UNE and UNZ, and XML closes its root. A table just ends, wherever it is
//! cut, and so does everything that is written line by line. What stands behind a whole interchange cannot be missed by
//! it: a file of several that was cut exactly between two of them looks whole.

use std::io::{BufRead, Cursor, Read};
use std::ops::ControlFlow;

use crate::finding::Code;
use crate::{Context, Event, Halt, Limits, head_of, recognize};

/// The formats with an end of their own.
const ENDING: [&str; 3] = ["x12", "edifact", "xml"];

/// Findings that leave it open whether all of the file was there, or read. Their profile does not matter: none is
/// asked.
const OPEN: [Code; 16] = [
    Code::EMPTY_FILE,
    Code::UNKNOWN_FORMAT,
    Code::ENCODING_INVALID,
    Code::SIZE_LIMIT,
    Code::TOO_MANY_FINDINGS,
    Code::TRUNCATED,
    Code::ARCHIVE_REFUSED,
    Code::ENCRYPTED,
    Code::XML_MALFORMED,
    Code::XML_DTD,
    Code::XML_DEPTH,
    Code::EDI_ENVELOPE,
    Code::EDI_CONTROL_MISMATCH,
    Code::EDI_COUNT_MISMATCH,
    Code::EDI_SEGMENT_MISSING,
    Code::EDI_TRAILING_DATA,
];

/// Whether the content proves that the file is whole: it is of a format that says where it ends, and its end and every
/// count on the way are there.
///
/// # Errors
/// [`Halt::Read`], where the input could not be read. A limit that was passed is no proof, and no error.
pub fn is_whole(input: &mut dyn BufRead, limits: Limits) -> Result<bool, Halt> {
    let head = head_of(input)?;
    let Some(format) = recognize(&head, &[]).filter(|format| ENDING.contains(&format.name())) else {
        return Ok(false);
    };
    let mut whole = Cursor::new(head).chain(input);
    let context = Context { profiles: &[], limits };
    let mut is_open = false;
    let parsed = format.parse(&mut whole, &context, &mut |event| {
        is_open = match event {
            Event::Document(_) => return ControlFlow::Continue(()),
            Event::Finding(finding) => OPEN.contains(&finding.code),
            // Nobody says what it is.
            Event::Unlisted { .. } => true,
        };
        if is_open { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match parsed {
        Ok(_) => Ok(!is_open),
        Err(Halt::Stopped | Halt::Limit(_)) => Ok(false),
        Err(error @ Halt::Read(_)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn inputs(format: &str) -> Vec<PathBuf> {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(format).join("ok");
        let mut inputs = vec![];
        for case in fs::read_dir(cases).unwrap() {
            inputs.extend(fs::read_dir(case.unwrap().path()).unwrap().filter_map(|file| {
                let path = file.unwrap().path();
                path.file_stem().is_some_and(|stem| stem == "input").then_some(path)
            }));
        }
        assert!(!inputs.is_empty(), "{format}");
        inputs
    }

    fn whole(bytes: &[u8]) -> bool {
        is_whole(&mut &bytes[..], Limits::default()).unwrap()
    }

    /// Cut anywhere but between interchanges, a file does not look whole.
    #[test]
    fn what_is_cut_short_never_proves_to_be_whole() {
        let mut proved = 0;
        for format in ["x12", "edifact", "ubl", "cii", "fatturapa", "cxml", "iso20022", "sap-idoc"] {
            for path in inputs(format) {
                let bytes = fs::read(&path).unwrap();
                // In UTF-16 it is another matter which byte is the last that counts.
                if !whole(&bytes) || bytes.contains(&0) {
                    continue;
                }
                proved += 1;
                let mut end = bytes.trim_ascii_end().len();
                // The last segment's terminator is no content, and its control number is compared.
                if matches!(format, "x12" | "edifact") && !bytes[end - 1].is_ascii_alphanumeric() {
                    end -= 1;
                }
                // Every place near the end, and some on the way.
                let step = (end / 20).max(1);
                for cut in (0..end).filter(|cut| end - cut < 40 || cut % step == 0) {
                    // Between two interchanges, nothing is missed.
                    let rest: Vec<u8> =
                        bytes[cut..].iter().copied().skip_while(|b| !b.is_ascii_alphanumeric()).collect();
                    let between = cut > 0 && [b"ISA", b"UNA", b"UNB"].iter().any(|tag| rest.starts_with(*tag));
                    if !between {
                        assert!(!whole(&bytes[..cut]), "{} cut at {cut} of {end}", path.display());
                    }
                }
            }
        }
        assert!(proved > 60, "only {proved} fixtures proved to be whole: the test proves little");
    }

    #[test]
    fn what_has_no_end_of_its_own_proves_nothing() {
        for format in ["csv", "json", "xlsx", "pdf"] {
            for path in inputs(format) {
                assert!(!whole(&fs::read(&path).unwrap()), "{}", path.display());
            }
        }
        assert!(!whole(b"") && !whole(b"noise"));
    }
}
