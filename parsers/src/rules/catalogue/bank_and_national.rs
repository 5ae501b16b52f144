//! The narrower rules of ISO 20022, cXML, IDocs, FatturaPA, Facturae and CFDI: what a message or a document
//! states of itself is what it holds.

use super::{Explanation, error, warning};

const ISO: &str = "ISO 20022 message definitions";
const CXML: &str = "cXML 1.2 User's Guide";
const SDI: &str = "Agenzia delle Entrate, technical specifications of the exchange system (SdI), format 1.2";
const FACTURAE: &str = "Facturae 3.2.x, Ministerio de Hacienda";
const SAT: &str = "SAT, Anexo 20 and complement Pagos";

pub(super) static BANK_AND_NATIONAL: &[Explanation] = &[
    error(
        "NBOFTXS",
        ISO,
        "NbOfTxs",
        "A message or batch holds as many transactions as it says; a bank's entry, where it details any.",
        "Correct the number of transactions, or send those that are missing.",
    ),
    error(
        "CTRLSUM",
        ISO,
        "CtrlSum",
        "The control sum is the total of all individual amounts of the message or batch, irrespective of currencies.",
        "Correct the control sum, or the amount that is wrong.",
    ),
    error(
        "NBOFNTRIES",
        ISO,
        "TxsSummry",
        "A report holds as many entries, credits and debits as it says.",
        "Check that the report is whole.",
    ),
    error(
        "NTRYSUM",
        ISO,
        "TxsSummry",
        "The sums of credits and of debits are those of the report's entries.",
        "Check that the report is whole.",
    ),
    warning(
        "BALANCE",
        ISO,
        "Bal",
        "The entries of a statement lead from its opening balance to its closing balance.",
        "Check that the report is whole.",
    ),
    warning(
        "REMT-SUM",
        ISO,
        "RmtInf",
        "The amount of a payment is what is remitted of its documents.",
        "Correct the amount of the payment, or of a document.",
    ),
    warning(
        "CXML-NET",
        CXML,
        "InvoiceDetailSummary",
        "The net amount is the gross amount less the discount, or what subtotal, tax and charges come to.",
        "Correct the net amount, or the amount that is wrong.",
    ),
    warning(
        "CXML-DUE",
        CXML,
        "InvoiceDetailSummary",
        "An invoice says what is due.",
        "Write what is due as `NetAmount` or `DueAmount`.",
    ),
    warning(
        "CXML-REMIT",
        CXML,
        "PaymentRemittanceSummary",
        "The net amount of a payment is that of its details.",
        "Correct the net amount of the payment, or of a detail.",
    ),
    warning(
        "PEXR-SUM",
        "SAP IDoc PEXR2002",
        "MOABETR",
        "The amount of a payment is what is paid of its documents.",
        "Correct the amount of the payment, or of a document.",
    ),
    warning(
        "SDI-00400",
        SDI,
        "Natura",
        "Where the VAT rate is zero, a nature says why.",
        "Write `Natura` where the rate is zero.",
    ),
    warning("SDI-00401", SDI, "Natura", "Where the VAT rate is not zero, there is no nature.", "Leave `Natura` out."),
    warning(
        "SDI-00411",
        SDI,
        "DatiRitenuta",
        "Where tax is withheld on a line, the document says what is withheld.",
        "Write `DatiRitenuta`.",
    ),
    warning(
        "SDI-00421",
        SDI,
        "Imposta",
        "The tax of a summary is its taxable amount at its rate, to a cent.",
        "Correct the tax or its base.",
    ),
    warning(
        "SDI-00422",
        SDI,
        "ImponibileImporto",
        "The taxable amount of a rate is what its lines and contributions come to, to a euro.",
        "Correct the taxable amount, or the line that is wrong.",
    ),
    warning(
        "SDI-00423",
        SDI,
        "PrezzoTotale",
        "The amount of a line is its price, less discounts, times its quantity, to a cent.",
        "Correct the amount of the line, its price, its quantity or its discounts.",
    ),
    warning(
        "FPA-TOTAL",
        SDI,
        "ImportoTotaleDocumento",
        "The total of the document is what its summaries come to.",
        "Correct the total of the document.",
    ),
    error(
        "INVOICESCOUNT",
        FACTURAE,
        "Batch",
        "A batch holds as many invoices as it says.",
        "Correct the count, or send what is missing.",
    ),
    error(
        "TOTALINVOICESAMOUNT",
        FACTURAE,
        "Batch",
        "The batch's total is that of its invoices.",
        "Correct the batch's total, or the invoice that is wrong.",
    ),
    error(
        "TOTALOUTSTANDINGAMOUNT",
        FACTURAE,
        "Batch",
        "The batch's outstanding amount is that of its invoices.",
        "Correct the batch's total, or the invoice that is wrong.",
    ),
    error(
        "TOTALEXECUTABLEAMOUNT",
        FACTURAE,
        "Batch",
        "The batch's executable amount is that of its invoices.",
        "Correct the batch's total, or the invoice that is wrong.",
    ),
    warning(
        "INVOICETOTAL",
        FACTURAE,
        "InvoiceTotal",
        "The total of an invoice is net and taxes, with or without what is withheld taken off.",
        "Correct the total of the invoice, or the amount that is wrong.",
    ),
    warning(
        "CFDI-TOTAL",
        SAT,
        "Total",
        "The total is the subtotal, less discount, with taxes passed on and without taxes withheld, to a cent.",
        "Correct the total, or the amount that is wrong.",
    ),
    warning(
        "PAGO-SALDO",
        SAT,
        "ImpSaldoInsoluto",
        "What is open of a document is what was open before, less what is paid.",
        "Correct what is open before, what is paid, or what is open after.",
    ),
    warning(
        "PAGO-MONTO",
        SAT,
        "Monto",
        "No more is paid of the documents than is paid in all.",
        "Correct the amount of the payment, or of a document.",
    ),
    error(
        "PAGO-TOTAL",
        SAT,
        "MontoTotalPagos",
        "The total of the payments is theirs.",
        "Correct the total, or the payment that is wrong.",
    ),
];
