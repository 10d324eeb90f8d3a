//! `gatewright record hold`: what must not be deleted.

use std::io::Write;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use gatewright_contract::SessionId;
use gatewright_record::holds::{Held, Hold, HoldId, Holds};

use super::place::RecordPlace;
use crate::cli::sessions::text::time;
use crate::gate::printable;
use crate::recording::now;

#[derive(Debug, Subcommand)]
pub(super) enum HoldCommand {
    /// Keep a session, or all of a subject or a database, whatever the retention is
    Add {
        #[command(flatten)]
        of: Of,
        /// For whoever reads the list
        #[arg(long, default_value = "", value_name = "TEXT")]
        why: String,
        #[command(flatten)]
        place: RecordPlace,
    },
    /// Let what it keeps be deleted when its time has come
    Remove {
        /// As `add` and `list` print it
        hold: HoldId,
        #[command(flatten)]
        place: RecordPlace,
    },
    /// List holds
    List {
        #[command(flatten)]
        place: RecordPlace,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Of {
    /// This session
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// All sessions of this subject
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// All sessions with this database
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
}

pub(super) fn hold(command: &HoldCommand) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match command {
        HoldCommand::Add { of, why, place } => {
            let record = place.open_here()?;
            if let Some(session) = of.session
                && !record.has_logged(session)?
            {
                record.segments(session)?;
            }
            let hold = Hold {
                of: of.held().context("what is to be kept?")?,
                since: now(),
                why: why.clone(),
            };
            writeln!(out, "{}", Holds::of(&record.directory).add(&hold)?)?;
        }
        HoldCommand::Remove { hold, place } => {
            let holds = Holds::of(&place.open_here()?.directory);
            let removed = holds.remove(*hold);
            removed.with_context(|| format!("the hold {hold} cannot be removed"))?;
        }
        HoldCommand::List { place } => {
            for (id, hold) in Holds::of(&place.open_here()?.directory).list()? {
                let of = match &hold.of {
                    Held::Session(session) => format!("session {session}"),
                    Held::Subject(subject) => format!("subject {subject}"),
                    Held::Database(database) => format!("database {database}"),
                };
                let line = format!("{id}  {}  {of}  {}", time(hold.since), hold.why);
                writeln!(out, "{}", printable(line).trim_end())?;
            }
        }
    }
    Ok(out.flush()?)
}

impl Of {
    fn held(&self) -> Option<Held> {
        let session = self.session.map(Held::Session);
        let subject = self.subject.clone().map(Held::Subject);
        let database = self.database.clone().map(Held::Database);
        session.or(subject).or(database)
    }
}
