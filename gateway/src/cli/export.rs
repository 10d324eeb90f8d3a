//! `gatewright export`: sessions for other programs. The same record gives the same bytes.

mod asciicast;
mod csv;
mod executions;
mod jsonl;
mod ocsf;
mod parquet;
mod rows;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use gatewright_contract::SessionId;

use super::record::RecordPlace;
use super::sessions::text;

/// Arguments of `gatewright export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    #[arg(required = true)]
    session: Vec<SessionId>,
    #[arg(long, value_enum)]
    format: ExportFormat,
    #[command(flatten)]
    place: RecordPlace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// One JSON object per event, with results
    Jsonl,
    /// One line per execution or refusal, without results
    Csv,
    /// The same as a table with types, for DuckDB, Spark and others (Apache Parquet)
    Parquet,
    /// One OCSF event per execution or refusal, as a stream sends it
    Ocsf,
    /// What replay shows, as asciinema plays it (asciicast v3), with a marker per statement. One session
    Asciicast,
}

pub(super) fn run(arguments: &ExportArguments) -> ExitCode {
    super::finish(export(arguments))
}

fn export(arguments: &ExportArguments) -> Result<()> {
    let record = arguments.place.open_for(&arguments.session)?;
    let is_cast = arguments.format == ExportFormat::Asciicast;
    ensure!(
        !is_cast || arguments.session.len() == 1,
        "an asciicast is of one session"
    );
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut table = match arguments.format {
        ExportFormat::Parquet => Some(parquet::Table::begin(std::io::stdout())?),
        ExportFormat::Jsonl | ExportFormat::Csv | ExportFormat::Ocsf | ExportFormat::Asciicast => {
            None
        }
    };
    if arguments.format == ExportFormat::Csv {
        csv::heading(&mut out)?;
    }
    let (mut damages, mut sealed) = (0, false);
    for session in &arguments.session {
        let segments = record.segments(*session)?;
        let scans = match arguments.format {
            ExportFormat::Parquet => {
                let table = table.as_mut().context("a table")?;
                parquet::export(&record, &segments, *session, table)?
            }
            ExportFormat::Jsonl => jsonl::export(&record, &segments, *session, &mut out)?,
            ExportFormat::Csv => csv::export(&record, &segments, *session, &mut out)?,
            ExportFormat::Ocsf => ocsf::export(&record, &segments, &mut out)?,
            ExportFormat::Asciicast => asciicast::export(&record, &segments, &mut out)?,
        };
        damages += scans
            .iter()
            .map(|(_, scan)| scan.damages.len())
            .sum::<usize>();
        sealed |= scans.iter().any(|(_, scan)| scan.is_sealed);
    }
    if let Some(table) = table {
        table.finish()?;
    }
    out.flush()?;
    if sealed {
        eprintln!("{}", text::SEALED);
    }
    ensure!(
        damages == 0,
        "{damages} damaged blocks were left out: see gatewright record verify"
    );
    Ok(())
}
