//! Writes a remittance advice as a REMADV (D.96A).
//!
//! Without a place: the handling, notes of single lines, the scheme of a bank that is none of BIC. Adjustments
//! that belong to no document are refused: the total would be no sum of what is written. Written in the
//! standard's words: a trace by a foreign scheme is a PQ, a reference by one a ZZZ, a type code that is none
//! of UNCL1001 becomes 380, 381, 383 or 998.

use super::WriteError;
use super::parties::{details, party};
use super::segments::{Out, as_strs, code_of, segment, split};
use crate::canonical::{Account, RemittanceAdvice, RemittanceLine, SettledKind};

pub(super) fn write(advice: &RemittanceAdvice, out: &mut Out) -> Result<(), WriteError> {
    let Some(number) = advice.number.as_deref().filter(|number| !number.is_empty()) else {
        return Err(WriteError::Missing { field: "number", element: "BGM 1004" });
    };
    if let Some(adjustment) = advice.adjustments.first() {
        let value = adjustment.amount.to_string();
        return Err(WriteError::NoPlace { field: "adjustments", value, message: "REMADV" });
    }
    out.open("REMADV", "D", "96A", "");
    out.add(segment("BGM").one("481").one(number).one("9"));
    out.date("137", advice.issue_date);
    out.date("203", advice.payment_date);
    for trace in &advice.traces {
        out.reference(&code_of(trace.scheme.as_deref(), "PQ"), Some(&trace.value));
    }
    for (role, account) in [("OR", &advice.payer_account), ("BF", &advice.payee_account)] {
        if let Some(account) = account {
            self::account(role, account, out);
        }
    }
    if let Some(method) = &advice.method {
        out.add(segment("PAI").all(&["", "", method]));
    }
    for note in &advice.notes {
        out.text("AAI", note);
    }
    for (role, of) in [("PR", &advice.payer), ("PE", &advice.payee)] {
        party(role, of, out);
        details(of, out);
    }
    if let Some(currency) = &advice.currency {
        out.add(segment("CUX").all(&["2", currency, "11"]));
    }
    for line in &advice.lines {
        self::line(line, out);
    }
    out.add(segment("UNS").one("S"));
    out.amount("12", advice.total);
    out.close();
    Ok(())
}

fn account(role: &str, account: &Account, out: &mut Out) {
    let names = account.name.as_deref().map_or_else(Vec::new, |name| split(name, 35, 2));
    let holder = [vec![account.number.as_deref().unwrap_or_default()], as_strs(&names)].concat();
    let fii = segment("FII").one(role).all(&holder);
    out.add(match &account.bank {
        None => fii,
        Some(bank) if bank.scheme.as_deref() == Some("bic") => fii.one(&bank.value),
        Some(bank) => {
            let scheme = code_of(bank.scheme.as_deref(), "");
            let agency = if scheme == "3434" { "" } else { scheme.as_str() };
            fii.all(&["", "", "", &bank.value, "", agency])
        }
    });
}

fn line(line: &RemittanceLine, out: &mut Out) {
    let is_code = |code: &&str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
    let code = line.type_code.as_deref().filter(is_code).unwrap_or(match line.document_type {
        SettledKind::Invoice => "380",
        SettledKind::CreditNote => "381",
        SettledKind::DebitNote => "383",
        SettledKind::Other => "998",
    });
    out.add(segment("DOC").one(code).one(line.document_number.as_deref().unwrap_or_default()));
    out.amount("9", line.original);
    out.amount("12", line.paid);
    out.amount("52", line.discount);
    out.date("137", line.document_date);
    out.reference("ON", line.purchase_order.as_deref());
    for reference in &line.references {
        out.reference(&code_of(reference.scheme.as_deref(), "ZZZ"), Some(&reference.value));
    }
    for adjustment in &line.adjustments {
        out.add(segment("AJT").one(adjustment.reason_code.as_deref().unwrap_or("ZZZ")));
        out.amount("165", Some(adjustment.amount));
        if let Some(reference) = &adjustment.reference {
            out.reference(&code_of(reference.scheme.as_deref(), "ZZZ"), Some(&reference.value));
        }
        if let Some(reason) = &adjustment.reason {
            out.text("AAI", reason);
        }
    }
}
