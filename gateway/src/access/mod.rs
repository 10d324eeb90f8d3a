//! Access grants: for a time, somebody may do something to tables that policies would otherwise stop. People ask for them and decide
//! about them by the rules of `approvals`; they are kept in `store`, and those that are active are known in memory. What a grant
//! lifts is for the policies to say: to them it is a fact. Not to be confused with the grants of `identity`, which say who may use
//! which role.
//! Next: `gate` shows the active grants of a session's identity to its policies, and `api` takes what people ask and decide.

mod asking;
mod book;
mod deciding;
mod error;
mod grant;
mod holder;
mod keeping;
mod lease;
mod names;
mod reading;
mod refused;
mod service;
mod spending;
mod state;
mod table;
mod transition;

#[cfg(test)]
mod tests;

pub use asking::Ask;
pub use deciding::{Decision, Verdict};
pub use error::GrantError;
pub use grant::AccessGrant;
pub use holder::{Active, Holder};
pub use names::{TableName, TableNameError};
pub use reading::{Entry, Event, Page};
pub use refused::Refused;
pub use service::AccessGrants;
pub use state::State;
pub use table::{GrantTable, UnknownVerb, Verbs};
