//! Writes a remittance advice as an 820.
//!
//! What an 820 has no place for, and what comes back in other words:
//! * the names of the accounts; the lists of banks other than ABA (`aba`), SWIFT (`bic`) and those of element 506;
//! * payment methods that are not of element 591: those of UNCL4461 come back as `ACH` or `CHK`, others as
//!   `ZZZ`; no handling comes back as an advice without payment;
//! * the number comes back among the traces, too; traces of other schemes come back as `x12:TN`;
//! * types of documents that are not of element 128 come back as `IV`, `CM`, `DB` or `ZZ`;
//! * reasons of adjustments that are not of element 426 come back as `ZZ`;
//! * notes of more than 80 characters: the payment's come back as several, others are refused;
//! * of a party, as in an 810.

use super::WriteError;
use super::party::party;
use super::segments::{Out, date, id, number, pieces, qualifier, text};
use crate::canonical::{Account, Adjustment, Handling, Identifier, RemittanceAdvice, RemittanceLine, SettledKind};

/// Writes what stands between ST and SE.
pub(super) fn write(advice: &RemittanceAdvice, out: &mut Out) -> Result<(), WriteError> {
    beginning(advice, out)?;
    for note in &advice.notes {
        for piece in pieces(note, 80) {
            out.segment("NTE", [None, Some(piece)]);
        }
    }
    let named = named(advice);
    let number = id("TRN02", advice.number.as_deref(), 30)?;
    if number.is_some() {
        let more = named.iter().find(|(code, _)| code == "TRN04").map(|(_, value)| *value);
        out.segment("TRN", [Some("1".to_owned()), number.clone(), None, id("TRN04", more, 30)?]);
    }
    for (_, value) in named.iter().filter(|(code, value)| code == "TRN" && Some(*value) != number.as_deref()) {
        out.segment("TRN", [Some("1".to_owned()), id("TRN02", Some(value), 30)?]);
    }
    if let Some(currency) = id("CUR02", advice.currency.as_deref(), 3)? {
        out.segment("CUR", [Some("PR".to_owned()), Some(currency)]);
    }
    for (code, value) in named.iter().filter(|(code, _)| !code.starts_with("TRN")) {
        out.segment("REF", [Some(code.clone()), id("REF02", Some(value), 50)?]);
    }
    if advice.issue_date.is_some() {
        out.segment("DTM", [Some("097".to_owned()), date(advice.issue_date)]);
    }
    party("PR", &advice.payer, out)?;
    party("PE", &advice.payee, out)?;
    if advice.lines.is_empty() && advice.adjustments.is_empty() {
        return Ok(());
    }
    out.segment("ENT", [Some("1".to_owned())]);
    advice.adjustments.iter().try_for_each(|item| adjustment(item, out))?;
    advice.lines.iter().try_for_each(|settled| line(settled, out))
}

fn beginning(advice: &RemittanceAdvice, out: &mut Out) -> Result<(), WriteError> {
    let total = advice.total.ok_or(WriteError::Missing { field: "total", element: "BPR02" })?;
    let handling = match advice.handling {
        Some(Handling::PaymentAndAdvice) => "C",
        Some(Handling::PaymentOnly) => "D",
        Some(Handling::Prenotification) => "P",
        Some(Handling::Splittable) => "U",
        Some(Handling::AdviceOnly) | None => "I",
    };
    let method = match advice.method.as_deref() {
        Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => code,
        Some("20" | "21" | "22" | "23") => "CHK",
        Some("30" | "31" | "58") => "ACH",
        _ => "ZZZ",
    };
    let [payer_list, payer_bank, payer] = account(advice.payer_account.as_ref())?;
    let [payee_list, payee_bank, payee] = account(advice.payee_account.as_ref())?;
    out.segment(
        "BPR",
        [
            Some(handling.to_owned()),
            number("BPR02", Some(total), 18)?,
            Some("C".to_owned()),
            Some(method.to_owned()),
            None,
            payer_list,
            payer_bank,
            None,
            payer,
            None,
            None,
            payee_list,
            payee_bank,
            None,
            payee,
            date(advice.payment_date),
        ],
    );
    Ok(())
}

