//! The SDK for policies in Rust: the trait to implement, the types of the contract with builders, the host's services, and a
//! stand-in for the host so that a policy is tested with plain `cargo test`.
//! It refuses to know how the gateway works; a policy sees the contract and nothing else. Start at [`Policy`].
//!
//! ```
//! use gatewright_policy::{Denial, Facts, NoSettings, Policy, Statement, Verdict, export};
//!
//! struct NoListen;
//!
//! impl Policy for NoListen {
//!     type Settings = NoSettings;
//!     const DESCRIPTION: &'static str = "Refuses LISTEN";
//!
//!     fn new(_: NoSettings) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
//!         if facts.runs("LISTEN") {
//!             return Denial::new("listen", "LISTEN is not allowed here").hint("Poll the table instead.").into();
//!         }
//!         Verdict::allow()
//!     }
//! }
//!
//! export!(NoListen);
//! ```

#![deny(missing_docs)]

#[doc(hidden)]
pub mod bindings;

mod answer;
mod export;
mod facts;
pub mod host;
mod id;
pub mod name;
pub mod packed;
mod policy;
mod statement;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use bindings::gatewright::policy::types::{
    Access, Allowance, Approval, ApprovalEffect, ApprovalWait, Attribute, Batch, BatchColumn,
    BatchEdit, BatchReply, ColumnAction, ColumnRef, ColumnReply, ColumnSource, Completion,
    DataFlow, Denial, Facts, Hooks, Id, Identity, Level, Outcome, PackedColumn, Parameter,
    PartialMask, Phase, Plan, Registration, RelationKind, Replacement, ResultColumn, Reuse, Scope,
    Session, TableRef, Transform, Usage, Verb, Verdict,
};
#[doc(hidden)]
pub use export::start;
pub use facts::command_is;
pub use policy::{NoSettings, Policy};
pub use statement::Statement;
