//! Which sessions are listed.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use chrono::{DateTime, FixedOffset};
use clap::Args;

use super::{Listed, listed};
use crate::app;
use crate::cli::record::Record;
use crate::config;
use crate::library::{Index, Listing, SessionEntry};

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only sessions of this subject
    #[arg(long)]
    subject: Option<String>,
    /// Only sessions of this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only sessions of this database, as clients name it
    #[arg(long)]
    database: Option<String>,
    /// Only sessions that began since then: a time (RFC 3339), or a duration before now such as 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,
    /// Only sessions that began before
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// Only sessions in which something was refused
    #[arg(long)]
    refused: bool,
    /// Only sessions that have not ended
    #[arg(long)]
    open: bool,
    /// The newest so many. For those before, pass the time of the oldest one to --until
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

impl Filter {
    /// The oldest first.
    pub fn in_index(&self, index: &Index) -> Result<Vec<SessionEntry>> {
        let listing = Listing {
            subject: self.subject.clone(),
            agent: self.agent.clone(),
            database: self.database.clone(),
            since: self.since,
            until: self.until,
            refused: self.refused,
            open: self.open,
            after: None,
            limit: self.limit,
        };
        let page = app::runtime()?.block_on(index.sessions(listing))?;
        Ok(page.entries.into_iter().rev().collect())
    }

    pub fn in_files(&self, record: &Record) -> Result<Vec<Listed>> {
        let mut sessions = Vec::new();
        for (id, segments) in record.directory.list()?.into_iter().rev() {
            if sessions.len() >= self.limit {
                break;
            }
            let mut listed = listed(record, &segments)?;
            listed.opened.session = id;
            if self.lists(&listed) {
                sessions.push(listed);
            }
        }
        sessions.reverse();
        Ok(sessions)
    }

    fn lists(&self, listed: &Listed) -> bool {
        let opened = &listed.opened;
        let at = i64::try_from(opened.at).unwrap_or(i64::MAX);
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        is(&self.subject, &opened.subject)
            && is(&self.database, &opened.database)
            && (self.agent.is_none() || self.agent == opened.agent)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && (!self.refused || listed.refused > 0)
            && (!self.open || listed.ended.is_none())
    }
}

/// In microseconds since 1970.
fn time(text: &str) -> Result<i64> {
    if let Ok(time) = text.parse::<DateTime<FixedOffset>>() {
        return Ok(time.timestamp_micros());
    }
    let before = config::parse_duration(text).map_err(|why| {
        anyhow!("neither a time, such as 2026-12-01T08:00:00Z, nor a duration: {why}")
    })?;
    let then = SystemTime::now().checked_sub(before);
    let since = then.and_then(|then| then.duration_since(UNIX_EPOCH).ok());
    Ok(since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }))
}
