//! What the gateway and a policy say to each other, free of any WIT version: one Rust type for each type of the contract.
//! It refuses to know WebAssembly, PostgreSQL's wire and who decides; the policy host turns it into the types of one WIT version.
//! Next: `gatewright-policy-host`, which calls a policy with these types.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod edit;
mod facts;
mod id;
mod kinds;
mod notification;
mod result;
mod wait;

pub use answer::{
    Allowance, Approval, ApprovalEffect, ApprovalWait, Denial, Hooks, Level, Messages,
    Registration, Replacement, Reuse, Scope, Verdict,
};
pub use edit::{ColumnReplacement, Edit, Editing, ReplacementValue, RowFilter};
pub use facts::{
    AccessGrant, Attribute, ColumnRef, ColumnSource, DataFlow, Facts, GrantedTable, Identity,
    Parameter, Session, SettingChange, SettingValue, StatementFacts, TableRef,
};
pub use id::{AccessGrantId, NotAnId, RequestId, SessionId, StatementId};
pub use kinds::{Access, Phase, RelationKind, Transform, Usage, Verb};
pub use notification::{Notification, NotificationReply};
pub use result::{
    Batch, BatchColumn, BatchEdit, BatchReply, ColumnAction, ColumnReply, Completion, Outcome,
    PackedColumn, PartialMask, Plan, ResultColumn,
};
pub use wait::{Judged, Ticket, Wait};
