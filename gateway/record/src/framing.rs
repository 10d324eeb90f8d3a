//! Events in the bytes of a block: each is preceded by its length. One that is longer than a block is cut into pieces.

use thiserror::Error;

use crate::event::Event;

/// The most bytes of events in one block.
pub const MAX_BLOCK: usize = 4 << 20;

/// The longest event.
pub const MAX_EVENT: usize = 256 << 20;

/// The longest piece of one.
const MAX_PIECE: usize = 1 << 20;

/// Before each piece: its length, and in the two upper bits which part of the event it is.
const HEADER: usize = 4;

const LENGTH: u32 = (1 << 30) - 1;

/// An event cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unwritable {
    #[error("an event of {0} bytes is longer than can be recorded ({MAX_EVENT})")]
    TooLong(usize),
    #[error("an event cannot be encoded: {0}")]
    Encoding(String),
}

/// The bytes of a block are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotEvents {
    #[error("a piece of an event is cut off")]
    Cut,
    #[error("a piece of an event without its beginning")]
    NoBeginning,
    #[error("an event that is too long")]
    TooLong,
    #[error("an event of an unknown kind, or with an unreadable field")]
    Unreadable,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    First,
    Middle,
    Last,
}

impl Part {
    fn of(header: u32) -> Self {
        match header >> 30 {
            0 => Part::Whole,
            1 => Part::First,
            2 => Part::Middle,
            _ => Part::Last,
        }
    }

    fn bits(self) -> u32 {
        let bits = match self {
            Part::Whole => 0,
            Part::First => 1,
            Part::Middle => 2,
            Part::Last => 3,
        };
        bits << 30
    }
}

/// Appends an event. On an error nothing is appended.
///
/// # Errors
/// It is too long.
pub fn append(out: &mut Vec<u8>, event: &Event<'_>) -> Result<(), Unwritable> {
    let begin = out.len();
    out.extend_from_slice(&[0; HEADER]);
    if let Err(error) = minicbor::encode(event, &mut *out) {
        out.truncate(begin);
        return Err(Unwritable::Encoding(error.to_string()));
    }
    let length = out.len() - begin - HEADER;
    if length <= MAX_PIECE {
        write_header(out, begin, Part::Whole, length);
        return Ok(());
    }
    if length > MAX_EVENT {
        out.truncate(begin);
        return Err(Unwritable::TooLong(length));
    }
    let event = out.split_off(begin + HEADER);
    out.truncate(begin);
    let last = event.len().div_ceil(MAX_PIECE) - 1;
    for (index, piece) in event.chunks(MAX_PIECE).enumerate() {
        let part = match index {
            0 => Part::First,
            index if index == last => Part::Last,
            _ => Part::Middle,
        };
        let begin = out.len();
        out.extend_from_slice(&[0; HEADER]);
        out.extend_from_slice(piece);
        write_header(out, begin, part, piece.len());
    }
    Ok(())
}

fn write_header(out: &mut [u8], begin: usize, part: Part, length: usize) {
    // No piece is longer than MAX_PIECE.
    let length = u32::try_from(length).unwrap_or(LENGTH) & LENGTH;
    if let Some(header) = out.get_mut(begin..begin + HEADER) {
        header.copy_from_slice(&(part.bits() | length).to_be_bytes());
    }
}

/// The next piece, and what is behind it.
pub(crate) fn next_piece(bytes: &[u8]) -> Result<(Part, &[u8], &[u8]), NotEvents> {
    let (header, rest) = bytes.split_first_chunk().ok_or(NotEvents::Cut)?;
    let header = u32::from_be_bytes(*header);
    let length = (header & LENGTH) as usize;
    let (piece, rest) = rest.split_at_checked(length).ok_or(NotEvents::Cut)?;
    Ok((Part::of(header), piece, rest))
}

/// Cuts what [`append`] has written into the contents of blocks.
pub fn blocks(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let mut end = 0;
        while let Some(Ok((_, piece, _))) = bytes.get(end..).map(next_piece) {
            if end > 0 && end + HEADER + piece.len() > MAX_PIECE {
                break;
            }
            end += HEADER + piece.len();
        }
        let (block, rest) = bytes.split_at_checked(end)?;
        bytes = rest;
        (!block.is_empty()).then_some(block)
    })
}

/// Reads events from one block after the other.
#[derive(Debug, Default)]
pub struct Joiner {
    /// The beginning of an event that goes on in the next block.
    begun: Option<Vec<u8>>,
    /// Pieces are passed over until an event begins.
    is_midway: bool,
}

impl Joiner {
    /// Begins at a block that may begin with the rest of an event, which is left out.
    pub fn midway() -> Self {
        Joiner {
            begun: None,
            is_midway: true,
        }
    }

    /// Passes on the events of the next block.
    ///
    /// # Errors
    /// It has something else; the events before it were passed on.
    pub fn read(
        &mut self,
        mut block: &[u8],
        each: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), NotEvents> {
        while !block.is_empty() {
            let (part, piece, rest) = next_piece(block)?;
            block = rest;
            let is_rest = matches!(part, Part::Middle | Part::Last);
            if self.is_midway && is_rest {
                continue;
            }
            self.is_midway = false;
            match part {
                Part::Whole => {
                    self.begun = None;
                    each(decode(piece)?);
                }
                Part::First => self.begun = Some(piece.to_vec()),
                Part::Middle | Part::Last => {
                    let mut begun = self.begun.take().ok_or(NotEvents::NoBeginning)?;
                    if begun.len() + piece.len() > MAX_EVENT {
                        return Err(NotEvents::TooLong);
                    }
                    begun.extend_from_slice(piece);
                    if part == Part::Last {
                        each(decode(&begun)?);
                    } else {
                        self.begun = Some(begun);
                    }
                }
            }
        }
        Ok(())
    }

    /// True where an event goes on in the next block.
    pub fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Something is missing: what has begun will not be whole.
    pub fn forget(&mut self) {
        self.begun = None;
    }
}

fn decode(bytes: &[u8]) -> Result<Event<'_>, NotEvents> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let event = decoder.decode().map_err(|_| NotEvents::Unreadable)?;
    match decoder.position() == bytes.len() {
        true => Ok(event),
        false => Err(NotEvents::Unreadable),
    }
}
