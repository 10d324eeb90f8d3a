//! Whether a record is what was written: each segment against its own hashes, and the digests of segments against the log.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use gatewright_contract::SessionId;
use thiserror::Error;

use crate::directory::{Directory, Segments};
use crate::log::{Checkpoint, Entry, Log, LogError, PublicKey};
use crate::sealed::Identities;
use crate::segment::{Damage, DamageKind, Hash, Scan};
use crate::session;

/// What is verified against.
pub struct Trust {
    /// The key of the log.
    pub key: PublicKey,
    /// Checkpoints that were kept elsewhere: the log must still have all that it had then.
    pub older: Vec<Checkpoint>,
    /// What is encrypted for one of these is decrypted, too. Without any, what is encrypted is verified as it is.
    pub identities: Identities,
}

/// Verification could not be carried out.
#[derive(Debug, Error)]
pub enum Failed {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("there is no session {0} in the record or its log")]
    NoSession(SessionId),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Sessions that were verified.
    pub sessions: usize,
    /// Segments that are in the log, and as they were logged.
    pub proven: usize,
    /// The sessions that have not ended: their last segment is in no log yet.
    pub open: Vec<SessionId>,
    /// Segments with events that are encrypted for somebody else.
    pub sealed: usize,
    /// Sessions that the log says are deleted, and that are gone.
    pub deleted: Vec<Entry>,
    /// Those of which files are still there.
    pub deleting: Vec<SessionId>,
    /// Entries in the log.
    pub log: u64,
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Finding {
    /// `None`: it concerns the log.
    pub session: Option<SessionId>,
    pub segment: Option<u32>,
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug)]
pub enum Problem {
    Damaged(Damage),
    /// The file is shorter than what was logged.
    CutAt {
        length: u64,
        logged: u64,
    },
    /// It was written anew, or something was appended.
    NotAsLogged {
        digest: Hash,
        logged: Hash,
    },
    /// The log has it, and the directory has not.
    Missing,
    /// It does not follow the segment before it.
    WrongPlace,
    /// It has ended, and the log does not have it.
    NotLogged,
    /// It has no end, and is not the session's last.
    NoEnd,
    /// The log has it twice.
    LoggedTwice,
    Log(LogError),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(session) = self.session {
            write!(f, "session {session}")?;
        }
        if let Some(segment) = self.segment {
            write!(f, ", segment {segment}")?;
        }
        if self.session.is_some() {
            write!(f, ": ")?;
        }
        match &self.problem {
            Problem::Damaged(damage) => write!(f, "{damage}"),
            Problem::CutAt { length, logged } => write!(
                f,
                "the file is cut off at byte {length}; {logged} bytes were logged"
            ),
            Problem::NotAsLogged { digest, logged } => write!(
                f,
                "the file was written anew: its digest is {digest}, and {logged} was logged"
            ),
            Problem::Missing => write!(f, "the file is missing, and the log has it"),
            Problem::WrongPlace => {
                write!(f, "the file does not belong behind the segment before it")
            }
            Problem::NotLogged => write!(f, "the file has its end, and the log does not have it"),
            Problem::NoEnd => write!(f, "the file has no end, and there is a segment behind it"),
            Problem::LoggedTwice => write!(f, "the log has the segment twice"),
            Problem::Log(error) => write!(f, "the log: {error}"),
        }
    }
}

/// Entries of the log by session and segment, with their indexes.
type Logged = BTreeMap<SessionId, LoggedSession>;

/// What the log has of a session.
#[derive(Default)]
struct LoggedSession {
    segments: BTreeMap<u32, (u64, Entry)>,
    /// That it is deleted.
    deleted: Option<(u64, Entry)>,
}

/// Verifies all sessions, and that the log has exactly the entries for which its checkpoint was signed.
///
/// # Errors
/// A file cannot be read.
pub fn all(directory: &Directory, trust: &Trust) -> Result<Report, Failed> {
    let mut report = Report::default();
    let mut logged = match open(directory, trust, &mut report) {
        Some((log, entries)) => {
            note(&mut report, log.prove_all(&entries));
            by_session(&entries, &mut report)
        }
        None => Logged::new(),
    };
    let read = |source| Failed::Read {
        path: directory.root().to_owned(),
        source,
    };
    for (id, segments) in directory.list().map_err(read)? {
        let entries = logged.remove(&id).unwrap_or_default();
        verify(id, &segments, &entries, trust, &mut report)?;
    }
    for (id, entries) in logged {
        verify(id, &Segments::new(), &entries, trust, &mut report)?;
    }
    Ok(report)
}

/// Verifies one session; of the others nothing but their entries in the log is read.
///
/// # Errors
/// A file cannot be read, or there is no such session.
pub fn one(directory: &Directory, session: SessionId, trust: &Trust) -> Result<Report, Failed> {
    let mut report = Report::default();
    let opened = open(directory, trust, &mut report);
    let entries = match &opened {
        Some((_, entries)) => by_session(entries, &mut report).remove(&session),
        None => None,
    }
    .unwrap_or_default();
    let read = |source| Failed::Read {
        path: directory.root().to_owned(),
        source,
    };
    let segments = directory.of(session).map_err(read)?;
    if segments.is_empty() && entries.segments.is_empty() {
        return Err(Failed::NoSession(session));
    }
    if let Some((log, _)) = &opened {
        let all = entries.segments.values().chain(&entries.deleted);
        for (index, entry) in all {
            note(&mut report, log.prove(*index, entry));
        }
    }
    verify(session, &segments, &entries, trust, &mut report)?;
    Ok(report)
}

