//! Reading one original, on a thread that may wait: bytes through the digest into the parser, documents
//! and findings out in batches.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use tokio::sync::mpsc;
use waybill_parsers::{Code, Context, Event, Finding, Halt, Limits, Location, Profile, Severity, Summary};

use super::answer::{Answer, Staged};
use crate::domain::{Digest, Hasher};
use crate::ledger;
use crate::originals::Original;
use crate::record::{Lease, NewDocument};

/// Rows on their way to the record.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) documents: Vec<NewDocument>,
    pub(super) findings: Vec<(i64, Box<Finding>)>,
    /// Rows, lines of documents included, so that a batch of long invoices is as small as one of short ones.
    weight: usize,
}

/// Rows that are few enough to be written in the transaction that publishes them.
const SMALL_ROWS: usize = 100;

impl Batch {
    /// Whether it has so few rows that it is not worth a transaction of its own.
    pub(super) fn is_small(&self) -> bool {
        self.weight <= SMALL_ROWS
    }

    pub(super) fn is_empty(&self) -> bool {
        self.weight == 0
    }
}

/// What reading a file came to.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) summary: Summary,
    /// Documents without errors of their own.
    pub(super) accepted: i64,
    pub(super) answer: Staged,
    /// The first error findings, for the log.
    pub(super) first_errors: Vec<Finding>,
}

/// Why a file could not be read to its end. None of them is the sender's doing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the stored original is not what was received: its digest is {found}, not {expected}")]
    Corrupt { expected: Digest, found: Digest },
    #[error("could not read the original from the shelf")]
    Original(#[source] io::Error),
    #[error("could not write the answer")]
    Answer(#[source] io::Error),
    #[error("the receiver of the rows has gone")]
    Gone,
}

/// What a reading needs.
pub(super) struct Plan {
    pub(super) lease: Lease,
    pub(super) original: Original,
    pub(super) profiles: Vec<Profile>,
    pub(super) limits: Limits,
    pub(super) batch_rows: usize,
    /// Where the answer is staged.
    pub(super) staging: PathBuf,
    pub(super) rows: mpsc::Sender<Batch>,
}

/// Error findings of one file that are also events of the log.
const ERRORS_IN_LOG_MAX: usize = 100;
/// How much is read from the shelf at once, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads the original to its end.
pub(super) fn read(plan: Plan) -> Result<Reading, ReadError> {
    let expected = plan.lease.digest;
    let name = plan.lease.name.clone();
    let mut input =
        BufReader::with_capacity(BUFFER_BYTES, Hashing { inner: plan.original.reader(), hasher: Hasher::default() });
    let mut out = Outlet {
        answer: Answer::begin(plan.staging).map_err(ReadError::Answer)?,
        rows: plan.rows,
        batch: Batch::default(),
        batch_rows: plan.batch_rows,
        findings: 0,
        errors_in: HashMap::new(),
        counted: Summary::default(),
        accepted: 0,
        first_errors: vec![],
        failed: None,
    };
    let context = Context { profiles: &plan.profiles, limits: plan.limits };
    let parsed = waybill_parsers::read(&mut input, &context, &mut |event| out.take(event));
    if let Some(failed) = out.failed.take() {
        return Err(failed);
    }
    let summary = match parsed {
        Ok(summary) => summary,
        Err(Halt::Read(error)) => return Err(ReadError::Original(error)),
        Err(Halt::Stopped) => return Err(ReadError::Gone),
        Err(Halt::Limit(limit)) => {
            let location = Location::new(limit.byte, limit.line, "");
            let finding = Finding::error(
                Code::SIZE_LIMIT,
                location,
                format!("{limit}; the rest of this file was not read"),
                "Split the file or shorten what is too long, or ask the operator to raise the limit, and send it again.",
            )
            .with_field(limit.setting);
            if out.take(Event::Finding(Box::new(finding))).is_break() {
                return Err(out.failed.unwrap_or(ReadError::Gone));
            }
            Summary { format: out.format(), ..out.counted.clone() }
        }
    };
    out.flush()?;
    // What is parsed is what was stored: the digest is over all of it, read or not.
    io::copy(&mut input, &mut io::sink()).map_err(ReadError::Original)?;
    let found = input.into_inner().hasher.finish();
    if found != expected {
        return Err(ReadError::Corrupt { expected, found });
    }
    let summary = Summary { errors: out.counted.errors.max(summary.errors), ..summary };
    let answer = out.answer.finish(&name, &summary).map_err(ReadError::Answer)?;
    Ok(Reading { summary, accepted: out.accepted, answer, first_errors: out.first_errors })
}

/// Where the events of a parse go: rows to the record, findings to the answer.
struct Outlet {
    answer: Answer,
    rows: mpsc::Sender<Batch>,
    batch: Batch,
    batch_rows: usize,
    findings: i64,
    /// Errors of documents that have not come yet.
    errors_in: HashMap<u32, i64>,
    counted: Summary,
    accepted: i64,
    first_errors: Vec<Finding>,
    failed: Option<ReadError>,
}

impl Outlet {
    fn take(&mut self, event: Event) -> ControlFlow<()> {
        let taken = match event {
            Event::Document(document) => {
                let errors = self.errors_in.remove(&document.ordinal).unwrap_or(0);
                let status = ledger::status_of(&document, errors).to_owned();
                self.counted.documents += 1;
                self.accepted += i64::from(errors == 0);
                if self.counted.format.is_empty() {
                    self.counted.format = document.format.to_string();
                    self.counted.version = document.version.as_deref().map(str::to_owned);
                }
                self.batch.weight += 1 + document.evidence.len() / 4;
                self.batch.documents.push(NewDocument { document, errors, status });
                Ok(())
            }
            Event::Finding(finding) => self.finding(finding),
            Event::Unlisted { severity, document } => {
                self.count(severity, document);
                Ok(())
            }
        };
        match taken.and_then(|()| if self.batch.weight >= self.batch_rows { self.flush() } else { Ok(()) }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failed) => {
                self.failed = Some(failed);
                ControlFlow::Break(())
            }
        }
    }

    fn finding(&mut self, finding: Box<Finding>) -> Result<(), ReadError> {
        self.count(finding.severity, finding.document);
        if finding.severity == Severity::Error && self.first_errors.len() < ERRORS_IN_LOG_MAX {
            self.first_errors.push((*finding).clone());
        }
        self.answer.finding(&finding).map_err(ReadError::Answer)?;
        self.batch.weight += 1;
        self.batch.findings.push((self.findings, finding));
        self.findings += 1;
        Ok(())
    }

    /// Counts a finding, listed or not: a document is not right because others were worse before it.
    fn count(&mut self, severity: Severity, document: Option<u32>) {
        match (severity, document) {
            (Severity::Error, document) => {
                self.counted.errors += 1;
                if let Some(document) = document {
                    *self.errors_in.entry(document).or_default() += 1;
                }
            }
            (Severity::Warning, _) => self.counted.warnings += 1,
        }
    }

    fn flush(&mut self) -> Result<(), ReadError> {
        let batch = std::mem::take(&mut self.batch);
        if batch.weight == 0 {
            return Ok(());
        }
        self.rows.blocking_send(batch).map_err(|_| ReadError::Gone)
    }

    fn format(&self) -> String {
        if self.counted.format.is_empty() { "unknown".to_owned() } else { self.counted.format.clone() }
    }
}

/// Passes bytes on and digests them.
struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