/// The bank's list (element 506), the bank, the account.
fn account(account: Option<&Account>) -> Result<[Option<String>; 3], WriteError> {
    let Some(account) = account else { return Ok([None, None, None]) };
    let bank = account.bank.as_ref();
    let list = bank.map(|bank| match bank.scheme.as_deref() {
        Some("aba") => "01".to_owned(),
        Some("bic") => "02".to_owned(),
        scheme => qualifier(scheme, "ZZ"),
    });
    Ok([list, id("BPR07", bank.map(|bank| bank.value.as_str()), 12)?, id("BPR09", account.number.as_deref(), 35)?])
}

/// The traces by the qualifier of the REF they stand in; `TRN` and `TRN04` for those of TRN.
fn named(advice: &RemittanceAdvice) -> Vec<(String, &str)> {
    let code = |trace: &Identifier| match trace.scheme.as_deref() {
        Some("x12:TRN04") => "TRN04".to_owned(),
        scheme => qualifier(scheme, "TN"),
    };
    advice.traces.iter().map(|trace| (code(trace), trace.value.as_str())).collect()
}

fn line(line: &RemittanceLine, out: &mut Out) -> Result<(), WriteError> {
    let settled = id("RMR02", line.document_number.as_deref(), 50)?;
    let settled = settled.ok_or(WriteError::Missing { field: "the number of a document", element: "RMR02" })?;
    let code = match (line.document_type, line.type_code.as_deref()) {
        (SettledKind::Invoice, Some(code @ ("IV" | "OI" | "IK" | "IN" | "VN")))
        | (SettledKind::CreditNote, Some(code @ ("CM" | "CL" | "CN")))
        | (SettledKind::DebitNote, Some(code @ ("DB" | "DL"))) => code,
        (SettledKind::Other, Some(code)) if is_code(code, 2..=3) && !NAMED.contains(&code) => code,
        (SettledKind::Invoice, _) => "IV",
        (SettledKind::CreditNote, _) => "CM",
        (SettledKind::DebitNote, _) => "DB",
        (SettledKind::Other, _) => "ZZ",
    };
    let paid = number("RMR04", line.paid, 18)?;
    let original = number("RMR05", line.original, 18)?;
    let discount = number("RMR06", line.discount, 18)?;
    out.segment("RMR", [Some(code.to_owned()), Some(settled), None, paid, original, discount]);
    if let Some(note) = text("NTE02", line.note.as_deref(), 80)? {
        out.segment("NTE", [None, Some(note)]);
    }
    if let Some(order) = id("REF02", line.purchase_order.as_deref(), 50)? {
        out.segment("REF", [Some("PO".to_owned()), Some(order)]);
    }
    for reference in &line.references {
        let code = qualifier(reference.scheme.as_deref(), "ZZ");
        out.segment("REF", [Some(code), id("REF02", Some(&reference.value), 50)?]);
    }
    if line.document_date.is_some() {
        out.segment("DTM", [Some("003".to_owned()), date(line.document_date)]);
    }
    line.adjustments.iter().try_for_each(|item| adjustment(item, out))
}

/// The codes of element 128 that name a kind.
const NAMED: [&str; 10] = ["IV", "OI", "IK", "IN", "VN", "CM", "CL", "CN", "DB", "DL"];

/// ADX01: negative reduces the payment, from 003050 on.
fn adjustment(item: &Adjustment, out: &mut Out) -> Result<(), WriteError> {
    let reason = item.reason_code.as_deref().filter(|code| is_code(code, 2..=2)).unwrap_or("ZZ");
    let reference = id("ADX04", item.reference.as_ref().map(|reference| reference.value.as_str()), 50)?;
    let scheme = item.reference.as_ref().and_then(|reference| reference.scheme.as_deref());
    let list = reference.as_ref().map(|_| qualifier(scheme, "ZZ"));
    out.segment("ADX", [number("ADX01", Some(item.amount), 18)?, Some(reason.to_owned()), list, reference]);
    if let Some(reason) = text("NTE02", item.reason.as_deref(), 80)? {
        out.segment("NTE", [None, Some(reason)]);
    }
    Ok(())
}

fn is_code(code: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
