//! A member as it comes out of its archive: counted against the limits, its checksum compared at its end.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use flate2::Crc;

use crate::Limits;

/// What is left of the limits, for an archive and all that stands in it.
pub(crate) struct Gauge {
    inflated_left: Cell<u64>,
    members_left: Cell<usize>,
    ratio_max: u64,
    pub(crate) limits: Limits,
}

impl Gauge {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inflated_left: Cell::new(limits.inflated_bytes_max),
            members_left: Cell::new(limits.archive_members_max),
            ratio_max: limits.inflate_ratio_max,
            limits,
        }
    }

    /// The same limits for one workbook, which is held in memory as no drop is.
    pub(crate) fn of_workbook(limits: Limits) -> Self {
        Self { inflated_left: Cell::new(limits.workbook_bytes_max), ..Self::new(limits) }
    }

    /// Whether one more member may be read.
    pub(super) fn admits_member(&self) -> bool {
        let left = self.members_left.get();
        self.members_left.set(left.saturating_sub(1));
        left > 0
    }
}

/// Why a member ends before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What is stored is no deflate stream, or it ends too early.
    Corrupt,
    /// What came out is not what went in.
    Checksum,
    /// More came out than [`Limits::inflate_ratio_max`] allows.
    Ratio,
    /// More came out than [`Limits::inflated_bytes_max`] allows.
    Size,
}

/// A ratio is nothing to worry about before so much has come out.
const RATIO_FROM_BYTES: u64 = 1024 * 1024;
const BUFFER_BYTES: usize = 32 * 1024;

/// A member being inflated. It ends at its end, or at its first fault.
pub(crate) struct Inflated<'a> {
    stream: Box<dyn Read + 'a>,
    gauge: &'a Gauge,
    /// How many bytes of the archive have been taken for it.
    packed: Packed,
    inflated: u64,
    /// The checksum and the size that the archive states.
    stated: Option<(u32, u64)>,
    sum: Crc,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    has_ended: bool,
    fault: Option<Fault>,
}

/// How many bytes went in.
pub(super) enum Packed {
    /// So many, as the directory says.
    Known(u64),
    /// As many as were read until now; and whether the input itself failed.
    Counted(Rc<Intake>),
}

/// What was read of a packed input.
#[derive(Debug, Default)]
pub(super) struct Intake {
    bytes: Cell<u64>,
    has_failed: Cell<bool>,
}

impl<'a> Inflated<'a> {
    pub(super) fn new(
        stream: Box<dyn Read + 'a>,
        packed: Packed,
        stated: Option<(u32, u64)>,
        gauge: &'a Gauge,
    ) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self {
            stream,
            gauge,
            packed,
            inflated: 0,
            stated,
            sum: Crc::new(),
            buffer,
            start: 0,
            end: 0,
            has_ended: false,
            fault: None,
        }
    }

    /// What ended it, if that was not its end.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    fn fill(&mut self) -> io::Result<()> {
        (self.start, self.end) = (0, 0);
        let count = match self.stream.read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => {
                // What the input itself says goes up; what the stored bytes say is about the archive.
                if matches!(&self.packed, Packed::Counted(intake) if intake.has_failed.get()) {
                    return Err(error);
                }
                self.end_with(Fault::Corrupt);
                return Ok(());
            }
        };
        if count == 0 {
            self.has_ended = true;
            let came = (self.sum.sum(), self.inflated);
            if self.stated.is_some_and(|stated| stated != came) {
                self.fault = Some(Fault::Checksum);
            }
            return Ok(());
        }
        self.inflated += count as u64;
        let left = self.gauge.inflated_left.get().checked_sub(count as u64);
        self.gauge.inflated_left.set(left.unwrap_or_default());
        let packed = match &self.packed {
            Packed::Known(bytes) => *bytes,
            Packed::Counted(intake) => intake.bytes.get(),
        };
        if left.is_none() {
            self.end_with(Fault::Size);
        } else if self.inflated > RATIO_FROM_BYTES && self.inflated / packed.max(1) > self.gauge.ratio_max {
            self.end_with(Fault::Ratio);
        } else {
            self.sum.update(self.buffer.get(..count).unwrap_or_default());
            self.end = count;
        }
        Ok(())
    }

    fn end_with(&mut self, fault: Fault) {
        self.fault = Some(fault);
        self.has_ended = true;
    }
}

impl BufRead for Inflated<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && !self.has_ended {
            self.fill()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

impl Read for Inflated<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// A packed input, counted while it is read.
pub(super) struct Counted<'a> {
    input: &'a mut dyn BufRead,
    intake: Rc<Intake>,
}

impl<'a> Counted<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> (Self, Rc<Intake>) {
        let intake = Rc::new(Intake::default());
        (Self { input, intake: Rc::clone(&intake) }, intake)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let intake = &self.intake;
        self.input.fill_buf().inspect_err(|_| intake.has_failed.set(true))
    }

    fn consume(&mut self, amount: usize) {
        self.intake.bytes.set(self.intake.bytes.get() + amount as u64);
        self.input.consume(amount);
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
