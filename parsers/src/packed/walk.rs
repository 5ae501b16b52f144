//! Through an archive, member by member: each one recognised and read as a file of its own, its documents
//! counted on from those before, its places named after it.

use std::io::{BufRead, Cursor, Read};
use std::ops::ControlFlow;

use flate2::bufread::MultiGzDecoder;

use super::inflate::{Counted, Packed};
use super::{Entry, Fault, Gauge, HELD_BYTES, Inflated, Kind, Zip};
use crate::{Code, Context, Event, Finding, Halt, Location, Sink, Summary};

/// Reads an archive.
pub(super) fn read(input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
    let gauge = Gauge::new(context.limits);
    let mut walk = Walk { context, sink, gauge: &gauge, documents: 0, units: 0, members: 0, summary: None };
    let kind = walk.unpack(input, &Spot::default())?;
    // A member alone is the file; several are an archive.
    let summary = walk
        .summary
        .filter(|_| walk.members == 1)
        .unwrap_or_else(|| Summary { format: kind.map_or("archive", Kind::name).to_owned(), ..Summary::default() });
    Ok(Summary { documents: u64::from(walk.documents), units: walk.units, ..summary })
}

struct Walk<'w, 's> {
    context: &'w Context<'w>,
    sink: &'w mut Sink<'s>,
    gauge: &'w Gauge,
    documents: u32,
    units: u64,
    /// Files read, archives among them not counted.
    members: u32,
    summary: Option<Summary>,
}

/// Where in the archive we are.
#[derive(Debug, Clone, Default)]
struct Spot {
    /// The member's name, with those of the archives around it: `inner.zip!/a.csv`.
    name: String,
    /// Where it stands in the archive around it.
    byte: u64,
    /// How many archives are around it.
    depth: usize,
}

impl Spot {
    fn location(&self) -> Location {
        Location::new(self.byte, 1, self.name.clone())
    }

    /// The member, in words.
    fn what(&self) -> String {
        if self.name.is_empty() { "the archive".to_owned() } else { format!("`{}`", shortened(&self.name)) }
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(120).map(|c| if c.is_control() { '·' } else { c }).collect()
}

impl Walk<'_, '_> {
    /// Unpacks what stands at a spot; which kind of archive it is.
    fn unpack(&mut self, input: &mut dyn BufRead, spot: &Spot) -> Result<Option<Kind>, Halt> {
        let head = crate::head_of(input)?;
        let kind = Kind::of(&head);
        let mut whole = Cursor::new(head).chain(input);
        match kind {
            Some(_) if spot.depth >= self.context.limits.archive_depth_max => {
                let message = format!("{} is an archive inside {} others", spot.what(), spot.depth);
                self.refuse(spot, "ARCHIVE-DEPTH", message, "Send the files, or one archive of them.")?;
            }
            Some(Kind::Gzip) => self.gzip(&mut whole, spot)?,
            Some(Kind::Zip) => self.zip(&mut whole, spot)?,
            None => {}
        }
        Ok(kind)
    }

    /// A gzip file is one member, in one piece or several (RFC 1952 §2.2).
    fn gzip(&mut self, input: &mut dyn BufRead, spot: &Spot) -> Result<(), Halt> {
        let (counted, intake) = Counted::new(input);
        let stream = Box::new(MultiGzDecoder::new(counted));
        let mut member = Inflated::new(stream, Packed::Counted(intake), None, self.gauge);
        self.member(&mut member, &Spot { depth: spot.depth + 1, ..spot.clone() })
    }

