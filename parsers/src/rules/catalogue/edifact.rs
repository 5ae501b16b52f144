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
    error(
        "DUP-UNB",
        SOURCE,
        "UNB 0020",
        "An interchange comes once.",
        "Send each interchange once, and give every interchange its own reference in UNB 0020.",
    ),
    error(
        "UNH-DUP",
        SOURCE,
        "UNH 0062",
        "Every message of an interchange has its own reference.",
        "Give every message of an interchange its own reference in UNH and UNT 0062.",
    ),
    error(
        "NO-UNT",
        SOURCE,
        "UNT",
        "A message is closed by UNT.",
        "Close it with UNT, with its count and its reference.",
    ),
    error(
        "UNT-REF",
        SOURCE,
        "UNH 0062, UNT 0062",
        "UNT repeats the reference of UNH.",
        "Write the same reference into UNH 0062 and UNT 0062.",
    ),
    error(
        "UNE-REF",
        SOURCE,
        "UNG 0048, UNE 0048",
        "UNE repeats the reference of UNG.",
        "Write the same reference into UNG 0048 and UNE 0048.",
    ),
    error(
        "UNZ-REF",
        SOURCE,
        "UNB 0020, UNZ 0020",
        "UNZ repeats the reference of UNB.",
        "Write the same reference into UNB 0020 and UNZ 0020.",
    ),
];
