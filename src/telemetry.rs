//! What the process says about itself: `tracing` set up, and every event of the log spoken as a line.
//!
//! As JSON a line is the envelope that `tail`, `/v1/events` and the stream show; what is no event of the
//! ingestion log is of type `log`.

mod lines;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::config::{Log, LogFormat};
use crate::domain::{Event, Severity};

/// The target of the lines that are events, and the field that holds the envelope.
const EVENT_TARGET: &str = "waybill::event";
const ENVELOPE: &str = "envelope";

/// Sets up the log on standard error. To be called once.
///
/// # Errors
/// The filter is not one.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| format!("log.filter `{}`: {error}", log.filter))?;
    let short = match log.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Short => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if short {
        builder.with_ansi(io::stderr().is_terminal()).event_format(lines::Short).try_init()
    } else {
        builder.with_ansi(false).fmt_fields(JsonFields::new()).event_format(lines::Json).try_init()
    };
    started.map_err(|error| format!("the log was set up twice: {error}"))
}

/// Says an event of the ingestion log.
pub fn speak(event: &Event) {
    let envelope = serde_json::to_string(event).unwrap_or_default();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: EVENT_TARGET, envelope = envelope.as_str(), r#type = event.kind.as_str(),
                user = event.user.as_deref(), file = event.file.map(tracing::field::display), "{}", event.msg)
        };
    }
    match event.sev {
        Severity::Debug => line!(debug),
        Severity::Info => line!(info),
        Severity::Warn => line!(warn),
        Severity::Error => line!(error),
    }
}
