//! The record: what was delivered is in it byte for byte and nothing that was masked is, what ran is in it whatever happens, and what was done
//! to it shows.

mod approvals;
mod backtest;
mod canaries;
pub use canaries::each_file;
pub use disk_full::SmallDisk;
mod checkpoints;
mod commands;
mod crash;
mod delivered;
mod disk_full;
mod encrypted;
mod export;
pub mod fixture;
mod index;
mod kills;
mod large;
mod limits;
mod redacted;
mod rehearsed;
mod retention;
mod slow_disk;
mod store;
mod watched;
