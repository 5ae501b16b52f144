//! The files the demo sends: fixtures of this project, compiled in.

/// A file, who sends it, and what it is.
pub(super) struct Shipped {
    pub(super) login: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) content: &'static [u8],
}

/// In the order they are sent.
pub(super) static SHIPMENT: [Shipped; 8] = [
    Shipped {
        login: "northwind",
        name: "invoice-810.edi",
        about: "an X12 810 invoice with everything on it",
        content: include_bytes!("../../../fixtures/x12/ok/everything-mapped/input.edi"),
    },
    Shipped {
        login: "northwind",
        name: "batch-810.edi",
        about: "three 810s, one of them broken; the other two are taken",
        content: include_bytes!("../../../fixtures/x12/err/fault-beside-good-ones/input.edi"),
    },
    Shipped {
        login: "northwind",
        name: "invoice-ubl.xml",
        about: "a UBL 2.1 invoice that claims EN 16931",
        content: include_bytes!("../../../fixtures/ubl/ok/invoice/input.xml"),
    },
    Shipped {
        login: "northwind",
        name: "creditnote-ubl.xml",
        about: "a UBL 2.1 credit note",
        content: include_bytes!("../../../fixtures/ubl/ok/creditnote/input.xml"),
    },
    Shipped {
        login: "northwind",
        name: "sums-ubl.xml",
        about: "an invoice whose sums do not add up",
        content: include_bytes!("../../../fixtures/ubl/err/br-co-sums/input.xml"),
    },
    Shipped {
        login: "northwind",
        name: "invoices.csv",
        about: "two documents in our own CSV columns, one of them a credit note",
        content: include_bytes!("../../../fixtures/csv/ok/template-invoices/input.csv"),
    },
    Shipped {
        login: "northwind",
        name: "typos.csv",
        about: "a letter O in an amount and a 31 February",
        content: include_bytes!("../../../fixtures/csv/err/template-invoices/input.csv"),
    },
    Shipped {
        login: "harbour",
        name: "open-items.csv",
        about: "the payer's nightly vouchers, with their status",
        content: include_bytes!("../../../fixtures/csv/ok/template-vouchers/input.csv"),
    },
];
