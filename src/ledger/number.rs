//! What makes two document numbers the same number.
//!
//! A supplier writes `INV-000123`, the payer's clerk keys `inv 123`, a scanner reads `INV-OOO123`. Each number
//! has four keys, from the strictest to the most forgiving:
//!
//! | key | what it is | `INV-000123` | what it may decide |
//! | --- | --- | --- | --- |
//! | k0 | NFKC, without invisible characters, trimmed, upper case | `INV-000123` | a match by itself |
//! | k1 | letters and digits apart, zeros before a run of digits gone | `INV-123` | a match |
//! | k2 | the same without the prefix and without boundaries | `123` | a candidate: `1-12` and `11-2` collide |
//! | k3 | digits only, after O→0, I and L→1, Z→2, S→5, B→8 | `123` | a suggestion |
//!
//! What comes out is at most [`KEY_BYTES_MAX`] bytes, so that it may stand in an index.

use unicode_normalization::UnicodeNormalization;

use crate::domain::Digest;

/// No key is longer. A longer number keeps its beginning and, after `~`, the SHA-256 of the whole.
pub const KEY_BYTES_MAX: usize = 192;

/// The keys of one number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keys {
    pub k0: String,
    pub k1: String,
    /// `None` where nothing is left without the prefix: then `k1` is all there is.
    pub k2: Option<String>,
    /// `None` where there is no digit.
    pub k3: Option<String>,
}

impl Keys {
    /// The keys of a number; `None` for a text without a letter or a digit, which is no number: ` `, `-`, `./.`.
    #[must_use]
    pub fn of(number: &str) -> Option<Self> {
        let k0 = folded(number);
        let tokens = tokens(&k0);
        if tokens.is_empty() {
            return None;
        }
        let k1 = tokens.join("-");
        let k2 = tokens.iter().skip_while(|token| !is_digits(token)).copied().collect::<String>();
        let k3 = look_alikes(&k0);
        let (k2, k3) = (Some(k2).filter(|key| !key.is_empty()), Some(k3).filter(|key| !key.is_empty()));
        Some(Self { k0: bounded(k0), k1: bounded(k1), k2: k2.map(bounded), k3: k3.map(bounded) })
    }

    /// Whether one letter or digit more, less or other, or two neighbours swapped, makes one number of the
    /// other. Boundaries and leading zeros do not count. Equal numbers are within one edit.
    #[must_use]
    pub fn is_within_one_edit(&self, other: &Self) -> bool {
        is_within_one_edit(&self.compact(), &other.compact())
    }

    /// Whether one number is the other with a suffix of those that mark a second copy: `R`, `A`, `B`, `COPY`,
    /// `DUP`, `REV`, `REV 2` (`4281` and `4281-R`).
    #[must_use]
    pub fn differs_by_suffix(&self, other: &Self) -> bool {
        let is_suffixed = |long: &Self, short: &Self| long.without_suffix().is_some_and(|rest| rest == short.k1);
        is_suffixed(self, other) || is_suffixed(other, self)
    }

    /// The k1 of the number without the suffix that marks a second copy, where it has one.
    #[must_use]
    pub fn without_suffix(&self) -> Option<&str> {
        let rest = match self.k1.rsplit_once('-')? {
            (rest, suffix) if SUFFIXES.contains(&suffix) => rest,
            (rest, revision) if is_digits(revision) => rest.strip_suffix("-REV")?,
            _ => return None,
        };
        Some(rest).filter(|rest| rest.bytes().any(|byte| byte.is_ascii_digit()))
    }

    /// The k1s of the copies a person would have made of this number, `REV` up to 9: what to look up to find a
    /// second copy that came first.
    #[must_use]
    pub fn suffixed(&self) -> Vec<String> {
        let plain = SUFFIXES.iter().map(|suffix| format!("{}-{suffix}", self.k1));
        plain.chain((1..=9).map(|revision| format!("{}-REV-{revision}", self.k1))).collect()
    }

    fn compact(&self) -> String {
        self.k1.replace('-', "")
    }
}

const SUFFIXES: [&str; 6] = ["R", "A", "B", "COPY", "DUP", "REV"];

/// k0: what a person sees of it, in capitals.
fn folded(number: &str) -> String {
    let seen = |char: &char| !is_invisible(*char);
    let capitals: String =
        number.nfkc().filter(seen).map(|char| if char.is_whitespace() { ' ' } else { char }).collect();
    // A capital of a ligature or of an accented letter may be several characters that NFKC joins again.
    let capitals: String = capitals.to_uppercase().nfkc().filter(seen).collect();
    capitals.trim().to_owned()
}

