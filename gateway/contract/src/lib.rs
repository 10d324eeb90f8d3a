//! What the gateway and a policy say to each other, free of any WIT version: one Rust type for each type of the contract.
//! It refuses to know WebAssembly, PostgreSQL's wire and who decides; `adapter` turns it into the types of one WIT version.
//! Next room: `policy`, which calls a policy with these types.

mod answer;
mod facts;
mod result;
mod wait;

pub use answer::{
    Allowance, Approval, Denial, Hooks, Level, Registration, Replacement, Reuse, Scope, Verdict,
};
pub use facts::{
    Access, Attribute, ColumnRef, ColumnSource, DataFlow, Facts, Identity, Parameter, Phase,
    RelationKind, Session, StatementFacts, TableRef, Transform, Usage, Verb,
};
pub use result::{
    Batch, BatchColumn, BatchEdit, BatchReply, ColumnAction, ColumnReply, Completion, PackedColumn,
    PartialMask, Plan, ResultColumn,
};
pub use wait::{Judged, Ticket, Wait};
