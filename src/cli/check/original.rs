//! The line or segment a finding is about, read back from the file: a window around the place, and where the
//! caret goes. Costs the same on a line of ten megabytes as on one of ten bytes.

use std::io::{self, Read, Seek, SeekFrom};

use waybill_parsers::Location;

use super::cells::{Cell, Glyph, Text};
use super::unit::{Ends, Unit};

/// How far back to look for the start of the line: it gives the column.
const BEFORE_BYTES: u64 = 64 * 1024;
/// How far ahead to look for the end of the line: more than a screen shows.
const AFTER_BYTES: u64 = 400;
/// The longest character, in bytes: read past the window, so that its last one is whole.
const CHARACTER_BYTES: u64 = 4;

/// A file whose lines can be shown.
pub(super) struct Original<R> {
    file: R,
    text: Text,
    unit: Unit,
}

/// What to print under a finding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    /// The line, or the part of it around the place, safe to print.
    pub(super) text: String,
    /// Column of the place in its line, counted in characters from 1; `None` where the line began too
    /// long ago.
    pub(super) column: Option<usize>,
    /// Screen columns before the caret.
    pub(super) indent: usize,
    /// Screen columns under the caret; at least one.
    pub(super) carets: usize,
}

impl<R: Read + Seek> Original<R> {
    pub(super) fn new(mut file: R) -> io::Result<Self> {
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.by_ref().take(Unit::HEAD_BYTES).read_to_end(&mut head)?;
        let text = match head.as_slice() {
            [0xff, 0xfe, ..] => Text::Utf16Le,
            [0xfe, 0xff, ..] => Text::Utf16Be,
            _ => Text::Utf8,
        };
        let unit = if text == Text::Utf8 { Unit::of(&head) } else { Unit::Line };
        Ok(Self { file, text, unit })
    }

    /// Whether there is no text to show: places in it are the reader's, not the file's.
    pub(super) fn is_packed(&self) -> bool {
        self.unit == Unit::Packed
    }

    /// The line or the segment around a place, at most `columns` wide.
    pub(super) fn snippet(&mut self, place: &Location, columns: usize) -> io::Result<Snippet> {
        // An even start keeps UTF-16 in step.
        let start = place.byte.saturating_sub(BEFORE_BYTES) & !1;
        let end = place.byte.saturating_add(AFTER_BYTES);
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(start))?;
        self.file.by_ref().take((end - start).saturating_add(CHARACTER_BYTES)).read_to_end(&mut bytes)?;
        let is_last = bytes.len() as u64 <= end - start;

        let mut cells = self.text.cells(&bytes, start);
        cells.retain(|cell| cell.byte < end);
        let line = Line::around(&cells, place.byte, start == 0, is_last);
        let column = line.begins.then_some(line.at + 1);
        let shown = match self.unit {
            Unit::Segment(ends) => line.segment(&cells, ends, start == 0, is_last).unwrap_or(line),
            Unit::Line | Unit::Element | Unit::Packed => line,
        };
        let tag = (self.unit == Unit::Element).then(|| shown.tag()).flatten();
        Ok(Snippet { column, ..shown.snippet(place, columns, tag) })
    }
}

/// The cells of one line, or of one segment, as far as they were read.
#[derive(Clone, Copy)]
struct Line<'c> {
    /// Where it begins among the cells that were read.
    start: usize,
    cells: &'c [Cell],
    /// Where the place is among them; their number, when it is the end of the line.
    at: usize,
    begins: bool,
    ends: bool,
}

impl<'c> Line<'c> {
    fn around(cells: &'c [Cell], byte: u64, is_first: bool, is_last: bool) -> Self {
        // The last cell that begins at or before the byte; past the end of the file, none.
        let next = cells.partition_point(|cell| cell.byte <= byte);
        let mut at = if next == cells.len() && is_past(cells, byte) { next } else { next.saturating_sub(1) };
        let is = |index: usize, c| cells.get(index).is_some_and(|cell| cell.glyph == Glyph::Char(c));
        if is(at, '\n') && at > 0 && is(at - 1, '\r') {
            at -= 1;
        }
        let (before, after) = cells.split_at(at);
        let start = before.iter().rposition(|cell| cell.is_break()).map(|index| index + 1);
        let end = after.iter().position(|cell| cell.is_break()).map(|index| index + at);
        let line = start.unwrap_or(0)..end.unwrap_or(cells.len());
        Self {
            start: line.start,
            at: at - line.start,
            cells: cells.get(line).unwrap_or_default(),
            begins: is_first || start.is_some(),
            ends: is_last || end.is_some(),
        }
    }

