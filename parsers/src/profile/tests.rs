//! The profile's own tests: what loads, what is refused, and in which words.

use super::{Profile, Weight, built_in};
use crate::Severity;

const GOOD: &str = r#"name = "acme"
documents = "invoice"
dates = ["DD.MM.YYYY"]

[defaults]
currency = "EUR"

[columns]
number = "Rechnung"
issue_date = ["Datum", "Belegdatum"]
payable = "Betrag"
"#;

fn error_of(text: &str) -> String {
    Profile::from_toml(text).unwrap_err().to_string()
}

#[test]
fn every_built_in_profile_is_good_and_is_written_as_it_is_read() {
    assert_eq!(built_in().len(), 10);
    for profile in built_in() {
        assert_eq!(Profile::from_toml(&profile.to_toml()).as_ref(), Ok(profile), "{}", profile.name);
    }
}

#[test]
fn a_profile_that_only_weighs_needs_no_columns() {
    let profile =
        Profile::from_toml("name = \"acme-x12\"\n[severities]\n\"TDS-ARITH\" = \"warning\"\nSE01 = \"off\"\n").unwrap();
    assert_eq!(profile.severities["TDS-ARITH"], Weight::Warning);
    assert_eq!(profile.weigh("total_mismatch", Some("TDS-ARITH"), Severity::Error), Some(Severity::Warning));
    assert_eq!(profile.weigh("edi_count_mismatch", Some("SE01"), Severity::Error), None);
    assert_eq!(profile.weigh("empty_file", None, Severity::Error), Some(Severity::Error));
}

#[test]
fn a_family_of_rules_is_weighed_as_one_and_the_longest_name_wins() {
    let profile = Profile::from_toml(
        "name = \"acme\"\nrules = \"en16931\"\n[severities]\n\"BR-*\" = \"warning\"\n\"BR-CL-*\" = \"off\"\n\"BR-CL-14\" = \"error\"\n",
    )
    .unwrap();
    assert_eq!(profile.rules, Some(super::Rules::En16931));
    let weigh = |rule| profile.weigh(rule, Some(rule), Severity::Error);
    assert_eq!(weigh("BR-CO-10"), Some(Severity::Warning));
    assert_eq!(weigh("BR-CL-23"), None);
    assert_eq!(weigh("BR-CL-14"), Some(Severity::Error));
    assert_eq!(weigh("UBL-DT-01"), Some(Severity::Error));
    // A rule's family is asked before the code it is in.
    let profile =
        Profile::from_toml("name = \"a\"\n[severities]\n\"TDS-*\" = \"off\"\ntotal_mismatch = \"error\"\n").unwrap();
    assert_eq!(profile.weigh("total_mismatch", Some("TDS-ARITH"), Severity::Warning), None);
    assert_eq!(Profile::from_toml(&profile.to_toml()).as_ref(), Ok(&profile));
}

#[test]
fn a_severity_for_nothing_is_told_with_its_line_and_what_was_meant() {
    let severity = |line: &str| error_of(&format!("name = \"acme\"\n[severities]\nempty_file = \"error\"\n{line}\n"));
    let error = severity("\"BR-CO-1O\" = \"off\"");
    assert!(error.starts_with("line 4: `severities.BR-CO-1O`: `BR-CO-1O` is no code or rule"), "{error}");
    assert!(error.contains("did you mean `BR-CO-1"), "{error}");
    assert!(severity("\"BR-XX-*\" = \"off\"").starts_with("line 4: `severities.BR-XX-*`: no code or rule begins so"));
    assert!(severity("\"*\" = \"off\"").contains("no code or rule begins so"));
    assert!(severity("\"BR-CO-10\" = \"of\"").contains("line 4"));
    let rules = error_of("name = \"acme\"\nrules = \"en16932\"\n");
    assert!(rules.starts_with("line 2: `rules`: unknown variant `en16932`; allowed: one of `as-stated`"), "{rules}");
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_what_is_allowed() {
    assert!(Profile::from_toml(GOOD).is_ok());
    let error = error_of(&GOOD.replace("dates", "date"));
    assert!(error.starts_with("line 3: `date`: unknown field `date`; did you mean `dates`? allowed:"), "{error}");
    assert!(error.contains("`delimiter`"), "{error}");
}

#[test]
fn an_unknown_field_is_told_with_the_nearest_one() {
    let error = error_of(&GOOD.replace("issue_date", "issued_date"));
    assert!(error.starts_with("line 10: `columns.issued_date`: "), "{error}");
    assert!(error.contains("did you mean `issue_date`? allowed: number, type,"), "{error}");
}

#[test]
fn a_required_field_without_a_column_is_told() {
    let error = error_of(&GOOD.replace("payable = \"Betrag\"\n", ""));
    assert!(error.contains("`columns.payable`: required (the amount due (BT-115)), but no column"), "{error}");
    let error = error_of(&format!("required = [\"tax\"]\n{GOOD}"));
    assert!(error.contains("`columns.tax`: required"), "{error}");
    let error = error_of(&GOOD.replace("currency = \"EUR\"\n", ""));
    assert!(error.contains("nothing says in which currency"), "{error}");
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    let with = |line: &str| error_of(&format!("{line}\n{GOOD}"));
    assert!(with("decimal = \",\"\nthousands = [\",\"]").starts_with("line 2: `thousands`: `,` is the decimal mark"));
    assert!(with("thousands = [\"x\"]").contains("no thousands separator"));
    assert!(with("delimiter = \"'\"\nquote = \"'\"").contains("the same as the delimiter"));
    assert!(with("quote = \";\"").contains("the same as the delimiter"));
    assert!(with("delimiter = \"ab\"").contains("line 1: `delimiter`: `ab` is no delimiter"));
    assert!(with("encoding = \"utf-7\"").contains("no encoding Waybill reads"));
    assert!(with("encoding = \"shift_jis\"").contains("no encoding Waybill reads"));
    assert!(with("[status]\nA = { status = \"payed\" }\n").contains("allowed:"));
    let dates = error_of(&GOOD.replace("[\"DD.MM.YYYY\"]", "[\"DD/MM/YYYY\", \"MM/DD/YYYY\"]"));
    assert!(dates.starts_with("line 3: `dates`: ambiguous"), "{dates}");
    let twice = error_of(&GOOD.replace("\"Betrag\"", "\"DATUM\""));
    assert!(twice.contains("is also accepted for `issue_date`"), "{twice}");
    assert!(error_of(&GOOD.replace("acme", "Acme GmbH")).contains("line 1: `name`: not a name"));
    assert!(error_of("documents = \"invoice\"").contains("a profile needs a name"));
    assert!(error_of("name = ").starts_with("line 1"));
}

#[test]
fn status_codes_need_a_map() {
    let voucher = "name = \"v\"\ndocuments = \"voucher\"\n[defaults]\ncurrency = \"EUR\"\n[columns]\ninvoice_number = \"no\"\ngross = \"sum\"\nstatus_code = \"st\"\n";
    assert!(error_of(voucher).starts_with("line 8: `columns.status_code`: no [status]"), "{}", error_of(voucher));
    assert!(Profile::from_toml(&format!("{voucher}[status]\n\"01\" = {{ status = \"paid\" }}\n")).is_ok());
}
