//! What the relay needs of bytes that wait to be written, and when their memory is freed.

use bytes::{Buf, BytesMut};

/// Output is produced only while less than this many bytes wait to be written, so that a slow peer holds the other back.
pub const HIGH_WATER: usize = 256 * 1024;

/// A larger buffer is freed when it is empty, in bytes.
const KEEP_CAPACITY: usize = 8 * 1024;

/// Bytes on their way to one side.
pub trait Outgoing: Buf {
    /// Frees the memory of a large buffer that is empty.
    fn shrink(&mut self);
}

/// Frees the memory of a large buffer that is empty.
pub fn shrink(bytes: &mut BytesMut) {
    if bytes.is_empty() && bytes.capacity() > KEEP_CAPACITY {
        *bytes = BytesMut::new();
    }
}
