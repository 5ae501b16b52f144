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

// What the promises are tested with.
mod api;
mod curl;
mod house;
mod laboratory;
mod openssh;
mod post;
mod postgres;
mod relay;
mod s3_server;
mod servers;
mod wire;

// The promises.
mod account_policy;
mod api_admin;
mod api_document;
mod api_events;
mod api_files;
mod api_invoices;
mod api_problems;
mod api_tenancy;
mod attempts;
mod auth_algorithms;
mod auth_certificates;
mod auth_ftps;
mod auth_scanners;
mod auth_steps;
mod backup;
mod banned;
mod behind_a_balancer;
mod cli_admin;
mod cli_check;
mod cli_convert;
mod cli_corpus;
mod cli_migrate;
mod cli_read;
mod clients_asyncssh;
mod clients_curl;
mod clients_filezilla;
mod clients_java;
mod clients_lftp;
mod clients_openssh;
mod clients_paramiko;
mod crashes;
mod dropbox;
mod exhausted;
mod front_page;
mod ftps_clients;
mod ftps_hostile;
mod ftps_verbs;
mod house_rules;
mod kill_loops;
mod landing;
mod moved_house;
mod one_gibibyte;
mod originals_in_a_bucket;
mod partners_pull;
mod partners_push;
mod paths_alike;
mod reloading;
mod second_wall;
mod sessions;
mod sftp_hostile;
mod ssh_before_login;
mod two_nodes;
mod unsaid_ends;
