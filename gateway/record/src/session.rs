//! One session, read over all of its segments.

use std::fs::File;
use std::io::{self, BufReader, Read};

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

/// Passes on the events of a segment's first block, of which nothing behind it has to be there.
///
/// # Errors
/// It cannot be read.
pub fn read_first(segment: impl Read, each: &mut dyn FnMut(Event<'_>)) -> io::Result<()> {
    if let Ok(mut reader) = Reader::open(segment)?
        && let Some(Ok(block)) = reader.next_block()?
    {
        // What is unreadable behind them is not passed on.
        let _ = Joiner::default().read(block.events, each);
    }
    Ok(())
}
