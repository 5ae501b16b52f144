//! The `waybill` program: everything it does is in [`waybill::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    waybill::cli::main()
}
