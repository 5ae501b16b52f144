//! `waybill profile guess`: a profile proposed from a file, for a person to read and finish.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use waybill_parsers::profile::{self, Guess};
use waybill_parsers::{Context, Event, Limits, Profile, Severity};

use super::super::Exit;
use super::super::output::Output;
use super::super::screen::safe;
use crate::domain::counted;

/// Propose a profile for a table: a CSV file, or a workbook
///
/// Says which column most likely is which field, how dates and amounts are written, and what only you can
/// answer: each question stands in the profile where its answer goes. The file is read once by the proposal, and
/// what came of it is said on standard error.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Propose {
    /// The table; `-` is standard input
    file: PathBuf,

    /// Where to write the profile: a file, which is there whole or not at all; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,

    /// What to call the profile; without, it is called after the file
    #[arg(long)]
    name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  waybill profile guess open-items.csv --out my-erp.toml
  waybill check open-items.csv --profile my-erp.toml
  waybill profile apply my-erp.toml

Exit codes:
  0  proposed; nothing is left to ask
  1  proposed, and there are questions to answer first
  2  unusable: no table, or it could not be read or written";

/// So much of a text shows how it is written.
const TEXT_BYTES: u64 = 1024 * 1024;
/// A workbook must be whole.
const WORKBOOK_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Propose {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let shown = self.file.display();
        let (bytes, is_whole) = self.bytes().with_context(|| format!("could not read {shown}"))?;
        match waybill_parsers::recognize(&bytes, &[]) {
            Some(format) if !["csv", "archive"].contains(&format.name()) => {
                bail!("{shown} is {}, which is read without a profile", format.name());
            }
            _ => (),
        }
        let hint = self.name.clone().unwrap_or_else(|| self.file.to_string_lossy().into_owned());
        let guess = profile::guess(&bytes, &hint);
        if guess.documents.is_none() && guess.record_types.is_empty() {
            bail!("{shown}: {}", guess.questions.join(" "));
        }
        let text = guess.to_toml();
        let could_not = || format!("could not write {}", self.out.display());
        let mut output = Output::open(&self.out, out).with_context(could_not)?;
        output.write_all(text.as_bytes()).and_then(|()| output.publish()).with_context(could_not)?;
        for line in said(&guess).into_iter().chain(read_by(&text, &bytes, is_whole)) {
            // Where standard error is closed, the questions are in the profile.
            let _ = writeln!(io::stderr(), "{}", safe(&line));
        }
        Ok(if guess.questions.is_empty() { Exit::Ok } else { Exit::Findings })
    }

    /// The beginning of a text in whole lines, or a whole workbook; and whether it is all there is.
    fn bytes(&self) -> io::Result<(Vec<u8>, bool)> {
        let mut input: Box<dyn Read> =
            if self.file == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(File::open(&self.file)?) };
        let mut bytes = Vec::new();
        input.by_ref().take(TEXT_BYTES).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < TEXT_BYTES {
            return Ok((bytes, true));
        }
        if bytes.starts_with(b"PK") {
            input.take(WORKBOOK_BYTES_MAX - TEXT_BYTES + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > WORKBOOK_BYTES_MAX {
                return Err(io::Error::other("it is larger than 64 MiB; send a part of it"));
            }
            return Ok((bytes, true));
        }
        // A line end of UTF-16 has two bytes: an even length keeps them together.
        let lines = bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |at| (at + 2) & !1);
        bytes.truncate(lines.min(bytes.len()));
        Ok((bytes, false))
    }
}

/// What was found, for people: each column with its field, then the questions.
fn said(guess: &Guess) -> Vec<String> {
    let short = |text: &str| text.chars().take(40).collect::<String>();
    let width = guess.columns.iter().map(|column| short(&column.header).chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for column in &guess.columns {
        let header = short(&column.header);
        let gap = " ".repeat(width - header.chars().count());
        lines.push(match column.field {
            Some(field) => format!("{header}{gap}  {field}, {} % sure: {}", column.confidence, column.why),
            None => format!("{header}{gap}  not used"),
        });
    }
    lines.extend(guess.questions.iter().map(|question| format!("? {question}")));
    lines
}

/// What reading the file by the proposal comes to.
fn read_by(text: &str, bytes: &[u8], is_whole: bool) -> Option<String> {
    let profile = match Profile::from_toml(text) {
        Ok(profile) => profile,
        Err(error) => return Some(format!("as it is, the profile does not load: {error}")),
    };
    let mut first = None;
    let context = Context { profiles: &[profile], limits: Limits::default() };
    let summary = waybill_parsers::read(&mut &*bytes, &context, &mut |event| {
        if let Event::Finding(finding) = event
            && finding.severity == Severity::Error
        {
            first = first.take().or(Some(finding.message));
        }
        ControlFlow::Continue(())
    });
    let summary = summary.ok()?;
    let part = if is_whole { "" } else { " (its first mebibyte)" };
    let first = first.map_or_else(String::new, |message| format!("; the first: {message}"));
    let (documents, errors) = (counted(summary.documents, "document"), counted(summary.errors, "error"));
    Some(format!("by this profile the file{part} has {documents} and {errors}{first}"))
}
