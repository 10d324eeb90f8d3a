//! Statements that are held until a person decides.

mod basics;
mod changed;
mod commits;
mod deployed;
mod destructive;
mod effects;
mod ends;
mod many;
mod messages;
mod pipelines;
mod programs;
mod returned;
mod rows;
pub mod stage;
mod webhooks;
