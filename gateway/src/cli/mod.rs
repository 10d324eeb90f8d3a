//! The commands that need no running gateway.
//! Refuses to know how arguments are parsed: each command gets its values and a place to write to.
//! Next room: `config`, which reads the file a command is given.

pub mod check;
