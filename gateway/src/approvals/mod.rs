//! Requests for a person's approval: what an approval binds, who may decide, and what becomes of a request. It keeps them
//! in `store`. It does not know sessions or protocol messages.
//! Next: `gate` asks for approvals, and `api` shows requests to people and takes their decisions.
//!
//! The gate's side is [`Approvals`], a handle that is cheap to clone and can be used on every thread:
//!
//! ```text
//! async fn submit(&self, draft: Draft) -> Result<Submitted, ApprovalsError>
//! async fn outcome(&self, id: RequestId) -> Outcome
//! fn withdraw(&self, id: RequestId, why: Withdrawal)
//! async fn finished(&self, id: RequestId, how: Finished)
//! ```

mod binding;
mod error;
mod exchange;

pub use binding::{Binding, Parameter, ParameterValue};
pub use error::ApprovalsError;
pub use exchange::{Approved, Draft, Finished, Outcome, Shown, Submitted, Withdrawal};
