//! Documents: written by an attempt, visible once it is published.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use waybill_parsers::Document;

use super::identity::text_id;
use super::page::{Cursor, Page};
use super::queue::Lease;
use super::sql::{Builder, Kind, Row, Writing, insert_many};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Digest, DocumentId, OrganisationId, Scope, Timestamp};

/// A document as an attempt writes it.
#[derive(Debug, Clone)]
pub struct NewDocument {
    pub document: Box<Document>,
    /// Error findings that belong to it.
    pub errors: i64,
    /// Its status on the way to being paid: the payer's, or `submitted`.
    pub status: String,
}

/// A document as it is shown.
#[derive(Debug, Clone)]
pub struct DocumentRow {
    pub id: DocumentId,
    pub organisation: OrganisationId,
    pub file: ArrivalId,
    pub ordinal: i64,
    pub received_at: Timestamp,
    /// When its file's reading was published: later than any change to it.
    pub published_at: Timestamp,
    pub kind: String,
    pub number: Option<String>,
    pub currency: Option<String>,
    pub payable: Option<String>,
    pub issue_date: Option<String>,
    pub due_date: Option<String>,
    pub purchase_order: Option<String>,
    pub seller: Option<String>,
    pub buyer: Option<String>,
    pub status: String,
    pub format: String,
    /// Error findings that belong to it.
    pub errors: i64,
    /// The line of the original it starts on.
    pub line: i64,
    /// The whole canonical document, as JSON; only when one is asked for.
    pub body: Option<String>,
}

/// Which documents. Everything given must hold; inside a list, any one.
#[derive(Debug, Clone, Default)]
pub struct DocumentFilter {
    pub kinds: Vec<String>,
    pub statuses: Vec<String>,
    pub numbers: Vec<String>,
    pub purchase_order: Option<String>,
    pub currency: Option<String>,
    pub file: Option<ArrivalId>,
    pub seller: Option<String>,
    pub buyer: Option<String>,
    pub amount_min: Option<Decimal>,
    pub amount_max: Option<Decimal>,
    /// Civil dates, `YYYY-MM-DD`, both ends included.
    pub issue_date_from: Option<String>,
    pub issue_date_to: Option<String>,
    pub due_from: Option<String>,
    pub due_to: Option<String>,
    /// Received at or after.
    pub received_since: Option<Timestamp>,
    /// Published at or after: new, or read again.
    pub published_since: Option<Timestamp>,
    pub has_errors: Option<bool>,
    /// Text in number, order, seller or buyer.
    pub text: Option<String>,
}

const COLUMNS: &str =
    "select d.id, d.organisation_id, d.upload_id, d.ordinal, d.received_at, d.kind, d.number, d.currency,
    d.payable, d.issue_date, d.due_date, d.purchase_order, d.seller, d.buyer, d.status, d.format, d.errors, d.line,
    i.published_at";
const VISIBLE: &str =
    " from document d join ingestion i on i.content_id = d.content_id and i.active_gen = d.gen where 1 = 1";

impl Record {
    /// The documents a scope shows, newest file first, in the order of the file.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn documents(
        &self,
        scope: &Scope,
        filter: &DocumentFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<DocumentRow>> {
        let mut query = Builder::new(COLUMNS);
        query.push(VISIBLE);
        narrow(&mut query, scope, filter);
        if let Some(after) = after {
            query.push(" and (d.received_at < ").push_bind(after.at);
            query.push(" or (d.received_at = ").push_bind(after.at);
            query.push(" and (d.upload_id < ").push_bind(after.id.clone());
            query.push(" or (d.upload_id = ").push_bind(after.id.clone());
            query.push(" and d.ordinal > ").push_bind(after.ordinal).push("))))");
        }
        query.push(" order by d.received_at desc, d.upload_id desc, d.ordinal limit ").push_bind(i64::from(limit) + 1);
        let mut seen = self.seen_by(scope, "list documents").await?;
        let rows = query.build().fetch_all(&mut seen).await.map_err(RecordError::doing("list documents"))?;
        let rows = rows.iter().map(|row| document_of(row, None)).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(rows, limit, |row| Cursor {
            at: row.received_at.micros(),
            id: row.file.to_string(),
            ordinal: row.ordinal,
        }))
    }

    /// One document with its body, if the scope shows it.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn document(&self, scope: &Scope, id: DocumentId) -> Result<Option<DocumentRow>> {
        let mut query = Builder::new(COLUMNS);
        query.push(", d.body").push(VISIBLE).push(" and d.id = ").push_bind(id.to_string());
        if let Some(organisation) = scope.organisation() {
            query.push(" and d.organisation_id = ").push_bind(organisation.to_string());
        }
        let mut seen = self.seen_by(scope, "read a document").await?;
        let row = query.build().fetch_optional(&mut seen).await.map_err(RecordError::doing("read a document"))?;
        row.map(|row| document_of(&row, Some(row.get("body")))).transpose()
    }
}

