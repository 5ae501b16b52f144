//! The JSON lines of `waybill check --json`: a contract, described in docs/CLI.md. Keys are only ever added,
//! behind those that are there.

use std::io::{self, Write};

use serde::Serialize;
use waybill_parsers::{Document, Finding, Location, Summary};

use super::{Report, Source, Total, Weight};

pub(in super::super) struct Machine<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Machine<'a> {
    pub(in super::super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        // `?` on the conversion keeps the kind of the error: a closed pipe stays a closed pipe.
        serde_json::to_writer(&mut *self.out, line)?;
        self.out.write_all(b"\n")
    }
}

impl Report for Machine<'_> {
    fn finding(&mut self, source: &Source, finding: &Finding) -> io::Result<()> {
        self.line(&FindingLine {
            event: "finding",
            severity: finding.severity.as_str(),
            code: finding.code.as_str(),
            message: &finding.message,
            fix: &finding.fix,
            location: &finding.location,
            file: &source.name(),
            rule: finding.rule,
            field: finding.field.as_deref(),
            value: finding.value.as_deref(),
            document: finding.document,
        })
    }

    fn document(&mut self, source: &Source, document: &Document, weight: Weight) -> io::Result<()> {
        self.line(&DocumentLine {
            event: "document",
            file: &source.name(),
            format: &document.format,
            kind: document.kind(),
            number: document.number(),
            currency: document.currency(),
            payable: document.payable().map(|amount| amount.to_string()),
            issue_date: document.issue_date().map(|date| date.to_string()),
            location: &document.location,
            version: document.version.as_deref(),
            ordinal: document.ordinal,
            due_date: document.due_date().map(|date| date.to_string()),
            purchase_order: document.purchase_order(),
            seller: document.seller(),
            buyer: document.buyer(),
            errors: weight.errors,
            warnings: weight.warnings,
        })
    }

    fn summary(&mut self, source: &Source, summary: &Summary) -> io::Result<()> {
        self.line(&SummaryLine {
            event: "summary",
            file: &source.name(),
            format: &summary.format,
            documents: summary.documents,
            errors: summary.errors,
            warnings: summary.warnings,
            version: summary.version.as_deref(),
            encoding: summary.encoding.as_deref(),
            profile: summary.profile.as_deref(),
        })?;
        // A program that follows a pipe sees each file when it is done.
        self.out.flush()
    }

    fn unusable(&mut self, source: &Source, reason: &str) -> io::Result<()> {
        self.line(&UnusableLine { event: "unusable", file: &source.name(), message: reason })
    }

    fn total(&mut self, _total: &Total) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct FindingLine<'a> {
    event: &'static str,
    severity: &'static str,
    code: &'a str,
    message: &'a str,
    fix: &'a str,
    location: &'a Location,
    file: &'a str,
    rule: Option<&'a str>,
    field: Option<&'a str>,
    value: Option<&'a str>,
    document: Option<u32>,
}

#[derive(Serialize)]
struct DocumentLine<'a> {
    event: &'static str,
    file: &'a str,
    format: &'a str,
    kind: &'static str,
    number: Option<&'a str>,
    currency: Option<&'a str>,
    payable: Option<String>,
    issue_date: Option<String>,
    location: &'a Location,
    version: Option<&'a str>,
    ordinal: u32,
    due_date: Option<String>,
    purchase_order: Option<&'a str>,
    seller: Option<&'a str>,
    buyer: Option<&'a str>,
    errors: u64,
    warnings: u64,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    event: &'static str,
    file: &'a str,
    format: &'a str,
    documents: u64,
    errors: u64,
    warnings: u64,
    version: Option<&'a str>,
    encoding: Option<&'a str>,
    profile: Option<&'a str>,
}

#[derive(Serialize)]
struct UnusableLine<'a> {
    event: &'static str,
    file: &'a str,
    message: &'a str,
}
