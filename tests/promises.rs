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

mod api;
mod house;
mod wire;

mod api_admin;
mod api_document;
mod api_events;
mod api_files;
mod api_invoices;
mod api_problems;
mod api_tenancy;
mod cli_admin;
mod cli_check;
mod cli_corpus;
mod cli_read;
mod clients_curl;
mod clients_lftp;
mod clients_openssh;
mod clients_paramiko;
mod crashes;
mod curl;
mod front_page;
mod house_rules;
mod landing;
mod one_gibibyte;
mod openssh;
mod sftp_hostile;
