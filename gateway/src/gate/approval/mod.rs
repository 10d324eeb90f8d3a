//! Statements that people have to approve: what policies require, the request that is made of it, the wait for its end, and whether what
//! was approved is still what would run.

mod asking;
mod claim;
mod draft;
mod effect;
pub(super) mod refusals;
mod requirement;
mod showing;
mod unchanged;
mod waiting;

#[cfg(test)]
mod tests;

pub(super) use claim::Claims;
pub(super) use requirement::{Requirement, Wanted};
pub(super) use waiting::Waiting;