    /// The segment with the place in it, of all `cells`; `None` where its beginning was not read, or where
    /// the place is between segments.
    fn segment(&self, cells: &'c [Cell], ends: Ends, is_first: bool, is_last: bool) -> Option<Self> {
        let place = self.start + self.at;
        let is = |index: usize, c: Option<char>| {
            c.is_some_and(|c| cells.get(index).is_some_and(|cell| cell.glyph == Glyph::Char(c)))
        };
        let ends_at = |index: usize| {
            let released = (0..index).rev().take_while(|before| is(*before, ends.release)).count();
            is(index, Some(ends.terminator)) && released % 2 == 0
        };
        let before = (0..place.min(cells.len())).rev().find(|index| ends_at(*index));
        let mut start = match before {
            Some(index) => index + 1,
            None if is_first => 0,
            None => return None,
        };
        while cells.get(start).is_some_and(|cell| cell.is_break() || cell.glyph == Glyph::Char(' ')) {
            start += 1;
        }
        let terminator = (place..cells.len()).find(|index| ends_at(*index));
        let mut end = terminator.map_or(cells.len(), |index| index + 1);
        while terminator.is_none() && end > start && cells.get(end - 1).is_some_and(|cell| cell.is_break()) {
            end -= 1;
        }
        let segment = cells.get(start..end).filter(|segment| !segment.is_empty() && (start..=end).contains(&place))?;
        Some(Self { start, at: place - start, cells: segment, begins: true, ends: is_last || terminator.is_some() })
    }

    /// Where the tag begins that the place is in or behind.
    fn tag(&self) -> Option<usize> {
        let is = |index: usize, c| self.cells.get(index).is_some_and(|cell| cell.glyph == Glyph::Char(c));
        (0..=self.at).rev().find(|index| is(*index, '<') && !is(index + 1, '/'))
    }

    fn snippet(&self, place: &Location, columns: usize, tag: Option<usize>) -> Snippet {
        let (from, to) = self.window(columns, tag);
        let (cut_left, cut_right) = (from > 0 || !self.begins, to < self.cells.len() || !self.ends);
        let shown = self.cells.get(from..to).unwrap_or_default();
        let meant_end = place.byte.saturating_add(u64::from(place.len));

        let mut text = String::new();
        let (mut indent, mut carets) = (0, 0);
        if cut_left {
            text.push('…');
            indent += 1;
        }
        for (index, cell) in shown.iter().enumerate() {
            cell.push_to(&mut text);
            if index + from < self.at {
                indent += cell.columns();
            } else if cell.byte < meant_end {
                carets += cell.columns();
            }
        }
        if cut_right {
            text.push('…');
        }
        Snippet { text, column: None, indent, carets: carets.max(1) }
    }

    /// Which cells fit the screen: a third of it before the place, the rest after; or from the tag on, where
    /// the line is too long and the tag is near.
    fn window(&self, columns: usize, tag: Option<usize>) -> (usize, usize) {
        let room = columns.saturating_sub(2);
        let columns_of = |index: usize| self.cells.get(index).map_or(0, |cell| cell.columns());
        let width = |from: usize, to: usize| (from..to).map(columns_of).sum::<usize>();
        let mut used = 0;
        let mut from = self.at;
        let tag = tag.filter(|tag| width(*tag, self.at) <= room / 2 && width(0, self.cells.len()) > room);
        if let Some(tag) = tag {
            (from, used) = (tag, width(tag, self.at));
        }
        while tag.is_none() && from > 0 && used + columns_of(from - 1) <= room / 3 {
            from -= 1;
            used += columns_of(from);
        }
        let mut to = self.at;
        while to < self.cells.len() && used + columns_of(to) <= room {
            used += columns_of(to);
            to += 1;
        }
        while tag.is_none() && from > 0 && used + columns_of(from - 1) <= room {
            from -= 1;
            used += columns_of(from);
        }
        (from, to)
    }
}

