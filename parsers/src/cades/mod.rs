//! Signed XML in its envelope: CAdES (`.xml.p7m`, RFC 5652 SignedData), as DER or BER, plain or in base64 or
//! PEM. Italian invoices travel like this.
//!
//! ```text
//! bytes ─► armor (base64, if any) ─► envelope (down to the content, octet strings joined) ─► xml
//! ```
//!
//! The signature is not checked: whoever archives the file keeps it as it came. What the XML reader says is
//! told with the places of the stored file, not of the content.

mod armor;
mod envelope;
mod places;

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;

use self::armor::Armor;
use self::envelope::{Envelope, Opened};
use self::places::Map;
use crate::xml::Xml;
use crate::{Code, Context, Event, Finding, Format, Halt, Location, Profile, Sink, Summary};

/// The reader of signed envelopes.
pub(crate) struct Cades;

/// The object identifier of signed data (RFC 5652 §5.1), tag and length in front.
const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];

/// Where the identifier may stand: behind a tag and a length of at most nine bytes.
const START_BYTES: usize = 32;

impl Format for Cades {
    fn name(&self) -> &'static str {
        "cades"
    }

    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        is_signed_data(head) || armor::decoded_head(head).is_some_and(|start| is_signed_data(&start))
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let head = input.fill_buf().map_err(Halt::Read)?;
        let is_plain = is_signed_data(head);
        let segments_max = context.limits.lines_max.saturating_mul(64);
        let (outer, inner) = (Map::new(segments_max), Map::new(segments_max));
        if is_plain {
            let mut input = input;
            return read(&mut input, None, &inner, context, sink);
        }
        let mut armor = BufReader::new(Armor::new(input, outer.clone()));
        read(&mut armor, Some(&outer), &inner, context, sink)
    }
}

fn is_signed_data(head: &[u8]) -> bool {
    let start = head.get(..START_BYTES).unwrap_or(head);
    start.first() == Some(&0x30) && memchr::memmem::find(start, SIGNED_DATA).is_some()
}

/// Reads what is in the envelope; `outer` says where its bytes stand in the file, `inner` where the content's
/// stand in it.
fn read(
    input: &mut dyn BufRead,
    outer: Option<&Map>,
    inner: &Map,
    context: &Context<'_>,
    sink: &mut Sink<'_>,
) -> Result<Summary, Halt> {
    let mut content = match Envelope::open(input, inner.clone()).map_err(Halt::Read)? {
        Opened::Content(content) => content,
        Opened::Nothing(why) => {
            let fix = "Send the signed file with its content in it, or the XML itself.";
            let message = format!("this is a signed envelope (CAdES), and no content can be taken out of it: {why}");
            let finding = Finding::error(Code::UNKNOWN_FORMAT, Location::file(), message, fix);
            return match sink(Event::Finding(Box::new(finding))) {
                ControlFlow::Continue(()) => {
                    Ok(Summary { format: "cades".to_owned(), errors: 1, ..Summary::default() })
                }
                ControlFlow::Break(()) => Err(Halt::Stopped),
            };
        }
    };
    let mut turned = |mut event: Event| {
        let turn = |location: &mut Location| {
            inner.turn(location);
            if let Some(outer) = outer {
                outer.turn(location);
            }
        };
        match &mut event {
            Event::Finding(finding) => turn(&mut finding.location),
            Event::Document(document) => {
                turn(&mut document.location);
                document.evidence.iter_mut().for_each(|item| turn(&mut item.at));
            }
            Event::Unlisted { .. } => {}
        }
        sink(event)
    };
    Xml.parse(&mut content, context, &mut turned)
}

#[cfg(test)]
mod tests;
