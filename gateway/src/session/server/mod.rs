//! Messages from the server: which outstanding reply each one is, and what the client gets of it.

pub(in crate::session) mod completion;
pub(in crate::session) mod describe;
pub(in crate::session) mod errors;
pub(in crate::session) mod messages;
mod notifications;
pub(in crate::session) mod redaction;
mod rehearsed;
pub(in crate::session) mod renaming;
pub(in crate::session) mod results;
pub(in crate::session) mod settings;
pub(in crate::session) mod stop;
mod unread;
