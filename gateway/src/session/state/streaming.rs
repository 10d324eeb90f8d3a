//! A message that passes in pieces because nobody needs to see it whole.

/// Such a message, as far as it is still to come.
#[derive(Debug, Clone, Copy)]
pub(in crate::session) struct Streaming {
    remaining: usize,
    /// Whether the pieces go on to the other side.
    pub forward: bool,
}

impl Streaming {
    /// `total`: length of the whole message, in bytes.
    pub fn new(total: usize, forward: bool) -> Self {
        Streaming {
            remaining: total,
            forward,
        }
    }

    /// Takes the next piece of the message from the front of `bytes`.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let piece = bytes.get(..self.remaining).unwrap_or(bytes);
        self.remaining -= piece.len();
        piece
    }

    pub fn is_over(&self) -> bool {
        self.remaining == 0
    }
}
