//! EDIFACT: interchanges of messages (in groups, perhaps), of which INVOIC, REMADV, CONTRL and APERAK are
//! read, and written.
//!
//! ```text
//! bytes ──► tokens (segments, by each interchange's service characters and character set)
//!              └──► envelope (UNB UNG UNH … UNT UNE UNZ)
//!                      └──► invoic, remadv, contrl, aperak ──► Document
//! ```

mod aperak;
mod bytes;
mod charset;
mod contrl;
mod envelope;
mod envelope_faults;
mod groups;
mod invoic;
mod open;
mod other_messages;
mod party;
mod receipts;
mod record;
mod remadv;
mod segment;
mod service_characters;
mod tokens;
mod values;
pub(crate) mod write;

use std::io::BufRead;

use self::envelope::Envelope;
use self::receipts::Receipts;
use self::tokens::{Token, Tokens, opens_file};
use crate::edi::Window;
use crate::receipt::Reply;
use crate::{Context, Format, Halt, Profile, Sink, Summary};

/// The EDIFACT family.
pub(crate) struct Edifact;

impl Format for Edifact {
    fn name(&self) -> &'static str {
        "edifact"
    }

    /// A byte order mark, blanks, and UNA with sound service characters, or UNB, UNG or UNH with theirs.
    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        opens_file(head)
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let mut tokens = Tokens::new(Window::new(input), context.limits);
        let mut envelope = Envelope::new(context.limits, sink, Receipts::new(context.profiles));
        while let Some(token) = tokens.next()? {
            match token {
                Token::Segment => envelope.take(&tokens.segment(), tokens.charset())?,
                Token::BadAdvice(location, text) => envelope.bad_advice(location, &text)?,
                Token::Trailing(location, text) => envelope.trailing(location, &text)?,
            }
        }
        let (byte, line) = tokens.place();
        let summary = envelope.end(byte, line)?;
        Ok(Summary { encoding: Some(tokens.encoding()), units: tokens.units, ..summary })
    }

    fn acknowledge(&self, summary: &Summary, reply: &Reply) -> Option<Vec<u8>> {
        write::acknowledgment(&summary.receipts, reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edifact_is_recognised_by_its_content() {
        for head in ["UNA:+.? 'UNB+UNOA:1", "\u{feff}UNB+UNOC:3+", " \r\n\tUNH+1+INVOIC:D:96A:UN'", "UNA^<.? >UNB<"] {
            assert!(Edifact.recognize(head.as_bytes(), &[]), "{head}");
        }
        for head in ["", "UNA", "UNIT;PRICE", "UNBELIEVABLE", "UNA is a name", "STX=ANA:1+", "ISA*00*", "<UNB+"] {
            assert!(!Edifact.recognize(head.as_bytes(), &[]), "{head}");
        }
    }
}
