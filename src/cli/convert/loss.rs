//! What a document lost on its way into another format: found by reading back what was written, so that it is
//! what is true and not what a table says.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;
use waybill_parsers::canonical::Body;

/// Names at most so many fields of a document.
const NAMED_MAX: usize = 20;

/// The fields that are not in `back` as they are in `from`: `lines[].note`, or `lines[].unit (C62 as EA)`.
pub(super) fn between(from: &Body, back: &Body) -> Vec<String> {
    let back = fields_of(back);
    // Of a field of every line, the first difference is told.
    let mut lost: Vec<String> = Vec::new();
    let mut seen = BTreeMap::new();
    for (path, value) in fields_of(from) {
        let said = match back.get(&path) {
            Some(read) if is_same(&value, read) => continue,
            Some(read) => format!(" ({value} as {read})"),
            None => String::new(),
        };
        let name = without_indices(&path);
        if seen.insert(name.clone(), ()).is_none() {
            lost.push(name + &said);
        }
    }
    let more = lost.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        lost.truncate(NAMED_MAX);
        lost.push(format!("and {more} more"));
    }
    lost
}

/// The values of a document by their paths: `lines[2].net_amount`.
fn fields_of(body: &Body) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let value = serde_json::to_value(body).unwrap_or_default();
    for inner in value.as_object().into_iter().flat_map(|body| body.values()) {
        gather(inner, String::new(), &mut fields);
    }
    fields
}

/// As deep as the model is, which is not deep.
fn gather(value: &Value, path: String, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                gather(inner, path, fields);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                gather(inner, format!("{path}[{index}]"), fields);
            }
        }
        Value::String(text) => {
            fields.insert(path, text.clone());
        }
        Value::Null => (),
        other => {
            fields.insert(path, other.to_string());
        }
    }
}

/// The same text, or the same number with other zeros behind the point.
fn is_same(written: &str, read: &str) -> bool {
    let number = |text: &str| Decimal::from_str_exact(text).ok();
    written == read || number(written).is_some_and(|written| number(read) == Some(written))
}

/// `lines[2].note` as `lines[].note`.
fn without_indices(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        inside = inside && c != ']';
        if !inside {
            name.push(c);
        }
        inside = inside || c == '[';
    }
    name
}

#[cfg(test)]
mod tests {
    use waybill_parsers::canonical::{Invoice, Line, Note, Totals};

    use super::*;

    fn invoice() -> Invoice {
        let line = |unit: &str| Line { unit: Some(unit.into()), note: Some("n".into()), ..Line::default() };
        Invoice {
            number: Some("NW-1".into()),
            totals: Totals { payable: Some("1.50".parse().unwrap()), ..Totals::default() },
            lines: vec![line("C62"), line("KGM")],
            ..Invoice::default()
        }
    }

    fn lost(change: impl Fn(&mut Invoice)) -> Vec<String> {
        let mut back = invoice();
        change(&mut back);
        between(&Body::Invoice(Box::new(invoice())), &Body::Invoice(Box::new(back)))
    }

    #[test]
    fn what_is_not_read_back_is_lost() {
        assert_eq!(lost(|_| ()), Vec::<String>::new());
        assert_eq!(lost(|back| back.totals.payable = Some("1.5".parse().unwrap())), Vec::<String>::new());
        assert_eq!(lost(|back| back.notes.push(Note::default())), Vec::<String>::new());
        assert_eq!(lost(|back| back.lines.iter_mut().for_each(|line| line.note = None)), ["lines[].note"]);
        assert_eq!(lost(|back| back.lines[0].unit = Some("EA".into())), ["lines[].unit (C62 as EA)"]);
        assert_eq!(lost(|back| drop(back.lines.pop())), ["lines[].note", "lines[].unit"]);
    }
}
