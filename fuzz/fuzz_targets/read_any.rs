//! Any bytes, read as whatever they look like: no panic, and every place that is named lies inside.
#![no_main]

use std::io::BufReader;
use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use waybill_parsers::{Context, Event, Limits, Location, profile, read};

fuzz_target!(|bytes: &[u8]| {
    let context = Context { profiles: profile::built_in(), limits: Limits::default() };
    let end = bytes.len() as u64;
    let inside = |place: &Location| {
        assert!(place.byte + u64::from(place.len) <= end, "{place:?} is outside of {end} bytes");
    };
    // In pieces of seven bytes, so that every token is cut somewhere.
    let mut input = BufReader::with_capacity(7, bytes);
    // A halt is an answer too: the file passed a limit.
    let _ = read(&mut input, &context, &mut |event| {
        match event {
            Event::Document(document) => {
                inside(&document.location);
                document.evidence.iter().for_each(|evidence| inside(&evidence.at));
            }
            Event::Finding(finding) => inside(&finding.location),
            Event::Unlisted { .. } => {}
        }
        ControlFlow::Continue(())
    });
});
