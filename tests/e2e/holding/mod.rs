//! Statements that are held until a person decides.

mod basics;
mod changed;
mod commits;
mod deployed;
mod destructive;
mod drivers;
mod effects;
mod ends;
mod many;
mod messages;
mod pipelines;
mod programs;
mod returned;
mod rows;
mod shared;
pub mod stage;
mod trial;
mod webhooks;
