//! Documents: the invoices, credit notes and vouchers that were read from files.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Shared;
use super::super::ask::{self, Asked, Nothing, Reading};
use super::super::auth::Caller;
use super::super::cursor::Bound;
use super::super::problem::{Body, Problem};
use super::super::tagged::tagged;
use super::List;
use crate::domain::{ArrivalId, DocumentId, Timestamp};
use crate::record::{DocumentFilter, DocumentRow};

/// An exact amount.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"amount": "1234.50", "currency": "USD"}))]
pub(in super::super) struct Money {
    /// Decimal digits, with the scale of the file. Never a float.
    amount: String,
    /// ISO 4217; null when the file does not say.
    currency: Option<String>,
}

/// A document as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "doc_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "organisation": "org_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "kind": "invoice",
    "number": "INV-1041", "status": "submitted", "payable": {"amount": "1234.50", "currency": "USD"},
    "issue_date": "2026-03-01", "due_date": "2026-03-31", "purchase_order": "4500017", "seller": "Northwind Tools",
    "buyer": "Acme Industries", "format": "x12-810", "errors": 0, "received_at": "2026-03-03T02:14:07.123456Z",
    "updated_at": "2026-03-03T02:14:07.541200Z", "file_id": "fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "ordinal": 1, "line": 5,
    "links": {"self": "/v1/invoices/doc_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
              "file": "/v1/files/fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
              "file_content": "/v1/files/fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX/content",
              "file_errors": "/v1/files/fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX/errors"}
}))]
pub(in super::super) struct Invoice {
    /// The same however often its file is read.
    id: String,
    organisation: String,
    /// `invoice`, `credit_note`, `voucher`, `remittance_advice`, `payment_order`, `statement`, `vendor` or
    /// `acknowledgment`.
    kind: String,
    number: Option<String>,
    /// The payer's status; `submitted` for a supplier's invoice, `received` for what asks for no payment.
    status: String,
    /// What is to be paid; null when the file does not say.
    payable: Option<Money>,
    #[schema(format = Date)]
    issue_date: Option<String>,
    #[schema(format = Date)]
    due_date: Option<String>,
    purchase_order: Option<String>,
    seller: Option<String>,
    buyer: Option<String>,
    format: String,
    /// Errors that belong to it.
    errors: i64,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// When this reading of it came into sight: ask again with `updated_since`.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The file it was read from.
    file_id: String,
    /// Its place among the documents of the file.
    ordinal: i64,
    /// The line of the file it starts on.
    line: i64,
    links: InvoiceLinks,
}

/// Where to go on from a document.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct InvoiceLinks {
    #[serde(rename = "self")]
    itself: String,
    file: String,
    file_content: String,
    file_errors: String,
}

/// A document with everything that was read.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct WholeInvoice {
    #[serde(flatten)]
    invoice: Invoice,
    /// The canonical document (EN 16931's terms); amounts are strings.
    document: serde_json::Value,
    provenance: Provenance,
}

/// Where it stands in what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Provenance {
    file_id: String,
    file_name: Option<String>,
    sha256: Option<String>,
    format: String,
    ordinal: i64,
    line: i64,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
}

