//! Reading a segment as a whole.

use std::io::{self, Read};

use super::{Damage, DamageKind, Hash, Header, Reader};
use crate::event::Event;
use crate::framing::Joiner;
use crate::sealed::Identities;

/// What is known of a segment that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// `None`: it cannot be read.
    pub header: Option<Header>,
    /// The sequence number that the next block would have.
    pub blocks: u32,
    /// Where the last whole block ends.
    pub whole_to: u64,
    /// The hash in the last whole block.
    pub digest: Hash,
    pub damages: Vec<Damage>,
    /// Its last event is the one with which a segment ends.
    pub is_closed: bool,
    /// Events in it are encrypted for somebody else.
    pub is_sealed: bool,
}

impl Scan {
    /// True when all that is wrong with it is that its end is not whole, as after a crash.
    pub fn is_torn(&self) -> bool {
        let torn = |damage: &Damage| damage.from >= self.whole_to;
        self.header.is_some() && self.damages.iter().all(torn)
    }
}

/// Reads a segment, and passes on its events.
///
/// # Errors
/// It cannot be read.
pub fn scan(input: impl Read, each: &mut dyn FnMut(Event<'_>)) -> io::Result<Scan> {
    scan_as(input, &Identities::default(), None, each)
}

/// The same with what is encrypted for one of these. `others`: the segment's key, wrapped later for other recipients.
///
/// # Errors
/// It cannot be read.
pub fn scan_as(
    input: impl Read,
    identities: &Identities,
    others: Option<&[u8]>,
    each: &mut dyn FnMut(Event<'_>),
) -> io::Result<Scan> {
    let mut reader = match Reader::open(input)? {
        Ok(reader) => reader,
        Err(damage) => {
            return Ok(Scan {
                header: None,
                blocks: 0,
                whole_to: 0,
                digest: Hash::default(),
                damages: vec![damage],
                is_closed: false,
                is_sealed: false,
            });
        }
    };
    reader.unseal(identities, others);
    let mut scan = Scan {
        header: Some(reader.header()),
        blocks: 0,
        whole_to: reader.offset(),
        digest: reader.digest(),
        damages: Vec::new(),
        is_closed: false,
        is_sealed: reader.is_sealed(),
    };
    let mut joiner = Joiner::default();
    loop {
        let from = reader.offset();
        let block = reader.expected();
        let damage = match reader.next_block()? {
            None => break,
            Some(Ok(block_read)) => {
                let mut closes = scan.is_closed;
                let read = joiner.read(block_read.events, &mut |event| {
                    closes = event.closes();
                    each(event);
                });
                scan.is_closed = closes;
                scan.blocks = reader.expected();
                scan.whole_to = reader.offset();
                scan.digest = reader.digest();
                let Err(_) = read else { continue };
                Damage {
                    from,
                    to: reader.offset(),
                    block: Some(block),
                    kind: DamageKind::NotEvents,
                }
            }
            Some(Err(damage)) => damage,
        };
        joiner.forget();
        scan.is_closed = false;
        scan.damages.push(damage);
    }
    Ok(scan)
}