    fn zip(&mut self, input: &mut dyn BufRead, spot: &Spot) -> Result<(), Halt> {
        let bytes_max = self.context.limits.archive_bytes_max;
        let mut bytes = Vec::new();
        input.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(Halt::Read)?;
        if bytes.len() as u64 > bytes_max {
            let message = format!("{} has more than the {bytes_max} bytes that a zip file may have", spot.what());
            let fix = "Send several smaller archives, or gzip, which may have any size.";
            let finding = Finding::error(Code::SIZE_LIMIT, spot.location(), message, fix);
            return self.tell(finding.with_rule("ARCHIVE-SIZE"));
        }
        let Some(zip) = Zip::open(&bytes) else {
            let message = format!("{} is no whole zip file: its directory cannot be read", spot.what());
            return self.refuse(spot, "ARCHIVE-CORRUPT", message, "Pack it again and send it whole.");
        };
        if let Some(office) = office(&zip) {
            return self.office(&zip, office, spot);
        }
        let members: Vec<&Entry> = zip.entries.iter().filter(|entry| !is_furniture(entry)).collect();
        if members.is_empty() {
            let message = format!("{} has no files in it", spot.what());
            let fix = "Pack the files again; check that your export wrote them before.";
            return self.tell(Finding::error(Code::EMPTY_FILE, spot.location(), message, fix));
        }
        for entry in members {
            let name = match spot.name.as_str() {
                "" => entry.name.clone(),
                outer => format!("{outer}!/{}", entry.name),
            };
            let name = shortened(&name);
            let inner = Spot { name, byte: entry.offset, depth: spot.depth + 1 };
            if !self.gauge.admits_member() {
                let max = self.context.limits.archive_members_max;
                let message = format!("more than {max} files in one archive; the rest is not read");
                return self.refuse(&inner, "ARCHIVE-MEMBERS", message, "Send several smaller archives.");
            }
            self.entry(&zip, entry, &inner)?;
        }
        Ok(())
    }

    fn entry(&mut self, zip: &Zip<'_>, entry: &Entry, spot: &Spot) -> Result<(), Halt> {
        if entry.leaves_its_folder() {
            let message = format!("the name {} leads out of the archive; the file is not read", spot.what());
            return self.refuse(spot, "ARCHIVE-PATH", message, "Pack the files with plain names.");
        }
        if entry.is_encrypted {
            let message = format!("{} is locked with a password; it is not read", spot.what());
            let fix = "Send it without a password; the connection is encrypted.";
            let finding = Finding::error(Code::ENCRYPTED, spot.location(), message, fix);
            return self.tell(finding.with_rule("ARCHIVE-PASSWORD"));
        }
        let Some(mut member) = zip.inflate(entry, self.gauge) else {
            let message = format!("{} is packed by a method (number {}) that is not read", spot.what(), entry.method);
            return self.refuse(spot, "ARCHIVE-METHOD", message, "Pack it with deflate, as every zip program can.");
        };
        self.member(&mut member, spot)
    }

    /// Reads one member: an archive again, or a file.
    fn member(&mut self, member: &mut Inflated<'_>, spot: &Spot) -> Result<(), Halt> {
        let mut held = Vec::new();
        member.take(HELD_BYTES).read_to_end(&mut held).map_err(Halt::Read)?;
        if let Some(fault) = member.fault() {
            return self.fault(fault, spot, false);
        }
        // A member that is longer, or is as long, says only at its end whether it was right.
        let is_archive = Kind::of(&held).is_some();
        let mut whole = Cursor::new(held).chain(&mut *member);
        if is_archive {
            self.unpack(&mut whole, spot)?;
        } else {
            self.file(&mut whole, spot)?;
        }
        match member.fault() {
            Some(fault) => self.fault(fault, spot, true),
            None => Ok(()),
        }
    }

    /// Reads a file that is no archive.
    fn file(&mut self, input: &mut dyn BufRead, spot: &Spot) -> Result<(), Halt> {
        self.members = self.members.saturating_add(1);
        let head = crate::head_of(input)?;
        let Some(format) = crate::recognize(&head, self.context.profiles) else {
            let mut finding = crate::refusal(&head);
            finding.location = spot.location();
            if !spot.name.is_empty() {
                finding.message = format!("{}: {}", spot.what(), finding.message);
            }
            return self.tell(finding);
        };
        let mut whole = Cursor::new(head).chain(input);
        let context = self.context;
        self.count_on(spot, |sink| format.parse(&mut whole, context, sink))
    }

    /// A workbook is read as a table; other files of office programs are not.
    fn office(&mut self, zip: &Zip<'_>, office: Office, spot: &Spot) -> Result<(), Halt> {
        self.members = self.members.saturating_add(1);
        match office {
            Office::Workbook => {
                let context = self.context;
                self.count_on(spot, |sink| crate::csv::read_workbook(zip, context, sink))
            }
            Office::Other(what) => {
                let message = format!("{} is {what}, which is not read", spot.what());
                let finding = Finding::error(
                    Code::UNKNOWN_FORMAT,
                    spot.location(),
                    message,
                    "Save the table as an Excel workbook (.xlsx) or as CSV, and send that.",
                );
                self.tell(finding)
            }
        }
    }

