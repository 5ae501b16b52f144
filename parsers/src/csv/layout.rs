//! What stands where in a row: by the names of a header, or by the places of a record type.

use std::collections::BTreeMap;

use super::rows::Row;
use super::sniff::{column, folded_all};
use crate::canonical::Text;
use crate::profile::{FIELDS, Field, FieldId, FieldKind, Place, Profile, Record, Role, Span, TrailerField};

/// The columns of the rows of one type. A file with a header has one layout, its header's.
pub(super) struct Layout {
    /// The record type; empty in a table.
    pub tag: String,
    pub role: Role,
    /// The columns' names: the header's; of a record type, the fields'.
    pub names: Vec<String>,
    /// The same, as places have them: a column without a name has its number.
    pub labels: Vec<Text>,
    /// Field to column, by [`FieldId`].
    columns: Box<[u16]>,
    /// The columns of the document's own fields: they must repeat on each of its rows.
    pub own: Vec<usize>,
    /// The same as runs of columns side by side: the first and the last of each.
    runs: Vec<(usize, usize)>,
    /// The columns of amounts and numbers.
    pub numeric: Vec<usize>,
    /// Where the columns stand in a row of fixed width.
    pub spans: Vec<Span>,
    /// What a trailer states, by column.
    pub trailer: Vec<(TrailerField, usize)>,
    /// How many cells a row has, or how many characters in a file of fixed width; where the profile says.
    pub width: Option<usize>,
    /// Whether a row of this type holds something of a line.
    pub has_line: bool,
}

const NONE: u16 = u16::MAX;

impl Layout {
    /// The layout of a table, by its header.
    pub(super) fn of_header(profile: &Profile, header: Vec<String>) -> Self {
        let folded = folded_all(&header);
        let found: Vec<(usize, usize)> =
            fields(profile).filter_map(|(index, field)| Some((index, column(profile, field, &folded)?))).collect();
        Self::of(header, &found)
    }

    /// The layout of a record type.
    pub(super) fn of_record(profile: &Profile, record: &Record) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, place) in &record.columns {
            let column = match *place {
                Place::Column(column) => (column as usize).saturating_sub(1),
                Place::Span(span) => {
                    spans.push(span);
                    spans.len() - 1
                }
            };
            if names.len() <= column {
                names.resize(column + 1, String::new());
            }
            if let Some(known) = names.get_mut(column) {
                known.clone_from(name);
            }
            places.insert(name, column);
        }
        let found: Vec<(usize, usize)> = match record.role {
            Role::Trailer | Role::Ignore => Vec::new(),
            _ => fields(profile).filter_map(|(index, field)| Some((index, *places.get(field.name)?))).collect(),
        };
        let trailer = TrailerField::ALL.into_iter().filter(|_| record.role == Role::Trailer);
        Self {
            tag: record.tag.clone(),
            role: record.role,
            spans,
            trailer: trailer.filter_map(|field| Some((field, *places.get(field.name())?))).collect(),
            width: record.width.map(|width| width as usize),
            ..Self::of(names, &found)
        }
    }

    fn of(names: Vec<String>, found: &[(usize, usize)]) -> Self {
        let mut columns = vec![NONE; FIELDS.len()].into_boxed_slice();
        let (mut own, mut numeric, mut has_line) = (Vec::new(), Vec::new(), false);
        for (index, column) in found {
            let Some(field) = FIELDS.get(*index) else { continue };
            if let Some(place) = columns.get_mut(*index) {
                *place = u16::try_from(*column).unwrap_or(NONE);
            }
            if field.per_line {
                has_line = true;
            } else {
                own.push(*column);
            }
            if matches!(field.kind, FieldKind::Amount | FieldKind::Number) {
                numeric.push(*column);
            }
        }
        Self {
            tag: String::new(),
            role: Role::Row,
            labels: labels(&names),
            names,
            columns,
            runs: runs(&own),
            own,
            numeric,
            spans: Vec::new(),
            trailer: Vec::new(),
            width: None,
            has_line,
        }
    }

    /// The column of a field, if there is one.
    #[inline]
    pub(super) fn column(&self, field: FieldId) -> Option<usize> {
        self.columns.get(field.index()).filter(|column| **column != NONE).map(|column| usize::from(*column))
    }

    /// Whether some field is read from a column.
    pub(super) fn reads(&self, column: usize) -> bool {
        self.columns.iter().any(|known| *known != NONE && usize::from(*known) == column)
    }

    /// Whether two rows say the same of the document, to the byte. That is so of most rows that follow a
    /// document's first, and compared at once; where it is not, the cells may still say the same.
    pub(super) fn repeats(&self, row: &Row, first: &Row) -> bool {
        let text = |row: &Row, run: &(usize, usize)| {
            let (start, end) = (row.cells.get(run.0)?.start, row.cells.get(run.1)?.end);
            Some(start..end)
        };
        self.runs.iter().all(|run| match (text(row, run), text(first, run)) {
            (Some(one), Some(two)) => row.text.get(one) == first.text.get(two),
            _ => false,
        })
    }

    /// The name of a column; its number, where it has none.
    pub(super) fn name(&self, column: usize) -> String {
        self.labels.get(column).cloned().unwrap_or_else(|| label(column)).into()
    }
}

/// What stands for the name of a column that has none.
pub(super) fn label(column: usize) -> Text {
    format!("column {}", column + 1).into()
}

fn labels(names: &[String]) -> Vec<Text> {
    let labels = names.iter().enumerate();
    labels.map(|(column, name)| if name.is_empty() { label(column) } else { name.into() }).collect()
}

/// Columns side by side, as the first and the last of each run.
fn runs(columns: &[usize]) -> Vec<(usize, usize)> {
    let mut sorted = columns.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for column in sorted {
        match runs.last_mut() {
            Some((_, last)) if column <= *last + 1 => *last = column,
            _ => runs.push((column, column)),
        }
    }
    runs
}

/// The fields of the profile's documents, with their places in [`FIELDS`].
fn fields(profile: &Profile) -> impl Iterator<Item = (usize, &'static Field)> {
    let documents = profile.documents;
    FIELDS.iter().enumerate().filter(move |(_, field)| Some(field.of) == documents)
}
