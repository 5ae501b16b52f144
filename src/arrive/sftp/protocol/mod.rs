//! SFTP version 3 (draft-ietf-secsh-filexfer-02), streaming: bytes of a channel in, replies out. It knows
//! the dropbox and nothing of SSH.
//!
//! What a client sends is never gathered: of a packet at most its head and a small body are kept, and the
//! bytes of a WRITE go to the upload as they come. What a client asks for is kept as the question
//! ([`Reply::Read`]), and becomes data only when there is room to send it.

mod desk;
mod folder;
mod frames;
mod reply;
mod request;

pub(super) use desk::Desk;
pub(super) use frames::{Broken, Frames};
pub(super) use reply::Reply;
