//! The narrower rules of EDIFACT files.

use super::{Explanation, error, warning};

const SOURCE: &str = "ISO 9735";

pub(super) static EDIFACT: &[Explanation] = &[
    error(
        "BAD-UNA",
        SOURCE,
        "UNA",
        "UNA names six characters that can be told apart.",
        "Write UNA and its six service characters, or leave it out and use the usual ones.",
    ),
    error(
        "NO-UNH",
        SOURCE,
        "UNH",
        "An interchange holds a message.",
        "Check that your export wrote its documents, and send the file again.",
    ),
    error("NO-UNB", SOURCE, "UNB", "An interchange begins with UNB.", "Send the whole interchange, from UNB to UNZ."),
    error(
        "NO-TERMINATOR",
        SOURCE,
        "",
        "The last segment of a file ends with the segment terminator.",
        "Check that nothing was lost on the way, and end the file with the terminator.",
    ),
    warning(
        "W-CHARSET",
        "ISO 9735 S001",
        "UNB S001",
        "The bytes of an interchange are of the character set that UNB names.",
        "Name the character set that is used: UNOC for ISO 8859-1, UNOW or UNOY for UTF-8.",
    ),
    error(
        "UNT-COUNT",
        SOURCE,
        "UNT 0074",
        "UNT counts the segments of its message, UNH and UNT among them.",
        "Correct the count in UNT.",
    ),
    error("UNE-COUNT", SOURCE, "UNE 0060", "UNE counts the messages of its group.", "Correct the count in UNE."),
    error(
        "UNZ-COUNT",
        SOURCE,
        "UNZ 0036",
        "UNZ counts the messages, or the groups, of its interchange.",
        "Correct the count in UNZ.",
    ),
    error(
        "MISSING-BGM",
        "UN/EDIFACT INVOIC, REMADV, APERAK",
        "BGM",
        "A message says with BGM which number it has.",
        "Send BGM as the second segment of the message.",
    ),
    error(
        "MISSING-MOA",
        "UN/EDIFACT INVOIC, REMADV",
        "MOA",
        "A message says its total amount.",
        "Send MOA with the total behind UNS.",
    ),
    error(
        "MISSING-UCI",
        "UN/EDIFACT CONTRL",
        "UCI",
        "A CONTRL says with UCI which interchange it answers.",
        "Send UCI as the second segment of the message.",
    ),
    error(
        "CNT-LIN",
        "UN/EDIFACT INVOIC",
        "CNT",
        "CNT counts the lines (LIN) of its message.",
        "Correct the count in CNT, or send the lines that are missing.",
    ),
    error(
        "MOA-ARITH",
        "UN/EDIFACT INVOIC, REMADV",
        "MOA C516.5004",
        "A total is the sum of its parts.",
        "Correct the amount in MOA, or the amounts it is the sum of.",
    ),
];
