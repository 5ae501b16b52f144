//! Rows with columns that line up, and numbers as people read them.

use std::io::{self, Write};

use super::screen::{Paint, safe, visible};

/// A table being gathered. What it is given may come from outside: cells are made safe here.
pub(super) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One value.
pub(super) struct Cell {
    text: String,
    tone: Tone,
    /// Numbers line up at their right end.
    to_the_right: bool,
}

/// How a value is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Tone {
    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Good => paint.green(text).into_owned(),
            Self::Warning => paint.yellow(text).into_owned(),
            Self::Bad => paint.red(text).into_owned(),
        }
    }
}

impl Cell {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self { text: safe(text.as_ref()).into_owned(), tone: Tone::Plain, to_the_right: false }
    }

    pub(super) fn number(text: impl ToString) -> Self {
        Self { to_the_right: true, ..Self::text(text.to_string()) }
    }

    pub(super) fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn columns(&self) -> usize {
        self.text.chars().map(|c| visible(c).columns()).sum()
    }
}

impl Table {
    pub(super) fn new(heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), rows: vec![] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn write(self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let numbers =
            |column: usize| self.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.to_the_right);
        let heads =
            (0..).zip(&self.heads).map(|(column, head)| Cell { to_the_right: numbers(column), ..Cell::text(head) });
        let heads: Vec<Cell> = heads.collect();
        let widths: Vec<usize> = (0..heads.len())
            .map(|column| {
                let cells = self.rows.iter().chain([&heads]).filter_map(|row| row.get(column));
                cells.map(Cell::columns).max().unwrap_or(0)
            })
            .collect();
        let bold = |cell: &Cell, text: &str| match cell.tone {
            Tone::Plain => paint.bold(text).into_owned(),
            tone => tone.paint(paint, text),
        };
        line(out, &heads, &widths, bold)?;
        for row in &self.rows {
            line(out, row, &widths, |cell, text| cell.tone.paint(paint, text))?;
        }
        Ok(())
    }
}

fn line(
    out: &mut dyn Write,
    row: &[Cell],
    widths: &[usize],
    painted: impl Fn(&Cell, &str) -> String,
) -> io::Result<()> {
    let last = row.len().saturating_sub(1);
    for ((column, cell), width) in row.iter().enumerate().zip(widths) {
        let gap = if column == 0 { "" } else { "  " };
        let fill = " ".repeat(width.saturating_sub(cell.columns()));
        let text = painted(cell, &cell.text);
        match (cell.to_the_right, column == last) {
            (true, _) => write!(out, "{gap}{fill}{text}")?,
            (false, false) => write!(out, "{gap}{text}{fill}")?,
            (false, true) => write!(out, "{gap}{text}")?,
        }
    }
    writeln!(out)
}

/// A size as people read it: `612 B`, `4.7 KiB`.
pub(super) fn size(bytes: i64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    // In tenths, so that there is no floating point: 4812 bytes are 46 tenths of a KiB.
    let mut tenths = i128::from(bytes) * 10;
    let mut unit = "B";
    for next in units {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1_024;
        unit = next;
    }
    if tenths >= 1_000 { format!("{} {unit}", tenths / 10) } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_is_in_them() {
        let mut table = Table::new(&["NAME", "SIZE", "ID"]);
        table.row([Cell::text("株式.csv"), Cell::number("4.6 KiB"), Cell::text("a")]);
        table.row([Cell::text("x\x1b[2J"), Cell::number("9 B").toned(Tone::Bad), Cell::text("b")]);
        let mut out = vec![];
        table.write(&mut out, Paint::PLAIN).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "NAME         SIZE  ID\n株式.csv  4.6 KiB  a\nx\\x1B[2J      9 B  b\n"
        );
    }

    #[test]
    fn sizes_are_short_and_in_the_units_of_the_settings() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (4_812, "4.6 KiB"),
            (1_048_575, "1023 KiB"),
            (1_048_576, "1.0 MiB"),
            (1_073_741_824, "1.0 GiB"),
            (i64::MAX, "8388607 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
