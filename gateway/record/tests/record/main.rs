//! Tests of the record's files.

mod damage;
mod deletion;
mod events;
mod follow;
mod golden;
mod log;
mod recovery;
mod samples;
mod sealed;
mod verify;
