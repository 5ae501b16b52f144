//! The sections of a UBL document, one after another: which it has, how often each may stand, and that there
//! are not too many.

use crate::xml::draft::{Draft, Positions};
use crate::xml::element::{Budget, Element, Section};
use crate::xml::stream::{Piece, Space, Stream, Trouble, past};
use crate::{Code, Finding, Limits, Location};

/// The parts of a document that are read.
pub(super) struct Shape {
    /// Those that stand once. Twice is against the schema, and the second is not read.
    pub(super) once: &'static [&'static str],
    /// Those that may stand several times.
    pub(super) many: &'static [&'static str],
    /// Those the document is about, numbered in paths even if there is one only.
    pub(super) lines: &'static [&'static str],
}

/// Reads the document whose start tag was just read, to its end tag; gives where it stands, and how many
/// sections it has.
pub(super) fn read_sections<B>(
    stream: &mut Stream<'_>,
    draft: &mut Draft<B>,
    shape: &Shape,
    limits: Limits,
    map: fn(&mut Draft<B>, Element<'_>, &str),
) -> Result<(Location, u64), Trouble> {
    let start = stream.start();
    let mut budget = Budget::new(limits);
    let mut room = Section::default();
    let mut positions = Positions::default();
    let mut sections = 0;
    let (mut lines, mut others) = (0_usize, 0_usize);
    loop {
        match stream.next()? {
            Piece::Open => {}
            Piece::Close => break,
            Piece::Blank(_) | Piece::Text(_) | Piece::Nothing | Piece::End => continue,
        }
        sections += 1;
        let (space, name) = (stream.tag().space(), stream.tag().name());
        let is_line = shape.lines.contains(&name);
        let is_single = shape.once.contains(&name);
        if space == Space::Foreign || !(is_line || is_single || shape.many.contains(&name)) {
            stream.skip()?;
            continue;
        }
        let (count, what) =
            if is_line { (&mut lines, "lines of one document") } else { (&mut others, "parts of one document") };
        *count += 1;
        if *count > limits.lines_max {
            return Err(past(what, "lines_max", limits.lines_max, stream.start()));
        }
        let position = positions.next(name);
        let section = room.read(stream, &mut budget)?;
        let mut path = section.path_below(&draft.path);
        if is_line || position > 1 {
            path.push_str(&format!("[{position}]"));
        }
        if position > 1 && is_single {
            draft.report(twice(section, path));
            continue;
        }
        map(draft, section, &path);
    }
    let end = stream.end();
    let whole = Location::new(start.byte, start.line, draft.path.clone())
        .spanning(usize::try_from(end.byte - start.byte).unwrap_or(usize::MAX));
    Ok((whole, sections))
}

fn twice(section: Element<'_>, path: String) -> Finding {
    let name = section.qualified_name();
    Finding::error(
        Code::XML_SCHEMA,
        section.location(path),
        format!("`{name}` stands twice in one document; only the first was read"),
        format!("Write `{name}` once."),
    )
    .with_field(name)
}
