//! What the process says about itself: `tracing` set up, and every event of the log spoken as a line.
//!
//! As JSON a line is the envelope that `tail`, `/v1/events` and the stream show; what is no event of the
//! ingestion log is of type `log`.

mod lines;

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::config::{Log, LogFormat};
use crate::domain::{Event, Severity};

/// The target of the lines that are events, and the field that holds the envelope.
const EVENT_TARGET: &str = "waybill::event";
const ENVELOPE: &str = "envelope";

/// Changes the filter of a log that was started with one that can be changed.
type Refilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;
static REFILTER: OnceLock<Refilter> = OnceLock::new();

/// Sets up the log on standard error. To be called once.
///
/// # Errors
/// The filter is not one.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = filter(&log.filter)?;
    let short = match log.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Short => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if short {
        let builder = builder.with_ansi(io::stderr().is_terminal()).event_format(lines::Short).with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = REFILTER.set(Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string())));
        builder.try_init()
    } else {
        let builder = builder.with_ansi(false).fmt_fields(JsonFields::new()).event_format(lines::Json);
        let builder = builder.with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = REFILTER.set(Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string())));
        builder.try_init()
    };
    started.map_err(|error| format!("the log was set up twice: {error}"))
}

/// Changes what is logged from now on.
///
/// # Errors
/// The filter is not one; nothing is changed.
pub fn refilter(text: &str) -> Result<(), String> {
    let filter = filter(text)?;
    REFILTER.get().map_or(Ok(()), |refilter| refilter(filter))
}

fn filter(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(text).map_err(|error| format!("log.filter `{text}`: {error}"))
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
