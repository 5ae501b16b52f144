//! Where in a file something stands: the byte, the line, and the path in the format's own words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::Path;

/// A place in an original, precise enough to put a caret under it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Offset of the first byte, counted from 0 in the file as it was stored (before any transcoding;
    /// for a transcoded file the closest offset the reader can name). Of what was packed (an archive, a
    /// workbook, a PDF) in what it unpacks to.
    pub byte: u64,
    /// Line, counted from 1; a line ends at LF, CR LF, or a lone CR.
    pub line: u64,
    /// The path in the format's own words: `ISA[1]/GS[1]/ST[2]/IT1[3]/04` (X12), `/Invoice/cbc:ID`
    /// (XML), `row 12/amount` (CSV). Empty for the file as a whole.
    #[schemars(with = "String")]
    pub path: Path,
    /// How many bytes from `byte` on are meant; 0 when only the place is known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub len: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
fn is_zero(len: &u32) -> bool {
    *len == 0
}

impl Location {
    /// The file as a whole.
    #[must_use]
    pub fn file() -> Self {
        Self { byte: 0, line: 1, path: Path::new(), len: 0 }
    }

    /// A place with a path.
    #[must_use]
    #[inline]
    pub fn new(byte: u64, line: u64, path: impl Into<Path>) -> Self {
        Self { byte, line, path: path.into(), len: 0 }
    }

    /// The same place, saying how many bytes are meant.
    #[must_use]
    #[inline]
    pub fn spanning(mut self, len: usize) -> Self {
        self.len = u32::try_from(len).unwrap_or(u32::MAX);
        self
    }
}
