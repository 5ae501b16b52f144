//! Where the values of a JSON text stand in it: found by walking it, for serde does not say.

use std::borrow::Cow;
use std::ops::Range;

/// A value a person may dispute: an amount, a quantity, a price, a rate, a date, a number, a currency.
pub(super) struct Leaf {
    /// As evidence names it: `lines[2].net_amount`.
    pub(super) field: String,
    /// As JSON names it (RFC 6901): `/body/invoice/lines/2/net_amount`.
    pub(super) pointer: String,
    /// Where its text begins, behind the quote.
    pub(super) start: usize,
    /// Its text as it is written between the quotes.
    pub(super) raw: String,
    pub(super) is_number: bool,
}

/// The names of members that are exact numbers.
pub(super) const NUMBERS: [&str; 30] = [
    "allowances",
    "amount",
    "base",
    "charges",
    "discount",
    "exchange_rate",
    "gross",
    "gross_price",
    "line_net",
    "net",
    "net_amount",
    "net_price",
    "open",
    "original",
    "paid",
    "payable",
    "percent",
    "prepaid",
    "price_base_quantity",
    "price_discount",
    "quantity",
    "rate",
    "rounding",
    "tax",
    "tax_exclusive",
    "tax_in_tax_currency",
    "tax_inclusive",
    "tax_rate",
    "total",
    "withheld",
];

/// The names of members that are numbers of documents, currencies and dates.
pub(super) const WORDS: [&str; 22] = [
    "number",
    "currency",
    "tax_currency",
    "issue_date",
    "due_date",
    "tax_point_date",
    "date",
    "start",
    "end",
    "document_number",
    "document_date",
    "payment_date",
    "execution_date",
    "booking_date",
    "value_date",
    "invoice_number",
    "voucher_number",
    "invoice_date",
    "payment_number",
    "message_id",
    "end_to_end_id",
    "vendor_no",
];

/// The disputed values of a document, in the order of its text.
pub(super) fn disputed(text: &[u8]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    Walk::new(text).through(|path, start, end| {
        let Some(Step::Member(from, to)) = path.last() else { return true };
        let [Step::Member(body_from, body_to), _, inner @ ..] = path else { return true };
        if text.get(*body_from..*body_to) != Some(b"body") || text.get(start) != Some(&b'"') {
            return true;
        }
        let name = text.get(*from..*to).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        let is_number = NUMBERS.contains(&name);
        if is_number || WORDS.contains(&name) {
            let raw = text.get(start + 1..end.saturating_sub(1)).unwrap_or_default();
            leaves.push(Leaf {
                field: field(text, inner),
                pointer: pointer(text, path),
                start: start + 1,
                raw: String::from_utf8_lossy(raw).into_owned(),
                is_number,
            });
        }
        true
    });
    leaves
}

/// The pointer to the value that stands at a byte, or begins last before it, and its bytes.
pub(super) fn pointer_at(text: &[u8], at: usize) -> (String, Range<usize>) {
    let mut found = (String::new(), 0..0);
    Walk::new(text).through(|path, start, end| {
        if start <= at {
            found = (pointer(text, path), start..end);
        }
        end < at
    });
    found
}

/// One step on the way to a value.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The member whose name stands between these bytes.
    Member(usize, usize),
    Index(usize),
}

/// As JSON names a path.
fn pointer(text: &[u8], path: &[Step]) -> String {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            Step::Member(from, to) => pointer.extend(name(text, *from, *to).chars().take(60)),
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

/// As evidence names a path.
fn field(text: &[u8], path: &[Step]) -> String {
    let mut field = String::new();
    for step in path {
        match step {
            Step::Index(index) => field.push_str(&format!("[{index}]")),
            Step::Member(from, to) => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(&name(text, *from, *to));
            }
        }
    }
    field
}

fn name(text: &[u8], from: usize, to: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(text.get(from..to).unwrap_or_default())
}

/// How deep the walk goes: as deep as serde_json reads.
const DEPTH_MAX: usize = 128;

/// A walk over JSON text, which may be broken: then it ends where it no longer knows its way.
struct Walk<'t> {
    text: &'t [u8],
    at: usize,
    path: Vec<Step>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, path: Vec::new() }
    }

    /// Shows every value that holds no other to `see`, with the path to it and its bytes, until that says no.
    fn through(mut self, mut see: impl FnMut(&[Step], usize, usize) -> bool) {
        loop {
            self.skip_blanks();
            let start = self.at;
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.peek() != Some(b'}') {
                        let Some(step) = self.member() else { return };
                        if self.path.len() >= DEPTH_MAX {
                            return;
                        }
                        self.path.push(step);
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'[') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.peek() != Some(b']') {
                        if self.path.len() >= DEPTH_MAX {
                            return;
                        }
                        self.path.push(Step::Index(0));
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'"') => self.string(),
                Some(_) => self.word(),
                None => return,
            }
            if self.at == start || !see(&self.path, start, self.at) || !self.on() {
                return;
            }
        }
    }

    /// Goes on to the next value; `false` at the end.
    fn on(&mut self) -> bool {
        loop {
            self.skip_blanks();
            let Some(last) = self.path.pop() else { return false };
            match (self.peek(), last) {
                (Some(b','), Step::Index(index)) => {
                    self.at += 1;
                    self.path.push(Step::Index(index + 1));
                    return true;
                }
                (Some(b','), Step::Member(..)) => {
                    self.at += 1;
                    self.skip_blanks();
                    let Some(step) = self.member() else { return false };
                    self.path.push(step);
                    return true;
                }
                (Some(b'}'), Step::Member(..)) | (Some(b']'), Step::Index(_)) => self.at += 1,
                _ => return false,
            }
        }
    }

    /// A member's name and its colon.
    fn member(&mut self) -> Option<Step> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return None;
        }
        self.string();
        let step = Step::Member(start + 1, self.at.saturating_sub(1).max(start + 1));
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return None;
        }
        self.at += 1;
        Some(step)
    }

    fn string(&mut self) {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                None => self.at = self.text.len(),
                Some(found) if rest.get(found) == Some(&b'\\') => {
                    self.at = (self.at + found + 2).min(self.text.len());
                    continue;
                }
                Some(found) => self.at += found + 1,
            }
            return;
        }
    }

    fn word(&mut self) {
        while self.peek().is_some_and(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}
