//! A zip file by its directory (PKWARE APPNOTE.TXT 6.3, §4.3): which members it has, and where.
//!
//! Only the directory at the end is believed; what stands between the members, and local headers that say
//! something else than the directory, are how two programs are shown two files.

use std::io::Read;

use flate2::bufread::DeflateDecoder;

use super::inflate::{Gauge, Inflated, Packed};

/// A zip file in memory.
pub(crate) struct Zip<'z> {
    bytes: &'z [u8],
    pub(crate) entries: Vec<Entry>,
}

/// One member.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Where its local header stands.
    pub(crate) offset: u64,
    /// 0 stored, 8 deflated; nothing else is read.
    pub(crate) method: u16,
    pub(crate) is_encrypted: bool,
    sum: u32,
    packed_bytes: u64,
    inflated_bytes: u64,
}

impl Entry {
    /// A folder is a member whose name ends with a slash.
    pub(crate) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// A name that leaves the folder it is unpacked into.
    pub(crate) fn leaves_its_folder(&self) -> bool {
        let name = &self.name;
        let drive = name.as_bytes().get(1) == Some(&b':');
        name.starts_with(['/', '\\'])
            || drive
            || name.contains('\0')
            || name.split(['/', '\\']).any(|part| part == "..")
    }
}

/// End of central directory, without its comment: §4.3.16.
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 65_535;
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;

impl<'z> Zip<'z> {
    /// Reads the directory; `None` where there is none, or it contradicts itself.
    pub(crate) fn open(bytes: &'z [u8]) -> Option<Self> {
        let from = bytes.len().saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
        let end = from + memchr::memmem::rfind(bytes.get(from..)?, b"PK\x05\x06")?;
        let mut count = u64::from(short(bytes, end + 10)?);
        let mut start = u64::from(long(bytes, end + 16)?);
        if count == 0xffff || start == 0xffff_ffff {
            // ZIP64, §4.3.15: the locator before the end says where the longer end stands.
            let locator = end.checked_sub(20)?;
            (bytes.get(locator..locator + 4)? == b"PK\x06\x07").then_some(())?;
            let end = usize::try_from(double(bytes, locator + 8)?).ok()?;
            (bytes.get(end..end.checked_add(4)?)? == b"PK\x06\x06").then_some(())?;
            count = double(bytes, end + 32)?;
            start = double(bytes, end + 48)?;
        }
        let mut at = usize::try_from(start).ok()?;
        let mut entries = Vec::new();
        while (entries.len() as u64) < count {
            let (entry, next) = Entry::read(bytes, at)?;
            entries.push(entry);
            at = next;
        }
        let zip = Self { bytes, entries };
        zip.has_no_overlap().then_some(zip)
    }

    /// The member of that name, whatever its case.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// The member's content; `None` where its local header is none, or the method is not read here.
    pub(crate) fn inflate<'a>(&self, entry: &Entry, gauge: &'a Gauge) -> Option<Inflated<'a>>
    where
        'z: 'a,
    {
        let (start, end) = self.data(entry)?;
        let data: &'z [u8] = self.bytes.get(start..end)?;
        let stream: Box<dyn Read + 'a> = match entry.method {
            0 => Box::new(data),
            8 => Box::new(DeflateDecoder::new(data)),
            _ => return None,
        };
        let stated = Some((entry.sum, entry.inflated_bytes));
        Some(Inflated::new(stream, Packed::Known(entry.packed_bytes), stated, gauge))
    }

    /// Where a member's data begins and ends.
    fn data(&self, entry: &Entry) -> Option<(usize, usize)> {
        let header = usize::try_from(entry.offset).ok()?;
        (self.bytes.get(header..header.checked_add(4)?)? == b"PK\x03\x04").then_some(())?;
        let name = usize::from(short(self.bytes, header + 26)?);
        let extra = usize::from(short(self.bytes, header + 28)?);
        let start = header + LOCAL_BYTES + name + extra;
        let end = start.checked_add(usize::try_from(entry.packed_bytes).ok()?)?;
        (end <= self.bytes.len()).then_some((start, end))
    }

    /// Members that share bytes are how a small file becomes petabytes (the overlapping bomb).
    fn has_no_overlap(&self) -> bool {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for entry in &self.entries {
            let Some((_, end)) = self.data(entry) else { return false };
            ranges.push((entry.offset, end as u64));
        }
        ranges.sort_unstable();
        ranges.windows(2).all(|pair| matches!(pair, [(_, end), (start, _)] if end <= start))
    }
}

impl Entry {
    /// Reads a central directory header (§4.3.12) at a place, and says where the next one stands.
    fn read(bytes: &[u8], at: usize) -> Option<(Self, usize)> {
        (bytes.get(at..at.checked_add(4)?)? == b"PK\x01\x02").then_some(())?;
        let flags = short(bytes, at + 8)?;
        let (name_bytes, extra_bytes) = (usize::from(short(bytes, at + 28)?), usize::from(short(bytes, at + 30)?));
        let comment_bytes = usize::from(short(bytes, at + 32)?);
        let name_at = at + CENTRAL_BYTES;
        let name = bytes.get(name_at..name_at + name_bytes)?;
        let extra = bytes.get(name_at + name_bytes..name_at + name_bytes + extra_bytes)?;
        let mut entry = Self {
            name: String::from_utf8_lossy(name).into_owned(),
            offset: u64::from(long(bytes, at + 42)?),
            method: short(bytes, at + 10)?,
            is_encrypted: flags & 1 != 0,
            sum: long(bytes, at + 16)?,
            packed_bytes: u64::from(long(bytes, at + 20)?),
            inflated_bytes: u64::from(long(bytes, at + 24)?),
        };
        entry.widen(extra)?;
        Some((entry, name_at + name_bytes + extra_bytes + comment_bytes))
    }

    /// Takes from the ZIP64 field (§4.5.3) what did not fit in four bytes.
    fn widen(&mut self, mut extra: &[u8]) -> Option<()> {
        let wide = u64::from(u32::MAX);
        if self.inflated_bytes != wide && self.packed_bytes != wide && self.offset != wide {
            return Some(());
        }
        while !extra.is_empty() {
            let (id, size) = (short(extra, 0)?, usize::from(short(extra, 2)?));
            let field = extra.get(4..4 + size)?;
            if id == 1 {
                let mut at = 0;
                for value in [&mut self.inflated_bytes, &mut self.packed_bytes, &mut self.offset] {
                    if *value == wide {
                        *value = double(field, at)?;
                        at += 8;
                    }
                }
                return Some(());
            }
            extra = extra.get(4 + size..)?;
        }
        None
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn double(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
