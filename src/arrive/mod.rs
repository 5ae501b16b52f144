//! The doors: each translates one protocol into [`land`](crate::land), and decides nothing.

pub mod accept;
pub mod presence;
pub mod sftp;

pub use accept::{Counts, Gate, Visit};
pub use sftp::SftpDoor;
