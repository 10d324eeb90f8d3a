//! Whole messages in the stream of those that a client was given.

use std::io;

use gatewright_wire::frame::{self, Frame, FrameError, Side};

/// The stream, and the beginning of a message in it.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Passes on the messages that are whole now. `Some`: what follows cannot be read.
    pub fn take(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(Frame<'_>) -> io::Result<()>,
    ) -> io::Result<Option<FrameError>> {
        self.bytes.extend_from_slice(bytes);
        let stream = std::mem::take(&mut self.bytes);
        let mut rest = stream.as_slice();
        let longest = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
        loop {
            let header = match frame::next_header(rest, Side::Backend, longest) {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(error) => return Ok(Some(error)),
            };
            let Some((message, behind)) = rest.split_at_checked(header.total()) else {
                break;
            };
            rest = behind;
            each(header.frame(message))?;
        }
        self.bytes = rest.to_vec();
        Ok(None)
    }
}
