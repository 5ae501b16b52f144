//! The event stream of a server (server-sent events, WHATWG HTML §9.2), taken up again where it broke off.

use std::time::Duration;

use anyhow::bail;
use reqwest::Response;

use super::remote::{Refusal, Remote};
use crate::cli::note;
use crate::domain::Event;

/// A stream that mends itself.
pub(in super::super) struct Stream {
    remote: Remote,
    query: Vec<(&'static str, String)>,
    /// Everything up to here was received or filtered out.
    after: i64,
    open: Option<(Response, Lines)>,
    /// How often it broke off since the last event; `None` before the first connection.
    broken: Option<u32>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Stream({:?} after {})", self.remote, self.after)
    }
}

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

impl Stream {
    pub(super) fn new(remote: Remote, query: Vec<(&'static str, String)>, after: i64) -> Self {
        Self { remote, query, after, open: None, broken: None }
    }

    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<Event>> {
        loop {
            let Some((response, lines)) = &mut self.open else {
                self.connect().await?;
                continue;
            };
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    let messages = lines.push(&bytes)?;
                    let mut events = vec![];
                    for message in messages {
                        self.after = message.id.unwrap_or(self.after);
                        if !message.data.is_empty() {
                            events.push(serde_json::from_str::<Event>(&message.data)?);
                        }
                    }
                    if !events.is_empty() {
                        return Ok(events);
                    }
                }
                Ok(None) | Err(_) => {
                    note("the stream broke off; connecting again");
                    self.open = None;
                }
            }
        }
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        if let Some(times) = self.broken {
            tokio::time::sleep(PAUSE_MIN.saturating_mul(1 << times.min(5)).min(PAUSE_MAX)).await;
        }
        match self.remote.listen(&self.query, self.after).await {
            Ok(response) => {
                if self.broken.is_some() {
                    note(&format!("reconnected, resumed at seq {}", self.after));
                }
                self.broken = Some(0);
                self.open = Some((response, Lines::default()));
                Ok(())
            }
            Err(Refusal::Final(why)) => bail!(why),
            Err(Refusal::Unreachable(why)) => match &mut self.broken {
                None => bail!(why),
                Some(times) => {
                    *times += 1;
                    if *times == 1 {
                        note(&format!("{why}; trying again until it is there"));
                    }
                    Ok(())
                }
            },
        }
    }
}

/// One message of the stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: Option<i64>,
    data: String,
}

/// The messages in a stream of bytes, however it is cut.
#[derive(Debug, Default)]
struct Lines {
    /// The line that has not ended yet.
    rest: Vec<u8>,
    message: Message,
}

/// An event is a few hundred bytes; more than this is no event stream.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<Message>> {
        let mut messages = vec![];
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.rest.len() + part.len() + self.message.data.len() > MESSAGE_BYTES_MAX {
                bail!("the server sent an event longer than {MESSAGE_BYTES_MAX} bytes; is the URL right?");
            }
            self.rest.extend_from_slice(part);
            if self.rest.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                let line = String::from_utf8_lossy(&line);
                messages.extend(self.line(line.trim_end_matches(['\r', '\n'])));
            }
        }
        Ok(messages)
    }

    fn line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            return Some(message).filter(|message| *message != Message::default());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.message.id = value.parse().ok(),
            "data" => {
                if !self.message.data.is_empty() {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
            }
            // Comments begin with a colon; `event` repeats the type, and `retry` is for browsers.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": connected\nid: 7\nretry: 2000\n\n:still here\n\nid: 8\nevent: file.applied\ndata: {\"seq\":8}\r\n\r\nid:9\ndata:a\ndata:b\n\n";

    #[test]
    fn a_stream_reads_the_same_however_it_is_cut() {
        let expected = [(Some(7), ""), (Some(8), "{\"seq\":8}"), (Some(9), "a\nb")];
        for size in 1..TEXT.len() {
            let mut lines = Lines::default();
            let mut found = vec![];
            for chunk in TEXT.as_bytes().chunks(size) {
                found.extend(lines.push(chunk).unwrap());
            }
            let found: Vec<_> = found.iter().map(|message| (message.id, message.data.as_str())).collect();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 1024 * 1024];
        assert!((0..5).any(|_| lines.push(&piece).is_err()));
    }
}
