//! Input made here: seeded, the same bytes on every machine, in blocks of whole documents, so that a
//! file of any size needs the memory of one block.

mod csv;
mod edifact;
mod ubl;
mod x12;

use std::ops::Range;

/// How much is made at a time. The clock is read twice a block, which costs some microseconds.
pub(crate) const BLOCK_BYTES: usize = 4 << 20;

/// Which files are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// X12 810, version 004010: a thousand invoices to an interchange.
    X12,
    /// EDIFACT INVOIC D.96A: a thousand messages to an interchange.
    Edifact,
    /// UBL 2.1 invoices after EN 16931, all in one wrapper.
    Ubl,
    /// The same invoices, each a file of its own.
    UblSingles,
    /// A row per line in the columns of the built-in profile `waybill-invoices`.
    Csv,
}

impl Shape {
    pub(crate) const ALL: [Self; 5] = [Self::X12, Self::Edifact, Self::Ubl, Self::UblSingles, Self::Csv];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X12 => "x12",
            Self::Edifact => "edifact",
            Self::Ubl => "ubl",
            Self::UblSingles => "ubl-singles",
            Self::Csv => "csv",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// A file being made, a block at a time.
pub(crate) struct Generator {
    shape: Shape,
    random: Random,
    bytes_left: u64,
    ended: bool,
    /// Documents made so far.
    pub(crate) documents: u64,
    /// The block made last.
    pub(crate) block: Vec<u8>,
    /// Where its documents stand in it.
    pub(crate) places: Vec<Range<usize>>,
}

impl Generator {
    /// A file of about `bytes` bytes: the last document goes past it.
    pub(crate) fn new(shape: Shape, bytes: u64) -> Self {
        Self {
            shape,
            random: Random(0x5741_5942_494C_4C00),
            bytes_left: bytes,
            ended: false,
            documents: 0,
            block: Vec::with_capacity(BLOCK_BYTES + (64 << 10)),
            places: Vec::new(),
        }
    }

    /// Makes the next block; `false` at the end of the file.
    pub(crate) fn next(&mut self) -> bool {
        self.block.clear();
        self.places.clear();
        if self.ended {
            return false;
        }
        let size = u64::try_from(BLOCK_BYTES).unwrap().min(self.bytes_left);
        while (self.block.len() as u64) < size {
            let start = self.block.len();
            let invoice = Invoice::random(&mut self.random, self.documents);
            match self.shape {
                Shape::X12 => x12::write(&mut self.block, &invoice),
                Shape::Edifact => edifact::write(&mut self.block, &invoice),
                Shape::Ubl => ubl::write_in_batch(&mut self.block, &invoice),
                Shape::UblSingles => ubl::write_file(&mut self.block, &invoice),
                Shape::Csv => csv::write(&mut self.block, &invoice),
            }
            self.places.push(start..self.block.len());
            self.documents += 1;
        }
        self.bytes_left = self.bytes_left.saturating_sub(self.block.len() as u64);
        if self.bytes_left == 0 {
            self.ended = true;
            match self.shape {
                Shape::X12 => x12::end(&mut self.block, self.documents),
                Shape::Edifact => edifact::end(&mut self.block, self.documents),
                Shape::Ubl => ubl::end_batch(&mut self.block),
                Shape::UblSingles | Shape::Csv => {}
            }
        }
        true
    }
}

/// What is on an invoice, whichever way it is written. Amounts are cents; the sums are right.
pub(crate) struct Invoice {
    /// Its place in the file, from 0.
    pub(crate) index: u64,
    pub(crate) day: u8,
    pub(crate) month: u8,
    pub(crate) seller: &'static str,
    pub(crate) seller_id: u64,
    pub(crate) buyer: &'static str,
    pub(crate) buyer_id: u64,
    pub(crate) city: &'static str,
    pub(crate) order: u64,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) quantity: u64,
    pub(crate) price: u64,
    pub(crate) sku: u64,
    pub(crate) name: &'static str,
}

impl Invoice {
    fn random(random: &mut Random, index: u64) -> Self {
        let lines = 1 + random.below(7);
        Self {
            index,
            day: u8::try_from(1 + random.below(28)).unwrap(),
            month: u8::try_from(1 + random.below(12)).unwrap(),
            seller: random.one_of(&SELLERS),
            seller_id: 100_000_000 + random.below(900_000_000),
            buyer: random.one_of(&BUYERS),
            buyer_id: 100_000_000 + random.below(900_000_000),
            city: random.one_of(&CITIES),
            order: 10_000 + random.below(990_000),
            lines: (0..lines).map(|_| Line::random(random)).collect(),
        }
    }

    /// Σ lines, without tax.
    pub(crate) fn net(&self) -> u64 {
        self.lines.iter().map(Line::amount).sum()
    }

    /// A tax of 20 %, half a cent up.
    pub(crate) fn tax(&self) -> u64 {
        (self.net() * 20 + 50) / 100
    }
}

impl Line {
    fn random(random: &mut Random) -> Self {
        Self {
            quantity: 1 + random.below(200),
            price: 25 + random.below(60_000),
            sku: 1_000 + random.below(9_000),
            name: random.one_of(&ITEMS),
        }
    }

    pub(crate) fn amount(&self) -> u64 {
        self.quantity * self.price
    }
}

/// `12.50`, of 1250 cents.
pub(crate) fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Xorshift with multiplication (Vigna's xorshift64*): quick, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    fn one_of(&mut self, words: &'static [&'static str]) -> &'static str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }
}

const SELLERS: [&str; 6] =
    ["Northwind Mills", "Ash and Elm Timber", "Lindner Schrauben GmbH", "Kestrel Paper", "Bright Dairy", "Fenn Tools"];
const BUYERS: [&str; 5] = ["Harbour Foods", "Hafenbau AG", "Meadow Markets", "Granite Works", "Old Quay Hotels"];
const CITIES: [&str; 5] = ["Leeds", "Hull", "Kiel", "Bergen", "Antwerp"];
const ITEMS: [&str; 8] = [
    "Oat flakes 25 kg",
    "Rye flour 25 kg",
    "Hex bolt M8 zinc plated",
    "Oak board planed",
    "Copier paper A4 80 g",
    "Butter unsalted 250 g",
    "Washer M8",
    "Pallet delivery",
];
