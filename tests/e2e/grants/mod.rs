//! Access grants: for a time, somebody may do what policies would otherwise stop.

mod budget;
mod lifted;
mod limits;
mod shared;
pub mod stage;
