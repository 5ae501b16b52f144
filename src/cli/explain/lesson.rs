//! What the catalogue does not say: which codes belong together, why they matter, and how it looks when one
//! of them is broken and when it holds.

/// Codes that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    /// Why what they are about matters to who pays or is paid.
    pub(super) why: &'static str,
    prefixes: &'static [&'static str],
}

/// The groups, in the order they are listed; the first whose prefix fits has the code.
pub(super) static GROUPS: [Group; 14] = [
    Group {
        title: "X12 and EDIFACT",
        why: "Envelopes, counts and control numbers are how both sides know that nothing was lost or read twice on \
              the way. A partner's system refuses what does not add up.",
        prefixes: &["edi_"],
    },
    Group {
        title: "CSV and flat files",
        why: "A table has no meaning but its columns: where a row or a header is off, an amount may be taken for a \
              date, or one vendor's for another's. So the row is left out rather than guessed.",
        prefixes: &["csv_", "CSV-", "record_", "RECORD-", "control_", "CONTROL-"],
    },
    Group {
        title: "XML",
        why: "A program reads XML whole or not at all. What is behind a fault cannot be trusted to mean what it \
              says, and what XML can be made to fetch or to blow up is refused for safety.",
        prefixes: &["xml_", "XML-"],
    },
    Group {
        title: "JSON",
        why: "Canonical JSON is taken as it stands, digit by digit; a number that is no text would be rounded by the \
              programs between us.",
        prefixes: &["json_"],
    },
    Group {
        title: "Converting",
        why: "Formats differ in what they have a place for. What does not fit is told, so that nobody believes it was \
              sent.",
        prefixes: &["convert_"],
    },
    Group {
        title: "EN 16931: sums and conditions (BR-CO)",
        why: "Who receives an invoice pays its total. Where the parts do not make the total, nobody can say which of \
              them is wrong, and by law and by most systems the invoice is refused.",
        prefixes: &["BR-CO-"],
    },
    Group {
        title: "EN 16931: code lists (BR-CL)",
        why: "Codes are what programs decide by: the currency, the country, the VAT category. A word of one's own \
              means nothing to the other side.",
        prefixes: &["BR-CL-"],
    },
    Group {
        title: "EN 16931: decimals (BR-DEC)",
        why: "Amounts are money, and money has as many decimals as its currency: more cannot be paid, and rounding \
              them is a decision that is the sender's alone.",
        prefixes: &["BR-DEC-"],
    },
    Group {
        title: "EN 16931: VAT by category",
        why: "VAT is declared by category and rate. A breakdown that does not fit its lines costs the buyer the \
              deduction, or the seller the exemption.",
        prefixes: &[
            "BR-S-", "BR-Z-", "BR-E-", "BR-AE-", "BR-IC-", "BR-G-", "BR-O-", "BR-IG-", "BR-IP-", "BR-AF-", "BR-AG-",
            "BR-B-",
        ],
    },
    Group {
        title: "XRechnung (BR-DE, BR-TMP)",
        why: "German public bodies take invoices by these rules and by no others; one that breaks them comes back.",
        prefixes: &["BR-DE-", "BR-DEX-", "BR-TMP-"],
    },
    Group {
        title: "EN 16931: what must be there (BR)",
        why: "Without these an invoice is none by the VAT directive: it names neither who, nor what, nor how much.",
        prefixes: &["BR-"],
    },
    Group {
        title: "Peppol BIS Billing",
        why: "An access point checks these before it takes the invoice; what breaks them never reaches the buyer.",
        prefixes: &["PEPPOL-", "DK-R", "NO-R", "SE-R", "IT-R", "NL-R", "GR-R", "IS-R", "DE-R"],
    },
    Group {
        title: "UBL",
        why: "The binding of EN 16931 to UBL says how often an element may stand and what it may hold; programs \
              read the first and pass over the rest, or refuse the file.",
        prefixes: &["UBL-"],
    },
    Group {
        title: "Narrower rules of X12, EDIFACT and tables",
        why: "They say which element or row it was, inside one of the codes above.",
        prefixes: &[""],
    },
];

/// Files and single values: the codes in small letters without a group of their own.
pub(super) static FILES: Group = Group {
    title: "Files and records",
    why: "What cannot be read for certain is not read at all: a wrong amount that looks right is worse than one \
          that is missing.",
    prefixes: &[],
};

