//! Pages of a list: where it goes on, and how many.

use serde::{Deserialize, Serialize};

/// Where a list goes on: the last row's place in the list's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The moment the list is ordered by, in microseconds.
    pub at: i64,
    /// The file.
    pub id: String,
    /// The place inside the file.
    pub ordinal: i64,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Set while there is more.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From one row more than was asked for.
    pub(super) fn of(mut rows: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = if more { rows.last().map(cursor) } else { None };
        Self { rows, next }
    }
}
