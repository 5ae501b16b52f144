//! `waybill schema`: the JSON Schema of the canonical document.

use std::io::Write;

use clap::Args;
use waybill_parsers::canonical;

use super::Exit;

/// Print the JSON Schema of the canonical document
///
/// It describes each line of `waybill convert --to json`. docs/CANONICAL.md explains the model.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Schema {}

const EXAMPLES: &str = "\
Examples:
  waybill schema > canonical.schema.json
  waybill schema | jq '.\"$defs\".Invoice.properties | keys'

Exit codes: 0 printed, 2 unusable (wrong arguments).";

impl Schema {
    #[expect(clippy::unused_self, reason = "a command is a struct with `run`")]
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        out.write_all(canonical::schema().as_bytes())?;
        Ok(Exit::Ok)
    }
}