/// The group of a code, and its place in the list.
pub(super) fn group_of(code: &str) -> (usize, &'static Group) {
    let found = GROUPS.iter().zip(1..).find_map(|(group, at)| {
        let prefix = group.prefixes.iter().find(|prefix| code.starts_with(**prefix))?;
        Some((at, group, prefix))
    });
    let is_plain = code.starts_with(|first: char| first.is_ascii_lowercase());
    match found {
        Some((at, group, prefix)) if !(prefix.is_empty() && is_plain) => (at, group),
        _ => (0, &FILES),
    }
}

/// How it looks: what is wrong, and what is right.
pub(super) fn example_of(code: &str) -> Option<&'static str> {
    EXAMPLES.iter().find(|(known, _)| *known == code).map(|(_, example)| *example)
}

static EXAMPLES: &[(&str, &str)] = &[
    (
        "encoding_invalid",
        "wrong: the byte FC (ü in Windows-1252) in a file that calls itself UTF-8\nright: C3 BC, or encoding=\"windows-1252\"",
    ),
    (
        "no_profile",
        "a table with the columns  Beleg;Betrag;Kunde  and no profile that names them\nwaybill profile guess FILE --out my-erp.toml",
    ),
    (
        "truncated",
        "wrong: … IT1*3*5*EA*1            (the end of the file)\nright: … IT1*3*5*EA*12.50~ … SE*9*0001~ GE*1*7~ IEA*1*000000007~",
    ),
    (
        "csv_header_missing",
        "wrong: invoice_number,vendor_number,currency\nright: invoice_number,vendor_number,currency,invoice_amount",
    ),
    ("csv_header_duplicate", "wrong: invoice,amount,amount\nright: invoice,amount,open_amount"),
    (
        "csv_column_count",
        "invoice,vendor,amount\nwrong: NW-1,Northwind, Tools,120.50    (four cells)\nright: NW-1,\"Northwind, Tools\",120.50",
    ),
    ("csv_quote_unclosed", "wrong: NW-1,\"3\" hinge,120.50\nright: NW-1,\"3\"\" hinge\",120.50"),
    ("xml_malformed", "wrong: <cbc:Note>Bolts & nuts</cbc:Note>\nright: <cbc:Note>Bolts &amp; nuts</cbc:Note>"),
    ("xml_dtd", "wrong: <!DOCTYPE Invoice [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\nright: no DOCTYPE at all"),
    (
        "json_malformed",
        "wrong: {\"body\":{\"invoice\":{\"number\":'NW-1'}}}\nright: {\"body\":{\"invoice\":{\"number\":\"NW-1\"}}}",
    ),
    ("json_schema", "wrong: \"totals\":{\"payable\":120.5}\nright: \"totals\":{\"payable\":\"120.50\"}"),
    (
        "edi_envelope",
        "wrong: ISA… GS… ST… SE… GE*1*7~            (and no IEA)\nright: ISA… GS… ST… SE… GE*1*7~ IEA*1*000000007~",
    ),
    ("edi_control_mismatch", "ST*810*0001~ …\nwrong: SE*12*0002~\nright: SE*12*0001~"),
    (
        "edi_count_mismatch",
        "ST*810*0001~ BIG*20260105*NW-1~ TDS*12050~\nwrong: SE*3*0001~\nright: SE*4*0001~        (ST and SE count, too)",
    ),
    ("edi_duplicate_control", "wrong: ST*810*0001~ … ST*810*0001~ …\nright: ST*810*0001~ … ST*810*0002~ …"),
    (
        "edi_segment_missing",
        "wrong: ST*810*0001~ IT1*1*2*EA*60.25~ …\nright: ST*810*0001~ BIG*20260105*NW-1~ IT1*1*2*EA*60.25~ …",
    ),
    ("edi_trailing_data", "wrong: … IEA*1*000000007~ Sent by Northwind\nright: … IEA*1*000000007~"),
    ("date_invalid", "wrong: 2026-02-30, 13/13/2026\nright: 2026-02-28"),
    (
        "amount_invalid",
        "wrong: 12O.50 (the letter O), 1.234,56 where the decimal mark is a point\nright: 120.50, 1234.56",
    ),
    ("amount_scale", "wrong: 120.505 EUR, 1000.50 JPY\nright: 120.51 EUR, 1001 JPY"),
    ("amount_implied_decimal", "TDS01 has two implied decimals (N2)\nwrong: TDS*120.50~\nright: TDS*12050~"),
    ("currency_unknown", "wrong: EURO, US$\nright: EUR, USD"),
    ("total_mismatch", "IT1*1*2*EA*60.25~       2 × 60.25 = 120.50\nwrong: TDS*12000~\nright: TDS*12050~"),
    (
        "tax_mismatch",
        "100.00 at 19 % is 19.00\nwrong: <cbc:TaxAmount currencyID=\"EUR\">18.00</cbc:TaxAmount>\nright: <cbc:TaxAmount currencyID=\"EUR\">19.00</cbc:TaxAmount>",
    ),
    (
        "duplicate_document",
        "wrong: the invoice NW-1 of vendor 4472 twice in one file\nright: once; a corrected one has a number of its own and names NW-1",
    ),
    ("convert_lossy", "an invoice with an attachment, converted to X12 810: the 810 has no place for it"),
    ("convert_unsupported", "waybill convert vendors.csv --to ubl      a vendor record is no invoice"),
    ("SE01", "ST*810*0001~ BIG*20260105*NW-1~ TDS*12050~\nwrong: SE*3*0001~\nright: SE*4*0001~"),
    ("SE02", "ST*810*0001~ …\nwrong: SE*12*0002~\nright: SE*12*0001~"),
    ("GE01", "two transaction sets in the group\nwrong: GE*1*7~\nright: GE*2*7~"),
    ("IEA01", "one functional group in the interchange\nwrong: IEA*2*000000007~\nright: IEA*1*000000007~"),
    ("IEA02", "ISA*…*000000007*0*P*>~ …\nwrong: IEA*1*000000008~\nright: IEA*1*000000007~"),
    ("TDS-ARITH", "IT1*1*2*EA*60.25~       2 × 60.25 = 120.50\nwrong: TDS*12000~\nright: TDS*12050~"),
    ("BPR02-ARITH", "RMR*IV*NW-1**100.00~ RMR*CM*NW-2**-20.00~\nwrong: BPR*I*100.00*C*…~\nright: BPR*I*80.00*C*…~"),
    ("BR-CO-09", "wrong: <cbc:CompanyID>123456789</cbc:CompanyID>\nright: <cbc:CompanyID>DE123456789</cbc:CompanyID>"),
    (
        "BR-CO-10",
        "lines of 100.00 and 20.50\nwrong: <cbc:LineExtensionAmount currencyID=\"EUR\">120.00</cbc:LineExtensionAmount>\nright: <cbc:LineExtensionAmount currencyID=\"EUR\">120.50</cbc:LineExtensionAmount>",
    ),
    (
        "BR-CO-13",
        "lines 120.50, allowances 10.00, charges 5.00\nwrong: TaxExclusiveAmount 110.50\nright: TaxExclusiveAmount 115.50",
    ),
    ("BR-CO-14", "VAT of 19.00 and 7.00 in the breakdown\nwrong: TaxAmount 19.00\nright: TaxAmount 26.00"),
    ("BR-CO-15", "without VAT 100.00, VAT 19.00\nwrong: TaxInclusiveAmount 120.00\nright: TaxInclusiveAmount 119.00"),
    ("BR-CO-16", "with VAT 119.00, prepaid 19.00\nwrong: PayableAmount 119.00\nright: PayableAmount 100.00"),
    ("BR-CO-17", "base 97.50 at 19 % is 18.525\nwrong: 18.52\nright: 18.53        (rounded half up, two decimals)"),
    (
        "BR-CL-04",
        "wrong: <cbc:DocumentCurrencyCode>EURO</cbc:DocumentCurrencyCode>\nright: <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>",
    ),
    ("BR-02", "wrong: an Invoice without cbc:ID, or with an empty one\nright: <cbc:ID>NW-1</cbc:ID>"),
];

#[cfg(test)]
mod tests {
    use waybill_parsers::explain;

    use super::*;

    #[test]
    fn every_code_is_in_its_group() {
        let title = |code| group_of(code).1.title;
        assert_eq!(title("empty_file"), "Files and records");
        assert_eq!(title("edi_count_mismatch"), "X12 and EDIFACT");
        assert_eq!(title("BR-CO-10"), "EN 16931: sums and conditions (BR-CO)");
        assert_eq!(title("BR-S-08"), "EN 16931: VAT by category");
        assert_eq!(title("BR-02"), "EN 16931: what must be there (BR)");
        assert_eq!(title("SE01"), "Narrower rules of X12, EDIFACT and tables");
        assert_eq!(title("PEPPOL-EN16931-R001"), "Peppol BIS Billing");
    }

    #[test]
    fn an_example_is_of_a_code_that_there_is() {
        for (code, example) in EXAMPLES {
            assert_eq!(explain(code).map(|known| known.code), Some(*code));
            assert!(example.lines().all(|line| line.chars().count() <= 100), "{code}");
        }
    }
}
