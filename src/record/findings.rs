//! Findings: written by an attempt, visible once it is published.

use waybill_parsers::Finding;

use super::queue::Lease;
use super::sql::{Kind, Writing, insert_many, query};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Scope};

/// A finding as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    pub ordinal: i64,
    pub severity: String,
    pub code: String,
    pub rule: Option<String>,
    pub message: String,
    pub fix: String,
    pub byte: i64,
    pub line: i64,
    pub path: String,
    pub length: i64,
    pub field: Option<String>,
    pub value: Option<String>,
    pub excerpt: Option<String>,
    /// The document it belongs to, by its ordinal in the file.
    pub document: Option<i64>,
}

impl Record {
    /// The findings of a file, in order, after the `after`th, at most `limit`.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn findings(&self, scope: &Scope, file: ArrivalId, after: i64, limit: u32) -> Result<Vec<FindingRow>> {
        let mut seen = self.seen_by(scope, "read the findings of a file").await?;
        let rows = query(
            "select f.ordinal, f.severity, f.code, f.rule, f.message, f.fix, f.byte, f.line, f.path, f.length, f.field,
                    f.value, f.excerpt, f.document_ordinal
             from upload u
             join ingestion i on i.content_id = u.content_id
             join finding f on f.content_id = i.content_id and f.gen = i.active_gen
             where u.id = $1 and u.state = 'committed' and ($2 is null or u.organisation_id = $2) and f.ordinal > $3
             order by f.ordinal limit $4",
        )
        .bind(file.to_string())
        .bind(scope.organisation().map(|id| id.to_string()))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut seen)
        .await
        .map_err(RecordError::doing("read the findings of a file"))?;
        Ok(rows
            .iter()
            .map(|row| FindingRow {
                ordinal: row.get("ordinal"),
                severity: row.get("severity"),
                code: row.get("code"),
                rule: row.get("rule"),
                message: row.get("message"),
                fix: row.get("fix"),
                byte: row.get("byte"),
                line: row.get("line"),
                path: row.get("path"),
                length: row.get("length"),
                field: row.get("field"),
                value: row.get("value"),
                excerpt: row.get("excerpt"),
                document: row.get("document_ordinal"),
            })
            .collect())
    }
}

/// The columns of a finding, in the order in which they are written.
const WRITTEN: [(&str, Kind); 16] = [
    ("content_id", Kind::Text),
    ("gen", Kind::Number),
    ("ordinal", Kind::Number),
    ("severity", Kind::Text),
    ("code", Kind::Text),
    ("rule", Kind::Text),
    ("message", Kind::Text),
    ("fix", Kind::Text),
    ("byte", Kind::Number),
    ("line", Kind::Number),
    ("path", Kind::Text),
    ("length", Kind::Number),
    ("field", Kind::Text),
    ("value", Kind::Text),
    ("excerpt", Kind::Text),
    ("document_ordinal", Kind::Number),
];

/// Writes findings of an attempt, many a statement.
pub(super) async fn insert_findings(
    tx: &mut Writing,
    lease: &Lease,
    findings: &[(i64, Box<Finding>)],
) -> Result<(), sqlx::Error> {
    let rows = findings.iter().map(|(ordinal, finding)| {
        vec![
            lease.content.to_string().into(),
            lease.fence.into(),
            (*ordinal).into(),
            finding.severity.as_str().into(),
            finding.code.as_str().into(),
            finding.rule.into(),
            (&finding.message).into(),
            (&finding.fix).into(),
            i64::try_from(finding.location.byte).unwrap_or(i64::MAX).into(),
            i64::try_from(finding.location.line).unwrap_or(i64::MAX).into(),
            finding.location.path.to_string().into(),
            i64::from(finding.location.len).into(),
            (&finding.field).into(),
            (&finding.value).into(),
            (&finding.excerpt).into(),
            finding.document.map(i64::from).into(),
        ]
    });
    insert_many(tx, "finding", &WRITTEN, rows.collect(), "").await
}
