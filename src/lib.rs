//! Waybill: the secure file-transfer gateway that reads what it receives.
//!
//! ```text
//! arrive ──► land ──► ingest ──► serve
//! a door     safe      read       looked at
//! ```
//!
//! A file arrives through a door. It lands: stored as an original and registered; only then does the
//! sender hear "OK". Later it is ingested: the original is read back, parsed into documents and findings,
//! and recorded. What is recorded is served. Data goes one way.

// What people touch, and what builds the house: `cli`, `daemon`, `telemetry`. The rooms, in the order a file
// walks through them: `arrive`, `defend`, `land`, `originals`, `ingest`, `ledger`, `record`, `serve`, `deliver`. The words and the
// settings everybody shares: `domain`, `config`.

pub mod arrive;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod defend;
pub mod deliver;
pub mod domain;
pub mod ingest;
pub mod laboratory;
pub mod land;
pub mod ledger;
pub mod originals;
pub mod record;
pub mod serve;
pub mod telemetry;
