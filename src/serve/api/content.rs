//! A file's original bytes, whole or in part, streamed.

use axum::body::Body as HttpBody;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_RANGE, RANGE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;

use super::super::Shared;
use super::super::ask::{Asked, Nothing};
use super::super::auth::Caller;
use super::super::problem::{Body, Code, Problem};
use super::super::tagged;
use super::files;
use crate::domain::{Digest, Event, Severity, chain};
use crate::originals::Original;
use crate::record::FileRow;

/// Bytes in memory for each download.
const CHUNK_BYTES: usize = 64 * 1024;

/// The original, exactly as it came.
///
/// Takes one `Range`, and `If-Range` with the `ETag`, which is the SHA-256. That it was asked for is logged.
#[utoipa::path(get, path = "/v1/files/{id}/content", tag = "files",
    params(("id" = String, Path, description = "`fil_…`"),
           ("range" = Option<String>, Header, description = "`bytes=0-1023`, `bytes=1024-`, `bytes=-512`")),
    responses(
        (status = 200, description = "The whole file", body = String, content_type = "application/octet-stream"),
        (status = 206, description = "The range", body = String, content_type = "application/octet-stream"),
        (status = 304, description = "`If-None-Match` names its SHA-256"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json"),
        (status = 416, description = "`range_not_satisfiable`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn content(
    State(desk): State<Shared>,
    caller: Caller,
    method: Method,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = files::shown(&desk, &caller.scope, &id).await?;
    let tag = format!("\"{}\"", file.sha256);
    if tagged::matches(&headers, &tag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        put(&mut response, ETAG, &tag);
        return Ok(response);
    }
    let original =
        desk.originals.open(&file.object_key).await.map_err(|error| Problem::internal("open an original", &error))?;
    let size = original.size_bytes();
    let asked =
        headers.get(RANGE).filter(|_| headers.get(IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes()));
    let span = match asked.map(|range| range_of(range.to_str().unwrap_or_default(), size)) {
        None | Some(Asking::Whole) => None,
        Some(Asking::Part(from, to)) => Some((from, to)),
        Some(Asking::Outside) => {
            let range =
                HeaderValue::from_str(&format!("bytes */{size}")).unwrap_or(HeaderValue::from_static("bytes */0"));
            return Err(Problem::new(Code::RangeNotSatisfiable, format!("the file has {size} bytes"))
                .with_header(CONTENT_RANGE, range));
        }
    };
    let (from, to) = span.unwrap_or((0, size));
    if method == Method::GET && from == 0 {
        note(&desk, &caller, &file).await;
    }
    let body =
        if method == Method::HEAD { HttpBody::empty() } else { HttpBody::from_stream(chunks(original, from, to)) };
    let mut response = body.into_response();
    put(&mut response, CONTENT_TYPE, "application/octet-stream");
    put(&mut response, ACCEPT_RANGES, "bytes");
    put(&mut response, CONTENT_LENGTH, &(to - from).to_string());
    put(&mut response, ETAG, &tag);
    put(&mut response, CONTENT_DISPOSITION, &disposition(&file.name));
    if let Some(digest) = Digest::from_hex(&file.sha256) {
        // RFC 9530: of the whole file, whatever part this is.
        let value = format!("sha-256=:{}:", STANDARD.encode(digest.as_bytes()));
        put(&mut response, HeaderName::from_static("repr-digest"), &value);
    }
    if span.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        put(&mut response, CONTENT_RANGE, &format!("bytes {from}-{}/{size}", to.saturating_sub(1)));
    }
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn chunks(original: Original, from: u64, to: u64) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((original, from), move |(original, offset)| async move {
        let wanted = usize::try_from(to.saturating_sub(offset)).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        if wanted == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; wanted];
        let count = original.read_at(offset, &mut chunk).await.inspect_err(|error| {
            tracing::error!(error = %error, "could not read on in an original");
        })?;
        if count == 0 {
            tracing::error!("an original is shorter than it was when it was opened");
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        chunk.truncate(count);
        Ok(Some((Bytes::from(chunk), (original, offset + count as u64))))
    })
}

/// Who took an original, for the log.
async fn note(desk: &Shared, caller: &Caller, file: &FileRow) {
    let mut event = Event::new(
        "download.opened",
        Severity::Info,
        format!("`{}` was asked for by {}", file.name, caller.scope.principal()),
    )
    .org(file.organisation)
    .file(file.id);
    event.user = Some(caller.token_name.clone());
    event.proto = Some("https".to_owned());
    event.ip = Some(caller.address.ip().to_string());
    if let Err(error) = desk.record.tell(vec![event]).await {
        tracing::error!(error = chain(&error), "could not note a download");
    }
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asking {
    /// Not one range of bytes: RFC 9110 §14.2 lets us send everything.
    Whole,
    /// From the first byte to before the second.
    Part(u64, u64),
    Outside,
}

fn range_of(text: &str, size: u64) -> Asking {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|text| text.trim().split_once('-')) else {
        return Asking::Whole;
    };
    let number = |text: &str| {
        // `parse` takes a sign, which a range has not.
        if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None }
    };
    match (first, last) {
        ("", last) => match number(last) {
            None => Asking::Whole,
            Some(0) => Asking::Outside,
            Some(_) if size == 0 => Asking::Outside,
            Some(count) => Asking::Part(size.saturating_sub(count), size),
        },
        (first, last) => {
            let Some(first) = number(first) else { return Asking::Whole };
            let last = if last.is_empty() { Some(u64::MAX) } else { number(last) };
            match last {
                None => Asking::Whole,
                Some(last) if last < first => Asking::Whole,
                Some(_) if first >= size => Asking::Outside,
                Some(last) => Asking::Part(first, last.saturating_add(1).min(size)),
            }
        }
    }
}

/// `Content-Disposition` for a name from a stranger (RFC 6266): plain characters for old clients, and the
/// whole name percent-encoded (RFC 8187) for the others.
pub(super) fn disposition(name: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() || "._- ()+,".contains(character) { character } else { '_' }
    };
    let safe: String = name.chars().map(plain).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{safe}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_or_the_whole_or_outside() {
        for (text, expected) in [
            ("bytes=0-9", Asking::Part(0, 10)),
            ("bytes=90-", Asking::Part(90, 100)),
            ("bytes=90-1000", Asking::Part(90, 100)),
            ("bytes=-5", Asking::Part(95, 100)),
            ("bytes=-500", Asking::Part(0, 100)),
            ("bytes=100-", Asking::Outside),
            ("bytes=-0", Asking::Outside),
            ("bytes=9-3", Asking::Whole),
            ("bytes=0-1,4-5", Asking::Whole),
            ("bytes=+1-2", Asking::Whole),
            ("bytes=0-18446744073709551615", Asking::Part(0, 100)),
            ("bytes=0-99999999999999999999", Asking::Whole),
            ("lines=1-2", Asking::Whole),
            ("", Asking::Whole),
        ] {
            assert_eq!(range_of(text, 100), expected, "{text}");
        }
        assert_eq!(range_of("bytes=-5", 0), Asking::Outside);
        assert_eq!(range_of("bytes=0-", 0), Asking::Outside);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let value = disposition("a\"; filename=evil.html\r\n\u{e9}.edi");
        assert!(value.starts_with("attachment; filename=\"a__ filename_evil.html__"), "{value}");
        assert_eq!(value.matches('"').count(), 2);
        assert!(value.ends_with("%0D%0A%C3%A9.edi") && HeaderValue::from_str(&value).is_ok());
    }
}
