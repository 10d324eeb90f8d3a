//! The SDK for policies in Rust: the trait to implement, the contract's types with builders, the host's services, and a
//! test double of the host for plain `cargo test`.
//! A policy sees only the contract, not how the gateway works. Start at [`Policy`].
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
//!         Verdict::reusable()
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
mod grants;
pub mod host;
mod id;
pub mod name;
mod names;
pub mod packed;
mod policy;
mod statement;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use bindings::gatewright::policy::types::{
    Access, AccessGrant, Allowance, Approval, ApprovalEffect, ApprovalWait, Attribute, Batch,
    BatchColumn, BatchEdit, BatchReply, ColumnAction, ColumnRef, ColumnReplacement, ColumnReply,
    ColumnSource, Completion, DataFlow, Denial, Edit, Editing, Facts, GrantedTable, Hooks, Id,
    Identity, Level, Messages, Notification, NotificationReply, Outcome, PackedColumn, Parameter,
    PartialMask, Phase, Plan, Registration, RelationKind, Replacement, ReplacementValue,
    ResultColumn, Reuse, RowFilter, Scope, Session, SettingChange, SettingValue, TableRef,
    Transform, Usage, Verb, Verdict,
};
#[doc(hidden)]
pub use export::start;
pub use facts::{command_is, is_command_tag};
pub use grants::Granted;
pub use policy::{NoSettings, Policy};
pub use statement::Statement;
