//! What a terminal may be shown: text that cannot steer it, columns that line up, colour where wanted.

use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal};

use clap::ValueEnum;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// The paint for standard output.
    pub(crate) fn paint(self) -> Paint {
        self.paint_on(&io::stdout())
    }

    /// The paint for a stream.
    pub(crate) fn paint_on(self, stream: &impl IsTerminal) -> Paint {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint {
            on: match self {
                Self::Auto => stream.is_terminal() && !refused,
                Self::Always => true,
                Self::Never => false,
            },
        }
    }
}

/// Colours text, or leaves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };
    #[cfg(test)]
    pub(crate) const COLORED: Self = Self { on: true };

    pub(crate) fn red(self, text: &str) -> Cow<'_, str> {
        self.with("\x1b[1;31m", text)
    }

    pub(crate) fn green(self, text: &str) -> Cow<'_, str> {
        self.with("\x1b[32m", text)
    }

    pub(crate) fn yellow(self, text: &str) -> Cow<'_, str> {
        self.with("\x1b[1;33m", text)
    }

    pub(crate) fn blue(self, text: &str) -> Cow<'_, str> {
        self.with("\x1b[1;34m", text)
    }

    pub(crate) fn bold(self, text: &str) -> Cow<'_, str> {
        self.with("\x1b[1m", text)
    }

    fn with<'t>(self, start: &str, text: &'t str) -> Cow<'t, str> {
        if self.on { Cow::Owned(format!("{start}{text}\x1b[0m")) } else { Cow::Borrowed(text) }
    }
}

/// How many columns the reader's screen has.
pub(crate) fn columns() -> usize {
    let told = env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let usual = if io::stdout().is_terminal() { 80 } else { 120 };
    told.unwrap_or(usual).clamp(40, 240)
}

/// One line of text from outside, unable to steer the terminal it is shown on.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| visible(c) == Visible::Plain(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| visible(c).text()).collect())
}

/// A character as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visible {
    Plain(char),
    Escaped(String),
}

impl Visible {
    /// A byte that is not text.
    pub(crate) fn byte(byte: u8) -> Self {
        Self::Escaped(format!("\\x{byte:02X}"))
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::Plain(c) => c.to_string(),
            Self::Escaped(text) => text,
        }
    }

    /// How many columns it takes.
    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Plain(c) => width(*c),
            Self::Escaped(text) => text.len(),
        }
    }
}

/// Control characters begin escape sequences, and bidirectional ones reorder what is read ("Trojan
/// Source", CVE-2021-42574); both are spelled out. A tab is one dot, so that carets line up.
pub(crate) fn visible(c: char) -> Visible {
    match c {
        '\t' => Visible::Plain('·'),
        '\0'..='\u{9f}' if c.is_control() => Visible::Escaped(format!("\\x{:02X}", u32::from(c))),
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => Visible::Escaped(format!("\\u{{{:x}}}", u32::from(c))),
        _ => Visible::Plain(c),
    }
}

/// Columns of a character, after Unicode's East Asian Width (UAX #11), coarsely: two for the wide blocks,
/// none for the common combining marks. A caret may stand one off in scripts beyond these.
fn width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(safe("\x1b[2Jgone\u{9b}31m\r\n"), "\\x1B[2Jgone\\x9B31m\\x0D\\x0A");
        assert_eq!(safe("100\u{202e}001"), "100\\u{202e}001");
        assert_eq!(safe("a\tb"), "a·b");
    }

    #[test]
    fn ordinary_text_is_shown_as_it_is() {
        for text in ["", "Müller & Söhne", "株式会社", "naïve \"quoted\" \\ text"] {
            assert!(matches!(safe(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!("株ü\u{301}a".chars().map(|c| visible(c).columns()).collect::<Vec<_>>(), [2, 1, 0, 1]);
    }
}
