//! Which profile a file is for, by its header; and whether it is a table at all.

use super::charset::Charset;
use super::rows::{Dialect, Row, Rows};
use crate::profile::{Delimiter, Field, Profile, Quote, TextEncoding};
use crate::{HEAD_BYTES, Limits, Location};

/// What the head of a file says.
pub(super) enum Verdict<'p> {
    /// It has every column that a profile requires.
    Fits(Plan<'p>),
    /// It is a table, and no profile is for it.
    Table(Unfit<'p>),
    /// It is no table.
    Other,
}

/// How a file is read, by the profile chosen.
pub(super) struct Plan<'p> {
    pub profile: &'p Profile,
    pub charset: Charset,
    pub dialect: Dialect,
    /// Required fields without a column.
    pub missing: Vec<&'static Field>,
    /// How many columns the profile knows.
    pub matched: usize,
}

/// A table that no profile is for.
pub(super) struct Unfit<'p> {
    pub charset: Charset,
    /// The header's names, or the cells of what stands in its place.
    pub header: Vec<String>,
    /// Where it stands.
    pub at: Location,
    /// The profile that is least wrong, and what it misses.
    pub nearest: Option<(&'p Profile, Vec<&'static Field>)>,
}

/// The longest name of a column, in bytes, of which the spelling does not matter.
const NAME_MAX: usize = 1024;

/// Judges a file by its head, which is the whole file if it is shorter than [`HEAD_BYTES`].
///
/// Of several profiles that fit, the one that knows most of the columns is chosen; of two such, the first.
pub(super) fn judge<'p>(head: &[u8], profiles: &'p [Profile]) -> Verdict<'p> {
    if is_another_family(head) {
        return Verdict::Other;
    }
    let mut best: Option<(Plan<'p>, Header)> = None;
    let mut headers = Headers::default();
    for profile in profiles.iter().filter(|profile| profile.documents.is_some()) {
        if !profile.records.is_empty() {
            let is_named = profiles.len() == 1;
            for plan in super::records::plans(head, profile, is_named) {
                if best.as_ref().is_none_or(|(known, _)| !known.missing.is_empty() || plan.matched > known.matched) {
                    best = Some((plan, Header::default()));
                }
            }
            continue;
        }
        for (plan, header) in plans(head, profile, &mut headers) {
            let rank = |plan: &Plan<'_>| (plan.missing.is_empty(), plan.matched);
            if best.as_ref().is_none_or(|(known, _)| rank(&plan) > rank(known)) {
                best = Some((plan, header));
            }
        }
    }
    match best {
        Some((plan, _)) if plan.missing.is_empty() => Verdict::Fits(plan),
        best => table(head, profiles, best),
    }
}

/// The header names, and where the row stands: number, byte, line.
#[derive(Clone, Default)]
struct Header {
    names: Vec<String>,
    at: (u64, u64, u64),
}

impl Header {
    fn place(&self) -> Location {
        let (number, byte, line) = self.at;
        Location::new(byte, line, format!("row {number}"))
    }
}

/// How a first row is read: in which encoding, cut how, behind how many rows of title.
type How = (Charset, u8, Option<u8>, u32);

/// The first rows of one file, by how they are read: most profiles agree on that.
#[derive(Default)]
struct Headers(Vec<(How, Option<Header>)>);

impl Headers {
    fn first(&mut self, head: &[u8], charset: Charset, dialect: Dialect, skip: u32) -> Option<Header> {
        let how = (charset, dialect.delimiter, dialect.quote, skip);
        if let Some((_, header)) = self.0.iter().find(|(known, _)| *known == how) {
            return header.clone();
        }
        let header = first_rows(head, charset, dialect, 1, skip).into_iter().next();
        self.0.push((how, header.clone()));
        header
    }
}

