//! Where the bytes that were taken out of something stand in it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::Location;

/// A table of pieces, filled while they are taken out, and asked while they are read.
#[derive(Debug, Clone)]
pub(super) struct Map {
    pieces: Rc<RefCell<Vec<Piece>>>,
    pieces_max: usize,
}

/// Bytes that stand together in both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The first byte's place in what was taken out.
    pub(super) inside: u64,
    /// The first byte's place in what it was taken out of.
    pub(super) outside: u64,
    pub(super) lines: Lines,
}

/// How lines are counted in a piece.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lines {
    /// As in what was taken out, but for so many that ended before.
    More(u64),
    /// All of it is base64 on this line, four characters for three bytes.
    At(u64),
}

impl Map {
    pub(super) fn new(pieces_max: usize) -> Self {
        Self { pieces: Rc::default(), pieces_max }
    }

    /// The next piece.
    pub(super) fn add(&self, piece: Piece) -> io::Result<()> {
        let mut pieces = self.pieces.borrow_mut();
        if pieces.len() >= self.pieces_max {
            return Err(io::Error::other("the envelope is in more pieces than are read"));
        }
        pieces.push(piece);
        Ok(())
    }

    /// Turns a place in what was taken out into one in what it was taken out of.
    pub(super) fn turn(&self, location: &mut Location) {
        let pieces = self.pieces.borrow();
        let after = pieces.partition_point(|piece| piece.inside <= location.byte);
        let Some(piece) = after.checked_sub(1).and_then(|at| pieces.get(at)) else { return };
        let end = location.byte + u64::from(location.len);
        let is_whole = pieces.get(after).is_none_or(|next| end <= next.inside);
        let delta = location.byte - piece.inside;
        match piece.lines {
            Lines::More(lines) => {
                location.byte = piece.outside + delta;
                location.line += lines;
                // What lies in several pieces is longer outside; its start is what counts.
                if !is_whole {
                    location.len = 0;
                }
            }
            Lines::At(line) => {
                location.byte = piece.outside + delta / 3 * 4;
                location.line = line;
                location.len = 0;
            }
        }
    }
}
