//! `gatewright suggest-masking`: drafts masking settings for a person to review.

mod draft;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::app;
use crate::suggest::{self, Options};
use crate::upstream::Target;

/// Arguments of `gatewright suggest-masking`.
#[derive(Debug, Args)]
pub struct SuggestArguments {
    /// The database: postgres://user[:password]@host[:port][/database]; without a password, PGPASSWORD is used
    #[arg(long, value_name = "DSN")]
    upstream: String,
    /// Examine only this schema; can be repeated
    #[arg(long, value_name = "SCHEMA")]
    schema: Vec<String>,
    /// Number of rows to sample per table; with 0 only names are examined
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    sample_rows: u32,
    /// The output file [default: standard output]; an existing file is not overwritten
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write settings for `gatewright dev --settings` instead of for gatewright.toml
    #[arg(long)]
    dev: bool,
}

pub(super) fn run(arguments: &SuggestArguments) -> ExitCode {
    super::finish(suggest(arguments))
}

fn suggest(arguments: &SuggestArguments) -> Result<()> {
    let target: Target = arguments.upstream.parse().context("--upstream")?;
    let options = Options {
        schemas: arguments.schema.clone(),
        sample_rows: arguments.sample_rows,
    };
    let draft = app::runtime()?.block_on(suggest::draft(&target, &options))?;
    let table = match arguments.dev {
        true => "mask-columns",
        false => "policy.mask-columns.settings",
    };
    let text = draft::render(&draft, table);
    match &arguments.out {
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => {
            let mut file = std::fs::File::create_new(path)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            file.write_all(text.as_bytes())
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok(())
}
