//! What is proposed, and that a proposal without questions reads its file.

use std::ops::ControlFlow;

use super::{Guess, guess};
use crate::profile::{Documents, Profile};
use crate::{Context, Event, Limits, read};

/// Loads the proposal and reads the file by it: how many documents and errors there are.
fn applied(guess: &Guess, bytes: &[u8]) -> (u64, u64) {
    assert_eq!(guess.questions, [""; 0], "{guess}");
    let profile = Profile::from_toml(&guess.to_toml()).unwrap_or_else(|error| panic!("{error}\n{guess}"));
    let context = Context { profiles: &[profile], limits: Limits::default() };
    let mut said = Vec::new();
    let summary = read(&mut &*bytes, &context, &mut |event| {
        if let Event::Finding(finding) = event {
            said.push(finding.message.clone());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(said.is_empty(), "{said:?}\n{guess}");
    (summary.documents, summary.errors)
}

fn field<'g>(guess: &'g Guess, header: &str) -> Option<&'g str> {
    guess.columns.iter().find(|column| column.header == header).and_then(|column| column.field)
}

#[test]
fn an_export_of_bills_in_german_is_proposed_and_read() {
    let text = "Rechnungen Februar;;;;;;\r\n\r\nRechnungsnummer;Rechnungsdatum;Lieferant;W\u{e4}hrung;Bruttobetrag;Belegart;Sachbearbeiter\r\n\
                R-1;31.01.2026;M\u{fc}hle;EUR;1.234,50;Rechnung;ab\r\nG-2;03.02.2026;Esche;EUR;12,00-;Gutschrift;ab\r\nSumme;;;;1.222,50;;\r\n";
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let guess = guess(&bytes, "exports/Rechnungen 2026.csv");
    assert_eq!((guess.name.as_str(), guess.documents), ("rechnungen-2026", Some(Documents::Invoice)));
    assert_eq!((guess.delimiter, guess.skip_rows), (Some(';'), 2));
    assert_eq!(guess.encoding.as_deref(), Some("windows-1252"));
    assert_eq!(field(&guess, "Sachbearbeiter"), None);
    assert_eq!(guess.credit_types, ["Gutschrift"]);
    assert_eq!(applied(&guess, &bytes), (2, 0));
    assert!(guess.to_toml().contains("row 4: 1.234,50\ndecimal = \",\""), "{guess}");
}

#[test]
fn bills_with_lines_are_grouped() {
    let text = "invoice_number,invoice_date,vendor_name,currency,invoice_amount,line_no,description,quantity,unit_price,line_amount\n\
                R-1,2026-02-03,Ash,USD,30.00,1,Nut,1,10.00,10.00\nR-1,2026-02-03,Ash,USD,30.00,2,Bolt,2,10.00,20.00\n";
    let guess = guess(text.as_bytes(), "");
    assert!(guess.group_by_number);
    assert_eq!(guess.name, "new-profile");
    assert_eq!(applied(&guess, text.as_bytes()), (1, 0));
}

#[test]
fn open_items_with_their_status_are_proposed() {
    let text = "BUSINESS_UNIT|VENDOR_ID|INVOICE_ID|VOUCHER_ID|INVOICE_DT|GROSS_AMT|CURRENCY_CD|PYMNT_STATUS\n\
                US001|77|R-1|1001|2026-01-31|10.00|USD|Paid\nUS001|77|R-2|1002|2026-02-01|20.00|USD|On Hold\n";
    let guess = guess(text.as_bytes(), "ps.txt");
    assert_eq!(guess.documents, Some(Documents::Voucher));
    assert_eq!(field(&guess, "VENDOR_ID"), Some("vendor_no"));
    assert_eq!(applied(&guess, text.as_bytes()), (2, 0));
    let unknown = super::guess(text.replace("On Hold", "Z9").as_bytes(), "ps.txt");
    assert_eq!(unknown.questions, ["What does the status `Z9` mean?"]);
}

#[test]
fn vendors_and_remittances_are_told_apart_from_bills() {
    let vendors =
        "SupplierNumber,SupplierName,Address1,City,State,ZipCode\n1,Ash,1 Oak St,Springfield,IL,62701\n2,DEL,,,,\n";
    let guessed = guess(vendors.as_bytes(), "v.csv");
    assert_eq!(guessed.documents, Some(Documents::Vendor));
    assert_eq!(guessed.deleted, ["DEL"]);
    assert_eq!(applied(&guessed, vendors.as_bytes()), (2, 0));
    let payments = "Check Number,Check Date,Vendor Name,Check Amount,Invoice Number,Gross Amount,Discount,Amount Paid\n\
                    7,1/31/2026,Ash,$30.00,R-1,$10.00,$0.00,$10.00\n7,1/31/2026,Ash,$30.00,R-2,$20.50,$0.50,$20.00\n";
    let guessed = guess(payments.as_bytes(), "p.csv");
    assert_eq!(guessed.documents, Some(Documents::Remittance));
    assert_eq!(guessed.currency.as_deref(), Some("USD"));
    assert_eq!(applied(&guessed, payments.as_bytes()), (1, 0));
}

#[test]
fn a_date_that_can_be_read_two_ways_is_asked_and_one_that_decides_is_named() {
    let table = |date: &str| {
        format!("invoice number,invoice date,currency,amount\nR-1,03/04/2026,USD,1.00\nR-2,{date},USD,2.00\n")
    };
    let asked = guess(table("05/04/2026").as_bytes(), "a.csv");
    assert_eq!(asked.dates, None);
    assert!(asked.questions.first().unwrap().starts_with("Are dates written MM/DD/YYYY or DD/MM/YYYY"), "{asked}");
    let decided = guess(table("25/04/2026").as_bytes(), "a.csv");
    assert_eq!(decided.dates.as_ref().unwrap().0, "DD/MM/YYYY");
    assert!(decided.dates.as_ref().unwrap().1.contains("row 3 has 25/04/2026, which is no MM/DD/YYYY"), "{decided}");
    assert_eq!(applied(&decided, table("25/04/2026").as_bytes()), (2, 0));
}

#[test]
fn amounts_that_contradict_each_other_and_a_currency_nobody_names_are_asked() {
    let text = "invoice number,invoice date,amount\nR-1,2026-02-03,1.50\nR-2,2026-02-03,\"1,50\"\n";
    let guess = guess(text.as_bytes(), "a.csv");
    assert_eq!(guess.questions.len(), 2, "{guess}");
    assert_eq!(guess.decimal, None);
}

#[test]
fn record_types_are_laid_out_for_a_person() {
    let text =
        "FH|AP|20260203\nH|R-1|20260203|USD|10.00\nL|1|4.00\nL|2|6.00\nH|R-2|20260203|USD|5.00\nL|1|5.00\nT|2|15.00\n";
    let guess = guess(text.as_bytes(), "batch.txt");
    assert_eq!(guess.documents, None);
    let toml = guess.to_toml();
    assert!(toml.contains("type = \"L\"\nrole = \"line\""), "{toml}");
    assert!(toml.contains("# ? … = 5   # `10.00`"), "{toml}");
    assert!(toml.contains("type = \"T\"\nrole = \"trailer\""), "{toml}");
}

#[test]
fn what_is_no_table_is_a_question() {
    for bytes in [b"".as_slice(), b"\0\0\0", b"PK\x03\x04", b"Dear all,\nhello\n"] {
        let guess = guess(bytes, "../../x");
        assert_eq!((guess.documents, guess.questions.len()), (None, 1), "{guess}");
    }
}
