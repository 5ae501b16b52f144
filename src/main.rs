//! The `waybill` program: everything it does is in [`waybill::cli`].

use std::process::ExitCode;

/// A document is a hundred small texts: with the C library's allocator, a quarter of the time it takes to read one.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    waybill::cli::main()
}