/// The ways to read a file by one profile: one for each delimiter it allows.
fn plans<'p>(head: &[u8], profile: &'p Profile, headers: &mut Headers) -> Vec<(Plan<'p>, Header)> {
    let Some(charset) = Charset::of(head, head.len() < HEAD_BYTES, profile.encoding) else { return Vec::new() };
    let mut plans = Vec::new();
    for dialect in dialects(head, charset, profile.delimiter, profile.quote) {
        let Some(header) = headers.first(head, charset, dialect, profile.skip_rows) else { continue };
        let (missing, matched) = matched(profile, &header.names);
        plans.push((Plan { profile, charset, dialect, missing, matched }, header));
    }
    plans
}

/// The required fields that a header has no column for, and how many of its columns the profile knows.
pub(super) fn matched(profile: &Profile, header: &[String]) -> (Vec<&'static Field>, usize) {
    let folded = folded_all(header);
    let fields = || profile.documents.into_iter().flat_map(Field::all);
    let known = |field: &&Field| column(profile, field, &folded).is_some();
    (fields().filter(|field| profile.requires(field) && !known(field)).collect(), fields().filter(known).count())
}

/// The names of a header, [`super::folded`]. What is too long for a name stays as it is, and a header of nothing else
/// has none: a file that is no table looks like one with long names, and is asked about once for each profile and
/// delimiter.
pub(super) fn folded_all(names: &[String]) -> Vec<String> {
    if names.iter().all(|name| name.len() > NAME_MAX) {
        return Vec::new();
    }
    names.iter().map(|name| if name.len() > NAME_MAX { name.clone() } else { super::folded(name) }).collect()
}

/// The column that a profile's field has in a folded header: the first of its words that is there.
pub(super) fn column(profile: &Profile, field: &Field, header: &[String]) -> Option<usize> {
    let words = profile.columns.get(field.name).filter(|_| !header.is_empty())?;
    words.all().iter().find_map(|word| {
        let word = super::folded(word);
        header.iter().position(|name| *name == word)
    })
}

/// The delimiters to try: what the `sep=` row says, or the profile, or all that are known.
pub(super) fn dialects(head: &[u8], charset: Charset, delimiter: Delimiter, Quote(quote): Quote) -> Vec<Dialect> {
    if let Some(delimiter) = separator_row(head, charset) {
        return vec![Dialect { delimiter, quote }];
    }
    match delimiter {
        Delimiter::Byte(delimiter) => vec![Dialect { delimiter, quote }],
        Delimiter::Auto => Delimiter::KNOWN.map(|delimiter| Dialect { delimiter, quote }).to_vec(),
    }
}

/// The delimiter that a first row `sep=;` names.
fn separator_row(head: &[u8], charset: Charset) -> Option<u8> {
    let mut rows = reader(head, charset, Dialect::LINES)?;
    let mut row = Row::default();
    rows.next(&mut row).ok().filter(|read| *read)?;
    separator_of(&row)
}

/// The delimiter, if the row is `sep=;`.
pub(super) fn separator_of(row: &Row) -> Option<u8> {
    match row.text.as_slice() {
        [s, e, p, b'=', delimiter] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && delimiter.is_ascii() => {
            Some(*delimiter)
        }
        _ => None,
    }
}

pub(super) fn reader(head: &[u8], charset: Charset, dialect: Dialect) -> Option<Rows<'_>> {
    let head = head.get(charset.mark_bytes..)?;
    // A head is short: its decoder may live as long as the slice.
    let input: Box<dyn std::io::BufRead + '_> = if charset.is_wide() {
        let (text, _) = charset.encoding.decode_without_bom_handling(head);
        Box::new(std::io::Cursor::new(text.into_owned().into_bytes()))
    } else {
        Box::new(head)
    };
    Some(Rows::new(input, charset, dialect, Limits::default()))
}

