//! The narrower rules of archives, workbooks and tables.

use super::{Explanation, error};

const SOURCE: &str = "Waybill";

pub(super) static TABLES: &[Explanation] = &[
    error(
        "ARCHIVE-CORRUPT",
        SOURCE,
        "",
        "An archive is whole, and what is in it unpacks to what it says.",
        "Pack it again and send it whole.",
    ),
    error(
        "ARCHIVE-DEPTH",
        SOURCE,
        "",
        "An archive holds files, or one more archive of them.",
        "Send the files, or one archive of them.",
    ),
    error(
        "ARCHIVE-PASSWORD",
        SOURCE,
        "",
        "What is in an archive can be read without a password.",
        "Send it without a password; the connection is encrypted.",
    ),
    error("ARCHIVE-PATH", SOURCE, "", "The names in an archive stay inside of it.", "Pack the files with plain names."),
    error(
        "ARCHIVE-RATIO",
        SOURCE,
        "",
        "What an archive unpacks to is in proportion to its size.",
        "Send the file itself, or pack it without tricks.",
    ),
    error(
        "ARCHIVE-SIZE",
        SOURCE,
        "",
        "An archive and what it unpacks to keep within the limits.",
        "Send it in several archives, or ask for a higher limit.",
    ),
    error(
        "PGP-NO-KEY",
        SOURCE,
        "",
        "An encrypted file is encrypted for a key we have.",
        "Send the file as it is, the connection is encrypted; or agree on a key first.",
    ),
    error(
        "WORKBOOK",
        SOURCE,
        "",
        "A workbook is whole, and its first sheet is a table.",
        "Open the workbook, save it again as .xlsx, and send that.",
    ),
    error(
        "CONTROL-COUNT",
        SOURCE,
        "trailer",
        "A trailer counts the documents and lines before it.",
        "Compare the file with the batch it was written from; send it whole, with the trailer counted again.",
    ),
    error(
        "CONTROL-TOTAL",
        SOURCE,
        "trailer",
        "A trailer adds up the amounts before it.",
        "Compare the file with the batch it was written from; send it whole, with the trailer added up again.",
    ),
    error(
        "DUP-PAYMENT-NUMBER",
        SOURCE,
        "payment_number",
        "The rows of a payment stand together, and no other has its number.",
        "Send each payment once, its rows together.",
    ),
    error("DUP-VENDOR", SOURCE, "vendor_no, site_code", "A vendor stands in a file once.", "Send each vendor once."),
];
