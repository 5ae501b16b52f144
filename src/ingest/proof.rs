//! Asking a held file's content whether it is whole: the bytes ended, and their sender has not said that this was the
//! end.

use std::io::BufReader;

use super::worker::Ingest;
use crate::domain::{Event, Severity, chain};
use crate::record::{RecordError, Unproven};

/// How much is read from the shelf at once, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

impl Ingest {
    /// Asks the file that has waited longest; `false` where there is none.
    pub(super) async fn prove_one(&self) -> Result<bool, RecordError> {
        let Some(file) = self.record.next_unproven().await? else { return Ok(false) };
        let asked = self.is_whole(&file).await;
        let (is_whole, event) = match asked {
            Ok(true) => {
                let text = "its content proves that it is whole, although TLS close_notify was missing";
                (true, event(&file, "file.proved", Severity::Info, text.to_owned()))
            }
            Ok(false) => {
                let text = "held: TLS close_notify was missing, and its content does not prove that it is whole; the \
                            same bytes again, or `waybill file release`, let it be read";
                (false, event(&file, "file.held", Severity::Warn, text.to_owned()))
            }
            // Asked once: a file that cannot be read proves nothing, and must not be asked for ever.
            Err(why) => {
                let text = format!("held: it could not be asked whether it is whole: {why}");
                (false, event(&file, "file.held", Severity::Error, text))
            }
        };
        self.record.note_proof(file.file, is_whole, event).await?;
        Ok(true)
    }

    async fn is_whole(&self, file: &Unproven) -> Result<bool, String> {
        let original = self.originals.open(&file.object_key).await.map_err(|error| chain(&error))?;
        let limits = self.limits;
        let asked = tokio::task::spawn_blocking(move || {
            let mut input = BufReader::with_capacity(BUFFER_BYTES, original.reader());
            waybill_parsers::is_whole(&mut input, limits).map_err(|error| chain(&error))
        });
        asked.await.map_err(|error| format!("the reader stopped unexpectedly: {error}"))?
    }
}

fn event(file: &Unproven, kind: &str, severity: Severity, text: String) -> Event {
    let mut event = Event::new(kind, severity, text).file(file.file).org(file.organisation);
    event.session = file.session;
    event.user = Some(file.login.clone());
    event.proto = Some(file.door.clone());
    event.data("path", format!("/drop/{}", file.name))
}
