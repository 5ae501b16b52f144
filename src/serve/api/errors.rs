//! What is wrong with a file: rows for programs, or the errors file for people.

use std::sync::Arc;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Shared;
use super::super::ask::{Asked, Reading};
use super::super::auth::Caller;
use super::super::cursor::Bound;
use super::super::problem::{Body, Problem};
use super::List;
use super::content::disposition;
use super::files;
use crate::domain::errors_table::{COLUMNS, ErrorsRow};
use crate::domain::{ArrivalId, Scope, chain};
use crate::record::{Cursor, FindingRow};

/// Something the sender should know, with its place and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding, example = json!({
    "severity": "error", "code": "edi_count_mismatch", "rule": null, "line": 14, "byte": 612, "length": 8,
    "path": "ISA[1]/GS[1]/ST[2]/SE/01", "field": "SE01", "value": "12", "document": 2,
    "message": "SE01 says 12 segments, but this transaction set has 11",
    "fix": "Send the transaction set again with the right count.", "original": "SE*12*0002"
}))]
pub(in super::super) struct FindingView {
    /// `error` or `warning`.
    severity: String,
    code: String,
    /// The standard's own name for the rule, if it has one.
    rule: Option<String>,
    /// From 1.
    line: i64,
    /// From the start of the file, from 0.
    byte: i64,
    /// Bytes it covers.
    length: i64,
    /// The place in the format's own words.
    path: String,
    field: Option<String>,
    value: Option<String>,
    /// The document it belongs to, by its place in the file.
    document: Option<i64>,
    message: String,
    fix: String,
    /// The row or segment as it stands in the file.
    original: Option<String>,
}

impl From<FindingRow> for FindingView {
    fn from(row: FindingRow) -> Self {
        Self {
            severity: row.severity,
            code: row.code,
            rule: row.rule,
            line: row.line,
            byte: row.byte,
            length: row.length,
            path: row.path,
            field: row.field,
            value: row.value,
            document: row.document,
            message: row.message,
            fix: row.fix,
            original: row.excerpt,
        }
    }
}

/// Which page of findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct ErrorsQuery {
    /// Rows at most. JSON only: the table is whole.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What is wrong with a file, in the file's order.
///
/// `Accept: text/csv` gives the whole as a table, as the errors file in `/drop` is.
#[utoipa::path(get, path = "/v1/files/{id}/errors", tag = "files",
    params(("id" = String, Path, description = "`fil_…`"), ErrorsQuery),
    responses(
        (status = 200, content((List<FindingView> = "application/json"), (String = "text/csv"))),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn errors(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Asked<ErrorsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut reading = Reading::default();
    let limit = reading.limit(asked.query.limit.as_ref());
    reading.done()?;
    let file = files::shown(&desk, &caller.scope, &id).await?;
    if wants_csv(&headers) {
        return Ok(table(desk, caller.scope, file.id, &file.name));
    }
    let list = format!("findings of {}", file.id);
    let bound = Bound { list: &list, filter: "", scope: &caller.scope };
    let after = desk.seal.unseal(bound, asked.query.cursor.as_ref())?.map_or(-1, |cursor| cursor.ordinal);
    let mut rows = desk.record.findings(&caller.scope, file.id, after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|row| desk.seal.seal(bound, &Cursor { at: 0, id: file.id.to_string(), ordinal: row.ordinal }));
    Ok(Json(List::new(rows.into_iter().map(FindingView::from).collect(), next)).into_response())
}

/// Whether `text/csv` stands in `Accept` before JSON does.
fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    accepted
        .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .find(|range| matches!(range.as_str(), "text/csv" | "application/json"))
        .is_some_and(|range| range == "text/csv")
}

/// Rows read from the record at a time while a table is sent.
const BATCH: u32 = 200;

fn table(desk: Shared, scope: Scope, file: ArrivalId, name: &str) -> Response {
    let head = csv_of([COLUMNS.map(str::to_owned)].iter());
    let scope = Arc::new(scope);
    let rows =
        stream::try_unfold((desk, scope, Some(-1_i64), Some(head)), move |(desk, scope, after, head)| async move {
            if let Some(head) = head {
                return Ok(Some((head, (desk, scope, after, None))));
            }
            let Some(last) = after else { return Ok(None) };
            let rows = desk.record.findings(&scope, file, last, BATCH).await.map_err(|error| {
                tracing::error!(error = chain(&error), "could not go on with an errors table");
                std::io::Error::other("the rest could not be read")
            })?;
            let next = rows.last().filter(|_| rows.len() == BATCH as usize).map(|row| row.ordinal);
            if rows.is_empty() {
                return Ok(None);
            }
            let text = csv_of(rows.iter().map(cells).collect::<Vec<_>>().iter());
            Ok::<_, std::io::Error>(Some((text, (desk, scope, next, None))))
        });
    let mut response = HttpBody::from_stream(rows).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    if let Ok(value) = HeaderValue::from_str(&disposition(&format!("{name}.ERRORS.csv"))) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

fn cells(row: &FindingRow) -> [String; 10] {
    let row = ErrorsRow {
        line: u64::try_from(row.line).unwrap_or(0),
        field: row.field.as_deref(),
        severity: &row.severity,
        code: &row.code,
        rule: row.rule.as_deref(),
        message: &row.message,
        fix: &row.fix,
        path: &row.path,
        value: row.value.as_deref(),
        original: row.excerpt.as_deref(),
    };
    row.cells()
}

fn csv_of<'a>(rows: impl Iterator<Item = &'a [String; 10]>) -> Bytes {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Into memory, with the same number of cells each: there is nothing to fail.
        if let Err(error) = writer.write_record(row) {
            tracing::error!(error = %error, "could not write a row of an errors table");
        }
    }
    writer.into_inner().map(Bytes::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_what_a_client_gets_only_if_it_asks_for_it_first() {
        let accept = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(value));
            wants_csv(&headers)
        };
        assert!(accept("text/csv") && accept("Text/CSV; q=1, application/json"));
        assert!(!accept("*/*") && !accept("application/json, text/csv") && !wants_csv(&HeaderMap::new()));
    }
}
