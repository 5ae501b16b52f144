//! `waybill file release`: a held file is read as it is.

use std::io::Write;

use clap::Args;

use super::file_id;
use crate::cli::Exit;
use crate::cli::screen::safe;
use crate::cli::store::{Missing, Place};
use crate::domain::ArrivalId;

#[derive(Debug, Args)]
pub(super) struct Release {
    /// Its id, whole: `fil_...`
    #[arg(value_parser = file_id)]
    id: ArrivalId,

    /// Print the file as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) const EXAMPLES: &str = "\
Look at the file first (`waybill file show`): one that came without TLS close_notify may be cut short.

Examples:
  waybill file list --status held
  waybill file release fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX

Exit codes: 0 released, 2 unusable (no such file, it is not held, no store there).";

impl Release {
    pub(super) async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let file = self.place.open(Missing::Refuse).await?.release(self.id).await?;
        if self.json {
            crate::cli::json_line(out, &file)?;
        } else if file.status == "duplicate" {
            writeln!(out, "{} is released, and shares the documents of an earlier file", safe(&file.name))?;
        } else {
            writeln!(out, "{} is released and waits to be read", safe(&file.name))?;
        }
        Ok(Exit::Ok)
    }
}
