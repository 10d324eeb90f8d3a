//! The two doors: everything for the server and everything for the client leaves here.

pub(in crate::session) mod outgoing;
pub(in crate::session) mod output;
pub(in crate::session) mod slice;
pub(in crate::session) mod to_client;
pub(in crate::session) mod to_server;
