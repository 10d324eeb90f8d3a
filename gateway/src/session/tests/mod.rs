//! The session driven message by message, with a judge of a few lines.

mod extended;
mod judge;
mod play;
mod properties;
mod room;
mod server;
mod simple;
