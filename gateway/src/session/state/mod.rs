//! What the session knows: outstanding replies, names, the transaction, how text is read, and the message that is held.

pub(in crate::session) mod charset;
pub(in crate::session) mod copy_probe;
pub(in crate::session) mod encoding;
pub(in crate::session) mod ends;
pub(in crate::session) mod held;
pub(in crate::session) mod lookup;
pub(in crate::session) mod name;
pub(in crate::session) mod names;
pub(in crate::session) mod outstanding;
pub(in crate::session) mod pipeline;
pub(in crate::session) mod queue;
pub(in crate::session) mod reading;
pub(in crate::session) mod rehearsal;
pub(in crate::session) mod returned;
pub(in crate::session) mod running;
pub(in crate::session) mod search_path;
pub(in crate::session) mod server;
pub(in crate::session) mod session;
pub(in crate::session) mod streaming;
pub(in crate::session) mod transaction;
