//! What holds for every table: no input is a panic, reading in pieces is reading, and an amount or a date
//! written by a convention is read back to the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "what tests share stands outside of a #[test]"
)]

use std::fs;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::civil::Date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Body, Voucher};
use waybill_parsers::{Context, Event, Halt, Limits, Profile, Summary, profile, read};

/// All that is told, and how it ended.
fn told(bytes: &[u8], piece: usize, profiles: &[Profile], limits: Limits) -> (Vec<Event>, Result<Summary, String>) {
    let mut events = Vec::new();
    let context = Context { profiles, limits };
    let result = read(&mut BufReader::with_capacity(piece, bytes), &context, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (events, result.map_err(|halt: Halt| halt.to_string()))
}

/// Every fixture of ours with the profiles it is read by: its own, if it has one.
static FIXTURES: LazyLock<Vec<(Vec<u8>, Vec<Profile>)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/csv");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    };
    let cases: Vec<PathBuf> = ["ok", "err"].iter().flat_map(|verdict| folders(&root.join(verdict))).collect();
    assert!(cases.len() > 20);
    cases
        .iter()
        .map(|case| {
            let profiles = fs::read_to_string(case.join("profile.toml"))
                .map(|text| vec![Profile::from_toml(&text).unwrap()])
                .unwrap_or_else(|_| profile::built_in().to_vec());
            (fs::read(input_of(case)).unwrap(), profiles)
        })
        .collect()
});

/// The `input.*` of a case, whatever its ending.
fn input_of(case: &Path) -> PathBuf {
    let inputs = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    inputs.into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == "input")).unwrap()
}

/// The law of every reading: findings come before their document, and the summary counts what was told.
fn is_lawful(events: &[Event], summary: &Summary) {
    let mut documents = 0;
    let mut findings = 0;
    for event in events {
        match event {
            Event::Document(document) => {
                assert_eq!(document.ordinal, documents);
                documents += 1;
            }
            Event::Finding(finding) => {
                assert!(finding.document.is_none_or(|ordinal| ordinal == documents), "{finding:?}");
                findings += 1;
            }
            Event::Unlisted { document, .. } => {
                assert!(document.is_none_or(|ordinal| ordinal == documents), "{document:?}");
                findings += 1;
            }
        }
    }
    assert_eq!(summary.documents, u64::from(documents));
    assert_eq!(summary.errors + summary.warnings, findings);
}

#[test]
fn every_prefix_of_every_fixture_is_read_without_a_panic() {
    for (bytes, profiles) in FIXTURES.iter() {
        for end in 0..bytes.len() {
            let (events, summary) = told(&bytes[..end], 64, profiles, Limits::default());
            is_lawful(&events, &summary.unwrap());
        }
    }
}

