//! The doors: each translates one protocol into [`land`](crate::land), and decides nothing.

pub mod accept;
mod client_certificate;
pub mod ftps;
mod lobby;
pub mod presence;
mod proxy;
pub mod sftp;
pub mod tls;
mod x509;

pub use accept::{Gate, Visit};
pub use ftps::{FtpsDoor, FtpsSettings};
pub use lobby::Counts;
pub use sftp::{SftpDoor, SftpSettings};
