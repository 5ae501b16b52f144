//! What a request asks, read strictly: an unknown, repeated or malformed query parameter is an error that
//! names it, because a filter that is silently ignored shows the wrong rows.

use std::collections::BTreeSet;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::Shared;
use super::problem::{Code, Fault, Problem};
use crate::domain::{PathError, Timestamp, VirtualPath};

/// The query of a request as its documented parameters, and nothing else.
#[derive(Debug)]
pub(super) struct Asked<T> {
    pub(super) query: T,
    /// The parameters that choose rows, in a fixed order: what a cursor is bound to.
    pub(super) filter: String,
}

impl<T: DeserializeOwned + IntoParams, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(mut pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::new(Code::ValidationFailed, "the query string could not be read"))?;
        let known: BTreeSet<String> = T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
        // What is read above has a mark for each byte that is no UTF-8: two names could collapse into one.
        for (name, value) in parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            if decoded(value.as_bytes()).is_some_and(|value| std::str::from_utf8(&value).is_err()) {
                refuse(vec![fault(name, "invalid", PathError::NotUtf8.to_string())])?;
            }
        }
        pairs.sort();
        let mut faults = vec![];
        let mut object = serde_json::Map::new();
        for (name, value) in &pairs {
            if !known.contains(name) {
                let names = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let names = if names.is_empty() { "none".to_owned() } else { names };
                faults.push(fault(
                    name,
                    "unknown_parameter",
                    format!("`{name}` is not a parameter here; known: {names}"),
                ));
            } else if object.insert(name.clone(), serde_json::Value::String(value.clone())).is_some() {
                faults.push(fault(
                    name,
                    "repeated_parameter",
                    format!("`{name}` is given twice; separate values by commas"),
                ));
            }
        }
        refuse(faults)?;
        pairs.retain(|(name, _)| !matches!(name.as_str(), "cursor" | "limit"));
        let filter = serde_json::to_string(&pairs).unwrap_or_default();
        let query = serde_json::from_value(serde_json::Value::Object(object))
            .map_err(|error| Problem::new(Code::ValidationFailed, error.to_string()))?;
        Ok(Self { query, filter })
    }
}

/// For routes that take no parameters.
#[derive(Debug, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Nothing {}

/// Rows a page has, when the client does not say and at most.
const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// Reads parameters one by one and gathers what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Reading {
    faults: Vec<Fault>,
}

impl Reading {
    /// One value.
    pub(super) fn one<T>(
        &mut self,
        name: &str,
        value: Option<&String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(value?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.faults.push(fault(name, "invalid", format!("`{name}`: {message}")));
                None
            }
        }
    }

    /// Values separated by commas.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        value: Option<&String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let words = value.map(|value| value.split(',').map(str::trim).collect::<Vec<_>>()).unwrap_or_default();
        if words.len() > LIST_MAX {
            self.faults.push(fault(name, "invalid", format!("`{name}` has more than {LIST_MAX} values")));
            return vec![];
        }
        words.into_iter().filter_map(|word| self.one(name, Some(&word.to_owned()), &parse)).collect()
    }

    /// The `limit` of a list.
    pub(super) fn limit(&mut self, value: Option<&String>) -> u32 {
        self.one("limit", value, |text| {
            let limit = text.parse::<u32>().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
            limit.ok_or_else(|| format!("`{text}` is not a number from 1 to {LIMIT_MAX}"))
        })
        .unwrap_or(LIMIT_DEFAULT)
    }

    /// Refuses the request if anything was wrong.
    pub(super) fn done(self) -> Result<(), Problem> {
        refuse(self.faults)
    }
}

/// Values one parameter may list.
const LIST_MAX: usize = 100;

fn refuse(faults: Vec<Fault>) -> Result<(), Problem> {
    let Some(first) = faults.first() else { return Ok(()) };
    Err(Problem::new(Code::ValidationFailed, first.message.clone()).with_errors(faults))
}

fn fault(pointer: &str, code: &'static str, message: String) -> Fault {
    Fault { pointer: Some(pointer.to_owned()), code, message, ..Fault::default() }
}

/// What a percent-encoded text stands for (RFC 3986 section 2.1).
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

/// A file in `/drop`, as every door reads its path.
pub(super) fn file_name(value: &str) -> Result<String, String> {
    match VirtualPath::parse(value.as_bytes()) {
        Ok(VirtualPath::File(name)) => Ok(name.as_str().to_owned()),
        Ok(folder) => Err(format!("{folder} is a folder; give the file a name")),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("it is empty".to_owned()) } else { Ok(value.to_owned()) }
}

pub(super) fn moment(value: &str) -> Result<Timestamp, String> {
    Timestamp::parse(value)
}

pub(super) fn truth(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("`{value}` is not true or false"))
}

pub(super) fn amount(value: &str) -> Result<Decimal, String> {
    Decimal::from_str_exact(value).map_err(|_| format!("`{value}` is not an amount: write 1234.50"))
}

/// A civil date, as it is stored.
pub(super) fn date(value: &str) -> Result<String, String> {
    let date = value.parse::<jiff::civil::Date>().map_err(|_| format!("`{value}` is not a date: write 2026-03-03"))?;
    Ok(date.to_string())
}

/// A JSON body of a known shape.
#[derive(Debug)]
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Shared) -> Result<Self, Problem> {
        let kind = content_type(&request);
        if kind != "application/json" {
            let what = if kind.is_empty() { "does not say its type".to_owned() } else { format!("is `{kind}`") };
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                format!("the body {what}; send JSON, with `Content-Type: application/json`"),
            ));
        }
        let bytes = whole_body(request, desk).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let message = error.to_string();
            Problem::new(Code::ValidationFailed, format!("the body is not the JSON expected here: {message}"))
                .with_errors(vec![Fault {
                    line: Some(error.line() as u64),
                    column: Some(error.column() as u64),
                    code: "invalid",
                    message,
                    ..Fault::default()
                }])
        })?;
        Ok(Self(value))
    }
}

/// The media type of a body, without its parameters, in lower case.
pub(super) fn content_type(request: &Request) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A body that fits the limit of `[http] body_max`.
pub(super) async fn whole_body(request: Request, desk: &Shared) -> Result<bytes::Bytes, Problem> {
    let limit = usize::try_from(desk.settings.now().body_max.bytes()).unwrap_or(usize::MAX);
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        let too_long =
            std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("length limit"));
        if too_long || error.to_string().contains("length limit") {
            Problem::new(Code::PayloadTooLarge, format!("the body is longer than {}", desk.settings.now().body_max))
        } else {
            Problem::new(Code::ValidationFailed, "the body broke off before its end")
        }
    })
}
