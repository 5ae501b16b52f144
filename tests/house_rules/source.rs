//! Source files as the house rules see them: tokens without comments and literals, each with its line,
//! how many modules deep it stands, and whether it is compiled for tests only.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of ours.
pub(super) struct Source {
    /// From the repository's root, with `/`: `src/land/admit.rs`.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// An identifier, `::`, one other character, or `"` for any literal in quotes.
    pub(super) text: String,
    pub(super) line: usize,
    /// Inline modules around it: `mod tests { … }` adds one.
    pub(super) inside: usize,
    /// Under `#[cfg(test)]`, or in a file of tests.
    pub(super) test: bool,
}

/// A path as it is used, its `use` groups spelled out: `std::{fs, io}` is `std::fs` and `std::io`.
#[derive(Debug, PartialEq)]
pub(super) struct Used {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    pub(super) inside: usize,
    pub(super) test: bool,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens(text);
        mark_modules(&mut tokens);
        mark_tests(&mut tokens);
        if path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/") {
            tokens.iter_mut().for_each(|token| token.test = true);
        }
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The modules this file stands for: `src/land/admit.rs` is `land`, `admit`.
    pub(super) fn module(&self) -> Vec<&str> {
        let inside = self.path.split_once("src/").map_or("", |(_, rest)| rest).trim_end_matches(".rs");
        inside.split('/').filter(|word| !matches!(*word, "mod" | "lib" | "main")).collect()
    }

    /// Every path in the code, in order.
    pub(super) fn used(&self) -> Vec<Used> {
        let mut used = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.tokens[at].text == "use" {
                at = self.tree(at + 1, &[], &mut used);
            } else if is_name(&self.tokens[at].text) {
                at = self.inline(at, &mut used);
            } else {
                at += 1;
            }
        }
        used
    }

    /// A path outside of `use`: names with `::` between them.
    fn inline(&self, start: usize, used: &mut Vec<Used>) -> usize {
        let mut segments = vec![self.tokens[start].text.clone()];
        let mut at = start + 1;
        while self.is(at, "::") && self.tokens.get(at + 1).is_some_and(|next| is_name(&next.text)) {
            segments.push(self.tokens[at + 1].text.clone());
            at += 2;
        }
        used.push(self.use_of(start, segments));
        at
    }

    /// A `use` tree: `a::b`, `a::{b, c as d}`, `a::*`. Returns the token after it.
    fn tree(&self, start: usize, before: &[String], used: &mut Vec<Used>) -> usize {
        let mut segments = before.to_vec();
        let mut at = start;
        while let Some(token) = self.tokens.get(at) {
            match token.text.as_str() {
                "::" => at += 1,
                "{" => {
                    at += 1;
                    while at < self.tokens.len() && !self.is(at, "}") {
                        at = self.tree(at, &segments, used);
                        if self.is(at, ",") {
                            at += 1;
                        }
                    }
                    return at + 1;
                }
                "as" => at += 2,
                "*" => {
                    segments.push("*".to_owned());
                    at += 1;
                }
                word if is_name(word) => {
                    segments.push(word.to_owned());
                    at += 1;
                }
                _ => break,
            }
        }
        used.push(self.use_of(start, segments));
        // Whatever stopped us ends the tree; `,` and `}` belong to the group around it.
        if self.is(at, ",") || self.is(at, "}") { at } else { at + 1 }
    }

    fn use_of(&self, at: usize, segments: Vec<String>) -> Used {
        let Token { line, inside, test, .. } = self.tokens[at];
        Used { segments, line, inside, test }
    }

    pub(super) fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }
}

/// Every `.rs` file of these folders, sorted.
pub(super) fn sources(folders: &[&str]) -> Vec<Source> {
    let root = root();
    let mut files = Vec::new();
    for folder in folders {
        walk(&root.join(folder), &mut files);
    }
    files.sort();
    files.iter().map(|file| read(&root, file)).collect()
}

/// A file of the repository.
pub(super) fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The repository, where this test runs; not where it was compiled.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(root: &Path, file: &Path) -> Source {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    Source::new(&path, &text)
}

pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

/// Cuts a file into tokens. Knows just enough Rust: comments nest, raw strings count their `#`, and `'a`
/// is a lifetime unless a quote follows.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let mut word = None;
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => at = find(&chars, at, |c| c == '\n'),
            '/' if chars.get(at + 1) == Some(&'*') => at = after_comment(&chars, at),
            '"' => {
                at = after_string(&chars, at);
                word = Some("\"".to_owned());
            }
            '\'' => {
                at = after_quote(&chars, at);
                word = Some("\"".to_owned());
            }
            c if c == '_' || c.is_alphanumeric() => {
                at = find(&chars, at, |c| c != '_' && !c.is_alphanumeric());
                let name: String = chars[start..at].iter().collect();
                if let Some(end) = after_raw_string(&chars, at, &name) {
                    at = end;
                    word = Some("\"".to_owned());
                } else {
                    word = Some(name);
                }
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                at += 2;
                word = Some("::".to_owned());
            }
            c => {
                at += 1;
                word = (!c.is_whitespace()).then(|| c.to_string());
            }
        }
        if let Some(text) = word {
            tokens.push(Token { text, line, inside: 0, test: false });
        }
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn find(chars: &[char], from: usize, end: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| end(*c)).map_or(chars.len(), |n| from + n)
}

fn after_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start + 2, 1);
    while at < chars.len() && depth > 0 {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn after_string(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A character literal, or only the `'` of a lifetime.
fn after_quote(chars: &[char], start: usize) -> usize {
    match (chars.get(start + 1), chars.get(start + 2)) {
        (Some('\\'), _) => (find(chars, start + 3, |c| c == '\'') + 1).min(chars.len()),
        (Some(_), Some('\'')) => start + 3,
        _ => start + 1,
    }
}

/// The end of `r"…"`, `br#"…"#` and the like, if `name` (which ends at `at`) begins one.
fn after_raw_string(chars: &[char], at: usize, name: &str) -> Option<usize> {
    if !matches!(name, "r" | "br" | "cr") {
        return None;
    }
    let quote = find(chars, at, |c| c != '#');
    let marks = quote - at;
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let ends = |end: usize| chars[end] == '"' && (1..=marks).all(|n| chars.get(end + n) == Some(&'#'));
    Some((quote + 1..chars.len()).find(|end| ends(*end)).map_or(chars.len(), |end| end + 1 + marks))
}

fn mark_modules(tokens: &mut [Token]) {
    let mut braces = Vec::new();
    for at in 0..tokens.len() {
        match tokens[at].text.as_str() {
            "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod" && is_name(&tokens[at - 1].text)),
            "}" => drop(braces.pop()),
            _ => {}
        }
        tokens[at].inside = braces.iter().filter(|is_module| **is_module).count();
    }
}

/// Marks the item after each `#[cfg(test)]`, up to its `;` or its closing brace.
fn mark_tests(tokens: &mut [Token]) {
    const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let starts: Vec<usize> = (0..tokens.len())
        .filter(|at| tokens[*at..].iter().map(|t| t.text.as_str()).take(7).eq(CFG_TEST))
        .map(|at| at + 7)
        .collect();
    for start in starts {
        let mut depth = 0_usize;
        for token in &mut tokens[start..] {
            token.test = true;
            match token.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "}" if depth <= 1 => break,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
        }
    }
}
