//! What of a block is in the clear. In place of each piece that is encrypted stands an event that says of what kind it is.

use minicbor::Decoder;

use crate::event::{Event, Sealed};
use crate::framing::{self, NotEvents, Part, Unwritable, next_piece};

/// The kinds of events that are encrypted: judged, attempted, delivered and received.
const SECRET: [u8; 4] = [1, 2, 3, 4];

const ATTEMPTED: u8 = 2;

const SEALED: u8 = 9;

/// The two parts of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    pub clear: Vec<u8>,
    pub secret: Vec<u8>,
}

/// # Errors
/// It is no block of events.
pub(crate) fn split(mut block: &[u8]) -> Result<Split, NotSplit> {
    let mut split = Split::default();
    while !block.is_empty() {
        let (part, content, rest) = next_piece(block)?;
        let length = block.len() - rest.len();
        let piece = block.get(..length).unwrap_or_default();
        block = rest;
        let kind = match part {
            Part::Whole | Part::First => Some(kind_of(content).ok_or(NotEvents::Unreadable)?),
            Part::Middle | Part::Last => None,
        };
        if part == Part::Whole && kind.is_some_and(|kind| !SECRET.contains(&kind)) {
            split.clear.extend_from_slice(piece);
            continue;
        }
        let execution = (kind == Some(ATTEMPTED)).then(|| execution_of(content));
        let stub = Event::Sealed(Sealed {
            kind,
            length: length as u64,
            execution: execution.flatten(),
        });
        framing::append(&mut split.clear, &stub)?;
        split.secret.extend_from_slice(piece);
    }
    Ok(split)
}

/// The block again. `None`: these are no two parts of one.
pub(crate) fn merge(clear: &[u8], mut secret: &[u8], block: &mut Vec<u8>) -> Option<()> {
    let mut rest = clear;
    while !rest.is_empty() {
        let (part, content, behind) = next_piece(rest).ok()?;
        let own = rest.get(..rest.len() - behind.len())?;
        rest = behind;
        let is_stub = part == Part::Whole && kind_of(content) == Some(SEALED);
        if !is_stub {
            block.extend_from_slice(own);
            continue;
        }
        let Event::Sealed(stub) = minicbor::decode(content).ok()? else {
            return None;
        };
        let length = usize::try_from(stub.length).ok()?;
        let (piece, behind) = secret.split_at_checked(length)?;
        block.extend_from_slice(piece);
        secret = behind;
    }
    secret.is_empty().then_some(())
}

/// A block cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSplit {
    #[error(transparent)]
    Events(#[from] NotEvents),
    #[error(transparent)]
    Stub(#[from] Unwritable),
}

fn kind_of(event: &[u8]) -> Option<u8> {
    let mut decoder = Decoder::new(event);
    decoder.array().ok()?;
    decoder.u8().ok()
}

/// The first key of an attempt, which is there although the event may go on in another piece.
fn execution_of(event: &[u8]) -> Option<u64> {
    let mut decoder = Decoder::new(event);
    decoder.array().ok()?;
    decoder.u8().ok()?;
    decoder.array().ok()?;
    decoder.map().ok()?;
    match decoder.u8().ok()? {
        0 => decoder.u64().ok(),
        _ => None,
    }
}
