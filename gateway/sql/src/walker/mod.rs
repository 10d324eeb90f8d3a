//! From a syntax tree to facts. A construct that is not understood makes the statement opaque; an ambiguous name is
//! reported for everything it can mean.

mod columns;
mod command;
mod convert;
mod dispatch;
mod dml;
mod equality;
mod named_functions;
mod outputs;
mod reference;
mod role;
mod scope;
mod select;
mod sources;
mod state;
mod syntax;
mod tags;

use gatewright_parser::Node;

use crate::catalog::Names;
use crate::facts::{Access, Facts, SessionEffect};
use crate::masks::Masks;

use state::Walker;

pub(crate) use outputs::limit;

/// What a statement of a definition names, without lineage. `None` if it does more than read and write rows.
pub(crate) fn names(node: Node<'_>, catalog: Names<'_>) -> Option<Facts> {
    let mut walker = Walker::new(catalog);
    walker.node(node);
    let facts = walker.facts;
    let followed = Access::SELECT | Access::INSERT | Access::UPDATE | Access::DELETE | Access::LOCK;
    let understood = facts.session == SessionEffect::None
        && facts
            .tables
            .iter()
            .all(|table| followed.contains(table.access));
    understood.then_some(facts)
}

/// Takes the facts of one statement from its tree. What lineage adds is missing.
pub(crate) fn walk<'a>(node: Node<'a>, catalog: Names<'a>, masks: &'a Masks) -> Walker<'a> {
    let mut walker = Walker::new(catalog);
    walker.masks = Some(masks);
    walker.facts.verb = tags::verb(node);
    walker.node(node);
    walker
}