/// Control characters but blanks, and what Unicode calls default ignorable: soft hyphens, zero-width spaces, marks
/// of direction, byte order marks. Numbers copied from PDFs and web pages are full of them.
fn is_invisible(char: char) -> bool {
    match char {
        '\t' | '\n' | '\r' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' => true,
        _ => char.is_control(),
    }
}

/// The runs of letters and the runs of digits, these without the zeros before them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = None;
    let mut kind = Kind::Boundary;
    for (at, char) in text.char_indices().chain([(text.len(), ' ')]) {
        let next = Kind::of(char);
        if next == kind {
            continue;
        }
        if let Some(token) = start.and_then(|start| text.get(start..at)) {
            tokens.push(if kind == Kind::Digit { without_zeros(token) } else { token });
        }
        start = (next != Kind::Boundary).then_some(at);
        kind = next;
    }
    tokens
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Boundary,
}

impl Kind {
    fn of(char: char) -> Self {
        match char {
            '0'..='9' => Self::Digit,
            char if char.is_alphanumeric() => Self::Letter,
            _ => Self::Boundary,
        }
    }
}

fn is_digits(token: &str) -> bool {
    token.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

fn without_zeros(digits: &str) -> &str {
    let rest = digits.trim_start_matches('0');
    if rest.is_empty() { "0" } else { rest }
}

/// k3: the digits, and the letters that a scanner or an eye takes for digits. A run of letters is read as digits where
/// all of them look like some: the `S` of `S105` may be a 5; `INV` and `COPY` are words.
fn look_alikes(k0: &str) -> String {
    let mut read = String::with_capacity(k0.len());
    for run in k0.split_inclusive(|char| Kind::of(char) != Kind::Letter) {
        let letters = run.trim_end_matches(|char| Kind::of(char) != Kind::Letter);
        let digits: Option<String> = letters.chars().map(digit_like).collect();
        read.push_str(digits.as_deref().unwrap_or("-"));
        read.push_str(run.get(letters.len()..).unwrap_or_default());
    }
    tokens(&read).into_iter().filter(|token| is_digits(token)).collect()
}

fn digit_like(letter: char) -> Option<char> {
    match letter {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        'Z' => Some('2'),
        'S' => Some('5'),
        'B' => Some('8'),
        _ => None,
    }
}

/// A key that fits an index. Two long numbers that differ anywhere keep different keys.
fn bounded(key: String) -> String {
    if key.len() <= KEY_BYTES_MAX {
        return key;
    }
    let digest = Digest::of(key.as_bytes()).to_string().to_uppercase();
    let mut kept = key;
    kept.truncate(kept.floor_char_boundary(KEY_BYTES_MAX - digest.len() - 1));
    kept + "~" + &digest
}

/// Optimal string alignment at a distance of one or less, in one pass.
fn is_within_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let shorter = one.len().min(other.len());
    let before = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let alike_behind = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    let after = alike_behind.min(shorter - before);
    let inside = |text: &[char]| text.get(before..text.len() - after).unwrap_or_default().to_vec();
    match (inside(&one).as_slice(), inside(&other).as_slice()) {
        ([], [] | [_]) | ([_], [] | [_]) => true,
        ([first, second], [third, fourth]) => first == fourth && second == third,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(number: &str) -> Keys {
        Keys::of(number).unwrap()
    }

    #[test]
    fn the_same_number_written_differently_has_the_same_k1() {
        for number in
            ["INV-000123", "inv 123", "INV123", " Inv/0123 ", "ＩＮＶ１２３", "INV\u{2013}123", "I\u{ad}NV-123"]
        {
            assert_eq!(keys(number).k1, "INV-123", "{number}");
        }
        assert_eq!(keys("INV-000").k1, "INV-0");
        assert_eq!(keys(" ab-7\t").k0, "AB-7");
    }

    #[test]
    fn boundaries_count_in_k1_and_collide_in_k2() {
        let [one, other, plain] = ["1-12", "11-2", "112"].map(keys);
        assert_ne!(one.k1, other.k1);
        assert_ne!(one.k1, plain.k1);
        for keys in [one, other, plain] {
            assert_eq!(keys.k2.as_deref(), Some("112"));
        }
        assert_eq!(keys("RE-2026/0017").k2.as_deref(), Some("202617"));
        assert_eq!(keys("ABC").k2, None);
    }

    #[test]
    fn letters_a_scanner_reads_for_digits_are_digits_in_k3() {
        for (written, read) in [("INV-1O5", "INV-105"), ("S105", "5105"), ("A-1Z8", "A-128"), ("77B", "778")] {
            assert_eq!(keys(written).k3, keys(read).k3, "{written}");
            assert_ne!(keys(written).k1, keys(read).k1, "{written}");
        }
        assert_eq!(keys("INV-1O5").k3.as_deref(), Some("105"));
        assert_eq!(keys("ACME").k3, None);
    }

    #[test]
    fn what_has_no_letter_and_no_digit_is_no_number() {
        for text in ["", " ", "-", "./.", "\u{200b}", "—"] {
            assert_eq!(Keys::of(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_typing_error_is_one_edit_and_two_are_not() {
        let near = [("INV-1005", "INV-1006"), ("INV-1005", "INV-1050"), ("INV-1005", "INV-10005"), ("AB12", "AB1")];
        for (one, other) in near {
            assert!(keys(one).is_within_one_edit(&keys(other)), "{one} {other}");
            assert!(keys(other).is_within_one_edit(&keys(one)), "{other} {one}");
        }
        for (one, other) in [("INV-1005", "INV-1060"), ("123", "321"), ("AB1", "AB234"), ("1", "123")] {
            assert!(!keys(one).is_within_one_edit(&keys(other)), "{one} {other}");
        }
    }

    #[test]
    fn a_second_copys_suffix_is_seen() {
        for copy in ["4281-R", "4281 COPY", "4281dup", "4281-REV", "4281 rev 2", "4281A"] {
            assert!(keys(copy).differs_by_suffix(&keys("4281")), "{copy}");
            assert!(keys("4281").differs_by_suffix(&keys(copy)), "{copy}");
            assert!(keys("4281").suffixed().contains(&keys(copy).k1), "{copy}");
        }
        for other in ["4281-C", "4281-2", "428", "4281"] {
            assert!(!keys(other).differs_by_suffix(&keys("4281")), "{other}");
        }
    }

    #[test]
    fn a_key_is_bounded_and_long_numbers_stay_apart() {
        let (one, other) = ("7".repeat(5_000) + "1", "7".repeat(5_000) + "2");
        assert!(keys(&one).k0.len() <= KEY_BYTES_MAX);
        assert_ne!(keys(&one), keys(&other));
        assert!(keys(&"ﷺ".repeat(500)).k0.len() <= KEY_BYTES_MAX);
    }

    /// The distance as the books have it, for the pass above to be held against.
    fn distance(one: &[char], other: &[char]) -> usize {
        let mut rows = vec![(0..=other.len()).collect::<Vec<_>>()];
        for i in 1..=one.len() {
            let mut row = vec![i];
            for j in 1..=other.len() {
                let cost = usize::from(one[i - 1] != other[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
                if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                row.push(best);
            }
            rows.push(row);
        }
        rows[one.len()][other.len()]
    }

    proptest! {
        #[test]
        fn the_one_pass_agrees_with_the_books(one in "[AB1]{0,6}", other in "[AB1]{0,6}") {
            let (first, second): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
            prop_assert_eq!(is_within_one_edit(&one, &other), distance(&first, &second) <= 1);
        }

        #[test]
        fn any_text_has_bounded_keys_and_k0_is_its_own(number in "\\PC{0,60}|.{0,300}") {
            if let Some(keys) = Keys::of(&number) {
                let lengths = [Some(&keys.k0), Some(&keys.k1), keys.k2.as_ref(), keys.k3.as_ref()];
                prop_assert!(lengths.into_iter().flatten().all(|key| key.len() <= KEY_BYTES_MAX));
                if keys.k0.len() < KEY_BYTES_MAX / 2 {
                    let again = Keys::of(&keys.k0).unwrap();
                    prop_assert_eq!(&again.k0, &keys.k0);
                    prop_assert_eq!(&again.k1, &keys.k1);
                }
            }
        }

        #[test]
        fn zeros_case_and_boundaries_do_not_matter(
            prefix in "[A-Z]{1,4}", number in 1_u32..999_999, zeros in 0_usize..5, boundary in "[-/ ._]?",
        ) {
            let plain = keys(&format!("{prefix}{number}"));
            let other = keys(&format!("{}{boundary}{}{number}", prefix.to_lowercase(), "0".repeat(zeros)));
            prop_assert_eq!(plain.k1, other.k1);
        }
    }
}
