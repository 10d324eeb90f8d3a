//! Reading a session while it grows, and again from where an event is.

use std::fs::File;
use std::io;

use gatewright_contract::SessionId;

use crate::directory::{self, Directory};
use crate::event::Event;
use crate::framing::Joiner;
use crate::sealed::Identities;
use crate::segment::{DamageKind, Hash, Mark, Reader};

/// The length of a place as bytes.
const PLACE: usize = 48;

/// Where an event is: in a block of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub segment: u32,
    pub block: Mark,
}

/// How far a session could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// All that is there; more may come.
    End,
    /// The end of the session.
    Over,
    /// Whoever reads has seen enough.
    Enough,
}

/// Whether whoever reads wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    More,
    Nothing,
}

/// Reads one session, block after block. What is damaged is left out. A block that is not whole is read once it is.
pub struct Follower {
    directory: Directory,
    identities: Identities,
    session: SessionId,
    segment: u32,
    /// `None`: before the first block of the segment.
    at: Option<Mark>,
    joiner: Joiner,
    /// Where the event began that goes on in the next block.
    begun: Option<Place>,
    has_ended: bool,
    damages: u64,
    bytes: u64,
}

impl Place {
    pub fn to_bytes(self) -> [u8; PLACE] {
        let mut bytes = [0; PLACE];
        let segment = self.segment.to_be_bytes();
        let sequence = self.block.sequence.to_be_bytes();
        let offset = self.block.offset.to_be_bytes();
        let fields = segment.iter().chain(&sequence).chain(&offset);
        for (byte, value) in bytes.iter_mut().zip(fields.chain(&self.block.previous.0)) {
            *byte = *value;
        }
        bytes
    }

    /// `None`: these are no place.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (segment, rest) = bytes.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        Some(Place {
            segment: u32::from_be_bytes(*segment),
            block: Mark {
                sequence: u32::from_be_bytes(*sequence),
                offset: u64::from_be_bytes(*offset),
                previous: Hash(rest.try_into().ok()?),
            },
        })
    }
}

impl Follower {
    /// From the beginning of the session.
    pub fn new(directory: Directory, session: SessionId) -> Self {
        Follower {
            directory,
            identities: Identities::default(),
            session,
            segment: 0,
            at: None,
            joiner: Joiner::default(),
            begun: None,
            has_ended: false,
            damages: 0,
            bytes: 0,
        }
    }

    /// From the block at a place.
    pub fn from(directory: Directory, session: SessionId, place: Place) -> Self {
        Follower {
            segment: place.segment,
            at: Some(place.block),
            joiner: Joiner::midway(),
            ..Self::new(directory, session)
        }
    }

    /// The same with what is encrypted for one of these.
    #[must_use]
    pub fn reading_as(self, identities: Identities) -> Self {
        Follower { identities, ..self }
    }

    /// So many blocks could not be read.
    pub fn damages(&self) -> u64 {
        self.damages
    }

    /// So many bytes of events were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Passes on the events that are there and were not passed on yet, with where each of them begins. Where `each` wants no more, the block
    /// is the last one that is read; the next call goes on behind it.
    ///
    /// # Errors
    /// A file cannot be read, or is not there.
    pub fn read(&mut self, each: &mut dyn FnMut(Place, Event<'_>) -> Wants) -> io::Result<Reached> {
        loop {
            // The next segment is begun once this one is whole, so it is looked for before this one is read.
            let next = self.segment.checked_add(1);
            let is_there = |number: &u32| self.directory.segment(self.session, *number).exists();
            let next = next.filter(is_there);
            let reached = self.read_segment(each)?;
            match (reached, next) {
                (Reached::End, Some(next)) => {
                    self.segment = next;
                    self.at = None;
                }
                (Reached::End, None) | (Reached::Over | Reached::Enough, _) => return Ok(reached),
            }
        }
    }

    fn read_segment(
        &mut self,
        each: &mut dyn FnMut(Place, Event<'_>) -> Wants,
    ) -> io::Result<Reached> {
        let path = self.directory.segment(self.session, self.segment);
        let Ok(mut reader) = Reader::open(File::open(&path)?)? else {
            return Ok(Reached::End);
        };
        if !self.identities.is_empty() {
            reader.unseal(&self.identities, directory::read_key(&path)?.as_deref());
        }
        if let Some(mark) = self.at {
            reader.go_to(mark)?;
        }
        loop {
            let here = Place {
                segment: self.segment,
                block: reader.mark(),
            };
            match reader.next_block()? {
                None => break,
                Some(Ok(block)) => {
                    self.bytes = self.bytes.saturating_add(block.events.len() as u64);
                    let wants = self.read_block(here, block.events, each);
                    self.at = Some(reader.mark());
                    if wants == Wants::Nothing {
                        return Ok(Reached::Enough);
                    }
                }
                // It is being written, or a crash has cut it.
                Some(Err(damage)) if damage.kind == DamageKind::Cut => break,
                Some(Err(_)) => {
                    self.damages += 1;
                    self.joiner.forget();
                    self.at = Some(reader.mark());
                }
            }
        }
        Ok(match self.has_ended {
            true => Reached::Over,
            false => Reached::End,
        })
    }

    fn read_block(
        &mut self,
        here: Place,
        events: &[u8],
        each: &mut dyn FnMut(Place, Event<'_>) -> Wants,
    ) -> Wants {
        let mut begun = self.begun.take().filter(|_| self.joiner.has_begun());
        let mut wants = Wants::More;
        let ended = &mut self.has_ended;
        let read = self.joiner.read(events, &mut |event| {
            *ended = matches!(event, Event::Ended(_));
            let place = begun.take().unwrap_or(here);
            if each(place, event) == Wants::Nothing {
                wants = Wants::Nothing;
            }
        });
        if read.is_err() {
            self.damages += 1;
            self.joiner.forget();
        }
        self.begun = self
            .joiner
            .has_begun()
            .then(|| begun.take().unwrap_or(here));
        wants
    }
}
