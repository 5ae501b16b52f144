//! The immutable shelf: originals and the answers to them, each put once under its own key and never
//! changed. In the embedded house it is a directory; the contract is an object store's.

mod directory;

use std::io;
use std::path::PathBuf;

pub use directory::{Original, Originals};

/// What went wrong at the shelf.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("`{0}` is not a key of this shelf")]
    Key(String),
    #[error("there is already another object under {0}")]
    Exists(String),
    #[error("there is nothing under {0}")]
    NotFound(String),
    #[error("could not {doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl ShelfError {
    fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
