//! Reads and writes of the two sockets. There is one read buffer per thread: an idle connection holds no memory for bytes that may
//! never come.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::session::Outgoing;

/// How much is read at once, in bytes.
const SCRATCH: usize = 128 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// Lends the thread's buffer. It is not lent twice at once: a relay reads one socket after the other.
pub(super) fn with_scratch<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => work(&mut buffer),
        Err(_) => work(&mut vec![0; SCRATCH]),
    })
}

pub(super) fn read<R: AsyncRead + Unpin>(
    socket: &mut R,
    context: &mut Context<'_>,
    scratch: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(scratch);
    ready!(Pin::new(socket).poll_read(context, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Writes what the socket takes. True when something went out.
pub(super) fn write<W: AsyncWrite + Unpin>(
    socket: &mut W,
    bytes: &mut impl Outgoing,
    context: &mut Context<'_>,
) -> io::Result<bool> {
    let mut moved = false;
    while bytes.has_remaining() {
        match Pin::new(&mut *socket).poll_write(context, bytes.chunk()) {
            Poll::Pending => return Ok(moved),
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(count)) => {
                bytes.advance(count);
                moved = true;
            }
            Poll::Ready(Err(error)) => return Err(error),
        }
    }
    if moved {
        bytes.shrink();
        // TLS keeps records back until it is told to send them.
        if let Poll::Ready(Err(error)) = Pin::new(socket).poll_flush(context) {
            return Err(error);
        }
    }
    Ok(moved)
}
