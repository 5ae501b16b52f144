//! How many of something, in words.

/// `1 document`, `3 documents`.
#[must_use]
pub fn counted(count: impl Into<i128>, what: &str) -> String {
    match count.into() {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1_u64, "error"), "1 error");
        assert_eq!(counted(0_i64, "error"), "0 errors");
    }
}
