//! One session, read over all of its segments.

use std::fs::File;
use std::io::{self, BufReader};

use crate::directory::Segments;
use crate::event::Event;
use crate::segment::{Scan, scan};

/// Reads the segments one after the other and passes on their events. Damaged blocks are left out.
///
/// # Errors
/// A file cannot be read.
pub fn read(segments: &Segments, each: &mut dyn FnMut(Event<'_>)) -> io::Result<Vec<(u32, Scan)>> {
    let mut scans = Vec::with_capacity(segments.len());
    for (number, path) in segments {
        let file = BufReader::new(File::open(path)?);
        scans.push((*number, scan(file, each)?));
    }
    Ok(scans)
}