/// Whether a byte lies behind the last cell: at the end of the file.
fn is_past(cells: &[Cell], byte: u64) -> bool {
    cells.last().is_none_or(|last| byte >= last.byte + last.bytes as u64)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn snippet(file: &[u8], place: &Location, columns: usize) -> Snippet {
        Original::new(Cursor::new(file)).unwrap().snippet(place, columns).unwrap()
    }

    fn at(byte: usize, len: usize) -> Location {
        Location::new(byte as u64, 1, "").spanning(len)
    }

    /// The line, and the carets under it.
    fn drawn(file: &[u8], place: &Location) -> [String; 2] {
        let snippet = snippet(file, place, 40);
        [snippet.text, format!("{}{}", " ".repeat(snippet.indent), "^".repeat(snippet.carets))]
    }

    #[test]
    fn the_caret_is_under_the_bytes_that_are_meant() {
        let file = b"ST*810*0001~\nSE*12*0001~\nGE*1*1~\n";
        assert_eq!(drawn(file, &at(16, 2)), ["SE*12*0001~", "   ^^"]);
        assert_eq!(snippet(file, &at(16, 2), 80).column, Some(4));
        assert_eq!(drawn(file, &at(0, 2)), ["ST*810*0001~", "^^"]);
    }

    #[test]
    fn a_tab_takes_one_column() {
        assert_eq!(drawn(b"a\tb\tbad", &at(4, 3)), ["a·b·bad", "    ^^^"]);
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let file = "Größe;株式;x1\n".as_bytes();
        let place = at("Größe;株式;".len(), 2);
        assert_eq!(drawn(file, &place), ["Größe;株式;x1", "           ^^"]);
        assert_eq!(snippet(file, &place, 80).column, Some(10));
    }

    #[test]
    fn a_caret_may_stand_at_the_end_of_a_line_or_of_the_file() {
        assert_eq!(drawn(b"one\ntwo\n", &at(3, 0)), ["one", "   ^"]);
        assert_eq!(drawn(b"one\r\ntwo", &at(4, 1)), ["one", "   ^"]);
        assert_eq!(drawn(b"one\r\ntwo", &at(5, 0)), ["two", "^"]);
        assert_eq!(drawn(b"one\ntwo", &at(7, 0)), ["two", "   ^"]);
        assert_eq!(drawn(b"one\n", &at(4, 0)), ["", "^"]);
        assert_eq!(drawn(b"", &at(0, 0)), ["", "^"]);
    }

    #[test]
    fn a_span_over_several_lines_is_underlined_on_its_first() {
        assert_eq!(drawn(b"a,\"b\nc\"\nd", &at(2, 5)), ["a,\"b", "  ^^"]);
    }

    #[test]
    fn a_long_line_is_windowed_around_the_place() {
        let file = format!("{}BAD{}\nnext\n", "a".repeat(300), "b".repeat(300));
        let shown = snippet(file.as_bytes(), &at(300, 3), 40);
        assert_eq!(shown.text, format!("…{}BAD{}…", "a".repeat(12), "b".repeat(23)));
        assert_eq!((shown.indent, shown.carets, shown.column), (13, 3, Some(301)));
        let tail = snippet(file.as_bytes(), &at(600, 3), 40);
        assert_eq!((tail.text.as_str(), tail.carets), (format!("…{}", "b".repeat(38)).as_str(), 3));
    }

    #[test]
    fn a_place_beyond_the_end_of_the_file_still_has_a_line() {
        assert_eq!(drawn(b"short", &at(99, 9)), ["short", "     ^"]);
        assert_eq!(snippet(b"short", &Location::new(u64::MAX, 9, "").spanning(9), 40).text, "…");
    }

    #[test]
    fn ten_megabytes_in_one_line_cost_no_more_than_a_window() {
        let mut file = vec![b'x'; 10 * 1024 * 1024];
        file[5_000_000] = b'!';
        let mut original = Original::new(Counting { inner: Cursor::new(file), bytes: 0 }).unwrap();
        let shown = original.snippet(&at(5_000_000, 1), 40).unwrap();
        assert_eq!((&shown.text[shown.indent + 2..][..1], shown.column), ("!", None));
        assert!(original.file.bytes < 70_000, "{} bytes were read", original.file.bytes);
    }

    struct Counting {
        inner: Cursor<Vec<u8>>,
        bytes: usize,
    }

    impl Read for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.inner.read(buffer)?;
            self.bytes += read;
            Ok(read)
        }
    }

    impl Seek for Counting {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.inner.seek(to)
        }
    }

    const ISA: &str =
        "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>~";

    #[test]
    fn of_a_file_in_one_line_the_segment_is_shown() {
        let file = format!("{ISA}GS*IN~ST*810*0001~SE*12*0001~GE*1*1~");
        let at_count = file.find("12*0001").unwrap();
        assert_eq!(drawn(file.as_bytes(), &at(at_count, 2)), ["SE*12*0001~", "   ^^"]);
        assert_eq!(snippet(file.as_bytes(), &at(at_count, 2), 80).column, Some(at_count + 1));
        let terminator = file.find("~GE").unwrap();
        assert_eq!(drawn(file.as_bytes(), &at(terminator, 0)), ["SE*12*0001~", "          ^"]);
    }

    #[test]
    fn a_segment_over_several_lines_is_shown_whole() {
        let file = format!("{ISA}\r\nGS*IN~\r\nNTE*GEN*one\r\ntwo*three~\r\nSE*1~");
        let three = file.find("three").unwrap();
        assert_eq!(drawn(file.as_bytes(), &at(three, 5)), ["NTE*GEN*one↵two*three~", "                ^^^^^"]);
        assert_eq!(snippet(file.as_bytes(), &at(three, 5), 80).column, Some(5));
        // A terminator that was forgotten is seen at once.
        let file = format!("{ISA}\nBIG*20260105*1\nREF*PO*7~\n");
        let one = file.find("1\nREF").unwrap();
        assert_eq!(drawn(file.as_bytes(), &at(one, 1))[0], "BIG*20260105*1↵REF*PO*7~");
    }

    #[test]
    fn a_released_terminator_ends_nothing() {
        let file = b"UNA:+.? 'UNB+UNOC:3'FTX+AAI+++don?'t panic??'UNT+3+1'";
        let place = file.iter().position(|byte| *byte == b'p').unwrap();
        assert_eq!(drawn(file, &at(place, 5)), ["FTX+AAI+++don?'t panic??'", "                 ^^^^^"]);
        assert_eq!(drawn(file, &at(file.len() - 2, 1)), ["UNT+3+1'", "      ^"]);
    }

    #[test]
    fn of_a_long_line_of_xml_the_element_is_shown() {
        let file = format!("<Invoice>{}<cbc:ID>X</cbc:ID>{}</Invoice>", "<a>1</a>".repeat(30), "<b>2</b>".repeat(30));
        let place = file.find("X<").unwrap();
        let [text, carets] = drawn(file.as_bytes(), &at(place, 1));
        assert!(text.starts_with("…<cbc:ID>X</cbc:ID><b>2</b>") && text.ends_with('…'), "{text}");
        assert_eq!(carets, "         ^");
        assert_eq!(drawn(b"<a>\n <b>x</b>\n</a>", &at(8, 1)), [" <b>x</b>", "    ^"]);
    }

    #[test]
    fn what_is_not_text_is_spelled_out() {
        assert_eq!(drawn(b"M\xfcller,\x1b[2J,\0x", &at(15, 1))[0], "M\\xFCller,\\x1B[2J,\\x00x");
        assert_eq!(drawn(b"M\xfcller,1", &at(7, 1)), ["M\\xFCller,1", "          ^"]);
    }

    #[test]
    fn utf_16_is_read_by_its_mark() {
        let file: Vec<u8> = "\u{feff}id\tsum\n7\tbad\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(drawn(&file, &at(20, 6)), ["7·bad", "  ^^^"]);
        assert_eq!(drawn(&file, &at(2, 4)), ["id·sum", "^^"]);
    }
}
