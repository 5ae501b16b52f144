//! What a load balancer says, or somebody who says he is one: an end, no panic, and not a byte taken that is not the
//! header's.
#![no_main]
#![allow(dead_code, reason = "of the house's module only the parser is needed")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/arrive"]
mod arrive {
    pub mod proxy {
        pub mod header;

        pub fn check(input: &[u8]) {
            let mut heard = 0;
            loop {
                match header::read(&input[..heard]) {
                    // Too long for what one has, or a header that is whole: the rest is the client's.
                    Ok(header::Step::More(more)) => {
                        assert!(more > 0 && heard + more <= 16 + 4096);
                        if heard + more > input.len() {
                            return;
                        }
                        heard += more;
                    }
                    Ok(header::Step::Whole(route)) => {
                        // The same bytes say the same again, and one less is not enough.
                        assert_eq!(header::read(&input[..heard]), Ok(header::Step::Whole(route)));
                        assert!(!matches!(header::read(&input[..heard - 1]), Ok(header::Step::Whole(_))));
                        return;
                    }
                    Err(_) => return,
                }
            }
        }
    }
}

fuzz_target!(|input: &[u8]| arrive::proxy::check(input));
