//! From original to documents: a pool of workers takes arrivals from the queue under lease and fence,
//! reads each from the shelf as it was stored, and publishes all of its records at once. A replay and a
//! first run are the same code.

mod answer;
mod proof;
mod read;
mod worker;

pub use worker::Ingest;
