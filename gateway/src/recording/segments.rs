//! The files of one open session.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::Arc;

use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_record::event::Continued;
use gatewright_record::framing;
use gatewright_record::journal::{Journal, Piece};
use gatewright_record::log::Entry;
use gatewright_record::segment::{Codec, Hash, Header, Version, Writer};

use super::Recipients;
use super::now;
use super::open::Open;

/// An open session on its way to its files.
pub(super) struct Segments {
    pub open: Arc<Open>,
    /// What was taken from the session and is not written yet.
    pending: Vec<u8>,
    events: u64,
    /// Where the session is once that is written.
    taken: u64,
    has_ended: bool,
    number: u32,
    previous: Hash,
    file: Option<Writer<File>>,
    /// The last block may not be whole.
    is_torn: bool,
    /// Something was written since the file was last on disk.
    is_dirty: bool,
    /// So much of the file is on disk, there or in the journal.
    saved: u64,
    /// The segment has its last event.
    is_closing: bool,
}

/// What writing needs.
pub(super) struct Place {
    pub directory: Directory,
    pub codec: Codec,
    pub max_segment: u64,
    /// For whom new segments are encrypted.
    pub recipients: Option<Recipients>,
    /// What several sessions have on disk at once. `None`: nobody waits for that.
    pub journal: Option<Journal>,
    /// A file was created, whose name may not be on disk.
    pub has_new_names: bool,
    /// Nobody else records in this directory.
    pub _lock: File,
}

/// What was written of a session.
#[derive(Default)]
pub(super) struct Written {
    pub events: u64,
    pub bytes: u64,
    /// Segments that are finished, and on disk.
    pub finished: Vec<Entry>,
}

impl Segments {
    pub fn of(open: Arc<Open>) -> Self {
        Segments {
            open,
            pending: Vec::new(),
            events: 0,
            taken: 0,
            has_ended: false,
            number: 0,
            previous: Hash::default(),
            file: None,
            is_torn: false,
            is_dirty: false,
            saved: 0,
            is_closing: false,
        }
    }

    /// Takes what the session has.
    pub fn take(&mut self) {
        let taken = self.open.take();
        match self.pending.is_empty() {
            true => self.pending = taken.bytes,
            false => self.pending.extend_from_slice(&taken.bytes),
        }
        self.events += taken.events;
        self.taken = taken.position;
        self.has_ended = taken.has_ended;
    }

    /// Nothing will follow, and everything is written and on disk.
    pub fn is_over(&self) -> bool {
        self.has_ended && self.file.is_none() && self.pending.is_empty()
    }

    /// Writes what was taken. What could not be written stays.
    pub fn write(&mut self, place: &mut Place, written: &mut Written) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let mut done = 0;
        let mut outcome = Ok(());
        for block in framing::blocks(&pending) {
            outcome = self.write_block(block, place, written);
            if outcome.is_err() {
                break;
            }
            done += block.len();
        }
        if outcome.is_err() {
            self.pending = pending.get(done..).unwrap_or_default().to_vec();
            return outcome;
        }
        written.events += std::mem::take(&mut self.events);
        self.open.set_written(self.taken);
        Ok(())
    }

    /// Finishes the last segment of a session that has ended.
    pub fn finish(&mut self, place: &mut Place, written: &mut Written) -> io::Result<()> {
        if self.has_ended && self.pending.is_empty() && self.file.is_some() {
            self.close(true, place, written)?;
        }
        Ok(())
    }

    /// Has everything on disk that was written.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.as_mut().filter(|_| self.is_dirty) {
            file.out().sync_data()?;
            self.saved = file.length();
            self.is_dirty = false;
        }
        self.tell_synced();
        Ok(())
    }

    /// How many bytes of the file are on disk nowhere.
    pub fn unsaved(&self) -> u64 {
        let length = self.file.as_ref().map_or(0, Writer::length);
        length.saturating_sub(self.saved)
    }

    /// These bytes, for the journal.
    pub fn piece(&mut self) -> io::Result<Option<Piece>> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let length = file.length().saturating_sub(self.saved);
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.out().read_exact_at(&mut bytes, self.saved)?;
        Ok((length > 0).then_some(Piece {
            session: self.open.id,
            segment: self.number,
            offset: self.saved,
            bytes,
        }))
    }

    /// All that was written is in the journal.
    pub fn set_saved(&mut self) {
        self.saved = self.file.as_ref().map_or(0, Writer::length);
        self.tell_synced();
    }

    fn tell_synced(&self) {
        if self.pending.is_empty() {
            self.open.set_synced(self.taken);
        }
    }

    fn write_block(
        &mut self,
        block: &[u8],
        place: &mut Place,
        written: &mut Written,
    ) -> io::Result<()> {
        let is_long = |file: &Writer<File>| file.length() >= place.max_segment;
        if self.file.as_ref().is_some_and(is_long) {
            let next = self.number + 1;
            let mut last = Vec::new();
            let continued = Event::Continued(Continued {
                at: now(),
                segment: next,
            });
            framing::append(&mut last, &continued).map_err(io::Error::other)?;
            if !self.is_closing {
                self.append(&last, place, written)?;
                self.is_closing = true;
            }
            self.close(false, place, written)?;
            self.number = next;
        }
        self.append(block, place, written)
    }

    fn append(&mut self, block: &[u8], place: &mut Place, written: &mut Written) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(self.begin(place)?);
            self.saved = 0;
        }
        let Some(file) = self.file.as_mut() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let before = file.length();
        if std::mem::replace(&mut self.is_torn, true) {
            file.out().set_len(before)?;
            file.out().seek(SeekFrom::Start(before))?;
        }
        file.append(block, &mut place.codec)?;
        self.is_torn = false;
        self.is_dirty = true;
        written.bytes += file.length() - before;
        Ok(())
    }

    fn begin(&self, place: &mut Place) -> io::Result<Writer<File>> {
        let path = place.directory.segment(self.open.id, self.number);
        // What is there is the beginning of one that could not be written.
        let file = OpenOptions::new()
            // What is written is read again for the journal.
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        place.has_new_names = true;
        let header = Header {
            session: self.open.id,
            number: self.number,
            previous: self.previous,
            version: Version::Clear,
        };
        match &place.recipients {
            None => Writer::begin(file, header),
            Some(recipients) => Writer::begin_sealed(file, header, recipients),
        }
    }

    fn close(&mut self, is_last: bool, place: &mut Place, written: &mut Written) -> io::Result<()> {
        let Some(file) = self.file.as_mut() else {
            return Ok(());
        };
        file.out().sync_all()?;
        if std::mem::take(&mut place.has_new_names) {
            place.directory.sync()?;
        }
        written.finished.push(Entry {
            session: self.open.id,
            segment: self.number,
            digest: file.digest(),
            length: file.length(),
            at: now(),
            is_last,
            deleted: None,
        });
        self.previous = file.digest();
        self.file = None;
        self.is_dirty = false;
        self.is_closing = false;
        Ok(())
    }
}
