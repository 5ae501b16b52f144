//! `waybill check`: reads files here and now and says what is in them and what is wrong with them.
//!
//! [`Check::run`] walks the files, [`Pass`] reads one, and a [`Report`] says it: `person` the way a
//! compiler does, `machine` as the lines of docs/CLI.md.

mod cells;
pub(super) mod feeds;
mod machine;
mod original;
mod person;
mod unit;

pub(super) use machine::Machine;
pub(super) use person::Person;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use waybill_parsers::{Code, Context, Document, Event, Finding, HEAD_BYTES, Halt, Limit, Limits, Location};
use waybill_parsers::{Profile, Severity, Summary};

use super::Exit;
use super::screen::{self, Color};

/// Read files here and say what is wrong with them
///
/// Reads every format the gateway reads (X12, EDIFACT, UBL, CII and other XML, CSV, canonical JSON; docs/FORMATS.md
/// has them all) as it would, and sends nothing anywhere. A file is known by its content, not by its name. Every
/// finding says where it is, why, and how to mend it; `waybill explain CODE` says more.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Check {
    /// The files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The feed profile to read CSV by: a .toml file, or the name of a built-in one
    ///
    /// Without it the built-in profile is taken whose columns the file has.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,

    /// Print one JSON object a line, for programs
    #[arg(long)]
    json: bool,

    /// List the documents too, not only what is wrong with them
    #[arg(long, short)]
    verbose: bool,

    /// When to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  waybill check invoices.edi
  waybill check -v june/*.xml
  waybill explain BR-CO-10
  waybill check open-items.csv --profile my-erp.toml
  zcat archive.edi.gz | waybill check - --json | jq 'select(.event == \"finding\")'

Exit codes:
  0  every file was read; none has an error (warnings are no errors)
  1  at least one finding is an error
  2  a file could not be read at all, or the arguments or the profile are unusable

The JSON lines are described in docs/CLI.md and keep their shape.";

impl Check {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let profiles = feeds::candidates(self.profile.as_deref())?;
        let mut report: Box<dyn Report + '_> = if self.json {
            Box::new(Machine::new(out))
        } else {
            Box::new(Person::new(out, self.color.paint(), screen::columns(), self.verbose))
        };
        let mut total = Total::default();
        match self.read_all(&profiles, report.as_mut(), &mut total) {
            // The reader of our output has left (`| head`): the exit code says what was found so far.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(total.exit()),
            done => {
                done?;
                Ok(total.exit())
            }
        }
    }

    fn read_all(&self, profiles: &[Profile], report: &mut dyn Report, total: &mut Total) -> io::Result<()> {
        for path in &self.files {
            let source = Source::new(path.clone());
            total.files += 1;
            match Pass::new(&source, report, total).read(profiles)? {
                Ok(summary) => report.summary(&source, &summary)?,
                Err(reason) => {
                    total.unusable += 1;
                    report.unusable(&source, &reason)?;
                }
            }
        }
        report.total(total)
    }
}

/// Says what a check finds. A file is its findings and documents in the order of the file, then its
/// summary or why it was unusable.
pub(super) trait Report {
    fn finding(&mut self, source: &Source, finding: &Finding) -> io::Result<()>;
    fn document(&mut self, source: &Source, document: &Document, weight: Weight) -> io::Result<()>;
    fn summary(&mut self, source: &Source, summary: &Summary) -> io::Result<()>;
    fn unusable(&mut self, source: &Source, reason: &str) -> io::Result<()>;
    fn total(&mut self, total: &Total) -> io::Result<()>;
}

/// How many findings something has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) errors: u64,
    pub(super) warnings: u64,
}

impl Weight {
    pub(super) fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
    }
}

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) files: u64,
    pub(super) unusable: u64,
    pub(super) documents: u64,
    pub(super) weight: Weight,
}

impl Total {
    pub(super) fn exit(&self) -> Exit {
        match (self.unusable, self.weight.errors) {
            (1.., _) => Exit::Unusable,
            (0, 1..) => Exit::Findings,
            (0, 0) => Exit::Ok,
        }
    }
}

/// Where the bytes come from.
pub(super) struct Source {
    path: PathBuf,
}

impl Source {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// As the caller named it.
    pub(super) fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The reader, or a sentence why there is none.
    fn open(&self) -> Result<Box<dyn Read>, String> {
        if self.is_stdin() {
            return Ok(Box::new(io::stdin().lock()));
        }
        let file = File::open(&self.path).map_err(|error| could_not("open", &error))?;
        let metadata = file.metadata().map_err(|error| could_not("open", &error))?;
        if metadata.is_dir() {
            return Err("this is a directory; name the files in it".to_owned());
        }
        Ok(Box::new(file))
    }

    /// The file once more, to show lines of; a pipe is read once and gone.
    fn reopen(&self) -> Option<File> {
        let is_file = !self.is_stdin() && fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file());
        if is_file { File::open(&self.path).ok() } else { None }
    }
}

fn could_not(what: &str, error: &io::Error) -> String {
    format!("could not {what} it: {error}")
}

/// The reading of one file.
pub(super) struct Pass<'a> {
    source: &'a Source,
    report: &'a mut dyn Report,
    total: &'a mut Total,
    documents: u64,
    weight: Weight,
    /// The findings of documents still to come: a reader reports them first.
    pending: BTreeMap<u32, Weight>,
    /// Why the report could not be written, when it could not.
    failed: Option<io::Error>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(source: &'a Source, report: &'a mut dyn Report, total: &'a mut Total) -> Self {
        Self { source, report, total, documents: 0, weight: Weight::default(), pending: BTreeMap::new(), failed: None }
    }

    /// Reads the file through; the inner `Err` is a sentence why that was not possible, the outer one
    /// says that the report could not be written.
    pub(super) fn read(mut self, profiles: &[Profile]) -> io::Result<Result<Summary, String>> {
        let mut input = match self.source.open() {
            Ok(input) => BufReader::with_capacity(HEAD_BYTES, input),
            Err(reason) => return Ok(Err(reason)),
        };
        let mut head = Vec::new();
        if let Err(error) = input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head) {
            return Ok(Err(could_not("read", &error)));
        }
        let context = Context { profiles, limits: Limits::default() };
        let mut whole: Box<dyn BufRead> = Box::new(Cursor::new(&head).chain(input));
        let ended = waybill_parsers::read(&mut whole, &context, &mut |event| self.pass(event));
        if let Some(error) = self.failed {
            return Err(error);
        }
        match ended {
            Ok(summary) => Ok(Ok(summary)),
            Err(Halt::Limit(limit)) => self.stopped_at(&limit, &head, profiles).map(Ok),
            Err(Halt::Read(error)) => Ok(Err(could_not("read", &error))),
            Err(Halt::Stopped) => Ok(Err("reading was stopped".to_owned())),
        }
    }

    fn pass(&mut self, event: Event) -> ControlFlow<()> {
        match self.tell(&event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn tell(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Finding(finding) => {
                self.weigh(finding.severity, finding.document);
                self.report.finding(self.source, finding)
            }
            Event::Unlisted { severity, document } => {
                self.weigh(*severity, *document);
                Ok(())
            }
            Event::Document(document) => {
                self.documents += 1;
                self.total.documents += 1;
                let weight = self.pending.remove(&document.ordinal).unwrap_or_default();
                self.report.document(self.source, document, weight)
            }
        }
    }

    fn weigh(&mut self, severity: Severity, document: Option<u32>) {
        self.weight.add(severity);
        self.total.weight.add(severity);
        if let Some(ordinal) = document {
            self.pending.entry(ordinal).or_default().add(severity);
        }
    }

    /// A file over a limit is a file with one more finding; what was read before it stays read.
    fn stopped_at(mut self, limit: &Limit, head: &[u8], profiles: &[Profile]) -> io::Result<Summary> {
        self.tell(&Event::Finding(Box::new(finding_of(limit))))?;
        let format = waybill_parsers::recognize(head, profiles).map_or("unknown", |format| format.name());
        Ok(Summary {
            format: format.to_owned(),
            documents: self.documents,
            errors: self.weight.errors,
            warnings: self.weight.warnings,
            ..Summary::default()
        })
    }
}

fn finding_of(limit: &Limit) -> Finding {
    let Limit { what, setting, max, byte, line } = limit;
    let is_length = *setting == "token_bytes_max";
    let (code, unit, fix) = if is_length {
        (Code::LENGTH_EXCEEDED, " bytes", "Look for a missing terminator or an unclosed quote before this place.")
    } else {
        (Code::SIZE_LIMIT, "", "Split the file into smaller ones.")
    };
    Finding::error(
        code,
        Location::new(*byte, *line, ""),
        format!("{what} is over the limit of {max}{unit} (setting `{setting}`); the file was not read beyond it"),
        fix,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_becomes_a_finding_that_names_its_setting() {
        let limit = |setting, max| finding_of(&Limit { what: "segment", setting, max, byte: 7, line: 2 });
        let long = limit("token_bytes_max", 1_048_576);
        assert_eq!((long.code, long.severity), (Code::LENGTH_EXCEEDED, Severity::Error));
        assert_eq!((long.location.byte, long.location.line), (7, 2));
        assert_eq!(
            long.message,
            "segment is over the limit of 1048576 bytes (setting `token_bytes_max`); the file was not read beyond it"
        );
        assert_eq!(limit("lines_max", 50_000).code, Code::SIZE_LIMIT);
    }

    #[test]
    fn what_cannot_be_read_outweighs_findings_and_warnings_weigh_nothing() {
        let exit = |unusable, errors, warnings| {
            Total { unusable, weight: Weight { errors, warnings }, ..Total::default() }.exit()
        };
        assert_eq!(exit(0, 0, 9), Exit::Ok);
        assert_eq!(exit(0, 1, 0), Exit::Findings);
        assert_eq!(exit(1, 1, 0), Exit::Unusable);
    }
}