fn open(directory: &Directory, trust: &Trust, report: &mut Report) -> Option<(Log, Vec<Entry>)> {
    let opened = Log::open(directory.log(), &trust.key).and_then(|log| {
        report.log = log.len();
        let entries = log.entries()?;
        for older in &trust.older {
            log.prove_since(older)?;
        }
        Ok((log, entries))
    });
    opened.map_err(|error| note(report, Err(error))).ok()
}

fn note(report: &mut Report, proven: Result<(), LogError>) {
    if let Err(error) = proven {
        report.findings.push(Finding {
            session: None,
            segment: None,
            problem: Problem::Log(error),
        });
    }
}

fn by_session(entries: &[Entry], report: &mut Report) -> Logged {
    let mut logged = Logged::new();
    for (index, entry) in (0..).zip(entries) {
        let of_session = logged.entry(entry.session).or_default();
        if entry.deleted.is_some() {
            of_session.deleted = Some((index, *entry));
            continue;
        }
        let known = &mut of_session.segments;
        if known.insert(entry.segment, (index, *entry)).is_some() {
            report.findings.push(Finding {
                session: Some(entry.session),
                segment: Some(entry.segment),
                problem: Problem::LoggedTwice,
            });
        }
    }
    logged
}

fn verify(
    id: SessionId,
    segments: &Segments,
    LoggedSession {
        segments: logged,
        deleted,
    }: &LoggedSession,
    trust: &Trust,
    report: &mut Report,
) -> Result<(), Failed> {
    report.sessions += 1;
    let mut problems: Vec<(u32, Problem)> = Vec::new();
    let may_be_missing = |number: &u32| deleted.is_some_and(|(_, entry)| *number <= entry.segment);
    match deleted {
        Some((_, entry)) if segments.is_empty() => report.deleted.push(*entry),
        Some(_) => report.deleting.push(id),
        None => {}
    }
    let missing = logged
        .keys()
        .filter(|number| !segments.contains_key(number) && !may_be_missing(number));
    problems.extend(missing.map(|number| (*number, Problem::Missing)));
    let mut previous = Hash::default();
    let mut next = 0;
    let last = segments.keys().next_back().copied();
    for (number, path) in segments {
        let (mut scan, length) = read(*number, path, &trust.identities)?;
        report.sealed += usize::from(scan.is_sealed);
        let is_in_place = scan.header.is_none_or(|header| {
            header.session == id
                && header.number == *number
                && (*number != next || header.previous == previous)
        });
        if !is_in_place || *number != next && !logged.contains_key(&next) {
            problems.push((*number, Problem::WrongPlace));
        }
        (previous, next) = (scan.digest, number.saturating_add(1));
        let entry = logged.get(number);
        let is_last = Some(*number) == last;
        if entry.is_none() && is_last {
            // The block that is being written.
            scan.damages.retain(|damage| damage.kind != DamageKind::Cut);
        }
        let of = Verified {
            scan: &scan,
            length,
            is_last,
        };
        match entry {
            Some((_, entry)) => {
                let problem = of.against(entry);
                report.proven += usize::from(problem.is_none() && scan.damages.is_empty());
                problems.extend(problem.map(|problem| (*number, problem)));
            }
            None => match of.unlogged() {
                Some(problem) => problems.push((*number, problem)),
                None => report.open.push(id),
            },
        }
        let damages = scan.damages.into_iter();
        problems.extend(damages.map(|damage| (*number, Problem::Damaged(damage))));
    }
    let found = problems.into_iter().map(|(segment, problem)| Finding {
        session: Some(id),
        segment: Some(segment),
        problem,
    });
    report.findings.extend(found);
    Ok(())
}

/// Reads one segment. Returns the length of its file, too.
fn read(number: u32, path: &Path, identities: &Identities) -> Result<(Scan, u64), Failed> {
    let failed = |source| Failed::Read {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    let one = Segments::from([(number, path.to_owned())]);
    let mut scans = session::read_as(&one, identities, &mut |_| {}).map_err(failed)?;
    let (_, scan) = scans
        .pop()
        .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    Ok((scan, length))
}

/// A segment that was read.
struct Verified<'a> {
    scan: &'a Scan,
    length: u64,
    is_last: bool,
}

impl Verified<'_> {
    /// Compares it with what was logged.
    fn against(&self, entry: &Entry) -> Option<Problem> {
        if self.length < entry.length {
            return Some(Problem::CutAt {
                length: self.length,
                logged: entry.length,
            });
        }
        let is_same = self.scan.digest == entry.digest && self.length == entry.length;
        (!is_same && self.scan.damages.is_empty()).then_some(Problem::NotAsLogged {
            digest: self.scan.digest,
            logged: entry.digest,
        })
    }

    /// What is wrong with one that is in no log.
    fn unlogged(&self) -> Option<Problem> {
        match (self.scan.is_closed, self.is_last) {
            (true, _) => Some(Problem::NotLogged),
            (false, false) => Some(Problem::NoEnd),
            (false, true) => None,
        }
    }
}
