//! The lines of a control connection (RFC 959 section 5.3, over Telnet): bytes in pieces of any size in, whole lines
//! of bounded length out.

/// What has been read and not been handed out; never more than the longest line.
#[derive(Debug)]
pub(in crate::arrive::ftps) struct Lines {
    unread: Vec<u8>,
    line_max: usize,
}

/// A line that has no end where it must have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::arrive::ftps) struct TooLong;

impl Lines {
    /// Lines of at most `line_max` bytes, their end included.
    pub(in crate::arrive::ftps) fn new(line_max: usize) -> Self {
        Self { unread: Vec::new(), line_max }
    }

    pub(in crate::arrive::ftps) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// How many bytes more it takes; 0 only when [`next`](Self::next) has something to say.
    pub(in crate::arrive::ftps) fn room(&self) -> usize {
        self.line_max.saturating_sub(self.unread.len())
    }

    /// Takes as much of `bytes` as there is room for.
    pub(in crate::arrive::ftps) fn push(&mut self, bytes: &[u8]) {
        let fits = bytes.get(..self.room()).unwrap_or(bytes);
        self.unread.extend_from_slice(fits);
    }

    /// The next line without its end, or what is wrong with it; nothing while its end has not come.
    pub(in crate::arrive::ftps) fn next(&mut self) -> Option<Result<Vec<u8>, TooLong>> {
        let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') else {
            return (self.room() == 0).then_some(Err(TooLong));
        };
        let mut line: Vec<u8> = self.unread.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(Ok(without_telnet(line)))
    }
}

/// ABOR comes behind Telnet's Interrupt Process and Synch (RFC 959 section 4.1.3).
fn without_telnet(mut line: Vec<u8>) -> Vec<u8> {
    let telnet = line.iter().take_while(|byte| matches!(byte, 0xf2 | 0xf4 | 0xff)).count();
    line.drain(..telnet);
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that is said, in pieces of `size`, as a connection reads it.
    fn lines(said: &[u8], size: usize, line_max: usize) -> Vec<Result<Vec<u8>, TooLong>> {
        let mut lines = Lines::new(line_max);
        let mut heard = Vec::new();
        let mut rest = said;
        loop {
            while let Some(line) = lines.next() {
                let is_last = line.is_err();
                heard.push(line);
                if is_last {
                    return heard;
                }
            }
            let count = size.min(lines.room()).min(rest.len());
            assert!(lines.room() > 0);
            if count == 0 {
                return heard;
            }
            let (here, more) = rest.split_at(count);
            lines.push(here);
            rest = more;
        }
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(
            said in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(0xff_u8), any::<u8>()], 0..200),
            size in 1_usize..40, line_max in 1_usize..60,
        ) {
            let whole = lines(&said, usize::MAX, line_max);
            prop_assert_eq!(&lines(&said, size, line_max), &whole);
            for line in whole.iter().flatten() {
                prop_assert!(line.len() < line_max && !line.contains(&b'\n'));
            }
        }
    }
}