/// Up to `count` rows that are not blank, after the `sep=` row and `skip` rows of title. A row that the head
/// cuts off is none.
fn first_rows(head: &[u8], charset: Charset, dialect: Dialect, count: usize, skip: u32) -> Vec<Header> {
    let Some(mut rows) = reader(head, charset, dialect) else { return Vec::new() };
    let complete = head.len() < HEAD_BYTES;
    let (mut found, mut row) = (Vec::new(), Row::default());
    while found.len() < count && rows.next(&mut row).unwrap_or(false) {
        if row.is_last && !complete {
            break;
        }
        if row.number == 1 && separator_of(&row).is_some() {
            rows.uncount();
            continue;
        }
        if row.number > u64::from(skip) && !row.is_blank(dialect) {
            found.push(Header { names: names(&row, charset, dialect), at: (row.number, row.byte, row.line) });
        }
    }
    found
}

/// The cells of a header row, without the blanks around them.
pub(super) fn names(row: &Row, charset: Charset, dialect: Dialect) -> Vec<String> {
    row.cells.iter().map(|cell| charset.text(&row.value(*cell, dialect.quote)).trim().to_owned()).collect()
}

/// Whether the file is a table that no profile is for.
fn table<'p>(head: &[u8], profiles: &'p [Profile], best: Option<(Plan<'p>, Header)>) -> Verdict<'p> {
    let nearest = |best: Plan<'p>| (best.matched > 0).then_some((best.profile, best.missing));
    // The caller has named the profile: a header with one of its columns is meant to be this table.
    if let ([_], Some((plan, header))) = (profiles, &best)
        && plan.matched > 0
        && header.names.len() > 1
    {
        let (charset, names, at) = (plan.charset, header.names.clone(), header.place());
        let nearest = best.and_then(|(plan, _)| nearest(plan));
        return Verdict::Table(Unfit { charset, header: names, at, nearest });
    }
    let Some(charset) = Charset::of(head, head.len() < HEAD_BYTES, TextEncoding::Auto) else { return Verdict::Other };
    let header = dialects(head, charset, Delimiter::Auto, Quote::default())
        .into_iter()
        .filter_map(|dialect| header_of_a_table(first_rows(head, charset, dialect, ROWS_LOOKED_AT, 0)))
        .max_by_key(|header| header.names.len());
    match header {
        None => Verdict::Other,
        Some(header) => Verdict::Table(Unfit {
            charset,
            at: header.place(),
            header: header.names,
            nearest: match (profiles, best) {
                ([only], None) => only.documents.map(|of| (only, required(only, of))),
                ([_], Some((plan, _))) => Some((plan.profile, plan.missing)),
                (_, best) => best.and_then(|(plan, _)| nearest(plan)),
            },
        }),
    }
}

fn required(profile: &Profile, of: crate::profile::Documents) -> Vec<&'static Field> {
    Field::all(of).filter(|field| profile.requires(field)).collect()
}

const ROWS_LOOKED_AT: usize = 20;
const NAME_CHARS_MAX: usize = 80;

/// The first row, if it reads like a header and most rows below have as many cells.
fn header_of_a_table(rows: Vec<Header>) -> Option<Header> {
    let mut rows = rows.into_iter();
    let header = rows.next()?;
    let columns = header.names.len();
    let is_name = |name: &String| {
        let letters = name.chars().filter(|c| c.is_alphabetic()).count();
        letters > 0 && name.chars().count() <= NAME_CHARS_MAX && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    if columns < 2 || !header.names.iter().all(is_name) {
        return None;
    }
    let (mut alike, mut below) = (0, 0);
    for row in rows {
        alike += usize::from(row.names.len() == columns);
        below += 1;
    }
    // A bad row or two leave a table a table.
    (alike > 0 && alike * 2 >= below).then_some(header)
}

/// What is text, and has a name of its own.
fn is_another_family(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let starts = |starts: &[&[u8]]| starts.iter().any(|start| head.starts_with(start));
    // A column may be called ISAAC; a segment's name ends.
    let segment = head.get(3).is_some_and(|byte| byte.is_ascii_punctuation() && !matches!(byte, b',' | b';' | b'_'));
    starts(&[b"<", b"{", b"[", b"STX=", b"EDI_DC40", b"-----BEGIN", b"%PDF"])
        || (segment && starts(&[b"UNA", b"UNB", b"UNG", b"UNH", b"ISA"]))
}
