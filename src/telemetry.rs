//! What the process says about itself: `tracing` set up, and every event of the log spoken as a line.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::domain::{Event, Severity};

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
        builder.with_ansi(io::stderr().is_terminal()).with_target(false).compact().try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    started.map_err(|error| format!("the log was set up twice: {error}"))
}

/// Says an event of the ingestion log as a log line, with the fields of its envelope.
pub fn speak(event: &Event) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                r#type = %event.kind,
                org = event.org.map(tracing::field::display),
                session = event.session.map(tracing::field::display),
                file = event.file.map(tracing::field::display),
                user = event.user.as_deref(),
                proto = event.proto.as_deref(),
                ip = event.ip.as_deref(),
                dur_ms = event.dur_ms,
                code = event.code.as_deref(),
                data = %event.data,
                "{}", event.msg
            )
        };
    }
    match event.sev {
        Severity::Debug => line!(debug),
        Severity::Info => line!(info),
        Severity::Warn => line!(warn),
        Severity::Error => line!(error),
    }
}