impl From<DocumentRow> for Invoice {
    fn from(row: DocumentRow) -> Self {
        let (id, file) = (row.id.to_string(), row.file.to_string());
        Self {
            organisation: row.organisation.to_string(),
            kind: row.kind,
            number: row.number,
            status: row.status,
            payable: row.payable.map(|amount| Money { amount, currency: row.currency }),
            issue_date: row.issue_date,
            due_date: row.due_date,
            purchase_order: row.purchase_order,
            seller: row.seller,
            buyer: row.buyer,
            format: row.format,
            errors: row.errors,
            received_at: row.received_at,
            updated_at: row.published_at,
            ordinal: row.ordinal,
            line: row.line,
            links: InvoiceLinks {
                itself: format!("/v1/invoices/{id}"),
                file: format!("/v1/files/{file}"),
                file_content: format!("/v1/files/{file}/content"),
                file_errors: format!("/v1/files/{file}/errors"),
            },
            id,
            file_id: file,
        }
    }
}

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct InvoiceQuery {
    /// `invoice`, `credit_note`, `voucher`, `remittance_advice`, `payment_order`, `statement`, `vendor`,
    /// `acknowledgment`; several separated by commas.
    kind: Option<String>,
    /// One or several statuses, separated by commas.
    status: Option<String>,
    /// One or several numbers, separated by commas.
    number: Option<String>,
    /// The purchase order.
    po: Option<String>,
    /// ISO 4217.
    currency: Option<String>,
    /// The file it was read from.
    file_id: Option<String>,
    /// The seller's name.
    supplier: Option<String>,
    /// Another word for `supplier`.
    vendor: Option<String>,
    /// The buyer's name.
    buyer: Option<String>,
    /// Payable at least this much.
    #[param(example = "100.00")]
    amount_min: Option<String>,
    /// Payable at most this much.
    amount_max: Option<String>,
    /// Issued on or after this day.
    #[param(example = "2026-03-01")]
    invoice_date_from: Option<String>,
    /// Issued on or before this day.
    invoice_date_to: Option<String>,
    /// Due on or after this day.
    due_from: Option<String>,
    /// Due on or before this day.
    due_to: Option<String>,
    /// Came into sight, or was read again, at or after this moment.
    updated_since: Option<String>,
    /// `true`: only those with errors; `false`: only those without.
    #[param(value_type = Option<bool>)]
    has_errors: Option<String>,
    /// Text in number, purchase order, seller or buyer.
    q: Option<String>,
    /// Rows at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The documents: newest file first, then in the file's order.
#[utoipa::path(get, path = "/v1/invoices", tag = "invoices", params(InvoiceQuery), responses(
    (status = 200, body = List<Invoice>)
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    asked: Asked<InvoiceQuery>,
) -> Result<Json<List<Invoice>>, Problem> {
    let query = asked.query;
    let mut reading = Reading::default();
    let limit = reading.limit(query.limit.as_ref());
    let filter = filter_of(&query, &mut reading);
    reading.done()?;
    let bound = Bound { list: "invoices", filter: &asked.filter, scope: &caller.scope };
    let after = desk.seal.unseal(bound, query.cursor.as_ref())?;
    let page = desk.record.documents(&caller.scope, &filter, after.as_ref(), limit).await?;
    let next = page.next.map(|cursor| desk.seal.seal(bound, &cursor));
    Ok(Json(List::new(page.rows.into_iter().map(Invoice::from).collect(), next)))
}

fn filter_of(query: &InvoiceQuery, reading: &mut Reading) -> DocumentFilter {
    let supplier = reading.one("supplier", query.supplier.as_ref(), ask::text);
    let vendor = reading.one("vendor", query.vendor.as_ref(), |text| match &query.supplier {
        Some(_) => Err("it means the same as `supplier`; give one of them".to_owned()),
        None => ask::text(text),
    });
    DocumentFilter {
        kinds: reading.list("kind", query.kind.as_ref(), ask::text),
        statuses: reading.list("status", query.status.as_ref(), ask::text),
        numbers: reading.list("number", query.number.as_ref(), ask::text),
        purchase_order: reading.one("po", query.po.as_ref(), ask::text),
        currency: reading.one("currency", query.currency.as_ref(), |text| Ok(text.to_ascii_uppercase())),
        file: reading.one("file_id", query.file_id.as_ref(), |text| {
            ArrivalId::parse(text).ok_or_else(|| format!("`{text}` is not a file's id"))
        }),
        seller: supplier.or(vendor),
        buyer: reading.one("buyer", query.buyer.as_ref(), ask::text),
        amount_min: reading.one("amount_min", query.amount_min.as_ref(), ask::amount),
        amount_max: reading.one("amount_max", query.amount_max.as_ref(), ask::amount),
        issue_date_from: reading.one("invoice_date_from", query.invoice_date_from.as_ref(), ask::date),
        issue_date_to: reading.one("invoice_date_to", query.invoice_date_to.as_ref(), ask::date),
        due_from: reading.one("due_from", query.due_from.as_ref(), ask::date),
        due_to: reading.one("due_to", query.due_to.as_ref(), ask::date),
        received_since: None,
        published_since: reading.one("updated_since", query.updated_since.as_ref(), ask::moment),
        has_errors: reading.one("has_errors", query.has_errors.as_ref(), ask::truth),
        text: reading.one("q", query.q.as_ref(), ask::text),
    }
}

/// One document, whole.
#[utoipa::path(get, path = "/v1/invoices/{id}", tag = "invoices", params(("id" = String, Path, description = "`doc_…`")),
    responses(
        (status = 200, body = WholeInvoice),
        (status = 304, description = "`If-None-Match` names what there is"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn one(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = match DocumentId::parse(&id) {
        None => None,
        Some(id) => desk.record.document(&caller.scope, id).await?,
    };
    let mut row = found.ok_or_else(|| Problem::not_found("document"))?;
    let body = row.body.take().unwrap_or_default();
    let document = serde_json::from_str(&body).map_err(|error| Problem::internal("read a stored document", &error))?;
    let file = desk.record.file(&caller.scope, row.file).await?;
    let provenance = Provenance {
        file_id: row.file.to_string(),
        file_name: file.as_ref().map(|file| file.name.clone()),
        sha256: file.map(|file| file.sha256),
        format: row.format.clone(),
        ordinal: row.ordinal,
        line: row.line,
        received_at: row.received_at,
    };
    tagged(&headers, &WholeInvoice { invoice: row.into(), document, provenance })
}
