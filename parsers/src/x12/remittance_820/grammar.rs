//! The segments of an 820 and the loops they open.

use crate::x12::loops::{Grammar, Known, Loop, Members, keys};

/// Every segment an 820 may hold in 003010 to 008010. BPS and RMT are of 003010 and 003020, ITA of the 003xxx
/// versions.
pub(in crate::x12) static GRAMMAR: Grammar = Grammar {
    set: "820",
    document: "payment",
    segments: Known::of([
        "ADX", "AIN", "AMT", "ASM", "ATN", "BPR", "BPS", "CUR", "DED", "DTM", "DTP", "EMS", "ENT", "FA1", "FA2", "G53",
        "INV", "IT1", "ITA", "LE", "LOC", "LS", "LX", "N1", "N2", "N3", "N4", "N9", "NM1", "NTE", "PCT", "PEN", "PER",
        "PID", "PYD", "QTY", "RDM", "REF", "RMR", "RMT", "RPA", "RYL", "SAC", "SE", "SLN", "ST", "TRN", "TXI", "TXP",
        "VEH",
    ]),
    opening,
};

fn opening(id: &[u8]) -> Option<(Loop, Members)> {
    let only = |kind, members| Some((kind, Members::Only(members)));
    match id {
        b"N1" => only(Loop::Party, const { &keys(["N2", "N3", "N4", "REF", "PER", "RDM", "DTM"]) }),
        b"NM1" => only(
            Loop::Other,
            const { &keys(["N2", "N3", "N4", "REF", "PER", "G53", "AIN", "QTY", "DTP", "LOC", "PID"]) },
        ),
        // An entity's loop holds everything until the next one or another table of the set.
        b"ENT" => Some((
            Loop::Entity,
            Members::AllBut(const { &keys(["BPR", "BPS", "ENT", "TXP", "DED", "LX", "N9", "RYL", "LE", "SE"]) }),
        )),
        b"RMR" => only(Loop::Settled, const { &keys(["NTE", "REF", "DTM", "VEH", "IT1", "ADX"]) }),
        b"RMT" => only(Loop::Settled, const { &keys(["NTE", "REF", "DTM", "ADX"]) }),
        b"ADX" => only(Loop::Adjustment, const { &keys(["NTE", "PER", "REF", "DTM", "IT1"]) }),
        b"IT1" => only(Loop::Other, const { &keys(["REF", "DTM", "SAC", "ITA", "TXI", "SLN", "RPA", "QTY", "PID"]) }),
        b"SLN" => only(Loop::Subline, const { &keys(["REF", "DTM", "SAC", "ITA", "TXI"]) }),
        b"SAC" => only(Loop::Charge, const { &keys(["TXI", "DTM"]) }),
        b"FA1" => only(Loop::Other, const { &keys(["FA2"]) }),
        b"TXP" => only(Loop::Other, const { &keys(["TXI"]) }),
        // Contributions to pensions, deductions and royalties: not what accounts payable settles.
        b"LX" => Some((
            Loop::Other,
            Members::AllBut(const { &keys(["LX", "BPR", "BPS", "ENT", "TXP", "DED", "N9", "RYL", "LE", "SE"]) }),
        )),
        b"N9" => {
            Some((Loop::Other, Members::AllBut(const { &keys(["BPR", "BPS", "N9", "RYL", "LX", "ENT", "LE", "SE"]) })))
        }
        b"RYL" => Some((Loop::Other, Members::AllBut(const { &keys(["BPR", "BPS", "RYL", "LE", "SE"]) }))),
        _ => None,
    }
}
