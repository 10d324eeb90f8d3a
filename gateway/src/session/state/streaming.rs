//! A message that passes in pieces because nobody needs to see it whole.

/// Such a message, as far as it is still to come.
#[derive(Debug, Clone, Copy)]
pub(in crate::session) struct Streaming {
    remaining: usize,
    /// Whether the pieces go on to the other side.
    forward: bool,
}

impl Streaming {
    /// `total`: length of the whole message, in bytes.
    pub fn new(total: usize, forward: bool) -> Self {
        Streaming {
            remaining: total,
            forward,
        }
    }

    /// Takes the next piece of a message that is under way from the front of `bytes`, and whether it goes on. The last piece ends it.
    pub fn next<'a>(under_way: &mut Option<Self>, bytes: &'a [u8]) -> Option<(&'a [u8], bool)> {
        let streaming = under_way.as_mut()?;
        let forward = streaming.forward;
        let piece = bytes.get(..streaming.remaining).unwrap_or(bytes);
        streaming.remaining -= piece.len();
        if streaming.remaining == 0 {
            *under_way = None;
        }
        Some((piece, forward))
    }
}
