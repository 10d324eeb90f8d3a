//! What a crash has left: a session whose last segment has no end. It gets one, so that the session can be logged and read like any other.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use gatewright_contract::{Outcome, SessionId};

use crate::directory::{Directory, Segments};
use crate::event::{Completed, Ended, Event, Time, Truncated};
use crate::framing::{self, Unwritable};
use crate::log::Entry;
use crate::segment::{Codec, Hash, Header, Scan, Version, Writer};
use crate::session;

/// Why a session ended that has no end of its own.
const WITHOUT_CLOSING: &str = "the gateway stopped without closing the session";

/// Gives a session an end where it has none. Returns what is to be logged: every segment that is not in `logged`.
///
/// # Errors
/// A file cannot be read or written.
pub fn recover(
    directory: &Directory,
    session: SessionId,
    segments: &Segments,
    logged: &BTreeSet<u32>,
    at: Time,
    codec: &mut Codec,
) -> io::Result<Vec<Entry>> {
    let mut attempted = BTreeSet::new();
    let mut has_ended = false;
    let mut scans = session::read(segments, &mut |event| match event {
        Event::Attempted(event) => {
            attempted.insert(event.execution);
        }
        Event::Sealed(event) => attempted.extend(event.execution),
        Event::Completed(event) => {
            attempted.remove(&event.execution);
        }
        Event::Ended(_) => has_ended = true,
        Event::Opened(_)
        | Event::Judged(_)
        | Event::Delivered(_)
        | Event::Received(_)
        | Event::Truncated(_)
        | Event::Continued(_)
        | Event::Viewed(_) => {}
    })?;
    let last = scans.last().cloned();
    let is_logged = |number: &u32| logged.contains(number);
    // One that is logged and has no end was changed since.
    let can_go_on = |(number, scan): &(u32, Scan)| scan.is_closed || !is_logged(number);
    if let Some((number, scan)) = last.filter(can_go_on).filter(|_| !has_ended) {
        let lost = Lost {
            session,
            executions: attempted,
            at,
        };
        let (number, scan) = lost.end(directory, number, &scan, &scans, codec)?;
        scans.retain(|(known, _)| *known != number);
        scans.push((number, scan));
    }
    let last = scans.last().map(|(number, _)| *number);
    let mut entries = Vec::new();
    for (number, scan) in scans {
        if is_logged(&number) {
            continue;
        }
        let path = directory.segment(session, number);
        entries.push(Entry {
            session,
            segment: number,
            digest: scan.digest,
            length: fs::metadata(path)?.len(),
            at,
            is_last: Some(number) == last,
            deleted: None,
        });
    }
    Ok(entries)
}

/// A session that was lost, and what it was doing.
struct Lost {
    session: SessionId,
    executions: BTreeSet<u64>,
    at: Time,
}

impl Lost {
    /// Ends the last segment, or begins another one if that was about to happen. Returns the one with the end.
    fn end(
        &self,
        directory: &Directory,
        number: u32,
        scan: &Scan,
        scans: &[(u32, Scan)],
        codec: &mut Codec,
    ) -> io::Result<(u32, Scan)> {
        let digest_before = |number: u32| {
            let before = number.checked_sub(1);
            let mut known = scans.iter();
            let known = known.find(|(known, _)| Some(*known) == before);
            known.map_or_else(Hash::default, |(_, scan)| scan.digest)
        };
        let (number, digest, torn) = match (scan.is_closed, scan.header) {
            (true, _) => (number + 1, scan.digest, None),
            (false, None) => (number, digest_before(number), Some(0)),
            (false, Some(header)) => {
                let path = directory.segment(self.session, number);
                return self.go_on(&path, header, scan, codec);
            }
        };
        let path = directory.segment(self.session, number);
        let mut file = File::create(&path)?;
        let header = Header {
            session: self.session,
            number,
            previous: digest,
            version: Version::Clear,
        };
        let mut writer = Writer::begin(&mut file, header)?;
        writer.append(&self.events(torn)?, codec)?;
        let scan = summary(header, &writer);
        file.sync_all()?;
        directory.sync()?;
        Ok((number, scan))
    }

    /// Goes on behind the last whole block. What is not whole is kept in a file of its own.
    fn go_on(
        &self,
        path: &Path,
        header: Header,
        scan: &Scan,
        codec: &mut Codec,
    ) -> io::Result<(u32, Scan)> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        file.seek(SeekFrom::Start(scan.whole_to))?;
        let mut torn = Vec::new();
        file.read_to_end(&mut torn)?;
        if !torn.is_empty() {
            let mut aside = File::create(path.with_extension("torn"))?;
            aside.write_all(&torn)?;
            aside.sync_all()?;
            file.set_len(scan.whole_to)?;
            file.seek(SeekFrom::Start(scan.whole_to))?;
        }
        let torn = (!torn.is_empty()).then_some(torn.len());
        let mut writer = Writer::resume(&mut file, header, scan);
        writer.append(&self.events(torn)?, codec)?;
        let resumed = Scan {
            digest: writer.digest(),
            whole_to: writer.length(),
            is_closed: true,
            ..scan.clone()
        };
        file.sync_all()?;
        Ok((header.number, resumed))
    }

    /// `torn`: so many bytes at the end were not whole.
    fn events(&self, torn: Option<usize>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut append = |event: Event<'_>| {
            let appended = framing::append(&mut bytes, &event);
            appended.map_err(|error: Unwritable| io::Error::other(error))
        };
        if let Some(length) = torn {
            append(Event::Truncated(Truncated {
                at: self.at,
                why: format!("{length} bytes at the end of the file were no whole block"),
                keep: None,
            }))?;
        }
        for execution in &self.executions {
            append(Event::Completed(Completed {
                execution: *execution,
                at: self.at,
                outcome: Outcome::Lost,
                rows: 0,
                bytes: 0,
                masked_cells: 0,
                changed: None,
                sqlstate: String::new(),
                elapsed_us: 0,
            }))?;
        }
        append(Event::Ended(Ended {
            at: self.at,
            why: WITHOUT_CLOSING.to_owned(),
        }))?;
        Ok(bytes)
    }
}

fn summary<W: Write>(header: Header, writer: &Writer<W>) -> Scan {
    Scan {
        header: Some(header),
        blocks: 1,
        whole_to: writer.length(),
        digest: writer.digest(),
        damages: Vec::new(),
        is_closed: true,
        is_sealed: false,
    }
}
