//! X12: interchanges of functional groups of transaction sets, of which invoices (810), credit and debit
//! adjustments (812), remittance advices (820), and acknowledgments (824, 997, 999, TA1) are read.
//!
//! ```text
//! bytes ──► tokens (segments, by each interchange's delimiters) ──► envelope (ISA GS ST … SE GE IEA)
//!                                          a reader for each set, by ST01 ◄──┘   └──► receipts
//!                                                   └──► Document                        └──► write/
//! ```

mod acknowledgment_997;
mod adjustment_812;
mod advice_824;
mod delimiters;
mod envelope;
mod envelope_faults;
mod interchange_ta1;
mod invoice_810;
mod loops;
mod open;
mod other_sets;
mod party;
mod receipts;
mod record;
mod remittance_820;
mod set;
mod tokens;
mod values;
pub(crate) mod write;

use std::io::BufRead;

use self::delimiters::starts_interchange;
use self::envelope::Envelope;
use self::tokens::{Token, Tokens};
use crate::edi::Window;
use crate::receipt::Reply;
use crate::{Context, Format, Halt, Profile, Sink, Summary};

/// The X12 family.
pub(crate) struct X12;

impl Format for X12 {
    fn name(&self) -> &'static str {
        "x12"
    }

    /// A byte order mark, blanks, and an ISA with its separator.
    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        starts_interchange(head.trim_ascii_start())
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let mut tokens = Tokens::new(Window::new(input), context.limits);
        let mut envelope = Envelope::new(context, sink);
        while let Some(token) = tokens.next()? {
            match token {
                Token::Interchange(delimiters) => envelope.open_interchange(&tokens.segment(), delimiters)?,
                Token::Segment => envelope.take(&tokens.segment())?,
                Token::Trailing => envelope.trailing(&tokens.segment())?,
            }
        }
        let (byte, line) = tokens.place();
        let encoding = if tokens.met_other_than_utf8 { "windows-1252" } else { "utf-8" };
        let summary = envelope.end(byte, line)?;
        Ok(Summary { encoding: Some(encoding.to_owned()), units: tokens.units, ..summary })
    }

    fn acknowledge(&self, summary: &Summary, reply: &Reply) -> Option<Vec<u8>> {
        write::acknowledgment(&summary.receipts, reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x12_is_recognised_by_its_content() {
        for head in ["ISA*00*", "\u{feff}ISA|00|", " \r\n\tISA^00", "ISA~00~"] {
            assert!(X12.recognize(head.as_bytes(), &[]), "{head}");
        }
        for head in ["", "ISA", "ISAAC*", "ISA number;amount", "UNB+UNOA:1", "x ISA*00*", "<ISA*"] {
            assert!(!X12.recognize(head.as_bytes(), &[]), "{head}");
        }
    }
}
