//! What Waybill promises; the list of modules is the contract.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may end at the first surprise"
)]

mod house;
mod wire;

mod attempts;
mod cli_check;
mod cli_corpus;
mod cli_read;
mod clients_curl;
mod clients_lftp;
mod clients_openssh;
mod clients_paramiko;
mod crashes;
mod curl;
mod dropbox;
mod house_rules;
mod landing;
mod one_gibibyte;
mod openssh;
mod sftp_hostile;
