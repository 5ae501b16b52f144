//! Walks through a document whose parts repeat without bound: into what holds many, a section at a time
//! through what is read whole, over the rest. What is in memory is one part, however many there are.

use std::collections::HashMap;

use super::desk::Desk;
use super::draft::Positions;
use super::element::{Budget, Element, Section};
use super::source::Place;
use super::stream::{Piece, Space, Stream, Trouble, past};
use super::tag::Tag;
use super::vocabulary::Root;
use crate::{Code, Finding, Location};

/// What a reader does with an element that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Looks at its parts one by one.
    Into,
    /// Reads it whole.
    Take,
    /// Does not look at it.
    Over,
}

/// Who is led through a document.
pub(super) trait Reader {
    /// What to do with an element by its name and its parent's.
    fn step(&self, parent: &str, name: &str) -> Step;

    /// Whether an element may stand several times in its parent. What may not and does is read once.
    fn repeats(&self, name: &str) -> bool;

    /// An element that is gone into begins.
    fn entered(&mut self, _tag: &Tag, _path: &str, _desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        Ok(())
    }

    /// An element was read whole; `path` is its own.
    fn taken(&mut self, parent: &str, element: Element<'_>, path: &str, desk: &mut Desk<'_, '_>)
    -> Result<(), Trouble>;

    /// An element that was gone into ended; `whole` is where it stands.
    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble>;
}

/// An element that was gone into.
struct Level {
    name: String,
    path: String,
    start: Place,
    positions: Positions,
}

/// Leads a reader from a root whose start tag was just read to its end tag.
pub(super) fn walk(
    stream: &mut Stream<'_>,
    root: Root,
    desk: &mut Desk<'_, '_>,
    reader: &mut impl Reader,
) -> Result<(), Trouble> {
    let limits = desk.limits();
    let mut section = Section::default();
    let mut budget = Budget::new(limits);
    // How often each part has come in one document.
    let mut parts: HashMap<String, usize> = HashMap::new();
    let mut told = desk.documents();
    reader.entered(stream.tag(), &root.path, desk)?;
    let mut levels =
        vec![Level { name: root.name, path: root.path, start: stream.start(), positions: Positions::default() }];
    loop {
        match stream.next()? {
            Piece::Open => {
                desk.count(1);
                let Some(level) = levels.last_mut() else { return Ok(()) };
                let name = stream.tag().name();
                let step = match stream.tag().space() {
                    Space::Foreign => Step::Over,
                    Space::Own(_) => reader.step(&level.name, name),
                };
                if step == Step::Over {
                    stream.skip()?;
                    continue;
                }
                let name = name.to_owned();
                let place = stream.start();
                let count = parts.entry(name.clone()).or_insert(0);
                *count += 1;
                if *count > limits.lines_max {
                    return Err(past("parts of one document", "lines_max", limits.lines_max, stream.start()));
                }
                let repeats = reader.repeats(&name);
                let (path, position) = path_of(level, stream.tag(), &name, repeats);
                if position > 1 && !repeats {
                    stream.skip()?;
                    desk.finding(twice(&name, Location::new(place.byte, place.line, path)))?;
                    continue;
                }
                if step == Step::Into {
                    reader.entered(stream.tag(), &path, desk)?;
                    levels.push(Level { name, path, start: stream.start(), positions: Positions::default() });
                } else {
                    let element = section.read(stream, &mut budget)?;
                    reader.taken(&level.name, element, &path, desk)?;
                }
            }
            Piece::Close => {
                let Some(level) = levels.pop() else { return Ok(()) };
                let len = stream.end().byte.saturating_sub(level.start.byte);
                let whole = Location::new(level.start.byte, level.start.line, level.path)
                    .spanning(usize::try_from(len).unwrap_or(usize::MAX));
                reader.left(&level.name, whole, desk)?;
                if levels.is_empty() {
                    return Ok(());
                }
            }
            Piece::Blank(_) | Piece::Text(_) | Piece::Nothing | Piece::End => {}
        }
        if told != desk.documents() {
            told = desk.documents();
            budget = Budget::new(limits);
            parts.clear();
        }
    }
}

/// `/Document/CstmrCdtTrfInitn/PmtInf[2]`: what may have siblings of its name is numbered.
fn path_of(level: &mut Level, tag: &Tag, name: &str, repeats: bool) -> (String, u32) {
    let mut path = level.path.clone();
    path.push('/');
    if let Space::Own(prefix) = tag.space()
        && !prefix.is_empty()
    {
        path.push_str(prefix);
        path.push(':');
    }
    path.push_str(name);
    let position = level.positions.next(name);
    if repeats || position > 1 {
        path.push_str(&format!("[{position}]"));
    }
    (path, position)
}

fn twice(name: &str, at: Location) -> Finding {
    let message = format!("`{name}` stands twice where it may stand once; only the first was read");
    Finding::error(Code::XML_SCHEMA, at, message, format!("Write `{name}` once.")).with_field(name)
}
