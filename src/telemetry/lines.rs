//! How a line of the process's log looks: short for people, one JSON object for programs.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::{ENVELOPE, EVENT_TARGET};
use crate::domain::{Timestamp, chain};

/// `02:14:07 WARN  file.applied  3 documents, 2 errors  user=northwind file=fil_…`
pub(super) struct Short;

/// The envelope of an event; `{"ts":…,"type":"log","sev":…,"msg":…,"data":{…}}` for everything else.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Short
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &tracing::Event<'_>) -> fmt::Result {
        let said = Said::of(event);
        let time = Timestamp::now().to_string();
        let clock = time.get(11..19).unwrap_or(&time);
        let level = event.metadata().level();
        let colour = match *level {
            Level::ERROR => "31",
            Level::WARN => "33",
            _ => "2",
        };
        if out.has_ansi_escapes() {
            write!(out, "{clock} \u{1b}[{colour}m{level:<5}\u{1b}[0m {}", one_line(&said.message))?;
        } else {
            write!(out, "{clock} {level:<5} {}", one_line(&said.message))?;
        }
        for (name, value) in said.fields.iter().filter(|(name, _)| *name != ENVELOPE) {
            match value {
                Value::String(text) => write!(out, " {name}={}", one_line(text))?,
                value => write!(out, " {name}={value}")?,
            }
        }
        writeln!(out)
    }
}

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut out: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let said = Said::of(event);
        if event.metadata().target() == EVENT_TARGET
            && let Some(Value::String(envelope)) = said.fields.get(ENVELOPE)
        {
            return writeln!(out, "{envelope}");
        }
        let mut line = Map::new();
        line.insert("ts".to_owned(), Timestamp::now().to_string().into());
        line.insert("type".to_owned(), "log".into());
        line.insert("sev".to_owned(), event.metadata().level().as_str().to_lowercase().into());
        line.insert("msg".to_owned(), said.message.into());
        line.insert("target".to_owned(), event.metadata().target().into());
        line.insert("data".to_owned(), Value::Object(said.fields));
        let spans: Vec<Value> = context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
            .filter_map(|span| {
                let extensions = span.extensions();
                let fields = extensions.get::<FormattedFields<JsonFields>>()?;
                let mut fields: Map<String, Value> = serde_json::from_str(&fields.fields).ok()?;
                fields.insert("span".to_owned(), span.name().into());
                Some(Value::Object(fields))
            })
            .collect();
        if !spans.is_empty() {
            line.insert("spans".to_owned(), Value::Array(spans));
        }
        line.insert("v".to_owned(), 1.into());
        writeln!(out, "{}", Value::Object(line))
    }
}

/// What an event says: its message and its fields.
#[derive(Default)]
struct Said {
    message: String,
    fields: Map<String, Value>,
}

impl Said {
    fn of(event: &tracing::Event<'_>) -> Self {
        let mut said = Self::default();
        event.record(&mut said);
        said
    }

    fn note(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value.into());
    }

    /// An error with everything that caused it.
    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        self.note(field, chain(error).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}").into());
    }
}

/// What came from outside cannot begin a line of its own, nor steer a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, Severity};
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_json_line_is_the_envelope_or_of_type_log() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(Json)
            .with_writer(move || writer.clone())
            .finish();
        let mut told = Event::new("file.received", Severity::Info, "a \"quoted\"\nname");
        told.seq = 7;
        tracing::subscriber::with_default(subscriber, || {
            super::super::speak(&told);
            let _span = tracing::info_span!("connection", peer = "1.2.3.4").entered();
            let broken = io::Error::other("the disk is gone");
            tracing::error!(error = &broken as &dyn std::error::Error, size_bytes = 3, "could not store");
        });
        let text = page.text();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], serde_json::to_value(&told).unwrap());
        assert_eq!((&lines[1]["type"], &lines[1]["sev"]), (&"log".into(), &"error".into()));
        assert_eq!(lines[1]["data"], serde_json::json!({"error": "the disk is gone", "size_bytes": 3}));
        assert_eq!(lines[1]["spans"], serde_json::json!([{"peer": "1.2.3.4", "span": "connection"}]));
    }

    #[test]
    fn a_short_line_is_one_line_whatever_a_stranger_wrote() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).event_format(Short).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            super::super::speak(&Event::new("file.received", Severity::Warn, "a\u{1b}[2J\nname"));
        });
        let text = page.text();
        assert_eq!(text.lines().count(), 1);
        assert!(text.ends_with("WARN  a·[2J·name type=file.received\n"), "{text}");
    }
}
