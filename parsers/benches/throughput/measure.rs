//! CPU time and peak memory of this process, from Linux's `/proc`: no `unsafe`, no library.

use std::fs;
use std::time::Duration;

/// CPU time this thread has used, to some ten microseconds.
///
/// `schedstat` counts nanoseconds but is brought up to date at ticks only; reading the process's `stat`
/// first makes the kernel account for the time since.
pub(crate) fn cpu_time() -> Duration {
    let _ = fs::read("/proc/self/stat");
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux's /proc, with schedstat");
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Forgets the peak so far.
pub(crate) fn forget_peak() {
    // proc(5): 5 resets the peak resident set size.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The greatest resident set since [`forget_peak`], in bytes.
pub(crate) fn peak_bytes() -> u64 {
    kilobytes_of("VmHWM:") * 1024
}

/// The resident set now, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    kilobytes_of("VmRSS:") * 1024
}

fn kilobytes_of(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux's /proc");
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
