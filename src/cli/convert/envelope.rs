//! What an interchange takes beside its documents: who sends it to whom, its numbers, its time.

use clap::Args;
use jiff::Zoned;
use jiff::civil::DateTime;
use waybill_parsers::canonical::Identifier;
use waybill_parsers::write::{EdifactEnvelope, X12Envelope, X12Version};

/// For X12 and EDIFACT
#[derive(Debug, Args)]
#[command(next_help_heading = "Envelope of X12 and EDIFACT")]
pub(super) struct Envelope {
    /// Who sends: an id, or a qualifier and an id (`01:123456789`, `14:4012345000009`)
    #[arg(long, value_name = "ID", value_parser = party, default_value = "WAYBILL")]
    sender: Identifier,

    /// Who receives
    #[arg(long, value_name = "ID", value_parser = party, default_value = "RECIPIENT")]
    recipient: Identifier,

    /// The interchange's control number, of the first if there are several
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=999_999_999))]
    control: u32,

    /// When it was made: `2026-01-05T09:30`; now, unless said
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime>,

    /// Mark it as a test
    #[arg(long)]
    test: bool,

    /// The version of X12
    #[arg(long, value_name = "VERSION", default_value = "004010", value_parser = ["004010", "005010"])]
    x12_version: String,
}

impl Envelope {
    pub(super) fn control(&self) -> u32 {
        self.control
    }

    pub(super) fn x12(&self) -> X12Envelope {
        let identifier = |id: &Identifier| Identifier {
            scheme: id.scheme.as_ref().map(|qualifier| format!("x12:{qualifier}").into()),
            value: id.value.clone(),
        };
        X12Envelope {
            sender: identifier(&self.sender),
            recipient: identifier(&self.recipient),
            application_sender: None,
            application_recipient: None,
            control: self.control,
            at: self.at(),
            version: if self.x12_version == "005010" { X12Version::V005010 } else { X12Version::V004010 },
            is_test: self.test,
        }
    }

    pub(super) fn edifact(&self) -> EdifactEnvelope {
        let identifier = |id: &Identifier| Identifier {
            // A GLN is known by its own scheme, whatever the trade's list of qualifiers calls it.
            scheme: id.scheme.as_ref().map(|qualifier| match qualifier.as_str() {
                "14" | "0088" => "0088".into(),
                qualifier => format!("edifact:{qualifier}").into(),
            }),
            value: id.value.clone(),
        };
        EdifactEnvelope {
            sender: identifier(&self.sender),
            recipient: identifier(&self.recipient),
            reference: self.control.to_string(),
            at: self.at(),
            is_test: self.test,
        }
    }

    fn at(&self) -> DateTime {
        self.at.unwrap_or_else(|| Zoned::now().datetime())
    }
}

/// An id of a trading partner, with its qualifier before a colon.
fn party(text: &str) -> Result<Identifier, String> {
    let (scheme, value) = match text.split_once(':') {
        Some((qualifier, value)) => (Some(qualifier), value),
        None => (None, text),
    };
    let is_fit = |text: &str, max: usize| {
        (1..=max).contains(&text.chars().count()) && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
    };
    if !is_fit(value, 35) || scheme.is_some_and(|qualifier| !is_fit(qualifier, 4)) {
        return Err("an id has 1 to 35 printable characters, its qualifier before a colon 1 to 4".to_owned());
    }
    Ok(Identifier { scheme: scheme.map(Into::into), value: value.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualifier_stands_before_a_colon() {
        let id =
            |scheme: Option<&str>, value: &str| Ok(Identifier { scheme: scheme.map(Into::into), value: value.into() });
        assert_eq!(party("NORTHWIND"), id(None, "NORTHWIND"));
        assert_eq!(party("01:123456789"), id(Some("01"), "123456789"));
        for bad in ["", ":", "01:", ":1", "a\nb", "12345:1"] {
            assert!(party(bad).is_err(), "{bad:?}");
        }
    }
}