/// A table longer than the head that formats are recognised by, in every encoding we read.
fn long_table(wide: bool) -> Vec<u8> {
    let mut text = "invoice_number,invoice_date,vendor_id,vendor_name,currency,invoice_amount,tax_amount,line_no,description,line_amount\r\n".to_owned();
    for number in 0..600 {
        let sum = number * 2;
        for line in 1..=2 {
            text += &format!(
                "R-{number},2026-02-03,V1,Køb 📦,USD,{sum}.00,0.00,{line},\"a \"\"b\"\",\r\nc\",{number}.00\r\n"
            );
        }
    }
    if !wide {
        return text.into_bytes();
    }
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn reading_in_pieces_is_reading() {
    for wide in [false, true] {
        let bytes = long_table(wide);
        assert!(bytes.len() > waybill_parsers::HEAD_BYTES);
        let whole = told(&bytes, bytes.len(), profile::built_in(), Limits::default());
        let summary = whole.1.as_ref().unwrap();
        assert_eq!((summary.documents, summary.errors, summary.warnings), (600, 0, 0));
        for piece in [1, 2, 3, 7, 1000, 65_537] {
            assert!(told(&bytes, piece, profile::built_in(), Limits::default()) == whole, "pieces of {piece}");
        }
    }
}

#[test]
fn every_place_told_is_where_the_original_says_it() {
    for wide in [false, true] {
        let bytes = long_table(wide);
        for event in told(&bytes, 4096, profile::built_in(), Limits::default()).0 {
            let Event::Document(document) = event else { continue };
            for evidence in &document.evidence {
                let start = usize::try_from(evidence.at.byte).unwrap();
                let stored = &bytes[start..start + evidence.at.len as usize];
                let text = match wide {
                    true => String::from_utf16(
                        &stored.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect::<Vec<_>>(),
                    ),
                    false => Ok(String::from_utf8(stored.to_vec()).unwrap()),
                };
                assert_eq!(text.unwrap(), evidence.raw);
            }
        }
    }
}

#[test]
fn ten_megabytes_in_one_line_end_at_the_limit() {
    let header = b"invoice_number,invoice_date,currency,invoice_amount\n";
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(b"R-1,2026-02-03,USD,10.00\n");
    bytes.resize(10 * 1024 * 1024, b'7');
    let (events, result) = told(&bytes, 8192, profile::built_in(), Limits::default());
    // The good document beside the bad row is told.
    assert!(matches!(events.as_slice(), [Event::Document(document)] if document.number() == Some("R-1")), "{events:?}");
    assert_eq!(result.unwrap_err(), "row is over the limit of 1048576 at byte 77, line 3");
}

#[test]
fn a_quote_left_open_is_said_before_the_limit_it_runs_into() {
    let mut bytes = b"invoice_number,invoice_date,currency,invoice_amount\nR-1,2026-02-03,USD,\"10.00\n".to_vec();
    while bytes.len() < 2 * 1024 * 1024 {
        bytes.extend_from_slice(b"R-2,2026-02-03,USD,10.00\n");
    }
    let (events, result) = told(&bytes, 8192, profile::built_in(), Limits::default());
    let [Event::Finding(finding)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((finding.rule, finding.location.byte, finding.location.line), (Some("CSV-UNCLOSED-QUOTE"), 71, 2));
    assert!(result.is_err());
}

#[test]
fn columns_and_lines_have_limits() {
    let table = long_table(false);
    let columns = Limits { columns_max: 5, ..Limits::default() };
    let error = told(&table, 8192, profile::built_in(), columns).1.unwrap_err();
    assert_eq!(error, "number of columns is over the limit of 5 at byte 0, line 1");
    let lines = Limits { lines_max: 1, ..Limits::default() };
    let error = told(&table, 8192, profile::built_in(), lines).1.unwrap_err();
    assert!(error.starts_with("number of lines of one document is over the limit of 1 at byte "), "{error}");
}

#[test]
fn an_encoding_guessed_from_ascii_is_settled_by_the_first_other_byte() {
    let mut bytes = b"invoice_number,invoice_date,currency,invoice_amount,vendor_name\n".to_vec();
    for number in 0..3000 {
        bytes.extend_from_slice(format!("R-{number},2026-02-03,USD,1.00,Ash\n").as_bytes());
    }
    assert!(bytes.len() > waybill_parsers::HEAD_BYTES);
    bytes.extend_from_slice(b"R-last,2026-02-03,USD,1.00,M\xfchle\n");
    let (events, summary) = told(&bytes, 8192, profile::built_in(), Limits::default());
    let Some(Event::Document(last)) = events.last() else { panic!() };
    assert_eq!(last.seller(), Some("Mühle"));
    let summary = summary.unwrap();
    assert_eq!((summary.encoding.as_deref(), summary.errors), (Some("windows-1252"), 0));
}

#[test]
fn each_built_in_profile_is_chosen_by_its_header_and_weighs_its_findings() {
    for (header, row, name, warnings) in [
        (
            "invoice_number,invoice_date,currency,invoice_amount,tax_amount,line_amount",
            "R,2026-02-03,USD,9.00,1.00,5.00",
            "waybill-invoices",
            1,
        ),
        (
            "Vendor_No,Supplier_Invoice_No,Invoice_Date,Currency,Gross,Status_Code",
            "7,R,2026-02-03,USD,9.00,paid",
            "waybill-vouchers",
            0,
        ),
        ("Date,Num,Vendor,Amount", "2/3/2026,R,Ash,$9.00", "quickbooks-bills", 0),
        // Its total does not add up, and the profile says not to mind.
        (
            "Document Number,Type,Date,Name,Currency,Total Amount,Tax Total,Line Amount",
            "R,Bill,2/3/2026,Ash,USD,9.00,1.00,5.00",
            "netsuite-bills",
            0,
        ),
        ("Company Code;Vendor;Reference;Currency;Amount", "1;7;R;EUR;9,00-", "sap-open-items", 0),
    ] {
        let (events, summary) =
            told(format!("{header}\n{row}\n").as_bytes(), 64, profile::built_in(), Limits::default());
        let summary = summary.unwrap();
        assert_eq!(summary.profile.as_deref(), Some(name), "{events:?}");
        assert_eq!((summary.documents, summary.errors, summary.warnings), (1, 0, warnings), "{name}: {events:?}");
    }
}

#[test]
fn a_table_nobody_knows_is_told_the_nearest_profile() {
    let (events, summary) =
        told(b"Date,Num,Vendor,Memo\n2/3/2026,R,Ash,x\n", 64, profile::built_in(), Limits::default());
    let [Event::Finding(finding)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(finding.code.as_str(), "no_profile");
    assert!(
        finding.message.contains("`quickbooks-bills`, which also requires `Amount` or `Total`"),
        "{}",
        finding.message
    );
    assert_eq!(summary.unwrap().documents, 0);
}

#[test]
fn what_is_no_table_is_an_unknown_format() {
    let long_line = vec![b'7'; 10 * 1024 * 1024];
    for bytes in [
        b"Dear all,\nplease find the invoices in the mail.\nKind regards\n".as_slice(),
        b"{\"invoice_number\": 1, \"invoice_date\": 2}\n",
        b"invoice_number,invoice_date\0,currency,invoice_amount\nR,2026-02-03,USD,1\n",
        b"H1 R-1    20260203 10.00\nD1 R-1    Oak      10.00\n",
        b"FH|AP|20260203\nH|R-1|20260203|V1|10.00\nT|1|10.00\n",
        &long_line,
    ] {
        let (events, summary) = told(bytes, 8192, profile::built_in(), Limits::default());
        let [Event::Finding(finding)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(finding.code.as_str(), "unknown_format", "{}", finding.message);
        assert_eq!(summary.unwrap().format, "unknown");
    }
}

#[test]
fn a_sink_that_says_stop_is_obeyed_at_once() {
    let table = long_table(false);
    let context = Context { profiles: profile::built_in(), limits: Limits::default() };
    let mut events = 0;
    let result = read(&mut table.as_slice(), &context, &mut |_| {
        events += 1;
        if events == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(result, Err(Halt::Stopped)), "{result:?}");
    assert_eq!(events, 3);
}

fn voucher_profile(decimal: &str, negative: &str, date: &str) -> Profile {
    Profile::from_toml(&format!(
        "name = \"p\"\ndocuments = \"voucher\"\ndelimiter = \"|\"\ndecimal = \"{decimal}\"\nthousands = [\"{}\"]\n\
         negative = [\"{negative}\"]\ndates = [\"{date}\"]\n[defaults]\ncurrency = \"CLF\"\n[columns]\n\
         invoice_number = \"n\"\ngross = \"g\"\ninvoice_date = \"d\"\n",
        if decimal == "," { "." } else { "," }
    ))
    .unwrap()
}

fn one_voucher(profile: Profile, gross: &str, date: &str) -> Voucher {
    let (events, _) = told(format!("n|g|d\nR|{gross}|{date}\n").as_bytes(), 64, &[profile], Limits::default());
    match events.as_slice() {
        [Event::Document(document)] => match &document.body {
            Body::Voucher(voucher) => (**voucher).clone(),
            body => panic!("no voucher: {body:?}"),
        },
        events => panic!("{gross} {date}: {events:?}"),
    }
}

/// An amount as the convention writes it.
fn written(amount: Decimal, decimal: &str, negative: &str, grouped: bool) -> String {
    let plain = amount.abs().to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let separator = if decimal == "," { "." } else { "," };
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if grouped && index > 0 && (whole.len() - index) % 3 == 0 {
            text += separator;
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text += decimal;
        text += fraction;
    }
    match (amount.is_sign_negative() && !amount.is_zero(), negative) {
        (false, _) => text,
        (true, "leading") => format!("-{text}"),
        (true, "trailing") => format!("{text}-"),
        (true, _) => format!("({text})"),
    }
}

#[test]
fn a_profile_can_be_proposed_for_any_prefix_and_is_toml() {
    for (bytes, _) in FIXTURES.iter() {
        // So many prefixes of each, the whole among them: proposing reads all of one.
        for end in (0..=bytes.len()).rev().step_by(bytes.len() / 12 + 1) {
            let proposed = profile::guess(&bytes[..end], "a b.csv").to_toml();
            assert!(toml::from_str::<toml::Table>(&proposed).is_ok(), "{proposed}");
        }
    }
}

proptest! {
    #[test]
    fn a_profile_can_be_proposed_for_any_text(text in "[a-z,;|\"\\\\\n 0-9.€\u{1}-]{0,300}") {
        let proposed = profile::guess(text.as_bytes(), &text).to_toml();
        prop_assert!(toml::from_str::<toml::Table>(&proposed).is_ok(), "{}", proposed);
    }

    #[test]
    fn one_changed_byte_is_never_a_panic(case in 0_usize..1000, place in 0_usize..4000, byte: u8) {
        let (mut bytes, profiles) = FIXTURES[case % FIXTURES.len()].clone();
        if !bytes.is_empty() {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        let (events, summary) = told(&bytes, 64, &profiles, Limits::default());
        is_lawful(&events, &summary.unwrap());
    }

    #[test]
    fn any_bytes_below_a_header_are_never_a_panic(rows in proptest::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        let mut bytes = b"invoice_number,invoice_date,currency,invoice_amount,line_amount\n".to_vec();
        bytes.extend_from_slice(&rows);
        let whole = told(&bytes, bytes.len(), profile::built_in(), Limits::default());
        prop_assert!(told(&bytes, piece, profile::built_in(), Limits::default()) == whole);
        is_lawful(&whole.0, &whole.1.unwrap());
    }

    #[test]
    fn an_amount_is_read_as_it_was_written(
        mantissa in -99_999_999_999_999_i64..99_999_999_999_999,
        scale in 0_u32..5,
        decimal in prop_oneof![Just("."), Just(",")],
        negative in prop_oneof![Just("leading"), Just("trailing"), Just("parentheses")],
        grouped: bool,
    ) {
        let amount = Decimal::new(mantissa, scale);
        let text = written(amount, decimal, negative, grouped);
        let read = one_voucher(voucher_profile(decimal, negative, "YYYY-MM-DD"), &text, "").gross.unwrap();
        prop_assert_eq!(read.to_string(), amount.to_string());
    }

    #[test]
    fn a_date_is_read_as_it_was_written(
        year in 1970_i16..2070, month in 1_i8..=12, day in 1_i8..=28,
        pattern in prop_oneof![Just("YYYY-MM-DD"), Just("DD.MM.YYYY"), Just("M/D/YY"), Just("YYYYMMDD"), Just("D-MMM-YYYY")],
    ) {
        let date = Date::new(year, month, day).unwrap();
        let text = match pattern {
            "YYYY-MM-DD" => format!("{year:04}-{month:02}-{day:02}"),
            "DD.MM.YYYY" => format!("{day:02}.{month:02}.{year:04}"),
            "M/D/YY" => format!("{month}/{day}/{:02}", year % 100),
            "YYYYMMDD" => format!("{year:04}{month:02}{day:02}"),
            _ => date.strftime("%-d-%b-%Y").to_string(),
        };
        prop_assert_eq!(one_voucher(voucher_profile(".", "leading", pattern), "1.00", &text).invoice_date, Some(date));
    }
}
