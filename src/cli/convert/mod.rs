//! `waybill convert`: reads documents in any format and writes them in another.
//!
//! [`Conversion`] stands where `check` has its report: what is wrong with the source is said as `check` says
//! it, on standard error, and each document goes through a [`Pen`] to an [`Output`].

mod envelope;
mod loss;
mod pen;
mod rows;
mod sets;
mod ubl;

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use waybill_parsers::{Code, Document, Finding, Location, Summary};

use self::envelope::Envelope;
use self::pen::{Pen, Target, Written};
use super::Exit;
use super::check::{Machine, Pass, Person, Report, Source, Total, Weight, feeds};
use super::output::Output;
use super::screen::{self, Color};
use crate::domain::counted;

/// Read documents in any format and write them in another
///
/// What is wrong with the source is said on standard error, as `waybill check` says it. A document of a kind
/// the target does not know is told and left out; what the target has no place for is told as a warning, field
/// by field. Amounts are written with the digits they came with.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Convert {
    /// The files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The format to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Target,

    /// Where to write: a file, which is there whole or not at all; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,

    /// The feed profile to read CSV by: a .toml file, or the name of a built-in one
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,

    /// Say what is wrong as one JSON object a line, on standard error
    #[arg(long)]
    json: bool,

    /// When to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,

    #[command(flatten)]
    envelope: Envelope,
}

const EXAMPLES: &str = "\
Examples:
  waybill convert invoices.edi --to json --out invoices.jsonl
  waybill convert june/*.xml --to json | jq .body.invoice.totals.payable
  waybill convert invoice.xml --to x12-810 --sender 01:123456789 --recipient ZZ:HARBOUR --control 7
  waybill convert payments.csv --profile my-erp.toml --to edifact-remadv --out remadv.edi

Exit codes:
  0  every document was written (what the target has no place for is a warning)
  1  there are errors to look at: in the source, or a document the target does not know
  2  a file could not be read, the output could not be written, or the arguments are unusable

docs/CANONICAL.md explains the model in the middle; `waybill schema` prints its JSON Schema.";

impl Convert {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let profiles = feeds::candidates(self.profile.as_deref())?;
        let mut stderr = io::stderr();
        let paint = self.color.paint_on(&stderr);
        let says: Box<dyn Report + '_> = if self.json {
            Box::new(Machine::new(&mut stderr))
        } else {
            Box::new(Person::new(&mut stderr, paint, screen::columns(), false))
        };
        let output = Output::open(&self.out, out).with_context(|| format!("could not write {}", self.out.display()))?;
        let mut conversion = Conversion {
            says,
            pen: self.to.pen(&self.envelope),
            name: self.to.as_str(),
            output,
            weight: Weight::default(),
            written: 0,
            is_quiet: self.out == Path::new("-"),
        };
        let mut total = Total::default();
        let done = self.read_all(&profiles, &mut conversion, &mut total).and_then(|()| conversion.end(&total));
        match done {
            // The reader of our output has left (`| head`): the exit code says what was found so far.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(total.exit()),
            Err(error) => Err(error).with_context(|| format!("could not write {}", self.out.display())),
            Ok(()) => {
                if !self.json && self.out != Path::new("-") {
                    super::note(&self.told(conversion.written, &total));
                }
                Ok(total.exit())
            }
        }
    }

    fn read_all(
        &self,
        profiles: &[waybill_parsers::Profile],
        conversion: &mut Conversion<'_>,
        total: &mut Total,
    ) -> io::Result<()> {
        for path in &self.files {
            let source = Source::new(path.clone());
            total.files += 1;
            match Pass::new(&source, conversion, total).read(profiles)? {
                Ok(summary) => conversion.summary(&source, &summary)?,
                Err(reason) => {
                    total.unusable += 1;
                    conversion.unusable(&source, &reason)?;
                }
            }
            let Weight { errors, warnings } = std::mem::take(&mut conversion.weight);
            total.weight.errors += errors;
            total.weight.warnings += warnings;
        }
        conversion.total(total)
    }

    /// What became of the output file.
    fn told(&self, written: u64, total: &Total) -> String {
        let out = self.out.display();
        if total.unusable > 0 {
            return format!("{out} was not written, for not everything could be read");
        }
        match written {
            0 => format!("{out} was not written: there is no document to write"),
            _ => format!("{} written to {out} as {}", counted(written, "document"), self.to.as_str()),
        }
    }
}

/// A conversion under way. What it says cannot fail: where standard error is closed, the exit code still says
/// it. Its `Err` is always the output's.
struct Conversion<'a> {
    says: Box<dyn Report + 'a>,
    pen: Box<dyn Pen>,
    /// The target, as it is named.
    name: &'static str,
    output: Output<'a>,
    /// The findings of the conversion itself, of the file at hand.
    weight: Weight,
    written: u64,
    /// A file without findings needs no line about it.
    is_quiet: bool,
}

impl Conversion<'_> {
    /// Ends the output: it is there whole, or not at all.
    fn end(&mut self, total: &Total) -> io::Result<()> {
        if self.written == 0 || total.unusable > 0 {
            return self.output.discard();
        }
        self.pen.finish(&mut self.output)?;
        self.output.publish()
    }

    fn say(&mut self, source: &Source, finding: Finding, document: &Document) {
        self.weight.add(finding.severity);
        let finding = finding.in_document(document.ordinal);
        let _ = self.says.finding(source, &finding);
    }
}

impl Report for Conversion<'_> {
    fn finding(&mut self, source: &Source, finding: &Finding) -> io::Result<()> {
        let _ = self.says.finding(source, finding);
        Ok(())
    }

    fn document(&mut self, source: &Source, document: &Document, weight: Weight) -> io::Result<()> {
        let place = || Location { len: 0, ..document.location.clone() };
        let kind = document.kind().replace('_', " ");
        let number =
            document.number().map_or_else(|| format!("{kind} without a number"), |number| format!("{kind} {number}"));
        match self.pen.write(document, &mut self.output)? {
            Written::Whole => (),
            Written::Without(lost) => {
                let message = format!("{} does not keep all of {number}: {}", self.name, lost.join(", "));
                let fix = "Send another way what must not be lost; json keeps it all.";
                self.say(source, Finding::warning(Code::CONVERT_LOSSY, place(), message, fix), document);
            }
            Written::Not(why) => {
                let message = format!("{number} cannot be written as {}: {why}", self.name);
                let fix = "Convert it to a format that has a place for all of it; json has one for everything.";
                self.say(source, Finding::error(Code::CONVERT_UNSUPPORTED, place(), message, fix), document);
                return Ok(());
            }
        }
        self.written += 1;
        let _ = self.says.document(source, document, weight);
        Ok(())
    }

    fn summary(&mut self, source: &Source, summary: &Summary) -> io::Result<()> {
        let mut summary = summary.clone();
        summary.errors += self.weight.errors;
        summary.warnings += self.weight.warnings;
        if !self.is_quiet || summary.errors + summary.warnings > 0 {
            let _ = self.says.summary(source, &summary);
        }
        Ok(())
    }

    fn unusable(&mut self, source: &Source, reason: &str) -> io::Result<()> {
        let _ = self.says.unusable(source, reason);
        Ok(())
    }

    fn total(&mut self, total: &Total) -> io::Result<()> {
        if !self.is_quiet {
            let _ = self.says.total(total);
        }
        Ok(())
    }
}