fn narrow(query: &mut Builder, scope: &Scope, filter: &DocumentFilter) {
    if let Some(organisation) = scope.organisation() {
        query.push(" and d.organisation_id = ").push_bind(organisation.to_string());
    }
    if let Some(file) = filter.file {
        query
            .push(" and d.content_id = (select content_id from upload where id = ")
            .push_bind(file.to_string())
            .push(")");
    }
    for (column, values) in [
        (" and d.kind in (", &filter.kinds),
        (" and d.status in (", &filter.statuses),
        (" and d.number in (", &filter.numbers),
    ] {
        if !values.is_empty() {
            query.push(column).push_list(values).push(")");
        }
    }
    for (column, value) in [
        (" and d.purchase_order = ", &filter.purchase_order),
        (" and d.currency = ", &filter.currency),
        (" and d.seller = ", &filter.seller),
        (" and d.buyer = ", &filter.buyer),
        (" and d.issue_date >= ", &filter.issue_date_from),
        (" and d.issue_date <= ", &filter.issue_date_to),
        (" and d.due_date >= ", &filter.due_from),
        (" and d.due_date <= ", &filter.due_to),
    ] {
        if let Some(value) = value {
            query.push(column).push_bind(value.clone());
        }
    }
    for (column, value) in [(" and d.payable_e4 >= ", filter.amount_min), (" and d.payable_e4 <= ", filter.amount_max)]
    {
        if let Some(value) = value {
            query.push(column).push_bind(scaled(value));
        }
    }
    if let Some(since) = filter.received_since {
        query.push(" and d.received_at >= ").push_bind(since.micros());
    }
    if let Some(since) = filter.published_since {
        query.push(" and i.published_at >= ").push_bind(since.micros());
    }
    match filter.has_errors {
        Some(true) => query.push(" and d.errors > 0"),
        Some(false) => query.push(" and d.errors = 0"),
        None => query,
    };
    if let Some(text) = &filter.text {
        query.push(" and instr(lower(coalesce(d.number, '') || ' ' || coalesce(d.purchase_order, '') || ' ' || coalesce(d.seller, '') || ' ' || coalesce(d.buyer, '')), ");
        query.push_bind(text.to_lowercase()).push(") > 0");
    }
}

fn document_of(row: &Row, body: Option<String>) -> Result<DocumentRow> {
    Ok(DocumentRow {
        id: text_id(row, "id", DocumentId::parse)?,
        organisation: text_id(row, "organisation_id", OrganisationId::parse)?,
        file: text_id(row, "upload_id", ArrivalId::parse)?,
        ordinal: row.get("ordinal"),
        received_at: Timestamp::from_micros(row.get("received_at")),
        published_at: Timestamp::from_micros(row.get("published_at")),
        kind: row.get("kind"),
        number: row.get("number"),
        currency: row.get("currency"),
        payable: row.get("payable"),
        issue_date: row.get("issue_date"),
        due_date: row.get("due_date"),
        purchase_order: row.get("purchase_order"),
        seller: row.get("seller"),
        buyer: row.get("buyer"),
        status: row.get::<Option<String>>("status").unwrap_or_default(),
        format: row.get("format"),
        errors: row.get("errors"),
        line: row.get("line"),
        body,
    })
}

/// The columns of a document, in the order in which they are written.
const WRITTEN: [(&str, Kind); 22] = [
    ("id", Kind::Text),
    ("content_id", Kind::Text),
    ("gen", Kind::Number),
    ("ordinal", Kind::Number),
    ("organisation_id", Kind::Text),
    ("upload_id", Kind::Text),
    ("received_at", Kind::Number),
    ("kind", Kind::Text),
    ("number", Kind::Text),
    ("currency", Kind::Text),
    ("payable", Kind::Text),
    ("payable_e4", Kind::Number),
    ("issue_date", Kind::Text),
    ("due_date", Kind::Text),
    ("purchase_order", Kind::Text),
    ("seller", Kind::Text),
    ("buyer", Kind::Text),
    ("status", Kind::Text),
    ("format", Kind::Text),
    ("errors", Kind::Number),
    ("line", Kind::Number),
    ("body", Kind::Text),
];

/// Writes documents of an attempt, many at once.
pub(super) async fn insert_documents(
    tx: &mut Writing,
    lease: &Lease,
    documents: &[NewDocument],
) -> Result<(), sqlx::Error> {
    let mut rows = Vec::with_capacity(documents.len());
    for new in documents {
        let document = &new.document;
        let body = serde_json::to_string(document).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        rows.push(vec![
            document_id(lease.content, document.ordinal).to_string().into(),
            lease.content.to_string().into(),
            lease.fence.into(),
            i64::from(document.ordinal).into(),
            lease.organisation.to_string().into(),
            lease.file.to_string().into(),
            lease.received_at.micros().into(),
            document.kind().into(),
            document.number().into(),
            document.currency().into(),
            document.payable().map(|amount| amount.to_string()).into(),
            document.payable().map(scaled).into(),
            document.issue_date().map(|date| date.to_string()).into(),
            document.due_date().map(|date| date.to_string()).into(),
            document.purchase_order().into(),
            document.seller().into(),
            document.buyer().into(),
            (&new.status).into(),
            document.format.as_str().into(),
            new.errors.into(),
            i64::try_from(document.location.line).unwrap_or(i64::MAX).into(),
            body.into(),
        ]);
    }
    insert_many(tx, "document", &WRITTEN, rows, "").await
}

/// The amount times 10,000, rounded: comparable in either database. An amount beyond 9×10^14 is at the end.
fn scaled(amount: Decimal) -> i64 {
    amount
        .checked_mul(Decimal::from(10_000))
        .map(|scaled| scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero))
        .and_then(|scaled| scaled.to_i64())
        .unwrap_or(if amount.is_sign_negative() { i64::MIN } else { i64::MAX })
}

/// A document keeps its id however often its file is read: it is made of the content and the ordinal.
fn document_id(content: ArrivalId, ordinal: u32) -> DocumentId {
    DocumentId::derived(Digest::of(format!("{content}/{ordinal}").as_bytes()))
}
