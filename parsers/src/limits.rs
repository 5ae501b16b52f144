//! What a stranger's file may cost us. Each limit has a default, a setting, and a test.

use serde::{Deserialize, Serialize};

/// Bounds on one parse. Reaching one ends the parse with [`crate::Halt::Limit`]; what was read before
/// it stays read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest segment, row, or XML text or attribute, in bytes.
    pub token_bytes_max: usize,
    /// Deepest nesting of XML elements.
    pub depth_max: usize,
    /// Most attributes on one XML element.
    pub attributes_max: usize,
    /// Most lines of one document, and most repetitions of any of its other parts.
    pub lines_max: usize,
    /// Most columns of one row, elements of one segment.
    pub columns_max: usize,
    /// Largest PDF, in bytes: it is held in memory to find the invoice attached to it. What is unpacked of it
    /// may be as large once more.
    pub pdf_bytes_max: usize,
    /// Most findings kept of one file; the rest is counted, and one finding says so.
    pub findings_max: usize,
    /// Largest zip file or workbook, in bytes: it is held in memory. Gzip streams, and may have any size.
    pub archive_bytes_max: u64,
    /// Most that one archive may unpack to, in bytes, with the archives inside it.
    pub inflated_bytes_max: u64,
    /// Most that a workbook may unpack to, in bytes.
    pub workbook_bytes_max: u64,
    /// Most bytes that one byte of an archive may unpack to.
    pub inflate_ratio_max: u64,
    /// Most archives inside one another.
    pub archive_depth_max: usize,
    /// Most files in one archive.
    pub archive_members_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_bytes_max: 1024 * 1024,
            depth_max: 100,
            attributes_max: 200,
            lines_max: 50_000,
            columns_max: 1_000,
            pdf_bytes_max: 64 * 1024 * 1024,
            findings_max: 10_000,
            archive_bytes_max: 64 * 1024 * 1024,
            inflated_bytes_max: 4 * 1024 * 1024 * 1024,
            workbook_bytes_max: 256 * 1024 * 1024,
            inflate_ratio_max: 250,
            archive_depth_max: 2,
            archive_members_max: 10_000,
        }
    }
}

/// Which limit was passed, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is over the limit of {max} at byte {byte}, line {line}")]
pub struct Limit {
    /// What was too big, in the sender's words: `segment`, `row`, `XML text`, `nesting of elements`.
    pub what: &'static str,
    /// The setting that bounds it, by its name in [`Limits`].
    pub setting: &'static str,
    pub max: u64,
    pub byte: u64,
    pub line: u64,
}
