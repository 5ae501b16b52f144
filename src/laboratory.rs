//! Where the fault laboratory reaches into the daemon: places at which it is killed, and faults that are planted to see
//! whether the laboratory finds them. Without the feature `laboratory` nothing of this is in the binary.

#[cfg(feature = "laboratory")]
mod inside {
    use std::sync::atomic::{AtomicU32, Ordering};

    /// `committed:3`: the third time this process comes by `committed` is its last.
    const CRASH: &str = "WAYBILL_TEST_CRASH";
    /// The name of the planted fault.
    const PLANT: &str = "WAYBILL_TEST_PLANT";

    static PASSED: AtomicU32 = AtomicU32::new(0);

    /// A place at which the laboratory may kill the process, as a power cut of this process alone would.
    pub fn crash_point(name: &str) {
        let Ok(wanted) = std::env::var(CRASH) else { return };
        let Some((wanted, time)) = wanted.split_once(':') else { return };
        if wanted == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == time.parse().unwrap_or(1) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            // The signal is on its way: nothing after this line happens.
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
    }

    /// Whether this fault is planted.
    #[must_use]
    pub fn is_planted(fault: &str) -> bool {
        std::env::var(PLANT).is_ok_and(|planted| planted == fault)
    }
}

#[cfg(not(feature = "laboratory"))]
mod inside {
    /// A place at which the laboratory may kill the process.
    #[inline(always)]
    pub const fn crash_point(_name: &str) {}

    /// Whether this fault is planted: never.
    #[inline(always)]
    #[must_use]
    pub const fn is_planted(_fault: &str) -> bool {
        false
    }
}

pub use inside::{crash_point, is_planted};
