//! `gatewright record rewrap`: others can read what was encrypted before they were recipients.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use gatewright_contract::SessionId;
use gatewright_record::directory::{key_path, read_key};
use gatewright_record::sealed::Recipients;
use gatewright_record::segment::Reader;

use super::place::{Record, RecordPlace};

#[derive(Debug, Args)]
pub(super) struct Rewrap {
    /// Only this session
    session: Option<SessionId>,
    /// Who shall be able to read: age1…, all of those for whom keys were wrapped later. Those for whom a segment was written can go on reading
    #[arg(long, value_name = "RECIPIENT", required = true)]
    recipient: Vec<String>,
    #[command(flatten)]
    place: RecordPlace,
}

/// Wraps the keys of finished segments for more recipients. What is logged of the segments stays as it is.
pub(super) fn rewrap(arguments: &Rewrap) -> Result<()> {
    let record = arguments.place.open_here()?;
    ensure!(
        !record.identities.is_empty(),
        "pass --identity: the keys have to be unwrapped first"
    );
    let recipients = Recipients::from_texts(&arguments.recipient)?.context("no recipient")?;
    let sessions = match arguments.session {
        Some(session) => [(session, record.segments(session)?)].into(),
        None => record.directory.list()?,
    };
    let (mut wrapped, mut foreign) = (0, 0);
    for path in sessions.values().flat_map(|segments| segments.values()) {
        match rewrapped(&record, path, &recipients)? {
            Outcome::Wrapped => wrapped += 1,
            Outcome::Foreign => foreign += 1,
            Outcome::Clear => {}
        }
    }
    println!("{wrapped} keys wrapped; {foreign} are for none of these identities");
    Ok(())
}

enum Outcome {
    Wrapped,
    /// It is encrypted for somebody else.
    Foreign,
    Clear,
}

fn rewrapped(record: &Record, path: &Path, recipients: &Recipients) -> Result<Outcome> {
    let unreadable = || format!("{} cannot be read", path.display());
    let file = BufReader::new(File::open(path).with_context(unreadable)?);
    let Ok(mut reader) = Reader::open(file).with_context(unreadable)? else {
        return Ok(Outcome::Clear);
    };
    let others = read_key(path).with_context(unreadable)?;
    reader.unseal(&record.identities, others.as_deref());
    match reader.rewrap(recipients) {
        Some(key) => {
            let place = key_path(path);
            write(&place, &key?).with_context(|| format!("{}", place.display()))?;
            Ok(Outcome::Wrapped)
        }
        None if reader.is_sealed() => Ok(Outcome::Foreign),
        None => Ok(Outcome::Clear),
    }
}

/// Puts it in its place as a whole.
fn write(path: &Path, key: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("age.new");
    let mut file = File::create(&new)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(new, path)
}
