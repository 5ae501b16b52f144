//! The doors: each translates one protocol into [`land`](crate::land), and decides nothing.

pub mod accept;
mod lobby;
pub mod presence;
pub mod sftp;

pub use accept::{Gate, Visit};
pub use lobby::Counts;
pub use sftp::SftpDoor;