    /// Reads something whose documents are counted on, and whose places are named after the member.
    fn count_on(&mut self, spot: &Spot, read: impl FnOnce(&mut Sink<'_>) -> Result<Summary, Halt>) -> Result<(), Halt> {
        let before = self.documents;
        let (documents, sink) = (&mut self.documents, &mut *self.sink);
        let summary = read(&mut |mut event| {
            if let Event::Document(_) = event {
                *documents = documents.saturating_add(1);
            }
            rename(&mut event, before, &spot.name);
            sink(event)
        })?;
        self.units = self.units.saturating_add(summary.units);
        self.summary = Some(summary);
        Ok(())
    }

    fn fault(&mut self, fault: Fault, spot: &Spot, has_been_read: bool) -> Result<(), Halt> {
        let what = spot.what();
        let limits = self.context.limits;
        let read = if has_been_read { "what was read before that may be wrong" } else { "nothing of it is read" };
        let (rule, message, fix) = match fault {
            Fault::Corrupt => (
                "ARCHIVE-CORRUPT",
                format!("{what} is damaged or cut off: it cannot be unpacked to its end; {read}"),
                "Pack it again and send it whole.",
            ),
            Fault::Checksum => (
                "ARCHIVE-CORRUPT",
                format!("{what} is damaged: its checksum is not that of its content; {read}"),
                "Pack it again and send it whole.",
            ),
            Fault::Ratio => (
                "ARCHIVE-RATIO",
                format!(
                    "{what} unpacks to more than {} times its size; the rest is not read",
                    limits.inflate_ratio_max
                ),
                "Send the file itself, or gzip without tricks.",
            ),
            Fault::Size => (
                "ARCHIVE-SIZE",
                format!(
                    "the archive unpacks to more than {} bytes at {what}; the rest is not read",
                    limits.inflated_bytes_max
                ),
                "Send several smaller archives.",
            ),
        };
        self.refuse(spot, rule, message, fix)
    }

    fn refuse(&mut self, spot: &Spot, rule: &'static str, message: String, fix: &str) -> Result<(), Halt> {
        self.tell(Finding::error(Code::ARCHIVE_REFUSED, spot.location(), message, fix).with_rule(rule))
    }

    fn tell(&mut self, finding: Finding) -> Result<(), Halt> {
        match (self.sink)(Event::Finding(Box::new(finding))) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Halt::Stopped),
        }
    }
}

/// Folders, and what a Mac adds.
fn is_furniture(entry: &Entry) -> bool {
    entry.is_folder() || entry.name.starts_with("__MACOSX/") || entry.name.ends_with(".DS_Store")
}

/// A zip file that an office program wrote.
enum Office {
    Workbook,
    Other(&'static str),
}

fn office(zip: &Zip<'_>) -> Option<Office> {
    if zip.entry("xl/workbook.xml").is_some() {
        return Some(Office::Workbook);
    }
    if zip.entry("xl/workbook.bin").is_some() {
        return Some(Office::Other("a binary workbook (.xlsb)"));
    }
    if zip.entry("word/document.xml").is_some() {
        return Some(Office::Other("a text document (.docx)"));
    }
    let is_open_document = zip.entry("META-INF/manifest.xml").is_some() && zip.entry("content.xml").is_some();
    is_open_document.then_some(Office::Other("an OpenDocument file"))
}

/// Counts a document on from those before, and puts the member's name before every place.
fn rename(event: &mut Event, before: u32, name: &str) {
    let prefix = |location: &mut Location| {
        if !name.is_empty() {
            let path = if location.path.is_empty() { name.to_owned() } else { format!("{name}!/{}", &*location.path) };
            location.path = path.into();
        }
    };
    match event {
        Event::Document(document) => {
            document.ordinal = document.ordinal.saturating_add(before);
            prefix(&mut document.location);
            for evidence in &mut document.evidence {
                prefix(&mut evidence.at);
            }
        }
        Event::Finding(finding) => {
            finding.document = finding.document.map(|ordinal| ordinal.saturating_add(before));
            prefix(&mut finding.location);
        }
        Event::Unlisted { document, .. } => {
            *document = document.map(|ordinal| ordinal.saturating_add(before));
        }
    }
}
