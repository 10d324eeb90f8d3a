//! Messages from the client: which are legal now, how each is judged, and what leaves for the server.

pub(in crate::session) mod bind;
pub(in crate::session) mod comparing;
pub(in crate::session) mod copy;
pub(in crate::session) mod cursor;
pub(in crate::session) mod execute;
pub(in crate::session) mod extended;
pub(in crate::session) mod messages;
pub(in crate::session) mod parse;
pub(in crate::session) mod placing;
pub(in crate::session) mod query;
pub(in crate::session) mod refusing;
pub(in crate::session) mod rehearsing;
pub(in crate::session) mod renewing;
pub(in crate::session) mod showing;
