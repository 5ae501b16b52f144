//! A form with one file in it, read as a stream.
//!
//! The reader of forms we use takes in whatever the body has ready, and looks for the end of a part's
//! headers however long they are. So the body is handed to it in turns, and cut off when too much of it
//! was taken without anything having come out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body as HttpBody, BodyDataStream};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use futures_util::Stream;

use super::super::super::problem::Problem;
use super::{Receiving, broken_off};
use crate::land::Session;

/// The name of the part with the file.
const PART: &str = "file";
/// Bytes that may be taken in without any coming out: part headers, and what is read ahead.
const AHEAD_BYTES_MAX: u64 = 1 << 20;
/// Parts beside the file: forms from a browser may have some.
const PARTS_MAX: usize = 16;

pub(super) async fn receive(session: &Session, request: Request) -> Result<Receiving, Problem> {
    let ahead = Arc::new(AtomicU64::new(0));
    let (head, body) = request.into_parts();
    let turns = Turns { body: HttpBody::into_data_stream(body), ahead: Arc::clone(&ahead), resting: false };
    let request = Request::from_parts(head, HttpBody::from_stream(turns));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| {
        Problem::at("Content-Type", format!("the form has no usable boundary: {}", error.body_text()))
    })?;
    let mut receiving: Option<Receiving> = None;
    let mut parts = 0;
    while let Some(mut part) = form.next_field().await.map_err(|error| broken_off(&error.body_text()))? {
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Problem::at(PART, format!("the form has more than {PARTS_MAX} parts; send one file")));
        }
        let mut arriving = if part.name() == Some(PART) {
            if receiving.is_some() {
                return Err(Problem::at(PART, "the form has two parts `file`; send each file in a request of its own"));
            }
            let name = part.file_name().map(str::to_owned);
            let name = name.ok_or_else(|| Problem::at(PART, "the part `file` has no filename"))?;
            Some(Receiving::begin(session, name.as_bytes()).await?)
        } else {
            None
        };
        while let Some(bytes) = part.chunk().await.map_err(|error| broken_off(&error.body_text()))? {
            ahead.store(0, Ordering::Relaxed);
            if let Some(arriving) = &mut arriving {
                arriving.take(&bytes).await?;
            }
        }
        ahead.store(0, Ordering::Relaxed);
        receiving = arriving.or(receiving);
    }
    // Only here was the form's last boundary seen: a body cut short does not get this far.
    receiving.ok_or_else(|| Problem::at(PART, "the form has no part named `file`"))
}

/// The body, a piece at a time.
struct Turns {
    body: BodyDataStream,
    ahead: Arc<AtomicU64>,
    resting: bool,
}

impl Stream for Turns {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.resting) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.resting = true;
            let size = bytes.len() as u64;
            if self.ahead.fetch_add(size, Ordering::Relaxed) + size > AHEAD_BYTES_MAX {
                return Poll::Ready(Some(Err(axum::Error::new("the headers of a part do not end"))));
            }
        }
        next
    }
}
