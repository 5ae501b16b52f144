//! The arithmetic and presence rules of EN 16931, one place for all formats.
