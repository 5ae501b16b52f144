//! An event as one line for people:
//! `02:14:07 ▲ AP_OPEN_0303.csv  4812 documents, 12 errors  acme-erp sftp 412ms fil_…9QX`

use std::io::{self, Write};

use super::super::moment::Clock;
use super::super::screen::{Paint, safe};
use super::super::table::Tone;
use crate::domain::{Event, Severity};

/// Prints events a line each, with a line between two days.
pub(in super::super) struct Short {
    paint: Paint,
    clock: Clock,
    day: Option<String>,
}

/// What went wrong, by type: a sender's bad file is news, not an error of ours, so severity alone does not
/// say it.
pub(super) const FAILURES: [&str; 14] = [
    "apply.failed",
    "auth.failed",
    "auth.locked",
    "conn.rejected",
    "file.quarantined",
    "file.unidentified",
    "object.store_failed",
    "parse.failed",
    "record.rejected",
    "ssh.failed",
    "tls.failed",
    "upload.aborted",
    "upload.failed",
    "upload.partial",
];

impl Short {
    pub(in super::super) fn new(paint: Paint, clock: Clock) -> Self {
        Self { paint, clock, day: None }
    }

    pub(in super::super) fn write(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()> {
        let day = self.clock.day(event.ts);
        if self.day.as_ref() != Some(&day) {
            writeln!(out, "{}", self.paint.bold(&format!("── {day} ──")))?;
            self.day = Some(day);
        }
        let tone = match event.sev {
            Severity::Error => Tone::Bad,
            Severity::Warn => Tone::Warning,
            Severity::Info | Severity::Debug => Tone::Plain,
        };
        write!(out, "{} {} ", self.clock.time(event.ts), tone.paint(self.paint, glyph(event)))?;
        if let Some(name) = name(event) {
            write!(out, "{}  ", self.paint.bold(&safe(name)))?;
        }
        write!(out, "{}", tone.paint(self.paint, &safe(&event.msg)))?;
        if let Some(code) = &event.code {
            write!(out, " [{}]", safe(code))?;
        }
        let facts = [
            event.user.clone(),
            event.proto.clone(),
            event.dur_ms.map(|millis| format!("{millis}ms")),
            event.file.map(|id| ending(&id.to_string())),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            write!(out, "  {}", safe(&facts.join(" ")))?;
        }
        writeln!(out)
    }
}

/// The phase of a file's life an event belongs to.
fn glyph(event: &Event) -> &'static str {
    let kind = event.kind.as_str();
    if event.sev == Severity::Error || FAILURES.contains(&kind) || is_rejection(event) {
        return "✗";
    }
    match kind {
        "file.applied" | "receipt.written" | "errors.written" => "✓",
        _ => match kind.split('.').next().unwrap_or_default() {
            "conn" | "tls" | "ssh" | "auth" | "session" | "dir" | "ftp" => "●",
            "upload" | "download" | "object" => "↑",
            "file" | "parse" | "record" => "▲",
            "apply" | "ack" | "invoice" | "payment" => "✓",
            _ => "·",
        },
    }
}

/// A file that was read to its end, and nothing in it could be used.
fn is_rejection(event: &Event) -> bool {
    let count = |key: &str| event.data.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    event.kind == "file.applied" && count("errors") > 0 && count("documents") == 0
}

/// The name of the file it is about.
fn name(event: &Event) -> Option<&str> {
    let data = |key: &str| event.data.get(key).and_then(|value| value.as_str());
    event.file?;
    data("name").or_else(|| data("path")?.strip_prefix("/drop/")).filter(|name| !event.msg.contains(name))
}

/// `fil_…9QX`: enough to tell two files apart; `-o json` has the whole.
fn ending(id: &str) -> String {
    let prefix = id.split('_').next().unwrap_or_default();
    let at = id.len().saturating_sub(3);
    format!("{prefix}_…{}", id.get(at..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ArrivalId, Timestamp};

    fn line(event: &Event, paint: Paint) -> String {
        let mut out = vec![];
        let mut short = Short::new(paint, Clock::new(true));
        short.write(&mut out, event).unwrap();
        let text = String::from_utf8(out).unwrap();
        let (day, line) = text.split_once('\n').unwrap();
        assert!(day.contains("── 2026-03-03 ──"), "{day}");
        line.to_owned()
    }

    fn event(kind: &str, sev: Severity, msg: &str) -> Event {
        Event { ts: Timestamp::parse("2026-03-03T02:14:07.9Z").unwrap(), ..Event::new(kind, sev, msg) }
    }

    #[test]
    fn a_line_says_when_what_to_which_file_and_by_whom() {
        let id = ArrivalId::parse("fil_01KA6T5VZ3Q9Y0C2N8W4J7H9QX").unwrap();
        let mut event = event("file.identified", Severity::Info, "4812 documents, 12 errors")
            .file(id)
            .data("name", "AP_OPEN_0303.csv")
            .took(std::time::Duration::from_millis(412));
        event.user = Some("acme-erp".to_owned());
        event.proto = Some("sftp".to_owned());
        assert_eq!(
            line(&event, Paint::PLAIN),
            "02:14:07 ▲ AP_OPEN_0303.csv  4812 documents, 12 errors  acme-erp sftp 412ms fil_…9QX\n"
        );
    }

    #[test]
    fn the_glyph_is_the_phase_and_a_failure_is_one_whatever_its_severity() {
        for (kind, sev, expected) in [
            ("session.started", Severity::Info, "●"),
            ("upload.completed", Severity::Info, "↑"),
            ("file.received", Severity::Info, "▲"),
            ("file.applied", Severity::Warn, "✓"),
            ("record.rejected", Severity::Info, "✗"),
            ("file.applied", Severity::Error, "✗"),
            ("admin.action", Severity::Info, "·"),
        ] {
            assert_eq!(glyph(&event(kind, sev, "")), expected, "{kind}");
        }
        let applied = |documents: u64| {
            event("file.applied", Severity::Warn, "").data("errors", 2_u64).data("documents", documents)
        };
        assert_eq!((glyph(&applied(1)), glyph(&applied(0))), ("✓", "✗"));
    }

    #[test]
    fn a_sender_cannot_steer_the_terminal_through_the_log() {
        let mut event = event("file.received", Severity::Info, "received\r\x1b[2J").file(ArrivalId::random());
        event.user = Some("a\x1b]0;x\x07".to_owned());
        event = event.data("name", "\x1b[31mx\u{202e}.csv");
        let text = line(&event, Paint::PLAIN);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text:?}");
        assert!(line(&event, Paint::COLORED).contains("\x1b[1m\\x1B[31mx"));
    }
}
