//! `gatewright sessions tail`: what open sessions do, from whole blocks of their files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use gatewright_contract::SessionId;
use gatewright_record::Event;
use gatewright_record::follow::{Follower, Reached, Wants};
use gatewright_record::log::{Log, PublicKey};

use super::{Shown, text};
use crate::cli::record::{Record, RecordPlace};
use crate::gate::printable;

/// How often it is looked for more.
const INTERVAL: Duration = Duration::from_millis(300);

#[derive(Debug, Args)]
pub(super) struct TailArguments {
    /// Only this session, which may have ended [default: all that are open]
    session: Option<SessionId>,
    /// Go on as they do more, and as others begin
    #[arg(short, long)]
    follow: bool,
    /// Begin with the last so many of what each has done
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    #[command(flatten)]
    place: RecordPlace,
}

/// A session that is followed.
struct Followed {
    follower: Follower,
    shown: Shown,
    subject: String,
}

pub(super) fn tail(arguments: &TailArguments) -> Result<()> {
    // Open sessions are nowhere else.
    let record = arguments.place.open_here()?;
    let mut out = std::io::stdout().lock();
    let mut over = match arguments.session {
        Some(_) => BTreeSet::new(),
        None => ended(&record)?,
    };
    let mut followed = BTreeMap::new();
    let mut most = Some(arguments.lines);
    loop {
        let there = match arguments.session {
            Some(session) => {
                let segments = record.directory.of(session)?;
                ensure!(
                    !segments.is_empty(),
                    "there is no session {session} in the record"
                );
                vec![session]
            }
            None => record.directory.list()?.into_keys().collect(),
        };
        for session in there {
            if over.contains(&session) {
                continue;
            }
            let one = followed
                .entry(session)
                .or_insert_with(|| Followed::new(&record, session));
            let (lines, reached) = one.read(most)?;
            // The log is a little late: this one had ended before.
            let had_ended = reached == Reached::Over && most.is_some();
            let is_asked_for = arguments.session.is_some() || !had_ended;
            for line in lines.into_iter().filter(|_| is_asked_for) {
                let who = match arguments.session {
                    Some(_) => String::new(),
                    None => format!("{session} {}  ", one.subject),
                };
                writeln!(out, "{}", printable(format!("{who}{line}")))?;
            }
            if reached == Reached::Over {
                over.insert(session);
                followed.remove(&session);
            }
        }
        out.flush()?;
        let is_over = arguments
            .session
            .is_some_and(|session| over.contains(&session));
        if !arguments.follow || is_over {
            return Ok(());
        }
        most = None;
        std::thread::sleep(INTERVAL);
    }
}

/// Sessions that have ended, as the log has it.
fn ended(record: &Record) -> Result<BTreeSet<SessionId>> {
    let log = record.directory.log();
    let key = fs::read_to_string(log.join("key.pub")).context("the key of the record's log")?;
    let log = Log::open(log, &PublicKey::from_text(&key)?)?;
    let entries = log.entries()?.into_iter();
    let ended = entries.filter(|entry| entry.is_last);
    Ok(ended.map(|entry| entry.session).collect())
}

impl Followed {
    fn new(record: &Record, session: SessionId) -> Self {
        let follower = Follower::new(record.directory.clone(), session);
        Followed {
            follower: follower.reading_as(record.identities.clone()),
            shown: Shown::default(),
            subject: String::new(),
        }
    }

    /// What it has done since the last time, but no more than the last `most`.
    fn read(&mut self, most: Option<usize>) -> Result<(VecDeque<String>, Reached)> {
        let mut lines = VecDeque::new();
        let (shown, subject) = (&mut self.shown, &mut self.subject);
        let reached = self.follower.read(&mut |_, event| {
            if let Event::Opened(opened) = &event {
                subject.clone_from(&opened.subject);
            }
            let line = match &event {
                Event::Attempted(attempted) => Some(shown.beginning(attempted)),
                _ => None,
            };
            lines.extend(line);
            lines.extend(shown.text(event));
            while most.is_some_and(|most| lines.len() > most) {
                lines.pop_front();
            }
            Wants::More
        })?;
        if self.shown.sealed > 0 {
            lines.push_back(text::sealed(self.shown.sealed));
            self.shown.sealed = 0;
        }
        Ok((lines, reached))
    }
}
