//! One session, read over all of its segments.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::directory::{self, Segments};
use crate::event::Event;
use crate::framing::Joiner;
use crate::sealed::Identities;
use crate::segment::{Reader, Scan, scan_as};

/// Reads the segments one after the other and passes on their events. Damaged blocks are left out.
///
/// # Errors
/// A file cannot be read.
pub fn read(segments: &Segments, each: &mut dyn FnMut(Event<'_>)) -> io::Result<Vec<(u32, Scan)>> {
    read_as(segments, &Identities::default(), each)
}

/// The same with what is encrypted for one of these.
///
/// # Errors
/// A file cannot be read.
pub fn read_as(
    segments: &Segments,
    identities: &Identities,
    each: &mut dyn FnMut(Event<'_>),
) -> io::Result<Vec<(u32, Scan)>> {
    let mut scans = Vec::with_capacity(segments.len());
    for (number, path) in segments {
        let file = BufReader::new(File::open(path)?);
        let others = match identities.is_empty() {
            true => None,
            false => directory::read_key(path)?,
        };
        let scan = scan_as(file, identities, others.as_deref(), each)?;
        scans.push((*number, scan));
    }
    Ok(scans)
}

/// Passes on the events of a segment's first block.
///
/// # Errors
/// The file cannot be read.
pub fn read_first(path: &Path, each: &mut dyn FnMut(Event<'_>)) -> io::Result<()> {
    let file = BufReader::new(File::open(path)?);
    if let Ok(mut reader) = Reader::open(file)?
        && let Some(Ok(block)) = reader.next_block()?
    {
        // What is unreadable behind them is not passed on.
        let _ = Joiner::default().read(block.events, each);
    }
    Ok(())
}
