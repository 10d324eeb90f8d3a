//! Statements that are held until a person decides.

mod basics;
mod changed;
mod deployed;
mod destructive;
mod ends;
mod many;
mod messages;
mod pipelines;
mod programs;
mod returned;
mod stage;
mod webhooks;
