//! `waybill explain`: what a code of a finding means, why it matters and how to mend it.

mod lesson;

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use waybill_parsers::{Explanation, Severity, explain, explanations};

use self::lesson::{example_of, group_of};
use super::Exit;
use super::screen::{self, Color, Paint, safe, visible};

/// Say what a code or a rule means, and how to mend it
///
/// The codes stand in brackets in what `waybill check` says, and in the errors files. Without a code all of
/// them are listed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Explain {
    /// A code (`edi_count_mismatch`) or the id of a rule (`BR-CO-10`), in any case
    code: Option<String>,

    /// Print JSON: the object, or one a line for all of them
    #[arg(long)]
    json: bool,

    /// When to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  waybill explain edi_count_mismatch
  waybill explain BR-CO-10 --json
  waybill explain | grep VAT

Exit codes: 0 explained, 2 unusable (there is no such code; the nearest ones are named).";

impl Explain {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match &self.code {
            None => self.list(out)?,
            Some(code) => {
                let Some(found) = explain(code.trim()) else { bail!("{}", unknown(code)) };
                if self.json {
                    super::json_line(out, &Object::of(found))?
                } else {
                    page(out, found, self.color.paint())?
                }
            }
        }
        Ok(Exit::Ok)
    }

    fn list(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut all: Vec<&Explanation> = explanations().collect();
        if self.json {
            return all.iter().try_for_each(|one| super::json_line(out, &Object::of(one)));
        }
        all.sort_by_key(|one| group_of(one.code).0);
        let paint = self.color.paint();
        let widest = all.iter().map(|one| one.code.len()).max().unwrap_or(0);
        let room = screen::columns().saturating_sub(widest + 4).max(20);
        let mut group = None;
        for one in all {
            let title = group_of(one.code).1.title;
            if group != Some(title) {
                let gap = if group.is_some() { "\n" } else { "" };
                writeln!(out, "{gap}{}", paint.bold(title))?;
                group = Some(title);
            }
            let gap = " ".repeat(widest.saturating_sub(one.code.len()));
            writeln!(out, "  {}{gap}  {}", paint.yellow(one.code), shortened(one.wants, room))?;
        }
        writeln!(out, "\n{}", paint.bold("waybill explain CODE says more of one."))
    }
}

/// The shape of `--json`, and the order of its keys; docs/CLI.md has it.
#[derive(Serialize)]
struct Object {
    code: &'static str,
    severity: Severity,
    wants: &'static str,
    why: &'static str,
    fix: &'static str,
    example: Option<&'static str>,
    fields: Option<&'static str>,
    source: &'static str,
    group: &'static str,
}

impl Object {
    fn of(one: &Explanation) -> Self {
        let (_, group) = group_of(one.code);
        Self {
            code: one.code,
            severity: one.severity,
            wants: one.wants,
            why: group.why,
            fix: one.fix,
            example: example_of(one.code),
            fields: Some(one.fields).filter(|fields| !fields.is_empty()),
            source: one.source,
            group: group.title,
        }
    }
}

fn page(out: &mut dyn Write, one: &Explanation, paint: Paint) -> io::Result<()> {
    let room = screen::columns().min(100).saturating_sub(2);
    let label = format!("{}[{}]", one.severity.as_str(), one.code);
    let label = match one.severity {
        Severity::Error => paint.red(&label),
        Severity::Warning => paint.yellow(&label),
    };
    writeln!(out, "{label}{}", paint.bold(&format!(" says that this does not hold: {}", one.wants)))?;
    let (_, group) = group_of(one.code);
    for (title, text) in [("Why it matters", group.why), ("How to mend it", one.fix)] {
        writeln!(out, "\n{}", paint.bold(title))?;
        for line in wrapped(text, room) {
            writeln!(out, "  {line}")?;
        }
    }
    if let Some(example) = example_of(one.code) {
        writeln!(out, "\n{}", paint.bold("Example"))?;
        for line in example.lines() {
            writeln!(out, "  {}", safe(line))?;
        }
    }
    writeln!(out)?;
    if !one.fields.is_empty() {
        writeln!(out, "{} {}", paint.bold("Fields:"), one.fields)?;
    }
    writeln!(out, "{} {}; {}", paint.bold("Source:"), one.source, group.title)
}

/// The text in lines of at most `room` columns; a longer word has a line of its own.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let columns = |text: &str| text.chars().map(|c| visible(c).columns()).sum::<usize>();
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

fn shortened(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text.get(..cut.saturating_sub(1)).unwrap_or_default()),
    }
}

/// A sentence on a code that is none, with those that may be meant.
fn unknown(code: &str) -> String {
    let near = near(code, explanations().map(|one| one.code));
    let shown: String = code.chars().take(60).collect();
    match near.as_slice() {
        [] => format!("there is no code `{shown}`; `waybill explain` lists them all"),
        near => format!("there is no code `{shown}`; did you mean {}?", near.join(", ")),
    }
}

/// At most five codes that look like the one that was typed, the nearest first.
fn near<'c>(typed: &str, codes: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    let typed = folded(typed);
    if typed.is_empty() || typed.len() > 60 {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = codes
        .filter_map(|code| {
            let known = folded(code);
            let steps = distance(&typed, &known);
            let close = steps <= (typed.len().max(known.len()) / 3).max(1);
            // A part of it was typed: `count`, `BR-CO`.
            let part = typed.len() >= 3 && (known.contains(&typed) || typed.contains(&known));
            (close || part).then_some((if part { steps.min(2) } else { steps }, code))
        })
        .collect();
    near.sort();
    near.into_iter().map(|(_, code)| code).take(5).collect()
}

/// Letters and digits in one case: `BR-CO-9` and `br_co_09` differ by one step.
fn folded(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.bytes().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&row, j) + usize::from(x != y);
            next.push(changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_mistyped_is_guessed() {
        let codes = ["edi_count_mismatch", "edi_control_mismatch", "BR-CO-09", "BR-CO-10", "total_mismatch"];
        let near = |typed| near(typed, codes.into_iter());
        assert_eq!(near("edi_cuont_mismatch")[0], "edi_count_mismatch");
        assert_eq!(near("EDI COUNT MISMATCH")[0], "edi_count_mismatch");
        assert_eq!(near("BR-CO-9"), ["BR-CO-09", "BR-CO-10"]);
        assert_eq!(near("mismatch"), ["edi_control_mismatch", "edi_count_mismatch", "total_mismatch"]);
        assert_eq!(near("zzzz"), Vec::<&str>::new());
        assert_eq!((distance("kitten", "sitting"), distance("", "ab")), (3, 2));
    }

    #[test]
    fn every_explanation_says_what_why_and_how() {
        let mut codes = std::collections::BTreeSet::new();
        for one in explanations() {
            assert!(codes.insert(one.code), "{} is explained twice", one.code);
            let mut out = Vec::new();
            page(&mut out, one, Paint::PLAIN).unwrap();
            let text = String::from_utf8(out).unwrap();
            for part in [one.code, one.wants, "\nWhy it matters\n  ", "\nHow to mend it\n  ", "Source: "] {
                assert!(text.contains(part), "{text} lacks {part}");
            }
        }
    }

    #[test]
    fn text_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three\nfour", 7), ["one two", "three", "four"]);
    }
}
